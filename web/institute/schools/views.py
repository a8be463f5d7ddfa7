"""Schools in the institute's console: find, watch them open, suspend; how their tables stand."""

import csv
import io
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from institute.schools import operations, policies, queries, upgrade
from institute.schools.choices import OPENING, SchemaState, SchoolKind, SchoolStatus
from kernel import clock
from kernel.addresses import school_url
from kernel.errors import DomainError, NotAllowed
from standards_library.choices import OperatingMode, ServiceLine
from web.http import PublicRequest, signed_in
from web.institute.schools.forms import Confirmed, LedgerFilter, SchoolFilter, Suspension
from web.shared import xlsx
from web.shared.pages import go, paginate, render_list

if TYPE_CHECKING:
    from institute.schools.models import School

TONES = {
    SchoolStatus.APPROVED: "info",
    SchoolStatus.CREATING: "info",
    SchoolStatus.SEEDING: "info",
    SchoolStatus.READY: "ok",
    SchoolStatus.FAILED: "bad",
    SchoolStatus.SUSPENDED: "warn",
    SchoolStatus.ARCHIVED: "muted",
}
LEDGER_TONES = {
    SchemaState.CURRENT: "ok",
    SchemaState.WAITING: "warn",
    SchemaState.FAILED: "bad",
    SchemaState.DRIFTED: "bad",
}
WAY = (SchoolStatus.APPROVED, SchoolStatus.CREATING, SchoolStatus.SEEDING, SchoolStatus.READY)
HOME = {"label": "工作台", "url": "/institute/"}


def _chosen(request: PublicRequest) -> tuple[SchoolFilter, dict[str, Any]]:
    form = SchoolFilter(request.GET or None)
    return form, (form.cleaned_data if form.is_bound and form.is_valid() else {})


@signed_in
def index(request: PublicRequest) -> HttpResponse:
    form, chosen = _chosen(request)
    rows = queries.schools_for(request.actor, **chosen)
    waiting = queries.schools_for(request.actor, status=SchoolStatus.FAILED).count()
    context = {
        "title": "学校",
        "lead": f"{waiting} 所学校开通失败，请处理" if waiting else "已批准加入的学校；点击名称查看开通进度与记录",
        "crumbs": [HOME, {"label": "学校"}],
        "form": form,
        "page_obj": paginate(request, rows),
        "tones": TONES,
    }
    return render_list(request, "schools/index.html", "schools/_rows.html", context)


HEADS = [
    "学校名称",
    "访问名",
    "学校代码",
    "统一社会信用代码",
    "类型",
    "省份",
    "城市",
    "运营方式",
    "在校生",
    "教职工",
    "校区",
    "状态",
    "试运行",
    "批准时间",
    "开通时间",
]


def _line(school: "School") -> list[Any]:
    return [
        school.name, school.slug, school.school_code, school.credit_code, SchoolKind(school.kind).label,
        school.region_name, school.city, OperatingMode(school.mode).label,
        school.students, school.staff_count, school.campuses, SchoolStatus(school.status).label,
        school.trial, school.created_at, school.opened_at,
    ]  # fmt: skip


