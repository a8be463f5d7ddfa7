"""Spreadsheets as people make them, and files made to hurt."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from kernel import spreadsheets
from kernel.spreadsheets import BadFile, Column
from tests.factories.xls import workbook


def xlsx(rows: list[list[object]], *, sheet: str = "Sheet1") -> bytes:
    buffer = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


def repacked(data: bytes, changes: dict[str, bytes]) -> bytes:
    """The same archive with some parts replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), *changes}:
            new.writestr(name, changes.get(name) or old.read(name))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        "工号,姓名\nG1,张三\n".encode(),
        "\ufeff工号,姓名\r\nG1,张三\r\n".encode(),
        "工号\t姓名\nG1\t张三\n".encode("gb18030"),
        "工号;姓名\nG1;张三\n".encode("utf-16"),
        '工号,姓名\n"G1","张三"\n'.encode("gb18030"),
        "工号|姓名\nG1|张三".encode(),
    ],
)
def test_csv_in_every_usual_dress(data: bytes) -> None:
    (sheet,) = spreadsheets.read(data)
    assert [row for row in sheet.rows if row] == [["工号", "姓名"], ["G1", "张三"]]


def test_xlsx_keeps_types() -> None:
    (sheet,) = spreadsheets.read(xlsx([["工号", "日期", "数"], [1001, datetime(2026, 3, 1), 1.5]]))
    assert spreadsheets.text_of(sheet.rows[1][0]) == "1001"
    assert spreadsheets.date_of(sheet.rows[1][1]) == date(2026, 3, 1)
    assert sheet.rows[1][2] == 1.5


def test_an_old_xls_is_read() -> None:
    sheets = spreadsheets.read(workbook([["工号", "姓名"], ["G1", "张三"]]))
    assert sheets[0].rows == [["工号", "姓名"], ["G1", "张三"]]


def test_a_large_xls_and_one_with_a_far_corner() -> None:
    many = [["工号", "日期"], *([f"G{n}", date(2026, 3, 1)] for n in range(3000))]
    rows = spreadsheets.read(workbook(many))[0].rows
    assert len(rows) == 3001 and spreadsheets.date_of(rows[3000][1]) == date(2026, 3, 1)
    with pytest.raises(BadFile):
        spreadsheets.read(workbook([["工号"], *([[]] * 65_533), [None] * 255 + ["x"]]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "空的"),
        (b"   \r\n", "空的"),
        (b"%PDF-1.7 ...", "不是表格"),
        (b"\x89PNG\r\n\x1a\n....", "不是表格"),
        ("<html><table><tr><td>工号".encode(), "网页"),
        (b"PK\x03\x04 broken", "损坏"),
        (spreadsheets.OLE + b"\x00" * 600, "不是 Excel"),
        (spreadsheets.OLE + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le"), "密码"),
        (spreadsheets.OLE + b"\x00" * 600 + "Workbook".encode("utf-16-le"), "损坏"),
        (b"a,b\n" + b"\xff\xfe\xff\xff\x80\x81", "编码"),
        (b"x" * (spreadsheets.MAX_BYTES + 1), "10 MB"),
        (b"a,b\n" * 25_000, "行"),
        (b"a,b\n\x00,c\n", "文本"),
    ],
)
def test_what_is_no_table_is_refused_in_plain_words(data: bytes, words: str) -> None:
    with pytest.raises(BadFile) as refused:
        spreadsheets.read(data)
    assert words in refused.value.sentence


def test_other_office_files_are_named() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(BadFile, match="Word"):
        spreadsheets.read(buffer.getvalue())


def test_a_zip_bomb_is_refused_before_it_unfolds() -> None:
    bomb = repacked(xlsx([["工号"]]), {"xl/media/image1.png": b"\x00" * (spreadsheets.MAX_UNPACKED + 1)})
    assert len(bomb) < 1_000_000
    with pytest.raises(BadFile, match="过大"):
        spreadsheets.read(bomb)


