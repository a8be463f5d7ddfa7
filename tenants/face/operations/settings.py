"""The school's own switch."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from identity.contracts import Actor
from kernel import jobs
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.face import policies
from tenants.face.errors import AssessmentMissing
from tenants.face.models import Setting
from tenants.timeline import operations as timeline

LONGEST_PHOTO_DAYS = 180


@transaction.atomic
def configure(
    *, enabled: bool, assessed_on: date | None, photo_days: int, by: Actor, tenant: Tenant, now: datetime
) -> Setting:
    """Switch the service on or off, and say whether originals are kept and how long (0: not at all).

    Switched off, every template of the school is deleted by the upkeep that is sent now. A shorter term holds for
    photos already kept, too. Locks the setting. Raises NotAllowed, AssessmentMissing, Invalid.
    """
    if not policies.can_configure(by):
        raise NotAllowed
    if not 0 <= photo_days <= LONGEST_PHOTO_DAYS:
        raise Invalid("照片保留天数应在 0 到 180 之间，0 表示不保留。", field="photo_days")
    if enabled and assessed_on is None:
        raise AssessmentMissing(field="assessed_on")
    if assessed_on is not None and assessed_on > now.astimezone(tenant.tz).date():
        raise Invalid("影响评估的完成日期不能晚于今天。", field="assessed_on")
    Setting.objects.get_or_create(pk=1, defaults={"changed_at": now})
    row = Setting.objects.select_for_update().get(pk=1)
    row.enabled, row.assessed_on, row.photo_days = enabled, assessed_on, photo_days
    row.changed_at, row.changed_by_name = now, by.name
    row.save()
    kept = f"录入照片保留 {photo_days} 天" if photo_days else "不保留录入照片"
    timeline.record(
        verb="face.configured",
        sentence=f"{'开启' if enabled else '停用'}人脸服务，{kept}",
        subject=row,
        by=by,
        enabled=enabled,
        photo_days=photo_days,
    )
    jobs.enqueue_on_commit("face.upkeep", tenant=tenant)
    return row
