"""A later edition against the school's copy: what is shown, and what is taken or kept, item by item."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant
from tenants.rubrics import operations, queries
from tenants.rubrics.comparison import Change
from tenants.rubrics.drafts import sheet_draft
from tenants.rubrics.models import Rubric, RubricRevision
from tests.factories.identity import school_actor
from tests.factories.library import Data, import_later_edition, item_of, requirement_of, rubric_of
from tests.tenants.rubrics.test_operations import activated, adopted, save, with_item

KEY = "rubric-cleaning"
NEW = "2027.03"


def later(data: Data) -> None:
    """1-1 loses a point to 1-2, 1-3 costs another, 1-4 goes, its points to a new item; 2-1's clause changes."""
    item_of(data, "rubric-cleaning-1-1")["max_deduction"] = 5
    item_of(data, "rubric-cleaning-1-2")["max_deduction"] = 5
    item_of(data, "rubric-cleaning-1-3")["deduct_per_occurrence"] = 1
    first = rubric_of(data, KEY)["dimensions"][0]
    gone = first["items"].pop(3)
    first["items"].append(
        {**gone, "id": "rubric-cleaning-1-9", "text_zh": "共享单车停放区清洁", "evidence": "现场巡查"}
    )
    for key in item_of(data, "rubric-cleaning-2-1")["requirement_ids"][:1]:
        requirement_of(data, key)["clause"] = "第九十九条"
    rubric_of(data, KEY)["payment_suggestion"]["text"] = "按新办法支付"


def answer(tenant: Tenant, row: Rubric, *, take: set[str] = frozenset(), keep: set[str] = frozenset()) -> Rubric:  # type: ignore[assignment]
    by = school_actor(tenant, Role.SCHOOL_ADMIN)
    return operations.adopt_changes(
        rubric_id=row.pk, edition=NEW, take=take, keep=keep, by=by, tenant=tenant, now=clock.now()
    )


def open_changes(tenant: Tenant, row: Rubric, edition: str = "") -> dict[str, Change]:
    by = school_actor(tenant, Role.SCHOOL_SUPERVISOR)
    return {c.id: c for c in queries.changes(row.pk, edition=edition, by=by).changes}


def test_the_same_edition_changes_nothing(alpha: Tenant) -> None:
    row = adopted(alpha)
    save(alpha, row, with_item(sheet_draft(queries.frozen(row.pk)), 0, 0, text="本校改过的"))
    assert open_changes(alpha, row) == {}


def test_what_a_later_edition_changes_is_said_in_words(alpha: Tenant) -> None:
    row = adopted(alpha)
    import_later_edition(later)
    found = open_changes(alpha, row)
    assert {id_: c.kind for id_, c in found.items()} == {
        "sheet": "changed",
        "item:rubric-cleaning-1-1": "changed",
        "item:rubric-cleaning-1-2": "changed",
        "item:rubric-cleaning-1-3": "changed",
        "item:rubric-cleaning-1-4": "removed",
        "item:rubric-cleaning-1-9": "added",
        **{i: "basis" for i in found if found[i].kind == "basis"},
    }
    assert "item:rubric-cleaning-2-1" in found
    points = found["item:rubric-cleaning-1-1"].fields[0]
    assert (points.label, points.before, points.after) == ("分值", "6 分", "5 分")
    basis = found["item:rubric-cleaning-2-1"].fields[0]
    assert basis.label.endswith("条款") and basis.after == "第九十九条"
    assert not any(c.changed_here for c in found.values())


def test_changes_are_taken_together_where_points_hang_together(alpha: Tenant) -> None:
    row = activated(alpha)
    import_later_edition(later)
    before = queries.frozen(row.pk)
    with pytest.raises(operations.Unbalanced) as refused:
        answer(alpha, row, take={"item:rubric-cleaning-1-1"})
    assert "“室外道路与公共区域”各项分值合计 21 分" in refused.value.sentence
    assert queries.frozen(row.pk) == before
    answer(alpha, row, take={"item:rubric-cleaning-1-1", "item:rubric-cleaning-1-2"})
    row.refresh_from_db()
    assert row.revision == 2 and row.edition == "2026.11"
    points = {i.template_key: (i.points, i.edition) for i in queries.frozen(row.pk).items()}
    assert points["rubric-cleaning-1-1"] == (Decimal("5.00"), NEW)
    assert points["rubric-cleaning-1-3"][1] == "2026.11"
    assert "item:rubric-cleaning-1-1" not in open_changes(alpha, row)
    assert "item:rubric-cleaning-1-3" in open_changes(alpha, row)


