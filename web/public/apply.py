"""The applicant's pages. Whoever holds the link acts; every operation checks it again."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from institute.applications import answers, files, links, operations, policies, queries
from institute.applications.choices import TONES, ApplicationStatus
from institute.applications.models import Application, ApplicationDocument
from institute.schools import lookup
from institute.schools.choices import SchoolStatus
from kernel import clock
from kernel.addresses import school_url
from kernel.errors import DomainError
from web.http import PublicRequest
from web.public.forms import AnswersForm, DocumentForm, ResumeForm, StartForm, WithdrawForm
from web.public.views import resume_url, source_of
from web.shared.pages import go, say

_S = ApplicationStatus
_EVENT_TONES = {
    "application.returned": "warn", "application.approved": "ok", "application.rejected": "bad",
    "application.withdrawn": "muted", "application.waitlisted": "info",
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def guide(request: PublicRequest) -> HttpResponse:
    """How to apply, and the two fields that open a draft."""
    form = StartForm(request.POST or None)
    context = {"title": "申报", "form": form, "submit": "开始申报"}
    if request.method != "POST":
        return render(request, "public/apply.html", context)
    whole = "public/_apply_start.html" if request.htmx else "public/apply.html"
    if not form.is_valid():
        return render(request, whole, context, status=422)
    if form.by_program:
        return go(request, "public_home")
    try:
        started = operations.start(
            name=form.cleaned_data["name"], email=form.cleaned_data["contact_email"], source=source_of(request),
            by=request.actor, now=clock.now(),
        )  # fmt: skip
    except DomainError as refused:
        form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
        return render(request, whole, context, status=422)
    return go(request, "public_application", started.token, said="已新建申报，内容随填随存")


@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: PublicRequest) -> HttpResponse:
    """Send the link again. The answer is the same whether the two belong together or not."""
    form = ResumeForm(request.POST or None)
    context = {"title": "继续申报", "form": form, "submit": "发送链接", "why": request.GET.get("why", "")}
    if request.method != "POST":
        return render(request, "public/resume.html", context)
    whole = "public/resume.html"
    if not form.is_valid():
        return render(request, whole, context, status=422)
    if not form.by_program:
        try:
            operations.send_link(
                number=form.cleaned_data["number"], email=form.cleaned_data["email"], source=source_of(request),
                by=request.actor, now=clock.now(),
            )  # fmt: skip
        except DomainError as refused:
            form.add_error(None, refused.sentence)
            return render(request, whole, context, status=422)
    return go(request, "public_resume", said="如果编号与邮箱相符，链接已发出，请查收邮件", tone="info")


def _lost(refused: DomainError) -> HttpResponse:
    return redirect(resume_url(why=refused.code))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application(request: PublicRequest, token: str) -> HttpResponse:
    """The form while it may be changed, the status page afterwards. POST keeps all fields (without script, and
    before checking)."""
    now = clock.now()
    try:
        found = operations.arrive(token=token, by=request.actor, now=now)
    except (links.LinkInvalid, links.LinkExpired) as refused:
        return _lost(refused)
    if not policies.is_editable(found):
        return render(request, "public/status.html", _status(found, token))
    if request.method == "POST":
        wrong = _save_all(request, token)
        if wrong:
            context = _form(operations.arrive(token=token, by=request.actor, now=now), token)
            return render(request, "public/application.html", {**context, "wrong": wrong}, status=422)
        return redirect("public_application_check", token)
    return render(request, "public/application.html", _form(found, token))


def _save_all(request: PublicRequest, token: str) -> dict[str, str]:
    wrong = {}
    for field in answers.PARSERS:
        if field in request.POST:
            try:
                operations.save_answer(
                    token=token, field=field, value=request.POST[field], by=request.actor, now=clock.now()
                )
            except DomainError as refused:
                wrong[field] = refused.sentence
    return wrong


def _form(found: Application, token: str) -> dict[str, Any]:
    checks = queries.checks_of(found)
    return {
        "title": f"{found.name or '申报'}",
        "application": found,
        "token": token,
        "form": AnswersForm(application=found, token=token),
        "steps": stepper(found),
        "checks": checks,
        "done": sum(c.done for c in checks),
        "returned": found.returned_items if found.status == _S.RETURNED else [],
        **_documents(found, token),
    }


def _documents(found: Application, token: str, form: DocumentForm | None = None) -> dict[str, Any]:
    return {
        "application": found,
        "token": token,
        "documents": queries.documents_of(found),
        "document_form": form or DocumentForm(),
        "limit": files.MAX_DOCUMENTS,
    }


def _status(found: Application, token: str) -> dict[str, Any]:
    school = lookup.opened_by(found.pk) if found.status == _S.APPROVED else None
    return {
        "title": found.name,
        "application": found,
        "token": token,
        "tones": TONES,
        "steps": stepper(found, opened=school is not None and school.opened_at is not None),
        "events": [
            {"at": s.at, "text": s.sentence, "body": s.note, "tone": _EVENT_TONES.get(s.verb, "info")}
            for s in queries.steps_of(found)
        ],
        "documents": queries.documents_of(found),
        "can_withdraw": policies.can_withdraw(found),
        "school_url": school_url(school.slug) if school and school.status == SchoolStatus.READY else "",
        "school_status": SchoolStatus(school.status).label if school else "",
    }


def stepper(found: Application, *, opened: bool = False) -> list[dict[str, str]]:
    """The way of this application for the steps component; `opened`: the school's space is ready."""
    at = {
        _S.DRAFT: 0, _S.RETURNED: 1, _S.SUBMITTED: 1, _S.ACCEPTED: 2, _S.REVIEWING: 2, _S.SCORED: 3, _S.WAITLISTED: 3,
        _S.APPROVED: 5 if opened else 4, _S.REJECTED: 3, _S.WITHDRAWN: 3,
    }[_S(found.status)]  # fmt: skip
    if found.status == _S.REJECTED and found.accepted_at is None:
        at = 1
    if found.status == _S.WITHDRAWN:
        at = 0 if found.submitted_at is None else 1 if found.accepted_at is None else 2
    failed = found.status in {_S.REJECTED, _S.WITHDRAWN}
    names = ["填写与提交", "完整性审查", "专家评审", "遴选决定", "开通空间"]
    label = "正在开通" if found.status == _S.APPROVED else str(_S(found.status).label)
    made = []
    for n, name in enumerate(names):
        state = "done" if n < at else "todo" if n > at else "failed" if failed else "current"
        made.append({"label": name, "state": state, "note": label if n == at and label != name else ""})
    return made


