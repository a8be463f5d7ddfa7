"""All reads of rosters.

Functions that take `by` check who asks and cut the rows to what that person may see; those without serve
other features, which ask their own policies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, QuerySet

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.calendar import queries as calendar
from tenants.organisation import queries as organisation
from tenants.rosters import followed, forecast, policies
from tenants.rosters import manning as manning_of
from tenants.rosters.away import leaves_over
from tenants.rosters.choices import Grade, RequestStatus, SwapStatus
from tenants.rosters.contracts import CONTRACTED, Contracted, ContractedHour, Gap, Manning
from tenants.rosters.models import (
    Assignment,
    Coverage,
    Leave,
    Pattern,
    PatternUse,
    PostTerms,
    Rule,
    Segment,
    Shift,
    ShiftInstance,
    Swap,
)
from tenants.rosters.people import check_days
from tenants.rosters.windows import clock_text

_CONTRACTED_DAYS = (
    "SELECT post_id, party_id, line, day, starts_at, ends_at, persons, hourly_rate"  # noqa: S608 (constants)
    " FROM (" + CONTRACTED + ") c ORDER BY starts_at, post_id"
)  # fmt: skip
_CONTRACTED_HOURS = (
    "WITH c AS (" + CONTRACTED + ")"  # noqa: S608 (constants)
    " SELECT c.post_id, c.party_id, c.line, h.hour,"
    " sum(c.persons * extract(epoch FROM least(c.ends_at, h.hour + interval '1 hour')"
    " - greatest(c.starts_at, h.hour)) / 60)::int, max(c.hourly_rate)"
    " FROM c CROSS JOIN LATERAL generate_series("
    "date_trunc('hour', c.starts_at), c.ends_at - interval '1 microsecond', interval '1 hour') AS h(hour)"
    " GROUP BY 1, 2, 3, 4 ORDER BY 4, 1"
)  # fmt: skip

# --- For other features --------------------------------------------------------------------------


def instance(instance_id: UUID) -> ShiftInstance:
    """One instance, live or cancelled. Raises NotFound."""
    row = ShiftInstance.objects.filter(pk=instance_id).first()
    if row is None:
        raise NotFound
    return row


def instances_of_staff(staff_ids: Iterable[UUID], first: datetime, last: datetime) -> list[ShiftInstance]:
    """Live instances of people whose windows touch the half-open time, in order: one query."""
    rows = ShiftInstance.objects.filter(
        staff_id__in=list(staff_ids), cancelled_at__isnull=True, in_from__lt=last, out_until__gt=first
    )
    return list(rows.order_by("starts_at"))


def shifts_of_assignments(ids: Iterable[UUID]) -> dict[UUID, Shift | None]:
    """The shift of each assignment (None: rest): one query."""
    rows = Assignment.objects.filter(pk__in=set(ids)).select_related("shift")
    return {a.pk: a.shift for a in rows}


def grades_of_posts(post_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The grade of evidence each post asks for: one query."""
    known = dict(PostTerms.objects.filter(post_id__in=set(post_ids)).values_list("post_id", "grade"))
    return {i: known.get(i, Grade.C) for i in post_ids}


def approved_leaves(staff_ids: Iterable[UUID], first: datetime, last: datetime) -> list[Leave]:
    """Approved leaves that touch the half-open time, by start: one query."""
    rows = Leave.objects.filter(
        staff_id__in=list(staff_ids), status=RequestStatus.APPROVED, starts_at__lt=last, ends_at__gt=first
    )
    return list(rows.order_by("starts_at"))


def contracted_parameters(
    *, first: date, last: date, tenant: Tenant, post_ids: Iterable[UUID] | None = None,
    party_ids: Iterable[UUID] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The parameters of contracts.CONTRACTED, with the statutory holidays of the range from the calendar."""
    return {
        "first": first,
        "last": last,
        "tz": str(tenant.tz),
        "holidays": [d.day for d in calendar.days(first, last) if d.statutory],
        "posts": None if post_ids is None else list(post_ids),
        "parties": None if party_ids is None else list(party_ids),
    }


def coverage_minutes(
    *, first: date, last: date, tenant: Tenant, post_ids: Iterable[UUID] | None = None,
    party_ids: Iterable[UUID] | None = None,
) -> list[Contracted]:  # fmt: skip
    """What contracts ask of presence on the days of a range (both included), one row per post, day and stretch.

    Set-based: two queries however many posts and days (one reads the calendar).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _CONTRACTED_DAYS,
            contracted_parameters(first=first, last=last, tenant=tenant, post_ids=post_ids, party_ids=party_ids),
        )
        return [Contracted(*row) for row in cursor.fetchall()]


