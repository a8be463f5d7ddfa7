"""All reads of punches. Functions that take `by` show only what that person may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery

from identity.choices import Role
from identity.contracts import Actor
from kernel.clock import day_bounds
from kernel.errors import NotAllowed, NotFound
from tenants.organisation import queries as organisation
from tenants.organisation.choices import CertificateKind
from tenants.organisation.models import Post, Staff
from tenants.organisation.pinyin import search_key
from tenants.punches import policies
from tenants.punches.choices import AppealStatus, ClockBasis, FenceShape, PhotoState, PunchStatus
from tenants.punches.contracts import Phones, Uncertified
from tenants.punches.fences import EDGE_M, USABLE_M, Zone, judge
from tenants.punches.models import Appeal, Device, Dirty, Fence, PhotoCheck, Punch, Setting, Unmatched

OWN_PHOTOS, POST_PHOTOS = timedelta(days=180), timedelta(days=31)  # how far back photos are compared
ENOUGH_POSITIONS = 5  # from which on a fence that none of them fits is doubted
RECENT = timedelta(days=30)  # over which phones and people are looked at


def uncertified(punch_ids: Iterable[int], *, tz: ZoneInfo) -> list[Uncertified]:
    """Accepted punches at a post without the certificates it requires, earliest first, for other features: one query."""
    rows = Punch.objects.filter(pk__in=list(punch_ids), status=PunchStatus.ACCEPTED, post__isnull=False)
    return [
        Uncertified(
            punch_id=row.pk, staff_id=row.staff_id, staff_name=row.staff.name, post_id=row.post.pk,
            post_name=row.post.name, line=row.post.line, party_id=row.post.party_id,
            place_id=row.place_id or row.post.place_id, day=row.at.astimezone(tz).date(),
            kinds=tuple(str(CertificateKind(k).label) for k in row.lacking if k in CertificateKind.values),
        )
        for row in rows.exclude(lacking=[]).select_related("staff", "post").order_by("at", "pk")
        if row.post is not None
    ]  # fmt: skip


def setting(*, by: Actor) -> Setting:
    """How long positions are kept; the defaults where nothing was set. For the school's people. Raises NotAllowed."""
    if not by.is_system and not (by.may(policies.READ) and (by.roles or by.grant_id)):
        raise NotAllowed
    return Setting.objects.first() or Setting()


def visible(by: Actor) -> QuerySet[Punch]:
    """The punches an actor may see: all for the office, a company's own people, one's own for everybody else.

    Raises NotAllowed for people without a role here and tokens without the scope.
    """
    if by.is_system:
        return Punch.objects.all()
    if not by.may(policies.READ) or not (by.roles or by.grant_id):
        raise NotAllowed
    if policies.reads_all(by):
        return Punch.objects.all()
    if by.grant_id is not None:
        raise NotAllowed
    mine = Q(pk__in=[])
    if by.provider_ids and by.has(Role.PROVIDER_MANAGER):
        # By the post for which it was made: who changes the company does not bring their past along.
        mine |= Q(post__party__provider_id__in=by.provider_ids)
        mine |= Q(post__isnull=True, staff__party__provider_id__in=by.provider_ids)
    if by.staff_ids:
        mine |= Q(staff__in=by.staff_ids)
    return Punch.objects.filter(mine)


def punch(*, punch_id: int, by: Actor) -> Punch:
    """One punch with person, post, place and device. Raises NotFound, also for one the actor may not see."""
    row = visible(by).select_related("staff__party", "post", "place", "device").filter(pk=punch_id).first()
    if row is None:
        raise NotFound
    return row


