"""Who changes a roster, leave or swap asks at once for the results that stand on it; the sweep is only the net."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant

MOST_NAMED = 500  # more people than this are not named one by one


def ask_results(pairs: Iterable[tuple[UUID, date]], *, tenant: Tenant, now: datetime) -> None:
    """Have attendance derive these (person, roster day) again, with the neighbours whose windows are cut anew.

    Days that have not come have no result yet. By name only: attendance lies above rosters.
    """
    tomorrow = now.astimezone(tenant.tz).date() + timedelta(days=1)
    found = [(staff_id, day) for staff_id, day in pairs if day <= tomorrow]
    if not found:
        return
    days = [day for _staff_id, day in found]
    staff_ids = sorted({str(staff_id) for staff_id, _day in found})
    enqueue_on_commit(
        "attendance.derive_dirty", tenant=tenant, staff_ids=staff_ids if len(staff_ids) <= MOST_NAMED else None,
        from_day=(min(days) - timedelta(days=1)).isoformat(), until_day=(max(days) + timedelta(days=1)).isoformat(),
    )  # fmt: skip


def days_between(starts_at: datetime, ends_at: datetime, tenant: Tenant) -> list[date]:
    """The local days that a half-open time touches, and the one before: a night shift belongs to it."""
    first = starts_at.astimezone(tenant.tz).date() - timedelta(days=1)
    last = (ends_at - timedelta(microseconds=1)).astimezone(tenant.tz).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
