"""All reads of results, corrections, confirmed months and suspects. Functions that take `by` show what that person may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from identity.contracts import Actor
from kernel.clock import month_bounds
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.attendance import day as rule
from tenants.attendance import held as held_rows
from tenants.attendance import policies, positions
from tenants.attendance.choices import PENALTIES, CorrectionStatus, Mark, SuspectKind, SuspectStatus
from tenants.attendance.contracts import HELD, Figures, Line
from tenants.attendance.models import Adjustment, Confirmation, Correction, DayResult, Suspect
from tenants.organisation import queries as organisation
from tenants.organisation.models import Staff
from tenants.rosters.models import Assignment, ShiftInstance

ROW = ("instance__rule", "instance__assignment__shift", "staff", "post")


def _mine(by: Actor, *, person: str = "staff_id", party: str = "party_id") -> Q | None:
    """The filter for what `by` may see; None: everything. Raises NotAllowed for people without a role here."""
    if by.is_system:
        return None
    if not by.may(policies.READ) or not (by.roles or by.grant_id):
        raise NotAllowed
    parties = policies.party_ids(by)
    if parties is None:
        return None
    if by.grant_id is not None:
        raise NotAllowed
    mine = Q(**{f"{party}__in": parties}) if parties else Q(pk__in=[])
    if by.staff_ids:
        mine |= Q(**{f"{person}__in": by.staff_ids})
    return mine


def visible(by: Actor) -> QuerySet[DayResult]:
    """Results `by` may see: all for the office, their company's for managers, their own for workers."""
    cut = _mine(by)
    rows = DayResult.objects.all()
    return rows if cut is None else rows.filter(cut)


def can_see(by: Actor, row: DayResult) -> bool:
    """`visible` for one row."""
    parties = policies.party_ids(by)
    if parties is None or by.is_system:
        return True
    return row.party_id in parties or by.is_own(row.staff_id)


def result(*, instance_id: UUID, by: Actor) -> DayResult:
    """The result of one shift. Raises NotFound, also for one the actor may not see."""
    row = visible(by).select_related(*ROW).filter(instance_id=instance_id).first()
    if row is None:
        raise NotFound
    return row


def results(
    *,
    by: Actor,
    first: date,
    last: date,
    staff_id: UUID | None = None,
    party_id: UUID | None = None,
    post_id: UUID | None = None,
    mark: str = "",
    held: bool | None = None,
    penalties: bool = False,
) -> QuerySet[DayResult]:
    """Results of roster days `first` to `last` (both included), by day and start."""
    rows = visible(by).select_related(*ROW).filter(day__gte=first, day__lte=last)
    if staff_id:
        rows = rows.filter(staff_id=staff_id)
    if party_id:
        rows = rows.filter(party_id=party_id)
    if post_id:
        rows = rows.filter(post_id=post_id)
    if mark:
        rows = rows.filter(mark=mark)
    if penalties:
        rows = rows.filter(mark__in=PENALTIES)
    if held is not None:
        rows = rows.filter(suspect__isnull=not held)
    return rows.order_by("-day", "instance__starts_at", "pk")


def sentence_of(row: DayResult, tz: ZoneInfo) -> str:
    """The one sentence of a result read with ROW."""
    i = row.instance
    return rule.sentence(
        row, day=row.day, starts_at=i.starts_at, ends_at=i.ends_at, grace=i.rule.grace_minutes,
        early_grace=i.rule.early_grace_minutes, grade=i.grade, tz=tz, held=row.suspect_id is not None,
    )  # fmt: skip


