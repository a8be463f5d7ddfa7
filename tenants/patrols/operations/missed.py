"""Missed points are explained or made up for; they stay missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.patrols import policies, queries
from tenants.patrols.choices import StopStatus
from tenants.patrols.errors import (
    MadeUpEnough,
    NoMakeUps,
    NothingMissed,
)
from tenants.patrols.models import Stop, Tour
from tenants.patrols.operations.reviewing import ask_for_review
from tenants.patrols.operations.tours import locked, parties_of, recorded
from tenants.timeline import numbers, once


@transaction.atomic
def explain(
    *,
    tour_id: UUID,
    text: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    stop_ids: Sequence[UUID] | None = None,
    client_key: str = "",
) -> int:
    """Say why points were missed; they stay missed, and who plans is asked to accept or refuse it. Without `stop_ids`, all unexplained ones. Returns how many.

    The same `client_key` again changes nothing. Locks the tour. Raises NotFound, NotAllowed, Invalid (text), NothingMissed.
    """
    tour = locked(tour_id, by)
    if not policies.can_explain(by, tour, party_ids=parties_of(by)):
        raise NotAllowed
    if once.claim_for(key=client_key, operation="patrols.explain", by=by, result_id=tour.pk):
        return Stop.objects.filter(tour=tour, status=StopStatus.EXPLAINED).count()
    text = text.strip()
    if not 4 <= len(text) <= 300:
        raise Invalid(_("请用 4—300 个字说明漏巡原因。"), field="text")
    stops = Stop.objects.filter(tour=tour, status=StopStatus.MISSED)
    if stop_ids is not None:
        stops = stops.filter(pk__in=list(stop_ids))
    count = stops.update(
        status=StopStatus.EXPLAINED,
        explanation=text,
        explained_by=by.account_id,
        explained_by_name=by.name,
        explained_at=now,
    )
    if not count:
        raise NothingMissed
    recorded(tour, "explained", f"说明 {count} 个漏点：{text}", by)
    ask_for_review(tour, count, by, tenant, now)
    return count


@transaction.atomic
def reschedule(
    *, tour_id: UUID, starts_at: datetime, ends_at: datetime, by: Actor, tenant: Tenant, now: datetime
) -> Tour:
    """Make a make-up tour (补巡) of the missed points; the old tour keeps them as missed.

    So often in a row as the school allows (`PatrolRule`), then it ends: who goes on missing must explain.
    Raises NotFound, NotAllowed, MadeUpEnough, NoMakeUps, Invalid (times), NothingMissed.
    """
    tour = locked(tour_id, by)
    if not policies.can_explain(by, tour, party_ids=parties_of(by)):
        raise NotAllowed
    most = queries.make_ups_allowed()
    if queries.make_ups_before(tour, most=most) >= most:
        raise MadeUpEnough(times=most) if most else NoMakeUps
    if not (now - timedelta(minutes=5) <= starts_at < ends_at <= now + timedelta(days=7)):
        raise Invalid(_("补巡时间应在现在之后、7 天之内，且结束晚于开始。"), field="ends_at")
    stops = Stop.objects.filter(
        tour=tour,
        status__in=[StopStatus.MISSED, StopStatus.EXPLAINED, StopStatus.ACCEPTED, StopStatus.REFUSED],
        made_up_by__isnull=True,
    )
    if not stops.exists():
        raise NothingMissed
    again = Tour.objects.create(
        number=numbers.next_number(prefix="XG", day=starts_at.astimezone(tenant.tz).date()),
        route_id=tour.route_id,
        makes_up_for=tour,
        day=starts_at.astimezone(tenant.tz).date(),
        starts_at=starts_at,
        ends_at=ends_at,
    )
    count = stops.update(made_up_by=again)
    recorded(tour, "rescheduled", f"安排补巡 {again.number}：{count} 个漏点", by, made_up_by=str(again.pk))
    again.route = tour.route
    return again
