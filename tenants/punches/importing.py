"""打卡 from a file, as two jobs: one checks and makes the preview, one stores what was confirmed.

Some devices only export files. Rows go the same way as a batch (`operations.ingest`): what is there
already is left, numbers nobody has are kept until somebody says whose they are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel import spreadsheets
from kernel.errors import Conflict, DomainError, NotAllowed, NotFound
from kernel.spreadsheets import BadFile, Column
from kernel.tables import Line, Table, corrected_rows, named
from kernel.tenancy import Tenant
from tenants.jobs import files
from tenants.jobs import operations as jobs
from tenants.jobs import queries as job_queries
from tenants.jobs.choices import JobState
from tenants.jobs.models import Job
from tenants.punches import policies, queries
from tenants.punches.batches import DIRECTIONS, time_of
from tenants.punches.choices import PunchSource
from tenants.punches.contracts import Record
from tenants.punches.models import Device, Punch, Unmatched
from tenants.punches.operations.ingest import ingest
from tenants.punches.operations.storing import derived_seq
from tenants.timeline import operations as timeline

CHECK, APPLY = "punches.check_import", "punches.apply_import"
ALIASES = {
    "考勤号": "工号", "员工工号": "工号", "人员编号": "工号", "编号": "工号", "打卡时间": "时间", "考勤时间": "时间",
    "刷卡时间": "时间", "日期时间": "时间", "打卡日期": "日期", "考勤日期": "日期", "上下班": "方向", "类型": "方向",
    "流水号": "序号", "记录号": "序号",
}  # fmt: skip
NOTES = [
    "1. 带 * 的列必须填写。时间写成 2026-03-01 08:00:00；日期和时刻分两列的，日期填在「日期」，时刻填在「时间」。",
    "2. 工号也可以是设备上的考勤号；认不出的号会先存着，在“考勤设备”里说明是谁之后补入。",
    "3. 没有坐标也能导入：没有定位不等于不在范围。重复导入同一文件不会重复计入。第 3 行为示例，导入时忽略。",
]
Clock = Callable[[], datetime]


class NotChecked(Conflict):
    code = "import_not_checked"
    message = _("文件还没有检查完，请等检查结束后再确认。")


class NothingToDo(DomainError):
    code = "import_nothing_to_do"
    message = _("文件里没有新的打卡，不用导入。")


def columns() -> list[Column]:
    return [
        Column("工号", required=True, text=True, width=14, example="示例：G0001", note="员工工号，或设备上的考勤号"),
        Column("时间", required=True, text=True, width=22, example="2026-03-01 07:58:21", note="打卡的时间"),
        Column("日期", text=True, width=14, note="时间列只有时刻时才需要"),
        Column("方向", width=10, choices=["上班", "下班"], note="可不填"),
        Column("序号", text=True, width=12, note="设备的流水号，可不填"),
    ]


def template(*, by: Actor) -> tuple[str, bytes]:
    """(file name, workbook). Raises NotAllowed."""
    if not policies.can_manage_devices(by):
        raise NotAllowed
    return "打卡导入模板.xlsx", spreadsheets.write_template("打卡记录", columns(), notes=NOTES)


@transaction.atomic
def start_import(*, device_id: UUID, file_name: str, content: bytes, by: Actor, tenant: Tenant, now: datetime) -> Job:
    """Take an uploaded file of a device and check it in the background. Raises NotAllowed, NotFound, BadFile."""
    if not policies.can_manage_devices(by):
        raise NotAllowed
    device = queries.device(device_id, by=by)
    kind = spreadsheets.kind_of(content)
    return jobs.start(
        kind=CHECK, title=f"检查打卡文件：{file_name[-60:]}", by=by, tenant=tenant, now=now, content=content,
        file_name=f"upload.{kind}",
        result={"device_id": str(device.pk), "device": device.name, "file_name": file_name[-100:]},
    )  # fmt: skip


@transaction.atomic
def confirm_import(*, job_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Job:
    """Store what a finished check found; wrong rows are left out. A second confirmation finds the same job.

    Locks the check. Raises NotAllowed, NotFound, NotChecked, NothingToDo.
    """
    if not policies.can_manage_devices(by):
        raise NotAllowed
    row = Job.objects.select_for_update().filter(pk=job_id, kind=CHECK).first()
    if row is None or row.account_id != by.account_id:
        raise NotFound
    if row.state != JobState.DONE:
        raise NotChecked
    if row.result.get("apply_id"):
        return job_queries.job(row.result["apply_id"], by=by)
    if not row.result["counts"]["new"]:
        raise NothingToDo
    if not row.input_path:
        raise NotFound
    applying = jobs.start(
        kind=APPLY, title=f"导入打卡：{row.result['file_name'][-60:]}", by=by, tenant=tenant, now=now,
        result={**{k: row.result[k] for k in ("device_id", "device", "file_name")}, "check_id": str(row.pk), "by": by.name},
    )  # fmt: skip
    row.result = {**row.result, "apply_id": str(applying.pk)}
    row.save(update_fields=["result"])
    return applying


def _record(line: Line, tz: ZoneInfo, now: datetime) -> Record | None:
    """One row as a record; its errors are noted on the line."""
    seq = line.text("序号")
    if seq and not (seq.isascii() and seq.isdigit() and len(seq) <= 15):
        line.wrong("序号", "应是不超过 15 位的整数，没有可以不填")
    number = line.text("工号")
    if len(number) > 30:
        line.wrong("工号", "最多 30 个字符")
    direction = DIRECTIONS.get(line.text("方向").lower())
    if direction is None:
        line.wrong("方向", "应为：上班、下班，或不填")
    at = None
    try:
        at = _moment(line.cells.get("日期"), line.cells.get("时间"), tz)
        if at > now:
            line.wrong("时间", "在未来，请核对设备时钟后重新导出")
    except (ValueError, TypeError, OverflowError):
        line.wrong("时间", "不是时间，请写成 2026-03-01 08:00:00 的样子")
    if line.errors or at is None or direction is None:
        return None
    return Record(int(seq) if seq else None, number, at, direction)


def _moment(day: Any, said: Any, tz: ZoneInfo) -> datetime:
    if isinstance(said, datetime):
        return time_of(said.isoformat(), tz)
    if isinstance(day, datetime):
        day = day.date()
    if isinstance(said, time) and isinstance(day, date):
        return time_of(datetime.combine(day, said).isoformat(), tz)
    words = " ".join(str(part).strip() for part in (day, said) if part not in (None, ""))
    return time_of(words, tz)


def _read(job: Job, path: str, *, tenant: Tenant, clock: Clock) -> tuple[Table, list[tuple[Line, Record]]]:
    jobs.progress(job, done=2, total=100, sentence="正在读取文件", now=clock())
    table = named(spreadsheets.read(files.read(tenant=tenant, path=path)), columns(), ALIASES)
    good: list[tuple[Line, Record]] = []
    now = clock()
    for done, line in enumerate(table.lines, start=1):
        if done % 2000 == 0:
            share = 10 + done * 60 // len(table.lines)
            jobs.progress(job, done=share, total=100, sentence=f"正在检查第 {done} 行", now=clock())
        record = None if line.errors else _record(line, tenant.tz, now)
        if record is not None:
            good.append((line, record))
    return table, good


def _there(device: Device, records: list[Record]) -> set[int]:
    """Which of these numbers are stored already. Two queries."""
    seqs = [_seq(device, r) for r in records]
    found = {seq for seq in Punch.objects.filter(device=device, seq__in=seqs).values_list("seq", flat=True) if seq}
    return found | set(Unmatched.objects.filter(device=device, seq__in=seqs).values_list("seq", flat=True))


def _seq(device: Device, record: Record) -> int:
    return derived_seq(record.number, record.recorded_at) if record.seq is None else record.seq + device.seq_base


def check_job(*, job_id: UUID, tenant: Tenant, clock: Clock) -> None:
    """The worker's part of a check: nothing is written but the preview and the corrected file."""
    job = jobs.take(job_id=job_id, now=clock())
    if job is None:
        return
    try:
        table, good = _read(job, job.input_path, tenant=tenant, clock=clock)
        device = Device.objects.filter(pk=job.result["device_id"]).first()
        if device is None:
            raise NotFound
        there = _there(device, [r for _line, r in good])
        owner = queries.numbers_of(device.pk)
        seen: set[int] = set()
        sample: list[tuple[int, str, str]] = []
        unknown: dict[str, int] = {}
        new = 0
        for line, record in good:
            seq = _seq(device, record)
            if seq in there or seq in seen:
                continue
            seen.add(seq)
            new += 1
            if record.number not in owner:
                unknown[record.number] = unknown.get(record.number, 0) + 1
            if len(sample) < 300:
                when = record.recorded_at.astimezone(tenant.tz)
                sample.append((line.number, "new", f"{record.number} · {when:%Y-%m-%d %H:%M:%S}"))
        wrong = [line for line in table.lines if line.errors]
        counts = {"new": new, "unchanged": len(good) - new, "wrong": len(wrong), "total": len(table.lines),
                  "unknown": sum(unknown.values())}  # fmt: skip
        result: dict[str, Any] = {
            "counts": counts, "sheet": table.sheet, "errors": [[line.number, line.errors] for line in wrong],
            "sample": sample, "unknown": dict(list(unknown.items())[:200]),
        }  # fmt: skip
        output = ""
        if wrong:
            content = spreadsheets.write_corrected(table.sheet, table.heads, corrected_rows(table))
            output = files.store(tenant=tenant, job_id=job.pk, name="corrected.xlsx", data=content)
            result["output_name"] = "打卡-待改正"
        sentence = f"共 {counts['total']} 行：新增 {new}，已有 {counts['unchanged']}，错误 {counts['wrong']}"
        with transaction.atomic():
            jobs.finish(job, sentence=sentence, now=clock(), result=result, output_path=output)
    except DomainError as refused:
        _failed(job, refused, clock=clock)


