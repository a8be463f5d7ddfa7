"""The live board where shifts touch, and who works elsewhere: it says what the result will say."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.attendance import board
from tenants.attendance.choices import Mark
from tenants.attendance.contracts import Presence
from tenants.attendance.models import DayResult
from tenants.organisation.models import Post, Staff
from tests.factories.attendance import DAY, at, derive
from tests.factories.findings import make_member
from tests.factories.organisation import make_party, make_post, make_staff
from tests.factories.punches import make_punch
from tests.factories.rosters import make_assignment, make_coverage, make_leave, make_rule, make_shift


@pytest.fixture
def boss(alpha: Tenant) -> Actor:
    return make_member(alpha)


def two_shifts(alpha: Tenant) -> tuple[Staff, Post, Post]:
    """One person, 08:00–12:00 at the gate and 12:00–16:00 at the monitors."""
    make_rule()
    gate = make_post("门岗", party=make_party("contract"))
    monitors = make_post("监控", party=gate.party)
    person = make_staff("甲", post=gate)
    for post, span in ((gate, (480, 720)), (monitors, (720, 960))):
        make_assignment(alpha, day=DAY, staff=person, post=post, shift=make_shift(spans=(span,)))
    return person, gate, monitors


def seen(by: Actor, alpha: Tenant, when: datetime) -> dict[str, Presence]:
    return {p.post_name: p for p in board.board(by=by, tenant=alpha, now=when)}


def state(by: Actor, alpha: Tenant, post: str, text: str) -> str:
    return seen(by, alpha, at(alpha, text))[post].people[0].state


def punch(alpha: Tenant, person: Staff, text: str, **more: Any) -> None:
    make_punch(person, at=at(alpha, text), grade="B", **more)


class TestTouching:
    def test_one_out_punch_ends_the_first_and_begins_the_second(self, alpha: Tenant, boss: Actor) -> None:
        person, gate, _monitors = two_shifts(alpha)
        punch(alpha, person, "07:55", direction="in", post=gate)
        punch(alpha, person, "12:02", direction="out", post=gate)
        now = seen(boss, alpha, at(alpha, "12:30"))
        assert (now["监控"].state, now["监控"].people[0].since) == ("present", at(alpha, "12:02"))
        assert "门岗" not in now
        punch(alpha, person, "16:01", direction="out")
        derive(alpha)
        assert set(DayResult.objects.values_list("mark", flat=True)) == {Mark.NORMAL}

    def test_an_out_for_the_first_after_an_in_for_the_second_is_the_firsts(self, alpha: Tenant, boss: Actor) -> None:
        person, _gate, _monitors = two_shifts(alpha)
        punch(alpha, person, "07:55", direction="in")
        punch(alpha, person, "11:58", direction="in")
        punch(alpha, person, "12:03", direction="out")
        assert state(boss, alpha, "监控", "12:30") == "present"

    def test_who_goes_later_has_left(self, alpha: Tenant, boss: Actor) -> None:
        person, gate, monitors = two_shifts(alpha)
        punch(alpha, person, "07:55", direction="in", post=gate)
        punch(alpha, person, "12:02", direction="out", post=gate)
        punch(alpha, person, "13:00", direction="out", post=monitors)
        assert state(boss, alpha, "监控", "13:30") == "left"

    def test_who_came_for_neither_is_awaited(self, alpha: Tenant, boss: Actor) -> None:
        two_shifts(alpha)
        assert state(boss, alpha, "监控", "12:30") == "awaited"


def test_an_out_punch_of_another_post_ends_nothing_here(alpha: Tenant, boss: Actor) -> None:
    make_rule()
    gate = make_post("门岗", party=make_party("contract"))
    person = make_staff("甲", post=gate)
    make_assignment(alpha, day=DAY, staff=person, shift=make_shift(spans=((480, 1080),)))
    punch(alpha, person, "07:55", direction="in", post=gate)
    punch(alpha, person, "09:00", direction="out", post=make_post("监控", party=gate.party))
    assert state(boss, alpha, "门岗", "10:00") == "present"
    punch(alpha, person, "10:30", direction="out", post=gate)
    assert state(boss, alpha, "门岗", "11:00") == "left"


class TestFieldWork:
    def away(self, alpha: Tenant, kind: str = "field") -> Post:
        make_rule()
        gate = make_post("门岗", party=make_party("contract"))
        person = make_staff("甲", post=gate)
        make_assignment(alpha, day=DAY, staff=person, shift=make_shift(spans=((480, 1080),)))
        make_leave(person, at(alpha, "00:00"), at(alpha, "+00:00"), kind=kind)
        return gate

    def test_who_works_elsewhere_is_on_the_board(self, alpha: Tenant, boss: Actor) -> None:
        self.away(alpha)
        post = seen(boss, alpha, at(alpha, "12:00"))["门岗"]
        assert (post.state, [(p.name, p.state) for p in post.people]) == ("field", [("甲", "field")])
        assert board.STATES[post.state] == board.PEOPLE["field"] == "外勤"
        assert (post.needed, post.present) == (0, 0)

    def test_a_contract_that_asks_for_somebody_there_is_short(self, alpha: Tenant, boss: Actor) -> None:
        make_coverage(self.away(alpha), persons=1)
        post = seen(boss, alpha, at(alpha, "12:00"))["门岗"]
        assert (post.state, post.needed, post.present) == ("short", 1, 0)

    def test_another_leave_is_leave(self, alpha: Tenant, boss: Actor) -> None:
        make_coverage(self.away(alpha, "sick"), persons=1)
        assert [p.state for p in seen(boss, alpha, at(alpha, "12:00"))["门岗"].people] == ["leave"]


@pytest.mark.parametrize("dates", [{"left_on": DAY - timedelta(days=1)}, {"hired_on": DAY + timedelta(days=1)}])
def test_who_has_left_or_not_joined_is_not_awaited(alpha: Tenant, boss: Actor, dates: dict[str, date]) -> None:
    make_rule()
    gate = make_post("门岗", party=make_party("contract"))
    person = make_staff("甲", post=gate)
    make_assignment(alpha, day=DAY, staff=person, shift=make_shift(spans=((480, 1080),)))
    assert state(boss, alpha, "门岗", "09:00") == "awaited"
    Staff.objects.filter(pk=person.pk).update(**dates)
    assert "门岗" not in seen(boss, alpha, at(alpha, "09:00"))
    derive(alpha)
    assert DayResult.objects.get().mark == Mark.REST  # the board says what the result says
    make_coverage(gate, persons=1)
    assert seen(boss, alpha, at(alpha, "09:00"))["门岗"].state == "nobody"
