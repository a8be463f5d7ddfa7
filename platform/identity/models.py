"""Accounts, sessions, memberships and tokens: public schema only. No foreign key reaches another feature."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from identity.choices import MailState, Role
from kernel.ids import new_id


class AccountManager(BaseUserManager["Account"]):
    def create_user(self, username: str, password: str | None = None, **fields: Any) -> Account:
        account = self.model(username=username, **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def get_by_natural_key(self, username: str | None) -> Account:
        return self.get(username__iexact=username)


class Account(AbstractBaseUser):
    """One person's login, whatever the number of schools they act in."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    username = models.CharField(_("登录名"), max_length=150, unique=True)
    name = models.CharField(_("姓名"), max_length=60)
    email = models.EmailField(_("邮箱"), blank=True)
    is_active = models.BooleanField(_("启用"), default=True)
    initial_password = models.BooleanField(_("初始密码未改"), default=False)
    session_epoch = models.PositiveIntegerField(default=0)  # raised to end every session of the account
    created_at = models.DateTimeField(_("注册时间"), default=timezone.now)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = AccountManager()

    class Meta:
        verbose_name = _("账号")
        constraints = [
            models.UniqueConstraint(Lower("email"), condition=~Q(email=""), name="identity_account_email_once")
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """As Django's, with the epoch: a new password or a raised epoch ends every session on every host."""
        return salted_hmac(
            "identity.Account.session", f"{self.password}|{self.session_epoch}", secret=secret, algorithm="sha256"
        ).hexdigest()


class Membership(models.Model):
    """Account × space × role. `school_id` is empty for the institute; ids point across features on purpose."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    school_id = models.UUIDField(null=True, blank=True, db_index=True)
    role = models.CharField(max_length=32, choices=Role.choices)
    provider_id = models.UUIDField(null=True, blank=True)
    staff_id = models.UUIDField(null=True, blank=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name = _("成员身份")
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="identity_membership_role_known"),
            models.CheckConstraint(
                condition=(Q(role__startswith="institute_") & Q(school_id__isnull=True))
                | (~Q(role__startswith="institute_") & Q(school_id__isnull=False)),
                name="identity_membership_side",
            ),
            models.CheckConstraint(
                condition=~Q(role=Role.PROVIDER_MANAGER) | Q(provider_id__isnull=False),
                name="identity_membership_provider_named",
            ),
            models.UniqueConstraint(
                fields=["account", "school_id", "role", "provider_id", "staff_id"],
                nulls_distinct=False,
                name="identity_membership_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.role} {self.school_id or 'institute'}"


class Invitation(models.Model):
    """An open hand to act in a space. The token itself is in the mail only; here stands its SHA-256."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    school_id = models.UUIDField(null=True, blank=True, db_index=True)
    email = models.EmailField(_("邮箱"))
    name = models.CharField(_("姓名"), max_length=60)
    role = models.CharField(max_length=32, choices=Role.choices)
    provider_id = models.UUIDField(null=True, blank=True)
    staff_id = models.UUIDField(null=True, blank=True)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.UUIDField(null=True)  # account; empty when the platform itself invites
    invited_by_name = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(default=timezone.now)
    times_sent = models.PositiveSmallIntegerField(default=1)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("邀请")
        ordering = ["-sent_at"]
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="identity_invitation_role_known"),
            models.CheckConstraint(
                condition=(Q(role__startswith="institute_") & Q(school_id__isnull=True))
                | (~Q(role__startswith="institute_") & Q(school_id__isnull=False)),
                name="identity_invitation_side",
            ),
            models.CheckConstraint(
                condition=~Q(role=Role.PROVIDER_MANAGER) | Q(provider_id__isnull=False),
                name="identity_invitation_provider_named",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} {self.role}"


class Ticket(models.Model):
    """A hand-over from one host to another: lives seconds, works once, only where and for whom it was made."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    token_hash = models.CharField(max_length=64, unique=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    target_host = models.CharField(max_length=253)
    browser_hash = models.CharField(max_length=64)  # of the nonce in the cookie of the browser that asked
    next_path = models.CharField(max_length=500)
    methods = models.JSONField(default=list)  # allauth's record of how the person signed in
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("换站凭证")


class AccessGrant(models.Model):
    """A school lets the institute read detail: what, from when to when (both days included), and why."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    school_id = models.UUIDField(db_index=True)
    scopes = models.JSONField(_("授权范围"))  # GrantScope codes
    starts_on = models.DateField(_("开始日期"))
    ends_on = models.DateField(_("结束日期"))
    reason = models.CharField(_("授权事由"), max_length=200)
    granted_by = models.UUIDField()
    granted_by_name = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        verbose_name = _("数据查看授权")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="identity_grant_period"),
            models.CheckConstraint(condition=~Q(scopes=[]), name="identity_grant_scoped"),
        ]


class ApiToken(models.Model):
    """A key for a program, in the name of an account, in one space. Only its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    school_id = models.UUIDField(null=True, blank=True, db_index=True)
    name = models.CharField(_("名称"), max_length=60)
    prefix = models.CharField(max_length=16)  # what people see to tell tokens apart
    token_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(_("权限范围"))
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("接口令牌")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} {self.prefix}"


class Limit(models.Model):
    """A counter of the rate limits, shared by all processes (`kernel.shared_cache`); it lives minutes."""

    key = models.CharField(max_length=250, primary_key=True)
    value = models.TextField()  # JSON
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("频率限制")

    def __str__(self) -> str:
        return self.key


class Mail(models.Model):
    """The outbox: a mail exists when its transaction commits. Its text is sealed, and wiped once sent."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    body_sealed = models.BinaryField()
    school_id = models.UUIDField(null=True)
    state = models.CharField(max_length=8, choices=MailState.choices, default=MailState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=80, blank=True)  # kind of failure only, never the server's words

    class Meta:
        verbose_name = _("邮件")
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state=MailState.QUEUED), name="identity_mail_due")
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=MailState.values), name="identity_mail_state_known")
        ]
