"""每月判分校准: arranged by one tap as proposed, and somebody reminded while a month has none."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import DomainError, NotAllowed
from kernel.tenancy import Tenant
from tenants.inspections import monthly, policies
from tenants.inspections.models import Calibration
from tenants.inspections.operations.calibrating import arrange_calibration
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind

REMINDERS = (10, 25)  # days of the month from which on who may arrange one is told, once each
FROM_HOUR = 8


class NothingToPropose(DomainError):
    code = "nothing_to_propose"
    message = _("还不能自动安排：需要至少两名监管人员、一份启用的检查表和对应条线的场所。请补齐后再试，或手动安排。")


@transaction.atomic
def arrange_proposed(*, by: Actor, tenant: Tenant, now: datetime) -> Calibration:
    """按建议安排: this month's calibration with the proposed pair and place. Where the month has one already, that one.

    One at a time per school. Raises NotAllowed, NothingToPropose.
    """
    if not policies.can_calibrate(by):
        raise NotAllowed
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"calibration|{tenant.schema}"])
    there = monthly.of_month(now=now, tenant=tenant)
    if there is not None:
        return there
    wanted = monthly.proposal(now=now, tenant=tenant)
    if wanted is None:
        raise NothingToPropose
    return arrange_calibration(
        checklist_id=wanted.checklist_id, place_id=wanted.place_id, scorer_ids=[p.account_id for p in wanted.scorers],
        closes_at=wanted.closes_at, by=by, tenant=tenant, now=now,
    )  # fmt: skip


@transaction.atomic
def remind_calibration(*, tenant: Tenant, now: datetime) -> int:
    """The sweep: a month without a calibration is told to the leaders and admins from its 10th on, and again from its
    25th. Once each, however often it runs; a school that has no two people to score is left alone. Returns how many
    people were told.
    """
    local = now.astimezone(tenant.tz)
    if local.day < REMINDERS[0] or local.hour < FROM_HOUR or monthly.of_month(now=now, tenant=tenant) is not None:
        return 0
    if len(people_of_school(school_id=tenant.school_id, roles=policies.OVERSEERS, today=local.date())) < 2:
        return 0
    month, turn = monthly.month_of(now, tenant), sum(local.day >= day for day in REMINDERS)
    wanted = monthly.proposal(now=now, tenant=tenant)
    text = "还没有可用的检查表或场所，请先建立，再安排。"
    if wanted is not None:
        names = "、".join(p.name for p in wanted.scorers)
        text = f"建议：{names} 到 {wanted.place_name} 按“{wanted.checklist_title}”独立判分，点一下即可安排。"
    heads = people_of_school(
        school_id=tenant.school_id, roles=[Role.SCHOOL_LEADER, Role.SCHOOL_ADMIN], today=local.date()
    )
    return notices.notify(
        account_ids=[p.account_id for p in heads], kind=NoticeKind.TODO if turn == 1 else NoticeKind.LATE,
        title=f"{month.month} 月还没有安排判分校准", text=text, path="/calibrations/",
        subject=monthly.subject_of(month), occasion=f"calibration.month:{month:%Y-%m}:{turn}", now=now,
    )  # fmt: skip
