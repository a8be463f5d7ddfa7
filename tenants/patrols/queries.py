"""All reads of patrols. Functions that take `by` show only what that person may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Avg, Count, Exists, OuterRef, Prefetch, Q, QuerySet

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from tenants.attendance.contracts import Walk
from tenants.organisation import queries as organisation
from tenants.patrols import policies
from tenants.patrols.choices import CLOSED, StopStatus, TourStatus
from tenants.patrols.models import PatrolRule, Point, Question, Route, Stop, Tour, Window

LONGEST_WALK = timedelta(hours=12)  # a tour left open longer says nothing of where its walker is now
DOUBTFUL = 60  # below this credibility a tour stands in the list of doubtful ones

OFFLINE = timedelta(hours=72)  # a phone may report so long after the window; later it is refused with its reason
EXPLAIN_WITHIN = timedelta(hours=24)  # a missed point without a word after this opens a finding
MAKE_UPS = 2  # make-up tours in a row for the same points, where the school says nothing else


def make_ups_allowed() -> int:
    """How many make-up tours in a row the school allows; 0: none, what was missed is explained. One query."""
    found = PatrolRule.objects.filter(pk=1).values_list("make_ups", flat=True).first()
    return MAKE_UPS if found is None else found


def rule(*, by: Actor) -> int:
    """As `make_ups_allowed`, for who may see patrols. Raises NotAllowed."""
    _refuse(by)
    return make_ups_allowed()


def make_ups_before(tour: Tour, *, most: int) -> int:
    """How many make-up tours in a row this one is the last of, counted up to `most`: 0 for a regular tour.

    One query each, none for a regular tour.
    """
    count, before = 0, tour.makes_up_for_id
    while before is not None and count < most:
        count += 1
        before = Tour.objects.filter(pk=before).values_list("makes_up_for_id", flat=True).first()
    return count


def found_after(tour: Tour) -> datetime:
    """When missed points nobody explained become a finding: as the phones may have reported, a day after one's own end."""
    ended = tour.status == TourStatus.PARTIAL and tour.abandoned_at is None
    return tour.ends_at + (EXPLAIN_WITHIN if ended else OFFLINE)


def where(full_name: str) -> str:
    """A point as people say it: building, floor and point, without the campus."""
    return full_name.split(" / ", 1)[-1]


def _refuse(by: Actor) -> None:
    guest = by.grant_id is not None and not policies.reads_all(by)
    if not by.is_system and (guest or not by.roles or not by.may(policies.READ)):
        raise NotAllowed


def visible_routes(by: Actor) -> QuerySet[Route]:
    """Routes an actor may see: all for those who oversee, those of their own party for others. Raises NotAllowed."""
    _refuse(by)
    rows = Route.objects.select_related("party")
    if policies.reads_all(by):
        return rows
    return rows.filter(party_id__in=organisation.party_ids_seen_by(by) or [])


def visible_tours(by: Actor) -> QuerySet[Tour]:
    """Tours of the routes an actor may see. Raises NotAllowed."""
    _refuse(by)
    if policies.reads_all(by):
        return Tour.objects.all()
    own = Q(route__party_id__in=organisation.party_ids_seen_by(by) or [])
    if by.account_id is not None and by.grant_id is None:
        own |= Q(walker_id=by.account_id)  # a walk begun for one contract is ended after the move to the next
    return Tour.objects.filter(own)


def locked_route(route_id: UUID) -> Route:
    """For operations that have asked their policy. Raises NotFound."""
    row = Route.objects.select_for_update().filter(pk=route_id).first()
    if row is None:
        raise NotFound
    return row


def routes(*, by: Actor, active: bool | None = True, text: str = "", party_id: UUID | None = None) -> QuerySet[Route]:
    """Routes with `point_count`, by name."""
    rows = visible_routes(by).annotate(
        point_count=Count("points", filter=Q(points__removed_at__isnull=True), distinct=True)
    )
    if active is not None:
        rows = rows.filter(active=active)
    if text:
        rows = rows.filter(name__icontains=text.strip())
    if party_id:
        rows = rows.filter(party_id=party_id)
    return rows.order_by("name")


def route(*, route_id: UUID, by: Actor) -> Route:
    """One route. Raises NotFound, also for one the actor may not see."""
    row = visible_routes(by).filter(pk=route_id).first()
    if row is None:
        raise NotFound
    return row


def points_of(route_ids: Iterable[UUID]) -> list[tuple[UUID, Point]]:
    """(route id, point) pairs in order, with place and questions. Two queries."""
    rows = (
        Point.objects.filter(route_id__in=list(route_ids), removed_at__isnull=True)
        .select_related("place")
        .prefetch_related(Prefetch("questions", Question.objects.filter(removed_at__isnull=True), to_attr="asked"))
        .order_by("position")
    )
    return [(row.route_id, row) for row in rows]


def walked_routes() -> list[UUID]:
    """The routes with tours that are due, for the system."""
    return list(Tour.objects.filter(status=TourStatus.DUE).values_list("route_id", flat=True).distinct())


def windows_of(route_ids: Iterable[UUID]) -> list[tuple[UUID, Window]]:
    """(route id, window) pairs, earliest first."""
    rows = Window.objects.filter(route_id__in=list(route_ids), removed_at__isnull=True).order_by("start_minute")
    return [(row.route_id, row) for row in rows]


def _with_counts(rows: QuerySet[Tour]) -> QuerySet[Tour]:
    return rows.select_related("route__party").annotate(
        stop_count=Count("stops"),
        seen_count=Count("stops", filter=Q(stops__status=StopStatus.SEEN)),
        open_count=Count("stops", filter=Q(stops__status=StopStatus.MISSED, stops__made_up_by__isnull=True)),
        waiting_count=Count("stops", filter=Q(stops__status=StopStatus.EXPLAINED)),
    )


