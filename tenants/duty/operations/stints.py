"""Signing on and off, declared absences."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.duty import absences, policies, queries, staffing
from tenants.duty.choices import AbsenceKind, AnomalyKind, AnomalyStatus, CallStatus, EntryKind
from tenants.duty.errors import (
    AlreadyAway,
    AlreadyOn,
    AwayTooLong,
    CallRinging,
    HandoverOpen,
    NotAway,
    ReasonMissing,
)
from tenants.duty.models import Absence, Anomaly, DutyPost, Stint, Summons
from tenants.duty.operations.anomalies import send_up
from tenants.duty.operations.common import (
    acting_at,
    check_staff,
    clean,
    is_at,
    lock_person,
    lock_post,
    open_stint,
    own_staff,
    raise_anomaly,
    seal,
    tell,
    write,
)
from tenants.duty.operations.gaps import watch_gaps
from tenants.duty.operations.punching import place_of, punch_along
from tenants.duty.operations.reliefs import fit_relief, tell_relief, tell_relieved
from tenants.findings.choices import Severity
from tenants.organisation import queries as organisation
from tenants.organisation.choices import CertificateKind
from tenants.organisation.models import Staff
from tenants.timeline import once

LONGEST = {AbsenceKind.PATROL: 180, AbsenceKind.RELIEF: 240}  # minutes; a break has the post's own limit
FORGOTTEN = timedelta(hours=2)  # after the end of the shift
LONGEST_DUTY = timedelta(hours=26)  # of a stint outside the roster


def _lacking(duty: DutyPost, person: Staff, now: datetime, tenant: Tenant) -> list[str]:
    """The certificates the post wants and the person does not hold today."""
    need = (person.pk, duty.post_id, now.astimezone(tenant.tz).date())
    lacks = {lack.kind for lack in organisation.missing_certificates([need]).get(need, [])}
    return [kind for kind in duty.post.certificates if kind in lacks]


@transaction.atomic
def sign_on(
    *, post_id: UUID, by: Actor, tenant: Tenant, now: datetime, place_code: str = "", client_key: str = ""
) -> Stint:
    """上岗, as that one of the person's rows which belongs to the post. Fills its shift instance there, if there is one.
    Locks the person and the post.

    With the code at the post it is a punch for that shift, too; a punch refused never refuses the sign-on.
    A missing certificate is recorded and raised, never a reason to lose the sign-on. Signing on twice is once.
    Raises NotAllowed, NotADutyPost, NotYourParty, AlreadyOn.
    """
    check_staff(by)
    claim = once.claim(key=client_key, operation="duty.sign_on", by=by)
    if claim.result_id:
        return Stint.objects.get(pk=claim.result_id)
    lock_person(by)
    duty = lock_post(post_id, active=True)
    by = acting_at(duty, by=by, now=now)
    person = own_staff(by)
    there = queries.open_stints(by).select_related("post").first()
    if there is not None:
        if there.post_id != post_id:
            raise AlreadyOn(post=there.post.name)
        claim.keep(there.pk)
        return there
    scanned = place_of(place_code)
    instance = staffing.instance_now(staff_id=person.pk, post_id=post_id, now=now)
    lacking = _lacking(duty, person, now, tenant)
    stint = Stint.objects.create(
        post_id=post_id, staff=person, instance_id=instance[0] if instance else None,
        due_until=instance[1] if instance else None, signed_on_at=now, lacking=lacking, on_code=is_at(scanned, duty),
    )  # fmt: skip
    rostered = "" if instance else "（未排班）"
    write(duty, EntryKind.ON, f"{person.name}上岗{rostered}", by=by, now=now, stint_id=stint.pk, subject_id=stint.pk)
    tell(duty, "signed_on", f"{person.name}上岗{rostered}", subject=stint, by=by, tenant=tenant, staff_id=person.pk)
    if lacking:
        names = "、".join(str(CertificateKind(kind).label) for kind in lacking)
        raise_anomaly(
            duty, AnomalyKind.CERTIFICATE, f"{person.name}上岗时没有有效的{names}", by=by, tenant=tenant, now=now,
            severity=Severity.MAJOR, stint=stint,
        )  # fmt: skip
    punch_along(duty, stint, scanned, direction="in", by=by, tenant=tenant, now=now)
    claim.keep(stint.pk)
    return stint


def _end(duty: DutyPost, stint: Stint, *, by: Actor, tenant: Tenant, now: datetime, words: str) -> None:
    Absence.objects.filter(stint=stint, ends_at__isnull=True).update(ends_at=now)
    stint.signed_off_at = now
    stint.save(update_fields=["signed_off_at", "ended_by_name"])
    write(duty, EntryKind.OFF, words, by=by, now=now, stint_id=stint.pk, subject_id=stint.pk)
    tell(duty, "signed_off", words, subject=stint, by=by, tenant=tenant, staff_id=stint.staff_id)
    tell_relieved(duty, stint, tenant=tenant, now=now)
    seal(duty, stint=stint, by=by, tenant=tenant, now=now)


@transaction.atomic
def sign_off(*, by: Actor, tenant: Tenant, now: datetime, place_code: str = "", client_key: str = "") -> Stint:
    """下岗: only when nothing open is left in one's hands and no call rings. Seals the log. Locks the post.

    With the code at the post it is a punch too, as at sign-on.

    Raises NotAllowed, NotOn, HandoverOpen, CallRinging.
    """
    check_staff(by)
    claim = once.claim(key=client_key, operation="duty.sign_off", by=by)
    if claim.result_id:
        return Stint.objects.get(pk=claim.result_id)
    stint = open_stint(by)
    person, by = stint.staff, by.as_staff(stint.staff_id)
    duty = lock_post(stint.post_id)
    held = Anomaly.objects.filter(post_id=stint.post_id, holder=person, status=AnomalyStatus.OPEN).count()
    if held:
        raise HandoverOpen(count=held)
    ringing = Summons.objects.filter(
        staff=person, on_duty=True, answered_at__isnull=True, call__status=CallStatus.RINGING, call__deadline__gt=now
    )
    if ringing.exists():
        raise CallRinging
    _end(duty, stint, by=by, tenant=tenant, now=now, words=f"{person.name}下岗")
    punch_along(duty, stint, place_of(place_code), direction="out", by=by, tenant=tenant, now=now)
    claim.keep(stint.pk)
    return stint


@transaction.atomic
def end_stint(*, stint_id: UUID, reason: str, by: Actor, tenant: Tenant, now: datetime) -> Stint:
    """A superior ends a stint that its person cannot end; what is open in their hands goes up. Locks the post.

    Raises NotAllowed, NotFound, ReasonMissing.
    """
    if not policies.oversees(by):
        raise NotAllowed
    found = Stint.objects.filter(pk=stint_id).values_list("post_id", flat=True)
    if not found:
        raise NotFound
    duty = lock_post(found[0])
    stint = Stint.objects.select_related("staff").get(pk=stint_id)
    if stint.signed_off_at is not None:
        return stint
    reason = clean(reason, 200)
    if len(reason) < 2:
        raise ReasonMissing(field="reason")
    held = Anomaly.objects.filter(post_id=stint.post_id, holder_id=stint.staff_id, status=AnomalyStatus.OPEN)
    for row in held.order_by("reported_at"):
        send_up(row, duty=duty, why=f"{stint.staff.name}由上级代为下岗", by=by, tenant=tenant, now=now)
    stint.ended_by_name = by.name
    _end(duty, stint, by=by, tenant=tenant, now=now, words=f"{stint.staff.name}下岗，由{by.name}代为结束：{reason}")
    return stint


@transaction.atomic
def declare_absence(
    *,
    kind: str,
    minutes: int,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    reason: str = "",
    relief_staff_id: UUID | None = None,
    client_key: str = "",
) -> Absence:
    """申报离岗 for so many minutes. Breaks have a limit each and a cap per shift; over the cap the absence is still
    recorded, and becomes an anomaly. For 顶岗替换 `relief_staff_id` is to stand in (`reliefs.fit_relief`), and is told.
    Locks the post.

    Raises NotAllowed, NotOn, AlreadyAway, AwayTooLong, ReliefUnfit, Invalid.
    """
    check_staff(by)
    claim = once.claim(key=client_key, operation="duty.absence", by=by)
    if claim.result_id:
        return Absence.objects.get(pk=claim.result_id)
    if kind not in AbsenceKind.values:
        raise Invalid("请选择离岗的原因。", field="kind")
    stint = open_stint(by)
    person, by = stint.staff, by.as_staff(stint.staff_id)
    duty = lock_post(stint.post_id)
    longest = duty.break_minutes if kind == AbsenceKind.BREAK else LONGEST[AbsenceKind(kind)]
    if not 1 <= minutes <= longest:
        raise AwayTooLong(minutes=longest, field="minutes")
    if Absence.objects.filter(stint=stint, ends_at__isnull=True).exists():
        raise AlreadyAway
    relief = None
    if kind == AbsenceKind.RELIEF:
        relief = fit_relief(duty, stint, relief_staff_id, tenant=tenant, now=now)
    instead = f"，{relief.name}顶岗" if relief else ""
    label = AbsenceKind(kind).label
    row = Absence.objects.create(
        stint=stint, kind=kind, reason=clean(reason, 200), relief=relief, starts_at=now,
        until=now + timedelta(minutes=minutes),
    )  # fmt: skip
    write(
        duty, EntryKind.AWAY, f"{person.name}{label} {minutes} 分钟{instead}{'：' + row.reason if row.reason else ''}", by=by,
        now=now, stint_id=stint.pk, subject_id=row.pk,
    )  # fmt: skip
    tell(
        duty,
        "absence_declared",
        f"{person.name}{label} {minutes} 分钟{instead}",
        subject=row,
        by=by,
        tenant=tenant,
        staff_id=person.pk,
    )
    if relief is not None:
        tell_relief(duty, row, relief, giver=person, tenant=tenant, now=now)
    if kind == AbsenceKind.BREAK:
        _check_cap(duty, stint, minutes, by=by, tenant=tenant, now=now)
    claim.keep(row.pk)
    return row


def _check_cap(duty: DutyPost, stint: Stint, minutes: int, *, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Breaks of this stint, with `minutes` more, above the post's cap are an anomaly."""
    used = absences.break_minutes_of(stint, now=now) + minutes
    if used > duty.break_cap_minutes:
        raise_anomaly(
            duty, AnomalyKind.ABSENCE,
            f"{stint.staff.name}本班累计离岗 {used} 分钟，超过上限 {duty.break_cap_minutes} 分钟",
            by=by, tenant=tenant, now=now, stint=stint,
        )  # fmt: skip


