"""One finding, and opening one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from kernel import clock
from kernel.errors import DomainError, NotAllowed
from kernel.ids import new_id
from tenants.findings import operations, policies
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx
from web.tenant.evidence.uploads import client_key, from_outbox, keep_photos, refused_json
from web.tenant.findings.forms import FindingForm
from web.tenant.findings.views.shared import page_context, uuid_text


@require_safe
@signed_in
def detail(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    template = "findings/_detail.html" if is_htmx(request) else "findings/detail.html"
    return render(request, template, page_context(request, finding_id))


@require_safe
@signed_in
def phone_detail(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    context = page_context(request, finding_id)
    context |= {"title": context["finding"].number, "back": reverse("findings:phone_index")}
    return render(request, "findings/phone_detail.html", context)


def _new(request: SchoolRequest, template: str, done: str, **extra: Any) -> HttpResponse:
    if not policies.can_open(request.actor):
        raise NotAllowed
    place = request.GET.get("place", "")
    form = FindingForm(request.POST or None, request.FILES or None, by=request.actor, place=uuid_text(place))
    context = {"title": "登记问题", "form": form, "client_key": client_key(request) or str(new_id()), **extra}
    if request.method != "POST":
        return render(request, template, context)
    if not form.is_valid():
        return render(request, template, context, status=422)
    try:
        chosen = form.chosen()
        photos = keep_photos(request, place_id=chosen["place_id"])
        row = operations.open_finding(
            **chosen,
            photo_ids=photos,
            by=request.actor,
            tenant=request.school,
            now=clock.now(),
            client_key=client_key(request),
        )
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        if refused.field in form.fields:
            form.add_error(refused.field, refused.sentence)
        return render(request, template, {**context, "refused": refused.sentence}, status=422)
    if from_outbox(request):
        return JsonResponse({"id": str(row.pk), "number": row.number}, status=201)
    return go(request, done, row.pk, said=f"已登记 {row.number}")


@signed_in
def new(request: SchoolRequest) -> HttpResponse:
    """随手拍, on the phone."""
    return _new(request, "findings/phone_new.html", "findings:phone_detail", back=reverse("phone:home"))


@signed_in
def create(request: SchoolRequest) -> HttpResponse:
    """登记问题, in the console."""
    crumbs = [{"label": "过程监管"}, {"label": "问题整改", "url": reverse("findings:index")}, {"label": "登记问题"}]
    return _new(request, "findings/create.html", "findings:detail", crumbs=crumbs)
