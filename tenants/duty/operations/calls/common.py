"""What a call has come to, and what follows from it: shared by the steps that change it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import DomainError, Invalid, NotFound
from kernel.tenancy import Tenant
from tenants.duty import challenges, queries, reckoning
from tenants.duty.choices import (
    OPEN_CALLS,
    UNANSWERED,
    AnomalyKind,
    AnomalyStatus,
    CallStatus,
    EntryKind,
    Outcome,
)
from tenants.duty.models import Anomaly, Call, DutyPost, Summons
from tenants.duty.operations.common import (
    PRESENCE,
    clean,
    lock_post,
    path_of,
    place_of_post,
    raise_anomaly,
    superiors,
    tell,
    write,
)
from tenants.duty.outcomes import NOBODY, off_post_by, outcome_of
from tenants.findings import operations as findings
from tenants.findings.choices import Category, Incident, Severity
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation

LOOK_BACK = 20  # calls of a post looked at for the rule on calls in a row


def locked_call(call_id: UUID) -> tuple[DutyPost, Call]:
    found = Call.objects.filter(pk=call_id).values_list("post_id", flat=True)
    if not found:
        raise NotFound
    duty = lock_post(found[0])
    return duty, Call.objects.select_for_update().get(pk=call_id)


def closes(call: Call) -> datetime:
    """The last moment at which an answer given in time may still arrive: nothing is held against anybody before it."""
    assert call.deadline is not None
    return call.deadline + challenges.UPLOAD_CREDIT


def settle(duty: DutyPost, call: Call, *, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Write the outcome, if there is one by now and no human has judged. Call under both locks.

    An outcome that loses its ground while the call may still be answered (the face turns out to be another's) is taken
    back, and the call rings again. 脱岗 falls with an outcome that is no longer unanswered. Only an answer more than
    once again the time to answer after the deadline does not undo it by itself: coming back hours later to tap is no
    proof of having been there, so the outcome stays and a human decides (`judge_call`).
    """
    if call.status == CallStatus.WAITING or call.judged_at is not None:
        return
    answers = [answer for _summons, answer in reckoning.answers_of([call])[call.pk]]
    outcome, at = outcome_of(answers, needed=call.needed, closes=closes(call), now=now)
    if outcome == Outcome.NONE and call.status == CallStatus.DONE:
        if not Call.objects.filter(post_id=call.post_id, status__in=OPEN_CALLS).exists():
            _ring_again(duty, call, by=by, tenant=tenant, now=now)
            return
        # Another call rings at the post by now: two cannot, so this one is decided as it stands.
        outcome, at = outcome_of(answers, needed=call.needed, closes=closes(call), now=closes(call))
    if outcome in (Outcome.NONE, call.outcome):
        return
    before = call.outcome
    if call.off_post and outcome == Outcome.LATE and at is not None and _too_late_to_undo(call, at):
        _ask_a_human(duty, call, "迟来的应答，请认定", tenant=tenant, now=now)
        return
    call.status, call.outcome, call.answered_at = CallStatus.DONE, outcome, at
    call.decided_at = now
    call.save(update_fields=["status", "outcome", "answered_at", "decided_at"])
    names = queries.names_of_answers(call)
    words = f"查岗结果：{Outcome(outcome).label}" + (f"（{names}）" if names else "")
    if before:
        words = f"{words}，原为{Outcome(before).label}"
    write(duty, EntryKind.CALL, words, by=by, now=now, subject_id=call.pk)
    tell(
        duty, "call_decided", words, subject=call, by=by, tenant=tenant, staff_ids=queries.staff_summoned(call),
        outcome=outcome,
    )  # fmt: skip
    notices.settle(subject=call, now=now)
    notices.notify(
        account_ids=call.callers, kind=NoticeKind.INFO, title=f"查岗{Outcome(outcome).label}：{duty.post.name}",
        text=names or "没有人应答", path=path_of("calls", call.pk), subject=call,
        occasion=f"duty.outcome:{call.pk}:{outcome}", now=now,
    )  # fmt: skip
    if outcome in UNANSWERED or before in UNANSWERED:
        recount(duty, call, by=Actor.system(tenant.school_id), tenant=tenant, now=now, why=str(Outcome(outcome).label))


def _too_late_to_undo(call: Call, at: datetime) -> bool:
    assert call.deadline is not None and call.sent_at is not None
    return at >= call.deadline + (call.deadline - call.sent_at)


def _ring_again(duty: DutyPost, call: Call, *, by: Actor, tenant: Tenant, now: datetime) -> None:
    call.status, call.outcome, call.answered_at, call.decided_at = CallStatus.RINGING, Outcome.NONE, None, None
    call.save(update_fields=["status", "outcome", "answered_at", "decided_at"])
    words = "查岗重新等待应答：应答照片没有通过核验"
    write(duty, EntryKind.CALL, words, by=by, now=now, subject_id=call.pk)
    tell(duty, "call_reopened", words, subject=call, by=by, tenant=tenant)


