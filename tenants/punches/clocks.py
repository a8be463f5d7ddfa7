"""Whose clock is right: the server's anchor for phones, the drift for devices. Pure.

A phone fetches an *anchor* (the server's time, signed) while it has a network and counts the seconds
since then with its monotonic clock, so its own date does not matter. Reopened without a network the
monotonic count is gone; the difference of its own clock since the anchor stands in (WALL). Without an
anchor its time is a claim and marked as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core import signing

from tenants.punches.choices import ClockBasis

SALT = "punches.anchor"
ANCHOR_FOR = timedelta(days=30)  # an older anchor says nothing: a phone's quartz is off by minutes by then
AHEAD = timedelta(seconds=90)  # network and rounding; later than this is a lie or a broken clock
CLAIM_FOR = timedelta(days=3)  # how far back a time that cannot be checked may lie
LATE = timedelta(hours=1)  # arrived later than this after it happened: shown as 补传
NOTABLE = timedelta(seconds=60)  # drift of a device that is worth a word
NOISE = timedelta(seconds=5)  # drift below the time a request takes is none


@dataclass(frozen=True, slots=True)
class Reading:
    """When it happened, how that is known, and whether it can be believed at all."""

    at: datetime
    basis: ClockBasis
    believable: bool = True


def anchor(*, schema: str, now: datetime) -> str:
    """A signed statement of the server's time for phones of this school."""
    return signing.dumps({"s": schema, "t": now.timestamp()}, salt=SALT, compress=False)


def anchor_time(text: str, *, schema: str) -> datetime | None:
    """When the anchor was given; None for one that is forged, damaged or another school's."""
    try:
        said = signing.loads(text, salt=SALT)
        if said["s"] != schema:
            return None
        return datetime.fromtimestamp(float(said["t"]), UTC)
    except (signing.BadSignature, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


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
    if anchored_at is not None and elapsed_ms is not None and 0 <= elapsed_ms <= ANCHOR_FOR.total_seconds() * 1000:
        at = anchored_at + timedelta(milliseconds=elapsed_ms)
        if received_at - anchored_at <= ANCHOR_FOR + AHEAD and at <= received_at + AHEAD:
            return Reading(min(at, received_at), ClockBasis.ANCHORED if monotonic else ClockBasis.WALL)
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
