"""Attendance in the console: board, month sheet, results, heat map, corrections, suspects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.clock import month_bounds
from kernel.errors import DomainError, NotAllowed, NotFound
from standards_library.choices import ServiceLine
from tenants.attendance import board as boards
from tenants.attendance import coverage as coverages
from tenants.attendance import exports, operations, policies, queries
from tenants.attendance import sheet as sheets
from tenants.attendance.choices import CorrectionSide, CorrectionStatus, Mark, SuspectStatus
from tenants.attendance.contracts import Filled, Presence
from tenants.attendance.day import WHY, clock_of
from tenants.attendance.models import DayResult
from tenants.duty import queries as duty
from tenants.duty.models import Stint
from tenants.organisation import queries as organisation
from tenants.rosters.choices import Grade
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx, paginate, render_list
from web.shared.xlsx import download
from web.tenant.attendance.fence_picture import pictures
from web.tenant.attendance.forms import CorrectionForm, CoverageFilter, ResultsFilter, SheetFilter
from web.tenant.evidence.uploads import keep_photos

BOARD_TONES = {
    "present": "ok", "patrol": "info", "handover": "info", "short": "warn", "left": "bad", "awaited": "bad", "nobody": "bad", "soon": "muted",
    "early": "info", "leave": "muted", "field": "info", "done": "muted",
}  # fmt: skip
CORRECTION_TONES = {"pending": "warn", "approved": "ok", "refused": "bad", "withdrawn": "muted"}
SUSPECT_TONES = {"open": "warn", "accepted": "ok", "rejected": "muted"}
MOST_ROWS = 20_000
MOST_SEATS = 60  # dots on a card of the board


def _tabs(request: SchoolRequest, here: str) -> list[dict[str, Any]]:
    wait = queries.waiting(by=request.actor)
    tabs: list[tuple[str, str, int | None]] = [
        ("实时在岗", "board", None), ("月考勤表", "sheet", None), ("异常明细", "results", wait.held or None),
        ("合同满编", "coverage", None), ("补卡审批", "corrections", wait.corrections or None),
    ]  # fmt: skip
    if policies.reads_all(request.actor):
        tabs.append(("误伤哨兵", "suspects", wait.suspects or None))
    return [{"label": t, "url": reverse(f"attendance:{n}"), "active": n == here, "count": c} for t, n, c in tabs]


def _base(request: SchoolRequest, here: str, title: str, lead: str = "") -> dict[str, Any]:
    if not policies.reads_sheets(request.actor):
        raise NotAllowed
    return {
        "title": title, "lead": lead, "crumbs": [{"label": "在岗管理"}, {"label": title}], "tabs": _tabs(request, here),
        "marks": {m.value: sheets.TONES[m] if sheets.TONES[m] != "muted" else "muted" for m in Mark},
    }  # fmt: skip


def _today(request: SchoolRequest) -> date:
    return clock.now().astimezone(request.school.tz).date()


# --- Board ---------------------------------------------------------------------------------------


def _board(request: SchoolRequest) -> dict[str, Any]:
    now = clock.now()
    rows = boards.board(by=request.actor, tenant=request.school, now=now)
    counts = {state: sum(r.state == state for r in rows) for state in boards.STATES}
    chosen = request.GET.get("state", "")
    missed = [p.staff_id for r in rows for p in r.people if p.state in ("awaited", "left")]
    on_duty = duty.signed_on_of(missed, by=request.actor) if missed else {}
    return {
        "rows": [
            _post_card(r, on_duty) for r in rows if not chosen or r.state == chosen
        ],
        "counts": [
            {"state": s, "label": label, "n": counts[s], "tone": BOARD_TONES[s], "active": s == chosen}
            for s, label in boards.STATES.items() if counts[s] or s in ("present", "awaited", "left")
        ],
        "needed": sum(r.needed for r in rows),
        "there": sum(min(r.present, r.needed) for r in rows),
        "now": now,
        "chosen": chosen,
        "total": len(rows),
    }  # fmt: skip


@require_safe
@signed_in
def board(request: SchoolRequest) -> HttpResponse:
    context = _base(request, "board", "实时在岗") | _board(request)
    context["lead"] = f"此刻应在岗 {context['needed']} 人，在岗 {context['there']} 人"
    return render(request, "attendance/board.html", context)


@require_safe
@signed_in
def board_rows(request: SchoolRequest) -> HttpResponse:
    """The board alone, asked for when something changed and at least every 20 seconds."""
    return render(request, "attendance/_board.html", _board(request))


def _post_card(post: Presence, on_duty: Mapping[UUID, Stint]) -> dict[str, Any]:
    """A post as a card: one seat per person asked for, who needs a look by line, who simply is there by name."""
    there = [p for p in post.people if p.state == "present"]
    grades = Counter(f"{p.grade} 级佐证" if p.grade else "免打卡" for p in there)
    walking = sum(p.state == "patrol" for p in post.people)
    missing = max(post.needed - post.present, 0)
    return {
        "post": post, "label": boards.STATES[post.state], "tone": BOARD_TONES[post.state],
        "line": ServiceLine(post.line).label,
        "seats": (["bad"] * missing + ["info"] * walking + ["ok"] * len(there))[:MOST_SEATS],
        "people": [
            {"p": p, "label": boards.PEOPLE[p.state], "tone": BOARD_TONES.get(p.state, "muted"), "duty": on_duty.get(p.staff_id)}
            for p in post.people if p.state != "present"
        ],
        "there": there, "grades": "，".join(f"{grade} {n} 人" for grade, n in sorted(grades.items())),
    }  # fmt: skip


# --- Month sheet ---------------------------------------------------------------------------------


@require_safe
@signed_in
def sheet(request: SchoolRequest) -> HttpResponse:
    form = SheetFilter({**request.GET.dict()}, by=request.actor)
    today = _today(request)
    month = form.value("month") or today.replace(day=1)
    form.data = {**form.data, "month": f"{month:%Y-%m}"}
    people = queries.people(
        by=request.actor, month=month, party_id=form.party_id(), post_id=form.post_id(), search=form.value("search")
    )
    page = paginate(request, people)
    shown = queries.parties_shown(by=request.actor, party_id=form.party_id())
    made = sheets.sheet(list(page.object_list), month=month, tz=request.school.tz, party_ids=shown)
    _first, after = month_bounds(month)
    context = _base(request, "sheet", "月考勤表", f"{month.year} 年 {month.month} 月，{page.paginator.count} 人") | {
        "form": form, "page_obj": page, "sheet": made, "totals": sheets.TOTALS, "month": month, "today": today,
        "legend": [(sign, m.label, sheets.TONES[m]) for m, sign in sheets.SIGNS.items()],
        "may_close": policies.can_close(request.actor) and today >= after + operations.months.CLOSE_AFTER,
        "query": request.GET.urlencode(), "whose": _whose(form), "party_id": form.party_id() or "",
    }  # fmt: skip
    answer = render_list(request, "attendance/sheet.html", "attendance/_sheet.html", context)
    if is_htmx(request):  # what is closed and exported is what is shown: the buttons follow the filter
        beside = render_to_string("attendance/_sheet_actions.html", {**context, "oob": True}, request)
        answer.content += beside.encode()
    return answer


def _whose(form: SheetFilter) -> str:
    """Name of the company chosen; whoever is chosen by post or name, a month is closed for all of it."""
    return dict(form.fields["party"].choices).get(form.value("party") or "", "") if form.party_id() else "全校"  # type: ignore[attr-defined]


@require_POST
@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The sheet as Excel or PDF: at once for up to 300 people, otherwise by the worker with progress."""
    form = SheetFilter(request.POST, by=request.actor)
    month = form.value("month") or _today(request).replace(day=1)
    asked: dict[str, Any] = {"party_id": form.party_id(), "post_id": form.post_id(), "search": form.value("search")}
    kind = "pdf" if request.POST.get("form") == "pdf" else "xlsx"
    now = clock.now()
    people = queries.people(by=request.actor, month=month, **asked)
    if people.count() > exports.AT_ONCE:
        exports.start(month=month, form=kind, by=request.actor, tenant=request.school, now=now, **asked)
        return go(request, "jobs:index", said="人数较多，正在后台生成，完成后可在这里下载")
    try:
        shown = queries.parties_shown(by=request.actor, party_id=form.party_id())
        content = exports.make(list(people), month=month, form=kind, tenant=request.school, now=now, party_ids=shown)
    except DomainError as refused:
        return go(request, "attendance:sheet", said=refused.sentence, tone="bad")
    mime = "application/pdf" if kind == "pdf" else "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    answer = HttpResponse(content, content_type=mime)
    answer["Content-Disposition"] = (
        f"attachment; filename*=UTF-8''{quote(f'考勤表-{request.school.name}-{month:%Y-%m}.{kind}')}"
    )
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@signed_in
def close(request: SchoolRequest) -> HttpResponse:
    form = SheetFilter(request.POST, by=request.actor)
    party_id = form.party_id()
    if request.POST.get("party") and party_id is None:  # never the whole school for a company nobody knows
        raise NotFound
    month = form.value("month") or queries.last_month(request.school, clock.now())
    back = f"{reverse('attendance:sheet')}?month={month:%Y-%m}" + (f"&party={party_id}" if party_id else "")
    try:
        n = operations.close_month(
            month=month, party_id=party_id, by=request.actor, tenant=request.school, now=clock.now()
        )
    except DomainError as refused:
        return go(request, back, said=refused.sentence, tone="bad")
    return go(request, back, said=f"{_whose(form)}已关账 {n} 人；有待定、待审批的人员没有关账")


