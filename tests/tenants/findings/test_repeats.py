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
from tenants.findings import operations, queries, repeats
from tenants.findings.choices import Category, StepKind
from tenants.notices.models import Notice
from tests.factories.findings import make_closed, make_finding, make_member, make_photo
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
