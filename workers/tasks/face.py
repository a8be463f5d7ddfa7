"""Faces: inference on the queue `face` (its own process), deletions that are due, and the count that flows up."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

from institute.schools import operations as school_counts
from institute.schools import queries as schools
from kernel import clock
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant, public_context
from tenants.face import operations, queries
from workers.base import OwedTask, PublicTask, SchoolTask
from workers.celery import app

# One batch at a time in the process of the queue: its second thread stays free for people who wait at a door.
_batch = threading.Lock()


@app.task(base=SchoolTask, name="face.check")
def check(*, tenant: Tenant, check_id: str, **_newer: Any) -> None:
    """Look at one picture and write the answer. Runs in the process of the queue `face`."""
    operations.run_check(check_id=UUID(check_id), tenant=tenant, clock=clock.now)


@app.task(base=SchoolTask, name="face.enrol_batch")
def enrol_batch(*, tenant: Tenant, job_id: str, **_newer: Any) -> None:
    """Enrol a batch of photos. While another one runs here it stays in the queue, and `jobs.sweep` sends it again."""
    if not _batch.acquire(blocking=False):
        return
    try:
        operations.run_batch(job_id=UUID(job_id), tenant=tenant, clock=clock.now)
    finally:
        _batch.release()


@app.task(base=PublicTask, name="face.sweep")
def sweep(**_newer: Any) -> None:
    """Ask every school for its upkeep, a suspended one too: deletions that are due have a deadline of the law."""
    for tenant in schools.kept_tenants():
        enqueue_on_commit("face.upkeep", tenant=tenant)


@app.task(base=PublicTask, name="face.sweep_checks")
def sweep_checks(**_newer: Any) -> None:
    """Ask every open school for the checks that nobody has answered."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("face.chase", tenant=tenant)


@app.task(base=SchoolTask, name="face.chase")
def chase(*, tenant: Tenant, **_newer: Any) -> int:
    """Send checks without an answer again, or answer them so that nobody waits. Safe to run twice."""
    return operations.chase(tenant=tenant, now=clock.now())


@app.task(base=OwedTask, name="face.upkeep")
def upkeep(*, tenant: Tenant, **_newer: Any) -> int:
    """Delete what must be gone, and tell the institute how many templates are left. Safe to run twice."""
    now = clock.now()
    gone = operations.upkeep(tenant=tenant, now=now)  # first: it has a deadline, and nothing below may hold it up
    operations.check_ages(tenant=tenant, now=now)
    operations.drop_photos()
    templates = queries.template_count()
    with public_context():
        school_counts.record_face_count(school_id=tenant.school_id, templates=templates, now=now)
    return gone
