"""Background work of punches: changed days are handed on, faces settle, missing certificates are raised."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from institute.schools import queries as schools
from kernel import clock
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.findings import operations as findings
from tenants.punches import importing, operations
from workers.base import PublicTask, SchoolTask
from workers.celery import app

ERASE_AT_ONCE = 10_000  # coordinates per transaction
DERIVES = "attendance.derive_dirty"  # staff_ids, from_day, until_day (ISO, half-open)


@app.task(base=SchoolTask, name="punches.received")
def received(*, tenant: Tenant, **_newer: Any) -> int:
    """Take the changed days and have their results derived, in one transaction: killed, nothing of it happened.

    The day before goes along: a night shift's result stands on the day it began. Where nobody derives
    results the days wait in their table.
    """
    if DERIVES not in app.tasks:
        return 0
    handed = 0
    while True:
        with transaction.atomic():
            days = operations.take_dirty()
            if not days:
                return handed
            people: dict[date, list[str]] = {}
            for staff_id, day in days:
                people.setdefault(day, []).append(str(staff_id))
            for day, staff_ids in people.items():
                app.tasks[DERIVES].run(
                    tenant=tenant, staff_ids=staff_ids, from_day=(day - timedelta(days=1)).isoformat(),
                    until_day=(day + timedelta(days=1)).isoformat(),
                )  # fmt: skip
            handed += len(days)


@app.task(base=SchoolTask, name="punches.face_checked")
def face_checked(*, tenant: Tenant, check_id: str, **_newer: Any) -> None:
    """The face queue has answered."""
    operations.face_checked(check_id=UUID(check_id), tenant=tenant, now=clock.now())


@app.task(base=SchoolTask, name="punches.compare_photo")
def compare_photo(*, tenant: Tenant, punch_id: int, **_newer: Any) -> None:
    """Is the photo a copy of an earlier one?"""
    operations.compare_photo(punch_id=punch_id, tenant=tenant, now=clock.now())


@app.task(base=SchoolTask, name="punches.raise_uncertified")
def raise_uncertified(*, tenant: Tenant, punch_ids: list[int], **_newer: Any) -> int:
    """People on post without the certificate: told, and a finding opened, once per person, post and day."""
    now = clock.now()
    with transaction.atomic():
        news = operations.raise_uncertified(punch_ids=punch_ids, tenant=tenant, now=now)
        findings.open_uncertified(punch_ids=punch_ids, tenant=tenant, now=now)
    return len(news)


@app.task(base=PublicTask, name="punches.sweep")
def sweep(**_newer: Any) -> None:
    """Ask for one sweep per open school, so that one school's trouble stops no other."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("punches.sweep_school", tenant=tenant)


@app.task(base=SchoolTask, name="punches.sweep_school")
def sweep_school(*, tenant: Tenant, **_newer: Any) -> None:
    """What lost messages would have done: punches that wait too long, photos not compared, numbers known by now, alarms
    of missing certificates that were not raised, days not handed on.

    And what time does: positions whose term is over are erased.
    """
    now = clock.now()
    operations.settle_answered(tenant=tenant, now=now)
    operations.give_up_waiting(tenant=tenant, now=now)
    operations.compare_waiting(tenant=tenant, now=now)
    operations.rematch(tenant=tenant, now=now)
    operations.sweep_uncertified(tenant=tenant, now=now)
    while operations.erase_positions(tenant=tenant, now=now, most=ERASE_AT_ONCE) == ERASE_AT_ONCE:
        pass
    with transaction.atomic():
        enqueue_on_commit("punches.received", tenant=tenant)


@app.task(base=SchoolTask, name="punches.check_import")
def check_import(*, tenant: Tenant, job_id: str, **_newer: Any) -> None:
    """Check an uploaded file and make its preview."""
    importing.check_job(job_id=UUID(job_id), tenant=tenant, clock=clock.now)


@app.task(base=SchoolTask, name="punches.apply_import")
def apply_import(*, tenant: Tenant, job_id: str, **_newer: Any) -> None:
    """Store what was confirmed, once."""
    importing.apply_job(job_id=UUID(job_id), tenant=tenant, clock=clock.now)
