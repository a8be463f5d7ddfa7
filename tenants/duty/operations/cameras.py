"""Camera systems: they report by a signed webhook; a human confirms before it counts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils.dateparse import parse_datetime

from identity.contracts import Actor
from kernel.crypto import seal, unseal
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.duty import policies, queries, webhooks
from tenants.duty.choices import AnomalyKind, CameraKind, EntryKind, ReportStatus, Rung
from tenants.duty.errors import AlreadyJudged, BadSignature, NotADutyPost, ReasonMissing
from tenants.duty.models import CameraReport, CameraSystem
from tenants.duty.operations.common import (
    PRESENCE,
    clean,
    lock_post,
    path_of,
    people_on,
    place_of_post,
    raise_anomaly,
    superiors,
    tell,
    write,
)
from tenants.findings import operations as findings
from tenants.findings.choices import Category, Incident, Severity
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.timeline.operations import record

SEALED_AS = "duty_camerasystem.secret"
MAX_BODY = 64 * 1024
OLDEST = timedelta(days=7)  # a report may come late, when the line was down
INCIDENTS = {CameraKind.OFF_POST: Incident.OFF_POST, CameraKind.SLEEPING: Incident.ASLEEP}
JUDGED_WITHIN = timedelta(minutes=60)
AHEAD = timedelta(minutes=5)  # the sender's clock may run before ours


@dataclass(frozen=True, slots=True)
class NewCamera:
    """A camera system and its secret, told once."""

    system: CameraSystem
    secret: str


@transaction.atomic
def add_camera(*, name: str, by: Actor, tenant: Tenant, now: datetime) -> NewCamera:
    """Register a system; the secret is shown once and kept sealed. Raises NotAllowed, Invalid."""
    if not policies.can_manage_cameras(by):
        raise NotAllowed
    name = clean(name, 60)
    with connection.cursor() as cursor:  # of two with one name at once the second is told
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('duty.cameras'), hashtext(current_schema()))")
    if len(name) < 2 or CameraSystem.objects.filter(name=name).exists():
        raise Invalid("请填写 2 个字以上、不重复的名称。", field="name")
    secret = webhooks.new_secret()
    row = CameraSystem.objects.create(
        name=name, secret_sealed=seal(secret, schema=tenant.schema, context=SEALED_AS), created_at=now,
        created_by_name=by.name,
    )  # fmt: skip
    record(verb="duty.camera_added", sentence=f"登记视频系统：{name}", subject=row, by=by)
    return NewCamera(row, secret)


@transaction.atomic
def set_camera_active(*, camera_id: UUID, active: bool, by: Actor, tenant: Tenant, now: datetime) -> CameraSystem:
    """Switch a system on or off. Raises NotAllowed, NotFound."""
    if not policies.can_manage_cameras(by):
        raise NotAllowed
    row = CameraSystem.objects.select_for_update().filter(pk=camera_id).first()
    if row is None:
        raise NotFound
    row.active = active
    row.save(update_fields=["active"])
    record(
        verb="duty.camera_switched", sentence=f"{'启用' if active else '停用'}视频系统：{row.name}", subject=row, by=by
    )
    return row


@transaction.atomic
def receive_report(
    *,
    camera_id: UUID,
    message_id: str,
    timestamp: str,
    signatures: str,
    body: bytes,
    tenant: Tenant,
    now: datetime,
) -> tuple[CameraReport, bool]:
    """Take a signed message {"post": id, "kind", "at", "text"}; returns the report and whether it is new.

    The same message again is the report it already made. Nothing but a line to confirm comes of it.
    Raises BadSignature (unknown or inactive system, signature, timestamp), Invalid, NotADutyPost.
    """
    system = CameraSystem.objects.filter(pk=camera_id, active=True).first()
    if system is None or len(body) > MAX_BODY:
        raise BadSignature
    secret = unseal(system.secret_sealed, schema=tenant.schema, context=SEALED_AS)
    if not webhooks.verified(
        secret=secret, message_id=message_id, timestamp=timestamp, signatures=signatures, body=body, now=now
    ):
        raise BadSignature
    known = CameraReport.objects.filter(system=system, message_id=message_id).first()
    if known is not None:
        return known, False
    said = _parsed(body)
    at = _moment(said.get("at"), now=now)
    kind = str(said.get("kind", ""))
    if kind not in CameraKind.values:
        raise Invalid("告警类别应为 off_post、sleeping 或 other。", field="kind")
    try:
        post_id = UUID(str(said.get("post", "")))
    except ValueError as wrong:
        raise NotADutyPost(field="post") from wrong
    duty = lock_post(post_id)
    row, made = CameraReport.objects.get_or_create(
        system=system, message_id=message_id,
        defaults={"post_id": post_id, "kind": kind, "at": at, "text": clean(_plain(said.get("text")), 300), "received_at": now},
    )  # fmt: skip
    CameraSystem.objects.filter(pk=system.pk).update(last_seen_at=now)
    if made:
        by = Actor.system(tenant.school_id)
        tell(duty, "camera_reported", f"视频{CameraKind(kind).label}，待人工确认", subject=row, by=by, tenant=tenant)
        notices.notify(
            account_ids=superiors(duty, tenant=tenant, now=now), kind=NoticeKind.TODO,
            title=f"视频{CameraKind(kind).label}，请确认：{duty.post.name}", text=row.text or system.name,
            path=path_of("cameras", row.pk), subject=row, occasion=f"duty.camera:{row.pk}", now=now,
        )  # fmt: skip
    return row, made


def _moment(given: object, *, now: datetime) -> datetime:
    """When the camera saw it; left out: now. Raises Invalid for what is no time, or none of these days."""
    if not given:
        return now
    try:
        at = parse_datetime(str(given))
    except ValueError:  # well formed, but no such day
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid("告警时间应为带时区的 ISO 8601 格式。", field="at")
    if not now - OLDEST <= at <= now + AHEAD:
        raise Invalid("告警时间应在最近 7 天内，请检查视频系统的时钟。", field="at")
    return at


def _plain(given: object) -> str:
    """Text as PostgreSQL keeps it: without NUL and half surrogates, which JSON allows."""
    return str(given or "").replace("\x00", "").encode(errors="ignore").decode()


def _parsed(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
    except (UnicodeDecodeError, ValueError) as wrong:
        raise Invalid("消息内容应为 JSON。", field="body") from wrong
    if not isinstance(said, dict):
        raise Invalid("消息内容应为 JSON 对象。", field="body")
    data = said.get("data")
    return data if isinstance(data, dict) else said


def watch_reports(*, tenant: Tenant, now: datetime) -> int:
    """The sweep: what nobody has judged in time becomes an anomaly of the superiors, and the leaders are told. Once each."""
    late = CameraReport.objects.filter(
        status=ReportStatus.NEW, anomaly_id__isnull=True, received_at__lte=now - JUDGED_WITHIN
    )
    return sum(
        _unjudged(pk, tenant=tenant, now=now) for pk in list(late.order_by("post_id").values_list("pk", flat=True))
    )


@transaction.atomic
def _unjudged(report_id: UUID, *, tenant: Tenant, now: datetime) -> bool:
    duty = lock_post(CameraReport.objects.values_list("post_id", flat=True).get(pk=report_id))
    row = CameraReport.objects.select_for_update().get(pk=report_id)
    if row.status != ReportStatus.NEW or row.anomaly_id is not None:
        return False
    waited = round((now - row.received_at).total_seconds() / 60)
    label = CameraKind(row.kind).label
    anomaly = raise_anomaly(
        duty, AnomalyKind.CAMERA, f"{label}的视频告警 {waited} 分钟没有人确认，请回看录像后认定",
        by=Actor.system(tenant.school_id), tenant=tenant, now=now, severity=Severity.MAJOR,
    )  # fmt: skip
    row.anomaly_id = anomaly.pk
    row.save(update_fields=["anomaly_id"])
    notices.notify(
        account_ids=people_on(duty, Rung.LEADER, tenant=tenant, now=now), kind=NoticeKind.INFO,
        title=f"视频告警 {waited} 分钟没有人确认：{duty.post.name}", text=row.text or str(label),
        path=path_of("cameras", row.pk), subject=row, occasion=f"duty.camera_late:{row.pk}", now=now,
    )  # fmt: skip
    return True


@transaction.atomic
def judge_report(
    *, report_id: UUID, confirmed: bool, note: str, by: Actor, tenant: Tenant, now: datetime
) -> CameraReport:
    """A human says whether it is true; only then a finding is opened. Locks the post.

    Raises NotAllowed, NotFound, AlreadyJudged, ReasonMissing.
    """
    if not policies.oversees(by) or by.account_id is None:
        raise NotAllowed
    found = queries.visible_reports(by).filter(pk=report_id).values_list("post_id", flat=True)
    if not found:
        raise NotFound
    duty = lock_post(found[0])
    row = CameraReport.objects.select_for_update().get(pk=report_id)
    wanted = ReportStatus.CONFIRMED if confirmed else ReportStatus.REJECTED
    if row.status != ReportStatus.NEW:
        if row.status == wanted:
            return row
        raise AlreadyJudged(who=row.judged_by_name)
    note = clean(note, 300)
    if len(note) < 2:
        raise ReasonMissing(field="note")
    row.status, row.judged_at, row.judged_by, row.judged_by_name, row.judged_note = (
        wanted, now, by.account_id, by.name, note,
    )  # fmt: skip
    label = str(CameraKind(row.kind).label).replace("疑似", "")
    place_id = place_of_post(duty)
    refused = "" if place_id else "本校还没有场所"
    if confirmed and place_id is not None:
        try:
            row.finding_id = findings.open_finding(
                title=f"{label}：{duty.post.name}（视频告警）"[:120], detail=f"{row.text}；人工确认：{note}",
                place_id=place_id, party_id=duty.post.party_id, line=duty.post.line, severity=Severity.MAJOR,
                source=PRESENCE, source_id=row.pk, by=by,
                category=Category.OTHER if row.kind == CameraKind.OTHER else Category.ABSENT, tenant=tenant, now=now,
                post_id=duty.post_id, incident=INCIDENTS.get(CameraKind(row.kind), ""),
            ).pk  # fmt: skip
        except DomainError as wrong:
            row.finding_id, refused = None, wrong.sentence
    if confirmed and row.finding_id is None:  # confirmed and yet no finding: the superiors must know
        row.anomaly_id = raise_anomaly(
            duty, AnomalyKind.CAMERA, f"视频告警属实，没能转问题整改（{refused}）：{note}", by=by, tenant=tenant, now=now,
            severity=Severity.MAJOR,
        ).pk  # fmt: skip
    row.save()
    words = f"视频告警{ReportStatus(wanted).label}：{label}：{note}"
    write(duty, EntryKind.CALL, words, by=by, now=now, subject_id=row.pk)
    tell(duty, "camera_judged", words, subject=row, by=by, tenant=tenant)
    notices.settle(subject=row, now=now)
    return row
