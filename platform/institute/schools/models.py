"""The school as the institute knows it. Everything a school does itself lives in its own schema."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from institute.schools.choices import SchoolKind, SchoolStatus
from kernel.ids import new_id
from standards_library.choices import OperatingMode


class School(TenantMixin):
    """A selected school. `schema_name` and `slug` never change once given."""

    auto_create_schema = False
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(_("访问名"), max_length=40, unique=True)
    name = models.CharField(_("学校名称"), max_length=100)
    school_code = models.CharField(_("学校代码"), max_length=10, blank=True)
    credit_code = models.CharField(_("统一社会信用代码"), max_length=18, blank=True)
    kind = models.CharField(_("类型与层次"), max_length=24, choices=SchoolKind.choices)
    region = models.CharField(_("所在省份"), max_length=6, help_text=_("GB/T 2260 两位省级代码"))
    city = models.CharField(_("所在城市"), max_length=40, blank=True)
    mode = models.CharField(_("运营方式"), max_length=12, choices=OperatingMode.choices)
    line_modes = models.JSONField(_("各条线运营方式"), default=dict, blank=True)
    students = models.PositiveIntegerField(_("在校生人数"), default=0)
    staff_count = models.PositiveIntegerField(_("教职工人数"), default=0)
    campuses = models.PositiveSmallIntegerField(_("校区数"), default=1)
    trial = models.BooleanField(_("试运行"), default=True)
    status = models.CharField(_("状态"), max_length=12, choices=SchoolStatus.choices, default=SchoolStatus.APPROVED)
    status_note = models.TextField(_("状态说明"), blank=True)
    status_at = models.DateTimeField(_("状态更新时间"), default=timezone.now)
    application_id = models.UUIDField(null=True, blank=True, unique=True)
    created_at = models.DateTimeField(_("批准时间"), default=timezone.now)
    opened_at = models.DateTimeField(_("开通时间"), null=True, blank=True)

    class Meta:
        verbose_name = _("学校")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=SchoolStatus.values), name="schools_school_status_known"),
            models.CheckConstraint(condition=Q(kind__in=SchoolKind.values), name="schools_school_kind_known"),
            models.CheckConstraint(condition=Q(mode__in=OperatingMode.values), name="schools_school_mode_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Domain(DomainMixin):
    """A host name that leads to a school."""

    class Meta:
        verbose_name = _("域名")
