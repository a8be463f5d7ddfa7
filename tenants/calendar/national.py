"""The State's holidays of a year, from the library `holidays`: a pure function of the year, nothing is stored.

A year is *known* when the library holds the General Office's notice for it (make-up workdays and all). For a year
it does not hold, the days that the law itself names (全国年节及纪念日放假办法) are still right; which days are moved
is not known, so weekends rest. Past the library's end nothing is known and only weekends rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

from holidays.countries.china import China, ChinaStaticHolidays

from tenants.calendar.choices import DayKind

Named = tuple[DayKind, str]
# Year → (month, day off, month, day, [year] worked for it) or (month, day, name of a day given freely).
_NOTICES: Mapping[int, tuple[tuple[Any, ...], ...]] = ChinaStaticHolidays.special_public_holidays


def known(year: int) -> bool:
    """Whether the yearly notice is in the library."""
    return year in _NOTICES


@cache
def days(year: int) -> Mapping[date, Named]:
    """Every day of `year` that the State makes other than the week would have it."""
    if not China.start_year <= year <= China.end_year:
        return MappingProxyType({})
    found: dict[date, Named] = {}
    moved = _moved(year)
    statutory = _by_law(year) | _by_law(year - 1) | _by_law(year + 1)
    by_law = {day: name for day, name in statutory.items() if day not in moved}
    for day, made_up in moved.items():
        feast = _nearest(day, by_law)
        if day.year == year:
            found[day] = (DayKind.ADJUSTED_REST, f"{feast}调休放假")
        if made_up.year == year:
            found[made_up] = (DayKind.MAKE_UP_WORKDAY, f"{feast}调休上班")
    if known(year):
        for day, name in _library(year, observed=True).items():
            if day.year == year and day not in by_law and day not in moved:
                found[day] = (DayKind.ADJUSTED_REST, name)  # 补假
    found |= {day: (DayKind.STATUTORY, name) for day, name in by_law.items() if day.year == year}
    return MappingProxyType(dict(sorted(found.items())))


def _by_law(year: int) -> dict[date, str]:
    if not China.start_year <= year <= China.end_year:
        return {}
    return _library(year, observed=False)


def _library(year: int, *, observed: bool) -> dict[date, str]:
    """`observed` adds the workdays given for holidays that fall on a weekend (补假)."""
    whole: Mapping[date, str] = China(years=year, observed=observed, language="zh_CN")  # type: ignore[no-untyped-call]
    return {day: name.replace("; ", "、") for day, name in whole.items()}


def _moved(year: int) -> dict[date, date]:
    """Rest day → the workday that pays for it; notices of the next year reach back into December.

    A day that a notice gives without payment has a name instead of a source and counts as a holiday by law.
    """
    moved: dict[date, date] = {}
    for notice in (year, year + 1):
        for month, day, *source in _NOTICES.get(notice, ()):
            if len(source) >= 2:
                made_up = date(source[2] if len(source) > 2 else notice, source[0], source[1])
                moved[date(notice, month, day)] = made_up
    return moved


def _nearest(day: date, by_law: Mapping[date, str]) -> str:
    near = min(by_law, key=lambda other: abs((other - day).days), default=None)
    return by_law[near].split("、")[0] if near and abs((near - day).days) <= 12 else ""
