"""Files that people bring along, made for the journey."""

from __future__ import annotations

from pathlib import Path


def pdf(path: Path, title: str) -> str:
    """A one-page PDF."""
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(width=595, height=842)
    writer.add_metadata({"/Title": title})
    with path.open("wb") as out:
        writer.write(out)
    return str(path)


def _sheet(path: Path, heads: list[str], rows: list[list[str]]) -> str:
    """A workbook as a school's own office makes it: one sheet, a head row, text cells."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(heads)
    for row in rows:
        sheet.append(row)
    book.save(path)
    return str(path)


def places(path: Path) -> str:
    """A campus, two buildings, floors and points."""
    rows = [["", "主校区", "校区", ""]]
    for building in ("明德楼", "学生一公寓"):
        rows.append(["主校区", building, "楼栋", ""])
        for floor in ("1层", "2层"):
            rows.append([f"主校区 / {building}", floor, "楼层", ""])
            rows.append([f"主校区 / {building} / {floor}", "卫生间", "点位", ""])
    return _sheet(path, ["上级场所", "名称*", "类别*", "编码"], rows)


def id_card(number: int) -> str:
    """An ID-card number with a right check digit (GB 11643), for the area that the standard itself uses."""
    from stdnum.cn import ric

    stem = f"11010519800{number % 9 + 1}0{number % 9 + 1}{number:03d}"[:17]
    return stem + ric.calc_check_digit(stem + "0")


def staff(path: Path, party: str) -> str:
    """Five good rows and three bad ones."""
    names = ("员工一号", "员工二号", "员工三号", "员工四号", "员工五号")
    good = [
        [f"YQ{n:04d}", name, party, "楼宇保洁员", f"1390000100{n}", id_card(n), "2026年3月1日"]
        for n, name in enumerate(names, start=1)
    ]
    bad = [
        ["YQ0006", "校验位错", party, "", "13900001006", id_card(6)[:17] + ("0" if id_card(6)[17] != "0" else "1"), ""],
        ["YQ0007", "单位不明", "并不存在的公司", "", "13900001007", id_card(7), ""],
        ["YQ0001", "工号重复", party, "", "13900001008", id_card(8), ""],
    ]
    return _sheet(path, ["工号*", "姓名*", "所属单位*", "岗位", "手机号", "身份证号", "入职日期"], good + bad)


def photo(path: Path, *, stains: int) -> str:
    """A picture of a corridor, as the demo draws it."""
    from random import Random

    from workers.demo.documents import scene

    path.write_bytes(scene(Random(7), stains=stains, shade="#dfe7ea"))
    return str(path)