def _cell(value: Any) -> str:
    """Text for CSV; what a spreadsheet would run as a formula is quoted."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if hasattr(value, "astimezone"):
        return value.astimezone(clock.SHANGHAI).strftime("%Y-%m-%d %H:%M")  # type: ignore[no-any-return]
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@signed_in
def export(request: PublicRequest, kind: str) -> HttpResponse:
    """The filtered list as a workbook or CSV (UTF-8 with BOM, as Excel expects)."""
    _form, chosen = _chosen(request)
    rows = queries.schools_for(request.actor, **chosen)
    if kind == "xlsx":
        return xlsx.download("学校.xlsx", [("学校", HEADS, (_line(s) for s in rows))])
    if kind != "csv":
        raise Http404
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADS)
    writer.writerows([_cell(v) for v in _line(s)] for s in rows)
    answer = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f"attachment; filename=\"schools.csv\"; filename*=UTF-8''{quote('学校.csv')}"
    answer["Cache-Control"] = "no-store"
    return answer


def _steps(school: "School", *, built: bool) -> list[dict[str, str]]:
    """已批准 → 建库中 → 初始化 → 可用 as the stepper shows it."""
    status = SchoolStatus(school.status)
    if status == SchoolStatus.FAILED:
        reached = 2 if built else 1
    elif status in WAY:
        reached = WAY.index(status)
    else:
        reached = len(WAY)
    steps = []
    for number, step in enumerate(WAY):
        state = "done" if number < reached or status == SchoolStatus.READY else "todo"
        if number == reached and status != SchoolStatus.READY:
            state = "failed" if status == SchoolStatus.FAILED else "current"
        if number == 0 and status == SchoolStatus.APPROVED:
            state = "current"
        steps.append({"label": str(step.label), "state": state, "note": ""})
    return steps


def _body(request: PublicRequest, school_id: UUID, **more: Any) -> dict[str, Any]:
    school = queries.school_for(request.actor, school_id)
    record = queries.record_of(school)
    host = queries.primary_host(school)
    events = queries.events_for(request.actor, school)[:50]
    tones = {"school.ready": "ok", "school.failed": "bad", "school.suspended": "warn", "school.resumed": "ok"}
    return {
        "school": school,
        "record": record,
        "address": school_url(school.slug) if host else "",
        "host": host,
        "opening": school.status in OPENING,
        "steps": _steps(school, built=record is not None),
        "tones": TONES,
        "lines": [
            (ServiceLine(line).label, OperatingMode(mode).label)
            for line, mode in school.line_modes.items()
            if line in ServiceLine.values and mode in OperatingMode.values
        ],
        "may_manage": policies.can_manage(request.actor),
        "timeline": [
            {"at": e.at, "who": e.actor_name, "text": e.sentence, "tone": tones.get(e.verb, "muted")} for e in events
        ],
        **more,
    }


@signed_in
def detail(request: PublicRequest, school_id: UUID) -> HttpResponse:
    context = _body(request, school_id)
    school = context["school"]
    crumbs = [HOME, {"label": "学校", "url": reverse("institute:schools")}, {"label": school.name}]
    return render(request, "schools/detail.html", {**context, "title": school.name, "crumbs": crumbs})


@signed_in
def opening(request: PublicRequest, school_id: UUID) -> HttpResponse:
    """What the detail page shows, polled while a school opens."""
    return render(request, "schools/_body.html", _body(request, school_id))


@require_POST
@signed_in
def retry(request: PublicRequest, school_id: UUID) -> HttpResponse:
    try:
        operations.retry(school_id=school_id, by=request.actor, now=clock.now())
    except DomainError as refused:
        return render(request, "schools/_body.html", _body(request, school_id, refused=refused.sentence), status=422)
    return go(request, "institute:school", school_id, said="已重新开始建库")


@require_POST
@signed_in
def trial(request: PublicRequest, school_id: UUID) -> HttpResponse:
    wanted = request.POST.get("trial") == "1"
    try:
        operations.set_trial(school_id=school_id, trial=wanted, by=request.actor, now=clock.now())
    except DomainError as refused:
        return render(request, "schools/_body.html", _body(request, school_id, refused=refused.sentence), status=422)
    return go(request, "institute:school", school_id, said="已转为试运行" if wanted else "已转为正式运行")


def _confirmed(request: PublicRequest, school_id: UUID, *, closing: bool) -> HttpResponse:
    if not policies.can_manage(request.actor):
        raise NotAllowed
    school = queries.school_for(request.actor, school_id)
    kind = Suspension if closing else Confirmed
    form = kind(request.POST or None, slug=school.slug)
    refused, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                if closing:
                    reason = form.cleaned_data["reason"]
                    operations.suspend(school_id=school_id, reason=reason, by=request.actor, now=clock.now())
                else:
                    operations.resume(school_id=school_id, by=request.actor, now=clock.now())
            except DomainError as no:
                refused = no.sentence
            else:
                return go(request, "institute:school", school_id, said="已停用" if closing else "已恢复使用")
    verb = "停用" if closing else "恢复"
    context = {
        "title": f"{verb}：{school.name}",
        "lead": "停用后，该校网页、手机页和接口几秒内不可用；数据保留，可随时恢复。" if closing else "恢复后，该校师生可立即登录使用。",
        "crumbs": [
            HOME,
            {"label": "学校", "url": reverse("institute:schools")},
            {"label": school.name, "url": reverse("institute:school", args=[school_id])},
            {"label": verb},
        ],
        "form": form,
        "refused": refused,
        "submit": f"确认{verb}",
        "danger": closing,
        "cancel": reverse("institute:school", args=[school_id]),
    }  # fmt: skip
    template = "components/form.html" if request.method == "POST" and request.htmx else "schools/confirm.html"
    return render(request, template, context, status=status)


@signed_in
def suspend(request: PublicRequest, school_id: UUID) -> HttpResponse:
    return _confirmed(request, school_id, closing=True)


@signed_in
def resume(request: PublicRequest, school_id: UUID) -> HttpResponse:
    return _confirmed(request, school_id, closing=False)


@signed_in
def ledger(request: PublicRequest) -> HttpResponse:
    form = LedgerFilter(request.GET or None)
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    rows = queries.ledger_for(request.actor, **chosen)
    counts = queries.ledger_counts(request.actor)
    context = {
        "title": "数据升级",
        "lead": "每所学校的数据表与当前程序是否一致；升级逐校进行，可中断、可重复。",
        "crumbs": [HOME, {"label": "学校", "url": reverse("institute:schools")}, {"label": "数据升级"}],
        "form": form,
        "page_obj": paginate(request, rows),
        "counts": counts,
        "tones": LEDGER_TONES,
        "may_manage": policies.can_manage(request.actor),
    }
    return render_list(request, "schools/ledger.html", "schools/_ledger_rows.html", context)


@require_POST
@signed_in
def run_upgrade(request: PublicRequest) -> HttpResponse:
    upgrade.request_run(by=request.actor)
    return go(request, "institute:schools_ledger", said="已开始，稍后刷新本页查看结果")
