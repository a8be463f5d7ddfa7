"""One person's punch: from the phone, vouched for by a supervisor, settled by the face queue."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel import anchors
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.face import operations as faces
from tenants.face import queries as face_queries
from tenants.face.choices import Outcome, Purpose
from tenants.face.errors import PictureUnreadable
from tenants.organisation import queries as organisation
from tenants.organisation.models import Place, Post, Staff
from tenants.punches import clocks, expected, policies, queries, sentences
from tenants.punches.choices import Direction, PunchSource, PunchStatus, Refusal
from tenants.punches.contracts import Expected
from tenants.punches.deciding import Case, decide
from tenants.punches.errors import NotOneself, NotStaff, PositionUnreadable
from tenants.punches.fences import FRESH, Verdict, judge
from tenants.punches.grading import Vector
from tenants.punches.models import Punch
from tenants.punches.operations.dirty import mark_dirty
from tenants.punches.operations.locks import lock
from tenants.punches.operations.photos import ask_comparison, proving
from tenants.rosters.choices import Grade
from tenants.timeline.operations import record

AFTER_LAST_DAY = timedelta(hours=12)
WAIT_FOR_FACE = timedelta(minutes=15)  # then the punch is settled without it
ANSWER_ON_ITS_WAY = timedelta(minutes=1)  # then the sweep looks for the answer itself
CODE = re.compile(r"(?:^|/q/)([A-Za-z0-9-]{2,24})/?$")


@dataclass(frozen=True, slots=True)
class Fix:
    """A position as a phone tells it. All None: the phone has none, or was not asked."""

    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    age_s: float | None = None

    @property
    def stale(self) -> bool:
        return self.age_s is not None and self.age_s > FRESH.total_seconds()


def checked_fix(latitude: Any, longitude: Any, accuracy_m: Any, age_s: Any) -> Fix:
    """The numbers, checked. Raises PositionUnreadable for half a position or one that is not on earth."""
    if latitude is None and longitude is None:
        return Fix()
    try:
        lat, lon = float(latitude), float(longitude)
        accuracy = None if accuracy_m is None else float(accuracy_m)
        age = None if age_s is None else float(age_s)
    except (TypeError, ValueError) as wrong:
        raise PositionUnreadable(field="position") from wrong
    numbers = [lat, lon, *(n for n in (accuracy, age) if n is not None)]
    good = all(map(math.isfinite, numbers)) and abs(lat) <= 90 and abs(lon) <= 180
    if not good or (accuracy is not None and accuracy < 0) or (age is not None and age < -5):
        raise PositionUnreadable(field="position")
    accuracy = None if accuracy is None else min(accuracy, 1e7)
    return Fix(lat, lon, accuracy, None if age is None else min(max(age, 0.0), 1e9))


@dataclass(slots=True)
class _Where:
    """What is expected of the person at that moment, and whether the scanned code fits it."""

    shift: Expected | None
    post: Post | None
    place: Place | None  # the scanned one, else the expected one
    scanned: bool
    wrong_place: bool
    note: str
    asked: str


def _where(person: Staff, at: datetime, code: str, post_id: UUID | None, *, any_post: bool = False) -> _Where:
    """Picks the shift by window; of several the one whose place was scanned, or the post that was named.

    A post that is neither the person's own nor in their roster about then is not listened to, unless the school says
    it (`any_post`): else a phone could heap refused punches on another company's post.
    """
    candidates = expected.around(person.pk, at)
    if post_id not in (None, person.post_id) and not any_post and not expected.rostered_at(person.pk, post_id, at):
        post_id = None
    scanned: Place | None = None
    note = ""
    if code:
        found = CODE.search(code.strip())
        try:
            scanned = organisation.place_of_code(found.group(1) if found else code[:24])
        except NotFound:
            note = "扫到的码不是本校的场所码。"
    if post_id is not None:
        candidates = [c for c in candidates if c.post_id == post_id] or candidates
    if scanned is not None:
        candidates = [c for c in candidates if _fits(scanned, c.place_path)] or candidates
    shift = candidates[0] if candidates else None
    wanted = shift.post_id if shift else (post_id or person.post_id)
    post = organisation.posts_by_id([wanted]).get(wanted) if wanted else None
    place_id = shift.place_id if shift else (post.place_id if post else None)
    place = organisation.places_by_id([place_id]).get(place_id) if place_id else None
    wrong = bool(code) and (scanned is None or not _fits(scanned, place.path if place else ""))
    if wrong and scanned is not None and place is not None:
        note = f"扫的是「{scanned.full_name}」的码，本班次在「{place.full_name}」。"[:200]
    asked = shift.grade if shift else (expected.terms_of(post.pk) or Grade.C if post else Grade.D)
    return _Where(shift, post, scanned or place, scanned is not None, wrong, note, asked)


def _fits(scanned: Place, path: str) -> bool:
    """The scanned place lies in the expected one or around it; where nothing is expected any place fits."""
    return (
        not path or scanned.path.startswith(path) or (path.startswith(scanned.path) and scanned.parent_id is not None)
    )


def _settle(row: Punch, case: Case, *, post: Post | None, tenant: Tenant) -> None:
    """Write the decision into the row."""
    found = decide(case)
    row.grade, row.status, row.refusal = found.grade, found.status, found.refusal
    row.lacking = queries.lacking_of(row.staff_id, post, row.at.astimezone(tenant.tz).date())


def _after(row: Punch, *, by: Actor, tenant: Tenant) -> None:
    """Days to derive, the timeline of what is out of the ordinary, the certificate's alarm."""
    if row.status == PunchStatus.ACCEPTED:
        mark_dirty([(row.staff_id, row.at.astimezone(tenant.tz).date())], tenant=tenant)
        if row.lacking:
            enqueue_on_commit("punches.raise_uncertified", tenant=tenant, punch_ids=[row.pk])
    elif row.status == PunchStatus.REFUSED:
        record(
            verb="punch.refused", sentence=f"{row.staff.name}打卡未通过：{sentences.why(row)}"[:300], subject=row,
            by=by, staff_id=row.staff_id, post_id=row.post_id, party_id=row.staff.party_id, place_id=row.place_id,
            refusal=row.refusal,
        )  # fmt: skip


