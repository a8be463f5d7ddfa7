"""Changing the calendar: days, terms, seasons, unknown years, import."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed
from kernel.spreadsheets import BadFile
from kernel.tenancy import Tenant, school_context
from tenants.calendar import imports, operations, queries
from tenants.calendar.choices import DayKind
from tenants.calendar.contracts import Row
from tenants.calendar.models import CalendarYear, Period, SeasonRule, SpecialDay
from tenants.notices.models import Notice
from tenants.timeline.models import Event
from tests.factories.calendar import make_special_day, make_term, make_vacation
from tests.factories.identity import make_member, school_actor

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


@pytest.fixture
def admin(alpha: Tenant) -> Actor:
    return school_actor(alpha, Role.SCHOOL_ADMIN)


def put(alpha: Tenant, by: Actor, day: date, kind: str, name: str = "", last: date | None = None) -> list[SpecialDay]:
    return operations.set_days(first=day, last=last or day, kind=kind, name=name, by=by, tenant=alpha, now=NOW)


def test_a_day_is_set_and_taken_back(alpha: Tenant, admin: Actor) -> None:
    put(alpha, admin, date(2026, 11, 5), "school_rest", "运动会", last=date(2026, 11, 6))
    assert [d.kind for d in queries.days(date(2026, 11, 5), date(2026, 11, 6))] == [DayKind.SCHOOL_REST] * 2
    assert Event.objects.get().sentence == "校历 2026-11-05 至 2026-11-06 设为学校放假（运动会）"
    assert operations.clear_days(first=date(2026, 11, 5), last=date(2026, 11, 6), by=admin, tenant=alpha) == 2
    assert queries.is_workday(date(2026, 11, 5)) and not SpecialDay.objects.exists()
    assert operations.clear_days(first=date(2026, 11, 5), last=date(2026, 11, 5), by=admin, tenant=alpha) == 0
    assert Event.objects.count() == 2  # nothing happened the third time


def test_what_the_state_says_already_is_not_stored(alpha: Tenant, admin: Actor) -> None:
    put(alpha, admin, date(2026, 10, 10), "make_up_workday")
    put(alpha, admin, date(2026, 11, 7), "weekend")
    assert not SpecialDay.objects.exists()
    make_special_day(date(2026, 10, 10))
    put(alpha, admin, date(2026, 10, 10), "make_up_workday")  # back to the State's: the own row goes
    assert not SpecialDay.objects.exists()


@pytest.mark.parametrize("role", [r for r in Role if r != Role.SCHOOL_ADMIN])
def test_only_the_admin_changes_the_calendar(alpha: Tenant, role: Role) -> None:
    by = Actor(account_id=None, name="x", roles=frozenset({role}), school_id=alpha.school_id)
    day = date(2026, 11, 5)
    with pytest.raises(NotAllowed):
        put(alpha, by, day, "school_rest")
    with pytest.raises(NotAllowed):
        operations.add_period(kind="term", name="t", starts_on=day, ends_on=day, by=by, tenant=alpha)
    with pytest.raises(NotAllowed):
        operations.apply_rows(rows=[Row("school_rest", "", day, day)], by=by, tenant=alpha, now=NOW)
    with pytest.raises(NotAllowed):
        operations.settle_year(year=2027, by=by, tenant=alpha, now=NOW)
    with pytest.raises(NotAllowed):
        operations.set_season(code="flood", starts="05-01", ends="10-01", by=by, tenant=alpha)
    with pytest.raises(NotAllowed):
        imports.template(by=by)
    assert not SpecialDay.objects.exists() and not Event.objects.exists()


def test_hostile_input_is_refused(alpha: Tenant, admin: Actor) -> None:
    with pytest.raises(operations.YearOutside):
        put(alpha, admin, date(1900, 1, 1), "weekend")
    with pytest.raises(operations.PeriodBackwards):
        put(alpha, admin, date(2026, 2, 2), "weekend", last=date(2026, 2, 1))
    with pytest.raises(operations.RunTooLong):
        put(alpha, admin, date(2026, 1, 1), "weekend", last=date(2026, 12, 31))
    with pytest.raises(Invalid):
        put(alpha, admin, date(2026, 2, 2), "holiday")
    with pytest.raises(Invalid):
        put(alpha, admin, date(2026, 2, 2), "weekend", "很" * 41)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_special_day(date(2026, 2, 2), "nonsense")


def term(alpha: Tenant, by: Actor, name: str, starts: date, ends: date, kind: str = "term") -> Period:
    return operations.add_period(kind=kind, name=name, starts_on=starts, ends_on=ends, by=by, tenant=alpha)


def test_terms_do_not_overlap_but_a_vacation_may_lie_in_one(alpha: Tenant, admin: Actor) -> None:
    row = term(alpha, admin, "秋季学期", date(2026, 9, 1), date(2027, 1, 15))
    with pytest.raises(operations.PeriodOverlaps) as refused:
        term(alpha, admin, "另一学期", date(2027, 1, 15), date(2027, 6, 30))
    assert "秋季学期" in refused.value.sentence
    with pytest.raises(operations.PeriodNameTaken):
        term(alpha, admin, "秋季学期", date(2027, 3, 1), date(2027, 6, 30))
    with pytest.raises(operations.PeriodTooLong):
        term(alpha, admin, "太长", date(2028, 1, 1), date(2029, 6, 30))
    term(alpha, admin, "秋假", date(2026, 10, 1), date(2026, 10, 8), kind="vacation")
    changed = operations.change_period(
        period_id=row.pk, name="秋季学期", starts_on=date(2026, 9, 1), ends_on=date(2027, 1, 10), by=admin, tenant=alpha
    )
    assert changed.ends_on == date(2027, 1, 10)
    operations.remove_period(period_id=row.pk, by=admin, tenant=alpha)
    assert Period.objects.count() == 1


def test_the_database_refuses_overlapping_terms_too(alpha: Tenant) -> None:
    make_term()
    with pytest.raises(IntegrityError), transaction.atomic():
        make_term("重叠", starts_on=date(2027, 1, 17), ends_on=date(2027, 6, 1))
    make_vacation(starts_on=date(2027, 1, 17))  # another kind may


def test_a_season_of_the_schools_own(alpha: Tenant, admin: Actor) -> None:
    operations.set_season(code="flood", starts="04-15", ends="10-16", by=admin, tenant=alpha)
    operations.set_season(code="graduation", name="毕业季", starts="06-01", ends="07-01", by=admin, tenant=alpha)
    names = {w.name for w in queries.seasons_of(date(2026, 6, 15))}
    assert {"汛期", "毕业季"} <= names
    assert "汛期" in {w.name for w in queries.seasons_of(date(2026, 4, 20))}
    operations.reset_season(code="flood", by=admin, tenant=alpha)
    assert "汛期" not in {w.name for w in queries.seasons_of(date(2026, 4, 20))}
    with pytest.raises(operations.SeasonNotOwn):
        operations.reset_season(code="flood", by=admin, tenant=alpha)
    with pytest.raises(Invalid):
        operations.set_season(code="X Y", name="坏", starts="06-01", ends="07-01", by=admin, tenant=alpha)
    assert SeasonRule.objects.count() == 1


# --- A year that the library does not hold --------------------------------------------------------


def test_the_admin_is_warned_once(alpha: Tenant, admin: Actor) -> None:
    leader = make_member(Role.SCHOOL_LEADER, tenant=alpha)
    assert operations.warn_of_unknown_years(tenant=alpha, now=NOW) == []  # 2026 is known, 2027 is not near yet
    december = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    assert operations.warn_of_unknown_years(tenant=alpha, now=december) == [2027]
    assert operations.warn_of_unknown_years(tenant=alpha, now=december) == []
    told = Notice.objects.get(account_id=admin.account_id)
    assert told.path == "/calendar/?year=2027" and "2027" in told.title
    assert not Notice.objects.filter(account_id=leader.account_id).exists()


def test_a_settled_year_is_no_longer_provisional(alpha: Tenant, beta: Tenant, admin: Actor) -> None:
    operations.warn_of_unknown_years(tenant=alpha, now=datetime(2027, 1, 2, tzinfo=UTC))
    put(alpha, admin, date(2027, 10, 9), "make_up_workday", "国庆节调休上班")
    row = operations.settle_year(year=2027, by=admin, tenant=alpha, now=NOW)
    assert operations.settle_year(year=2027, by=admin, tenant=alpha, now=NOW).settled_at == row.settled_at
    assert not queries.day(date(2027, 3, 1)).provisional
    assert Notice.objects.get(account_id=admin.account_id).read_at  # what was asked for is done
    with school_context(beta):
        assert queries.day(date(2027, 3, 1)).provisional and not CalendarYear.objects.exists()
    with pytest.raises(operations.YearKnown):
        operations.settle_year(year=2026, by=admin, tenant=alpha, now=NOW)


# --- Import ---------------------------------------------------------------------------------------

FILE = """开始日期,结束日期,类型,名称
2026/10/1,2026/10/3,法定节假日,国庆节
2027-10-09,,调休上班,国庆节调休上班
2027年2月9日,2027年2月11日,调休放假,春节调休放假
2026-09-01,2027-01-17,学期,2026—2027学年第一学期
2027-01-18,2027-02-28,寒假,2027年寒假
2027-13-40,,调休上班,坏日期
2027-05-08,,补课,坏类型
2027-10-09,,学校放假,同一天两次
,,,
"""


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_a_csv_is_checked_before_anything_is_written(alpha: Tenant, admin: Actor, encoding: str) -> None:
    checked = imports.check(FILE.encode(encoding), by=admin)
    assert checked.counts() == {"new": 4, "updated": 0, "unchanged": 1, "wrong": 3, "total": 8}
    assert [n for n, _why in checked.errors] == [7, 8, 9]
    assert not SpecialDay.objects.exists() and not Period.objects.exists()
    assert operations.apply_rows(rows=checked.rows, by=admin, tenant=alpha, now=NOW)["new"] == 4
    assert queries.day(date(2027, 10, 9)).kind == DayKind.MAKE_UP_WORKDAY
    assert SpecialDay.objects.count() == 4  # nothing for the three days that the State has already
    again = imports.check(FILE.encode(encoding), by=admin)
    assert again.counts()["unchanged"] == 5 and again.counts()["new"] == 0
    before = list(SpecialDay.objects.values_list("pk", "changed_at"))
    operations.apply_rows(rows=again.rows, by=admin, tenant=alpha, now=datetime(2027, 1, 1, tzinfo=UTC))
    assert list(SpecialDay.objects.values_list("pk", "changed_at")) == before


def test_the_template_reads_back_as_empty(admin: Actor) -> None:
    name, content = imports.template(by=admin)
    assert name.endswith(".xlsx")
    with pytest.raises(BadFile):
        imports.check(content, by=admin)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 x", "时间,什么\n1,2\n".encode(), b"\x00\x01\x02" * 50])
def test_a_file_that_is_no_calendar_is_refused(admin: Actor, content: bytes) -> None:
    with pytest.raises(BadFile):
        imports.check(content, by=admin)


def test_overlapping_terms_in_one_file_are_found(alpha: Tenant, admin: Actor) -> None:
    text = "开始日期,结束日期,类型,名称\n2026-09-01,2027-01-17,学期,甲\n2027-01-10,2027-06-30,学期,乙\n2026-03-01,,学期,丙\n"
    checked = imports.check(text.encode(), by=admin)
    assert checked.counts()["new"] == 1 and len(checked.errors) == 2


def test_two_terms_of_one_file_move_into_each_others_days(alpha: Tenant, admin: Actor) -> None:
    first = make_term("第一学期", starts_on=date(2026, 9, 1), ends_on=date(2027, 1, 10))
    make_term("第二学期", starts_on=date(2027, 1, 20), ends_on=date(2027, 6, 1))
    make_term("夏季学期", starts_on=date(2027, 7, 1), ends_on=date(2027, 7, 20))
    head = "开始日期,结束日期,类型,名称\n"
    moved = "2026-09-01,2027-01-25,学期,第一学期\n2027-02-01,2027-06-10,学期,第二学期\n"
    checked = imports.check((head + moved).encode(), by=admin)
    assert (checked.errors, checked.counts()["updated"]) == ([], 2)
    assert operations.apply_rows(rows=checked.rows, by=admin, tenant=alpha, now=NOW)["updated"] == 2
    assert Period.objects.get(name="第一学期").ends_on == date(2027, 1, 25)
    assert Period.objects.get(name="第一学期").pk == first.pk
    over = imports.check(
        (head + "2026-09-01,2027-01-25,学期,第一学期\n2027-02-01,2027-07-02,学期,第二学期\n").encode(), by=admin
    )
    assert [number for number, _said in over.errors] == [3] and "夏季学期" in over.errors[0][1]
    with pytest.raises(operations.PeriodOverlaps):  # all or nothing
        rows = [Row("term", "第一学期", date(2026, 9, 2), date(2027, 2, 1))]
        operations.apply_rows(
            rows=[*rows, Row("term", "新", date(2027, 2, 1), date(2027, 2, 9))], by=admin, tenant=alpha, now=NOW
        )
    assert Period.objects.get(name="第一学期").ends_on == date(2027, 1, 25)
