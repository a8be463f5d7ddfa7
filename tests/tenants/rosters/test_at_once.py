"""Two hands on one person's roster at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from identity.choices import Role
from identity.contracts import Actor
from institute.schools.queries import tenant_for
from kernel import clock
from kernel.tenancy import Tenant, public_context, school_context
from tenants.organisation.models import Party, Post, Staff
from tenants.rosters import operations
from tenants.rosters.models import Assignment, PatternUse, Rule, Shift, ShiftInstance
from tenants.timeline.models import Event
from tests.factories.organisation import make_post, make_staff
from tests.factories.rosters import make_pattern, make_shift

DAY = date(2026, 6, 15)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[Tenant]:
    """School alpha without a surrounding transaction; what a test writes is deleted after it."""
    with django_db_blocker.unblock():
        with public_context():
            tenant = tenant_for("s_alpha")
        yield tenant
        with school_context(tenant):
            ShiftInstance.objects.all().delete()
            for model in (Assignment, PatternUse, Shift, Rule, Event, Staff, Post, Party):
                model.objects.all().delete()
        connections.close_all()


def at_once(tenant: Tenant, *calls: Callable[[], Any]) -> list[Any]:
    """Run the calls in as many threads, started together; answers in order."""
    gate, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def run(n: int) -> None:
        try:
            with school_context(tenant):
                gate.wait()
                answers[n] = calls[n]()
        except Exception as error:
            answers[n] = error  # type: ignore[call-overload]
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def admin(tenant: Tenant) -> Actor:
    return Actor(account_id=uuid4(), name="周明", roles=frozenset({Role.SCHOOL_ADMIN}), school_id=tenant.school_id)


def test_two_who_roster_one_person_into_two_places_leave_one_of_them(committed: Tenant) -> None:
    with school_context(committed):
        person = make_staff(post=make_post())
        one, two = make_shift(spans=[(480, 960)]), make_shift(spans=[(900, 1200)])
    by, now = admin(committed), clock.now()

    def work(shift: Shift) -> Callable[[], Any]:
        cell = operations.CellChange(person.pk, DAY, (operations.Item(shift.pk),), frozenset())
        return lambda: operations.change_cells(cells=[cell], by=by, tenant=committed, now=now, published=True)

    answers = at_once(committed, work(one), work(two))
    assert sorted(len(a.made) for a in answers) == [0, 1]
    assert sorted(len(a.refused) for a in answers) == [0, 1]
    with school_context(committed):
        assert ShiftInstance.objects.filter(cancelled_at__isnull=True).count() == 1


def test_two_workers_that_extend_make_each_roster_once(committed: Tenant) -> None:
    now = clock.now()
    with school_context(committed):
        post = make_post()
        people = [make_staff(post=post) for _ in range(6)]
        operations.use_pattern(
            pattern_id=make_pattern(make_shift(), None).pk, staff_ids=[p.pk for p in people],
            starts_on=now.astimezone(committed.tz).date(), by=admin(committed), tenant=committed, now=now,
        )  # fmt: skip
    answers = at_once(committed, *[lambda: operations.extend(tenant=committed, now=now)] * 2)
    assert sum(len(a.made) for a in answers) == 6 * 35
    with school_context(committed):
        assert Assignment.objects.count() == 6 * 35
