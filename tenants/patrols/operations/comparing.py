"""Whether a tour's photos were taken for it: searched among all photos of the school's tours of sixty days.

The slow part of the judgement. It reads and looks at pictures without holding a lock or a transaction; only what it
found is written under the tour's lock, and thrown away where the tour got more photos meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from kernel.tenancy import Tenant
from tenants.evidence import operations as evidence_operations
from tenants.evidence import queries as evidence
from tenants.evidence.alike import is_copy
from tenants.patrols import queries
from tenants.patrols.choices import CLOSED, StopStatus
from tenants.patrols.models import Stop, Tour

REUSE = timedelta(days=60)
NEAREST = 12  # so many likeliest photos are looked at closely
TAKEN = timedelta(minutes=15)  # a worker that took the comparison and did not finish it by then is gone


@dataclass(frozen=True, slots=True)
class Use:
    """A photo as one stop shows it."""

    photo_id: UUID
    stop_id: UUID
    tour_id: UUID
    number: str
    place: str
    at: datetime
    passed: bool  # judged without a word against this photo


def compare(*, tour_id: UUID, tenant: Tenant, now: datetime) -> bool:
    """Find the photos of an ended tour that were used before, in any tour of the school or at another point of it.

    Not atomic on purpose: pictures are read and compared outside of any lock. One worker at a time takes a tour.
    A tour that used a photo of this one later, but passed before this one's report came, is to be judged again.
    Returns whether the tour has been compared now, by this call or an earlier one.
    """
    free = Q(comparing_at__isnull=True) | Q(comparing_at__lt=now - TAKEN)
    waiting = Tour.objects.filter(pk=tour_id, status__in=CLOSED, started_at__isnull=False, compared_at__isnull=True)
    if not waiting.filter(free).update(comparing_at=now):
        return Tour.objects.filter(pk=tour_id, compared_at__isnull=False).exists()
    own = _uses(Stop.objects.filter(tour_id=tour_id))
    before, after = _copies(own, since=now - REUSE)
    return _write(tour_id, own, before, after, now)


def index_earlier(*, now: datetime, most: int = 20) -> int:
    """Make photos findable that were judged before copies were searched by words. Returns how many tours; 0: all are."""
    rows = Tour.objects.filter(judged_at__isnull=False, compared_at__isnull=True, started_at__gte=now - REUSE)
    tours = list(rows.order_by("-started_at").values_list("pk", flat=True)[:most])
    found = Stop.objects.filter(tour__in=tours).exclude(photo_ids=[]).values_list("photo_ids", flat=True)
    evidence_operations.note_looks(evidence_ids=[photo for photos in found for photo in photos])
    Tour.objects.filter(pk__in=tours, judged_at__isnull=False, compared_at__isnull=True).update(compared_at=now)
    return len(tours)


@transaction.atomic
def _write(
    tour_id: UUID, own: Sequence[Use], before: Sequence[dict[str, Any]], after: set[UUID], now: datetime
) -> bool:
    tour = Tour.objects.select_for_update().get(pk=tour_id)
    photos = {use.photo_id for use in own}
    if tour.status not in CLOSED or {use.photo_id for use in _uses(Stop.objects.filter(tour=tour))} != photos:
        Tour.objects.filter(pk=tour_id).update(comparing_at=None)  # it goes on: its next end asks again
        return False
    tour.copies, tour.compared_at, tour.comparing_at = list(before), now, None
    tour.save(update_fields=["copies", "compared_at", "comparing_at"])
    Tour.objects.filter(pk__in=after).update(compared_at=None, judged_at=None)  # the sweep sends them again
    return True


def _uses(stops: Any) -> list[Use]:
    rows = (
        stops.filter(status=StopStatus.SEEN, scanned_at__isnull=False)
        .exclude(photo_ids=[])
        .select_related("tour", "point__place")
        .order_by("scanned_at", "position")
    )
    return [
        Use(
            photo, row.pk, row.tour_id, row.tour.number, queries.where(row.point.place.full_name), row.scanned_at,
            row.tour.judged_at is not None and not any(c["photo"] == str(photo) for c in row.tour.copies or []),
        )
        for row in rows
        for photo in row.photo_ids
    ]  # fmt: skip


def _copies(own: Sequence[Use], *, since: datetime) -> tuple[list[dict[str, Any]], set[UUID]]:
    """(what was used before, as it is kept on the tour; tours that passed with a photo of this one)."""
    if not own:
        return [], set()
    photos = list(dict.fromkeys(use.photo_id for use in own))
    evidence_operations.note_looks(evidence_ids=photos)
    same = evidence.same_files(photos)
    near = {photo: evidence.nearest(photo, since=since, most=NEAREST) for photo in photos}
    wanted = {p for found in [*same.values(), *near.values()] for p in found} | set(photos)
    uses = _uses(Stop.objects.filter(photo_ids__overlap=list(wanted), scanned_at__gte=since))
    shows: dict[UUID, list[Use]] = {}
    for use in uses:
        shows.setdefault(use.photo_id, []).append(use)
    looks = _looker(wanted)
    before: list[dict[str, Any]] = []
    after: set[UUID] = set()
    for use in own:
        others = [
            (other, photo in same.get(use.photo_id, ()))
            for photo in [*same.get(use.photo_id, ()), *near[use.photo_id]]
            for other in shows.get(photo, [])
            if other.stop_id != use.stop_id
        ]
        # the same file first: that needs no look; then in the order of likeness
        others.sort(key=lambda found: not found[1])
        earlier = (o for o, file in others if _earlier(o, use) and (file or looks(use.photo_id, o.photo_id)))
        if first := next(earlier, None):
            before.append(_kept(use, first, same_file=first.photo_id in same.get(use.photo_id, ())))
        after |= {
            o.tour_id
            for o, file in others
            if o.tour_id != use.tour_id and o.passed and not _earlier(o, use)
            and (file or looks(use.photo_id, o.photo_id))
        }  # fmt: skip
    return before, after


def _earlier(one: Use, other: Use) -> bool:
    """Who used a picture first took it; of two at the same moment, the stop that is older."""
    return (one.at, one.stop_id) < (other.at, other.stop_id)


def _kept(use: Use, first: Use, *, same_file: bool) -> dict[str, Any]:
    return {
        "photo": str(use.photo_id), "place": use.place, "other": str(first.photo_id), "other_place": first.place,
        "other_tour": "" if first.tour_id == use.tour_id else str(first.tour_id),
        "other_number": "" if first.tour_id == use.tour_id else first.number, "same_file": same_file,
    }  # fmt: skip


def _looker(photos: set[UUID]) -> Callable[[UUID, UUID], bool]:
    """A closer look at two photos, each file read once."""
    files = evidence.thumbs(photos)
    bytes_of: dict[UUID, bytes] = {}
    known: dict[frozenset[UUID], bool] = {}

    def picture(photo: UUID) -> bytes:
        if photo not in bytes_of:
            with default_storage.open(files[photo].thumb_path) as file:
                bytes_of[photo] = file.read()
        return bytes_of[photo]

    def looks(one: UUID, other: UUID) -> bool:
        pair = frozenset((one, other))
        if pair not in known:
            try:
                known[pair] = one in files and other in files and is_copy(picture(one), picture(other))
            except OSError:  # a file that is gone proves nothing
                known[pair] = False
        return known[pair]

    return looks
