"""Time: stored in UTC, read in a zone. A day exists only with a zone; intervals are half-open."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The present moment in UTC. Called at the edge; operations take `now` where a rule depends on it."""
    return datetime.now(UTC)


def told(said: datetime | None) -> datetime | None:
    """A moment that somebody else's clock tells, in UTC; None for one without a zone or not between 1900 and 2200.

    PostgreSQL stores year 10000 and cannot hand it back to Python: one such row and every list that holds it is an error.
    """
    return said.astimezone(UTC) if said is not None and said.tzinfo and EARLIEST <= said < LATEST else None


def day_bounds(day: date, tz: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the local day as a half-open UTC interval: 23, 24 or 25 hours long."""
    start = datetime.combine(day, time.min, tz)
    return start.astimezone(UTC), datetime.combine(day + timedelta(days=1), time.min, tz).astimezone(UTC)


def month_bounds(day: date) -> tuple[date, date]:
    """Return the month that holds `day` as a half-open interval of dates."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)
