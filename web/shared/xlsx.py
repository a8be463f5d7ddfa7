"""Workbooks to download. Text that a spreadsheet would run as a formula is written as plain text."""

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import xlsxwriter
from django.http import HttpResponse
from django.utils import timezone

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Sheet = tuple[str, Sequence[str], Iterable[Sequence[Any]]]  # title, heads, rows


def workbook(sheets: Iterable[Sheet]) -> bytes:
    """One workbook: bold frozen heads, a filter, columns as wide as their text. Strings never become formulas."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    bold = book.add_format({"bold": True, "bg_color": "#EAF1FB", "border": 1, "text_wrap": True, "valign": "vcenter"})
    points = book.add_format({"num_format": "0.00"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for title, heads, rows in sheets:
        page = book.add_worksheet("".join(c for c in title if c not in "[]:*?/\\")[:31])
        widths = [_width(h) for h in heads]
        page.write_row(0, 0, list(heads), bold)
        last = 0
        for last, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                if isinstance(value, Decimal):
                    page.write_number(last, column, float(value), points)
                elif isinstance(value, datetime):
                    local = timezone.localtime(value) if timezone.is_aware(value) else value
                    page.write_datetime(last, column, local.replace(tzinfo=None), moment)
                elif isinstance(value, date):
                    page.write_datetime(last, column, value, day)
                elif isinstance(value, bool):
                    page.write_string(last, column, "是" if value else "否")
                elif isinstance(value, int | float):
                    page.write_number(last, column, value)
                else:
                    page.write_string(last, column, _plain("" if value is None else str(value)))
                widths[column] = max(widths[column], min(60, _width(str(value or ""))))
        for column, width in enumerate(widths):
            page.set_column(column, column, max(8, width + 2))
        page.freeze_panes(1, 0)
        if heads:
            page.autofilter(0, 0, max(last, 1), len(heads) - 1)
    book.close()
    return out.getvalue()


def download(name: str, sheets: Iterable[Sheet]) -> HttpResponse:
    """Answer with a workbook called `name` (with .xlsx)."""
    answer = HttpResponse(workbook(sheets), content_type=MIME)
    answer["Content-Disposition"] = f"attachment; filename=\"export.xlsx\"; filename*=UTF-8''{quote(name)}"
    answer["Cache-Control"] = "no-store"
    return answer


def _plain(text: str) -> str:
    # Some programs turn such text into a formula when the file is saved as CSV.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _width(text: str) -> int:
    return max((sum(2 if ord(c) > 0x2E80 else 1 for c in line) for line in text.split("\n")), default=0)