def _ask_a_human(duty: DutyPost, call: Call, words: str, *, tenant: Tenant, now: datetime, why: str = "") -> None:
    """What the platform may not decide alone: the superiors find it in their inbox until somebody has judged."""
    notices.notify(
        account_ids=superiors(duty, tenant=tenant, now=now), kind=NoticeKind.TODO, title=f"{words}：{duty.post.name}",
        text=why or (f"查岗发出 {call.sent_at.astimezone(tenant.tz):%m月%d日 %H:%M}" if call.sent_at else ""),
        path=path_of("calls", call.pk), subject=call, occasion=f"duty.judge:{call.pk}:{words}"[:120], now=now,
    )  # fmt: skip


# --- 脱岗 ------------------------------------------------------------------------------------------


def recount(duty: DutyPost, call: Call, *, by: Actor, tenant: Tenant, now: datetime, why: str) -> None:
    """「连续 k 次未应答 = 脱岗」 for this call and those after it, as they stand now: found, or taken back. Under the post's lock.

    The rule is the school's (`DutyPost.off_post_after`); how a row is counted: `outcomes.off_post_by`. It counts from
    when those who missed the call answer for the post, so nobody inherits the calls of the shift before.
    """
    rows = Call.objects.select_for_update().filter(post_id=duty.pk, status=CallStatus.DONE)
    for found in list(rows.filter(deadline__gte=call.deadline).order_by("deadline", "pk")[:LOOK_BACK]):
        row = call if found.pk == call.pk else found
        [newest] = reckoning.pasts_of([row])
        if row.pk == call.pk and row.outcome in UNANSWERED and not newest.missed and not row.excused:
            _ask_unless_awaited(duty, row, tenant=tenant, now=now)
        if row.pk == call.pk:
            _raise_unreached(duty, row, tenant=tenant, now=now)
        who = _off_post_by(duty, row, newest.missed)
        if who and not row.off_post:
            _off_post(duty, row, who, tenant=tenant, now=now)
        elif (
            row.off_post
            and not who
            and (row.pk == call.pk or by.account_id is not None or call.outcome != Outcome.LATE)
        ):
            _take_back(duty, row, by=by, tenant=tenant, now=now, why=why)


def _ask_unless_awaited(duty: DutyPost, row: Call, *, tenant: Tenant, now: datetime) -> None:
    """Nobody silent is known to have been reached: a human looks. Who had only to come is 未到, which attendance judges."""
    if not reckoning.only_awaited(row):
        words = "应答人数不足，请核实" if reckoning.all_answered(row) else "查岗没有送达，请核实"
        _ask_a_human(duty, row, words, tenant=tenant, now=now)


def _raise_unreached(duty: DutyPost, row: Call, *, tenant: Tenant, now: datetime) -> None:
    """As many calls in a row as make 脱岗 that never reached somebody who signed on themselves: the superiors look.

    It is no 脱岗 and names nobody's fault, but who keeps the page shut is not out of it either. One at a time per stint.
    """
    for stint in reckoning.out_of_reach(row, after=duty.off_post_after):
        told = Anomaly.objects.filter(stint=stint, kind=AnomalyKind.UNREACHED, status=AnomalyStatus.OPEN)
        if not told.exists():
            raise_anomaly(
                duty, AnomalyKind.UNREACHED,
                f"{stint.staff.name}在岗期间连续 {duty.off_post_after} 次查岗没有送达，也没有应答，请核实人是否在岗、手机是否可用",
                by=Actor.system(tenant.school_id), tenant=tenant, now=now, severity=Severity.MAJOR, stint=stint,
            )  # fmt: skip


def _off_post_by(duty: DutyPost, row: Call, missed: frozenset[UUID | None]) -> frozenset[UUID | None]:
    if row.outcome not in UNANSWERED or not missed:
        return NOBODY
    since = reckoning.in_charge_since(row, missed)
    rows = Call.objects.filter(post_id=duty.pk, status=CallStatus.DONE, deadline__lte=row.deadline, sent_at__gte=since)
    before = list(rows.exclude(pk=row.pk).order_by("-deadline", "-pk")[:LOOK_BACK])
    return off_post_by(reckoning.pasts_of([row, *before]), after=duty.off_post_after)


def _off_post(duty: DutyPost, call: Call, who: frozenset[UUID | None], *, tenant: Tenant, now: datetime) -> None:
    by = Actor.system(tenant.school_id)
    call.off_post = True
    open_finding_of(duty, call, who=who, by=by, tenant=tenant, now=now)
    call.save(update_fields=["off_post"])


