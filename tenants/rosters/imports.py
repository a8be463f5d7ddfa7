"""Import of a month's roster: one row per person, one column per day, shift codes in the cells."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.spreadsheets import BadFile, Cell, Column, Sheet, date_of, text_of, write_template
from kernel.tables import HEAD_WITHIN, Line, Plan, Table
from kernel.tenancy import Tenant
from tenants.jobs.imports import Import
from tenants.organisation import queries as organisation
from tenants.rosters import policies
from tenants.rosters.choices import AssignmentSource
from tenants.rosters.models import Assignment, Shift
from tenants.rosters.operations import CellChange, Item, change_cells
from tenants.rosters.people import day_text

NUMBER = {"工号", "员工编号", "编号"}
NAME = {"姓名", "员工姓名", "员工"}
MOST_DAYS = 62
REST = "休"
NOTES = [
    "1. 一行一个人，一列一天；格子里写班次简称（例如：夜），一天几个班用 + 连接（早+晚），休息写“休”，空白表示不改。原来就有的班岗位不变，新的班排在本人所属岗位。",
    "2. 工号必须填写，用来辨认同一个人。日期列写成 2026-06-01；也可以只写 1—31，但表上方要有“2026年6月”。",
    "3. 导入的是草稿；已经发布的格子改动后立即生效。同一个文件导入两次不会有变化。第 3 行为示例，导入时忽略。",
]


def _bare(cell: Cell) -> str:
    return re.sub(r"[\s*＊:：]+", "", text_of(cell))


def _month(sheet: Sheet, above: int) -> tuple[int, int] | None:
    """2026年6月, where it stands above the head or in the sheet's name."""
    words = [sheet.name, *(text_of(c) for row in sheet.rows[:above] for c in row)]
    for word in words:
        found = re.search(r"(\d{4})\s*[年\-./]\s*(\d{1,2})\s*月?", word)
        if found and 1 <= int(found[2]) <= 12 and 1900 < int(found[1]) < 2100:
            return int(found[1]), int(found[2])
    return None


def _day(cell: Cell, month: tuple[int, int] | None) -> date | None:
    """The day a head names: a date, or with a month known 1, 1日, 1 (周一)."""
    text = text_of(cell)
    if month and (
        found := re.fullmatch(r"(\d{1,2})\s*[日号]?\s*(?:[（(]?(?:周|星期)?[一二三四五六日天][）)]?)?", text)
    ):
        try:
            return date(month[0], month[1], int(found[1]))
        except ValueError:
            return None
    try:
        return date_of(
            re.sub(r"\s*[（(]?(?:周|星期)[一二三四五六日天][）)]?$", "", text) if isinstance(cell, str) else cell
        )
    except (ValueError, OverflowError):
        return None


def read(sheets: Sequence[Sheet]) -> Table:
    """The sheet with the most days in its head. Cells are named 工号, 姓名 and by ISO dates. Raises BadFile."""
    best: tuple[int, Sheet, int, list[str]] | None = None
    for sheet in sheets:
        for index, row in enumerate(sheet.rows[:HEAD_WITHIN]):
            month = _month(sheet, index)
            names = []
            for cell in row:
                bare = _bare(cell)
                day = None if bare in NUMBER | NAME else _day(cell, month)
                names.append("工号" if bare in NUMBER else "姓名" if bare in NAME else day.isoformat() if day else "")
            days = sum(1 for n in names if n[:1].isdigit())
            if "工号" in names and days and (best is None or days > best[0]):
                best = (days, sheet, index, names)
    if best is None:
        raise BadFile(
            "没有找到表头：第一列应是“工号”，后面每列一天（2026-06-01）。只写 1—31 时，表上方要有“2026年6月”。"
        )
    days, sheet, index, names = best
    if days > MOST_DAYS:
        raise BadFile(f"一次最多导入 {MOST_DAYS} 天，请分成几个文件。")
    twice = [n for n, count in Counter(n for n in names if n).items() if count > 1]
    if twice:
        raise BadFile(f"表头重复：{'、'.join(twice)}。请保留一列，删去另一列。")
    lines = []
    for offset, row in enumerate(sheet.rows[index + 1 :]):
        number = sheet.first_row + index + 1 + offset
        cells = {n: row[i] if i < len(row) else None for i, n in enumerate(names) if n}
        if any(text_of(c).startswith("示例") for c in row) or not any(text_of(c) for c in cells.values()):
            continue
        line = Line(number=number, cells=cells, raw=row)
        if not line.text("工号"):
            if not line.text("姓名"):
                continue  # a row of totals or remarks
            line.wrong("工号", "没有填写")
        for i, n in enumerate(names):
            if n and (number, i) in sheet.covered:
                line.wrong(n, "是合并单元格，请取消合并并逐格填写")
        lines.append(line)
    if not lines:
        raise BadFile(f"工作表「{sheet.name}」的表头下面没有数据，请填写后再上传。")
    heads = [text_of(c) for c in sheet.rows[index]]
    return Table(sheet=sheet.name, heads=heads, given=frozenset(n for n in names if n), lines=lines)


@dataclass(slots=True)
class Wanted:
    """One cell of a well-formed row."""

    line: Line
    change: CellChange


