"""Reads of benchmarking: facts of all schools for the institute, its own position for a school."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from identity.contracts import Actor
from institute.benchmarking import policies
from institute.benchmarking.choices import Dimension, Silence
from institute.benchmarking.models import Fact, MetricDefinition, Position, Publication
from institute.benchmarking.peers import Traits, band_of, spread
from institute.schools.choices import SchoolStatus
from institute.schools.models import School
from kernel.errors import NotAllowed, NotFound
from kernel.metrics import Direction

HUNDRED = Decimal(100)
CENT = Decimal("0.01")


def metrics() -> list[MetricDefinition]:
    """The metrics in force: of each code the highest version, in the order they were declared."""
    seen: dict[str, MetricDefinition] = {}
    for row in MetricDefinition.objects.order_by("position", "code", "-version"):
        seen.setdefault(row.code, row)
    return list(seen.values())


def metric(code: str) -> MetricDefinition:
    """The highest version of a metric. Raises NotFound."""
    row = MetricDefinition.objects.filter(code=code).order_by("-version").first()
    if row is None:
        raise NotFound
    return row


def months(code: str) -> list[date]:
    """Months with facts of a metric, newest first."""
    rows = Fact.objects.filter(metric_code=code, grain="month", line="").order_by("-period")
    return list(rows.values_list("period", flat=True).distinct()[:36])


@dataclass(slots=True)
class Line:
    """One school's fact beside the others. `silence` says why it is not ranked; `place` is its rank (1 best)."""

    school_id: UUID
    name: str
    slug: str
    kind: str
    students: int
    region: str
    mode: str
    numerator: Decimal
    denominator: Decimal
    n: int
    coverage: Decimal
    trial: bool
    recorded_at: datetime
    value: Decimal
    silence: str = ""
    place: int | None = None
    quarter: int | None = None

    @property
    def ranked(self) -> bool:
        return not self.silence

    @property
    def badge(self) -> str:
        """Quality of the data in one word: full, partial or weak."""
        return "full" if self.coverage >= Decimal("0.9") else "partial" if self.coverage >= Decimal("0.5") else "weak"

    @property
    def size(self) -> str:
        return band_of(self.students)


# The only cross-school read: facts joined to who the school is, by the unique index (metric, grain, period, line).
_SIDE_BY_SIDE = """
    SELECT f.school_id, s.name, s.slug, s.kind, s.students, s.region, s.mode, f.numerator, f.denominator,
           f.n, f.coverage, f.trial OR s.trial, f.recorded_at,
           round(f.numerator * %s / f.denominator, 2) AS value
    FROM benchmarking_fact f JOIN schools_school s ON s.id = f.school_id
    WHERE f.metric_code = %s AND f.grain = 'month' AND f.period = %s AND f.line = %s AND f.metric_version = %s
      AND s.status = ANY(%s)
    ORDER BY value """
RANKED = ("", Silence.NEUTRAL.value)
SHOWN = [SchoolStatus.READY.value, SchoolStatus.SUSPENDED.value]


def lines(
    definition: MetricDefinition,
    *,
    month: date,
    line: str = "",
    kind: str = "",
    size: str = "",
    region: str = "",
    mode: str = "",
) -> list[Line]:
    """All schools' facts of one metric and month, with their values, best first, unranked ones last. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_SIDE_BY_SIDE} {'ASC' if definition.direction == Direction.DOWN else 'DESC'}, s.name",
            [100 if definition.percent else 1, definition.code, month, line, definition.version, SHOWN],
        )
        rows = [Line(*row) for row in cursor.fetchall()]
    if kind:
        rows = [r for r in rows if r.kind == kind]
    if size:
        rows = [r for r in rows if r.size == size]
    if region:
        rows = [r for r in rows if r.region == region]
    if mode:
        rows = [r for r in rows if r.mode == mode]
    floor, fewest, neutral = (
        definition.minimum_coverage, definition.minimum_n, definition.direction == Direction.NEUTRAL,
    )  # fmt: skip
    shown: list[Line] = []
    apart: list[Line] = []
    place, before = 0, None
    for row in rows:
        if row.trial:
            row.silence = Silence.TRIAL.value
        elif row.coverage < floor:
            row.silence = Silence.COVERAGE.value
        elif row.n < fewest:
            row.silence = Silence.FEW_CASES.value
        elif neutral:
            row.silence = Silence.NEUTRAL.value
        else:
            if row.value != before:
                place, before = len(shown) + 1, row.value
            row.place = place
        (shown if row.silence in RANKED else apart).append(row)
    return shown + apart


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table of schools with how its numbers spread. `as_of` is the newest fact's time."""

    metric: MetricDefinition
    month: date
    rows: list[Line]
    spread: tuple[Decimal, Decimal, Decimal, Decimal, Decimal] | None
    as_of: datetime | None
    mean_coverage: Decimal | None

    @property
    def ranked(self) -> int:
        return sum(1 for r in self.rows if r.ranked)


