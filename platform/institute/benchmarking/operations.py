"""Writes of benchmarking: facts flow in, positions are published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from institute.benchmarking import peers, policies, queries
from institute.benchmarking.choices import Dimension, Silence
from institute.benchmarking.models import Fact, MetricDefinition, Position, Publication, Watermark
from institute.journal.operations import record
from kernel.clock import SHANGHAI
from kernel.errors import DomainError, NotAllowed
from kernel.metrics import Direction, Metric, Reading

LOOK_BACK = 12  # months before the last known one that are looked at again: findings are closed late
FIRST_LOOK = 24  # months looked at the first time
PUBLISH_DAY = 10  # of the following month
PATIENCE = 3


class MonthNotOver(DomainError):
    code = "month_not_over"
    message = _("该月还没有结束，不能发布对标结果。请在下月初再发布。")


class AlreadyPublished(DomainError):
    code = "already_published"
    message = _("该月的对标结果已经发布。如需更正，请写明原因后重新发布。")


# --- Facts flow in --------------------------------------------------------------------------------------


@transaction.atomic
def declare_metrics(*, metrics: Iterable[Metric]) -> None:
    """Write down how the features declare their metrics, so that the institute can explain every number."""
    for position, metric in enumerate(metrics):
        MetricDefinition.objects.update_or_create(
            code=metric.code,
            version=metric.version,
            defaults={
                "name": str(metric.name), "unit": metric.unit, "numerator": str(metric.numerator),
                "denominator": str(metric.denominator), "coverage": str(metric.coverage),
                "direction": metric.direction.value, "percent": metric.percent, "minimum_n": metric.minimum_n,
                "minimum_coverage": metric.minimum_coverage, "position": position,
            },
        )  # fmt: skip


def months_due(*, school_id: UUID, codes: Iterable[str], now: datetime, since: date | None = None) -> list[date]:
    """The months to read again, oldest first, up to the present one.

    From LOOK_BACK months before the watermark of the metric that is furthest behind (FIRST_LOOK months
    ago where one has none), and from `since`, whichever is earlier: a worker that was down for weeks
    catches up by itself.
    """
    wanted = set(codes)
    this = now.astimezone(SHANGHAI).date().replace(day=1)
    marks = dict(
        Watermark.objects.filter(school_id=school_id, metric_code__in=wanted).values_list("metric_code", "through")
    )
    start = back(min(marks.values()), LOOK_BACK) if wanted <= marks.keys() else back(this, FIRST_LOOK)
    if since is not None:
        start = min(start, since.replace(day=1))
    months = []
    while start <= this:
        months.append(start)
        start = back(start, -1)
    return months


def at_work_before(*, school_id: UUID, month: date) -> bool:
    """Whether the school has facts of an earlier month."""
    return Fact.objects.filter(school_id=school_id, period__lt=month).exists()


def back(month: date, count: int) -> date:
    """The first day of the month `count` months before (after, when negative)."""
    number = month.year * 12 + month.month - 1 - count
    return date(number // 12, number % 12 + 1, 1)


@transaction.atomic
def record_month(
    *,
    school_id: UUID,
    trial: bool,
    month: date,
    metrics: Mapping[str, Metric],
    readings: Mapping[str, Iterable[Reading]],
    now: datetime,
) -> int:
    """Make the school's facts of one month agree with its readings; returns how many rows changed.

    One transaction with the watermark: killed in between, the month is read again. Two workers on the
    same school queue up (advisory lock). A reading without cases (n = 0) is no fact: silence is neither
    praise nor blame. What is no longer read is deleted. A fact that was recorded on trial stays so.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7302))", [str(school_id)])
    known = {
        (f.metric_code, f.metric_version, f.line): f
        for f in Fact.objects.filter(school_id=school_id, grain="month", period=month, metric_code__in=metrics)
    }
    fresh, changed = [], []
    for code, rows in readings.items():
        metric = metrics[code]
        for row in rows:
            if row.n == 0 or not row.denominator:
                continue
            values: dict[str, object] = {
                "numerator": row.numerator.quantize(Decimal("0.0001")),
                "denominator": row.denominator.quantize(Decimal("0.0001")),
                "n": row.n,
                "coverage": row.coverage.quantize(Decimal("0.0001")),
            }
            fact = known.pop((code, metric.version, row.line), None)
            if fact is None:
                fresh.append(
                    Fact(
                        school_id=school_id, metric_code=code, metric_version=metric.version, period=month,
                        line=row.line, trial=trial, recorded_at=now, **values,
                    )
                )  # fmt: skip
            elif any(getattr(fact, name) != value for name, value in values.items()):
                for name, value in values.items():
                    setattr(fact, name, value)
                fact.recorded_at = now
                changed.append(fact)
    Fact.objects.bulk_create(fresh)
    Fact.objects.bulk_update(changed, ["numerator", "denominator", "n", "coverage", "recorded_at"])
    stale = [f.pk for (code, version, _line), f in known.items() if version == metrics[code].version]
    if stale:
        Fact.objects.filter(pk__in=stale).delete()
    Watermark.objects.bulk_create(
        [Watermark(school_id=school_id, metric_code=code, through=month, ran_at=now) for code in metrics],
        update_conflicts=True, unique_fields=["school_id", "metric_code"], update_fields=["through", "ran_at"],
    )  # fmt: skip
    return len(fresh) + len(changed) + len(stale)


