"""登记异常 in the office: for any duty post, with photos, in the hands of who is on duty there or of the superiors."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from kernel import clock
from kernel.errors import DomainError, NotAllowed
from kernel.ids import new_id
from tenants.duty import operations, policies, queries
from web.http import SchoolRequest, signed_in
from web.shared.pages import go
from web.tenant.duty.forms import AnomalyForm
from web.tenant.evidence.uploads import client_key, keep_photos


@signed_in
def new(request: SchoolRequest) -> HttpResponse:
    """`?post=` chooses the post."""
    if not policies.oversees(request.actor):
        raise NotAllowed
    people = queries.people_on_duty(by=request.actor)
    form = AnomalyForm(
        request.POST or None, by=request.actor, people=people, initial={"post": request.GET.get("post", "")}
    )
    context: dict[str, Any] = {
        "title": "登记异常",
        "lead": "电话、现场或他人反映的情况；登记后记入该岗位的值班日志",
        "crumbs": [
            {"label": "值班"},
            {"label": "异常与交接", "url": reverse("duty:anomalies")},
            {"label": "登记"},
        ],
        "form": form,
        "client_key": client_key(request) or str(new_id()),
    }
    if request.method != "POST":
        return render(request, "duty/report_anomaly.html", context)
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            row = operations.report_anomaly(
                kind=chosen["kind"], severity=chosen["severity"], text=chosen["text"], post_id=UUID(chosen["post"]),
                owner_id=UUID(chosen["owner"]) if chosen["owner"] else None, file_ids=keep_photos(request),
                client_key=client_key(request), by=request.actor, tenant=request.school, now=clock.now(),
            )  # fmt: skip
        except DomainError as refused:
            field = "owner" if refused.field == "owner_id" else refused.field
            if field in form.fields:
                form.add_error(field, refused.sentence)
            else:
                context["refused"] = refused.sentence
        else:
            return go(request, "duty:anomaly", row.pk, said=f"已登记 {row.number}")
    return render(request, "duty/report_anomaly.html", context, status=422)
