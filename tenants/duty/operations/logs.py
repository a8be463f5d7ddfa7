"""The log: notes and corrections. What happens is written by the operation that lets it happen."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.duty import policies, queries
from tenants.duty.choices import EntryKind
from tenants.duty.models import LogEntry, Stint
from tenants.duty.operations.common import clean, lock_post, tell, write
from tenants.timeline import once


def _may_write(post_id: UUID, by: Actor) -> Stint | None:
    """Who writes into a log: whoever is on duty there, and the office. Raises NotAllowed."""
    if by.staff_id is not None and policies.is_staff(by):
        own = queries.open_stints(by).filter(post_id=post_id).first()
        if own is not None:
            return own
    if not policies.oversees(by):
        raise NotAllowed
    return None


@transaction.atomic
def add_note(*, post_id: UUID, text: str, by: Actor, tenant: Tenant, now: datetime, client_key: str = "") -> LogEntry:
    """记事. Locks the post. Raises NotAllowed, NotADutyPost, Invalid."""
    duty = lock_post(post_id)
    stint = _may_write(post_id, by)
    text = clean(text, 500)
    if len(text) < 2:
        raise Invalid("请写明要记录的事项。", field="text")
    if once.claim_for(key=client_key, operation="duty.note", by=by, result_id=post_id):
        return queries.last_entry(post_id)
    entry = write(duty, EntryKind.NOTE, text, by=by, now=now, stint_id=stint.pk if stint else None)
    tell(duty, "noted", text, subject=duty, by=by, tenant=tenant)
    return entry


@transaction.atomic
def correct_entry(*, post_id: UUID, seq: int, text: str, by: Actor, tenant: Tenant, now: datetime) -> LogEntry:
    """更正: a further line that says what is right; the line itself, sealed or not, stays. Locks the post.

    Raises NotAllowed, NotFound, NotADutyPost, Invalid.
    """
    duty = lock_post(post_id)
    stint = _may_write(post_id, by)
    if not LogEntry.objects.filter(post_id=post_id, seq=seq).exists():
        raise NotFound
    text = clean(text, 500)
    if len(text) < 2:
        raise Invalid("请写明更正后的内容和原因。", field="text")
    entry = write(
        duty, EntryKind.CORRECTION, f"更正第 {seq} 条：{text}", by=by, now=now,
        stint_id=stint.pk if stint else None, corrects=seq,
    )  # fmt: skip
    tell(duty, "corrected", f"更正日志第 {seq} 条", subject=duty, by=by, tenant=tenant)
    return entry
