"""问题整改: one PDCA record whatever its source. Only the finder or a named verifier closes, never the fixer."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import IsNull
from django.utils import timezone

from kernel.ids import new_id
from standards_library.choices import ServiceLine
from tenants.findings.choices import (
    Category,
    Consequence,
    ExtensionStatus,
    FindingSource,
    FindingStatus,
    Incident,
    Severity,
    StepKind,
    Whom,
)


class Finding(models.Model):
    """A problem with place, responsible party, clause, deadline and evidence."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=20, unique=True)  # "WT20261122-0003"
    title = models.CharField(max_length=120)
    detail = models.TextField(blank=True)
    source = models.CharField(max_length=12, choices=FindingSource.choices)
    source_id = models.UUIDField(null=True)  # the inspection, …
    source_key = models.CharField(max_length=80, blank=True, default="", db_default="")  # what within it, opened once
    place = models.ForeignKey("organisation.Place", on_delete=models.PROTECT, related_name="+", db_index=False)
    party = models.ForeignKey("organisation.Party", on_delete=models.PROTECT, related_name="+", db_index=False)
    line = models.CharField(max_length=12, choices=ServiceLine.choices)
    rubric_item_id = models.UUIDField(null=True, db_index=True)  # tenants.rubrics.Item: what it costs
    requirement_key = models.CharField(max_length=80, blank=True)
    edition = models.CharField(max_length=20, blank=True)
    category = models.CharField(max_length=10, choices=Category.choices, blank=True, default="", db_default="")
    post_id = models.UUIDField(null=True)  # organisation.Post: part of the 复发指纹 of what happens at a post
    incident = models.CharField(max_length=12, choices=Incident.choices, blank=True, default="", db_default="")
    occurrences = models.PositiveSmallIntegerField(default=1)  # 处/次: how many faults of the item this finding holds
    severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.MINOR)
    veto = models.BooleanField(default=False)  # a verified veto case (一票否决)
    status = models.CharField(max_length=10, choices=FindingStatus.choices, default=FindingStatus.OPEN)
    deadline = models.DateTimeField()
    first_deadline = models.DateTimeField(null=True)  # before it was first moved; None: never moved since (re)opening
    found_at = models.DateTimeField(default=timezone.now)
    found_by = models.UUIDField(null=True)
    found_by_name = models.CharField(max_length=60)
    verifier_id = models.UUIDField(null=True)  # named verifier's account; otherwise the finder or any supervisor
    verifier_name = models.CharField(max_length=60, blank=True)
    owner = models.ForeignKey(  # P: 责任人, one of the party's people
        "organisation.Staff", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    owner_name = models.CharField(max_length=60, blank=True, default="", db_default="")
    cause = models.CharField(max_length=300, blank=True)  # P: 原因
    root_cause = models.CharField(max_length=500, blank=True, default="", db_default="")  # asked for when it came again
    measure = models.CharField(max_length=300, blank=True)  # P: 措施
    verdict = models.CharField(max_length=300, blank=True)  # C: 复查结论
    lesson = models.CharField(max_length=300, blank=True)  # A: what changes in plan or standard, or why nothing does
    consequence = models.CharField(max_length=8, choices=Consequence.choices, blank=True, default="", db_default="")
    rubric_id = models.UUIDField(null=True)  # A: the sheet that was changed, and its revision since
    rubric_revision = models.PositiveIntegerField(null=True)
    plan_event_id = models.BigIntegerField(null=True)  # A: the change of a plan, as the timeline has it
    fixers = ArrayField(models.UUIDField(), default=list)  # accounts that ever worked on it: none of them closes it
    fixed_by = models.UUIDField(null=True)  # who submitted the last fix
    fixed_by_name = models.CharField(max_length=60, blank=True)
    fixer_provider_id = models.UUIDField(null=True)  # of the version before; `fixer_provider_ids` counts
    fixer_provider_ids = ArrayField(models.UUIDField(), default=list, db_default=[])  # the companies that ever fixed
    submitted_at = models.DateTimeField(null=True)
    first_submitted_at = models.DateTimeField(null=True)  # to judge "in time" by the first submission, too
    closed_at = models.DateTimeField(null=True)
    closed_by = models.UUIDField(null=True)
    closed_by_name = models.CharField(max_length=60, blank=True)
    closer_provider_id = models.UUIDField(null=True)  # of the version before; `closer_provider_ids` counts
    closer_provider_ids = ArrayField(models.UUIDField(), default=list, db_default=[])  # all companies of who closed
    repeat_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")  # 复发
    repeats = models.PositiveSmallIntegerField(default=0, db_default=0)  # how many before it in the chain
    reopened = models.PositiveSmallIntegerField(default=0)
    extended = models.PositiveSmallIntegerField(default=0, db_default=0)  # extensions granted
    rejections = models.PositiveSmallIntegerField(default=0)
    escalation = models.PositiveSmallIntegerField(default=0)  # step of the ladder told last; 0: nobody yet
    chased = models.PositiveSmallIntegerField(default=0, db_default=0)  # the same of the wait for verification

    class Meta:
        ordering = ["-found_at"]
        indexes = [
            models.Index(fields=["status", "deadline"], name="findings_status_deadline"),
            models.Index(fields=["place", "status"], name="findings_place_status"),
            models.Index(fields=["party", "found_at"], name="findings_party_found"),
            models.Index(fields=["source", "source_id"], name="findings_source"),
            models.Index(fields=["found_at"], name="findings_found_at"),
            # 复发指纹: one place and party hold few findings, so item, clause or category are compared in the rows
            models.Index(fields=["place", "party", "-closed_at"], name="findings_fingerprint"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=FindingStatus.values), name="findings_status_known"),
            models.CheckConstraint(condition=Q(source__in=FindingSource.values), name="findings_source_known"),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="findings_severity_known"),
            models.CheckConstraint(condition=Q(line__in=ServiceLine.values), name="findings_line_known"),
            models.CheckConstraint(
                condition=Q(category="") | Q(category__in=Category.values), name="findings_category_known"
            ),
            models.CheckConstraint(
                condition=Q(incident="") | Q(incident__in=Incident.values), name="findings_incident_known"
            ),
            models.CheckConstraint(
                condition=Q(consequence="")
                | Q(consequence=Consequence.RUBRIC, rubric_id__isnull=False, rubric_revision__isnull=False)
                | (Q(consequence__in=[Consequence.PLAN, Consequence.NOTHING]) & ~Q(lesson="")),
                name="findings_consequence_fits",
            ),
            models.UniqueConstraint(
                fields=["source", "source_id", "source_key"], condition=~Q(source_key=""), name="findings_source_once"
            ),
            models.CheckConstraint(
                condition=~Q(status=FindingStatus.CLOSED) | Q(closed_at__isnull=False), name="findings_closed_dated"
            ),
            models.CheckConstraint(
                condition=Q(closed_by__isnull=True) | Q(fixed_by__isnull=True) | ~Q(closed_by=F("fixed_by")),
                name="findings_fixer_never_closes",
            ),
            models.CheckConstraint(
                condition=IsNull(
                    Func(F("fixers"), F("closed_by"), function="array_position", output_field=models.IntegerField()),
                    True,
                ),
                name="findings_no_fixer_ever_closes",
            ),
            models.CheckConstraint(
                condition=Q(closer_provider_id__isnull=True)
                | Q(fixer_provider_id__isnull=True)
                | ~Q(closer_provider_id=F("fixer_provider_id")),
                name="findings_fixing_company_never_closes",
            ),
            models.CheckConstraint(
                condition=~Q(closer_provider_ids__overlap=F("fixer_provider_ids")),
                name="findings_no_fixing_company_ever_closes",
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

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="photos", db_index=False)
    evidence_id = models.UUIDField(db_index=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["step", "evidence_id"], name="findings_step_photo_once")]