def _case_of(row: Punch, *, wrong_place: bool = False, believable: bool = True, **more: Any) -> Case:
    """The row's evidence as the decision takes it, without a face."""
    verdict, _gap = judge(queries.zones_of(row.post_id), row.latitude, row.longitude, row.accuracy_m)
    return Case(
        vector=Vector(photo=row.photo_id is not None, code=row.place_code and not wrong_place),
        asked=row.asked,
        verdict=verdict,
        stale=row.latitude is not None and row.fix_age_s is not None and row.fix_age_s > FRESH.total_seconds(),
        wrong_place=wrong_place,
        believable=believable,
        unchecked=clocks.unchecked(row.clock, row.at, row.received_at),
        **more,
    )


@transaction.atomic
def punch(
    *,
    client_id: UUID,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    direction: str = Direction.UNKNOWN,
    recorded_at: datetime | None = None,
    anchor: str = "",
    elapsed_ms: float | None = None,
    monotonic: bool = False,
    code: str = "",
    latitude: float | None = None,
    longitude: float | None = None,
    accuracy_m: float | None = None,
    fix_age_s: float | None = None,
    photo_id: UUID | None = None,
    face: bytes | None = None,
    post_id: UUID | None = None,
    phone_id: str = "",
    staff_id: UUID | None = None,
    source: PunchSource = PunchSource.PHONE,
) -> Punch:
    """The signed-in person punches. The same `client_id` again returns the punch it made the first time.

    Who works for several parties says as whom (`staff_id`); unsaid, it is the row into whose shift's window the moment
    falls. Post and asked grade come from the shift into whose window the moment falls, else from the person's
    own post. A punch that does not count is kept with its reason; with `face` it waits (核验中) for the
    face queue. Raises NotAllowed, NotStaff, Invalid, PositionUnreadable.
    """
    if by.staff_id is None and by.roles:
        raise NotStaff
    if not policies.can_punch(by) or by.staff_id is None:
        raise NotAllowed
    if staff_id is not None and not by.is_own(staff_id):
        raise NotAllowed
    lock(f"client:{client_id}", tenant)
    earlier = queries.own_by_client_id(client_id, by=by)
    if earlier is not None:
        return earlier
    if direction not in Direction.values:
        raise Invalid("请选择上班或下班，也可以不选。", field="direction")
    fix = checked_fix(latitude, longitude, accuracy_m, fix_age_s)
    reading = clocks.read_phone(
        recorded_at=recorded_at, anchored_at=anchors.anchor_time(anchor, schema=tenant.schema) if anchor else None,
        elapsed_ms=elapsed_ms if elapsed_ms is not None and math.isfinite(elapsed_ms) else None,
        monotonic=monotonic, received_at=now,
    )  # fmt: skip
    by = by.as_staff(staff_id or expected.whose(by, reading.at))
    person = queries.staff_row(by.staff_id) if by.staff_id else None
    if person is None:
        raise NotStaff
    where = _where(person, reading.at, code, post_id)
    photo, unproved = proving(photo_id, staff_id=person.pk, at=reading.at, said=recorded_at, by=by, tenant=tenant)
    row = Punch(
        staff=person, at=reading.at, recorded_at=recorded_at or reading.at, received_at=now, clock=reading.basis,
        source=source, direction=direction, client_id=client_id, phone_id=phone_id[:40],
        post=where.post, place=where.place, place_code=where.scanned, latitude=fix.latitude, longitude=fix.longitude,
        accuracy_m=fix.accuracy_m, fix_age_s=None if fix.age_s is None else round(fix.age_s),
        photo_id=photo, asked=where.asked, note=where.note or unproved,
    )  # fmt: skip
    _verdict, row.outside_m = judge(queries.zones_of(row.post_id), fix.latitude, fix.longitude, fix.accuracy_m)
    left = _gone(person, reading.at, tenant)
    case = _case_of(row, wrong_place=where.wrong_place, believable=reading.believable, left=left)
    _settle(row, case, post=where.post, tenant=tenant)
    may_help = (Refusal.NONE, Refusal.TOO_WEAK, Refusal.STALE_FIX, *([Refusal.CLOCK] if case.unchecked else []))
    if face is not None and row.refusal in may_help:  # where the time is unchecked it helps whoever decides the appeal
        row.status, row.refusal = PunchStatus.PENDING, Refusal.NONE
        row.save(force_insert=True)
        _ask_face(row, face, by=by, tenant=tenant, now=now)
    else:
        row.save(force_insert=True)
    _after(row, by=by, tenant=tenant)
    if row.status != PunchStatus.REFUSED:
        ask_comparison(row, tenant=tenant, now=now)
    return row


