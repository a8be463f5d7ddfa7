"""Spreadsheets in and out: .xlsx, .xls and CSV as people really make them, and files made to hurt.

Reading gives plain rows of cells; it never runs formulas, follows links or trusts a declared size.
Every refusal is a `BadFile` with a Chinese sentence that says what to do. Writing guards against
texts that a spreadsheet program would take for a formula (`guarded`), and reading takes the guard off.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from kernel.errors import Invalid

Cell = str | int | float | bool | date | datetime | time | timedelta | None
Row = list[Cell]

MAX_BYTES = 10 * 1024 * 1024
MAX_UNPACKED = 150 * 1024 * 1024
MAX_PARTS = 2_000
MAX_ROWS = 20_050
MAX_COLUMNS = 200
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TRIGGERS = ("=", "+", "-", "@", "\t", "\r")


class BadFile(Invalid):
    """The file cannot be used; the sentence says why and what to do."""

    code = "file_unreadable"
    message = _("文件无法读取，请用模板重新填写后另存为 .xlsx 再上传。")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: rows from the first used one, `first_row` its number as people count (1, 2, 3 …).

    `covered` are cells (row number, column index) hidden under a merged cell; `unsolved` are formulas
    the program that wrote the file never calculated.
    """

    name: str
    rows: list[Row]
    first_row: int = 1
    covered: frozenset[tuple[int, int]] = frozenset()
    unsolved: frozenset[tuple[int, int]] = frozenset()


@dataclass(slots=True)
class Column:
    """One column of a workbook we write. `choices` becomes a drop-down, `text` keeps numbers as typed."""

    head: str
    required: bool = False
    width: int = 16
    text: bool = False
    choices: Sequence[str] = ()
    note: str = ""
    example: str = ""
    number_format: str = ""

    @property
    def title(self) -> str:
        return f"{self.head}*" if self.required else self.head


# --- Reading ---------------------------------------------------------------------------------------


def kind_of(data: bytes) -> str:
    """ "xlsx", "xls" or "csv", by content. Raises BadFile for anything else (pictures, PDF, Word, encrypted)."""
    if not data.strip(b"\x00\r\n\t "):
        raise BadFile("文件是空的，请重新选择。")
    if len(data) > MAX_BYTES:
        raise BadFile("文件超过 10 MB。请删去图片和空白行，或分成几个文件导入。")
    if data.startswith(OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise BadFile("文件设有打开密码，请取消密码后再上传。")
        if "Workbook".encode("utf-16-le") not in data and "Book".encode("utf-16-le") not in data:
            raise BadFile("这不是 Excel 表格。请上传 .xlsx、.xls 或 .csv 文件。")
        return "xls"
    if data.startswith(b"PK"):
        return "xlsx"
    signs = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"MZ", b"\x7fELF")
    if data.startswith(signs):
        raise BadFile("这不是表格文件。请上传 .xlsx、.xls 或 .csv 文件。")
    if data.lstrip()[:200].lower().startswith((b"<html", b"<!doctype", b"<table", b"<?xml")):
        raise BadFile("这是网页或 XML，只是改了后缀。请用 Excel 打开后另存为 .xlsx 再上传。")
    return "csv"


def read(data: bytes) -> list[Sheet]:
    """Read all sheets of a workbook, or the one table of a CSV. Raises BadFile."""
    kind = kind_of(data)
    if kind == "csv":
        return [_read_csv(data)]
    return _read_xlsx(data) if kind == "xlsx" else _read_xls(data)


def _read_csv(data: bytes) -> Sheet:
    text = _decoded(data)
    if "\x00" in text:
        raise BadFile("文件内容不是文本，请另存为 .xlsx 或 CSV UTF-8 后再上传。")
    csv.field_size_limit(100_000)
    try:
        rows: list[Row] = []
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)):
            rows.append([unguarded(cell) for cell in line])
            _check_size(len(rows), len(line))
    except csv.Error as wrong:
        raise BadFile("CSV 格式有误（引号没有成对，或单元格过长），请用 Excel 打开后另存为 .xlsx 再上传。") from wrong
    return Sheet(name="CSV", rows=rows)


def _decoded(data: bytes) -> str:
    for encoding in ["utf-16"] if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "gb18030"]:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadFile("文字编码无法识别，请另存为「CSV UTF-8」或 .xlsx 后再上传。")


