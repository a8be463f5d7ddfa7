"""What other features are handed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from tenants.calendar.choices import WORKING, DayKind, PeriodKind, SeasonGroup


@dataclass(frozen=True, slots=True)
class Day:
    """One day as this school keeps it.

    `kind` says whether it is worked; a school vacation does not change it (logistics work through vacations),
    so it stands beside in `vacation`. `own`: the school said so. `provisional`: the year's notice is not known
    yet, so days may still be moved. `week` counts from 1; weeks start on Monday.
    """

    day: date
    kind: DayKind
    name: str = ""
    own: bool = False
    provisional: bool = False
    term: str = ""
    week: int | None = None
    vacation: str = ""

    @property
    def works(self) -> bool:
        return self.kind in WORKING

    @property
    def statutory(self) -> bool:
        """A holiday by law (法定节假日): work on it is paid at the highest rate, other rest days are not."""
        return self.kind == DayKind.STATUTORY

    @property
    def mark(self) -> str:
        """休 or 班 where the day is not what the week would make it."""
        if self.kind in (DayKind.STATUTORY, DayKind.ADJUSTED_REST, DayKind.SCHOOL_REST):
            return "休"
        if self.kind == DayKind.MAKE_UP_WORKDAY or (self.works and self.day.weekday() >= 5):
            return "班"
        return "休" if self.kind == DayKind.WEEKEND and self.day.weekday() < 5 else ""


@dataclass(frozen=True, slots=True)
class Term:
    """A term or vacation; both ends are in it."""

    id: UUID
    kind: PeriodKind
    name: str
    starts_on: date
    ends_on: date

    def week_of(self, day: date) -> int | None:
        """第 n 周: the week (from Monday) that holds the first day is week 1; None outside."""
        if not self.starts_on <= day <= self.ends_on:
            return None
        return (day.toordinal() - day.weekday() - self.starts_on.toordinal() + self.starts_on.weekday()) // 7 + 1


@dataclass(frozen=True, slots=True)
class Season:
    """When a season comes: `starts` and `ends` are "MM-DD" or a 节气 code; `ends` is the first day after it."""

    code: str
    name: str
    group: SeasonGroup
    starts: str
    ends: str
    active: bool = True
    own: bool = False


@dataclass(frozen=True, slots=True)
class SeasonWindow:
    """One occurrence of a season, half-open: for plans that begin n days before it."""

    code: str
    name: str
    group: SeasonGroup
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class Row:
    """One well-formed row of an import: a day, a run of days, a term or a vacation."""

    kind: str  # DayKind or PeriodKind
    name: str
    starts_on: date
    ends_on: date