# --- Results -------------------------------------------------------------------------------------


def _results(request: SchoolRequest) -> tuple[ResultsFilter, Any, date, date]:
    form = ResultsFilter(request.GET.dict(), by=request.actor)
    first, last = form.days(_today(request))
    form.data = {**form.data, "first": first.isoformat(), "last": last.isoformat()}
    mark = form.value("mark")
    staff = request.GET.get("staff", "")
    rows = queries.results(
        by=request.actor, first=first, last=last, party_id=form.party_id(), post_id=form.post_id(),
        mark=mark if mark in Mark.values else "", held=True if mark == "held" else None, penalties=mark == "",
        staff_id=_uuid_or_none(staff),
    )  # fmt: skip
    return form, rows, first, last


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


@require_safe
@signed_in
def results(request: SchoolRequest) -> HttpResponse:
    context = _base(request, "results", "异常明细")
    form, rows, first, last = _results(request)
    page = paginate(request, rows)
    page.object_list = queries.lines(page.object_list, tz=request.school.tz)  # type: ignore[assignment]
    context |= {
        "form": form, "page_obj": page, "lead": f"{first.month}月{first.day}日至{last.month}月{last.day}日，每条结果都写明理由",
        "query": request.GET.urlencode(),
    }  # fmt: skip
    return render_list(request, "attendance/results.html", "attendance/_results.html", context)