def test_when_all_is_answered_the_rubric_stands_on_the_new_edition(alpha: Tenant) -> None:
    row = activated(alpha)
    import_later_edition(later)
    assert queries.newer_editions([row]) == {row.pk: NEW}
    found = open_changes(alpha, row)
    answer(alpha, row, take=set(found) - {"item:rubric-cleaning-1-3"}, keep={"item:rubric-cleaning-1-3"})
    row.refresh_from_db()
    items = {i.template_key: i for i in queries.frozen(row.pk).items()}
    assert row.edition == NEW and open_changes(alpha, row) == {} and queries.newer_editions([row]) == {}
    assert "rubric-cleaning-1-4" not in items and items["rubric-cleaning-1-9"].edition == NEW
    assert (items["rubric-cleaning-1-3"].per_fault, items["rubric-cleaning-1-3"].edition) == (
        Decimal("2.00"),
        "2026.11",
    )
    assert items["rubric-cleaning-5-1"].edition == NEW  # unchanged there: it stands on the new one too
    assert row.payment_note == "按新办法支付"
    assert RubricRevision.objects.filter(rubric=row).count() == 2
    with pytest.raises(operations.UnknownChange):
        answer(alpha, row, take={"item:rubric-cleaning-1-3"})


def test_what_the_school_kept_is_not_asked_again_until_it_changes_again(alpha: Tenant) -> None:
    row = adopted(alpha)
    import_later_edition(later)
    answer(alpha, row, keep=set(open_changes(alpha, row)))
    assert open_changes(alpha, row) == {}

    def third(data: Data) -> None:
        later(data)
        item_of(data, "rubric-cleaning-1-3")["text_zh"] = "雨雪后一小时内处置路面"

    import_later_edition(third, edition="2027.09", as_of="2027-09-01")
    found = open_changes(alpha, row)
    assert set(found) == {"item:rubric-cleaning-1-3"}
    assert [f.name for f in found["item:rubric-cleaning-1-3"].fields] == ["text"]


def test_the_schools_own_edits_survive_taking_theirs_elsewhere(alpha: Tenant) -> None:
    row = adopted(alpha)
    save(alpha, row, with_item(sheet_draft(queries.frozen(row.pk)), 0, 2, text="雨雪后两小时内处置"))
    import_later_edition(later)
    change = open_changes(alpha, row)["item:rubric-cleaning-1-3"]
    assert change.changed_here and [f.name for f in change.fields] == ["per_fault"]
    answer(alpha, row, take={"item:rubric-cleaning-1-3"})
    item = list(queries.frozen(row.pk).items())[2]
    assert (item.text, item.per_fault, item.changed_here) == ("雨雪后两小时内处置", Decimal("1.00"), True)


def test_what_the_school_dropped_does_not_come_back(alpha: Tenant) -> None:
    row = adopted(alpha)
    sheet = sheet_draft(queries.frozen(row.pk))
    first = sheet.sections[0]
    heir = replace(first.items[1], points=first.items[1].points + first.items[2].points)
    kept = replace(first, items=(first.items[0], heir, *first.items[3:]))
    save(alpha, row, replace(sheet, sections=(kept, *sheet.sections[1:])))
    import_later_edition(later)
    assert "item:rubric-cleaning-1-3" not in open_changes(alpha, row)


def test_a_new_section_and_its_items_come_together(alpha: Tenant) -> None:
    def new_section(data: Data) -> None:
        rubric = rubric_of(data, KEY)
        last = rubric["dimensions"].pop()
        rubric["dimensions"].append({**last, "id": "rubric-cleaning-9", "name": "病媒与应急"})
        for n, item in enumerate(last["items"]):
            item["id"] = f"rubric-cleaning-9-{n}"

    row = adopted(alpha)
    import_later_edition(new_section)
    found = open_changes(alpha, row)
    assert found["section:rubric-cleaning-9"].kind == "added"
    assert found["section:rubric-cleaning-5"].kind == "removed"
    with pytest.raises(operations.SectionMissing):
        answer(alpha, row, take={"item:rubric-cleaning-9-0"})
    with pytest.raises(operations.SectionStillUsed):
        answer(alpha, row, take={"section:rubric-cleaning-5"})
    answer(alpha, row, take=set(found))
    titles = [s.title for s in queries.frozen(row.pk).sections]
    assert titles[-1] == "病媒与应急" and len(titles) == 5


def test_a_sheet_of_ones_own_has_no_later_edition(alpha: Tenant) -> None:
    from kernel.errors import NotFound
    from tests.factories.rubrics import make_rubric

    row = make_rubric()
    with pytest.raises(NotFound):
        open_changes(alpha, row)
    assert queries.newer_editions([row]) == {}
