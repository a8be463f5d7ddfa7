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
from tenants.notices import operations as notices
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


def _where(tour: Tour) -> UUID | None:
    """The smallest place that holds all points of the tour: its building, or its campus."""
    rows = Stop.objects.filter(tour=tour).values_list("point__place__path", flat=True)
    paths = list(rows) or list(
        Point.objects.filter(route_id=tour.route_id, removed_at__isnull=True).values_list("place__path", flat=True)
    )
    shared = [
        step for step, *others in zip(*(p.strip("/").split("/") for p in paths), strict=False) if {step} >= set(others)
    ]
    return UUID(shared[-1]) if shared else None


def _post(tour: Tour, by: Actor) -> UUID | None:
    """The post of who walks, or of who did it where nobody walks."""
    staff_id = tour.walker_staff_id or by.staff_id
    found = organisation.staff_by_id([staff_id]).get(staff_id) if staff_id else None
    return found.post_id if found else None


def recorded(tour: Tour, verb: str, sentence: str, by: Actor, *, place_id: UUID | None = None, **payload: Any) -> None:
    """One event on the timelines of the place (the tour's whole ground unless said), the party, the post and the walker."""
    record(
        verb=f"patrol.{verb}",
        sentence=f"{tour.number} {sentence}"[:300],
        subject=tour,
        by=by,
        party_id=tour.route.party_id,
        staff_id=tour.walker_staff_id,
        place_id=place_id or _where(tour),
        post_id=_post(tour, by),
        **payload,
    )


def miss(tour: Tour, *, by: Actor) -> int:
    """What was not seen is missed, and each point says so on its own timeline. Returns how many."""
    rows = list(
        Stop.objects.filter(tour=tour, status=StopStatus.DUE).select_related("point__place").order_by("position")
    )
    Stop.objects.filter(pk__in=[row.pk for row in rows]).update(status=StopStatus.MISSED)
    for row in rows:
        recorded(
            tour, "point_missed", f"漏点：{queries.where(row.point.place.full_name)}", by, place_id=row.point.place_id
        )
    return len(rows)


def close(tour: Tour, *, at: datetime, by: Actor, now: datetime, tenant: Tenant) -> None:
    """End the tour, again where a scan came after its end; its judgement is asked for anew. The tour is locked."""
    miss(tour, by=by)
    missed = Stop.objects.filter(tour=tour).exclude(status=StopStatus.SEEN).exists()
    tour.status = TourStatus.PARTIAL if missed else TourStatus.DONE
    tour.finished_at, tour.received_at = at, now
    tour.judged_at = tour.compared_at = tour.comparing_at = None
    tour.save(update_fields=["status", "finished_at", "received_at", "judged_at", "compared_at", "comparing_at"])
    if not missed:
        notices.settle(subject=tour, now=now, occasion=f"patrol.missed:{tour.pk}")
    enqueue_on_commit("patrols.judge", tenant=tenant, tour_id=str(tour.pk))
    announce("presence", tenant=tenant)