def contracted_hours(
    *, first: date, last: date, tenant: Tenant, post_ids: Iterable[UUID] | None = None,
    party_ids: Iterable[UUID] | None = None,
) -> list[ContractedHour]:  # fmt: skip
    """The same by clock hour, as person-minutes within each hour that it touches. Set-based."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CONTRACTED_HOURS,
            contracted_parameters(first=first, last=last, tenant=tenant, post_ids=post_ids, party_ids=party_ids),
        )
        return [ContractedHour(*row) for row in cursor.fetchall()]


def visible_coverage(
    *, by: Actor, first: date, last: date, tenant: Tenant, party_id: UUID | None = None, post_id: UUID | None = None
) -> list[Contracted]:
    """`coverage_minutes` for what `by` may see. Raises NotAllowed."""
    if not policies.reads_grid(by):
        raise NotAllowed
    check_days(first, last, field="first_day")
    seen = policies.party_ids(by)
    parties = seen if party_id is None else ({party_id} if seen is None or party_id in seen else set())
    return coverage_minutes(
        first=first, last=last, tenant=tenant, party_ids=parties, post_ids=None if post_id is None else [post_id]
    )


# --- Set-up --------------------------------------------------------------------------------------


def _setup(by: Actor) -> None:
    if not policies.reads_setup(by):
        raise NotAllowed


def shifts(*, by: Actor, active: bool | None = True) -> QuerySet[Shift]:
    """Shift definitions with their segments. Raises NotAllowed."""
    _setup(by)
    rows = Shift.objects.prefetch_related("segments").order_by("-active", "position", "name")
    return rows if active is None else rows.filter(active=active)


def shift(shift_id: UUID, *, by: Actor) -> Shift:
    """Raises NotAllowed, NotFound."""
    row = shifts(by=by, active=None).filter(pk=shift_id).first()
    if row is None:
        raise NotFound
    return row


def segments(shift_ids: Iterable[UUID]) -> list[tuple[UUID, Segment]]:
    """(shift id, segment) pairs in order: one query."""
    rows = Segment.objects.filter(shift_id__in=set(shift_ids)).order_by("shift_id", "position")
    return [(s.shift_id, s) for s in rows]


def times_text(parts: Sequence[Segment]) -> str:
    """08:00—12:00、14:00—18:00."""
    return "、".join(f"{clock_text(s.start_minute)}—{clock_text(s.end_minute)}" for s in parts)


def rules(*, by: Actor, scope: str = "", party_id: UUID | None = None, post_id: UUID | None = None) -> QuerySet[Rule]:
    """Every version, newest first; companies see the school's and their own. Raises NotAllowed."""
    if not policies.reads_grid(by):
        raise NotAllowed
    rows = Rule.objects.select_related("party", "post", "post__party")
    seen = policies.party_ids(by)
    if seen is not None:
        rows = rows.filter(Q(party__isnull=True, post__isnull=True) | Q(party_id__in=seen) | Q(post__party_id__in=seen))
    if scope:
        rows = rows.filter(scope=scope)
    if party_id:
        rows = rows.filter(party_id=party_id)
    if post_id:
        rows = rows.filter(post_id=post_id)
    return rows.order_by("scope", "party__name", "post__name", "-valid_from")


def coverages(*, by: Actor, post_id: UUID | None = None, party_id: UUID | None = None) -> QuerySet[Coverage]:
    """Contracted presence of posts `by` may see. Raises NotAllowed."""
    if not policies.reads_grid(by):
        raise NotAllowed
    rows = Coverage.objects.select_related("post", "post__party")
    seen = policies.party_ids(by)
    if seen is not None:
        rows = rows.filter(post__party_id__in=seen)
    if post_id:
        rows = rows.filter(post_id=post_id)
    if party_id:
        rows = rows.filter(post__party_id=party_id)
    return rows.order_by("post__party__name", "post__name", "start_minute")


