"""What every step on a tour does."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import NotFound
from kernel.jobs import enqueue_on_commit
from kernel.live import announce
from kernel.tenancy import Tenant
from tenants.organisation import queries as organisation
from tenants.patrols import queries
from tenants.patrols.choices import StopStatus, TourStatus
from tenants.patrols.models import Point, Stop, Tour
from tenants.timeline.operations import record


def lock_plan() -> None:
    """Routes are changed and tours made one after the other: no tour is made of a window that is being removed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('patrols.make_tours'), hashtext(current_schema()))")


def locked(tour_id: UUID, by: Actor) -> Tour:
    tour = (
        Tour.objects.select_for_update(of=("self",))
        .select_related("route__party", "makes_up_for")
        .filter(pk=tour_id)
        .first()
    )
    if tour is None or not queries.visible_tours(by).filter(pk=tour_id).exists():
        raise NotFound
    return tour


def make_stops(tour: Tour) -> None:
    """The points of the route as stops; for a make-up tour only those that were missed."""
    points = Point.objects.filter(route_id=tour.route_id, removed_at__isnull=True)
    if tour.makes_up_for_id:
        points = points.filter(pk__in=Stop.objects.filter(made_up_by=tour).values("point_id"))
    Stop.objects.bulk_create(
        [Stop(tour=tour, point=p, position=p.position) for p in points.order_by("position")], ignore_conflicts=True
    )


def parties_of(by: Actor) -> list[object] | None:
    found = organisation.party_ids_seen_by(by)
    return None if found is None else list(found)


def overseers(tenant: Tenant, now: datetime) -> list[UUID]:
    """The accounts of the school's supervisors; of its admins where there are none."""
    today = now.astimezone(tenant.tz).date()
    for role in (Role.SCHOOL_SUPERVISOR, Role.SCHOOL_ADMIN):
        people = people_of_school(school_id=tenant.school_id, roles=[role], today=today)
        if people:
            return [p.account_id for p in people]
    return []


def recorded(tour: Tour, verb: str, sentence: str, by: Actor, **payload: Any) -> None:
    record(
        verb=f"patrol.{verb}",
        sentence=f"{tour.number} {sentence}"[:300],
        subject=tour,
        by=by,
        party_id=tour.route.party_id,
        staff_id=tour.walker_staff_id,
        **payload,
    )


def close(tour: Tour, *, at: datetime, now: datetime, tenant: Tenant) -> None:
    Stop.objects.filter(tour=tour, status=StopStatus.DUE).update(status=StopStatus.MISSED)
    missed = Stop.objects.filter(tour=tour).exclude(status=StopStatus.SEEN).exists()
    tour.status = TourStatus.PARTIAL if missed else TourStatus.DONE
    tour.finished_at, tour.received_at, tour.judged_at = at, now, None
    tour.save(update_fields=["status", "finished_at", "received_at", "judged_at"])
    enqueue_on_commit("patrols.judge", tenant=tenant, tour_id=str(tour.pk))
    announce("presence", tenant=tenant)
