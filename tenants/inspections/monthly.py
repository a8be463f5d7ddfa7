"""每月判分校准: whether this month has one, and which pair and place the platform would take.

The place is the one with most points of the week's programme (`programme.Candidate.score`) for whose line there is a
checklist, places of the last three calibrations aside while there are others. The pair are the two who have scored
together with others the longest ago: supervisors, or any overseers where there are fewer than two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db.models import Max

from identity.choices import Role
from identity.people import Person, people_of_school
from kernel.clock import day_bounds, month_bounds
from kernel.tenancy import Tenant
from tenants.inspections import policies, programme
from tenants.inspections.choices import CalibrationStatus
from tenants.inspections.models import Calibration, Checklist, Seat

DAYS = 7  # to score
UNTIL = time(18)  # of the last day
NOT_AGAIN = 3  # places of so many calibrations before are left out


@dataclass(frozen=True, slots=True)
class Proposal:
    """A calibration that one tap arranges."""

    place_id: UUID
    place_name: str
    why: str
    checklist_id: UUID
    checklist_title: str
    scorers: tuple[Person, ...]
    closes_at: datetime


def month_of(now: datetime, tenant: Tenant) -> date:
    """The first of the local month."""
    return now.astimezone(tenant.tz).date().replace(day=1)


def subject_of(month: date) -> Calibration:
    """What reminders of a month without a calibration speak of: the one that is missing. Never saved."""
    return Calibration(pk=uuid5(NAMESPACE_OID, f"inspections.calibration:{month:%Y-%m}"))


def of_month(*, now: datetime, tenant: Tenant) -> Calibration | None:
    """The newest calibration arranged in the local month that was not called off."""
    first, after = month_bounds(month_of(now, tenant))
    rows = Calibration.objects.filter(
        opens_at__gte=day_bounds(first, tenant.tz)[0], opens_at__lt=day_bounds(after, tenant.tz)[0]
    )
    return rows.exclude(status=CalibrationStatus.VOID).order_by("-opens_at", "-pk").first()


def proposal(*, now: datetime, tenant: Tenant) -> Proposal | None:
    """What to arrange; None where there are no two people, no place, or no checklist for any place. Six queries."""
    pair = _pair(now=now, tenant=tenant)
    sheets = programme.first_checklists()
    if len(pair) < 2 or not sheets:
        return None
    known = [c for c in programme.candidates(at=now) if not c.line or c.line in sheets]
    recent = set(
        Calibration.objects.exclude(status=CalibrationStatus.VOID)
        .order_by("-opens_at")
        .values_list("place_id", flat=True)[:NOT_AGAIN]
    )
    fresh = [c for c in known if c.place_id not in recent] or known
    if not fresh:
        return None
    place = min(fresh, key=lambda c: (-c.score, c.path))
    sheet = Checklist.objects.get(pk=sheets.get(place.line) or next(iter(sheets.values())))
    last_day = now.astimezone(tenant.tz).date() + timedelta(days=DAYS)
    return Proposal(
        place_id=place.place_id, place_name=place.name, why=place.why, checklist_id=sheet.pk,
        checklist_title=sheet.title, scorers=tuple(pair), closes_at=datetime.combine(last_day, UNTIL, tenant.tz),
    )  # fmt: skip


def _pair(*, now: datetime, tenant: Tenant) -> list[Person]:
    today = now.astimezone(tenant.tz).date()
    people = people_of_school(school_id=tenant.school_id, roles=[Role.SCHOOL_SUPERVISOR], today=today)
    if len(people) < 2:
        people = people_of_school(school_id=tenant.school_id, roles=policies.OVERSEERS, today=today)
    seats = Seat.objects.filter(account_id__in=[p.account_id for p in people]).order_by()
    last = dict(seats.values_list("account_id").annotate(at=Max("calibration__opens_at")))
    never = datetime.min.replace(tzinfo=tenant.tz)
    return sorted(people, key=lambda p: (last.get(p.account_id, never), p.name, p.account_id))[:2]