def terms(*, by: Actor, post_ids: Iterable[UUID]) -> dict[UUID, PostTerms]:
    """Terms by post, those `by` may see; without any, left out. Raises NotAllowed."""
    if not policies.reads_grid(by):
        raise NotAllowed
    rows = PostTerms.objects.filter(post_id__in=list(post_ids))
    seen = policies.party_ids(by)
    if seen is not None:
        rows = rows.filter(post__party_id__in=seen)
    return {t.post_id: t for t in rows}


def coverage(coverage_id: UUID, *, by: Actor) -> Coverage:
    """Raises NotAllowed, NotFound."""
    row = coverages(by=by).filter(pk=coverage_id).first()
    if row is None:
        raise NotFound
    return row


def patterns(*, by: Actor, active: bool | None = True) -> QuerySet[Pattern]:
    """Repeat patterns with how many people follow them now (`followers`). Raises NotAllowed."""
    if not policies.reads_grid(by):
        raise NotAllowed
    rows = Pattern.objects.annotate(followers=Count("uses", filter=Q(uses__ends_on__isnull=True)))
    return rows if active is None else rows.filter(active=active)


def pattern(pattern_id: UUID, *, by: Actor) -> Pattern:
    """Raises NotAllowed, NotFound."""
    row = patterns(by=by, active=None).filter(pk=pattern_id).first()
    if row is None:
        raise NotFound
    return row


def pattern_uses(*, by: Actor, pattern_id: UUID | None = None, today: date | None = None) -> QuerySet[PatternUse]:
    """Who follows which cycle; with `today` only those that have not ended. Raises NotAllowed."""
    if not policies.reads_grid(by):
        raise NotAllowed
    rows = PatternUse.objects.select_related("pattern", "staff", "post", "place")
    seen = policies.party_ids(by)
    if seen is not None:
        rows = rows.filter(staff__party_id__in=seen)
    if pattern_id:
        rows = rows.filter(pattern_id=pattern_id)
    if today:
        rows = rows.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=today))
    return rows.order_by("staff__pinyin", "starts_on")


# --- Rosters -------------------------------------------------------------------------------------


def assignments(
    *,
    by: Actor,
    first: date,
    last: date,
    party_id: UUID | None = None,
    post_id: UUID | None = None,
    place_id: UUID | None = None,
    staff_id: UUID | None = None,
    published: bool | None = None,
) -> QuerySet[Assignment]:
    """Live cells of a range (both days included) `by` may see; frontline workers their own published ones."""
    rows = Assignment.objects.filter(cancelled_at__isnull=True, day__gte=first, day__lte=last)
    if not policies.reads_grid(by):
        if not by.may(policies.READ) or by.staff_id is None:
            raise NotAllowed
        rows = rows.filter(staff_id__in=by.staff_ids, published_at__isnull=False)
    else:
        seen = policies.party_ids(by)
        if seen is not None:
            rows = rows.filter(staff__party_id__in=seen)
    if party_id:
        rows = rows.filter(staff__party_id=party_id)
    if post_id:
        rows = rows.filter(post_id=post_id)
    if place_id:
        rows = rows.filter(place_id=place_id)
    if staff_id:
        rows = rows.filter(staff_id=staff_id)
    if published is not None:
        rows = rows.filter(published_at__isnull=not published)
    return rows.select_related("staff", "shift", "post", "place").order_by("day", "staff__pinyin", "pk")


