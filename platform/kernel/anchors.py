"""The server's clock on a phone: one signed anchor for whatever is done away from the network.

A phone fetches an *anchor* (the server's time, signed) while it has a network and counts the milliseconds since
then, so its own date does not matter (`frontend/src/clock.ts`). `monotonic` says that a stopwatch counted; after a
page was closed meanwhile the difference of the phone's own clock stands in. Without an anchor a time is a claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core import signing

SALT = "punches.anchor"  # phones keep anchors for weeks: the word stays
ANCHOR_FOR = timedelta(days=30)  # an older anchor says nothing: a phone's quartz is off by minutes by then
AHEAD = timedelta(seconds=90)  # network and rounding; later than this is a lie or a broken clock


@dataclass(frozen=True, slots=True)
class Counted:
    """What a phone sends along: the anchor it kept, and how long ago it got it."""

    anchor: str = ""
    elapsed_ms: float | None = None
    monotonic: bool = False  # counted by a stopwatch that nobody can set


NOTHING = Counted()


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


def counted_from(*, anchored_at: datetime | None, elapsed_ms: float | None, received_at: datetime) -> datetime | None:
    """The moment so long after the anchor, never later than its receipt; None when it cannot be believed."""
    if anchored_at is None or elapsed_ms is None or not 0 <= elapsed_ms <= ANCHOR_FOR.total_seconds() * 1000:
        return None
    at = anchored_at + timedelta(milliseconds=elapsed_ms)
    if received_at - anchored_at > ANCHOR_FOR + AHEAD or at > received_at + AHEAD:
        return None
    return min(at, received_at)


def moment_of(said: Counted, *, schema: str, received_at: datetime) -> datetime | None:
    """When it was done by the server's clock, or None: no anchor, a forged one, or a count that cannot be."""
    if not said.anchor:
        return None
    at = anchor_time(said.anchor, schema=schema)
    return counted_from(anchored_at=at, elapsed_ms=said.elapsed_ms, received_at=received_at)