@require_POST
def save(request: PublicRequest, token: str, field: str) -> HttpResponse:
    """Keep one answer; the note below the field says so, and what would not pass yet."""
    try:
        saved = operations.save_answer(
            token=token, field=field, value=request.POST.get(field, ""), by=request.actor, now=clock.now()
        )
    except DomainError as refused:
        return render(request, "public/_saved.html", {"refused": refused.sentence}, status=422)
    return render(request, "public/_saved.html", {"saved": saved})


@require_POST
def add_document(request: PublicRequest, token: str) -> HttpResponse:
    form = DocumentForm(request.POST, request.FILES)
    status, said = 200, ""
    if form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            if upload.size > files.MAX_BYTES:
                raise files.FileTooLarge(field="file")
            operations.add_document(
                token=token, kind=form.cleaned_data["kind"], name=upload.name or "", data=upload.read(),
                by=request.actor, now=clock.now(),
            )  # fmt: skip
            form, said = DocumentForm(initial={"kind": form.cleaned_data["kind"]}), "已上传"
        except DomainError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
            status = 422
    else:
        status = 422
    return _after_documents(request, token, form, status, said)


@require_POST
def remove_document(request: PublicRequest, token: str, document_id: UUID) -> HttpResponse:
    try:
        operations.remove_document(token=token, document_id=document_id, by=request.actor, now=clock.now())
    except DomainError as refused:
        form = DocumentForm()
        form.cleaned_data = {}
        return _after_documents(request, token, form, 422, "", refused=refused.sentence)
    return _after_documents(request, token, DocumentForm(), 200, "已删除")


