"""How credible a tour is, written with its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction

from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.evidence.alike import is_copy
from tenants.patrols import credibility, queries
from tenants.patrols.choices import CLOSED, StopStatus
from tenants.patrols.models import Stop, Tour

REUSE_DAYS = 60
REUSE_PICTURES = 160  # compared with at most so many earlier pictures, the newest first


@transaction.atomic
def judge(*, tour_id: UUID, tenant: Tenant, now: datetime) -> Tour | None:
    """Work out how credible a finished tour is (credibility.py) and write it with its reasons. Safe to run twice."""
    tour = Tour.objects.select_for_update(of=("self",)).select_related("route").filter(pk=tour_id).first()
    if tour is None or tour.status not in CLOSED or tour.started_at is None:
        return None
    stops = list(
        Stop.objects.filter(tour=tour, status=StopStatus.SEEN).select_related("point__place").order_by("scanned_at")
    )
    seen = [
        credibility.Seen(
            position=s.position, place=queries.where(s.point.place.full_name), at=s.scanned_at or now, method=s.method,
            walk_seconds=s.point.walk_seconds, latitude=s.latitude, longitude=s.longitude, accuracy_m=s.accuracy_m,
            anchored=s.anchored, received_at=s.received_at,
        )
        for s in stops
    ]  # fmt: skip
    tour.credibility, reasons = credibility.judge(seen, earlier=_earlier_gaps(tour), reused=_reused(tour, stops, now))
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


def _reused(tour: Tour, stops: Sequence[Stop], now: datetime) -> list[credibility.Reused]:
    """Photos of this tour that are the same shot as one of another tour, even recompressed or cropped."""
    own = {photo: s for s in stops for photo in s.photo_ids}
    if not own:
        return []
    others = queries.earlier_photos(tour, since=now - timedelta(days=REUSE_DAYS), most=REUSE_PICTURES)
    files = evidence.thumbs([*own, *(photo for photo, _number in others)])
    bytes_of: dict[UUID, bytes] = {}

    def picture(photo: UUID) -> bytes:
        if photo not in bytes_of:
            with default_storage.open(files[photo].thumb_path) as file:
                bytes_of[photo] = file.read()
        return bytes_of[photo]

    found = []
    for photo, stop in own.items():
        if photo not in files:
            continue
        for other, number in others:
            if other not in files:
                continue
            same = photo == other or files[photo].source_sha256 == files[other].source_sha256
            if same or is_copy(picture(photo), picture(other)):
                found.append(
                    credibility.Reused(
                        place=queries.where(stop.point.place.full_name), tour_number=number, evidence_id=other
                    )
                )
                break
    return found
