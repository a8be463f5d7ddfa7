"""Rubrics (评分标准) adopted from the library or written by the school; every item keeps its provenance."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id


class RubricStatus(models.TextChoices):
    DRAFT = "draft", _("编辑中")
    ACTIVE = "active", _("启用")
    RETIRED = "retired", _("停用")


class Rubric(models.Model):
    """A scoring sheet of 100 points in sections. An edited active rubric gets a new `revision`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    title = models.CharField(_("名称"), max_length=120)
    status = models.CharField(max_length=8, choices=RubricStatus.choices, default=RubricStatus.DRAFT)
    revision = models.PositiveIntegerField(default=1)
    period = models.CharField(_("周期"), max_length=12, default="monthly")
    template_key = models.CharField(max_length=80, blank=True)  # standards_library.RubricTemplate.key
    edition = models.CharField(max_length=20, blank=True)
    grades = models.JSONField(default=list)  # [{"name": "优秀", "min": "90.00"}], best first
    veto_cap = models.DecimalField(max_digits=5, decimal_places=2, default="59.99")  # a veto caps the score here
    lines = models.JSONField(default=list)  # ServiceLine codes it fits
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("评分标准")
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=RubricStatus.values), name="rubrics_rubric_status_known")
        ]

    def __str__(self) -> str:
        return self.title


class Section(models.Model):
    """A part of the sheet; the weights of all sections add up to 100."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rubric = models.ForeignKey(Rubric, on_delete=models.CASCADE, related_name="sections")
    title = models.CharField(_("维度"), max_length=60)
    weight = models.DecimalField(_("分值"), max_digits=5, decimal_places=2)
    position = models.PositiveSmallIntegerField(default=0)
    template_key = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(weight__gt=0) & Q(weight__lte=100), name="rubrics_section_weight")
        ]


class Item(models.Model):
    """One thing to look at: how, for how many points, what one fault costs, and on what basis."""

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
    edition = models.CharField(max_length=20, blank=True)
    template_key = models.CharField(max_length=80, blank=True)  # where it came from; empty: the school's own
    changed_here = models.BooleanField(default=False)  # the school edited it after adoption
    position = models.PositiveSmallIntegerField(default=0)
    good_photo_id = models.UUIDField(null=True)  # evidence: what "pass" looks like
    bad_photo_id = models.UUIDField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0) & Q(per_fault__gt=0), name="rubrics_item_points")
        ]

    def __str__(self) -> str:
        return self.text