@require_safe
@signed_in
def export_results(request: SchoolRequest) -> HttpResponse:
    """The filtered list as .xlsx, at most 20,000 rows."""
    _base(request, "results", "")
    _form, rows, first, last = _results(request)
    parties = {p.pk: p.name for p in organisation.parties(by=request.actor, active=None)}
    heads = [
        "日期",
        "姓名",
        "单位",
        "岗位",
        "结果",
        "待定",
        "迟到分钟",
        "早退分钟",
        "首卡",
        "末卡",
        "佐证等级",
        "理由",
        "确认后调整",
    ]
    table = (
        [r.day, r.staff_name, parties.get(r.party_id, ""), r.post_name, r.mark_label, "待定" if r.held else "", r.late_minutes,
         r.early_minutes, r.in_at, r.out_at, r.grade, r.sentence, r.adjusted]
        for r in queries.lines(rows[:MOST_ROWS], tz=request.school.tz)
    )  # fmt: skip
    return download(f"考勤异常-{request.school.name}-{first:%Y%m%d}-{last:%Y%m%d}.xlsx", [("异常明细", heads, table)])


def _detail(request: SchoolRequest, row: DayResult) -> dict[str, Any]:
    tz = request.school.tz
    asked = queries.corrections_of([row.instance_id]).get(row.instance_id, [])
    trace = queries.trace_of(row)
    expected: Any = trace["expected"]
    windows = [
        (
            "上班卡时段",
            f"{clock_of(expected['in_from'], row.day, tz)} 至 {clock_of(expected['in_until'], row.day, tz)}",
        ),
        (
            "下班卡时段",
            f"{clock_of(expected['out_from'], row.day, tz)} 至 {clock_of(expected['out_until'], row.day, tz)}",
        ),
    ]
    r = row.instance.rule
    rules = [
        ("迟到宽限", f"{r.grace_minutes} 分"), ("早退宽限", f"{r.early_grace_minutes} 分"), ("严重迟到", f"{r.serious_minutes} 分起"),
        ("旷工半日", f"{r.half_absent_minutes} 分起"), ("旷工", f"{r.absent_minutes} 分起"),
        ("缺勤判定", f"下班后 {r.report_hours} 小时，且设备已上报"), ("岗位佐证要求", str(Grade(row.instance.grade).label)),
    ]  # fmt: skip
    useless = [
        {"at": clock_of(datetime.fromtimestamp(p["at"], tz), row.day, tz),
         "why": "佐证不足" if p["why"] == "weak" else WHY.get(p["why"], "未通过")}
        for p in row.trace.get("useless", [])
    ]  # fmt: skip
    return {
        "title": f"{row.staff.name} {row.day.month}月{row.day.day}日",
        "crumbs": [{"label": "在岗管理"}, {"label": "异常明细", "url": reverse("attendance:results")}, {"label": row.staff.name}],
        "line": queries.lines([row], tz=tz)[0], "row": row, "windows": windows, "rules": rules, "useless": useless,
        "asked": asked, "tones": CORRECTION_TONES, "marks": {m.value: sheets.TONES[m] for m in Mark},
        "may_ask": policies.can_ask(request.actor, staff_id=row.staff_id, party_id=row.party_id),
    }  # fmt: skip


