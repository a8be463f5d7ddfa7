"""Pure arithmetic of shift instances: wall-clock minutes to moments, and the windows in which a punch counts.

A punch window belongs to one person's time line. Between two stretches the gap is shared at its middle;
where two stretches touch, one punch may end the first and begin the second. Within a stretch a punch in
the first half counts as coming, in the second half as going, so that one lone punch is never both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

DAY = 1440


def moment(day: date, minute: int, tz: ZoneInfo) -> datetime:
    """The UTC moment at which the wall clock shows `minute` counted from the start of `day` (1,560 = 02:00 next day)."""
    days, rest = divmod(minute, DAY)
    return datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), tz).astimezone(UTC)


def clock_text(minute: int) -> str:
    """08:00, 次日06:00 past midnight, and 次日24:00 for the last minute there is."""
    days, rest = divmod(minute, DAY)
    if days > 1:
        days, rest = 1, minute - DAY
    return f"{'次日' if days else ''}{rest // 60:02d}:{rest % 60:02d}"


class Minutes(Protocol):
    """One stretch of a shift, on any day: minutes from the start of the day, which may pass 1,440."""

    @property
    def start_minute(self) -> int: ...
    @property
    def end_minute(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """One expected stretch of work of one person; minutes before and after are what the rule lets a punch be off."""

    starts_at: datetime
    ends_at: datetime
    in_before: int = 60
    out_after: int = 120
    flex: int = 0  # may begin this many minutes later, and then ends as much later
    needs_in: bool = True
    needs_out: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open: a punch at `in_from` counts as coming, one at `in_until` does not."""

    in_from: datetime
    in_until: datetime
    out_from: datetime
    out_until: datetime


def stretches_of(day: date, segments: Iterable[Minutes], tz: ZoneInfo) -> list[Stretch]:
    """When somebody who has these segments of a shift on a roster day works."""
    return [Stretch(moment(day, s.start_minute, tz), moment(day, s.end_minute, tz)) for s in segments]


def overlaps(a: Stretch, b: Stretch) -> bool:
    """Whether two half-open stretches share time; touching ones do not."""
    return a.starts_at < b.ends_at and b.starts_at < a.ends_at


def first_overlap(stretches: Sequence[Stretch]) -> tuple[int, int] | None:
    """Indices of two overlapping stretches of one person, or None. Any order is taken."""
    order = sorted(range(len(stretches)), key=lambda i: (stretches[i].starts_at, stretches[i].ends_at))
    latest: int | None = None  # of those seen, the one that ends last
    for i in order:
        if latest is not None and stretches[i].starts_at < stretches[latest].ends_at:
            return latest, i
        if latest is None or stretches[i].ends_at > stretches[latest].ends_at:
            latest = i
    return None


def _minutes(n: int) -> timedelta:
    return timedelta(minutes=n)


def windows(stretches: Sequence[Stretch]) -> list[Window]:
    """The windows of one person's stretches, which are in order of time and do not overlap."""
    ends = [s.ends_at + _minutes(s.flex) for s in stretches]
    for i in range(len(stretches) - 1):
        ends[i] = min(ends[i], max(stretches[i + 1].starts_at, stretches[i].ends_at))
    found: list[Window] = []
    for i, s in enumerate(stretches):
        in_from = s.starts_at - _minutes(s.in_before)
        out_until = ends[i] + _minutes(s.out_after)
        middle = s.starts_at + (s.ends_at - s.starts_at) / 2
        in_until = out_from = middle
        if not s.needs_out:
            in_until = ends[i]
        if not s.needs_in:
            out_from = s.starts_at
        if i:
            before, gap = stretches[i - 1], s.starts_at - ends[i - 1]
            half = before.starts_at + (before.ends_at - before.starts_at) / 2
            in_from = max(in_from, ends[i - 1] + gap / 2 if gap else half)
        if i + 1 < len(stretches):
            after, gap = stretches[i + 1], stretches[i + 1].starts_at - ends[i]
            half = after.starts_at + (after.ends_at - after.starts_at) / 2
            out_until = min(out_until, ends[i] + gap / 2 if gap else half)
        found.append(Window(in_from, in_until, out_from, out_until))
    return found