@transaction.atomic
def return_to_post(*, by: Actor, tenant: Tenant, now: datetime, client_key: str = "") -> Absence:
    """返岗. A relief who never came was a break, and counts towards the cap. Locks the post.

    Raises NotAllowed, NotOn, NotAway.
    """
    check_staff(by)
    claim = once.claim(key=client_key, operation="duty.return", by=by)
    if claim.result_id:
        return Absence.objects.get(pk=claim.result_id)
    stint = open_stint(by)
    person, by = stint.staff, by.as_staff(stint.staff_id)
    duty = lock_post(stint.post_id)
    row = Absence.objects.filter(stint=stint, ends_at__isnull=True).first()
    if row is None:
        raise NotAway
    row.ends_at = now
    row.save(update_fields=["ends_at"])
    write(duty, EntryKind.BACK, f"{person.name}返岗", by=by, now=now, stint_id=stint.pk, subject_id=row.pk)
    tell(duty, "returned", f"{person.name}返岗", subject=row, by=by, tenant=tenant, staff_id=person.pk)
    if absences.was_not_relieved(row):
        _check_cap(duty, stint, 0, by=by, tenant=tenant, now=now)
    claim.keep(row.pk)
    return row


def watch_stints(*, tenant: Tenant, now: datetime) -> int:
    """The sweep: absences longer than declared, stints nobody ended, open matters in the hands of somebody who is not
    there, and posts below their minimum. Each is raised once. Returns how many.
    """
    late = Absence.objects.filter(ends_at__isnull=True, until__lt=now, over_told=False).values_list("pk", flat=True)
    ended = Stint.objects.filter(signed_off_at__isnull=True, overrun_told=False)
    ended = ended.filter(due_until__lt=now - FORGOTTEN) | ended.filter(
        due_until__isnull=True, signed_on_at__lt=now - LONGEST_DUTY
    )
    raised = sum(_over_absent(pk, tenant=tenant, now=now) for pk in list(late))
    raised += sum(_overrun(pk, tenant=tenant, now=now) for pk in list(ended.values_list("pk", flat=True)))
    raised += sum(_forsaken(pk, tenant=tenant, now=now) for pk in staffing.forsaken(now=now))
    return raised + watch_gaps(tenant=tenant, now=now)