def correction_start(row: DayResult) -> dict[str, Any]:
    """What the form begins with: the missing card, at the time the shift asks for."""
    side = CorrectionSide.OUT if row.mark in (Mark.MISSING_OUT, Mark.EARLY) else CorrectionSide.IN
    moment = row.instance.ends_at if side == CorrectionSide.OUT else row.instance.starts_at
    return {"side": side, "at": timezone.localtime(moment)}


@require_safe
@signed_in
def detail(request: SchoolRequest, instance_id: UUID) -> HttpResponse:
    row = queries.result(instance_id=instance_id, by=request.actor)
    context = _detail(request, row) | {"form": CorrectionForm(initial=correction_start(row))}
    return render(request, "attendance/_detail.html" if is_htmx(request) else "attendance/detail.html", context)


def ask(request: SchoolRequest, instance_id: UUID, form: CorrectionForm, *, client_key: str = "") -> None:
    """Ask for a correction from a posted form. Raises DomainError."""
    photos = keep_photos(request)
    operations.ask_correction(
        instance_id=instance_id, side=form.cleaned_data["side"], at=form.cleaned_data["at"], reason=form.cleaned_data["reason"],
        evidence_id=photos[0] if photos else None, by=request.actor, tenant=request.school, now=clock.now(), client_key=client_key,
    )  # fmt: skip


@require_POST
@signed_in
def correct(request: SchoolRequest, instance_id: UUID) -> HttpResponse:
    """Ask for a correction for somebody."""
    row = queries.result(instance_id=instance_id, by=request.actor)
    form = CorrectionForm(request.POST)
    refused = ""
    if form.is_valid():
        try:
            ask(request, instance_id, form)
            return go(request, "attendance:corrections", said="补卡申请已提交，等待其他监管人员审批")
        except DomainError as no:
            refused = no.sentence
    context = _detail(request, row) | {"form": form, "refused": refused, "open": True}
    return render(
        request, "attendance/_detail.html" if is_htmx(request) else "attendance/detail.html", context, status=422
    )


