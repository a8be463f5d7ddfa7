"""Tours fall due, are abandoned or missed: what beat finds."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.tenancy import Tenant
from tenants.findings import operations as findings
from tenants.findings.choices import Category, FindingSource, Incident, Severity
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.patrols import queries
from tenants.patrols.choices import StopStatus, TourStatus
from tenants.patrols.models import Stop, Tour, Window
from tenants.patrols.operations.excusing import IN_TIME
from tenants.patrols.operations.reviewing import remind
from tenants.patrols.operations.tours import close, lock_plan, make_stops, miss, overseers, recorded
from tenants.timeline import numbers

AHEAD = timedelta(days=2)  # tours exist so far ahead
ABANDONED = IN_TIME  # a tour begun and not ended is ended by the sweep so long after its window


_MISSING = """
SELECT w.id, w.route_id, d.day, d.day + make_interval(mins => w.start_minute), d.day + make_interval(mins => w.end_minute)
FROM patrols_window w
JOIN patrols_route r ON r.id = w.route_id AND r.active
CROSS JOIN LATERAL generate_series(coalesce(w.made_until, %(today)s)::timestamp, %(until)s::timestamp, '1 day') AS d(day)
WHERE w.removed_at IS NULL AND (w.weekdays >> (extract(isodow FROM d.day)::int - 1)) & 1 = 1
  AND d.day + make_interval(mins => w.end_minute) > greatest(%(now)s, w.valid_from AT TIME ZONE %(tz)s)
  AND NOT EXISTS (SELECT 1 FROM patrols_tour t WHERE t.window_id = w.id AND t.day = d.day::date)
ORDER BY 4, 1
"""


@transaction.atomic
def make_tours(*, tenant: Tenant, now: datetime) -> int:
    """Make the tours of all windows up to two days ahead. Safe to run at any time, by two workers at once.

    After downtime, windows that ended meanwhile are made too, up to a week back, so that the sweep can say
    that nobody walked. Returns how many were made.
    """
    local = now.astimezone(tenant.tz)
    today = local.date()
    lock_plan()
    with connection.cursor() as cursor:
        cursor.execute(
            _MISSING,
            {
                "today": today,
                "until": today + AHEAD,
                "now": (local - timedelta(days=7)).replace(tzinfo=None),
                "tz": str(tenant.tz),
            },
        )
        rows = cursor.fetchall()
    tours = []
    for window_id, route_id, day, starts, ends in rows:
        tours.append(
            Tour(
                number=numbers.next_number(prefix="XG", day=day.date()), route_id=route_id, window_id=window_id,
                day=day.date(), starts_at=starts.replace(tzinfo=tenant.tz), ends_at=ends.replace(tzinfo=tenant.tz),
            )
        )  # fmt: skip
    Tour.objects.bulk_create(tours)
    Window.objects.filter(removed_at__isnull=True).update(made_until=today)
    return len(tours)


@transaction.atomic
def sweep(*, tenant: Tenant, now: datetime) -> tuple[int, int]:
    """End what nobody ended, say what nobody walked, and open a finding for what nobody explained.

    Returns (tours ended or missed, findings opened). Safe to run twice and after downtime.
    """
    by = Actor.system(tenant.school_id)
    ended = 0
    for tour in Tour.objects.select_for_update(of=("self",), skip_locked=True).select_related("route").filter(
        status=TourStatus.WALKING, ends_at__lt=now - ABANDONED
    ):  # fmt: skip
        last = (
            Stop.objects.filter(tour=tour, scanned_at__isnull=False)
            .order_by("-scanned_at")
            .values_list("scanned_at", flat=True)
            .first()
        )
        tour.abandoned_at = now
        tour.save(update_fields=["abandoned_at"])
        close(tour, at=last or tour.started_at or now, by=by, now=now, tenant=tenant)
        recorded(tour, "finished", "超时未结束，系统按已打的点结束", by)
        ended += 1
    for tour in Tour.objects.select_for_update(of=("self",), skip_locked=True).select_related("route__party").filter(
        status=TourStatus.DUE, ends_at__lte=now
    ):  # fmt: skip
        tour.status = TourStatus.MISSED
        tour.save(update_fields=["status"])
        make_stops(tour)
        miss(tour, by=by)
        recorded(tour, "missed", f"漏巡：{tour.route.name}", by)
        _tell(tour, tenant, now)
        ended += 1
    remind(tenant=tenant, now=now)
    return ended, _unexplained(tenant, now)


def _tell(tour: Tour, tenant: Tenant, now: datetime) -> None:
    told = overseers(tenant, now)
    if tour.route.party.provider_id:
        company = people_of_school(
            school_id=tenant.school_id,
            roles=[Role.PROVIDER_MANAGER],
            today=now.astimezone(tenant.tz).date(),
            provider_id=tour.route.party.provider_id,
        )
        told += [p.account_id for p in company]
    notices.notify(
        account_ids=told,
        kind=NoticeKind.LATE,
        title=f"漏巡：{tour.route.name}",
        text=f"{tour.number} · {tour.starts_at.astimezone(tenant.tz):%m月%d日 %H:%M}—{tour.ends_at.astimezone(tenant.tz):%H:%M}，请说明原因或安排补巡",
        path=f"/patrols/tours/{tour.pk}/",
        subject=tour,
        occasion=f"patrol.missed:{tour.pk}",
        now=now,
    )


def _unexplained(tenant: Tenant, now: datetime) -> int:
    """A finding per tour whose missed points nobody explained or rescheduled in time; the same tour opens it once.

    Nobody is found missing whose phone may still say otherwise: a tour that nobody began, or that its walker did not
    end, waits for as long as phones may report (`queries.OFFLINE`). Who ended theirs has reported, and has a day.
    """
    opened = 0
    ended = Q(status=TourStatus.PARTIAL, abandoned_at__isnull=True, ends_at__lt=now - queries.EXPLAIN_WITHIN)
    waiting = (
        Tour.objects.filter(
            ended | Q(ends_at__lt=now - queries.OFFLINE),
            status__in=[TourStatus.MISSED, TourStatus.PARTIAL],
            ends_at__gt=now - queries.OFFLINE - timedelta(days=7),
            stops__status=StopStatus.MISSED,
            stops__made_up_by__isnull=True,
        )
        .distinct()
        .values_list("pk", flat=True)
    )
    for tour in Tour.objects.select_for_update(of=("self",)).select_related("route__party").filter(
        pk__in=list(waiting)
    ).order_by("pk"):  # fmt: skip
        # Read under the tour's lock: who explains in the same moment has explained.
        rows = Stop.objects.filter(tour=tour, status=StopStatus.MISSED, made_up_by__isnull=True)
        missed = list(rows.select_related("point__place").order_by("position"))
        if not missed:
            continue
        try:
            found = findings.open_finding(
                title=f"{tour.route.name} 漏巡 {len(missed)} 个点未说明原因", place_id=missed[0].point.place_id,
                line=tour.route.line, party_id=tour.route.party_id,
                detail="、".join(s.point.place.name for s in missed)[:1000], severity=Severity.MINOR,
                source=FindingSource.PATROL, source_id=tour.pk, source_key="unexplained",
                category=Category.ABSENT, incident=Incident.MISSED,
                by=Actor.system(tenant.school_id), tenant=tenant, now=now,
            )  # fmt: skip
        except findings.PartyMissing:
            continue  # nobody answers for a closed party any more; the tour stays unexplained in the list
        Stop.objects.filter(pk__in=[s.pk for s in missed], finding_id__isnull=True).update(finding_id=found.pk)
        opened += 1
    return opened
