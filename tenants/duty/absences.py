"""The reads about declared absences: how much of them was a break, who may stand in, and for whom somebody does."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.duty import staffing
from tenants.duty.choices import AbsenceKind
from tenants.duty.models import Absence, Stint
from tenants.organisation import queries as organisation
from tenants.organisation.models import Staff
from tenants.rosters import queries as rosters

MOST_RELIEFS = 300  # in the phone's list


def _breaks() -> QuerySet[Absence]:
    """Absences that are over and count as breaks: declared as such, or as a relief who never came."""
    came = Stint.objects.filter(
        Q(signed_off_at__isnull=True) | Q(signed_off_at__gt=OuterRef("starts_at")),
        post_id=OuterRef("stint__post_id"), staff_id=OuterRef("relief_id"), signed_on_at__lt=OuterRef("ends_at"),
    )  # fmt: skip
    rows = Absence.objects.filter(ends_at__isnull=False)
    return rows.filter(Q(kind=AbsenceKind.BREAK) | (Q(kind=AbsenceKind.RELIEF) & ~Exists(came)))


def break_minutes_of(stint: Stint, *, now: datetime) -> int:
    """Minutes of breaks in this stint that are over; a running one is counted when it is declared."""
    rows = _breaks().filter(stint=stint)
    return sum(round(((r.ends_at or now) - r.starts_at).total_seconds() / 60) for r in rows)


def was_not_relieved(row: Absence) -> bool:
    """Whether a relief that is over never came."""
    return row.kind == AbsenceKind.RELIEF and _breaks().filter(pk=row.pk).exists()


def standing_in(staff_id: UUID, *, now: datetime, post_id: UUID | None = None) -> QuerySet[Absence]:
    """The absences for which somebody stands in at this moment."""
    rows = Absence.objects.filter(
        relief_id=staff_id, kind=AbsenceKind.RELIEF, ends_at__isnull=True, until__gt=now,
        stint__signed_off_at__isnull=True,
    )  # fmt: skip
    return rows.filter(stint__post_id=post_id) if post_id else rows


def possible_reliefs(by: Actor, *, post_id: UUID, now: datetime, tenant: Tenant) -> list[Staff]:
    """Who may stand in: those on duty or rostered at the post first, then everybody else of the same company; nobody on
    leave or without the post's certificates.
    """
    near = staffing.receivers(post_id=post_id, now=now)
    if by.staff_id is None or (own := organisation.staff_by_id([by.staff_id]).get(by.staff_id)) is None:
        return []
    people = [p for p in organisation.working_people_of(own.party_id)[:MOST_RELIEFS] if not by.is_own(p.pk)]
    today = now.astimezone(tenant.tz).date()
    lacking = {who for who, _post, _day in organisation.missing_certificates([(p.pk, post_id, today) for p in people])}
    away = {row.staff_id for row in rosters.approved_leaves([p.pk for p in people], now, now + timedelta(minutes=1))}
    return sorted(
        (p for p in people if p.pk not in lacking and p.pk not in away), key=lambda p: (p.pk not in near, p.pinyin)
    )
