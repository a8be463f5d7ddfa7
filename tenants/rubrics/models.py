"""Rubrics (评分标准) adopted from the library or written by the school; every item keeps its provenance."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from tenants.rubrics.choices import Period, RubricStatus


class Rubric(models.Model):
    """A scoring sheet of 100 points in sections. An edited active rubric gets a new `revision`.

    `decided` remembers, per change of a later library edition ("item:<key>", "section:<key>", "sheet"),
    up to which edition the school has answered; see `comparison.py`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    title = models.CharField(_("名称"), max_length=120)
    status = models.CharField(max_length=8, choices=RubricStatus.choices, default=RubricStatus.DRAFT)
    revision = models.PositiveIntegerField(default=1)
    period = models.CharField(_("周期"), max_length=12, choices=Period.choices, default=Period.MONTHLY)
    template_key = models.CharField(max_length=80, blank=True)  # standards_library.RubricTemplate.key
    edition = models.CharField(max_length=20, blank=True)
    grades = models.JSONField(default=list)  # [{"name": "优秀", "min": "90.00"}], best first
    veto_cap = models.DecimalField(max_digits=5, decimal_places=2, default="59.99")  # a veto caps the score here
    payment_note = models.CharField(_("付款建议"), max_length=300, blank=True)
    lines = models.JSONField(default=list)  # ServiceLine codes it fits
    decided = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("评分标准")
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=RubricStatus.values), name="rubrics_rubric_status_known"),
            models.CheckConstraint(condition=Q(period__in=Period.values), name="rubrics_rubric_period_known"),
            models.UniqueConstraint(
                fields=["title"], condition=~Q(status=RubricStatus.RETIRED), name="rubrics_rubric_title_once"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Section(models.Model):
    """A part of the sheet; the weights of all sections add up to 100. `removed_in`: the revision that dropped it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rubric = models.ForeignKey(Rubric, on_delete=models.CASCADE, related_name="sections")
    title = models.CharField(_("维度"), max_length=60)
    weight = models.DecimalField(_("分值"), max_digits=5, decimal_places=2)
    position = models.PositiveSmallIntegerField(default=0)
    template_key = models.CharField(max_length=80, blank=True)
    edition = models.CharField(max_length=20, blank=True)
    changed_here = models.BooleanField(default=False)
    removed_in = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(weight__gt=0) & Q(weight__lte=100), name="rubrics_section_weight")
        ]


class Item(models.Model):
    """One thing to look at: how, for how many points, what one fault costs, and on what basis.

    Ids are stable over revisions; an item that was dropped keeps its row (findings refer to it) with
    `removed_in` set to the revision that dropped it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    section = models.ForeignKey(Section, on_delete=models.CASCADE, related_name="items")
    text = models.CharField(_("检查内容"), max_length=300)
    method = models.CharField(_("检查方法"), max_length=300, blank=True)
    points = models.DecimalField(_("分值"), max_digits=5, decimal_places=2)  # at most this much can be lost
    per_fault = models.DecimalField(_("每次扣分"), max_digits=5, decimal_places=2)
    fault_unit = models.CharField(_("扣分单位"), max_length=10, default="处")
    veto = models.BooleanField(_("一票否决"), default=False)
    requirement_keys = models.JSONField(default=list)  # standards_library.Requirement.key
    veto_requirement_keys = models.JSONField(default=list)
    basis = models.CharField(_("其他依据"), max_length=300, blank=True)  # contract clause or the school's own rule
    edition = models.CharField(max_length=20, blank=True)
    template_key = models.CharField(max_length=80, blank=True)  # where it came from; empty: the school's own
    changed_here = models.BooleanField(default=False)  # the school edited it after adoption
    position = models.PositiveSmallIntegerField(default=0)
    good_photo_id = models.UUIDField(null=True)  # evidence: what "pass" looks like
    bad_photo_id = models.UUIDField(null=True)
    removed_in = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0) & Q(per_fault__gt=0), name="rubrics_item_points")
        ]

    def __str__(self) -> str:
        return self.text


class RubricRevision(models.Model):
    """What an active rubric said, whole, from `made_at` until the next revision. Never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rubric = models.ForeignKey(Rubric, on_delete=models.CASCADE, related_name="revisions", db_index=False)
    revision = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)  # sha256 of RubricContract.as_json()
    content = models.JSONField()
    note = models.CharField(max_length=300)  # what changed, in one sentence
    actor_name = models.CharField(max_length=60)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-revision"]
        constraints = [models.UniqueConstraint(fields=["rubric", "revision"], name="rubrics_revision_once")]
