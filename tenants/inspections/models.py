"""Guided inspections: a rubric frozen at the start, one answer per item, a failed item opens a finding."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from standards_library.choices import ServiceLine
from tenants.inspections.choices import InspectionStatus, Verdict


class Checklist(models.Model):
    """A part of a rubric that is walked often ("公寓卫生日检"): chosen items under a name."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    title = models.CharField(_("名称"), max_length=60, unique=True)
    rubric_id = models.UUIDField()
    item_ids = models.JSONField(default=list)  # tenants.rubrics.Item ids; items dropped later are skipped
    line = models.CharField(max_length=12, choices=ServiceLine.choices)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("检查表")
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(condition=Q(line__in=ServiceLine.values), name="inspections_checklist_line_known")
        ]

    def __str__(self) -> str:
        return self.title


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
