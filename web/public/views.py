"""Public pages of the programme: what it is, how to apply, where one's school is, how to ask."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from institute.applications import operations
from institute.schools import lookup
from kernel import clock
from kernel.addresses import school_url
from kernel.errors import DomainError
from standards_library.regions import PROVINCES
from web.http import PublicRequest
from web.public.forms import EnquiryForm
from web.shared.pages import go, paginate, render_list


def source_of(request: PublicRequest) -> str:
    """Where a visitor comes from, for counting only."""
    return str(request.META.get("REMOTE_ADDR") or "unknown")


@require_safe
def home(request: PublicRequest) -> HttpResponse:
    return render(request, "public/home.html", {"title": "校园后勤服务质量监管平台"})


@require_safe
def programme(request: PublicRequest) -> HttpResponse:
    return render(request, "public/programme.html", {"title": "项目介绍"})


@require_safe
def honours(request: PublicRequest) -> HttpResponse:
    return render(request, "public/honours.html", {"title": "荣誉与奖励"})


@require_safe
def privacy(request: PublicRequest) -> HttpResponse:
    return render(request, "public/privacy.html", {"title": "数据与隐私说明"})


@require_safe
def schools(request: PublicRequest) -> HttpResponse:
    """The school chooser: open schools by name or pinyin, each leading to its own host."""
    q = request.GET.get("q", "")[:60]
    page = paginate(request, lookup.open_schools(q))
    rows = [
        {"name": s.name, "kind": s.get_kind_display(), "where": f"{PROVINCES.get(s.region, '')} {s.city}".strip(),
         "url": school_url(s.slug), "mark": s.name[:1]}
        for s in page
    ]  # fmt: skip
    context = {"title": "学校登录", "q": q, "page_obj": page, "schools": rows}
    return render_list(request, "public/schools.html", "public/_schools.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def enquire(request: PublicRequest) -> HttpResponse:
    """A question to the institute. What programs send is thanked for and thrown away."""
    form = EnquiryForm(request.POST or None, initial={"topic": request.GET.get("topic", "programme")})
    context = {"title": "咨询", "form": form, "submit": "提交咨询"}
    if request.method != "POST":
        return render(request, "public/enquire.html", context)
    whole = "public/_enquire_form.html" if request.htmx else "public/enquire.html"
    if not form.is_valid():
        return render(request, whole, context, status=422)
    if not form.by_program:
        said = {k: v for k, v in form.cleaned_data.items() if k not in {"website", "shown"}}
        try:
            operations.ask(**said, source=source_of(request), by=request.actor, now=clock.now())
        except DomainError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
            return render(request, whole, context, status=422)
    return go(request, "public_enquiry_sent")


@require_safe
def enquiry_sent(request: PublicRequest) -> HttpResponse:
    return render(request, "public/enquiry_sent.html", {"title": "咨询已收到"})


def resume_url(**query: str) -> str:
    return f"{reverse('public_resume')}?{urlencode(query)}"
