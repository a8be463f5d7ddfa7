"""Somebody on approved leave is counted on by nobody: swaps, rosters, manning, the forecast of certificates."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant
from tenants.notices.models import Notice
from tenants.organisation.models import Staff
from tenants.rosters import operations, queries
from tenants.rosters.errors import SwapUnfit
from tenants.rosters.models import Assignment, Leave, Swap
from tenants.rosters.operations import CellChange, Item
from tests.factories.findings import make_member
from tests.factories.organisation import make_certificate, make_post, make_staff
from tests.factories.rosters import make_assignment, make_coverage, make_leave, make_pattern, make_shift

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)  # Monday noon
TODAY = date(2026, 6, 1)
DAY = date(2026, 6, 15)


@pytest.fixture
def admin(alpha: Tenant) -> Actor:
    return make_member(alpha, Role.SCHOOL_ADMIN)


def away(person: Staff, first: date = DAY, last: date | None = None, **more: str) -> Leave:
    """Approved leave of whole days, both included."""
    starts = datetime.combine(first, time(), SHANGHAI)
    ends = datetime.combine((last or first) + timedelta(days=1), time(), SHANGHAI)
    return make_leave(person, starts, ends, **more)


def worker(alpha: Tenant, name: str, post: object) -> tuple[Staff, Actor]:
    person = make_staff(name, post=post)  # type: ignore[arg-type]
    actor = make_member(alpha, Role.FRONTLINE, staff_id=person.pk, name=name)
    Staff.objects.filter(pk=person.pk).update(account_id=actor.account_id)
    return person, actor


class TestSwaps:
    def test_who_is_on_leave_takes_no_shift(self, alpha: Tenant) -> None:
        post = make_post()
        (giver, by), (taker, _other) = worker(alpha, "甲", post), worker(alpha, "乙", post)
        row = make_assignment(alpha, day=DAY, staff=giver)
        make_assignment(alpha, day=DAY + timedelta(days=3), staff=taker)
        assert queries.swap_partners(by=by, assignment=row) == [(taker.pk, "乙")]
        away(taker, kind="sick")
        with pytest.raises(SwapUnfit) as refused:
            operations.ask_swap(assignment_id=row.pk, taker_id=taker.pk, by=by, tenant=alpha, now=NOW)
        assert "乙 6月15日已批准请假" in refused.value.sentence and "病" not in refused.value.sentence
        assert queries.swap_partners(by=by, assignment=row) == []
        assert not Swap.objects.exists()

    def test_a_leave_granted_on_the_way_stops_it(self, alpha: Tenant, admin: Actor) -> None:
        post = make_post()
        (giver, by), (taker, other) = worker(alpha, "甲", post), worker(alpha, "乙", post)
        row = make_assignment(alpha, day=DAY, staff=giver)
        swap = operations.ask_swap(assignment_id=row.pk, taker_id=taker.pk, by=by, tenant=alpha, now=NOW)
        operations.answer_swap(swap_id=swap.pk, accept=True, by=other, tenant=alpha, now=NOW)
        leave = away(taker)
        with pytest.raises(SwapUnfit):
            operations.decide_swap(swap_id=swap.pk, approve=True, by=admin, tenant=alpha, now=NOW)
        Leave.objects.filter(pk=leave.pk).update(status="withdrawn")
        assert (
            operations.decide_swap(swap_id=swap.pk, approve=True, by=admin, tenant=alpha, now=NOW).status == "approved"
        )

    def test_the_shift_given_in_return_too(self, alpha: Tenant) -> None:
        post = make_post()
        (giver, by), (taker, _other) = worker(alpha, "甲", post), worker(alpha, "乙", post)
        row, counter = make_assignment(alpha, day=DAY, staff=giver), make_assignment(alpha, day=TODAY, staff=taker)
        Assignment.objects.filter(pk=counter.pk).update(day=DAY + timedelta(days=1))
        counter = make_assignment(alpha, day=DAY + timedelta(days=2), staff=taker)
        away(giver, DAY + timedelta(days=2))
        with pytest.raises(SwapUnfit, match="甲"):
            operations.ask_swap(
                assignment_id=row.pk, taker_id=taker.pk, counter_id=counter.pk, by=by, tenant=alpha, now=NOW
            )


class TestRosters:
    def put(self, alpha: Tenant, by: Actor, person: Staff, *, published: bool = True) -> operations.Outcome:
        cell = CellChange(person.pk, DAY, (Item(make_shift(spans=((480, 720),)).pk),))
        return operations.change_cells(cells=[cell], by=by, tenant=alpha, now=NOW, published=published)

    def test_a_cell_over_a_leave_is_done_and_named(self, alpha: Tenant, admin: Actor) -> None:
        person = make_staff("甲", post=make_post())
        leave = away(person)
        outcome = self.put(alpha, admin, person)
        [warned] = outcome.warnings
        assert (len(outcome.made), warned.code, warned.leave_id) == (1, "on_leave", leave.pk)
        assert warned.sentence == "甲 6月15日已批准事假（6月15日全天），这一班到时没有人，请换人"

    def test_a_leave_that_does_not_touch_the_shift_is_no_matter(self, alpha: Tenant, admin: Actor) -> None:
        person, pending = make_staff(post=make_post()), make_staff(post=make_post())
        afternoon = datetime.combine(DAY, time(12), SHANGHAI)
        make_leave(person, afternoon, afternoon + timedelta(hours=12))
        away(pending, status="pending")
        assert self.put(alpha, admin, person).warnings == self.put(alpha, admin, pending).warnings == []

    def test_publishing_and_copying_say_it(self, alpha: Tenant, admin: Actor) -> None:
        person = make_staff(post=make_post())
        away(person, DAY, DAY + timedelta(days=7))
        self.put(alpha, admin, person, published=False)
        done = operations.publish(first=DAY, last=DAY, by=admin, tenant=alpha, now=NOW)
        assert [w.day for w in done.warnings] == [DAY]
        week = DAY + timedelta(days=7)
        copied = operations.copy_period(source_first=DAY, target_first=week, days=7, by=admin, tenant=alpha, now=NOW)
        assert [w.day for w in copied.warnings] == [week]

    def test_a_cycle_tells_the_office_once_per_leave(self, alpha: Tenant, admin: Actor) -> None:
        person = make_staff("甲", post=make_post())
        away(person, DAY, DAY + timedelta(days=30))
        operations.use_pattern(
            pattern_id=make_pattern(make_shift()).pk, staff_ids=[person.pk], starts_on=TODAY, by=admin, tenant=alpha,
            now=NOW,
        )  # fmt: skip
        for days in (0, 10):
            operations.extend(tenant=alpha, now=NOW + timedelta(days=days))
        [notice] = Notice.objects.filter(account_id=admin.account_id, title__contains="请假期间循环排了班")
        assert notice.title == "甲 请假期间循环排了班"


class TestManning:
    def lacking(self, alpha: Tenant, admin: Actor) -> int:
        [row] = queries.manning(by=admin, tenant=alpha, first=DAY, last=DAY)
        return row.lacking

    @pytest.mark.parametrize(("kind", "hours", "lacking"), [("sick", (0, 24), 600), ("personal", (12, 24), 360), ("field", (0, 24), 600)])  # fmt: skip
    def test_who_is_away_is_not_there(
        self, alpha: Tenant, admin: Actor, kind: str, hours: tuple[int, int], lacking: int
    ) -> None:
        person = make_staff(post=make_post())
        make_coverage(person.post, span=(480, 1080))  # type: ignore[arg-type]
        make_assignment(alpha, day=DAY, staff=person, shift=make_shift(spans=((480, 1080),)))
        assert self.lacking(alpha, admin) == 0
        midnight = datetime.combine(DAY, time(), SHANGHAI)
        leave = make_leave(person, *(midnight + timedelta(hours=h) for h in hours), kind=kind)
        assert self.lacking(alpha, admin) == lacking
        Leave.objects.filter(pk=leave.pk).update(status="refused")
        assert self.lacking(alpha, admin) == 0

    def test_a_night_shift_is_short_for_the_part_that_is_away(self, alpha: Tenant, admin: Actor) -> None:
        person = make_staff(post=make_post())
        make_coverage(person.post, span=(1320, 1800), valid_from=DAY, valid_until=DAY + timedelta(days=1))  # type: ignore[arg-type]
        make_assignment(alpha, day=DAY, staff=person, shift=make_shift(spans=((1320, 1800),)))
        away(person, DAY + timedelta(days=1))
        rows = queries.manning(by=admin, tenant=alpha, first=DAY, last=DAY + timedelta(days=1))
        assert [(r.day, r.lacking) for r in rows if r.lacking] == [(DAY + timedelta(days=1), 360)]


class TestForecast:
    def electrician(self, name: str = "张三") -> Staff:
        person = make_staff(name, post=make_post("配电值班", certificates=["electrician"]))
        make_certificate(person, kind="electrician")
        return person

    def test_the_only_electrician_on_leave_is_a_gap_with_its_cause(self, alpha: Tenant, admin: Actor) -> None:
        person = self.electrician()
        make_assignment(alpha, day=DAY, staff=person, shift=make_shift("夜班", spans=[(1320, 1800)]))
        assert queries.gaps(by=admin, today=TODAY, tenant=alpha) == []
        away(person, DAY + timedelta(days=1))  # takes the second half of the night
        night, whole = queries.gaps(by=admin, today=TODAY, tenant=alpha)
        assert (night.sentence, night.cause) == ("6月15日夜班配电值班将无持证人", "张三请假")
        assert (whole.first, whole.days, whole.on_leave) == (DAY + timedelta(days=1), 1, ("张三",))

    def test_a_second_holder_is_enough(self, alpha: Tenant, admin: Actor) -> None:
        person = self.electrician()
        make_certificate(make_staff("李四", post=person.post), kind="electrician")
        away(person)
        assert queries.gaps(by=admin, today=TODAY, tenant=alpha) == []

    def test_an_hour_at_the_doctors_is_no_gap_of_the_day(self, alpha: Tenant, admin: Actor) -> None:
        person = self.electrician()
        morning = datetime.combine(DAY, time(9), SHANGHAI)
        make_leave(person, morning, morning + timedelta(hours=1))
        make_leave(person, morning + timedelta(days=1), morning + timedelta(days=2), status="pending")
        assert queries.gaps(by=admin, today=TODAY, tenant=alpha) == []

    def test_it_is_told_once_per_leave(self, alpha: Tenant, admin: Actor) -> None:
        person = self.electrician()
        away(person, DAY, DAY + timedelta(days=4))
        for days in (0, 1, 16):
            operations.tell_gaps(tenant=alpha, now=NOW + timedelta(days=days))
        [notice] = Notice.objects.filter(account_id=admin.account_id)
        assert notice.title == "6月15日起配电值班将无持证人" and notice.text.startswith("张三请假。请安排有证的人顶班")
        away(person, DAY + timedelta(days=20))
        operations.tell_gaps(tenant=alpha, now=NOW + timedelta(days=21))
        assert Notice.objects.filter(account_id=admin.account_id).count() == 2
