"""A punch that was approved afterwards (补卡). Attendance decides; here it becomes a fact like any other."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.punches.choices import Direction, PunchSource, PunchStatus
from tenants.punches.models import Punch
from tenants.punches.operations.dirty import mark_dirty
from tenants.rosters.choices import Grade


@transaction.atomic
def add_correction(
    *, staff_id: UUID, at: datetime, direction: Direction, post_id: UUID, by: Actor, tenant: Tenant, now: datetime,
    note: str = "",
) -> Punch:  # fmt: skip
    """Store an approved correction. The caller has asked its policy. It proves nothing by itself (grade D) but counts."""
    row = Punch.objects.create(
        staff_id=staff_id, at=at, recorded_at=at, received_at=now, source=PunchSource.CORRECTION, direction=direction,
        post_id=post_id, grade=Grade.D, status=PunchStatus.ACCEPTED, vouched_by=by.account_id, vouched_by_name=by.name,
        note=note[:200],
    )  # fmt: skip
    mark_dirty([(staff_id, at.astimezone(tenant.tz).date())], tenant=tenant)
    return row
