"""Import of days, terms and vacations: one small file, checked as a whole before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from identity.contracts import Actor
from kernel import spreadsheets
from kernel.errors import DomainError, NotAllowed
from kernel.spreadsheets import BadFile, Column, date_of
from kernel.tables import Line, named
from tenants.calendar import operations, policies
from tenants.calendar.choices import DayKind, PeriodKind
from tenants.calendar.contracts import Row

TITLE = "校历"
KINDS = {str(k.label): k.value for k in DayKind} | {str(k.label): k.value for k in PeriodKind} | {
    "法定假": DayKind.STATUTORY.value,
    "法定假日": DayKind.STATUTORY.value,
    "节假日": DayKind.STATUTORY.value,
    "放假": DayKind.ADJUSTED_REST.value,
    "调休": DayKind.ADJUSTED_REST.value,
    "补班": DayKind.MAKE_UP_WORKDAY.value,
    "上班": DayKind.MAKE_UP_WORKDAY.value,
    "校休": DayKind.SCHOOL_REST.value,
    "寒假": PeriodKind.VACATION.value,
    "暑假": PeriodKind.VACATION.value,
}  # fmt: skip
ALIASES = {"日期": "开始日期", "开始": "开始日期", "结束": "结束日期", "类别": "类型", "节日": "名称", "说明": "名称"}
NOTES = [
    "1. 带 * 的列必须填写。只有一天时结束日期可以不填。日期写成 2026-10-01。",
    "2. 类型：法定节假日、调休放假、调休上班、学校放假、工作日、周末，以及学期、假期。学期和假期要填名称和结束日期。",
    "3. 与国家安排相同的日子不会重复保存；同一个文件导入两次不会有变化。第 3 行为示例，导入时忽略。",
]


@dataclass(slots=True)
class Checked:
    """What a file would do. `rows` are what may be applied; wrong lines are left out."""

    rows: list[Row] = field(default_factory=list)
    effects: list[tuple[int, str, Row]] = field(default_factory=list)  # row number, effect, row
    errors: list[tuple[int, str]] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        count = {name: sum(1 for _n, e, _r in self.effects if e == name) for name in ("new", "updated", "unchanged")}
        return count | {"wrong": len(self.errors), "total": len(self.effects) + len(self.errors)}


def columns() -> list[Column]:
    kinds = [str(k.label) for k in DayKind] + [str(k.label) for k in PeriodKind]
    return [
        Column("开始日期", required=True, width=14, example="2026-10-01", note="写成 2026-10-01"),
        Column("结束日期", width=14, example="2026-10-03", note="只有一天时不填"),
        Column("类型", required=True, width=14, choices=kinds, example="法定节假日", note="从下拉中选择"),
        Column("名称", width=30, example="示例：国庆节", note="学期和假期必须填写"),
    ]


def template(*, by: Actor) -> tuple[str, bytes]:
    """(file name, workbook). Raises NotAllowed."""
    if not policies.can_manage(by):
        raise NotAllowed
    return "校历导入模板.xlsx", spreadsheets.write_template(TITLE, columns(), notes=NOTES)


def check(content: bytes, *, by: Actor) -> Checked:
    """Read an .xlsx, .xls or .csv (UTF-8 or GB18030) and say what it would do. Raises NotAllowed, BadFile."""
    if not policies.can_manage(by):
        raise NotAllowed
    table = named(spreadsheets.read(content), columns(), ALIASES)
    if len(table.lines) > operations.MOST_ROWS:
        raise BadFile(f"超过 {operations.MOST_ROWS} 行。校历一年最多 366 天，请检查文件是否正确。")
    return _compared([(line, _row(line)) for line in table.lines])


def _row(line: Line) -> Row | None:
    kind = KINDS.get(line.text("类型"), "")
    if line.text("类型") and not kind:
        line.wrong("类型", "应为：法定节假日、调休放假、调休上班、学校放假、工作日、周末、学期、假期")
    found = {}
    for head in ("开始日期", "结束日期"):
        try:
            found[head] = date_of(line.cells.get(head))
        except ValueError:
            line.wrong(head, f"「{line.text(head)[:20]}」不是日期，请写成 2026-10-01")
    starts = found.get("开始日期")
    if kind in PeriodKind.values:
        for head in ("结束日期", "名称"):
            if not line.text(head):
                line.wrong(head, "没有填写（学期和假期必须填写）")
    if line.errors or starts is None:
        return None
    return Row(kind=kind, name=line.text("名称"), starts_on=starts, ends_on=found.get("结束日期") or starts)


def _compared(lines: Sequence[tuple[Line, Row | None]]) -> Checked:
    checked = Checked()
    days: dict[object, int] = {}
    named = operations.names_of(row for _line, row in lines if row is not None)
    for line, row in lines:
        if row is not None:
            try:
                effect = operations.effect_of(row, besides=named)
            except DomainError as refused:
                line.errors.append(refused.sentence)
            else:
                _once(line, row, days)
        if line.errors or row is None:
            checked.errors.append((line.number, "；".join(line.errors)))
        else:
            checked.effects.append((line.number, effect, row))
            checked.rows.append(row)
    return checked


def _once(line: Line, row: Row, seen: dict[object, int]) -> None:
    """The file must not say two things of one day, nor hold two overlapping terms."""
    group = row.kind if row.kind in PeriodKind.values else "day"
    keys = [(group, n) for n in range(row.starts_on.toordinal(), row.ends_on.toordinal() + 1)]
    if row.kind in PeriodKind.values:
        keys.append(("name", row.name))  # type: ignore[arg-type]
    twice = next((seen[k] for k in keys if k in seen), None)
    if twice is not None:
        line.errors.append(f"与第 {twice} 行的日期或名称重复")
        return
    for key in keys:
        seen[key] = line.number
