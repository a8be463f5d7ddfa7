"""What pages, GraphQL and other features are handed, and which tables they may read by SQL.

Published table: `attendance_result` (one row per begun shift instance: `staff_id, post_id, party_id, day, mark,
late_minutes, early_minutes, worked_minutes, present_from, present_until, grade, suspect_id`). A row with
`suspect_id` is 待定: no penalty is drawn from it yet. `kernel.live` topic: `presence`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tenants.attendance.choices import Mark

HELD = "held"  # beside the marks in a month's numbers: 待定


@dataclass(frozen=True, slots=True)
class Figures:
    """A person's month in numbers, as every screen and file shows it.

    `instances` are the shifts expected: days before joining and after leaving (休息) are not. A penalty that is held counts
    under HELD and nowhere else; minutes are those of settled shifts that did not become an absence by them (as in
    metrics.py). `open` counts what is not settled yet.
    """

    instances: int
    marks: dict[str, int]
    late_minutes: int
    early_minutes: int
    worked_minutes: int
    open: int = 0

    def of(self, mark: str) -> int:
        return self.marks.get(mark, 0)

    @property
    def hours(self) -> Decimal:
        return (Decimal(self.worked_minutes) / 60).quantize(Decimal("0.1"))

    @property
    def sentence(self) -> str:
        """应出勤 22 班，正常 19，迟到 1，严重迟到 1，缺下班卡 1；迟到共 59 分."""
        told = [f"应出勤 {self.instances} 班"]
        told += [f"{mark.label} {self.of(mark)}" for mark in Mark if mark != Mark.REST and self.of(mark)]
        if self.of(HELD):
            told.append(f"待定 {self.of(HELD)}")
        beside = [
            f"{word}共 {minutes} 分" for word, minutes in (("迟到", self.late_minutes), ("早退", self.early_minutes)) if minutes
        ]  # fmt: skip
        if self.of(Mark.REST):
            beside.append(f"入职前或离职后 {self.of(Mark.REST)} 班不计")
        return "，".join(told) + ("；" + "，".join(beside) if beside else "")

    @property
    def undecided(self) -> int:
        """Shifts not judged yet, and penalties that are held."""
        return self.of(Mark.PENDING) + self.of(HELD)

    def as_json(self) -> dict[str, Any]:
        return {
            **self.marks, "late_minutes": self.late_minutes, "early_minutes": self.early_minutes,
            "worked_minutes": self.worked_minutes, "instances": self.instances,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One shift of one person with what it came to, as a page or an export shows it."""

    instance_id: UUID
    staff_id: UUID
    staff_name: str
    post_id: UUID
    post_name: str
    party_id: UUID
    day: date
    starts_at: datetime
    ends_at: datetime
    mark: str
    wait: str
    held: bool
    late_minutes: int
    early_minutes: int
    worked_minutes: int
    in_at: datetime | None
    out_at: datetime | None
    grade: str
    sentence: str
    adjusted: str = ""  # what it would be by now, where the month was confirmed before
    shift: str = ""

    @property
    def mark_label(self) -> str:
        return str(Mark(self.mark).label)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody expected at a post now."""

    staff_id: UUID
    name: str
    state: str  # present, patrol (present and on a tour), awaited, left, early (there before the start), leave, field (外勤)
    since: datetime
    grade: str
    starts_at: datetime
    ends_at: datetime
    tour: str = ""  # what they walk now, where another feature says so
    tour_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Walk:
    """Somebody walks a tour now: they may be away from the post and are at work."""

    name: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Presence:
    """A post now: present, patrol (all who are there walk a tour), handover, short, awaited, left, nobody (asked for, nobody on the roster), field
    (all of them on field work, and no contract asks for more)."""

    post_id: UUID
    post_name: str
    party_id: UUID
    party_name: str
    place_name: str
    line: str
    state: str
    since: datetime
    needed: int
    present: int
    people: tuple[Person, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Filled:
    """Contracted against proved presence, in person-minutes. `key`: values grouped by, in order."""

    key: tuple[Any, ...]
    contracted: int
    present: int
    short_minutes: int
    short_yuan: Decimal | None  # None where no price is known for any of it

    @property
    def rate(self) -> float | None:
        return self.present / self.contracted if self.contracted else None

    @property
    def short_hours(self) -> Decimal:
        return (Decimal(self.short_minutes) / 60).quantize(Decimal("0.1"))
