"""The calendar and the certificate ledger through the API."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from identity.choices import Role
from kernel.tenancy import Tenant, school_context
from tenants.calendar.models import Period, SpecialDay
from tests.factories.calendar import make_special_day, make_term
from tests.factories.organisation import make_certificate, make_contract, make_post, make_staff
from tests.graphql_api.test_evaluations import ask, at_school, post

DAYS = """query($a: Date!, $b: Date!) { calendarDays(firstDay: $a, lastDay: $b) {
  day kind kindLabel name works own provisional term week vacation } }"""


def test_days_come_with_kind_and_week(alpha: Tenant, beta: Tenant) -> None:
    make_term()
    with school_context(beta):
        make_special_day(date(2026, 10, 10))
    with CaptureQueriesContext(connection) as seen:
        rows = ask(at_school(alpha, Role.FRONTLINE), DAYS, a="2026-10-01", b="2026-10-10")["calendarDays"]
    assert [r["kind"] for r in rows[:3]] == ["statutory"] * 3
    assert rows[9] == {
        "day": "2026-10-10", "kind": "make_up_workday", "kindLabel": "调休上班", "name": "国庆节调休上班", "works": True,
        "own": False, "provisional": False, "term": "2026—2027学年第一学期", "week": 6, "vacation": "",
    }  # fmt: skip
    assert sum("calendar_" in q["sql"] for q in seen.captured_queries) == 2


def test_a_year_and_more_at_once_is_refused(alpha: Tenant) -> None:
    answer = post(at_school(alpha), DAYS, a="2025-01-01", b="2026-10-10")
    assert answer["data"] is None and "CALENDAR_RANGE_TOO_LONG" in str(answer["errors"])


SET = """mutation($a: Date!, $b: Date!, $k: String!) { setCalendarDays(firstDay: $a, lastDay: $b, kind: $k, name: "校庆") {
  days { day kind own } userErrors { code field } } }"""


def test_days_are_set_and_cleared(alpha: Tenant) -> None:
    boss = at_school(alpha)
    done = ask(boss, SET, a="2026-11-05", b="2026-11-05", k="school_rest")["setCalendarDays"]
    assert done["days"] == [{"day": "2026-11-05", "kind": "school_rest", "own": True}] and not done["userErrors"]
    wrong = ask(boss, SET, a="2026-11-05", b="2026-11-01", k="school_rest")["setCalendarDays"]
    assert wrong["userErrors"][0]["code"] == "period_backwards"
    clear = 'mutation { clearCalendarDays(firstDay: "2026-11-05", lastDay: "2026-11-05") { days { own } } }'
    assert ask(boss, clear)["clearCalendarDays"]["days"] == [{"own": False}]
    refused = ask(at_school(alpha, Role.SCHOOL_LEADER), SET, a="2026-11-05", b="2026-11-05", k="weekend")
    assert refused["setCalendarDays"]["userErrors"][0]["code"] == "not_allowed" and not SpecialDay.objects.exists()


def test_terms_seasons_years_and_rows(alpha: Tenant) -> None:
    boss = at_school(alpha)
    added = ask(
        boss,
        """mutation { addCalendarPeriod(kind: "term", name: "春", startsOn: "2027-03-01", endsOn: "2027-07-01") {
        period { id kind name } userErrors { code } } }""",
    )["addCalendarPeriod"]
    key = added["period"]["id"]
    changed = ask(
        boss,
        """mutation($id: UUID!) { changeCalendarPeriod(periodId: $id, name: "春季学期", startsOn: "2027-03-01",
        endsOn: "2027-07-05") { period { name endsOn } userErrors { code } } }""",
        id=key,
    )
    assert changed["changeCalendarPeriod"]["period"] == {"name": "春季学期", "endsOn": "2027-07-05"}
    listed = ask(boss, "{ calendarPeriods { totalCount edges { node { name } } } seasons { code starts own } }")
    assert listed["calendarPeriods"]["totalCount"] == 1 and len(listed["seasons"]) == 9
    ask(boss, "mutation($id: UUID!) { removeCalendarPeriod(periodId: $id) { removedId } }", id=key)
    assert not Period.objects.exists()
    ask(boss, 'mutation { setSeason(code: "flood", starts: "04-15", ends: "10-16") { code userErrors { code } } }')
    windows = ask(boss, '{ seasonWindows(firstDay: "2026-05-01", lastDay: "2026-05-01") { code startsOn group } }')
    assert {"code": "flood", "startsOn": "2026-04-15", "group": "work"} in windows["seasonWindows"]
    ask(boss, 'mutation { resetSeason(code: "flood") { code userErrors { code } } }')
    settle = ask(boss, "mutation { settleCalendarYear(year: 2026) { year userErrors { code } } }")
    assert settle["settleCalendarYear"]["userErrors"][0]["code"] == "calendar_year_known"
    rows = [{"kind": "make_up_workday", "startsOn": "2027-10-09", "endsOn": "2027-10-09"}]
    told = ask(
        boss,
        "mutation($r: [CalendarRowInput!]!) { importCalendar(rows: $r) { new unchanged userErrors { code } } }",
        r=rows,
    )["importCalendar"]
    assert told == {"new": 1, "unchanged": 0, "userErrors": []}


LEDGER = """query($party: UUID, $kind: String, $state: String) { certificateLedger(partyId: $party, kind: $kind, state: $state) {
  answer totalCount counts { state n } rows { name kind state daysLeft required certificateId } } }"""


def test_the_ledger_answers(alpha: Tenant) -> None:
    works = make_post(certificates=["electrician"])
    lapsed = make_staff("甲", post=works)
    make_certificate(lapsed, kind="electrician", expires_on=date(2026, 1, 1))
    make_staff("乙", post=works)
    found = ask(at_school(alpha), LEDGER, party=works.party_id, kind="special_work")["certificateLedger"]
    assert [(r["name"], r["state"]) for r in found["rows"]] == [("甲", "expired"), ("乙", "missing")]
    assert "有 1 份已过期" in found["answer"] and found["totalCount"] == 2
    validity = ask(at_school(alpha), "{ certificateValidity { line numerator denominator n coverage } }")
    assert validity["certificateValidity"][0] == {
        "line": "", "numerator": 0, "denominator": 2, "n": 2, "coverage": 1.0,
    }  # fmt: skip


def test_a_company_sees_its_own_people_only(alpha: Tenant) -> None:
    provider = uuid4()
    for name, party in (("我司", make_contract(provider_id=provider)), ("他司", make_contract())):
        make_certificate(make_staff(name, party=party))
    manager = at_school(alpha, Role.PROVIDER_MANAGER, provider_id=provider)
    assert [r["name"] for r in ask(manager, LEDGER)["certificateLedger"]["rows"]] == ["我司"]
    assert "NOT_ALLOWED" in str(post(manager, "{ certificateValidity { n } }")["errors"])


@pytest.mark.parametrize("state", ["valid", "near", "bad", "nonsense"])
def test_states_are_filtered(alpha: Tenant, state: str) -> None:
    make_certificate(make_staff())
    rows = ask(at_school(alpha), LEDGER, state=state)["certificateLedger"]["rows"]
    assert len(rows) == (1 if state in ("valid", "nonsense") else 0)
