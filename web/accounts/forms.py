"""Sign-in forms with Chinese labels. They check shape only; allauth and identity's operations decide."""

from typing import Any

from allauth.account.forms import (
    ChangePasswordForm as AllauthChangePasswordForm,
)
from allauth.account.forms import (
    LoginForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
)
from allauth.account.forms import (
    ReauthenticateForm as AllauthReauthenticateForm,
)
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as MfaReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms

from identity import queries

_RULES = "至少 8 个字符，不能全是数字，不要用常见密码或与姓名、登录名相近的内容。"


def _relabel(form: forms.BaseForm, **labels: str) -> None:
    for name, label in labels.items():
        if name in form.fields:
            form.fields[name].label = label
            form.fields[name].widget.attrs.pop("placeholder", None)


class SignInForm(LoginForm):  # type: ignore[misc]
    """Login name or mail address; on a school's own host the staff number alone is enough."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        school = getattr(self.request, "school", None)
        _relabel(
            self,
            login="登录名、邮箱或工号" if school else "登录名或邮箱",
            password="密码",  # noqa: S106
            remember="在这台设备上保持登录两周",
        )
        self.fields["password"].help_text = ""
        self.fields["login"].widget.attrs.update({"autocomplete": "username", "autocapitalize": "none"})

    def user_credentials(self) -> dict[str, Any]:
        credentials: dict[str, Any] = super().user_credentials()
        school = getattr(self.request, "school", None)
        account = queries.account_by_login(self.cleaned_data["login"], slug=school.slug if school else None)
        if account is None:
            return credentials
        return {"username": account.username, "password": credentials["password"]}


class ForgottenForm(ResetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _relabel(self, email="账号邮箱")


class NewPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _relabel(self, password1="新密码", password2="再输入一遍新密码")
        self.fields["password1"].help_text = _RULES


class ChangePasswordForm(AllauthChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _relabel(self, oldpassword="当前密码", password1="新密码", password2="再输入一遍新密码")
        self.fields["password1"].help_text = _RULES


class ReauthenticateForm(AllauthReauthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _relabel(self, password="密码")  # noqa: S106


class SecondFactorForm(AuthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _relabel(self, code="验证码或恢复码")


class SecondFactorAgainForm(MfaReauthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _relabel(self, code="验证码或恢复码")


class ActivateForm(ActivateTOTPForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _relabel(self, code="验证器上的 6 位数字")


class JoinForm(forms.Form):
    """Who accepts an invitation and has no account yet."""

    name = forms.CharField(label="姓名", max_length=60)
    username = forms.CharField(
        label="登录名",
        min_length=3,
        max_length=60,
        help_text="以后用它或邮箱登录。3 到 60 个字符，不含空格、@ 和斜杠。",
    )
    password = forms.CharField(
        label="密码",
        strip=False,
        help_text=_RULES,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="再输入一遍密码", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("password", again):
            raise forms.ValidationError("两次输入的密码不一致。")
        return again
