"""巡更: routes of points, the tours that are due, what was seen at each point, and how credible a tour is."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from standards_library.choices import ServiceLine
from tenants.findings.choices import Category
from tenants.patrols.choices import QuestionKind, ScanMethod, StopStatus, TourStatus


class Route(models.Model):
    """A walk past points, in order or in any order; the party answers for what is found on it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("路线名称"), max_length=60)
    party = models.ForeignKey("organisation.Party", on_delete=models.PROTECT, related_name="+")
    line = models.CharField(_("服务条线"), max_length=12, choices=ServiceLine.choices)
    ordered = models.BooleanField(_("按顺序"), default=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("巡更路线")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(line__in=ServiceLine.values), name="patrols_route_line_known"),
            models.UniqueConstraint(fields=["name"], condition=Q(active=True), name="patrols_route_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class PatrolRule(models.Model):
    """The school's own rule of patrols, one row: how many make-up tours (补巡) in a row the same points may be put off by."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    make_ups = models.PositiveSmallIntegerField(_("连续补巡次数上限"))

    class Meta:
        verbose_name = _("巡更规则")
        constraints = [
            models.CheckConstraint(
                condition=Q(pk=1) & Q(make_ups__gte=0) & Q(make_ups__lte=10), name="patrols_rule_one"
            )
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class Point(models.Model):
    """A point of a route. `walk_seconds` is the least honest walking time from the point before; null is unknown."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="points", db_index=False)
    position = models.PositiveSmallIntegerField()
    place = models.ForeignKey("organisation.Place", on_delete=models.PROTECT, related_name="+")
    instruction = models.CharField(_("看什么"), max_length=200, blank=True)
    photo_required = models.BooleanField(_("须拍照"), default=False)
    walk_seconds = models.PositiveSmallIntegerField(_("最短行走秒数"), null=True)
    nfc_tag = models.CharField(_("NFC 标签号"), max_length=40, blank=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("巡更点")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["route", "position"], condition=Q(removed_at__isnull=True), name="patrols_point_once"
            )
        ]


class Question(models.Model):
    """Something to answer at a point; an answer outside what is normal opens a finding."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    point = models.ForeignKey(Point, on_delete=models.CASCADE, related_name="questions", db_index=False)
    position = models.PositiveSmallIntegerField()
    text = models.CharField(_("问题"), max_length=120)
    kind = models.CharField(max_length=8, choices=QuestionKind.choices, default=QuestionKind.YES_NO)
    unit = models.CharField(_("单位"), max_length=12, blank=True)
    low = models.DecimalField(_("下限"), max_digits=10, decimal_places=2, null=True)
    high = models.DecimalField(_("上限"), max_digits=10, decimal_places=2, null=True)
    category = models.CharField(  # of the finding it opens; empty: by its kind, see `problem`
        _("问题类别"), max_length=10, choices=Category.choices, blank=True, default="", db_default=""
    )
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=QuestionKind.values), name="patrols_question_kind_known"),
            models.CheckConstraint(
                condition=Q(category="") | Q(category__in=Category.values), name="patrols_question_category_known"
            ),
            models.CheckConstraint(
                condition=Q(low__isnull=True) | Q(high__isnull=True) | Q(low__lte=F("high")),
                name="patrols_question_limits",
            ),
            models.UniqueConstraint(
                fields=["point", "position"], condition=Q(removed_at__isnull=True), name="patrols_question_once"
            ),
        ]

    @property
    def problem(self) -> str:
        """Of what kind a bad answer is: a reading out of bounds is a fault of the plant, a no something unsafe."""
        return self.category or (Category.FACILITY if self.kind == QuestionKind.NUMBER else Category.SAFETY)


class Window(models.Model):
    """When a route is due: one tour per window and day, minutes from the start of the day (may pass 1,440)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="windows")
    weekdays = models.PositiveSmallIntegerField(default=127)  # bit 0 Monday … bit 6 Sunday
    start_minute = models.PositiveSmallIntegerField()
    end_minute = models.PositiveSmallIntegerField()
    valid_from = models.DateTimeField(default=timezone.now)  # what was over by then is nobody's omission
    made_until = models.DateField(null=True)  # tours exist up to here (half-open)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["start_minute"]
        constraints = [
            models.CheckConstraint(
                condition=Q(start_minute__lt=F("end_minute"), end_minute__lte=2880)
                & Q(start_minute__lt=1440, weekdays__gte=1, weekdays__lte=127),
                name="patrols_window_minutes",
            )
        ]


