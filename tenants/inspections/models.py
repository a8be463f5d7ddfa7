"""Guided inspections: a rubric frozen at the start, one answer per item, a failed item opens a finding."""

from __future__ import annotations

import hashlib
import json

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from standards_library.choices import ServiceLine
from tenants.inspections.choices import CalibrationStatus, ChecklistKind, InspectionStatus, ProgrammeStatus, Verdict
from tenants.organisation.choices import PlaceKind


class Checklist(models.Model):
    """A part of a rubric that is walked often ("公寓卫生日检"): chosen items under a name."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    title = models.CharField(_("名称"), max_length=60, unique=True)
    rubric_id = models.UUIDField()
    item_ids = models.JSONField(
        default=list
    )  # tenants.rubrics.Item ids as they are walked; items dropped later are skipped
    line = models.CharField(max_length=12, choices=ServiceLine.choices)
    kind = models.CharField(
        _("类型"), max_length=8, choices=ChecklistKind.choices, default=ChecklistKind.ROUTINE, db_default="routine"
    )
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("检查表")
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(condition=Q(line__in=ServiceLine.values), name="inspections_checklist_line_known"),
            models.CheckConstraint(condition=Q(kind__in=ChecklistKind.values), name="inspections_checklist_kind_known"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def digest(self) -> str:
        """Equal digests mean that nobody changed it in between."""
        said = json.dumps([self.title, str(self.rubric_id), self.line, self.kind, self.item_ids])
        return hashlib.sha256(said.encode()).hexdigest()


class Inspection(models.Model):
    """One walk: who looked at which place and party, by which sheet, and when."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=20, unique=True)  # "XC20261122-0001"
    title = models.CharField(max_length=120)  # of the rubric or checklist
    rubric_id = models.UUIDField()
    rubric_revision = models.PositiveIntegerField()
    rubric_digest = models.CharField(max_length=64)  # sha256 of `rubric`: what was asked cannot change afterwards
    rubric = models.JSONField()  # tenants.rubrics.contracts.RubricContract.as_json()
    checklist_id = models.UUIDField(null=True)
    kind = models.CharField(  # of the checklist as the walk began
        max_length=8, choices=ChecklistKind.choices, default=ChecklistKind.ROUTINE, db_default="routine"
    )
    place = models.ForeignKey("organisation.Place", on_delete=models.PROTECT, related_name="+", db_index=False)
    party = models.ForeignKey("organisation.Party", on_delete=models.PROTECT, related_name="+", db_index=False)
    line = models.CharField(max_length=12, choices=ServiceLine.choices)
    status = models.CharField(max_length=10, choices=InspectionStatus.choices, default=InspectionStatus.RUNNING)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    inspector_id = models.UUIDField(null=True)
    inspector_name = models.CharField(max_length=60)
    note = models.TextField(blank=True)

    class Meta:
        verbose_name = _("巡查")
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["status", "started_at"], name="inspections_status_started"),
            models.Index(fields=["place", "finished_at"], name="inspections_place_finished"),
            models.Index(fields=["party", "finished_at"], name="inspections_party_finished"),
            models.Index(fields=["inspector_id", "status"], name="inspections_inspector"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=InspectionStatus.values), name="inspections_status_known"),
            models.CheckConstraint(condition=Q(line__in=ServiceLine.values), name="inspections_line_known"),
            models.CheckConstraint(condition=Q(kind__in=ChecklistKind.values), name="inspections_kind_known"),
            models.CheckConstraint(
                condition=~Q(status=InspectionStatus.DONE) | Q(finished_at__isnull=False),
                name="inspections_done_dated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


class Result(models.Model):
    """One item of the sheet and what was seen. Findings of a fail name the inspection and the item."""

    id = models.BigAutoField(primary_key=True)
    inspection = models.ForeignKey(Inspection, on_delete=models.CASCADE, related_name="results", db_index=False)
    item_id = models.UUIDField()
    position = models.PositiveSmallIntegerField()
    verdict = models.CharField(max_length=4, choices=Verdict.choices, blank=True, default=Verdict.NONE)
    faults = models.PositiveSmallIntegerField(default=0)  # of all findings it opened, in the item's unit
    note = models.CharField(max_length=300, blank=True)
    answered_at = models.DateTimeField(null=True)  # server time
    recorded_at = models.DateTimeField(null=True)  # the phone's time, when sent from the outbox
    answered_by = models.UUIDField(null=True)  # account; an admin may answer for the inspector
    answered_by_name = models.CharField(max_length=60, blank=True, default="", db_default="")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["inspection", "item_id"], name="inspections_result_once"),
            models.CheckConstraint(condition=Q(verdict__in=Verdict.values), name="inspections_verdict_known"),
            models.CheckConstraint(
                condition=Q(verdict=Verdict.FAIL, faults__gt=0) | (~Q(verdict=Verdict.FAIL) & Q(faults=0)),
                name="inspections_faults_fit",
            ),
        ]


