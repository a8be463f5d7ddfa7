"""申诉: a person says that a refused punch was right; somebody else decides."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.punches import policies, queries, sentences
from tenants.punches.choices import AppealStatus, PunchStatus
from tenants.punches.errors import AppealClosed, AppealTextMissing, NothingToAppeal, ReasonMissing
from tenants.punches.models import Appeal, Punch
from tenants.punches.operations.again import COUNTED, count_after_all
from tenants.punches.operations.dirty import mark_dirty
from tenants.timeline import once
from tenants.timeline.operations import record


@transaction.atomic
def appeal(
    *,
    punch_id: int,
    text: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    photo_id: UUID | None = None,
    client_key: str = "",
) -> Appeal:
    """The person explains a refused punch; supervisors are told. Locks the punch; one open appeal at a time.

    Raises NotFound, NothingToAppeal, AppealTextMissing, Invalid.
    """
    row = Punch.objects.select_for_update(of=("self",)).select_related("staff").filter(pk=punch_id).first()
    if row is None or not queries.visible(by).filter(pk=punch_id).exists():
        raise NotFound
    claim = once.claim(key=client_key, operation="punches.appeal", by=by)
    if claim.result_id:
        return Appeal.objects.get(pk=claim.result_id)
    if not by.is_own(row.staff_id):
        raise NotAllowed
    if not policies.can_appeal(by, row) or row.appeals.filter(status=AppealStatus.OPEN).exists():
        raise NothingToAppeal
    text = " ".join(text.split())
    if not 5 <= len(text) <= 300:
        raise AppealTextMissing(field="text")
    if photo_id is not None and not evidence.existing([photo_id], by=by):
        raise Invalid("照片没有找到，请重新拍照。", field="photo")
    made = Appeal.objects.create(
        punch=row, text=text, photo_id=photo_id, asked_at=now, asked_by=by.account_id, asked_by_name=by.name[:60]
    )
    record(
        verb="punch.appealed", sentence=f"{by.name}申诉打卡：{text}"[:300], subject=row, by=by,
        staff_id=row.staff_id, post_id=row.post_id, party_id=row.staff.party_id,
    )  # fmt: skip
    office = people_of_school(
        school_id=tenant.school_id, roles=[Role.SCHOOL_SUPERVISOR, Role.SCHOOL_ADMIN],
        today=now.astimezone(tenant.tz).date(),
    )  # fmt: skip
    notices.notify(
        account_ids=[p.account_id for p in office], kind=NoticeKind.TODO, title=f"打卡申诉：{row.staff.name}",
        text=f"{sentences.why(row)}说明：{text}"[:400], path=f"/punches/{row.pk}/", subject=made,
        occasion=f"punch.appealed:{made.pk}", now=now, besides=by.account_id,
    )  # fmt: skip
    claim.keep(made.pk)
    return made


@transaction.atomic
def decide_appeal(*, appeal_id: UUID, granted: bool, note: str, by: Actor, tenant: Tenant, now: datetime) -> Appeal:
    """申诉成立: the punch counts, at the grade that was asked, with the decider as voucher; or 维持原结果. The person is told either way.

    Locks appeal and punch. Raises NotFound, NotAllowed, AppealClosed, ReasonMissing.
    """
    row = Appeal.objects.select_for_update(of=("self",)).filter(pk=appeal_id).first()
    if row is None or not queries.visible(by).filter(pk=row.punch_id).exists():
        raise NotFound
    punch = Punch.objects.select_for_update(of=("self",)).select_related("staff").get(pk=row.punch_id)
    if not policies.can_decide(by, staff_id=punch.staff_id, asked_by=row.asked_by):
        raise NotAllowed
    if row.status != AppealStatus.OPEN:
        raise AppealClosed
    note = " ".join(note.split())[:300]
    if not granted and len(note) < 2:
        raise ReasonMissing(field="note")
    row.status = AppealStatus.GRANTED if granted else AppealStatus.DENIED
    row.decided_at, row.decided_by, row.decided_by_name, row.decision_note = now, by.account_id, by.name[:60], note
    row.save(update_fields=["status", "decided_at", "decided_by", "decided_by_name", "decision_note"])
    if granted and punch.status == PunchStatus.REFUSED:
        count_after_all(punch, words=f"申诉成立（{by.name}）：{note or '情况属实'}", by=by)
        punch.save(update_fields=COUNTED)
        mark_dirty([(punch.staff_id, punch.at.astimezone(tenant.tz).date())], tenant=tenant)
        if punch.lacking:
            enqueue_on_commit("punches.raise_uncertified", tenant=tenant, punch_ids=[punch.pk])
    label = str(AppealStatus(row.status).label)
    record(
        verb="punch.appeal_decided", sentence=f"{punch.staff.name}的打卡申诉：{label}。{note}"[:300], subject=punch,
        by=by, staff_id=punch.staff_id, post_id=punch.post_id, party_id=punch.staff.party_id,
    )  # fmt: skip
    notices.settle(subject=row, now=now)
    if row.asked_by is not None:
        notices.notify(
            account_ids=[row.asked_by], kind=NoticeKind.INFO, title=f"打卡{label}",
            text=note or "情况属实，这次打卡已计入。", path="/m/punch/mine/", subject=punch,
            occasion=f"punch.appeal_decided:{row.pk}", now=now,
        )  # fmt: skip
    return row