def compare(table: Table, _looked: None, *, by: Actor, tenant: Tenant, now: datetime) -> Plan:
    """What the file would do, found by doing it and taking it back: refusals are those of the real operation.

    A row with any refused cell is left out as a whole, so that the corrected file is complete.
    """
    plan = Plan(lines=table.lines)
    numbers = {line.text("工号") for line in table.lines}
    people = {p.number: p for p in organisation.staff(by=by, status=None).filter(number__in=numbers)}
    codes: dict[str, Shift] = {}
    for shift in Shift.objects.filter(active=True):
        codes |= {shift.code: shift, shift.name: shift}
    wanted: list[Wanted] = []
    seen: dict[str, int] = {}
    for line in table.lines:
        number = line.text("工号")
        if line.errors:
            continue
        person = people.get(number)
        if person is None:
            line.wrong("工号", f"{number} 不是本校在册员工，或不是您负责的人")
        elif line.text("姓名") and line.text("姓名") != person.name:
            line.wrong("姓名", f"与工号 {number} 的「{person.name}」不一致，请核对")
        elif number in seen:
            line.wrong("工号", f"与第 {seen[number]} 行重复")
        else:
            seen[number] = line.number
            wanted += _cells(line, person, codes)
    wanted = _where_they_are([w for w in wanted if not w.line.errors])
    with transaction.atomic():
        outcome = change_cells(
            cells=[w.change for w in wanted], by=by, tenant=tenant, now=now, source=AssignmentSource.IMPORT, told=False
        )
        transaction.set_rollback(True)
    of_line = {(w.change.staff_id, w.change.day): w.line for w in wanted}
    for refused in outcome.refused:
        of_line[(refused.staff_id, refused.day)].wrong(refused.day.isoformat(), refused.sentence)
    had = _had(wanted)
    warned = {(w.staff_id, w.day) for w in outcome.warnings}
    words: dict[int, list[str]] = defaultdict(list)
    for w in wanted:
        key = (w.change.staff_id, w.change.day)
        if w.line.errors:
            continue
        if key not in outcome.cells:
            plan.unchanged += 1
            continue
        (plan.updated if key in had else plan.new).append(w.change)
        words[w.line.number].append(
            f"{day_text(w.change.day)} {w.line.text(w.change.day.isoformat())}{'（已请假，请核对）' if key in warned else ''}"
        )
    lines = {line.number: line for line in table.lines}
    changed = {w.line.number for w in wanted if (w.change.staff_id, w.change.day) in had}
    # What somebody should look at first: the preview shows a part of a long file.
    for row, parts in sorted(words.items(), key=lambda item: not any("已请假" in part for part in item[1])):
        parts = sorted(parts, key=lambda part: "已请假" not in part)
        line = lines[row]
        plan.show(
            line,
            "updated" if row in changed else "new",
            f"{line.text('姓名') or line.text('工号')}：{'，'.join(parts)}"[:300],
        )
    return plan


def _cells(line: Line, person: Any, codes: dict[str, Shift]) -> list[Wanted]:
    found = []
    for name in line.cells:
        text = line.text(name)
        if not name[:1].isdigit() or not text:
            continue
        parts = [p for p in re.split(r"[\s+＋、,，;；/]+", text) if p]
        wrong = next((p for p in parts if p != REST and p not in codes), None)
        if wrong:
            line.wrong(name, f"没有简称为「{wrong}」的班次")
            continue
        items = tuple(Item(None if p == REST else codes[p].pk) for p in parts)
        found.append(Wanted(line, CellChange(person.pk, date.fromisoformat(name), items)))
    return found


def _where_they_are(wanted: Sequence[Wanted]) -> list[Wanted]:
    """A file names shifts and no posts: whoever has that shift already keeps the post and place of it."""
    if not wanted:
        return []
    days = [w.change.day for w in wanted]
    there: dict[tuple[UUID, date, UUID | None], Item] = {}
    for a in Assignment.objects.filter(
        staff_id__in={w.change.staff_id for w in wanted}, day__gte=min(days), day__lte=max(days),
        shift__isnull=False, cancelled_at__isnull=True,
    ):  # fmt: skip
        there[(a.staff_id, a.day, a.shift_id)] = Item(a.shift_id, a.post_id, a.place_id)
    found = []
    for w in wanted:
        c = w.change
        items = tuple(there.get((c.staff_id, c.day, i.shift_id), i) for i in c.items)
        found.append(Wanted(w.line, CellChange(c.staff_id, c.day, items, c.seen)))
    return found


def _had(wanted: Sequence[Wanted]) -> set[tuple[UUID, date]]:
    if not wanted:
        return set()
    days = [w.change.day for w in wanted]
    rows = Assignment.objects.filter(
        staff_id__in={w.change.staff_id for w in wanted}, day__gte=min(days), day__lte=max(days),
        cancelled_at__isnull=True,
    )  # fmt: skip
    return set(rows.values_list("staff_id", "day"))


def write(plan: Plan, *, job: Any, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Change the cells for good; one event, and whose published roster changes is told."""
    change_cells(
        cells=[*plan.new, *plan.updated], by=by, tenant=tenant, now=now, source=AssignmentSource.IMPORT
    )  # fmt: skip


def template(*, by: Actor, first: date, days: Sequence[date]) -> tuple[str, bytes]:
    """(file name, workbook) for a month. Raises NotAllowed (through the people read)."""
    codes = list(Shift.objects.filter(active=True).order_by("position").values_list("code", flat=True))
    columns = [
        Column("工号", required=True, text=True, width=14, example="示例-G0001", note="用来辨认同一个人"),
        Column("姓名", width=12, example="张三", note="可不填；填了会与工号核对"),
        *[
            Column(d.isoformat(), width=12, example=codes[n % len(codes)] if codes and n < 3 else "", note="班次简称")
            for n, d in enumerate(days)
        ],
    ]
    return f"排班导入模板-{first:%Y年%m月}.xlsx", write_template("排班表", columns, notes=NOTES)


ROSTER = Import(
    label="排班", check="rosters.check_import", apply="rosters.apply_import", may=policies.edits, read=read,
    compare=compare, write=write,
)  # fmt: skip
