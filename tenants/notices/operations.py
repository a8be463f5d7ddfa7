"""Telling people, and remembering what they have read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import NotAllowed
from tenants.notices.choices import NoticeKind
from tenants.notices.models import Notice


@transaction.atomic
def notify(
    *,
    account_ids: Iterable[UUID],
    kind: NoticeKind,
    title: str,
    path: str,
    subject: object,
    occasion: str,
    now: datetime,
    text: str = "",
    mail: bool = False,
    besides: UUID | None = None,
) -> int:
    """Put one notice into each inbox; call inside the operation that has something to tell.

    The same `occasion` reaches an account once, however often it is told. `besides` leaves out the
    person who acts. With `mail`, it also goes into their next digest. Returns how many were asked for.
    """
    rows = [
        Notice(
            account_id=account_id,
            kind=kind,
            title=title[:160],
            text=text[:400],
            path=path,
            subject_type=subject._meta.label_lower,  # type: ignore[attr-defined]
            subject_id=str(subject.pk),  # type: ignore[attr-defined]
            occasion=occasion[:120],
            mail=mail,
            created_at=now,
        )
        for account_id in dict.fromkeys(account_ids)
        if account_id != besides
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def mark_read(*, by: Actor, now: datetime, notice_id: int | None = None) -> int:
    """Mark one notice of the actor's inbox, or all of it, as read. Another's notice is not touched."""
    if by.account_id is None or not by.may("notices:write"):
        raise NotAllowed
    rows = Notice.objects.filter(account_id=by.account_id, read_at__isnull=True)
    if notice_id is not None:
        rows = rows.filter(pk=notice_id)
    return rows.update(read_at=now)


@transaction.atomic
def settle(*, subject: object, now: datetime) -> int:
    """What a to-do asked for is done: nobody's inbox needs to show it as unread any more."""
    return Notice.objects.filter(
        subject_type=subject._meta.label_lower,  # type: ignore[attr-defined]
        subject_id=str(subject.pk),  # type: ignore[attr-defined]
        kind__in=(NoticeKind.TODO, NoticeKind.LATE),
        read_at__isnull=True,
    ).update(read_at=now)
