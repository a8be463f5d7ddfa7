"""Faces: inference on the queue `face` (its own process), deletions that are due, and the count that flows up."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

from institute.schools import queries as schools
from kernel import clock
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant, school_context
from tenants.face import operations
from workers.base import PublicTask, SchoolTask
from workers.celery import app

# One batch at a time in the process of the queue: its second thread stays free for people who wait at a door.
_batch = threading.Lock()


@app.task(base=SchoolTask, name="face.check")
def check(*, tenant: Tenant, check_id: str, **_newer: Any) -> None:
    """Look at one picture and write the answer. Runs in the process of the queue `face`."""
    operations.run_check(check_id=UUID(check_id), tenant=tenant, clock=clock.now)


@app.task(base=PublicTask, name="face.sweep")
def sweep(**_newer: Any) -> None:
    """Ask every open school for its upkeep: deletions that are due."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("face.upkeep", tenant=tenant)


@app.task(base=PublicTask, name="face.sweep_checks")
def sweep_checks(**_newer: Any) -> int:
    """Send checks without an answer again, or answer them so that nobody waits, in every school."""
    chased = 0
    for tenant in schools.open_tenants():
        with school_context(tenant):
            chased += operations.chase(tenant=tenant, now=clock.now())
    return chased


@app.task(base=SchoolTask, name="face.upkeep")
def upkeep(*, tenant: Tenant, **_newer: Any) -> int:
    """Delete what must be gone. Safe to run twice."""
    return operations.upkeep(tenant=tenant, now=clock.now())