def _gone(person: Staff, at: datetime, tenant: Tenant) -> bool:
    """By the time of the punch alone, until noon after the last day: its night shift ends with a punch of its own."""
    return person.left_on is not None and (at.astimezone(tenant.tz) - AFTER_LAST_DAY).date() > person.left_on


@transaction.atomic
def vouch(
    *,
    staff_id: UUID,
    client_id: UUID,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    direction: str = Direction.UNKNOWN,
    recorded_at: datetime | None = None,
    anchor: str = "",
    elapsed_ms: float | None = None,
    monotonic: bool = False,
    code: str = "",
    latitude: float | None = None,
    longitude: float | None = None,
    accuracy_m: float | None = None,
    fix_age_s: float | None = None,
    photo_id: UUID | None = None,
    post_id: UUID | None = None,
    note: str = "",
) -> Punch:
    """A supervisor says that a person is here. On site (own position in the fence, or the code at the place) it is
    grade A, as good as a face; from elsewhere, or by the person's own company, less. Idempotent by `client_id`.

    Raises NotAllowed, NotFound, NotOneself, Invalid, PositionUnreadable.
    """
    if not policies.can_vouch(by):
        raise NotAllowed
    person = organisation.staff_member(staff_id, by=by)
    if by.is_own(person.pk) or (by.account_id is not None and person.account_id == by.account_id):
        raise NotOneself
    lock(f"client:{client_id}", tenant)
    earlier = Punch.objects.filter(staff=person, client_id=client_id).first()
    if earlier is not None:
        return earlier
    if direction not in Direction.values:
        raise Invalid("请选择上班或下班，也可以不选。", field="direction")
    fix = checked_fix(latitude, longitude, accuracy_m, fix_age_s)
    reading = clocks.read_phone(
        recorded_at=recorded_at, anchored_at=anchors.anchor_time(anchor, schema=tenant.schema) if anchor else None,
        elapsed_ms=elapsed_ms if elapsed_ms is not None and math.isfinite(elapsed_ms) else None,
        monotonic=monotonic, received_at=now,
    )  # fmt: skip
    interested = policies.is_interested(by)
    where = _where(person, reading.at, code, post_id, any_post=not interested)
    photo, unproved = proving(photo_id, staff_id=person.pk, at=reading.at, said=recorded_at, by=by, tenant=tenant)
    verdict, gap = judge(
        queries.zones_of(where.post.pk if where.post else None), fix.latitude, fix.longitude, fix.accuracy_m
    )
    inside = verdict == Verdict.INSIDE and not fix.stale
    on_site = inside or (where.scanned and not where.wrong_place)
    row = Punch(
        staff=person, at=reading.at, recorded_at=recorded_at or reading.at, received_at=now, clock=reading.basis,
        source=PunchSource.VOUCHER, direction=direction, client_id=client_id, post=where.post, place=where.place,
        place_code=where.scanned, latitude=fix.latitude, longitude=fix.longitude, accuracy_m=fix.accuracy_m,
        fix_age_s=None if fix.age_s is None else round(fix.age_s), outside_m=gap, photo_id=photo,
        vouched_by=by.account_id, vouched_by_name=by.name[:60], vouched_on_site=on_site, asked=where.asked,
        note=(note.strip() or where.note or unproved)[:200],
    )  # fmt: skip
    vector = Vector(
        vouched=True, on_site=on_site and not interested, code=on_site and interested, photo=row.photo_id is not None
    )
    case = Case(
        vector=vector, asked=where.asked, verdict=Verdict.OUTSIDE if verdict == Verdict.OUTSIDE else Verdict.NONE,
        stale=fix.stale, wrong_place=where.wrong_place, believable=reading.believable,
        left=_gone(person, reading.at, tenant),
        # The school's own word says when, too: who gives it decides appeals. A company's word needs a time.
        unchecked=interested and clocks.unchecked(reading.basis, reading.at, now),
    )  # fmt: skip
    _settle(row, case, post=where.post, tenant=tenant)
    row.save(force_insert=True)
    record(
        verb="punch.vouched", sentence=f"{by.name}见证{person.name}在岗{'' if on_site else '（未证明本人在场）'}",
        subject=row, by=by, staff_id=person.pk, post_id=row.post_id, party_id=person.party_id, place_id=row.place_id,
    )  # fmt: skip
    _after(row, by=by, tenant=tenant)
    return row