def _take_back(duty: DutyPost, call: Call, *, by: Actor, tenant: Tenant, now: datetime, why: str) -> None:
    """脱岗 falls, and with it the finding it opened, unless the same call is 睡岗."""
    call.off_post = False
    words = f"脱岗撤销：查岗{why}"
    if not call.asleep and call.finding_id is not None:
        findings.take_back(finding_id=call.finding_id, reason=words, by=by, tenant=tenant, now=now)
        call.finding_id = None
    if not call.asleep:
        call.finding_refused, call.finding_retry_at = "", None
    call.save(update_fields=["off_post", "finding_id", "finding_refused", "finding_retry_at"])
    write(duty, EntryKind.CALL, words, by=by, now=now, subject_id=call.pk)
    tell(duty, "off_post_taken_back", words, subject=call, by=by, tenant=tenant)
    notices.settle(subject=call, now=now)
    notices.notify(
        account_ids=[*superiors(duty, tenant=tenant, now=now), *call.callers], kind=NoticeKind.INFO,
        title=f"{words}：{duty.post.name}", path=path_of("calls", call.pk), subject=call,
        occasion=f"duty.taken_back:{call.pk}:{now.isoformat()}", now=now, besides=by.account_id,
    )  # fmt: skip


RETRY_AFTER = timedelta(minutes=10)  # and no longer than a fortnight after the call
RETRY_UNTIL = timedelta(days=14)


def open_finding_of(
    duty: DutyPost, call: Call, *, who: frozenset[UUID | None], by: Actor, tenant: Tenant, now: datetime
) -> None:
    """Open the finding of a call that is 脱岗 or 睡岗, naming `who` alone, unless it has one.

    Where that is refused (a closed contract, a school without places) the sentence stays on the call, the superiors find
    it in their inbox, and the sweep tries again (`open_missing_findings`). Call under both locks.
    """
    if call.finding_id is not None:
        return
    try:
        call.finding_id = _find(duty, call, who=who, by=by, tenant=tenant, now=now)
        call.finding_refused, call.finding_retry_at = "", None
    except DomainError as refused:
        call.finding_refused = clean(str(refused.sentence), 200)
        assert call.sent_at is not None
        call.finding_retry_at = now + RETRY_AFTER if now < call.sent_at + RETRY_UNTIL else None
        what = "睡岗" if call.asleep else "脱岗"
        _ask_a_human(duty, call, f"{what}没能转为问题，请处理", tenant=tenant, now=now, why=call.finding_refused)
    call.save(update_fields=["finding_id", "finding_refused", "finding_retry_at"])


def _find(duty: DutyPost, call: Call, *, who: frozenset[UUID | None], by: Actor, tenant: Tenant, now: datetime) -> UUID:
    place_id = place_of_post(duty)
    if place_id is None:
        raise Invalid("本校还没有场所，请先在“场所”中建立校区。", field="place")
    assert call.sent_at is not None
    people = organisation.staff_by_id(one for one in who if one is not None)
    names = "、".join(sorted(p.name for p in people.values())) or "无人上岗"
    photos = [p for p in Summons.objects.filter(call=call).values_list("photo_id", flat=True) if p]
    row_of_calls = f"脱岗：{duty.post.name}连续 {duty.off_post_after} 次查岗未应答"
    return findings.open_finding(
        title=clean(f"睡岗：{duty.post.name}夜间查岗" if call.asleep else row_of_calls, 120),
        detail=f"查岗发出 {call.sent_at.astimezone(tenant.tz):%Y-%m-%d %H:%M}，被查人：{names}，"
        f"结果：{Outcome(call.outcome).label}",
        place_id=place_id, party_id=duty.post.party_id, line=duty.post.line, severity=Severity.MAJOR,
        source=PRESENCE, source_id=call.pk, category=Category.ABSENT, photo_ids=photos, by=by, tenant=tenant, now=now,
        post_id=duty.post_id, incident=Incident.ASLEEP if call.asleep else Incident.OFF_POST,
    ).pk  # fmt: skip


def open_missing_findings(*, tenant: Tenant, now: datetime) -> int:
    """The sweep: calls whose finding was refused are tried again, until it can be opened or the ground is gone."""
    due = Call.objects.filter(finding_retry_at__lte=now).order_by("post_id", "pk").values_list("pk", flat=True)
    return sum(_try_again(pk, tenant=tenant, now=now) for pk in list(due))


@transaction.atomic
def _try_again(call_id: UUID, *, tenant: Tenant, now: datetime) -> bool:
    duty, call = locked_call(call_id)
    if call.finding_retry_at is None or call.finding_retry_at > now:
        return False
    if call.finding_id is not None or not (call.off_post or call.asleep):
        call.finding_retry_at = None
        call.save(update_fields=["finding_retry_at"])
        return False
    if call.asleep:
        who: frozenset[UUID | None] = frozenset(
            Summons.objects.filter(call=call, on_duty=True).values_list("staff_id", flat=True)
        )
    else:
        [newest] = reckoning.pasts_of([call])
        who = _off_post_by(duty, call, newest.missed)
    by = Actor.system(tenant.school_id)
    open_finding_of(duty, call, who=who, by=by, tenant=tenant, now=now)
    if call.finding_id is None:
        return False
    words = f"{'睡岗' if call.asleep else '脱岗'}已转问题整改"
    write(duty, EntryKind.CALL, words, by=by, now=now, subject_id=call.pk)
    tell(duty, "call_found", words, subject=call, by=by, tenant=tenant)
    notices.settle(subject=call, now=now, occasion=f"duty.judge:{call.pk}:{words[:2]}没能")
    return True
