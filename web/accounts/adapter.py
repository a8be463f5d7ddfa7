"""How allauth is told about our house: no sign-up, mail through the outbox, secrets sealed."""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from identity import mail
from identity.models import Account
from kernel import crypto
from web.accounts import lockout

_WHERE = {"schema": "public", "context": "mfa_authenticator.data"}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts come by invitation only."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "登录名或密码不正确，请检查后重试；忘记密码可以用邮箱找回。",
        "email_password_mismatch": "邮箱或密码不正确，请检查后重试；忘记密码可以用邮箱找回。",
        "too_many_login_attempts": "尝试次数过多，请 1 分钟后再试。",
        "rate_limited": "操作太频繁，请稍后再试。",
        "incorrect_password": "密码不正确。",
        "enter_current_password": "请输入当前密码。",
        "invalid_password_reset": "重置链接无效或已过期，请重新申请。",
        "unknown_email": "没有使用这个邮箱的账号。",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        user = super().authenticate(request, **credentials)
        if user:
            lockout.right_password(request)
        return user

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Put the mail into the outbox instead of speaking to a server within the request."""
        message = self.render_mail(template_prefix, email, {"request": self.request, "email": email, **context})
        mail.send_on_commit(
            to=email,
            subject=message.subject,
            body=str(message.body),
            tenant=getattr(self.request, "school", None),
        )

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Account,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell about a change of the account at the account's own address, where it has one."""
        if email or user.email:
            super().send_notification_mail(template_prefix, user, context, email=email or user.email)

    def is_safe_url(self, url: str | None) -> bool:
        """Only this host: another school's host is reached by a hand-over, never by `next`."""
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """allauth's toasts ("signed in as …") say nothing people need."""


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of the second factor are sealed at rest."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "验证码不正确，请输入验证器上最新的 6 位数字，或一个没用过的恢复码。",
        "cannot_generate_recovery_codes": "请先启用两步验证，再生成恢复码。",
    }

    def encrypt(self, text: str) -> str:
        return base64.b64encode(crypto.seal(text, **_WHERE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.unseal(base64.b64decode(encrypted_text), **_WHERE)