def instances(
    *, by: Actor, first: date, last: date, party_id: UUID | None = None, post_id: UUID | None = None,
    staff_id: UUID | None = None,
) -> QuerySet[ShiftInstance]:  # fmt: skip
    """Live shift instances of roster days `by` may see; frontline workers their own."""
    rows = ShiftInstance.objects.filter(cancelled_at__isnull=True, day__gte=first, day__lte=last)
    if not policies.reads_grid(by):
        if not by.may(policies.READ) or by.staff_id is None:
            raise NotAllowed
        rows = rows.filter(staff_id__in=by.staff_ids)
    else:
        seen = policies.party_ids(by)
        if seen is not None:
            rows = rows.filter(Q(party_id__in=seen) | Q(staff__party_id__in=seen))
    if party_id:
        rows = rows.filter(party_id=party_id)
    if post_id:
        rows = rows.filter(post_id=post_id)
    if staff_id:
        rows = rows.filter(staff_id=staff_id)
    return rows.select_related("staff", "post", "place", "assignment__shift").order_by("starts_at", "pk")


def own_days(*, by: Actor, first: date, last: date) -> list[Assignment]:
    """The worker's own published roster, of all their staff rows. Raises NotAllowed."""
    if by.staff_id is None or not by.may(policies.READ):
        raise NotAllowed
    rows = Assignment.objects.filter(
        staff_id__in=by.staff_ids, cancelled_at__isnull=True, published_at__isnull=False, day__gte=first, day__lte=last
    )
    rows = rows.select_related("staff__party", "shift", "post", "place").prefetch_related("shift__segments")
    return list(rows.order_by("day", "pk"))


def colleagues(*, by: Actor, day: date, post_ids: Iterable[UUID]) -> dict[UUID, list[tuple[str, str]]]:
    """By post: names of who works there that day and with which shift; nothing else of them is told to a worker.

    Only for posts at which the asker is themselves rostered or employed. Raises NotAllowed.
    """
    if by.staff_id is None or not by.may(policies.READ):
        raise NotAllowed
    mine = set(
        Assignment.objects.filter(
            staff_id__in=by.staff_ids, cancelled_at__isnull=True, published_at__isnull=False,
            day__gte=day - timedelta(days=31), day__lte=day + timedelta(days=31), post_id__in=list(post_ids),
        ).values_list("post_id", flat=True)
    )  # fmt: skip
    rows = (
        Assignment.objects.filter(
            post_id__in=[i for i in mine if i],
            day=day,
            cancelled_at__isnull=True,
            published_at__isnull=False,
            shift__isnull=False,
        )
        .exclude(staff_id__in=by.staff_ids)
        .order_by("staff__pinyin")
        .values_list("post_id", "staff__name", "shift__name")
    )
    found: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    for post_id, name, shift_name in rows:
        found[post_id].append((name, shift_name))
    return found


def swap_partners(*, by: Actor, assignment: Assignment) -> list[tuple[UUID, str]]:
    """(id, name) of colleagues at the same post who could take the asker's shift, none on leave. Raises NotAllowed."""
    if not policies.is_own(by, assignment.staff_id) or assignment.post_id is None:
        raise NotAllowed
    around = Assignment.objects.filter(
        post_id=assignment.post_id, cancelled_at__isnull=True, published_at__isnull=False,
        day__gte=assignment.day - timedelta(days=31), day__lte=assignment.day + timedelta(days=31),
        staff__party_id=assignment.staff.party_id, staff__status="active",
    ).exclude(staff_id__in=by.staff_ids)  # fmt: skip
    rows = dict(around.order_by("staff__pinyin").values_list("staff_id", "staff__name").distinct())
    parts = ShiftInstance.objects.filter(assignment=assignment, cancelled_at__isnull=True)
    gone = {i for i, _day in leaves_over([(who, p.day, p.starts_at, p.ends_at) for who in rows for p in parts])}
    return [(who, name) for who, name in rows.items() if who not in gone]


def counters(*, by: Actor, assignment: Assignment, taker_id: UUID, today: date) -> list[Assignment]:
    """The colleague's coming shifts at the same post that could be given in return. Raises NotAllowed."""
    if assignment.post_id is None or taker_id not in dict(swap_partners(by=by, assignment=assignment)):
        raise NotAllowed
    rows = Assignment.objects.filter(
        staff_id=taker_id, post_id=assignment.post_id, shift__isnull=False, cancelled_at__isnull=True,
        published_at__isnull=False, day__gte=today, day__lte=assignment.day + timedelta(days=31),
    )  # fmt: skip
    return list(rows.select_related("shift").order_by("day")[:62])


