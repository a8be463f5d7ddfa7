"""Presence calls: asked for, gone out, answered, decided, climbed up the chain, judged.

A call is a row from the moment it is due; every step after that is found by a sweep from its row and done under a
lock, so a process that dies loses nothing and a step done twice does nothing the second time. The message to a
worker only makes it fast.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from identity.contracts import Actor
from kernel import jobs
from kernel.clock import day_bounds
from kernel.crypto import blind_index
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.live import announce
from kernel.tenancy import Tenant
from tenants.duty import challenges, policies, queries, schedule, staffing
from tenants.duty.choices import OPEN_CALLS, UNANSWERED, CallKind, CallStatus, EntryKind, FaceState, Outcome
from tenants.duty.errors import (
    CallNotOut,
    CallOver,
    ChallengeStale,
    CodeMissing,
    NotADutyPost,
    NotDecided,
    NotNight,
    PhotoMissing,
    PhotoReused,
    PhotoUnknown,
    ReasonMissing,
)
from tenants.duty.models import Call, DutyPost, Summons
from tenants.duty.operations.common import (
    PRESENCE,
    TOPIC,
    accounts_of,
    clean,
    is_at,
    lock_post,
    own_staff,
    path_of,
    people_on,
    place_of_post,
    superiors,
    tell,
    write,
)
from tenants.duty.outcomes import Answer, Past, is_off_post, outcome_of
from tenants.evidence import queries as evidence
from tenants.face import operations as faces
from tenants.face import queries as face_results
from tenants.face.choices import Outcome as FaceOutcome
from tenants.face.choices import Purpose
from tenants.findings import operations as findings
from tenants.findings.choices import Severity
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation.models import Place
from tenants.timeline import once

LATE_SENT = timedelta(seconds=90)  # gone out later than this after it was due: the call says so
LOOK_BACK = 20  # calls of a post looked at for the rule on calls in a row
MOST_AT_ONCE = 500
OPEN_FOR_ANSWERS = timedelta(hours=12)


def was_sent_late(row: Call) -> bool:
    """Whether it went out noticeably later than it was asked for."""
    return row.sent_at is not None and row.sent_at - row.due_at > LATE_SENT


# --- asking ----------------------------------------------------------------------------------------


@transaction.atomic
def issue_calls(
    *, post_ids: Sequence[UUID], by: Actor, tenant: Tenant, now: datetime, reason: str = "", client_key: str = ""
) -> list[Call]:
    """查岗 for one post or a group. A post already under an open call gets no second one: both who asked are told
    its outcome. Locks the posts in order. Raises NotAllowed, NotADutyPost, Invalid.
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


# --- going out -------------------------------------------------------------------------------------


@transaction.atomic
def send_due(*, tenant: Tenant, now: datetime) -> int:
    """Let every due call go out, once: fix the rules, the deadline and who must answer, and tell them.

    Locks the calls it takes; another sweep at the same time takes others. The time to answer runs from here, so a
    call that goes out late costs the people at the post nothing. Returns how many went out.
    """
    rows = list(
        Call.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("post__place")
        .filter(status=CallStatus.WAITING, due_at__lte=now)
        .order_by("due_at")[:MOST_AT_ONCE]
    )
    if not rows:
        return 0
    posts = DutyPost.objects.in_bulk([row.post_id for row in rows])
    people = staffing.people_expected(post_ids=[row.post_id for row in rows], now=now)
    summons: list[Summons] = []
    for row in rows:
        duty, called = posts[row.post_id], people.get(row.post_id, [])
        row.status, row.sent_at = CallStatus.RINGING, now
        row.deadline = now + timedelta(minutes=duty.answer_minutes)
        row.needed, row.asks_photo, row.asks_code = duty.persons_to_answer, duty.asks_photo, duty.asks_code
        row.asks_face = duty.asks_face
        row.night = schedule.in_night(now, night_from=duty.night_from, night_until=duty.night_until, tz=tenant.tz)
        row.excused = bool(called) and all(p.away for p in called)
        summons += [Summons(call=row, staff_id=p.staff_id, away=p.away) for p in called]
    Call.objects.bulk_update(
        rows,
        ["status", "sent_at", "deadline", "needed", "asks_photo", "asks_code", "asks_face", "night", "excused"],
    )
    Summons.objects.bulk_create(summons)
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


# --- answering -------------------------------------------------------------------------------------


def _locked_call(call_id: UUID) -> tuple[DutyPost, Call]:
    found = Call.objects.filter(pk=call_id).values_list("post_id", flat=True)
    if not found:
        raise NotFound
    duty = lock_post(found[0])
    return duty, Call.objects.select_for_update().get(pk=call_id)


