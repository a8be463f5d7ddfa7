"""One view per step: each is one operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kernel import clock
from kernel.errors import DomainError
from tenants.findings import operations
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx, safe_next
from web.tenant.evidence.uploads import client_key, from_outbox, keep_photos, refused_json
from web.tenant.findings.forms import DeadlineForm, ExtensionForm
from web.tenant.findings.views.shared import page_context, uuid_text


def _step(request: SchoolRequest, finding_id: UUID, said: str, do: Callable[[], object]) -> HttpResponse:
    """Take one step and go back to where the form stood; a refusal is shown where it was sent from."""
    try:
        do()
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        if is_htmx(request):
            return render(request, "components/errors.html", {"refused": refused.sentence}, status=422)
        phone = "/m/" in request.POST.get("next", "")
        template = "findings/phone_detail.html" if phone else "findings/detail.html"
        context = {**page_context(request, finding_id), "refused": refused.sentence}
        return render(request, template, context, status=422)
    if from_outbox(request):
        return JsonResponse({"id": str(finding_id)})
    return go(request, safe_next(request, reverse("findings:detail", args=[finding_id])), said=said)


def _common(request: SchoolRequest, finding_id: UUID) -> dict[str, Any]:
    return {"finding_id": finding_id, "by": request.actor, "tenant": request.school, "now": clock.now()}


@require_POST
@signed_in
def start(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    post = request.POST
    return _step(
        request, finding_id, "已开始整改",
        lambda: operations.start_fix(
            **_common(request, finding_id), cause=post.get("cause", ""), measure=post.get("measure", ""),
            root_cause=post.get("root_cause", ""), client_key=client_key(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def submit(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    post = request.POST
    return _step(
        request, finding_id, "已提交，等待复查",
        lambda: operations.submit_fix(
            **_common(request, finding_id), photo_ids=keep_photos(request), text=post.get("text", ""),
            cause=post.get("cause", ""), measure=post.get("measure", ""), root_cause=post.get("root_cause", ""),
            client_key=client_key(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def verify(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    """复查: `verdict=pass|reject` in one form."""
    post = request.POST
    if post.get("verdict") == "pass":
        return _step(
            request, finding_id, "复查通过，已销号",
            lambda: operations.verify_pass(
                root_cause=post.get("root_cause", ""),
                **_common(request, finding_id), text=post.get("text", ""), **_conclusion(request),
                photo_ids=keep_photos(request), client_key=client_key(request),
            ),
        )  # fmt: skip
    return _step(
        request, finding_id, "已退回，请对方继续整改",
        lambda: operations.verify_reject(
            **_common(request, finding_id), reason=post.get("text", ""), photo_ids=keep_photos(request),
            client_key=client_key(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def reopen(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    return _step(
        request, finding_id, "已重新打开",
        lambda: operations.reopen(
            **_common(request, finding_id), reason=request.POST.get("reason", ""), photo_ids=keep_photos(request),
            client_key=client_key(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def void(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    return _step(
        request, finding_id, "已作废",
        lambda: operations.void(**_common(request, finding_id), reason=request.POST.get("reason", "")),
    )  # fmt: skip


@require_POST
@signed_in
def comment(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    return _step(
        request, finding_id, "已补充",
        lambda: operations.comment(
            **_common(request, finding_id), text=request.POST.get("text", ""), photo_ids=keep_photos(request),
            client_key=client_key(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def verifier(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    chosen = uuid_text(request.POST.get("verifier", ""))
    return _step(
        request, finding_id, "复查人已更新",
        lambda: operations.assign_verifier(
            **_common(request, finding_id), verifier_id=UUID(chosen) if chosen else None
        ),
    )  # fmt: skip


@require_POST
@signed_in
def deadline(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    form = DeadlineForm(request.POST)
    if not form.is_valid():
        return _ill_formed(request, finding_id, "请选择新的期限并写明原因。")
    chosen = form.cleaned_data
    return _step(
        request, finding_id, "期限已调整",
        lambda: operations.change_deadline(
            **_common(request, finding_id), deadline=chosen["deadline"], reason=chosen["reason"]
        ),
    )  # fmt: skip


def _conclusion(request: SchoolRequest) -> dict[str, Any]:
    """改进结论 of a form: `revision` is "<rubric>:<number>" of a sheet changed since."""
    post = request.POST
    rubric, _colon, number = post.get("revision", "").partition(":")
    given = uuid_text(rubric)
    change = post.get("plan_event", "")
    return {
        "consequence": post.get("consequence", ""),
        "lesson": post.get("lesson", ""),
        "rubric_id": UUID(given) if given else None,
        "rubric_revision": int(number) if number.isascii() and number.isdigit() and len(number) < 9 else None,
        "plan_event_id": int(change) if change.isascii() and change.isdigit() and len(change) < 18 else None,
    }


@require_POST
@signed_in
def conclude(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    return _step(
        request, finding_id, "改进结论已保存",
        lambda: operations.set_consequence(**_common(request, finding_id), **_conclusion(request)),
    )  # fmt: skip


@require_POST
@signed_in
def owner(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    chosen = uuid_text(request.POST.get("owner", ""))
    return _step(
        request, finding_id, "整改负责人已更新",
        lambda: operations.assign_owner(**_common(request, finding_id), owner_id=UUID(chosen) if chosen else None),
    )  # fmt: skip


@require_POST
@signed_in
def ask_extension(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    form = ExtensionForm(request.POST)
    if not form.is_valid():
        return _ill_formed(request, finding_id, "请选择新的期限并写明原因。")
    chosen = form.cleaned_data
    return _step(
        request, finding_id, "已提交延期申请，答复前期限不变",
        lambda: operations.ask_extension(
            **_common(request, finding_id), deadline=chosen["wanted"], reason=chosen["reason"],
            client_key=client_key(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def answer_extension(request: SchoolRequest, finding_id: UUID, extension_id: UUID) -> HttpResponse:
    """答复: `verdict=grant|refuse` in one form."""
    post = request.POST
    common: dict[str, Any] = {
        "extension_id": extension_id,
        "by": request.actor,
        "tenant": request.school,
        "now": clock.now(),
    }
    if post.get("verdict") == "grant":
        return _step(
            request, finding_id, "已同意延期",
            lambda: operations.grant_extension(**common, answer=post.get("answer", "")),
        )  # fmt: skip
    return _step(
        request, finding_id, "已答复：不同意延期",
        lambda: operations.refuse_extension(**common, answer=post.get("answer", "")),
    )  # fmt: skip


def _ill_formed(request: SchoolRequest, finding_id: UUID, sentence: str) -> HttpResponse:
    if from_outbox(request):
        return JsonResponse({"detail": sentence}, status=422)
    phone = "/m/" in request.POST.get("next", "")
    template = "findings/phone_detail.html" if phone else "findings/detail.html"
    return render(request, template, {**page_context(request, finding_id), "refused": sentence}, status=422)
