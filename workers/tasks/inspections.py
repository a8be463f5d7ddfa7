"""Background work of inspections: next week's programme, calibrations whose time is over."""

from __future__ import annotations

from typing import Any

from institute.schools import queries as schools
from kernel import clock
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.inspections import operations
from workers.base import PublicTask, SchoolTask
from workers.celery import app


@app.task(base=PublicTask, name="inspections.sweep")
def sweep(**_newer: Any) -> None:
    """Ask every open school for what its week and its calibrations need."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("inspections.propose_next_week", tenant=tenant)
        enqueue_on_commit("inspections.reveal_due", tenant=tenant)
        enqueue_on_commit("inspections.remind_calibration", tenant=tenant)


@app.task(base=SchoolTask, name="inspections.propose_next_week")
def propose_next_week(*, tenant: Tenant, **_newer: Any) -> str | None:
    """From Friday noon on, once. Safe to run twice: a week has one programme."""
    row = operations.propose_next_week(tenant=tenant, now=clock.now())
    return str(row.pk) if row else None


@app.task(base=SchoolTask, name="inspections.reveal_due")
def reveal_due(*, tenant: Tenant, **_newer: Any) -> int:
    """Reveal what is past its time. Safe to run twice: revealed stays revealed."""
    return operations.reveal_due(tenant=tenant, now=clock.now())


@app.task(base=SchoolTask, name="inspections.remind_calibration")
def remind_calibration(*, tenant: Tenant, **_newer: Any) -> int:
    """A month without a calibration. Safe to run twice: each reminder reaches a person once."""
    return operations.remind_calibration(tenant=tenant, now=clock.now())