# --- Coverage ------------------------------------------------------------------------------------


def _percent(f: Filled) -> int | None:
    return None if f.rate is None else round(f.rate * 100)


def _level(percent: int | None) -> str:
    """How a share is coloured; the number stands in the cell too."""
    if percent is None:
        return "none"
    return (
        "full"
        if percent >= 98
        else "high"
        if percent >= 90
        else "mid"
        if percent >= 75
        else "low"
        if percent >= 50
        else "gap"
    )


@require_safe
@signed_in
def coverage(request: SchoolRequest) -> HttpResponse:
    context = _base(request, "coverage", "合同满编热图")
    form = CoverageFilter(request.GET.dict(), by=request.actor)
    now = clock.now()
    first, last = form.days(now.astimezone(request.school.tz).date())
    form.data = {**form.data, "first": first.isoformat(), "last": last.isoformat()}
    post_id = form.post_id()
    asked: dict[str, Any] = {
        "by": request.actor, "tenant": request.school, "now": now, "first": first, "last": last, "party_id": form.party_id(),
        "post_ids": [post_id] if post_id else None, "line": form.value("line"),
    }  # fmt: skip
    grid = {f.key: f for f in coverages.visible_filled(group_by=("day", "hour"), **asked)}
    total = coverages.visible_filled(**asked)
    by_post = coverages.visible_filled(group_by=("post",), **asked)
    by_party = coverages.visible_filled(group_by=("party",), **asked)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    hours = sorted({h for _d, h in grid}) or list(range(24))
    heat = [
        (d, [_cell(grid.get((d, h)), d, h) for h in hours]) for d in days
    ]  # fmt: skip
    posts = organisation.posts_by_id(f.key[0] for f in by_post)
    parties = organisation.parties_by_id([*(f.key[0] for f in by_party), *(p.party_id for p in posts.values())])
    context |= {
        "form": form, "hours": hours, "heat": heat, "total": total[0] if total else None,
        "total_percent": _percent(total[0]) if total else None,
        "lead": f"{first.month}月{first.day}日至{last.month}月{last.day}日，合同要求的在岗与有佐证的在岗逐小时对照",
        "posts": [
            {"name": posts[f.key[0]].name, "party": parties[posts[f.key[0]].party_id].name, "f": f, "percent": _percent(f),
             "level": _level(_percent(f))} for f in _worst(by_post) if f.key[0] in posts
        ],
        "parties": [
            {"name": parties[f.key[0]].name, "f": f, "percent": _percent(f), "level": _level(_percent(f))}
            for f in _worst(by_party)
        ],
        "now": now,
    }  # fmt: skip
    return render_list(request, "attendance/coverage.html", "attendance/_coverage.html", context)


def _worst(rows: list[Filled]) -> list[Filled]:
    return sorted(rows, key=lambda f: -f.short_minutes)


def _cell(f: Filled | None, day: date, hour: int) -> dict[str, Any]:
    if f is None:
        return {"level": "none", "text": "", "said": f"{day.month}月{day.day}日 {hour} 时，合同不要求在岗"}
    percent = _percent(f)
    said = f"{day.month}月{day.day}日 {hour} 时：要求 {_hours(f.contracted)} 人时，在岗 {_hours(f.present)} 人时，缺 {_hours(f.short_minutes)} 人时"
    return {"level": _level(percent), "text": percent, "said": said}


def _hours(minutes: int) -> Decimal:
    return (Decimal(minutes) / 60).quantize(Decimal("0.1"))


# --- Corrections and suspects --------------------------------------------------------------------


def _status_tabs(request: SchoolRequest, statuses: Iterable[Any], chosen: str, url: str) -> list[dict[str, Any]]:
    return [
        {"label": label, "url": f"{url}?status={code}", "active": code == chosen, "count": None}
        for code, label in [*((s.value, s.label) for s in statuses), ("all", "全部")]
    ]