def trace_of(row: DayResult) -> dict[str, object]:
    """The rule trace whole: what was expected, what the frozen rule says, what was found, and why."""
    i, r = row.instance, row.instance.rule
    return {
        "expected": {
            "starts_at": i.starts_at, "ends_at": i.ends_at, "in_from": i.in_from, "in_until": i.in_until,
            "out_from": i.out_from, "out_until": i.out_until, "needs_in": i.needs_in, "needs_out": i.needs_out,
            "flex_minutes": i.flex_minutes, "grade": i.grade,
        },
        "rule": {
            "id": str(r.pk), "grace": r.grace_minutes, "early_grace": r.early_grace_minutes, "serious": r.serious_minutes,
            "half_absent": r.half_absent_minutes, "absent": r.absent_minutes, "report_hours": r.report_hours,
        },
        "found": {
            "in_punch": row.in_punch_id, "in_at": row.in_at, "out_punch": row.out_punch_id, "out_at": row.out_at,
            "grade": row.grade, **row.trace,
        },
        "result": {
            "mark": row.mark, "wait": row.wait, "due_at": row.due_at, "late_minutes": row.late_minutes,
            "early_minutes": row.early_minutes, "worked_minutes": row.worked_minutes, "leave_minutes": row.leave_minutes,
            "held": row.suspect_id is not None, "derived_at": row.derived_at,
        },
    }  # fmt: skip


def adjustments_of(instance_ids: Iterable[UUID]) -> dict[UUID, Adjustment]:
    """The last adjustment of each shift that has one, with `held`: one query, and one more where penalties are among
    them."""
    rows = _last(Adjustment.objects.filter(instance_id__in=list(instance_ids)))
    return {row.instance_id: row for row in rows}


def _last(rows: QuerySet[Adjustment]) -> list[Adjustment]:
    found = list(rows.order_by("instance_id", "-pk").distinct("instance_id"))
    waiting = held_rows.waiting([row.pk for row in found if row.mark in PENALTIES])
    for row in found:
        row.held = row.pk in waiting
    return found


def adjustments_in_month(
    *, staff_ids: Iterable[UUID], month: date, party_ids: Iterable[UUID] | None = None
) -> list[Adjustment]:
    """The last adjustment of each of these people's shifts in a month, with `held` and what `later_sentence` needs, also
    of shifts cancelled since. Two queries."""
    first, after = month_bounds(month)
    rows = Adjustment.objects.filter(staff_id__in=list(staff_ids), day__gte=first, day__lt=after)
    if party_ids is not None:
        rows = rows.filter(instance__party_id__in=list(party_ids))
    found = _last(rows.select_related("instance__rule", "instance__post"))
    return sorted(found, key=lambda row: (row.day, row.instance.starts_at))


def lines(rows: Iterable[DayResult], *, tz: ZoneInfo) -> list[Line]:
    """Results read with ROW as a page shows them; one query for the adjustments."""
    rows = list(rows)
    later = adjustments_of(r.instance_id for r in rows)
    return [_line(r, later.get(r.instance_id), tz) for r in rows]


def _line(r: DayResult, later: Adjustment | None, tz: ZoneInfo) -> Line:
    i = r.instance
    adjusted = "" if later is None else later_sentence(later, i, tz)
    shift = i.assignment.shift
    return Line(
        instance_id=r.instance_id, staff_id=r.staff_id, staff_name=r.staff.name, post_id=r.post_id, post_name=r.post.name,
        party_id=r.party_id, day=r.day, starts_at=i.starts_at, ends_at=i.ends_at, mark=r.mark, wait=r.wait,
        held=r.suspect_id is not None, late_minutes=r.late_minutes, early_minutes=r.early_minutes,
        worked_minutes=r.worked_minutes, in_at=r.in_at, out_at=r.out_at, grade=r.grade, sentence=sentence_of(r, tz),
        adjusted=adjusted, shift=shift.name if shift else "",
    )  # fmt: skip


def later_sentence(later: Adjustment, i: ShiftInstance, tz: ZoneInfo) -> str:
    """What a shift of a confirmed month came to afterwards; the instance is read with its rule."""
    if later.mark == "":
        return "确认后班次已取消"
    told = _Told(later.mark, "", later.late_minutes, later.early_minutes, later.in_at, later.out_at, later.trace)
    return "确认后更正" + ("" if later.held else "为") + "：" + rule.sentence(
        told, day=i.day, starts_at=i.starts_at, ends_at=i.ends_at, grace=i.rule.grace_minutes,
        early_grace=i.rule.early_grace_minutes, grade=i.grade, tz=tz, held=later.held,
    )  # fmt: skip


