"""The person opens the call, shows what was asked for, and is looked at."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.anchors import NOTHING, Counted, moment_of
from kernel.errors import NotFound
from kernel.tenancy import Tenant
from tenants.duty import challenges, queries
from tenants.duty.choices import CallStatus, FaceState, Outcome
from tenants.duty.errors import (
    CallNotOut,
    CallOver,
    ChallengeStale,
    CodeMissing,
    PhotoMissing,
    PhotoReused,
    PhotoUnknown,
    VoiceUnknown,
)
from tenants.duty.models import Call, DutyPost, Summons
from tenants.duty.operations.calls.common import locked_call, settle
from tenants.duty.operations.common import (
    is_at,
    own_staff,
    tell,
)
from tenants.evidence import queries as evidence
from tenants.face import operations as faces
from tenants.face import queries as face_results
from tenants.face.choices import Outcome as FaceOutcome
from tenants.face.choices import Purpose
from tenants.organisation.models import Place
from tenants.timeline import once

OPEN_FOR_ANSWERS = timedelta(hours=12)


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
    """The person opens the call on the phone: a gesture and a phrase are drawn for them, good for two minutes, then others.

    Locks the post and the call. Raises NotAllowed, NotFound, CallNotOut, CallOver.
    """
    duty, call = locked_call(call_id)
    row = _own_summons(duty, call, by)
    if row.answered_at is not None and row.place_ok is not False:
        return row
    _may_still_answer(call, row, now)
    if row.challenged_at is None or now >= row.challenged_at + challenges.LIVES:
        row.challenge, row.phrase, row.nonce = challenges.draw(), challenges.phrase(), challenges.nonce()
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
    voice_id: UUID | None = None,
    place_code: str = "",
    elapsed_seconds: float | None = None,
    counted: Counted = NOTHING,
    client_key: str = "",
) -> Summons:
    """应答: the picture asked for, the code at the post, and when by the server's clock as the phone counted on from it
    (`counted`, signed), or else how long after the challenge by its stopwatch.

    The time that counts is the server's (`challenges.answered_at`). A second answer changes nothing, unless the first
    was given at a wrong place. After the deadline it is kept and marked late. Locks the post and the call.

    The picture shows the gesture, or the phrase written down; or `voice_id` is the phrase spoken. A human judges which.

    Raises NotAllowed, NotFound, CallNotOut, CallOver, ChallengeStale, PhotoMissing, PhotoUnknown, PhotoReused,
    VoiceUnknown, CodeMissing.
    """
    duty, call = locked_call(call_id)
    row = _own_summons(duty, call, by)
    if row.answered_at is not None and row.place_ok is not False:
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
    if call.asks_photo:
        _check_photo(photo_id, row, by)
    if voice_id is not None:
        _check_voice(voice_id, row, by)
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
    row.photo_id, row.voice_id = photo_id if call.asks_photo else None, voice_id
    if call.asks_face and row.photo_id and row.on_duty:
        row.face_check_id = faces.request_check(
            staff_id=row.staff_id, evidence_id=row.photo_id, purpose=Purpose.DUTY, subject_id=row.pk,
            on_done="duty.face_checked", by=by, tenant=tenant, now=now,
        )  # fmt: skip
        row.face = FaceState.PENDING
    row.save()
    tell(duty, "call_answered", f"{by.name}应答查岗", subject=call, by=by, tenant=tenant, late=row.late)
    settle(duty, call, by=by, tenant=tenant, now=now)
    return row


def _since_challenge(row: Summons, counted: Counted, *, tenant: Tenant, now: datetime) -> float | None:
    """Seconds from the challenge to the answer, where a stopwatch counted them from the server's own anchor."""
    at = moment_of(counted, schema=tenant.schema, received_at=now) if counted.monotonic else None
    if at is None or row.challenged_at is None or at < row.challenged_at:
        return None
    return (at - row.challenged_at).total_seconds()


def _check_photo(photo_id: UUID | None, row: Summons, by: Actor) -> None:
    """A picture taken now: kept after the challenge was shown, never used before, not even as the same bytes."""
    if photo_id is None:
        raise PhotoMissing(field="photo")
    if not evidence.existing([photo_id], by=by):
        raise PhotoUnknown(field="photo")
    if not _is_fresh(photo_id, row):
        raise PhotoReused(field="photo")


def _check_voice(voice_id: UUID, row: Summons, by: Actor) -> None:
    """The phrase spoken now, by the same rule as the picture."""
    kept = evidence.existing([voice_id], by=by) and evidence.contracts_of([voice_id])[voice_id].mime.startswith(
        "audio/"
    )
    if not kept or not _is_fresh(voice_id, row):
        raise VoiceUnknown(field="voice")


def _is_fresh(file_id: UUID, row: Summons) -> bool:
    """Kept after the challenge was shown, and never used before, not even as the same bytes."""
    known = evidence.contracts_of([file_id])[file_id]
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

    Locks the post and the call. Safe to run twice.
    """
    found = Summons.objects.filter(face_check_id=check_id).values_list("call_id", flat=True)
    result = face_results.result_of(check_id)
    if not found or not result.done:
        return
    duty, call = locked_call(found[0])
    face = FACES.get(FaceOutcome(result.outcome), FaceState.UNSURE)
    Summons.objects.filter(face_check_id=check_id).update(face=face)
    settle(duty, call, by=Actor.system(tenant.school_id), tenant=tenant, now=now)
