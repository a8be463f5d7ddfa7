"""The calls as an Excel file."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

HEADS = [
    ("岗位", 22), ("地点", 30), ("责任单位", 22), ("方式", 10), ("下达时间", 17), ("发出时间", 17), ("延迟发出", 9), ("应答期限", 17),
    ("结果", 10), ("脱岗", 7), ("睡岗", 7), ("夜间", 7), ("被查人", 16), ("应答时间", 17), ("用时（秒）", 10), ("未送达", 16), ("下达人", 16),
    ("人工认定", 24),
]  # fmt: skip
MAX_ROWS = 20_000


def _safe(text: str) -> str:
    """A cell that starts like a formula is shown, never run."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def workbook(rows: Iterable[Any], *, tz: ZoneInfo, title: str) -> bytes:
    """One sheet with a head row that stays and filters; times of the school's own day."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    head = book.add_format({"bold": True, "bg_color": "#E3ECFA", "border": 1, "text_wrap": True})
    when = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    page = book.add_worksheet("查岗记录")
    page.freeze_panes(1, 1)
    for column, (name, width) in enumerate(HEADS):
        page.write_string(0, column, name, head)
        page.set_column(column, column, width)

    def local(value: datetime | None) -> datetime | None:
        return value.astimezone(tz).replace(tzinfo=None, microsecond=0) if value else None

    count = 0
    for count, row in enumerate(rows, start=1):
        reaction = next((s.reaction_s for s in row.people if s.reaction_s is not None), None)
        cells: list[Any] = [
            row.post.name, row.post.place.full_name if row.post.place else "", row.post.party.name,
            row.get_kind_display(), local(row.due_at), local(row.sent_at), "是" if row.late_sent else "",
            local(row.deadline), row.get_outcome_display() if row.outcome else row.get_status_display(),
            "是" if row.off_post else "", "是" if row.asleep else "", "是" if row.night else "",
            "、".join(s.staff.name for s in row.people), local(row.answered_at), reaction, "、".join(row.unreached), row.caller_names,
            f"{row.judged_by_name}：{row.judged_note}" if row.judged_at else "",
        ]  # fmt: skip
        for column, cell in enumerate(cells):
            if isinstance(cell, datetime):
                page.write_datetime(count, column, cell, when)
            elif isinstance(cell, int):
                page.write_number(count, column, cell)
            elif cell:
                page.write_string(count, column, _safe(str(cell)))
    page.autofilter(0, 0, max(count, 1), len(HEADS) - 1)
    book.set_properties({"title": title})
    book.close()
    return out.getvalue()
