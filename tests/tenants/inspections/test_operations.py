"""Walking by a sheet: frozen at the start, a fail opens a finding, what was open from before stands on top."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from identity.choices import Role
from kernel import clock
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.findings import operations as findings
from tenants.findings.models import Finding
from tenants.inspections import operations, queries
from tenants.inspections.models import Checklist, Inspection, Result
from tenants.rubrics.contracts import RubricContract
from tenants.rubrics.models import Item
from tenants.timeline.models import Event
from tests.factories.findings import make_closed, make_finding, make_member, make_photo, make_submitted
from tests.factories.inspections import make_done, make_inspection
from tests.factories.organisation import make_contract, make_department, make_line, make_place
from tests.factories.rubrics import make_rubric

NOW = clock.now()


def item_of(inspection: Inspection, n: int = 0) -> object:
    return inspection.results.order_by("position")[n].item_id


def test_the_sheet_is_frozen_at_the_start(alpha: Tenant) -> None:
    rubric = make_rubric()
    inspection = make_inspection(alpha, rubric=rubric, now=NOW)
    assert inspection.number == f"XC{NOW.astimezone(alpha.tz):%Y%m%d}-0001"
    assert inspection.results.count() == 4
    Item.objects.update(text="改过的内容")
    inspection.refresh_from_db()
    sheet = queries.sheet(inspection)
    assert [p.lines[0].item.text for p in sheet.parts] == ["检查内容 1.1", "检查内容 2.1"]
    from tenants.rubrics.contracts import RubricContract

    assert RubricContract.from_json(inspection.rubric).digest == inspection.rubric_digest


def test_a_part_of_a_sheet_and_a_checklist(alpha: Tenant) -> None:
    rubric, by = make_rubric(), make_member(alpha)
    section = rubric.sections.order_by("position").first()
    assert make_inspection(alpha, by=by, rubric=rubric, section_ids=[section.pk]).results.count() == 2
    one = Item.objects.filter(section=section).first()
    checklist = operations.save_checklist(title="日检", rubric_id=rubric.pk, item_ids=[one.pk], by=by, tenant=alpha)
    walk = operations.start(
        checklist_id=checklist.pk, place_id=make_place().pk, party_id=make_department().pk, by=by, tenant=alpha, now=NOW
    )
    assert (walk.title, walk.line, [r.item_id for r in walk.results.all()]) == ("日检", "cleaning", [one.pk])
    with pytest.raises(operations.SheetEmpty):
        make_inspection(alpha, by=by, rubric=rubric, item_ids=[uuid4()])
    with pytest.raises(Invalid):
        operations.save_checklist(title="日检", rubric_id=rubric.pk, item_ids=[one.pk], by=by, tenant=alpha)
    operations.drop_checklist(checklist_id=checklist.pk, by=by, tenant=alpha)
    with pytest.raises(NotFound):
        operations.start(checklist_id=checklist.pk, place_id=make_place().pk, by=by, tenant=alpha, now=NOW)


def test_a_checklist_has_a_kind_that_its_walks_keep(alpha: Tenant) -> None:
    rubric, by = make_rubric(), make_member(alpha)
    item = Item.objects.filter(section__rubric=rubric).first()
    given = {"rubric_id": rubric.pk, "item_ids": [item.pk], "by": by, "tenant": alpha}
    plain = operations.save_checklist(title="日检", **given)
    food = operations.save_checklist(title="食材检查", kind="food", **given)
    with pytest.raises(Invalid) as refused:
        operations.save_checklist(title="别的", kind="smell", **given)
    assert refused.value.field == "kind" and Checklist.objects.count() == 2
    assert [c.pk for c in queries.checklists(by=by, kind="food")] == [food.pk]
    assert [c.pk for c in queries.checklists(by=by, text="日检")] == [plain.pk]
    party = make_department()
    there = {"place_id": make_place().pk, "party_id": party.pk, "by": by, "tenant": alpha, "now": NOW}
    walk = operations.start(checklist_id=food.pk, **there)
    operations.start(checklist_id=plain.pk, **there)
    assert make_inspection(alpha, by=by, rubric=rubric).kind == "routine"
    changed = operations.save_checklist(title="食材日检", checklist_id=food.pk, **given)  # nothing said of its kind
    assert changed.kind == "food"
    operations.save_checklist(title="空气", kind="air", checklist_id=food.pk, **given)
    assert [w.pk for w in queries.listing(by=by, tz=alpha.tz, kind="food")] == [walk.pk]
    assert not queries.listing(by=by, tz=alpha.tz, kind="air").exists()


@pytest.mark.parametrize("model", [Checklist, Inspection])
def test_the_database_knows_the_kinds(alpha: Tenant, model: type[Checklist | Inspection]) -> None:
    make_inspection(alpha)
    rubric = make_rubric()
    Checklist.objects.create(title="日检", rubric_id=rubric.pk, line="cleaning")
    with pytest.raises(IntegrityError, match="kind_known"), transaction.atomic():
        model.objects.update(kind="smell")


def test_line_and_party_must_be_known(alpha: Tenant) -> None:
    by, rubric, place = make_member(alpha), make_rubric(lines=("cleaning", "dormitory")), make_place()
    start = {"rubric_id": rubric.pk, "place_id": place.pk, "by": by, "tenant": alpha, "now": NOW}
    with pytest.raises(Invalid) as refused:
        operations.start(**start)
    assert refused.value.field == "line"
    with pytest.raises(findings.PartyMissing):
        operations.start(**start, line="dormitory")
    make_line("dormitory", party=(party := make_department()))
    assert operations.start(**start, line="dormitory").party_id == party.pk
    with pytest.raises(Invalid):
        operations.start(**{**start, "rubric_id": make_rubric(status="draft", title="草稿").pk})


def test_a_fail_opens_a_finding_with_what_the_item_knows(alpha: Tenant) -> None:
    by = make_member(alpha)
    campus = make_place()
    room = make_place(parent=campus)
    inspection = make_inspection(alpha, by=by, place=campus)
    Item.objects.update(requirement_keys=["late"])  # after the start: must not matter
    photo = make_photo(alpha, by)
    result = operations.answer(
        inspection_id=inspection.pk, item_id=item_of(inspection), verdict="fail", note="地面有烟头", occurrences=3,
        severity="major", place_id=room.pk, photo_ids=[photo.pk], by=by, tenant=alpha, now=NOW,
    )  # fmt: skip
    found = Finding.objects.get()
    assert (result.verdict, result.faults) == ("fail", 3)
    assert (found.title, found.occurrences, found.severity) == ("地面有烟头", 3, "major")
    assert (found.place_id, found.party_id, found.source_id) == (room.pk, inspection.party_id, inspection.pk)
    assert (found.rubric_item_id, found.requirement_key) == (result.item_id, "")
    assert found.deadline == NOW + timedelta(hours=72)
    sheet = queries.sheet(inspection)
    assert sheet.parts[0].lines[0].lost == Decimal("3.00")
    assert sheet.findings[0].photo_ids == (photo.pk,)


def test_what_a_walk_finds_is_known_again_from_other_sources_by_the_category_of_its_item(alpha: Tenant) -> None:
    by, rubric, party, place = make_member(alpha), make_rubric(), make_contract(), make_place()
    where = {"place": place, "party": party}

    def fail(n: int, **fields: object) -> Finding:
        walk = make_inspection(alpha, by=by, rubric=rubric, **where, now=NOW)
        call = {"inspection_id": walk.pk, "verdict": "fail", "by": by, "tenant": alpha, "now": NOW}
        operations.answer(item_id=item_of(walk, n), **call, **fields)
        return Finding.objects.get(source_id=walk.pk)

    reported = make_closed(alpha, **where, line="cleaning", category="facility", now=NOW - timedelta(days=2))
    unnamed = fail(0)
    assert (unnamed.category, unnamed.repeat_of_id) == ("", None)
    named = fail(1, category="facility")
    assert (named.line, named.category, named.repeat_of_id) == ("cleaning", "facility", reported.pk)
    Finding.objects.filter(pk=named.pk).delete()
    assert fail(1).category == ""
    learned = make_finding(alpha, rubric_item_id=named.rubric_item_id, category="facility", now=NOW)
    again = fail(1)
    assert (again.category, again.repeat_of_id) == ("facility", reported.pk)
    assert learned.repeat_of_id is None  # another place
    with pytest.raises(Invalid):
        fail(2, category="weather")


def test_without_words_the_item_is_the_title(alpha: Tenant) -> None:
    by = make_member(alpha)
    inspection = make_inspection(alpha, by=by)
    operations.answer(
        inspection_id=inspection.pk, item_id=item_of(inspection), verdict="fail", by=by, tenant=alpha, now=NOW
    )
    assert Finding.objects.get().title == "检查内容 1.1"


def test_veto_only_on_a_veto_item(alpha: Tenant) -> None:
    by = make_member(alpha)
    inspection = make_inspection(alpha, by=by, rubric=make_rubric(veto_item=True))
    fail = {"inspection_id": inspection.pk, "verdict": "fail", "veto": True, "by": by, "tenant": alpha, "now": NOW}
    with pytest.raises(Invalid):
        operations.answer(item_id=item_of(inspection, 0), **fail)
    assert not Finding.objects.exists()
    operations.answer(item_id=item_of(inspection, 3), **fail)
    assert (Finding.objects.get().severity, Finding.objects.get().veto) == ("critical", True)


def test_a_place_outside_the_walk_is_refused(alpha: Tenant) -> None:
    by = make_member(alpha)
    inspection = make_inspection(alpha, by=by)
    with pytest.raises(operations.PlaceOutside):
        operations.answer(
            inspection_id=inspection.pk, item_id=item_of(inspection), verdict="fail", place_id=make_place().pk,
            by=by, tenant=alpha, now=NOW,
        )  # fmt: skip
    assert not Finding.objects.exists()


def test_a_fail_with_standing_findings_is_not_turned_into_a_pass(alpha: Tenant) -> None:
    by = make_member(alpha)
    inspection = make_inspection(alpha, by=by)
    call = {"inspection_id": inspection.pk, "item_id": item_of(inspection), "by": by, "tenant": alpha, "now": NOW}
    operations.answer(verdict="fail", **call)
    with pytest.raises(operations.HasFindings):
        operations.answer(verdict="pass", **call)
    with pytest.raises(operations.HasFindings):
        operations.clear_answer(**call)
    findings.void(finding_id=Finding.objects.get().pk, reason="看错了", by=by, tenant=alpha, now=NOW)
    result = operations.answer(verdict="pass", **call)
    assert (result.verdict, result.faults) == ("pass", 0)


def test_answers_sent_again_change_nothing(alpha: Tenant) -> None:
    by = make_member(alpha)
    inspection = make_inspection(alpha, by=by, client_key="s1")
    again = operations.start(
        rubric_id=inspection.rubric_id, place_id=inspection.place_id, by=by, tenant=alpha, now=NOW, client_key="s1"
    )
    assert again.pk == inspection.pk
    call = {"inspection_id": inspection.pk, "item_id": item_of(inspection), "by": by, "tenant": alpha, "now": NOW}
    for _ in range(3):
        operations.answer(verdict="fail", client_key="k1", **call)
    assert Finding.objects.count() == 1 and Result.objects.get(item_id=call["item_id"]).faults == 1
    operations.answer(verdict="fail", client_key="k2", note="另一处", **call)  # a second fault of the item
    assert Finding.objects.count() == 2 and Result.objects.get(item_id=call["item_id"]).faults == 2
    operations.finish(inspection_id=inspection.pk, by=by, tenant=alpha, now=NOW, client_key="k3")
    operations.answer(verdict="fail", client_key="k2", **call)  # late echo after the end
    assert (
        operations.finish(inspection_id=inspection.pk, by=by, tenant=alpha, now=NOW, client_key="k3").status == "done"
    )
    assert Finding.objects.count() == 2 and Event.objects.filter(verb="inspection.finished").count() == 1
    with pytest.raises(operations.NotRunning):
        operations.answer(verdict="pass", client_key="k4", **call)


def test_only_the_one_who_walks_answers(alpha: Tenant) -> None:
    inspection = make_inspection(alpha)
    call = {
        "inspection_id": inspection.pk,
        "item_id": item_of(inspection),
        "verdict": "pass",
        "tenant": alpha,
        "now": NOW,
    }
    with pytest.raises(NotAllowed):
        operations.answer(by=make_member(alpha), **call)
    with pytest.raises(NotFound):
        operations.answer(by=make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4()), **call)
    with pytest.raises(NotAllowed):
        make_inspection(alpha, by=make_member(alpha, Role.FRONTLINE))
    operations.answer(by=make_member(alpha, Role.SCHOOL_ADMIN), **call)


def test_nothing_seen_is_no_inspection(alpha: Tenant) -> None:
    by = make_member(alpha)
    inspection = make_inspection(alpha, by=by)
    with pytest.raises(operations.NothingSeen):
        operations.finish(inspection_id=inspection.pk, by=by, tenant=alpha, now=NOW)
    operations.cancel(inspection_id=inspection.pk, by=by, tenant=alpha, now=NOW, reason="下雨")
    with pytest.raises(operations.NotRunning):
        operations.finish(inspection_id=inspection.pk, by=by, tenant=alpha, now=NOW)


def test_one_with_findings_is_finished_not_cancelled(alpha: Tenant) -> None:
    by = make_member(alpha)
    inspection = make_inspection(alpha, by=by)
    operations.answer(
        inspection_id=inspection.pk, item_id=item_of(inspection), verdict="fail", by=by, tenant=alpha, now=NOW
    )
    with pytest.raises(operations.CannotCancel):
        operations.cancel(inspection_id=inspection.pk, by=by, tenant=alpha, now=NOW)


def test_the_rest_of_a_section_passes_at_one_tap(alpha: Tenant) -> None:
    by = make_member(alpha)
    inspection = make_inspection(alpha, by=by)
    operations.answer(
        inspection_id=inspection.pk, item_id=item_of(inspection), verdict="na", by=by, tenant=alpha, now=NOW
    )
    section = queries.sheet(inspection).parts[0]
    done = operations.pass_rest(inspection_id=inspection.pk, section_id=section.id, by=by, tenant=alpha, now=NOW)
    sheet = queries.sheet(inspection)
    assert (done, sheet.passed, sheet.not_applicable, sheet.unseen) == (1, 1, 1, 2)


class TestLastTime:
    def test_open_findings_of_the_place_stand_on_top_and_are_settled_on_site(self, alpha: Tenant) -> None:
        campus = make_place()
        room, elsewhere = make_place(parent=campus), make_place()
        old = make_finding(alpha, place=room, now=NOW - timedelta(days=2))
        handed_in = make_submitted(alpha, place=campus, now=NOW - timedelta(days=1))
        make_finding(alpha, place=elsewhere, now=NOW - timedelta(days=1))
        by = make_member(alpha)
        walk = make_inspection(alpha, by=by, place=campus, now=NOW)
        assert [f.id for f in queries.carried_over(walk)] == [old.pk, handed_in.pk]
        call = {"inspection_id": walk.pk, "by": by, "tenant": alpha, "now": NOW}
        shown = [make_photo(alpha, by).pk]
        for _ in range(2):
            operations.recheck(finding_id=old.pk, solved=True, photo_ids=shown, client_key="r1", **call)
        operations.recheck(finding_id=handed_in.pk, solved=False, text="仍有积水", client_key="r2", **call)
        assert [f.id for f in queries.carried_over(walk)] == [handed_in.pk]
        assert [(r.finding.id, r.solved) for r in queries.rechecks(walk)] == [(old.pk, True), (handed_in.pk, False)]
        assert Finding.objects.get(pk=handed_in.pk).status == "fixing"
        with pytest.raises(operations.PlaceOutside):
            operations.recheck(finding_id=Finding.objects.get(place=elsewhere).pk, solved=True, **call)
        assert Finding.objects.get(place=elsewhere).status == "open"

    def test_what_the_walk_opened_is_not_from_before(self, alpha: Tenant) -> None:
        by = make_member(alpha)
        walk = make_inspection(alpha, by=by, now=NOW)
        operations.answer(inspection_id=walk.pk, item_id=item_of(walk), verdict="fail", by=by, tenant=alpha, now=NOW)
        assert queries.carried_over(walk) == []

    def test_the_answer(self, alpha: Tenant) -> None:
        by = make_member(alpha)
        walk = make_inspection(alpha, by=by, now=NOW)
        assert queries.solved(queries.findings_of([walk.pk]), NOW).solved is None
        for n in range(2):
            operations.answer(
                inspection_id=walk.pk, item_id=item_of(walk, n), verdict="fail", by=by, tenant=alpha, now=NOW
            )
        first = Finding.objects.order_by("number").first()
        findings.confirm_on_site(
            finding_id=first.pk, solved=True, photo_ids=[make_photo(alpha, by).pk], by=by, tenant=alpha, now=NOW
        )
        answer = queries.solved(queries.findings_of([walk.pk]), NOW + timedelta(days=30))
        assert (answer.solved, answer.total, answer.closed, answer.overdue) == (False, 2, 1, 1)
        second = Finding.objects.order_by("number").last()
        findings.confirm_on_site(
            finding_id=second.pk, solved=True, photo_ids=[make_photo(alpha, by).pk], by=by, tenant=alpha, now=NOW
        )
        assert queries.solved(queries.findings_of([walk.pk]), NOW).solved is True


def test_a_company_sees_finished_walks_of_its_own_contracts(alpha: Tenant, django_assert_num_queries: object) -> None:
    from tests.factories.organisation import make_party

    party = make_party("contract")
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    done, running, other = make_done(alpha, party=party), make_inspection(alpha, party=party), make_done(alpha)
    assert [i.pk for i in queries.listing(by=manager, tz=alpha.tz)] == [done.pk]
    for hidden in (running, other):
        with pytest.raises(NotFound):
            queries.inspection(inspection_id=hidden.pk, by=manager)


def test_every_step_of_a_walk_says_who_took_it(alpha: Tenant) -> None:
    """Also when an admin answers for the inspector: each step is one event, and the answer bears their name."""
    by, admin = make_member(alpha), make_member(alpha, Role.SCHOOL_ADMIN, name="王主任")
    old = make_finding(alpha, now=NOW - timedelta(days=2))
    walk = make_inspection(alpha, by=by, place=old.place, now=NOW)
    call = {"inspection_id": walk.pk, "tenant": alpha, "now": NOW}

    def verbs() -> list[str]:
        rows = Event.objects.filter(verb__startswith="inspection.").order_by("pk")
        return [e.verb for e in rows if e.verb != "inspection.started"]

    for _twice in range(2):
        operations.answer(item_id=item_of(walk), verdict="pass", by=admin, client_key="a", **call)
    result = walk.results.get(item_id=item_of(walk))
    assert (result.answered_by, result.answered_by_name) == (admin.account_id, "王主任")
    operations.clear_answer(item_id=item_of(walk), by=admin, **call)
    result.refresh_from_db()
    assert (result.answered_by, result.answered_by_name) == (None, "")
    section = RubricContract.from_json(walk.rubric).sections[0]
    passed = operations.pass_rest(section_id=section.id, by=by, **call)
    assert walk.results.filter(answered_by=by.account_id).count() == passed > 0
    assert operations.pass_rest(section_id=section.id, by=by, **call) == 0  # nothing left: no event either
    operations.recheck(finding_id=old.pk, solved=False, by=by, **call)
    assert verbs() == [
        "inspection.answered", "inspection.answer_cleared", "inspection.rest_passed", "inspection.rechecked",
    ]  # fmt: skip
    answered = Event.objects.get(verb="inspection.answered")
    assert (answered.actor_name, answered.place_id, answered.party_id) == ("王主任", walk.place_id, walk.party_id)
