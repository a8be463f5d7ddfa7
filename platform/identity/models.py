"""Accounts, sessions, memberships and tokens: public schema only. No foreign key reaches another feature."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from identity.choices import Role
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
                fields=["account", "school_id", "role", "provider_id"],
                nulls_distinct=False,
                name="identity_membership_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.role} {self.school_id or 'institute'}"
