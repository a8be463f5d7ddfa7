"""The person opens the call, shows what was asked for, and is looked at."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from identity.contracts import Actor
from kernel.anchors import NOTHING, Counted, moment_of
from kernel.errors import NotFound
from kernel.tenancy import Tenant
from tenants.duty import challenges, queries, reckoning
from tenants.duty.choices import CallStatus, Channel, Doubt, FaceState, Outcome
from tenants.duty.errors import (
    CallNotOut,
    CallOver,
    ChallengeStale,
    CodeMissing,
    NotYourParty,
    PhotoMissing,
    PhotoReused,
    PhotoUnknown,
    VoiceUnknown,
)
from tenants.duty.models import Attempt, Call, DutyPost, Summons
from tenants.duty.operations.calls.common import locked_call, settle
from tenants.duty.operations.common import accounts_of, acting_at, check_staff, is_at, own_staff, tell
from tenants.duty.operations.punching import acting_as, punch_by_answer
from tenants.evidence import queries as evidence
from tenants.evidence.alike import is_copy
from tenants.evidence.contracts import EvidenceContract
from tenants.face import operations as faces
from tenants.face import queries as face_results
from tenants.face.choices import Outcome as FaceOutcome
from tenants.face.choices import Purpose
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation.models import Place, Staff
from tenants.timeline import once

OPEN_FOR_ANSWERS = timedelta(hours=12)
ANSWER_ON_ITS_WAY = timedelta(minutes=1)  # then the round looks for the answer itself
COPIES_SINCE = timedelta(days=180)  # how far back a person's own answers are compared


def _own_summons(duty: DutyPost, call: Call, by: Actor, now: datetime) -> Summons:
    """The person's part of the call; a colleague of the same company who answers instead is written down as such."""
    check_staff(by)
    row = queries.own_summons(call, by)
    if row is not None:
        return row
    try:
        return Summons(call=call, staff=own_staff(acting_at(duty, by=by, now=now)), on_duty=False)
    except NotYourParty as stranger:
        raise NotFound from stranger


def _may_still_answer(call: Call, row: Summons, now: datetime) -> None:
    if call.status == CallStatus.WAITING or call.sent_at is None:
        raise CallNotOut
    if call.status == CallStatus.DONE and (
        call.outcome in (Outcome.ON_POST, Outcome.LATE) or call.judged_at or now > call.sent_at + OPEN_FOR_ANSWERS
    ):
        raise CallOver


