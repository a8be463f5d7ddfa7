"""Posts below their minimum: a gap that lasts is raised while it lasts, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.duty import staffing
from tenants.duty.choices import AnomalyKind
from tenants.duty.contracts import Shortfall
from tenants.duty.models import DutyPost
from tenants.duty.operations.common import lock_post, raise_anomaly
from tenants.findings.choices import Severity

LOOKS_BACK = timedelta(hours=24)  # a gap longer than this is raised again each day


def watch_gaps(*, tenant: Tenant, now: datetime) -> int:
    """Raise what has been below its minimum for longer than the post allows, declared absences aside: those are
    watched by their own time. Returns how many.
    """
    allowed = dict(
        DutyPost.objects.filter(active=True, post__active=True, gap_minutes__gt=0).values_list("pk", "gap_minutes")
    )
    gaps = _running(list(allowed), tenant=tenant, now=now)
    return sum(
        _raise(post_id, tenant=tenant, now=now)
        for post_id, gap in gaps.items()
        if now - gap.starts_at >= timedelta(minutes=allowed[post_id])
    )


def _running(post_ids: list[UUID], *, tenant: Tenant, now: datetime) -> dict[UUID, Shortfall]:
    """The gap that runs now at each post, from where somebody first was missing without having declared it."""
    found: dict[UUID, Shortfall] = {}
    short = staffing.shortfalls(post_ids=post_ids, starts=now - LOOKS_BACK, ends=now, tz=tenant.tz)
    for post_id, gaps in short.items():
        last = gaps[-1]
        if last.ends_at < now or last.declared:
            continue
        begun = last.starts_at
        for gap in reversed(gaps[:-1]):
            if gap.declared or gap.ends_at != begun:
                break
            begun = gap.starts_at
        found[post_id] = Shortfall(post_id, begun, last.ends_at, last.needed, last.present, declared=False)
    return found


@transaction.atomic
def _raise(post_id: UUID, *, tenant: Tenant, now: datetime) -> bool:
    duty = lock_post(post_id)
    gap = _running([post_id], tenant=tenant, now=now).get(post_id)
    if gap is None or now - gap.starts_at < timedelta(minutes=duty.gap_minutes):
        return False
    if duty.gap_told_at is not None and duty.gap_told_at >= gap.starts_at:
        return False
    duty.gap_told_at = now
    duty.save(update_fields=["gap_told_at"])
    since = gap.starts_at.astimezone(tenant.tz)
    raise_anomaly(
        duty, AnomalyKind.SHORT, f"{since:%-m月%-d日 %H:%M} 起应有 {gap.needed} 人、在岗 {gap.present} 人，请安排补位",
        by=Actor.system(tenant.school_id), tenant=tenant, now=now, severity=Severity.MAJOR,
    )  # fmt: skip
    return True
