"""Batch enrolment: a zip of photos named by work number, worked through by the process of the queue `face`.

Each photo is a transaction of its own: a batch killed anywhere goes on where it was, and enrols nobody twice. Only
people who agreed are enrolled; every photo that was not used is listed with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel import spreadsheets
from kernel.errors import DomainError, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.face import archive, engine, pack, pictures, policies, queries
from tenants.face.archive import Archive, Entry
from tenants.face.choices import Outcome, Source
from tenants.face.errors import ServiceOff
from tenants.face.models import Consent, Template
from tenants.face.operations.checks import enrol
from tenants.face.operations.templates import lock_person
from tenants.jobs import files
from tenants.jobs import operations as jobs
from tenants.jobs.choices import JobState
from tenants.jobs.models import Job
from tenants.organisation import queries as organisation
from tenants.organisation.choices import StaffStatus
from tenants.organisation.models import Staff
from tenants.timeline import operations as timeline

KIND = "face.enrol_batch"
TELL_EVERY = 10  # photos
UNKNOWN = "没有这个工号的在岗员工"
TWICE = "同一工号有多张照片，只用第一张"
COLUMNS = [spreadsheets.Column("照片", width=30, text=True), spreadsheets.Column("原因", width=40)]
Clock = Callable[[], datetime]


@transaction.atomic
def start_batch(*, content: bytes, file_name: str, by: Actor, tenant: Tenant, now: datetime) -> Job:
    """Take an archive and put the batch in the queue. It is judged before it is kept.

    Raises NotAllowed, ServiceOff, NoPack, ArchiveUnreadable, NoPhotos, TooManyPhotos.
    """
    if not policies.can_configure(by):
        raise NotAllowed
    if not queries.service_on():
        raise ServiceOff
    pack.usable()
    count = len(Archive(content).entries)
    return jobs.start(
        kind=KIND,
        title=f"人脸批量录入：{count} 张照片",
        by=by,
        tenant=tenant,
        now=now,
        content=content,
        file_name="photos.zip",
        result={"file_name": file_name[-100:], "photos": count, "by": by.name},
    )


def start_batch_of_photos(*, photos: Sequence[tuple[str, bytes]], by: Actor, tenant: Tenant, now: datetime) -> Job:
    """As `start_batch`, for single photos (name, bytes)."""
    if not policies.can_configure(by):
        raise NotAllowed
    return start_batch(content=archive.packed(photos), file_name=f"{len(photos)} 张照片", by=by, tenant=tenant, now=now)


def run_batch(*, job_id: UUID, tenant: Tenant, clock: Clock) -> None:
    """The worker's part. A job that is over, gone, or in another worker's hands is left alone."""
    job = jobs.take(job_id=job_id, now=clock())
    if job is None:
        return
    try:
        face = engine.current()
        photos = Archive(files.read(tenant=tenant, path=job.input_path))
        _work(job, photos, face, tenant=tenant, clock=clock)
    except jobs.TakenOver:
        return
    except DomainError as refused:
        gone = isinstance(refused, NotFound)
        sentence = "上传的文件已过保存期，请重新上传。" if gone else refused.sentence
        jobs.fail(job, sentence=sentence, now=clock(), result={"code": refused.code})
        drop_photos()


def _work(job: Job, photos: Archive, face: engine.Engine, *, tenant: Tenant, clock: Clock) -> None:
    total = len(photos.entries)
    jobs.progress(job, done=0, total=total, sentence=f"共 {total} 张照片，正在录入", now=clock())
    by = Actor(account_id=job.account_id, name=job.result.get("by", ""), school_id=tenant.school_id)
    stems = [number for entry in photos.entries for number in archive.numbers_in(entry.number)]
    people = organisation.staff_by_number(stems)
    consents = queries.standing_consents([p.pk for p in people.values()], today=clock().astimezone(tenant.tz).date())
    before = set(Template.objects.filter(batch_id=job.pk).values_list("staff_id", flat=True))
    seen: set[UUID] = set()
    wrong: list[list[str]] = []
    for done, entry in enumerate(photos.entries, start=1):
        person = next((people[n] for n in archive.numbers_in(entry.number) if n in people), None)
        reason = _reason(entry, person, seen, consents)
        if person is not None and not reason:
            seen.add(person.pk)
            if person.pk not in before:  # enrolled before this worker took over
                reason = _enrol_one(job, photos.read(entry), person, face, by=by, tenant=tenant, now=clock())
        if reason:
            wrong.append([entry.name, reason])
        if done % TELL_EVERY == 0:
            sentence = f"已处理 {done} 张，录入 {done - len(wrong)} 人"
            jobs.progress(job, done=done, total=total, sentence=sentence, now=clock())
    _finish(job, total, wrong, by=by, tenant=tenant, now=clock())
    drop_photos()


def _reason(entry: Entry, person: Staff | None, seen: set[UUID], consents: dict[UUID, Consent]) -> str:
    """Why a photo is not even looked at, or ""."""
    if person is None or person.status != StaffStatus.ACTIVE:
        return UNKNOWN
    if person.pk in seen:
        return TWICE
    return "" if person.pk in consents else str(Outcome.NO_CONSENT.label)


def _enrol_one(
    job: Job, data: bytes, person: Staff, face: engine.Engine, *, by: Actor, tenant: Tenant, now: datetime
) -> str:
    """Enrol one person; returns why not, or ""."""
    try:
        image = pictures.load(data)
    except pictures.BadPicture:
        return str(Outcome.BAD_PICTURE.label)
    look = face.look(image)
    if look.outcome:
        return str(Outcome(look.outcome).label)
    with transaction.atomic():
        lock_person(person.pk, tenant)
        consent = queries.standing_consent(person.pk, today=now.astimezone(tenant.tz).date())
        if consent is None or not queries.service_on():  # revoked since the batch began
            return str(Outcome.NO_CONSENT.label)
        enrol(
            person=person, consent=consent, look=look, picture=pictures.jpeg(image), model_hash=face.pack.model_hash,
            source=Source.BATCH, batch_id=job.pk, by=by, tenant=tenant, now=now,
        )  # fmt: skip
        timeline.record(
            verb="face.enrolled",
            sentence=f"人脸录入（工号 {person.number}，批量）：{Outcome.ENROLLED.label}",
            subject=person,
            by=by,
            party_id=person.party_id,
            batch_id=str(job.pk),
        )
    return ""


@transaction.atomic
def _finish(job: Job, total: int, wrong: list[list[str]], *, by: Actor, tenant: Tenant, now: datetime) -> None:
    enrolled = total - len(wrong)
    output = ""
    result: dict[str, Any] = {"enrolled": enrolled, "errors": wrong}
    if wrong:
        content = spreadsheets.write_table("未录入的照片", COLUMNS, wrong)
        output = files.store(tenant=tenant, job_id=job.pk, name="wrong.xlsx", data=content)
        result["output_name"] = "未录入的照片"
    sentence = f"录入 {enrolled} 人" + (f"，{len(wrong)} 张没有录入" if wrong else "")
    jobs.finish(job, sentence=sentence, now=now, result=result, output_path=output)
    timeline.record(
        verb="face.batch_enrolled",
        sentence=f"人脸批量录入：{sentence}",
        subject=job,
        by=by,
        enrolled=enrolled,
        refused=len(wrong),
    )


def drop_photos() -> int:
    """Delete the uploads of batches that are over: photos are not kept a day longer than their batch. Safe twice."""
    over = Job.objects.filter(kind=KIND, state__in=[JobState.DONE, JobState.FAILED]).exclude(input_path="")
    rows = list(over.values_list("pk", "input_path")[:500])
    for _job_id, path in rows:
        files.remove(path)
    Job.objects.filter(pk__in=[job_id for job_id, _path in rows]).update(input_path="")
    return len(rows)