@transaction.atomic
def open_call(*, call_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Summons:
    """The person opens the call on the phone: a gesture and a phrase are drawn for them, good for two minutes, then others.

    Locks the post and the call. Raises NotAllowed, NotFound, CallNotOut, CallOver.
    """
    duty, call = locked_call(call_id)
    row = _own_summons(duty, call, by, now)
    by = by.as_staff(row.staff_id)
    fresh = row._state.adding
    if row.answered_at is not None and not may_answer_again(row=row, call=call, now=now):
        return row
    _may_still_answer(call, row, now)
    if row.delivered_at is None:
        row.delivered_at, row.delivered_by, row.hook_at = now, Channel.PHONE, None
        row.save()
    if row.challenged_at is None or now >= row.challenged_at + challenges.LIVES:
        row.challenge, row.phrase, row.nonce = challenges.draw(), challenges.phrase(), challenges.nonce()
        row.challenged_at, row.draws = now, row.draws + 1
        row.save()
        if fresh:
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
    voice_id: UUID | None = None,
    place_code: str = "",
    elapsed_seconds: float | None = None,
    counted: Counted = NOTHING,
    client_key: str = "",
) -> Summons:
    """应答: the picture asked for, the code at the post, and when by the server's clock as the phone counted on from it
    (`counted`, signed), or else how long after the challenge by its stopwatch.

    The time that counts is the server's (`challenges.answered_at`). After the deadline an answer is kept and marked late.

    The gesture is good for two minutes by the server's clock too: a picture that reaches the server later than that (and
    half a minute for its upload) after the gesture was shown is kept, but is 迟应答 at best, whatever the phone's
    stopwatch says. So is a picture that is a copy of one with which the same person answered before, also re-saved or
    cropped (`evidence.alike`). Neither is an accusation: pictures taken in the dark look alike. A second answer changes
    nothing unless the first did not hold; then the first is kept as an attempt (`may_answer_again`). Locks the post and
    the call.

    The picture shows the gesture, or the phrase written down; or `voice_id` is the phrase spoken. A human judges which.

    Raises NotAllowed, NotFound, CallNotOut, CallOver, ChallengeStale, PhotoMissing, PhotoUnknown, PhotoReused,
    VoiceUnknown, CodeMissing.
    """
    copied = _copies_an_earlier_one(photo_id, by, now)  # before the lock: it looks at pictures
    duty, call = locked_call(call_id)
    row = _own_summons(duty, call, by, now)
    by = by.as_staff(row.staff_id)
    if row.answered_at is not None and not may_answer_again(row=row, call=call, now=now):
        return row
    if once.claim_for(key=client_key, operation="duty.answer", by=by, result_id=call_id):
        return row
    _may_still_answer(call, row, now)
    if row.challenged_at is None or not nonce or nonce != row.nonce:
        raise ChallengeStale(field="nonce")
    by_anchor = _since_challenge(row, counted, tenant=tenant, now=now)
    elapsed_seconds = elapsed_seconds if by_anchor is None else by_anchor
    waited = elapsed_seconds if elapsed_seconds is not None else (now - row.challenged_at).total_seconds()
    if waited > (challenges.LIVES + challenges.UPLOAD_CREDIT).total_seconds():
        raise ChallengeStale(field="nonce")
    proofs = [_checked_photo(photo_id, row, by)] if call.asks_photo else []
    if voice_id is not None:
        proofs.append(_checked_voice(voice_id, row, by))
    if call.asks_code and not place_code.strip():
        raise CodeMissing(field="place_code")
    if row.answered_at is not None:
        _keep_attempt(row)
    if call.asks_code:
        place = Place.objects.filter(code=place_code.strip().upper()).first()
        row.place, row.place_ok = place, is_at(place, duty)
    assert call.sent_at is not None and call.deadline is not None
    row.received_at = now
    row.answered_at = challenges.answered_at(
        received=now, challenged=row.challenged_at, elapsed_seconds=elapsed_seconds
    )
    row.reaction_s = max(0, round((row.answered_at - call.sent_at).total_seconds()))
    row.doubt = Doubt.NONE
    shown_at = max((proof.received_at for proof in proofs), default=now)
    if shown_at > row.challenged_at + challenges.LIVES + challenges.UPLOAD_CREDIT:
        row.doubt = Doubt.STALE
    elif copied and call.asks_photo:
        row.doubt = Doubt.COPY
    row.late = row.answered_at >= call.deadline or row.doubt != Doubt.NONE
    row.photo_id, row.voice_id = photo_id if call.asks_photo else None, voice_id
    row.face, row.face_check_id, row.hook_at = FaceState.NONE, None, None
    if call.asks_face and row.photo_id and row.on_duty:
        row.face_check_id = faces.request_check(
            staff_id=row.staff_id, evidence_id=row.photo_id, purpose=Purpose.DUTY, subject_id=row.pk,
            on_done="duty.face_checked", by=by, tenant=tenant, now=now,
        )  # fmt: skip
        row.face = FaceState.PENDING
    row.save()
    tell(duty, "call_answered", f"{by.name}应答查岗", subject=call, by=by, tenant=tenant, late=row.late)
    settle(duty, call, by=by, tenant=tenant, now=now)
    punch_by_answer(duty, row, by=by, tenant=tenant)
    return row


def _since_challenge(row: Summons, counted: Counted, *, tenant: Tenant, now: datetime) -> float | None:
    """Seconds from the challenge to the answer, where a stopwatch counted them from the server's own anchor."""
    at = moment_of(counted, schema=tenant.schema, received_at=now) if counted.monotonic else None
    if at is None or row.challenged_at is None or at < row.challenged_at:
        return None
    return (at - row.challenged_at).total_seconds()


def may_answer_again(*, row: Summons, call: Call, now: datetime) -> bool:
    """Whether an answer that was given did not hold: another place, another face, or, while there is time, a doubt."""
    if row.place_ok is False or row.face == FaceState.OTHER:
        return True
    return row.doubt != Doubt.NONE and call.deadline is not None and now < call.deadline


def _keep_attempt(row: Summons) -> None:
    """Put the answer that did not hold aside, before the next one takes its place."""
    assert row.answered_at is not None
    Attempt.objects.create(
        summons=row, challenge=row.challenge, phrase=row.phrase, answered_at=row.answered_at, photo_id=row.photo_id,
        voice_id=row.voice_id, place=row.place, place_ok=row.place_ok, face=row.face, face_check_id=row.face_check_id, late=row.late, doubt=row.doubt,
    )  # fmt: skip


