"""Two academic years of terms and vacations, and a sports meeting; dates relative to today."""

from datetime import date, timedelta

from django.db import transaction

from kernel import clock
from kernel.tenancy import Tenant
from tenants.calendar import operations, queries
from workers.demo.schools import People


def make(who: People, tenant: Tenant) -> None:
    """Make the calendar unless the school already has terms."""
    if queries.visible_periods(by=who.admin).exists():
        return
    today = clock.now().astimezone(tenant.tz).date()
    first = today.year if today.month >= 8 else today.year - 1
    with transaction.atomic():
        for year in (first - 1, first):
            for kind, name, starts, ends in _periods(year):
                operations.add_period(kind=kind, name=name, starts_on=starts, ends_on=ends, by=who.admin, tenant=tenant)
        meeting = _monday(date(first, 11, 1)) + timedelta(days=3)
        operations.set_days(
            first=meeting, last=meeting + timedelta(days=1), kind="school_rest", name="秋季运动会", by=who.admin,
            tenant=tenant, now=clock.now(),
        )  # fmt: skip


def _periods(year: int) -> list[tuple[str, str, date, date]]:
    autumn, spring = _monday(date(year, 9, 1)), _monday(date(year + 1, 2, 24))
    winter, summer = autumn + timedelta(weeks=20), spring + timedelta(weeks=19)
    day = timedelta(days=1)
    label = f"{year}—{year + 1}学年"
    return [
        ("term", f"{label}第一学期", autumn, winter - day),
        ("vacation", f"{year + 1}年寒假", winter, spring - day),
        ("term", f"{label}第二学期", spring, summer - day),
        ("vacation", f"{year + 1}年暑假", summer, _monday(date(year + 1, 9, 1)) - day),
    ]


def _monday(day: date) -> date:
    """The Monday on or after a day."""
    return day + timedelta(days=-day.weekday() % 7)
