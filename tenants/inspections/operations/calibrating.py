"""判分校准: arranged, scored blind, revealed together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.findings.errors import PhotoUnknown
from tenants.inspections import calibration as rules
from tenants.inspections import monthly, policies
from tenants.inspections.choices import CalibrationStatus, Verdict
from tenants.inspections.models import Calibration, Checklist, Mark, Seat
from tenants.inspections.sheets import SheetEmpty, arranged
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.rubrics import queries as rubrics
from tenants.rubrics.contracts import RubricContract
from tenants.timeline.operations import record


class CalibrationOver(DomainError):
    code = "calibration_over"
    message = _("这次校准已经揭晓或不在打分时间内，不能再提交。")


class MarksMissing(DomainError):
    code = "marks_missing"
    message = _("还有 %(count)s 项没有判定，请全部判定后再提交；提交后不能修改。")


class StillBlind(DomainError):
    code = "calibration_still_blind"
    message = _("还有人没有提交，时间也没到，现在揭晓会影响他们判分。")


@transaction.atomic
def arrange_calibration(
    *,
    checklist_id: UUID,
    place_id: UUID,
    scorer_ids: Sequence[UUID],
    closes_at: datetime,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    expert_id: UUID | None = None,
) -> Calibration:
    """Have two or more people score one place by one checklist until `closes_at`, each blind to the others.

    `expert_id`, one of them, is the measure for the others. Raises NotAllowed, NotFound, Invalid.
    """
    if not policies.can_calibrate(by):
        raise NotAllowed
    sheet = Checklist.objects.filter(pk=checklist_id, active=True).first()
    if sheet is None:
        raise NotFound
    place = organisation.place(place_id)
    wanted = list(dict.fromkeys([*scorer_ids, *([expert_id] if expert_id else [])]))
    if not 2 <= len(wanted) <= 8:
        raise Invalid(_("请选择 2—8 个人同时打分。"), field="scorers")
    if not now + timedelta(minutes=10) <= closes_at <= now + timedelta(days=60):
        raise Invalid(_("截止时间应在 10 分钟以后、60 天以内。"), field="closes_at")
    today = now.astimezone(tenant.tz).date()
    known = {
        p.account_id: p.name
        for p in people_of_school(school_id=tenant.school_id, roles=policies.OVERSEERS, today=today)
    }
    if any(i not in known for i in wanted):
        raise Invalid(_("打分人必须是本校的监管人员、分管领导或管理员。"), field="scorers")
    whole = rubrics.frozen(sheet.rubric_id)
    try:
        cut = arranged(whole, [UUID(i) for i in sheet.item_ids])
    except SheetEmpty:
        raise Invalid(_("这份检查表已没有可用的检查项，请先修改检查表。"), field="checklist") from None
    row = Calibration.objects.create(
        title=f"{sheet.title} · {place.name}"[:120], place_id=place.pk, rubric_id=whole.id, sheet=cut.as_json(),
        opens_at=now, closes_at=closes_at, made_by=by.account_id, made_by_name=by.name,
    )  # fmt: skip
    Seat.objects.bulk_create(
        [Seat(calibration=row, account_id=i, name=known[i], expert=i == expert_id) for i in wanted]
    )
    notices.notify(
        account_ids=wanted, kind=NoticeKind.TODO, title=f"判分校准：{row.title}",
        text="请到现场独立判分，揭晓前互相看不到结果。", path=f"/m/calibrations/{row.pk}/", subject=row,
        occasion=f"calibration.arranged:{row.pk}", now=now,
    )  # fmt: skip
    notices.settle(subject=monthly.subject_of(monthly.month_of(now, tenant)), now=now)
    record(
        verb="calibration.arranged", sentence=f"安排判分校准：{row.title}，{len(wanted)} 人", subject=row, by=by,
        place_id=place.pk,
    )  # fmt: skip
    return row


@transaction.atomic
def submit_marks(
    *, calibration_id: UUID, marks: Sequence[dict[str, Any]], by: Actor, tenant: Tenant, now: datetime
) -> Seat:
    """Hand in one's sheet, whole and once. The last one in reveals it for all. Locks the calibration.

    `marks`: {item_id, verdict, faults, note, photo_ids}. Handing in again changes nothing.
    Raises NotFound (also for who has no seat), CalibrationOver, MarksMissing, Invalid, PhotoUnknown.
    """
    if by.account_id is None:
        raise NotFound
    row = Calibration.objects.select_for_update().filter(pk=calibration_id).first()
    seat = Seat.objects.filter(calibration_id=calibration_id, account_id=by.account_id).first()
    if row is None or seat is None:
        raise NotFound
    if seat.submitted_at:
        return seat
    if row.status != CalibrationStatus.OPEN or now >= row.closes_at:
        raise CalibrationOver
    given = {m["item_id"]: m for m in marks}
    items = list(RubricContract.from_json(row.sheet).items())
    missing = [i for i in items if i.id not in given or given[i.id].get("verdict") not in ("pass", "fail", "na")]
    if missing:
        raise MarksMissing(count=len(missing))
    rows = []
    for item in items:
        mark = given[item.id]
        failed = mark["verdict"] == Verdict.FAIL
        faults = int(mark.get("faults") or 1) if failed else 0
        if not 0 <= faults <= 999:
            raise Invalid(_("处数应在 1—999 之间。"), field="faults")
        photos = list(dict.fromkeys(mark.get("photo_ids") or []))
        if photos and evidence.existing(photos, by=by) != photos:
            raise PhotoUnknown(field="photos")
        rows.append(
            Mark(
                seat=seat, item_id=item.id, verdict=mark["verdict"], faults=faults,
                note=str(mark.get("note") or "").strip()[:300], photo_ids=[str(p) for p in photos],
            )
        )  # fmt: skip
    Mark.objects.bulk_create(rows)
    seat.submitted_at = now
    seat.save(update_fields=["submitted_at"])
    record(
        verb="calibration.submitted", sentence=f"提交校准判分：{row.title}", subject=row, by=by, place_id=row.place_id
    )
    if not row.seats.filter(submitted_at=None).exists():
        _reveal(row, by=by, now=now)
    return seat


@transaction.atomic
def reveal_calibration(*, calibration_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Calibration:
    """Show everybody everything, once all are in or the time is over. Raises NotAllowed, NotFound, StillBlind."""
    if not (by.is_system or policies.can_calibrate(by)):
        raise NotAllowed
    row = Calibration.objects.select_for_update().filter(pk=calibration_id).first()
    if row is None:
        raise NotFound
    if row.status != CalibrationStatus.OPEN:
        return row
    if now < row.closes_at and row.seats.filter(submitted_at=None).exists():
        raise StillBlind
    _reveal(row, by=by, now=now)
    return row


def _reveal(row: Calibration, *, by: Actor, now: datetime) -> None:
    """Work out what each sheet says about its scorer and keep it."""
    seats = list(row.seats.exclude(submitted_at=None).prefetch_related("marks"))
    sheet = RubricContract.from_json(row.sheet)
    given = {s.pk: {m.item_id: rules.Seen(m.verdict, m.faults) for m in s.marks.all()} for s in seats}
    expert = next((s.pk for s in seats if s.expert), None)
    for seat in seats:
        outcome = rules.outcome(sheet, given, seat.pk, expert=expert)
        seat.lost, seat.bias = outcome.lost, outcome.bias
        seat.agreement, seat.accuracy = outcome.agreement, outcome.accuracy
    Seat.objects.bulk_update(seats, ["lost", "bias", "agreement", "accuracy"])
    row.status, row.revealed_at = CalibrationStatus.REVEALED, now
    row.save(update_fields=["status", "revealed_at"])
    notices.settle(subject=row, now=now)
    notices.notify(
        account_ids=[s.account_id for s in seats], kind=NoticeKind.INFO, title=f"判分校准已揭晓：{row.title}",
        path=f"/calibrations/{row.pk}/", subject=row, occasion=f"calibration.revealed:{row.pk}", now=now,
    )  # fmt: skip
    record(
        verb="calibration.revealed", sentence=f"判分校准揭晓：{row.title}", subject=row, by=by, place_id=row.place_id
    )


@transaction.atomic
def void_calibration(*, calibration_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Calibration:
    """Call one off; it counts nowhere. Locks it. Raises NotAllowed, NotFound, CalibrationOver (already revealed)."""
    if not policies.can_calibrate(by):
        raise NotAllowed
    row = Calibration.objects.select_for_update().filter(pk=calibration_id).first()
    if row is None:
        raise NotFound
    if row.status == CalibrationStatus.REVEALED:
        raise CalibrationOver
    if row.status == CalibrationStatus.OPEN:
        row.status = CalibrationStatus.VOID
        row.save(update_fields=["status"])
        notices.settle(subject=row, now=now)
        record(verb="calibration.voided", sentence=f"作废判分校准：{row.title}", subject=row, by=by)
    return row


def reveal_due(*, tenant: Tenant, now: datetime) -> int:
    """The sweep: what is past its time is revealed with the sheets that are in. Each in its own transaction."""
    due = Calibration.objects.filter(status=CalibrationStatus.OPEN, closes_at__lte=now).values_list("pk", flat=True)
    for pk in (found := list(due)):
        reveal_calibration(calibration_id=pk, by=Actor.system(tenant.school_id), tenant=tenant, now=now)
    return len(found)
