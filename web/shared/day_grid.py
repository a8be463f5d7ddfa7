"""Days as a picture: weeks from Monday, for components/day_grid.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

MOST = 3  # marks in one day


def weeks(
    first: date, last: date, marks: Mapping[date, Sequence[Mapping[str, Any]]], *, today: date
) -> list[list[dict[str, Any] | None]]:
    """The days of a range (both included) by week; `marks` are {text, tone or colour, label} by day."""
    start = first - timedelta(days=first.weekday())
    count = (last - start).days // 7 + 1
    return [
        [_cell(start + timedelta(days=7 * w + d), first, last, marks, today) for d in range(7)] for w in range(count)
    ]


def _cell(
    day: date, first: date, last: date, marks: Mapping[date, Sequence[Mapping[str, Any]]], today: date
) -> dict[str, Any] | None:
    if not first <= day <= last:
        return None
    mine = list(marks.get(day, []))
    return {
        "n": f"{day.month}/1" if day.day == 1 and day != first else str(day.day), "iso": day.isoformat(),
        "today": day == today, "marks": mine[:MOST], "more": len(mine) - MOST if len(mine) > MOST else 0,
        "said": f"{day.month}月{day.day}日 " + ("、".join(str(m["label"]) for m in mine) or "没有班"),
    }  # fmt: skip
