"""The school as the institute knows it. Everything a school does itself lives in its own schema."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from institute.schools.choices import SchemaPurpose, SchemaState, SchoolKind, SchoolStatus
from kernel.ids import new_id
from standards_library.choices import OperatingMode
from standards_library.regions import PROVINCES


class School(TenantMixin):
    """A selected school. `schema_name` and `slug` never change once given."""

    auto_create_schema = False
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(_("访问名"), max_length=40, unique=True)
    name = models.CharField(_("学校名称"), max_length=100)
    pinyin = models.CharField(max_length=600, blank=True)  # full pinyin and initials, for search and order
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
    admin_name = models.CharField(_("首位管理员姓名"), max_length=60, blank=True)
    admin_email = models.EmailField(_("首位管理员邮箱"), blank=True)
    admin_invited_at = models.DateTimeField(_("邀请发出时间"), null=True, blank=True)
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

    @property
    def region_name(self) -> str:
        """The province in words."""
        return PROVINCES.get(self.region, self.region)


class Domain(DomainMixin):
    """A host name that leads to a school."""

    class Meta:
        verbose_name = _("域名")


class Blueprint(models.Model):
    """What a fresh school is made of: DDL and seed rows read from the template schema, and what they yield.

    One row per state of the migration files and PostgreSQL version (`key`); made once, read by all.
    """

    key = models.CharField(primary_key=True, max_length=32)
    head = models.CharField(max_length=32)  # the set of migration names a school of this blueprint has
    digests = models.JSONField(default=dict)  # "app.name" → digest of the migration file
    statements = models.JSONField(default=list)
    lines = models.JSONField(default=list)  # catalogue.Shape.lines of the template
    aliases = models.JSONField(default=dict)  # line of a replayed schema → the template's line it stands for
    fingerprint = models.CharField(max_length=32)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("建库脚本")

    def __str__(self) -> str:
        return self.key


class MigrationScript(models.Model):
    """The SQL one migration ran in the template, to be replayed in every school that has not had it."""

    position = models.PositiveIntegerField(unique=True)  # the order in which the template took them
    app = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=32)
    atomic = models.BooleanField(default=True)
    statements = models.JSONField(default=list)
    records = models.JSONField(default=list)  # [app, name] rows of django_migrations it leaves
    refused = models.CharField(max_length=300, blank=True)  # why it cannot be replayed and runs the normal way

    class Meta:
        verbose_name = _("升级脚本")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["app", "name"], name="schools_script_once")]

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"


class SchemaRecord(models.Model):
    """The ledger: one row per schema we made. What it is for, which migrations it has, how the last upgrade went."""

    schema_name = models.CharField(max_length=63, unique=True)
    purpose = models.CharField(max_length=8, choices=SchemaPurpose.choices)
    school = models.OneToOneField(School, null=True, on_delete=models.PROTECT, related_name="record")
    blueprint_key = models.CharField(max_length=32)
    head = models.CharField(max_length=32, db_index=True)
    fingerprint = models.CharField(max_length=32)
    verified_at = models.DateTimeField(null=True)  # when the fingerprint was last read from the catalogue itself
    state = models.CharField(max_length=8, choices=SchemaState.choices, default=SchemaState.CURRENT)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("数据空间台账")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=SchemaState.values), name="schools_record_state_known"),
            models.CheckConstraint(condition=Q(purpose__in=SchemaPurpose.values), name="schools_record_purpose_known"),
            models.CheckConstraint(
                condition=Q(purpose="school", school__isnull=False) | Q(purpose="spare", school__isnull=True),
                name="schools_record_school_named",
            ),
        ]

    def __str__(self) -> str:
        return self.schema_name


class FaceCount(models.Model):
    """How many people's face templates a school keeps: a number that flows up, never whose."""

    school = models.OneToOneField(School, primary_key=True, on_delete=models.PROTECT, related_name="face_count")
    templates = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name = _("人脸特征数量")
