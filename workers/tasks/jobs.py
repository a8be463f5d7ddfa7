"""Long work: silent jobs are taken up again, files past their days removed."""

from institute.schools import queries as schools
from kernel import clock
from kernel.tenancy import school_context
from tenants.jobs import operations, queries
from workers.base import PublicTask
from workers.celery import app


@app.task(base=PublicTask, name="jobs.sweep")
def sweep(**_newer: object) -> int:
    """Send open jobs without a sign of life again, in every school. Safe to run twice: `take` lets one worker in."""
    sent = 0
    for tenant in schools.open_tenants():
        with school_context(tenant):
            now = clock.now()
            for job_id in list(queries.silent(now).values_list("pk", flat=True)[:100]):
                sent += operations.resume(job_id=job_id, tenant=tenant, now=now)
    return sent


@app.task(base=PublicTask, name="jobs.remove_old_files")
def remove_old_files(**_newer: object) -> int:
    """Remove files of jobs past their days, in every school."""
    removed = 0
    for tenant in schools.open_tenants():
        with school_context(tenant):
            removed += operations.remove_old_files(now=clock.now())
    return removed