def _after_documents(
    request: PublicRequest, token: str, form: DocumentForm, status: int, said: str, refused: str = ""
) -> HttpResponse:
    try:
        found = queries.by_link(token, now=clock.now())
    except (links.LinkInvalid, links.LinkExpired) as lost:
        return _lost(lost)
    if not request.htmx:
        if status == 200:
            return redirect(reverse("public_application", args=[token]) + "#documents")
        context = {**_form(found, token), "document_form": form, "refused": refused}
        return render(request, "public/application.html", context, status=status)
    context = {**_documents(found, token, form), "refused": refused}
    response = render(request, "public/_documents.html", context, status=status)
    return say(response, said) if said else response


@never_cache
@require_safe
def document(request: PublicRequest, token: str, document_id: UUID) -> HttpResponse:
    """One of the applicant's own files."""
    try:
        return sent(queries.document_by_link(token, document_id, now=clock.now()))
    except (links.LinkInvalid, links.LinkExpired) as refused:
        return _lost(refused)


def sent(found: ApplicationDocument) -> HttpResponse:
    """A stored file as a download: never rendered on our host, whatever is in it."""
    response = HttpResponse(queries.content_of(found), content_type=found.content_type)
    response["Content-Disposition"] = content_disposition_header(True, found.name) or "attachment"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: PublicRequest, token: str) -> HttpResponse:
    """What is there, what is missing, and the button that hands it in."""
    try:
        found = queries.by_link(token, now=clock.now())
    except (links.LinkInvalid, links.LinkExpired) as lost:
        return _lost(lost)
    if not policies.is_editable(found):
        return go(request, "public_application", token)
    if request.method == "POST":
        try:
            operations.submit(token=token, by=request.actor, now=clock.now())
        except operations.WrongState:
            return go(request, "public_application", token)
        except DomainError as refused:
            return render(request, "public/check.html", _check(found, token, refused.sentence), status=422)
        return go(request, "public_application", token, said="申报已提交，结果会发邮件通知")
    return render(request, "public/check.html", _check(found, token))


def _check(found: Application, token: str, refused: str = "") -> dict[str, Any]:
    checks = queries.checks_of(found)
    form_url = reverse("public_application", args=[token])
    anchors = {"document_letter": "documents", "document_legal": "documents", "document_service": "documents"}
    return {
        "title": "核对并提交",
        "application": found,
        "token": token,
        "refused": refused,
        "missing": [c for c in checks if not c.done],
        "unconfirmed": found.email_confirmed_at is None,
        "items": [
            {"text": c.label, "hint": c.hint, "done": c.done, "action": "去填写",
             "url": f"{form_url}#{anchors.get(c.field) or f'id_{c.field}_field'}"}
            for c in checks
        ],
    }  # fmt: skip


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: PublicRequest, token: str) -> HttpResponse:
    try:
        found = queries.by_link(token, now=clock.now())
    except (links.LinkInvalid, links.LinkExpired) as lost:
        return _lost(lost)
    form = WithdrawForm(request.POST or None)
    context = {"title": "撤回申报", "application": found, "token": token, "form": form, "submit": "撤回申报",
               "cancel": reverse("public_application", args=[token])}  # fmt: skip
    if request.method != "POST":
        return render(request, "public/withdraw.html", context)
    whole = "components/form.html" if request.htmx else "public/withdraw.html"
    if form.is_valid():
        try:
            operations.withdraw(token=token, **form.cleaned_data, by=request.actor, now=clock.now())
            return go(request, "public_application", token, said="申报已撤回")
        except DomainError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
    return render(request, whole, context, status=422)


@require_POST
def link(request: PublicRequest, token: str) -> HttpResponse:
    """Mail a fresh link; with `revoke` the old ones die, this one too."""
    revoke = "revoke" in request.POST
    try:
        operations.renew_links(token=token, revoke=revoke, by=request.actor, now=clock.now())
    except (links.LinkInvalid, links.LinkExpired) as lost:
        return _lost(lost)
    except DomainError as refused:
        return go(request, "public_application", token, said=refused.sentence, tone="bad")
    if revoke:
        return go(request, "public_home", said="旧链接已作废，新链接已发到联系邮箱")
    return go(request, "public_application", token, said="邮件已发出，请打开其中的链接确认邮箱")
