"""Places, parties (contracts and departments), posts, staff, certificates of one school."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from standards_library.choices import OperatingMode, ServiceLine
from tenants.organisation.choices import CertificateKind, PartyKind, PlaceKind, StaffStatus


class Place(models.Model):
    """One node of the tree campus → building → floor → area → point.

    `path` holds the ids from the top down to this row ("a/b/c/"), so a subtree is one prefix search.
    `code` is what the QR code carries; unique in the school, stable for ever.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children", db_index=False
    )
    kind = models.CharField(_("类别"), max_length=8, choices=PlaceKind.choices)
    name = models.CharField(_("名称"), max_length=60)
    code = models.CharField(_("编码"), max_length=24, unique=True)
    path = models.CharField(max_length=400)
    full_name = models.CharField(max_length=200)  # "东校区 / 1号公寓 / 3层"
    pinyin = models.CharField(max_length=300)  # sort and search key; the database sorts by code point
    position = models.PositiveIntegerField(default=0)
    active = models.BooleanField(_("启用"), default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("场所")
        ordering = ["pinyin", "code"]
        indexes = [models.Index(fields=["path"], name="organisation_place_path", opclasses=["varchar_pattern_ops"])]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=PlaceKind.values), name="organisation_place_kind_known"),
            models.UniqueConstraint(
                fields=["parent", "name"], nulls_distinct=False, name="organisation_place_name_once_in_parent"
            ),
        ]

    def __str__(self) -> str:
        return self.full_name


class Party(models.Model):
    """Who answers for a service: a provider's contract or one of the school's departments."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=12, choices=PartyKind.choices)
    name = models.CharField(_("名称"), max_length=120)
    provider_id = models.UUIDField(null=True, db_index=True)  # institute.providers.Provider, for contracts
    active = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("责任单位")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind=PartyKind.CONTRACT) & Q(provider_id__isnull=False))
                | (Q(kind=PartyKind.DEPARTMENT) & Q(provider_id__isnull=True)),
                name="organisation_party_kind_fits",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Department(models.Model):
    """A department of the school: assessed where it runs a service itself, otherwise a supervising office."""

    party = models.OneToOneField(Party, primary_key=True, on_delete=models.CASCADE, related_name="department")
    head = models.CharField(_("负责人"), max_length=40, blank=True)
    phone = models.CharField(_("办公电话"), max_length=30, blank=True)


class Contract(models.Model):
    """A contract with a property company for service lines over a period."""

    party = models.OneToOneField(Party, primary_key=True, on_delete=models.CASCADE, related_name="contract")
    number = models.CharField(_("合同编号"), max_length=60, unique=True)
    lines = models.JSONField(_("服务条线"), default=list)  # ServiceLine codes
    starts_on = models.DateField(_("开始日期"))
    ends_on = models.DateField(_("结束日期"))
    monthly_fee = models.DecimalField(_("月服务费（元）"), max_digits=12, decimal_places=2, null=True, blank=True)
    manager = models.CharField(_("项目负责人"), max_length=40, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="organisation_contract_period")
        ]


class LineSetting(models.Model):
    """How this school runs one service line, and who answers for it."""

    line = models.CharField(_("服务条线"), max_length=12, choices=ServiceLine.choices, unique=True)
    mode = models.CharField(_("运营方式"), max_length=12, choices=OperatingMode.choices)
    party = models.ForeignKey(Party, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        verbose_name = _("服务条线设置")
        ordering = ["line"]
        constraints = [
            models.CheckConstraint(condition=Q(line__in=ServiceLine.values), name="organisation_line_known"),
            models.CheckConstraint(condition=Q(mode__in=OperatingMode.values), name="organisation_line_mode_known"),
        ]


class Post(models.Model):
    """A post (岗位) with its contracted headcount and the certificates it requires."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("岗位名称"), max_length=60)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="posts", db_index=False)
    line = models.CharField(_("服务条线"), max_length=12, choices=ServiceLine.choices)
    place = models.ForeignKey(Place, null=True, blank=True, on_delete=models.SET_NULL)
    headcount = models.PositiveSmallIntegerField(_("合同编制人数"), default=1)
    certificates = models.JSONField(_("所需证书"), default=list)  # CertificateKind codes
    active = models.BooleanField(default=True)
    closed_on = models.DateField(null=True)  # since when it is not: what was contracted before stays contracted

    class Meta:
        verbose_name = _("岗位")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["party", "name"], name="organisation_post_once"),
            models.CheckConstraint(condition=Q(line__in=ServiceLine.values), name="organisation_post_line_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Staff(models.Model):
    """A person who works here. ID card and phone are sealed (kernel.crypto), shown masked, found by blind index."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(_("工号"), max_length=30, unique=True)
    name = models.CharField(_("姓名"), max_length=40)
    pinyin = models.CharField(max_length=120)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="staff")
    post = models.ForeignKey(Post, null=True, blank=True, on_delete=models.SET_NULL, related_name="staff")
    status = models.CharField(max_length=8, choices=StaffStatus.choices, default=StaffStatus.ACTIVE)
    hired_on = models.DateField(_("入职日期"), null=True, blank=True)
    left_on = models.DateField(_("离职日期"), null=True, blank=True)  # the last day of work; may lie ahead
    employment_changed_at = models.DateTimeField(null=True)  # when either of the two dates was last changed
    phone_sealed = models.BinaryField(null=True)
    phone_masked = models.CharField(max_length=20, blank=True)
    phone_index = models.CharField(max_length=64, blank=True, db_index=True)
    id_card_sealed = models.BinaryField(null=True)
    id_card_masked = models.CharField(max_length=20, blank=True)
    id_card_index = models.CharField(max_length=64, null=True, unique=True)
    account_id = models.UUIDField(null=True)  # one person's rows at several parties share one login
    forget_on = models.DateField(_("个人信息删除日期"), null=True, blank=True)  # set when the person leaves
    forgotten_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("员工")
        ordering = ["pinyin", "number"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=StaffStatus.values), name="organisation_staff_status_known"),
            models.CheckConstraint(
                condition=~Q(status=StaffStatus.LEFT) | Q(left_on__isnull=False), name="organisation_staff_left_dated"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Certificate(models.Model):
    """A certificate of a person. `review_on` is the next review (复审), `expires_on` the end of validity."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="certificates")
    kind = models.CharField(_("证书类别"), max_length=16, choices=CertificateKind.choices)
    number = models.CharField(_("证书编号"), max_length=60)
    issued_on = models.DateField(_("发证日期"))
    review_on = models.DateField(_("下次复审日期"), null=True, blank=True)
    expires_on = models.DateField(_("有效期至"), null=True, blank=True)
    scan_id = models.UUIDField(null=True, blank=True)  # evidence

    class Meta:
        verbose_name = _("证书")
        ordering = ["expires_on"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=CertificateKind.values), name="organisation_certificate_kind"),
            models.UniqueConstraint(fields=["kind", "number"], name="organisation_certificate_once"),
        ]


class CertificateNotice(models.Model):
    """That the end of a certificate was told `stage` days ahead (0: after it): each stage once per end."""

    id = models.BigAutoField(primary_key=True)
    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="notices", db_index=False)
    last_day = models.DateField()
    stage = models.PositiveSmallIntegerField()
    told_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("证书提醒")
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "last_day", "stage"], name="organisation_certificate_told_once"
            ),
            models.CheckConstraint(
                condition=Q(stage__in=[0, 7, 30, 60, 90]), name="organisation_certificate_stage_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.certificate_id} {self.stage}"