def settle_without_photo(row: Punch, *, words: str) -> None:
    """Take the photo off the evidence of a punch and let the rest decide. Who was counted on a decider's word stays so.

    The caller has locked the row, and marks the day where it counted.
    """
    row.photo_id, row.note = None, words[:200]
    if row.status == PunchStatus.ACCEPTED and row.vouched_by is None:
        known = face_queries.results_of([row.face_check_id]) if row.face_check_id else {}
        result = next(iter(known.values()), None)
        seen = result is not None and result.passed
        plain = _case_of(row)
        if row.latitude is None and row.outside_m == 0:  # it was inside; the coordinates have been erased since
            plain = replace(plain, verdict=Verdict.INSIDE)
        vector = replace(plain.vector, face=seen, live=result.live if result is not None and seen else None)
        found = decide(replace(plain, vector=vector))
        row.grade, row.status, row.refusal = found.grade, found.status, found.refusal
    row.save(update_fields=["photo_id", "note", "grade", "status", "refusal"])


# --- Face ----------------------------------------------------------------------------------------


def _ask_face(row: Punch, face: bytes, *, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Hand the picture to the face queue; `punches.face_checked` comes back with the answer. It is not kept here."""
    try:
        row.face_check_id = faces.request_check(
            staff_id=row.staff_id, picture=face, purpose=Purpose.PUNCH, subject_id=row.pk,
            on_done="punches.face_checked", by=by, tenant=tenant, now=now,
        )  # fmt: skip
    except (PictureUnreadable, NotAllowed):
        row.note = "人脸照片无法读取，按其余佐证处理"
        _judge_waiting(row, tenant=tenant, face=False, live=None, tell=False)
    else:
        row.save(update_fields=["face_check_id"])


@transaction.atomic
def face_checked(*, check_id: UUID, tenant: Tenant, now: datetime) -> Punch | None:
    """The face queue has answered: the punch is accepted or refused. None when it waits no more. Locks the punch.

    Somebody else's face or no living one refuses; where no face could be judged (no consent, no template,
    no face in the picture, service off) the rest of the evidence decides, exactly as without a face.
    """
    row = Punch.objects.select_for_update(of=("self",)).filter(face_check_id=check_id).first()
    if row is None or row.status != PunchStatus.PENDING:
        return None
    result = face_queries.result_of(check_id)
    if not result.done:
        return None
    row.face_score, row.liveness = result.score, result.liveness
    mismatch, dead = result.outcome == Outcome.MISMATCH, result.outcome == Outcome.NOT_LIVE
    if not (result.passed or mismatch or dead):
        row.note = f"人脸未用上：{result.sentence}"[:200]
    _judge_waiting(
        row, tenant=tenant, face=result.passed, live=result.live if result.passed else None,
        mismatch=mismatch, not_live=dead,
    )  # fmt: skip
    return row


def settle_answered(*, tenant: Tenant, now: datetime, limit: int = 500) -> int:
    """Settle punches whose face was answered while the message about it was lost, each in its own transaction."""
    rows = Punch.objects.filter(
        status=PunchStatus.PENDING, received_at__lt=now - ANSWER_ON_ITS_WAY, face_check_id__isnull=False
    )
    checks = list(rows.order_by("id").values_list("face_check_id", flat=True)[:limit])
    answered = [check for check, result in face_queries.results_of([c for c in checks if c]).items() if result.done]
    return sum(face_checked(check_id=check_id, tenant=tenant, now=now) is not None for check_id in answered)


@transaction.atomic
def give_up_waiting(*, tenant: Tenant, now: datetime, limit: int = 500) -> int:
    """Settle punches that waited too long for the face queue by the rest of their evidence. Locks them; returns how many.

    Where the queue has answered and only its message was lost, the answer decides (`settle_answered` comes first).
    """
    rows = Punch.objects.select_for_update(of=("self",), skip_locked=True).filter(
        status=PunchStatus.PENDING, received_at__lt=now - WAIT_FOR_FACE
    )
    done = 0
    for row in rows.order_by("id")[:limit]:
        row.note = "人脸核验没有按时返回，按其余佐证处理"
        _judge_waiting(row, tenant=tenant, face=False, live=None)
        done += 1
    return done


def _judge_waiting(
    row: Punch, *, tenant: Tenant, face: bool, live: bool | None, tell: bool = True, **more: Any
) -> None:
    case = _case_of(row, **more)
    vector = Vector(photo=case.vector.photo, code=case.vector.code, face=face, live=live)
    post = organisation.posts_by_id([row.post_id]).get(row.post_id) if row.post_id else None
    _settle(
        row,
        Case(
            vector=vector, asked=case.asked, verdict=case.verdict, stale=case.stale,
            mismatch=case.mismatch, not_live=case.not_live, unchecked=case.unchecked,
        ),
        post=post, tenant=tenant,
    )  # fmt: skip
    row.save(update_fields=["face_score", "liveness", "grade", "status", "refusal", "lacking", "note"])
    if tell:
        _after(row, by=Actor.system(tenant.school_id), tenant=tenant)
