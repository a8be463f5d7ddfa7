"""成员管理, on a school's host and in the institute's console: who may act as what, and inviting people."""

import csv
from io import StringIO
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from identity import operations, policies, queries
from identity.choices import Role
from identity.models import Membership
from institute.providers import queries as providers
from kernel import clock
from kernel.errors import DomainError, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.organisation import queries as organisation
from web.http import PublicRequest, signed_in
from web.shared.pages import go, paginate, render_list

ROLE_HELP = {
    Role.SCHOOL_ADMIN: "管理成员、组织、标准和全部设置",
    Role.SCHOOL_LEADER: "查看全部数据，授权研究院",
    Role.SCHOOL_SUPERVISOR: "巡查、复查、评分",
    Role.FRONTLINE: "现场整改和上报",
    Role.PROVIDER_MANAGER: "只看本企业的问题、扣分和整改",
}


def _school(request: PublicRequest) -> Tenant | None:
    return getattr(request, "school", None)


def _school_id(request: PublicRequest) -> UUID | None:
    school = _school(request)
    return school.school_id if school else None


def _url(request: PublicRequest, name: str, *args: Any) -> str:
    return reverse(f"members:{name}" if _school(request) else f"institute:members:{name}", args=args)


def _roles(request: PublicRequest) -> list[tuple[str, str]]:
    rows = policies.roles_of_space(_school_id(request))
    return [(role.value, str(role.label)) for role in Role if role in rows]


def _providers(request: PublicRequest) -> list[tuple[str, str]]:
    """The companies that have a contract with this school."""
    if _school(request) is None:
        return []
    ids = {row.party.provider_id for row in organisation.contracts(by=request.actor) if row.party.provider_id}
    return sorted(((str(pk), ref.name) for pk, ref in providers.providers_by_id(ids).items()), key=lambda row: row[1])


