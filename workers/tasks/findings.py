"""Background work of findings: overdue ones escalate, fixes nobody verifies are chased."""

from __future__ import annotations

from typing import Any

from institute.schools import queries as schools
from kernel import clock
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.findings import operations
from workers.base import PublicTask, SchoolTask
from workers.celery import app


@app.task(base=PublicTask, name="findings.sweep_overdue")
def sweep_overdue(**_newer: Any) -> None:
    """Ask for one sweep per open school, so that one school's trouble stops no other."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("findings.escalate_overdue", tenant=tenant)


@app.task(base=SchoolTask, name="findings.escalate_overdue")
def escalate_overdue(*, tenant: Tenant, **_newer: Any) -> int:
    """Escalate what is later than what was told, and chase what waits for a verdict. Told levels are not told again."""
    now = clock.now()
    return operations.escalate_overdue(tenant=tenant, now=now) + operations.chase_verification(tenant=tenant, now=now)
