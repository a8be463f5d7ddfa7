"""Adopting, editing, revising, retiring; who may, and what stays as it was."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from identity.choices import GrantScope, Role
from identity.contracts import Actor
from kernel import clock
from kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant, school_context
from tenants.rubrics import operations, queries
from tenants.rubrics.choices import RubricStatus
from tenants.rubrics.drafts import ItemDraft, SheetDraft, sheet_draft
from tenants.rubrics.models import Item, Rubric, RubricRevision
from tenants.timeline.queries import events_of
from tests.factories.identity import school_actor

KEY = "rubric-cleaning"


def adopted(tenant: Tenant, key: str = KEY, **more: str) -> Rubric:
    by = school_actor(tenant, Role.SCHOOL_ADMIN)
    return operations.adopt(template_key=key, by=by, tenant=tenant, now=clock.now(), **more)


def activated(tenant: Tenant, key: str = KEY) -> Rubric:
    row = adopted(tenant, key)
    by = school_actor(tenant, Role.SCHOOL_ADMIN)
    return operations.activate(rubric_id=row.pk, by=by, tenant=tenant, now=clock.now())


def save(tenant: Tenant, row: Rubric, sheet: SheetDraft, *, digest: str = "", role: Role = Role.SCHOOL_ADMIN) -> Rubric:
    return operations.edit(
        rubric_id=row.pk, sheet=sheet, digest=digest, by=school_actor(tenant, role), tenant=tenant, now=clock.now()
    )


def with_item(sheet: SheetDraft, section: int, item: int, **changes: object) -> SheetDraft:
    """The sheet with one item changed."""
    chosen = sheet.sections[section]
    items = list(chosen.items)
    items[item] = replace(items[item], **changes)  # type: ignore[arg-type]
    sections = list(sheet.sections)
    sections[section] = replace(chosen, items=tuple(items))
    return replace(sheet, sections=tuple(sections))


def sheet_of(row: Rubric) -> SheetDraft:
    return sheet_draft(queries.frozen(row.pk))


def test_a_copy_keeps_where_every_item_came_from(alpha: Tenant) -> None:
    row = adopted(alpha)
    contract = queries.frozen(row.pk)
    assert (row.status, row.template_key, row.edition) == (RubricStatus.DRAFT, KEY, "2026.11")
    assert contract.veto_cap == Decimal("69.99") and contract.lines == ("cleaning",)
    assert len(list(contract.items())) == 19
    assert {(i.edition, bool(i.template_key), i.changed_here) for i in contract.items()} == {("2026.11", True, False)}
    assert sum(s.weight for s in contract.sections) == 100
    assert all(i.requirement_keys or i.basis for i in contract.items())
    event = events_of(row).get()
    assert event.verb == "rubric.adopted" and "2026.11" in event.sentence


def test_all_templates_can_be_adopted_and_put_in_force(alpha: Tenant) -> None:
    from standards_library.queries import templates

    for template in templates():
        activated(alpha, template.key)
    assert queries.active_rubrics().count() == 8


def test_adopting_costs_the_same_for_a_long_sheet(
    alpha: Tenant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(20):
        adopted(alpha, "rubric-canteen")


def test_the_same_template_twice_needs_another_name(alpha: Tenant) -> None:
    adopted(alpha)
    with pytest.raises(operations.TitleTaken):
        adopted(alpha)
    assert Rubric.objects.count() == 1
    adopted(alpha, title="二号物业保洁考核表")
    assert Rubric.objects.count() == 2


@pytest.mark.parametrize("role", [r for r in Role if r != Role.SCHOOL_ADMIN])
def test_only_the_schools_administrator_decides(alpha: Tenant, role: Role) -> None:
    row = adopted(alpha)
    by = Actor(account_id=uuid4(), name="某人", roles=frozenset({role}), school_id=alpha.school_id)
    now, sheet = clock.now(), sheet_of(row)
    for refused in (
        lambda: operations.adopt(template_key=KEY, title="x", by=by, tenant=alpha, now=now),
        lambda: operations.edit(rubric_id=row.pk, sheet=sheet, by=by, tenant=alpha, now=now),
        lambda: operations.create(sheet=sheet, by=by, tenant=alpha, now=now),
        lambda: operations.activate(rubric_id=row.pk, by=by, tenant=alpha, now=now),
        lambda: operations.retire(rubric_id=row.pk, by=by, tenant=alpha, now=now),
        lambda: operations.adopt_changes(rubric_id=row.pk, by=by, tenant=alpha, now=now),
    ):
        with pytest.raises(NotAllowed):
            refused()  # type: ignore[no-untyped-call]
    row.refresh_from_db()
    assert row.status == RubricStatus.DRAFT and events_of(row).count() == 1


def test_weights_must_add_up_to_a_hundred(alpha: Tenant) -> None:
    row = adopted(alpha)
    sheet = sheet_of(row)
    first = replace(sheet.sections[0], weight=Decimal(21))
    with pytest.raises(operations.Unbalanced) as refused:
        save(alpha, row, replace(sheet, sections=(first, *sheet.sections[1:])))
    assert "各维度分值合计 99 分，应为 100 分，请再加 1 分" in refused.value.sentence
    assert "“室外道路与公共区域”各项分值合计 22 分，应等于本维度的 21 分，请减去 1 分" in refused.value.sentence
    assert sheet_of(row) == sheet


def test_points_must_add_up_to_their_section(alpha: Tenant) -> None:
    row = adopted(alpha)
    with pytest.raises(operations.Unbalanced):
        save(alpha, row, with_item(sheet_of(row), 0, 0, points=Decimal("6.01")))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "  "), ("points", Decimal(0)), ("points", Decimal("0.001")), ("per_fault", Decimal(7)),
        ("per_fault", Decimal(-1)), ("fault_unit", ""), ("method", "长" * 301),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_its_field(alpha: Tenant, field: str, value: object) -> None:
    row = adopted(alpha)
    with pytest.raises(Invalid) as refused:
        save(alpha, row, with_item(sheet_of(row), 0, 0, **{field: value}))
    assert refused.value.field == f"sections.0.items.0.{field}"


def test_an_item_without_a_basis_is_refused_and_a_contract_clause_is_one(alpha: Tenant) -> None:
    row = adopted(alpha)
    sheet = sheet_of(row)
    own = ItemDraft(id=None, text="垃圾桶外壁无积灰", points=Decimal(1), per_fault=Decimal("0.5"))
    first = sheet.sections[0]
    smaller = replace(first.items[0], points=first.items[0].points - 1)

    def with_own(item: ItemDraft) -> SheetDraft:
        section = replace(first, items=(smaller, *first.items[1:], item))
        return replace(sheet, sections=(section, *sheet.sections[1:]))

    with pytest.raises(Invalid) as refused:
        save(alpha, row, with_own(own))
    assert refused.value.field == "sections.0.items.5.basis"
    with pytest.raises(operations.UnknownRequirement):
        save(alpha, row, with_own(replace(own, requirement_keys=("no-such",))))
    save(alpha, row, with_own(replace(own, basis="保洁合同第 4.2 条")))
    made = list(queries.frozen(row.pk).sections[0].items)[-1]
    assert (made.basis, made.template_key, made.edition, made.changed_here) == ("保洁合同第 4.2 条", "", "", False)


def test_grades_and_the_veto_cap_must_fit(alpha: Tenant) -> None:
    row = adopted(alpha)
    sheet = sheet_of(row)
    for wrong in (
        replace(sheet, grades=()),
        replace(sheet, grades=sheet.grades[:-1]),
        replace(sheet, grades=tuple(reversed(sheet.grades))),
        replace(sheet, grades=(sheet.grades[0], *sheet.grades)),
        replace(sheet, veto_cap=Decimal(75)),
        replace(sheet, period="century"),
        replace(sheet, lines=("moon",)),
        replace(sheet, sections=()),
    ):
        with pytest.raises(Invalid):
            save(alpha, row, wrong)


def test_an_edited_item_says_so_and_an_undone_edit_does_not(alpha: Tenant) -> None:
    row = adopted(alpha)
    sheet = sheet_of(row)
    save(alpha, row, with_item(sheet, 0, 0, per_fault=Decimal("0.5")))
    first = next(queries.frozen(row.pk).items())
    assert first.changed_here and first.template_key == "rubric-cleaning-1-1"
    assert sum(i.changed_here for i in queries.frozen(row.pk).items()) == 1
    save(alpha, row, with_item(sheet_of(row), 0, 0, per_fault=Decimal("1.00")))
    assert not any(i.changed_here for i in queries.frozen(row.pk).items())


def test_nobody_can_claim_an_origin_from_outside(alpha: Tenant) -> None:
    row = adopted(alpha)
    sheet = with_item(sheet_of(row), 0, 0, template_key="rubric-canteen-1-1", edition="1999.01")
    save(alpha, row, sheet)
    first = next(queries.frozen(row.pk).items())
    assert (first.template_key, first.edition) == ("rubric-cleaning-1-1", "2026.11")


def test_editing_a_rubric_in_force_makes_a_revision_and_the_frozen_one_stays(alpha: Tenant) -> None:
    row = activated(alpha)
    frozen = queries.frozen(row.pk)
    assert RubricRevision.objects.get(rubric=row).digest == frozen.digest
    save(alpha, row, with_item(sheet_of(row), 0, 0, text="道路每日普扫两次"))
    row.refresh_from_db()
    assert row.revision == 2
    assert queries.frozen(row.pk, revision=1) == frozen
    assert queries.frozen(row.pk, revision=1).digest == frozen.digest != queries.frozen(row.pk).digest
    assert next(queries.frozen(row.pk, revision=2).items()).text == "道路每日普扫两次"
    assert next(queries.frozen(row.pk).items()).id == next(frozen.items()).id
    assert RubricRevision.objects.get(rubric=row, revision=2).note == "修改 1 项"


def test_saving_without_a_change_makes_no_revision_and_no_event(alpha: Tenant) -> None:
    row = activated(alpha)
    events = events_of(row).count()
    save(alpha, row, sheet_of(row))
    row.refresh_from_db()
    assert row.revision == 1 and events_of(row).count() == events


def test_a_dropped_item_of_a_rubric_in_force_can_still_be_read(alpha: Tenant) -> None:
    row = activated(alpha)
    sheet = sheet_of(row)
    first = sheet.sections[0]
    gone, heir = first.items[0], first.items[1]
    section = replace(first, items=(replace(heir, points=heir.points + gone.points), *first.items[2:]))
    save(alpha, row, replace(sheet, sections=(section, *sheet.sections[1:])))
    assert gone.id is not None
    assert queries.frozen(row.pk).item(gone.id) is None
    assert queries.item(gone.id).text == gone.text
    assert Item.objects.get(pk=gone.id).removed_in == 2


def test_somebody_elses_edit_in_between_is_a_conflict(alpha: Tenant) -> None:
    row = adopted(alpha)
    seen = queries.frozen(row.pk).digest
    save(alpha, row, with_item(sheet_of(row), 0, 0, text="别人改过"), digest=seen)
    with pytest.raises(Conflict):
        save(alpha, row, with_item(sheet_of(row), 0, 0, text="我也要改"), digest=seen)
    assert next(queries.frozen(row.pk).items()).text == "别人改过"


def test_states(alpha: Tenant) -> None:
    row = activated(alpha)
    by, now = school_actor(alpha, Role.SCHOOL_ADMIN), clock.now()
    with pytest.raises(operations.WrongState):
        operations.activate(rubric_id=row.pk, by=by, tenant=alpha, now=now)
    operations.retire(rubric_id=row.pk, by=by, tenant=alpha, now=now)
    assert not queries.active_rubrics()
    with pytest.raises(operations.WrongState):
        operations.retire(rubric_id=row.pk, by=by, tenant=alpha, now=now)
    with pytest.raises(operations.WrongState):
        save(alpha, row, sheet_of(row))
    again = adopted(alpha)  # the name is free again
    with pytest.raises(operations.TitleTaken):
        operations.activate(rubric_id=row.pk, by=by, tenant=alpha, now=now)
    operations.retire(rubric_id=again.pk, by=by, tenant=alpha, now=now)
    operations.activate(rubric_id=row.pk, by=by, tenant=alpha, now=now)
    assert RubricRevision.objects.filter(rubric=row).count() == 1


def test_a_sheet_of_ones_own(alpha: Tenant) -> None:
    sheet = sheet_of(adopted(alpha))
    by = school_actor(alpha, Role.SCHOOL_ADMIN)
    blank = replace(
        sheet, title="校医院保洁",
        sections=tuple(replace(s, id=None, items=tuple(replace(i, id=None) for i in s.items)) for s in sheet.sections),
    )  # fmt: skip
    row = operations.create(sheet=blank, by=by, tenant=alpha, now=clock.now())
    assert {(i.template_key, i.edition) for i in queries.frozen(row.pk).items()} == {("", "")}
    vetoes = [i for i in queries.frozen(row.pk).items() if i.veto]
    assert vetoes and all(i.veto_requirement_keys for i in vetoes)  # found from the cited clauses


def test_another_schools_ids_are_nothing_here(alpha: Tenant, beta: Tenant) -> None:
    row = activated(alpha)
    sheet = sheet_of(row)
    first = sheet.sections[0].items[0].id
    assert first is not None
    with school_context(beta):
        by, now = school_actor(beta, Role.SCHOOL_ADMIN), clock.now()
        for refused in (
            lambda: operations.edit(rubric_id=row.pk, sheet=sheet, by=by, tenant=beta, now=now),
            lambda: operations.activate(rubric_id=row.pk, by=by, tenant=beta, now=now),
            lambda: operations.retire(rubric_id=row.pk, by=by, tenant=beta, now=now),
            lambda: operations.adopt_changes(rubric_id=row.pk, by=by, tenant=beta, now=now),
            lambda: queries.rubric(row.pk, by=by),
            lambda: operations.set_photos(
                item_id=first, good_photo_id=None, bad_photo_id=None, by=by, tenant=beta, now=now
            ),
        ):
            with pytest.raises(NotFound):
                refused()  # type: ignore[no-untyped-call]
        mine = adopted(beta)
        with pytest.raises(Conflict):  # items of the other school in my own sheet
            operations.edit(rubric_id=mine.pk, sheet=sheet, by=by, tenant=beta, now=now)
        assert Rubric.objects.count() == 1


def test_a_photo_must_be_of_this_school(alpha: Tenant) -> None:
    row = adopted(alpha)
    with pytest.raises(operations.UnknownPhoto):
        save(alpha, row, with_item(sheet_of(row), 0, 0, good_photo_id=uuid4()))


def test_example_photos_may_be_seen_by_those_who_are_scored(alpha: Tenant) -> None:
    from tenants.evidence.models import Evidence
    from tenants.evidence.policies import can_read
    from tests.factories.findings import make_photo

    row = activated(alpha)
    admin, now = school_actor(alpha, Role.SCHOOL_ADMIN), clock.now()
    photo, other = make_photo(alpha, admin), make_photo(alpha, admin)
    item = next(queries.frozen(row.pk).items())
    operations.set_photos(item_id=item.id, good_photo_id=photo.pk, bad_photo_id=None, by=admin, tenant=alpha, now=now)
    worker = school_actor(alpha, Role.FRONTLINE)
    assert can_read(worker, Evidence.objects.get(pk=photo.pk))
    assert not can_read(worker, Evidence.objects.get(pk=other.pk))
    assert queries.item(item.id).good_photo_id == photo.pk
    row.refresh_from_db()
    assert row.revision == 1


def test_gaps_are_what_no_rubric_in_force_checks(alpha: Tenant) -> None:
    by = school_actor(alpha, Role.SCHOOL_SUPERVISOR)
    everything = queries.gaps(lines=["cleaning"], by=by).count()
    row = adopted(alpha)
    assert queries.gaps(lines=["cleaning"], by=by).count() == everything  # a draft checks nothing
    operations.activate(rubric_id=row.pk, by=school_actor(alpha, Role.SCHOOL_ADMIN), tenant=alpha, now=clock.now())
    left = queries.gaps(lines=["cleaning"], by=by)
    cited = set(queries.frozen(row.pk).requirement_keys())
    assert left.count() < everything and not cited & {r.key for r in left}
    assert [u.rubric_id for u in queries.uses_of(["cl-road-twice"], by=by)["cl-road-twice"]] == [row.pk]
    with pytest.raises(NotAllowed):
        queries.gaps(lines=[], by=Actor.anonymous())


def test_the_institute_reads_under_a_grant_that_covers_it_and_never_writes(alpha: Tenant) -> None:
    row = adopted(alpha)
    seen = Actor(
        account_id=uuid4(), name="钱岚", roles=frozenset({Role.INSTITUTE_ANALYST}), school_id=alpha.school_id,
        grant_id=uuid4(), grant_scopes=frozenset({GrantScope.EVALUATIONS}),
    )  # fmt: skip
    assert queries.rubric(row.pk, by=seen) == row and queries.gaps(lines=[], by=seen).exists()
    assert seen.grant_reads == {GrantScope.EVALUATIONS}
    other = replace(seen, grant_scopes=frozenset({GrantScope.ORGANISATION}))
    for refused in (
        lambda: queries.rubric(row.pk, by=other),
        lambda: queries.gaps(lines=[], by=other),
        lambda: operations.retire(rubric_id=row.pk, by=seen, tenant=alpha, now=clock.now()),
    ):
        with pytest.raises(NotAllowed):
            refused()  # type: ignore[no-untyped-call]


def test_what_nobody_checks_is_not_for_the_assessed(alpha: Tenant) -> None:
    for role in (Role.FRONTLINE, Role.PROVIDER_MANAGER):
        by = Actor(account_id=uuid4(), name="某人", roles=frozenset({role}), school_id=alpha.school_id)
        with pytest.raises(NotAllowed):
            queries.gaps(lines=[], by=by)


def test_a_token_is_good_for_its_scopes_only(alpha: Tenant) -> None:
    row = adopted(alpha)
    reader = replace(school_actor(alpha, Role.SCHOOL_ADMIN), scopes=frozenset({"rubrics:read"}))
    assert queries.rubric(row.pk, by=reader) == row
    with pytest.raises(NotAllowed):
        operations.retire(rubric_id=row.pk, by=reader, tenant=alpha, now=clock.now())
    with pytest.raises(NotAllowed):
        queries.rubric(row.pk, by=replace(reader, scopes=frozenset({"findings:read"})))
