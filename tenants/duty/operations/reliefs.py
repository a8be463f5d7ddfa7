"""顶岗替换: who may stand in for somebody, and what both are told.

A relief brings a person to the post. It excuses whoever leaves only while the named person is signed on there
(`staffing.people_expected`), and each stands in for one person at a time, so that two can never excuse each other.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from kernel.errors import Invalid
from kernel.tenancy import Tenant
from tenants.duty.absences import standing_in
from tenants.duty.errors import ReliefUnfit
from tenants.duty.models import Absence, DutyPost, Stint
from tenants.duty.operations.common import accounts_of
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.organisation.choices import CertificateKind, StaffStatus
from tenants.organisation.models import Staff
from tenants.rosters import queries as rosters


def fit_relief(duty: DutyPost, stint: Stint, staff_id: UUID | None, *, tenant: Tenant, now: datetime) -> Staff:
    """The person who may stand in at the post for whoever holds the stint. Call under the post's lock.

    Of the same company and working, not on leave, with the post's certificates, standing in for nobody else; not on duty
    elsewhere; and where they are on duty here already, there and not away themselves, with still as many people as the
    post asks for (a colleague who is needed anyway replaces nobody). Raises Invalid, ReliefUnfit.
    """
    person = organisation.staff_by_id([staff_id]).get(staff_id) if staff_id else None
    own = person is not None and (
        person.pk == stint.staff_id
        or (person.account_id is not None and person.account_id == stint.staff.account_id)  # another of their own rows
    )
    if person is None or own or person.party_id != duty.post.party_id:
        raise Invalid("请选择谁来顶岗，只能是本单位的其他同事。", field="relief_staff_id")
    why = _unfit(duty, stint, person, tenant=tenant, now=now)
    if why:
        raise ReliefUnfit(name=person.name, why=why, field="relief_staff_id")
    return person


def _unfit(duty: DutyPost, stint: Stint, person: Staff, *, tenant: Tenant, now: datetime) -> str:
    if person.status == StaffStatus.LEFT:
        return "已离职"
    if rosters.approved_leaves([person.pk], now, now + timedelta(minutes=1)):
        return "正在请假"
    need = (person.pk, duty.post_id, now.astimezone(tenant.tz).date())
    lacks = organisation.missing_certificates([need]).get(need, [])
    if lacks:
        return "没有有效的" + "、".join(str(CertificateKind(lack.kind).label) for lack in lacks)
    if standing_in(person.pk, now=now).exclude(stint=stint).exists():
        return "正在顶替别的同事"
    there = Stint.objects.select_related("post").filter(staff=person, signed_off_at__isnull=True).first()
    if there is None:
        return ""
    if there.post_id != duty.pk:
        return f"正在“{there.post.name}”当班"
    away = Absence.objects.filter(ends_at__isnull=True, stint__signed_off_at__isnull=True, stint__post_id=duty.pk)
    if away.filter(stint=there).exists():
        return "也申报了离岗"
    others = Stint.objects.filter(post_id=duty.pk, signed_off_at__isnull=True).exclude(pk=stint.pk)
    if others.exclude(pk__in=away.values("stint_id")).count() < duty.persons_to_answer:
        return f"本来就在岗，本岗须有 {duty.persons_to_answer} 人，要另外来一个人"
    return ""


def tell_relief(duty: DutyPost, row: Absence, person: Staff, *, giver: Staff, tenant: Tenant, now: datetime) -> None:
    """Whoever is to stand in learns it, and that only a sign-on counts."""
    until = row.until.astimezone(tenant.tz)
    on = Stint.objects.filter(staff=person, post_id=duty.pk, signed_off_at__isnull=True).exists()
    what = "您已在岗，这段时间的查岗由您应答" if on else "请在 15 分钟内到岗并上岗，没有上岗不算顶岗"
    notices.notify(
        account_ids=accounts_of([person.pk]), kind=NoticeKind.INFO, title=f"请顶岗：{duty.post.name}",
        text=f"{giver.name}离岗到 {until:%H:%M}。{what}", path="/m/duty/", subject=row,
        occasion=f"duty.relief:{row.pk}", now=now,
    )  # fmt: skip


def tell_relieved(duty: DutyPost, stint: Stint, *, tenant: Tenant, now: datetime) -> None:
    """Whoever is away learns that the person who stood in has left: from here on they answer for the post again."""
    for row in standing_in(stint.staff_id, now=now, post_id=duty.pk).select_related("stint__staff"):
        notices.notify(
            account_ids=accounts_of([row.stint.staff_id]), kind=NoticeKind.LATE,
            title=f"请马上返岗：{duty.post.name}", text=f"顶岗的{stint.staff.name}已下岗，查岗由您应答", path="/m/duty/",
            subject=row, occasion=f"duty.relief_left:{row.pk}", now=now,
        )  # fmt: skip
