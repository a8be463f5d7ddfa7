"""Programme and calibrations through the API: what is told to whom, constant cost."""

from __future__ import annotations

from datetime import timedelta

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant
from tenants.inspections import operations
from tests.factories.findings import make_member
from tests.factories.organisation import make_place
from tests.graphql_api.test_findings import ERRORS, ask, signed
from tests.tenants.inspections.test_calibration import arranged, hand_in

NOW = clock.now()


def test_a_week_by_api(alpha: Tenant) -> None:
    boss = signed(make_member(alpha))
    top = make_place(kind="campus")
    for n in range(4):
        make_place(f"{n}号楼", kind="building", parent=top)
    day = str(NOW.astimezone(alpha.tz).date())
    made = ask(
        boss,
        "mutation($d: Date!) { proposeProgramme(week: $d, minutes: 100) { programme { id stops { id why place { name } } } "
        "%s } }" % ERRORS,
        d=day,
    )["proposeProgramme"]["programme"]  # fmt: skip
    assert len(made["stops"]) == 2 and made["stops"][0]["why"] == "还没有巡查记录。"
    drop = "mutation($s: UUID!) { dropStop(stopId: $s) { programme { stops { id } } %s } }" % ERRORS
    assert len(ask(boss, drop, s=made["stops"][0]["id"])["dropStop"]["programme"]["stops"]) == 1
    accept = "mutation($p: UUID!) { acceptProgramme(programmeId: $p) { programme { status } %s } }" % ERRORS
    assert ask(boss, accept, p=made["id"])["acceptProgramme"]["programme"] == {"status": "accepted"}
    goals = ask(boss, "query($d: Date) { coverageGoals(day: $d) { kind total covered planned } }", d=day)
    assert goals["coverageGoals"] == [{"kind": "building", "total": 4, "covered": 0, "planned": 1}]
    worker = signed(make_member(alpha, Role.FRONTLINE))
    refused = worker.post(
        "/graphql/", {"query": '{ inspectionProgramme(day: "2026-01-01") { id } }'}, content_type="application/json"
    ).json()
    assert refused["data"] == {"inspectionProgramme": None}


def test_a_calibration_tells_numbers_to_oneself_only(alpha: Tenant) -> None:
    one, two = make_member(alpha, name="甲"), make_member(alpha, name="乙")
    row, items = arranged(alpha, one, two)
    query = (
        "query($i: UUID!) { calibration(id: $i) { status seats { name bias } } "
        "calibrationDisputed(id: $i) { text opinions { who faults } } scoringTendencies { name times } }"
    )
    hand_in(row, items, one, alpha, {0: 3})
    before = ask(signed(one), query, i=row.pk)
    assert before["calibrationDisputed"] == [] and before["scoringTendencies"] == []
    hand_in(row, items, two, alpha, {0: 1})
    after = ask(signed(one), query, i=row.pk)
    assert after["calibration"]["seats"] == [{"name": "乙", "bias": None}, {"name": "甲", "bias": "-2.00"}]
    assert len(after["calibrationDisputed"]) == 1 and after["scoringTendencies"] == [{"name": "甲", "times": 1}]
    assert ask(signed(make_member(alpha)), query, i=row.pk)["calibration"] is None
    assert operations.reveal_due(tenant=alpha, now=NOW + timedelta(days=9)) == 0
