"""A due call goes out: who must answer, until when."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from kernel import jobs
from kernel.live import announce
from kernel.tenancy import Tenant
from tenants.duty import schedule, staffing
from tenants.duty.choices import AbsenceKind, CallStatus
from tenants.duty.models import Call, DutyPost, Summons
from tenants.duty.operations.common import TOPIC
from tenants.duty.operations.delivery import hook_is_on
from tenants.duty.outcomes import persons_needed
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind

MOST_AT_ONCE = 500
LATE_SENT = timedelta(seconds=90)  # gone out later than this after it was due: the call says so


def was_sent_late(row: Call) -> bool:
    """Whether it went out noticeably later than it was asked for."""
    return row.sent_at is not None and row.sent_at - row.due_at > LATE_SENT


@transaction.atomic
def send_due(*, tenant: Tenant, now: datetime) -> int:
    """Let every due call go out, once: fix the rules, the deadline and who must answer, and tell them.

    Locks the posts in order, then their calls: who is on duty is read under the lock, so nobody who signs off in the
    same moment is called. Declared patrols lower the number who must answer (`outcomes.persons_needed`), a relief
    answers in the other's place; with everybody away the call is excused, and so is one
    of a post where nobody is on duty, rostered or wanted any more. The time to answer runs from here, so a call that goes out late costs the
    people at the post nothing. Returns how many went out.
    """
    waiting = Call.objects.filter(status=CallStatus.WAITING, due_at__lte=now).order_by("due_at")
    wanted = list(waiting.values_list("post_id", flat=True)[:MOST_AT_ONCE])
    if not wanted:
        return 0
    locked = DutyPost.objects.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk")
    posts = {duty.pk: duty for duty in locked}
    rows = list(
        Call.objects.select_for_update(of=("self",))
        .select_related("post__place")
        .filter(status=CallStatus.WAITING, due_at__lte=now, post_id__in=list(posts))
        .order_by("due_at")
    )
    if not rows:
        return 0
    people = staffing.people_expected(post_ids=[row.post_id for row in rows], now=now)
    wanting = staffing.posts_wanting(post_ids=posts, now=now, tz=tenant.tz)
    hook_at = now if hook_is_on() else None
    summons: list[Summons] = []
    for row in rows:
        duty, called = posts[row.post_id], people.get(row.post_id, [])
        owed = [p for p in called if not p.excuse]
        away = sum(p.excuse == AbsenceKind.PATROL for p in called)
        row.status, row.sent_at = CallStatus.RINGING, now
        row.deadline = now + timedelta(minutes=duty.answer_minutes)
        row.needed = persons_needed(rule=duty.persons_to_answer, present=len(owed), away=away)
        row.asks_photo, row.asks_code, row.asks_face = duty.asks_photo, duty.asks_code, duty.asks_face
        row.night = schedule.in_night(now, night_from=duty.night_from, night_until=duty.night_until, tz=tenant.tz)
        row.excused = (not owed and away > 0) or row.post_id not in wanting
        summons += [
            Summons(call=row, staff_id=p.staff_id, away=bool(p.excuse), awaited=p.awaited, hook_at=hook_at)
            for p in called
        ]
    Call.objects.bulk_update(
        rows,
        ["status", "sent_at", "deadline", "needed", "asks_photo", "asks_code", "asks_face", "night", "excused"],
    )
    Summons.objects.bulk_create(summons)
    if hook_at and summons:
        jobs.enqueue_on_commit("duty.deliver", tenant=tenant)
    accounts = {p.staff_id: p.account_id for called in people.values() for p in called}
    by_call: dict[UUID, list[UUID]] = defaultdict(list)
    for one in summons:
        account_id = accounts.get(one.staff_id)
        if account_id:
            by_call[one.call_id].append(account_id)
    for row in rows:
        _ring(row, by_call.get(row.pk, []), tenant=tenant, now=now)
    announce(TOPIC, tenant=tenant)
    return len(rows)


def _ring(row: Call, account_ids: list[UUID], *, tenant: Tenant, now: datetime) -> None:
    assert row.deadline is not None
    minutes = round((row.deadline - now).total_seconds() / 60)
    late = f"（原定 {row.due_at.astimezone(tenant.tz):%H:%M}，因系统延迟现在发出）" if was_sent_late(row) else ""
    notices.notify(
        account_ids=account_ids,
        kind=NoticeKind.TODO,
        title=f"查岗：{row.post.name}",
        text=f"请在 {minutes} 分钟内应答{late}",
        path=f"/m/duty/calls/{row.pk}/",
        subject=row,
        occasion=f"duty.call:{row.pk}",
        now=now,
    )
