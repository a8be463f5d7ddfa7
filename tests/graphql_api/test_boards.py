"""Programme and calibrations through the API: what is told to whom, constant cost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant
from tenants.inspections import operations
from tests.factories.findings import make_member
from tests.factories.organisation import make_department, make_place
from tests.factories.rubrics import make_rubric
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


def test_kinds_of_checklists_by_api(alpha: Tenant) -> None:
    boss, rubric = signed(make_member(alpha)), make_rubric()
    item = str(rubric.sections.first().items.first().pk)
    save = (
        "mutation($t: String!, $r: UUID!, $i: [UUID!]!, $k: String) { saveChecklist(title: $t, rubricId: $r, itemIds: $i, "
        "kind: $k) { checklist { id kind } %s } }" % ERRORS
    )
    food = ask(boss, save, t="到货检查", r=rubric.pk, i=[item], k="food")["saveChecklist"]["checklist"]
    assert food["kind"] == "food"
    assert ask(boss, save, t="日检", r=rubric.pk, i=[item])["saveChecklist"]["checklist"]["kind"] == "routine"
    refused = ask(boss, save, t="怪的", r=rubric.pk, i=[item], k="smell")["saveChecklist"]
    assert refused["checklist"] is None and refused["userErrors"][0]["code"] == "invalid"
    start = (
        "mutation($p: UUID!, $o: UUID, $c: UUID) { startInspection(placeId: $p, partyId: $o, checklistId: $c) "
        "{ inspection { kind } %s } }" % ERRORS
    )
    begun = ask(boss, start, p=make_place().pk, o=make_department().pk, c=food["id"])["startInspection"]
    assert begun["inspection"] == {"kind": "food"}
    asked = "query($k: String) { checklists(kind: $k) { title } inspections(kind: $k) { totalCount } }"
    assert ask(boss, asked, k="food") == {"checklists": [{"title": "到货检查"}], "inspections": {"totalCount": 1}}
    assert ask(boss, asked, k="air") == {"checklists": [], "inspections": {"totalCount": 0}}


def test_checklists_are_arranged_and_turned_off_and_on_by_api(alpha: Tenant) -> None:
    admin, rubric = make_member(alpha, Role.SCHOOL_ADMIN), make_rubric()
    boss = signed(admin)
    items = [i for s in rubric.sections.order_by("position") for i in s.items.order_by("position")]
    save = (
        'mutation($c: UUID, $i: [UUID!]!, $d: String) { saveChecklist(checklistId: $c, title: "日检", rubricId: "%s", '
        "itemIds: $i, digest: $d) { checklist { id digest items { section text } } %s } }" % (rubric.pk, ERRORS)
    )
    wanted = [str(items[n].pk) for n in (3, 0)]
    made = ask(boss, save, i=wanted)["saveChecklist"]["checklist"]
    assert [i["text"] for i in made["items"]] == ["检查内容 2.2", "检查内容 1.1"]
    again = ask(boss, save, c=made["id"], i=wanted[:1], d=made["digest"])["saveChecklist"]["checklist"]
    assert len(again["items"]) == 1
    late = ask(boss, save, c=made["id"], i=wanted, d=made["digest"])["saveChecklist"]
    assert late["checklist"] is None and late["userErrors"][0]["code"] == "checklist_changed"
    drop = "mutation($c: UUID!) { dropChecklist(checklistId: $c) { checklist { active } %s } }" % ERRORS
    assert ask(boss, drop, c=made["id"])["dropChecklist"]["checklist"] == {"active": False}
    listed = "query($i: UUID!) { checklists { id } off: checklists(active: false) { id } all: checklists(active: null) "
    listed += "{ id items { text requirementKeys } } checklist(id: $i) { active } }"
    shown = ask(boss, listed, i=made["id"])
    assert (
        shown["checklists"] == [] and len(shown["off"]) == len(shown["all"]) == 1 and not shown["checklist"]["active"]
    )
    restore = "mutation($c: UUID!) { restoreChecklist(checklistId: $c) { checklist { active } %s } }" % ERRORS
    assert ask(boss, restore, c=made["id"])["restoreChecklist"]["checklist"] == {"active": True}


def test_a_list_of_checklists_with_items_costs_the_same(
    alpha: Tenant, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    boss = signed(admin)
    for n in range(3):
        rubric = make_rubric(title=f"标准 {n}")
        items = [i.pk for s in rubric.sections.all() for i in s.items.all()]
        for k in range(3):
            operations.save_checklist(title=f"日检 {n}{k}", rubric_id=rubric.pk, item_ids=items, by=admin, tenant=alpha)
    with django_assert_max_num_queries(15):
        assert len(ask(boss, "{ checklists { title items { text } } }")["checklists"]) == 9


def test_the_monthly_calibration_by_api(alpha: Tenant) -> None:
    make_place("一号楼", kind="building", parent=make_place(kind="campus"))
    one, two = make_member(alpha, name="甲"), make_member(alpha, name="乙")
    admin, rubric = make_member(alpha, Role.SCHOOL_ADMIN), make_rubric()
    items = [i.pk for s in rubric.sections.all() for i in s.items.all()]
    operations.save_checklist(title="日检", rubric_id=rubric.pk, item_ids=items, by=admin, tenant=alpha)
    asked = "{ calibrationProposal { why checklistTitle place { name } scorers { accountId } } }"
    assert ask(signed(one), asked) == {"calibrationProposal": None}
    wanted = ask(signed(admin), asked)["calibrationProposal"]
    assert wanted["checklistTitle"] == "日检" and wanted["place"]["name"].endswith("一号楼")
    assert {s["accountId"] for s in wanted["scorers"]} == {str(one.account_id), str(two.account_id)}
    tap = "mutation { arrangeProposedCalibration { calibration { id status } %s } }" % ERRORS
    made = ask(signed(admin), tap)["arrangeProposedCalibration"]["calibration"]
    assert made["status"] == "open" and ask(signed(admin), tap)["arrangeProposedCalibration"]["calibration"] == made
    assert ask(signed(admin), asked) == {"calibrationProposal": None}
    assert ask(signed(one), tap)["arrangeProposedCalibration"]["userErrors"][0]["code"] == "not_allowed"
