"""Checklists: the order people gave them, one at a time, off offer and on again; what has begun keeps its sheet."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from identity.choices import Role
from kernel import clock
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.inspections import operations, queries
from tenants.inspections.models import Checklist
from tenants.rubrics.contracts import RubricContract
from tenants.rubrics.models import Item, Rubric
from tenants.timeline.models import Event
from tests.factories.findings import make_member
from tests.factories.organisation import make_department, make_place
from tests.factories.rubrics import make_rubric

NOW = clock.now()


def ids_of(rubric: Rubric) -> list[UUID]:
    """1.1, 1.2, 2.1, 2.2."""
    rows = Item.objects.filter(section__rubric=rubric).order_by("section__position", "position")
    return list(rows.values_list("pk", flat=True))


def test_a_walk_follows_the_order_of_the_checklist_section_by_section(alpha: Tenant) -> None:
    rubric, by = make_rubric(), make_member(alpha)
    a, b, c, d = ids_of(rubric)
    sheet = operations.save_checklist(title="日检", rubric_id=rubric.pk, item_ids=[d, b, c, a], by=by, tenant=alpha)
    assert sheet.item_ids == [str(i) for i in (d, c, b, a)]  # a section is walked in one piece
    there = {"place_id": make_place().pk, "party_id": make_department().pk, "by": by, "tenant": alpha, "now": NOW}
    walk = operations.start(checklist_id=sheet.pk, **there)
    assert [r.item_id for r in walk.results.order_by("position")] == [d, c, b, a]
    assert [p.title for p in queries.sheet(walk).parts] == ["维度2", "维度1"]
    whole = operations.start(rubric_id=rubric.pk, item_ids=[d, a], **there)  # no checklist: as the rubric has them
    assert [r.item_id for r in whole.results.order_by("position")] == [a, d]


def test_what_has_begun_keeps_what_it_was_started_with(alpha: Tenant) -> None:
    rubric, by = make_rubric(), make_member(alpha)
    a, b, *_rest = ids_of(rubric)
    sheet = operations.save_checklist(title="日检", rubric_id=rubric.pk, item_ids=[a], by=by, tenant=alpha)
    there = {"place_id": make_place().pk, "party_id": make_department().pk, "by": by, "tenant": alpha, "now": NOW}
    walk = operations.start(checklist_id=sheet.pk, **there)
    assert queries.running_by([sheet.pk, uuid4()]) == {sheet.pk: 1}
    operations.save_checklist(
        checklist_id=sheet.pk, title="夜检", kind="safety", rubric_id=rubric.pk, item_ids=[b], by=by, tenant=alpha
    )
    operations.drop_checklist(checklist_id=sheet.pk, by=by, tenant=alpha)
    walk.refresh_from_db()
    assert (walk.title, walk.kind, walk.status) == ("日检", "routine", "running")
    assert [i.id for i in RubricContract.from_json(walk.rubric).items()] == [a]
    operations.answer(inspection_id=walk.pk, item_id=a, verdict="pass", by=by, tenant=alpha, now=NOW)
    operations.finish(inspection_id=walk.pk, by=by, tenant=alpha, now=NOW)
    assert queries.running_by([sheet.pk]) == {}


def test_off_offer_and_on_again_once_each(alpha: Tenant) -> None:
    rubric, by = make_rubric(), make_member(alpha)
    items = ids_of(rubric)
    sheet = operations.save_checklist(title="日检", rubric_id=rubric.pk, item_ids=items, by=by, tenant=alpha)
    for _twice in range(2):
        operations.drop_checklist(checklist_id=sheet.pk, by=by, tenant=alpha)
    assert not queries.checklists(by=by).exists() and queries.checklists(by=by, active=False).get() == sheet
    with pytest.raises(operations.ChecklistRetired):
        operations.save_checklist(
            checklist_id=sheet.pk, title="日检", rubric_id=rubric.pk, item_ids=items, by=by, tenant=alpha
        )
    with pytest.raises(Invalid, match="已停用"):
        operations.save_checklist(title="日检", rubric_id=rubric.pk, item_ids=items, by=by, tenant=alpha)
    for _twice in range(2):
        operations.restore_checklist(checklist_id=sheet.pk, by=by, tenant=alpha)
    assert queries.checklists(by=by).get() == sheet
    verbs = Event.objects.filter(subject_type="inspections.checklist").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["checklist.saved", "checklist.dropped", "checklist.restored"]


def test_nothing_of_a_rubric_that_is_not_in_force(alpha: Tenant) -> None:
    rubric, by = make_rubric(), make_member(alpha)
    items = ids_of(rubric)
    sheet = operations.save_checklist(title="日检", rubric_id=rubric.pk, item_ids=items, by=by, tenant=alpha)
    operations.drop_checklist(checklist_id=sheet.pk, by=by, tenant=alpha)
    Rubric.objects.update(status="retired")
    with pytest.raises(Invalid) as refused:
        operations.save_checklist(title="夜检", rubric_id=rubric.pk, item_ids=items, by=by, tenant=alpha)
    assert refused.value.field == "rubric"
    with pytest.raises(Invalid):
        operations.restore_checklist(checklist_id=sheet.pk, by=by, tenant=alpha)
    assert not queries.bases_of([sheet])[sheet.pk].in_force
    assert Checklist.objects.filter(active=True).count() == 0


def test_it_is_not_changed_over_somebodys_head(alpha: Tenant) -> None:
    rubric, by = make_rubric(), make_member(alpha)
    items = ids_of(rubric)
    sheet = operations.save_checklist(title="日检", rubric_id=rubric.pk, item_ids=items, by=by, tenant=alpha)
    seen = sheet.digest
    given = {"checklist_id": sheet.pk, "title": "日检", "rubric_id": rubric.pk, "by": by, "tenant": alpha}
    operations.save_checklist(**given, item_ids=items[:2], digest=seen)
    with pytest.raises(operations.ChecklistChanged):
        operations.save_checklist(**given, item_ids=items[2:], digest=seen)
    sheet.refresh_from_db()
    assert sheet.item_ids == [str(i) for i in items[:2]]
    operations.save_checklist(**given, item_ids=items[2:])  # who says nothing of it compares nothing
    assert Checklist.objects.get().item_ids == [str(i) for i in items[2:]]


def test_items_that_the_rubric_dropped_are_counted_and_skipped(alpha: Tenant) -> None:
    rubric, by = make_rubric(), make_member(alpha)
    items = ids_of(rubric)
    sheet = operations.save_checklist(title="日检", rubric_id=rubric.pk, item_ids=items[:2], by=by, tenant=alpha)
    Item.objects.filter(pk=items[0]).update(removed_in=2)
    basis = queries.bases_of([sheet])[sheet.pk]
    assert ([i.id for _s, i in basis.items], basis.gone, basis.in_force) == ([items[1]], 1, True)
    Item.objects.filter(pk=items[1]).update(removed_in=2)
    basis = queries.bases_of([sheet])[sheet.pk]
    assert (basis.sheet, basis.items, basis.gone) == (None, [], 2)


@pytest.mark.parametrize("role", [Role.SCHOOL_LEADER, Role.FRONTLINE])
def test_only_who_manages_them_changes_them(alpha: Tenant, role: Role) -> None:
    rubric, by, other = make_rubric(), make_member(alpha), make_member(alpha, role)
    given = {"rubric_id": rubric.pk, "item_ids": ids_of(rubric), "tenant": alpha}
    sheet = operations.save_checklist(title="日检", by=by, **given)
    for do in (
        lambda: operations.save_checklist(title="夜检", by=other, **given),
        lambda: operations.drop_checklist(checklist_id=sheet.pk, by=other, tenant=alpha),
        lambda: operations.restore_checklist(checklist_id=sheet.pk, by=other, tenant=alpha),
    ):
        with pytest.raises(NotAllowed):
            do()
    assert Checklist.objects.get().active
    with pytest.raises(NotFound):
        operations.restore_checklist(checklist_id=uuid4(), by=by, tenant=alpha)
