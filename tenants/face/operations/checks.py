"""Holding one picture against one person's own template (1:1), or enrolling it.

A request writes a row with the sealed picture and returns; the worker of the queue `face` looks at it, writes the
answer, deletes the picture and tells whoever asked (`on_done`). Where no answer can come, it is written at once:
nobody ever waits for a service that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F

from identity.contracts import Actor
from kernel import jobs
from kernel.crypto import CannotOpen
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.face import engine, pack, pictures, policies, queries, vault
from tenants.face.choices import CheckState, Gone, Outcome, Purpose, Source
from tenants.face.contracts import CheckResult
from tenants.face.engine import Look
from tenants.face.errors import NoConsent, NotWorking, PictureUnreadable, ServiceOff
from tenants.face.models import Check, Consent, Template
from tenants.face.operations.templates import lock_person, remove
from tenants.face.pack import NoPack
from tenants.organisation import queries as organisation
from tenants.organisation.choices import StaffStatus
from tenants.organisation.models import Staff
from tenants.timeline import operations as timeline
from tenants.timeline.once import claim

SEND_AGAIN_AFTER = timedelta(seconds=60)
GIVE_UP_AFTER = timedelta(minutes=10)  # then whoever waits goes on without the face
MOST_ATTEMPTS = 3  # a picture that kills its worker is tried no more often
Clock = Callable[[], datetime]
JOB = re.compile(r"[a-z_]+\.[a-z_]+")


def _small(picture: bytes) -> bytes:
    try:
        return pictures.jpeg(pictures.load(picture))
    except pictures.BadPicture as wrong:
        raise PictureUnreadable(field="picture") from wrong


@transaction.atomic
def request_check(
    *,
    staff_id: UUID,
    picture: bytes | None = None,
    evidence_id: UUID | None = None,
    purpose: str,
    subject_id: object = "",
    on_done: str = "",
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> UUID:
    """Ask whether a picture shows this person; returns the check's id at once.

    Give `picture` (bytes of a JPEG, PNG or WebP) or `evidence_id` (a photo kept already). `subject_id` is the row it is
    for ("4711" of punches), `on_done` the job that is sent with `check_id` when the answer is there ("punches.face_checked");
    read it with `queries.result_of`. Without service, pack, consent or template the answer is there at once and the job
    is sent all the same. Raises NotAllowed, NotFound, PictureUnreadable, Invalid.
    """
    if purpose not in Purpose.values or purpose == Purpose.ENROL or (picture is None) == (evidence_id is None):
        raise Invalid("人脸核对的请求不完整。", field="purpose")
    if on_done and not JOB.fullmatch(on_done):
        raise Invalid("人脸核对的请求不完整。", field="on_done")
    if not policies.can_check(by, staff_id):
        raise NotAllowed
    person = organisation.staff_by_id([staff_id]).get(staff_id)
    if person is None:
        raise NotFound
    if evidence_id is not None and not evidence.existing([evidence_id], by=by):
        raise NotFound
    row = _row(person, purpose, by=by, now=now)
    row.subject_id, row.on_done, row.evidence_id = str(subject_id)[:40], on_done, evidence_id
    early = _no_need_to_look(person, tenant=tenant, now=now)
    if early:
        row.state, row.outcome, row.finished_at = CheckState.DONE, early, now
        row.save(force_insert=True)
        _tell(row, person, by=by, tenant=tenant)
        return row.pk
    if picture is not None:
        row.picture_sealed = vault.seal_picture(_small(picture), schema=tenant.schema, owner_id=row.pk)
    row.save(force_insert=True)
    jobs.enqueue_on_commit("face.check", tenant=tenant, check_id=str(row.pk))
    return row.pk


@transaction.atomic
def request_enrolment(*, picture: bytes, key: str = "", by: Actor, tenant: Tenant, now: datetime) -> UUID:
    """The signed-in person hands in the picture their template is made from; returns the id of the check to follow.

    Raises NotAllowed, ServiceOff, NoPack, NoConsent, NotWorking, PictureUnreadable.
    """
    staff_id = by.staff_id
    if staff_id is None or not policies.can_decide(by, staff_id):
        raise NotAllowed
    claimed = claim(key=key, operation="face.enrol", by=by)
    if claimed.result_id:
        return claimed.result_id
    person = organisation.staff_by_id([staff_id]).get(staff_id)
    if person is None:
        raise NotFound
    if person.status == StaffStatus.LEFT:
        raise NotWorking
    if not queries.service_on():
        raise ServiceOff
    pack.usable()
    if queries.standing_consent(staff_id, today=now.astimezone(tenant.tz).date()) is None:
        raise NoConsent
    row = _row(person, Purpose.ENROL, by=by, now=now)
    row.picture_sealed = vault.seal_picture(_small(picture), schema=tenant.schema, owner_id=row.pk)
    row.save(force_insert=True)
    claimed.keep(row.pk)
    jobs.enqueue_on_commit("face.check", tenant=tenant, check_id=str(row.pk))
    return row.pk


def _row(person: Staff, purpose: str, *, by: Actor, now: datetime) -> Check:
    return Check(
        id=new_id(), staff=person, purpose=purpose, requested_at=now, by_account_id=by.account_id, by_name=by.name
    )


def _no_need_to_look(person: Staff, *, tenant: Tenant, now: datetime) -> str:
    """The answer that needs no model, or ""."""
    found = pack.state()
    if not queries.service_on() or not found.ready or found.pack is None:
        return Outcome.UNAVAILABLE
    if person.status == StaffStatus.LEFT:
        return Outcome.NO_CONSENT
    if queries.standing_consent(person.pk, today=now.astimezone(tenant.tz).date()) is None:
        return Outcome.NO_CONSENT
    hashes = Template.objects.filter(staff_id=person.pk).values_list("model_hash", flat=True)
    if not hashes:
        return Outcome.NO_TEMPLATE
    return "" if hashes[0] == found.pack.model_hash else Outcome.OLD_TEMPLATE


def run_check(*, check_id: UUID, tenant: Tenant, clock: Clock) -> None:
    """The worker's part: look, answer, forget the picture. A check that is over, or gone, is left alone."""
    row = Check.objects.select_related("staff").filter(pk=check_id, state=CheckState.PENDING).first()
    if row is None:
        return
    Check.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1)
    try:
        face = engine.current()
        picture = _picture_of(row, tenant=tenant)
        image = pictures.load(picture)
    except NoPack:
        give_up(check_id=row.pk, outcome=Outcome.UNAVAILABLE, tenant=tenant, now=clock())
        return
    except (pictures.BadPicture, CannotOpen, NotFound, OSError):
        give_up(check_id=row.pk, outcome=Outcome.BAD_PICTURE, tenant=tenant, now=clock())
        return
    _answer(row.pk, face.look(image), face, picture, tenant=tenant, now=clock())


