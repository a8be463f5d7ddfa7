"""Applications, their reviewers and sheets, and enquiries: public schema. Accounts are named by id, never by key."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from institute.applications.choices import (
    OPEN,
    ApplicationStatus,
    ConflictKind,
    DocumentKind,
    Ending,
    EnquiryStatus,
    EnquiryTopic,
    KnockKind,
    Verdict,
)
from institute.schools.choices import SchoolKind
from kernel import crypto
from kernel.ids import new_id
from standards_library.choices import OperatingMode
from standards_library.regions import PROVINCES


class Application(models.Model):
    """One school's application. Every answer may be empty while it is a draft; `completeness` says what is missing.

    The contact's phone and mail address are sealed; the blind index finds an application by address.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(_("申报编号"), max_length=20, unique=True)
    status = models.CharField(
        _("状态"), max_length=12, choices=ApplicationStatus.choices, default=ApplicationStatus.DRAFT
    )
    status_at = models.DateTimeField(_("状态更新时间"), default=timezone.now)

    name = models.CharField(_("学校名称"), max_length=100, blank=True)
    school_code = models.CharField(_("学校代码"), max_length=10, blank=True)
    credit_code = models.CharField(_("统一社会信用代码"), max_length=18, blank=True)
    kind = models.CharField(_("类型与层次"), max_length=24, choices=SchoolKind.choices, blank=True)
    region = models.CharField(_("所在省份"), max_length=2, blank=True)
    city = models.CharField(_("所在城市"), max_length=40, blank=True)
    students = models.PositiveIntegerField(_("在校生人数"), null=True, blank=True)
    staff_count = models.PositiveIntegerField(_("教职工人数"), null=True, blank=True)
    campuses = models.PositiveSmallIntegerField(_("校区数"), null=True, blank=True)
    line_modes = models.JSONField(_("各条线运营方式"), default=dict, blank=True)
    provider_names = models.CharField(_("现有物业服务企业"), max_length=300, blank=True)
    statement = models.TextField(_("申报说明"), blank=True)

    contact_name = models.CharField(_("联系人"), max_length=60, blank=True)
    contact_duty = models.CharField(_("职务"), max_length=60, blank=True)
    contact_phone_sealed = models.BinaryField(null=True)
    contact_email_sealed = models.BinaryField(null=True)
    contact_email_index = models.CharField(max_length=64, blank=True, db_index=True)
    email_confirmed_at = models.DateTimeField(_("邮箱确认时间"), null=True, blank=True)
    link_version = models.PositiveIntegerField(default=1)

    created_at = models.DateTimeField(_("创建时间"), default=timezone.now)
    saved_at = models.DateTimeField(_("保存时间"), default=timezone.now)
    submitted_at = models.DateTimeField(_("提交时间"), null=True, blank=True)
    returned_at = models.DateTimeField(_("退回补正时间"), null=True, blank=True)
    returned_items = models.JSONField(_("补正清单"), default=list, blank=True)
    fix_due_on = models.DateField(_("补正期限"), null=True, blank=True)
    fix_reminded_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(_("受理时间"), null=True, blank=True)
    criteria_edition = models.PositiveIntegerField(_("评分标准版本"), null=True, blank=True)
    decided_at = models.DateTimeField(_("决定时间"), null=True, blank=True)
    decision_reason = models.TextField(_("决定理由"), blank=True)
    decided_by_name = models.CharField(_("决定人"), max_length=60, blank=True)
    first_answers = models.JSONField(default=dict, blank=True)  # as first submitted, to show what 补正 changed

    class Meta:
        verbose_name = _("申报")
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["status", "-submitted_at"], name="applications_queue")]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ApplicationStatus.values), name="applications_status_known"),
            models.CheckConstraint(
                condition=Q(kind="") | Q(kind__in=SchoolKind.values), name="applications_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[ApplicationStatus.DRAFT, ApplicationStatus.WITHDRAWN])
                | Q(submitted_at__isnull=False),
                name="applications_submitted_once_sent",
            ),
            models.CheckConstraint(
                condition=~Q(status=ApplicationStatus.RETURNED) | Q(returned_at__isnull=False),
                name="applications_returned_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "rejected", "waitlisted"])
                | (Q(decided_at__isnull=False) & ~Q(decision_reason="")),
                name="applications_decision_has_reason",
            ),
            models.UniqueConstraint(
                fields=["school_code"],
                condition=Q(status__in=sorted(OPEN)) & ~Q(school_code=""),
                name="applications_one_open_per_code",
            ),
            models.UniqueConstraint(
                fields=["credit_code"],
                condition=Q(status__in=sorted(OPEN)) & ~Q(credit_code=""),
                name="applications_one_open_per_credit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def contact_phone(self) -> str:
        return _open(self.contact_phone_sealed, "phone")

    @contact_phone.setter
    def contact_phone(self, value: str) -> None:
        self.contact_phone_sealed = _seal(value, "phone")

    @property
    def contact_email(self) -> str:
        return _open(self.contact_email_sealed, "email")

    @contact_email.setter
    def contact_email(self, value: str) -> None:
        self.contact_email_sealed = _seal(value, "email")
        self.contact_email_index = email_index(value)

    @property
    def region_name(self) -> str:
        return PROVINCES.get(self.region, "")

    @property
    def mode(self) -> OperatingMode | None:
        """The school's mode as a whole: one kind on all its lines, or mixed; None while no line is answered."""
        kinds = {m for m in self.line_modes.values() if m != "none"}
        if not kinds:
            return None
        return OperatingMode(kinds.pop()) if len(kinds) == 1 else OperatingMode.MIXED


def _seal(value: str, column: str) -> bytes | None:
    return crypto.seal(value, schema="public", context=f"applications.contact_{column}") if value else None


def _open(sealed: bytes | memoryview | None, column: str) -> str:
    return crypto.unseal(sealed, schema="public", context=f"applications.contact_{column}") if sealed else ""


def email_index(value: str) -> str:
    """Find equal addresses without reading them; case is not told apart."""
    text = value.strip().lower()
    return crypto.blind_index(text, schema="public", context="applications.contact_email") if text else ""


class ApplicationDocument(models.Model):
    """One file, checked by content. `path` is made from ids alone; `name` is only shown."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="documents")
    kind = models.CharField(_("材料类别"), max_length=12, choices=DocumentKind.choices)
    name = models.CharField(_("文件名"), max_length=120)
    content_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField(_("大小"))
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=200)
    uploaded_at = models.DateTimeField(_("上传时间"), default=timezone.now)

    class Meta:
        verbose_name = _("申报材料")
        ordering = ["kind", "uploaded_at"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="applications_document_kind_known"),
            models.UniqueConstraint(fields=["application", "sha256"], name="applications_document_once"),
        ]

    def __str__(self) -> str:
        return self.name


class CriteriaSet(models.Model):
    """One edition of the scoring criteria. Editions are never changed: a change makes the next one."""

    edition = models.PositiveIntegerField(primary_key=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by_name = models.CharField(max_length=60)

    class Meta:
        verbose_name = _("评分标准")
        ordering = ["-edition"]

    def __str__(self) -> str:
        return f"第 {self.edition} 版"


class Criterion(models.Model):
    """One criterion; the weights of an edition add up to 100."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    set = models.ForeignKey(CriteriaSet, on_delete=models.CASCADE, related_name="criteria")
    code = models.CharField(max_length=32)
    label = models.CharField(_("指标"), max_length=60)
    guidance = models.CharField(_("评分要点"), max_length=400, blank=True)
    weight = models.DecimalField(_("权重"), max_digits=5, decimal_places=2)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("评分指标")
        ordering = ["set", "position"]
        constraints = [
            models.CheckConstraint(condition=Q(weight__gt=0, weight__lte=100), name="applications_criterion_weight"),
            models.UniqueConstraint(fields=["set", "code"], name="applications_criterion_once"),
        ]

    def __str__(self) -> str:
        return self.label


class ReviewerProfile(models.Model):
    """Where a reviewer works and which schools they are tied to: what conflicts are found from."""

    account_id = models.UUIDField(primary_key=True)
    name = models.CharField(_("姓名"), max_length=60)
    employer = models.CharField(_("工作单位"), max_length=100)
    past_schools = models.JSONField(_("曾任职、就读或其他应回避的学校"), default=list, blank=True)
    expertise = models.CharField(_("专业领域"), max_length=200, blank=True)
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("评审专家资料")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Conflict(models.Model):
    """An account that must not see an application, and why. Derived ones are kept in step with the profiles."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="conflicts")
    account_id = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=12, choices=ConflictKind.choices)
    reason = models.CharField(_("说明"), max_length=300, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("回避")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ConflictKind.values), name="applications_conflict_kind_known"),
            models.UniqueConstraint(fields=["application", "account_id", "kind"], name="applications_conflict_once"),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.kind}"


class Assignment(models.Model):
    """A reviewer's task, and their sheet. An ended assignment stays as a trace and counts for nothing."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="assignments")
    account_id = models.UUIDField(db_index=True)
    reviewer_name = models.CharField(_("评审专家"), max_length=60)
    assigned_at = models.DateTimeField(_("指派时间"), default=timezone.now)
    due_on = models.DateField(_("评审期限"), null=True, blank=True)
    submitted_at = models.DateTimeField(_("交卷时间"), null=True, blank=True)
    comment = models.TextField(_("总体意见"), blank=True)
    recommendation = models.CharField(_("建议"), max_length=12, choices=Verdict.choices, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=12, choices=Ending.choices, blank=True)

    class Meta:
        verbose_name = _("评审任务")
        ordering = ["assigned_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "account_id"],
                condition=Q(ended_at__isnull=True),
                name="applications_assignment_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | ~Q(ended_why=""), name="applications_assignment_end_has_why"
            ),
            models.CheckConstraint(
                condition=Q(recommendation="") | Q(recommendation__in=Verdict.values),
                name="applications_recommendation_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer_name} · {self.application_id}"


class ScoreLine(models.Model):
    """Points (0–100, two decimals) of one reviewer on one criterion. Read only through `queries`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="lines")
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="+")
    points = models.DecimalField(max_digits=5, decimal_places=2)
    comment = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("评分")
        ordering = ["criterion__position"]
        constraints = [
            models.UniqueConstraint(fields=["assignment", "criterion"], name="applications_line_once"),
            models.CheckConstraint(
                condition=Q(points__gte=Decimal(0), points__lte=Decimal(100)), name="applications_line_points"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.criterion_id} {self.points}"


class Enquiry(models.Model):
    """A question from the public page. The way to answer is sealed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    topic = models.CharField(_("咨询事项"), max_length=12, choices=EnquiryTopic.choices)
    name = models.CharField(_("称呼"), max_length=60)
    organisation = models.CharField(_("单位"), max_length=100, blank=True)
    email_sealed = models.BinaryField(null=True)
    phone_sealed = models.BinaryField(null=True)
    message = models.TextField(_("内容"))
    status = models.CharField(_("状态"), max_length=12, choices=EnquiryStatus.choices, default=EnquiryStatus.NEW)
    owner_id = models.UUIDField(null=True, blank=True)
    owner_name = models.CharField(_("负责人"), max_length=60, blank=True)
    due_at = models.DateTimeField(_("回复期限"))
    replied_at = models.DateTimeField(_("回复时间"), null=True, blank=True)
    reply = models.TextField(_("回复"), blank=True)
    closed_why = models.CharField(_("关闭原因"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("提交时间"), default=timezone.now)

    class Meta:
        verbose_name = _("咨询")
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["status", "due_at"], name="applications_enquiry_queue")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=EnquiryStatus.values), name="applications_enquiry_status_known"
            ),
            models.CheckConstraint(condition=Q(topic__in=EnquiryTopic.values), name="applications_enquiry_topic_known"),
            models.CheckConstraint(
                condition=~Q(status="answered") | (Q(replied_at__isnull=False) & ~Q(reply="")),
                name="applications_enquiry_answer_is_there",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.topic}"

    @property
    def email(self) -> str:
        return crypto.unseal(self.email_sealed, schema="public", context="enquiry.email") if self.email_sealed else ""

    @email.setter
    def email(self, value: str) -> None:
        self.email_sealed = crypto.seal(value, schema="public", context="enquiry.email") if value else None

    @property
    def phone(self) -> str:
        return crypto.unseal(self.phone_sealed, schema="public", context="enquiry.phone") if self.phone_sealed else ""

    @phone.setter
    def phone(self, value: str) -> None:
        self.phone_sealed = crypto.seal(value, schema="public", context="enquiry.phone") if value else None


class Knock(models.Model):
    """One request of a visitor without an account; `source` is a keyed hash, swept after two days."""

    kind = models.CharField(max_length=12, choices=KnockKind.choices)
    source = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("访问计数")
        indexes = [models.Index(fields=["source", "kind", "at"], name="applications_knock_recent")]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=KnockKind.values), name="applications_knock_kind_known")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%H:%M}"
