"""考勤结果: what each shift instance came to, its corrections, the confirmed months, and suspected wrong refusals."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from tenants.attendance.choices import (
    CorrectionSide,
    CorrectionStatus,
    Mark,
    SuspectKind,
    SuspectStatus,
    Wait,
)
from tenants.rosters.choices import Grade


class Suspect(models.Model):
    """A post, fence, phone or device that refuses far more than others (误伤哨兵), with a proposal, until decided."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=6, choices=SuspectKind.choices)
    post = models.ForeignKey("organisation.Post", null=True, on_delete=models.CASCADE, related_name="+")
    fence = models.ForeignKey("punches.Fence", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    device = models.ForeignKey("punches.Device", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    phone_id = models.CharField(max_length=40, blank=True)
    label = models.CharField(max_length=120)  # as people know it, at the time it was found
    key = models.CharField(max_length=60)  # "<kind>:<id>": one open case each
    since = models.DateTimeField()  # the stretch looked at, half-open
    until = models.DateTimeField()
    refused = models.PositiveIntegerField()
    tried = models.PositiveIntegerField()
    others_refused = models.PositiveIntegerField()
    others_tried = models.PositiveIntegerField()
    low = models.FloatField()  # lower Wilson bound (95 %) of its refused share
    people = models.PositiveIntegerField()  # whom it hit
    reason = models.CharField(max_length=14)  # the refusal seen most
    proposal = models.JSONField(default=dict)  # {"radius_m": 120, "was_m": 80, "latitude": …, "longitude": …}
    status = models.CharField(max_length=8, choices=SuspectStatus.choices, default=SuspectStatus.OPEN)
    found_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.UUIDField(null=True)
    decided_by_name = models.CharField(max_length=60, blank=True)
    decision_note = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("误伤线索")
        ordering = ["-found_at"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=SuspectKind.values), name="attendance_suspect_kind_known"),
            models.CheckConstraint(condition=Q(status__in=SuspectStatus.values), name="attendance_suspect_status"),
            models.CheckConstraint(condition=Q(refused__lte=F("tried")), name="attendance_suspect_counts"),
            models.UniqueConstraint(
                fields=["key"], condition=Q(status=SuspectStatus.OPEN), name="attendance_suspect_one_open"
            ),
        ]


