"""What a later edition of the library would change in a school's copy: readable, item by item.

Three sheets are compared: `base` (the edition the school last answered), `theirs` (the new one) and `mine`.
A change is listed where theirs differs from base and mine does not already say the same. Where the school
had edited the same thing, the change says so (`changed_here`). What the school alone changed is no change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from standards_library.contracts import (
    RequirementContract,
    TemplateContract,
    TemplateDimensionContract,
    TemplateItemContract,
)
from tenants.rubrics.balance import plain
from tenants.rubrics.choices import Period
from tenants.rubrics.contracts import ItemContract, RubricContract, SectionContract

SHEET = "sheet"
Details = Mapping[tuple[str, str], RequirementContract]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, in words."""

    name: str
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to decide. `id`: "item:<key>", "section:<key>" or "sheet"; `kind`: added, removed, changed, basis."""

    id: str
    kind: str
    title: str
    section: str
    fields: tuple[FieldChange, ...]
    changed_here: bool


KIND_WORDS = {"added": "新增", "removed": "取消", "changed": "修改", "basis": "依据变化"}

ITEM_LABELS = {
    "text": "检查内容",
    "method": "检查方法",
    "points": "分值",
    "per_fault": "每次扣分",
    "fault_unit": "扣分单位",
    "veto": "一票否决",
    "requirement_keys": "依据条款",
    "veto_requirement_keys": "否决条款",
}
SECTION_LABELS = {"title": "名称", "weight": "分值"}
SHEET_LABELS = {
    "title": "名称",
    "period": "周期",
    "grades": "等级",
    "veto_cap": "否决后最高分",
    "payment_note": "付款建议",
}
REQUIREMENT_LABELS = {
    "text": "要求",
    "clause": "条款",
    "measure": "指标",
    "document_title": "文件",
    "document_code": "文号",
    "origin_label": "数值来源",
    "verification_label": "核对程度",
    "retired": "状态",
}


def item_values(item: TemplateItemContract) -> dict[str, Any]:
    """A template item in the fields of a school's item."""
    return {
        "text": item.text,
        "method": item.evidence,
        "points": item.points,
        "per_fault": item.per_fault,
        "fault_unit": item.fault_unit,
        "veto": item.veto,
        "requirement_keys": item.requirement_keys,
        "veto_requirement_keys": item.veto_requirement_keys,
    }


def own_values(item: ItemContract) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ITEM_LABELS}


def section_values(section: TemplateDimensionContract | SectionContract) -> dict[str, Any]:
    return {"title": section.title, "weight": section.weight}


def template_values(template: TemplateContract) -> dict[str, Any]:
    return {
        "title": template.title,
        "period": template.period,
        "grades": template.grades,
        "veto_cap": template.veto_cap,
        "payment_note": template.payment_note,
    }


def sheet_values(rubric: RubricContract) -> dict[str, Any]:
    return {
        "title": rubric.title,
        "period": rubric.period,
        "grades": tuple((g.name, g.min) for g in rubric.grades),
        "veto_cap": rubric.veto_cap,
        "payment_note": rubric.payment_note,
    }


def items_of(template: TemplateContract | None) -> dict[str, tuple[TemplateDimensionContract, TemplateItemContract]]:
    return {i.key: (d, i) for d in template.dimensions for i in d.items} if template else {}


def dimensions_of(template: TemplateContract | None) -> dict[str, TemplateDimensionContract]:
    return {d.key: d for d in template.dimensions} if template else {}


def compare(
    *,
    mine: RubricContract,
    theirs: TemplateContract,
    base_of: Callable[[str, str], TemplateContract | None],
    details: Details,
) -> list[Change]:
    """Changes in the order of the new sheet, then what it drops.

    `base_of(change id, edition of my item)` gives the template the school last answered for that change;
    `details` the requirements cited, by (key, edition).
    """
    changes: list[Change] = []
    my_items = {i.template_key: (s, i) for s in mine.sections for i in s.items if i.template_key}
    my_sections = {s.template_key: s for s in mine.sections if s.template_key}

    base = base_of(SHEET, mine.edition)
    fields = _fields(
        template_values(base) if base else None, template_values(theirs), sheet_values(mine), SHEET_LABELS, details, ""
    )
    if fields:
        own = base is not None and any(template_values(base)[f.name] != sheet_values(mine)[f.name] for f in fields)
        changes.append(Change(SHEET, "changed", theirs.title, "", fields, own))

    for dimension in theirs.dimensions:
        changes += _section(dimension, my_sections.get(dimension.key), base_of, mine.edition, details)
        for item in dimension.items:
            changes += _item(dimension, item, my_items.get(item.key), base_of, mine.edition, theirs.edition, details)
    new_items, new_sections = items_of(theirs), dimensions_of(theirs)
    for key, (section, kept) in my_items.items():
        base = base_of(f"item:{key}", kept.edition)
        if key not in new_items and key in items_of(base):
            own = own_values(kept) != item_values(items_of(base)[key][1])
            changes.append(Change(f"item:{key}", "removed", kept.text, section.title, (), own))
    for key, section in my_sections.items():
        if key not in new_sections and key in dimensions_of(base_of(f"section:{key}", mine.edition)):
            changes.append(Change(f"section:{key}", "removed", section.title, section.title, (), False))
    return changes