def side_by_side(
    *,
    by: Actor,
    code: str,
    month: date,
    line: str = "",
    kind: str = "",
    size: str = "",
    region: str = "",
    mode: str = "",
) -> Comparison:
    """Schools side by side, for the institute. Raises NotAllowed, NotFound (metric)."""
    if not policies.can_compare(by):
        raise NotAllowed
    definition = metric(code)
    rows = lines(definition, month=month, line=line, kind=kind, size=size, region=region, mode=mode)
    values = [r.value for r in rows if r.place is not None]
    for row in rows:
        if row.place is not None:
            row.quarter = (row.place - 1) * 4 // len(values) + 1  # as peers.quarters: equals share the better place
    return Comparison(
        metric=definition,
        month=month,
        rows=rows,
        spread=spread(values),
        as_of=max((r.recorded_at for r in rows), default=None),
        mean_coverage=(sum((r.coverage for r in rows), Decimal(0)) / len(rows)).quantize(Decimal("0.0001"))
        if rows
        else None,
    )


def facts_of(
    *, by: Actor, school_id: UUID | None = None, code: str = "", since: date | None = None, line: str | None = ""
) -> list[Fact]:
    """Facts, newest first: the institute's of any school, a school's own. At most 2,000. Raises NotAllowed."""
    if not policies.can_compare(by) and (school_id is None or not policies.can_see_position(by, school_id)):
        raise NotAllowed
    rows = Fact.objects.filter(grain="month").order_by("-period", "metric_code", "line", "school_id")
    if school_id is not None:
        rows = rows.filter(school_id=school_id)
    if code:
        rows = rows.filter(metric_code=code)
    if since:
        rows = rows.filter(period__gte=since)
    if line is not None:
        rows = rows.filter(line=line)
    return list(rows[:2000])


def traits_of_open_schools() -> dict[UUID, Traits]:
    """What puts each open school into its groups."""
    rows = School.objects.filter(status=SchoolStatus.READY).values_list("id", "kind", "students", "region", "mode")
    return {i: Traits(kind, band_of(students), region, mode) for i, kind, students, region, mode in rows}


# --- A school's own position -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """A school's own number of a month, and where it stands in each fixed group (or why that is not shown)."""

    metric: MetricDefinition
    fact: Fact | None
    value: Decimal | None
    positions: tuple[Position, ...]
    history: tuple[tuple[date, Decimal], ...]  # own values, oldest first

    @property
    def shown(self) -> tuple[Position, ...]:
        return tuple(p for p in self.positions if p.quarter)


@dataclass(frozen=True, slots=True)
class OwnStanding:
    month: date | None
    publication: Publication | None
    metrics: tuple[OwnMetric, ...]


def published_months() -> list[date]:
    """Months whose positions were published, newest first."""
    return list(Publication.objects.values_list("month", flat=True)[:36])


def own_standing(*, by: Actor, school_id: UUID, month: date | None = None) -> OwnStanding:
    """A school's own numbers and positions of a published month (the newest if none is named).

    Nothing of other schools is in the answer but the number of peers, and nothing is worked out here:
    positions were stored when they were published. Raises NotAllowed.
    """
    if not policies.can_see_position(by, school_id):
        raise NotAllowed
    publications = Publication.objects.all()
    publication = (publications.filter(month=month.replace(day=1)) if month else publications).first()
    facts = Fact.objects.filter(school_id=school_id, grain="month", line="").order_by("period")
    own: dict[str, list[Fact]] = {}
    for fact in facts:
        own.setdefault(fact.metric_code, []).append(fact)
    places: dict[str, list[Position]] = {}
    if publication:
        order = list(Dimension.values)
        stored = Position.objects.filter(publication=publication, school_id=school_id)
        for position in sorted(stored, key=lambda p: order.index(p.dimension)):
            places.setdefault(position.metric_code, []).append(position)
    answer = []
    for definition in metrics():
        rows = [f for f in own.get(definition.code, []) if f.metric_version == definition.version]
        when = publication.month if publication else (rows[-1].period if rows else None)
        current = next((f for f in rows if f.period == when), None)
        history = tuple((f.period, _value(definition, f)) for f in rows[-12:])
        answer.append(
            OwnMetric(
                definition, current, _value(definition, current) if current else None,
                tuple(places.get(definition.code, ())), history,
            )
        )  # fmt: skip
    return OwnStanding(publication.month if publication else None, publication, tuple(answer))


def _value(definition: MetricDefinition, fact: Fact) -> Decimal:
    factor = HUNDRED if definition.percent else 1
    return (fact.numerator * factor / fact.denominator).quantize(CENT, "ROUND_HALF_UP")
