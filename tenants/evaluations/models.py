"""考核: a round judges one party over a period. A closed round is a document and never changes."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from tenants.evaluations.choices import Combine, Origin, RoundKind, RoundStatus, SourceMode


class Round(models.Model):
    """One assessment. `sheet` is the rubric as it was when the round was made; `result` the score, opened down.

    `digest` is the SHA-256 of the canonical JSON of inputs and result (`document.digest_of`).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    title = models.CharField(_("名称"), max_length=120)
    kind = models.CharField(_("类型"), max_length=10, choices=RoundKind.choices)
    starts_on = models.DateField(_("开始日期"))
    ends_on = models.DateField(_("结束日期"))  # inclusive
    party = models.ForeignKey("organisation.Party", on_delete=models.PROTECT, related_name="+", db_index=False)
    party_name = models.CharField(max_length=120)  # as it was called then: the document must not change later
    rubric = models.ForeignKey("rubrics.Rubric", on_delete=models.PROTECT, related_name="+")
    sheet = models.JSONField()
    sheet_digest = models.CharField(max_length=64)
    combine = models.CharField(max_length=8, choices=Combine.choices, default=Combine.MEAN)
    status = models.CharField(max_length=10, choices=RoundStatus.choices, default=RoundStatus.DRAFT)
    trial = models.BooleanField(_("试行"), default=False)
    score = models.DecimalField(_("得分"), max_digits=5, decimal_places=2, null=True)
    grade = models.CharField(_("等级"), max_length=20, blank=True)
    veto = models.BooleanField(_("一票否决"), default=False)
    result = models.JSONField(null=True)
    digest = models.CharField(max_length=64, blank=True)
    computed_at = models.DateTimeField(null=True)
    computed_by_name = models.CharField(max_length=60, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.UUIDField(null=True)
    closed_by_name = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("考核")
        ordering = ["-starts_on", "-id"]
        indexes = [
            models.Index(fields=["status", "-starts_on"], name="evaluations_round_status"),
            models.Index(fields=["party", "-starts_on"], name="evaluations_round_party"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=RoundKind.values), name="evaluations_round_kind_known"),
            models.CheckConstraint(condition=Q(status__in=RoundStatus.values), name="evaluations_round_status_known"),
            models.CheckConstraint(condition=Q(combine__in=Combine.values), name="evaluations_round_combine_known"),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="evaluations_round_period"),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | (Q(score__gte=0) & Q(score__lte=100)),
                name="evaluations_round_score_in_range",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["computed", "closed"])
                | (Q(score__isnull=False) & Q(result__isnull=False) & ~Q(digest="") & Q(computed_at__isnull=False)),
                name="evaluations_round_computed_whole",
            ),
            models.CheckConstraint(
                condition=~Q(status="closed") | Q(closed_at__isnull=False), name="evaluations_round_closed_dated"
            ),
            models.UniqueConstraint(
                fields=["party", "kind", "starts_on", "ends_on", "title"], name="evaluations_round_once"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Area(models.Model):
    """A part of the party's field (a campus, a site) scored by itself. Every round has at least one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="areas", db_index=False)
    name = models.CharField(_("片区"), max_length=60)
    place_id = models.UUIDField(null=True)  # findings below this place belong here; None: the rest
    weight = models.DecimalField(_("权重"), max_digits=5, decimal_places=2, default=1)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(weight__gt=0), name="evaluations_area_weight"),
            models.UniqueConstraint(fields=["round", "name"], name="evaluations_area_name_once"),
            models.UniqueConstraint(
                fields=["round", "place_id"], nulls_distinct=False, name="evaluations_area_place_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """Who scores (使用单位, 保卫处, …) and what the score counts for; weights of a round add up to 100."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="sources", db_index=False)
    name = models.CharField(_("评分单位"), max_length=60)
    weight = models.DecimalField(
        _("权重（%）"), max_digits=5, decimal_places=2, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    mode = models.CharField(max_length=6, choices=SourceMode.choices)
    takes_findings = models.BooleanField(default=False)  # deductions from findings count here
    excused = models.CharField(_("不参与的原因"), max_length=200, blank=True)
    scorers = models.JSONField(default=list)  # [{"id": account id, "name"}]; empty: any supervisor
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=SourceMode.values), name="evaluations_source_mode_known"),
            models.CheckConstraint(condition=Q(weight__gt=0) & Q(weight__lte=100), name="evaluations_source_weight"),
            models.CheckConstraint(
                condition=Q(takes_findings=False) | Q(mode="sheet"), name="evaluations_source_findings_need_sheet"
            ),
            models.UniqueConstraint(fields=["round", "name"], name="evaluations_source_name_once"),
            models.UniqueConstraint(
                fields=["round"], condition=Q(takes_findings=True), name="evaluations_source_findings_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Entry(models.Model):
    """A source's answer for an area: a score out of 100, or the sheet handed in. One per source and area."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="entries", db_index=False)
    area = models.ForeignKey(Area, on_delete=models.CASCADE, related_name="entries")
    raw = models.DecimalField(_("得分"), max_digits=5, decimal_places=2, null=True)
    not_applicable = models.JSONField(default=dict)  # {item key: reason}
    comment = models.CharField(max_length=300, blank=True)
    submitted_at = models.DateTimeField(null=True)
    submitted_by = models.UUIDField(null=True)
    submitted_by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "area"], name="evaluations_entry_once"),
            models.CheckConstraint(
                condition=Q(raw__isnull=True) | (Q(raw__gte=0) & Q(raw__lte=100)), name="evaluations_entry_raw_in_range"
            ),
        ]


class Deduction(models.Model):
    """Points taken off an item, with the reason, the evidence, and the finding it comes from, where there is one.

    `nominal` is occurrences × per fault; `cost` what it really took off the score after caps and
    rescaling (set by compute). A waived deduction stays, with the reason and who waived it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="deductions", db_index=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="deductions")
    area = models.ForeignKey(Area, on_delete=models.CASCADE, related_name="deductions")
    item_key = models.CharField(max_length=40)  # key of the item in Round.sheet
    origin = models.CharField(max_length=8, choices=Origin.choices)
    finding_id = models.UUIDField(null=True)
    finding_number = models.CharField(max_length=20, blank=True)
    place_id = models.UUIDField(null=True)
    place_name = models.CharField(max_length=200, blank=True)
    requirement_key = models.CharField(max_length=80, blank=True)
    edition = models.CharField(max_length=20, blank=True)
    reason = models.CharField(_("扣分事由"), max_length=300)
    occurrences = models.PositiveSmallIntegerField(_("次数"), default=1)
    nominal = models.DecimalField(max_digits=7, decimal_places=2)
    cost = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    veto = models.BooleanField(default=False)
    evidence = models.JSONField(default=list)  # evidence ids
    happened_at = models.DateTimeField(default=timezone.now)
    waived = models.BooleanField(default=False)
    waived_reason = models.CharField(max_length=200, blank=True)
    waived_by_name = models.CharField(max_length=60, blank=True)
    waived_at = models.DateTimeField(null=True)
    created_by = models.UUIDField(null=True)
    created_by_name = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["happened_at", "id"]
        indexes = [models.Index(fields=["finding_id"], name="evaluations_deduction_finding")]
        constraints = [
            models.CheckConstraint(condition=Q(origin__in=Origin.values), name="evaluations_deduction_origin_known"),
            models.CheckConstraint(condition=Q(occurrences__gt=0), name="evaluations_deduction_occurs"),
            models.CheckConstraint(
                condition=Q(origin="manual", finding_id__isnull=True) | Q(origin="finding", finding_id__isnull=False),
                name="evaluations_deduction_origin_fits",
            ),
            models.CheckConstraint(
                condition=Q(waived=False) | (~Q(waived_reason="") & Q(waived_at__isnull=False)),
                name="evaluations_deduction_waived_with_reason",
            ),
            models.UniqueConstraint(fields=["round", "finding_id"], name="evaluations_deduction_finding_once"),
        ]

    def __str__(self) -> str:
        return self.reason
