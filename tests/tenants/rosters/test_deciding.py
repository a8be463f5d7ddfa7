"""Whose word a leave or a swap waits for, as pages and the API show it: the same as the operation holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import DomainError
from kernel.tenancy import Tenant
from tenants.organisation.models import Staff
from tenants.rosters import deciding, operations, queries
from tenants.rosters.models import Leave, Swap
from tests.factories.findings import make_member
from tests.factories.organisation import make_party, make_post, make_staff
from tests.factories.rosters import make_assignment, make_leave

DAY = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 4, tzinfo=UTC)  # of DAY in Shanghai; shifts are 08:00–17:00
DAWN = NOON - timedelta(hours=6)


@pytest.fixture
def person(alpha: Tenant) -> Staff:
    return make_staff(post=make_post(party=make_party("contract")))


def manager(alpha: Tenant, person: Staff) -> Actor:
    return make_member(alpha, Role.PROVIDER_MANAGER, provider_id=person.party.provider_id)


def said(row: Leave, by: Actor, now: datetime) -> deciding.Say:
    return deciding.of_leaves([queries.leave(row.pk, by=by)], by=by, now=now)[row.pk]


def swap(alpha: Tenant, person: Staff) -> Swap:
    mate = make_staff("乙", post=person.post)
    given = make_assignment(alpha, day=DAY, staff=person)
    return Swap.objects.create(
        kind="cover", assignment=given, taker=mate, status="accepted", asked_by=person.pk, asked_at=DAWN
    )


class TestLeave:
    @pytest.mark.parametrize(
        ("kind", "now", "why"), [("personal", NOON, "所请时间内已有班次开始"), ("field", DAWN, "外勤按出勤计")]
    )
    def test_what_the_school_grants_a_company_may_only_return(
        self, alpha: Tenant, person: Staff, kind: str, now: datetime, why: str
    ) -> None:
        make_assignment(alpha, day=DAY, staff=person)
        row = make_leave(person, NOON, NOON + timedelta(hours=2), kind=kind, status="pending")
        boss = manager(alpha, person)
        assert said(row, boss, now) == deciding.Say(refuse=True, waits_for=f"由学校监管人员审批：{why}")
        with pytest.raises(DomainError) as refused:
            operations.decide_leave(leave_id=row.pk, approve=True, by=boss, tenant=alpha, now=now)
        assert refused.value.code == "leave_of_school"
        assert said(row, make_member(alpha), now) == deciding.Say(approve=True, refuse=True)

    def test_ahead_of_the_shift_it_is_the_companys(self, alpha: Tenant, person: Staff) -> None:
        make_assignment(alpha, day=DAY, staff=person)
        row = make_leave(person, NOON, NOON + timedelta(hours=2), status="pending")
        assert said(row, manager(alpha, person), DAWN) == deciding.Say(approve=True, refuse=True)
        leader = make_member(alpha, Role.SCHOOL_LEADER)
        assert said(row, leader, DAWN) == deciding.Say(waits_for=f"由{person.party.name}的负责人审批")

    def test_nobody_approves_what_they_asked_for(self, alpha: Tenant, person: Staff) -> None:
        boss = manager(alpha, person)
        row = make_leave(person, NOON, NOON + timedelta(hours=2), status="pending")
        Leave.objects.update(asked_by=boss.account_id)
        found = said(row, boss, DAWN)
        assert not found.any and "您提出的申请" in found.waits_for

    def test_a_decided_leave_waits_for_nobody_and_a_page_costs_one_query(
        self, alpha: Tenant, person: Staff, django_assert_num_queries: object
    ) -> None:
        by = make_member(alpha)
        make_leave(person, NOON, NOON + timedelta(hours=2))
        for n in range(5):
            make_leave(person, NOON + timedelta(days=n + 1), NOON + timedelta(days=n + 2), status="pending")
        rows = list(queries.leaves(by=by))
        with django_assert_num_queries(1):  # type: ignore[operator]
            assert len(deciding.of_leaves(rows, by=by, now=NOON)) == 5


class TestSwap:
    def test_the_company_hands_over_until_a_shift_has_begun_and_then_nobody(self, alpha: Tenant, person: Staff) -> None:
        row = swap(alpha, person)
        for by in (manager(alpha, person), make_member(alpha)):
            (found,) = queries.swaps(by=by)
            assert deciding.of_swaps([found], by=by, now=DAWN)[row.pk] == deciding.Say(approve=True, refuse=True)
            begun = deciding.of_swaps([found], by=by, now=NOON)[row.pk]
            assert (begun.approve, begun.refuse) == (False, True) and "已经开始" in begun.waits_for

    def test_the_two_wait_for_the_company(self, alpha: Tenant, person: Staff) -> None:
        row = swap(alpha, person)
        worker = make_member(alpha, Role.FRONTLINE, staff_id=person.pk)
        found = deciding.of_swaps(list(queries.swaps(by=worker)), by=worker, now=DAWN)[row.pk]
        assert found == deciding.Say(waits_for=f"由{person.party.name}的负责人审批")
