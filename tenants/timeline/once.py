"""Doing a thing once, however often it is asked for: a phone's outbox resends until it hears an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import DomainError
from tenants.timeline.models import ClientKey

KEPT = timedelta(days=60)


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    message = _("同一个提交编号已用于另一项操作，请刷新页面后重新提交。")


@dataclass(slots=True)
class Claim:
    """`result_id` is set when the key was already used: answer with that row and change nothing."""

    key_id: int | None = None
    result_id: UUID | None = None

    def keep(self, result_id: UUID) -> None:
        """Remember what came of the operation, in its own transaction."""
        if self.key_id is not None:
            ClientKey.objects.filter(pk=self.key_id).update(result_id=result_id)


def claim(*, key: str, operation: str, by: Actor) -> Claim:
    """Take `key` for `operation`; call first inside the operation's transaction.

    A second sender of the same key waits for the first one's commit and then gets its result; after
    a rollback the key is free again. An empty key claims nothing. Raises KeyReused when the account
    used the key for another operation.
    """
    if not key or by.account_id is None:
        return Claim()
    key = key[:80]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO timeline_clientkey (account_id, operation, key, at) VALUES (%s, %s, %s, now())"
            " ON CONFLICT (account_id, key) DO NOTHING RETURNING id",
            [by.account_id, operation, key],
        )
        row = cursor.fetchone()
    if row:
        return Claim(key_id=row[0])
    known = ClientKey.objects.get(account_id=by.account_id, key=key)
    if known.operation != operation:
        raise KeyReused
    return Claim(result_id=known.result_id)


def claim_for(*, key: str, operation: str, by: Actor, result_id: UUID) -> bool:
    """For operations on a known row: True when this key already did it to this row. Call under the row's lock.

    Raises KeyReused when the key was used for something else.
    """
    claimed = claim(key=key, operation=operation, by=by)
    if claimed.key_id is not None:
        claimed.keep(result_id)
        return False
    if not key or by.account_id is None:
        return False
    if claimed.result_id != result_id:
        raise KeyReused
    return True


def forget(*, now: datetime) -> int:
    """Delete keys older than KEPT; an outbox that was offline longer is refused by the state of things instead."""
    deleted, _by_model = ClientKey.objects.filter(at__lt=now - KEPT).delete()
    return deleted
