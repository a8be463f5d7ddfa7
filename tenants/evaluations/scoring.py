"""How points become a score: pure rules, no Django, no float.

Points come in and go out as `Decimal`. In between everything is an exact rational number, because
leaving an item out divides (by 3, by 7, …) and a rounded division would make the score depend on the
order of its parts. **Rounding: once, at the end, half up, two decimals** (`rounded`). Every number in
a result is the exact value rounded by itself; nothing is computed from a rounded number. So shown
parts may differ from the shown whole by 0.01; the exact parts always add up.

The rules, from the inside out:

1. *Item*: one fault costs `per_fault`; an item never loses more than its points (扣完为止):
   min(points, occurrences × per_fault × factor). The factor is 1; for a repeat (复发: the same place,
   category and party within the school's days) it is the round's `repeat_factor`, frozen when the round
   is made, 1.5 unless the school or the round says otherwise.
2. *Not applicable* (不适用): the item leaves the denominator. A section keeps its weight and is judged by
   what is left: weight × (points left − lost) / points left. A section of which nothing is left leaves
   the sheet, and the sheet is scaled back to 100. A sheet of which nothing is left has no score.
3. *Veto* (一票否决): the score is capped at the sheet's `veto_cap` and the grade is the worst one.
4. *Sources*: each counts raw × weight / 100. A source excused with a reason leaves the denominator too.
5. *Areas*: each area is scored by all sources; overall is their mean or their weighted mean.
6. *Grade*: the first band (best first) whose minimum the rounded score reaches.

Source of 1, 3 and 6: the scoring sheets schools publish (扣完为止, 一票否决, 优秀/良好/合格/不合格); of 4: the
assessment of property companies by 华南农业大学, first quarter of 2020, which the tests reproduce.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

HUNDRED = Fraction(100)
ZERO = Fraction(0)


class NothingToScore(ValueError):
    """Everything was marked not applicable, or every source was excused: there is no score, not a full one."""


def nominal(occurrences: int, per_fault: Decimal, factor: Decimal = Decimal(1)) -> Decimal:
    """What a fault costs before caps, to be shown."""
    return rounded(occurrences * exact(per_fault) * exact(factor))


def rounded(value: Fraction) -> Decimal:
    """Two decimals, half up (away from zero)."""
    cents = (abs(value) * 100 + Fraction(1, 2)).__floor__()
    return Decimal(-cents if value < 0 else cents).scaleb(-2)


def exact(value: Decimal) -> Fraction:
    """The decimal as an exact number. Refuses a float, NaN and infinity."""
    if not isinstance(value, Decimal) or not value.is_finite():
        raise TypeError(f"a finite Decimal is needed, not {value!r}")
    return Fraction(value)


@dataclass(frozen=True, slots=True)
class Grade:
    name: str
    minimum: Decimal


@dataclass(frozen=True, slots=True)
class ItemRule:
    key: str
    points: Decimal
    per_fault: Decimal


@dataclass(frozen=True, slots=True)
class SectionRule:
    key: str
    weight: Decimal
    items: tuple[ItemRule, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A frozen rubric. `grades` best first."""

    sections: tuple[SectionRule, ...]
    grades: tuple[Grade, ...]
    veto_cap: Decimal


@dataclass(frozen=True, slots=True)
class Fault:
    """A deduction in force (a waived one is not handed in). Faults of an item count in the order of `key`."""

    key: str
    item: str
    occurrences: int
    veto: bool = False
    factor: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class ItemScore:
    """`lost` in points of the sheet; `cost` is what it takes off the score of 100 after rescaling."""

    key: str
    applicable: bool
    points: Decimal
    lost: Fraction
    cost: Fraction


@dataclass(frozen=True, slots=True)
class SectionScore:
    """`score` out of `weight`; None where nothing of the section applies."""

    key: str
    weight: Decimal
    score: Fraction | None
    items: tuple[ItemScore, ...]


@dataclass(frozen=True, slots=True)
class SheetScore:
    """One filled sheet. `faults` says what each fault really cost the score, after caps and rescaling."""

    total: Fraction
    veto: bool
    sections: tuple[SectionScore, ...]
    faults: Mapping[str, Fraction]


def score_sheet(sheet: Sheet, faults: Iterable[Fault] = (), not_applicable: Iterable[str] = ()) -> SheetScore:
    """Score one sheet (rules 1 and 2). The veto is reported, not applied: it caps the whole, not a source.

    total = 100 − Σ cost of items = 100 − Σ faults, exactly. A fault of an item that is not applicable
    costs nothing. Raises NothingToScore; KeyError for an item the sheet does not have.
    """
    left_out = frozenset(not_applicable)
    by_item: dict[str, list[Fault]] = {item.key: [] for section in sheet.sections for item in section.items}
    for fault in faults:
        if fault.occurrences < 0:
            raise ValueError("occurrences cannot be negative")
        if fault.factor < 1:
            raise ValueError("a factor makes a fault heavier, never lighter")
        by_item[fault.item].append(fault)
    if unknown := left_out - by_item.keys():
        raise KeyError(min(unknown))

    applicable = {
        section.key: sum((exact(i.points) for i in section.items if i.key not in left_out), ZERO)
        for section in sheet.sections
    }
    whole = sum((exact(s.weight) for s in sheet.sections if applicable[s.key]), ZERO)
    if not whole:
        raise NothingToScore

    sections: list[SectionScore] = []
    costs: dict[str, Fraction] = {}
    total = HUNDRED
    veto = False
    for section in sheet.sections:
        base, weight = applicable[section.key], exact(section.weight)
        rate = weight / base if base else ZERO  # points of the sheet → points of the section
        items: list[ItemScore] = []
        for rule in section.items:
            applies = rule.key not in left_out
            left = exact(rule.points) if applies else ZERO
            for fault in sorted(by_item[rule.key], key=lambda f: f.key):
                taken = min(left, fault.occurrences * exact(rule.per_fault) * exact(fault.factor))
                left -= taken
                costs[fault.key] = taken * rate * HUNDRED / whole
                veto = veto or (fault.veto and applies)
            lost = (exact(rule.points) - left) if applies else ZERO
            items.append(ItemScore(rule.key, applies, rule.points, lost, lost * rate * HUNDRED / whole))
            total -= lost * rate * HUNDRED / whole
        lost_here = sum((i.lost for i in items), ZERO)
        sections.append(
            SectionScore(section.key, section.weight, (base - lost_here) * rate if base else None, tuple(items))
        )
    return SheetScore(total, veto, tuple(sections), costs)