class DayResult(models.Model):
    """What one shift instance came to. Derived by one rule (`day.py`, and `derive.py` in SQL), never edited.

    Its keys are not checked row by row: they are the instance's own, copied by one statement for tens of thousands, and
    checking each would cost more than deriving it. No instance and no suspect goes while a result names it (migration
    0002). `trace` holds what the columns do not say (leave, weak punches, what is waited for); `day.sentence` turns
    both into the one sentence people read. While `suspect` is set a penalty is 待定.
    """

    id = models.BigAutoField(primary_key=True)
    instance = models.OneToOneField(
        "rosters.ShiftInstance", on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    staff = models.ForeignKey(
        "organisation.Staff", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    post = models.ForeignKey(
        "organisation.Post", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    party = models.ForeignKey(
        "organisation.Party", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    day = models.DateField()  # roster day
    mark = models.CharField(max_length=12, choices=Mark.choices)
    wait = models.CharField(max_length=8, choices=Wait.choices, default=Wait.NONE, blank=True)
    due_at = models.DateTimeField(null=True)  # when a pending one is looked at again
    late_minutes = models.PositiveSmallIntegerField(default=0)
    early_minutes = models.PositiveSmallIntegerField(default=0)
    worked_minutes = models.PositiveSmallIntegerField(default=0)  # proved presence inside the shift
    leave_minutes = models.PositiveSmallIntegerField(default=0)  # of the shift, on leave or field work
    in_punch = models.ForeignKey(
        "punches.Punch", null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    out_punch = models.ForeignKey(
        "punches.Punch", null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    in_at = models.DateTimeField(null=True)
    out_at = models.DateTimeField(null=True)
    grade = models.CharField(max_length=1, choices=Grade.choices, blank=True)  # the weaker of the two punches
    present_from = models.DateTimeField(null=True)  # proved presence, cut to the shift
    present_until = models.DateTimeField(null=True)
    trace = models.JSONField(default=dict)
    suspect = models.ForeignKey(
        Suspect, null=True, on_delete=models.SET_NULL, related_name="results", db_index=False, db_constraint=False
    )
    derived_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "attendance_result"
        verbose_name = _("考勤结果")
        ordering = ["day", "id"]
        indexes = [
            models.Index(fields=["staff", "day"], name="attendance_result_staff"),
            models.Index(fields=["day", "party"], name="attendance_result_day"),
            models.Index(fields=["post", "day"], name="attendance_result_post"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="attendance_result_due"),
            models.Index(fields=["suspect"], condition=Q(suspect__isnull=False), name="attendance_result_held"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(mark__in=Mark.values), name="attendance_result_mark_known"),
            models.CheckConstraint(condition=Q(wait__in=Wait.values), name="attendance_result_wait_known"),
            models.CheckConstraint(condition=Q(grade__in=["", *Grade.values]), name="attendance_result_grade_known"),
            models.CheckConstraint(
                condition=Q(mark=Mark.PENDING, wait__gt="") | (~Q(mark=Mark.PENDING) & Q(wait="")),
                name="attendance_result_pending_says_why",
            ),
        ]


class Confirmation(models.Model):
    """A person's month, confirmed by that person (or closed by the school): from then on its results are frozen."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    staff = models.ForeignKey("organisation.Staff", on_delete=models.CASCADE, related_name="+", db_index=False)
    month = models.DateField()  # its first day
    figures = models.JSONField(default=dict)  # as shown when confirmed
    confirmed_at = models.DateTimeField()
    confirmed_by = models.UUIDField(null=True)
    confirmed_by_name = models.CharField(max_length=60)
    by_school = models.BooleanField(default=False)  # closed by the school after the person did not answer
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("月度确认")
        ordering = ["-month"]
        constraints = [models.UniqueConstraint(fields=["staff", "month"], name="attendance_confirmation_once")]


class Adjustment(models.Model):
    """What a result of a confirmed month would be by now; shown beside the frozen figure, which stays."""

    id = models.BigAutoField(primary_key=True)
    instance = models.ForeignKey("rosters.ShiftInstance", on_delete=models.CASCADE, related_name="+", db_index=False)
    staff = models.ForeignKey("organisation.Staff", on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    was = models.CharField(max_length=12, choices=Mark.choices, blank=True)  # "" where there was no result
    mark = models.CharField(max_length=12, choices=Mark.choices, blank=True)  # "" where the shift was cancelled
    late_minutes = models.PositiveSmallIntegerField(default=0)
    early_minutes = models.PositiveSmallIntegerField(default=0)
    worked_minutes = models.PositiveSmallIntegerField(default=0)
    in_punch = models.ForeignKey("punches.Punch", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    out_punch = models.ForeignKey(
        "punches.Punch", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    in_at = models.DateTimeField(null=True)
    out_at = models.DateTimeField(null=True)
    trace = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    held = False  # 待定, as `queries.adjustments_of` found it (held.py)

    class Meta:
        verbose_name = _("确认后的调整")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["instance", "-id"], name="attendance_adjustment_last"),
            models.Index(fields=["staff", "day"], name="attendance_adjustment_staff"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(mark__in=["", *Mark.values], was__in=["", *Mark.values]),
                name="attendance_adjustment_mark_known",
            )
        ]


class Correction(models.Model):
    """A request to count a punch that was not made (补卡). Decided by somebody else; never deleted."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    instance = models.ForeignKey("rosters.ShiftInstance", on_delete=models.CASCADE, related_name="+")
    staff = models.ForeignKey("organisation.Staff", on_delete=models.CASCADE, related_name="+", db_index=False)
    side = models.CharField(max_length=3, choices=CorrectionSide.choices)
    at = models.DateTimeField()  # when the person says they were there
    reason = models.CharField(max_length=300)
    evidence_id = models.UUIDField(null=True)
    was = models.CharField(max_length=12, choices=Mark.choices)  # the result when asked
    status = models.CharField(max_length=10, choices=CorrectionStatus.choices, default=CorrectionStatus.PENDING)
    asked_at = models.DateTimeField()
    asked_by = models.UUIDField(null=True)
    asked_by_name = models.CharField(max_length=60)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.UUIDField(null=True)
    decided_by_name = models.CharField(max_length=60, blank=True)
    decision_note = models.CharField(max_length=300, blank=True)
    punch = models.ForeignKey("punches.Punch", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        verbose_name = _("补卡")
        ordering = ["-asked_at"]
        indexes = [
            models.Index(fields=["staff", "asked_at"], name="attendance_correction_staff"),
            models.Index(fields=["status", "asked_at"], name="attendance_correction_status"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(side__in=CorrectionSide.values), name="attendance_correction_side"),
            models.CheckConstraint(condition=Q(was__in=Mark.values), name="attendance_correction_was_known"),
            models.CheckConstraint(
                condition=Q(status__in=CorrectionStatus.values), name="attendance_correction_status_known"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(status=CorrectionStatus.WITHDRAWN)
                | Q(asked_by__isnull=True)
                | ~Q(decided_by=F("asked_by")),
                name="attendance_correction_never_by_the_asker",
            ),
            models.UniqueConstraint(
                fields=["instance", "side"],
                condition=Q(status=CorrectionStatus.PENDING),
                name="attendance_correction_one_open",
            ),
        ]


class Watermark(models.Model):
    """How far the sweep has seen punches and decisions; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    seen_until = models.DateTimeField()
    looked_at = models.DateTimeField()  # the sentinel's last look

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="attendance_watermark_one_row")]
