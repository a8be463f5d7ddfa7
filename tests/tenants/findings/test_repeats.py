"""复发指纹: what counts as the same again, what it asks for, and what it does not touch."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from identity.choices import Role
from kernel import clock
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.findings import metrics, operations, queries, repeats
from tenants.findings.choices import Category, Incident, StepKind
from tenants.findings.models import Finding
from tenants.notices.models import Notice
from tests.factories.findings import make_closed, make_finding, make_member, make_photo, make_submitted
from tests.factories.organisation import make_party, make_place

NOW = clock.now()
CAUSE = "下水管坡度不够，清扫后又回流。"


@pytest.mark.parametrize(
    "same",
    [
        {"rubric_item_id": uuid4()},
        {"requirement_key": "gb-1-2", "edition": "2026"},
        {"category": Category.HYGIENE},
    ],
)
def test_same_place_category_and_party_is_a_repeat(alpha: Tenant, same: dict[str, object]) -> None:
    place, party = make_place(), make_party("contract")
    first = make_closed(alpha, place=place, party=party, **same)
    again = make_finding(alpha, place=place, party=party, **same)
    assert (again.repeat_of_id, again.repeats) == (first.pk, 1)
    assert again.steps.filter(kind=StepKind.REPEATED, text__contains=first.number).exists()
    assert [f.pk for f in queries.chain_of(again)] == [first.pk]
    assert [f.pk for f in queries.repeated_by(first.pk)] == [again.pk]


def test_another_place_party_or_category_is_not(alpha: Tenant) -> None:
    place, party, item = make_place(), make_party("contract"), uuid4()
    make_closed(alpha, place=place, party=party, rubric_item_id=item)
    make_closed(alpha, place=place, party=party, category=Category.OTHER)
    make_closed(alpha, place=place, party=party, category=Category.SAFETY, line="security")
    for other in (
        {"place": make_place(), "party": party, "rubric_item_id": item},
        {"place": place, "party": make_party("contract"), "rubric_item_id": item},
        {"place": place, "party": party, "rubric_item_id": uuid4()},
        {"place": place, "party": party, "category": Category.OTHER},  # 其他 says nothing
        {"place": place, "party": party, "category": Category.SAFETY, "line": "cleaning"},
        {"place": place, "party": party},
    ):
        assert make_finding(alpha, **other).repeat_of_id is None


def test_any_key_both_have_says_it_is_the_same(alpha: Tenant) -> None:
    where = {"place": make_place(), "party": make_party("contract"), "category": Category.FACILITY}
    first = make_closed(alpha, **where)
    item = uuid4()
    by_item = make_finding(alpha, **where, rubric_item_id=item, requirement_key="gb-1-2")
    assert by_item.repeat_of_id == first.pk  # one of them has no item: the category says it
    make_closed(alpha, place=where["place"], party=where["party"], rubric_item_id=item, requirement_key="gb-9")
    other_items = {"place": make_place(), "party": where["party"], "requirement_key": "gb-1-2"}
    cited = make_closed(alpha, **other_items, rubric_item_id=uuid4())
    assert make_finding(alpha, **other_items, rubric_item_id=uuid4()).repeat_of_id == cited.pk  # the clause says it


def test_two_items_or_two_clauses_are_two_problems_of_one_category(alpha: Tenant) -> None:
    where = {"place": make_place(), "party": make_party("contract"), "category": Category.HYGIENE}
    make_closed(alpha, **where, rubric_item_id=uuid4(), requirement_key="gb-1")
    assert make_finding(alpha, **where, rubric_item_id=uuid4()).repeat_of_id is None
    assert make_finding(alpha, **where, requirement_key="gb-2").repeat_of_id is None
    assert make_finding(alpha, **where).repeat_of_id is not None


def test_an_unsolved_one_is_repeated_past_its_deadline_or_after_a_fix(alpha: Tenant) -> None:
    where = {"party": make_party("contract"), "category": Category.HYGIENE}
    here, there = make_place(), make_place()
    late = make_finding(alpha, **where, place=here, now=NOW)
    fixed = make_submitted(alpha, **where, place=there, now=NOW)
    day = NOW + timedelta(days=1)
    assert make_finding(alpha, **where, place=here, now=day).repeat_of_id is None  # there is time yet: one case
    again = make_finding(alpha, **where, place=there, now=day)
    assert again.repeat_of_id == fixed.pk
    assert f"尚未销号的 {fixed.number}" in again.steps.get(kind=StepKind.REPEATED).text
    past = late.deadline + timedelta(hours=1)
    found = make_finding(alpha, **where, place=here, now=past)
    assert (found.repeat_of_id, found.repeats) == (late.pk, 1)
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=where["party"].provider_id)
    with pytest.raises(operations.RootCauseMissing):
        operations.submit_fix(
            finding_id=found.pk, photo_ids=[make_photo(alpha, manager).pk], by=manager, tenant=alpha, now=past
        )


def test_one_walk_never_repeats_itself(alpha: Tenant) -> None:
    where = {"place": make_place(), "party": make_party("contract"), "rubric_item_id": uuid4()}
    walk = {"source": "inspection", "source_id": uuid4()}
    fixed = make_closed(alpha, **where, **walk)
    assert make_finding(alpha, **where, **walk).repeat_of_id is None
    assert make_finding(alpha, **where, source="inspection", source_id=uuid4()).repeat_of_id == fixed.pk


def test_what_repeats_a_void_one_repeats_the_one_before_it_or_none(alpha: Tenant) -> None:
    where = {"place": make_place(), "party": make_party("contract"), "category": Category.ABSENT}
    by = make_member(alpha)
    rows = [
        make_finding(alpha, **where, by=by, incident=Incident.OFF_POST, now=NOW + timedelta(hours=n)) for n in range(4)
    ]
    assert [(f.repeat_of_id, f.repeats) for f in rows] == [(None, 0), *((rows[n].pk, n + 1) for n in range(3))]
    void = {"reason": "看错了", "by": by, "tenant": alpha, "now": NOW + timedelta(hours=5)}
    operations.void(finding_id=rows[1].pk, **void)
    for row in rows:
        row.refresh_from_db()
    assert (rows[2].repeat_of_id, rows[2].repeats, rows[3].repeat_of_id, rows[3].repeats) == (
        rows[0].pk, 1, rows[2].pk, 2,
    )  # fmt: skip
    assert rows[2].steps.filter(kind=StepKind.COMMENTED, text__contains=rows[1].number).count() == 1
    operations.void(finding_id=rows[0].pk, **void)
    for row in rows:
        row.refresh_from_db()
    assert (rows[2].repeat_of_id, rows[2].repeats, rows[3].repeats) == (None, 0, 1)


def test_the_first_fix_held_though_it_happened_again_before_it(alpha: Tenant) -> None:
    where = {"place": make_place(), "party": make_party("contract"), "category": Category.ABSENT}
    first = make_finding(alpha, **where, incident=Incident.OFF_POST, now=NOW)
    again = make_finding(alpha, **where, incident=Incident.OFF_POST, now=NOW + timedelta(hours=1))
    assert again.repeat_of_id == first.pk
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=where["party"].provider_id)
    later = NOW + timedelta(hours=2)
    operations.submit_fix(
        finding_id=first.pk, photo_ids=[make_photo(alpha, manager).pk], by=manager, tenant=alpha, now=later
    )
    operations.verify_pass(finding_id=first.pk, by=make_member(alpha), tenant=alpha, now=later)
    period = {"starts": NOW, "ends": NOW + timedelta(days=1)}

    def first_fix() -> tuple[int, int]:
        (found,) = [c for c in metrics.counts(**period) if c.code == "findings_first_fix"]
        return found.numerator, found.denominator

    assert first_fix() == (1, 1)
    make_finding(alpha, **where, incident=Incident.OFF_POST, now=NOW + timedelta(hours=3))
    assert first_fix() == (1, 1)  # that one repeats the second
    Finding.objects.filter(found_at=NOW + timedelta(hours=3)).update(repeat_of=first)
    assert first_fix() == (0, 1)


def test_an_open_one_is_not_repeated_and_days_are_the_schools(alpha: Tenant) -> None:
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    where = {"place": make_place(), "party": make_party("contract"), "rubric_item_id": uuid4()}
    make_finding(alpha, **where)
    assert make_finding(alpha, **where).repeat_of_id is None  # still open: the same case, not a new one
    old = {"place": make_place(), "party": where["party"], "rubric_item_id": uuid4()}
    make_closed(alpha, **old, now=NOW - timedelta(days=100))
    assert make_finding(alpha, **old).repeat_of_id is None
    operations.set_repeat_rule(days=120, factor=Decimal("2.00"), by=admin, tenant=alpha)
    assert make_finding(alpha, **old).repeat_of_id is not None


def test_the_fingerprint_is_one_query_beside_the_rule(alpha: Tenant, django_assert_num_queries) -> None:
    found = make_finding(alpha, rubric_item_id=uuid4())
    with django_assert_num_queries(2):
        assert repeats.earlier(found, now=NOW) is None


def test_the_root_cause_comes_before_the_fix(alpha: Tenant) -> None:
    place, party, item = make_place(), make_party("contract"), uuid4()
    make_closed(alpha, place=place, party=party, rubric_item_id=item)
    again = make_finding(alpha, place=place, party=party, rubric_item_id=item)
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    photo = make_photo(alpha, manager)
    call = {"finding_id": again.pk, "photo_ids": [photo.pk], "by": manager, "tenant": alpha, "now": clock.now()}
    for thin in ("", "没擦"):
        with pytest.raises(operations.RootCauseMissing):
            operations.submit_fix(**call, root_cause=thin)
    again.refresh_from_db()
    assert again.status == "open"
    assert operations.submit_fix(**call, root_cause=CAUSE).root_cause == CAUSE


def test_the_root_cause_may_be_said_when_beginning(alpha: Tenant) -> None:
    place, party, item = make_place(), make_party("contract"), uuid4()
    make_closed(alpha, place=place, party=party, rubric_item_id=item)
    again = make_finding(alpha, place=place, party=party, rubric_item_id=item)
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    call = {"finding_id": again.pk, "by": manager, "tenant": alpha, "now": clock.now()}
    operations.start_fix(**call, root_cause=CAUSE)
    operations.submit_fix(**call, photo_ids=[make_photo(alpha, manager).pk])
    with pytest.raises(operations.ConsequenceMissing):  # and it ends with a conclusion
        operations.verify_pass(finding_id=again.pk, by=make_member(alpha), tenant=alpha, now=clock.now())
    again.refresh_from_db()
    assert again.status == "verifying"


def test_the_manager_hears_that_it_is_a_repeat(alpha: Tenant) -> None:
    party = make_party("contract")
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    where = {"place": make_place(), "party": party, "rubric_item_id": uuid4()}
    make_closed(alpha, **where)
    make_finding(alpha, **where)
    assert Notice.objects.filter(account_id=manager.account_id, title__startswith="复发问题待整改").count() == 1


def test_only_an_admin_sets_the_rule_within_bounds(alpha: Tenant) -> None:
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    with pytest.raises(NotAllowed):
        operations.set_repeat_rule(days=30, factor=Decimal(2), by=make_member(alpha), tenant=alpha)
    for wrong in ({"days": 0}, {"days": 800}, {"factor": Decimal("0.5")}, {"factor": Decimal("NaN")}):
        with pytest.raises(Invalid):
            operations.set_repeat_rule(**{"days": 30, "factor": Decimal(2), **wrong}, by=admin, tenant=alpha)
