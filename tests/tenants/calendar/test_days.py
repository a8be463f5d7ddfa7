"""What a day is: the State's holidays, make-up workdays, terms, seasons."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel.tenancy import Tenant, school_context
from tenants.calendar import national, queries, seasons, solar_terms
from tenants.calendar.choices import DayKind, SolarTerm
from tests.factories.calendar import make_special_day, make_term, make_vacation


def kinds(first: date, last: date) -> dict[str, str]:
    return {d.day.strftime("%m-%d"): d.kind.value for d in queries.days(first, last)}


def test_national_day_2026_keeps_law_and_moved_days_apart(alpha: Tenant) -> None:
    assert kinds(date(2026, 9, 30), date(2026, 10, 11)) == {
        "09-30": "workday",
        "10-01": "statutory",
        "10-02": "statutory",
        "10-03": "statutory",
        "10-04": "weekend",
        "10-05": "adjusted_rest",
        "10-06": "adjusted_rest",
        "10-07": "adjusted_rest",
        "10-08": "workday",
        "10-09": "workday",
        "10-10": "make_up_workday",
        "10-11": "weekend",
    }
    made_up = [d.day for d in queries.days(date(2026, 1, 1), date(2026, 12, 31)) if d.kind == DayKind.MAKE_UP_WORKDAY]
    assert made_up == [date(2026, *md) for md in ((1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10))]
    assert queries.day(date(2026, 9, 20)).mark == "班" and queries.day(date(2026, 10, 6)).mark == "休"
    assert queries.is_workday(date(2026, 10, 10)) and not queries.is_workday(date(2026, 10, 6))


def test_a_year_has_as_many_days_as_the_notice_says() -> None:
    """国办发明电〔2025〕7号: 2026 has 13 days by law; every moved rest day is paid for by a workday."""
    found = national.days(2026)
    count = {kind: sum(1 for k, _name in found.values() if k == kind) for kind in DayKind}
    assert count[DayKind.STATUTORY] == 13
    paid = [n for k, n in found.values() if k == DayKind.ADJUSTED_REST and "补假" not in n]
    assert len(paid) == count[DayKind.MAKE_UP_WORKDAY] == 6


def test_a_make_up_workday_of_the_next_notice_stands_in_december() -> None:
    assert national.days(2011)[date(2011, 12, 31)] == (DayKind.MAKE_UP_WORKDAY, "元旦调休上班")


def test_a_year_the_library_does_not_know_rests_at_weekends_and_says_so(alpha: Tenant) -> None:
    assert not national.known(2027)
    days = queries.days(date(2027, 10, 1), date(2027, 10, 12))
    assert all(d.provisional for d in days)
    assert [d.day.day for d in days if not d.works] == [1, 2, 3, 9, 10]  # days by law, then only the weekend
    assert not any(d.kind in (DayKind.ADJUSTED_REST, DayKind.MAKE_UP_WORKDAY) for d in days)


def test_years_beyond_everything_known_do_not_crash(alpha: Tenant) -> None:
    for year in (1900, 1949, 2101, 2150):
        days = queries.days(date(year, 1, 1), date(year, 1, 14))
        assert sum(1 for d in days if not d.works) == 4 and all(d.provisional for d in days)


def test_the_school_has_the_last_word(alpha: Tenant, beta: Tenant) -> None:
    make_special_day(date(2026, 10, 10), "school_rest", "校庆")
    day = queries.day(date(2026, 10, 10))
    assert (day.kind, day.name, day.own, day.works, day.mark) == (DayKind.SCHOOL_REST, "校庆", True, False, "休")
    with school_context(beta):
        assert queries.day(date(2026, 10, 10)).kind == DayKind.MAKE_UP_WORKDAY  # another school's party is its own


def test_weeks_of_a_term_start_on_monday(alpha: Tenant) -> None:
    make_term(starts_on=date(2026, 9, 2))  # a Wednesday
    weeks = {d: queries.week_of_term(date(2026, 9, d)) for d in (1, 2, 6, 7, 13, 14)}
    assert weeks == {1: None, 2: 1, 6: 1, 7: 2, 13: 2, 14: 3}
    term = queries.term_of(date(2026, 9, 14))
    assert term and term.name == "2026—2027学年第一学期"
    assert queries.day(date(2027, 1, 17)).week == 20


def test_a_vacation_stands_beside_the_kind(alpha: Tenant) -> None:
    make_vacation()
    day = queries.day(date(2027, 1, 20))  # a Wednesday of the winter vacation
    assert day.vacation == "2027年寒假" and day.works and day.term == ""
    assert queries.vacation_of(date(2027, 3, 1)) is None


def test_a_range_costs_the_same_however_long(alpha: Tenant) -> None:
    make_term()
    make_special_day(date(2026, 11, 6))
    for last in (date(2026, 9, 2), date(2026, 12, 31)):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            queries.days(date(2026, 9, 1), last)
        assert len(asked) == 2
    with pytest.raises(queries.RangeTooLong):
        queries.days(date(2000, 1, 1), date(2026, 1, 1))


def test_workdays_of_a_month(alpha: Tenant) -> None:
    assert len(queries.workdays(date(2026, 10, 1), date(2026, 10, 31))) == 18
    assert len(queries.workdays(date(2026, 2, 1), date(2026, 2, 28))) == 16


# Purple Mountain Observatory's days for 2026, and days on which rough formulas are one off.
TERMS_2026 = "0105 0120 0204 0218 0305 0320 0405 0420 0505 0521 0605 0621 0707 0723 0807 0823 0907 0923 1008 1023 1107 1122 1207 1222"


def test_solar_terms_fall_on_their_days() -> None:
    assert [d.strftime("%m%d") for d in solar_terms.days_of(2026).values()] == TERMS_2026.split()
    assert solar_terms.days_of(2021)[SolarTerm.LICHUN] == date(2021, 2, 3)
    assert solar_terms.days_of(2021)[SolarTerm.DONGZHI] == date(2021, 12, 21)
    assert solar_terms.days_of(2008)[SolarTerm.XIAOMAN] == date(2008, 5, 21)


def test_every_day_has_one_quarter_of_the_year(alpha: Tenant) -> None:
    quarters = [w for w in queries.season_windows(date(2025, 1, 1), date(2027, 12, 31)) if w.group == "quarter"]
    for before, after in pairwise(quarters):
        assert before.ends_on == after.starts_on
    first = queries.season_of(date(2026, 5, 5))
    assert first and (first.name, first.starts_on) == ("夏季", date(2026, 5, 5))
    assert queries.season_of(date(2026, 1, 1)).name == "冬季"  # type: ignore[union-attr]


def test_seasons_of_work_cross_the_new_year(alpha: Tenant) -> None:
    names = {w.code for w in queries.seasons_of(date(2027, 1, 10))}
    assert names == {"winter", "heating", "frost"}
    assert "flood" in {w.code for w in queries.seasons_of(date(2026, 9, 30))}
    assert "flood" not in {w.code for w in queries.seasons_of(date(2026, 10, 1))}


@pytest.mark.parametrize("rule", ["02-29", "13-01", "00-10", "6-1", "立夏", "", "06-01; drop"])
def test_a_season_rule_is_a_day_of_every_year_or_a_solar_term(rule: str) -> None:
    with pytest.raises(seasons.SeasonDateWrong):
        seasons.clean(rule, "starts")


def test_days_by_date_and_a_range_the_wrong_way_round(alpha: Tenant) -> None:
    assert set(queries.days_by_date(date(2026, 1, 1), date(2026, 1, 3))) == {
        date(2026, 1, 1) + timedelta(days=n) for n in range(3)
    }
    assert queries.days(date(2026, 1, 3), date(2026, 1, 1)) == []


@pytest.mark.parametrize("day", [date.min, date.max])
def test_seasons_end_where_the_calendar_does(alpha: Tenant, day: date) -> None:
    assert queries.season_windows(day, day) == []
    assert queries.seasons_of(date(9998, 7, 10))