def own_assignment(assignment_id: UUID, *, by: Actor) -> Assignment:
    """A shift on the worker's own published roster. Raises NotFound."""
    row = (
        Assignment.objects.select_related("staff", "shift", "post")
        .filter(pk=assignment_id, cancelled_at__isnull=True, published_at__isnull=False)
        .first()
    )
    if row is None or not policies.is_own(by, row.staff_id):
        raise NotFound
    return row


def drafts_count(*, by: Actor, first: date, last: date, party_id: UUID | None = None) -> int:
    """How many cells of the range wait to be published."""
    return assignments(by=by, first=first, last=last, party_id=party_id, published=False).order_by().count()


def grid_people(
    *, by: Actor, first: date, last: date, search: str = "", party_id: UUID | None = None, post_id: UUID | None = None,
    place_id: UUID | None = None,
) -> QuerySet[Any]:  # fmt: skip
    """The rows of the grid: who works (or worked) in these days, by the filters; of a post or place also who is rostered
    there. Who reads rosters and not people (policies.names_only) sees whom these days' roster is about. Raises NotAllowed.
    """
    there = assignments(by=by, first=first, last=last, post_id=post_id, place_id=place_id)
    rostered = there.order_by().values("staff_id")
    if policies.names_only(by):
        rows = organisation.people_called(search).filter(pk__in=rostered)
        return rows.filter(party_id=party_id) if party_id else rows
    rows = organisation.staff(by=by, search=search, party_id=party_id, status=None)
    rows = rows.exclude(left_on__lt=first).exclude(hired_on__gt=last)
    if post_id or place_id:
        ids = set(rostered.values_list("staff_id", flat=True))
        own = set(rows.filter(post_id=post_id).values_list("pk", flat=True)) if post_id else set()
        rows = rows.filter(pk__in=ids | own)
    return rows.order_by("party__name", "post__name", "pinyin", "number")


def posts_rostered(*, by: Actor, first: date, last: date) -> list[Any]:
    """The posts that the cells of these days name. Two queries."""
    ids = assignments(by=by, first=first, last=last).exclude(post=None).order_by().values_list("post_id", flat=True)
    return sorted(organisation.posts_by_id(set(ids)).values(), key=lambda p: str(p.name))


def headcount(*, by: Actor, first: date, last: date, staff_ids: Any, besides: Iterable[UUID] = ()) -> dict[date, int]:
    """How many of these people have a shift on each day, `besides` left out; `staff_ids` may be a subquery."""
    rows = assignments(by=by, first=first, last=last).filter(staff_id__in=staff_ids, shift__isnull=False)
    counted = rows.exclude(staff_id__in=list(besides)).order_by().values_list("day")
    return dict(counted.annotate(people=Count("staff_id", distinct=True)))


def shift_heads(*, by: Actor, day: date, staff_ids: Any) -> dict[UUID | None, int]:
    """How many of these people have each shift on a day (None: rest); `staff_ids` may be a subquery. One query."""
    rows = assignments(by=by, first=day, last=day).filter(staff_id__in=staff_ids)
    return dict(rows.order_by().values_list("shift_id").annotate(people=Count("staff_id", distinct=True)))


def manning(
    *, by: Actor, first: date, last: date, tenant: Tenant, party_id: UUID | None = None, post_id: UUID | None = None,
    by_hour: bool = False,
) -> list[Manning]:  # fmt: skip
    """What contracts ask against what is rostered (drafts count), per post and day, or hour. Two queries.

    Raises NotAllowed.
    """
    if not policies.reads_grid(by):
        raise NotAllowed
    check_days(first, last, field="first_day")
    seen = policies.party_ids(by)
    parties = seen if party_id is None else {party_id} if seen is None else seen & {party_id}
    return manning_of.manning(
        first=first,
        parameters=contracted_parameters(
            first=manning_of.before(first), last=last, tenant=tenant, party_ids=parties,
            post_ids=None if post_id is None else [post_id],
        ),
        by_hour=by_hour,
    )  # fmt: skip


