"""Whose clock is right: the server's anchor for phones, the drift for devices. Pure.

A phone counts on from the server's signed time (`kernel.anchors`): ANCHORED. Reopened without a network its
stopwatch is gone; the difference of its own clock since the anchor stands in (WALL). Without an anchor its
time is a claim and marked as such; one that lies long before its receipt is *unchecked*: dropping the anchor is easier
than beating it, so whatever was brought along shows at most that somebody was there by the time it arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.anchors import AHEAD, counted_from
from tenants.punches.choices import ClockBasis

CLAIM_FOR = timedelta(days=3)  # how far back a time that cannot be checked may lie
UNCHECKED = timedelta(minutes=5)  # a claim received later than this after it: neither anchor nor receipt says when
LATE = timedelta(hours=1)  # arrived later than this after it happened: shown as 补传
NOTABLE = timedelta(seconds=60)  # drift of a device that is worth a word
FURTHEST = timedelta(days=20_000)  # of a drift that is noted (a dead clock says 1970 or 2099); it is taken off whole
NOISE = timedelta(seconds=5)  # drift below the time a request takes is none


@dataclass(frozen=True, slots=True)
class Reading:
    """When it happened, how that is known, and whether it can be believed at all."""

    at: datetime
    basis: ClockBasis
    believable: bool = True


def unchecked(basis: str, at: datetime, received_at: datetime) -> bool:
    """Whether only the sender's word says that it happened so long before it arrived."""
    return basis == ClockBasis.CLAIMED and received_at - at > UNCHECKED


def read_phone(
    *,
    recorded_at: datetime | None,
    anchored_at: datetime | None,
    elapsed_ms: float | None,
    monotonic: bool,
    received_at: datetime,
) -> Reading:
    """The time of a phone's punch.

    Never later than its receipt: a little ahead is cut to it, far ahead cannot be believed. A page
    without a script says nothing and is taken at the server's time.
    """
    at = counted_from(anchored_at=anchored_at, elapsed_ms=elapsed_ms, received_at=received_at)
    if at is not None:
        return Reading(at, ClockBasis.ANCHORED if monotonic else ClockBasis.WALL)
    if recorded_at is None:
        return Reading(received_at, ClockBasis.SERVER)
    if received_at - CLAIM_FOR <= recorded_at <= received_at + AHEAD:
        return Reading(min(recorded_at, received_at), ClockBasis.CLAIMED)
    return Reading(received_at, ClockBasis.CLAIMED, believable=False)


def drift_of(sent_at: datetime | None, received_at: datetime) -> timedelta | None:
    """A device's clock minus ours when it sent the batch; below the noise it is none."""
    if sent_at is None:
        return None
    drift = sent_at - received_at
    return timedelta(0) if abs(drift) < NOISE else drift


def noted(drift: timedelta) -> int:
    """A drift in seconds, as far as the column holds it."""
    return round(max(-FURTHEST, min(drift, FURTHEST)).total_seconds())
