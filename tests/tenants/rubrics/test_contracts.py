"""The frozen rubric that rounds and inspections keep."""

from decimal import Decimal
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from kernel.errors import NotFound
from kernel.tenancy import Tenant, school_context
from tenants.rubrics import queries
from tenants.rubrics.choices import RubricStatus
from tenants.rubrics.contracts import RubricContract
from tests.factories.rubrics import make_rubric


def test_a_frozen_rubric_comes_back_from_json_with_the_same_digest(
    alpha: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    row = make_rubric(weights=(50, 30, 20), items_each=3)
    with django_assert_num_queries(3):
        contract = queries.frozen(row.pk)
    again = RubricContract.from_json(contract.as_json())
    assert again == contract and again.digest == contract.digest
    assert sum(s.weight for s in contract.sections) == Decimal(100)
    assert all(sum(i.points for i in s.items) == s.weight for s in contract.sections)


def test_grades_are_read_from_the_top_and_a_veto_is_the_lowest(alpha: Tenant) -> None:
    contract = queries.frozen(make_rubric().pk)
    assert [contract.grade_of(Decimal(n)) for n in ("90", "89.99", "60", "59.99")] == ["优秀", "良好", "合格", "不合格"]
    assert contract.grade_of(Decimal(100), vetoed=True) == "不合格"


def test_only_active_rubrics_of_the_line_are_offered(alpha: Tenant) -> None:
    cleaning = make_rubric()
    make_rubric(title="草稿", status=RubricStatus.DRAFT)
    anywhere = make_rubric(title="通用", lines=())
    canteen = make_rubric(title="食堂", lines=("canteen",))
    assert set(queries.active_rubrics("cleaning")) == {cleaning, anywhere}
    assert set(queries.active_rubrics()) == {cleaning, anywhere, canteen}


def test_another_schools_rubric_and_item_are_not_found(alpha: Tenant, beta: Tenant) -> None:
    row = make_rubric()
    item_id = next(iter(queries.frozen(row.pk).items())).id
    with school_context(beta):
        with pytest.raises(NotFound):
            queries.frozen(row.pk)
        with pytest.raises(NotFound):
            queries.item(item_id)
        assert queries.items([item_id]) == {}
    with pytest.raises(NotFound):
        queries.item(uuid4())
