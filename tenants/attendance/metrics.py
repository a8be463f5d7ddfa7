"""The numbers attendance can state, for any period × party × line × post. Set-based: one grouped query each.

A result counts by its roster day. In a confirmed month a shift counts as what it came to by now: by its last adjustment
that is not held, where there is one (cancelled: not at all); what was confirmed stays on the sheet. Held results (待定) and pending ones are in nobody's numerator or denominator;
they lower the coverage. Rest days (not yet joined, left) and leave are not expected presence; field work is.

- `attendance_present`: of the shifts expected, those with proved presence (at least one counted punch, or field work).
- `attendance_late`, `attendance_early`: of the judged shifts, those with minutes beyond the grace, whatever else the
  shift came to (late and early, late and then a missing punch); where the minutes made it an absence they count there.
- `attendance_absent` (half and whole): of the judged shifts.
- `attendance_fill`: proved person-minutes of the contracted ones, capped per post and hour (coverage.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from kernel.clock import month_bounds
from kernel.metrics import Direction, Metric, Reading
from kernel.tenancy import Tenant
from tenants.attendance.choices import Mark
from tenants.attendance.coverage import filled
from tenants.attendance.held import standing

_JUDGED = "期内已判定的应到班次（不含待定、请假、休息）"
_COVERAGE = "期内应到班次中已判定、不在待定的比例"


def _metric(code: str, name: str, numerator: str, direction: Direction, denominator: str = _JUDGED) -> Metric:
    return Metric(
        code=code, name=name, unit="%", numerator=numerator, denominator=denominator, coverage=_COVERAGE,
        direction=direction, version=1, minimum_n=50, percent=True,
    )  # fmt: skip


PRESENT = _metric("attendance_present", "到岗率", "其中有有效打卡或外勤的班次", Direction.UP)
LATE = _metric(
    "attendance_late", "迟到率", "其中迟到超出宽限的班次（同时早退、缺卡的也算；已判旷工的算旷工）", Direction.DOWN
)
EARLY = _metric(
    "attendance_early", "早退率", "其中早退超出宽限的班次（同时迟到、缺卡的也算；已判旷工的算旷工）", Direction.DOWN
)
ABSENT = _metric("attendance_absent", "旷工率", "其中旷工、旷工半日的班次", Direction.DOWN)
FILL = Metric(
    code="attendance_fill",
    name="人员满编率",
    unit="%",
    numerator="有打卡佐证的在岗小时（按岗位、按小时不超过合同要求）",
    denominator="合同要求的在岗小时",
    coverage=_COVERAGE,
    direction=Direction.UP,
    version=1,
    minimum_n=50,
    percent=True,
)
METRICS = (PRESENT, LATE, EARLY, ABSENT, FILL)
DIMENSIONS = {"party": "j.party_id", "line": "p.line", "post": "j.post_id", "day": "j.day"}
_COUNTED = (
    Mark.NORMAL, Mark.LATE, Mark.SERIOUS_LATE, Mark.EARLY, Mark.ABSENT_HALF, Mark.ABSENT, Mark.MISSING_IN,
    Mark.MISSING_OUT, Mark.FIELD,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ratio:
    """Numerator, denominator, number of cases and coverage of one metric for one key."""

    code: str
    key: tuple[Any, ...]
    numerator: int
    denominator: int
    n: int
    coverage: Decimal


def _marks(marks: Sequence[Mark]) -> str:
    return ", ".join(f"'{mark.value}'" for mark in marks)


# One row per shift: the result, or what it came to after its month was confirmed.
_COUNTS = f"""
WITH later AS MATERIALIZED ({standing("a.day >= %(first)s AND a.day < %(after)s")}
), x AS (
    SELECT r.party_id, r.post_id, r.day, CASE WHEN a.id IS NULL THEN r.mark ELSE a.mark END AS mark,
           r.suspect_id IS NOT NULL AND a.id IS NULL AS held,
           CASE WHEN a.id IS NULL THEN r.late_minutes ELSE a.late_minutes END AS late,
           CASE WHEN a.id IS NULL THEN r.early_minutes ELSE a.early_minutes END AS early,
           CASE WHEN a.id IS NULL THEN coalesce(r.in_at, r.out_at) ELSE coalesce(a.in_at, a.out_at) END AS seen
    FROM attendance_result r LEFT JOIN later a ON a.instance_id = r.instance_id
    WHERE r.day >= %(first)s AND r.day < %(after)s
    UNION ALL
    SELECT i.party_id, i.post_id, i.day, a.mark, false, a.late_minutes, a.early_minutes, coalesce(a.in_at, a.out_at)
    FROM later a JOIN rosters_shiftinstance i ON i.id = a.instance_id
    WHERE NOT EXISTS (SELECT FROM attendance_result r WHERE r.instance_id = a.instance_id)
), j AS (
    SELECT x.*, mark IN ({_marks(_COUNTED)}) AND NOT held AS judged, mark IN ('absent', 'absent_half') AS absent FROM x
)
SELECT {{keys}} count(*) FILTER (WHERE judged), count(*) FILTER (WHERE mark IN ({_marks((*_COUNTED, Mark.PENDING))})),
       count(*) FILTER (WHERE judged AND (seen IS NOT NULL OR mark IN ('field', 'normal'))),
       count(*) FILTER (WHERE judged AND NOT absent AND late > 0),
       count(*) FILTER (WHERE judged AND NOT absent AND early > 0),
       count(*) FILTER (WHERE judged AND absent)