@dataclass(slots=True)
class _Told:
    mark: str
    wait: str
    late_minutes: int
    early_minutes: int
    in_at: datetime | None
    out_at: datetime | None
    trace: dict[str, object]


# --- Months --------------------------------------------------------------------------------------

# Minutes count where they are settled and did not make the shift an absence; `_CLOSE` in months.py says the same.
COUNTS_MINUTES = "r.suspect_id IS NULL AND r.mark NOT IN ('pending', 'absent', 'absent_half')"
_FIGURES = f"""
SELECT r.staff_id, CASE WHEN r.suspect_id IS NULL THEN r.mark ELSE '{HELD}' END, count(*),
       coalesce(sum(r.late_minutes) FILTER (WHERE {COUNTS_MINUTES}), 0),
       coalesce(sum(r.early_minutes) FILTER (WHERE {COUNTS_MINUTES}), 0), sum(r.worked_minutes),
       count(*) FILTER (WHERE r.mark = 'pending' OR r.suspect_id IS NOT NULL)
FROM attendance_result r
WHERE r.day >= %(first)s AND r.day < %(after)s AND r.staff_id = ANY(%(staff)s::uuid[])
  AND (%(parties)s::uuid[] IS NULL OR r.party_id = ANY(%(parties)s::uuid[]))
GROUP BY 1, 2
"""


def parties_shown(*, by: Actor, party_id: UUID | None = None) -> list[UUID] | None:
    """Whose shifts a sheet shows: the asked party's, of those `by` may see; None: everybody's.

    A shift belongs to the party for which it was rostered: who changes the company takes no results along.
    """
    parties = None if by.is_system else policies.party_ids(by)
    if party_id is None:
        return parties
    return [party_id] if parties is None or party_id in parties else []


def _texts(ids: Iterable[UUID] | None) -> list[str] | None:
    return None if ids is None else [str(i) for i in ids]


def month_figures(
    *, staff_ids: Iterable[UUID], month: date, party_ids: Iterable[UUID] | None = None
) -> dict[UUID, Figures]:
    """The months of these people in numbers, of these parties' shifts (None: all); who has no result is left out.

    Two queries however many people.
    """
    ids, parties = [str(i) for i in staff_ids], _texts(party_ids)
    first, after = month_bounds(month)
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"first": first, "after": after, "staff": ids, "parties": parties})
        rows = cursor.fetchall()
    waiting = Correction.objects.filter(
        staff_id__in=ids, status=CorrectionStatus.PENDING, instance__day__gte=first, instance__day__lt=after
    )
    if parties is not None:
        waiting = waiting.filter(instance__party_id__in=parties)
    asked = dict(waiting.values_list("staff_id").annotate(n=Count("pk")).order_by())
    marks: dict[UUID, dict[str, int]] = {}
    sums: dict[UUID, list[int]] = {}
    for staff_id, mark, n, late, early, worked, unsettled in rows:
        marks.setdefault(staff_id, {})[mark] = n
        mine = sums.setdefault(staff_id, [0, 0, 0, 0, 0])
        for k, value in enumerate((0 if mark == Mark.REST else n, late, early, worked, unsettled)):
            mine[k] += value
    return {s: Figures(v[0], marks[s], v[1], v[2], v[3], open=v[4] + asked.get(s, 0)) for s, v in sums.items()}


def month_of(*, staff_id: UUID, month: date, by: Actor) -> Figures | None:
    """A person's month in numbers, of the shifts `by` may see: one's own whole, a company's those worked for it."""
    if not visible(by).filter(staff_id=staff_id).exists():
        return None
    parties = None if by.is_own(staff_id) else parties_shown(by=by)
    return month_figures(staff_ids=[staff_id], month=month, party_ids=parties).get(staff_id)


