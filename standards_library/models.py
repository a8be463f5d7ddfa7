"""The standards library: public schema, written by the importer alone, read by the institute and every school.

Everything belongs to an edition; keys are stable over editions. Schools keep `key` + edition and never
a foreign key. A row that left the data file of its edition is `retired`, not deleted: somebody may cite it.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from standards_library.choices import (
    ConfirmedBasis,
    DocumentKind,
    ItemKind,
    MeasureType,
    Op,
    Tier,
    ValueOrigin,
    Verification,
)


class Edition(models.Model):
    """One published state of the library. The current one has the latest `as_of`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(_("版次"), max_length=20, unique=True)  # "2026.11"
    title = models.CharField(max_length=120)
    as_of = models.DateField()
    notes = models.JSONField(default=dict)  # what the words of the file mean, as its authors say
    digest = models.CharField(max_length=64)  # sha256 of the imported content in canonical JSON
    imported_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("版次")
        ordering = ["-as_of", "-key"]

    def __str__(self) -> str:
        return self.key


class Document(models.Model):
    """A law, order, standard or the collected practice of contracts."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="documents")
    key = models.CharField(max_length=80)
    code = models.CharField(_("文号"), max_length=120)
    title = models.CharField(_("名称"), max_length=200)
    issuer = models.CharField(_("发布机关"), max_length=120)
    kind = models.CharField(max_length=20, choices=DocumentKind.choices)
    effective_on = models.DateField(_("施行日期"), null=True)
    status = models.CharField(max_length=20)
    note = models.CharField(max_length=400, blank=True)
    position = models.PositiveIntegerField(default=0)
    retired = models.BooleanField(default=False)
    search = models.TextField(default="")

    class Meta:
        verbose_name = _("文件")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["edition", "key"], name="standards_library_document_once"),
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="standards_library_document_kind"),
        ]

    def __str__(self) -> str:
        return self.title


class Supersession(models.Model):
    """What an older document was replaced by, since when, and how that was verified.

    `document_keys` are the documents of this edition that `new` names, where they are in the library;
    `old_document_keys` those still listed that `old` names (a clause of them, or a text kept for its numbers).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="supersessions")
    old = models.CharField(_("已废止或被替代"), max_length=200)
    new = models.CharField(_("替代文件"), max_length=200)
    effective_on = models.DateField(_("自何日起"), null=True)
    verification = models.CharField(max_length=12, choices=Verification.choices)
    document_keys = models.JSONField(default=list)
    old_document_keys = models.JSONField(default=list)
    position = models.PositiveIntegerField(default=0)
    retired = models.BooleanField(default=False)
    search = models.TextField(default="")

    class Meta:
        verbose_name = _("替代关系")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["edition", "old"], name="standards_library_supersession_once"),
            models.CheckConstraint(
                condition=Q(verification__in=Verification.values), name="standards_library_supersession_verified"
            ),
        ]


