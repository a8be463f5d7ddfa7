"""What a school's calendar says beyond the week and the State: special days, terms and vacations, seasons.

Read by SQL by higher features: `calendar_period`. Derived days are stored nowhere (queries.days makes them).
"""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from tenants.calendar.choices import DayKind, PeriodKind


class SpecialDay(models.Model):
    """One day that this school says is another than the week and the State make it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    day = models.DateField(_("日期"), unique=True)
    kind = models.CharField(_("类型"), max_length=16, choices=DayKind.choices)
    name = models.CharField(_("名称"), max_length=40, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("特殊日")
        ordering = ["day"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=DayKind.values), name="calendar_special_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.get_kind_display()}"


class Period(models.Model):
    """A term (学期) or a vacation (假期), both days included. Two of a kind never overlap."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("类型"), max_length=8, choices=PeriodKind.choices)
    name = models.CharField(_("名称"), max_length=40, unique=True)
    starts_on = models.DateField(_("开始日期"))
    ends_on = models.DateField(_("结束日期"))

    class Meta:
        verbose_name = _("学期与假期")
        ordering = ["starts_on", "kind"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=PeriodKind.values), name="calendar_period_kind_known"),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="calendar_period_forward"),
            *(
                ExclusionConstraint(
                    name=f"calendar_{kind}_once",
                    expressions=[
                        (
                            Func(
                                F("starts_on"),
                                F("ends_on"),
                                RangeBoundary(inclusive_lower=True, inclusive_upper=True),
                                function="daterange",
                                output_field=DateRangeField(),
                            ),
                            RangeOperators.OVERLAPS,
                        )
                    ],
                    condition=Q(kind=Value(kind)),
                )
                for kind in ("term", "vacation")
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SeasonRule(models.Model):
    """When a season begins and ends at this school, where it differs from `seasons.DEFAULTS`, or one of its own.

    `starts` and `ends` are "MM-DD" or a SolarTerm code; `ends` is the first day that is no longer in it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(max_length=24, unique=True)
    name = models.CharField(_("名称"), max_length=20)
    starts = models.CharField(_("开始"), max_length=12)
    ends = models.CharField(_("结束"), max_length=12)
    active = models.BooleanField(_("启用"), default=True)

    class Meta:
        verbose_name = _("季节")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class CalendarYear(models.Model):
    """A year whose notice the library does not hold: when the admin was told, and when they said it is complete."""

    year = models.PositiveSmallIntegerField(primary_key=True)
    warned_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    settled_by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        verbose_name = _("年度安排")

    def __str__(self) -> str:
        return str(self.year)
