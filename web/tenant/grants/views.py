"""Granting the institute a look, taking it back, and seeing what was read."""

from datetime import timedelta
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from identity import operations, policies, queries
from identity.choices import GrantScope
from identity.models import AccessGrant
from kernel import clock
from kernel.errors import DomainError, NotAllowed
from tenants.timeline import queries as timeline
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, paginate, render_list
from web.tenant.grants.forms import GrantForm


def _row(grant: AccessGrant) -> dict[str, object]:
    today = clock.now().astimezone(clock.SHANGHAI).date()
    if grant.revoked_at:
        state, label = "revoked", f"已收回（{grant.revoked_by_name}）"
    elif grant.ends_on < today:
        state, label = "over", "已到期"
    elif grant.starts_on > today:
        state, label = "ahead", "未开始"
    else:
        state, label = "live", "有效"
    return {
        "grant": grant,
        "scopes": [GrantScope(scope).label for scope in grant.scopes],
        "state": state,
        "label": label,
        "open": state in {"live", "ahead"},
    }


@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    page = paginate(request, queries.grants_of(actor=request.actor, school_id=request.school.school_id))
    return render_list(
        request,
        "grants/index.html",
        "grants/_rows.html",
        {
            "title": "授权研究院查看",
            "lead": "未经授权，研究院看不到本校的任何明细。每次查看都会记在本校时间线上。",
            "page_obj": page,
            "rows": [_row(grant) for grant in page],
            "tones": {"live": "ok", "ahead": "info", "over": "muted", "revoked": "muted"},
            "may_manage": policies.can_manage_grants(request.actor, request.school.school_id),
            "tabs": _tabs("grants:index"),
        },
    )


def _tabs(active: str) -> list[dict[str, object]]:
    return [
        {"label": label, "url": reverse(name), "active": name == active}
        for label, name in (("授权", "grants:index"), ("查看记录", "grants:reads"))
    ]


@signed_in
def reads(request: SchoolRequest) -> HttpResponse:
    """Every read under a grant, newest first."""
    if not policies.can_see_grants(request.actor, request.school.school_id):
        raise NotAllowed
    return render_list(
        request,
        "grants/reads.html",
        "grants/_reads.html",
        {
            "title": "授权研究院查看",
            "lead": "研究院每一次查看本校明细的记录。",
            "page_obj": paginate(request, timeline.events_with_verb("grant.read")),
            "tabs": _tabs("grants:reads"),
        },
    )


@signed_in
def new(request: SchoolRequest) -> HttpResponse:
    if not policies.can_manage_grants(request.actor, request.school.school_id):
        raise NotAllowed
    today = clock.now().astimezone(clock.SHANGHAI).date()
    form = GrantForm(request.POST or None, initial={"starts_on": today, "ends_on": today + timedelta(days=30)})
    context = {"title": "新增授权", "form": form, "submit": "授权", "cancel": reverse("grants:index")}
    if request.method != "POST":
        context["crumbs"] = [{"label": "授权研究院查看", "url": reverse("grants:index")}, {"label": "新增授权"}]
        return render(request, "grants/new.html", context)
    if form.is_valid():
        try:
            operations.grant_access(
                scopes=[GrantScope(scope) for scope in form.cleaned_data["scopes"]],
                starts_on=form.cleaned_data["starts_on"],
                ends_on=form.cleaned_data["ends_on"],
                reason=form.cleaned_data["reason"],
                by=request.actor,
                tenant=request.school,
                now=clock.now(),
            )
        except DomainError as refused:
            if refused.field in form.fields:
                form.add_error(refused.field, refused.sentence)
            else:
                context["refused"] = refused.sentence
        else:
            return go(request, "grants:index", said="已授权，研究院可以在授权期内查看")
    return render(request, "components/form.html", context, status=422)


@require_POST
@signed_in
def revoke(request: SchoolRequest, grant_id: UUID) -> HttpResponse:
    operations.revoke_grant(grant_id=grant_id, by=request.actor, tenant=request.school, now=clock.now())
    return go(request, "grants:index", said="授权已收回，立即生效")
