"""The import, killed with SIGKILL at every step of its way: nothing is half, nothing is lost, nothing comes twice.

Each point is a process of its own that kills itself there; afterwards the sweep's way is taken: the silent job is
sent again and another worker does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from institute.schools.queries import tenant_for
from kernel import clock
from kernel.tenancy import Tenant, public_context, school_context
from tenants.jobs import files
from tenants.jobs import operations as jobs
from tenants.jobs.models import Job
from tenants.organisation.imports import flow
from tenants.organisation.models import Staff
from tenants.timeline.models import Event
from tests import killing
from tests.factories.organisation import make_department, make_staff
from tests.kernel.test_spreadsheets import xlsx
from tests.killing import after, before, die
from tests.tenants.organisation.test_imports import HEADS
from tests.tenants.organisation.test_queries import ADMIN

ROWS = 2_500  # more than one batch of inserts


def at_second_batch() -> None:
    """Die when the second batch of people is on its way to the server."""
    batches = [0]

    def watch(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if str(sql).startswith('INSERT INTO "organisation_staff"'):
            batches[0] += 1
            if batches[0] == 2:
                die()
        return execute(sql, params, many, context)

    connection.execute_wrappers.append(watch)


CHECKING: dict[str, Callable[[], None]] = {
    "taken, nothing read": lambda: before(files, "read"),
    "half of the rows checked": lambda: before(jobs, "progress", call=4),
    "corrected file written, not said": lambda: before(jobs, "finish"),
    "said": lambda: after(flow, "check_job"),
}
APPLYING: dict[str, Callable[[], None]] = {
    "taken, nothing read": lambda: before(files, "read"),
    "checked again, lock not taken": lambda: before(flow, "_lock_staff"),
    "job marked done, nothing written": lambda: before(flow.KINDS["staff"], "write"),
    "between two batches": at_second_batch,
    "all written, no event": lambda: before(flow.timeline, "record"),
    "everything but the commit": lambda: after(flow.timeline, "record"),
    "committed, message not acknowledged": lambda: after(flow, "apply_job"),
}


@pytest.fixture
def school(committed: str, settings: Any, tmp_path: Path) -> Iterator[Tenant]:
    settings.MEDIA_ROOT = tmp_path
    with public_context():
        tenant = tenant_for("s_alpha")
    with school_context(tenant):
        make_department("后勤保障部")
        make_staff("旧名", number="G0001", party=make_department("旧部门"))
        yield tenant


def killed(tenant: Tenant, kill: Callable[[], None], work: str, job: Job) -> None:
    """Do the job in a process that dies on the way."""
    killing.killed(tenant, kill, lambda: getattr(flow, work)(job_id=job.pk, tenant=tenant, clock=clock.now))


def taken_up(tenant: Tenant, work: str, job: Job) -> Job:
    """What sweep and worker do after a minute of silence."""
    later = clock.now() + jobs.SILENT_AFTER + timedelta(seconds=5)
    jobs.resume(job_id=job.pk, tenant=tenant, now=later)
    getattr(flow, work)(job_id=job.pk, tenant=tenant, clock=lambda: later)
    job.refresh_from_db()
    return job


def upload(tenant: Tenant) -> Job:
    rows = [[f"G{n:04}", f"员工{n}", "后勤保障部", "", "", "", ""] for n in range(1, ROWS + 1)]
    content = xlsx([HEADS, *rows, ["G9999", "王五", "不存在的单位", "", "", "", ""]])
    return flow.start_import(
        what="staff", file_name="名单.xlsx", content=content, by=ADMIN, tenant=tenant, now=clock.now()
    )


def test_a_check_killed_anywhere_is_made_again(school: Tenant) -> None:
    for point, kill in CHECKING.items():
        job = upload(school)
        killed(school, kill, "check_job", job)
        assert Staff.objects.count() == 1, point
        job = taken_up(school, "check_job", job)
        assert (job.state, job.result["counts"]["new"], job.result["counts"]["updated"]) == ("done", ROWS - 1, 1), point
        assert job.result["counts"]["wrong"] == 1 and job.output_path, point


def test_an_import_killed_anywhere_is_there_once_or_not_at_all(school: Tenant) -> None:
    checked = upload(school)
    flow.check_job(job_id=checked.pk, tenant=school, clock=clock.now)
    for point, kill in APPLYING.items():
        checked.refresh_from_db()
        checked.result.pop("apply_id", None)  # as if confirmed anew: the same file, another point
        checked.save(update_fields=["result"])
        job = flow.confirm_import(job_id=checked.pk, by=ADMIN, tenant=school, now=clock.now())
        killed(school, kill, "apply_job", job)
        job.refresh_from_db()
        whole = job.state == "done"
        assert whole == (point == "committed, message not acknowledged"), point
        assert Staff.objects.count() == (ROWS if whole else 1), point
        assert Event.objects.filter(verb="staff.imported").count() == whole, point
        job = taken_up(school, "apply_job", job)
        assert (job.state, job.result["counts"]["new"], job.result["counts"]["updated"]) == ("done", ROWS - 1, 1), point
        assert Staff.objects.filter(name__startswith="员工").count() == Staff.objects.count() == ROWS, point
        assert Event.objects.filter(verb="staff.imported").count() == 1, point
        taken_up(school, "apply_job", job)  # the broker brings the message once more
        assert Event.objects.filter(verb="staff.imported").count() == 1, point
        Staff.objects.exclude(number="G0001").delete()
        Staff.objects.update(name="旧名")
        Event.objects.filter(verb="staff.imported").delete()
