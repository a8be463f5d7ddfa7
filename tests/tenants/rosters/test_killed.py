"""Rosters that follow a calendar or a rule, made by a worker that is killed on the way: the next run ends it, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.notices.models import Notice
from tenants.organisation.models import Staff
from tenants.rosters import operations
from tenants.rosters.models import Rule, ShiftInstance
from tenants.rosters.operations import following
from tenants.timeline.models import Event
from tests.factories.findings import make_member
from tests.factories.organisation import make_post, make_staff
from tests.killing import after, before, killed
from tests.tenants.rosters.test_following import DAY, NOW, by_hand, rest, week, works

CALENDAR: dict[str, Callable[[], None]] = {
    "nothing done": lambda: before(following, "_remake"),
    "one of two chunks of people": lambda: before(following, "_remake", call=2),
    "people locked, nothing changed": lambda: before(following, "change_cells"),
    "cells changed, not committed": lambda: before(following, "tell_refused"),
    "everybody's cells, the day not noted": lambda: before(following, "_note"),
    "noted, nobody told, not committed": lambda: before(following, "_tell"),
    "told, not committed": lambda: after(following, "_tell"),
    "committed, message not acknowledged": lambda: after(following, "_note"),
}
RULES: dict[str, Callable[[], None]] = {
    "nothing done": lambda: before(following, "_point"),
    "one of two chunks of people": lambda: before(following, "_point", call=2),
    "pointed, windows not cut": lambda: before(following.instances, "recut"),
    "windows cut, results not asked for": lambda: before(following, "ask_results"),
    "committed, message not acknowledged": lambda: after(following, "_point"),
}


@pytest.fixture
def school(committed_alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    """Everybody is a chunk of their own."""
    monkeypatch.setattr(following, "CHUNK", 1)
    return committed_alpha


@pytest.fixture
def admin(school: Tenant) -> Actor:
    return make_member(school, Role.SCHOOL_ADMIN)


@pytest.fixture
def people(school: Tenant, admin: Actor) -> list[Staff]:
    """Two who follow a cycle, each with an account."""
    people = [make_staff(post=make_post(), account_id=make_member(school).account_id) for _n in range(2)]
    week(school, admin, *people)
    return people


@pytest.mark.parametrize("point", CALENDAR)
def test_a_changed_calendar_reaches_everybody_once(
    school: Tenant, admin: Actor, people: list[Staff], point: str
) -> None:
    by_hand(school, admin, other := make_staff(post=make_post()), DAY)
    operations.extend(tenant=school, now=NOW)  # the days are noted
    rest(school, admin, DAY)
    killed(school, CALENDAR[point], lambda: operations.follow_calendar(tenant=school, now=NOW))
    for minutes in (5, 10):  # the sweep, twice
        operations.follow_calendar(tenant=school, now=NOW + timedelta(minutes=minutes))
    assert [works(person, DAY) for person in people] == [False, False]
    assert all(works(person, DAY + timedelta(days=1)) for person in people)
    assert works(other, DAY)
    for person in people:
        assert [n.text for n in Notice.objects.filter(account_id=person.account_id, title__contains="有变动")] == [
            "12月3日：休息"
        ]
    assert [n.title for n in Notice.objects.filter(account_id=admin.account_id)] == [
        "12月3日（校庆）改为休息，1 人仍排了班"
    ]
    assert Event.objects.filter(verb="roster.followed_calendar").count() == 1


@pytest.mark.parametrize("point", RULES)
def test_a_rule_reaches_everybodys_coming_shifts(school: Tenant, admin: Actor, people: list[Staff], point: str) -> None:
    old = Rule.objects.get(scope="school")
    new = Rule.objects.create(scope="school", valid_from=DAY, in_before_minutes=old.in_before_minutes + 15)
    killed(school, RULES[point], lambda: operations.follow_rules(tenant=school, now=NOW))
    operations.follow_rules(tenant=school, now=NOW)
    assert operations.follow_rules(tenant=school, now=NOW) == 0
    coming = ShiftInstance.objects.filter(cancelled_at__isnull=True)
    assert {i.rule_id for i in coming.filter(day__gte=DAY)} == {new.pk}
    assert {i.rule_id for i in coming.filter(day__lt=DAY)} == {old.pk}
    for i in coming.filter(day__gte=DAY):
        assert i.starts_at - i.in_from == timedelta(minutes=new.in_before_minutes)