@require_safe
@signed_in
def corrections(request: SchoolRequest) -> HttpResponse:
    context = _base(request, "corrections", "补卡审批", "提出人与当事人不能审批；批准后按补卡时间重新计算结果")
    chosen = request.GET.get("status", CorrectionStatus.PENDING)
    chosen = chosen if chosen in (*CorrectionStatus.values, "all") else CorrectionStatus.PENDING
    page = paginate(request, queries.corrections(by=request.actor, status="" if chosen == "all" else chosen))
    for row in page.object_list:
        row.said = clock_of(row.at, row.instance.day, request.school.tz)
        row.was_label = Mark(row.was).label
        pending = row.status == CorrectionStatus.PENDING
        asked = {"asked_by": row.asked_by, "staff_id": row.staff_id}
        row.may = pending and policies.can_decide(request.actor, **asked)
        row.waits_for = policies.waits_for(request.actor, **asked) if pending else ""
    context |= {
        "page_obj": page, "tones": CORRECTION_TONES, "chosen": chosen,
        "status_tabs": _status_tabs(request, CorrectionStatus, chosen, reverse("attendance:corrections")),
    }  # fmt: skip
    return render_list(request, "attendance/corrections.html", "attendance/_corrections.html", context)


@require_POST
@signed_in
def decide(request: SchoolRequest, correction_id: UUID) -> HttpResponse:
    approved = request.POST.get("decision") == "approve"
    try:
        operations.decide_correction(
            correction_id=correction_id, approved=approved, note=request.POST.get("note", ""), by=request.actor,
            tenant=request.school, now=clock.now(),
        )  # fmt: skip
    except DomainError as refused:
        return go(request, "attendance:corrections", said=refused.sentence, tone="bad")
    return go(
        request, "attendance:corrections", said="已批准，结果已重新计算" if approved else "已退回，并通知了申请人"
    )


@require_safe
@signed_in
def suspects(request: SchoolRequest) -> HttpResponse:
    context = _base(request, "suspects", "误伤哨兵", "打卡失败异常多的岗位、手机和设备；处理之前，相关处罚一律列为待定")
    chosen = request.GET.get("status", SuspectStatus.OPEN)
    chosen = chosen if chosen in (*SuspectStatus.values, "all") else SuspectStatus.OPEN
    page = paginate(request, queries.suspects(by=request.actor, status="" if chosen == "all" else chosen))
    rows = page.object_list = list(page.object_list)
    beside = queries.held_adjustments(rows)
    drawn = pictures(rows, queries.suspect_positions(rows, by=request.actor))
    for row in rows:
        row.share = round(row.refused * 100 / row.tried) if row.tried else 0
        row.others = round(row.others_refused * 100 / row.others_tried) if row.others_tried else None
        row.why = WHY.get(row.reason, "未通过")
        row.drawn, row.held_beside = drawn.get(row.pk), beside[row.pk]
    context |= {
        "page_obj": page, "tones": SUSPECT_TONES, "may": policies.decides(request.actor), "chosen": chosen,
        "status_tabs": _status_tabs(request, SuspectStatus, chosen, reverse("attendance:suspects")),
    }  # fmt: skip
    return render(request, "attendance/suspects.html", context)


@require_POST
@signed_in
def decide_suspect(request: SchoolRequest, suspect_id: UUID) -> HttpResponse:
    accepted = request.POST.get("decision") == "accept"
    try:
        operations.decide_suspect(
            suspect_id=suspect_id, accepted=accepted, note=request.POST.get("note", ""), by=request.actor,
            tenant=request.school, now=clock.now(),
        )  # fmt: skip
    except DomainError as refused:
        return go(request, "attendance:suspects", said=refused.sentence, tone="bad")
    return go(
        request,
        "attendance:suspects",
        said="已采纳，相关打卡改为有效，结果已重新计算" if accepted else "已记录，相关结果维持",
    )