class MemberFilter(forms.Form):
    search = forms.CharField(label="姓名、登录名或邮箱", required=False)
    role = forms.ChoiceField(label="角色", required=False)
    active = forms.ChoiceField(
        label="状态", required=False, choices=[("", "全部"), ("yes", "使用中"), ("no", "已停用")]
    )

    def __init__(self, *args: Any, roles: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [("", "全部"), *roles]  # type: ignore[attr-defined]


class RoleForm(forms.Form):
    """A role, and the company of a property company's manager."""

    role = forms.ChoiceField(label="角色")
    provider = forms.ChoiceField(
        label="所属物业企业", required=False, help_text="只有“物业企业负责人”需要选择；列表来自本校的服务合同。"
    )

    def __init__(
        self, *args: Any, roles: list[tuple[str, str]], providers: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        help_of = [f"{label}：{ROLE_HELP[Role(code)]}" for code, label in roles if Role(code) in ROLE_HELP]
        self.fields["role"].choices = roles  # type: ignore[attr-defined]
        self.fields["role"].help_text = "；".join(help_of)
        if any(code == Role.PROVIDER_MANAGER for code, _label in roles):
            self.fields["provider"].choices = [("", "—"), *providers]  # type: ignore[attr-defined]
        else:
            del self.fields["provider"]

    def provider_id(self) -> UUID | None:
        chosen = self.cleaned_data.get("provider")
        return UUID(chosen) if chosen else None


class InviteForm(RoleForm):
    name = forms.CharField(label="姓名", max_length=60)
    email = forms.EmailField(label="邮箱", help_text="邀请链接会发到这个邮箱，七天内有效。")
    field_order = ["name", "email", "role", "provider"]


def _fill(form: forms.Form, refused: DomainError, context: dict[str, Any]) -> None:
    if refused.field in form.fields:
        form.add_error(refused.field, refused.sentence)
    else:
        context["refused"] = refused.sentence


def _tabs(request: PublicRequest, active: str) -> list[dict[str, Any]]:
    waiting = queries.invitations_of(actor=request.actor, school_id=_school_id(request)).count()
    return [
        {"label": "成员", "url": _url(request, "index"), "active": active == "index"},
        {
            "label": "待接受的邀请",
            "url": _url(request, "invitations"),
            "active": active == "invitations",
            "count": waiting,
        },
    ]


def _rows(request: PublicRequest, form: MemberFilter) -> Any:
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    return queries.members_of(
        actor=request.actor,
        school_id=_school_id(request),
        search=chosen.get("search", ""),
        role=chosen.get("role", ""),
        active={"yes": True, "no": False}.get(chosen.get("active", "")),
    )


def _with_companies(rows: list[Membership]) -> list[dict[str, Any]]:
    names = providers.providers_by_id({row.provider_id for row in rows if row.provider_id})
    return [
        {
            "row": row,
            "company": names[row.provider_id].name if row.provider_id in names else "",
            "on_paper": row.role == Role.FRONTLINE and not row.account.email,
        }
        for row in rows
    ]


@signed_in
def index(request: PublicRequest) -> HttpResponse:
    form = MemberFilter(request.GET or None, roles=_roles(request))
    page = paginate(request, _rows(request, form))
    return render_list(
        request,
        "members/index.html",
        "members/_rows.html",
        {
            "title": "成员管理",
            "lead": "谁能以什么身份使用平台。成员凭邀请加入，离岗请及时停用。",
            "form": form,
            "page_obj": page,
            "rows": _with_companies(list(page)),
            "tabs": _tabs(request, "index"),
            "base": _url(request, "index"),
        },
    )


@signed_in
def export(request: PublicRequest) -> HttpResponse:
    """The filtered list as CSV that Excel opens (UTF-8 with BOM); cells that look like formulas are defused."""
    form = MemberFilter(request.GET or None, roles=_roles(request))
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(["姓名", "登录名", "邮箱", "角色", "所属企业", "两步验证", "状态", "加入日期"])
    for item in _with_companies(list(_rows(request, form))):
        row = item["row"]
        cells = [
            row.account.name,
            row.account.username,
            row.account.email,
            str(Role(row.role).label),
            item["company"],
            "已启用" if row.second_factor else "未启用",
            "使用中" if row.active else "已停用",
            row.created_at.astimezone(clock.SHANGHAI).date().isoformat(),
        ]
        writer.writerow([f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell for cell in cells])
    answer = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = "attachment; filename*=UTF-8''%E6%88%90%E5%91%98.csv"
    return answer


@signed_in
def invitations(request: PublicRequest) -> HttpResponse:
    search = request.GET.get("search", "")
    page = paginate(request, queries.invitations_of(actor=request.actor, school_id=_school_id(request), search=search))
    now = clock.now()
    return render_list(
        request,
        "members/invitations.html",
        "members/_invitations.html",
        {
            "title": "成员管理",
            "lead": "已发出、还没有人接受的邀请。",
            "page_obj": page,
            "rows": [{"row": row, "role": Role(row.role).label, "expired": row.expires_at <= now} for row in page],
            "tabs": _tabs(request, "invitations"),
            "base": _url(request, "index"),
        },
    )


@signed_in
def invite(request: PublicRequest) -> HttpResponse:
    if not policies.can_manage_members(request.actor, _school_id(request)):
        raise NotAllowed
    form = InviteForm(request.POST or None, roles=_roles(request), providers=_providers(request))
    context: dict[str, Any] = {
        "title": "邀请成员",
        "crumbs": [{"label": "成员管理", "url": _url(request, "index")}, {"label": "邀请成员"}],
        "form": form,
        "submit": "发送邀请",
        "cancel": _url(request, "index"),
    }
    if request.method != "POST":
        return render(request, "members/form.html", context)
    if form.is_valid():
        try:
            operations.invite(
                email=form.cleaned_data["email"],
                name=form.cleaned_data["name"],
                role=Role(form.cleaned_data["role"]),
                provider_id=form.provider_id(),
                tenant=_school(request),
                by=request.actor,
                now=clock.now(),
            )
        except DomainError as refused:
            _fill(form, refused, context)
        else:
            return go(request, _url(request, "invitations"), said=f"邀请已发送到 {form.cleaned_data['email']}")
    return render(request, "components/form.html", context, status=422)


@require_POST
@signed_in
def resend(request: PublicRequest, invitation_id: UUID) -> HttpResponse:
    operations.resend_invitation(
        invitation_id=invitation_id, tenant=_school(request), by=request.actor, now=clock.now()
    )
    return go(request, _url(request, "invitations"), said="已重新发送，旧链接已失效")


@require_POST
@signed_in
def revoke(request: PublicRequest, invitation_id: UUID) -> HttpResponse:
    operations.revoke_invitation(
        invitation_id=invitation_id, tenant=_school(request), by=request.actor, now=clock.now()
    )
    return go(request, _url(request, "invitations"), said="邀请已撤销")


@signed_in
def role(request: PublicRequest, membership_id: UUID) -> HttpResponse:
    row = queries.members_of(actor=request.actor, school_id=_school_id(request)).filter(pk=membership_id).first()
    if row is None:
        raise NotFound
    form = RoleForm(
        request.POST or None,
        initial={"role": row.role, "provider": str(row.provider_id or "")},
        roles=_roles(request),
        providers=_providers(request),
    )
    context: dict[str, Any] = {
        "title": f"更改 {row.account.name} 的角色",
        "crumbs": [{"label": "成员管理", "url": _url(request, "index")}, {"label": "更改角色"}],
        "form": form,
        "submit": "保存",
        "cancel": _url(request, "index"),
    }
    if request.method != "POST":
        return render(request, "members/form.html", context)
    if form.is_valid():
        try:
            operations.change_role(
                membership_id=membership_id,
                role=Role(form.cleaned_data["role"]),
                provider_id=form.provider_id(),
                tenant=_school(request),
                by=request.actor,
                now=clock.now(),
            )
        except DomainError as refused:
            _fill(form, refused, context)
        else:
            return go(request, _url(request, "index"), said="角色已更改，立即生效")
    return render(request, "components/form.html", context, status=422)


def _change(request: PublicRequest, membership_id: UUID, what: Any, said: str) -> HttpResponse:
    try:
        what(membership_id=membership_id, tenant=_school(request), by=request.actor, now=clock.now())
    except (operations.LastAdmin, operations.NotYourself) as refused:
        return go(request, _url(request, "index"), said=refused.sentence, tone="bad")
    return go(request, _url(request, "index"), said=said)


@require_POST
@signed_in
def deactivate(request: PublicRequest, membership_id: UUID) -> HttpResponse:
    return _change(request, membership_id, operations.deactivate_member, "已停用，立即生效")


@require_POST
@signed_in
def reactivate(request: PublicRequest, membership_id: UUID) -> HttpResponse:
    return _change(request, membership_id, operations.reactivate_member, "已恢复")


@require_POST
@never_cache
@signed_in
def password(request: PublicRequest, membership_id: UUID) -> HttpResponse:
    """A new initial password for a frontline worker without a mail address: shown once, to be written down."""
    school = _school(request)
    if school is None:
        raise NotFound
    credential = operations.reset_password(
        membership_id=membership_id, tenant=school, by=request.actor, now=clock.now()
    )
    return render(
        request,
        "members/password.html",
        {
            "title": "初始密码已重置",
            "credential": credential,
            "crumbs": [{"label": "成员管理", "url": _url(request, "index")}, {"label": "重置密码"}],
            "base": _url(request, "index"),
        },
    )