def _delimiter(text: str) -> str:
    """The character that splits most of the first lines evenly; quoted parts do not count."""
    head = [re.sub(r'"[^"]*"', "", line) for line in text.splitlines()[:20] if line.strip()]
    counts = {d: max((line.count(d) for line in head), default=0) for d in ",\t;|，"}
    best = max(counts, key=lambda d: counts[d])
    return best if counts[best] else ","


def _check_size(rows: int, columns: int) -> None:
    if rows > MAX_ROWS:
        raise BadFile(f"超过 {MAX_ROWS - 50} 行，请分成几个文件导入。")
    if columns > MAX_COLUMNS:
        raise BadFile("列数过多，请使用下载的模板，不要增加大量列。")


_CELL = re.compile(rb'<(?:x:)?c\b[^>]*?\br="([A-Z]{1,4})(\d{1,8})"')
_ROW = re.compile(rb'<(?:x:)?row\b[^>]*?\br="(\d{1,8})"')
_FORMULA = re.compile(
    rb'<(?:x:)?c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>\s*<(?:x:)?f\b(?:[^>]*/>|.*?</(?:x:)?f>)\s*(<(?:x:)?v>[^<]+)?',
    re.DOTALL,
)


def _number_of(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _check_zip(data: bytes) -> dict[str, frozenset[tuple[int, int]]]:
    """Unpack everything once, counting, before a parser sees it; sizes declared in the archive are not believed.

    Returns the formulas without a result of each sheet part (row number, column index).
    """
    unsolved: dict[str, frozenset[tuple[int, int]]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            names = {p.filename for p in parts}
            if len(parts) > MAX_PARTS or sum(p.file_size for p in parts) > MAX_UNPACKED:
                raise BadFile("文件解压后过大，请删去图片、空白行和多余工作表后再上传。")
            if "word/document.xml" in names or "ppt/presentation.xml" in names:
                raise BadFile("这是 Word 或 PPT 文件。请上传 .xlsx、.xls 或 .csv 表格。")
            if not any(n.startswith("xl/") for n in names):
                raise BadFile("这不是 Excel 表格（可能是压缩包）。请上传 .xlsx、.xls 或 .csv 文件。")
            left = MAX_UNPACKED
            for part in parts:
                chunks: list[bytes] = []
                sheet = part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml")
                with archive.open(part) as handle:
                    while chunk := handle.read(1 << 20):
                        left -= len(chunk)
                        if left < 0:
                            raise BadFile("文件解压后过大，请删去图片、空白行和多余工作表后再上传。")
                        if sheet:
                            chunks.append(chunk)
                if sheet:
                    unsolved[part.filename] = _check_sheet(b"".join(chunks))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as broken:
        raise BadFile("文件已损坏或设有密码，请用 Excel 打开后另存为 .xlsx 再上传。") from broken
    except Exception as broken:
        if isinstance(broken, BadFile):
            raise
        raise BadFile from broken  # zlib.error and the like
    return unsolved


def _check_sheet(xml: bytes) -> frozenset[tuple[int, int]]:
    """A single cell far out makes a dense reader allocate everything up to it: look before reading."""
    if b"<!DOCTYPE" in xml[:2000] or b"<!ENTITY" in xml[:2000]:
        raise BadFile
    cells = _CELL.findall(xml)
    last_row = max((int(n) for n in {*_ROW.findall(xml), *(row for _letters, row in cells)}), default=0)
    last_column = max((_number_of(letters) for letters in {letters for letters, _row in cells}), default=0)
    if last_row > MAX_ROWS or xml.count(b"<row") + xml.count(b"<x:row") > MAX_ROWS:
        raise BadFile(f"超过 {MAX_ROWS - 50} 行（或很下面的行里有内容），请删去多余的行，或分成几个文件导入。")
    if last_column > MAX_COLUMNS:
        raise BadFile("很靠右的列里有内容，请删去多余的列，使用下载的模板。")
    if b"<f" not in xml and b"<x:f" not in xml:
        return frozenset()
    return frozenset((int(row), _number_of(letters) - 1) for letters, row, value in _FORMULA.findall(xml) if not value)


def _read_xlsx(data: bytes) -> list[Sheet]:
    unsolved = _check_zip(data)
    paths = _sheet_paths(data)
    import python_calamine

    sheets: list[Sheet] = []
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        for meta in book.sheets_metadata:
            if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            sheet = book.get_sheet_by_name(meta.name)
            rows = [[_plain(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
            _check_size(len(rows), max((len(r) for r in rows), default=0))
            merged = sheet.merged_cell_ranges or []
            sheets.append(
                Sheet(
                    name=meta.name,
                    rows=rows,
                    covered=_covered(merged, len(rows)),
                    unsolved=unsolved.get(paths.get(meta.name, ""), frozenset()),
                )
            )
    except BadFile:
        raise
    except python_calamine.PasswordError as locked:
        raise BadFile("文件设有打开密码，请取消密码后再上传。") from locked
    except BaseException as broken:  # the parser's panics are no Exception
        if isinstance(broken, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        raise BadFile from broken
    if not sheets:
        raise BadFile("文件里没有工作表，请使用下载的模板。")
    return sheets


def _sheet_paths(data: bytes) -> dict[str, str]:
    """Sheet name → path of its part, from the workbook's relations; {} where they are unusual."""
    from html import unescape

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
            relations = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    except (KeyError, zipfile.BadZipFile):
        return {}
    targets: dict[str, str] = {}
    for tag in re.findall(r"<Relationship\b[^>]*>", relations):
        key, target = re.search(r'\bId="([^"]+)"', tag), re.search(r'\bTarget="([^"]+)"', tag)
        if key and target:
            path = target[1]
            targets[key[1]] = path.lstrip("/") if path.startswith("/") else f"xl/{path}"
    paths: dict[str, str] = {}
    for tag in re.findall(r"<(?:x:)?sheet\b[^>]*>", book):
        name, key = re.search(r'\bname="([^"]+)"', tag), re.search(r'\br:id="([^"]+)"', tag)
        if name and key:
            paths[unescape(name[1])] = targets.get(key[1], "")
    return paths


def _covered(merged: Iterable[tuple[tuple[int, int], tuple[int, int]]], rows: int) -> frozenset[tuple[int, int]]:
    cells: set[tuple[int, int]] = set()
    for (top, left), (bottom, right) in merged:
        for row in range(top, min(bottom, rows) + 1):
            for column in range(left, min(right, MAX_COLUMNS) + 1):
                if (row, column) != (top, left):
                    cells.add((row + 1, column))
    return frozenset(cells)


def _read_xls(data: bytes) -> list[Sheet]:
    """Old .xls: read sparsely, for a cell in the last corner must not allocate the whole sheet."""
    import xlrd

    try:
        book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), ragged_rows=True, formatting_info=True)
        sheets: list[Sheet] = []
        for sheet in book.sheets():
            _check_size(sheet.nrows, 0)  # .xls ends at 256 columns; rows are read sparsely
            rows: list[Row] = []
            for number in range(sheet.nrows):
                rows.append([_xls_cell(cell, book.datemode) for cell in sheet.row(number)])
            merged = [((top, left), (bottom - 1, right - 1)) for top, bottom, left, right in sheet.merged_cells]
            sheets.append(Sheet(name=sheet.name, rows=rows, covered=_covered(merged, len(rows))))
    except BadFile:
        raise
    except Exception as broken:  # xlrd raises anything on damaged files
        raise BadFile("文件已损坏或设有密码，请用 Excel 打开后另存为 .xlsx 再上传。") from broken
    if not sheets:
        raise BadFile("文件里没有工作表，请使用下载的模板。")
    return sheets


def _xls_cell(cell: Any, datemode: int) -> Cell:
    import xlrd

    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return None
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            moment: datetime = xlrd.xldate_as_datetime(cell.value, datemode)
        except (ValueError, OverflowError):
            return float(cell.value)
        return moment
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return "#错误"
    return _plain(cell.value)


def _plain(cell: Any) -> Cell:
    if isinstance(cell, str):
        return unguarded(cell) or None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    return cell  # type: ignore[no-any-return]


# --- Understanding cells ---------------------------------------------------------------------------


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def text_of(cell: Cell) -> str:
    """What a person sees in the cell: 1001 for the number 1001, 2026-03-01 for a date; blanks trimmed and joined."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return repr(cell) if abs(cell) < 1e15 else f"{cell:E}"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "minutes")
    if isinstance(cell, date):
        return cell.isoformat()
    return " ".join(_CONTROL.sub(" ", str(cell)).replace("　", " ").replace("​", "").replace("﻿", "").split())


def lost_digits(cell: Cell) -> bool:
    """Whether a long number was stored as a number: beyond 15 digits the last ones are gone for good."""
    return isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= 1e15


_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?")


def date_of(cell: Cell) -> date | None:
    """A date cell, an Excel serial number (1900 system), or 2026-03-01, 2026/3/1, 2026.3.1, 20260301, 2026年3月1日.

    None for an empty cell. Raises ValueError for anything else.
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, datetime):
        found = cell.date()
    elif isinstance(cell, date):
        found = cell
    elif isinstance(cell, bool | time | timedelta):
        raise ValueError
    elif isinstance(cell, int | float):
        found = _serial(float(cell))
    else:
        text = text_of(cell)
        if not text:
            return None
        if match := _DATE.fullmatch(text):
            found = date(int(match[1]), int(match[2]), int(match[3]))
        elif re.fullmatch(r"\d{8}", text):
            found = date(int(text[:4]), int(text[4:6]), int(text[6:]))
        elif re.fullmatch(r"\d{5}(\.\d+)?", text):
            found = _serial(float(text))
        else:
            raise ValueError(text)
    if not 1900 < found.year < 2100:
        raise ValueError(found)
    return found


def _serial(number: float) -> date:
    if number >= 19_000_101 and number < 21_000_101 and number == int(number):  # 20260301 typed as a number
        text = str(int(number))
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    if not 367 <= number < 73_051:  # 1901-01-01 … 2099-12-31
        raise ValueError(number)
    return date(1899, 12, 30) + timedelta(days=int(number))


def guarded(value: Any) -> Any:
    """A text a spreadsheet program would take for a formula gets an apostrophe in front (CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(TRIGGERS) else value


def unguarded(text: str) -> str:
    """Take off the guard again, so that our own exports read back unchanged."""
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in TRIGGERS else text


# --- Writing ---------------------------------------------------------------------------------------

EXAMPLE = "示例"
REASON = "错误原因"


@dataclass(slots=True)
class _Formats:
    head: Any
    must: Any
    text: Any
    day: Any
    note: Any
    bad: Any
    reason: Any
    extra: dict[str, Any] = field(default_factory=dict)


def _book(buffer: io.BytesIO, *, constant_memory: bool = False) -> Any:
    import xlsxwriter

    return xlsxwriter.Workbook(
        buffer,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "constant_memory": constant_memory,
            "remove_timezone": True,
        },
    )


def _formats(book: Any) -> _Formats:
    font = {"font_name": "微软雅黑", "font_size": 10, "valign": "vcenter"}
    head = {**font, "bold": True, "border": 1, "border_color": "#C8CDD3"}
    return _Formats(
        head=book.add_format({**head, "bg_color": "#EEF2F6"}),
        must=book.add_format({**head, "bg_color": "#E3EDF9", "font_color": "#123E7C"}),
        text=book.add_format({**font, "num_format": "@"}),
        day=book.add_format({**font, "num_format": "yyyy-mm-dd"}),
        note=book.add_format({**font, "text_wrap": True, "font_color": "#5A6572", "valign": "top"}),
        bad=book.add_format({**font, "num_format": "@", "bg_color": "#FDECEA"}),
        reason=book.add_format({**font, "font_color": "#B3261E", "text_wrap": True}),
    )


def _write(sheet: Any, row: int, column: int, value: Any, plain: Any, day: Any) -> None:
    if value is None or value == "":
        sheet.write_blank(row, column, None, plain)
    elif isinstance(value, datetime | date):
        sheet.write_datetime(row, column, value, day)
    elif isinstance(value, bool):
        sheet.write_string(row, column, "是" if value else "否", plain)
    elif (isinstance(value, int | float) and abs(value) < 1e15) or type(value).__name__ == "Decimal":
        sheet.write_number(row, column, value, plain)
    else:
        sheet.write_string(row, column, str(guarded(str(value)))[:32_000], plain)


def write_table(title: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> bytes:
    """One sheet with a head row, frozen, filterable: what lists export."""
    buffer = io.BytesIO()
    book = _book(buffer)
    formats = _formats(book)
    sheet = book.add_worksheet(_sheet_name(title))
    number = book.add_format({"font_name": "微软雅黑", "font_size": 10})
    for index, column in enumerate(columns):
        sheet.set_column(index, index, column.width, formats.text if column.text else None)
        sheet.write_string(0, index, column.head, formats.head)
    last = 0
    for last, row in enumerate(rows, start=1):
        for index, value in enumerate(row):
            _write(sheet, last, index, value, formats.text if isinstance(value, str) else number, formats.day)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(last, 1), len(columns) - 1)
    book.close()
    return buffer.getvalue()


def write_template(title: str, columns: Sequence[Column], *, notes: Sequence[str]) -> bytes:
    """A workbook that explains itself: 填写说明 in row 1, heads in row 2 (`*`: must), an example in row 3 that
    the import ignores, drop-downs from the school's own data, text format where numbers must stay as typed.
    """
    buffer = io.BytesIO()
    book = _book(buffer)
    formats = _formats(book)
    sheet, lists, guide = book.add_worksheet(_sheet_name(title)), None, None
    sheet.set_row(0, 15 * (len(notes) + 1))
    sheet.merge_range(0, 0, 0, max(len(columns) - 1, 1), "填写说明：\n" + "\n".join(notes), formats.note)
    guide = book.add_worksheet("填写说明")
    guide.set_column(0, 0, 18)
    guide.set_column(1, 1, 10)
    guide.set_column(2, 2, 70)
    for index, head in enumerate(("列", "必填", "怎么填")):
        guide.write_string(0, index, head, formats.head)
    for index, column in enumerate(columns):
        sheet.set_column(index, index, column.width, formats.text if column.text else None)
        sheet.write_string(1, index, column.title, formats.must if column.required else formats.head)
        if column.note:
            sheet.write_comment(1, index, column.note, {"x_scale": 2})
        sheet.write_string(2, index, column.example, formats.note)
        guide.write_string(index + 1, 0, column.head, formats.text)
        guide.write_string(index + 1, 1, "必填" if column.required else "可不填", formats.text)
        guide.write_string(index + 1, 2, column.note, formats.note)
        if column.choices:
            if lists is None:
                lists = book.add_worksheet("可选值")
            lists.write_string(0, index, column.head, formats.head)
            lists.set_column(index, index, column.width)
            for number, choice in enumerate(column.choices[:5000], start=1):
                lists.write_string(number, index, guarded(choice), formats.text)
            letter = _letter(index)
            sheet.data_validation(
                3, index, MAX_ROWS, index,
                {
                    "validate": "list",
                    "source": f"=可选值!${letter}$2:${letter}${min(len(column.choices), 5000) + 1}",
                    "error_type": "warning",
                    "error_title": "请从列表选择",
                    "error_message": f"「{column.head}」请从下拉列表中选择，或填写与系统中完全一致的名称。",
                },
            )  # fmt: skip
    sheet.freeze_panes(2, 0)
    sheet.activate()
    book.close()
    return buffer.getvalue()


def write_corrected(sheet_name: str, heads: Sequence[str], rows: Iterable[tuple[Sequence[Cell], str]]) -> bytes:
    """The uploaded table again with a column 错误原因; wrong rows are coloured. `rows`: (cells, reason or "")."""
    buffer = io.BytesIO()
    book = _book(buffer)
    formats = _formats(book)
    sheet = book.add_worksheet(_sheet_name(sheet_name))
    width = len(heads)
    sheet.set_column(0, max(width - 1, 0), 18, formats.text)
    sheet.set_column(width, width, 60)
    for index, head in enumerate(heads):
        sheet.write_string(0, index, head, formats.must if head.endswith("*") else formats.head)
    sheet.write_string(0, width, REASON, formats.head)
    last = 0
    for last, (cells, reason) in enumerate(rows, start=1):
        plain = formats.bad if reason else formats.text
        for index in range(width):
            value = cells[index] if index < len(cells) else None
            _write(sheet, last, index, value, plain, formats.day)
        if reason:
            sheet.write_string(last, width, reason, formats.reason)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(last, 1), width)
    book.close()
    return buffer.getvalue()


def _sheet_name(title: str) -> str:
    return re.sub(r"[\[\]:*?/\\']", " ", title).strip()[:31] or "Sheet1"


def _letter(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
