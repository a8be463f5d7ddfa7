"""Two hands on one person's roster at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.tenancy import Tenant
from tenants.rosters import operations
from tenants.rosters.models import Assignment, Shift, ShiftInstance
from tests.at_once import at_once
from tests.factories.organisation import make_post, make_staff
from tests.factories.rosters import make_pattern, make_shift

DAY = date(2026, 6, 15)


def admin(tenant: Tenant) -> Actor:
    return Actor(account_id=uuid4(), name="周明", roles=frozenset({Role.SCHOOL_ADMIN}), school_id=tenant.school_id)


def test_two_who_roster_one_person_into_two_places_leave_one_of_them(committed_alpha: Tenant) -> None:
    person = make_staff(post=make_post())
    one, two = make_shift(spans=[(480, 960)]), make_shift(spans=[(900, 1200)])
    by, now = admin(committed_alpha), clock.now()

    def work(shift: Shift) -> Callable[[], Any]:
        cell = operations.CellChange(person.pk, DAY, (operations.Item(shift.pk),), frozenset())
        return lambda: operations.change_cells(cells=[cell], by=by, tenant=committed_alpha, now=now, published=True)

    answers = at_once(committed_alpha, work(one), work(two))
    assert sorted(len(a.made) for a in answers) == [0, 1]
    assert sorted(len(a.refused) for a in answers) == [0, 1]
    assert ShiftInstance.objects.filter(cancelled_at__isnull=True).count() == 1


def test_two_workers_that_extend_make_each_roster_once(committed_alpha: Tenant) -> None:
    now = clock.now().astimezone(committed_alpha.tz).replace(hour=6)  # before today's shift, whatever the hour is
    post = make_post()
    people = [make_staff(post=post) for _ in range(6)]
    operations.use_pattern(
        pattern_id=make_pattern(make_shift(), None).pk, staff_ids=[p.pk for p in people],
        starts_on=now.date(), by=admin(committed_alpha), tenant=committed_alpha, now=now,
    )  # fmt: skip
    answers = at_once(committed_alpha, *[lambda: operations.extend(tenant=committed_alpha, now=now)] * 2)
    assert sum(len(a.made) for a in answers) == 6 * 35
    assert Assignment.objects.count() == 6 * 35
