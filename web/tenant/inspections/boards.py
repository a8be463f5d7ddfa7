"""The week's programme and calibrations, in the console and on the phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from identity.people import people_of_school
from kernel import clock
from kernel.errors import DomainError, NotAllowed, NotFound
from kernel.ids import new_id
from standards_library.choices import ServiceLine
from tenants.inspections import boards, operations, policies, programme, queries
from tenants.inspections.choices import CalibrationStatus, ProgrammeStatus, Verdict
from tenants.inspections.models import Calibration
from tenants.rubrics.contracts import RubricContract
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, paginate, render_list
from web.tenant.evidence.uploads import client_key, from_outbox, keep_photos, refused_json
from web.tenant.findings.forms import place_choices
from web.tenant.findings.views import photo_of
from web.tenant.inspections.forms import CalibrationForm, ProgrammeForm, StopForm, TargetForm

TONES = {CalibrationStatus.OPEN: "info", CalibrationStatus.REVEALED: "ok", CalibrationStatus.VOID: "muted"}
CRUMBS = [{"label": "过程监管"}]


def _today(request: SchoolRequest) -> date:
    return clock.now().astimezone(request.school.tz).date()


def _week(request: SchoolRequest) -> date:
    """The Monday asked for by `?week=`, else this week's."""
    try:
        day = date.fromisoformat(request.POST.get("week") or request.GET.get("week") or "")
    except ValueError:
        day = _today(request)
    return programme.monday_of(day)


def _people(request: SchoolRequest) -> list[tuple[str, str]]:
    found = people_of_school(school_id=request.school.school_id, roles=policies.OVERSEERS, today=_today(request))
    return [(str(p.account_id), p.name) for p in found]


def _programme_context(request: SchoolRequest, monday: date) -> dict[str, Any]:
    row = boards.week_of(monday, by=request.actor)
    sheets = {c.pk: c.title for c in queries.checklists(by=request.actor)}
    stops = list(row.stops.all()) if row else []
    for stop in stops:
        stop.line_label = ServiceLine(stop.line).label if stop.line else ""  # type: ignore[attr-defined]
        stop.sheet = sheets.get(stop.checklist_id, "") if stop.checklist_id else ""  # type: ignore[attr-defined]
    open_week = row is None or row.status == ProgrammeStatus.DRAFT
    hours = (row.minutes if row else 360) / 60
    return {
        "title": "每周抽检计划",
        "lead": f"{monday:%Y-%m-%d} 至 {monday + timedelta(days=6):%m-%d}，按可用工时排出最该去的地方",
        "crumbs": [*CRUMBS, {"label": "巡查检查", "url": reverse("inspections:index")}, {"label": "每周抽检计划"}],
        "week": monday,
        "before": monday - timedelta(days=7),
        "after": monday + timedelta(days=7),
        "programme": row,
        "stops": stops,
        "done": sum(s.done_at is not None for s in stops),
        "minutes": sum(s.minutes for s in stops) + programme.WALK_MINUTES * max(0, len(stops) - 1),
        "coverage": boards.coverage_now(now=clock.now(), row=row, by=request.actor),
        "form": ProgrammeForm(initial={"hours": f"{hours:g}"}) if open_week else None,
        "may_accept": row is not None and row.status == ProgrammeStatus.DRAFT,
        "stop_form": StopForm(places=place_choices(request.actor)) if row else None,
        "people": _people(request),
        "target_form": TargetForm(),
        "printed_at": clock.now(),
    }


@require_safe
@signed_in
def week(request: SchoolRequest) -> HttpResponse:
    context = _programme_context(request, _week(request))
    template = "inspections/week_print.html" if request.GET.get("print") else "inspections/week.html"
    return render(request, template, context)


def _act(request: SchoolRequest, monday: date, said: str, do: Callable[[], object]) -> HttpResponse:
    try:
        do()
    except DomainError as refused:
        context = {**_programme_context(request, monday), "refused": refused.sentence}
        return render(request, "inspections/week.html", context, status=422)
    return go(request, f"{reverse('inspections:week')}?week={monday}", said=said)


def _common(request: SchoolRequest) -> dict[str, Any]:
    return {"by": request.actor, "tenant": request.school, "now": clock.now()}


@require_POST
@signed_in
def propose(request: SchoolRequest) -> HttpResponse:
    monday, form = _week(request), ProgrammeForm(request.POST)
    if not form.is_valid():
        context = {**_programme_context(request, monday), "form": form}
        return render(request, "inspections/week.html", context, status=422)
    minutes = round(form.cleaned_data["hours"] * 60)
    return _act(
        request, monday, "抽检计划已生成",
        lambda: operations.propose_programme(week=monday, minutes=minutes, **_common(request)),
    )  # fmt: skip


@require_POST
@signed_in
def accept(request: SchoolRequest, programme_id: UUID) -> HttpResponse:
    row = boards.programme_of(programme_id, by=request.actor)
    return _act(
        request, row.week, "抽检计划已确认，任务已下达",
        lambda: operations.accept_programme(programme_id=programme_id, **_common(request)),
    )  # fmt: skip


