"""The cockpit: who is on duty where, since when, what rings, what is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count, Prefetch

from identity.contracts import Actor
from kernel.clock import day_bounds
from kernel.tenancy import Tenant
from tenants.duty import policies, staffing
from tenants.duty.choices import OPEN_CALLS, AnomalyStatus, CallStatus
from tenants.duty.contracts import CallBrief, Cockpit, OnDuty, PostState, Shortfall
from tenants.duty.models import Absence, Anomaly, Call, HandoverItem, Stint
from tenants.duty.queries import OPEN_ITEMS, visible_posts
from tenants.organisation import queries as organisation
from tenants.organisation.models import Post
from tenants.rosters.contracts import on_leave


@dataclass(frozen=True, slots=True)
class Gap:
    """One stretch below the minimum, and the post."""

    post: Post
    short: Shortfall

    @property
    def minutes(self) -> int:
        return round((self.short.ends_at - self.short.starts_at).total_seconds() / 60)


def _brief(row: Call) -> CallBrief:
    return CallBrief(
        row.pk, row.status, row.outcome, row.due_at, row.sent_at, row.deadline, row.answered_at, row.off_post
    )


def cockpit(*, by: Actor, tenant: Tenant, now: datetime, campus_id: UUID | None = None, line: str = "") -> Cockpit:
    """Who is on duty where, since when, what rings, what is open: a constant number of queries."""
    rows = visible_posts(by).filter(active=True).distinct()
    if campus_id is not None:
        rows = rows.filter(post__place__path__startswith=organisation.place(campus_id).path)
    if line:
        rows = rows.filter(post__line=line)
    states: dict[UUID, PostState] = {}
    budgets: dict[UUID, int] = {}
    for duty in rows.order_by("post__place__path", "post__name"):
        place = duty.post.place
        states[duty.pk] = PostState(
            post_id=duty.pk, name=duty.post.name, line=duty.post.line, place=place.full_name if place else "",
            campus_id=UUID(place.path.split("/")[0]) if place else None, party=duty.post.party.name,
        )  # fmt: skip
        budgets[duty.pk] = duty.calls_per_day
    ids = list(states)
    if not ids:
        return Cockpit(now, [])
    today = now.astimezone(tenant.tz).date()
    start, _end = day_bounds(today, tenant.tz)
    _fill_people(states, ids, now)
    last = Call.objects.filter(post_id__in=ids, status=CallStatus.DONE).order_by("post_id", "-due_at")
    for call_row in last.distinct("post_id"):
        states[call_row.post_id].last_call = _brief(call_row)
    open_calls = Call.objects.filter(post_id__in=ids, status__in=OPEN_CALLS)
    for call_row in open_calls.exclude(status=CallStatus.WAITING, slot__isnull=False):
        states[call_row.post_id].open_call = _brief(call_row)
    spent = Call.objects.filter(post_id__in=ids, day=today, slot__isnull=False).exclude(status=CallStatus.WAITING)
    used = dict(spent.values_list("post_id").annotate(n=Count("pk")).order_by())
    anomalies = Anomaly.objects.filter(post_id__in=ids, status=AnomalyStatus.OPEN)
    for post_id, n in anomalies.values_list("post_id").annotate(n=Count("pk")).order_by():
        states[post_id].anomalies = n
    items = HandoverItem.objects.filter(handover__post_id__in=ids, status__in=OPEN_ITEMS)
    for post_id, n in items.values_list("handover__post_id").annotate(n=Count("pk")).order_by():
        states[post_id].handovers = n
    gaps = staffing.shortfalls(post_ids=ids, starts=start, ends=now, tz=tenant.tz)
    for post_id, state in states.items():
        if policies.reads_all(by):
            state.random_used, state.random_mean = used.get(post_id, 0), budgets[post_id]
        state.shortfalls = gaps.get(post_id, [])
    return Cockpit(now, list(states.values()))


def gaps_of_day(
    *, by: Actor, tenant: Tenant, day: date, now: datetime, post_id: UUID | None = None, line: str = ""
) -> list[Gap]:
    """When posts one may see were below their minimum on a local day, up to now: two queries besides the calendar."""
    rows = visible_posts(by).filter(active=True).distinct()
    if post_id is not None:
        rows = rows.filter(pk=post_id)
    if line:
        rows = rows.filter(post__line=line)
    posts = {row.pk: row for row in rows.order_by("post__place__path", "post__name")}
    start, end = day_bounds(day, tenant.tz)
    found = staffing.shortfalls(post_ids=posts, starts=start, ends=min(end, now), tz=tenant.tz)
    return [Gap(post.post, gap) for pk, post in posts.items() for gap in found.get(pk, [])]


def _fill_people(states: dict[UUID, PostState], ids: list[UUID], now: datetime) -> None:
    stints = Stint.objects.filter(post_id__in=ids, signed_off_at__isnull=True).select_related("staff")
    stints = stints.prefetch_related(
        Prefetch("absences", queryset=Absence.objects.filter(ends_at__isnull=True), to_attr="open_absences")
    )
    for stint in stints.order_by("signed_on_at"):
        away = stint.open_absences[0] if stint.open_absences else None  # type: ignore[attr-defined]
        states[stint.post_id].on.append(
            OnDuty(
                stint_id=stint.pk, staff_id=stint.staff_id, name=stint.staff.name, since=stint.signed_on_at,
                due_until=stint.due_until, lacking=tuple(stint.lacking), on_code=stint.on_code,
                rostered=stint.instance_id is not None, away=away.kind if away else "",
                away_until=away.until if away else None, overdue=bool(away and away.until < now),
            )
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT i.post_id, p.name, {on_leave('i.staff_id', '%(now)s')}"  # noqa: S608 (constants)
            " FROM rosters_shiftinstance i JOIN organisation_staff p ON p.id = i.staff_id"
            " WHERE i.post_id = ANY(%(posts)s) AND i.cancelled_at IS NULL AND i.starts_at <= %(now)s"
            " AND i.ends_at > %(now)s ORDER BY i.post_id, p.name",
            {"posts": ids, "now": now},
        )
        for post_id, name, away in cursor.fetchall():
            (states[post_id].on_leave if away else states[post_id].rostered).append(name)
