"""补卡: asked with a reason, decided by somebody else, counted as a punch of its own kind."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from identity.choices import Role
from identity.contracts import Actor
from identity.people import Person, people_of_school
from kernel.clock import month_bounds
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.attendance import day as rule
from tenants.attendance import derive, policies, queries
from tenants.attendance.choices import CorrectionSide, CorrectionStatus, Mark
from tenants.attendance.errors import (
    CorrectionClosed,
    CorrectionOpen,
    CorrectionsUsedUp,
    CorrectionTimeWrong,
    CorrectionTooLate,
    MonthConfirmed,
    NothingToCorrect,
    OwnCorrection,
    ReasonMissing,
)
from tenants.attendance.models import Confirmation, Correction, DayResult
from tenants.evidence import queries as evidence
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.punches import operations as punches
from tenants.punches.choices import Direction
from tenants.rosters import queries as rosters
from tenants.rosters.models import ShiftInstance
from tenants.timeline import once
from tenants.timeline.operations import record

COUNTED = (CorrectionStatus.PENDING, CorrectionStatus.APPROVED)


def _deciders(tenant: Tenant, now: datetime) -> list[UUID]:
    today = now.astimezone(tenant.tz).date()
    found: list[Person] = []
    for role in (Role.SCHOOL_SUPERVISOR, Role.SCHOOL_ADMIN):
        found = found or people_of_school(school_id=tenant.school_id, roles=[role], today=today)
    return [p.account_id for p in found]


def _frozen(staff_id: UUID, day: date) -> bool:
    return Confirmation.objects.filter(staff_id=staff_id, month=day.replace(day=1)).exists()


def _window(instance: ShiftInstance, *, coming: bool) -> tuple[datetime, datetime]:
    """When a punch of that side counts, half-open: as the rule judges it, with the person's leave cut out."""
    rows = rosters.approved_leaves([instance.staff_id], instance.starts_at, instance.ends_at)
    due = rule.due_of(
        rule.Expected(
            instance.starts_at, instance.ends_at, instance.in_from, instance.in_until, instance.out_from,
            instance.out_until, instance.needs_in, instance.needs_out,
        ),
        [rule.Away(row.starts_at, row.ends_at) for row in rows],
    )  # fmt: skip
    if due is None:  # on leave as a whole: nothing is judged, and what the shift says is shown
        return (instance.in_from, instance.in_until) if coming else (instance.out_from, instance.out_until)
    return (instance.in_from, due.in_until) if coming else (due.out_from, instance.out_until)


@transaction.atomic
def ask_correction(
    *,
    instance_id: UUID,
    side: str,
    at: datetime,
    reason: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    evidence_id: UUID | None = None,
    client_key: str = "",
) -> Correction:
    """Ask that a punch which was not made be counted, at a time at which it would have counted (leave opens the windows).

    Stands in line with whoever derives or confirms, so that the month's number holds for two shifts asked for at
    once and nothing is asked for in a month that is being frozen; then locks the result. The person is bound by the month's number and the deadline of the rule; a supervisor who asks for them
    is not (and somebody else decides). Raises NotFound, NotAllowed, Invalid, ReasonMissing,
    CorrectionTimeWrong, CorrectionTooLate, CorrectionsUsedUp, CorrectionOpen, NothingToCorrect, MonthConfirmed.
    """
    claimed = once.claim(key=client_key, operation="attendance.ask_correction", by=by)
    if claimed.result_id is not None:
        return Correction.objects.get(pk=claimed.result_id)
    derive.lock(tenant)
    result = (
        DayResult.objects.select_for_update(of=("self",))
        .select_related("instance", "instance__rule", "staff", "post")
        .filter(instance_id=instance_id)
        .first()
    )
    if result is None or not queries.can_see(by, result):
        raise NotFound
    if not policies.can_ask(by, staff_id=result.staff_id, party_id=result.party_id):
        raise NotAllowed
    if side not in CorrectionSide.values:
        raise Invalid("请选择补上班卡还是下班卡。", field="side")
    reason = " ".join(reason.split())
    if not reason:
        raise ReasonMissing(field="reason")
    instance, freely = result.instance, by.has(*policies.DECIDERS) and not by.is_own(result.staff_id)
    coming = side == CorrectionSide.IN
    since, until = _window(instance, coming=coming)
    if not since <= at < until or at > now:
        raise CorrectionTimeWrong(
            field="at", side=str(CorrectionSide(side).label), since=rule.clock_of(since, result.day, tenant.tz),
            until=rule.clock_of(until, result.day, tenant.tz),
        )  # fmt: skip
    counted = result.in_at if coming else result.out_at
    useful = at < counted if counted and coming else at > counted if counted else True
    if not useful and counted:
        raise NothingToCorrect(at=rule.clock_of(counted, result.day, tenant.tz))
    if evidence_id is not None and not evidence.existing([evidence_id], by=by):
        raise Invalid("凭证没有上传成功，请重新上传。", field="evidence")
    if not freely:
        if _frozen(result.staff_id, result.day):
            raise MonthConfirmed(month=result.day.month)
        last = result.day + timedelta(days=instance.rule.correction_days)
        if now.astimezone(tenant.tz).date() > last:
            raise CorrectionTooLate(days=instance.rule.correction_days)
        first, after = month_bounds(result.day)
        used = Correction.objects.filter(
            staff_id=result.staff_id, status__in=COUNTED, instance__day__gte=first, instance__day__lt=after
        ).count()
        if used >= instance.rule.corrections_per_month:
            raise CorrectionsUsedUp(month=result.day.month, limit=instance.rule.corrections_per_month)
    try:
        with transaction.atomic():
            row = Correction.objects.create(
                instance_id=instance_id, staff_id=result.staff_id, side=side, at=at, reason=reason[:300],
                evidence_id=evidence_id, was=result.mark, asked_at=now, asked_by=by.account_id, asked_by_name=by.name,
            )  # fmt: skip
    except IntegrityError as open_already:
        raise CorrectionOpen from open_already
    what = f"{result.staff.name} {result.day.month}月{result.day.day}日补{row.get_side_display()} {rule.clock_of(at, result.day, tenant.tz)}"
    record(
        verb="correction.asked", sentence=f"申请{what}：{reason}"[:300], subject=row, by=by, post_id=result.post_id,
        party_id=result.party_id, staff_id=result.staff_id,
    )  # fmt: skip
    notices.notify(
        account_ids=_deciders(tenant, now), kind=NoticeKind.TODO, title=f"补卡待审批：{what}", text=reason[:400],
        path="/attendance/corrections/", subject=row, occasion=f"correction.asked:{row.pk}", now=now, besides=by.account_id,
    )  # fmt: skip
    claimed.keep(row.pk)
    return row


