"""Patrols in the console: tours with what speaks against them, routes, and what was missed."""

from __future__ import annotations

from collections.abc import Container, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError, NotAllowed
from standards_library.choices import ServiceLine
from tenants.findings import queries as findings
from tenants.findings.choices import FindingSource
from tenants.findings.models import Finding
from tenants.organisation import queries as organisation
from tenants.patrols import operations, policies, queries
from tenants.patrols.choices import QuestionKind, ScanMethod, StopStatus, TourStatus
from tenants.patrols.models import Route, Stop, Tour
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, paginate, render_list
from web.shared.xlsx import download
from web.templatetags.ui import cn_seconds
from web.tenant.evidence.uploads import client_key, from_outbox, refused_json
from web.tenant.findings.forms import place_choices
from web.tenant.findings.views import photo_of
from web.tenant.patrols.forms import (
    DAYS,
    RescheduleForm,
    RouteForm,
    TourFilter,
    as_lines,
    clock_text,
    points_of,
    windows_of,
)

TONES = {
    TourStatus.DUE: "muted",
    TourStatus.WALKING: "info",
    TourStatus.DONE: "ok",
    TourStatus.PARTIAL: "warn",
    TourStatus.MISSED: "bad",
}
STOP_TONES = {
    StopStatus.DUE: "muted",
    StopStatus.SEEN: "ok",
    StopStatus.MISSED: "bad",
    StopStatus.EXPLAINED: "warn",
    StopStatus.ACCEPTED: "muted",
    StopStatus.REFUSED: "bad",
    StopStatus.RESCHEDULED: "info",
}
CRUMBS = [{"label": "值班"}]
UNSEEN = (StopStatus.MISSED, StopStatus.EXPLAINED, StopStatus.ACCEPTED, StopStatus.REFUSED)
MAX_EXPORT = 20_000
MOST_PLACES = 200  # in the list of each point of a route


def credibility_tone(value: int | None) -> str:
    """Green from 80, yellow from 60, red below; grey while not judged."""
    return "muted" if value is None else "ok" if value >= 80 else "warn" if value >= queries.DOUBTFUL else "bad"


def _period(form: TourFilter, now: datetime, request: SchoolRequest) -> dict[str, Any]:
    chosen = form.chosen()
    today = now.astimezone(request.school.tz).date()
    chosen["from_day"] = chosen.get("from_day") or today - timedelta(days=29)
    chosen["until_day"] = chosen.get("until_day") or today
    return chosen


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    now = clock.now()
    form = TourFilter(request.GET, by=request.actor)
    chosen = _period(form, now, request)
    page = paginate(request, queries.tours(by=request.actor, **chosen))
    for row in page.object_list:
        row.credibility_tone = credibility_tone(row.credibility)  # type: ignore[attr-defined]
    figures = queries.summary(by=request.actor, from_day=chosen["from_day"], until_day=chosen["until_day"])
    context = {
        "title": "巡更",
        "lead": f"{chosen['from_day']:%-m月%-d日}—{chosen['until_day']:%-m月%-d日}",
        "crumbs": [*CRUMBS, {"label": "巡更"}],
        "form": form,
        "page_obj": page,
        "tones": TONES,
        "figures": figures,
        "done_share": round(100 * (figures["done"] or 0) / figures["due"]) if figures["due"] else None,
        "may_plan": policies.can_plan(request.actor),
        "has_routes": queries.routes(by=request.actor).exists(),
    }
    return render_list(request, "patrols/index.html", "patrols/_rows.html", context)


