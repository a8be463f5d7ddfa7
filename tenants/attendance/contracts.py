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


@dataclass(frozen=True, slots=True)
class Figures:
    """A person's month in numbers. `open` counts what is not settled yet."""

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
        """应出勤 22 班，正常 20，迟到 1（14 分），缺下班卡 1."""
        told = [f"应出勤 {self.instances} 班"]
        for mark in Mark:
            n = self.of(mark)
            if not n:
                continue
            more = (
                f"（共 {self.late_minutes} 分）" if mark == Mark.LATE and self.late_minutes
                else f"（共 {self.early_minutes} 分）" if mark == Mark.EARLY and self.early_minutes else ""
            )  # fmt: skip
            told.append(f"{mark.label} {n}{more}")
        return "，".join(told)

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
