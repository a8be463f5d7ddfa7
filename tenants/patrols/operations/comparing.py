"""Whether a tour's photos were taken for it: searched among all photos of the school's tours of sixty days.

The slow part of the judgement. It reads and looks at pictures without holding a lock or a transaction; only what it
found is written under the tour's lock, and thrown away where the tour got more photos meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from kernel.tenancy import Tenant
from tenants.evidence import looks
from tenants.evidence import operations as evidence_operations
from tenants.evidence import queries as evidence
from tenants.evidence.alike import UPRIGHT, Turned, is_copy
from tenants.evidence.looks import Corners, Fit
from tenants.evidence.queries import Thumb
from tenants.patrols import queries
from tenants.patrols.choices import CLOSED, StopStatus
from tenants.patrols.models import Stop, Tour

REUSE = timedelta(days=60)
CANDIDATES = 400  # so many photos that share most words are laid on the picture at a glance
NEAREST = 12  # so many that fit best are looked at closely
KEPT = 500  # pictures whose corners are kept at a time
SURE = 0.5  # how well a candidate must fit at a glance for its turn to be known; below, upright is tried too
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


@dataclass(frozen=True, slots=True)
class Found:
    """An earlier use of the same shot, and how the later picture was turned; None: it is the very same file."""

    use: Use
    turned: Turned | None = None


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
    pictures = Pictures()
    pictures.know(photos)
    near = {photo: pictures.nearest(photo, since=since) for photo in photos}
    wanted = {p for found in [*same.values(), *near.values()] for p in found} | set(photos)
    uses = _uses(Stop.objects.filter(photo_ids__overlap=list(wanted), scanned_at__gte=since))
    shows: dict[UUID, list[Use]] = {}
    for use in uses:
        shows.setdefault(use.photo_id, []).append(use)
    before: list[dict[str, Any]] = []
    after: set[UUID] = set()
    for use in own:
        files = same.get(use.photo_id, set())
        others = [o for photo in files for o in shows.get(photo, []) if o.stop_id != use.stop_id]
        # the same file first: that needs no look; then in the order of likeness
        earlier = next((Found(o) for o in others if _earlier(o, use)), None)
        after |= {o.tour_id for o in others if o.tour_id != use.tour_id and o.passed and not _earlier(o, use)}
        fitting = {photo: how for photo, how in near[use.photo_id].items() if shows.get(photo) and photo not in files}
        for photo in sorted(fitting, key=lambda p: -fitting[p][0].score)[:NEAREST]:
            mine = [o for o in shows[photo] if o.stop_id != use.stop_id]
            first = None if earlier else next((o for o in mine if _earlier(o, use)), None)
            later = {o.tour_id for o in mine if o.tour_id != use.tour_id and o.passed and not _earlier(o, use)} - after
            if (first or later) and (turned := pictures.one_shot(use.photo_id, photo, fitting[photo])):
                earlier = earlier or (Found(first, turned) if first else None)
                after |= later
        if earlier:
            before.append(_kept(use, earlier))
    return before, after


def _earlier(one: Use, other: Use) -> bool:
    """Who used a picture first took it; of two at the same moment, the stop that is older."""
    return (one.at, one.stop_id) < (other.at, other.stop_id)


def _kept(use: Use, found: Found) -> dict[str, Any]:
    first = found.use
    return {
        "photo": str(use.photo_id), "place": use.place, "other": str(first.photo_id), "other_place": first.place,
        "other_tour": "" if first.tour_id == use.tour_id else str(first.tour_id),
        "other_number": "" if first.tour_id == use.tour_id else first.number, "same_file": found.turned is None,
        "mirrored": bool(found.turned and found.turned.mirrored), "quarters": found.turned.quarters if found.turned else 0,
    }  # fmt: skip


class Pictures:
    """The small pictures of one comparison; corners are looked for once and kept, some 80 kilobytes each."""

    def __init__(self) -> None:
        self._files: dict[UUID, Thumb] = {}
        self._corners: dict[UUID, Corners] = {}
        self._known: dict[frozenset[UUID], Turned | None] = {}

    def know(self, photos: Iterable[UUID]) -> None:
        """Learn where these photos lie: one query."""
        self._files |= evidence.thumbs(set(photos) - self._files.keys())

    def nearest(self, photo: UUID, *, since: datetime) -> dict[UUID, list[Fit]]:
        """The candidates for one photo with how each would fit, upright or turned and mirrored, the best first.

        Found by their words: two index scans, of which one for the mirror image. In the index a hundred shots of one door
        come as close as a copy; laid on each other they do not.
        """
        found: dict[UUID, list[Fit]] = {}
        for mirrored in (False, True):
            own = looks.corners_of(self._picture(photo), mirrored=mirrored, sizes=looks.SIZES)
            words = sorted({int(word) for word in own.words.ravel()})
            near = evidence.nearest(photo, words=words, since=since, most=CANDIDATES)
            self.know(near)
            for other in near:
                found.setdefault(other, []).append(looks.fit(own, self._corners_of(other), mirrored=mirrored))
        return {other: sorted(fits, key=lambda f: -f.score) for other, fits in found.items()}

    def one_shot(self, one: UUID, other: UUID, fits: Sequence[Fit]) -> Turned | None:
        """How `one` was turned where both are one shot, or None. As few closer looks as the fits leave open."""
        pair = frozenset((one, other))
        if pair not in self._known:
            ways = [f.turned for f in fits]
            if fits[0].score < SURE and UPRIGHT not in ways:
                ways.append(UPRIGHT)
            self._known[pair] = next((way for way in ways if self._looks(one, other, way)), None)
        return self._known[pair]

    def _looks(self, one: UUID, other: UUID, turned: Turned) -> bool:
        first, second = self._picture(one), self._picture(other)
        return bool(first and second) and is_copy(first, second, turned=turned)

    def _picture(self, photo: UUID) -> bytes:
        """The bytes; none of a file that is gone: it proves nothing."""
        with suppress(OSError, KeyError), default_storage.open(self._files[photo].thumb_path) as file:
            return bytes(file.read())
        return b""

    def _corners_of(self, photo: UUID) -> Corners:
        if len(self._corners) > KEPT:
            self._corners.clear()
        if photo not in self._corners:
            self._corners[photo] = looks.corners_of(self._picture(photo))
        return self._corners[photo]