FROM j LEFT JOIN organisation_post p ON p.id = j.post_id
WHERE (%(parties)s::uuid[] IS NULL OR j.party_id = ANY(%(parties)s::uuid[])) AND (%(line)s = '' OR p.line = %(line)s)
{{group}}
"""


def counts(
    *, first: date, after: date, party_ids: Sequence[UUID] | None = None, line: str = "", by: Sequence[str] = ()
) -> list[Ratio]:
    """Presence, lateness, early leaving and absence of roster days in [first, after); one set per value of `by`. One query."""
    columns = [DIMENSIONS[name] for name in by]
    given: dict[str, Any] = {
        "first": first, "after": after, "line": line,
        "parties": None if party_ids is None else [str(i) for i in party_ids],
    }  # fmt: skip
    sql = _COUNTS.replace("{keys}", "".join(f"{c}, " for c in columns))
    sql = sql.replace("{group}", f"GROUP BY {', '.join(columns)} ORDER BY {', '.join(columns)}" if columns else "")
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        rows = cursor.fetchall()
    found = []
    for row in rows:
        key, (n, expected, present, late, early, absent) = tuple(row[: len(columns)]), row[len(columns) :]
        whole = Decimal(n) / expected if expected else Decimal(0)
        found += [
            Ratio(metric.code, key, number, n, n, whole.quantize(Decimal("0.0001")))
            for metric, number in ((PRESENT, present), (LATE, late), (EARLY, early), (ABSENT, absent))
        ]
    return found


def readings(*, month: date, tz: ZoneInfo) -> dict[str, list[Reading]]:
    """{metric code: readings of that month}, for the whole school ("") and each line. Six queries."""
    first, after = month_bounds(month)
    found: dict[str, list[Reading]] = {m.code: [] for m in METRICS}
    coverage: dict[str, tuple[int, Decimal]] = {}
    for row in [*counts(first=first, after=after), *counts(first=first, after=after, by=["line"])]:
        line = str(row.key[0]) if row.key else ""
        coverage[line] = (row.n, row.coverage)
        found[row.code].append(
            Reading(
                month=first, line=line, numerator=Decimal(row.numerator), denominator=Decimal(row.denominator), n=row.n,
                coverage=row.coverage,
            )
        )  # fmt: skip
    # The zone is all that the rule of presence needs of a school.
    tenant = Tenant(schema="", school_id=UUID(int=0), name="", slug="", tz=tz)
    end = datetime.combine(after, datetime.min.time(), tz).astimezone(UTC)
    last = after - timedelta(days=1)
    whole = filled(tenant=tenant, now=end, first=first, last=last)
    for each in [*whole, *filled(tenant=tenant, now=end, first=first, last=last, by=["line"])]:
        line = str(each.key[0]) if each.key else ""
        n, share = coverage.get(line, (0, Decimal(0)))
        hours = [(Decimal(m) / 60).quantize(Decimal("0.01")) for m in (each.present, each.contracted)]
        found[FILL.code].append(
            Reading(month=first, line=line, numerator=hours[0], denominator=hours[1], n=n, coverage=share)
        )
    return found
