"""The month sheet: person × day, with marks, legend and totals. The page, the workbook and the PDF show the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from kernel.clock import month_bounds
from tenants.attendance import queries
from tenants.attendance.choices import Mark
from tenants.attendance.contracts import Figures
from tenants.attendance.models import Adjustment
from tenants.calendar import queries as calendar
from tenants.calendar.contracts import Day
from tenants.organisation import queries as organisation
from tenants.organisation.models import Staff

SIGNS = {
    Mark.NORMAL: "√",
    Mark.LATE: "迟",
    Mark.SERIOUS_LATE: "严",
    Mark.EARLY: "退",
    Mark.ABSENT_HALF: "半",
    Mark.ABSENT: "旷",
    Mark.MISSING_IN: "缺上",
    Mark.MISSING_OUT: "缺下",
    Mark.FIELD: "外",
    Mark.LEAVE: "假",
    Mark.REST: "休",
    Mark.PENDING: "…",
}
TONES = {
    Mark.NORMAL: "ok",
    Mark.LATE: "warn",
    Mark.SERIOUS_LATE: "bad",
    Mark.EARLY: "warn",
    Mark.ABSENT_HALF: "bad",
    Mark.ABSENT: "bad",
    Mark.MISSING_IN: "warn",
    Mark.MISSING_OUT: "warn",
    Mark.FIELD: "info",
    Mark.LEAVE: "info",
    Mark.REST: "muted",
    Mark.PENDING: "muted",
}
TOTALS = (
    Mark.NORMAL, Mark.LATE, Mark.SERIOUS_LATE, Mark.EARLY, Mark.ABSENT_HALF, Mark.ABSENT, Mark.MISSING_IN,
    Mark.MISSING_OUT, Mark.LEAVE, Mark.FIELD,
)  # fmt: skip


LATER = "△"  # beside a sign: put right after the month was confirmed


@dataclass(frozen=True, slots=True)
class Box:
    """One shift on one day."""

    sign: str
    label: str
    tone: str
    instance_id: UUID | None
    held: bool = False
    later: str = ""  # what it came to after the month was confirmed

    @property
    def text(self) -> str:
        """As a file shows it."""
        return self.sign + ("*" if self.held else "") + (LATER if self.later else "")


@dataclass(frozen=True, slots=True)
class Change:
    """What a shift of a confirmed month came to afterwards: the confirmed figure stays, this stands beside it."""

    staff: Staff
    day: date
    post: str
    was: str
    now: str
    sentence: str
    at: datetime
    held: bool
    instance_id: UUID


@dataclass(slots=True)
class Row:
    staff: Staff
    party: str  # for whom the shifts shown were worked
    days: list[list[Box]]
    figures: Figures | None
    confirmed: bool = False
    totals: list[int] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


@dataclass(slots=True)
class Sheet:
    month: date
    days: list[Day]
    rows: list[Row]

    @property
    def changes(self) -> list[Change]:
        """What was put right after people had confirmed, by person and day."""
        return [change for row in self.rows for change in row.changes]


def _box(cell: queries.Cell, later: str) -> Box:
    if cell.mark == "":
        return Box(cell.code, f"{cell.code}班，未开始", "future", cell.instance_id)
    mark = Mark(cell.mark)
    own = {Mark.LATE: cell.late, Mark.SERIOUS_LATE: cell.late, Mark.EARLY: cell.early}.get(mark, 0)
    more = f" {own} 分" if own else ""
    if cell.late and mark in (Mark.MISSING_IN, Mark.MISSING_OUT):
        more += f"，迟到 {cell.late} 分"
    if cell.early and mark in (Mark.LATE, Mark.SERIOUS_LATE, Mark.MISSING_IN, Mark.MISSING_OUT):
        more += f"，早退 {cell.early} 分"
    held = "（待定）" if cell.held else ""
    beside = f"；{later}" if later else ""
    return Box(
        SIGNS[mark], f"{mark.label}{more}{held}{beside}", "held" if cell.held else TONES[mark], cell.instance_id,
        cell.held, later,
    )  # fmt: skip


def _change(row: Adjustment, person: Staff, tz: ZoneInfo) -> Change:
    was, now = (str(Mark(mark).label) if mark else "" for mark in (row.was, row.mark))
    return Change(
        person, row.day, row.instance.post.name, was or "没有结果", (now or "班次取消") + ("（待定）" if row.held else ""),
        queries.later_sentence(row, row.instance, tz), row.at, row.held, row.instance_id,
    )  # fmt: skip


def sheet(
    people: Sequence[Staff], *, month: date, tz: ZoneInfo, party_ids: Iterable[UUID] | None = None
) -> Sheet:  # fmt: skip
    """The sheet of these people, with the shifts of these parties (None: all). Seven queries however many.

    Where a month is confirmed it shows what was confirmed; what came to be different since is marked and listed beside.
    """
    first, after = month_bounds(month)
    ids, parties = [p.pk for p in people], None if party_ids is None else list(party_ids)
    boxes: dict[tuple[UUID, date], list[Box]] = defaultdict(list)
    worked_for: dict[UUID, dict[UUID, None]] = defaultdict(dict)
    by_id = {p.pk: p for p in people}
    changes: dict[UUID, list[Change]] = defaultdict(list)
    said: dict[UUID, str] = {}
    for row in queries.adjustments_in_month(staff_ids=ids, month=first, party_ids=parties):
        change = _change(row, by_id[row.staff_id], tz)
        changes[row.staff_id].append(change)
        said[row.instance_id] = change.sentence
    for cell in queries.cells(staff_ids=ids, month=first, party_ids=parties):
        boxes[cell.staff_id, cell.day].append(_box(cell, said.get(cell.instance_id, "") if cell.instance_id else ""))
        worked_for[cell.staff_id][cell.party_id] = None
    days = calendar.days(first, after - timedelta(days=1))
    figures = queries.month_figures(staff_ids=ids, month=first, party_ids=parties)
    confirmed = queries.confirmations(staff_ids=ids, month=first)
    names = {p.party_id: p.party.name for p in people}
    if former := {party for mine in worked_for.values() for party in mine} - names.keys():
        names |= {pk: party.name for pk, party in organisation.parties_by_id(former).items()}
    rows = []
    for person in people:
        mine, parties_of = figures.get(person.pk), worked_for.get(person.pk) or {person.party_id: None}
        rows.append(
            Row(
                person, "、".join(names[party] for party in parties_of), [boxes.get((person.pk, d.day), []) for d in days],
                mine, person.pk in confirmed, [mine.of(m) if mine else 0 for m in TOTALS], changes[person.pk],
            )
        )  # fmt: skip
    return Sheet(first, days, rows)