@dataclass(frozen=True, slots=True)
class Part:
    """One source or area: its score out of 100, its weight, and what it adds to the whole."""

    key: str
    raw: Fraction
    weight: Fraction
    weighted: Fraction


def weigh(parts: Sequence[tuple[str, Fraction, Decimal]]) -> tuple[Fraction, tuple[Part, ...]]:
    """Weigh scores out of 100 (rules 4 and 5): Σ raw × weight / Σ weight. Raises NothingToScore.

    With weights that add up to 100, `weighted` is raw × weight %: 96.9 × 50 % = 48.45.
    """
    whole = sum((exact(weight) for _, _, weight in parts), ZERO)
    if whole <= 0:
        raise NothingToScore
    weighed = tuple(Part(key, raw, exact(w), raw * exact(w) / whole) for key, raw, w in parts)
    return sum((p.weighted for p in weighed), ZERO), weighed


def mean(parts: Sequence[tuple[str, Fraction]]) -> tuple[Fraction, tuple[Part, ...]]:
    """The plain mean: every part weighs the same."""
    return weigh([(key, raw, Decimal(1)) for key, raw in parts])


def grade_of(score: Decimal, grades: Sequence[Grade], *, veto: bool = False) -> str:
    """The band a rounded score falls into; with a veto the worst. Empty without bands."""
    if not grades:
        return ""
    best_first = sorted(grades, key=lambda g: g.minimum, reverse=True)
    if veto:
        return best_first[-1].name
    return next((g.name for g in best_first if score >= g.minimum), best_first[-1].name)


@dataclass(frozen=True, slots=True)
class SourceInput:
    """A scoring source. Where it scores by the sheet, `raw` is None and `sheets` has one entry per area."""

    key: str
    weight: Decimal
    excused: bool = False
    by_sheet: bool = False


@dataclass(frozen=True, slots=True)
class AreaInput:
    key: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class RoundInput:
    """Everything a round's score is made of. Cells are keyed (source, area)."""

    sheet: Sheet
    sources: tuple[SourceInput, ...]
    areas: tuple[AreaInput, ...]
    by_weight: bool
    raw: Mapping[tuple[str, str], Decimal]
    faults: Mapping[tuple[str, str], tuple[Fault, ...]]
    not_applicable: Mapping[tuple[str, str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class AreaScore:
    """One area: `total` after the veto cap, `before_veto` the weighted sum of its sources."""

    key: str
    total: Fraction
    before_veto: Fraction
    veto: bool
    share: Fraction
    sources: tuple[Part, ...]
    sheets: Mapping[str, SheetScore]


@dataclass(frozen=True, slots=True)
class RoundScore:
    """The whole. `score` and `grade` are final; the fractions are exact."""

    score: Decimal
    grade: str
    veto: bool
    total: Fraction
    before_veto: Fraction
    areas: tuple[AreaScore, ...]


def score_round(given: RoundInput) -> RoundScore:
    """Score a round (rules 1–6). Raises NothingToScore, KeyError for a missing cell of a raw source."""
    cap = exact(given.sheet.veto_cap)
    scored: list[tuple[AreaInput, Fraction, bool, tuple[Part, ...], dict[str, SheetScore]]] = []
    for area in given.areas:
        sheets: dict[str, SheetScore] = {}
        rows: list[tuple[str, Fraction, Decimal]] = []
        for source in given.sources:
            if source.excused:
                continue
            cell = (source.key, area.key)
            if source.by_sheet:
                sheets[source.key] = score_sheet(
                    given.sheet, given.faults.get(cell, ()), given.not_applicable.get(cell, frozenset())
                )
                rows.append((source.key, sheets[source.key].total, source.weight))
            else:
                rows.append((source.key, exact(given.raw[cell]), source.weight))
        before, parts = weigh(rows)
        scored.append((area, before, any(s.veto for s in sheets.values()), parts, sheets))

    def capped(value: Fraction, veto: bool) -> Fraction:
        return min(value, cap) if veto else value

    combine = [
        (area.key, capped(before, veto), area.weight if given.by_weight else Decimal(1))
        for area, before, veto, _, _ in scored
    ]
    joined, shares = weigh(combine)
    uncapped, _ = weigh([(a.key, b, w) for (a, b, _, _, _), (_, _, w) in zip(scored, combine, strict=True)])
    veto = any(row[2] for row in scored)
    total = capped(joined, veto)
    score = rounded(total)
    areas = tuple(
        AreaScore(area.key, capped(before, veto_here), before, veto_here, share.weighted, parts, sheets)
        for (area, before, veto_here, parts, sheets), share in zip(scored, shares, strict=True)
    )
    return RoundScore(score, grade_of(score, given.sheet.grades, veto=veto), veto, total, uncapped, areas)
