"""An import as two jobs, for any feature: one checks and makes the preview, one applies what was confirmed.

Nothing is written before the confirmation. Applying reads the file again and compares with what the school looks
like at that moment, under the feature's lock, and commits the rows and the end of the job together: a worker killed
at any point has either done nothing or all of it, and never does it twice. Rows that were wrong when somebody looked
stay out, even if they would be right by now. What is read and written is the feature's (`Import`).
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


def _nothing(*_table: Any, **_more: Any) -> None:
    """What a feature does that needs no such step."""


@dataclass(frozen=True, slots=True)
class Import:
    """What a feature brings: names of its two tasks, who may, and how its rows are read, compared and written."""

    label: str  # 排班
    check: str  # task names
    apply: str
    may: Callable[[Actor], bool]
    read: Callable[[Sequence[Sheet]], Table]  # raises BadFile
    compare: Callable[..., Plan]  # (table, what `look` found, *, by, tenant, now)
    write: Callable[..., None]  # (plan, *, job, by, tenant, now), in the transaction that ends the job
    look: Callable[..., Any] = _nothing  # (table, *, tenant, tell): at each row by itself, before any lock
    lock: Callable[..., None] = _nothing  # (tenant): before what is compared is also written
    what: str = ""  # kept in the job where several imports share their tasks


def _remembered(by: Actor) -> dict[str, Any]:
    """Who asked, as far as the worker needs it to act for them."""
    return {
        "name": by.name,
        "roles": sorted(r.value for r in by.roles),
        "providers": sorted(str(i) for i in by.provider_ids),
        "staff": str(by.staff_id) if by.staff_id else None,
        "other_staff": sorted(str(i) for i in by.other_staff_ids),
    }


def _actor(job: Job, tenant: Tenant) -> Actor:
    said = job.result.get("by", "")
    if isinstance(said, str):  # a job of the organisation queued by the release before
        return Actor(account_id=job.account_id, name=said, school_id=tenant.school_id)
    return Actor(
        account_id=job.account_id, name=said["name"], roles=frozenset(Role(r) for r in said["roles"]),
        school_id=tenant.school_id, provider_ids=frozenset(UUID(i) for i in said["providers"]),
        staff_id=UUID(said["staff"]) if said["staff"] else None,
        other_staff_ids=frozenset(UUID(i) for i in said.get("other_staff", ())), via=Via.SESSION,
    )  # fmt: skip


@transaction.atomic
def start(what: Import, *, file_name: str, content: bytes, by: Actor, tenant: Tenant, now: datetime) -> Job:
    """Take an uploaded file and check it in the background. Raises NotAllowed, BadFile (not a table)."""
    if not what.may(by):
        raise NotAllowed
    kind = spreadsheets.kind_of(content)
    return operations.start(
        kind=what.check, title=f"检查{what.label}文件：{file_name[-60:]}", by=by, tenant=tenant, now=now,
        content=content, file_name=f"upload.{kind}",
        result={"what": what.what, "file_name": file_name[-100:], "by": _remembered(by)},
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
        result={
            "what": what.what, "check_id": str(row.pk), "file_name": row.result["file_name"], "by": _remembered(by),
        },
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
        table, found = _looked(what, job, job.input_path, tenant=tenant, clock=clock)
        operations.progress(job, done=80, total=100, sentence="正在与现有数据比对", now=clock())
        plan = what.compare(table, found, by=_actor(job, tenant), tenant=tenant, now=clock())
        counts = plan.counts()
        result: dict[str, Any] = {
            "counts": counts, "sheet": table.sheet, "errors": [[line.number, line.errors] for line in plan.wrong],
            "sample": plan.sample,
        }  # fmt: skip
        output = ""
        if plan.wrong:
            operations.progress(job, done=95, total=100, sentence="正在生成改错文件", now=clock())
            content = spreadsheets.write_corrected(table.sheet, table.heads, corrected_rows(table))
            output = files.store(tenant=tenant, job_id=job.pk, name="corrected.xlsx", data=content)
            result["output_name"] = f"{what.label}-待改正"
        sentence = f"共 {counts['total']} 行：新增 {counts['new']}，更新 {counts['updated']}，未变 {counts['unchanged']}，错误 {counts['wrong']}"
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
        unconfirmed = frozenset(number for number, _sentences in checked.result["errors"])
        table, found = _looked(what, job, checked.input_path, unconfirmed, tenant=tenant, clock=clock)
        operations.progress(job, done=80, total=100, sentence="正在写入，请稍候", now=clock())
        by = _actor(job, tenant)
        with transaction.atomic():
            what.lock(tenant)
            plan = what.compare(table, found, by=by, tenant=tenant, now=clock())
            counts = plan.counts()
            sentence = f"已导入：新增 {counts['new']}，更新 {counts['updated']}，未变 {counts['unchanged']}，跳过错误行 {counts['wrong']}"
            operations.finish(job, sentence=sentence, now=clock(), result={"counts": counts})
            what.write(plan, job=job, by=by, tenant=tenant, now=clock())
    except DomainError as refused:
        _failed(job, refused, clock=clock)


def _looked(
    what: Import, job: Job, path: str, unconfirmed: frozenset[int] = frozenset(), *, tenant: Tenant, clock: Clock
) -> tuple[Table, Any]:
    """The file as a table, and what its rows are by themselves."""
    operations.progress(job, done=2, total=100, sentence="正在读取文件", now=clock())
    table = what.read(spreadsheets.read(files.read(tenant=tenant, path=path)))
    operations.progress(job, done=10, total=100, sentence=f"共 {len(table.lines)} 行，正在检查", now=clock())
    for line in table.lines:
        if line.number in unconfirmed:
            line.errors.append("检查时这一行有错误，没有经过确认；请重新上传、检查后再导入。")

    def tell(done: int, total: int, sentence: str) -> None:
        operations.progress(job, done=10 + done * 65 // total, total=100, sentence=sentence, now=clock())

    return table, what.look(table, tenant=tenant, tell=tell)


def _failed(job: Job, refused: DomainError, *, clock: Clock) -> None:
    if isinstance(refused, operations.TakenOver):
        return
    sentence = "上传的文件已过保存期，请重新上传。" if isinstance(refused, NotFound) else refused.sentence
    operations.fail(job, sentence=sentence, now=clock(), result={"code": refused.code})
