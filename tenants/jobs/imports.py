"""An import as two jobs, for any feature: one checks and makes the preview, one applies what was confirmed.

Nothing is written before the confirmation. Applying reads the file again and compares with what the school looks
like at that moment, and commits the rows and the end of the job together: a worker killed at any point has either
done nothing or all of it, and never does it twice. What is read and written is the feature's (`Import`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.choices import Role, Via
from identity.contracts import Actor
from kernel import spreadsheets
from kernel.errors import Conflict, DomainError, NotAllowed, NotFound
from kernel.spreadsheets import BadFile, Sheet
from kernel.tables import Plan, Table, corrected_rows
from kernel.tenancy import Tenant
from tenants.jobs import files, operations, queries
from tenants.jobs.choices import JobState
from tenants.jobs.models import Job

Clock = Callable[[], datetime]


class NotChecked(Conflict):
    code = "import_not_checked"
    message = _("文件还没有检查完，请等检查结束后再确认。")


class NothingToDo(DomainError):
    code = "import_nothing_to_do"
    message = _("文件里没有需要新增或更新的内容，不用导入。")


@dataclass(frozen=True, slots=True)
class Import:
    """What a feature brings: names of its two tasks, who may, and how its rows are read, compared and written."""

    label: str  # 排班
    check: str  # task names
    apply: str
    may: Callable[[Actor], bool]
    read: Callable[[Sequence[Sheet]], Table]  # raises BadFile
    compare: Callable[..., Plan]  # (table, *, by, tenant, now)
    write: Callable[..., None]  # (plan, *, job, by, tenant, now), in the transaction that ends the job


def _remembered(by: Actor) -> dict[str, Any]:
    """Who asked, as far as the worker needs it to act for them."""
    return {
        "name": by.name,
        "roles": sorted(r.value for r in by.roles),
        "providers": sorted(str(i) for i in by.provider_ids),
        "staff": str(by.staff_id) if by.staff_id else None,
    }


def _actor(job: Job, tenant: Tenant) -> Actor:
    said = job.result["by"]
    return Actor(
        account_id=job.account_id, name=said["name"], roles=frozenset(Role(r) for r in said["roles"]),
        school_id=tenant.school_id, provider_ids=frozenset(UUID(i) for i in said["providers"]),
        staff_id=UUID(said["staff"]) if said["staff"] else None, via=Via.SESSION,
    )  # fmt: skip


@transaction.atomic
def start(what: Import, *, file_name: str, content: bytes, by: Actor, tenant: Tenant, now: datetime) -> Job:
    """Take an uploaded file and check it in the background. Raises NotAllowed, BadFile (not a table)."""
    if not what.may(by):
        raise NotAllowed
    kind = spreadsheets.kind_of(content)
    return operations.start(
        kind=what.check, title=f"检查{what.label}文件：{file_name[-60:]}", by=by, tenant=tenant, now=now,
        content=content, file_name=f"upload.{kind}", result={"file_name": file_name[-100:], "by": _remembered(by)},
    )  # fmt: skip


@transaction.atomic
def confirm(what: Import, *, job_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Job:
    """Apply what a finished check found; wrong rows are left out. A second confirmation finds the same job.

    Locks the check. Raises NotAllowed, NotFound, NotChecked, NothingToDo.
    """
    if not what.may(by):
        raise NotAllowed
    row = Job.objects.select_for_update().filter(pk=job_id, kind=what.check).first()
    if row is None or row.account_id != by.account_id:
        raise NotFound
    if row.state != JobState.DONE:
        raise NotChecked
    if row.result.get("apply_id"):
        return queries.job(row.result["apply_id"], by=by)
    counts = row.result["counts"]
    if not counts["new"] + counts["updated"]:
        raise NothingToDo
    if not row.input_path:
        raise NotFound
    applying = operations.start(
        kind=what.apply, title=f"导入{what.label}：{row.result['file_name'][-60:]}", by=by, tenant=tenant, now=now,
        result={"check_id": str(row.pk), "file_name": row.result["file_name"], "by": _remembered(by)},
    )  # fmt: skip
    row.result = {**row.result, "apply_id": str(applying.pk)}
    row.save(update_fields=["result"])
    return applying


def check_job(what: Import, *, job_id: UUID, tenant: Tenant, clock: Clock) -> None:
    """The worker's part of a check: read, compare, keep the preview and the corrected file. Writes nothing else."""
    job = operations.take(job_id=job_id, now=clock())
    if job is None:
        return
    try:
        table = _table(what, job, job.input_path, tenant=tenant, clock=clock)
        plan = what.compare(table, by=_actor(job, tenant), tenant=tenant, now=clock())
        counts = plan.counts()
        result: dict[str, Any] = {
            "counts": counts, "sheet": table.sheet, "errors": [[line.number, line.errors] for line in plan.wrong],
            "sample": plan.sample,
        }  # fmt: skip
        output = ""
        if plan.wrong:
            content = spreadsheets.write_corrected(table.sheet, table.heads, corrected_rows(table))
            output = files.store(tenant=tenant, job_id=job.pk, name="corrected.xlsx", data=content)
            result["output_name"] = f"{what.label}-待改正"
        sentence = (
            f"新增 {counts['new']}，更新 {counts['updated']}，未变 {counts['unchanged']}，有错的行 {counts['wrong']}"
        )
        with transaction.atomic():
            operations.finish(job, sentence=sentence, now=clock(), result=result, output_path=output)
    except DomainError as refused:
        _failed(job, refused, clock=clock)


def apply_job(what: Import, *, job_id: UUID, tenant: Tenant, clock: Clock) -> None:
    """The worker's part of an import: everything in one transaction with the end of the job."""
    job = operations.take(job_id=job_id, now=clock())
    if job is None:
        return
    try:
        checked = Job.objects.filter(pk=job.result["check_id"]).first()
        if checked is None or not checked.input_path:
            raise BadFile("上传的文件已过保存期（7 天），请重新上传。")
        table = _table(what, job, checked.input_path, tenant=tenant, clock=clock)
        by = _actor(job, tenant)
        with transaction.atomic():
            plan = what.compare(table, by=by, tenant=tenant, now=clock())
            counts = plan.counts()
            sentence = f"已导入：新增 {counts['new']}，更新 {counts['updated']}，未变 {counts['unchanged']}，跳过有错的行 {counts['wrong']}"
            operations.finish(job, sentence=sentence, now=clock(), result={"counts": counts})
            what.write(plan, job=job, by=by, tenant=tenant, now=clock())
    except DomainError as refused:
        _failed(job, refused, clock=clock)


def _table(what: Import, job: Job, path: str, *, tenant: Tenant, clock: Clock) -> Table:
    operations.progress(job, done=2, total=100, sentence="正在读取文件", now=clock())
    table = what.read(spreadsheets.read(files.read(tenant=tenant, path=path)))
    operations.progress(job, done=20, total=100, sentence=f"共 {len(table.lines)} 行，正在核对", now=clock())
    return table


def _failed(job: Job, refused: DomainError, *, clock: Clock) -> None:
    if isinstance(refused, operations.TakenOver):
        return
    sentence = "上传的文件已过保存期，请重新上传。" if isinstance(refused, NotFound) else refused.sentence
    operations.fail(job, sentence=sentence, now=clock(), result={"code": refused.code})