def _own_summons(duty: DutyPost, call: Call, by: Actor) -> Summons:
    """The person's part of the call; a colleague of the same company who answers instead is written down as such."""
    person = own_staff(by)
    row = Summons.objects.filter(call=call, staff=person).first()
    if row is not None:
        return row
    if person.party_id != duty.post.party_id:
        raise NotFound
    return Summons(call=call, staff=person, on_duty=False)


def _may_still_answer(call: Call, row: Summons, now: datetime) -> None:
    if call.status == CallStatus.WAITING or call.sent_at is None:
        raise CallNotOut
    if call.status == CallStatus.DONE and (
        call.outcome in (Outcome.ON_POST, Outcome.LATE) or call.judged_at or now > call.sent_at + OPEN_FOR_ANSWERS
    ):
        raise CallOver


@transaction.atomic
def open_call(*, call_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Summons:
    """The person opens the call on the phone: a gesture is drawn for them, good for two minutes, then another one.

    Locks the post and the call. Raises NotAllowed, NotFound, CallNotOut, CallOver.
    """
    duty, call = _locked_call(call_id)
    row = _own_summons(duty, call, by)
    if row.answered_at is not None and row.place_ok is not False:
        return row
    _may_still_answer(call, row, now)
    if row.challenged_at is None or now >= row.challenged_at + challenges.LIVES:
        row.challenge, row.nonce = challenges.draw(), challenges.nonce()
        row.challenged_at, row.draws = now, row.draws + 1
        first = row._state.adding
        row.save()
        if first:
            tell(duty, "call_opened", f"{by.name}打开了不是发给本人的查岗", subject=call, by=by, tenant=tenant)
    return row


@transaction.atomic
def answer_call(
    *,
    call_id: UUID,
    nonce: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    photo_id: UUID | None = None,
    place_code: str = "",
    elapsed_seconds: float | None = None,
    client_key: str = "",
) -> Summons:
    """应答: the picture asked for, the code at the post, and how long after the challenge by the phone's stopwatch.

    The time that counts is the server's (`challenges.answered_at`). A second answer changes nothing, unless the first
    was given at a wrong place. After the deadline it is kept and marked late. Locks the post and the call.

    Raises NotAllowed, NotFound, CallNotOut, CallOver, ChallengeStale, PhotoMissing, PhotoUnknown, PhotoReused,
    CodeMissing.
    """
    duty, call = _locked_call(call_id)
    row = _own_summons(duty, call, by)
    if row.answered_at is not None and row.place_ok is not False:
        return row
    if once.claim_for(key=client_key, operation="duty.answer", by=by, result_id=call_id):
        return row
    _may_still_answer(call, row, now)
    if row.challenged_at is None or not nonce or nonce != row.nonce:
        raise ChallengeStale(field="nonce")
    waited = elapsed_seconds if elapsed_seconds is not None else (now - row.challenged_at).total_seconds()
    if waited > (challenges.LIVES + challenges.UPLOAD_CREDIT).total_seconds():
        raise ChallengeStale(field="nonce")
    if call.asks_photo:
        _check_photo(photo_id, row, by)
    place: Place | None = None
    if call.asks_code:
        if not place_code.strip():
            raise CodeMissing(field="place_code")
        place = Place.objects.filter(code=place_code.strip().upper()).first()
        row.place, row.place_ok = place, is_at(place, duty)
    assert call.sent_at is not None and call.deadline is not None
    row.received_at = now
    row.answered_at = challenges.answered_at(
        received=now, challenged=row.challenged_at, elapsed_seconds=elapsed_seconds
    )
    row.reaction_s = max(0, round((row.answered_at - call.sent_at).total_seconds()))
    row.late = row.answered_at >= call.deadline
    row.photo_id = photo_id if call.asks_photo else None
    if call.asks_face and row.photo_id and row.on_duty:
        row.face_check_id = faces.request_check(
            staff_id=row.staff_id, evidence_id=row.photo_id, purpose=Purpose.DUTY, subject_id=row.pk,
            on_done="duty.face_checked", by=by, tenant=tenant, now=now,
        )  # fmt: skip
        row.face = FaceState.PENDING
    row.save()
    tell(duty, "call_answered", f"{by.name}应答查岗", subject=call, by=by, tenant=tenant, late=row.late)
    _settle(duty, call, by=by, tenant=tenant, now=now)
    return row


def _check_photo(photo_id: UUID | None, row: Summons, by: Actor) -> None:
    """A picture taken now: kept after the challenge was shown, never used before, not even as the same bytes."""
    if photo_id is None:
        raise PhotoMissing(field="photo")
    if not evidence.existing([photo_id], by=by):
        raise PhotoUnknown(field="photo")
    known = evidence.contracts_of([photo_id])[photo_id]
    assert row.challenged_at is not None
    if known.received_at < row.challenged_at or queries.photo_was_used(known, besides=row.pk):
        raise PhotoReused(field="photo")


FACES = {
    FaceOutcome.MATCH: FaceState.MATCH,
    FaceOutcome.MISMATCH: FaceState.OTHER,
    FaceOutcome.NO_CONSENT: FaceState.NONE,
    FaceOutcome.NO_TEMPLATE: FaceState.NONE,
    FaceOutcome.OLD_TEMPLATE: FaceState.NONE,
    FaceOutcome.UNAVAILABLE: FaceState.NONE,
}  # anything else is doubt, and doubt is no proof


@transaction.atomic
def face_checked(*, check_id: UUID, tenant: Tenant, now: datetime) -> None:
    """The face service has answered: another face makes the answer 他人应答, doubt changes nothing.

    Locks the post and the call. Safe to run twice.
    """
    found = Summons.objects.filter(face_check_id=check_id).values_list("call_id", flat=True)
    result = face_results.result_of(check_id)
    if not found or not result.done:
        return
    duty, call = _locked_call(found[0])
    face = FACES.get(FaceOutcome(result.outcome), FaceState.UNSURE)
    Summons.objects.filter(face_check_id=check_id).update(face=face)
    _settle(duty, call, by=Actor.system(tenant.school_id), tenant=tenant, now=now)


# --- deciding --------------------------------------------------------------------------------------


def _settle(duty: DutyPost, call: Call, *, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Write the outcome, if there is one by now and no human has judged. Call under both locks."""
    if call.status == CallStatus.WAITING or call.judged_at is not None:
        return
    assert call.deadline is not None
    answers = [
        Answer(at=s.answered_at, on_duty=s.on_duty, place_ok=s.place_ok, face=s.face)
        for s in Summons.objects.filter(call=call, answered_at__isnull=False)
        if s.answered_at is not None
    ]
    # An answer given in time may still be on its way up: the time it was given counts, not when it is decided.
    outcome, at = outcome_of(answers, needed=call.needed, deadline=call.deadline, now=now)
    if outcome in (Outcome.NONE, call.outcome):
        return
    before = call.outcome
    call.status, call.outcome, call.answered_at = CallStatus.DONE, outcome, at
    call.decided_at = now
    call.save(update_fields=["status", "outcome", "answered_at", "decided_at"])
    names = queries.names_of_answers(call)
    words = f"查岗结果：{Outcome(outcome).label}" + (f"（{names}）" if names else "")
    if before:
        words = f"{words}，原为{Outcome(before).label}"
    write(duty, EntryKind.CALL, words, by=by, now=now, subject_id=call.pk)
    tell(duty, "call_decided", words, subject=call, by=by, tenant=tenant, outcome=outcome)
    notices.settle(subject=call, now=now)
    notices.notify(
        account_ids=call.callers, kind=NoticeKind.INFO, title=f"查岗{Outcome(outcome).label}：{duty.post.name}",
        text=names or "没有人应答", path=path_of("calls", call.pk), subject=call,
        occasion=f"duty.outcome:{call.pk}:{outcome}", now=now,
    )  # fmt: skip
    if outcome in UNANSWERED and not call.off_post:
        _count_in_a_row(duty, call, tenant=tenant, now=now)


def _count_in_a_row(duty: DutyPost, call: Call, *, tenant: Tenant, now: datetime) -> None:
    """「连续 k 次未应答 = 脱岗」 for the people now on duty: their calls only, from the earliest sign-on."""
    rows = Call.objects.filter(post_id=duty.pk, status=CallStatus.DONE)
    since = queries.on_since(call)
    if since is not None:
        rows = rows.filter(sent_at__gte=since)
    past = [Past(row.outcome, row.excused, row.off_post) for row in rows.order_by("-deadline", "-pk")[:LOOK_BACK]]
    if not is_off_post(past, after=duty.off_post_after):
        return
    call.off_post = True
    call.finding_id = _finding(
        duty, f"脱岗：{duty.post.name}连续 {duty.off_post_after} 次查岗未应答", call, severity=Severity.MAJOR,
        by=Actor.system(tenant.school_id), tenant=tenant, now=now,
    )  # fmt: skip
    call.save(update_fields=["off_post", "finding_id"])


def _finding(
    duty: DutyPost, title: str, call: Call, *, severity: str, by: Actor, tenant: Tenant, now: datetime
) -> UUID | None:
    """Open a finding of the call. A school without places or a closed contract cannot have one; the call says so."""
    place_id = place_of_post(duty)
    if place_id is None:
        return None
    assert call.sent_at is not None
    names = queries.names_of_summoned(call) or "无人上岗"
    photos = [p for p in Summons.objects.filter(call=call).values_list("photo_id", flat=True) if p]
    try:
        found = findings.open_finding(
            title=clean(title, 120),
            detail=f"查岗发出 {call.sent_at.astimezone(tenant.tz):%Y-%m-%d %H:%M}，被查人：{names}，"
            f"结果：{Outcome(call.outcome).label}",
            place_id=place_id, party_id=duty.post.party_id, line=duty.post.line, severity=severity,
            source=PRESENCE, source_id=call.pk, photo_ids=photos, by=by, tenant=tenant, now=now,
        )  # fmt: skip
    except DomainError:
        return None
    return found.pk


def decide_due(*, tenant: Tenant, now: datetime) -> int:
    """Close the calls whose deadline has passed; one post, one transaction. Returns how many."""
    due = Call.objects.filter(status=CallStatus.RINGING, deadline__lte=now).order_by("deadline")
    return sum(_decide_one(pk, tenant=tenant, now=now) for pk in list(due.values_list("pk", flat=True)))


@transaction.atomic
def _decide_one(call_id: UUID, *, tenant: Tenant, now: datetime) -> bool:
    duty, call = _locked_call(call_id)
    if call.status != CallStatus.RINGING or call.deadline is None or call.deadline > now:
        return False
    _settle(duty, call, by=Actor.system(tenant.school_id), tenant=tenant, now=now)
    return True


def climb_chains(*, tenant: Tenant, now: datetime) -> int:
    """Tell the next ones of each unanswered call's chain whose time has come. Returns how many steps were climbed."""
    rows = Call.objects.filter(
        status=CallStatus.DONE, outcome__in=UNANSWERED, judged_at__isnull=True, excused=False,
        decided_at__gte=now - timedelta(days=2), told_level__lt=10,
    )  # fmt: skip
    return sum(_climb_one(pk, tenant=tenant, now=now) for pk in list(rows.values_list("pk", flat=True)))


@transaction.atomic
def _climb_one(call_id: UUID, *, tenant: Tenant, now: datetime) -> int:
    duty, call = _locked_call(call_id)
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


# --- judging ---------------------------------------------------------------------------------------


@transaction.atomic
def judge_call(
    *,
    call_id: UUID,
    note: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    outcome: str = "",
    asleep: bool = False,
) -> Call:
    """A human looks at the picture and says what it was: another outcome, or 睡岗 for a night call.

    The outcome as it was stays on the row. 睡岗 opens a finding; a slow answer alone never is. Locks the post and
    the call. Raises NotAllowed, NotFound, NotDecided, NotNight, ReasonMissing, Invalid.
    """
    if not policies.oversees(by) or by.account_id is None:
        raise NotAllowed
    duty, call = _locked_call(call_id)
    if call.status != CallStatus.DONE:
        raise NotDecided
    if asleep and not call.night:
        raise NotNight(field="asleep")
    note = clean(note, 300)
    if len(note) < 2:
        raise ReasonMissing(field="note")
    if outcome and outcome not in Outcome.values:
        raise Invalid("请选择认定的结果。", field="outcome")
    if outcome and outcome != call.outcome:
        call.outcome_before = call.outcome_before or call.outcome
        call.outcome = outcome
    call.judged_at, call.judged_by, call.judged_by_name, call.judged_note = now, by.account_id, by.name, note
    if asleep and not call.asleep:
        call.asleep = True
        call.finding_id = call.finding_id or _finding(
            duty, f"睡岗：{duty.post.name}夜间查岗", call, severity=Severity.MAJOR, by=by, tenant=tenant, now=now
        )
    call.save()
    words = f"查岗认定：{'睡岗' if call.asleep else Outcome(call.outcome).label}：{note}"
    write(duty, EntryKind.CALL, words, by=by, now=now, subject_id=call.pk)
    tell(duty, "call_judged", words, subject=call, by=by, tenant=tenant, outcome=call.outcome)
    notices.settle(subject=call, now=now)
    if call.asleep:
        notices.notify(
            account_ids=superiors(duty, tenant=tenant, now=now), kind=NoticeKind.LATE, title=f"睡岗：{duty.post.name}",
            text=note, path=path_of("calls", call.pk), subject=call, occasion=f"duty.asleep:{call.pk}", now=now,
            besides=by.account_id,
        )  # fmt: skip
    summoned = list(Summons.objects.filter(call=call, on_duty=True).values_list("staff_id", flat=True))
    notices.notify(
        account_ids=accounts_of(summoned), kind=NoticeKind.INFO, title=f"查岗认定：{duty.post.name}", text=words,
        path=f"/m/duty/calls/{call.pk}/", subject=call, occasion=f"duty.judged:{call.pk}:{now.isoformat()}", now=now,
    )  # fmt: skip
    return call
