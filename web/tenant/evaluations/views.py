"""考核评分: rounds, the scoring page, the score that opens down to each photo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse, HttpResponseNotFound, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from identity.choices import Role
from identity.people import people_of_school
from kernel import clock
from kernel.errors import DomainError, NotAllowed, NotFound
from tenants.evaluations import operations, policies, queries, standing
from tenants.evaluations.choices import RoundKind, RoundStatus, SourceMode
from tenants.evaluations.models import Round
from tenants.evidence import operations as evidence
from tenants.organisation import queries as organisation
from tenants.rubrics import queries as rubrics
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx, paginate, render_list, say
from web.shared.xlsx import download
from web.tenant.evaluations.forms import (
    DeductForm,
    LayoutForm,
    PeriodForm,
    RawForm,
    ReasonForm,
    RoundFilter,
)

TONES = {"draft": "muted", "collecting": "warn", "computed": "info", "closed": "ok"}
SCORERS = (Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR, Role.SCHOOL_LEADER)


def _today() -> date:
    return clock.now().astimezone(clock.SHANGHAI).date()


def _crumbs(*rest: dict[str, str]) -> list[dict[str, str]]:
    return [{"label": "考核评分", "url": reverse("evaluations:index")}, *rest]


def _parties(request: SchoolRequest) -> list[tuple[str, str]]:
    return [(str(p.pk), f"{p.name}（{p.get_kind_display()}）") for p in organisation.parties(by=request.actor)]


# --- The list ------------------------------------------------------------------------------------------


def _chosen(request: SchoolRequest) -> tuple[RoundFilter, dict[str, Any]]:
    form = RoundFilter(request.GET or None, parties=_parties(request))
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    return form, {**chosen, "sort": request.GET.get("sort", "")}


@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    form, chosen = _chosen(request)
    page = paginate(request, queries.rounds(by=request.actor, **chosen))
    done = queries.progress_of([row.pk for row in page])
    context = {
        "title": "考核评分",
        "lead": "按月、按季度或专项考核各责任单位；每一分都能查到扣在哪里。",
        "form": form,
        "page_obj": page,
        "rows": [{"round": row, "progress": done.get(row.pk, (0, 0))} for row in page],
        "tones": TONES,
        "todo": queries.mine_to_score(by=request.actor),
        "can_manage": policies.can_manage(request.actor),
        "filtered": any(request.GET.get(k) for k in form.fields),
    }
    return render_list(request, "evaluations/index.html", "evaluations/_rows.html", context)


@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    _, chosen = _chosen(request)
    rows = queries.rounds(by=request.actor, **chosen)[:5000]
    return download(
        f"考核评分_{_today():%Y%m%d}.xlsx",
        [
            (
                "考核",
                ("名称", "类型", "开始日期", "结束日期", "被考核方", "状态", "得分", "等级", "一票否决", "试行", "定稿时间", "定稿人", "校验码"),
                (
                    (
                        r.title, r.get_kind_display(), r.starts_on, r.ends_on, r.party_name, r.get_status_display(),
                        r.score if _has_score(r) else None, r.grade if _has_score(r) else "", r.veto, r.trial,
                        r.closed_at, r.closed_by_name, r.digest,
                    )
                    for r in rows
                ),
            )
        ],
    )  # fmt: skip


def _has_score(row: Round) -> bool:
    return row.status in (RoundStatus.COMPUTED, RoundStatus.CLOSED)


# --- Setting one up: period → party → rubric → sources ------------------------------------------------------


@signed_in
def new(request: SchoolRequest) -> HttpResponse:
    """Four steps; what was chosen travels in the address, so Back works and nothing is kept half-made."""
    if not policies.can_manage(request.actor):
        raise NotAllowed
    kept = request.GET
    period = PeriodForm(kept if "kind" in kept else None, initial={"month": _last_month()})
    if not period.is_bound or not period.is_valid():
        return _step(request, 1, {"form": period})
    parties = _parties(request)
    if kept.get("party") not in {key for key, _ in parties}:
        return _step(request, 2, {"options": parties, "name": "party", "empty": not parties})
    sheets = [(str(r.pk), r.title) for r in rubrics.active_rubrics()]
    if kept.get("rubric") not in {key for key, _ in sheets}:
        return _step(request, 3, {"options": sheets, "name": "rubric", "empty": not sheets})
    form = _layout_form(request, request.POST or None, party_id=UUID(kept["party"]), kind=kept["kind"])
    if request.method != "POST":
        return _step(request, 4, {"form": form})
    if not form.is_valid():
        return _step(request, 4, {"form": form}, status=422)
    try:
        row = operations.create_round(
            kind=RoundKind(period.cleaned_data["kind"]),
            starts_on=period.cleaned_data["starts_on"],
            ends_on=period.cleaned_data["ends_on"],
            party_id=UUID(kept["party"]),
            rubric_id=UUID(kept["rubric"]),
            sources=form.source_specs(),
            areas=form.area_specs(),
            combine=form.combine,
            repeat_factor=form.repeat_factor,
            title=request.POST.get("title", ""),
            by=request.actor,
            tenant=request.school,
        )
    except DomainError as refused:
        return _step(request, 4, {"form": form, "refused": refused.sentence}, status=422)
    return go(request, "evaluations:detail", row.pk, said="已建好，核对后点“开始打分”")


def _step(request: SchoolRequest, number: int, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    labels = ("考核周期", "被考核方", "评分标准", "评分单位")
    kept: QueryDict = request.GET.copy()
    steps = []
    for n, label in enumerate(labels, start=1):
        steps.append({"label": label, "state": "done" if n < number else "current" if n == number else "todo"})
    drop = {2: ("party", "rubric"), 3: ("rubric",)}.get(number, ())
    for name in (*drop, "title"):
        kept.pop(name, None)
    return render(
        request,
        "evaluations/new.html",
        {
            "title": "新建考核", "crumbs": _crumbs({"label": "新建考核"}), "steps": steps, "number": number,
            "kept": [(k, v) for k, v in kept.items()], "back": _back(request, number), **context,
        },
        status=status,
    )  # fmt: skip


def _back(request: SchoolRequest, number: int) -> str:
    """The address of the step before, with what was chosen until there."""
    kept = request.GET.copy()
    for name in {2: ("kind", "month", "starts_on", "ends_on", "party", "rubric"), 3: ("party", "rubric")}.get(
        number, ("rubric",)
    ):
        kept.pop(name, None)
    return f"{request.path}?{kept.urlencode()}"


def _last_month() -> str:
    return f"{_today().replace(day=1) - timedelta(days=1):%Y-%m}"


def _layout_form(
    request: SchoolRequest, data: Any, *, party_id: UUID, kind: str, of: Round | None = None
) -> LayoutForm:
    """The sources as they are, or as this party's last round of the kind had them, or one office with all."""
    people = people_of_school(school_id=request.school.school_id, roles=SCORERS, today=_today())
    campuses = organisation.places(by=request.actor, kind="campus")
    before = of or queries.rounds(by=request.actor, party_id=party_id, kind=kind).first()
    sources, areas, whole = [], [], {"takes_findings": "0", "combine": "mean"}
    if before:
        takes = ""
        for n, (_, s) in enumerate(queries.sources_of([before.pk])):
            scorer = s.scorers[0]["id"] if s.scorers else ""
            sources.append({"name": s.name, "weight": f"{s.weight.normalize():f}", "mode": s.mode, "scorer": scorer})
            takes = str(n) if s.takes_findings else takes
        parts = [a for _, a in queries.areas_of([before.pk])]
        if len(parts) > 1 or parts[0].place_id:
            areas = [
                {"name": a.name, "place": str(a.place_id or ""), "weight": f"{a.weight.normalize():f}"} for a in parts
            ]
        whole = {"takes_findings": takes, "combine": before.combine}
        if of:
            whole["repeat_factor"] = f"{of.repeat_factor:.2f}"
    else:
        sources = [{"name": "后勤管理处", "weight": "100", "mode": SourceMode.SHEET}]
    return LayoutForm(
        data,
        people=[(str(p.account_id), p.name) for p in people],
        places=[(str(p.pk), p.name) for p in campuses],
        sources=sources, areas=areas, whole=whole,
    )  # fmt: skip