def listing(
    *,
    by: Actor,
    tz: ZoneInfo,
    text: str = "",
    staff_id: UUID | None = None,
    post_id: UUID | None = None,
    party_id: UUID | None = None,
    device_id: UUID | None = None,
    from_day: date | None = None,
    until_day: date | None = None,
    grade: str = "",
    status: str = "",
    source: str = "",
    mark: str = "",
) -> QuerySet[Punch]:
    """Punches `by` may see, newest first.

    Days are local and both included. `mark`: "lacking" (certificate), "late" (arrived an hour or more
    after), "claimed" (time could not be checked), "appeal" (an appeal waits),
    "photo" (looks like an earlier photo; for the office alone).
    """
    rows = visible(by).select_related("staff__party", "post", "place", "device")
    if text.strip():
        word = text.strip()
        rows = rows.filter(
            Q(staff__name__icontains=word)
            | Q(staff__number__istartswith=word)
            | Q(staff__pinyin__contains=search_key(word))
        )
    same = {"staff_id": staff_id, "post_id": post_id, "staff__party_id": party_id, "device_id": device_id}
    rows = rows.filter(**{name: value for name, value in same.items() if value})
    codes = {"grade": grade, "status": status, "source": source}
    rows = rows.filter(**{name: value for name, value in codes.items() if value})
    if from_day:
        rows = rows.filter(at__gte=day_bounds(from_day, tz)[0])
    if until_day:
        rows = rows.filter(at__lt=day_bounds(until_day, tz)[1])
    if mark == "lacking":
        rows = rows.exclude(lacking=[])
    elif mark == "late":
        rows = rows.filter(received_at__gte=F("at") + timedelta(hours=1))
    elif mark == "claimed":
        rows = rows.filter(clock=ClockBasis.CLAIMED)
    elif mark == "photo":
        rows = (
            rows.filter(photo_check__state=PhotoState.ALIKE) if policies.reads_all(by) or by.is_system else rows.none()
        )
    elif mark == "appeal":
        rows = rows.filter(appeals__status=AppealStatus.OPEN)
    return rows.order_by("-at", "-id")


def own(*, by: Actor, limit: int = 20) -> list[Punch]:
    """The person's own newest punches, at whichever party, with their place and post."""
    if by.staff_id is None:
        return []
    rows = visible(by).filter(staff_id__in=by.staff_ids).select_related("post", "place", "device")
    return list(rows.order_by("-at", "-id")[:limit])


def own_by_client_id(client_id: UUID, *, by: Actor) -> Punch | None:
    """The actor's own punch that was sent under this id."""
    return Punch.objects.filter(staff_id__in=by.staff_ids, client_id=client_id).first() if by.staff_ids else None


def phones_of(rows: Iterable[Punch], *, now: datetime) -> dict[int, Phones]:
    """For phone punches of the last 30 days: how many phones the person used, how many others this phone. Two queries.

    The caller has read the punches.
    """
    asked = [r for r in rows if r.phone_id]
    if not asked:
        return {}
    recent = Punch.objects.filter(received_at__gte=now - RECENT, phone_id__gt="")
    by_person = dict(
        recent.filter(staff_id__in={r.staff_id for r in asked})
        .values_list("staff_id")
        .annotate(n=Count("phone_id", distinct=True))
        .order_by()
    )
    by_phone = dict(
        recent.filter(phone_id__in={r.phone_id for r in asked})
        .values_list("phone_id")
        .annotate(n=Count("staff_id", distinct=True))
        .order_by()
    )
    return {
        r.pk: Phones(own=by_person.get(r.staff_id, 1), shared=max(0, by_phone.get(r.phone_id, 1) - 1)) for r in asked
    }


def counts(*, by: Actor, tz: ZoneInfo, today: date) -> dict[str, int]:
    """Numbers of today for the head of the list: one query."""
    start, end = day_bounds(today, tz)
    rows = visible(by).filter(at__gte=start, at__lt=end)
    return rows.aggregate(
        all=Count("pk"),
        refused=Count("pk", filter=Q(status=PunchStatus.REFUSED)),
        pending=Count("pk", filter=Q(status=PunchStatus.PENDING)),
        lacking=Count("pk", filter=~Q(lacking=[])),
    )


def rows_by_id(ids: Iterable[int], *, by: Actor) -> dict[int, Punch]:
    """Rows `by` may see, by id, for loaders: one query."""
    return {r.pk: r for r in visible(by).select_related("staff", "post", "place").filter(pk__in=list(set(ids)))}


def shows_evidence(actor: Actor, evidence_id: UUID) -> bool:
    """Witness for tenants.evidence: the photo belongs to a punch or an appeal the actor may see."""
    try:
        seen = visible(actor)
    except NotAllowed:
        return False
    taken_off = Q(photo_check__photo_id=evidence_id, photo_check__state=PhotoState.SAME)
    return seen.filter(Q(photo_id=evidence_id) | Q(appeals__photo_id=evidence_id) | taken_off).exists()


# --- Appeals -------------------------------------------------------------------------------------


def appeals(*, by: Actor, status: str = "") -> QuerySet[Appeal]:
    """Appeals against punches the actor may see, those that wait first."""
    rows = Appeal.objects.filter(punch__in=visible(by).values("pk"))
    rows = rows.select_related("punch__staff__party", "punch__post", "punch__place")
    if status:
        rows = rows.filter(status=status)
    return rows.annotate(waits=Q(status=AppealStatus.OPEN)).order_by("-waits", "-asked_at")


