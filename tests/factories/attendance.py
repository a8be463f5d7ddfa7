"""People with shifts, punches and derived results for tests. Run inside a school (`alpha`)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.attendance import operations
from tenants.attendance.models import DayResult
from tenants.organisation.models import Staff
from tenants.punches.models import Punch
from tenants.rosters.models import ShiftInstance
from tenants.rosters.windows import moment
from tests.factories.findings import make_member
from tests.factories.organisation import make_party, make_post, make_staff
from tests.factories.punches import make_punch
from tests.factories.rosters import make_assignment, make_rule, make_shift

DAY = date(2026, 11, 10)


def at(tenant: Tenant, text: str, day: date = DAY) -> datetime:
    """ "22:14" of the day, "+06:00" of the next."""
    ahead = len(text) - len(text.lstrip("+"))
    hour, minute = text.lstrip("+").split(":")
    return moment(day + timedelta(days=ahead), int(hour) * 60 + int(minute), tenant.tz)


def make_worker(tenant: Tenant, *, name: str = "王小明", **fields: Any) -> tuple[Staff, Actor]:
    """A person of a company's post, with their account."""
    post = fields.pop("post", None) or make_post("图书馆保洁", party=make_party("contract"))
    staff = make_staff(name, post=post, **fields)
    actor = make_member(tenant, Role.FRONTLINE, staff_id=staff.pk, name=name)
    staff.account_id = actor.account_id
    staff.save(update_fields=["account_id"])
    return staff, actor


def make_day(
    tenant: Tenant, staff: Staff, *times: str, day: date = DAY, spans: tuple[tuple[int, int], ...] = ((480, 1080),),
    derive_at: datetime | None = None, **rule: Any,
) -> ShiftInstance:  # fmt: skip
    """A shift (08:00–18:00 unless said otherwise) with punches at `times`, derived five days later; its first stretch."""
    if not ShiftInstance.objects.exists():
        make_rule(**rule)
    shift = make_shift(spans=spans)
    row = make_assignment(tenant, day=day, staff=staff, shift=shift)
    for text in times:
        make_punch(staff, at=at(tenant, text, day))
    derive(tenant, day, now=derive_at)
    return ShiftInstance.objects.filter(assignment=row).order_by("starts_at")[0]


def derive(tenant: Tenant, day: date = DAY, *, now: datetime | None = None) -> None:
    now = now or at(tenant, "12:00", day + timedelta(days=5))
    operations.derive_range(tenant=tenant, now=now, first=day - timedelta(days=1), last=day + timedelta(days=1))


def result_of(instance: ShiftInstance) -> DayResult:
    return DayResult.objects.get(instance=instance)


def make_refused(staff: Staff, when: datetime, *, outside_m: float = 40.0, **fields: Any) -> Punch:
    """A punch refused for its place."""
    return make_punch(
        staff, at=when, status="refused", refusal="outside", outside_m=outside_m, post=staff.post, grade="C", **fields
    )
