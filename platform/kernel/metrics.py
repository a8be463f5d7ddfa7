"""What a metric is. Each is declared once, in the feature that owns its data, and read everywhere.

A metric never travels as a bare percentage: a `Reading` carries numerator, denominator, n and coverage,
so that whoever shows it can say what it rests on, and whoever adds readings up does not average averages.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from django.utils.functional import Promise


class Direction(StrEnum):
    """Which way is better. A neutral metric is shown, never ranked."""

    UP = "up"
    DOWN = "down"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Metric:
    """One definition. A changed meaning is a new `version`; facts of different versions are never compared.

    `percent` says how the ratio is shown: numerator / denominator × 100 with the unit "%", or as it is.
    `minimum_n`: with fewer cases a school's value is shown but not ranked. `coverage` says in words what
    the share of complete data means for this metric.
    """

    code: str
    name: str | Promise
    unit: str
    numerator: str | Promise
    denominator: str | Promise
    coverage: str | Promise
    direction: Direction
    version: int
    minimum_n: int
    percent: bool = False
    minimum_coverage: Decimal = Decimal("0.5")

    def value(self, numerator: Decimal, denominator: Decimal) -> Decimal | None:
        """The number to show, two decimals half up; None where there is nothing to divide by."""
        if not denominator:
            return None
        ratio = numerator * (100 if self.percent else 1) / denominator
        return ratio.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric for one month (its first day), for one service line or ("") the whole school."""

    month: date
    line: str
    numerator: Decimal
    denominator: Decimal
    n: int
    coverage: Decimal
