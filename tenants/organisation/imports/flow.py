"""Staff, places and certificates from files: three imports that share two tasks. How it goes: `tenants.jobs.imports`."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from types import ModuleType
from typing import Any
from uuid import UUID

from django.db import connection

from identity.contracts import Actor
from kernel import spreadsheets
from kernel.errors import Invalid, NotAllowed
from kernel.tables import Plan, Table, named
from kernel.tenancy import Tenant
from tenants.jobs import imports
from tenants.jobs.imports import Clock, Import, NotChecked, NothingToDo
from tenants.jobs.models import Job
from tenants.organisation import policies
from tenants.organisation.imports import certificates, places, staff
from tenants.organisation.operations.places import lock_tree
from tenants.timeline import operations as timeline

__all__ = ["NotChecked", "NothingToDo"]
CHECK, APPLY = "organisation.check_import", "organisation.apply_import"
KINDS: dict[str, ModuleType] = {"staff": staff, "places": places, "certificates": certificates}
LABELS = {"staff": "员工", "places": "场所", "certificates": "证书"}


def _import(what: str) -> Import:
    """Raises Invalid for a kind that there is not."""
    if what not in KINDS:
        raise Invalid("只能导入员工、场所或证书。", field="what")
    module = KINDS[what]

    def compare(table: Table, wanted: Any, *, tenant: Tenant, **_who: Any) -> Plan:
        return module.compare(table, wanted, tenant=tenant)  # type: ignore[no-any-return]

    return Import(
        label=LABELS[what], check=CHECK, apply=APPLY, may=policies.can_manage, what=what,
        read=lambda sheets: named(sheets, module.columns(), module.ALIASES), look=module.check, compare=compare,
        write=partial(_write, what), lock=lock_tree if what == "places" else _lock_staff,
    )  # fmt: skip


def _write(what: str, plan: Plan, *, job: Job, by: Actor, tenant: Tenant, now: datetime) -> None:
    KINDS[what].write(plan, tenant=tenant, now=now)
    counts: dict[str, Any] = plan.counts()
    sentence = f"导入{LABELS[what]}：新增 {counts['new']}，更新 {counts['updated']}"
    timeline.record(verb=f"{what}.imported", sentence=sentence, subject=job, by=by, **counts)


def _lock_staff(tenant: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"staff|{tenant.schema}"])


def _of_job(job_id: UUID) -> Import:
    """The import a job belongs to; any of them for a job that is none, which then finds nothing to do."""
    result = Job.objects.filter(pk=job_id, kind__in=(CHECK, APPLY)).values_list("result", flat=True).first()
    return _import(result["what"] if result else "staff")


def template(what: str, *, by: Actor) -> tuple[str, bytes]:
    """(file name, workbook) of the template, with drop-downs from the school's own data. Raises NotAllowed, Invalid."""
    if not policies.can_manage(by):
        raise NotAllowed
    chosen, module = _import(what), KINDS[what]
    return f"{chosen.label}导入模板.xlsx", spreadsheets.write_template(
        module.TITLE, module.columns(), notes=module.NOTES
    )


def start_import(*, what: str, file_name: str, content: bytes, by: Actor, tenant: Tenant, now: datetime) -> Job:
    """Take an uploaded file and check it in the background. Raises NotAllowed, Invalid, BadFile (not a table)."""
    if not policies.can_manage(by):
        raise NotAllowed
    return imports.start(_import(what), file_name=file_name, content=content, by=by, tenant=tenant, now=now)


def confirm_import(*, job_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Job:
    """As `imports.confirm`, for a job of any of the three. Raises NotAllowed, NotFound, NotChecked, NothingToDo."""
    return imports.confirm(_of_job(job_id), job_id=job_id, by=by, tenant=tenant, now=now)


def check_job(*, job_id: UUID, tenant: Tenant, clock: Clock) -> None:
    """The worker's part of a check."""
    imports.check_job(_of_job(job_id), job_id=job_id, tenant=tenant, clock=clock)


def apply_job(*, job_id: UUID, tenant: Tenant, clock: Clock) -> None:
    """The worker's part of an import."""
    imports.apply_job(_of_job(job_id), job_id=job_id, tenant=tenant, clock=clock)
