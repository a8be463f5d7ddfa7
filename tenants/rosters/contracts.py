"""What other features are handed, and which tables they may read by SQL.

Published tables: `rosters_shiftinstance` (live rows: `cancelled_at IS NULL`), `rosters_rule`, `rosters_leave`
(through `on_leave` and `leave_covers` below), `rosters_assignment` (days of rest: `shift_id IS NULL`), `rosters_coverage` and
`rosters_postterms` through `CONTRACTED` below.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID


def rate_on(post: str, day: str) -> str:
    """SQL: yuan per hour of the post on the day, both given as SQL; needs its row `t` of rosters_postterms."""
    past = (
        f"SELECT k.rate FROM rosters_pastrate k WHERE k.post_id = {post} AND k.until > {day} ORDER BY k.until LIMIT 1"  # noqa: S608
    )
    return f"coalesce(({past}), t.hourly_rate)"


# Contracted presence as rows (post_id, party_id, line, day, starts_at, ends_at, persons, hourly_rate), for a WITH.
# Parameters: %(first)s, %(last)s (dates, both included), %(tz)s (name of the zone), %(holidays)s (date[] of
# statutory holidays), %(posts)s (uuid[] or NULL), %(parties)s (uuid[] or NULL). Times of the wall clock.
CONTRACTED = f"""
SELECT c.post_id, p.party_id, p.line, d.day, c.persons, {rate_on("c.post_id", "d.day")} AS hourly_rate,
       (d.day + make_interval(mins => c.start_minute)) AT TIME ZONE %(tz)s AS starts_at,
       (d.day + make_interval(mins => c.end_minute)) AT TIME ZONE %(tz)s AS ends_at
FROM rosters_coverage c
JOIN organisation_post p ON p.id = c.post_id AND (p.active OR p.closed_on > %(first)s::date)
LEFT JOIN rosters_postterms t ON t.post_id = c.post_id
CROSS JOIN LATERAL (
    SELECT g::date AS day FROM generate_series(
        greatest(c.valid_from, %(first)s::date)::timestamp,
        least(coalesce(c.valid_until - 1, %(last)s::date), %(last)s::date)::timestamp, interval '1 day') g
) d
WHERE (p.active OR d.day < p.closed_on) AND (c.weekdays >> (extract(isodow FROM d.day)::int - 1)) & 1 = 1
  AND (c.holidays OR d.day <> ALL(%(holidays)s::date[]))
  AND (%(posts)s::uuid[] IS NULL OR c.post_id = ANY(%(posts)s::uuid[]))
  AND (%(parties)s::uuid[] IS NULL OR p.party_id = ANY(%(parties)s::uuid[]))
"""  # noqa: S608 (constants; values are parameters)


def leave_covers(staff: str, at: str) -> str:
    """SQL condition on a row `l` of rosters_leave: it is approved and takes the person away at the moment."""
    return f"l.staff_id = {staff} AND l.status = 'approved' AND l.starts_at <= {at} AND l.ends_at > {at}"


def on_leave(staff: str, at: str) -> str:
    """SQL condition: the person is on approved leave at the moment; both given as SQL.

    外勤 is among it: whoever is sent elsewhere by approval cannot be at the post. Leave taken back while it runs ends there,
    and one taken back before it began is not approved any more (`Leave`).
    """
    return f"EXISTS (SELECT FROM rosters_leave l WHERE {leave_covers(staff, at)})"


@dataclass(frozen=True, slots=True)
class Contracted:
    """So many persons are contracted at a post in this half-open interval."""

    post_id: UUID
    party_id: UUID
    line: str
    day: date
    starts_at: datetime
    ends_at: datetime
    persons: int
    hourly_rate: Decimal | None

    @property
    def minutes(self) -> int:
        """Person-minutes."""
        return int((self.ends_at - self.starts_at).total_seconds() // 60) * self.persons


@dataclass(frozen=True, slots=True)
class ContractedHour:
    """Person-minutes contracted at a post within one clock hour."""

    post_id: UUID
    party_id: UUID
    line: str
    hour: datetime
    minutes: int
    hourly_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of days on which a post that requires certificates will have nobody who holds them."""

    post_id: UUID
    post_name: str
    party_id: UUID
    party_name: str
    shift_name: str  # "" where the need is the post's as a whole
    first: date
    last: date
    days: int
    kinds: tuple[str, ...]  # certificate kinds that nobody holds
    rostered: tuple[str, ...]  # who is on the roster then
    holder: str  # whose certificate ends before, "" when there never was one
    ends_on: date | None
    on_leave: tuple[str, ...] = ()  # who holds them and would be there, but is on approved leave
    leave_on: date | None = None  # when that leave begins
    parted: bool = False  # the holder leaves work then, before the certificate ends

    @property
    def sentence(self) -> str:
        """6月15日夜班配电值班将无持证人."""
        start = f"{self.first.month}月{self.first.day}日"
        when = start if self.days == 1 else f"{start}起"
        return f"{when}{self.shift_name}{self.post_name}将无持证人"

    @property
    def cause(self) -> str:
        """张三请假; 张三的证书到 2026年6月14日; 张三在岗到 2026年6月14日; 没有人持有全部所需证书."""
        if self.on_leave:
            return f"{'、'.join(self.on_leave)}请假"
        if self.holder and self.ends_on:
            what = "在岗到" if self.parted else "的证书到"
            return f"{self.holder}{what} {self.ends_on.year}年{self.ends_on.month}月{self.ends_on.day}日"
        return "没有人持有全部所需证书"


@dataclass(frozen=True, slots=True)
class Refused:
    """A cell that was not changed or not published, with the sentence why."""

    staff_id: UUID
    day: date
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Warned:
    """A cell that was done, with the sentence why somebody should look at it."""

    staff_id: UUID
    day: date
    code: str
    sentence: str
    leave_id: UUID


@dataclass(frozen=True, slots=True)
class Manning:
    """What a post's contract asks for on a day or in an hour of it, and how much of it nobody is rostered for;
    person-minutes."""

    post_id: UUID
    post_name: str
    party_id: UUID
    line: str
    day: date
    hour: int | None  # of the local day; None: the whole of it
    asked: int
    lacking: int
    hourly_rate: Decimal | None

    @property
    def yuan(self) -> Decimal | None:
        """What the hours that lack would cost; None where no price is known."""
        return None if self.hourly_rate is None else (self.lacking * self.hourly_rate / 60).quantize(Decimal("0.01"))
