"""Property companies in the institute's console: find, see how many schools they serve, correct name and code."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from institute.providers import operations, policies, queries
from kernel.errors import DomainError, NotAllowed
from web.http import PublicRequest, signed_in
from web.institute.providers.forms import CorrectionForm, ProviderFilter
from web.shared import xlsx
from web.shared.pages import go, is_htmx, paginate, render_list

SORTS = {"name", "-name", "schools", "-schools", "created_at", "-created_at"}
CRUMB = {"label": "学校"}


def _rows(request: PublicRequest) -> tuple[ProviderFilter, Any]:
    form = ProviderFilter(request.GET or None)
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    sort = request.GET.get("sort", "")
    return form, queries.providers(by=request.actor, **chosen).order_by(sort if sort in SORTS else "name", "pk")


@require_safe
@signed_in
def index(request: PublicRequest) -> HttpResponse:
    form, rows = _rows(request)
    context = {
        "title": "物业企业",
        "lead": "学校登记合同时按统一社会信用代码自动建立；同一家企业在各校显示同一个名称。",
        "crumbs": [CRUMB, {"label": "物业企业"}],
        "form": form,
        "page_obj": paginate(request, rows),
    }
    return render_list(request, "providers/index.html", "providers/_rows.html", context)


@require_safe
@signed_in
def export(request: PublicRequest) -> HttpResponse:
    """The filtered list as a workbook."""
    _form, rows = _rows(request)
    heads = ("企业名称", "统一社会信用代码", "在服务学校（所）", "登记时间")
    lines = ((row.name, row.credit_code, row.schools, row.created_at) for row in rows)
    return xlsx.download("物业企业.xlsx", [("物业企业", heads, lines)])


@require_safe
@signed_in
def detail(request: PublicRequest, provider_id: UUID) -> HttpResponse:
    row = queries.listed_provider(provider_id, by=request.actor)
    events = queries.events_for(request.actor, row)[:50]
    context = {
        "title": row.name,
        "crumbs": [CRUMB, {"label": "物业企业", "url": reverse("institute:providers")}, {"label": row.name}],
        "row": row,
        "may_correct": policies.can_correct(request.actor),
        "timeline": [{"at": e.at, "who": e.actor_name, "text": e.sentence} for e in events],
    }
    return render(request, "providers/detail.html", context)


@signed_in
def correct(request: PublicRequest, provider_id: UUID) -> HttpResponse:
    """Change name and credit code after a confirmation that says who will see it."""
    if not policies.can_correct(request.actor):
        raise NotAllowed
    row: Any = queries.listed_provider(provider_id, by=request.actor)
    form = CorrectionForm(request.POST or None, initial={"name": row.name, "credit_code": row.credit_code})
    refused, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                operations.correct_provider(provider_id=provider_id, **form.cleaned_data, by=request.actor)
            except DomainError as no:
                refused = no.sentence
            else:
                return go(request, "institute:provider", provider_id, said="已更正")
    here = reverse("institute:provider", args=[provider_id])
    context = {
        "title": f"更正：{row.name}",
        "lead": "请对照营业执照填写。更正后，各校的合同、考核单和接口立即显示新的名称和代码。",
        "crumbs": [
            CRUMB,
            {"label": "物业企业", "url": reverse("institute:providers")},
            {"label": row.name, "url": here},
            {"label": "更正"},
        ],
        "form": form,
        "refused": refused,
        "submit": "更正",
        "confirm": f"更正后所有学校都会看到新的名称和代码（现有 {row.schools} 所学校在用）。确认更正？",
        "cancel": here,
    }
    template = "components/form.html" if request.method == "POST" and is_htmx(request) else "providers/correct.html"
    return render(request, template, context, status=status)
