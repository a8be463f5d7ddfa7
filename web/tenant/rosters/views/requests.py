"""Leave, swap and cover: the office's list, and the worker's phone pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError, NotAllowed
from kernel.ids import new_id
from tenants.rosters import deciding, operations, policies, queries
from tenants.rosters.choices import RequestStatus, SwapStatus
from tenants.rosters.models import Leave, Swap
from web.http import SchoolRequest, signed_in
from web.shared.day_grid import weeks
from web.shared.filters import given
from web.shared.own_rows import acting, choice
from web.shared.pages import go, is_htmx, paginate, render_list
from web.shared.xlsx import download
from web.tenant.evidence.uploads import client_key, from_outbox, refused_json
from web.tenant.rosters.forms import LeaveForm, RequestFilter, SwapFilter
from web.tenant.rosters.views.grid import CRUMB, day_asked, opt_uuid, party_choices, today_of
from web.tenant.rosters.views.setup import common

TONES = {
    RequestStatus.PENDING: "warn", RequestStatus.APPROVED: "ok", RequestStatus.REFUSED: "bad",
    RequestStatus.WITHDRAWN: "muted", SwapStatus.ASKED: "info", SwapStatus.ACCEPTED: "warn",
    SwapStatus.DECLINED: "muted",
}  # fmt: skip
MOST_ROWS = 20_000
AHEAD = 28  # days a worker sees of their roster


def _dress(request: SchoolRequest, rows: list[Leave]) -> list[Leave]:
    said = deciding.of_leaves(rows, by=request.actor, now=clock.now())
    for row in rows:
        row.when = operations.when_text(row.starts_at, row.ends_at, request.school)  # type: ignore[attr-defined]
        row.say = said.get(row.pk, deciding.Say())  # type: ignore[attr-defined]
    return rows


def _dress_swaps(request: SchoolRequest, rows: list[Swap]) -> list[Swap]:
    said = deciding.of_swaps(rows, by=request.actor, now=clock.now())
    for row in rows:
        row.say = said.get(row.pk, deciding.Say())  # type: ignore[attr-defined]
    return rows


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    if not policies.reads_grid(request.actor):
        raise NotAllowed
    what = "swaps" if request.GET.get("what") == "swaps" else "leaves"
    form = (RequestFilter if what == "leaves" else SwapFilter)(request.GET, choices={"party": party_choices(request)})
    waiting = queries.leaves(by=request.actor, status=RequestStatus.PENDING).count()
    waiting_swaps = queries.swaps(by=request.actor, status=SwapStatus.ACCEPTED).count()
    context: dict[str, Any] = {
        "title": "请假与换班",
        "lead": f"{waiting} 份请假、{waiting_swaps} 份换班待审批",
        "crumbs": [CRUMB, {"label": "请假与换班"}],
        "what": what,
        "tones": TONES,
        "tabs": [
            {"label": "请假", "url": "?what=leaves", "active": what == "leaves", "count": waiting},
            {"label": "换班与替班", "url": "?what=swaps", "active": what == "swaps", "count": waiting_swaps},
        ],
        "may": policies.edits(request.actor),
        "form": form,
        "filtered": any(request.GET.get(name) for name in ("search", "kind", "status", "party")),
    }
    if what == "leaves":
        page = paginate(request, queries.leaves(by=request.actor, **_asked(form)))
        page.object_list = _dress(request, list(page.object_list))
        context["page_obj"] = page
        return render_list(request, "rosters/requests.html", "rosters/_leaves.html", context)
    page = paginate(request, queries.swaps(by=request.actor, **_asked(form)))
    page.object_list = _dress_swaps(request, list(page.object_list))
    context["page_obj"] = page
    return render_list(request, "rosters/requests.html", "rosters/_swaps.html", context)


def _asked(form: RequestFilter | SwapFilter) -> dict[str, Any]:
    data = given(form)
    names = ("search", "kind", "status") if isinstance(form, RequestFilter) else ("search", "status")
    return {name: data.get(name) or "" for name in names} | {"party_id": opt_uuid(data.get("party") or "")}


@require_safe
@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The leaves, or the swaps, as they are filtered."""
    if not policies.reads_grid(request.actor):
        raise NotAllowed
    if request.GET.get("what") == "swaps":
        return _export_swaps(request)
    form = RequestFilter(request.GET, choices={"party": party_choices(request)})
    rows = _dress(request, list(queries.leaves(by=request.actor, **_asked(form))[:MOST_ROWS]))
    heads = (
        "工号",
        "姓名",
        "单位",
        "岗位",
        "类型",
        "时间",
        "开始",
        "结束",
        "事由",
        "提交人",
        "提交",
        "状态",
        "处理人",
        "处理",
        "意见",
    )
    tz = request.school.tz
    body = (
        (
            r.staff.number, r.staff.name, r.staff.party.name, r.staff.post.name if r.staff.post else "",
            r.get_kind_display(), r.when, r.starts_at.astimezone(tz).replace(tzinfo=None),  # type: ignore[attr-defined]
            r.ends_at.astimezone(tz).replace(tzinfo=None), r.reason, r.asked_by_name,
            r.asked_at.astimezone(tz).replace(tzinfo=None), r.get_status_display(), r.decided_by_name,
            r.decided_at.astimezone(tz).replace(tzinfo=None) if r.decided_at else None, r.decision_note,
        )
        for r in rows
    )  # fmt: skip
    return download(f"请假-{request.school.name}.xlsx", [("请假", heads, body)])