def _locked(correction_id: UUID, by: Actor) -> Correction:
    row = (
        Correction.objects.select_for_update(of=("self",))
        .select_related("instance", "staff")
        .filter(pk=correction_id)
        .first()
    )
    if row is None or not queries.corrections(by=by, status="").filter(pk=row.pk).exists():
        raise NotFound
    return row


@transaction.atomic
def decide_correction(
    *, correction_id: UUID, approved: bool, by: Actor, tenant: Tenant, now: datetime, note: str = ""
) -> Correction:
    """Approve (a punch is added and the result derived again) or refuse with a reason. Locks the request.

    Raises NotFound, NotAllowed, OwnCorrection, CorrectionClosed, ReasonMissing.
    """
    row = _locked(correction_id, by)
    if not policies.decides(by):
        raise NotAllowed
    if not policies.can_decide(by, asked_by=row.asked_by, staff_id=row.staff_id):
        raise OwnCorrection
    if row.status != CorrectionStatus.PENDING:
        raise CorrectionClosed(status=str(row.get_status_display()))
    note = " ".join(note.split())
    if not approved and not note:
        raise ReasonMissing(field="note")
    row.status = CorrectionStatus.APPROVED if approved else CorrectionStatus.REFUSED
    row.decided_at, row.decided_by, row.decided_by_name, row.decision_note = now, by.account_id, by.name, note[:300]
    instance = row.instance
    if approved:
        row.punch = punches.add_correction(
            staff_id=row.staff_id, at=row.at, direction=Direction(row.side), post_id=instance.post_id, by=by,
            tenant=tenant, now=now, note=row.reason,
        )  # fmt: skip
    row.save(update_fields=["status", "decided_at", "decided_by", "decided_by_name", "decision_note", "punch"])
    became = ""
    if approved:
        derive.derive_instances([(instance.pk, instance.day)], tenant=tenant, now=now)
        after = DayResult.objects.filter(instance_id=instance.pk).first()
        became = (
            f"，结果由“{Mark(row.was).label}”变为“{after.get_mark_display()}”"
            if after and after.mark != row.was
            else ""
        )
    what = f"{row.staff.name} {instance.day.month}月{instance.day.day}日补{row.get_side_display()} {rule.clock_of(row.at, instance.day, tenant.tz)}"
    record(
        verb="correction.approved" if approved else "correction.refused",
        sentence=f"{'批准' if approved else '未批准'}{what}{became}{'：' + note if note else ''}"[:300],
        subject=row, by=by, post_id=instance.post_id, party_id=instance.party_id, staff_id=row.staff_id,
    )  # fmt: skip
    notices.settle(subject=row, now=now)
    person = organisation.staff_by_id([row.staff_id]).get(row.staff_id)
    told = {a for a in (row.asked_by, person.account_id if person else None) if a}
    notices.notify(
        account_ids=told, kind=NoticeKind.INFO, title=f"补卡{'已批准' if approved else '未批准'}：{what}",
        text=note[:400] or "结果已重新计算", path=f"/m/attendance/?month={instance.day:%Y-%m}", subject=row,
        occasion=f"correction.decided:{row.pk}", now=now, besides=by.account_id,
    )  # fmt: skip
    return row


@transaction.atomic
def withdraw_correction(*, correction_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Correction:
    """The asker takes it back while nobody has decided. Raises NotFound, NotAllowed, CorrectionClosed."""
    row = _locked(correction_id, by)
    if by.account_id is None or row.asked_by != by.account_id or not by.may(policies.WRITE):
        raise NotAllowed
    if row.status != CorrectionStatus.PENDING:
        raise CorrectionClosed(status=str(row.get_status_display()))
    row.status, row.decided_at, row.decided_by, row.decided_by_name = (
        CorrectionStatus.WITHDRAWN, now, by.account_id, by.name,
    )  # fmt: skip
    row.save(update_fields=["status", "decided_at", "decided_by", "decided_by_name"])
    record(
        verb="correction.withdrawn", sentence=f"撤回补卡申请：{row.reason}"[:300], subject=row, by=by,
        staff_id=row.staff_id,
    )  # fmt: skip
    notices.settle(subject=row, now=now)
    return row
