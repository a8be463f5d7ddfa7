"""排班: shifts, rules, rosters and the shift instances that attendance and duty are computed from."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from tenants.rosters.choices import (
    AssignmentSource,
    Grade,
    LeaveKind,
    RequestStatus,
    RuleScope,
    ShiftKind,
    SwapKind,
    SwapStatus,
)


class Shift(models.Model):
    """A shift definition (班次): one or more segments, in minutes from the start of the roster day."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("名称"), max_length=30)
    code = models.CharField(_("简称"), max_length=4)  # what a cell of the roster shows: "夜"
    colour = models.CharField(_("颜色"), max_length=7, default="#4263eb")
    kind = models.CharField(max_length=8, choices=ShiftKind.choices, default=ShiftKind.FIXED)
    flex_minutes = models.PositiveSmallIntegerField(_("弹性分钟"), default=0)  # start may float this far, end with it
    active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("班次")
        ordering = ["position", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ShiftKind.values), name="rosters_shift_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=ShiftKind.FLEXIBLE) | Q(flex_minutes=0), name="rosters_shift_flex_fits"
            ),
            models.UniqueConstraint(fields=["name"], condition=Q(active=True), name="rosters_shift_name_once"),
            models.UniqueConstraint(fields=["code"], condition=Q(active=True), name="rosters_shift_code_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Segment(models.Model):
    """One stretch of a shift; `end_minute` may pass 1,440 (the next day), up to 2,880."""

    shift = models.ForeignKey(Shift, on_delete=models.CASCADE, related_name="segments", db_index=False)
    position = models.PositiveSmallIntegerField()
    start_minute = models.PositiveSmallIntegerField()
    end_minute = models.PositiveSmallIntegerField()
    needs_in = models.BooleanField(default=True)
    needs_out = models.BooleanField(default=True)  # 下班免打卡 when false

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["shift", "position"], name="rosters_segment_once"),
            models.CheckConstraint(
                condition=Q(start_minute__lt=F("end_minute"), end_minute__lte=2880),
                name="rosters_segment_minutes",
            ),
        ]


class Rule(models.Model):
    """One version of the attendance policy of the school, a party or a post; never changed, only followed by the next.

    All in minutes unless said otherwise. A shift instance freezes the version that held on its day.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    scope = models.CharField(max_length=8, choices=RuleScope.choices)
    party = models.ForeignKey("organisation.Party", null=True, on_delete=models.CASCADE, related_name="+")
    post = models.ForeignKey("organisation.Post", null=True, on_delete=models.CASCADE, related_name="+")
    valid_from = models.DateField()
    grace_minutes = models.PositiveSmallIntegerField(_("迟到宽限"), default=10)
    early_grace_minutes = models.PositiveSmallIntegerField(_("早退宽限"), default=0)
    serious_minutes = models.PositiveSmallIntegerField(_("严重迟到起算"), default=30)
    half_absent_minutes = models.PositiveSmallIntegerField(_("旷工半日起算"), default=120)
    absent_minutes = models.PositiveSmallIntegerField(_("旷工一日起算"), default=240)
    in_before_minutes = models.PositiveSmallIntegerField(_("上班卡最早提前"), default=60)
    out_after_minutes = models.PositiveSmallIntegerField(_("下班卡最晚延后"), default=120)
    report_hours = models.PositiveSmallIntegerField(_("缺勤判定等待小时"), default=12)  # devices, offline phones
    corrections_per_month = models.PositiveSmallIntegerField(_("每月补卡次数"), default=3)
    correction_days = models.PositiveSmallIntegerField(_("补卡期限天数"), default=7)
    created_at = models.DateTimeField(default=timezone.now)
    created_by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        verbose_name = _("考勤规则")
        ordering = ["-valid_from", "-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(scope=RuleScope.SCHOOL) & Q(party__isnull=True) & Q(post__isnull=True))
                | (Q(scope=RuleScope.PARTY) & Q(party__isnull=False) & Q(post__isnull=True))
                | (Q(scope=RuleScope.POST) & Q(party__isnull=True) & Q(post__isnull=False)),
                name="rosters_rule_scope_fits",
            ),
            models.CheckConstraint(
                condition=Q(
                    grace_minutes__lte=F("serious_minutes"),
                    serious_minutes__lte=F("half_absent_minutes"),
                    half_absent_minutes__lte=F("absent_minutes"),
                ),
                name="rosters_rule_thresholds_rise",
            ),
            models.UniqueConstraint(
                fields=["scope", "party", "post", "valid_from"], nulls_distinct=False, name="rosters_rule_once"
            ),
        ]


class PostTerms(models.Model):
    """What a post asks of presence beyond the contract's headcount."""

    post = models.OneToOneField("organisation.Post", primary_key=True, on_delete=models.CASCADE, related_name="+")
    grade = models.CharField(max_length=1, choices=Grade.choices, default=Grade.C)
    hourly_rate = models.DecimalField(_("每岗每小时费用（元）"), max_digits=8, decimal_places=2, null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(grade__in=Grade.values), name="rosters_post_terms_grade_known")
        ]