def apply_job(*, job_id: UUID, tenant: Tenant, clock: Clock) -> None:
    """The worker's part of an import: the punches, the event and the end of the job in one transaction."""
    job = jobs.take(job_id=job_id, now=clock())
    if job is None:
        return
    try:
        checked = Job.objects.filter(pk=job.result["check_id"]).first()
        if checked is None or not checked.input_path:
            raise BadFile("上传的文件已过保存期（7 天），请重新上传。")
        table, good = _read(job, checked.input_path, tenant=tenant, clock=clock)
        wrong = sum(1 for line in table.lines if line.errors)
        now = clock()
        with transaction.atomic():
            by = Actor(account_id=job.account_id, name=job.result.get("by", ""), school_id=tenant.school_id)
            records = [r for _line, r in good]
            total = {"new": 0, "unchanged": 0, "wrong": wrong, "unmatched": 0}
            for start in range(0, len(records), 10_000):
                told = ingest(
                    device_id=UUID(job.result["device_id"]), records=records[start : start + 10_000],
                    by=Actor.system(tenant.school_id), tenant=tenant, now=now, source=PunchSource.IMPORT,
                )  # fmt: skip
                total["new"] += told.accepted + told.refused
                total["unmatched"] += told.unmatched
                total["unchanged"] += told.duplicates + len(told.conflicts)
            sentence = (
                f"已导入：新增 {total['new']}，已有 {total['unchanged']}，"
                f"认不出人 {total['unmatched']}，跳过错误行 {wrong}"
            )
            jobs.finish(job, sentence=sentence, now=now, result={"counts": total})
            timeline.record(
                verb="punches.imported", sentence=f"导入「{job.result['device']}」的打卡：新增 {total['new']}"[:300],
                subject=job, by=by, counts=total,
            )  # fmt: skip
    except DomainError as refused:
        _failed(job, refused, clock=clock)


def _failed(job: Job, refused: DomainError, *, clock: Clock) -> None:
    if isinstance(refused, jobs.TakenOver):
        return
    sentence = "上传的文件已过保存期，请重新上传。" if isinstance(refused, NotFound) else refused.sentence
    jobs.fail(job, sentence=sentence, now=clock(), result={"code": refused.code})
