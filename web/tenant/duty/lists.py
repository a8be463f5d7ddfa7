"""Lists of duty in the console, each with its filters and its .xlsx: anomalies, handovers, a post's log, gaps of a day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from kernel import clock
from kernel.errors import Invalid
from kernel.ids import new_id
from standards_library.choices import ServiceLine
from tenants.duty import metrics, policies, queries
from tenants.duty.choices import ItemStatus
from tenants.duty.cockpit import Gap, gaps_of_day
from tenants.duty.metrics import PostMinutes
from web.http import SchoolRequest, signed_in
from web.shared.pages import paginate, render_list
from web.shared.xlsx import download
from web.tenant.duty.forms import AnomalyFilter, GapFilter, HandoverFilter, LogFilter, PostMinutesFilter

CRUMB = {"label": "值班"}
MAX_ROWS = 20_000
ITEM_TONES = {
    ItemStatus.OFFERED: "warn",
    ItemStatus.ACCEPTED: "ok",
    ItemStatus.REFUSED: "bad",
    ItemStatus.TAKEN: "info",
    ItemStatus.WITHDRAWN: "muted",
}
FAULTS = {
    "line": "第 {seq} 条被改动过：第 {number} 次封存的第 {byte} 个字节起与原文不符",
    "body": "第 {number} 次封存的原文被改动过（第 {byte} 个字节起）",
    "chain": "第 {number} 次封存与前一次接不上，封存记录被删改过",
    "missing": "第 {seq} 条已不存在，属于第 {number} 次封存",
    "head": "第 {number} 次封存的时间、班次或起止序号被改动过",
    "key": "第 {number} 次封存不是由平台做出的，封存记录被重做过",
    "anchor": "第 {number} 次封存与时间线、岗位上留存的摘要不符，封存记录被重做或删除过",
    "lost": "第 {seq} 条未封存的记录已不存在，日志被删过",
    "extra": "第 {seq} 条超出本岗位的记录总数，日志被添加过",
}


def _file(request: SchoolRequest, what: str, heads: list[str], rows: list[list[Any]], *, of: str = "") -> HttpResponse:
    now = clock.now().astimezone(request.school.tz)
    return download(f"{what}{of}-{request.school.name}-{now:%Y%m%d-%H%M}.xlsx", [(what, heads, rows)])


def _tabs(active: str) -> list[dict[str, Any]]:
    names = (("anomalies", "异常"), ("handovers", "交接"))
    return [{"label": label, "url": reverse(f"duty:{name}"), "active": name == active} for name, label in names]


# --- Anomalies and handovers -----------------------------------------------------------------------


@require_safe
@signed_in
def anomalies(request: SchoolRequest) -> HttpResponse:
    form = AnomalyFilter(request.GET or None, by=request.actor)
    context = {
        "title": "值班异常",
        "lead": "故障、突发、来访、报警；每一件都有人负责，直到处理完",
        "crumbs": [CRUMB, {"label": "异常与交接"}],
        "tabs": _tabs("anomalies"),
        "form": form,
        "page_obj": paginate(request, queries.anomalies(by=request.actor, tz=request.school.tz, **form.chosen())),
        "tones": {"open": "warn", "closed": "ok"},
        "may_report": policies.oversees(request.actor),
    }
    return render_list(request, "duty/anomalies.html", "duty/_anomalies.html", context)


@require_safe
@signed_in
def export_anomalies(request: SchoolRequest) -> HttpResponse:
    """The filtered anomalies as .xlsx, at most 20,000 rows."""
    form = AnomalyFilter(request.GET, by=request.actor)
    rows = [
        [
            a.number, a.get_kind_display(), a.get_severity_display(), a.text, a.post.name,  # type: ignore[attr-defined]
            a.post.place.full_name if a.post.place else "", a.post.party.name,
            a.taken_by_name or (a.holder.name if a.holder else "已上交，待接手"), a.reported_by_name, a.reported_at,
            a.get_status_display(), a.closed_at, a.closed_by_name, a.result,  # type: ignore[attr-defined]
        ]
        for a in queries.anomalies(by=request.actor, tz=request.school.tz, **form.chosen())[:MAX_ROWS]
    ]  # fmt: skip
    heads = [
        "编号", "类别", "严重程度", "内容", "岗位", "地点", "责任单位", "负责人", "登记人", "登记时间", "状态", "处理时间", "处理人", "处理结果",
    ]  # fmt: skip
    return _file(request, "值班异常", heads, rows)


def _parts(ids: list[UUID]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for owner, item in queries.items_of(ids):
        found.setdefault(owner, []).append(item)
    return found


@require_safe
@signed_in
def handovers(request: SchoolRequest) -> HttpResponse:
    form = HandoverFilter(request.GET or None, by=request.actor)
    page = paginate(request, queries.handovers(by=request.actor, tz=request.school.tz, **form.chosen()))
    items = _parts([row.pk for row in page.object_list])
    for row in page.object_list:
        row.parts = items.get(row.pk, [])  # type: ignore[attr-defined]
    context = {
        "title": "交接",
        "lead": "未了事项由谁交给谁、接没接；被拒的交上级",
        "crumbs": [CRUMB, {"label": "异常与交接"}],
        "tabs": _tabs("handovers"),
        "form": form,
        "page_obj": page,
        "tones": ITEM_TONES,
    }
    return render_list(request, "duty/handovers.html", "duty/_handovers.html", context)


@require_safe
@signed_in
def export_handovers(request: SchoolRequest) -> HttpResponse:
    """The filtered handovers as .xlsx, one row for each item, at most 20,000 handovers."""
    form = HandoverFilter(request.GET, by=request.actor)
    found = list(queries.handovers(by=request.actor, tz=request.school.tz, **form.chosen())[:MAX_ROWS])
    items = _parts([row.pk for row in found])
    rows = [
        [
            h.opened_at, h.post.name, h.post.party.name, h.stint.staff.name, h.receiver.name, i.anomaly.number,
            i.anomaly.text, i.get_status_display(), i.answered_at, i.answered_by_name, i.reason, h.note, h.done_at,
        ]
        for h in found
        for i in items.get(h.pk, [])
    ]  # fmt: skip
    heads = [
        "交接时间", "岗位", "责任单位", "交班", "接班", "事项编号", "事项", "状态", "答复时间", "答复人", "不接收原因", "交接说明", "完成时间",
    ]  # fmt: skip
    return _file(request, "交接", heads, rows)


# --- The log ---------------------------------------------------------------------------------------


@require_safe
@signed_in
def log(request: SchoolRequest, post_id: UUID) -> HttpResponse:
    """The log of one post with its seals; `?check=1` verifies the chain."""
    row = queries.duty_post(post_id=post_id, by=request.actor)
    form = LogFilter(request.GET or None)
    lines = queries.log_lines(by=request.actor, tz=request.school.tz, post_id=post_id, **form.chosen())
    seals = list(queries.seals_of(post_id)[:50])
    page = paginate(request, lines)
    sealed = max((s.last_seq for s in seals), default=0)
    for line in page.object_list:
        line.sealed = line.seq <= sealed
    checked, fault = request.GET.get("check") == "1", ""
    if checked:
        found = queries.check_log(post_id=post_id, by=request.actor, tenant=request.school)
        if found is not None:
            fault = FAULTS[found.what].format(seq=found.seq, number=found.number, byte=(found.byte or 0) + 1)
    context = {
        "title": f"值班日志：{row.post.name}",
        "lead": "每班下岗时自动封存；记错了另写一条更正，原文不动",
        "crumbs": [CRUMB, {"label": "值班岗", "url": reverse("duty:posts")}, {"label": "值班日志"}],
        "post": row.post,
        "form": form,
        "page_obj": page,
        "seals": seals,
        "unsealed": queries.unsealed_lines(post_id),
        "checked": checked,
        "fault": fault,
        "may_write": policies.oversees(request.actor),
        "client_key": str(new_id()),
    }
    return render_list(request, "duty/log.html", "duty/_log.html", context)


@require_safe
@signed_in
def export_log(request: SchoolRequest, post_id: UUID) -> HttpResponse:
    """The filtered log of one post as .xlsx, at most 20,000 rows."""
    post = queries.duty_post(post_id=post_id, by=request.actor).post
    form = LogFilter(request.GET)
    lines = queries.log_lines(by=request.actor, tz=request.school.tz, post_id=post_id, **form.chosen())[:MAX_ROWS]
    sealed = max((s.last_seq for s in queries.seals_of(post_id)[:1]), default=0)
    rows = [
        [e.seq, e.at, e.get_kind_display(), e.text, e.actor_name, "已封存" if e.seq <= sealed else "未封存"]  # type: ignore[attr-defined]
        for e in lines
    ]
    return _file(request, "值班日志", ["序号", "时间", "类别", "内容", "记录人", "封存"], rows, of=f"-{post.name}")


def _gap_tabs(active: str) -> list[dict[str, Any]]:
    names = (("gaps", "按时段"), ("post_minutes", "按岗位"))
    return [{"label": label, "url": reverse(f"duty:{name}"), "active": name == active} for name, label in names]


# --- Gaps ------------------------------------------------------------------------------------------


def _gaps(request: SchoolRequest, form: GapFilter, now: datetime) -> tuple[Any, list[Gap]]:
    chosen = form.chosen()
    today = now.astimezone(request.school.tz).date()
    day = min(chosen.pop("day") or today, today)
    return day, gaps_of_day(by=request.actor, tenant=request.school, day=day, now=now, **chosen)


@require_safe
@signed_in
def gaps(request: SchoolRequest) -> HttpResponse:
    """When posts were below their minimum on one day, any day."""
    now = clock.now()
    today = now.astimezone(request.school.tz).date()
    form = GapFilter({"day": today.isoformat(), **request.GET.dict()}, by=request.actor)
    day, found = _gaps(request, form, now)
    context = {
        "title": "缺岗记录",
        "tabs": _gap_tabs("gaps"),
        "lead": "按合同在岗要求，哪些岗位在什么时候人数不足",
        "crumbs": [CRUMB, {"label": "值守看板", "url": reverse("duty:index")}, {"label": "缺岗记录"}],
        "form": form,
        "day": day,
        "before": (day - timedelta(days=1)).isoformat(),
        "after": (day + timedelta(days=1)).isoformat() if day < today else "",
        "page_obj": paginate(request, found),
        "missing": sum(g.minutes for g in found if not g.short.declared),
        "declared": sum(g.minutes for g in found if g.short.declared),
        "posts": len({g.short.post_id for g in found if not g.short.declared}),
    }
    return render(request, "duty/gaps.html", context)


@require_safe
@signed_in
def export_gaps(request: SchoolRequest) -> HttpResponse:
    """The gaps of one day as .xlsx."""
    day, found = _gaps(request, GapFilter(request.GET, by=request.actor), clock.now())
    rows = [
        [
            g.post.name, g.post.place.full_name if g.post.place else "", g.post.party.name, g.short.starts_at,
            g.short.ends_at, g.minutes, g.short.needed, g.short.present, "申报离岗" if g.short.declared else "缺人",
        ]
        for g in found
    ]  # fmt: skip
    heads = ["岗位", "地点", "责任单位", "开始", "结束", "分钟", "应到人数", "在岗人数", "原因"]
    return _file(request, "缺岗记录", heads, rows, of=f"-{day:%Y%m%d}")


# --- Minutes below the minimum, by post ------------------------------------------------------------


def _post_minutes(request: SchoolRequest) -> tuple[PostMinutesFilter, list[PostMinutes], str, tuple[date, date]]:
    """The filter, the rows, why there are none, and the days: this month's unless others are asked for."""
    today = clock.now().astimezone(request.school.tz).date()
    days = {"from_day": today.replace(day=1).isoformat(), "until_day": today.isoformat()}
    form = PostMinutesFilter({**days, **request.GET.dict()}, by=request.actor)
    chosen = form.chosen()
    first, last = chosen.pop("from_day") or today.replace(day=1), min(chosen.pop("until_day") or today, today)
    try:
        rows = metrics.minutes_of_posts(by=request.actor, tz=request.school.tz, first=first, last=last, **chosen)
    except Invalid as refused:
        return form, [], refused.sentence, (first, last)
    return form, rows, "", (first, last)


