"""The list as an Excel file."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import xlsxwriter

from standards_library.choices import ServiceLine
from tenants.findings.choices import Category, Consequence, FindingSource, FindingStatus, Severity
from tenants.findings.models import Finding
from tenants.findings.queries import is_overdue

HEADS = [
    ("编号", 17), ("问题", 36), ("状态", 9), ("是否超期", 9), ("严重程度", 9), ("地点", 30), ("责任单位", 22), ("服务条线", 10),
    ("来源", 10), ("处/次", 7), ("一票否决", 9), ("发现时间", 17), ("发现人", 10), ("整改期限", 17), ("提交整改时间", 17),
    ("整改人", 10), ("销号时间", 17), ("复查人", 10), ("退回次数", 9), ("重新打开次数", 12), ("延期次数", 9), ("复发次数", 9), ("整改负责人", 12), ("问题类别", 10),
    ("原因", 24), ("根本原因", 24), ("措施", 24), ("复查结论", 24), ("改进结论", 12), ("改进说明", 24),
]  # fmt: skip
MAX_ROWS = 20_000


def _safe(text: str) -> str:
    """A cell that starts like a formula is shown, never run."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def workbook(rows: Iterable[Finding], *, now: datetime, tz: ZoneInfo, title: str) -> bytes:
    """One sheet with a head row that stays, filters, and times of the school's own day; at most 20,000 rows."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    head = book.add_format({"bold": True, "bg_color": "#E3ECFA", "border": 1, "text_wrap": True})
    plain, when = (
        book.add_format({"valign": "top"}),
        book.add_format({"num_format": "yyyy-mm-dd hh:mm", "valign": "top"}),
    )
    page = book.add_worksheet("问题整改")
    page.freeze_panes(1, 1)
    for column, (name, width) in enumerate(HEADS):
        page.write_string(0, column, name, head)
        page.set_column(column, column, width)

    def local(value: datetime | None) -> datetime | None:
        return value.astimezone(tz).replace(tzinfo=None, second=0, microsecond=0) if value else None

    count = 0
    for count, row in enumerate(rows, start=1):
        cells: list[str | int | datetime | None] = [
            row.number, row.title, str(FindingStatus(row.status).label), "超期" if is_overdue(row, now) else "",
            str(Severity(row.severity).label), row.place.full_name, row.party.name, str(ServiceLine(row.line).label),
            str(FindingSource(row.source).label), row.occurrences, "是" if row.veto else "", local(row.found_at),
            row.found_by_name, local(row.deadline), local(row.submitted_at), row.fixed_by_name, local(row.closed_at),
            row.closed_by_name, row.rejections, row.reopened, row.extended, row.repeats, row.owner_name,
            str(Category(row.category).label) if row.category else "", row.cause, row.root_cause, row.measure,
            row.verdict, str(Consequence(row.consequence).label) if row.consequence else "", row.lesson,
        ]  # fmt: skip
        for column, cell in enumerate(cells):
            if isinstance(cell, datetime):
                page.write_datetime(count, column, cell, when)
            elif isinstance(cell, int):
                page.write_number(count, column, cell, plain)
            elif cell:
                page.write_string(count, column, _safe(cell), plain)
    page.autofilter(0, 0, max(count, 1), len(HEADS) - 1)
    book.set_properties({"title": title})
    book.close()
    return out.getvalue()