def confirmations(*, staff_ids: Iterable[UUID], month: date) -> dict[UUID, Confirmation]:
    """Which of these people's months are confirmed: one query."""
    rows = Confirmation.objects.filter(staff_id__in=list(staff_ids), month=month.replace(day=1))
    return {row.staff_id: row for row in rows}


def people(
    *, by: Actor, month: date, party_id: UUID | None = None, post_id: UUID | None = None, search: str = ""
) -> QuerySet[Staff]:
    """Who was rostered in the month for a party `by` may see, by party and name. Raises NotAllowed for workers."""
    if not policies.reads_sheets(by):
        raise NotAllowed
    first, after = month_bounds(month)
    cells = Assignment.objects.filter(
        staff_id=OuterRef("pk"), day__gte=first, day__lt=after, cancelled_at__isnull=True, published_at__isnull=False
    )
    parties = parties_shown(by=by, party_id=party_id)
    if parties is not None:
        cells = cells.filter(party_id__in=parties)
    if post_id:
        cells = cells.filter(post_id=post_id)
    rows = Staff.objects.select_related("party", "post").filter(Exists(cells))
    if search.strip():
        rows = rows.filter(organisation.name_filter(search))
    return rows.order_by("party__name", "pinyin", "number")


@dataclass(frozen=True, slots=True)
class Cell:
    """One shift (or day of rest) in the month sheet."""

    staff_id: UUID
    party_id: UUID
    day: date
    instance_id: UUID | None
    mark: str  # "rest" for a rostered day of rest, "" for a shift not begun
    held: bool
    late: int
    early: int
    code: str


_CELLS = """
SELECT a.staff_id, a.party_id, a.day, i.id, coalesce(r.mark, CASE WHEN a.shift_id IS NULL THEN 'rest' ELSE '' END),
       r.suspect_id IS NOT NULL, coalesce(r.late_minutes, 0), coalesce(r.early_minutes, 0), coalesce(s.code, '休')
FROM rosters_assignment a
LEFT JOIN rosters_shift s ON s.id = a.shift_id
LEFT JOIN rosters_shiftinstance i ON i.assignment_id = a.id AND i.cancelled_at IS NULL
LEFT JOIN attendance_result r ON r.instance_id = i.id
WHERE a.staff_id = ANY(%(staff)s::uuid[]) AND a.day >= %(first)s AND a.day < %(after)s AND a.cancelled_at IS NULL
  AND a.published_at IS NOT NULL AND (%(parties)s::uuid[] IS NULL OR a.party_id = ANY(%(parties)s::uuid[]))
ORDER BY a.staff_id, a.day, i.starts_at NULLS FIRST
"""


def cells(*, staff_ids: Iterable[UUID], month: date, party_ids: Iterable[UUID] | None = None) -> list[Cell]:
    """The month sheet of these people, of these parties' shifts (None: all): one query."""
    first, after = month_bounds(month)
    given: dict[str, Any] = {
        "staff": [str(i) for i in staff_ids], "first": first, "after": after, "parties": _texts(party_ids),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, given)
        return [Cell(*row) for row in cursor.fetchall()]


def own_month(*, by: Actor, month: date) -> list[DayResult]:
    """A worker's own month as the person they act as (`Actor.as_staff`), newest first. Raises NotAllowed for who is nobody's staff."""
    if by.staff_id is None:
        raise NotAllowed
    first, after = month_bounds(month)
    last = date.fromordinal(after.toordinal() - 1)
    return list(results(by=by, first=first, last=last, staff_id=by.staff_id))


# --- Corrections ---------------------------------------------------------------------------------


def corrections(*, by: Actor, status: str = "", staff_id: UUID | None = None) -> QuerySet[Correction]:
    """Requests `by` may see, the longest waiting first among the open ones."""
    cut = _mine(by, party="instance__party_id")
    rows = Correction.objects.select_related("instance__post__party", "instance__rule", "staff")
    if cut is not None:
        rows = rows.filter(cut)
    if status:
        rows = rows.filter(status=status)
    if staff_id:
        rows = rows.filter(staff_id=staff_id)
    return rows.order_by("asked_at" if status == CorrectionStatus.PENDING else "-asked_at")