@signed_in
def layout(request: SchoolRequest, round_id: UUID) -> HttpResponse:
    """Change sources and areas of a draft."""
    row = queries.round_of(round_id, by=request.actor)
    if not policies.can_manage(request.actor):
        raise NotAllowed
    form = _layout_form(request, request.POST or None, party_id=row.party_id, kind=row.kind, of=row)
    context = {
        "title": "调整评分单位", "crumbs": _crumbs(_crumb(row), {"label": "调整评分单位"}), "form": form, "round": row,
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "evaluations/layout.html", context)
    if form.is_valid():
        try:
            operations.change_layout(
                round_id=round_id, sources=form.source_specs(), areas=form.area_specs(), combine=form.combine, repeat_factor=form.repeat_factor,
                by=request.actor, tenant=request.school,
            )  # fmt: skip
            return go(request, "evaluations:detail", round_id, said="已保存")
        except DomainError as refused:
            context["refused"] = refused.sentence
    return render(request, "evaluations/layout.html", context, status=422)


def _crumb(row: Round) -> dict[str, str]:
    return {"label": row.title, "url": reverse("evaluations:detail", args=[row.pk])}


# --- The score, opened down ---------------------------------------------------------------------------------


@signed_in
def detail(request: SchoolRequest, round_id: UUID) -> HttpResponse:
    return render(request, "evaluations/detail.html", _detail_context(request, round_id))


