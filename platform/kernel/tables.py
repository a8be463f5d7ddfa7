"""From sheets to named rows: find the head row, name the cells, keep what the file said."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kernel.spreadsheets import EXAMPLE, REASON, BadFile, Cell, Column, Row, Sheet, text_of

Tell = Callable[[int, int, str], None]  # done, total, sentence
HEAD_WITHIN = 15  # rows from the top in which the head is looked for


@dataclass(slots=True)
class Line:
    """One row of the file. `number` is the row as people count it; `errors` are sentences about it."""

    number: int
    cells: dict[str, Cell]
    raw: Row
    errors: list[str] = field(default_factory=list)

    def text(self, head: str) -> str:
        return text_of(self.cells.get(head))

    def wrong(self, head: str, sentence: str) -> None:
        self.errors.append(f"「{head}」{sentence}")


@dataclass(slots=True)
class Table:
    sheet: str
    heads: list[str]  # as written in the file
    given: frozenset[str]  # known columns that the file has
    lines: list[Line]


@dataclass(slots=True)
class Plan:
    """What an import would do. `sample` rows are for the preview: (row number, kind, words)."""

    lines: list[Line]
    new: list[Any] = field(default_factory=list)
    updated: list[Any] = field(default_factory=list)
    unchanged: int = 0
    sample: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def wrong(self) -> list[Line]:
        return [line for line in self.lines if line.errors]

    def counts(self) -> dict[str, int]:
        return {
            "new": len(self.new),
            "updated": len(self.updated),
            "unchanged": self.unchanged,
            "wrong": len(self.wrong),
            "total": len(self.lines),
        }

    def show(self, line: Line, kind: str, words: str) -> None:
        if len(self.sample) < 300:
            self.sample.append((line.number, kind, words))


def _bare(cell: Cell) -> str:
    """手机号*（必填） → 手机号."""
    return re.sub(r"[（(][^（()）]*[)）]$", "", re.sub(r"[\s*＊:：]+", "", text_of(cell)))


def _head(sheet: Sheet, known: dict[str, str]) -> tuple[int, list[str]] | None:
    best: tuple[int, int] | None = None
    for index, row in enumerate(sheet.rows[:HEAD_WITHIN]):
        found = len({known[b] for b in map(_bare, row) if b in known})
        if found >= 2 and (best is None or found > best[0]):
            best = (found, index)
    return None if best is None else (best[1], [text_of(cell) for cell in sheet.rows[best[1]]])


def named(sheets: Sequence[Sheet], columns: Sequence[Column], aliases: dict[str, str]) -> Table:
    """Find the sheet and row that hold the heads, and name every cell below.

    Empty rows and the example row of the template are left out. Raises BadFile when no sheet has the
    required columns, one stands twice, or there is no row.
    """
    known = {c.head: c.head for c in columns} | aliases
    must = [c.head for c in columns if c.required]
    candidates = [(sheet, head) for sheet in sheets if (head := _head(sheet, known))]
    if not candidates:
        names = "、".join(s.name for s in sheets[:5])
        raise BadFile(f"没有找到表头（应有：{'、'.join(must)}）。本文件的工作表：{names}。请使用下载的模板填写。")
    sheet, (index, heads) = max(candidates, key=lambda c: len({known[b] for b in map(_bare, c[1][1]) if b in known}))
    named_heads = [known.get(_bare(head)) for head in heads]
    missing = [head for head in must if head not in named_heads]
    if missing:
        raise BadFile(f"工作表「{sheet.name}」缺少必填列：{'、'.join(missing)}。请对照模板补上，表头文字不要修改。")
    twice = {h for h in named_heads if h and named_heads.count(h) > 1}
    if twice:
        raise BadFile(f"表头重复：{'、'.join(sorted(twice))}。请保留一列，删去另一列。")
    required = set(must)
    lines: list[Line] = []
    for offset, row in enumerate(sheet.rows[index + 1 :]):
        number = sheet.first_row + index + 1 + offset
        cells = {h: row[i] if i < len(row) else None for i, h in enumerate(named_heads) if h}
        if all(text_of(cell) == "" for cell in cells.values()):
            continue
        if any(text_of(cell).startswith(EXAMPLE) for cell in cells.values()):
            continue
        line = Line(number=number, cells=cells, raw=row)
        for i, h in enumerate(named_heads):
            if not h:
                continue
            if (number, i) in sheet.covered:
                line.wrong(h, "是合并单元格，请取消合并并逐行填写")
            elif (number, i) in sheet.unsolved:
                line.wrong(h, "是没有计算结果的公式，请改为直接填写的值")
            elif h in required and not text_of(cells[h]):
                line.wrong(h, "没有填写")
            elif isinstance(cells[h], str) and str(cells[h]).startswith("=") and len(str(cells[h])) > 1:
                line.wrong(h, "是公式，请改为直接填写的值")
            elif text_of(cells[h]).startswith(("#错误", "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!")):
                line.wrong(h, "是公式错误，请改为直接填写的值")
        lines.append(line)
    if not lines:
        raise BadFile(f"工作表「{sheet.name}」的表头下面没有数据，请填写后再上传。")
    return Table(
        sheet=sheet.name,
        heads=[h for h in heads if _bare(h) != REASON],
        given=frozenset(h for h in named_heads if h),
        lines=lines,
    )


def corrected_rows(table: Table) -> list[tuple[Row, str]]:
    """The rows of the file as they were, each with its reasons, without a 错误原因 column from last time."""
    width = len(table.heads)
    return [(line.raw[:width], "；".join(line.errors)) for line in table.lines]
