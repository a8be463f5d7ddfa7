"""查岗 asked for by hand, and the unpredictable ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from identity.contracts import Actor
from kernel import jobs
from kernel.clock import day_bounds
from kernel.crypto import blind_index
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.duty import policies, schedule, staffing
from tenants.duty.choices import OPEN_CALLS, CallKind
from tenants.duty.errors import (
    NobodyWanted,
    NotADutyPost,
)
from tenants.duty.models import Call, DutyPost
from tenants.duty.operations.common import (
    clean,
    tell,
)
from tenants.timeline import once

MOST_AT_ONCE = 500


@transaction.atomic
def issue_calls(
    *, post_ids: Sequence[UUID], by: Actor, tenant: Tenant, now: datetime, reason: str = "", client_key: str = ""
) -> list[Call]:
    """查岗 for one post or a group. A post already under an open call gets no second one: both who asked are told
    its outcome. Posts where nobody is on duty, rostered or wanted by the contract now are left out: nobody could be
    missing there. Locks the posts in order. Raises NotAllowed, NotADutyPost, NobodyWanted, Invalid.
    """
    if not policies.oversees(by):
        raise NotAllowed
    wanted = list(dict.fromkeys(post_ids))
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise Invalid("请选择要查的岗位，一次最多 500 个。", field="post_ids")
    claim = once.claim(key=client_key, operation="duty.call", by=by)
    posts = {
        row.pk: row
        for row in DutyPost.objects.select_for_update(of=("self",))
        .select_related("post__party", "post__place")
        .filter(pk__in=wanted, active=True, post__active=True)
        .order_by("pk")
    }
    if len(posts) != len(wanted):
        raise NotADutyPost
    if claim.result_id:
        at = Call.objects.get(pk=claim.result_id).due_at
        return list(Call.objects.filter(post_id__in=wanted, due_at=at, callers__contains=[by.account_id]))
    open_calls = {row.post_id: row for row in Call.objects.filter(post_id__in=wanted, status__in=OPEN_CALLS)}
    expecting = staffing.posts_wanting(post_ids=wanted, now=now, tz=tenant.tz)
    wanted = [pk for pk in wanted if pk in open_calls or pk in expecting]
    if not wanted:
        raise NobodyWanted
    fresh = [
        Call(
            post_id=pk, kind=CallKind.MANUAL, reason=clean(reason, 200), due_at=now,
            callers=[by.account_id] if by.account_id else [], caller_names=by.name[:200],
        )
        for pk in wanted
        if pk not in open_calls
    ]  # fmt: skip
    Call.objects.bulk_create(fresh)
    for row in open_calls.values():
        _join(row, by)
    made = {row.post_id: row for row in fresh}
    for pk in wanted:
        row = made.get(pk) or open_calls[pk]
        tell(
            posts[pk], "called", "查岗" if pk in made else "同时查岗，与已发出的合并", subject=row, by=by, tenant=tenant
        )
    if fresh:
        jobs.enqueue_on_commit("duty.send_calls", tenant=tenant)
    calls = [made.get(pk) or open_calls[pk] for pk in wanted]
    claim.keep(calls[0].pk)
    return calls


def _join(row: Call, by: Actor) -> None:
    """A second person asks for the same call: told its outcome too."""
    if by.account_id is None or by.account_id in row.callers:
        return
    row.callers = [*row.callers, by.account_id]
    row.caller_names = f"{row.caller_names}、{by.name}"[:200] if row.caller_names else by.name
    Call.objects.filter(pk=row.pk).update(callers=row.callers, caller_names=row.caller_names)


def draw_random(*, tenant: Tenant, now: datetime) -> int:
    """Make the unpredictable calls whose drawn moment has come; returns how many. Run again, it makes none twice.

    Quiet times, the rest after an answered call and an open call hold a slot back; nobody expected at the post drops it.
    """
    posts = list(DutyPost.objects.filter(active=True, post__active=True, calls_per_day__gt=0))
    draw = partial(blind_index, schema=tenant.schema, context="duty.calls")
    today = now.astimezone(tenant.tz).date()
    days = sorted({today, (now - schedule.CATCH_UP).astimezone(tenant.tz).date()})
    wanted = {day: staffing.coverage_spans(day=day, tz=tenant.tz) for day in days}
    due: list[tuple[DutyPost, Call]] = []
    for duty in posts:
        for day in days:
            start, end = day_bounds(day, tenant.tz)
            hours = wanted[day].get(duty.pk) or [(start, end)]
            allowed = schedule.cut(hours, schedule.minutes_to_spans(day, tenant.tz, duty.quiet))
            for slot in schedule.slots(draw=draw, post_id=duty.pk, day=day, budget=duty.calls_per_day, allowed=allowed):
                if slot.at <= now < slot.at + schedule.CATCH_UP + schedule.REST:
                    due.append(
                        (duty, Call(post_id=duty.pk, kind=CallKind.RANDOM, day=day, slot=slot.number, due_at=slot.at))
                    )
    if not due:
        return 0
    ids = {duty.pk for duty, _call in due}
    rows = Call.objects.filter(post_id__in=ids)
    known = set(rows.filter(day__in=days, slot__isnull=False).values_list("post_id", "day", "slot"))
    busy = set(rows.filter(status__in=OPEN_CALLS).values_list("post_id", flat=True))
    answered = dict(rows.values_list("post_id").annotate(last=Max("answered_at")).order_by())
    expected = staffing.posts_expecting(post_ids=ids, now=now, spans=wanted)
    fresh: list[Call] = []
    for duty, call in due:
        if (duty.pk, call.day, call.slot) in known or duty.pk in busy or duty.pk not in expected:
            continue
        assert call.day is not None and call.slot is not None
        rested = answered.get(duty.pk)
        if rested is not None:
            free = rested + schedule.rest_of(draw=draw, post_id=duty.pk, day=call.day, number=call.slot)
            if now < free:
                continue
            call.due_at = max(call.due_at, free)
        quiet = schedule.minutes_to_spans(today, tenant.tz, duty.quiet)
        if any(start <= now < end for start, end in quiet):
            continue
        busy.add(duty.pk)
        fresh.append(call)
    Call.objects.bulk_create(fresh, ignore_conflicts=True)  # another sweep may have made it just now
    return len(fresh)