def _export_swaps(request: SchoolRequest) -> HttpResponse:
    form = SwapFilter(request.GET, choices={"party": party_choices(request)})
    tz = request.school.tz

    def local(at: datetime | None) -> datetime | None:
        return at.astimezone(tz).replace(tzinfo=None) if at else None

    heads = (
        "类型", "单位", "让出的人", "日期", "班次", "岗位", "接班的人", "换回日期", "换回班次", "事由", "提出", "同事答复",
        "状态", "处理人", "处理", "意见",
    )  # fmt: skip
    body = (
        (
            r.get_kind_display(), r.assignment.staff.party.name, r.assignment.staff.name, r.assignment.day,
            str(r.assignment.shift or ""), r.assignment.post.name if r.assignment.post else "", r.taker.name,
            r.counter.day if r.counter else None, str(r.counter.shift or "") if r.counter else "", r.reason,
            local(r.asked_at), local(r.answered_at), r.get_status_display(), r.decided_by_name, local(r.decided_at),
            r.decision_note,
        )
        for r in queries.swaps(by=request.actor, **_asked(form))[:MOST_ROWS]
    )  # fmt: skip
    return download(f"换班与替班-{request.school.name}.xlsx", [("换班与替班", heads, body)])


@require_safe
@signed_in
def leave(request: SchoolRequest, leave_id: UUID) -> HttpResponse:
    row = _dress(request, [queries.leave(leave_id, by=request.actor)])[0]
    day = row.starts_at.astimezone(request.school.tz).date()
    last = row.ends_at.astimezone(request.school.tz).date()
    hit = queries.assignments(by=request.actor, first=day, last=last, staff_id=row.staff_id)
    context = {
        "title": f"{row.staff.name} 的{row.get_kind_display()}",
        "crumbs": [CRUMB, {"label": "请假与换班", "url": reverse("rosters:requests")}, {"label": row.staff.name}],
        "row": row, "tones": TONES, "hit": hit,
        "may_withdraw": row.status in (RequestStatus.PENDING, RequestStatus.APPROVED)
        and policies.can_edit(request.actor, row.staff.party_id),
    }  # fmt: skip
    return render(request, "rosters/leave.html", context)


def _step(request: SchoolRequest, to: str, said: str, do: Callable[[], object], *args: Any) -> HttpResponse:
    try:
        do()
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        if is_htmx(request):
            return render(request, "components/errors.html", {"refused": refused.sentence}, status=422)
        return go(request, to, *args, said=refused.sentence, tone="bad")
    if from_outbox(request):
        return JsonResponse({"ok": True})
    return go(request, to, *args, said=said)


@require_POST
@signed_in
def decide_leave(request: SchoolRequest, leave_id: UUID) -> HttpResponse:
    approve = request.POST.get("approve") == "yes"
    return _step(
        request, "rosters:requests", "已批准" if approve else "已退回",
        lambda: operations.decide_leave(
            leave_id=leave_id, approve=approve, note=request.POST.get("note", ""), **common(request)
        ),
    )  # fmt: skip


@require_POST
@signed_in
def withdraw_leave(request: SchoolRequest, leave_id: UUID) -> HttpResponse:
    to = "rosters:phone_requests" if request.POST.get("phone") else "rosters:requests"
    return _step(request, to, "已撤回这份请假", lambda: operations.withdraw_leave(leave_id=leave_id, **common(request)))


