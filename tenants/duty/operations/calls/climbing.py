"""An unanswered call climbs the chain of whom to tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from kernel.tenancy import Tenant
from tenants.duty.choices import UNANSWERED, CallStatus, Outcome
from tenants.duty.models import Call, DutyPost
from tenants.duty.operations.calls.common import locked_call
from tenants.duty.operations.common import (
    path_of,
    people_on,
)
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind

FRESH = timedelta(days=2)  # older calls are history


def _steps_due(chain: Sequence[Sequence[object]], *, since: datetime, now: datetime) -> int:
    return sum(since + timedelta(minutes=int(str(step[0]))) <= now for step in chain)


def _runs_from(call: Call) -> datetime:
    """The chain runs from the deadline; where a human made the call unanswered, from that judgement."""
    assert call.deadline is not None
    if call.judged_at is not None and call.outcome_before and call.outcome_before not in UNANSWERED:
        return max(call.deadline, call.judged_at)
    return call.deadline


def climb_chains(*, tenant: Tenant, now: datetime) -> int:
    """Tell the next ones of each unanswered call's chain whose time has come. Returns how many steps were climbed.

    The chain climbs on the outcome as it stands, a human's included. Only calls with a step due are locked; one whose
    last step is taken is not looked at again.
    """
    rows = Call.objects.filter(status=CallStatus.DONE, outcome__in=UNANSWERED, excused=False, chain_done=False).filter(
        Q(decided_at__gte=now - FRESH) | Q(judged_at__gte=now - FRESH)
    )
    calls = list(rows)
    chains = dict(DutyPost.objects.filter(pk__in={c.post_id for c in calls}).values_list("pk", "chain"))
    due = [
        call.pk
        for call in calls
        if (steps := _steps_due(chains[call.post_id], since=_runs_from(call), now=now)) > call.told_level
        or steps >= len(chains[call.post_id])
    ]
    return sum(_climb_one(pk, tenant=tenant, now=now) for pk in due)


@transaction.atomic
def _climb_one(call_id: UUID, *, tenant: Tenant, now: datetime) -> int:
    duty, call = locked_call(call_id)
    if call.outcome not in UNANSWERED or call.deadline is None:
        return 0
    since = _runs_from(call)
    due = _steps_due(duty.chain, since=since, now=now)
    climbed = 0
    for level in range(call.told_level, due):
        after, rung = duty.chain[level]
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
    call.told_level, call.chain_done = max(call.told_level, due), due >= len(duty.chain)
    call.save(update_fields=["told_level", "chain_done"])
    return climbed
