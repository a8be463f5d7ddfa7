"""The numbers attendance can state, for any period × party × line × post. Set-based: one grouped query each.

A result counts by its roster day. Held results (待定) and pending ones are in nobody's numerator or denominator;
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

from django.db.models import Count, Q, QuerySet

from kernel.clock import month_bounds
from kernel.metrics import Direction, Metric, Reading
from kernel.tenancy import Tenant
from tenants.attendance.choices import Mark
from tenants.attendance.coverage import filled
from tenants.attendance.models import DayResult

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
DIMENSIONS = {"party": "party_id", "line": "post__line", "post": "post_id", "day": "day"}
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


def _scope(first: date, after: date, party_ids: Sequence[UUID] | None, line: str) -> QuerySet[DayResult]:
    rows = DayResult.objects.filter(day__gte=first, day__lt=after).order_by()
    if party_ids is not None:
        rows = rows.filter(party_id__in=party_ids)
    return rows.filter(post__line=line) if line else rows


def counts(
    *, first: date, after: date, party_ids: Sequence[UUID] | None = None, line: str = "", by: Sequence[str] = ()
) -> list[Ratio]:
    """Presence, lateness, early leaving and absence of roster days in [first, after); one set per value of `by`. One query."""
    columns = [DIMENSIONS[name] for name in by]
    judged, absent = Q(mark__in=_COUNTED, suspect__isnull=True), Q(mark__in=(Mark.ABSENT, Mark.ABSENT_HALF))
    sums = {
        "judged": Count("pk", filter=judged),
        "expected": Count("pk", filter=Q(mark__in=[*_COUNTED, Mark.PENDING])),
        "present": Count("pk", filter=judged & (Q(in_at__isnull=False) | Q(out_at__isnull=False) | Q(mark=Mark.FIELD) | Q(mark=Mark.NORMAL))),
        "late": Count("pk", filter=judged & ~absent & Q(late_minutes__gt=0)),
        "early": Count("pk", filter=judged & ~absent & Q(early_minutes__gt=0)),
        "absent": Count("pk", filter=judged & absent),
    }  # fmt: skip
    scope = _scope(first, after, party_ids, line)
    rows = list(scope.values(*columns).annotate(**sums)) if columns else [scope.aggregate(**sums)]
    found = []
    for row in rows:
        key, n = tuple(row[c] for c in columns), row["judged"]
        whole = Decimal(n) / row["expected"] if row["expected"] else Decimal(0)
        found += [
            Ratio(metric.code, key, row[name], n, n, whole.quantize(Decimal("0.0001")))
            for metric, name in ((PRESENT, "present"), (LATE, "late"), (EARLY, "early"), (ABSENT, "absent"))
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
