"""What a call has come to, and what follows from it: shared by the steps that change it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from identity.contracts import Actor
from kernel.errors import DomainError, NotFound
from kernel.tenancy import Tenant
from tenants.duty import queries
from tenants.duty.choices import UNANSWERED, CallStatus, EntryKind, Outcome
from tenants.duty.models import Call, DutyPost, Summons
from tenants.duty.operations.common import (
    PRESENCE,
    clean,
    lock_post,
    path_of,
    place_of_post,
    tell,
    write,
)
from tenants.duty.outcomes import Answer, Past, is_off_post, outcome_of
from tenants.findings import operations as findings
from tenants.findings.choices import Category, Severity
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind

LOOK_BACK = 20  # calls of a post looked at for the rule on calls in a row


def locked_call(call_id: UUID) -> tuple[DutyPost, Call]:
    found = Call.objects.filter(pk=call_id).values_list("post_id", flat=True)
    if not found:
        raise NotFound
    duty = lock_post(found[0])
    return duty, Call.objects.select_for_update().get(pk=call_id)


def settle(duty: DutyPost, call: Call, *, by: Actor, tenant: Tenant, now: datetime) -> None:
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
    call.finding_id = call_finding(
        duty, f"脱岗：{duty.post.name}连续 {duty.off_post_after} 次查岗未应答", call, severity=Severity.MAJOR,
        by=Actor.system(tenant.school_id), tenant=tenant, now=now,
    )  # fmt: skip
    call.save(update_fields=["off_post", "finding_id"])


def call_finding(
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
            source=PRESENCE, source_id=call.pk, category=Category.ABSENT, photo_ids=photos, by=by, tenant=tenant, now=now,
        )  # fmt: skip
    except DomainError:
        return None
    return found.pk