class Recheck(models.Model):
    """What this walk saw of a finding that was still open from before."""

    id = models.BigAutoField(primary_key=True)
    inspection = models.ForeignKey(Inspection, on_delete=models.CASCADE, related_name="rechecks", db_index=False)
    finding_id = models.UUIDField(db_index=True)
    solved = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["inspection", "finding_id"], name="inspections_recheck_once")]


class CoverageTarget(models.Model):
    """覆盖目标: each place of a kind is to be seen every so many days. No rows at all: programme.DEFAULT_TARGETS."""

    kind = models.CharField(max_length=8, primary_key=True, choices=PlaceKind.choices)
    every_days = models.PositiveSmallIntegerField()
    minutes = models.PositiveSmallIntegerField()  # for a visit, until walks there have said how long one takes

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=PlaceKind.values) & Q(every_days__gt=0) & Q(minutes__gt=0),
                name="inspections_coverage_target_known",
            )
        ]


class Programme(models.Model):
    """抽检计划 of one week: places to see, as many as the hours allow, in walking order."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    week = models.DateField(unique=True)  # its Monday
    minutes = models.PositiveIntegerField()  # inspector-hours there are, in minutes
    status = models.CharField(max_length=8, choices=ProgrammeStatus.choices, default=ProgrammeStatus.DRAFT)
    made_at = models.DateTimeField()
    made_by_name = models.CharField(max_length=60)
    accepted_at = models.DateTimeField(null=True)
    accepted_by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["-week"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ProgrammeStatus.values) & Q(minutes__gt=0), name="inspections_programme_known"
            ),
        ]


class Stop(models.Model):
    """A place on the week's list, why it is there, and the walk that ticked it off."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="stops", db_index=False)
    place = models.ForeignKey("organisation.Place", on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)
    line = models.CharField(max_length=12, choices=ServiceLine.choices, blank=True)
    checklist_id = models.UUIDField(null=True)
    minutes = models.PositiveSmallIntegerField()
    score = models.PositiveSmallIntegerField(default=0)
    why = models.CharField(max_length=300)
    by_hand = models.BooleanField(default=False)
    inspector_id = models.UUIDField(null=True)
    inspector_name = models.CharField(max_length=60, blank=True)
    inspection_id = models.UUIDField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["programme", "place"], name="inspections_stop_once"),
            models.CheckConstraint(
                condition=Q(line="") | Q(line__in=ServiceLine.values), name="inspections_stop_line_known"
            ),
        ]


class Calibration(models.Model):
    """判分校准: some people score the same place by the same frozen sheet, each blind to the others."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    title = models.CharField(max_length=120)
    place = models.ForeignKey("organisation.Place", on_delete=models.PROTECT, related_name="+")
    rubric_id = models.UUIDField()
    sheet = models.JSONField()  # RubricContract.as_json(), cut to what is scored
    status = models.CharField(max_length=8, choices=CalibrationStatus.choices, default=CalibrationStatus.OPEN)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    made_by = models.UUIDField(null=True)
    made_by_name = models.CharField(max_length=60)
    revealed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-opens_at"]
        indexes = [models.Index(fields=["status", "closes_at"], name="inspections_calibration_due")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=CalibrationStatus.values), name="inspections_calibration_known"
            ),
            models.CheckConstraint(
                condition=Q(closes_at__gt=models.F("opens_at")), name="inspections_calibration_span"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Seat(models.Model):
    """One scorer of a calibration. What came of it is written when it is revealed.

    `lost` are points of 100 taken off; `bias` is the mean of what the others took off minus one's own
    (above zero: milder than they); `agreement` the share of items judged alike; `accuracy` the calibration
    score against the expert's sheet, 0–100, where an expert took part.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    calibration = models.ForeignKey(Calibration, on_delete=models.CASCADE, related_name="seats", db_index=False)
    account_id = models.UUIDField(db_index=True)
    name = models.CharField(max_length=60)
    expert = models.BooleanField(default=False)
    submitted_at = models.DateTimeField(null=True)
    lost = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    bias = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    agreement = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    accuracy = models.DecimalField(max_digits=5, decimal_places=2, null=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["calibration", "account_id"], name="inspections_seat_once"),
            models.UniqueConstraint(
                fields=["calibration"], condition=Q(expert=True), name="inspections_seat_one_expert"
            ),
        ]


class Mark(models.Model):
    """What one scorer saw of one item."""

    id = models.BigAutoField(primary_key=True)
    seat = models.ForeignKey(Seat, on_delete=models.CASCADE, related_name="marks", db_index=False)
    item_id = models.UUIDField()
    verdict = models.CharField(max_length=4, choices=Verdict.choices)
    faults = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=300, blank=True)
    photo_ids = models.JSONField(default=list)  # evidence

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seat", "item_id"], name="inspections_mark_once"),
            models.CheckConstraint(
                condition=Q(verdict=Verdict.FAIL, faults__gt=0)
                | (Q(verdict__in=[Verdict.PASS, Verdict.NA]) & Q(faults=0)),
                name="inspections_mark_fits",
            ),
        ]