def _checked_photo(photo_id: UUID | None, row: Summons, by: Actor) -> EvidenceContract:
    """A picture taken now: kept after the challenge was shown, never used before, not even as the same bytes."""
    if photo_id is None:
        raise PhotoMissing(field="photo")
    if not evidence.existing([photo_id], by=by):
        raise PhotoUnknown(field="photo")
    known = evidence.contracts_of([photo_id])[photo_id]
    if not _is_fresh(known, row):
        raise PhotoReused(field="photo")
    return known


def _copies_an_earlier_one(photo_id: UUID | None, by: Actor, now: datetime) -> bool:
    """Whether the picture is one of the person's earlier answers, re-saved or cropped; looks at the three likeliest."""
    if photo_id is None or by.staff_id is None or not evidence.existing([photo_id], by=by):
        return False
    earlier = reckoning.earlier_answers(by.staff_ids, besides=photo_id, since=now - COPIES_SINCE)
    likely = evidence.nearest_among(photo_id=photo_id, among=earlier)
    pictures = evidence.small_pictures([photo_id, *likely]) if likely else {}
    mine = pictures.get(photo_id)
    return mine is not None and any(is_copy(mine, pictures[one]) for one in likely if one in pictures)


def _checked_voice(voice_id: UUID, row: Summons, by: Actor) -> EvidenceContract:
    """The phrase spoken now, by the same rule as the picture."""
    if not evidence.existing([voice_id], by=by):
        raise VoiceUnknown(field="voice")
    known = evidence.contracts_of([voice_id])[voice_id]
    if not known.mime.startswith("audio/") or not _is_fresh(known, row):
        raise VoiceUnknown(field="voice")
    return known


def _is_fresh(known: EvidenceContract, row: Summons) -> bool:
    """Kept after the challenge was shown, and never used before, not even as the same bytes."""
    assert row.challenged_at is not None
    return known.received_at >= row.challenged_at and not queries.was_used(known, besides=row.pk)


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

    While there is time the call rings again, and the person is told either way: a machine may err, so whoever was
    taken for another may answer once more, and is then believed by a match. Locks the post and the call. Safe to run
    twice.
    """
    found = Summons.objects.filter(Q(face_check_id=check_id) | Q(attempts__face_check_id=check_id)).first()
    result = face_results.result_of(check_id)
    if found is None or not result.done:
        return
    duty, call = locked_call(found.call_id)
    face = FACES.get(FaceOutcome(result.outcome), FaceState.UNSURE)
    Attempt.objects.filter(face_check_id=check_id).update(face=face)
    newest = Summons.objects.filter(face_check_id=check_id).update(face=face)
    settle(duty, call, by=Actor.system(tenant.school_id), tenant=tenant, now=now)
    if newest:
        found.refresh_from_db()
        by = acting_as(Staff.objects.get(pk=found.staff_id), tenant=tenant)
        punch_by_answer(duty, found, by=by, tenant=tenant)
    if newest and face == FaceState.OTHER and call.deadline is not None and call.judged_at is None:
        again = (
            f"请在 {call.deadline.astimezone(tenant.tz):%H:%M} 前再应答一次"
            if now < call.deadline
            else "可以补答，由人工认定"
        )
        notices.notify(
            account_ids=accounts_of([found.staff_id]), kind=NoticeKind.TODO,
            title=f"应答照片没有通过本人核验：{duty.post.name}", text=again, path=f"/m/duty/calls/{call.pk}/",
            subject=call, occasion=f"duty.again:{check_id}", now=now,
        )  # fmt: skip


def settle_faces(*, tenant: Tenant, now: datetime, limit: int = 200) -> int:
    """Take the face service's answers to pictures of calls whose message was lost, each in its own transaction."""
    waiting = {"face": FaceState.PENDING, "answered_at__lt": now - ANSWER_ON_ITS_WAY, "face_check_id__isnull": False}
    checks = [
        *Summons.objects.filter(**waiting).order_by("id").values_list("face_check_id", flat=True)[:limit],
        *Attempt.objects.filter(**waiting).order_by("id").values_list("face_check_id", flat=True)[:limit],
    ]
    answered = [check_id for check_id, result in face_results.results_of(c for c in checks if c).items() if result.done]
    for check_id in answered:
        face_checked(check_id=check_id, tenant=tenant, now=now)
    return len(answered)
