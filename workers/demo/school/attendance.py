"""Two months of results, derived in one pass from rosters and punches; corrections; last month, confirmed or closed."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta

from django.db import transaction

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from standards_library.choices import OperatingMode
from tenants.attendance import operations, queries
from tenants.attendance.choices import CorrectionSide, Mark
from tenants.attendance.errors import MonthPending
from tenants.attendance.models import DayResult
from tenants.organisation import queries as organisation
from workers.demo.school.stamps import played
from workers.demo.schools import People, Plan

BACK = timedelta(days=62)
REASONS = (
    "手机没电，交班时忘了打卡",
    "临时被叫去处理爆管，回来已下班",
    "考勤机排队，错过了打卡",
    "换工装时忘记，同岗可以作证",
)


def make(plan: Plan, who: People, tenant: Tenant, *, now: datetime) -> None:
    """Make it unless the school already has results."""
    if DayResult.objects.exists():
        return
    today = now.astimezone(tenant.tz).date()
    with transaction.atomic():
        operations.derive_range(tenant=tenant, now=now, first=today - BACK, last=today)
        rows = list(
            queries.results(by=who.admin, first=today - timedelta(days=6), last=today - timedelta(days=1))
            .filter(mark__in=(Mark.MISSING_OUT, Mark.MISSING_IN))[: len(REASONS)]
        )  # fmt: skip
        for n, row in enumerate(rows):
            missing_out = row.mark == Mark.MISSING_OUT
            instance = row.instance
            asked = played(
                now - timedelta(hours=3 + n, minutes=7 * n), operations.ask_correction, instance_id=row.instance_id,
                side=CorrectionSide.OUT if missing_out else CorrectionSide.IN,
                at=instance.ends_at + timedelta(minutes=2) if missing_out else instance.starts_at - timedelta(minutes=4),
                reason=REASONS[n], by=who.supervisors[0], tenant=tenant,
            )  # fmt: skip
            if n % 2:
                played(
                    now - timedelta(hours=1, minutes=n), operations.decide_correction, correction_id=asked.pk,
                    approved=n == 1, note="" if n == 1 else "监控中未见本人，请提供其他佐证", by=who.admin,
                    tenant=tenant,
                )  # fmt: skip
        operations.look_for_suspects(tenant=tenant, now=now)
        _last_month(plan, who, tenant, month=(today.replace(day=1) - timedelta(days=1)).replace(day=1), now=now)


def _last_month(plan: Plan, who: People, tenant: Tenant, *, month: date, now: datetime) -> None:
    """One school has closed it; in the other its people are confirming, a guard already did."""
    if plan.mode != OperatingMode.OUTSOURCED:
        operations.close_month(month=month, by=who.admin, tenant=tenant, now=now)
        return
    guard = organisation.staff(by=who.admin).filter(account_id__isnull=False, post__name="门岗保安员").first()
    if guard is None:
        return
    by = Actor(account_id=guard.account_id, name=guard.name, roles=frozenset({Role.FRONTLINE}), staff_id=guard.pk)
    with suppress(MonthPending):
        played(
            now - timedelta(hours=20), operations.confirm_month, staff_id=guard.pk, month=month, by=by, tenant=tenant
        )
