"""Published rosters make shift instances with frozen rules and windows cut against the neighbours."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import transaction

from kernel import clock
from kernel.tenancy import Tenant
from tenants.rosters import instances
from tenants.rosters.errors import ShiftsOverlap
from tenants.rosters.models import Rule, ShiftInstance
from tests.factories.organisation import make_post, make_staff
from tests.factories.rosters import instances_of, make_assignment, make_rule, make_shift, make_terms

DAY = date(2026, 6, 15)


def test_each_segment_is_an_instance(alpha: Tenant) -> None:
    row = make_assignment(alpha, day=DAY, shift=make_shift(spans=[(480, 720), (840, 1080)]))
    morning, afternoon = instances_of(row)
    assert (morning.segment, afternoon.segment) == (0, 1)
    assert morning.ends_at.astimezone(alpha.tz).hour == 12
    assert morning.out_until == afternoon.in_from == morning.ends_at + timedelta(hours=1)


def test_a_new_neighbour_cuts_the_windows_of_what_was_there_and_its_end_gives_them_back(alpha: Tenant) -> None:
    person = make_staff(post=make_post())
    night = make_assignment(alpha, day=DAY, staff=person, shift=make_shift(spans=[(1320, 1800)]))
    before = instances_of(night)[0].out_until
    early = make_assignment(
        alpha, day=DAY + timedelta(days=1), staff=person, shift=make_shift(spans=[(480, 960)])
    )  # two hours after the night ends
    assert instances_of(night)[0].out_until == instances_of(early)[0].in_from < before
    instances.lock_people([person.pk], schema=alpha.schema)
    instances.cancel([early], now=clock.now())
    assert instances_of(night)[0].out_until == before
    assert ShiftInstance.objects.filter(assignment=early, cancelled_at__isnull=False).count() == 1


def test_overlapping_shifts_of_one_person_are_refused(alpha: Tenant) -> None:
    person = make_staff(name="李四", post=make_post())
    make_assignment(alpha, day=DAY, staff=person, shift=make_shift("夜班", spans=[(1320, 1800)]))
    with pytest.raises(ShiftsOverlap) as refused, transaction.atomic():
        make_assignment(alpha, day=DAY + timedelta(days=1), staff=person, shift=make_shift("早班", spans=[(300, 780)]))
    assert "李四" in refused.value.sentence and "夜班" in refused.value.sentence
    assert ShiftInstance.objects.filter(staff=person).count() == 1


def test_the_most_specific_rule_of_the_day_is_frozen(alpha: Tenant) -> None:
    post = make_post()
    make_rule(grace_minutes=1)
    of_party = make_rule(party=post.party, grace_minutes=2)
    of_post = make_rule(post=post, grace_minutes=3, valid_from=DAY)
    row = make_assignment(alpha, day=DAY, post=post)
    assert instances_of(row)[0].rule == of_post
    earlier = make_assignment(alpha, day=DAY - timedelta(days=1), post=post)
    assert instances_of(earlier)[0].rule == of_party
    make_rule(post=post, grace_minutes=9, valid_from=DAY - timedelta(days=9))
    assert instances_of(row)[0].rule == of_post  # what was made stays as it was made


def test_without_any_rule_the_platforms_defaults_hold(alpha: Tenant) -> None:
    row = make_assignment(alpha, day=DAY)
    assert instances_of(row)[0].rule.grace_minutes == 10
    make_assignment(alpha, day=DAY)
    assert Rule.objects.count() == 1


def test_the_grade_of_the_post_is_frozen(alpha: Tenant) -> None:
    post = make_post()
    terms = make_terms(post, grade="A")
    row = make_assignment(alpha, day=DAY, post=post)
    terms.grade = "B"
    terms.save()
    assert instances_of(row)[0].grade == "A"
