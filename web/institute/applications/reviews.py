"""The reviewer's sheet, reviewers' profiles, and the criteria."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from identity.choices import Role
from identity.people import institute_people
from institute.applications import operations, policies, queries
from institute.applications.choices import Verdict
from institute.applications.criteria import CriterionText
from institute.applications.models import Application, Assignment
from kernel import clock
from kernel.errors import DomainError, NotAllowed, NotFound
from web.http import PublicRequest, signed_in
from web.institute.applications.forms import CriteriaFormSet, ProfileForm
from web.institute.applications.views import HOME
from web.shared.pages import go


def _mine(request: PublicRequest, application_id: UUID) -> tuple[Application, Assignment]:
    application = queries.detail(application_id, by=request.actor)
    task = queries.my_assignment(application, by=request.actor)
    if task is None:
        raise NotFound
    return application, task


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def sheet(request: PublicRequest, application_id: UUID) -> HttpResponse:
    """One's own sheet; POST keeps everything and hands it in."""
    application, task = _mine(request, application_id)
    if request.method == "POST":
        try:
            _keep(request, task.pk)
            operations.submit_sheet(assignment_id=task.pk, by=request.actor, now=clock.now())
            return go(request, "institute:application", application_id, said="评分已提交并封存")
        except DomainError as refused:
            if isinstance(refused, NotAllowed | NotFound):
                raise
            application, task = _mine(request, application_id)
            context = _sheet_context(request, application, task, refused=refused.sentence)
            return render(request, "applications/sheet.html", context, status=422)
    return render(request, "applications/sheet.html", _sheet_context(request, application, task))


def _sheet_context(
    request: PublicRequest, application: Application, task: Assignment, refused: str = ""
) -> dict[str, Any]:
    lines = queries.my_lines(task, by=request.actor)
    typed = request.POST
    return {
        "title": f"评分：{application.name}",
        "crumbs": [
            HOME, {"label": "申报遴选", "url": reverse("institute:applications")},
            {"label": application.number, "url": reverse("institute:application", args=[application.pk])},
            {"label": "评分"},
        ],
        "application": application,
        "task": task,
        "refused": refused,
        "can_score": policies.can_score(request.actor, task) and application.status == "reviewing",
        "rows": [
            {"criterion": c,
             "points": typed.get(f"points_{c.code}", lines[c.pk].points if c.pk in lines else ""),
             "comment": typed.get(f"comment_{c.code}", lines[c.pk].comment if c.pk in lines else "")}
            for c in queries.criteria_of(application)
        ],
        "comment": typed.get("comment", task.comment),
        "recommendation": typed.get("recommendation", task.recommendation),
        "verdicts": Verdict.choices,
    }  # fmt: skip


def _keep(request: PublicRequest, assignment_id: UUID) -> None:
    fields = request.POST
    operations.save_sheet(
        assignment_id=assignment_id,
        points={k.removeprefix("points_"): v for k, v in fields.items() if k.startswith("points_")},
        comments={k.removeprefix("comment_"): str(v) for k, v in fields.items() if k.startswith("comment_")},
        comment=fields.get("comment"),
        recommendation=fields.get("recommendation"),
        by=request.actor,
        now=clock.now(),
    )


@require_POST
@signed_in
def save_sheet(request: PublicRequest, application_id: UUID) -> HttpResponse:
    """Keep the sheet as typed; the answer says when, or why not."""
    _, task = _mine(request, application_id)
    try:
        _keep(request, task.pk)
    except DomainError as refused:
        return render(request, "applications/_kept.html", {"refused": refused.sentence}, status=422)
    return render(request, "applications/_kept.html", {"at": clock.now()})


@require_safe
@signed_in
def reviewers(request: PublicRequest) -> HttpResponse:
    """Who may review, where they work, what is missing."""
    if not policies.can_manage(request.actor):
        if not request.actor.has(Role.INSTITUTE_REVIEWER):
            raise NotAllowed
        return go(request, "institute:reviewer", request.actor.account_id)
    today = clock.now().astimezone(clock.SHANGHAI).date()
    profiles = {p.account_id: p for p in queries.reviewer_profiles(by=request.actor)}
    rows = [
        {"person": p, "profile": profiles.get(p.account_id)}
        for p in institute_people(Role.INSTITUTE_REVIEWER, today=today)
    ]
    without = sum(r["profile"] is None for r in rows)
    return render(
        request,
        "applications/reviewers.html",
        {
            "title": "评审专家", "crumbs": [HOME, {"label": "评审专家"}], "rows": rows,
            "lead": f"{without} 位专家尚未填写工作单位，不能指派" if without else "工作单位和应回避的学校用于自动判断回避",
        },
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def reviewer(request: PublicRequest, account_id: UUID) -> HttpResponse:
    if not policies.can_edit_profile(request.actor, account_id):
        raise NotAllowed
    known = queries.reviewer_profiles(by=request.actor).filter(pk=account_id).first()
    start = (
        {"employer": known.employer, "past_schools": "\n".join(known.past_schools), "expertise": known.expertise}
        if known
        else {}
    )
    form = ProfileForm(request.POST or None, initial=start)
    context = {
        "title": f"评审专家资料{f'：{known.name}' if known else ''}", "form": form, "submit": "保存",
        "cancel": reverse("institute:reviewers" if policies.can_manage(request.actor) else "institute:home"),
        "crumbs": [HOME, {"label": "评审专家", "url": reverse("institute:reviewers")}, {"label": "资料"}],
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "applications/reviewer.html", context)
    if form.is_valid():
        try:
            operations.save_reviewer_profile(
                account_id=account_id, **form.cleaned_data, by=request.actor, now=clock.now()
            )
            return go(request, "institute:reviewer", account_id, said="已保存，并已核对全部在办申报")
        except DomainError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
    whole = "components/form.html" if request.htmx else "applications/reviewer.html"
    return render(request, whole, context, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def criteria(request: PublicRequest) -> HttpResponse:
    """The weighted criteria; saving makes the next edition."""
    if not policies.can_manage(request.actor):
        raise NotAllowed
    now_used = queries.current_criteria()
    start = [
        {"code": c.code, "label": c.label, "guidance": c.guidance, "weight": c.weight.normalize()} for c in now_used
    ]
    forms = CriteriaFormSet(request.POST or None, initial=[{**s, "weight": f"{s['weight']:f}"} for s in start])
    refused, status = "", 200
    if request.method == "POST":
        status = 422
        if forms.is_valid():
            filled = [f.cleaned_data for f in forms if f.cleaned_data.get("label")]
            try:
                saved = operations.save_criteria(
                    rows=[
                        CriterionText(
                            d.get("code") or "", d["label"], d.get("weight") or Decimal(0), d.get("guidance") or ""
                        )
                        for d in filled
                    ],
                    by=request.actor,
                    now=clock.now(),
                )
                return go(request, "institute:criteria", said=f"第 {saved.edition} 版已生效，进行中的评审仍用原版")
            except DomainError as wrong:
                if isinstance(wrong, NotAllowed):
                    raise
                refused = wrong.sentence
        else:
            refused = "权重请填 0 至 100 的数字，最多两位小数。"
    context = {
        "title": "评分标准", "crumbs": [HOME, {"label": "评分标准"}], "forms": forms, "refused": refused,
        "lead": "权重之和为 100。清空指标名称即删除该项；保存后生成新版本，不影响进行中的评审。",
    }  # fmt: skip
    return render(request, "applications/criteria.html", context, status=status)
