"""The month sheet as a workbook and as a PDF. Long ones are jobs with progress."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import xlsxwriter
from django.db import transaction

from identity.contracts import Actor
from kernel import pdf
from kernel.errors import DomainError, Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.attendance import policies, queries
from tenants.attendance.sheet import LATER, SIGNS, TOTALS, Change, Row, Sheet, sheet
from tenants.jobs import files
from tenants.jobs import operations as jobs
from tenants.jobs.models import Job
from tenants.organisation.models import Staff

AT_ONCE = 300  # people; more are exported by the worker
BATCH = 250
FORMS = ("xlsx", "pdf")
WEEKDAYS = "一二三四五六日"
LEGEND = "　".join(f"{sign} {mark.label}" for mark, sign in SIGNS.items())
MARKED = f"带 * 为待定，带 {LATER} 为确认后有更正（表内仍是本人确认时的结果）"
LATER_HEADS = ("姓名", "工号", "日期", "岗位", "确认时", "更正后", "说明", "更正时间")


def _plain(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _confirmed(row: Row) -> str:
    if not row.confirmed:
        return ""
    return f"已确认，{len(row.changes)} 处更正" if row.changes else "已确认"


def _change(change: Change, tz: ZoneInfo) -> tuple[str, ...]:
    return (
        change.staff.name, change.staff.number, change.day.isoformat(), change.post, change.was, change.now,
        change.sentence, f"{change.at.astimezone(tz):%Y-%m-%d %H:%M}",
    )  # fmt: skip


def workbook(parts: Sequence[Sheet], *, school: str, tz: ZoneInfo) -> bytes:
    """One sheet with a line per person, and where confirmed months were put right a second one that says what and why."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    base = {"border": 1, "border_color": "#C9D3E0", "align": "center", "valign": "vcenter"}
    head = book.add_format({**base, "bold": True, "bg_color": "#E3ECFA", "text_wrap": True})
    rest = book.add_format({**base, "bold": True, "bg_color": "#F1F3F5", "font_color": "#667085", "text_wrap": True})
    plain = book.add_format({**base, "text_wrap": True})
    name = book.add_format({**base, "align": "left"})
    bad = book.add_format({**base, "font_color": "#B42318", "bold": True, "text_wrap": True})
    title = book.add_format({"bold": True, "font_size": 14})
    first = parts[0]
    page = book.add_worksheet(f"{first.month:%Y-%m}")
    page.write_string(0, 0, f"{school} {first.month.year} 年 {first.month.month} 月考勤表", title)
    page.write_string(1, 0, f"图例：{LEGEND}；{MARKED}")
    heads = ["姓名", "工号", "单位", *(f"{d.day.day}\n{WEEKDAYS[d.day.weekday()]}" for d in first.days)]
    heads += ["应出勤", *(str(m.label) for m in TOTALS), "未定", "迟到分钟", "早退分钟", "在岗小时", "本人确认"]
    for column, text in enumerate(heads):
        day = first.days[column - 3] if 3 <= column < 3 + len(first.days) else None
        page.write_string(2, column, text, rest if day and not day.works else head)
    line = 3
    for part in parts:
        for row in part.rows:
            for column, text in enumerate((row.staff.name, row.staff.number, row.party)):
                page.write_string(line, column, _plain(text), name)
            for n, boxes in enumerate(row.days):
                text = "/".join(b.text for b in boxes)
                page.write_string(line, 3 + n, text, bad if any(b.tone == "bad" for b in boxes) else plain)
            figures, column = row.figures, 3 + len(first.days)
            numbers = [figures.instances if figures else 0, *row.totals]
            numbers += [figures.undecided, figures.late_minutes, figures.early_minutes] if figures else [0, 0, 0]
            for n, number in enumerate(numbers):
                page.write_number(line, column + n, number, plain)
            page.write_number(line, column + len(numbers), float(figures.hours) if figures else 0, plain)
            page.write_string(line, column + len(numbers) + 1, _confirmed(row), plain)
            line += 1
    page.set_column(0, 0, 10)
    page.set_column(1, 1, 10)
    page.set_column(2, 2, 22)
    page.set_column(3, 2 + len(first.days), 4.5)
    page.set_row(2, 32)
    page.freeze_panes(3, 3)
    page.set_landscape()
    page.set_paper(8)
    page.fit_to_pages(1, 0)
    page.repeat_rows(2)
    if changes := [change for part in parts for change in part.changes]:
        beside = book.add_worksheet("确认后更正")
        for column, text in enumerate(LATER_HEADS):
            beside.write_string(0, column, text, head)
        for n, change in enumerate(changes, start=1):
            for column, text in enumerate(_change(change, tz)):
                beside.write_string(n, column, _plain(text), name)
        beside.set_column(0, 5, 12)
        beside.set_column(6, 6, 60)
        beside.set_column(7, 7, 18)
        beside.freeze_panes(1, 0)
    book.close()
    return out.getvalue()


