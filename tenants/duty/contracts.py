"""What the pages and other features are handed instead of duty rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Expected:
    """Somebody who must answer a call at a post: on duty there, or rostered while too few are."""

    staff_id: UUID
    account_id: UUID | None
    excuse: str  # "" or why they owe no answer: "patrol" (a tour is open), "relief" (came, and stands in), "leave"
    awaited: bool = False  # rostered, not signed on, and should have come less than 15 minutes ago


@dataclass(frozen=True, slots=True)
class OnDuty:
    """One person on duty, since when, and whether away for the moment."""

    stint_id: UUID
    staff_id: UUID
    name: str
    since: datetime
    due_until: datetime | None
    lacking: tuple[str, ...]
    on_code: bool
    rostered: bool
    away: str = ""  # the kind of the declared absence
    away_until: datetime | None = None
    overdue: bool = False  # longer away than declared


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A stretch of time in which a post had fewer people than the contract wants, half-open."""

    post_id: UUID
    starts_at: datetime
    ends_at: datetime
    needed: int
    present: int  # signed on, less those away
    declared: bool  # declared absences explain the gap (staffing.shortfalls)

    @property
    def missing(self) -> int:
        return self.needed - self.present


@dataclass(frozen=True, slots=True)
class CallBrief:
    """The last or the open call of a post."""

    id: UUID
    status: str
    outcome: str
    due_at: datetime
    sent_at: datetime | None
    deadline: datetime | None
    answered_at: datetime | None
    off_post: bool


@dataclass(slots=True)
class PostState:
    """One post of the cockpit."""

    post_id: UUID
    name: str
    line: str
    place: str
    campus_id: UUID | None
    party: str
    on: list[OnDuty] = field(default_factory=list)
    rostered: list[str] = field(default_factory=list)  # names expected now by the roster
    on_leave: list[str] = field(default_factory=list)  # names rostered now and on approved leave
    last_call: CallBrief | None = None
    open_call: CallBrief | None = None
    random_used: int | None = None  # random calls gone out today; None to whoever could count the rest from it
    random_mean: int | None = None  # how many a day on average
    anomalies: int = 0
    handovers: int = 0  # items that no receiver has accepted
    shortfalls: list[Shortfall] = field(default_factory=list)  # of today, newest last

    def short_now(self, now: datetime) -> Shortfall | None:
        """The stretch that runs up to now, if any."""
        last = self.shortfalls[-1] if self.shortfalls else None
        return last if last and last.ends_at >= now else None


@dataclass(frozen=True, slots=True)
class Cockpit:
    """All posts one may see, as of a moment."""

    at: datetime
    posts: list[PostState]

    @property
    def staffed(self) -> int:
        return sum(1 for p in self.posts if p.on)

    @property
    def short(self) -> int:
        return sum(1 for p in self.posts if p.short_now(self.at))

    @property
    def ringing(self) -> int:
        return sum(1 for p in self.posts if p.open_call)

    @property
    def anomalies(self) -> int:
        return sum(p.anomalies for p in self.posts)

    @property
    def handovers(self) -> int:
        return sum(p.handovers for p in self.posts)


class Covered(NamedTuple):
    """Sums of what the contracts want at some posts; `known` since somebody first signed on at the post."""

    wanted: int  # person-minutes
    known: int
    held: int
    minutes: int  # minutes of posts
    minutes_known: int
    minutes_short: int  # with fewer people than wanted, declared absences aside
    proved: int  # of `held`, by people who proved at this stint to be there (code at sign-on, an answer that held)
