"""Background work of rosters: making them ahead of time, telling of days without anybody qualified."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from institute.schools import queries as schools
from kernel import clock
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.jobs import imports as flow
from tenants.rosters import operations
from tenants.rosters.imports import ROSTER
from workers.base import PublicTask, SchoolTask
from workers.celery import app


@app.task(base=PublicTask, name="rosters.sweep")
def sweep(**_newer: Any) -> None:
    """Ask for the daily round of every open school, so that one school's trouble stops no other."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("rosters.follow_calendar", tenant=tenant)
        enqueue_on_commit("rosters.follow_rules", tenant=tenant)
        enqueue_on_commit("rosters.extend", tenant=tenant)
        enqueue_on_commit("rosters.forecast", tenant=tenant)


@app.task(base=SchoolTask, name="rosters.extend")
def extend(*, tenant: Tenant, **_newer: Any) -> int:
    """Make and publish rosters weeks ahead for all who follow a cycle. Safe to run twice: what is there stays."""
    return len(operations.extend(tenant=tenant, now=clock.now()).made)


@app.task(base=SchoolTask, name="rosters.follow_calendar")
def follow_calendar(*, tenant: Tenant, **_newer: Any) -> int:
    """Re-make what cycles made for days of which the calendar says otherwise by now. Safe to run twice."""
    return len(operations.follow_calendar(tenant=tenant, now=clock.now()))


@app.task(base=SchoolTask, name="rosters.follow_rules")
def follow_rules(*, tenant: Tenant, **_newer: Any) -> int:
    """Let coming shift instances carry the rule and grade that hold on their day by now. Safe to run twice."""
    return operations.follow_rules(tenant=tenant, now=clock.now())


@app.task(base=SchoolTask, name="rosters.forecast")
def forecast(*, tenant: Tenant, **_newer: Any) -> int:
    """Tell of days on which a post will have nobody qualified. Safe to run twice: a gap is told once."""
    return operations.tell_gaps(tenant=tenant, now=clock.now())


@app.task(base=SchoolTask, name="rosters.check_import")
def check_import(*, tenant: Tenant, job_id: str, **_newer: Any) -> None:
    """Check an uploaded roster and make its preview."""
    flow.check_job(ROSTER, job_id=UUID(job_id), tenant=tenant, clock=clock.now)


@app.task(base=SchoolTask, name="rosters.apply_import")
def apply_import(*, tenant: Tenant, job_id: str, **_newer: Any) -> None:
    """Write what was confirmed, once."""
    flow.apply_job(ROSTER, job_id=UUID(job_id), tenant=tenant, clock=clock.now)