def photo_checks_of(punch_ids: Iterable[int]) -> dict[int, PhotoCheck]:
    """What the comparison of the photos said, by punch: one query. The caller has read the punches, as the office."""
    return {row.punch_id: row for row in PhotoCheck.objects.filter(punch_id__in=list(punch_ids))}


def open_photos(*, by: Actor) -> int:
    """How many photos wait for this person's look; for badges."""
    if not policies.decides(by):
        return 0
    rows = visible(by).filter(photo_check__state=PhotoState.ALIKE)
    return rows.exclude(staff_id__in=by.staff_ids).count()


def earlier_photos(row: Punch, *, photo_id: UUID) -> dict[UUID, int]:
    """{photo: punch} behind earlier punches of the same person, at whichever party, and of colleagues at the post.

    One's own refused ones do not count: who is told what was missing may bring the same photo again. Two queries.
    """
    rows = [row.staff_id, *(other.pk for other in organisation.sharing_login(row.staff))]
    mine = Q(staff_id__in=rows, at__gte=row.at - OWN_PHOTOS) & ~Q(status=PunchStatus.REFUSED)
    theirs = Q(post_id=row.post_id, at__gte=row.at - POST_PHOTOS) if row.post_id else Q(pk__in=[])
    found = Punch.objects.filter(mine | (theirs & ~Q(staff_id__in=rows)), photo_id__isnull=False, pk__lt=row.pk)
    pairs = found.exclude(photo_id=photo_id).order_by("pk").values_list("photo_id", "pk")
    return {photo: punch for photo, punch in pairs if photo is not None}


def appeals_of(punch_ids: Iterable[int]) -> list[tuple[int, Appeal]]:
    """(punch id, appeal) pairs, newest first: one query. The caller has read the punches."""
    rows = Appeal.objects.filter(punch_id__in=list(punch_ids)).order_by("-asked_at")
    return [(row.punch_id, row) for row in rows]


def open_appeals(*, by: Actor) -> int:
    """How many appeals wait for this person's decision; for badges."""
    return appeals(by=by, status=AppealStatus.OPEN).count() if policies.decides(by) else 0


# --- Fences --------------------------------------------------------------------------------------


def fences(*, by: Actor, post_id: UUID | None = None) -> QuerySet[Fence]:
    """The school's fences by post, for those who see all punches or the company's posts. Raises NotAllowed."""
    if not policies.reads_list(by):
        raise NotAllowed
    rows = Fence.objects.select_related("post__party", "post__place")
    if not policies.reads_all(by):
        rows = rows.filter(post__party__provider_id__in=by.provider_ids)
    if post_id:
        rows = rows.filter(post_id=post_id)
    return rows.order_by("post__party__name", "post__name", "name")


def fence(fence_id: UUID, *, by: Actor) -> Fence:
    """One fence. Raises NotFound, NotAllowed."""
    row = fences(by=by).filter(pk=fence_id).first()
    if row is None:
        raise NotFound
    return row


def posts_with_fences(*, by: Actor) -> list[Post]:
    """Active posts with `fence_count`, those without any fence first."""
    if not policies.reads_list(by):
        raise NotAllowed
    rows = list(organisation.posts(by=by))
    numbers = dict(Fence.objects.filter(active=True).values_list("post_id").annotate(n=Count("pk")).order_by())
    for row in rows:
        row.fence_count = numbers.get(row.pk, 0)  # type: ignore[attr-defined]
    return sorted(rows, key=lambda r: (r.fence_count > 0, r.party.name, r.name))  # type: ignore[attr-defined]


def zones_of(post_id: UUID | None) -> list[Zone]:
    """The active fences of a post as the pure rules take them."""
    if post_id is None:
        return []
    return [zone_of(row) for row in Fence.objects.filter(post_id=post_id, active=True)]


def zone_of(row: Fence) -> Zone:
    if row.shape == FenceShape.CIRCLE:
        return Zone(row.latitude or 0.0, row.longitude or 0.0, radius_m=float(row.radius_m or 0))
    corners = tuple((float(x), float(y)) for x, y in row.polygon)
    return Zone(corners[0][1], corners[0][0], corners=corners)


def dots(post_id: UUID, *, by: Actor, limit: int = 300) -> list[dict[str, Any]]:
    """The last positions punched at a post, for the fence's plane: where, how precise, whether it counted."""
    if not policies.reads_list(by):
        raise NotAllowed
    rows = visible(by).filter(post_id=post_id, latitude__isnull=False).order_by("-at")[:limit]
    return [
        {"latitude": r.latitude, "longitude": r.longitude, "accuracy": r.accuracy_m, "status": r.status} for r in rows
    ]


