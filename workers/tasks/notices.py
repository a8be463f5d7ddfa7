"""Background work of notices: the mail digest."""

from __future__ import annotations

from typing import Any

from institute.schools import queries as schools
from kernel import clock
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.notices import operations
from tenants.timeline import once
from workers.base import PublicTask, SchoolTask
from workers.celery import app


@app.task(base=PublicTask, name="notices.sweep_mail")
def sweep_mail(**_newer: Any) -> None:
    """Ask every open school for its digests."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("notices.mail_digests", tenant=tenant)


@app.task(base=SchoolTask, name="notices.mail_digests")
def mail_digests(*, tenant: Tenant, **_newer: Any) -> int:
    """One mail per person with what waits to be mailed. Safe to run twice: a mailed notice is not mailed again."""
    return operations.mail_digests(tenant=tenant, now=clock.now())


@app.task(base=PublicTask, name="timeline.sweep_keys")
def sweep_keys(**_newer: Any) -> None:
    """Ask every open school to forget old submission keys."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("timeline.forget_keys", tenant=tenant)


@app.task(base=SchoolTask, name="timeline.forget_keys")
def forget_keys(*, tenant: Tenant, **_newer: Any) -> int:
    """Forget keys older than a phone's outbox keeps anything."""
    return once.forget(now=clock.now())
