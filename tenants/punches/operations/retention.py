"""How long positions are kept. Coordinates are erased in time; grade, verdict, error and distance stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.punches import policies
from tenants.punches.models import LEAST_POSITION_DAYS, MOST_POSITION_DAYS, Punch, Setting
from tenants.timeline.operations import record

BATCH = 10_000


@transaction.atomic
def set_position_days(*, days: int, by: Actor, tenant: Tenant, now: datetime) -> Setting:
    """Keep coordinates this many days after they were received. A shorter term erases at the next sweep.

    Locks the setting. Raises NotAllowed, Invalid.
    """
    if not policies.can_set_retention(by):
        raise NotAllowed
    if not LEAST_POSITION_DAYS <= days <= MOST_POSITION_DAYS:
        raise Invalid(f"请填 {LEAST_POSITION_DAYS}—{MOST_POSITION_DAYS} 天。", field="days")
    row = _locked()
    was = row.position_days
    if was == days:
        return row
    row.position_days, row.changed_at, row.changed_by_name = days, now, by.name
    row.save(update_fields=["position_days", "changed_at", "changed_by_name"])
    record(
        verb="punch.retention_set", sentence=f"打卡位置坐标保存期限由 {was} 天改为 {days} 天", subject=row, by=by,
        was=was, days=days,
    )  # fmt: skip
    return row


@transaction.atomic
def erase_positions(*, tenant: Tenant, now: datetime, most: int = BATCH) -> int:
    """Erase the coordinates of up to `most` punches received longer ago than the term; returns how many.

    The watermark moves only when nothing is left behind it, so a sweep reads what became due since the last one.
    Locks the setting: two sweeps never do the same work. One event tells how many and up to when.
    """
    row = _locked()
    until = now - timedelta(days=row.position_days)
    due = Punch.objects.filter(received_at__lt=until).exclude(latitude=None, longitude=None)
    if row.erased_until is not None:
        if row.erased_until >= until:
            return 0
        due = due.filter(received_at__gte=row.erased_until)
    ids = list(due.order_by("received_at", "pk").values_list("pk", flat=True)[:most])
    Punch.objects.filter(pk__in=ids).update(latitude=None, longitude=None)
    if len(ids) < most:
        row.erased_until = until
        row.save(update_fields=["erased_until"])
    if ids:
        Setting.objects.filter(pk=row.pk).update(erased_count=F("erased_count") + len(ids))
        day = until.astimezone(tenant.tz).date()
        record(
            verb="punch.positions_erased",
            sentence=f"按 {row.position_days} 天期限抹去 {len(ids)} 条打卡的位置坐标（{day.year}年{day.month}月{day.day}日以前收到的）",
            subject=row, by=Actor.system(tenant.school_id), count=len(ids), until=until.isoformat(),
        )  # fmt: skip
    return len(ids)


def _locked() -> Setting:
    Setting.objects.bulk_create([Setting()], ignore_conflicts=True)
    return Setting.objects.select_for_update().get()
