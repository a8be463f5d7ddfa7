"""本校位置: a school's own numbers and its quarter in fixed peer groups. Nothing of other schools."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from institute.benchmarking import queries
from institute.benchmarking.choices import Dimension, Silence
from institute.benchmarking.models import Position
from institute.schools.choices import SchoolKind, SizeBand
from standards_library.choices import OperatingMode
from standards_library.regions import PROVINCES
from web.http import SchoolRequest, signed_in

QUARTERS = ("前 25%", "25%—50%", "50%—75%", "后 25%")
LABELS: dict[str, dict[str, Any]] = {
    "kind": dict(SchoolKind.choices),
    "size": dict(SizeBand.choices),
    "region": PROVINCES,
    "mode": dict(OperatingMode.choices),
}


@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    months = queries.published_months()
    wanted = request.GET.get("month", "")
    month = next((m for m in months if m.isoformat() == wanted), None)
    own = queries.own_standing(by=request.actor, school_id=request.school.school_id, month=month)
    return render(
        request,
        "own_benchmark/index.html",
        {
            "title": "本校位置",
            "lead": "与同类学校相比本校处在哪个区间。只显示区间和可比学校数，不显示其他学校的数据。",
            "crumbs": [{"label": "本校位置"}],
            "own": own,
            "metrics": [_shown(m) for m in own.metrics],
            "tabs": [
                {"label": f"{m.year}年{m.month}月", "url": f"?month={m.isoformat()}", "active": m == own.month}
                for m in months[:6]
            ],
            "quarters": QUARTERS,
            "trial": request.school.trial,
        },
    )


def _shown(own: queries.OwnMetric) -> dict[str, Any]:
    unit = own.metric.unit
    chart = None
    if len(own.history) > 1:
        values = [float(v) for _, v in own.history]
        chart = {
            "kind": "line", "unit": unit, "axis": "月份",
            "categories": [f"{m:%y年%m月}" for m, _ in own.history],
            "series": [{"name": own.metric.name, "data": values}],
            "description": f"本校{own.metric.name}，从 {values[0]}{unit} 到 {values[-1]}{unit}。",
        }  # fmt: skip
    silent = {p.silence for p in own.positions}
    one = own.positions[0].silence if own.positions and len(silent) == 1 else ""
    return {
        "own": own,
        "chart": chart,
        "id": f"own-{own.metric.code}",
        "same": str(Silence(one).label) if one else "",
        "positions": [_place(p) for p in own.positions],
    }


def _place(position: Position) -> dict[str, Any]:
    group = LABELS.get(position.dimension, {}).get(position.group, "")
    return {
        "dimension": str(Dimension(position.dimension).label),
        "group": str(group),
        "quarter": position.quarter,
        "label": QUARTERS[position.quarter - 1] if position.quarter else "",
        "peers": position.peers,
        "silence": str(Silence(position.silence).label) if position.silence else "",
    }
