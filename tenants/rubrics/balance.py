"""The rules of a sheet: sections add up to 100, items add up to their section, grades leave no gap."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from tenants.rubrics.drafts import ItemDraft, SheetDraft

TOTAL = Decimal(100)
_CENT = Decimal("0.01")


def plain(number: Decimal) -> str:
    """20.00 → 20, 2.50 → 2.5: as people write points."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def imbalances(sheet: SheetDraft) -> list[str]:
    """Sentences about sums that do not fit; empty when the sheet is balanced."""
    said = []
    total = sum((s.weight for s in sheet.sections), Decimal(0))
    if total != TOTAL:
        said.append(f"各维度分值合计 {plain(total)} 分，应为 100 分，请{_more_or_less(TOTAL - total)}")
    for section in sheet.sections:
        points = sum((i.points for i in section.items), Decimal(0))
        if points != section.weight:
            said.append(
                f"“{section.title}”各项分值合计 {plain(points)} 分，应等于本维度的 {plain(section.weight)} 分，"
                f"请{_more_or_less(section.weight - points)}"
            )
    return said


def _more_or_less(missing: Decimal) -> str:
    return f"再加 {plain(missing)} 分" if missing > 0 else f"减去 {plain(-missing)} 分"


def mistakes(sheet: SheetDraft) -> Iterator[tuple[str, str]]:
    """(field, sentence) for everything else that is wrong with the sheet; fields as sections.0.items.2.points."""
    if not sheet.title.strip() or len(sheet.title) > 120:
        yield "title", "名称要写，最长 120 个字"
    if not sheet.sections:
        yield "sections", "至少要有一个维度"
    if not 0 <= sheet.veto_cap < TOTAL or sheet.veto_cap != sheet.veto_cap.quantize(_CENT):
        yield "veto_cap", "否决后的最高分应在 0 与 100 之间，最多两位小数"
    yield from _grades(sheet)
    for s, section in enumerate(sheet.sections):
        here = f"sections.{s}"
        if not section.title.strip() or len(section.title) > 60:
            yield f"{here}.title", f"第 {s + 1} 个维度的名称要写，最长 60 个字"
        if not _points(section.weight):
            yield f"{here}.weight", f"“{section.title}”的分值应大于 0、不超过 100，最多两位小数"
        if not section.items:
            yield f"{here}.items", f"“{section.title}”至少要有一项检查内容"
        for i, item in enumerate(section.items):
            yield from _item(item, f"{here}.items.{i}", f"“{section.title}”第 {i + 1} 项")


def _points(number: Decimal) -> bool:
    return 0 < number <= TOTAL and number == number.quantize(_CENT)


def _item(item: ItemDraft, here: str, name: str) -> Iterator[tuple[str, str]]:
    if not item.text.strip() or len(item.text) > 300:
        yield f"{here}.text", f"{name}的检查内容要写，最长 300 个字"
    if len(item.method) > 300:
        yield f"{here}.method", f"{name}的检查方法最长 300 个字"
    if not _points(item.points):
        yield f"{here}.points", f"{name}的分值应大于 0、不超过 100，最多两位小数"
    if not _points(item.per_fault) or item.per_fault > item.points:
        yield f"{here}.per_fault", f"{name}的每次扣分应大于 0、不超过本项分值，最多两位小数"
    if not item.fault_unit.strip() or len(item.fault_unit) > 10:
        yield f"{here}.fault_unit", f"{name}的扣分单位要写，如“处”“次”"
    if len(item.basis) > 300:
        yield f"{here}.basis", f"{name}的其他依据最长 300 个字"
    if not item.requirement_keys and not item.basis.strip():
        yield f"{here}.basis", f"{name}没有依据：请引用标准库的条款，或写明合同条款、校内制度"


def _grades(sheet: SheetDraft) -> Iterator[tuple[str, str]]:
    mins = [g.min for g in sheet.grades]
    if not sheet.grades:
        yield "grades", "至少要有一个等级"
        return
    if len({g.name for g in sheet.grades}) != len(sheet.grades) or not all(g.name.strip() for g in sheet.grades):
        yield "grades", "等级名称要写，且不能重复"
    if any(a <= b for a, b in pairwise(mins)) or mins[0] > TOTAL:
        yield "grades", "等级应从高到低排列，起点分不能相同，也不能超过 100"
    if mins[-1] != 0:
        yield "grades", "最低一级应从 0 分开始"
    if len(mins) > 1 and sheet.veto_cap >= mins[-2]:
        yield "veto_cap", f"否决后的最高分应低于“{sheet.grades[-2].name}”的起点 {plain(mins[-2])} 分"