@require_safe
@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The filtered list as .xlsx, at most 20,000 rows."""
    now = clock.now()
    chosen = _period(TourFilter(request.GET, by=request.actor), now, request)
    tz = request.school.tz
    rows = [
        [
            t.number, t.route.name, t.route.party.name, t.starts_at, t.ends_at, t.get_status_display(), t.walker_name,  # type: ignore[attr-defined]
            t.seen_count, t.stop_count, "不知道" if t.credibility is None else t.credibility,  # type: ignore[attr-defined]
            "；".join(d["sentence"] for d in t.doubts),
        ]
        for t in queries.tours(by=request.actor, **chosen)[:MAX_EXPORT]
    ]  # fmt: skip
    heads = ["编号", "路线", "责任单位", "开始", "截止", "状态", "巡更人", "到点", "应到", "可信度", "疑点"]
    return download(f"巡更-{request.school.name}-{now.astimezone(tz):%Y%m%d-%H%M}.xlsx", [("巡更", heads, rows)])


def stop_rows(stops: list[Stop], *, found: Container[UUID] | None) -> list[dict[str, Any]]:
    """The stops of a tour for the page: answers in words, seconds since the stop before, photos.

    `found` holds the points with a finding, for who sees them all: something out of the normal without one was withheld.
    """
    rows: list[dict[str, Any]] = []
    before: datetime | None = None
    for stop in stops:
        gap = (stop.scanned_at - before).total_seconds() if stop.scanned_at and before else None
        before = stop.scanned_at or before
        answers = [
            {
                "text": q["text"],
                "said": _said(q, stop.answers.get(q["id"], "")),
                "bad": _bad(q, stop.answers.get(q["id"], "")),
            }
            for q in stop.asked
        ]
        rows.append(
            {
                "stop": stop,
                "place": queries.where(stop.point.place.full_name),
                "tone": STOP_TONES[StopStatus(stop.status)],
                "method": ScanMethod(stop.method).label if stop.method else "",
                "gap": None if gap is None else cn_seconds(gap),
                "answers": answers,
                "withheld": found is not None and stop.point_id not in found and any(a["bad"] for a in answers),
                "photos": [photo_of(p, caption=stop.point.place.name, at=stop.scanned_at) for p in stop.photo_ids],
            }
        )
    return rows


def _said(question: dict[str, Any], answer: str) -> str:
    if question["kind"] == QuestionKind.YES_NO:
        return "正常" if answer == "yes" else "异常"
    return f"{answer} {question['unit']}".strip()


def _bad(question: dict[str, Any], answer: str) -> bool:
    return operations.abnormal(kind=question["kind"], low=question["low"], high=question["high"], answer=answer)


def _points_with_findings(rows: Iterable[Finding]) -> set[UUID]:
    """The points whose answers opened a finding: their ids stand in its key."""
    heads = {row.source_key.partition(":")[0] for row in rows if ":" in row.source_key}
    return {UUID(head) for head in heads}


def _copies(request: SchoolRequest, row: Tour) -> list[dict[str, Any]]:
    """Pairs of photos that are one shot, for a human to compare; another tour's picture only for who may see it."""
    others = queries.tours_by_id([UUID(c["other_tour"]) for c in row.copies or [] if c["other_tour"]], by=request.actor)
    taken = _taken_at([row.pk, *others])
    pairs = []
    for copy in row.copies or []:
        other = others.get(UUID(copy["other_tour"])) if copy["other_tour"] else row
        where = f"{copy['other_number'] or '本次'} · {copy['other_place']}"
        pairs.append(
            {
                "photo": photo_of(UUID(copy["photo"]), caption=copy["place"], at=taken.get((row.pk, copy["photo"]))),
                "other": photo_of(UUID(copy["other"]), caption=where, at=taken.get((other.pk, copy["other"])))
                if other
                else None,
                "number": copy["other_number"] or "本次另一个点",
                "tour": other.pk if other and copy["other_tour"] else None,
                "where": where,
                "how": _how(copy),
            }
        )
    return pairs


def _taken_at(tour_ids: Iterable[UUID]) -> dict[tuple[UUID, str], datetime | None]:
    """When each photo of these tours was shown, by tour and photo."""
    return {(key, str(photo)): stop.scanned_at for key, stop in queries.stops_of(tour_ids) for photo in stop.photo_ids}


def _explanations(waiting: list[Stop]) -> list[dict[str, Any]]:
    """What was said about the points that wait for a verdict, each sentence once with its points."""
    said: dict[tuple[str, str, datetime | None], list[str]] = {}
    for stop in waiting:
        said.setdefault((stop.explanation, stop.explained_by_name, stop.explained_at), []).append(
            queries.where(stop.point.place.full_name)
        )
    return [{"text": text, "who": who, "at": at, "places": places} for (text, who, at), places in said.items()]


def _how(copy: dict[str, Any]) -> str:
    """In what way the two are one picture."""
    if copy["same_file"]:
        return "同一个照片文件"
    turned = ["左右翻转"] if copy.get("mirrored") else []
    turned += [f"旋转 {90 * copy['quarters']}°"] if copy.get("quarters") else []
    return f"{'、'.join(turned)}后画面相同，文件不同" if turned else "画面相同，文件不同"


