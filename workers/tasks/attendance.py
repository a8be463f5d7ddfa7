"""Background work of attendance: results are derived, suspects looked for, exports made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from institute.schools import queries as schools
from kernel import clock
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.attendance import operations
from workers.base import PublicTask, SchoolTask
from workers.celery import app


@app.task(base=SchoolTask, name="attendance.derive_dirty")
def derive_dirty(
    *, tenant: Tenant, from_day: str, until_day: str, staff_ids: Sequence[str] | None = None, **_newer: Any
) -> int:
    """Derive the results of people (None: everybody) whose punches, shifts or leaves of these days changed.

    The day `until_day` itself goes along: a shift that begins at midnight takes punches of the evening before.
    """
    done = operations.derive_range(
        tenant=tenant, now=clock.now(), first=date.fromisoformat(from_day), last=date.fromisoformat(until_day),
        staff_ids=None if staff_ids is None else [UUID(s) for s in staff_ids],
    )  # fmt: skip
    return done.written


@app.task(base=PublicTask, name="attendance.sweep")
def sweep(**_newer: Any) -> None:
    """Ask for one sweep per open school, so that one school's trouble stops no other."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("attendance.derive_due", tenant=tenant)


@app.task(base=SchoolTask, name="attendance.derive_due")
def derive_due(*, tenant: Tenant, **_newer: Any) -> int:
    """What lost messages would have done, and judgements whose time has come. Safe to run twice."""
    return operations.derive_due(tenant=tenant, now=clock.now()).written


@app.task(base=PublicTask, name="attendance.watch")
def watch(**_newer: Any) -> None:
    """Ask each open school's sentinel to look."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("attendance.look_for_suspects", tenant=tenant)


@app.task(base=SchoolTask, name="attendance.look_for_suspects")
def look_for_suspects(*, tenant: Tenant, **_newer: Any) -> int:
    """误伤哨兵. Open cases are not opened again."""
    return len(operations.look_for_suspects(tenant=tenant, now=clock.now()))


@app.task(base=SchoolTask, name="attendance.export_month")
def export_month(*, tenant: Tenant, job_id: str, **_newer: Any) -> None:
    """The month sheet of many people as a file, with progress."""
    from tenants.attendance import exports

    exports.work(job_id=UUID(job_id), tenant=tenant, clock=clock.now)
