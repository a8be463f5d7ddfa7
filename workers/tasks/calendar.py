"""Background work of the calendar: a year whose notice nobody has entered is told once."""

from __future__ import annotations

from typing import Any

from institute.schools import queries as schools
from kernel import clock
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.calendar import operations
from workers.base import PublicTask, SchoolTask
from workers.celery import app


@app.task(base=PublicTask, name="calendar.sweep_years")
def sweep_years(**_newer: Any) -> None:
    """Ask for one look per open school."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("calendar.warn_of_unknown_years", tenant=tenant)


@app.task(base=SchoolTask, name="calendar.warn_of_unknown_years")
def warn_of_unknown_years(*, tenant: Tenant, **_newer: Any) -> list[int]:
    """Warn the admins of a year without its notice. Safe to run twice: a year is told once."""
    return operations.warn_of_unknown_years(tenant=tenant, now=clock.now())
