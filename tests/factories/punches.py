"""Fences, devices, shift instances and punches for tests. Run inside a school (`alpha`)."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from kernel import clock
from tenants.organisation.models import Place, Post, Staff
from tenants.punches.choices import DeviceKind, FenceShape
from tenants.punches.models import Device, Fence, Punch
from tenants.rosters.models import Assignment, Rule, Shift, ShiftInstance
from tests.factories.organisation import make_post, make_staff
from tests.factories.rosters import shift_code

HERE = (23.1291, 113.2644)  # latitude, longitude of the fences made here
TOKEN = "cieldev_test-token-of-a-device"


def north(metres: float, *, of: tuple[float, float] = HERE) -> tuple[float, float]:
    """A position so many metres north."""
    return of[0] + metres / 111_194.93, of[1]


def make_fence(
    post: Post | None = None, *, name: str | None = None, radius_m: int = 100, at: tuple[float, float] = HERE
) -> Fence:
    """A circle around HERE."""
    return Fence.objects.create(
        post=post or make_post(), name=name or f"范围{uuid4().hex[-6:]}", shape=FenceShape.CIRCLE,
        latitude=at[0], longitude=at[1], radius_m=radius_m,
    )  # fmt: skip


def make_polygon(post: Post, corners: list[tuple[float, float]], *, name: str = "多边形") -> Fence:
    """Corners are (longitude, latitude)."""
    return Fence.objects.create(post=post, name=name, shape=FenceShape.POLYGON, polygon=[list(c) for c in corners])


def make_device(
    name: str | None = None, *, token: str | None = None, verifies_person: bool = True, place: Place | None = None,
    kind: str = DeviceKind.TERMINAL, **fields: Any,
) -> Device:  # fmt: skip
    """A device whose token is TOKEN unless said otherwise."""
    token = token or TOKEN
    return Device.objects.create(
        name=name or f"考勤机{uuid4().hex[-6:]}", kind=kind, verifies_person=verifies_person, place=place,
        token_hash=hashlib.sha256(token.encode()).hexdigest(), token_hint=token[-4:], **fields,
    )  # fmt: skip


def make_instance(
    staff: Staff | None = None,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    post: Post | None = None,
    place: Place | None = None,
    grade: str = "C",
    before: timedelta = timedelta(minutes=60),
    after: timedelta = timedelta(minutes=120),
    **fields: Any,
) -> ShiftInstance:
    """A published stretch of work; by default it began ten minutes ago and lasts eight hours."""
    post = post or (staff.post if staff and staff.post else make_post())
    staff = staff or make_staff(post=post)
    starts_at = starts_at or clock.now() - timedelta(minutes=10)
    ends_at = ends_at or starts_at + timedelta(hours=8)
    middle = starts_at + (ends_at - starts_at) / 2
    shift = Shift.objects.create(name=f"班{uuid4().hex[-8:]}", code=shift_code())
    rule, _made = Rule.objects.get_or_create(scope="school", valid_from=date(2026, 1, 1))
    day = starts_at.astimezone(clock.SHANGHAI).date()
    cell = Assignment.objects.create(
        staff=staff, day=day, shift=shift, post=post, party=post.party, place=place, source="manual",
        published_at=starts_at - timedelta(days=1),
    )  # fmt: skip
    return ShiftInstance.objects.create(
        assignment=cell, staff=staff, post=post, party=post.party, place=place, day=day, rule=rule, grade=grade,
        starts_at=starts_at, ends_at=ends_at, in_from=starts_at - before, in_until=middle, out_from=middle,
        out_until=ends_at + after, **fields,
    )  # fmt: skip


def make_punch(
    staff: Staff | None = None, *, at: datetime | None = None, source: str = "phone", **fields: Any
) -> Punch:
    """A punch as it lies in the table: accepted, grade B, unless said otherwise."""
    at = at or clock.now()
    return Punch.objects.create(
        **{
            "staff": staff or make_staff(), "at": at, "recorded_at": at, "received_at": at, "source": source,
            "grade": "B", **fields,
        }
    )  # fmt: skip
