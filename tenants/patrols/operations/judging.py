"""How credible a tour is, written with its reasons."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from uuid import UUID

from django.db import transaction

from kernel.tenancy import Tenant
from tenants.patrols import credibility, queries
from tenants.patrols.choices import CLOSED, StopStatus
from tenants.patrols.models import Stop, Tour
from tenants.patrols.operations.comparing import compare


def judge(*, tour_id: UUID, tenant: Tenant, now: datetime) -> Tour | None:
    """Work out how credible a finished tour is (credibility.py) and write it with its reasons. Safe to run twice.

    First its photos are compared, outside of any lock (comparing.py); while another worker is at it there is no
    judgement yet. Then the tour is locked for a moment.
    """
    return _judged(tour_id, now) if compare(tour_id=tour_id, tenant=tenant, now=now) else None


@transaction.atomic
def _judged(tour_id: UUID, now: datetime) -> Tour | None:
    tour = Tour.objects.select_for_update(of=("self",)).select_related("route").filter(pk=tour_id).first()
    if tour is None or tour.status not in CLOSED or tour.started_at is None or tour.compared_at is None:
        return None
    stops = list(Stop.objects.filter(tour=tour).select_related("point__place").order_by("scanned_at", "position"))
    seen = [
        credibility.Seen(
            position=s.position, place=queries.where(s.point.place.full_name), at=s.scanned_at or now, method=s.method,
            walk_seconds=s.point.walk_seconds, latitude=s.latitude, longitude=s.longitude, accuracy_m=s.accuracy_m,
            anchored=s.anchored, received_at=s.received_at,
        )
        for s in stops
        if s.status == StopStatus.SEEN
    ]  # fmt: skip
    tour.credibility, reasons = credibility.judge(
        seen,
        earlier=_earlier_gaps(tour),
        reused=[
            credibility.Reused(
                place=c["place"], tour_number=c["other_number"], evidence_id=c["other"], other_place=c["other_place"]
            )
            for c in tour.copies or []
        ],
        ordered=tour.route.ordered,
        legs={s.position: s.point.walk_seconds for s in stops},
    )
    tour.doubts = [r.as_json() for r in reasons]
    tour.judged_at = now
    tour.save(update_fields=["credibility", "doubts", "judged_at"])
    return tour


def _earlier_gaps(tour: Tour) -> list[list[float]]:
    """The gaps of the last ten tours of the route, whoever walked: rhythms can be handed on, too."""
    tours = Tour.objects.filter(route_id=tour.route_id, status__in=CLOSED, started_at__lt=tour.started_at).order_by(
        "-started_at"
    )[:10]
    times: dict[UUID, list[datetime]] = {}
    rows = Stop.objects.filter(tour__in=[t.pk for t in tours], status=StopStatus.SEEN).order_by("scanned_at")
    for tour_id, at in rows.values_list("tour_id", "scanned_at"):
        if at is not None:
            times.setdefault(tour_id, []).append(at)
    return [[(b - a).total_seconds() for a, b in pairwise(t)] for t in times.values()]
