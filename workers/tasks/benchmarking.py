"""Facts flow up: what a school states about itself each month becomes rows of the public fact table.

Schools and institute meet only here. The school is read inside its schema, the facts are written
outside it; one month is one transaction, so a worker killed anywhere leaves whole months.
"""

from datetime import date, timedelta
from typing import Any

from identity.contracts import Actor
from institute.benchmarking import operations
from institute.schools import queries as schools
from kernel import clock, jobs
from kernel.metrics import Metric, Reading
from kernel.tenancy import Tenant, public_context, school_context
from tenants.attendance import metrics as attendance
from tenants.duty import metrics as duty
from tenants.evaluations import metrics as evaluations
from tenants.findings import metrics as findings
from tenants.inspections import metrics as inspections
from tenants.organisation import metrics as organisation
from tenants.patrols import metrics as patrols
from workers.base import PublicTask, SchoolTask
from workers.celery import app

SOURCES = (evaluations, findings, inspections, attendance, duty, patrols, organisation)
METRICS: dict[str, Metric] = {m.code: m for source in SOURCES for m in source.METRICS}
LOOK_EVERY = timedelta(hours=20)


def read_month(tenant: Tenant, month: date) -> dict[str, list[Reading]]:
    """All readings of a school's month. Call inside the school."""
    found: dict[str, list[Reading]] = {}
    for source in SOURCES:
        found |= source.readings(month=month, tz=tenant.tz)
    return found


def is_silent(readings: dict[str, list[Reading]]) -> bool:
    """Nothing was found, scored or inspected that month: the school was not at work here yet."""
    return not any(row.numerator for rows in readings.values() for row in rows)


def flow(tenant: Tenant, *, since: date | None = None) -> int:
    """Bring a school's facts up to date, oldest month first; returns how many rows changed. Safe to run twice."""
    now = clock.now()
    with public_context():
        operations.declare_metrics(metrics=METRICS.values())
        months = operations.months_due(school_id=tenant.school_id, codes=METRICS, now=now, since=since)
        started = operations.at_work_before(school_id=tenant.school_id, month=months[0])
    changed = 0
    for month in months:
        with school_context(tenant):
            readings = read_month(tenant, month)
        # Before its first month of work a school has no facts; after it, an idle month is told as it is.
        started = started or not is_silent(readings)
        with public_context():
            changed += operations.record_month(
                school_id=tenant.school_id, trial=tenant.trial, month=month, metrics=METRICS,
                readings=readings if started else {}, now=now,
            )  # fmt: skip
    return changed


@app.task(base=SchoolTask, name="benchmarking.flow_up")
def flow_up(*, tenant: Tenant, since: str = "", **_newer: Any) -> int:
    """One school's facts; asked for when a round closes and by the sweep."""
    return flow(tenant, since=date.fromisoformat(since) if since else None)


@app.task(base=PublicTask, name="benchmarking.sweep")
def sweep(**_newer: Any) -> int:
    """Ask for the facts of every open school not looked at for most of a day; publish last month when it is due."""
    now = clock.now()
    tenants = {t.school_id: t for t in schools.open_tenants()}
    due = operations.schools_to_look_at(school_ids=tenants, now=now, every=LOOK_EVERY)
    for school_id in due:
        jobs.enqueue_on_commit("benchmarking.flow_up", tenant=tenants[school_id])
    month = operations.month_to_publish(now=now, waiting=len(due))
    if month is not None:
        operations.publish(month=month, by=Actor.system(), now=now)
    return len(due)
