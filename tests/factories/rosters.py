"""Shifts, rules and published rosters for tests. Run inside a school (`alpha`)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date, datetime
from random import randrange
from typing import Any

from django.db import transaction

from kernel import clock
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.organisation.models import Party, Place, Post, Staff
from tenants.rosters import instances
from tenants.rosters.choices import AssignmentSource, RuleScope, ShiftKind
from tenants.rosters.models import (
    Assignment,
    Coverage,
    Leave,
    Pattern,
    PostTerms,
    Rule,
    Segment,
    Shift,
    ShiftInstance,
)
from tests.factories.organisation import make_post, make_staff

Span = tuple[int, int]

_codes = itertools.count(randrange(65536))


def shift_code() -> str:
    """The code of another shift: no two alike in a run, whichever factory asks."""
    return f"{next(_codes) % 65536:04x}"


def make_shift(
    name: str | None = None,
    *,
    code: str | None = None,
    spans: Sequence[Span] = ((480, 1020),),
    flex: int = 0,
    needs_in: bool = True,
    needs_out: bool = True,
) -> Shift:
    """A shift of one or more stretches in minutes from the day's start; (1320, 1800) is 22:00 – 次日06:00."""
    tail = shift_code()
    shift = Shift.objects.create(
        name=name or f"班{tail}", code=code or tail, flex_minutes=flex,
        kind=ShiftKind.FLEXIBLE if flex else ShiftKind.FIXED,
    )  # fmt: skip
    for n, (start, end) in enumerate(spans):
        Segment.objects.create(
            shift=shift, position=n, start_minute=start, end_minute=end, needs_in=needs_in, needs_out=needs_out
        )
    return shift


def make_rule(
    *, post: Post | None = None, party: Party | None = None, valid_from: date = date(2020, 1, 1), **minutes: Any
) -> Rule:
    """A version of the school's rule, or of a party's or a post's: `make_rule(post=gate, grace_minutes=5)`."""
    scope = RuleScope.POST if post else RuleScope.PARTY if party else RuleScope.SCHOOL
    return Rule.objects.create(scope=scope, post=post, party=party, valid_from=valid_from, **minutes)


def make_terms(post: Post, *, grade: str = "C", hourly_rate: str | None = None) -> PostTerms:
    """What grade of evidence the post asks for, and what an hour costs."""
    return PostTerms.objects.create(post=post, grade=grade, hourly_rate=hourly_rate)


def make_assignment(
    tenant: Tenant,
    *,
    day: date,
    staff: Staff | None = None,
    shift: Shift | None = None,
    post: Post | None = None,
    place: Place | None = None,
    published: bool = True,
) -> Assignment:
    """A person works `shift` at `post` on `day`; published, so its instances exist (see `instances_of`)."""
    post = post or (staff.post if staff else None) or make_post(party=staff.party if staff else None)
    staff = staff or make_staff(post=post)
    shift = shift or make_shift()
    row = Assignment.objects.create(
        staff=staff, day=day, shift=shift, post=post, party=post.party, place=place or post.place,
        source=AssignmentSource.MANUAL, published_at=clock.now() if published else None,
    )  # fmt: skip
    if published:
        with transaction.atomic():
            instances.lock_people([staff.pk], schema=tenant.schema)
            instances.make([row], tenant=tenant)
    return row


def make_rest(*, staff: Staff, day: date) -> Assignment:
    """A rostered day of rest, published."""
    return Assignment.objects.create(
        staff=staff, day=day, party=staff.party, source=AssignmentSource.MANUAL, published_at=clock.now()
    )


def instances_of(assignment: Assignment) -> list[ShiftInstance]:
    """Its live instances, first stretch first."""
    return list(ShiftInstance.objects.filter(assignment=assignment, cancelled_at__isnull=True).order_by("starts_at"))


def make_instance(tenant: Tenant, *, day: date, **options: Any) -> ShiftInstance:
    """The first instance of a fresh published assignment."""
    return instances_of(make_assignment(tenant, day=day, **options))[0]


def make_coverage(
    post: Post, *, persons: int = 1, weekdays: int = 127, span: Span = (0, 1440), holidays: bool = True,
    valid_from: date = date(2020, 1, 1), valid_until: date | None = None,
) -> Coverage:  # fmt: skip
    """What the contract asks of presence at the post."""
    return Coverage.objects.create(
        post=post, persons=persons, weekdays=weekdays, holidays=holidays, start_minute=span[0], end_minute=span[1],
        valid_from=valid_from, valid_until=valid_until,
    )  # fmt: skip


def make_leave(
    staff: Staff, starts_at: datetime, ends_at: datetime, *, kind: str = "personal", status: str = "approved"
) -> Leave:
    """A leave, half-open; approved unless said otherwise."""
    return Leave.objects.create(
        staff=staff, kind=kind, starts_at=starts_at, ends_at=ends_at, status=status, asked_by_name=staff.name
    )


def make_pattern(*shifts: Shift | None, name: str | None = None, follows_calendar: bool = False) -> Pattern:
    """A cycle, one shift (or rest) per day."""
    return Pattern.objects.create(
        name=name or f"循环{new_id().hex[-4:]}", days=len(shifts), follows_calendar=follows_calendar,
        cells=[str(s.pk) if s else None for s in shifts],
    )  # fmt: skip
