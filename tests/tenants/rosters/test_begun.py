"""A shift that has begun: a company neither takes it away nor adds to it, nobody hands it over, leave stays as granted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.notices.models import Notice
from tenants.organisation.models import Staff
from tenants.rosters import operations
from tenants.rosters.errors import LeaveOfSchool, LeaveUsed, SwapUnfit
from tenants.rosters.models import Assignment, Leave, Shift, ShiftInstance
from tests.factories.findings import make_member
from tests.factories.organisation import make_party, make_post, make_staff
from tests.factories.rosters import instances_of, make_assignment, make_pattern, make_shift

DAY = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 4, tzinfo=UTC)  # of DAY in Shanghai
EMPTY: tuple[operations.Item, ...] = ()


@pytest.fixture
def person(alpha: Tenant) -> Staff:
    return make_staff(post=make_post(party=make_party("contract")))


def manager(alpha: Tenant, person: Staff) -> Actor:
    return make_member(alpha, Role.PROVIDER_MANAGER, provider_id=person.party.provider_id)


def worker(alpha: Tenant, person: Staff) -> Actor:
    actor = make_member(alpha, Role.FRONTLINE, staff_id=person.pk, name=person.name)
    Staff.objects.filter(pk=person.pk).update(account_id=actor.account_id)
    return actor


def put(
    alpha: Tenant, by: Actor, person: Staff, *shifts: Shift, day: date = DAY, now: datetime = NOON
) -> operations.Outcome:
    cell = operations.CellChange(person.pk, day, tuple(operations.Item(s.pk) for s in shifts))
    return operations.change_cells(cells=[cell], by=by, tenant=alpha, now=now)


class TestCells:
    @pytest.mark.parametrize("day", [DAY - timedelta(days=7), DAY])
    def test_a_company_empties_no_cell_of_the_past(self, alpha: Tenant, person: Staff, day: date) -> None:
        row = make_assignment(alpha, day=day, staff=person)  # 08:00–17:00
        (refused,) = put(alpha, manager(alpha, person), person, day=day).refused
        assert refused.code == "shift_begun" and len(instances_of(row)) == 1
        assert put(alpha, make_member(alpha), person, day=day).cancelled == [row]  # the school does

    def test_nor_adds_a_shift_that_would_have_begun(self, alpha: Tenant, person: Staff) -> None:
        boss, morning, evening = manager(alpha, person), make_shift(), make_shift(spans=((1080, 1320),))
        assert put(alpha, boss, person, morning).refused and not Assignment.objects.exists()
        assert put(alpha, boss, person, evening).made

    def test_what_is_still_to_come_of_a_day_that_runs_it_may_change(self, alpha: Tenant, person: Staff) -> None:
        morning, evening = make_shift(), make_shift(spans=((1080, 1320),))
        kept = make_assignment(alpha, day=DAY, staff=person, shift=morning)
        make_assignment(alpha, day=DAY, staff=person, shift=evening)
        outcome = put(alpha, manager(alpha, person), person, morning)
        assert [a.shift_id for a in outcome.cancelled] == [evening.pk] and not outcome.refused
        assert len(instances_of(kept)) == 1

    def test_nor_publishes_a_draft_too_late(self, alpha: Tenant, person: Staff) -> None:
        make_assignment(alpha, day=DAY, staff=person, published=False)
        given = {"first": DAY, "last": DAY, "tenant": alpha, "now": NOON}
        done = operations.publish(by=manager(alpha, person), **given)
        assert [r.code for r in done.refused] == ["shift_begun"] and not ShiftInstance.objects.exists()
        assert operations.publish(by=make_member(alpha), **given).people == 1

    def test_nor_ends_a_cycle_in_the_past(self, alpha: Tenant, person: Staff) -> None:
        early = NOON - timedelta(days=3)
        (use,) = operations.use_pattern(
            pattern_id=make_pattern(make_shift()).pk, staff_ids=[person.pk], starts_on=DAY - timedelta(days=3),
            by=manager(alpha, person), tenant=alpha, now=early,
        )  # fmt: skip
        operations.extend(tenant=alpha, now=early)
        given = {"use_id": use.pk, "ends_on": DAY - timedelta(days=2), "tenant": alpha, "now": NOON}
        operations.end_use(by=manager(alpha, person), **given)
        live = Assignment.objects.filter(cancelled_at__isnull=True).order_by("day")
        assert [a.day for a in live] == [DAY - timedelta(days=n) for n in (3, 2, 1, 0)]
        operations.end_use(by=make_member(alpha), **given)
        assert [a.day for a in live.all()] == [DAY - timedelta(days=3)]


class TestLeave:
    def ask(self, alpha: Tenant, by: Actor, person: Staff, *, days: int = 1, kind: str = "personal") -> Leave:
        starts, _end = operations.half_day(DAY, "day", alpha)
        return operations.ask_leave(
            kind=kind, starts_at=starts, ends_at=starts + timedelta(days=days), by=by, tenant=alpha,
            now=NOON - timedelta(days=1), staff_id=person.pk,
        )  # fmt: skip

    def decide(self, alpha: Tenant, row: Leave, by: Actor, now: datetime) -> Leave:
        return operations.decide_leave(leave_id=row.pk, approve=True, by=by, tenant=alpha, now=now)

    def test_a_company_grants_ahead_and_the_school_afterwards(self, alpha: Tenant, person: Staff) -> None:
        make_assignment(alpha, day=DAY, staff=person)
        row, boss = self.ask(alpha, worker(alpha, person), person), manager(alpha, person)
        with pytest.raises(LeaveOfSchool):
            self.decide(alpha, row, boss, NOON)
        row.refresh_from_db()
        assert row.status == "pending"
        assert self.decide(alpha, row, boss, NOON - timedelta(hours=5)).status == "approved"  # 07:00: not begun
        row.delete()
        late = self.ask(alpha, worker(alpha, person), person)
        assert self.decide(alpha, late, make_member(alpha), NOON).status == "approved"

    def test_field_work_counts_as_presence_so_the_school_grants_it(self, alpha: Tenant, person: Staff) -> None:
        boss, school = manager(alpha, person), make_member(alpha)
        row = self.ask(alpha, worker(alpha, person), person, kind="field")
        assert list(Notice.objects.filter(subject_id=row.pk).values_list("account_id", flat=True)) == [
            school.account_id
        ]
        with pytest.raises(LeaveOfSchool):
            self.decide(alpha, row, boss, NOON - timedelta(days=1))
        assert self.decide(alpha, row, school, NOON - timedelta(days=1)).status == "approved"

    def granted(self, alpha: Tenant, person: Staff, me: Actor, *, days: int) -> Leave:
        for n in range(days):
            make_assignment(alpha, day=DAY + timedelta(days=n), staff=person)
        row = self.ask(alpha, me, person, days=days)
        return self.decide(alpha, row, make_member(alpha), NOON - timedelta(days=1))

    def test_taken_back_on_the_way_it_keeps_what_was_granted(self, alpha: Tenant, person: Staff) -> None:
        me = worker(alpha, person)
        row = self.granted(alpha, person, me, days=4)
        now = NOON + timedelta(days=2)
        done = operations.withdraw_leave(leave_id=row.pk, by=me, tenant=alpha, now=now)
        assert (done.status, done.starts_at, done.ends_at, done.withdrawn_at) == ("approved", row.starts_at, now, now)

    def test_by_somebody_else_it_ends_after_the_shift_that_runs(self, alpha: Tenant, person: Staff) -> None:
        me = worker(alpha, person)
        row = self.granted(alpha, person, me, days=4)
        done = operations.withdraw_leave(leave_id=row.pk, by=manager(alpha, person), tenant=alpha, now=NOON)
        assert (done.status, done.ends_at) == ("approved", NOON + timedelta(hours=5))
        assert Notice.objects.filter(account_id=me.account_id, occasion__startswith="leave.withdrawn:").exists()

    def test_nothing_is_left_to_take_back_in_its_last_shift(self, alpha: Tenant, person: Staff) -> None:
        row = self.granted(alpha, person, worker(alpha, person), days=1)
        Leave.objects.filter(pk=row.pk).update(ends_at=NOON + timedelta(hours=5))
        with pytest.raises(LeaveUsed):
            operations.withdraw_leave(leave_id=row.pk, by=manager(alpha, person), tenant=alpha, now=NOON)
        row.refresh_from_db()
        assert (row.status, row.withdrawn_at) == ("approved", None)


class TestSwap:
    def test_a_shift_that_has_begun_keeps_its_person(self, alpha: Tenant, person: Staff) -> None:
        """Asked ahead and approved after the end would make the absent one's shift the other's."""
        other, school = make_staff("李四", post=person.post), make_member(alpha)
        row = make_assignment(alpha, day=DAY, staff=person)
        me, they = worker(alpha, person), worker(alpha, other)
        early, given = NOON - timedelta(hours=8), {"assignment_id": row.pk, "taker_id": other.pk}
        with pytest.raises(SwapUnfit):
            operations.ask_swap(**given, by=me, tenant=alpha, now=NOON + timedelta(hours=9))
        swap = operations.ask_swap(**given, by=me, tenant=alpha, now=early)
        with pytest.raises(SwapUnfit):
            operations.answer_swap(swap_id=swap.pk, accept=True, by=they, tenant=alpha, now=NOON)
        operations.answer_swap(swap_id=swap.pk, accept=True, by=they, tenant=alpha, now=early)
        with pytest.raises(SwapUnfit):
            operations.decide_swap(swap_id=swap.pk, approve=True, by=school, tenant=alpha, now=NOON)
        assert [i.staff_id for i in ShiftInstance.objects.filter(cancelled_at__isnull=True)] == [person.pk]