@require_POST
@signed_in
def decide_swap(request: SchoolRequest, swap_id: UUID) -> HttpResponse:
    approve = request.POST.get("approve") == "yes"
    response = _step(
        request, "rosters:requests", "已批准，排班已调换" if approve else "已退回",
        lambda: operations.decide_swap(
            swap_id=swap_id, approve=approve, note=request.POST.get("note", ""), **common(request)
        ),
    )  # fmt: skip
    if response.status_code == 302:
        response["Location"] = f"{reverse('rosters:requests')}?what=swaps"
    return response


# --- Phone ---------------------------------------------------------------------------------------


def _own(request: SchoolRequest) -> frozenset[UUID]:
    """All staff rows of the person: their roster and requests are one list, whoever they work for."""
    if request.actor.staff_id is None:
        raise NotAllowed("您的账号没有对应本校员工，看不到个人排班。请联系管理员在成员管理中关联。")
    return request.actor.staff_ids


@require_safe
@signed_in
def phone_roster(request: SchoolRequest) -> HttpResponse:
    """My roster from today, day by day; office people get the day list of everybody's roster."""
    if request.actor.staff_id is None and policies.reads_grid(request.actor):
        return go(request, reverse("rosters:index") + "?view=week")
    _own(request)
    today = today_of(request)
    first = day_asked(request, today)
    rows = queries.own_days(by=request.actor, first=first, last=first + timedelta(days=AHEAD - 1))
    days: list[dict[str, Any]] = []
    by_day: dict[Any, list[Any]] = {}
    for a in rows:
        by_day.setdefault(a.day, []).append(a)
        if a.shift:
            a.times = queries.times_text(list(a.shift.segments.all()))  # type: ignore[attr-defined]
    for n in range(AHEAD):
        day = first + timedelta(days=n)
        if by_day.get(day) or n < 7:
            days.append({"day": day, "rows": by_day.get(day, []), "today": day == today, "future": day >= today})
    marks = {
        day: [
            {"text": a.shift.code, "colour": a.shift.colour, "label": f"{a.shift.name} {a.times}"}  # type: ignore[attr-defined]
            if a.shift
            else {"text": "休", "tone": "muted", "label": "休息"}
            for a in mine
        ]
        for day, mine in by_day.items()
    }
    posts = {a.post_id for a in rows if a.day == first and a.post_id}
    mates = queries.colleagues(by=request.actor, day=first, post_ids=posts) if posts else {}
    context = {
        "title": "我的排班", "back": reverse("phone:home"), "days": days, "first": first,
        "weeks": weeks(first, first + timedelta(days=AHEAD - 1), marks, today=today), "today": today,
        "before": (first - timedelta(days=AHEAD)).isoformat(), "after": (first + timedelta(days=AHEAD)).isoformat(),
        "mates": [pair for pairs in mates.values() for pair in pairs], "several": bool(request.actor.other_staff_ids),
        "waiting": queries.own_open_requests(request.actor),
    }  # fmt: skip
    return render(request, "rosters/phone_roster.html", context)


@signed_in
def phone_leave(request: SchoolRequest) -> HttpResponse:
    """Ask for leave: whole days, half days, or exactly one shift (?instance=)."""
    _own(request)
    now, tenant, by = clock.now(), request.school, acting(request)
    day = day_asked(request, today_of(request))
    exact = None
    wanted = opt_uuid(request.GET.get("shift", ""))
    if wanted:
        given = queries.own_assignment(wanted, by=request.actor)
        spans = [
            i for i in queries.instances(by=request.actor, first=given.day, last=given.day) if i.assignment_id == wanted
        ]
        if spans:
            exact = (spans[0].starts_at, spans[-1].ends_at, given)
            by = by.as_staff(given.staff_id)
    form = LeaveForm(request.POST or None, initial={"first": day, "last": day, "kind": "personal"})
    if exact:
        for name in ("first", "first_part", "last", "last_part"):
            del form.fields[name]
    context: dict[str, Any] = {
        "title": "请假", "back": reverse("rosters:phone_roster"), "form": form,
        "client_key": client_key(request) or str(new_id()),
        **choice(by), "exact": exact and {"when": operations.when_text(exact[0], exact[1], tenant), "shift": exact[2].shift},
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "rosters/phone_leave.html", context)
    if not form.is_valid():
        return render(request, "rosters/phone_leave.html", context, status=422)
    data = form.cleaned_data
    starts, ends = (exact[0], exact[1]) if exact else _times(data, tenant)
    try:
        operations.ask_leave(
            kind=data["kind"], starts_at=starts, ends_at=ends, reason=data["reason"], by=by, tenant=tenant,
            now=now, client_key=client_key(request),
        )  # fmt: skip
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        return render(request, "rosters/phone_leave.html", {**context, "refused": refused.sentence}, status=422)
    if from_outbox(request):
        return JsonResponse({"ok": True}, status=201)
    return go(request, "rosters:phone_requests", said="请假已提交，等待审批")


