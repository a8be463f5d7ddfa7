"""An unanswered call climbs the chain of whom to tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from kernel.tenancy import Tenant
from tenants.duty.choices import UNANSWERED, CallStatus, Outcome
from tenants.duty.models import Call
from tenants.duty.operations.calls.common import locked_call
from tenants.duty.operations.common import (
    path_of,
    people_on,
)
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind


def climb_chains(*, tenant: Tenant, now: datetime) -> int:
    """Tell the next ones of each unanswered call's chain whose time has come. Returns how many steps were climbed."""
    rows = Call.objects.filter(
        status=CallStatus.DONE, outcome__in=UNANSWERED, judged_at__isnull=True, excused=False,
        decided_at__gte=now - timedelta(days=2), told_level__lt=10,
    )  # fmt: skip
    return sum(_climb_one(pk, tenant=tenant, now=now) for pk in list(rows.values_list("pk", flat=True)))


@transaction.atomic
def _climb_one(call_id: UUID, *, tenant: Tenant, now: datetime) -> int:
    duty, call = locked_call(call_id)
    if call.outcome not in UNANSWERED or call.judged_at is not None or call.deadline is None:
        return 0
    due = [step for step in duty.chain if call.deadline + timedelta(minutes=int(step[0])) <= now]
    climbed = 0
    for level in range(call.told_level, len(due)):
        after, rung = due[level]
        notices.notify(
            account_ids=people_on(duty, str(rung), tenant=tenant, now=now),
            kind=NoticeKind.LATE,
            title=f"查岗{Outcome(call.outcome).label}：{duty.post.name}",
            text=("脱岗，已转问题整改。" if call.off_post else "")
            + f"应答期限 {call.deadline.astimezone(tenant.tz):%H:%M} 已过 {after} 分钟以上",
            path=path_of("calls", call.pk),
            subject=call,
            occasion=f"duty.climb:{call.pk}:{level}",
            now=now,
            mail=call.off_post,
        )
        climbed += 1
    if climbed:
        call.told_level = len(due)
        call.save(update_fields=["told_level"])
    return climbed