@require_safe
@signed_in
def post_minutes(request: SchoolRequest) -> HttpResponse:
    """What 低于最低人数时长占比 is made of: post by post."""
    form, rows, refused, (first, last) = _post_minutes(request)
    short, known = sum(r.sums.minutes_short for r in rows), sum(r.sums.minutes_known for r in rows)
    context = {
        "title": "缺岗记录",
        "lead": f"{first:%-m月%-d日}—{last:%-m月%-d日}，各岗位低于合同要求人数的时长；已申报离岗的不算",
        "crumbs": [CRUMB, {"label": "值守看板", "url": reverse("duty:index")}, {"label": "缺岗记录"}],
        "tabs": _gap_tabs("post_minutes"),
        "form": form,
        "refused": refused,
        "last": last,
        "short": short,
        "share": 100 * short / known if known else None,
        "posts": sum(r.sums.minutes_short > 0 for r in rows),
        "page_obj": paginate(request, [{"row": r, "line": ServiceLine(r.post.line).label} for r in rows]),
    }
    return render(request, "duty/post_minutes.html", context, status=422 if refused else 200)


@require_safe
@signed_in
def export_post_minutes(request: SchoolRequest) -> HttpResponse:
    """The minutes of each post as .xlsx."""
    _form, rows, _refused, (first, last) = _post_minutes(request)
    lines = [
        [
            r.post.name, r.post.place.full_name if r.post.place else "", r.post.party.name, ServiceLine(r.post.line).label,
            r.sums.minutes, r.sums.minutes_known, r.sums.minutes_short,
            "不知道" if r.share is None else round(r.share, 1), r.unknown,
        ]
        for r in rows
    ]  # fmt: skip
    heads = [
        "岗位",
        "地点",
        "责任单位",
        "服务条线",
        "要求有人（分钟）",
        "其中有记录（分钟）",
        "低于最低人数（分钟）",
        "占比（%）",
        "首次上岗前（分钟）",
    ]
    return _file(request, "各岗位缺岗时长", heads, lines, of=f"-{first:%Y%m%d}-{last:%Y%m%d}")
