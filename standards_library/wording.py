"""Saying in words what a requirement measures, who set the number, and how far the citation was checked."""

from __future__ import annotations

from dataclasses import dataclass

from standards_library.choices import ConfirmedBasis, Op, ValueOrigin, Verification

_SIMPLE = {Op.AT_LEAST: "不低于", Op.AT_MOST: "不超过", Op.BELOW: "小于", Op.EQUAL: "应为"}


def measure_words(op: str, value: str, unit: str) -> str:
    """`max_interval 3 个月` → 每 3 个月至少 1 次. Meaning of the codes: meta.measure_semantics of the data file."""
    if op == Op.MAX_INTERVAL:
        every = f"每{unit}" if value == "1" and not unit.startswith("个") else f"每 {value} {unit}"
        return f"{every}至少 1 次"
    if op == Op.MIN_COUNT:
        return f"每周期至少 {value} {unit}"
    if op == Op.RANGE:
        return f"应在 {value} {unit} 之间"
    if op == Op.IN:
        return f"应为 {value} 之一（{unit}）"
    if op == Op.VALID_MAX:
        return f"有效期或复审周期不超过 {value} {unit}"
    return f"{_SIMPLE[Op(op)]} {value} {unit}" if op in _SIMPLE else f"{op} {value} {unit}"


@dataclass(frozen=True, slots=True)
class Saying:
    """A word, the sentence behind it, an icon and a tone of the interface."""

    label: str
    sentence: str
    icon: str
    tone: str


ORIGIN: dict[str, Saying] = {
    ValueOrigin.DOCUMENT: Saying("文件规定", "数值写在所引文件里。", "gavel", "ok"),
    ValueOrigin.DERIVED: Saying(
        "由义务推定", "文件规定了义务，没有写数值；此处按“应有、为零、全覆盖”推定。", "git-branch", "info"
    ),
    ValueOrigin.SUGGESTED: Saying(
        "建议口径", "法定义务没有数值，这是研究院建议的考核口径，学校可以调整。", "bulb", "warn"
    ),
    ValueOrigin.CONTRACT: Saying(
        "合同约定", "不是法律或标准的规定，是合同里常见的约定值；以本校合同为准。", "file-text", "muted"
    ),
}
SET_BY_LAW = frozenset({ValueOrigin.DOCUMENT})


def verification_saying(verification: str, basis: str = "") -> Saying:
    """How far a citation was checked, for people."""
    if verification == Verification.CONFIRMED and basis == ConfirmedBasis.STATUTE:
        return Saying("已核对原文", "条款已与法规原文逐条核对。", "circle-check-filled", "ok")
    if verification == Verification.CONFIRMED and basis == ConfirmedBasis.SECONDARY:
        return Saying("已核对转载", "条款已与公开转载页面核对，未见发布机关原文。", "circle-check", "ok")
    if verification == Verification.CONFIRMED:
        return Saying("已核对", "已与公开来源核对。", "circle-check", "ok")
    if verification == Verification.KNOWN:
        return Saying(
            "通行引用", "业内通行的引用，条文尚未逐字核对；用作处罚依据前请核对原文。", "circle-dashed", "warn"
        )
    return Saying("待核实", "条款或数值还没有可靠来源；请勿直接作为扣分依据。", "help-circle", "bad")
