"""Typed anomalies: reported in two taps, always somebody's, closed with a result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.duty import policies, queries
from tenants.duty.choices import REPORTABLE, AnomalyKind, AnomalyStatus, EntryKind, ItemStatus
from tenants.duty.errors import (
    AlreadyAnswered,
    AnomalyClosed,
    NotHolder,
    NotOn,
    OwnerNotThere,
    PhotoUnknown,
    ReasonMissing,
    VoiceUsed,
)
from tenants.duty.models import Anomaly, AnomalyFile, DutyPost, HandoverItem, Stint
from tenants.duty.operations.common import (
    DUTY,
    accounts_of,
    clean,
    lock_post,
    open_stint,
    path_of,
    place_of_post,
    raise_anomaly,
    superiors,
    tell,
    write,
)
from tenants.evidence import queries as evidence
from tenants.findings import operations as findings
from tenants.findings.choices import Category, Incident, Severity
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.timeline import once

MAX_FILES = 9

# 复发指纹 of the finding an anomaly becomes; 其他 says nothing about sameness.
CATEGORIES: dict[AnomalyKind, Category] = {
    AnomalyKind.FAULT: Category.FACILITY,
    AnomalyKind.SUDDEN: Category.SAFETY,
    AnomalyKind.VISITOR: Category.RECORD,
    AnomalyKind.ALARM: Category.SAFETY,
    AnomalyKind.ELSE: Category.OTHER,
    AnomalyKind.ABSENCE: Category.ABSENT,
    AnomalyKind.CERTIFICATE: Category.ABSENT,  # nobody is there who may do the work
    AnomalyKind.OVERRUN: Category.RECORD,
    AnomalyKind.CAMERA: Category.ABSENT,
    AnomalyKind.SHORT: Category.ABSENT,
    AnomalyKind.UNREACHED: Category.ABSENT,
}
INCIDENTS: dict[AnomalyKind, Incident] = {
    AnomalyKind.ABSENCE: Incident.AWAY,
    AnomalyKind.SHORT: Incident.SHORT,
    AnomalyKind.CERTIFICATE: Incident.UNCERTIFIED,
}


@transaction.atomic
def report_anomaly(
    *,
    kind: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    text: str = "",
    severity: str = Severity.MINOR,
    post_id: UUID | None = None,
    owner_id: UUID | None = None,
    file_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Anomaly:
    """登记异常, with photos or a voice message. Whoever is on duty reports for their post and holds it; the office
    may report for any post, and it goes to the superiors. `owner_id` names another who is on duty there: it is theirs,
    and they are told. Locks the post.

    Raises NotAllowed, NotOn, NotFound, Invalid, PhotoUnknown, VoiceUsed, NotADutyPost, OwnerNotThere.
    """
    claim = once.claim(key=client_key, operation="duty.anomaly", by=by)
    if claim.result_id:
        return Anomaly.objects.get(pk=claim.result_id)
    if kind not in REPORTABLE:
        raise Invalid("请选择异常的类别。", field="kind")
    if severity not in Severity.values:
        raise Invalid("请选择严重程度。", field="severity")
    files = list(dict.fromkeys(file_ids))
    if len(files) > MAX_FILES:
        raise Invalid("一次最多 9 份照片或录音，请减少后再提交。", field="files")
    if files and evidence.existing(files, by=by) != files:
        raise PhotoUnknown(field="files")
    used = queries.anomaly_of_voice(files)
    if used:
        raise VoiceUsed(field="files", number=used)
    text = clean(text, 500)
    if len(text) < 2 and not files:
        raise Invalid("请写一句话，或附照片、录音。", field="text")
    stint: Stint | None = None
    if by.staff_id is not None and policies.is_staff(by):
        try:
            stint = open_stint(by)
        except NotOn:
            if post_id is None:
                raise
    if stint is None or (post_id is not None and post_id != stint.post_id):
        if not policies.oversees(by) or post_id is None:
            raise NotAllowed
        stint = None
    if stint is not None:
        by = by.as_staff(stint.staff_id)
    duty = lock_post(stint.post_id if stint else post_id)  # type: ignore[arg-type]
    holder_id = owner_id or (stint.staff_id if stint else None)
    if (
        owner_id is not None
        and not Stint.objects.filter(post_id=duty.pk, staff_id=owner_id, signed_off_at__isnull=True).exists()
    ):
        raise OwnerNotThere(field="owner_id")
    row = raise_anomaly(
        duty, AnomalyKind(kind), text or "见照片或录音", by=by, tenant=tenant, now=now, severity=severity, stint=stint,
        holder_id=holder_id, file_ids=files,
    )  # fmt: skip
    if owner_id is not None and not by.is_own(owner_id):
        notices.notify(
            account_ids=accounts_of([owner_id]), kind=NoticeKind.TODO, title=f"请处理：{duty.post.name}",
            text=f"{by.name}登记 {row.number} {row.text}，由您负责", path="/m/duty/", subject=row,
            occasion=f"duty.owner:{row.pk}", now=now,
        )  # fmt: skip
    claim.keep(row.pk)
    return row


def locked_anomaly(anomaly_id: UUID, by: Actor) -> tuple[DutyPost, Anomaly]:
    """An anomaly the actor may see, its post locked first. Raises NotFound."""
    seen = queries.visible_anomalies(by).filter(pk=anomaly_id).values_list("post_id", flat=True)
    if not seen:
        raise NotFound
    duty = lock_post(seen[0])
    return duty, Anomaly.objects.select_related("holder").get(pk=anomaly_id)


def may_close(row: Anomaly, by: Actor) -> bool:
    """Its holder, and the office."""
    if row.status != AnomalyStatus.OPEN:
        return False
    return policies.oversees(by) or (policies.is_staff(by) and by.is_own(row.holder_id))


@transaction.atomic
def close_anomaly(
    *, anomaly_id: UUID, result: str, by: Actor, tenant: Tenant, now: datetime, client_key: str = ""
) -> Anomaly:
    """已处理, with the result. Locks the post; an offer of it to somebody else ends. Raises NotFound, AnomalyClosed,
    NotHolder, ReasonMissing.
    """
    duty, row = locked_anomaly(anomaly_id, by)
    if once.claim_for(key=client_key, operation="duty.anomaly_close", by=by, result_id=anomaly_id):
        return row
    if row.status != AnomalyStatus.OPEN:
        raise AnomalyClosed
    if not may_close(row, by):
        raise NotHolder
    result = clean(result, 500)
    if len(result) < 2:
        raise ReasonMissing("请写明处理结果。", field="result")
    row.status, row.closed_at, row.closed_by_name, row.result = AnomalyStatus.CLOSED, now, by.name, result
    row.save(update_fields=["status", "closed_at", "closed_by_name", "result"])
    end_offers(row, status=ItemStatus.WITHDRAWN, by=by, now=now)
    write(duty, EntryKind.ANOMALY, f"{row.number} 已处理：{result}", by=by, now=now, subject_id=row.pk)
    tell(duty, "anomaly_closed", f"{row.number} 已处理：{result}", subject=row, by=by, tenant=tenant)
    notices.settle(subject=row, now=now)
    return row


def send_up(row: Anomaly, *, duty: DutyPost, why: str, by: Actor, tenant: Tenant, now: datetime) -> None:
    """What nobody at the post holds any more goes up: offers of it end, and the superiors are told.

    Call under the post's lock.
    """
    row.holder_id, row.raised_at = None, row.raised_at or now
    row.save(update_fields=["holder", "raised_at"])
    end_offers(row, status=ItemStatus.WITHDRAWN, by=by, now=now)
    words = f"{row.number} 上交：{why}"
    entry = write(duty, EntryKind.HANDOVER, words, by=by, now=now, subject_id=row.pk)
    tell(duty, "anomaly_raised", words, subject=row, by=by, tenant=tenant)
    notices.notify(
        account_ids=superiors(duty, tenant=tenant, now=now), kind=NoticeKind.TODO,
        title=f"未了事项无人负责，请接手：{duty.post.name}", text=f"{row.number} {row.text}（{why}）",
        path=path_of("anomalies", row.pk), subject=row, occasion=f"duty.up:{row.pk}:{entry.seq}", now=now,
        besides=by.account_id,
    )  # fmt: skip


def end_offers(row: Anomaly, *, status: ItemStatus, by: Actor, now: datetime) -> None:
    """What is offered of it to a next shift is no more. Call under the post's lock."""
    from tenants.duty.operations.handovers import finish  # the two call each other

    items = HandoverItem.objects.filter(anomaly=row, status__in=[ItemStatus.OFFERED, ItemStatus.REFUSED])
    for item in items.select_related("handover"):
        item.status, item.answered_at, item.answered_by_name = status, now, by.name
        item.save(update_fields=["status", "answered_at", "answered_by_name"])
        finish(item.handover, now=now)


