"""The committee's result from the sheets, in Decimal: half up, two decimals, at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

TRIM_FROM = 5  # sheets; from five on the highest and the lowest total are left out (去掉最高最低分)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Mean:
    """The result and how it came about."""

    value: Decimal
    trimmed: bool
    sheets: int


def half_up(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def total(points: Mapping[UUID, Decimal], weights: Mapping[UUID, Decimal]) -> Decimal:
    """One sheet's weighted total (0–100), unrounded; weights add up to 100. Every criterion must be scored."""
    return sum((points[c] * w for c, w in weights.items()), Decimal(0)) / Decimal(100)


def mean(totals: Sequence[Decimal]) -> Mean:
    """Plain mean below five sheets, else the mean without one highest and one lowest. At least one sheet."""
    ordered = sorted(totals)
    trimmed = len(ordered) >= TRIM_FROM
    kept = ordered[1:-1] if trimmed else ordered
    return Mean(half_up(sum(kept, Decimal(0)) / len(kept)), trimmed, len(ordered))
