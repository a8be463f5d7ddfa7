"""A race that a unique constraint decides is a refusal with a sentence, at every door."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.test import RequestFactory

from config.middleware import RefusalMiddleware
from graphql_api.mutations import DomainMutation
from identity.choices import Role
from kernel.errors import AlreadyThere, NotAllowed, refusal_of
from kernel.tenancy import Tenant
from tenants.organisation import operations
from tenants.organisation.models import Party, Staff
from tests.at_once import outcomes
from tests.factories.findings import make_member
from tests.factories.organisation import make_department


def raced(party: Party) -> IntegrityError:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        for _ in range(2):
            Staff.objects.create(number="G1", name="张三", pinyin="zs", party=party)
    return caught.value


def test_a_unique_violation_is_a_refusal_and_other_faults_are_not(alpha: Tenant) -> None:
    party = make_department()
    assert isinstance(refusal_of(raced(party)), AlreadyThere)
    refused = NotAllowed()
    assert refusal_of(refused) is refused
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Party.objects.create(kind="nonsense", name="某处")
    assert refusal_of(caught.value) is None


def test_the_page_says_so(alpha: Tenant) -> None:
    door = RefusalMiddleware(lambda request: None)  # type: ignore[arg-type,return-value]
    answer = door.process_exception(RequestFactory().get("/"), raced(make_department()))
    assert answer is not None and answer.status_code == 422 and "已经保存" in answer.content.decode()
    assert door.process_exception(RequestFactory().get("/"), ValueError()) is None


def test_a_mutation_says_so(alpha: Tenant) -> None:
    party = make_department()

    class Racing(DomainMutation):
        @classmethod
        def perform(cls, context: object, **given: object) -> dict[str, object]:
            raise raced(party)

    class Info:
        class context:  # noqa: N801 - as graphene calls it
            actor = make_member(alpha, Role.SCHOOL_ADMIN)

    [error] = Racing.mutate(None, Info).user_errors  # type: ignore[arg-type]
    assert error.code == "already_there"


def test_two_who_register_one_number_at_once_leave_one_person(committed_alpha: Tenant) -> None:
    party, by = make_department(), make_member(committed_alpha, Role.SCHOOL_ADMIN)

    def register() -> None:
        try:
            operations.add_staff(number="G1", name="张三", party_id=party.pk, by=by, tenant=committed_alpha)
        except IntegrityError as accident:
            raise (refusal_of(accident) or accident) from accident

    assert outcomes(committed_alpha, register, register).count("done") == 1
    assert Staff.objects.count() == 1