def _picture_of(row: Check, *, tenant: Tenant) -> bytes:
    if row.picture_sealed is not None:
        return vault.open_picture(row.picture_sealed, schema=tenant.schema, owner_id=row.pk)
    if row.evidence_id is None:
        raise NotFound
    return evidence.photo_bytes(evidence_id=row.evidence_id)


@transaction.atomic
def _answer(check_id: UUID, look: Look, face: engine.Engine, picture: bytes, *, tenant: Tenant, now: datetime) -> None:
    """Write what was seen. Consent is asked again under the person's lock: it may have been revoked meanwhile.

    The person is locked before the row, as whoever revokes does: the other way round each could wait for the other.
    """
    lock_person(Check.objects.values_list("staff_id", flat=True).get(pk=check_id), tenant)
    row = Check.objects.select_for_update(of=("self",)).select_related("staff").get(pk=check_id)
    if row.state == CheckState.DONE:
        return
    by = Actor(account_id=row.by_account_id, name=row.by_name, school_id=tenant.school_id)
    row.model_hash, row.threshold = face.pack.model_hash, face.pack.threshold
    row.liveness, row.liveness_threshold = look.liveness, face.pack.liveness_threshold
    consent = queries.standing_consent(row.staff_id, today=now.astimezone(tenant.tz).date())
    if consent is None or row.staff.status == StaffStatus.LEFT or not queries.service_on():
        outcome: str = Outcome.NO_CONSENT
    elif row.purpose == Purpose.ENROL:
        outcome = look.outcome or Outcome.ENROLLED
        if not look.outcome:
            enrol(
                person=row.staff, consent=consent, look=look, picture=picture, model_hash=row.model_hash,
                source=Source.PHONE, by=by, tenant=tenant, now=now,
            )  # fmt: skip
    else:
        outcome = _compared(row, look, tenant=tenant)
    _close(row, outcome, now=now)
    _tell(row, row.staff, by=by, tenant=tenant)


def _compared(row: Check, look: Look, *, tenant: Tenant) -> str:
    if look.outcome and not look.vector:
        return look.outcome
    template = Template.objects.filter(staff_id=row.staff_id).first()
    if template is None:
        return Outcome.NO_TEMPLATE
    if template.model_hash != row.model_hash:
        return Outcome.OLD_TEMPLATE
    stored = vault.open_vector(
        template.vector_sealed, schema=tenant.schema, staff_id=row.staff_id, model_hash=template.model_hash
    )
    row.score = engine.score(stored, look.vector)
    if look.outcome:
        return look.outcome
    assert row.threshold is not None
    return Outcome.MATCH if row.score >= row.threshold else Outcome.MISMATCH


