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
    if op == Op.MIN_COUNT and unit.startswith("次/"):
        return f"每{unit.removeprefix('次/')}至少 {value} 次"
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
    """A word, the sentence behind it, and how sure it is: ok, info, warn, bad or muted."""

    code: str
    label: str
    sentence: str
    tone: str


ORIGIN: dict[str, Saying] = {
    ValueOrigin.DOCUMENT: Saying("document", "文件规定", "数值写在所引文件里。", "ok"),
    ValueOrigin.DERIVED: Saying(
        "derived", "由义务推定", "文件规定了义务，没有写数值；此处按“应有、为零、全覆盖”推定。", "info"
    ),
    ValueOrigin.SUGGESTED: Saying(
        "suggested", "建议口径", "法定义务没有数值，这是研究院建议的考核口径，学校可以调整。", "warn"
    ),
    ValueOrigin.CONTRACT: Saying(
        "contract_practice", "合同约定", "不是法律或标准的规定，是合同里常见的约定值；以本校合同为准。", "muted"
    ),
}
SET_BY_LAW = frozenset({ValueOrigin.DOCUMENT})


def verification_saying(verification: str, basis: str = "") -> Saying:
    """How far a citation was checked, for people."""
    if verification == Verification.CONFIRMED and basis == ConfirmedBasis.STATUTE:
        return Saying("statute", "已核对原文", "条款已与法规原文逐条核对。", "ok")
    if verification == Verification.CONFIRMED and basis == ConfirmedBasis.SECONDARY:
        return Saying("secondary", "已核对转载", "条款已与公开转载页面核对，未见发布机关原文。", "ok")
    if verification == Verification.CONFIRMED:
        return Saying("confirmed", "已核对", "已与公开来源核对。", "ok")
    if verification == Verification.KNOWN:
        return Saying("known", "通行引用", "业内通行的引用，条文尚未逐字核对；用作处罚依据前请核对原文。", "warn")
    return Saying("uncertain", "待核实", "条款或数值还没有可靠来源；请勿直接作为扣分依据。", "bad")
