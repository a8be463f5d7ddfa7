"""The list of walks, the coverage page and the checklists as .xlsx: the same rows by the same filters."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from kernel import clock
from kernel.errors import NotAllowed
from standards_library import queries as library
from standards_library.choices import ServiceLine
from tenants.inspections import metrics, policies, queries
from web.http import SchoolRequest, signed_in
from web.shared.xlsx import Sheet, download
from web.tenant.inspections.forms import ChecklistFilter, InspectionFilter
from web.tenant.inspections.views import coverage_scope

MAX_ROWS = 20_000
WALKS = (
    "编号", "检查表", "类型", "地点", "责任单位", "服务条线", "巡查人", "开始", "完成", "状态", "合格", "不合格", "不适用", "未查",
    "备注",
)  # fmt: skip
CHECKLISTS = ("检查表", "类型", "服务条线", "来自评分标准", "项目数", "状态", "建立")
CHECKLIST_ITEMS = ("检查表", "顺序", "维度", "检查内容", "检查方法", "分值", "一票否决", "依据条款", "其他依据")
COVERAGE = ("场所", "巡查次数", "最近一次", "状态")


def _named(what: str, request: SchoolRequest) -> str:
    return f"{what}-{request.school.name}-{clock.now().astimezone(request.school.tz):%Y%m%d-%H%M}.xlsx"


@require_safe
@signed_in
def walks(request: SchoolRequest) -> HttpResponse:
    """The filtered list as .xlsx, at most 20,000 rows."""
    form = InspectionFilter(request.GET, by=request.actor)
    rows = (
        [
            r.number, r.title, r.get_kind_display(), r.place.full_name, r.party.name, ServiceLine(r.line).label, r.inspector_name, r.started_at,
            r.finished_at, r.get_status_display(), r.passed, r.failed, r.not_applicable, r.unseen, r.note,  # type: ignore[attr-defined]
        ]
        for r in queries.listing(by=request.actor, tz=request.school.tz, **form.chosen())[:MAX_ROWS]
    )  # fmt: skip
    return download(_named("巡查检查", request), [("巡查检查", WALKS, rows)])


@require_safe
@signed_in
def coverage(request: SchoolRequest) -> HttpResponse:
    """Every place that should be inspected with what it got, the neglected first."""
    if not policies.reads_all(request.actor):
        raise NotAllowed
    _form, scope = coverage_scope(request)
    rows = (
        [p.place_name, p.inspections, p.last_at, "查过" if p.inspections else "没有查过"]
        for p in metrics.places(**scope)
    )
    return download(_named("巡查覆盖率", request), [("巡查覆盖率", COVERAGE, rows)])


@require_safe
@signed_in
def checklists(request: SchoolRequest) -> HttpResponse:
    """The filtered checklists, and their items in the order of the walk with the clauses they rest on."""
    rows = list(queries.checklists(by=request.actor, **ChecklistFilter(request.GET or None).chosen()))
    bases = queries.bases_of(rows)
    clauses = library.requirement_details(
        {(key, item.edition) for b in bases.values() for _s, item in b.items for key in item.requirement_keys}
    )
    heads = (
        [
            r.title, r.get_kind_display(), ServiceLine(r.line).label, bases[r.pk].title or "已删除的标准",
            len(bases[r.pk].items), "启用" if r.active else "已停用", r.created_at,
        ]
        for r in rows
    )  # fmt: skip
    items = (
        [
            r.title, turn, section, item.text, item.method, item.points, "是" if item.veto else "",
            "；".join(clauses[k, item.edition].citation for k in item.requirement_keys if (k, item.edition) in clauses),
            item.basis,
        ]
        for r in rows
        for turn, (section, item) in enumerate(bases[r.pk].items, start=1)
    )  # fmt: skip
    sheets: list[Sheet] = [("检查表", CHECKLISTS, heads), ("检查项目", CHECKLIST_ITEMS, items)]
    return download(_named("检查表", request), sheets)
