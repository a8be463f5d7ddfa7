"""跨校对标 for the institute: one metric, one month, schools side by side, each number with what it rests on."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from institute.benchmarking import operations, policies, queries
from institute.benchmarking.choices import Silence
from institute.schools.choices import SchoolKind, SizeBand
from kernel import clock
from kernel.errors import DomainError, NotAllowed
from standards_library.choices import OperatingMode
from standards_library.regions import PROVINCES
from web.http import PublicRequest, signed_in
from web.institute.benchmark.forms import BenchmarkFilter, PublishForm
from web.shared.pages import go, is_htmx, paginate, render_list
from web.shared.xlsx import download

BADGES = {"full": ("数据完整", "ok"), "partial": ("部分完整", "warn"), "weak": ("数据不足", "bad")}
HOME = {"label": "工作台", "url": "/institute/"}


def _chosen(request: PublicRequest) -> tuple[BenchmarkFilter, queries.Comparison | None]:
    """The form and the comparison it asks for; None while there are no facts at all."""
    if not policies.can_compare(request.actor):
        raise NotAllowed
    known = queries.metrics()
    codes = [m.code for m in known]
    code = request.GET.get("metric", "")
    code = code if code in codes else (codes[0] if codes else "")
    months = queries.months(code) if code else []
    chosen = {k: request.GET.get(k, "") for k in ("kind", "size", "region", "mode", "line")}
    wanted = request.GET.get("month", "")
    month = next((m for m in months if m.isoformat() == wanted), _last_whole(months))
    form = BenchmarkFilter(
        {"metric": code, "month": month.isoformat() if month else "", **chosen},
        metrics=[(m.code, m.name) for m in known], months=months,
    )  # fmt: skip
    if month is None or not form.is_valid():
        return form, None
    data = form.cleaned_data
    return form, queries.side_by_side(
        by=request.actor, code=code, month=month, line=data["line"], kind=data["kind"], size=data["size"],
        region=data["region"], mode=data["mode"],
    )  # fmt: skip


def _last_whole(months: list[date]) -> date | None:
    """The newest month that is over, else the newest."""
    this = clock.now().astimezone(clock.SHANGHAI).date().replace(day=1)
    return next((m for m in months if m < this), months[0] if months else None)


@signed_in
def index(request: PublicRequest) -> HttpResponse:
    form, answer = _chosen(request)
    page = paginate(request, answer.rows if answer else [])
    rows = [
        {
            "line": r,
            "kind": SchoolKind(r.kind).label,
            "size": SizeBand(r.size).label,
            "region": PROVINCES.get(r.region, r.region),
            "mode": OperatingMode(r.mode).label,
            "silence": Silence(r.silence).label if r.silence and r.silence != Silence.NEUTRAL else "",
            "badge": BADGES[r.badge],
        }
        for r in page
    ]
    return render_list(
        request,
        "benchmark/index.html",
        "benchmark/_rows.html",
        {
            "title": "跨校对标", "lead": "只比各校上报的汇总数，不含任何学校的明细。", "crumbs": [HOME, {"label": "跨校对标"}],
            "form": form, "answer": answer, "page_obj": page, "rows": rows, "chart": _chart(answer),
            "notes": _notes(answer),
            "can_publish": policies.can_publish(request.actor), "published": queries.published_months()[:1],
        },
    )  # fmt: skip


def _notes(answer: queries.Comparison | None) -> dict[str, str]:
    if answer is None:
        return {}
    middle = f"{answer.spread[1]}—{answer.spread[3]}" if answer.spread else ""
    return {"ranked": f"参与排名 {answer.ranked} 所", "middle": middle}


def _chart(answer: queries.Comparison | None) -> dict[str, Any] | None:
    """A dot per ranked school, with the quartiles as lines; the best 40 when there are more."""
    if answer is None:
        return None
    best = [r for r in answer.rows if r.ranked][:40]
    if len(best) < 2 or answer.spread is None:
        return None
    low, first, middle, third, high = (float(v) for v in answer.spread)
    names = [r.name for r in best]
    values = [float(r.value) for r in best]
    unit = answer.metric.unit
    margin = max((high - low) * 0.1, 1)
    lines = [{"xAxis": v, "name": n} for n, v in (("¼", first), ("½", middle), ("¾", third))]
    return {
        "kind": "hbar", "unit": unit, "axis": "学校", "categories": names,
        "series": [{"name": answer.metric.name, "data": values}],
        "description": f"{len(best)} 所学校的{answer.metric.name}，从 {low}{unit} 到 {high}{unit}，中位数 {middle}{unit}。虚线为下四分位、中位数和上四分位。",
        "option": {
            "grid": {"left": 8, "right": 18, "top": 30, "bottom": 4, "containLabel": True},
            "xAxis": {"type": "value", "min": int(low - margin), "max": min(100, int(high + margin) + 1) if unit == "%" or high <= 100 else int(high + margin) + 1},
            "series": [
                {
                    "type": "scatter", "symbolSize": 11, "name": answer.metric.name,
                    "data": [[v, n] for n, v in enumerate(values)],
                    "markLine": {
                        "silent": True, "symbol": "none", "lineStyle": {"type": "dashed", "color": "#55637d"},
                        "label": {"formatter": "{b}", "color": "#1f2d3d", "position": "start", "fontSize": 14}, "data": lines,
                    },
                }
            ],
        },
    }  # fmt: skip


@signed_in
def export(request: PublicRequest) -> HttpResponse:
    _form, answer = _chosen(request)
    rows = answer.rows if answer else []
    name = answer.metric.name if answer else "对标"
    return download(
        f"跨校对标_{name}_{answer.month:%Y%m}.xlsx" if answer else "跨校对标.xlsx",
        [
            (
                name,
                ("名次", "学校", "类型", "规模", "省份", "运营方式", "数值", "单位", "分子", "分母", "样本数", "数据完整率", "四分位", "不排名原因", "截至"),
                (
                    (
                        r.place, r.name, str(SchoolKind(r.kind).label), str(SizeBand(r.size).label),
                        PROVINCES.get(r.region, r.region), str(OperatingMode(r.mode).label), r.value,
                        answer.metric.unit if answer else "", r.numerator, r.denominator, r.n, r.coverage, r.quarter,
                        str(Silence(r.silence).label) if r.silence else "", r.recorded_at,
                    )
                    for r in rows
                ),
            ),
            (
                "口径",
                ("项目", "说明"),
                [("分子", answer.metric.numerator), ("分母", answer.metric.denominator), ("完整率", answer.metric.coverage),
                 ("口径版本", answer.metric.version)] if answer else [],
            ),
        ],
    )  # fmt: skip


@signed_in
def publish(request: PublicRequest) -> HttpResponse:
    """Tell the schools their quarters of a month."""
    if not policies.can_publish(request.actor):
        raise NotAllowed
    this = clock.now().astimezone(clock.SHANGHAI).date().replace(day=1)
    months = [operations.back(this, n) for n in range(1, 13)]
    form = PublishForm(request.POST or None, months=months)
    context: dict[str, Any] = {
        "title": "发布对标结果", "crumbs": [HOME, {"label": "跨校对标", "url": reverse("institute:benchmark")}, {"label": "发布"}],
        "form": form, "submit": "发布", "cancel": reverse("institute:benchmark"), "published": queries.published_months(),
        "confirm": "发布后各校即可看到自己的位置。确定发布？",
    }  # fmt: skip
    if request.method == "POST":
        if form.is_valid():
            try:
                operations.publish(
                    month=date.fromisoformat(form.cleaned_data["month"]), reason=form.cleaned_data["reason"],
                    by=request.actor, now=clock.now(),
                )  # fmt: skip
                return go(request, "institute:benchmark", said="已发布，各校可查看自己的位置")
            except DomainError as refused:
                context["refused"] = refused.sentence
        template = "components/form.html" if is_htmx(request) else "benchmark/publish.html"
        return render(request, template, context, status=422)
    return render(request, "benchmark/publish.html", context)
