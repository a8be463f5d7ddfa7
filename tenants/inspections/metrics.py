"""The numbers inspections can state: how much of what should be seen was seen.

`inspection_coverage`: of the places that should be inspected (active buildings, and areas that stand
directly under a campus), those with a finished inspection in the period, at the place itself or
anywhere below it, that took as long as looking does (pace.py). One set-based query. Limited to a party or line, the numerator counts that party's
or line's inspections only; the denominator stays, since a place is not yet tied to a party.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from kernel.clock import day_bounds, month_bounds
from kernel.metrics import Direction, Metric, Reading
from tenants.inspections import pace
from tenants.inspections.choices import InspectionStatus
from tenants.organisation import queries as organisation
from tenants.organisation.choices import PlaceKind

COVERAGE = Metric(
    code="inspection_coverage",
    name="巡查覆盖率",
    unit="%",
    numerator="期内完成过巡查的场所（平均每项不到 20 秒的不算，满 10 分钟的都算）",
    denominator="应巡查的场所（启用的楼栋和校区直属区域）",
    coverage="场所均在册，完整率恒为 1",
    direction=Direction.UP,
    version=2,
    minimum_n=1,
    percent=True,
)
METRICS = (COVERAGE,)
DIMENSIONS = {"party": "i.party_id", "line": "i.line"}


@dataclass(frozen=True, slots=True)
class Coverage:
    """`numerator` places inspected of `denominator` that should be; `n` is the number of inspections behind it."""

    key: tuple[Any, ...]
    numerator: int
    denominator: int
    n: int
    code: str = COVERAGE.code


@dataclass(frozen=True, slots=True)
class PlaceCoverage:
    """One place that should be inspected, with how often it was and when last."""

    place_id: UUID
    place_name: str
    inspections: int
    last_at: datetime | None


_DUE = """
    SELECT p.id, p.path, p.full_name, p.pinyin FROM organisation_place p
    LEFT JOIN organisation_place up ON up.id = p.parent_id
    WHERE p.active AND (p.kind = %(building)s OR (p.kind = %(area)s AND up.kind = %(campus)s))
      AND p.path LIKE %(path)s
"""
_WALKS = f"""
    SELECT i.id, i.party_id, i.line, i.finished_at, w.path FROM inspections_inspection i
    JOIN organisation_place w ON w.id = i.place_id CROSS JOIN {pace.ANSWERED}
    WHERE {pace.UNHURRIED} AND i.status = %(done)s AND i.finished_at >= %(starts)s AND i.finished_at < %(ends)s
      AND (%(party)s::uuid IS NULL OR i.party_id = %(party)s::uuid)
      AND (%(line)s = '' OR i.line = %(line)s)
"""  # noqa: S608 - constants of pace.py


def _values(
    starts: datetime, ends: datetime, party_id: UUID | None, line: str, place_id: UUID | None
) -> dict[str, Any]:
    return {
        "building": PlaceKind.BUILDING.value,
        "area": PlaceKind.AREA.value,
        "campus": PlaceKind.CAMPUS.value,
        "path": (organisation.place(place_id).path if place_id else "") + "%",
        "done": InspectionStatus.DONE.value,
        "starts": starts,
        "ends": ends,
        "party": party_id,
        "line": line,
    }


def coverage(
    *,
    starts: datetime,
    ends: datetime,
    party_id: UUID | None = None,
    line: str = "",
    place_id: UUID | None = None,
    by: Sequence[str] = (),
) -> list[Coverage]:
    """Coverage for the half-open period; with `by` ("party", "line") one per value that has inspections.

    One query. Without `by` there is always exactly one.
    """
    columns = [DIMENSIONS[name] for name in by]
    keys = "".join(f"{c}, " for c in columns)
    group = f"GROUP BY {', '.join(columns)}" if columns else ""
    sql = (
        f"WITH due AS ({_DUE}), walks AS ({_WALKS})"  # noqa: S608 - column names come from DIMENSIONS
        f" SELECT {keys} count(DISTINCT due.id), (SELECT count(*) FROM due), count(DISTINCT i.id)"
        f" FROM walks i LEFT JOIN due ON i.path LIKE due.path || '%%' {group}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, _values(starts, ends, party_id, line, place_id))
        return [Coverage(tuple(row[: len(columns)]), *row[len(columns) :]) for row in cursor.fetchall()]


def places(
    *, starts: datetime, ends: datetime, party_id: UUID | None = None, line: str = "", place_id: UUID | None = None
) -> list[PlaceCoverage]:
    """Every place that should be inspected with what it got, the neglected first. One query."""
    sql = (
        f"WITH due AS ({_DUE}), walks AS ({_WALKS})"  # noqa: S608 - no input in the text
        " SELECT due.id, due.full_name, count(walks.id), max(walks.finished_at)"
        " FROM due LEFT JOIN walks ON walks.path LIKE due.path || '%%'"
        " GROUP BY due.id, due.full_name, due.pinyin ORDER BY count(walks.id), max(walks.finished_at), due.pinyin"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, _values(starts, ends, party_id, line, place_id))
        return [PlaceCoverage(*row) for row in cursor.fetchall()]


def readings(*, month: date, tz: ZoneInfo) -> dict[str, list[Reading]]:
    """{metric code: readings of that month}, for the whole school ("") and each line inspected. Two queries."""
    first, after = month_bounds(month)
    starts, ends = day_bounds(first, tz)[0], day_bounds(after, tz)[0]
    rows = [*coverage(starts=starts, ends=ends), *coverage(starts=starts, ends=ends, by=["line"])]
    return {
        COVERAGE.code: [
            Reading(
                month=first,
                line=str(row.key[0]) if row.key else "",
                numerator=Decimal(row.numerator),
                denominator=Decimal(row.denominator),
                n=row.denominator,
                coverage=Decimal(1),
            )
            for row in rows
        ]
    }