class SeverityRule(models.Model):
    """How long a fix and its verification may take, and how much more time there is at most.

    A missing row, or an empty column, means DEFAULT_RULES.
    """

    severity = models.CharField(max_length=8, primary_key=True, choices=Severity.choices)
    hours = models.PositiveIntegerField()  # from finding to deadline
    leader_after_hours = models.PositiveIntegerField()  # past the deadline
    verify_hours = models.PositiveIntegerField(null=True)  # from handing in to the verdict
    extensions = models.PositiveSmallIntegerField(null=True)  # granted at most, of one finding
    extension_days = models.PositiveSmallIntegerField(null=True)  # at most past its first deadline

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values) & Q(hours__gt=0), name="findings_severity_rule_known"
            )
        ]


class Extension(models.Model):
    """申请延期: the party asks, an overseer answers. Kept whatever the answer; at most one waits at a time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="extensions")
    status = models.CharField(max_length=8, choices=ExtensionStatus.choices, default=ExtensionStatus.PENDING)
    before = models.DateTimeField()  # the deadline when it was asked
    wanted = models.DateTimeField()
    granted = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300)
    asked_at = models.DateTimeField()
    asked_by = models.UUIDField(null=True)
    asked_by_name = models.CharField(max_length=60)
    answer = models.CharField(max_length=300, blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.UUIDField(null=True)
    answered_by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["asked_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ExtensionStatus.values), name="findings_extension_status_known"
            ),
            models.CheckConstraint(
                condition=(Q(status=ExtensionStatus.GRANTED) & Q(granted__isnull=False))
                | (~Q(status=ExtensionStatus.GRANTED) & Q(granted__isnull=True)),
                name="findings_extension_granted_dated",
            ),
            models.CheckConstraint(condition=Q(wanted__gt=F("before")), name="findings_extension_later"),
            models.UniqueConstraint(
                fields=["finding"],
                condition=Q(status=ExtensionStatus.PENDING),
                name="findings_extension_one_waits",
            ),
        ]


class LadderStep(models.Model):
    """升级阶梯: so many hours past the deadline these people are told. No rows of a severity: two steps by its rule."""

    id = models.BigAutoField(primary_key=True)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    level = models.PositiveSmallIntegerField()  # 1, 2, …
    after_hours = models.PositiveIntegerField()
    whom = ArrayField(models.CharField(max_length=10, choices=Whom.choices))

    class Meta:
        ordering = ["severity", "level"]
        constraints = [
            models.UniqueConstraint(fields=["severity", "level"], name="findings_ladder_level_once"),
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values) & Q(level__gt=0), name="findings_ladder_known"
            ),
            models.CheckConstraint(
                condition=Q(whom__contained_by=Whom.values) & Q(whom__len__gt=0), name="findings_ladder_whom_known"
            ),
        ]


class RepeatRule(models.Model):
    """复发: within how many days the same counts as coming again, and how much heavier it then costs. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    days = models.PositiveSmallIntegerField()
    factor = models.DecimalField(max_digits=3, decimal_places=2)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(pk=1) & Q(days__gte=1) & Q(days__lte=730) & Q(factor__gte=1) & Q(factor__lte=5),
                name="findings_repeat_rule_one",
            )
        ]