def _times(data: dict[str, Any], tenant: Any) -> tuple[datetime, datetime]:
    starts, noon_first = operations.half_day(data["first"], "am", tenant)
    noon_last, ends = operations.half_day(data["last"], "pm", tenant)
    return (noon_first if data["first_part"] == "pm" else starts), (noon_last if data["last_part"] == "am" else ends)


@signed_in
def phone_swap(request: SchoolRequest, assignment_id: UUID) -> HttpResponse:
    """Ask a colleague at the same post: first whom, then for nothing (替班) or for one of theirs (换班)."""
    _own(request)
    given = queries.own_assignment(assignment_id, by=request.actor)
    partners = queries.swap_partners(by=request.actor, assignment=given)
    taker_id = opt_uuid(request.POST.get("taker", "") or request.GET.get("taker", ""))
    taker = next((p for p in partners if p[0] == taker_id), None)
    context: dict[str, Any] = {
        "title": "找人换班", "back": reverse("rosters:phone_roster"), "given": given, "partners": partners,
        "taker": taker, "client_key": client_key(request) or str(new_id()),
        "counters": queries.counters(by=request.actor, assignment=given, taker_id=taker[0], today=today_of(request))
        if taker
        else [],
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "rosters/phone_swap.html", context)
    try:
        operations.ask_swap(
            assignment_id=assignment_id, taker_id=taker_id or UUID(int=0),
            counter_id=opt_uuid(request.POST.get("counter", "")), reason=request.POST.get("reason", ""),
            client_key=client_key(request), **common(request),
        )  # fmt: skip
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        return render(request, "rosters/phone_swap.html", {**context, "refused": refused.sentence}, status=422)
    if from_outbox(request):
        return JsonResponse({"ok": True}, status=201)
    return go(request, "rosters:phone_requests", said="已发给同事，等待对方同意")


@require_safe
@signed_in
def phone_requests(request: SchoolRequest) -> HttpResponse:
    """My leaves and swaps, and what colleagues ask of me."""
    own = _own(request)
    swaps = list(
        queries.swaps(by=request.actor).filter(taker_id__in=own)[:20]
        if policies.reads_grid(request.actor)
        else queries.swaps(by=request.actor)[:40]
    )
    context = {
        "title": "我的请假与换班", "back": reverse("rosters:phone_roster"), "tones": TONES, "own": own,
        "leaves": _dress(request, list(queries.leaves(by=request.actor).filter(staff_id__in=own)[:20])),
        "asked_of_me": [s for s in swaps if s.taker_id in own and s.status == SwapStatus.ASKED],
        "swaps": _dress_swaps(
            request, [s for s in swaps if not (s.taker_id in own and s.status == SwapStatus.ASKED)][:20]
        ), "several": len(own) > 1,
        "open": [RequestStatus.PENDING, RequestStatus.APPROVED], "open_swaps": [SwapStatus.ASKED, SwapStatus.ACCEPTED],
    }  # fmt: skip
    return render(request, "rosters/phone_requests.html", context)


@require_POST
@signed_in
def answer_swap(request: SchoolRequest, swap_id: UUID) -> HttpResponse:
    accept = request.POST.get("accept") == "yes"
    return _step(
        request, "rosters:phone_requests", "已同意，等待审批" if accept else "已回绝",
        lambda: operations.answer_swap(swap_id=swap_id, accept=accept, **common(request)),
    )  # fmt: skip


@require_POST
@signed_in
def withdraw_swap(request: SchoolRequest, swap_id: UUID) -> HttpResponse:
    return _step(
        request, "rosters:phone_requests", "已撤回",
        lambda: operations.withdraw_swap(swap_id=swap_id, **common(request)),
    )  # fmt: skip
