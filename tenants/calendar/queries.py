"""All reads of the calendar.

Functions without `by` serve other features and are for a range: one or two queries however long it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from tenants.calendar import national, seasons, solar_terms
from tenants.calendar.choices import DayKind, PeriodKind, SeasonGroup, SolarTerm
from tenants.calendar.contracts import Day, Season, SeasonWindow, Term
from tenants.calendar.models import CalendarYear, Period, SeasonRule, SpecialDay
from tenants.calendar.policies import can_read

LONGEST = 366 * 6  # days asked for at once


class RangeTooLong(Invalid):
    code = "calendar_range_too_long"
    message = _("一次最多查询 6 年，请缩短日期范围。")


# --- For other features ----------------------------------------------------------------------------


def days(first: date, last: date) -> list[Day]:
    """Every day from `first` to `last`, both included. Raises RangeTooLong."""
    return _days(first, last, special=_special(first, last), periods=periods_in(first, last))


def day(which: date) -> Day:
    """One day."""
    return days(which, which)[0]


def days_by_date(first: date, last: date) -> dict[date, Day]:
    return {d.day: d for d in days(first, last)}


def is_workday(which: date) -> bool:
    """Whether the school works that day: one query."""
    return _plain(which, _special(which, which))[0].works


def workdays(first: date, last: date) -> list[date]:
    """The days worked from `first` to `last`, both included: one query."""
    special = _special(first, last)
    return [d for d in _range(first, last) if _plain(d, special)[0].works]


def term_of(which: date) -> Term | None:
    """The term (学期) that holds the day."""
    return next((p for p in periods_in(which, which) if p.kind == PeriodKind.TERM), None)


def week_of_term(which: date) -> int | None:
    """第 n 周 of the term; None outside any term."""
    term = term_of(which)
    return term.week_of(which) if term else None


def vacation_of(which: date) -> Term | None:
    """The vacation that holds the day."""
    return next((p for p in periods_in(which, which) if p.kind == PeriodKind.VACATION), None)


def periods_in(first: date, last: date) -> list[Term]:
    """Terms and vacations that touch the range, by start: one query."""
    rows = Period.objects.filter(starts_on__lte=last, ends_on__gte=first)
    return [_term(row) for row in rows]


def season_of(which: date) -> SeasonWindow | None:
    """The quarter of the year (春夏秋冬) that holds the day, by the school's own dates."""
    found = season_windows(which, which)
    return next((w for w in found if w.group == SeasonGroup.QUARTER), None)


def seasons_of(which: date) -> list[SeasonWindow]:
    """Every season in force that day, quarters and seasons of work."""
    return season_windows(which, which)


def season_windows(first: date, last: date) -> list[SeasonWindow]:
    """Occurrences of all active seasons that touch the range: one query."""
    return seasons.windows(season_rules(), first, last)


def season_rules() -> list[Season]:
    """The school's seasons: the defaults, with its own dates where it set some, then its own ones."""
    own = {row.code: row for row in SeasonRule.objects.all()}
    rules = [_season(own.pop(code), rule) if code in own else rule for code, rule in seasons.DEFAULTS.items()]
    return rules + [_season(row, None) for row in own.values()]


def unknown_years(years: Iterable[int]) -> set[int]:
    """Years whose notice neither the library nor the school has: only weekends and days by law rest there."""
    missing = {year for year in years if not national.known(year)}
    if not missing:
        return set()
    settled = CalendarYear.objects.filter(year__in=missing, settled_at__isnull=False)
    return missing - set(settled.values_list("year", flat=True))


# --- For pages and the interface --------------------------------------------------------------------


def visible_days(first: date, last: date, *, by: Actor) -> list[Day]:
    """`days`, for a page. Raises NotAllowed, RangeTooLong."""
    _check(by)
    return days(first, last)


def visible_periods(*, by: Actor) -> QuerySet[Period]:
    """All terms and vacations, newest first. Raises NotAllowed."""
    _check(by)
    return Period.objects.order_by("-starts_on", "kind")


def period(period_id: UUID, *, by: Actor) -> Period:
    """Raises NotAllowed, NotFound."""
    row = visible_periods(by=by).filter(pk=period_id).first()
    if row is None:
        raise NotFound
    return row


def visible_seasons(*, by: Actor) -> list[Season]:
    """Raises NotAllowed."""
    _check(by)
    return season_rules()


def year_state(year: int, *, by: Actor) -> CalendarYear | None:
    """What is noted of a year that the library does not hold. Raises NotAllowed."""
    _check(by)
    return CalendarYear.objects.filter(year=year).first()


def solar_terms_of(year: int) -> dict[date, str]:
    """节气 by day, for a year view."""
    return {day: str(SolarTerm(term).label) for term, day in solar_terms.days_of(year).items()}


# --- How a day is made ------------------------------------------------------------------------------


def plain_day(which: date) -> tuple[DayKind, str]:
    """What the State and the week make of a day, without what the school says."""
    found = national.days(which.year).get(which)
    if found:
        return found
    return (DayKind.WEEKEND if which.weekday() >= 5 else DayKind.WORKDAY), ""


def _check(by: Actor) -> None:
    if not can_read(by):
        raise NotAllowed


def _special(first: date, last: date) -> dict[date, SpecialDay]:
    return {row.day: row for row in SpecialDay.objects.filter(day__gte=first, day__lte=last)}


def _range(first: date, last: date) -> list[date]:
    length = (last - first).days + 1
    if length > LONGEST:
        raise RangeTooLong
    return [first + timedelta(days=n) for n in range(length)]


def _plain(which: date, special: dict[date, SpecialDay]) -> tuple[Day, bool]:
    row = special.get(which)
    if row:
        return Day(which, DayKind(row.kind), row.name, own=True), True
    kind, name = plain_day(which)
    return Day(which, kind, name), False


def _days(first: date, last: date, *, special: dict[date, SpecialDay], periods: list[Term]) -> list[Day]:
    made: list[Day] = []
    asked = _range(first, last)
    unknown = unknown_years({d.year for d in asked})
    for which in asked:
        plain, own = _plain(which, special)
        here = [p for p in periods if p.starts_on <= which <= p.ends_on]
        term = next((p for p in here if p.kind == PeriodKind.TERM), None)
        made.append(
            Day(
                day=which,
                kind=plain.kind,
                name=plain.name,
                own=own,
                provisional=which.year in unknown and not own,
                term=term.name if term else "",
                week=term.week_of(which) if term else None,
                vacation=next((p.name for p in here if p.kind == PeriodKind.VACATION), ""),
            )
        )
    return made


def _term(row: Period) -> Term:
    return Term(row.pk, PeriodKind(row.kind), row.name, row.starts_on, row.ends_on)


def _season(row: SeasonRule, default: Season | None) -> Season:
    group = default.group if default else SeasonGroup.WORK
    return Season(row.code, row.name, group, row.starts, row.ends, active=row.active, own=True)
