"""Rosters through the API: constant queries, refusals as data, one's own alone."""

from __future__ import annotations

import base64
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant
from tenants.jobs import imports as flow
from tenants.rosters import imports
from tenants.rosters.models import Assignment, FollowedDay, ShiftInstance
from tests.factories.calendar import make_special_day
from tests.factories.organisation import make_contract, make_post, make_staff
from tests.factories.rosters import make_assignment, make_coverage, make_leave, make_shift, make_terms
from tests.graphql_api.test_evaluations import ask, at_school
from tests.graphql_api.test_evaluations import post as send
from tests.kernel.test_spreadsheets import xlsx

DAY = date(2026, 6, 15)
RANGE = f'firstDay: "{DAY}", lastDay: "{DAY + timedelta(days=30)}"'
ROSTER = f"""query($n: Int) {{ roster(first: $n, {RANGE}) {{ edges {{ node {{ id day source publishedAt
  staff {{ name }} post {{ name }} place {{ name }} shift {{ code segments {{ startMinute endMinute }} }} }} }} }}
  shiftInstances(first: $n, {RANGE}) {{ edges {{ node {{ startsAt inFrom outUntil grade staff {{ name }}
  post {{ name }} shift {{ name segments {{ endMinute }} }} }} }} }} }}"""