@transaction.atomic
def _forsaken(anomaly_id: UUID, *, tenant: Tenant, now: datetime) -> bool:
    """Whoever holds it did not come, or left: it goes up, so that it cannot be lost."""
    duty = lock_post(Anomaly.objects.values_list("post_id", flat=True).get(pk=anomaly_id))
    if anomaly_id not in staffing.forsaken(now=now, anomaly_id=anomaly_id):
        return False
    row = Anomaly.objects.select_related("holder").get(pk=anomaly_id)
    who = row.holder.name if row.holder else ""
    send_up(row, duty=duty, why=f"{who}没有到岗", by=Actor.system(tenant.school_id), tenant=tenant, now=now)
    return True


@transaction.atomic
def _over_absent(absence_id: UUID, *, tenant: Tenant, now: datetime) -> bool:
    row = Absence.objects.select_related("stint__staff").get(pk=absence_id)
    duty = lock_post(row.stint.post_id)
    told = Absence.objects.filter(pk=absence_id, ends_at__isnull=True, until__lt=now, over_told=False)
    if not told.update(over_told=True):
        return False
    label = AbsenceKind(row.kind).label
    raise_anomaly(
        duty, AnomalyKind.ABSENCE, f"{row.stint.staff.name}{label}超过申报的时间仍未返岗",
        by=Actor.system(tenant.school_id), tenant=tenant, now=now, stint=row.stint,
    )  # fmt: skip
    return True


@transaction.atomic
def _overrun(stint_id: UUID, *, tenant: Tenant, now: datetime) -> bool:
    row = Stint.objects.select_related("staff").get(pk=stint_id)
    duty = lock_post(row.post_id)
    if not Stint.objects.filter(pk=stint_id, signed_off_at__isnull=True, overrun_told=False).update(overrun_told=True):
        return False
    raise_anomaly(
        duty, AnomalyKind.OVERRUN, f"{row.staff.name}班次已结束仍未下岗，请核实是否漏办交接",
        by=Actor.system(tenant.school_id), tenant=tenant, now=now, stint=row,
    )  # fmt: skip
    return True