def off_the_mark(row: Fence, *, by: Actor) -> float | None:
    """Metres from the post's fences to the nearest of its latest positions, where there are some and none is inside one:
    probably the fence was drawn from a map whose coordinates are not WGS-84. None where it fits, or too little is known."""
    known = [d for d in dots(row.post_id, by=by, limit=60) if d["accuracy"] is not None and d["accuracy"] <= USABLE_M]
    zones = zones_of(row.post_id)
    if not zones or len(known) < ENOUGH_POSITIONS:
        return None
    gaps = [gap for d in known if (gap := judge(zones, d["latitude"], d["longitude"], d["accuracy"])[1]) is not None]
    return min(gaps) if min(gaps) > EDGE_M else None


# --- Devices -------------------------------------------------------------------------------------


def devices(*, by: Actor) -> QuerySet[Device]:
    """The school's devices, with `unmatched_count` and `last_at`. Raises NotAllowed."""
    if not policies.reads_devices(by):
        raise NotAllowed
    newest = Punch.objects.filter(device_id=OuterRef("pk")).order_by("-seq").values("at")[:1]
    mine = Unmatched.objects.filter(device_id=OuterRef("pk")).order_by().values("device_id")
    waiting = mine.annotate(n=Count("pk")).values("n")
    return (
        Device.objects.select_related("place")
        .annotate(last_at=Subquery(newest), unmatched_count=Subquery(waiting))
        .order_by("-active", "name")
    )


def device(device_id: UUID, *, by: Actor) -> Device:
    """One device. Raises NotFound, NotAllowed."""
    row = devices(by=by).filter(pk=device_id).first()
    if row is None:
        raise NotFound
    return row


def unmatched_numbers(device_id: UUID) -> list[dict[str, Any]]:
    """Numbers of a device that nobody here has, with how many punches wait for them. The caller has read the device."""
    rows = Unmatched.objects.filter(device_id=device_id).values("number")
    counted = rows.annotate(n=Count("pk"), first=Min("at"), last=Max("at")).order_by("-n", "number")
    return [dict(row) for row in counted[:200]]


def silent_devices(*, now: datetime, after: timedelta = timedelta(hours=24)) -> list[Device]:
    """Active devices that have not spoken for a day."""
    late = now - after
    rows = Device.objects.filter(active=True, created_at__lt=late)
    return list(rows.filter(Q(last_seen_at__lt=late) | Q(last_seen_at__isnull=True)))


def reported_until(*, now: datetime) -> datetime | None:
    """The moment up to which every active device that was ever heard has sent all it has; None without devices."""
    rows = Device.objects.filter(active=True, last_seen_at__isnull=False).values_list("reported_until", "last_seen_at")
    known = [moment for said, seen in rows if (moment := said or seen)]
    return min(known, default=None)


# --- Inside ----------------------------------------------------------------------------------------


def lacking_of(staff_id: UUID, post: Post | None, day: date) -> list[str]:
    """Certificate codes that the post requires and the person has not on that day."""
    if post is None or not post.certificates:
        return []
    need = (staff_id, post.pk, day)
    lacks = {lack.kind for lack in organisation.missing_certificates([need]).get(need, [])}
    return [kind for kind in post.certificates if kind in lacks]


def numbers_of(device_id: UUID, *, only: Collection[str] | None = None) -> dict[str, UUID]:
    """Which person each number means on a device: its own codes first, then staff numbers. Two queries in one.

    With `only` these numbers alone are looked up, by index: for the few punches of a terminal that sends at once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number, id FROM organisation_staff WHERE %(only)s::text[] IS NULL OR number = ANY(%(only)s::text[])"
            " UNION ALL SELECT number, staff_id FROM punches_staffcode"
            " WHERE device_id = %(device)s AND (%(only)s::text[] IS NULL OR number = ANY(%(only)s::text[]))",
            {"device": device_id, "only": None if only is None else list(only)},
        )
        return dict(cursor.fetchall())  # a code comes later and wins


def staff_row(staff_id: UUID) -> Staff | None:
    return organisation.staff_by_id([staff_id]).get(staff_id)


def dirty_days() -> dict[UUID, list[date]]:
    """Days that wait to be derived again, by person."""
    found: dict[UUID, list[date]] = defaultdict(list)
    for staff_id, day in Dirty.objects.values_list("staff_id", "day").distinct().order_by("staff_id", "day"):
        found[staff_id].append(day)
    return dict(found)