def _tour_context(request: SchoolRequest, row: Tour, **more: Any) -> dict[str, Any]:
    stops = [stop for _key, stop in queries.stops_of([row.pk])]
    seen = findings.rows_of_source(source=FindingSource.PATROL, source_ids=[row.pk], by=request.actor)
    parties = organisation.party_ids_seen_by(request.actor)
    waiting = [s for s in stops if s.status == StopStatus.EXPLAINED]
    most = queries.make_ups_allowed()
    now = clock.now()
    local = now.astimezone(request.school.tz).replace(second=0, microsecond=0, tzinfo=None)
    times = {"starts_at": local, "ends_at": local + timedelta(hours=2)}
    return {
        "title": f"{row.route.name}",
        "lead": f"{row.number} · {row.route.party.name}",
        "crumbs": [*CRUMBS, {"label": "巡更", "url": reverse("patrols:index")}, {"label": row.number}],
        "tour": row,
        "tone": TONES[TourStatus(row.status)],
        "credibility_tone": credibility_tone(row.credibility),
        "rows": stop_rows(stops, found=_points_with_findings(seen) if policies.reads_all(request.actor) else None),
        "missed": [s for s in stops if s.status == StopStatus.MISSED],
        "found_after": queries.found_after(row),
        "found_by_now": queries.found_after(row) < clock.now(),
        "to_make_up": [s for s in stops if s.status in UNSEEN and s.made_up_by_id is None],
        "make_ups": most,
        "made_up_enough": queries.make_ups_before(row, most=most) >= most,
        "waiting": waiting,
        "explanations": _explanations(waiting),
        "may_review": policies.can_review(request.actor),
        "own_words": any(s.explained_by == request.actor.account_id for s in waiting),
        "copies": _copies(request, row),
        "findings": seen,
        "may_explain": policies.can_explain(request.actor, row, party_ids=None if parties is None else list(parties)),
        "again": RescheduleForm(initial=times),
        **more,
    }


@require_safe
@signed_in
def tour(request: SchoolRequest, tour_id: UUID) -> HttpResponse:
    row = queries.tour(tour_id=tour_id, by=request.actor)
    return render(request, "patrols/tour.html", _tour_context(request, row))


@require_POST
@signed_in
def explain(request: SchoolRequest, tour_id: UUID) -> HttpResponse:
    try:
        count = operations.explain(
            tour_id=tour_id, text=request.POST.get("text", ""), by=request.actor, tenant=request.school,
            now=clock.now(), client_key=client_key(request),
        )  # fmt: skip
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        row = queries.tour(tour_id=tour_id, by=request.actor)
        context = _tour_context(request, row, refused=refused.sentence, said=request.POST.get("text", ""))
        return render(request, "patrols/tour.html", context, status=422)
    if from_outbox(request):
        return JsonResponse({"ok": True})
    return go(request, "patrols:tour", tour_id, said=f"已说明 {count} 个漏点")


@require_POST
@signed_in
def review(request: SchoolRequest, tour_id: UUID) -> HttpResponse:
    """认可 or 不认可 what was said about missed points."""
    accepted, note = request.POST.get("accepted") == "yes", request.POST.get("note", "")
    try:
        count = operations.review(
            tour_id=tour_id, accepted=accepted, note=note, by=request.actor, tenant=request.school, now=clock.now()
        )
    except DomainError as refused:
        row = queries.tour(tour_id=tour_id, by=request.actor)
        context = _tour_context(request, row, refused=refused.sentence, review_note=note)
        return render(request, "patrols/tour.html", context, status=422)
    done = "已认可" if accepted else "未认可，已开出问题"
    return go(request, "patrols:tour", tour_id, said=f"{count} 个漏点的说明{done}")


@require_POST
@signed_in
def reschedule(request: SchoolRequest, tour_id: UUID) -> HttpResponse:
    row = queries.tour(tour_id=tour_id, by=request.actor)
    form = RescheduleForm(request.POST)
    refused = ""
    if form.is_valid():
        try:
            again = operations.reschedule(
                tour_id=tour_id, by=request.actor, tenant=request.school, now=clock.now(), **form.cleaned_data
            )
        except DomainError as no:
            refused = no.sentence
        else:
            return go(request, "patrols:tour", again.pk, said=f"已安排补巡 {again.number}")
    context = _tour_context(request, row, again=form, refused=refused)
    return render(request, "patrols/tour.html", context, status=422)


@require_safe
@signed_in
def routes(request: SchoolRequest) -> HttpResponse:
    text = request.GET.get("text", "")[:60]
    page = paginate(request, queries.routes(by=request.actor, text=text, active=None))
    ids = [row.pk for row in page.object_list]
    windows: dict[UUID, list[str]] = {}
    for route_id, window in queries.windows_of(ids):
        windows.setdefault(route_id, []).append(window_text(window.start_minute, window.end_minute, window.weekdays))
    for row in page.object_list:
        row.windows_text = windows.get(row.pk, [])  # type: ignore[attr-defined]
        row.line_label = ServiceLine(row.line).label  # type: ignore[attr-defined]
    context = {
        "title": "巡更路线",
        "crumbs": [*CRUMBS, {"label": "巡更", "url": reverse("patrols:index")}, {"label": "路线"}],
        "page_obj": page,
        "text": text,
        "may_plan": policies.can_plan(request.actor),
    }
    return render_list(request, "patrols/routes.html", "patrols/_routes.html", context)