TYPST = """
#let d = json("data.json")
#set page(paper: "a3", flipped: true, margin: (x: 10mm, y: 12mm), footer: context [
  #set text(7pt, fill: luma(90)); #d.made #h(1fr) 第 #counter(page).display() 页，共 #counter(page).final().first() 页
])
#set text(7pt)
#text(13pt, weight: "bold")[#d.title]
#v(-4pt)
#text(7pt, fill: luma(70))[图例：#d.legend；#d.marked]
#table(
  columns: (auto, auto, auto) + d.days.map(_ => 1fr) + d.totals.map(_ => auto) + (auto, auto),
  align: (x, y) => if x < 3 { left + horizon } else { center + horizon },
  inset: (x: 2pt, y: 3pt), stroke: 0.4pt + luma(190),
  fill: (x, y) => if y == 0 { rgb("#E3ECFA") } else if x >= 3 and x < 3 + d.days.len() and d.days.at(x - 3).rest { luma(245) },
  table.header([姓名], [工号], [单位], ..d.days.map(x => [#x.n #linebreak() #x.w]), ..d.totals.map(x => [#x]), [小时], [确认]),
  ..d.rows.map(r => ([#r.name], [#r.number], [#r.party], ..r.cells.map(c => if c.bad { text(fill: rgb("#B42318"), weight: "bold")[#c.t] } else { [#c.t] }),
    ..r.totals.map(x => [#x]), [#r.hours], [#r.confirmed])).flatten()
)
#if d.changes.len() > 0 [
  #v(4pt)
  #text(10pt, weight: "bold")[确认后的更正（#d.changes.len() 处）]
  #table(
    columns: (auto, auto, auto, auto, auto, auto, 1fr, auto), align: left + horizon, inset: (x: 3pt, y: 3pt),
    stroke: 0.4pt + luma(190), fill: (x, y) => if y == 0 { rgb("#E3ECFA") },
    table.header(..d.change_heads.map(x => [#x])), ..d.changes.flatten().map(x => [#x])
  )
]
"""


def document(parts: Sequence[Sheet], *, school: str, now: datetime, tenant: Tenant) -> bytes:
    """The same on A3 landscape. Raises NoFonts."""
    first = parts[0]
    data = {
        "title": f"{school} {first.month.year} 年 {first.month.month} 月考勤表",
        "made": f"{now.astimezone(tenant.tz):%Y-%m-%d %H:%M} 由 CiELM 生成",
        "legend": LEGEND,
        "marked": MARKED,
        "change_heads": LATER_HEADS,
        "changes": [_change(change, tenant.tz) for part in parts for change in part.changes],
        "days": [{"n": str(d.day.day), "w": WEEKDAYS[d.day.weekday()], "rest": not d.works} for d in first.days],
        "totals": ["应到", *(SIGNS[m] for m in TOTALS), "未定"],
        "rows": [
            {
                "name": r.staff.name, "number": r.staff.number, "party": r.party,
                "cells": [
                    {"t": "/".join(b.text for b in boxes), "bad": any(b.tone == "bad" for b in boxes)}
                    for boxes in r.days
                ],
                "totals": [str(n or "") for n in ([r.figures.instances if r.figures else 0, *r.totals, r.figures.undecided if r.figures else 0])],
                "hours": str(r.figures.hours) if r.figures else "", "confirmed": "" if not r.confirmed else f"是{LATER}" if r.changes else "是",
            }
            for part in parts for r in part.rows
        ],
    }  # fmt: skip
    return pdf.pdf(TYPST, data)