@transaction.atomic
def give_up(*, check_id: UUID, outcome: Outcome, tenant: Tenant, now: datetime) -> None:
    """Answer a check without having looked, so that nobody waits. One that is over is left alone."""
    row = Check.objects.select_for_update(of=("self",)).select_related("staff").filter(pk=check_id).first()
    if row is None or row.state == CheckState.DONE:
        return
    _close(row, outcome, now=now)
    by = Actor(account_id=row.by_account_id, name=row.by_name, school_id=tenant.school_id)
    _tell(row, row.staff, by=by, tenant=tenant)


def chase(*, tenant: Tenant, now: datetime) -> int:
    """Checks whose message or worker was lost: sent again after a minute, given up after ten; returns how many.

    Safe to run twice: a check is answered once.
    """
    waiting = Check.objects.filter(state=CheckState.PENDING)
    late = list(waiting.filter(requested_at__lte=now - GIVE_UP_AFTER).values_list("pk", flat=True)[:500])
    for check_id in late:
        give_up(check_id=check_id, outcome=Outcome.UNAVAILABLE, tenant=tenant, now=now)
    tired = list(waiting.filter(attempts__gte=MOST_ATTEMPTS).values_list("pk", flat=True)[:500])
    for check_id in tired:
        give_up(check_id=check_id, outcome=Outcome.BAD_PICTURE, tenant=tenant, now=now)
    lost = list(waiting.filter(requested_at__lte=now - SEND_AGAIN_AFTER).values_list("pk", flat=True)[:500])
    with transaction.atomic():
        for check_id in lost:
            jobs.enqueue_on_commit("face.check", tenant=tenant, check_id=str(check_id))
    return len(late) + len(tired) + len(lost)


def _close(row: Check, outcome: str, *, now: datetime) -> None:
    row.state, row.outcome, row.finished_at, row.picture_sealed = CheckState.DONE, outcome, now, None
    row.save()


def _tell(row: Check, person: Staff, *, by: Actor, tenant: Tenant) -> None:
    """Every use of a face stands on the timeline, whatever came of it; then the one who asked is told."""
    timeline.record(
        verb="face.enrolled" if row.outcome == Outcome.ENROLLED else "face.checked",
        sentence=f"人脸{'录入' if row.purpose == Purpose.ENROL else '核对'}"
        f"（工号 {person.number}，{Purpose(row.purpose).label}）：{Outcome(row.outcome).label}",
        subject=row,
        by=by,
        party_id=person.party_id,
        staff_id=person.pk,
        purpose=row.purpose,
        outcome=row.outcome,
    )
    if row.on_done:
        jobs.enqueue_on_commit(row.on_done, tenant=tenant, check_id=str(row.pk))


def enrol(
    *,
    person: Staff,
    consent: Consent,
    look: Look,
    picture: bytes,
    model_hash: str,
    source: Source,
    batch_id: UUID | None = None,
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> Template:
    """Write a person's template in place of an older one. For operations, under the person's lock, with consent read."""
    before = Template.objects.select_related("staff").filter(staff_id=person.pk).first()
    if before is not None:
        remove(template=before, reason=Gone.REPLACED, by=by, now=now)
    template = Template(
        id=new_id(),
        staff_id=person.pk,
        consent=consent,
        vector_sealed=vault.seal_vector(look.vector, schema=tenant.schema, staff_id=person.pk, model_hash=model_hash),
        model_hash=model_hash,
        quality=look.quality,
        liveness=look.liveness,
        source=source,
        batch_id=batch_id,
        enrolled_at=now,
        by_account_id=by.account_id,
        by_name=by.name[:60],
    )
    days = queries.photo_days()
    if days:
        template.photo_sealed = vault.seal_picture(picture, schema=tenant.schema, owner_id=template.pk)
        template.photo_until = now + timedelta(days=days)
    template.save(force_insert=True)
    return template


def verify(
    *, staff_id: UUID, picture: bytes, purpose: str, subject_id: object = "", by: Actor, tenant: Tenant, clock: Clock
) -> CheckResult:
    """Check now, in this process: for tasks that run on the queue `face` themselves. Raises as request_check."""
    check_id = request_check(
        staff_id=staff_id, picture=picture, purpose=purpose, subject_id=subject_id, by=by, tenant=tenant, now=clock()
    )
    run_check(check_id=check_id, tenant=tenant, clock=clock)
    return queries.result_of(check_id)