def _section(
    theirs: TemplateDimensionContract,
    mine: SectionContract | None,
    base_of: Callable[[str, str], TemplateContract | None],
    edition: str,
    details: Details,
) -> list[Change]:
    id_ = f"section:{theirs.key}"
    base = dimensions_of(base_of(id_, edition)).get(theirs.key)
    if mine is None:
        if base is not None:
            return []  # the school dropped it
        weight = FieldChange("weight", "分值", "", f"{plain(theirs.weight)} 分")
        return [Change(id_, "added", theirs.title, theirs.title, (weight,), False)]
    before = section_values(base) if base else None
    fields = _fields(before, section_values(theirs), section_values(mine), SECTION_LABELS, details, "")
    if not fields:
        return []
    own = base is not None and section_values(base) != section_values(mine)
    return [Change(id_, "changed", mine.title, mine.title, fields, own)]


def _item(
    dimension: TemplateDimensionContract,
    theirs: TemplateItemContract,
    found: tuple[SectionContract, ItemContract] | None,
    base_of: Callable[[str, str], TemplateContract | None],
    edition: str,
    new: str,
    details: Details,
) -> list[Change]:
    id_ = f"item:{theirs.key}"
    if found is None:
        if theirs.key in items_of(base_of(id_, edition)):
            return []  # the school dropped it
        fields = tuple(
            FieldChange(name, label, "", _say(name, item_values(theirs)[name], details, new))
            for name, label in ITEM_LABELS.items()
            if item_values(theirs)[name]
        )
        return [Change(id_, "added", theirs.text, dimension.title, fields, False)]
    section, mine = found
    base_template = base_of(id_, mine.edition)
    base = items_of(base_template).get(theirs.key)
    before = item_values(base[1]) if base else None
    fields = _fields(before, item_values(theirs), own_values(mine), ITEM_LABELS, details, new, mine.edition)
    old = base_template.edition if base_template else mine.edition
    cited = _cited(mine.requirement_keys, theirs.requirement_keys, old, new, details)
    if not fields and not cited:
        return []
    own = base is not None and own_values(mine) != item_values(base[1])
    return [Change(id_, "changed" if fields else "basis", mine.text, section.title, fields + cited, own)]


def _fields(
    base: Mapping[str, Any] | None,
    theirs: Mapping[str, Any],
    mine: Mapping[str, Any],
    labels: Mapping[str, str],
    details: Details,
    new: str,
    old: str = "",
) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(name, label, _say(name, mine[name], details, old), _say(name, theirs[name], details, new))
        for name, label in labels.items()
        if theirs[name] != mine[name] and (base is None or theirs[name] != base[name])
    )


def _cited(
    mine: tuple[str, ...], theirs: tuple[str, ...], old: str, new: str, details: Details
) -> tuple[FieldChange, ...]:
    """How the requirements that both cite changed between the editions."""
    found = []
    for key in mine:
        was, will = details.get((key, old)), details.get((key, new))
        if key not in theirs or was is None or will is None or old == new:
            continue
        for name, label in REQUIREMENT_LABELS.items():
            before, after = getattr(was, name), getattr(will, name)
            if before != after:
                if name == "retired":
                    before, after = ("停用" if before else "现行"), ("停用" if after else "现行")
                found.append(FieldChange(f"requirement:{key}:{name}", f"{was.citation}：{label}", before, after))
    return tuple(found)


def _say(name: str, value: Any, details: Details, edition: str) -> str:
    if name in {"requirement_keys", "veto_requirement_keys"}:
        return "；".join(details[k, edition].citation if (k, edition) in details else k for k in value) or "无"
    if name == "veto":
        return "是" if value else "否"
    if name == "period":
        return str(Period(value).label) if value in Period.values else str(value)
    if name == "grades":
        return "，".join(f"{grade} {plain(Decimal(least))} 分起" for grade, least in value)
    if isinstance(value, Decimal):
        return f"{plain(value)} 分"
    return str(value) if value else "（空）"
