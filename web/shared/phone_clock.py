"""What a phone's form says of the time: its anchor (`frontend/src/clock.ts`) and what its own clock claims."""

from __future__ import annotations

import math

from django.http import HttpRequest

from kernel.anchors import Counted


def number(request: HttpRequest, name: str) -> float | None:
    """A posted number; nothing is None, what is no number is NaN and refused by whoever compares it."""
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        return math.nan


def counted(request: HttpRequest) -> Counted:
    """The anchor of a posted form and the time counted since then."""
    return Counted(
        anchor=request.POST.get("anchor", "")[:300],
        elapsed_ms=number(request, "elapsed_ms"),
        monotonic=request.POST.get("monotonic") == "1",
    )
