"""抽检排程: which places a week should see, from what is known about them, and in which order to walk.

One statement reads everything about every place of a kind with a coverage target; the rest is arithmetic
without chance or clock: the same data and week give the same list.

Points of a place: not seen for long (40 per target period, 80 at most or never), problems of the last 90 days
by severity (2 per minor, 8 per major, 18 per critical; 40 at most), complaints of 30 days (15 each, 30),
fixes that wait for verification (10 each, 30), fixes past their deadline (10 each, 30), repeats (10 each, 20).
The highest go first while the minutes last; a place inside one already on the list is left out.

Reads `organisation_place` and `findings_finding` (lower features) beside its own tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from kernel.clock import day_bounds
from tenants.inspections import pace
from tenants.inspections.choices import ChecklistKind
from tenants.inspections.models import Checklist, CoverageTarget
from tenants.organisation import queries as organisation
from tenants.organisation.choices import PlaceKind

WALK_MINUTES = 5  # from one place to the next
SHORTEST, LONGEST = 10, 120  # minutes of one visit


@dataclass(frozen=True, slots=True)
class Target:
    every_days: int
    minutes: int


DEFAULT_TARGETS: dict[str, Target] = {
    PlaceKind.BUILDING: Target(every_days=30, minutes=40),
    PlaceKind.AREA: Target(every_days=60, minutes=20),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known about a place at the beginning of the week. `days` since it was seen; None: never."""

    place_id: UUID
    path: str
    kind: str
    name: str
    every_days: int
    minutes: int
    days: int | None
    weight: int
    faults: int
    complaints: int
    unverified: int
    late: int
    repeats: int
    line: str
    glanced: bool = False  # the last walk of it was none: too little of its sheet, or too fast

    @property
    def covered(self) -> bool:
        return self.days is not None and self.days <= self.every_days

    @property
    def score(self) -> int:
        recency = 80 if self.days is None else min(80, 40 * self.days // self.every_days)
        return (
            recency
            + min(40, 2 * self.weight)
            + min(30, 15 * self.complaints)
            + min(30, 10 * self.unverified)
            + min(30, 10 * self.late)
            + min(20, 10 * self.repeats)
        )

    @property
    def why(self) -> str:
        """The reason in one sentence."""
        said = []
        if self.days is None:
            said.append("还没有巡查记录")
        elif self.days > self.every_days:
            said.append(f"已 {self.days} 天未巡查（目标 {self.every_days} 天一次）")
        else:
            said.append(f"上次巡查在 {self.days} 天前")
        if self.glanced:
            said.append("最近一次没有看够，不计入覆盖")
        for count, words in (
            (self.complaints, "近 30 天有 {} 条投诉"),
            (self.unverified, "{} 个整改待复查"),
            (self.late, "{} 个整改已超期"),
            (self.repeats, "{} 个问题复发"),
            (self.faults, "近 90 天发现 {} 个问题"),
        ):
            if count:
                said.append(words.format(count))
        return "，".join(said) + "。"


@dataclass(frozen=True, slots=True)
class Proposed:
    """A place of the proposal, in walking order."""

    candidate: Candidate
    checklist_id: UUID | None


SQL = f"""
WITH target(kind, every_days, minutes) AS (SELECT * FROM unnest(%(kinds)s::text[], %(days)s::int[], %(minutes)s::int[])),
candidate AS (
    SELECT p.id, p.path, p.kind, p.full_name, t.every_days, t.minutes
    FROM organisation_place p JOIN target t ON t.kind = p.kind WHERE p.active
),
walk AS (
    SELECT i.id, i.place_id, i.finished_at, i.line, p.path, {pace.LOOKED} AS looked,
           extract(epoch FROM i.finished_at - i.started_at) / 60 AS took
    FROM inspections_inspection i JOIN organisation_place p ON p.id = i.place_id CROSS JOIN {pace.ANSWERED}
    WHERE i.status = 'done' AND i.finished_at < %(at)s
),
inside AS (  -- how long a walk of the place takes, and of which line walks of it or in it were
    SELECT c.id, percentile_cont(0.5) WITHIN GROUP (ORDER BY w.took) FILTER (WHERE w.place_id = c.id) AS took,
           (array_agg(w.line ORDER BY w.finished_at DESC, w.id))[1] AS line
    FROM walk w CROSS JOIN LATERAL unnest(string_to_array(rtrim(w.path, '/'), '/')) AS up(id)
    JOIN candidate c ON c.id = up.id::uuid GROUP BY c.id
),
own AS (  -- seen is a place by a walk of itself that looked (pace.py): one room is no building
    SELECT c.id, max(w.finished_at) FILTER (WHERE w.looked) AS last_at, max(w.finished_at) AS walked_at
    FROM candidate c JOIN walk w ON w.place_id = c.id GROUP BY c.id
),
trouble AS (
    SELECT c.id,
           sum(CASE f.severity WHEN 'critical' THEN 9 WHEN 'major' THEN 4 ELSE 1 END)
               FILTER (WHERE f.found_at >= %(at)s - interval '90 days') AS weight,
           count(*) FILTER (WHERE f.found_at >= %(at)s - interval '90 days') AS faults,
           count(*) FILTER (WHERE f.source = 'complaint' AND f.found_at >= %(at)s - interval '30 days') AS complaints,
           count(*) FILTER (WHERE f.status = 'verifying') AS unverified,
           count(*) FILTER (WHERE f.status IN ('open', 'fixing') AND f.deadline < %(at)s) AS late,
           count(*) FILTER (WHERE f.repeat_of_id IS NOT NULL AND f.found_at >= %(at)s - interval '90 days') AS repeats,
           mode() WITHIN GROUP (ORDER BY f.line) AS line
    FROM findings_finding f JOIN organisation_place p ON p.id = f.place_id
    CROSS JOIN LATERAL unnest(string_to_array(rtrim(p.path, '/'), '/')) AS up(id)
    JOIN candidate c ON c.id = up.id::uuid
    WHERE f.status <> 'void' AND f.found_at < %(at)s
      AND (f.found_at >= %(at)s - interval '90 days' OR f.status IN ('open', 'fixing', 'verifying'))
    GROUP BY c.id
)
SELECT c.id, c.path, c.kind, c.full_name, c.every_days,
       least(%(longest)s, greatest(%(shortest)s, round(coalesce(i.took, c.minutes))))::int,
       floor(extract(epoch FROM %(at)s - o.last_at) / 86400)::int,
       coalesce(t.weight, 0)::int, coalesce(t.faults, 0)::int, coalesce(t.complaints, 0)::int,
       coalesce(t.unverified, 0)::int, coalesce(t.late, 0)::int, coalesce(t.repeats, 0)::int,
       coalesce(t.line, i.line, ''), coalesce(o.walked_at IS DISTINCT FROM o.last_at, false)
FROM candidate c LEFT JOIN inside i ON i.id = c.id LEFT JOIN own o ON o.id = c.id LEFT JOIN trouble t ON t.id = c.id
ORDER BY c.path
"""  # noqa: S608 - constants of pace.py


def targets() -> dict[str, Target]:
    """The school's own coverage targets, or the defaults while it has none; one query."""
    own = {t.kind: Target(t.every_days, t.minutes) for t in CoverageTarget.objects.all()}
    return own or dict(DEFAULT_TARGETS)


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def candidates(*, at: datetime) -> list[Candidate]:
    """Every place of a kind with a target as it stands at `at`: one statement beside the targets."""
    wanted = targets()
    given: dict[str, Any] = {
        "at": at,
        "kinds": list(wanted),
        "days": [t.every_days for t in wanted.values()],
        "minutes": [t.minutes for t in wanted.values()],
        "shortest": SHORTEST,
        "longest": LONGEST,
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL, given)
        return [Candidate(*row) for row in cursor.fetchall()]


def chosen(known: Iterable[Candidate], *, minutes: int, kept: Sequence[str] = ()) -> list[Candidate]:
    """The places with most points that fit into the minutes; none inside or around another of the list.

    `kept` are the paths of places that are on it already: their time is spent, and they are not chosen again.
    """
    left, picked = minutes, list[Candidate]()
    for one in sorted(known, key=lambda c: (-c.score, c.path)):
        need = one.minutes + (WALK_MINUTES if picked or kept else 0)
        there = [*kept, *(p.path for p in picked)]
        if need > left or any(one.path.startswith(path) or path.startswith(one.path) for path in there):
            continue
        picked.append(one)
        left -= need
    return picked


def walking_order(paths: Mapping[UUID, str]) -> list[UUID]:
    """Places as one comes to them: campus by campus, building by building, in the tree's own order. One query."""
    ids = {UUID(part) for path in paths.values() for part in path.split("/") if part}
    known = organisation.places_by_id(ids)

    def key(place_id: UUID) -> list[Any]:
        parts = [known[UUID(part)] for part in paths[place_id].split("/") if part]
        return [(p.position, p.pinyin, p.code) for p in parts]

    return sorted(paths, key=key)


def propose(*, week: date, minutes: int, tz: ZoneInfo, kept: Sequence[str] = ()) -> list[Proposed]:
    """The list of the week that begins on Monday `week`, beside the places `kept` by path, in walking order.

    Four queries.
    """
    found = chosen(candidates(at=day_bounds(week, tz)[0]), minutes=minutes, kept=kept)
    known = {c.place_id: c for c in found}
    sheets = first_checklists()
    order = walking_order({c.place_id: c.path for c in known.values()})
    return [Proposed(known[i], sheets.get(known[i].line)) for i in order]


def first_checklists() -> dict[str, UUID]:
    """{service line: its first active checklist}, a routine one where there is one."""
    rows = Checklist.objects.filter(active=True).order_by("line", "title").values_list("line", "pk", "kind")
    found: dict[str, UUID] = {}
    for line, pk, _kind in sorted(rows, key=lambda r: r[2] != ChecklistKind.ROUTINE):
        found.setdefault(line, pk)
    return found


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the places of a kind: how many were seen within the target, and how many will be with the week's list."""

    kind: str
    every_days: int
    total: int
    covered: int
    planned: int

    @property
    def label(self) -> str:
        return str(PlaceKind(self.kind).label)

    @property
    def percent(self) -> float | None:
        return 100 * self.covered / self.total if self.total else None

    @property
    def percent_planned(self) -> float | None:
        return 100 * self.planned / self.total if self.total else None


def coverage(known: Sequence[Candidate], *, planned: Iterable[str]) -> list[Coverage]:
    """Coverage of each kind; `planned` are the paths on the list."""
    paths = set(planned)
    kinds = sorted({(c.kind, c.every_days) for c in known}, key=lambda k: list(PlaceKind.values).index(k[0]))
    return [
        Coverage(
            kind,
            every,
            total=sum(c.kind == kind for c in known),
            covered=sum(c.kind == kind and c.covered for c in known),
            planned=sum(c.kind == kind and (c.covered or c.path in paths) for c in known),
        )
        for kind, every in kinds
    ]
