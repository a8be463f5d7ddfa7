"""When unpredictable calls happen: drawn from a secret, so nobody can guess them, replay them or read them ahead.

The draw of one slot is a keyed hash (HMAC-SHA256, the school's key) of post, local day and slot number. Nothing is
stored before the moment has come: whoever holds the key computes it again, nobody else can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from kernel.clock import day_bounds

REST = timedelta(minutes=30)  # none within this time after an answered one
JITTER_MINUTES = 25  # and a drawn rest more, or the end of the rest would be a known time
MOST_MORE = 6  # calls of a day beyond what every day has
CATCH_UP = timedelta(hours=2)  # how late a slot may still go out

Draw = Callable[[str], str]  # text → hex digits of a keyed hash
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Slot:
    """One call of a day's budget and the moment drawn for it."""

    number: int
    at: datetime


def cut(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """The spans without the holes, merged and in order; all half-open."""
    merged: list[Span] = []
    for start, end in sorted(s for s in spans if s[0] < s[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    for hole_start, hole_end in sorted(holes):
        rest: list[Span] = []
        for start, end in merged:
            if hole_end <= start or end <= hole_start:
                rest.append((start, end))
                continue
            if start < hole_start:
                rest.append((start, hole_start))
            if hole_end < end:
                rest.append((hole_end, end))
        merged = rest
    return merged


def minutes_to_spans(day: date, tz: ZoneInfo, minutes: Iterable[Sequence[int]]) -> list[Span]:
    """Local minutes of a day [[from, until], …] as moments; `until` before `from` runs over midnight."""
    start, end = day_bounds(day, tz)
    found: list[Span] = []
    for first, last in minutes:
        if first < last:
            found.append((start + timedelta(minutes=first), min(start + timedelta(minutes=last), end)))
        elif first > last:
            found += [(start, start + timedelta(minutes=last)), (start + timedelta(minutes=first), end)]
    return found


def number_of(*, draw: Draw, post_id: UUID, day: date, budget: int) -> int:
    """How many calls this day has: one less than the budget (but at least one), then another with each toss of a fair coin.

    About the budget on average. However many have come, another comes half the time, so nobody who counts is ever safe
    (but for the last of `MOST_MORE`, once in sixty-four days).
    """
    if budget <= 0:
        return 0
    coins = int(draw(f"{post_id}|{day}|number"), 16)
    more = 0
    while more < MOST_MORE and coins >> more & 1:
        more += 1
    return max(1, budget - 1) + more


def slots(*, draw: Draw, post_id: UUID, day: date, budget: int, allowed: Sequence[Span]) -> list[Slot]:
    """The moments of one post's day, in order. Every allowed second is as likely as any other for every slot; how many
    there are is drawn too.
    """
    total = sum(int((end - start).total_seconds()) for start, end in allowed)
    if total <= 0:
        return []
    return sorted(
        (
            Slot(n, _moment(allowed, int(draw(f"{post_id}|{day}|{n}"), 16) % total))
            for n in range(number_of(draw=draw, post_id=post_id, day=day, budget=budget))
        ),
        key=lambda slot: slot.at,
    )


def _moment(allowed: Sequence[Span], second: int) -> datetime:
    for start, end in allowed:
        length = int((end - start).total_seconds())
        if second < length:
            return start + timedelta(seconds=second)
        second -= length
    raise ValueError("outside the allowed time")


def rest_of(*, draw: Draw, post_id: UUID, day: date, number: int) -> timedelta:
    """How long after an answered call this slot waits: 30 minutes and a drawn part more."""
    return REST + timedelta(seconds=int(draw(f"{post_id}|{day}|{number}|rest"), 16) % (JITTER_MINUTES * 60))


def in_night(moment: datetime, *, night_from: int, night_until: int, tz: ZoneInfo) -> bool:
    """Whether the local minute lies in the night, which may run over midnight."""
    local = moment.astimezone(tz)
    minute = local.hour * 60 + local.minute
    if night_from <= night_until:
        return night_from <= minute < night_until
    return minute >= night_from or minute < night_until
