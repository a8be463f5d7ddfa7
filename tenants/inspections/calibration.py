"""What blind sheets of the same place say about their scorers: pure rules.

Points: a failed item costs min(points, faults × per_fault); an item one of two marked 不适用 is not compared.
`lost` is what a sheet takes off, scaled to 100. `bias` is the mean loss of the others minus one's own: above
zero milder than they. `agreement` is the share of compared pairs judged alike (same verdict, same faults).
`accuracy` against the expert: 100 × (1 − Σ |difference in points| / Σ points compared), at least 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from tenants.inspections.choices import Verdict
from tenants.rubrics.contracts import ItemContract, RubricContract


@dataclass(frozen=True, slots=True)
class Seen:
    verdict: str
    faults: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """All of 100, two decimals; None where there is nobody to compare with."""

    lost: Decimal | None
    bias: Decimal | None
    agreement: Decimal | None
    accuracy: Decimal | None


def cost(item: ItemContract, seen: Seen) -> Decimal:
    return min(item.points, item.per_fault * seen.faults) if seen.verdict == Verdict.FAIL else Decimal(0)


def _two(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _lost(items: list[ItemContract], seen: Mapping[UUID, Seen]) -> Decimal | None:
    counted = [i for i in items if seen[i.id].verdict != Verdict.NA]
    whole = sum((i.points for i in counted), Decimal(0))
    return 100 * sum((cost(i, seen[i.id]) for i in counted), Decimal(0)) / whole if whole else None


def outcome(
    sheet: RubricContract, sheets: Mapping[UUID, Mapping[UUID, Seen]], mine: UUID, *, expert: UUID | None
) -> Outcome:
    """What the sheets say about the one of `mine`."""
    items = list(sheet.items())
    own = sheets[mine]
    others = [s for key, s in sheets.items() if key != mine]
    lost = _lost(items, own)
    theirs = [value for s in others if (value := _lost(items, s)) is not None]
    bias = sum(theirs, Decimal(0)) / len(theirs) - lost if theirs and lost is not None else None
    pairs = [
        (own[i.id], s[i.id]) for s in others for i in items if Verdict.NA not in (own[i.id].verdict, s[i.id].verdict)
    ]
    alike = 100 * Decimal(sum(a == b for a, b in pairs)) / len(pairs) if pairs else None
    accuracy = None
    if expert is not None and expert != mine:
        right = sheets[expert]
        compared = [i for i in items if Verdict.NA not in (own[i.id].verdict, right[i.id].verdict)]
        whole = sum((i.points for i in compared), Decimal(0))
        off = sum((abs(cost(i, own[i.id]) - cost(i, right[i.id])) for i in compared), Decimal(0))
        accuracy = max(Decimal(0), 100 * (1 - off / whole)) if whole else None
    return Outcome(*(None if v is None else _two(v) for v in (lost, bias, alike, accuracy)))
