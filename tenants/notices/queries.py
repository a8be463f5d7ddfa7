"""Reads of the inbox: always one's own."""

from __future__ import annotations

from django.db.models import QuerySet

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from tenants.notices.models import Notice


def inbox(*, by: Actor, unread: bool = False, kind: str = "") -> QuerySet[Notice]:
    """The actor's notices, newest first. Raises NotAllowed for visitors and tokens without the scope."""
    if by.account_id is None or not by.may("notices:read"):
        raise NotAllowed
    rows = Notice.objects.filter(account_id=by.account_id)
    if unread:
        rows = rows.filter(read_at__isnull=True)
    if kind:
        rows = rows.filter(kind=kind)
    return rows


def unread_count(by: Actor) -> int:
    """For the badge in the shell: one query on a partial index."""
    if by.account_id is None:
        return 0
    return Notice.objects.filter(account_id=by.account_id, read_at__isnull=True).count()


def one(*, notice_id: int, by: Actor) -> Notice:
    """One notice of the actor. Raises NotFound, also for another person's."""
    row = inbox(by=by).filter(pk=notice_id).first()
    if row is None:
        raise NotFound
    return row