@require_POST
@signed_in
def add_stop(request: SchoolRequest, programme_id: UUID) -> HttpResponse:
    row = boards.programme_of(programme_id, by=request.actor)
    form = StopForm(request.POST, places=place_choices(request.actor))
    if not form.is_valid():
        context = {**_programme_context(request, row.week), "stop_form": form}
        return render(request, "inspections/week.html", context, status=422)
    return _act(
        request, row.week, "已增加",
        lambda: operations.add_stop(
            programme_id=programme_id, place_id=UUID(form.cleaned_data["place"]), why=form.cleaned_data["why"],
            **_common(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def change_stop(request: SchoolRequest, stop_id: UUID) -> HttpResponse:
    """`drop=1` takes it off; otherwise `inspector` says who goes."""
    monday = _week(request)
    if request.POST.get("drop"):
        return _act(
            request, monday, "已去掉",
            lambda: operations.drop_stop(stop_id=stop_id, by=request.actor, tenant=request.school),
        )  # fmt: skip
    return _act(
        request, monday, "已改派",
        lambda: operations.assign_stop(
            stop_id=stop_id, inspector_id=_uuid(request.POST.get("inspector", "")), **_common(request)
        ),
    )  # fmt: skip


@require_POST
@signed_in
def target(request: SchoolRequest) -> HttpResponse:
    """覆盖目标 of one kind of place; without days there is none."""
    form = TargetForm(request.POST)
    monday = _week(request)
    if not form.is_valid():
        context = {**_programme_context(request, monday), "refused": "请选择场所类别，周期填 1—730 天。"}
        return render(request, "inspections/week.html", context, status=422)
    return _act(
        request, monday, "覆盖目标已保存",
        lambda: operations.set_coverage_target(
            **form.cleaned_data | {"minutes": form.cleaned_data["minutes"] or 30}, by=request.actor,
            tenant=request.school,
        ),
    )  # fmt: skip


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


@require_safe
@signed_in
def phone_week(request: SchoolRequest) -> HttpResponse:
    """What I am to see this week, in walking order."""
    stops = boards.this_week(now=clock.now(), tz=request.school.tz, by=request.actor)
    context = {"title": "本周抽检", "back": reverse("inspections:phone_index"), "stops": stops}
    return render(request, "inspections/phone_week.html", context)


def _calibrations_context(request: SchoolRequest) -> dict[str, Any]:
    missing, proposed = boards.missing_this_month(now=clock.now(), tenant=request.school, by=request.actor)
    return {
        "missing": missing,
        "proposed": proposed,
        "month": _today(request).month,
        "title": "判分校准",
        "lead": "几个人对同一地点独立判分，揭晓后看哪些项判得不一样",
        "crumbs": [*CRUMBS, {"label": "巡查检查", "url": reverse("inspections:index")}, {"label": "判分校准"}],
        "page_obj": paginate(request, boards.calibrations(by=request.actor)),
        "tendencies": boards.tendencies(by=request.actor),
        "may_arrange": policies.can_calibrate(request.actor),
        "is_head": policies.sees_bias_of(request.actor, UUID(int=0)),
        "tones": TONES,
    }


@require_safe
@signed_in
def calibrations(request: SchoolRequest) -> HttpResponse:
    context = _calibrations_context(request)
    return render_list(request, "inspections/calibrations.html", "inspections/_calibrations.html", context)


@require_POST
@signed_in
def arrange_proposed(request: SchoolRequest) -> HttpResponse:
    """按建议安排: one tap; tapped twice it is the same one."""
    if not policies.can_calibrate(request.actor):
        raise NotAllowed
    try:
        row = operations.arrange_proposed(**_common(request))
    except DomainError as refused:
        context = {**_calibrations_context(request), "refused": refused.sentence}
        return render(request, "inspections/calibrations.html", context, status=422)
    return go(request, "inspections:calibration", row.pk, said="已安排，打分人会收到提醒")


@signed_in
def arrange(request: SchoolRequest) -> HttpResponse:
    if not policies.can_calibrate(request.actor):
        raise NotAllowed
    sheets = [(str(c.pk), c.title) for c in queries.checklists(by=request.actor)]
    form = CalibrationForm(
        request.POST or None, sheets=sheets, places=place_choices(request.actor), people=_people(request)
    )
    context = {
        "title": "安排判分校准",
        "crumbs": [*CRUMBS, {"label": "判分校准", "url": reverse("inspections:calibrations")}, {"label": "安排"}],
        "form": form,
        "no_sheets": not sheets,
    }
    if request.method != "POST":
        return render(request, "inspections/arrange.html", context)
    if not form.is_valid():
        return render(request, "inspections/arrange.html", context, status=422)
    chosen = form.cleaned_data
    try:
        row = operations.arrange_calibration(
            checklist_id=UUID(chosen["checklist"]), place_id=UUID(chosen["place"]),
            scorer_ids=[UUID(i) for i in chosen["scorers"]], expert_id=_uuid(chosen["expert"]),
            closes_at=chosen["closes_at"], **_common(request),
        )  # fmt: skip
    except DomainError as refused:
        return render(request, "inspections/arrange.html", {**context, "refused": refused.sentence}, status=422)
    return go(request, "inspections:calibration", row.pk, said="已安排，打分人会收到提醒")


def _calibration_context(request: SchoolRequest, calibration_id: UUID) -> dict[str, Any]:
    row = boards.calibration(calibration_id, by=request.actor)
    seat = boards.seat_of(row, by=request.actor)
    disputed = [
        {
            "item": d.item,
            "opinions": [
                {
                    "who": o.who, "mine": o.mine, "expert": o.expert, "mark": o.mark,
                    "label": Verdict(o.mark.verdict).label,
                    "photos": [photo_of(UUID(p), caption=o.who) for p in o.mark.photo_ids],
                }
                for o in d.opinions
            ],
            "examples": [
                photo_of(p, caption=words)
                for p, words in ((d.item.good_photo_id, "合格示例"), (d.item.bad_photo_id, "不合格示例"))
                if p
            ],
        }
        for d in boards.disputed(row, by=request.actor)
    ]  # fmt: skip
    open_now = row.status == CalibrationStatus.OPEN and clock.now() < row.closes_at
    return {
        "title": row.title,
        "crumbs": [*CRUMBS, {"label": "判分校准", "url": reverse("inspections:calibrations")}, {"label": row.title}],
        "row": row,
        "seats": [s for _id, s in boards.seats_shown([row.pk], by=request.actor)],
        "mine": seat,
        "may_score": bool(seat and not seat.submitted_at and open_now),
        "may_compare": boards.may_compare(row, by=request.actor),
        "may_arrange": policies.can_calibrate(request.actor),
        "disputed": disputed,
        "total": sum(1 for _ in RubricContract.from_json(row.sheet).items()),
        "tones": TONES,
    }


@require_safe
@signed_in
def calibration(request: SchoolRequest, calibration_id: UUID) -> HttpResponse:
    return render(request, "inspections/calibration.html", _calibration_context(request, calibration_id))


@require_POST
@signed_in
def end_calibration(request: SchoolRequest, calibration_id: UUID, action: str) -> HttpResponse:
    """`action`: reveal or void."""
    does = {"reveal": operations.reveal_calibration, "void": operations.void_calibration}
    if action not in does:
        raise NotFound
    boards.calibration(calibration_id, by=request.actor)
    try:
        does[action](calibration_id=calibration_id, **_common(request))
    except DomainError as refused:
        context = {**_calibration_context(request, calibration_id), "refused": refused.sentence}
        return render(request, "inspections/calibration.html", context, status=422)
    return go(request, "inspections:calibration", calibration_id, said="已揭晓" if action == "reveal" else "已作废")


def _sheet_items(row: Calibration, post: Any = None) -> list[dict[str, Any]]:
    return [
        {
            "item": item,
            "section": section.title,
            "verdict": post.get(f"verdict-{item.id}", "") if post else "",
            "faults": post.get(f"faults-{item.id}", "1") if post else "1",
            "note": post.get(f"note-{item.id}", "") if post else "",
        }
        for section in RubricContract.from_json(row.sheet).sections
        for item in section.items
    ]


@signed_in
def score(request: SchoolRequest, calibration_id: UUID) -> HttpResponse:
    """One's own sheet, on the phone; sent whole."""
    row = boards.calibration(calibration_id, by=request.actor)
    if (seat := boards.seat_of(row, by=request.actor)) is None:
        raise NotFound
    post = request.POST if request.method == "POST" else None
    items = _sheet_items(row, post)
    context: dict[str, Any] = {
        "title": "判分校准",
        "back": reverse("phone:home"),
        "row": row,
        "seat": seat,
        "items": items,
        "verdicts": [(v.value, v.label) for v in (Verdict.PASS, Verdict.FAIL, Verdict.NA)],
        "client_key": client_key(request) or str(new_id()),
        "over": row.status != CalibrationStatus.OPEN or clock.now() >= row.closes_at,
    }
    if post is None:
        return render(request, "inspections/score.html", context)
    try:
        marks = [
            {
                "item_id": i["item"].id,
                "verdict": i["verdict"],
                "faults": int(i["faults"]) if i["faults"].isascii() and i["faults"].isdigit() else 1,
                "note": i["note"],
                "photo_ids": keep_photos(request, field=f"photos-{i['item'].id}", place_id=row.place_id),
            }
            for i in items
        ]
        operations.submit_marks(calibration_id=row.pk, marks=marks, **_common(request))
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        return render(request, "inspections/score.html", {**context, "refused": refused.sentence}, status=422)
    if from_outbox(request):
        return JsonResponse({"id": str(row.pk)})
    return go(request, "inspections:calibration", row.pk, said="已提交")