def tours(
    *,
    by: Actor,
    status: str = "",
    route_id: UUID | None = None,
    party_id: UUID | None = None,
    from_day: date | None = None,
    until_day: date | None = None,
    doubtful: bool = False,
    unexplained: bool = False,
    waiting: bool = False,
    text: str = "",
) -> QuerySet[Tour]:
    """Tours, newest first, with `stop_count`, `seen_count`, `open_count` (missed without a word) and
    `waiting_count` (explained, neither accepted nor refused)."""
    rows = visible_tours(by)
    if status:
        rows = rows.filter(status=status)
    if route_id:
        rows = rows.filter(route_id=route_id)
    if party_id:
        rows = rows.filter(route__party_id=party_id)
    if from_day:
        rows = rows.filter(day__gte=from_day)
    if until_day:
        rows = rows.filter(day__lte=until_day)
    if doubtful:
        rows = rows.filter(credibility__lt=DOUBTFUL)
    if unexplained:
        missed = Stop.objects.filter(tour=OuterRef("pk"), status=StopStatus.MISSED, made_up_by__isnull=True)
        rows = rows.filter(Exists(missed))
    if waiting:
        rows = rows.filter(Exists(Stop.objects.filter(tour=OuterRef("pk"), status=StopStatus.EXPLAINED)))
    if text:
        rows = rows.filter(Q(number__icontains=text) | Q(walker_name__icontains=text) | Q(route__name__icontains=text))
    return _with_counts(rows).order_by("-starts_at", "-number")


def tour(*, tour_id: UUID, by: Actor) -> Tour:
    """One tour with route and counts. Raises NotFound, also for one the actor may not see."""
    row = _with_counts(visible_tours(by).select_related("makes_up_for")).filter(pk=tour_id).first()
    if row is None:
        raise NotFound
    return row


def tours_by_id(ids: Iterable[UUID], *, by: Actor) -> dict[UUID, Tour]:
    """Tours by id, those not visible left out: one query."""
    return {row.pk: row for row in _with_counts(visible_tours(by)).filter(pk__in=list(ids))}


def stops_of(tour_ids: Iterable[UUID]) -> list[tuple[UUID, Stop]]:
    """(tour id, stop) pairs in the order of the route, with point, place and make-up tour. One query."""
    rows = (
        Stop.objects.filter(tour_id__in=list(tour_ids))
        .select_related("point__place", "made_up_by")
        .order_by("position")
    )
    return [(row.tour_id, row) for row in rows]


def points_to_make_up(tour: Tour) -> set[UUID]:
    """The points a make-up tour is for."""
    return set(Stop.objects.filter(made_up_by=tour).values_list("point_id", flat=True))


def mine(*, by: Actor, now: datetime) -> QuerySet[Tour]:
    """For the phone: tours this person may walk now or within twelve hours, and what they have begun."""
    soon = Q(status=TourStatus.DUE, ends_at__gt=now, starts_at__lt=now + timedelta(hours=12))
    begun = Q(status=TourStatus.WALKING, walker_id=by.account_id)
    return (
        _with_counts(visible_tours(by).filter(soon | begun, route__active=True))
        .select_related("route__party")
        .order_by("starts_at")
    )


def walks(staff_ids: Collection[UUID], now: datetime) -> dict[UUID, Walk]:
    """Who of these people is on a tour now (巡逻中), for the board of attendance: one query."""
    rows = Tour.objects.filter(
        status=TourStatus.WALKING, walker_staff_id__in=staff_ids, started_at__gt=now - LONGEST_WALK, started_at__lte=now
    ).select_related("route")
    return {
        row.walker_staff_id: Walk(row.route.name, row.started_at)
        for row in rows.order_by("started_at")
        if row.walker_staff_id and row.started_at
    }


def unjudged(*, before: datetime) -> list[UUID]:
    """Ended tours still without a judgement that no worker is at: what a lost message would have done."""
    rows = Tour.objects.filter(
        status__in=CLOSED, started_at__isnull=False, judged_at__isnull=True, received_at__lt=before
    ).filter(Q(comparing_at__isnull=True) | Q(comparing_at__lt=before - timedelta(minutes=15)))
    return list(rows.order_by("received_at").values_list("pk", flat=True)[:500])


def summary(*, by: Actor, from_day: date, until_day: date) -> dict[str, float | int | None]:
    """Figures over the lists: due, walked, missed, points without a word, doubtful, mean credibility."""
    rows = visible_tours(by).filter(day__gte=from_day, day__lte=until_day)
    ended = Q(status__in=CLOSED)
    found = rows.aggregate(
        due=Count("pk", filter=ended),
        done=Count("pk", filter=Q(status=TourStatus.DONE)),
        missed=Count("pk", filter=Q(status=TourStatus.MISSED)),
        doubtful=Count("pk", filter=Q(credibility__lt=DOUBTFUL)),
        credibility=Avg("credibility"),
    )
    found["unexplained"] = Stop.objects.filter(
        tour__in=rows.values("pk"), status=StopStatus.MISSED, made_up_by__isnull=True
    ).count()
    found["waiting"] = Stop.objects.filter(tour__in=rows.values("pk"), status=StopStatus.EXPLAINED).count()
    return found


def shows_evidence(actor: Actor, evidence_id: UUID) -> bool:
    """Witness for evidence: a photo of a tour the actor may see."""
    if not actor.roles or actor.grant_id is not None or not actor.may(policies.READ):
        return False
    return Stop.objects.filter(photo_ids__contains=[evidence_id], tour__in=visible_tours(actor).values("pk")).exists()
