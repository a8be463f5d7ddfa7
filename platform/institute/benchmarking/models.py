"""Facts from all schools: numerators and denominators per month, no personal data, no detail."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from institute.benchmarking.choices import Dimension, Grain, Silence
from kernel.ids import new_id


class MetricDefinition(models.Model):
    """A metric as the features that own the data declare it (kernel.metrics.Metric), one row per version."""

    code = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    unit = models.CharField(max_length=10)
    numerator = models.CharField(max_length=200)
    denominator = models.CharField(max_length=200)
    coverage = models.CharField(max_length=200)
    direction = models.CharField(max_length=8)
    percent = models.BooleanField(default=False)
    minimum_n = models.PositiveIntegerField(default=1)
    minimum_coverage = models.DecimalField(max_digits=5, decimal_places=4)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "code", "-version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="benchmarking_metric_once")]

    def __str__(self) -> str:
        return self.name


class Fact(models.Model):
    """One school, one metric, one period, one service line ("" = the whole school)."""

    id = models.BigAutoField(primary_key=True)
    school_id = models.UUIDField()
    metric_code = models.CharField(max_length=40)
    metric_version = models.PositiveSmallIntegerField(default=1)
    grain = models.CharField(max_length=5, choices=Grain.choices, default=Grain.MONTH)
    period = models.DateField()  # the first day of the month, or the day
    line = models.CharField(max_length=12, blank=True, default="")
    numerator = models.DecimalField(max_digits=14, decimal_places=4)
    denominator = models.DecimalField(max_digits=14, decimal_places=4)
    n = models.PositiveIntegerField()
    coverage = models.DecimalField(max_digits=5, decimal_places=4)
    trial = models.BooleanField(default=False)  # recorded while the school was on trial: shown, never ranked
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-period", "metric_code"]
        indexes = [
            models.Index(fields=["school_id", "period"], name="benchmarking_fact_school"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["metric_code", "grain", "period", "line", "school_id", "metric_version"],
                name="benchmarking_fact_once",
            ),
            models.CheckConstraint(condition=Q(grain__in=Grain.values), name="benchmarking_fact_grain_known"),
            models.CheckConstraint(condition=Q(denominator__gt=0), name="benchmarking_fact_denominator"),
            models.CheckConstraint(
                condition=Q(coverage__gte=0) & Q(coverage__lte=1), name="benchmarking_fact_coverage"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric_code} {self.period}"


class Watermark(models.Model):
    """Up to which month a school's facts of a metric are there, and when they were last looked at."""

    school_id = models.UUIDField()
    metric_code = models.CharField(max_length=40)
    through = models.DateField()
    ran_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["school_id", "metric_code"], name="benchmarking_mark_once")]


class Publication(models.Model):
    """The positions of one month, told to the schools at one moment. Told again only with a reason."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    month = models.DateField(unique=True)
    edition = models.PositiveSmallIntegerField(default=1)
    reason = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField(default=timezone.now)
    published_by_name = models.CharField(max_length=60)

    class Meta:
        ordering = ["-month"]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class Position(models.Model):
    """Where a school stands in one fixed peer group: a quarter and the number of peers, or why nothing is shown."""

    id = models.BigAutoField(primary_key=True)
    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="positions")
    school_id = models.UUIDField()
    metric_code = models.CharField(max_length=40)
    dimension = models.CharField(max_length=8, choices=Dimension.choices)
    group = models.CharField(max_length=24, blank=True)  # the school's own value in that dimension
    quarter = models.PositiveSmallIntegerField(null=True)  # 1 best … 4; None: not shown
    peers = models.PositiveIntegerField(null=True)  # other schools in the group; None: not shown
    silence = models.CharField(max_length=10, choices=Silence.choices, blank=True)

    class Meta:
        ordering = ["metric_code", "id"]
        indexes = [models.Index(fields=["school_id", "publication"], name="benchmarking_position_school")]
        constraints = [
            models.UniqueConstraint(
                fields=["publication", "school_id", "metric_code", "dimension"], name="benchmarking_position_once"
            ),
            models.CheckConstraint(condition=Q(dimension__in=Dimension.values), name="benchmarking_dimension_known"),
            models.CheckConstraint(
                condition=Q(silence="", quarter__gte=1, quarter__lte=4, peers__gte=5)
                | (~Q(silence="") & Q(quarter__isnull=True, peers__isnull=True)),
                name="benchmarking_position_shown_or_silent",
            ),
        ]
