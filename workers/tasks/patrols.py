"""Background work of patrols: tours fall due, are missed, and are judged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from institute.schools import queries as schools
from kernel import clock
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.patrols import marks, operations, queries
from workers.base import PublicTask, SchoolTask
from workers.celery import app


@app.task(base=PublicTask, name="patrols.sweep_all")
def sweep_all(**_newer: Any) -> None:
    """Ask for one sweep per open school."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("patrols.sweep", tenant=tenant)


@app.task(base=SchoolTask, name="patrols.sweep")
def sweep(*, tenant: Tenant, **_newer: Any) -> None:
    """Make what falls due, end what is over, and have judged what a lost message left. Safe to run twice."""
    now = clock.now()
    if operations.make_tours(tenant=tenant, now=now):
        marks.warm(tenant)
    operations.sweep(tenant=tenant, now=now)
    for tour_id in queries.unjudged(before=now - timedelta(minutes=2)):
        enqueue_on_commit("patrols.judge", tenant=tenant, tour_id=str(tour_id))
    operations.index_earlier(now=now)


@app.task(base=SchoolTask, name="patrols.make_tours")
def make_tours(*, tenant: Tenant, **_newer: Any) -> int:
    return operations.make_tours(tenant=tenant, now=clock.now())


@app.task(base=SchoolTask, name="patrols.judge")
def judge(*, tenant: Tenant, tour_id: str, **_newer: Any) -> None:
    operations.judge(tour_id=UUID(tour_id), tenant=tenant, now=clock.now())