class Requirement(models.Model):
    """One thing that must be so, with its clause, its measure, and how sure we are of both.

    `value` is kept as written ("0~8", "07:30"); `number` is the same where it is a number.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="requirements")
    key = models.CharField(max_length=80)
    document = models.ForeignKey(Document, on_delete=models.RESTRICT, related_name="requirements")
    domain = models.CharField(_("领域"), max_length=20)  # domains.DOMAINS
    clause = models.CharField(_("条款"), max_length=80, blank=True)
    kind = models.CharField(max_length=20, choices=DocumentKind.choices)
    text = models.CharField(_("要求"), max_length=300)
    measure_type = models.CharField(max_length=16, choices=MeasureType.choices)
    op = models.CharField(max_length=12, choices=Op.choices)
    value = models.CharField(max_length=40)
    number = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    unit = models.CharField(max_length=40)
    value_origin = models.CharField(max_length=20, choices=ValueOrigin.choices)
    applicability = models.CharField(_("适用条件"), max_length=200, blank=True)
    evidence = models.CharField(_("证据"), max_length=300, blank=True)
    default_deduction = models.DecimalField(_("建议扣分"), max_digits=5, decimal_places=2)
    veto = models.BooleanField(_("一票否决"), default=False)
    verification = models.CharField(max_length=12, choices=Verification.choices)
    confirmed_basis = models.CharField(max_length=16, choices=ConfirmedBasis.choices, blank=True)
    source_note = models.CharField(max_length=400, blank=True)
    tier = models.CharField(max_length=12, choices=Tier.choices)
    position = models.PositiveIntegerField(default=0)
    retired = models.BooleanField(default=False)
    search = models.TextField(default="")  # lower-case words of all of the above and pinyin initials (search.py)

    class Meta:
        verbose_name = _("要求")
        ordering = ["position"]
        indexes = [models.Index(fields=["edition", "domain"], name="standards_library_req_domain")]
        constraints = [
            models.UniqueConstraint(fields=["edition", "key"], name="standards_library_requirement_once"),
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="standards_library_req_kind"),
            models.CheckConstraint(
                condition=Q(value_origin__in=ValueOrigin.values), name="standards_library_req_origin"
            ),
            models.CheckConstraint(
                condition=Q(verification__in=Verification.values), name="standards_library_req_verified"
            ),
            models.CheckConstraint(
                condition=Q(verification=Verification.CONFIRMED) ^ Q(confirmed_basis=""),
                name="standards_library_req_confirmed_has_basis",
            ),
            models.CheckConstraint(condition=Q(tier__in=Tier.values), name="standards_library_req_tier"),
        ]

    def __str__(self) -> str:
        return self.text


class RubricTemplate(models.Model):
    """A scoring sheet of 100 points that a school may adopt. `veto_cap` caps the score once a veto item is hit."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="templates")
    key = models.CharField(max_length=80)
    title = models.CharField(max_length=120)
    period = models.CharField(max_length=12)  # "monthly"
    domains = models.JSONField(default=list)  # keys
    grades = models.JSONField(default=list)  # [{"name": "优秀", "min": "90.00"}], best first
    veto_cap = models.DecimalField(max_digits=5, decimal_places=2)
    scoring = models.JSONField(default=dict)  # the rules in words, as on the printed sheet
    payment_note = models.CharField(max_length=300, blank=True)
    payment_origin = models.CharField(max_length=20, blank=True)
    position = models.PositiveIntegerField(default=0)
    retired = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("评分表范本")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["edition", "key"], name="standards_library_template_once")]

    def __str__(self) -> str:
        return self.title


class TemplateDimension(models.Model):
    """A dimension (维度); the weights of one template add up to 100."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    template = models.ForeignKey(RubricTemplate, on_delete=models.CASCADE, related_name="dimensions")
    key = models.CharField(max_length=80)
    title = models.CharField(max_length=60)
    weight = models.DecimalField(max_digits=5, decimal_places=2)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["template", "key"], name="standards_library_dimension_once")]


class TemplateItem(models.Model):
    """One item; the `max_deduction` of a dimension's items add up to its weight."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    dimension = models.ForeignKey(TemplateDimension, on_delete=models.CASCADE, related_name="items")
    key = models.CharField(max_length=80)
    text = models.CharField(max_length=300)
    kind = models.CharField(max_length=20, choices=ItemKind.choices)
    max_deduction = models.DecimalField(max_digits=5, decimal_places=2)
    deduct_per_occurrence = models.DecimalField(max_digits=5, decimal_places=2)
    deduct_unit = models.CharField(max_length=10)
    veto = models.BooleanField(default=False)
    requirement_keys = models.JSONField(default=list)
    veto_requirement_keys = models.JSONField(default=list)
    evidence = models.CharField(max_length=300, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["dimension", "key"], name="standards_library_item_once"),
            models.CheckConstraint(condition=Q(kind__in=ItemKind.values), name="standards_library_item_kind"),
        ]
