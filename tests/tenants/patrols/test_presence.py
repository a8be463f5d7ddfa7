"""巡逻中 on the board of attendance: who walks a tour is away from the post and at work."""

from __future__ import annotations

from datetime import datetime, timedelta

from identity.contracts import Actor
from kernel import clock
from kernel.tenancy import Tenant
from tenants.attendance import board
from tenants.attendance.contracts import Presence
from tenants.organisation.models import Staff
from tenants.patrols import operations
from tenants.patrols.models import Tour
from tests.factories.findings import make_member
from tests.factories.organisation import make_contract, make_post
from tests.factories.patrols import due_tour, make_guard, make_route
from tests.factories.punches import make_instance, make_punch

HOUR = timedelta(hours=1)


def on_duty(tenant: Tenant, *, now: datetime, came: bool = True) -> Actor:
    """A guard whose shift runs now at a post of two, both there (or this one not)."""
    party = make_contract(lines=["security"])
    post = make_post("南门岗", party=party)
    guard = make_guard(tenant, party)
    for staff in (Staff.objects.get(pk=guard.staff_id), Staff.objects.get(pk=make_guard(tenant, party).staff_id)):
        row = make_instance(staff, post=post, starts_at=now - HOUR, ends_at=now + 7 * HOUR)
        if came or staff.pk != guard.staff_id:
            make_punch(staff, at=row.starts_at - timedelta(minutes=5), grade="A", post=post)
    return guard


def begin(tenant: Tenant, guard: Actor, *, now: datetime) -> None:
    party = Staff.objects.get(pk=guard.staff_id).party
    tour = due_tour(tenant, make_route(tenant, now=now - 2 * HOUR, party=party, name="夜巡一线"), now=now)
    operations.start_tour(tour_id=tour.pk, at=now, by=guard, tenant=tenant, now=now)


def gate(tenant: Tenant, now: datetime) -> Presence:
    (only,) = board.board(by=make_member(tenant), tenant=tenant, now=now)
    return only


def test_who_walks_a_tour_is_shown_walking_and_counts_as_there(alpha: Tenant) -> None:
    now = clock.now()
    guard = on_duty(alpha, now=now)
    begin(alpha, guard, now=now - timedelta(minutes=20))
    seen = gate(alpha, now)
    assert (seen.state, seen.present, seen.needed) == ("present", 2, 2)  # the other one stands there
    states = {p.staff_id: (p.state, p.tour) for p in seen.people}
    assert states.pop(guard.staff_id) == ("patrol", "夜巡一线")  # type: ignore[arg-type]
    assert list(states.values()) == [("present", "")]


def test_a_post_whose_people_all_walk_is_on_patrol(alpha: Tenant) -> None:
    now = clock.now()
    party = make_contract(lines=["security"])
    guard = make_guard(alpha, party)
    staff = Staff.objects.get(pk=guard.staff_id)
    make_punch(staff, at=make_instance(staff, post=make_post(party=party), starts_at=now - HOUR).starts_at, grade="A")
    begin(alpha, guard, now=now - timedelta(minutes=20))
    assert (gate(alpha, now).state, gate(alpha, now).since) == ("patrol", now - timedelta(minutes=20))


def test_a_tour_does_not_stand_in_for_a_punch(alpha: Tenant) -> None:
    now = clock.now()
    guard = on_duty(alpha, now=now, came=False)
    begin(alpha, guard, now=now - timedelta(minutes=20))
    seen = gate(alpha, now)
    assert seen.present == 1
    assert {p.staff_id: (p.state, p.tour) for p in seen.people}[guard.staff_id] == ("awaited", "夜巡一线")  # type: ignore[index]


def test_a_tour_left_open_says_nothing_of_now(alpha: Tenant) -> None:
    now = clock.now()
    guard = on_duty(alpha, now=now)
    begin(alpha, guard, now=now)
    later = now + timedelta(hours=6)
    assert "patrol" in {p.state for p in gate(alpha, later).people}
    Tour.objects.update(started_at=later - timedelta(hours=13))
    assert {p.state for p in gate(alpha, later).people} == {"present"}
