"""Small words of the attendance pages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import template

register = template.Library()


@register.filter
def marks(figures: Any, names: str) -> int:
    """How many shifts came to any of these marks."""
    return sum(figures.of(name) for name in names.split(","))


@register.filter
def hours(minutes: int) -> Decimal:
    return (Decimal(minutes) / 60).quantize(Decimal("0.1"))


@register.filter
def last_day(days: list[Any]) -> str:
    last: date = days[-1].day
    return last.isoformat()
