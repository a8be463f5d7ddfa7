"""Inspections: the guided walk on the phone, the list and the answer to "was it solved?" in the console."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.clock import day_bounds
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from standards_library.choices import ServiceLine
from tenants.findings import deadlines
from tenants.findings.choices import Category, Severity
from tenants.findings.contracts import FindingContract
from tenants.inspections import metrics, operations, policies, queries
from tenants.inspections.choices import InspectionStatus, Verdict
from tenants.organisation import queries as organisation
from tenants.rubrics import queries as rubrics
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx, paginate, render_list
from web.tenant.evidence.uploads import client_key, from_outbox, keep_photos, recorded_at, refused_json
from web.tenant.findings.forms import place_choices
from web.tenant.findings.views import TONES as FINDING_TONES
from web.tenant.findings.views import photo_of
from web.tenant.inspections.forms import CoverageFilter, InspectionFilter, StartForm

TONES = {InspectionStatus.RUNNING: "info", InspectionStatus.DONE: "ok", InspectionStatus.CANCELLED: "muted"}
CRUMBS = [{"label": "过程监管"}]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    form = InspectionFilter(request.GET or None, by=request.actor)
    rows = queries.listing(by=request.actor, tz=request.school.tz, **form.chosen())
    page = paginate(request, rows)
    for row in page.object_list:
        row.line_label = ServiceLine(row.line).label
    context = {
        "title": "巡查检查",
        "lead": "每次巡查的结果、开出的问题，以及问题解决了没有",
        "crumbs": [*CRUMBS, {"label": "巡查检查"}],
        "form": form,
        "page_obj": page,
        "tones": TONES,
        "may_inspect": policies.can_inspect(request.actor),
        "may_manage": policies.can_manage_checklists(request.actor),
    }
    return render_list(request, "inspections/index.html", "inspections/_rows.html", context)


def _problem(found: FindingContract, now: Any) -> dict[str, Any]:
    before = photo_of(found.photo_ids[-1], caption="整改前") if found.photo_ids else None
    after = photo_of(found.after_photo_ids[-1], caption="整改后") if found.after_photo_ids else None
    return {"finding": found, "overdue": found.overdue(now), "before": before, "after": after}


def _context(request: SchoolRequest, inspection_id: UUID) -> dict[str, Any]:
    now = clock.now()
    row = queries.inspection(inspection_id=inspection_id, by=request.actor)
    sheet = queries.sheet(row)
    return {
        "inspection": row,
        "sheet": sheet,
        "line_label": ServiceLine(row.line).label,
        "problems": [_problem(f, now) for f in sheet.findings],
        "answer": queries.solved(sheet.findings, now),
        "rechecks": queries.rechecks(row),
        "tones": TONES,
        "finding_tones": FINDING_TONES,
    }


@require_safe
@signed_in
def detail(request: SchoolRequest, inspection_id: UUID) -> HttpResponse:
    context = _context(request, inspection_id)
    row = context["inspection"]
    context |= {
        "title": f"{row.number} {row.title}",
        "crumbs": [*CRUMBS, {"label": "巡查检查", "url": reverse("inspections:index")}, {"label": row.number}],
        "may_answer": policies.can_answer(request.actor, row),
    }
    return render(request, "inspections/_detail.html" if is_htmx(request) else "inspections/detail.html", context)


@require_safe
@signed_in
def problems(request: SchoolRequest, inspection_id: UUID) -> HttpResponse:
    """上次巡查的问题解决了没有: one page for any inspection."""
    context = _context(request, inspection_id)
    row = context["inspection"]
    crumbs = [{"label": "巡查检查", "url": reverse("inspections:index")}]
    crumbs += [{"label": row.number, "url": reverse("inspections:detail", args=[row.pk])}, {"label": "问题解决情况"}]
    context |= {
        "title": "这次巡查的问题解决了没有",
        "lead": f"{row.number}，{row.place.full_name}，{row.title}",
        "crumbs": [*CRUMBS, *crumbs],
    }
    return render(request, "inspections/problems.html", context)


@require_safe
@signed_in
def last(request: SchoolRequest) -> HttpResponse:
    """The newest finished walk of `?place=`, or of all places."""
    place_id = _uuid(request.GET.get("place", ""))
    row = (
        queries.last_of_place(place_id=place_id, by=request.actor)
        if place_id
        else queries.listing(by=request.actor, tz=request.school.tz, status=InspectionStatus.DONE).first()
    )
    if row is None:
        raise NotFound("还没有完成过巡查。请先开始一次巡查。")
    return go(request, "inspections:problems", row.pk)


def coverage_scope(request: SchoolRequest) -> tuple[CoverageFilter, dict[str, Any]]:
    """The filter of the coverage page, and what metrics.coverage takes; the last 30 days unless asked otherwise."""
    tz = request.school.tz
    today = clock.now().astimezone(tz).date()
    period = {"from_day": today - timedelta(days=29), "until_day": today}
    form = CoverageFilter({**{k: v.isoformat() for k, v in period.items()}, **request.GET.dict()}, by=request.actor)
    chosen: dict[str, Any] = form.cleaned_data if form.is_valid() else {**period, "line": "", "place": ""}
    first: date = chosen["from_day"]
    until: date = chosen["until_day"]
    return form, {
        "starts": day_bounds(first, tz)[0],
        "ends": day_bounds(until, tz)[1],
        "line": chosen["line"],
        "place_id": _uuid(chosen["place"]),
    }


@require_safe
@signed_in
def coverage(request: SchoolRequest) -> HttpResponse:
    """Which places were inspected, which were not."""
    if not policies.reads_all(request.actor):
        raise NotAllowed
    form, scope = coverage_scope(request)
    (whole,) = metrics.coverage(**scope)
    places = metrics.places(**scope)
    context = {
        "title": "巡查覆盖率",
        "lead": "应巡查的场所：启用的楼栋和校区直属区域；其下任何位置完成过巡查即算查过",
        "crumbs": [*CRUMBS, {"label": "巡查检查", "url": reverse("inspections:index")}, {"label": "覆盖率"}],
        "form": form,
        "whole": whole,
        "seen": f"{whole.numerator} / {whole.denominator}",
        "share": whole.numerator / whole.denominator if whole.denominator else None,
        "never": sum(p.inspections == 0 for p in places),
        "page_obj": paginate(request, places),
        "may_inspect": policies.can_inspect(request.actor),
    }
    return render_list(request, "inspections/coverage.html", "inspections/_coverage_rows.html", context)


# --- Phone ---------------------------------------------------------------------------------------


@require_safe
@signed_in
def phone_index(request: SchoolRequest) -> HttpResponse:
    drafts = list(queries.drafts(by=request.actor))
    done = queries.listing(by=request.actor, tz=request.school.tz, status=InspectionStatus.DONE)
    context = {
        "title": "巡查",
        "back": reverse("phone:home"),
        "drafts": drafts,
        "page_obj": paginate(request, done),
        "may_inspect": policies.can_inspect(request.actor),
    }
    return render(request, "inspections/phone_index.html", context)


def _sheets(request: SchoolRequest) -> list[tuple[str, str]]:
    rows = list(queries.checklists(by=request.actor).order_by("kind", "title"))
    bases = queries.bases_of(rows)
    lists = [
        (f"checklist:{c.pk}", f"{c.get_kind_display()} · {c.title}（{len(bases[c.pk].items)} 项）")
        for c in rows
        if bases[c.pk].in_force and bases[c.pk].sheet
    ]
    return [*lists, *((f"rubric:{r.pk}", r.title) for r in rubrics.active_rubrics())]


@signed_in
def start(request: SchoolRequest) -> HttpResponse:
    """Choose place and sheet; `?place=` (from a QR code) chooses the place."""
    if not policies.can_inspect(request.actor):
        raise NotAllowed
    place_id = _uuid(request.GET.get("place", ""))
    places = place_choices(request.actor, deep=bool(request.GET.get("deep")))
    if place_id:
        known = organisation.places_by_id([place_id])
        places = [(str(p.pk), p.full_name) for p in known.values()] + [p for p in places if p[0] != str(place_id)]
    sheets = _sheets(request)
    initial = {"place": str(place_id or ""), "sheet": sheets[0][0] if len(sheets) == 1 else ""}
    form = StartForm(request.POST or None, by=request.actor, places=places, sheets=sheets, initial=initial)
    context = {
        "title": "开始巡查",
        "back": reverse("phone:home"),
        "form": form,
        "sheets": sheets,
        "client_key": client_key(request) or str(new_id()),
        "last": queries.last_of_place(place_id=place_id, by=request.actor) if place_id and known else None,
    }
    if request.method != "POST":
        return render(request, "inspections/start.html", context)
    if not form.is_valid():
        return render(request, "inspections/start.html", context, status=422)
    chosen = form.cleaned_data
    kind, _colon, sheet_id = chosen["sheet"].partition(":")
    try:
        row = operations.start(
            place_id=UUID(chosen["place"]),
            rubric_id=UUID(sheet_id) if kind == "rubric" else None,
            checklist_id=UUID(sheet_id) if kind == "checklist" else None,
            line=chosen["line"],
            party_id=_uuid(chosen["party"]),
            by=request.actor,
            tenant=request.school,
            now=clock.now(),
            client_key=client_key(request),
        )
    except DomainError as refused:
        if refused.field in form.fields:
            form.add_error(refused.field, refused.sentence)
            return render(request, "inspections/start.html", context, status=422)
        return render(request, "inspections/start.html", {**context, "refused": refused.sentence}, status=422)
    return go(request, "inspections:walk", row.pk)


@require_safe
@signed_in
def walk(request: SchoolRequest, inspection_id: UUID) -> HttpResponse:
    """The sheet while it is walked; afterwards its summary."""
    context = _context(request, inspection_id)
    row = context["inspection"]
    context |= {"title": row.title, "back": reverse("inspections:phone_index")}
    if row.status != InspectionStatus.RUNNING or not policies.can_answer(request.actor, row):
        return render(request, "inspections/summary.html", context)
    now = clock.now()
    rules = deadlines.rules()
    inside = organisation.subtree(row.place_id).filter(active=True).order_by("full_name")[:300]
    carried = [_problem(f, now) for f in queries.carried_over(row)]
    context |= {
        "carried": carried,
        "carried_more": max(0, len(carried) - 3),
        "places": [(str(p.pk), p.full_name.removeprefix(row.place.full_name).lstrip(" /") or p.name) for p in inside],
        "categories": Category.choices,
        "severities": [(s.value, f"{s.label}，{_hours(rules[s].hours)}内整改") for s in Severity],
    }
    return render(request, "inspections/walk.html", context)


def _hours(hours: int) -> str:
    return f"{hours // 24} 天" if hours % 24 == 0 else f"{hours} 小时"


def _step(
    request: SchoolRequest, inspection_id: UUID, do: Callable[[], dict[str, Any]], said: str = ""
) -> HttpResponse:
    """One step of a walk: JSON for the outbox, the sheet again for a plain form."""
    try:
        answer = do()
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        raise
    if from_outbox(request):
        return JsonResponse(answer)
    return go(request, "inspections:walk", inspection_id, said=said)


def _common(request: SchoolRequest, inspection_id: UUID) -> dict[str, Any]:
    return {"inspection_id": inspection_id, "by": request.actor, "tenant": request.school, "now": clock.now()}


@require_POST
@signed_in
def answer(request: SchoolRequest, inspection_id: UUID, item_id: UUID) -> HttpResponse:
    """`verdict`, and for a fail `note`, `place`, `severity`, `category`, `occurrences`, `veto`, `photos`."""
    post = request.POST

    def do() -> dict[str, Any]:
        place_id = _uuid(post.get("place", ""))
        failed = post.get("verdict") == Verdict.FAIL
        times = post.get("occurrences") or "1"
        if not (times.isascii() and times.isdigit()):
            raise Invalid("处数应是 1—999 的整数。", field="occurrences")
        result = operations.answer(
            **_common(request, inspection_id),
            item_id=item_id,
            verdict=post.get("verdict", ""),
            note=post.get("note", ""),
            occurrences=int(times),
            severity=post.get("severity", ""),
            category=post.get("category", ""),
            veto=bool(post.get("veto")) and failed,
            place_id=place_id,
            photo_ids=keep_photos(request, place_id=place_id) if failed else [],
            recorded_at=recorded_at(request),
            client_key=client_key(request),
        )
        return {"item": str(item_id), "verdict": result.verdict, "faults": result.faults}

    return _step(request, inspection_id, do)


@require_POST
@signed_in
def recheck(request: SchoolRequest, inspection_id: UUID, finding_id: UUID) -> HttpResponse:
    """已解决 (`solved=1`) or 仍存在 (`solved=0`)."""

    def do() -> dict[str, Any]:
        row = operations.recheck(
            **_common(request, inspection_id),
            finding_id=finding_id,
            solved=request.POST.get("solved") == "1",
            text=request.POST.get("text", ""),
            photo_ids=keep_photos(request),
            client_key=client_key(request),
        )
        return {"finding": str(finding_id), "solved": row.solved}

    return _step(request, inspection_id, do, said="已记录")


@require_POST
@signed_in
def pass_rest(request: SchoolRequest, inspection_id: UUID, section_id: UUID) -> HttpResponse:
    def do() -> dict[str, Any]:
        return {"passed": operations.pass_rest(**_common(request, inspection_id), section_id=section_id)}

    return _step(request, inspection_id, do, said="其余项目已记为合格")


@require_POST
@signed_in
def clear(request: SchoolRequest, inspection_id: UUID, item_id: UUID) -> HttpResponse:
    def do() -> dict[str, Any]:
        operations.clear_answer(**_common(request, inspection_id), item_id=item_id)
        return {"item": str(item_id), "verdict": ""}

    return _step(request, inspection_id, do)


@require_POST
@signed_in
def finish(request: SchoolRequest, inspection_id: UUID) -> HttpResponse:
    def do() -> dict[str, Any]:
        note = request.POST.get("note", "")
        row = operations.finish(**_common(request, inspection_id), note=note, client_key=client_key(request))
        return {"id": str(row.pk), "number": row.number}

    return _step(request, inspection_id, do, said="巡查已完成")


@require_POST
@signed_in
def cancel(request: SchoolRequest, inspection_id: UUID) -> HttpResponse:
    operations.cancel(**_common(request, inspection_id), reason=request.POST.get("reason", ""))
    return go(request, "inspections:phone_index", said="巡查已取消")
