"""整改规则: the school's own deadlines, ladder and what counts as the same again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from kernel.errors import DomainError, NotAllowed
from tenants.findings import deadlines, operations, policies, repeats
from tenants.findings.choices import Severity
from tenants.findings.deadlines import Rung
from web.http import SchoolRequest, signed_in
from web.shared.pages import go
from web.tenant.findings.forms import LADDER_ROWS, RepeatForm, RuleForm, RungForm


@signed_in
def rules(request: SchoolRequest) -> HttpResponse:
    """整改规则: deadline and ladder of each severity, and the rule for repeats; each its own form."""
    if not policies.can_configure(request.actor):
        raise NotAllowed
    which = request.POST.get("which", "")
    context = _rules(request, which)
    if request.method != "POST":
        return render(request, "findings/rules.html", context)
    try:
        saved = _save(request, which, context)
    except DomainError as refused:
        return render(request, "findings/rules.html", {**context, "refused": refused.sentence}, status=422)
    if not saved:
        return render(request, "findings/rules.html", context, status=422)
    return go(request, "findings:rules", said="已保存")


def _rules(request: SchoolRequest, which: str) -> dict[str, Any]:
    known, ladders, repeat = deadlines.rules(), deadlines.ladders(), repeats.rule()
    parts = []
    for s in Severity:
        mine = request.POST if which == f"rule-{s.value}" else None
        rule = RuleForm(
            mine, prefix=s.value,
            initial=asdict(known[s]),
        )  # fmt: skip
        steps = [{"after_hours": r.after_hours, "whom": r.whom} for r in ladders[s]] + [{}] * LADDER_ROWS
        mine = request.POST if which == f"ladder-{s.value}" else None
        rungs = [RungForm(mine, prefix=f"{s.value}{n}", initial=steps[n]) for n in range(LADDER_ROWS)]
        parts.append((s, rule, rungs))
    form = RepeatForm(
        request.POST if which == "repeat" else None, initial={"days": repeat.days, "factor": repeat.factor}
    )
    return {
        "title": "整改规则",
        "lead": "新开的问题按严重程度自动给出期限；超期后按升级阶梯逐级提醒。已开的问题期限不变。",
        "crumbs": [
            {"label": "过程监管"},
            {"label": "问题整改", "url": reverse("findings:index")},
            {"label": "整改规则"},
        ],
        "parts": parts,
        "repeat_form": form,
    }


def _save(request: SchoolRequest, which: str, context: dict[str, Any]) -> bool:
    """Do what the posted form asks; False when its shape is wrong."""
    by: dict[str, Any] = {"by": request.actor, "tenant": request.school}
    if which == "repeat":
        form = context["repeat_form"]
        if not form.is_valid():
            return False
        operations.set_repeat_rule(**form.cleaned_data, **by)
        return True
    for severity, rule, rungs in context["parts"]:
        if which == f"rule-{severity.value}":
            if not rule.is_valid():
                return False
            operations.set_rule(severity=severity.value, **rule.cleaned_data, **by)
            return True
        if which == f"ladder-{severity.value}":
            if sum(len(rung.errors) for rung in rungs):  # asks every row, so that every fault is shown
                return False
            steps = [
                Rung(r.cleaned_data["after_hours"], tuple(r.cleaned_data["whom"]))
                for r in rungs
                if r.cleaned_data.get("after_hours") is not None
            ]
            operations.set_ladder(severity=severity.value, steps=steps, **by)
            return True
    return False