class PastRate(models.Model):
    """What an hour of a post cost on the days before `until` (and from the row before on): a new price changes no past day."""

    post = models.ForeignKey("organisation.Post", on_delete=models.CASCADE, related_name="+", db_index=False)
    until = models.DateField()  # the first day of the price that followed
    rate = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        verbose_name = _("以前的每小时费用")
        ordering = ["post", "until"]
        constraints = [models.UniqueConstraint(fields=["post", "until"], name="rosters_past_rate_once")]


class Coverage(models.Model):
    """Contracted presence of a post: so many persons from minute to minute on these weekdays (合同在岗要求)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    post = models.ForeignKey("organisation.Post", on_delete=models.CASCADE, related_name="+", db_index=False)
    weekdays = models.PositiveSmallIntegerField(default=127)  # bit 0 Monday … bit 6 Sunday
    holidays = models.BooleanField(default=True)  # also on statutory holidays
    start_minute = models.PositiveSmallIntegerField(default=0)
    end_minute = models.PositiveSmallIntegerField(default=1440)  # may pass 1,440
    persons = models.PositiveSmallIntegerField(default=1)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)  # half-open

    class Meta:
        verbose_name = _("合同在岗要求")
        ordering = ["post", "start_minute"]
        indexes = [models.Index(fields=["post", "valid_from"], name="rosters_coverage_post")]
        constraints = [
            models.CheckConstraint(
                condition=Q(start_minute__lt=F("end_minute"), end_minute__lte=2880, weekdays__lte=127),
                name="rosters_coverage_minutes",
            )
        ]


class Pattern(models.Model):
    """A repeating roster of 1–8 weeks (循环排班). With `follows_calendar` holidays rest and make-up workdays work."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("名称"), max_length=40)
    days = models.PositiveSmallIntegerField(default=7)  # length of the cycle: 7 … 56, any number for rotating rest
    cells = models.JSONField(default=list)  # per day of the cycle: shift id, or null for rest
    follows_calendar = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("循环")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(days__gte=1, days__lte=56), name="rosters_pattern_days"),
            models.UniqueConstraint(fields=["name"], condition=Q(active=True), name="rosters_pattern_name_once"),
        ]


