"""The school's rule of patrols."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from kernel.errors import DomainError, NotAllowed
from tenants.patrols import operations, policies, queries
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx
from web.tenant.patrols.forms import RuleForm


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def rules(request: SchoolRequest) -> HttpResponse:
    if not policies.can_plan(request.actor):
        raise NotAllowed
    form = RuleForm(request.POST or None, initial={"make_ups": queries.rule(by=request.actor)})
    context = {
        "title": "巡更规则",
        "lead": "改动以后的补巡按新规则；已安排的补巡不受影响",
        "crumbs": [{"label": "值班"}, {"label": "巡更", "url": reverse("patrols:index")}, {"label": "规则"}],
        "form": form,
        "submit": "保存规则",
        "cancel": reverse("patrols:index"),
    }
    if request.method != "POST":
        return render(request, "patrols/rules.html", context)
    if form.is_valid():
        try:
            operations.set_rule(**form.cleaned_data, by=request.actor, tenant=request.school)
        except DomainError as refused:
            context["refused"] = refused.sentence
        else:
            return go(request, "patrols:rules", said="巡更规则已保存")
    template = "components/form.html" if is_htmx(request) else "patrols/rules.html"
    return render(request, template, context, status=422)