# --- Positions are published -----------------------------------------------------------------------------


@transaction.atomic
def publish(*, month: date, by: Actor, now: datetime, reason: str = "") -> Publication:
    """Work out every school's quarter in its fixed groups for a month and tell it. Locks the publication.

    Once; again only by a person with a `reason` (a school corrected its data), which counts the edition
    up. Raises NotAllowed, MonthNotOver, AlreadyPublished.
    """
    if not policies.can_publish(by):
        raise NotAllowed
    month = month.replace(day=1)
    if now.astimezone(SHANGHAI).date() < back(month, -1):
        raise MonthNotOver(field="month")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7303)")
    row = Publication.objects.filter(month=month).first()
    if row is not None:
        if not reason.strip() or by.is_system:
            raise AlreadyPublished(field="reason")
        row.positions.all().delete()
        row.edition += 1
        row.reason, row.published_at, row.published_by_name = reason.strip()[:200], now, by.name
        row.save()
    else:
        row = Publication.objects.create(month=month, published_at=now, published_by_name=by.name)
    Position.objects.bulk_create(_positions(row, month), batch_size=1000)
    record(
        verb="benchmark.published", sentence=f"发布 {month:%Y年%m月} 跨校对标（第 {row.edition} 版）", subject=row,
        by=by, month=month.isoformat(), edition=row.edition, reason=row.reason,
    )  # fmt: skip
    return row


def _positions(row: Publication, month: date) -> list[Position]:
    traits = queries.traits_of_open_schools()
    made: list[Position] = []
    for metric in queries.metrics():
        lines = {line.school_id: line for line in queries.lines(metric, month=month)}
        values = {school: line.value for school, line in lines.items() if line.ranked and school in traits}
        groups = peers.groups_of({school: traits[school] for school in values})
        may = peers.told(groups)
        quarter = {
            name: peers.quarters(
                {school: values[school] for school in members}, higher_is_better=metric.direction == Direction.UP
            )
            for name, members in groups.items()
            if may[name] is None
        }
        for school, trait in traits.items():
            for dimension in Dimension:
                name = (dimension.value, trait.group(dimension))
                silence: str = ""
                if metric.direction == Direction.NEUTRAL:
                    silence = Silence.NEUTRAL
                elif school not in values:
                    silence = lines[school].silence if school in lines else Silence.NO_FACT
                elif (why := may[name]) is not None:
                    silence = why
                made.append(
                    Position(
                        publication=row, school_id=school, metric_code=metric.code, dimension=dimension,
                        group=name[1], silence=silence,
                        quarter=None if silence else quarter[name][school],
                        peers=None if silence else len(groups[name]) - 1,
                    )
                )  # fmt: skip
    return made


def month_to_publish(*, now: datetime, waiting: int) -> date | None:
    """The last month, from its day of publication on, while it is not published yet; for the sweep.

    While facts of `waiting` schools are still being read it is put off, by PATIENCE days at most.
    """
    today = now.astimezone(SHANGHAI).date()
    month = back(today.replace(day=1), 1)
    day = PUBLISH_DAY + (PATIENCE if waiting else 0)
    if today.day < day or Publication.objects.filter(month=month).exists():
        return None
    return month


def schools_to_look_at(*, school_ids: Iterable[UUID], now: datetime, every: timedelta) -> list[UUID]:
    """Those whose facts were not read up to the present month for so long, or never; for the sweep.

    A school that is still catching up counts as unread, however lately its last month was recorded.
    """
    this = now.astimezone(SHANGHAI).date().replace(day=1)
    read = Watermark.objects.filter(ran_at__gt=now - every, through__gte=this)
    fresh = set(read.values_list("school_id", flat=True).distinct())
    return [school for school in school_ids if school not in fresh]