class Tour(models.Model):
    """One walk of a route in one window: due, walked by somebody, judged. `points` of the day are its stops."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=20, unique=True)  # "XG20261125-0003"
    route = models.ForeignKey(Route, on_delete=models.PROTECT, related_name="+", db_index=False)
    window = models.ForeignKey(Window, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    makes_up_for = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")  # 补巡
    day = models.DateField()
    starts_at = models.DateTimeField()  # the window, half-open
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=8, choices=TourStatus.choices, default=TourStatus.DUE)
    walker_id = models.UUIDField(null=True)  # account
    walker_staff_id = models.UUIDField(null=True)
    walker_name = models.CharField(max_length=60, blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    abandoned_at = models.DateTimeField(null=True)  # the platform ended it, since nobody did: more may come
    received_at = models.DateTimeField(null=True)  # the last of it came in
    credibility = models.PositiveSmallIntegerField(null=True)  # 0–100; null while not judged
    doubts = models.JSONField(default=list)  # [{"code", "points", "sentence"}]
    judged_at = models.DateTimeField(null=True)
    copies = models.JSONField(null=True)  # what the comparison of its photos found (operations/comparing.py)
    comparing_at = models.DateTimeField(null=True)  # a worker took the comparison
    compared_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("巡更")
        ordering = ["-starts_at", "-id"]
        indexes = [
            models.Index(fields=["route", "starts_at"], name="patrols_tour_route"),
            models.Index(fields=["status", "ends_at"], name="patrols_tour_status"),
            models.Index(fields=["starts_at"], name="patrols_tour_starts"),
            models.Index(fields=["walker_id", "starts_at"], name="patrols_tour_walker"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=TourStatus.values), name="patrols_tour_status_known"),
            models.CheckConstraint(
                condition=Q(credibility__isnull=True) | Q(credibility__lte=100), name="patrols_tour_credibility"
            ),
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="patrols_tour_times"),
            models.CheckConstraint(
                condition=Q(status__in=[TourStatus.DUE, TourStatus.MISSED]) | Q(started_at__isnull=False),
                name="patrols_tour_walked_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["window", "day"], condition=Q(window__isnull=False), name="patrols_tour_once_per_window"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Stop(models.Model):
    """One point of one tour, as it was asked for when the tour began: what was seen there, or that nobody came."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tour = models.ForeignKey(Tour, on_delete=models.CASCADE, related_name="stops", db_index=False)
    point = models.ForeignKey(Point, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=11, choices=StopStatus.choices, default=StopStatus.DUE)
    scanned_at = models.DateTimeField(null=True)  # the phone's clock, put right by the server's anchor
    received_at = models.DateTimeField(null=True)
    anchored = models.BooleanField(default=False)  # the phone's clock could be put right
    stopwatch = models.BooleanField(default=False, db_default=False)  # and counted on by what nobody can set
    method = models.CharField(max_length=6, choices=ScanMethod.choices, blank=True)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    accuracy_m = models.FloatField(null=True)
    answers = models.JSONField(default=dict)  # {question id: text}; the questions' words are in `asked`
    asked = models.JSONField(default=list)  # the questions as they stood when answered
    photo_ids = ArrayField(models.UUIDField(), default=list)  # evidence
    note = models.CharField(max_length=300, blank=True)
    explanation = models.CharField(max_length=300, blank=True)
    explained_by_name = models.CharField(max_length=60, blank=True)
    explained_at = models.DateTimeField(null=True)
    explained_by = models.UUIDField(null=True)  # account
    reviewed_by = models.UUIDField(null=True)  # account: who accepted or refused the explanation
    reviewed_by_name = models.CharField(max_length=60, blank=True, default="", db_default="")
    reviewed_at = models.DateTimeField(null=True)
    review_note = models.CharField(max_length=300, blank=True, default="", db_default="")
    made_up_by = models.ForeignKey(Tour, null=True, on_delete=models.PROTECT, related_name="+")
    finding_id = models.UUIDField(null=True)  # the finding that names it as missed

    class Meta:
        ordering = ["position"]
        indexes = [GinIndex(fields=["photo_ids"], name="patrols_stop_photos", fastupdate=False)]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=StopStatus.values), name="patrols_stop_status_known"),
            models.CheckConstraint(
                condition=Q(method="") | Q(method__in=ScanMethod.values), name="patrols_stop_method_known"
            ),
            models.CheckConstraint(
                condition=~Q(status=StopStatus.SEEN) | Q(scanned_at__isnull=False), name="patrols_stop_seen_dated"
            ),
            models.UniqueConstraint(fields=["tour", "point"], name="patrols_stop_once"),
        ]
