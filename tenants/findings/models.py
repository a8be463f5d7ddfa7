"""问题整改: one PDCA record whatever its source. Only the finder or a named verifier closes, never the fixer."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from kernel.ids import new_id
from standards_library.choices import ServiceLine
from tenants.findings.choices import FindingSource, FindingStatus, Severity, StepKind


class Finding(models.Model):
    """A problem with place, responsible party, clause, deadline and evidence."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=20, unique=True)  # "WT20261122-0003"
    title = models.CharField(max_length=120)
    detail = models.TextField(blank=True)
    source = models.CharField(max_length=12, choices=FindingSource.choices)
    source_id = models.UUIDField(null=True)  # the inspection, …
    place = models.ForeignKey("organisation.Place", on_delete=models.PROTECT, related_name="+")
    party = models.ForeignKey("organisation.Party", on_delete=models.PROTECT, related_name="+")
    line = models.CharField(max_length=12, choices=ServiceLine.choices)
    rubric_item_id = models.UUIDField(null=True, db_index=True)  # tenants.rubrics.Item: what it costs
    requirement_key = models.CharField(max_length=80, blank=True)
    edition = models.CharField(max_length=20, blank=True)
    occurrences = models.PositiveSmallIntegerField(default=1)  # 处/次: how many faults of the item this finding holds
    severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.MINOR)
    veto = models.BooleanField(default=False)  # a verified veto case (一票否决)
    status = models.CharField(max_length=10, choices=FindingStatus.choices, default=FindingStatus.OPEN)
    deadline = models.DateTimeField()
    found_at = models.DateTimeField(default=timezone.now)
    found_by = models.UUIDField(null=True)
    found_by_name = models.CharField(max_length=60)
    verifier_id = models.UUIDField(null=True)  # named verifier's account; otherwise the finder or any supervisor
    fixed_by = models.UUIDField(null=True)  # who submitted the last fix; may never verify it
    submitted_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.UUIDField(null=True)
    reopened = models.PositiveSmallIntegerField(default=0)
    rejections = models.PositiveSmallIntegerField(default=0)
    escalation = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-found_at"]
        indexes = [
            models.Index(fields=["status", "deadline"], name="findings_status_deadline"),
            models.Index(fields=["place", "status"], name="findings_place_status"),
            models.Index(fields=["party", "found_at"], name="findings_party_found"),
            models.Index(fields=["source", "source_id"], name="findings_source"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=FindingStatus.values), name="findings_status_known"),
            models.CheckConstraint(condition=Q(source__in=FindingSource.values), name="findings_source_known"),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="findings_severity_known"),
            models.CheckConstraint(
                condition=~Q(status=FindingStatus.CLOSED) | Q(closed_at__isnull=False), name="findings_closed_dated"
            ),
            models.CheckConstraint(
                condition=Q(closed_by__isnull=True) | Q(fixed_by__isnull=True) | ~Q(closed_by=models.F("fixed_by")),
                name="findings_fixer_never_closes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


class Step(models.Model):
    """One step in a finding's life, with words and pictures."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=12, choices=StepKind.choices)
    at = models.DateTimeField(default=timezone.now)
    account_id = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=60)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [models.CheckConstraint(condition=Q(kind__in=StepKind.values), name="findings_step_kind_known")]


class StepPhoto(models.Model):
    """A picture of a step: of the problem (before) or of the fix (after), by the kind of its step."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="photos")
    evidence_id = models.UUIDField()
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["step", "evidence_id"], name="findings_step_photo_once")]
