"""Deriving results, from messages and from rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction

from kernel.tenancy import Tenant
from tenants.attendance import derive
from tenants.attendance.derive import Derived
from tenants.attendance.models import Watermark

OVERLAP = timedelta(minutes=10)  # a transaction may commit this long after the time it wrote


def derive_range(
    *, tenant: Tenant, now: datetime, first: date, last: date, staff_ids: Collection[UUID] | None = None
) -> Derived:
    """Derive roster days `first` to `last` (both included) of these people; None: everybody. Safe to run twice."""
    return derive.derive(tenant=tenant, now=now, first=first, last=last, staff_ids=staff_ids)


@transaction.atomic
def derive_due(*, tenant: Tenant, now: datetime) -> Derived:
    """The sweep: judgements whose time has come, shifts without a result, rosters and leaves decided since the last one."""
    row, _made = Watermark.objects.select_for_update().get_or_create(
        pk=1, defaults={"seen_until": now - timedelta(days=2), "looked_at": now - timedelta(days=2)}
    )
    done = derive.derive_instances(derive.due(now=now, seen=row.seen_until - OVERLAP), tenant=tenant, now=now)
    row.seen_until = now
    row.save(update_fields=["seen_until"])
    return done
