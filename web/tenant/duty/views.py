"""Duty in the console: the live cockpit, rules of posts, calls and their pictures, log, anomalies, handovers, cameras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from standards_library.choices import ServiceLine
from tenants.duty import operations, policies, queries
from tenants.duty.choices import UNANSWERED, CallStatus, Outcome, ReportStatus
from tenants.duty.cockpit import cockpit
from tenants.duty.models import CameraReport, DutyPost
from tenants.duty.operations.anomalies import may_close
from tenants.duty.operations.calls import was_sent_late
from tenants.duty.reckoning import reached
from tenants.organisation import queries as organisation
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx, paginate, render_list, safe_next
from web.tenant.duty.forms import CallFilter, CockpitFilter, PostForm
from web.tenant.duty.sheet import MAX_ROWS, workbook
from web.tenant.evidence.uploads import client_key, refused_json

OUTCOME_TONES = {
    Outcome.ON_POST: "ok",
    Outcome.LATE: "warn",
    Outcome.TIMEOUT: "bad",
    Outcome.OTHER: "bad",
    Outcome.WRONG_PLACE: "bad",
    CallStatus.WAITING: "muted",
    CallStatus.RINGING: "info",
}
REPORT_TONES = {ReportStatus.NEW: "warn", ReportStatus.CONFIRMED: "bad", ReportStatus.REJECTED: "muted"}
CRUMB = {"label": "值班"}


def _board(request: SchoolRequest) -> dict[str, Any]:
    now = clock.now()
    form = CockpitFilter(request.GET, by=request.actor)
    view = cockpit(by=request.actor, tenant=request.school, now=now, **form.chosen())
    shorts = [state.short_now(now) for state in view.posts]
    rows = [
        {
            "state": state,
            "short": short,
            "gaps": state.shortfalls[-3:][::-1],
            "rank": (short is None or short.declared, state.open_call is None),
        }
        for state, short in zip(view.posts, shorts, strict=True)
    ]
    rows.sort(key=lambda row: row["rank"])  # type: ignore[arg-type, return-value]
    return {
        "view": view,
        "total": f"共 {len(view.posts)} 个值班岗",
        "rows": rows,
        "form": form,
        "tones": OUTCOME_TONES,
        "may_call": policies.oversees(request.actor),
        "query": request.GET.urlencode(),
        "outcomes": dict(Outcome.choices),
    }


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    context = {
        "title": "值守看板",
        "lead": "谁在岗、从几点起、查岗与未了事项，随时更新",
        "crumbs": [CRUMB, {"label": "值守看板"}],
        "client_key": str(new_id()),
        **_board(request),
    }
    return render(request, "duty/index.html", context)


@require_safe
@signed_in
def board(request: SchoolRequest) -> HttpResponse:
    """The live part alone."""
    response = render(request, "duty/_board.html", _board(request))
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@signed_in
def call(request: SchoolRequest) -> HttpResponse:
    """查岗: one tap, one post (`post`) or a group (`ids`)."""
    try:
        ids = [UUID(text) for text in request.POST.getlist("post") or request.POST.getlist("ids")]
    except ValueError as wrong:
        raise NotFound from wrong
    try:
        rows = operations.issue_calls(
            post_ids=ids, reason=request.POST.get("reason", ""), by=request.actor, tenant=request.school,
            now=clock.now(), client_key=client_key(request),
        )  # fmt: skip
    except DomainError as refused:
        if is_htmx(request):
            return render(request, "components/errors.html", {"refused": refused.sentence}, status=422)
        return go(request, "duty:index", said=refused.sentence, tone="bad")
    left_out = f"；另有 {len(set(ids)) - len(rows)} 个岗位现在不要求有人，没有下达" if len(rows) < len(set(ids)) else ""
    if len(rows) == 1 and not left_out:
        return go(request, "duty:one_call", rows[0].pk, said="查岗已下达，等待应答")
    return go(request, "duty:calls", said=f"已向 {len(rows)} 个岗位下达查岗{left_out}")


# --- Calls -----------------------------------------------------------------------------------------


@require_safe
@signed_in
def calls(request: SchoolRequest) -> HttpResponse:
    form = CallFilter(request.GET or None, by=request.actor)
    page = paginate(request, queries.calls(by=request.actor, tz=request.school.tz, **form.chosen()))
    _dress(page.object_list)
    context = {
        "title": "查岗记录",
        "lead": "每次查岗的结果、照片和用时",
        "crumbs": [CRUMB, {"label": "查岗记录"}],
        "form": form,
        "page_obj": page,
        "tones": OUTCOME_TONES,
    }
    return render_list(request, "duty/calls.html", "duty/_calls.html", context)


def _dress(rows: Any) -> None:
    """Put beside each call of a page who was under it: one query."""
    under = queries.staff_under(rows)
    for row in rows:
        row.people = under.get(row.pk, [])
        row.late_sent = was_sent_late(row)
        row.unreached = _unreached(row)
        row.photo = next((s.photo_id for s in row.people if s.photo_id), None)


def _unreached(row: Any) -> list[str]:
    """Who did not answer and is not known to have been reached, where that keeps the call from counting."""
    if row.outcome not in UNANSWERED or row.judged_at is not None:
        return []
    silent = [s for s in row.people if s.on_duty and not s.away and s.answered_at is None]
    return [s.staff.name for s in silent if not reached(row, s)]


@require_safe
@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The filtered calls as .xlsx, at most 20,000 rows."""
    form = CallFilter(request.GET, by=request.actor)
    rows = list(queries.calls(by=request.actor, tz=request.school.tz, **form.chosen())[:MAX_ROWS])
    _dress(rows)
    name = f"查岗记录-{request.school.name}-{clock.now().astimezone(request.school.tz):%Y%m%d-%H%M}.xlsx"
    response = HttpResponse(
        workbook(rows, tz=request.school.tz, title=name),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["Cache-Control"] = "no-store"
    return response


def _call_context(request: SchoolRequest, call_id: UUID) -> dict[str, Any]:
    row = queries.call(call_id=call_id, by=request.actor)
    _dress([row])
    people: list[Any] = row.people  # type: ignore[attr-defined]
    earlier: dict[UUID, list[Any]] = {}
    for owner, attempt in queries.attempts_of([s.pk for s in people]):
        earlier.setdefault(owner, []).append(attempt)
    for one in people:
        one.earlier = earlier.get(one.pk, [])
    now = clock.now()
    return {
        "title": f"查岗：{row.post.name}",
        "crumbs": [CRUMB, {"label": "查岗记录", "url": reverse("duty:calls")}, {"label": row.post.name}],
        "call": row,
        "tones": OUTCOME_TONES,
        "outcomes": [c for c in Outcome.choices if c[0]],
        "seconds": max(0, round((row.deadline - now).total_seconds())) if row.deadline else 0,
        "may_judge": row.status == CallStatus.DONE
        and policies.can_judge(
            request.actor,
            summoned=[s.staff_id for s in people if s.on_duty],
            provider_id=row.post.party.provider_id,
        ),
        "here": request.path,
    }


@require_safe
@signed_in
def one_call(request: SchoolRequest, call_id: UUID) -> HttpResponse:
    if request.GET.get("part"):
        return render(request, "duty/_call.html", _call_context(request, call_id))
    return render(request, "duty/call.html", _call_context(request, call_id))


@require_POST
@signed_in
def judge(request: SchoolRequest, call_id: UUID) -> HttpResponse:
    post = request.POST
    return _act(
        request, reverse("duty:one_call", args=[call_id]), "已认定",
        lambda: operations.judge_call(
            call_id=call_id, note=post.get("note", ""), outcome=post.get("outcome", ""),
            asleep=post.get("asleep") == "1", by=request.actor, tenant=request.school, now=clock.now(),
        ),
    )  # fmt: skip


def _act(request: SchoolRequest, back: str, said: str, do: Callable[[], object]) -> HttpResponse:
    """Take one step and go back; a refusal is shown where the form stands."""
    try:
        do()
    except DomainError as refused:
        if isinstance(refused, NotFound | NotAllowed):
            raise
        if is_htmx(request):
            return render(request, "components/errors.html", {"refused": refused.sentence}, status=422)
        return go(request, back, said=refused.sentence, tone="bad")
    return go(request, safe_next(request, back), said=said)


# --- Posts and their log ---------------------------------------------------------------------------


@require_safe
@signed_in
def posts(request: SchoolRequest) -> HttpResponse:
    rows = list(queries.visible_posts(request.actor).distinct().order_by("post__place__path", "post__name"))
    for row in rows:
        row.line_label = ServiceLine(row.post.line).label  # type: ignore[attr-defined]
    may = policies.can_configure(request.actor)
    others = []
    if may:
        known = {row.pk for row in rows}
        others = [p for p in organisation.posts(by=request.actor) if p.pk not in known]
    context = {
        "title": "值班岗",
        "lead": "哪些岗位要值班、怎么查岗、多久算脱岗",
        "crumbs": [CRUMB, {"label": "值班岗"}],
        "rows": rows,
        "others": others,
        "may": may,
        "sees_budget": policies.reads_all(request.actor),
        "may_cameras": may,
    }
    return render(request, "duty/posts.html", context)


@signed_in
def post(request: SchoolRequest, post_id: UUID) -> HttpResponse:
    """The rules of one post; for a post that is none yet, the form that makes it one."""
    if not policies.can_configure(request.actor):
        raise NotAllowed
    known = queries.rules_of(post_id)
    row = known or DutyPost(post=organisation.post(post_id, by=request.actor))
    form = PostForm(request.POST or None, initial=PostForm.initial_of(row))
    context = {
        "title": row.post.name,
        "lead": "修改后对新发出的查岗生效",
        "crumbs": [CRUMB, {"label": "值班岗", "url": reverse("duty:posts")}, {"label": row.post.name}],
        "form": form,
        "submit": "保存" if known else "设为值班岗",
        "cancel": reverse("duty:posts"),
    }
    if request.method != "POST":
        return render(request, "duty/post.html", context)
    if form.is_valid():
        try:
            operations.configure_post(
                post_id=post_id, by=request.actor, tenant=request.school, now=clock.now(), **form.chosen()
            )
            return go(request, "duty:posts", said=f"已保存：{row.post.name}")
        except DomainError as refused:
            context["refused"] = refused.sentence
    template = "duty/_post.html" if is_htmx(request) else "duty/post.html"
    return render(request, template, context, status=422)


@require_POST
@signed_in
def note(request: SchoolRequest, post_id: UUID) -> HttpResponse:
    """记事, or with `seq` 更正."""
    given = request.POST
    common: dict[str, Any] = {
        "post_id": post_id,
        "text": given.get("text", ""),
        "by": request.actor,
        "tenant": request.school,
    }

    def do() -> object:
        if given.get("seq"):
            try:
                seq = int(given["seq"])
            except ValueError as wrong:
                raise Invalid("请填写要更正的序号。", field="seq") from wrong
            return operations.correct_entry(**common, seq=seq, now=clock.now())
        return operations.add_note(**common, now=clock.now(), client_key=client_key(request))

    return _act(request, reverse("duty:log", args=[post_id]), "已记入日志", do)


@require_POST
@signed_in
def end_stint(request: SchoolRequest, stint_id: UUID) -> HttpResponse:
    return _act(
        request, reverse("duty:index"), "已代为下岗",
        lambda: operations.end_stint(
            stint_id=stint_id, reason=request.POST.get("reason", "上级代为结束"), by=request.actor,
            tenant=request.school, now=clock.now(),
        ),
    )  # fmt: skip


# --- Anomalies and handovers -----------------------------------------------------------------------


@require_safe
@signed_in
def anomaly(request: SchoolRequest, anomaly_id: UUID) -> HttpResponse:
    row = queries.anomaly(anomaly_id=anomaly_id, by=request.actor)
    context = {
        "title": f"{row.number} {row.get_kind_display()}",
        "crumbs": [CRUMB, {"label": "异常与交接", "url": reverse("duty:anomalies")}, {"label": row.number}],
        "row": row,
        "files": [f for _a, f in queries.files_of([row.pk])],
        "lines": queries.visible_log(request.actor).filter(subject_id=row.pk, post_id=row.post_id).distinct(),
        "tones": {"open": "warn", "closed": "ok"},
        "may_close": may_close(row, request.actor),
        "may_take": policies.oversees(request.actor) and row.status == "open" and row.taken_by is None,
        "may_find": policies.oversees(request.actor) and row.finding_id is None,
        "here": request.path,
    }
    return render(request, "duty/anomaly.html", context)


def _given(request: SchoolRequest, anomaly_id: UUID) -> dict[str, Any]:
    return {"anomaly_id": anomaly_id, "by": request.actor, "tenant": request.school, "now": clock.now()}


@require_POST
@signed_in
def take(request: SchoolRequest, anomaly_id: UUID) -> HttpResponse:
    back = reverse("duty:anomaly", args=[anomaly_id])
    return _act(request, back, "已接手", lambda: operations.take_anomaly(**_given(request, anomaly_id)))


@require_POST
@signed_in
def close(request: SchoolRequest, anomaly_id: UUID) -> HttpResponse:
    return _act(
        request, reverse("duty:anomaly", args=[anomaly_id]), "已处理",
        lambda: operations.close_anomaly(
            **_given(request, anomaly_id), result=request.POST.get("result", ""), client_key=client_key(request)
        ),
    )  # fmt: skip


@require_POST
@signed_in
def to_finding(request: SchoolRequest, anomaly_id: UUID) -> HttpResponse:
    back = reverse("duty:anomaly", args=[anomaly_id])
    return _act(request, back, "已转问题整改", lambda: operations.to_finding(**_given(request, anomaly_id)))


# --- Cameras ---------------------------------------------------------------------------------------


@signed_in
def cameras(request: SchoolRequest) -> HttpResponse:
    """The systems, their reports, and a new system with its secret shown once."""
    secret, refused = None, ""
    if request.method == "POST":
        try:
            if request.POST.get("camera"):
                operations.set_camera_active(
                    camera_id=_uuid(request.POST["camera"]), active=request.POST.get("active") == "1",
                    by=request.actor, tenant=request.school, now=clock.now(),
                )  # fmt: skip
                return go(request, "duty:cameras", said="已更新")
            secret = operations.add_camera(
                name=request.POST.get("name", ""), by=request.actor, tenant=request.school, now=clock.now()
            )
        except Invalid as wrong:
            refused = wrong.sentence
    reports = queries.visible_reports(request.actor)
    waiting = reports.filter(status=ReportStatus.NEW).count()
    context = {
        "title": "视频系统",
        "lead": f"{waiting} 条待确认；人工认定属实后才算数"
        if waiting
        else "视频系统可以报告疑似离岗、睡岗；人工认定后才算数",
        "crumbs": [CRUMB, {"label": "值班岗", "url": reverse("duty:posts")}, {"label": "视频系统"}],
        "systems": queries.cameras(by=request.actor),
        "page_obj": paginate(request, reports),
        "tones": REPORT_TONES,
        "may_add": policies.can_manage_cameras(request.actor),
        "made": secret,
        "hook": request.build_absolute_uri(reverse("duty:hook", args=[secret.system.pk])) if secret else "",
        "refused": refused,
    }
    response = render(request, "duty/cameras.html", context, status=422 if refused else 200)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as wrong:
        raise NotFound from wrong


@signed_in
def report(request: SchoolRequest, camera_report_id: UUID) -> HttpResponse:
    """One camera report; POST says whether it is true."""
    row = queries.report(report_id=camera_report_id, by=request.actor)
    if request.method == "POST":
        return _act(
            request, reverse("duty:report", args=[camera_report_id]), "已认定",
            lambda: operations.judge_report(
                report_id=camera_report_id, confirmed=request.POST.get("verdict") == "confirmed",
                note=request.POST.get("note", ""), by=request.actor, tenant=request.school, now=clock.now(),
            ),
        )  # fmt: skip
    context = {
        "title": f"视频告警：{row.post.name}",
        "crumbs": [CRUMB, {"label": "视频系统", "url": reverse("duty:cameras")}, {"label": row.post.name}],
        "row": row,
        "on_duty": _people_then(request, row),
        "tones": REPORT_TONES,
        "may_judge": policies.oversees(request.actor) and row.status == ReportStatus.NEW,
    }
    return render(request, "duty/report.html", context)


def _people_then(request: SchoolRequest, row: CameraReport) -> list[dict[str, Any]]:
    """Who was on duty at the post when the camera saw it, and the absence each had declared."""
    stints = queries.visible_stints(request.actor).filter(post_id=row.post_id, signed_on_at__lte=row.at)
    found = stints.exclude(signed_off_at__lte=row.at).order_by("signed_on_at").prefetch_related("absences")
    return [
        {
            "name": stint.staff.name,
            "away": next(
                (a for a in stint.absences.all() if a.starts_at <= row.at < (a.ends_at or a.until)), None
            ),
        }
        for stint in found
    ]  # fmt: skip


@csrf_exempt
@require_POST
def hook(request: SchoolRequest, camera_system_id: UUID) -> HttpResponse:
    """Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`. 201 new, 200 known, 401 not signed."""
    try:
        row, made = operations.receive_report(
            camera_id=camera_system_id,
            message_id=request.headers.get("webhook-id", ""),
            timestamp=request.headers.get("webhook-timestamp", ""),
            signatures=request.headers.get("webhook-signature", ""),
            body=request.body,
            tenant=request.school,
            now=clock.now(),
        )
    except DomainError as refused:
        response = refused_json(refused)
        if refused.code == "bad_signature":
            response.status_code = 401
        return response
    return JsonResponse({"id": str(row.pk)}, status=201 if made else 200)
