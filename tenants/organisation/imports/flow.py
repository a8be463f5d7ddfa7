"""Import as two jobs: one checks and makes the preview, one applies what was confirmed.

Nothing is written before the confirmation. Applying reads the file again and compares with what the
school looks like at that moment, under a lock, and commits the rows, the event and the end of the job
together: a worker killed at any point has either done nothing or all of it, and never does it twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import ModuleType
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel import spreadsheets
from kernel.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from kernel.spreadsheets import BadFile
from kernel.tables import Plan, Table, corrected_rows, named
from kernel.tenancy import Tenant
from tenants.jobs import files
from tenants.jobs import operations as jobs
from tenants.jobs import queries as job_queries
from tenants.jobs.choices import JobState
from tenants.jobs.models import Job
from tenants.organisation import policies
from tenants.organisation.imports import certificates, places, staff
from tenants.organisation.operations.places import lock_tree
from tenants.timeline import operations as timeline

CHECK, APPLY = "organisation.check_import", "organisation.apply_import"
KINDS: dict[str, ModuleType] = {"staff": staff, "places": places, "certificates": certificates}
LABELS = {"staff": "员工", "places": "场所", "certificates": "证书"}
Clock = Callable[[], datetime]


class NotChecked(Conflict):
    code = "import_not_checked"
    message = _("文件还没有检查完，请等检查结束后再确认。")


class NothingToDo(DomainError):
    code = "import_nothing_to_do"
    message = _("文件里没有需要新增或更新的行，不用导入。")


def _module(what: str) -> ModuleType:
    if what not in KINDS:
        raise Invalid("只能导入员工、场所或证书。", field="what")
    return KINDS[what]


def template(what: str, *, by: Actor) -> tuple[str, bytes]:
    """(file name, workbook) of the template, with drop-downs from the school's own data. Raises NotAllowed."""
    if not policies.can_manage(by):
        raise NotAllowed
    module = _module(what)
    name = f"{LABELS[what]}导入模板.xlsx"
    return name, spreadsheets.write_template(module.TITLE, module.columns(), notes=module.NOTES)


@transaction.atomic
def start_import(*, what: str, file_name: str, content: bytes, by: Actor, tenant: Tenant, now: datetime) -> Job:
    """Take an uploaded file and check it in the background. Raises NotAllowed, Invalid, BadFile (not a table)."""
    if not policies.can_manage(by):
        raise NotAllowed
    _module(what)
    kind = spreadsheets.kind_of(content)
    return jobs.start(
        kind=CHECK,
        title=f"检查{LABELS[what]}文件：{file_name[-60:]}",
        by=by,
        tenant=tenant,
        now=now,
        content=content,
        file_name=f"upload.{kind}",
        result={"what": what, "file_name": file_name[-100:]},
    )


