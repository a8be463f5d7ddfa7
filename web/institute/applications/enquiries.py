"""The enquiry inbox."""

from typing import Any
from uuid import UUID

from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from identity.choices import Role
from identity.people import institute_people
from institute.applications import operations, policies, queries
from institute.applications.choices import EnquiryStatus, EnquiryTopic
from kernel import clock
from kernel.errors import DomainError, NotAllowed, NotFound
from web.http import PublicRequest, signed_in
from web.institute.applications.forms import CloseForm, EnquiryFilter, GiveForm, ReplyForm
from web.institute.applications.views import HOME
from web.shared import xlsx
from web.shared.pages import go, paginate, render_list

TONES = {"new": "warn", "answered": "ok", "closed": "muted"}


def _chosen(request: PublicRequest) -> tuple[EnquiryFilter, dict[str, Any]]:
    form = EnquiryFilter(request.GET or None)
    return form, (form.cleaned_data if form.is_bound and form.is_valid() else {})


@require_safe
@signed_in
def index(request: PublicRequest) -> HttpResponse:
    form, chosen = _chosen(request)
    page = paginate(request, queries.enquiries(request.actor, **chosen))
    waiting = queries.enquiries(request.actor, status=EnquiryStatus.NEW)
    now = clock.now()
    late = waiting.filter(due_at__lt=now).count()
    context = {
        "title": "咨询",
        "lead": f"{waiting.count()} 条待回复" + (f"，其中 {late} 条已超过回复期限" if late else ""),
        "crumbs": [HOME, {"label": "咨询"}],
        "form": form,
        "page_obj": page,
        "tones": TONES,
        "now": now,
        "filtered": bool(request.GET),
    }
    return render_list(request, "applications/enquiries.html", "applications/_enquiry_rows.html", context)


@require_safe
@signed_in
def export(request: PublicRequest) -> HttpResponse:
    """The filtered inbox as a workbook, without phone and mail."""
    _, chosen = _chosen(request)
    lines = (
        (e.created_at, EnquiryTopic(e.topic).label, e.name, e.organisation, e.message, EnquiryStatus(e.status).label,
         e.owner_name, e.due_at, e.replied_at, e.reply)
        for e in queries.enquiries(request.actor, **chosen)
    )  # fmt: skip
    heads = ("提交时间", "事项", "称呼", "单位", "内容", "状态", "负责人", "回复期限", "回复时间", "回复")
    today = clock.now().astimezone(clock.SHANGHAI)
    return xlsx.download(f"咨询_{today:%Y%m%d}.xlsx", [("咨询", heads, lines)])


@require_safe
@signed_in
def detail(request: PublicRequest, enquiry_id: UUID) -> HttpResponse:
    return _page(request, enquiry_id)


def _page(
    request: PublicRequest, enquiry_id: UUID, forms: dict[str, Form] | None = None, status: int = 200, refused: str = ""
) -> HttpResponse:
    found, given = queries.enquiry(enquiry_id, by=request.actor), forms or {}
    context = {
        "title": f"{EnquiryTopic(found.topic).label} · {found.name}",
        "crumbs": [HOME, {"label": "咨询", "url": reverse("institute:enquiries")}, {"label": found.name}],
        "enquiry": found,
        "refused": refused,
        "tones": TONES,
        "late": found.status == EnquiryStatus.NEW and found.due_at < clock.now(),
        "can_work": policies.can_work_on_enquiry(request.actor, found),
        "give_form": given.get("give")
        or GiveForm(
            staff=_staff(),
            initial={"owner_id": str(found.owner_id or request.actor.account_id), "due_at": found.due_at},
        ),
        "reply_form": given.get("reply") or ReplyForm(initial={"reply": found.reply}),
        "close_form": given.get("close") or CloseForm(),
        "events": [
            {"at": e.at, "who": e.actor_name, "text": e.sentence, "tone": "info"}
            for e in queries.events_of_enquiry(found, by=request.actor)
        ],
    }
    return render(request, "applications/enquiry.html", context, status=status)


def _staff() -> list[tuple[str, str]]:
    today = clock.now().astimezone(clock.SHANGHAI).date()
    people = institute_people(Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST, today=today)
    return [(str(p.account_id), p.name) for p in people]


def _refuse(request: PublicRequest, enquiry_id: UUID, name: str, form: Form, refused: DomainError) -> HttpResponse:
    if isinstance(refused, NotAllowed | NotFound):
        raise refused
    if isinstance(refused, operations.EnquiryClosed):
        return _page(request, enquiry_id, status=422, refused=refused.sentence)
    form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
    return _page(request, enquiry_id, {name: form}, status=422)


@require_POST
@signed_in
def give(request: PublicRequest, enquiry_id: UUID) -> HttpResponse:
    form = GiveForm(request.POST, staff=_staff())
    if not form.is_valid():
        return _page(request, enquiry_id, {"give": form}, status=422)
    try:
        operations.give_enquiry(
            enquiry_id=enquiry_id, owner_id=UUID(form.cleaned_data["owner_id"]), due_at=form.cleaned_data["due_at"],
            by=request.actor, now=clock.now(),
        )  # fmt: skip
    except DomainError as refused:
        return _refuse(request, enquiry_id, "give", form, refused)
    return go(request, "institute:enquiry", enquiry_id, said="已指定负责人")


@require_POST
@signed_in
def reply(request: PublicRequest, enquiry_id: UUID) -> HttpResponse:
    form = ReplyForm(request.POST)
    if not form.is_valid():
        return _page(request, enquiry_id, {"reply": form}, status=422)
    try:
        operations.reply_to_enquiry(enquiry_id=enquiry_id, **form.cleaned_data, by=request.actor, now=clock.now())
    except DomainError as refused:
        return _refuse(request, enquiry_id, "reply", form, refused)
    return go(request, "institute:enquiry", enquiry_id, said="回复已发出")


@require_POST
@signed_in
def close(request: PublicRequest, enquiry_id: UUID) -> HttpResponse:
    form = CloseForm(request.POST)
    if not form.is_valid():
        return _page(request, enquiry_id, {"close": form}, status=422)
    try:
        operations.close_enquiry(enquiry_id=enquiry_id, **form.cleaned_data, by=request.actor, now=clock.now())
    except DomainError as refused:
        return _refuse(request, enquiry_id, "close", form, refused)
    return go(request, "institute:enquiries", said="已关闭")