@transaction.atomic
def take_anomaly(*, anomaly_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Anomaly:
    """A superior takes what went up: it is theirs, and whoever handed it up may leave. Locks the post.

    Of two superiors at once the second is told who has it. Raises NotAllowed, NotFound, AnomalyClosed, AlreadyAnswered.
    """
    if not policies.oversees(by) or by.account_id is None:
        raise NotAllowed
    duty, row = locked_anomaly(anomaly_id, by)
    if row.status != AnomalyStatus.OPEN:
        raise AnomalyClosed
    if row.taken_by == by.account_id:
        return row
    if row.taken_by is not None:
        raise AlreadyAnswered(who=row.taken_by_name)
    row.holder_id, row.raised_at = None, row.raised_at or now
    row.taken_by, row.taken_by_name = by.account_id, by.name
    row.save(update_fields=["holder", "raised_at", "taken_by", "taken_by_name"])
    end_offers(row, status=ItemStatus.TAKEN, by=by, now=now)
    write(duty, EntryKind.HANDOVER, f"{row.number} 由上级接手", by=by, now=now, subject_id=row.pk)
    tell(duty, "anomaly_taken", f"{row.number} 由上级接手", subject=row, by=by, tenant=tenant)
    notices.settle(subject=row, now=now)
    return row


@transaction.atomic
def to_finding(*, anomaly_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Anomaly:
    """Make it a finding, so that it is fixed and verified like any other. Twice is once. Locks the post.

    Raises NotAllowed, NotFound, and what findings.open_finding raises.
    """
    if not policies.oversees(by):
        raise NotAllowed
    duty, row = locked_anomaly(anomaly_id, by)
    if row.finding_id is None:
        find(row, duty=duty, by=by, tenant=tenant, now=now)
    return row


def find(row: Anomaly, *, duty: DutyPost, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Open the finding of an anomaly that has none. Call under the post's lock; raises what `to_finding` says."""
    place_id = place_of_post(duty)
    if place_id is None:
        raise Invalid("本校还没有场所，请先在“场所”中建立校区。", field="place")
    photos = queries.photos_among(AnomalyFile.objects.filter(anomaly=row).values_list("evidence_id", flat=True))
    found = findings.open_finding(
        title=clean(f"{AnomalyKind(row.kind).label}：{row.text}", 120), detail=f"值班异常 {row.number}：{row.text}",
        place_id=place_id, party_id=duty.post.party_id, line=duty.post.line, severity=row.severity,
        source=DUTY, source_id=row.pk, category=CATEGORIES[AnomalyKind(row.kind)], post_id=duty.post_id,
        incident=INCIDENTS.get(AnomalyKind(row.kind), ""),
        photo_ids=photos, by=by, tenant=tenant, now=now,
    )  # fmt: skip
    row.finding_id = found.pk
    row.save(update_fields=["finding_id"])
    write(duty, EntryKind.ANOMALY, f"{row.number} 已转问题整改 {found.number}", by=by, now=now, subject_id=row.pk)
    tell(duty, "anomaly_to_finding", f"{row.number} 转问题整改 {found.number}", subject=row, by=by, tenant=tenant)