class PatternUse(models.Model):
    """A person follows a pattern at a post from a day on; the worker makes their rosters ahead of time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pattern = models.ForeignKey(Pattern, on_delete=models.PROTECT, related_name="uses")
    staff = models.ForeignKey("organisation.Staff", on_delete=models.CASCADE, related_name="+", db_index=False)
    post = models.ForeignKey("organisation.Post", on_delete=models.CASCADE, related_name="+")
    place = models.ForeignKey("organisation.Place", null=True, on_delete=models.SET_NULL, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)  # half-open
    offset = models.PositiveSmallIntegerField(default=0)  # on `starts_on` the cycle stands at this day
    made_until = models.DateField(null=True)  # rosters exist up to here (half-open)

    class Meta:
        ordering = ["starts_on"]
        indexes = [models.Index(fields=["staff", "starts_on"], name="rosters_pattern_use_staff")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gt=F("starts_on")), name="rosters_pattern_use_period"
            )
        ]


class FollowedDay(models.Model):
    """What the calendar said of a day when rosters last followed it; where it says otherwise by now, they follow again."""

    day = models.DateField(primary_key=True)
    works = models.BooleanField()
    made_up = models.BooleanField(default=False)  # worked though the week rests
    changed_at = models.DateTimeField(null=True)  # when the calendar was last found to say otherwise
    remade = models.PositiveIntegerField(default=0)  # cells of cycles that followed it then

    class Meta:
        verbose_name = _("校历变动")
        ordering = ["day"]


class Assignment(models.Model):
    """One cell of the roster (排班): a person, a day, a shift at a post; `shift` is null on a rostered day of rest."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    staff = models.ForeignKey("organisation.Staff", on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    shift = models.ForeignKey(Shift, null=True, on_delete=models.PROTECT, related_name="+")
    post = models.ForeignKey("organisation.Post", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    party = models.ForeignKey("organisation.Party", on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.ForeignKey("organisation.Place", null=True, on_delete=models.SET_NULL, related_name="+")
    source = models.CharField(max_length=8, choices=AssignmentSource.choices)
    pattern_use = models.ForeignKey(PatternUse, null=True, on_delete=models.SET_NULL, related_name="+")
    published_at = models.DateTimeField(null=True)  # the worker sees it, and its instances exist
    cancelled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("排班")
        ordering = ["day", "staff"]
        indexes = [
            models.Index(fields=["staff", "day"], name="rosters_assignment_staff_day"),
            models.Index(fields=["day", "post"], name="rosters_assignment_day_post"),
            models.Index(fields=["post", "day"], name="rosters_assignment_post_day"),
            models.Index(fields=["party", "day"], name="rosters_assignment_party_day"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=AssignmentSource.values), name="rosters_assignment_source_known"
            ),
            models.CheckConstraint(
                condition=Q(shift__isnull=True) | Q(post__isnull=False), name="rosters_assignment_works_at_a_post"
            ),
            models.UniqueConstraint(
                fields=["staff", "day", "shift", "post"],
                condition=Q(cancelled_at__isnull=True),
                nulls_distinct=False,
                name="rosters_assignment_once",
            ),
        ]


class ShiftInstance(models.Model):
    """One stretch of work that is expected of one person: what punches bind to and results are computed from.

    Made when a roster is published, one per segment; cancelled, never deleted, when the roster changes.
    The punch windows are half-open and already cut against the person's neighbouring instances: where two
    shifts touch, one punch may end the first and begin the second.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="instances", db_index=False)
    staff = models.ForeignKey("organisation.Staff", on_delete=models.CASCADE, related_name="+", db_index=False)
    post = models.ForeignKey("organisation.Post", on_delete=models.PROTECT, related_name="+", db_index=False)
    party = models.ForeignKey("organisation.Party", on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.ForeignKey("organisation.Place", null=True, on_delete=models.SET_NULL, related_name="+")
    day = models.DateField()  # roster day: a night shift belongs to the day on which it starts
    segment = models.PositiveSmallIntegerField(default=0)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    in_from = models.DateTimeField()
    in_until = models.DateTimeField()
    out_from = models.DateTimeField()
    out_until = models.DateTimeField()
    needs_in = models.BooleanField(default=True)
    needs_out = models.BooleanField(default=True)
    flex_minutes = models.PositiveSmallIntegerField(default=0)
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="+")
    grade = models.CharField(max_length=1, choices=Grade.choices, default=Grade.C)  # evidence the post asks for
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("班次实例")
        ordering = ["starts_at"]
        indexes = [
            models.Index(fields=["staff", "starts_at"], name="rosters_instance_staff"),
            models.Index(fields=["post", "starts_at"], name="rosters_instance_post"),
            models.Index(fields=["day", "party"], name="rosters_instance_day"),
            models.Index(fields=["ends_at"], name="rosters_instance_ends"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(grade__in=Grade.values), name="rosters_instance_grade_known"),
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at"), in_from__lte=F("in_until"), out_from__lte=F("out_until")),
                name="rosters_instance_times",
            ),
            models.UniqueConstraint(
                fields=["assignment", "segment"],
                condition=Q(cancelled_at__isnull=True),
                name="rosters_instance_once",
            ),
        ]


class Leave(models.Model):
    """A request to be away, half-open; only an approved one changes results.

    An approved one that is taken back after it began ends where it was taken back and stays approved: what was
    allowed then is not undone. `withdrawn_at` says that.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    staff = models.ForeignKey("organisation.Staff", on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=12, choices=LeaveKind.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)
    evidence_id = models.UUIDField(null=True)
    status = models.CharField(max_length=10, choices=RequestStatus.choices, default=RequestStatus.PENDING)
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.UUIDField(null=True)
    asked_by_name = models.CharField(max_length=60)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.UUIDField(null=True)
    decided_by_name = models.CharField(max_length=60, blank=True)
    decision_note = models.CharField(max_length=300, blank=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("请假")
        ordering = ["-asked_at"]
        indexes = [
            models.Index(fields=["staff", "starts_at"], name="rosters_leave_staff"),
            models.Index(fields=["status", "asked_at"], name="rosters_leave_status"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=LeaveKind.values), name="rosters_leave_kind_known"),
            models.CheckConstraint(condition=Q(status__in=RequestStatus.values), name="rosters_leave_status_known"),
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="rosters_leave_times"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(asked_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                name="rosters_leave_never_decided_by_the_asker",
            ),
        ]


class Swap(models.Model):
    """Two people change cells, or one stands in for another; the colleague agrees first, then a superior."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=5, choices=SwapKind.choices)
    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="+")  # the giver's
    counter = models.ForeignKey(Assignment, null=True, on_delete=models.CASCADE, related_name="+")  # the taker's
    taker = models.ForeignKey("organisation.Staff", on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=SwapStatus.choices, default=SwapStatus.ASKED)
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.UUIDField(null=True)
    asked_by_name = models.CharField(max_length=60)
    answered_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.UUIDField(null=True)
    decided_by_name = models.CharField(max_length=60, blank=True)
    decision_note = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("换班与替班")
        ordering = ["-asked_at"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=SwapKind.values), name="rosters_swap_kind_known"),
            models.CheckConstraint(condition=Q(status__in=SwapStatus.values), name="rosters_swap_status_known"),
            models.CheckConstraint(
                condition=(Q(kind=SwapKind.SWAP) & Q(counter__isnull=False))
                | (Q(kind=SwapKind.COVER) & Q(counter__isnull=True)),
                name="rosters_swap_kind_fits",
            ),
            models.UniqueConstraint(
                fields=["assignment"],
                condition=Q(status__in=[SwapStatus.ASKED, SwapStatus.ACCEPTED]),
                name="rosters_swap_one_open",
            ),
        ]