def _detail_context(request: SchoolRequest, round_id: UUID, **more: Any) -> dict[str, Any]:
    row = queries.round_of(round_id, by=request.actor)
    state = standing.standing(row, by=request.actor)
    return {
        "title": row.title,
        "crumbs": _crumbs({"label": row.title}),
        "round": row,
        "tones": TONES,
        "s": state,
        "trend": _trend(request, row),
        "can_manage": policies.can_manage(request.actor),
        "can_decide": policies.can_decide(request.actor),
        "can_close": policies.can_close(request.actor, row),
        "running": clock.now().astimezone(request.school.tz).date() < row.ends_on,
        **more,
    }


def _trend(request: SchoolRequest, row: Round) -> dict[str, Any] | None:
    last = queries.history(by=request.actor, party_id=row.party_id, kind=row.kind, until=row.starts_on)
    if len(last) < 2:
        return None
    scores = [float(r.score) for r in last if r.score is not None]
    pattern = "%y-%m-%d" if row.kind == RoundKind.SPECIAL else "%y年%m月"
    return {
        "kind": "line", "unit": "分", "axis": "周期", "categories": [f"{r.starts_on:{pattern}}" for r in last],
        "series": [{"name": "得分", "data": scores}], "min": max(0, (int(min(scores)) - 5) // 10 * 10), "max": 100,
        "description": f"最近 {len(last)} 期得分，从 {scores[0]:.2f} 到 {scores[-1]:.2f}，"
        f"最高 {max(scores):.2f}，最低 {min(scores):.2f}。",
    }  # fmt: skip


@signed_in
def printed(request: SchoolRequest, round_id: UUID) -> HttpResponse:
    return render(request, "evaluations/print.html", _detail_context(request, round_id, printed_at=clock.now()))


@signed_in
def export_round(request: SchoolRequest, round_id: UUID) -> HttpResponse:
    """The score as a workbook: summary, sources, items, deductions."""
    row = queries.round_of(round_id, by=request.actor)
    result = queries.opened(row)
    if result is None:
        raise NotFound
    cells = [(a, s) for a in result["areas"] for s in a["sources"]]
    items = [(a, s, sec, i) for a, s in cells for sec in s["sections"] for i in sec["items"]]
    return download(
        f"{row.title}.xlsx",
        [
            (
                "总分",
                ("项目", "内容"),
                [
                    ("名称", row.title), ("被考核方", result["party"]["name"]), ("开始日期", row.starts_on),
                    ("结束日期", row.ends_on), ("评分标准", f"{result['rubric']['title']} 第 {result['rubric']['revision']} 版"),
                    ("得分", Decimal(result["score"])), ("等级", result["grade"]), ("一票否决", result["veto"]),
                    ("试行", result["trial"]), ("状态", row.get_status_display()), ("定稿人", row.closed_by_name),
                    ("定稿时间", row.closed_at), ("校验码（SHA-256）", row.digest),
                ],
            ),
            (
                "评分单位",
                ("片区", "评分单位", "权重（%）", "打分方式", "原始分", "加权分", "不参与原因", "打分人", "说明"),
                [
                    (
                        a["name"], s["name"], Decimal(s["weight"]), str(SourceMode(s["mode"]).label), _number(s["raw"]),
                        _number(s["weighted"]), s["excused"], s["scored_by"], s["comment"],
                    )
                    for a, s in cells
                ],
            ),
            (
                "检查内容",
                ("片区", "评分单位", "维度", "检查内容", "分值", "扣分", "折合总分表", "不适用原因"),
                [
                    (
                        a["name"], s["name"], sec["title"], i["text"], Decimal(i["points"]), Decimal(i["lost"]),
                        Decimal(i["cost"]), i["reason"],
                    )
                    for a, s, sec, i in items
                ],
            ),
            (
                "扣分明细",
                ("片区", "评分单位", "维度", "检查内容", "扣分事由", "次数", "倍数", "应扣", "影响总分", "来源", "问题编号", "地点",
                 "依据条款", "发生时间", "一票否决", "免扣原因"),
                [
                    (
                        a["name"], s["name"], sec["title"], i["text"], d["reason"], d["occurrences"],
                        Decimal(d.get("factor", "1")), Decimal(d["nominal"]), _number(d["effect"]),
                        "问题整改" if d["origin"] == "finding" else "现场扣分", d["finding_number"], d["place"],
                        d["requirement_key"], d["happened_at"][:19].replace("T", " "), d["veto"], d["waived_reason"],
                    )
                    for a, s, sec, i in items
                    for d in i["deductions"]
                ],
            ),
        ],
    )  # fmt: skip


def _number(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


ACTIONS: dict[str, tuple[Callable[..., object], str]] = {
    "open": (operations.open_round, "已开始打分，问题扣分已带入"),
    "findings": (operations.refresh_findings, "问题扣分已更新"),
    "compute": (operations.compute_round, "已计算得分"),
    "close": (operations.close_round, "已定稿，此后不能再改"),
    "delete": (operations.delete_draft, "草稿已删除"),
}


@require_POST
@signed_in
def act(request: SchoolRequest, round_id: UUID, action: str) -> HttpResponse:
    """One step of the round's life."""
    if action not in ACTIONS:
        return HttpResponseNotFound()
    operation, said = ACTIONS[action]
    values: dict[str, Any] = {"round_id": round_id, "by": request.actor, "tenant": request.school}
    if action in ("compute", "close"):
        values["now"] = clock.now()
    if action == "close":
        values["digest"] = request.POST.get("digest", "")
    try:
        operation(**values)
    except DomainError as refused:
        if is_htmx(request):
            return render(request, "components/errors.html", {"refused": refused.sentence}, status=422)
        return render(
            request, "evaluations/detail.html", _detail_context(request, round_id, refused=refused.sentence), status=422
        )
    if action == "delete":
        return go(request, "evaluations:index", said=said)
    return go(request, "evaluations:detail", round_id, said=said)


# --- Scoring --------------------------------------------------------------------------------------------------


def _cell(request: SchoolRequest, round_id: UUID, source_id: UUID, area_id: UUID) -> dict[str, Any]:
    """What the scoring page of a source and area shows. Raises NotFound, NotAllowed."""
    row = queries.round_of(round_id, by=request.actor)
    cell = standing.cell_of(row, source_id=source_id, area_id=area_id)
    return {
        "round": row,
        "cell": cell,
        "tones": TONES,
        "editable": policies.can_score(request.actor, cell.source)
        and row.status in (RoundStatus.COLLECTING, RoundStatus.COMPUTED)
        and not cell.source.excused,
        "can_decide": policies.can_decide(request.actor),
        "actor": request.actor,
    }


@signed_in
def score(request: SchoolRequest, round_id: UUID, source_id: UUID, area_id: UUID) -> HttpResponse:
    context = _cell(request, round_id, source_id, area_id)
    cell = context["cell"]
    context |= {
        "title": f"{cell.source.name}打分",
        "lead": f"{context['round'].title}" + (f" · {cell.area.name}" if cell.several_areas else ""),
        "crumbs": _crumbs(_crumb(context["round"]), {"label": f"{cell.source.name}打分"}),
    }
    if cell.source.mode == SourceMode.RAW:
        context["form"] = RawForm(initial={"raw": cell.entry.raw, "comment": cell.entry.comment})
        return render(request, "evaluations/score_raw.html", context)
    return render(request, "evaluations/score_sheet.html", context)


@require_POST
@signed_in
def give_score(request: SchoolRequest, round_id: UUID, source_id: UUID, area_id: UUID) -> HttpResponse:
    form = RawForm(request.POST)
    refused = ""
    if form.is_valid():
        try:
            operations.give_score(
                round_id=round_id, source_id=source_id, area_id=area_id, **form.cleaned_data, by=request.actor,
                tenant=request.school, now=clock.now(),
            )  # fmt: skip
            return go(request, "evaluations:detail", round_id, said="已提交打分")
        except DomainError as no:
            refused = no.sentence
    return render(
        request,
        "components/form.html",
        {
            "form": form,
            "refused": refused,
            "submit": "提交打分",
            "cancel": reverse("evaluations:detail", args=[round_id]),
        },
        status=422,
    )


@require_POST
@signed_in
def hand_in(request: SchoolRequest, round_id: UUID, source_id: UUID, area_id: UUID) -> HttpResponse:
    try:
        operations.hand_in_sheet(
            round_id=round_id, source_id=source_id, area_id=area_id, comment=request.POST.get("comment", ""),
            by=request.actor, tenant=request.school, now=clock.now(),
        )  # fmt: skip
    except DomainError as refused:
        return render(request, "components/errors.html", {"refused": refused.sentence}, status=422)
    return go(request, "evaluations:detail", round_id, said="评分表已提交")


def _item(
    request: SchoolRequest, round_id: UUID, source_id: UUID, area_id: UUID, item: UUID | str, *, said: str = "",
    refused: str = "", form: DeductForm | None = None, open_form: bool = False,
) -> HttpResponse:  # fmt: skip
    """One item's card again, and with it the running total."""
    context = _cell(request, round_id, source_id, area_id)
    found = context["cell"].item(str(item))
    if found is None:
        raise NotFound
    context |= {"item": found, "oob": True, "refused": refused, "form": form, "open_form": open_form or bool(form)}
    if context["editable"] and form is None:
        context["form"] = _deduct_form(request, found)
    answer = render(
        request, "evaluations/_item.html", context, status=422 if refused or (form and form.errors) else 200
    )
    return say(answer, said) if said else answer


def _deduct_form(request: SchoolRequest, item: Any, data: Any = None) -> DeductForm:
    places = [(str(p.pk), p.full_name) for p in organisation.places(by=request.actor).exclude(kind="point")[:400]]
    return DeductForm(data, initial={"key": uuid4()}, places=places, veto=item.rule.veto, prefix=f"d{item.key[-8:]}")


@signed_in
def deduct(request: SchoolRequest, round_id: UUID, source_id: UUID, area_id: UUID, item: UUID) -> HttpResponse:
    """GET: the card with its form open. POST: take the points off."""
    if request.method != "POST":
        return _item(request, round_id, source_id, area_id, item, open_form=True)
    context = _cell(request, round_id, source_id, area_id)
    found = context["cell"].item(str(item))
    if found is None:
        raise NotFound
    form = _deduct_form(request, found, request.POST)
    if not form.is_valid():
        return _item(request, round_id, source_id, area_id, item, form=form)
    data = form.cleaned_data
    place = UUID(data["place"]) if data.get("place") else None
    now = clock.now()
    try:
        photos = [
            evidence.keep_photo(
                upload=upload, name=upload.name or "照片.jpg", by=request.actor, tenant=request.school, now=now,
                place_id=place, client_key=f"{data['key']}-{n}",
            ).pk
            for n, upload in enumerate(request.FILES.getlist("photos")[:9])
        ]  # fmt: skip
        operations.deduct(
            round_id=round_id, source_id=source_id, area_id=area_id, item_key=str(item),
            occurrences=data["occurrences"], reason=data["reason"], place_id=place, evidence_ids=photos,
            veto=data.get("veto", False), deduction_id=data["key"], by=request.actor, tenant=request.school, now=now,
        )  # fmt: skip
    except DomainError as refused:
        return _item(request, round_id, source_id, area_id, item, refused=refused.sentence, form=form)
    return _item(request, round_id, source_id, area_id, item, said="已扣分")


@require_POST
@signed_in
def mark(request: SchoolRequest, round_id: UUID, source_id: UUID, area_id: UUID, item: UUID) -> HttpResponse:
    """Not applicable with a reason, or applicable again."""
    try:
        operations.mark_applicable(
            round_id=round_id, source_id=source_id, area_id=area_id, item_key=str(item),
            reason=request.POST.get("reason", ""), by=request.actor, tenant=request.school,
        )  # fmt: skip
    except DomainError as refused:
        return _item(request, round_id, source_id, area_id, item, refused=refused.sentence)
    return _item(request, round_id, source_id, area_id, item)


@require_POST
@signed_in
def withdraw(request: SchoolRequest, deduction_id: UUID) -> HttpResponse:
    taken = queries.deduction(deduction_id, by=request.actor)
    place = (taken.round_id, taken.source_id, taken.area_id, taken.item_key)
    try:
        operations.withdraw_deduction(deduction_id=deduction_id, by=request.actor, tenant=request.school)
    except DomainError as refused:
        return _item(request, *place, refused=refused.sentence)
    return _item(request, *place, said="已撤回")


@signed_in
def waive(request: SchoolRequest, deduction_id: UUID) -> HttpResponse:
    """In the drawer: let a deduction stand without costing anything, with a reason; empty puts it back."""
    taken = queries.deduction(deduction_id, by=request.actor)
    form = ReasonForm(request.POST or None, initial={"reason": taken.waived_reason})
    context: dict[str, Any] = {
        "title": "免扣", "deduction": taken, "form": form, "submit": "保存",
        "url": reverse("evaluations:waive", args=[deduction_id]),
    }  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            operations.waive_deduction(
                deduction_id=deduction_id, reason=form.cleaned_data["reason"], by=request.actor, tenant=request.school,
                now=clock.now(),
            )  # fmt: skip
            return go(request, "evaluations:detail", taken.round_id, said="已保存，请重新计算得分")
        except DomainError as refused:
            return render(request, "components/form.html", {**context, "refused": refused.sentence}, status=422)
    return render(request, "evaluations/_waive.html" if is_htmx(request) else "evaluations/waive.html", context)


@signed_in
def excuse(request: SchoolRequest, source_id: UUID) -> HttpResponse:
    """In the drawer: leave a source out of the round with a reason; empty takes it back in."""
    source = queries.source_of(source_id, by=request.actor)
    form = ReasonForm(request.POST or None, initial={"reason": source.excused})
    context: dict[str, Any] = {
        "title": "本期不参与", "source": source, "form": form, "submit": "保存",
        "url": reverse("evaluations:excuse", args=[source_id]),
    }  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            operations.excuse_source(
                source_id=source_id, reason=form.cleaned_data["reason"], by=request.actor, tenant=request.school
            )
            return go(request, "evaluations:detail", source.round_id, said="已保存")
        except DomainError as refused:
            return render(request, "components/form.html", {**context, "refused": refused.sentence}, status=422)
    return render(request, "evaluations/_excuse.html" if is_htmx(request) else "evaluations/excuse.html", context)