@transaction.atomic
def confirm_import(*, job_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Job:
    """Apply what a finished check found; wrong rows are left out. A second confirmation finds the same job.

    Locks the check. Raises NotAllowed, NotFound, NotChecked, NothingToDo.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    row = Job.objects.select_for_update().filter(pk=job_id, kind=CHECK).first()
    if row is None or row.account_id != by.account_id:
        raise NotFound
    if row.state != JobState.DONE:
        raise NotChecked
    if row.result.get("apply_id"):
        return job_queries.job(row.result["apply_id"], by=by)
    counts = row.result["counts"]
    if not counts["new"] + counts["updated"]:
        raise NothingToDo
    if not row.input_path:
        raise NotFound
    what = row.result["what"]
    applying = jobs.start(
        kind=APPLY,
        title=f"导入{LABELS[what]}：{row.result['file_name'][-60:]}",
        by=by,
        tenant=tenant,
        now=now,
        result={"what": what, "check_id": str(row.pk), "file_name": row.result["file_name"], "by": by.name},
    )
    row.result = {**row.result, "apply_id": str(applying.pk)}
    row.save(update_fields=["result"])
    return applying


def check_job(*, job_id: UUID, tenant: Tenant, clock: Clock) -> None:
    """The worker's part of a check: read, check, compare, keep the preview and the corrected file."""
    job = jobs.take(job_id=job_id, now=clock())
    if job is None:
        return
    try:
        table, plan = _planned(job, job.input_path, tenant=tenant, clock=clock)
        counts = plan.counts()
        result: dict[str, Any] = {
            "counts": counts,
            "sheet": table.sheet,
            "errors": [[line.number, line.errors] for line in plan.wrong],
            "sample": plan.sample,
        }
        output = ""
        if plan.wrong:
            jobs.progress(job, done=95, total=100, sentence="正在生成改错文件", now=clock())
            content = spreadsheets.write_corrected(table.sheet, table.heads, corrected_rows(table))
            output = files.store(tenant=tenant, job_id=job.pk, name="corrected.xlsx", data=content)
            result["output_name"] = f"{LABELS[job.result['what']]}-待改正"
        sentence = f"共 {counts['total']} 行：新增 {counts['new']}，更新 {counts['updated']}，未变 {counts['unchanged']}，错误 {counts['wrong']}"
        with transaction.atomic():
            jobs.finish(job, sentence=sentence, now=clock(), result=result, output_path=output)
    except DomainError as refused:
        _failed(job, refused, clock=clock)


def apply_job(*, job_id: UUID, tenant: Tenant, clock: Clock) -> None:
    """The worker's part of an import: everything in one transaction with the end of the job."""
    job = jobs.take(job_id=job_id, now=clock())
    if job is None:
        return
    try:
        checked = Job.objects.filter(pk=job.result["check_id"]).first()
        if checked is None or not checked.input_path:
            raise BadFile("上传的文件已过保存期（7 天），请重新上传。")
        what = job.result["what"]
        unconfirmed = frozenset(number for number, _sentences in checked.result["errors"])
        table, wanted = _checked(job, checked.input_path, unconfirmed, tenant=tenant, clock=clock)
        jobs.progress(job, done=80, total=100, sentence="正在写入，请稍候", now=clock())
        with transaction.atomic():
            _lock(what, tenant)
            plan: Plan = KINDS[what].compare(table, wanted, tenant=tenant)
            counts: dict[str, Any] = plan.counts()
            sentence = f"已导入：新增 {counts['new']}，更新 {counts['updated']}，未变 {counts['unchanged']}，跳过错误行 {counts['wrong']}"
            jobs.finish(job, sentence=sentence, now=clock(), result={"counts": counts})
            KINDS[what].write(plan, tenant=tenant, now=clock())
            by = Actor(account_id=job.account_id, name=job.result.get("by", ""), school_id=tenant.school_id)
            timeline.record(
                verb=f"{what}.imported",
                sentence=f"导入{LABELS[what]}：新增 {counts['new']}，更新 {counts['updated']}",
                subject=job,
                by=by,
                **counts,
            )
    except DomainError as refused:
        _failed(job, refused, clock=clock)


def _lock(what: str, tenant: Tenant) -> None:
    if what == "places":
        lock_tree(tenant)
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"staff|{tenant.schema}"])


def _checked(
    job: Job, path: str, unconfirmed: frozenset[int] = frozenset(), *, tenant: Tenant, clock: Clock
) -> tuple[Table, Any]:
    """Read and check. Rows that were wrong when somebody looked stay out, even if they would be right by now."""
    module = KINDS[job.result["what"]]
    jobs.progress(job, done=2, total=100, sentence="正在读取文件", now=clock())
    table = named(spreadsheets.read(files.read(tenant=tenant, path=path)), module.columns(), module.ALIASES)
    jobs.progress(job, done=10, total=100, sentence=f"共 {len(table.lines)} 行，正在检查", now=clock())

    for line in table.lines:
        if line.number in unconfirmed:
            line.errors.append("检查时这一行有错误，没有经过确认；请重新上传、检查后再导入。")

    def tell(done: int, total: int, sentence: str) -> None:
        jobs.progress(job, done=10 + done * 65 // total, total=100, sentence=sentence, now=clock())

    return table, module.check(table, tenant=tenant, tell=tell)


def _planned(job: Job, path: str, *, tenant: Tenant, clock: Clock) -> tuple[Table, Plan]:
    table, wanted = _checked(job, path, tenant=tenant, clock=clock)
    jobs.progress(job, done=80, total=100, sentence="正在与现有数据比对", now=clock())
    return table, KINDS[job.result["what"]].compare(table, wanted, tenant=tenant)


def _failed(job: Job, refused: DomainError, *, clock: Clock) -> None:
    if isinstance(refused, jobs.TakenOver):
        return
    sentence = "上传的文件已过保存期，请重新上传。" if isinstance(refused, NotFound) else refused.sentence
    jobs.fail(job, sentence=sentence, now=clock(), result={"code": refused.code})