def correction(correction_id: UUID, *, by: Actor) -> Correction:
    """One request. Raises NotFound."""
    row = corrections(by=by).filter(pk=correction_id).first()
    if row is None:
        raise NotFound
    return row


def corrections_of(instance_ids: Iterable[UUID]) -> dict[UUID, list[Correction]]:
    """Requests by shift, newest first: one query."""
    found: dict[UUID, list[Correction]] = {}
    for row in Correction.objects.filter(instance_id__in=list(instance_ids)).order_by("-asked_at"):
        found.setdefault(row.instance_id, []).append(row)
    return found


def corrections_left(*, staff_id: UUID, month: date, limit: int) -> int:
    """How many the person may still ask for in that month."""
    first, after = month_bounds(month)
    used = Correction.objects.filter(
        staff_id=staff_id, status__in=(CorrectionStatus.PENDING, CorrectionStatus.APPROVED),
        instance__day__gte=first, instance__day__lt=after,
    ).count()  # fmt: skip
    return max(0, limit - used)


# --- Suspects ------------------------------------------------------------------------------------


def suspects(*, by: Actor, status: str = "") -> QuerySet[Suspect]:
    """What the sentinel found, for the office and the institute under a grant, with `held`: results that wait."""
    if not policies.reads_all(by):
        raise NotAllowed
    rows = Suspect.objects.select_related("post__party", "fence", "device").annotate(held=Count("results"))
    rows = rows.order_by("-found_at", "pk")
    return rows.filter(status=status) if status else rows


def suspect(suspect_id: UUID, *, by: Actor) -> Suspect:
    """One case. Raises NotFound, NotAllowed."""
    row = suspects(by=by).filter(pk=suspect_id).first()
    if row is None:
        raise NotFound
    return row


def held_adjustments(rows: Iterable[Suspect]) -> Counter[UUID]:
    """How many adjustments of confirmed months wait for each of these cases. One query."""
    open_ = [row.pk for row in rows if row.status == SuspectStatus.OPEN]
    return Counter(case for case, _instance, _day in held_rows.of_cases(open_))


def suspect_positions(rows: Iterable[Suspect], *, by: Actor) -> list[tuple[UUID, positions.Position]]:
    """(case, where a refused punch was), for cases `by` was shown; none without the right to read punches. One query."""
    if not policies.reads_positions(by):
        return []
    return positions.of_suspects([row.pk for row in rows if row.kind == SuspectKind.FENCE])


# --- Numbers for pages ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """What needs somebody: requests to decide, suspects to decide, results held."""

    corrections: int
    suspects: int
    held: int


def waiting(*, by: Actor) -> Waiting:
    """For badges and the head of the pages. Three counts."""
    reads = policies.reads_all(by)
    return Waiting(
        corrections=corrections(by=by, status=CorrectionStatus.PENDING).count(),
        suspects=Suspect.objects.filter(status=SuspectStatus.OPEN).count() if reads else 0,
        held=visible(by).filter(suspect__isnull=False).count(),
    )


def shows_evidence(actor: Actor, evidence_id: UUID) -> bool:
    """Witness for tenants.evidence: it supports a correction the actor may see."""
    try:
        return corrections(by=actor).filter(evidence_id=evidence_id).exists()
    except NotAllowed:
        return False


def is_penalty(mark: str) -> bool:
    return mark in {m.value for m in PENALTIES}


def rows_by_instance(ids: Iterable[UUID], *, by: Actor) -> dict[UUID, DayResult]:
    """Results by shift, for loaders: one query."""
    return {r.instance_id: r for r in visible(by).select_related(*ROW).filter(instance_id__in=list(ids))}


def last_month(tenant: Tenant, now: datetime) -> date:
    """The first day of the month before this one."""
    first = now.astimezone(tenant.tz).date().replace(day=1)
    return date.fromordinal(first.toordinal() - 1).replace(day=1)


MARKS = [m for m in Mark if m != Mark.PENDING]
