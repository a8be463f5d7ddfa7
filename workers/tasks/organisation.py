"""Background work of the organisation."""

from typing import Any
from uuid import UUID

from institute.providers import operations as providers
from institute.schools import queries as schools
from kernel import clock
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant, public_context, school_context
from tenants.organisation import operations, queries
from tenants.organisation.imports import flow
from workers.base import OwedTask, PublicTask, SchoolTask
from workers.celery import app


def tell_companies(tenant: Tenant) -> int:
    """Tell the institute which companies have how many contracts running in a school; returns how many companies."""
    now = clock.now()
    with school_context(tenant):
        contracts = queries.companies_at_work(today=now.astimezone(tenant.tz).date())
    with public_context():
        providers.note_services(school_id=tenant.school_id, contracts=contracts, now=now)
    return len(contracts)


@app.task(base=PublicTask, name="organisation.forget_left")
def forget_left(**_newer: Any) -> int:
    """Delete the personal data of people whose time after leaving is over, in every school."""
    forgotten = 0
    for tenant in schools.open_tenants():
        with school_context(tenant):
            forgotten += operations.forget_due(now=clock.now(), tenant=tenant)
    return forgotten


@app.task(base=PublicTask, name="organisation.part_leavers")
def part_leavers(**_newer: Any) -> None:
    """Ask every school, so that one school's trouble keeps no other's leavers: their faces must go within a day, in a
    suspended school, too.
    """
    for tenant in schools.kept_tenants():
        enqueue_on_commit("organisation.part_due", tenant=tenant)


@app.task(base=OwedTask, name="organisation.part_due")
def part_due(*, tenant: Tenant, **_newer: Any) -> int:
    """End the access of people whose last day of work is over. Safe to run twice."""
    return operations.part_due(now=clock.now(), tenant=tenant)


@app.task(base=PublicTask, name="organisation.sweep_certificates")
def sweep_certificates(**_newer: Any) -> None:
    """Ask for one look per open school."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("organisation.tell_ending_certificates", tenant=tenant)


@app.task(base=SchoolTask, name="organisation.tell_ending_certificates")
def tell_ending_certificates(*, tenant: Tenant, **_newer: Any) -> int:
    """Tell who must know that certificates end. Safe to run twice: each stage is told once."""
    return operations.tell_ending_certificates(tenant=tenant, now=clock.now())


@app.task(base=PublicTask, name="organisation.sweep_companies")
def sweep_companies(**_newer: Any) -> None:
    """Ask every open school: contracts begin and end without anybody doing anything."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("organisation.note_companies", tenant=tenant)


@app.task(base=SchoolTask, name="organisation.note_companies")
def note_companies(*, tenant: Tenant, **_newer: Any) -> int:
    """One school's companies; asked for when a contract changes and by the sweep. Safe to run twice."""
    return tell_companies(tenant)


@app.task(base=SchoolTask, name="organisation.check_import")
def check_import(*, tenant: Tenant, job_id: str, **_newer: Any) -> None:
    """Check an uploaded file and make its preview."""
    flow.check_job(job_id=UUID(job_id), tenant=tenant, clock=clock.now)


@app.task(base=SchoolTask, name="organisation.apply_import")
def apply_import(*, tenant: Tenant, job_id: str, **_newer: Any) -> None:
    """Write what was confirmed, once."""
    flow.apply_job(job_id=UUID(job_id), tenant=tenant, clock=clock.now)
