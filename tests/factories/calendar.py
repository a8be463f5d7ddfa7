"""Terms, vacations and special days for tests. Run inside a school (`alpha`)."""

from __future__ import annotations

from datetime import date

from tenants.calendar.models import Period, SpecialDay


def make_term(
    name: str = "2026—2027学年第一学期", *, starts_on: date = date(2026, 9, 2), ends_on: date = date(2027, 1, 17)
) -> Period:
    return Period.objects.create(kind="term", name=name, starts_on=starts_on, ends_on=ends_on)


def make_vacation(
    name: str = "2027年寒假", *, starts_on: date = date(2027, 1, 18), ends_on: date = date(2027, 2, 28)
) -> Period:
    return Period.objects.create(kind="vacation", name=name, starts_on=starts_on, ends_on=ends_on)


def make_special_day(day: date, kind: str = "school_rest", name: str = "运动会") -> SpecialDay:
    return SpecialDay.objects.create(day=day, kind=kind, name=name)