def changed_days(*, by: Actor, first: date, last: date, tenant: Tenant, now: datetime) -> list[followed.ChangedDay]:
    """Days of a range on which the calendar changed after rosters were made. Raises NotAllowed."""
    if not policies.reads_grid(by):
        raise NotAllowed
    today = now.astimezone(tenant.tz).date()
    return followed.shown(first=first, last=last, today=today, now=now, party_ids=policies.party_ids(by))


def gaps(*, by: Actor, today: date, tenant: Tenant, days: int = forecast.DAYS) -> list[Gap]:
    """The forecast for what `by` may see. Raises NotAllowed."""
    if not policies.reads_grid(by):
        raise NotAllowed
    return forecast.gaps(today=today, tz=tenant.tz, days=days, party_ids=policies.party_ids(by))


# --- Requests ------------------------------------------------------------------------------------


def leaves(
    *, by: Actor, status: str = "", party_id: UUID | None = None, staff_id: UUID | None = None,
    first: datetime | None = None, last: datetime | None = None, search: str = "", kind: str = "",
) -> QuerySet[Leave]:  # fmt: skip
    """Leaves `by` may see, newest first; frontline workers their own. Raises NotAllowed."""
    rows = Leave.objects.select_related("staff", "staff__party", "staff__post")
    if not policies.reads_grid(by):
        if by.staff_id is None or not by.may(policies.READ):
            raise NotAllowed
        rows = rows.filter(staff_id__in=by.staff_ids)
    else:
        seen = policies.party_ids(by)
        if seen is not None:
            rows = rows.filter(staff__party_id__in=seen)
    if status:
        rows = rows.filter(status=status)
    if party_id:
        rows = rows.filter(staff__party_id=party_id)
    if staff_id:
        rows = rows.filter(staff_id=staff_id)
    if kind:
        rows = rows.filter(kind=kind)
    if search.strip():
        rows = rows.filter(staff__in=organisation.people_called(search).order_by().values("pk"))
    if first:
        rows = rows.filter(ends_at__gt=first)
    if last:
        rows = rows.filter(starts_at__lt=last)
    return rows.order_by("-asked_at", "pk")


def leave(leave_id: UUID, *, by: Actor) -> Leave:
    """Raises NotAllowed, NotFound."""
    row = leaves(by=by).filter(pk=leave_id).first()
    if row is None:
        raise NotFound
    return row


def swaps(*, by: Actor, status: str = "", party_id: UUID | None = None, search: str = "") -> QuerySet[Swap]:
    """Swaps `by` may see, newest first; frontline workers those they are part of. Raises NotAllowed."""
    rows = Swap.objects.select_related(
        "assignment__staff__party", "assignment__shift", "assignment__post", "counter__shift", "taker"
    )
    if not policies.reads_grid(by):
        if by.staff_id is None or not by.may(policies.READ):
            raise NotAllowed
        rows = rows.filter(Q(assignment__staff_id__in=by.staff_ids) | Q(taker_id__in=by.staff_ids))
    else:
        seen = policies.party_ids(by)
        if seen is not None:
            rows = rows.filter(assignment__staff__party_id__in=seen)
    if status:
        rows = rows.filter(status=status)
    if party_id:
        rows = rows.filter(assignment__staff__party_id=party_id)
    if search.strip():
        people = organisation.people_called(search).order_by().values("pk")
        rows = rows.filter(Q(assignment__staff__in=people) | Q(taker__in=people))
    return rows.order_by("-asked_at", "pk")


def swap(swap_id: UUID, *, by: Actor) -> Swap:
    """Raises NotAllowed, NotFound."""
    row = swaps(by=by).filter(pk=swap_id).first()
    if row is None:
        raise NotFound
    return row


def pending(by: Actor) -> int:
    """How many requests wait for a decision that `by` may take."""
    if not policies.edits(by):
        return 0
    waiting = leaves(by=by, status=RequestStatus.PENDING).exclude(asked_by=by.account_id)
    return waiting.count() + swaps(by=by, status=SwapStatus.ACCEPTED).count()


def own_open_requests(by: Actor) -> int:
    """Swaps that wait for the worker's own answer."""
    if by.staff_id is None:
        return 0
    return Swap.objects.filter(taker_id__in=by.staff_ids, status=SwapStatus.ASKED).count()