def make(
    people: Sequence[Staff],
    *,
    month: date,
    form: str,
    tenant: Tenant,
    now: datetime,
    party_ids: list[UUID] | None = None,
) -> bytes:
    """The file of these people, with the shifts of these parties (None: all). Raises Invalid for an unknown form."""
    if form not in FORMS:
        raise Invalid("请选择 Excel 或 PDF。", field="form")
    parts = [sheet(people, month=month, tz=tenant.tz, party_ids=party_ids)]
    return (
        workbook(parts, school=tenant.name, tz=tenant.tz)
        if form == "xlsx"
        else document(parts, school=tenant.name, now=now, tenant=tenant)
    )


def start(
    *,
    month: date,
    form: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    party_id: UUID | None = None,
    post_id: UUID | None = None,
    search: str = "",
) -> Job:
    """A job for a large export. What the asker may see is decided now. Raises NotAllowed, Invalid."""
    if not policies.reads_sheets(by):
        raise NotAllowed
    if form not in FORMS:
        raise Invalid("请选择 Excel 或 PDF。", field="form")
    people = queries.people(by=by, month=month, party_id=party_id, post_id=post_id, search=search)
    parties = queries.parties_shown(by=by, party_id=party_id)
    return jobs.start(
        kind="attendance.export_month", title=f"{month.year} 年 {month.month} 月考勤表（{form.upper()}）", by=by, tenant=tenant,
        now=now, result={
            "month": month.isoformat(), "form": form, "staff": [str(i) for i in people.values_list("pk", flat=True)],
            "parties": None if parties is None else [str(i) for i in parties],
        },
    )  # fmt: skip


def work(*, job_id: UUID, tenant: Tenant, clock: Callable[[], datetime]) -> None:
    """Make the file of a job, in batches with progress. Safe to run twice."""
    job = jobs.take(job_id=job_id, now=clock())
    if job is None:
        return
    asked: dict[str, Any] = job.result
    month, ids = date.fromisoformat(asked["month"]), [UUID(i) for i in asked["staff"]]
    people = list(Staff.objects.select_related("party").filter(pk__in=ids).order_by("party__name", "pinyin", "number"))
    parties = None if asked.get("parties") is None else [UUID(i) for i in asked["parties"]]
    parts = []
    for start_at in range(0, max(1, len(people)), BATCH):
        parts.append(sheet(people[start_at : start_at + BATCH], month=month, tz=tenant.tz, party_ids=parties))
        done = min(len(people), start_at + BATCH)
        jobs.progress(
            job, done=done, total=len(people) + BATCH, sentence=f"已汇总 {done} / {len(people)} 人", now=clock()
        )
    try:
        content = (
            workbook(parts, school=tenant.name, tz=tenant.tz) if asked["form"] == "xlsx"
            else document(parts, school=tenant.name, now=clock(), tenant=tenant)
        )  # fmt: skip
    except DomainError as refused:
        jobs.fail(job, sentence=refused.sentence, now=clock())
        return
    path = files.store(tenant=tenant, job_id=job.pk, name=f"sheet.{asked['form']}", data=content)
    with transaction.atomic():
        jobs.finish(job, sentence=f"已生成，{len(people)} 人", now=clock(), output_path=path, result={"staff": []})