def window_text(start: int, end: int, days: int) -> str:
    """每天 22:00—次日 06:00."""
    names = dict(DAYS)
    said = names.get(days) or "、".join(name for bit, name in DAYS[3:] if days & bit)
    return f"{said} {clock_text(start)}—{'次日 ' if end > 1440 else ''}{'24:00' if end == 1440 else clock_text(end)}"


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def route_new(request: SchoolRequest) -> HttpResponse:
    if not policies.can_plan(request.actor):
        raise NotAllowed
    return _route_form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def route_edit(request: SchoolRequest, route_id: UUID) -> HttpResponse:
    row = queries.route(route_id=route_id, by=request.actor)
    if not policies.can_plan(request.actor):
        raise NotAllowed
    return _route_form(request, row)


def _route_form(request: SchoolRequest, row: Route | None) -> HttpResponse:
    refused = ""
    if request.method == "POST":
        form = RouteForm(request.POST, by=request.actor)
        if form.is_valid():
            data = form.cleaned_data
            try:
                saved = operations.save_route(
                    route_id=row.pk if row else None, name=data["name"], party_id=UUID(data["party"]),
                    line=data["line"], ordered=data["ordered"], points=points_of(request.POST),
                    windows=windows_of(request.POST), by=request.actor, tenant=request.school, now=clock.now(),
                )  # fmt: skip
            except DomainError as no:
                refused = no.sentence
            else:
                return go(request, "patrols:routes", said=f"路线“{saved.name}”已保存，巡更任务会自动生成")
        points, windows = _posted_rows(request)
    else:
        known = (
            {"name": row.name, "party": str(row.party_id), "line": row.line, "ordered": row.ordered} if row else None
        )
        form = RouteForm(initial=known, by=request.actor)
        points, windows = _kept_rows(row)
    context = {
        "title": f"修改路线：{row.name}" if row else "新建巡更路线",
        "crumbs": [*CRUMBS, {"label": "巡更", "url": reverse("patrols:index")},
                   {"label": "路线", "url": reverse("patrols:routes")}, {"label": "修改" if row else "新建"}],
        "form": form, "refused": refused, "route": row, "places": _places(request, points), "days": DAYS,
        "points": points, "windows": windows,
    }  # fmt: skip
    return render(request, "patrols/route_form.html", context, status=422 if request.method == "POST" else 200)


def _places(request: SchoolRequest, points: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What a point may be: every place of a small school, else buildings and areas; and whatever is chosen already."""
    choices = place_choices(request.actor, deep=True)
    if len(choices) > MOST_PLACES:
        choices = place_choices(request.actor)
    known = {value for value, _name in choices}
    wanted: set[UUID] = set()
    for value in {str(point.get("place") or "") for point in points} - known:
        with suppress(ValueError):
            wanted.add(UUID(value))
    kept = organisation.places_by_id(wanted) if wanted else {}
    return [*choices, *((str(p.pk), p.full_name) for p in kept.values())]


def _posted_rows(request: SchoolRequest) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    post = request.POST
    names = ("place", "instruction", "photo", "walk", "nfc", "questions")
    points = [
        dict(zip(names, values, strict=True))
        for values in zip(*(post.getlist(f"point_{n}") for n in names), strict=False)
    ]
    windows = [
        {"start": start, "end": end, "days": int(days) if days.isdigit() else 127}
        for start, end, days in zip(
            post.getlist("window_start"), post.getlist("window_end"), post.getlist("window_days"), strict=False
        )
    ]
    return points, windows


def _kept_rows(row: Route | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    if row is None:
        return [{}, {}], [{"start": "22:00", "end": "06:00", "days": 127}]
    points = [
        {
            "place": str(p.place_id), "instruction": p.instruction, "photo": "yes" if p.photo_required else "no",
            "walk": "" if p.walk_seconds is None else p.walk_seconds, "nfc": p.nfc_tag, "questions": as_lines(p.asked),  # type: ignore[attr-defined]
        }
        for _key, p in queries.points_of([row.pk])
    ]  # fmt: skip
    windows = [
        {"start": clock_text(w.start_minute), "end": clock_text(w.end_minute), "days": w.weekdays}
        for _key, w in queries.windows_of([row.pk])
    ]
    return points, windows


@require_POST
@signed_in
def route_close(request: SchoolRequest, route_id: UUID) -> HttpResponse:
    row = operations.close_route(route_id=route_id, by=request.actor, tenant=request.school, now=clock.now())
    return go(request, "patrols:routes", said=f"路线“{row.name}”已停用，历史记录保留")
