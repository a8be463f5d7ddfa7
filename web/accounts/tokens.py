"""接口令牌, on a school's host and in the institute's console."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from identity import operations, policies, queries
from identity.choices import TOKEN_FEATURES, TOKEN_SCOPES
from identity.models import ApiToken
from kernel import clock
from kernel.errors import DomainError, NotAllowed
from web.http import PublicRequest, signed_in
from web.shared.pages import go, paginate, render_list

# Which features each side's API serves.
INSTITUTE_FEATURES = ("applications", "schools", "providers", "benchmark", "standards", "identity")
SCHOOL_FEATURES = tuple(f for f in TOKEN_FEATURES if f not in {"applications", "schools", "providers"})
DAYS = [(30, "30 天"), (90, "90 天"), (180, "180 天"), (366, "一年")]


def _url(request: PublicRequest, name: str, *args: Any) -> str:
    return reverse(f"tokens:{name}" if getattr(request, "school", None) else f"institute:tokens:{name}", args=args)


class TokenForm(forms.Form):
    name = forms.CharField(label="名称", max_length=60, help_text="写明用在哪个系统，例如“校园大屏”。")
    scopes = forms.MultipleChoiceField(
        label="权限", widget=forms.CheckboxSelectMultiple, help_text="只勾选用得到的；令牌的权限不会超过您自己的权限。"
    )
    days = forms.TypedChoiceField(label="有效期", coerce=int, choices=DAYS, initial=90)

    def __init__(self, *args: Any, features: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]
            (code, label) for code, label in TOKEN_SCOPES.items() if code.partition(":")[0] in features
        ]


def _row(token: ApiToken) -> dict[str, Any]:
    if token.revoked_at:
        state, label = "revoked", "已撤销"
    elif token.expires_at <= clock.now():
        state, label = "expired", "已过期"
    else:
        state, label = "live", "有效"
    return {
        "token": token,
        "scopes": [TOKEN_SCOPES.get(scope, scope) for scope in token.scopes],
        "state": state,
        "label": label,
        "live": state == "live",
    }


EXAMPLES = {
    "school": "# 左边写查询，点运行或按 Ctrl-Enter；Ctrl-空格有提示。\nquery {\n  me {\n    name\n    roles\n  }\n  places(first: 5) {\n    edges {\n      node {\n        fullName\n      }\n    }\n  }\n}\n",
    "institute": "# 左边写查询，点运行或按 Ctrl-Enter；Ctrl-空格有提示。\nquery {\n  me {\n    name\n    roles\n  }\n}\n",
}


@signed_in
def console(request: PublicRequest) -> HttpResponse:
    """GraphiQL against this host, in the name of the person who looks; only where the schema may be read."""
    if not settings.GRAPHQL_INTROSPECTION:
        raise Http404
    context = {
        "title": "接口控制台",
        "lead": "以您的账号查询和修改本站数据，写入立即生效。",
        "crumbs": [{"label": "接口令牌", "url": _url(request, "index")}, {"label": "接口控制台"}],
        "example": EXAMPLES["school" if getattr(request, "school", None) else "institute"],
    }
    return render(request, "tokens/console.html", context)


@signed_in
def index(request: PublicRequest) -> HttpResponse:
    school = getattr(request, "school", None)
    admin = policies.can_manage_members(request.actor, school.school_id if school else None)
    everybody = admin and request.GET.get("of") == "all"
    page = paginate(request, queries.tokens_of(actor=request.actor, everybody=everybody))
    tabs = [{"label": "我的令牌", "url": _url(request, "index"), "active": not everybody}]
    if admin:
        tabs.append({"label": "全部成员的令牌", "url": _url(request, "index") + "?of=all", "active": everybody})
    return render_list(
        request,
        "tokens/index.html",
        "tokens/_rows.html",
        {
            "title": "接口令牌",
            "console": _url(request, "console") if settings.GRAPHQL_INTROSPECTION else "",
            "lead": "让其他系统以您的名义读写本单位的数据。令牌只对当前站点有效。",
            "page_obj": page,
            "rows": [_row(token) for token in page],
            "tones": {"live": "ok", "expired": "warn", "revoked": "muted"},
            "tabs": tabs,
            "everybody": everybody,
            "base": _url(request, "index"),
            "may_have": policies.can_have_tokens(request.actor),
        },
    )


@never_cache
@signed_in
def new(request: PublicRequest) -> HttpResponse:
    if not policies.can_have_tokens(request.actor):
        raise NotAllowed
    features = SCHOOL_FEATURES if getattr(request, "school", None) else INSTITUTE_FEATURES
    form = TokenForm(request.POST or None, features=features)
    context: dict[str, Any] = {
        "title": "新建接口令牌",
        "crumbs": [{"label": "接口令牌", "url": _url(request, "index")}, {"label": "新建"}],
        "form": form,
        "submit": "生成令牌",
        "cancel": _url(request, "index"),
        "base": _url(request, "index"),
    }
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = operations.create_token(
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                days=form.cleaned_data["days"],
                by=request.actor,
                now=clock.now(),
            )
        except DomainError as refused:
            if refused.field in form.fields:
                form.add_error(refused.field, refused.sentence)
            else:
                context["refused"] = refused.sentence
        else:
            return render(
                request, "tokens/created.html", {**context, "title": "令牌已生成", "token": token, "secret": secret}
            )
    return render(request, "tokens/new.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@signed_in
def revoke(request: PublicRequest, token_id: UUID) -> HttpResponse:
    operations.revoke_token(token_id=token_id, by=request.actor, now=clock.now())
    return go(request, _url(request, "index"), said="令牌已撤销，立即失效")