def test_a_hundred_cells_cost_the_same_as_five(alpha: Tenant) -> None:
    shift = make_shift()
    for _ in range(5):
        post = make_post()
        person = make_staff(post=post)
        for day in range(20):
            make_assignment(alpha, day=DAY + timedelta(days=day), staff=person, shift=shift)
    boss = at_school(alpha)

    def statements(n: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            found = ask(boss, ROSTER, n=n)
        assert len(found["roster"]["edges"]) == len(found["shiftInstances"]["edges"]) == n
        return sum("rosters_" in q["sql"] or "organisation_" in q["sql"] for q in seen.captured_queries)

    assert statements(5) == statements(100) <= 6


def test_cells_are_changed_and_published(alpha: Tenant) -> None:
    boss = at_school(alpha)
    good, bad = make_staff(post=make_post()), make_staff(post=make_post(certificates=["electrician"]))
    made = ask(
        boss,
        """mutation { saveShift(name: "夜班", code: "夜", segments: [{startMinute: 1320, endMinute: 1800}]) {
          shift { id segments { endMinute needsOut } } userErrors { code } } }""",
    )["saveShift"]["shift"]  # fmt: skip
    assert made["segments"] == [{"endMinute": 1800, "needsOut": True}]
    change = """mutation($cells: [RosterCellInput!]!) { changeRoster(cells: $cells) {
      made { id staff { name } } refused { staffId code sentence } userErrors { code } } }"""
    cells = [{"staffId": str(p.pk), "day": str(DAY), "items": [{"shiftId": made["id"]}]} for p in (good, bad)]
    answer = ask(boss, change, cells=cells)["changeRoster"]
    assert len(answer["made"]) == 1
    assert [r["code"] for r in answer["refused"]] == ["certificate_lacking"]
    publish = f"mutation {{ publishRoster({RANGE}) {{ published refused {{ code }} userErrors {{ code }} }} }}"
    assert ask(boss, publish)["publishRoster"]["published"] == 1
    assert ShiftInstance.objects.count() == 1


def test_a_refusal_comes_back_as_data(alpha: Tenant) -> None:
    answer = ask(
        at_school(alpha),
        'mutation { saveShift(name: "夜", code: "休", segments: []) { shift { id } userErrors { code field } } }',
    )["saveShift"]
    assert answer == {"shift": None, "userErrors": [{"code": "invalid", "field": "code"}]}


def test_contracts_and_gaps(alpha: Tenant) -> None:
    post = make_post("配电值班", certificates=["electrician"])
    make_terms(post, grade="B", hourly_rate="30.00")
    make_coverage(post, persons=2)
    boss = at_school(alpha)
    found = ask(
        boss,
        f"""{{ contracted(firstDay: "{DAY}", lastDay: "{DAY}") {{ persons minutes hourlyRate }}
        certificateGaps(days: 10) {{ sentence days kinds }} postTerms(postId: "{post.pk}") {{ grade }} }}""",
    )
    assert found["contracted"] == [{"persons": 2, "minutes": 2880, "hourlyRate": "30.00"}]
    assert "配电值班将无持证人" in found["certificateGaps"][0]["sentence"]
    assert found["postTerms"] == {"grade": "B"}


def test_a_worker_reads_their_own_roster_alone(alpha: Tenant) -> None:
    me, other = make_staff("本人", post=make_post()), make_staff("他人", post=make_post())
    for person in (me, other):
        make_assignment(alpha, day=DAY, staff=person)
    worker = at_school(alpha, Role.FRONTLINE, staff_id=me.pk)
    found = ask(worker, ROSTER, n=50)
    assert [e["node"]["staff"]["name"] for e in found["roster"]["edges"]] == ["本人"]
    assert [e["node"]["staff"]["name"] for e in found["shiftInstances"]["edges"]] == ["本人"]


def refused(client: Client, query: str) -> str:
    code: str = send(client, query)["errors"][0]["extensions"]["code"]
    return code


def manning(client: Client, more: str = "") -> list[dict[str, Any]]:
    query = f"""{{ rosterManning(firstDay: "{DAY}", lastDay: "{DAY}" {more}) {{ postName hour asked lacking lackingYuan }} }}"""
    return list(ask(client, query)["rosterManning"])


def test_contracts_against_the_roster_by_day_and_by_hour(alpha: Tenant) -> None:
    post = make_post("南门岗")
    make_terms(post, hourly_rate="30.00")
    make_coverage(post, persons=2, span=(480, 600))
    make_assignment(alpha, day=DAY, staff=make_staff(post=post), shift=make_shift(spans=((480, 540),)))
    boss = at_school(alpha)
    assert manning(boss) == [{"postName": "南门岗", "hour": None, "asked": 240, "lacking": 180, "lackingYuan": "90.00"}]
    assert [(r["hour"], r["lacking"]) for r in manning(boss, "byHour: true")] == [(8, 60), (9, 120)]
    assert manning(boss, f'postId: "{make_post().pk}"') == []


def test_a_company_reads_the_manning_of_its_own_contracts_and_a_worker_none(alpha: Tenant) -> None:
    own, other = make_contract(), make_contract()
    for party, name in ((own, "南门岗"), (other, "北门岗")):
        make_coverage(make_post(name, party=party), persons=1, span=(480, 540))
    manager = at_school(alpha, Role.PROVIDER_MANAGER, provider_id=own.provider_id)
    assert [r["postName"] for r in manning(manager)] == ["南门岗"]
    assert manning(manager, f'partyId: "{other.pk}"') == []
    worker = at_school(alpha, Role.FRONTLINE, staff_id=make_staff().pk)
    query = f'{{ rosterManning(firstDay: "{DAY}", lastDay: "{DAY}") {{ asked }} }}'
    assert refused(worker, query) == "NOT_ALLOWED"


def test_too_long_a_stretch_of_manning_is_refused(alpha: Tenant) -> None:
    boss, far = at_school(alpha), DAY + timedelta(days=40)
    query = f'{{ rosterManning(firstDay: "{DAY}", lastDay: "{far}" %s) {{ asked }} }}'
    assert ask(boss, query % "") == {"rosterManning": []}
    assert refused(boss, query % "byHour: true") == "INVALID"


def test_leaves_say_whom_they_wait_for_at_constant_cost(alpha: Tenant) -> None:
    party = make_contract()
    person, now = make_staff("甲", post=make_post(party=party)), clock.now()
    for n in range(6):
        day = now + timedelta(days=2 * n + 1)
        make_leave(person, day, day + timedelta(days=1), kind="field" if n == 0 else "personal", status="pending")
    company = at_school(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    query = "query($n: Int) { leaves(first: $n) { edges { node { kind say { approve refuse waitsFor } } } } }"

    def read(n: int) -> tuple[dict[str, Any], int]:
        with CaptureQueriesContext(connection) as seen:
            found = ask(company, query, n=n)
        says = {e["node"]["kind"]: e["node"]["say"] for e in found["leaves"]["edges"]}
        return says, sum("rosters_" in q["sql"] or "organisation_" in q["sql"] for q in seen.captured_queries)

    says, cost = read(6)
    assert says["field"] == {"approve": False, "refuse": True, "waitsFor": "由学校监管人员审批：外勤按出勤计"}
    assert says["personal"] == {"approve": True, "refuse": True, "waitsFor": ""}
    assert read(2)[1] == cost


def test_days_on_which_the_calendar_changed(alpha: Tenant) -> None:
    day = clock.now().astimezone(alpha.tz).date() + timedelta(days=2)
    FollowedDay.objects.create(day=day, works=False, changed_at=clock.now(), remade=3)
    make_special_day(day, kind="school_rest", name="校庆")
    query = f'{{ rosterChangedDays(firstDay: "{day}", lastDay: "{day}") {{ name works remade left }} }}'
    assert ask(at_school(alpha), query)["rosterChangedDays"] == [
        {"name": "校庆", "works": False, "remade": 3, "left": 0}
    ]
    assert refused(at_school(alpha, Role.FRONTLINE, staff_id=make_staff().pk), query) == "NOT_ALLOWED"


def test_a_cell_over_a_leave_is_done_and_named(alpha: Tenant) -> None:
    person, shift = make_staff("甲", post=make_post()), make_shift()
    starts = datetime.combine(DAY, time(), alpha.tz)
    leave = make_leave(person, starts, starts + timedelta(days=1))
    query = """mutation($cells: [RosterCellInput!]!) { changeRoster(cells: $cells) {
      made { id } refused { code } warnings { code leaveId sentence } userErrors { code } } }"""
    cells = [{"staffId": str(person.pk), "day": str(DAY), "items": [{"shiftId": str(shift.pk)}]}]
    answer = ask(at_school(alpha), query, cells=cells)["changeRoster"]
    assert (len(answer["made"]), answer["refused"]) == (1, [])
    [warned] = answer["warnings"]
    assert (warned["code"], warned["leaveId"]) == ("on_leave", str(leave.pk)) and "甲 6月15日已批准" in warned[
        "sentence"
    ]


def test_a_roster_is_imported_by_api(alpha: Tenant, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    boss = at_school(alpha)
    make_shift("夜班", code="夜")
    person = make_staff("甲一", number="G1", post=make_post())
    content = base64.b64encode(xlsx([["工号", "姓名", "2026-06-15", "2026-06-16"], ["G1", "甲一", "夜", ""], ["G404", "乙二", "夜", ""]])).decode()  # fmt: skip
    start = 'mutation($c: String!) { startRosterImport(fileName: "六月.xlsx", content: $c) { job { id } userErrors { code } } }'
    confirm = "mutation($i: UUID!) { confirmRosterImport(jobId: $i) { job { id } userErrors { code } } }"
    assert ask(boss, start, c="?")["startRosterImport"]["userErrors"] == [{"code": "invalid"}]
    job = ask(boss, start, c=content)["startRosterImport"]["job"]
    flow.check_job(imports.ROSTER, job_id=job["id"], tenant=alpha, clock=clock.now)
    told = ask(boss, "query($i: UUID!) { job(id: $i) { state sentence result } }", i=job["id"])["job"]
    assert told["state"] == "done" and told["result"]["counts"]["wrong"] == 1, told
    assert not Assignment.objects.exists()
    applying = ask(boss, confirm, i=job["id"])["confirmRosterImport"]["job"]
    flow.apply_job(imports.ROSTER, job_id=applying["id"], tenant=alpha, clock=clock.now)
    assert Assignment.objects.get().staff == person
    other = at_school(alpha)
    assert ask(other, confirm, i=job["id"])["confirmRosterImport"]["userErrors"] == [{"code": "not_found"}]