@pytest.mark.parametrize("cell", ["XFD1048576", "A1048576", "XFD1"])
def test_one_cell_in_the_last_corner_does_not_take_all_memory(cell: str) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active[cell] = "工号", "x"
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(BadFile):
        spreadsheets.read(buffer.getvalue())


def test_entities_and_doctypes_are_refused() -> None:
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet/>'
    with pytest.raises(BadFile):
        spreadsheets.read(repacked(xlsx([["工号"]]), {"xl/worksheets/sheet1.xml": evil}))


def test_formulas_without_a_result_and_merged_cells_are_known() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["工号", "姓名"], ["G1", "=A1&A2"], ["G2", "乙"], ["G3", None]):
        sheet.append(row)
    sheet.merge_cells("B3:B4")
    buffer = io.BytesIO()
    book.save(buffer)
    (read,) = spreadsheets.read(buffer.getvalue())
    assert read.unsolved == {(2, 1)} and read.covered == {(4, 1)}


def test_a_formula_with_a_result_is_its_result() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet("名单")
    sheet.write_formula(0, 0, "=1+1", None, 2)
    book.close()
    (read,) = spreadsheets.read(buffer.getvalue())
    assert read.rows == [[2]] and not read.unsolved


@pytest.mark.parametrize(
    "cell",
    ["2026-03-01", "2026/3/1", "2026.03.01", "2026年3月1日", "20260301", 20260301, 46082, "46082", 46082.5,
     date(2026, 3, 1), datetime(2026, 3, 1, 8), "2026-03-01 08:00:00", " 2026 年 3 月 1 日 "],
)  # fmt: skip
def test_dates_in_every_usual_dress(cell: object) -> None:
    assert spreadsheets.date_of(cell) == date(2026, 3, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ["2026-02-30", "昨天", "3月1日", 12, 1e9, True, "0001-01-01", "99999999"])
def test_what_is_no_date_says_so(cell: object) -> None:
    with pytest.raises(ValueError):
        spreadsheets.date_of(cell)  # type: ignore[arg-type]


def test_long_numbers_that_lost_their_end_are_noticed() -> None:
    (sheet,) = spreadsheets.read(xlsx([["身份证号"], [110105194912310021]]))
    assert spreadsheets.lost_digits(sheet.rows[1][0])
    assert not spreadsheets.lost_digits(13800138000) and not spreadsheets.lost_digits("110105194912310021")


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30))
def test_guarding_is_taken_off_again(text: str) -> None:
    if text.startswith("'"):
        return
    guarded = spreadsheets.guarded(text)
    assert not guarded.startswith(("=", "+", "-", "@")) and spreadsheets.unguarded(guarded) == text


def test_exports_carry_no_formula() -> None:
    data = spreadsheets.write_table(
        "员工", [Column("姓名")], [['=HYPERLINK("http://x")'], ["+1"], ["@x"], ["-2"], ["好"]]
    )
    book = openpyxl.load_workbook(io.BytesIO(data))
    values = [cell.value for cell in book.active["A"]][1:]
    assert values == ['\'=HYPERLINK("http://x")', "'+1", "'@x", "'-2", "好"]
    assert all(cell.data_type == "s" for cell in book.active["A"])


def test_the_template_explains_itself() -> None:
    columns = [
        Column("工号", required=True, text=True, example="示例-1", note="唯一"),
        Column("所属单位", required=True, choices=["后勤部", "物业"]),
    ]
    book = openpyxl.load_workbook(io.BytesIO(spreadsheets.write_template("员工", columns, notes=["1. 先看这里"])))
    sheet = book.worksheets[0]
    assert "填写说明" in sheet["A1"].value and [c.value for c in sheet[2]] == ["工号*", "所属单位*"]
    assert sheet["A3"].value == "示例-1"
    (validation,) = sheet.data_validations.dataValidation
    assert validation.formula1 == "可选值!$B$2:$B$3" and book["可选值"]["B2"].value == "后勤部"
    assert book["填写说明"]["C2"].value == "唯一"
