"""检查表 in the console: list, sheet, editor, copy, off and on offer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kernel.errors import DomainError, NotAllowed, NotFound
from standards_library.choices import ServiceLine
from tenants.inspections import operations, policies, queries
from tenants.inspections.models import Checklist
from tenants.inspections.sheets import SheetEmpty, arranged
from tenants.rubrics import queries as rubrics
from tenants.rubrics.contracts import RubricContract
from tenants.timeline.queries import events_of
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, paginate, render_list
from web.tenant.inspections.forms import ChecklistFilter, ChecklistForm
from web.tenant.rubrics.views import citations_of


def _crumbs(*more: tuple[str, str]) -> list[dict[str, str]]:
    trail = (
        ("过程监管", ""), ("巡查检查", reverse("inspections:index")), ("检查表", reverse("inspections:checklists")), *more
    )  # fmt: skip
    return [{"label": label, "url": url} if url else {"label": label} for label, url in trail]


def _need_manager(request: SchoolRequest) -> None:
    if not policies.can_manage_checklists(request.actor):
        raise NotAllowed


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    form = ChecklistFilter(request.GET or None)
    page = paginate(request, queries.checklists(by=request.actor, **form.chosen()))
    bases, running = queries.bases_of(page.object_list), queries.running_by(r.pk for r in page.object_list)
    context = {
        "title": "检查表",
        "lead": "从评分标准里挑出常用的项目、排好先后，巡查时直接选用",
        "crumbs": [*_crumbs()[:-1], {"label": "检查表"}],
        "form": form,
        "page_obj": page,
        "rows": [
            {"row": r, "basis": bases[r.pk], "running": running.get(r.pk, 0), "line": ServiceLine(r.line).label}
            for r in page.object_list
        ],
        "rubrics": list(rubrics.active_rubrics()),
        "may_manage": policies.can_manage_checklists(request.actor),
    }
    return render_list(request, "inspections/checklists.html", "inspections/_checklists.html", context)


@require_safe
@signed_in
def detail(request: SchoolRequest, checklist_id: UUID) -> HttpResponse:
    row = queries.checklist(checklist_id=checklist_id, by=request.actor)
    return _detail(request, row)


def _detail(request: SchoolRequest, row: Checklist, *, refused: str = "") -> HttpResponse:
    basis = queries.bases_of([row])[row.pk]
    context = {
        "title": row.title,
        "crumbs": _crumbs((row.title, "")),
        "row": row,
        "line_label": ServiceLine(row.line).label,
        "basis": basis,
        "sections": citations_of(basis.sheet) if basis.sheet else [],
        "running": queries.running_by([row.pk]).get(row.pk, 0),
        "events": [
            {"at": e.at, "who": e.actor_name, "text": e.sentence, "tone": "info"} for e in events_of(row)[:20]
        ],
        "may_manage": policies.can_manage_checklists(request.actor),
        "refused": refused,
    }  # fmt: skip
    return render(request, "inspections/checklist.html", context, status=422 if refused else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new(request: SchoolRequest, rubric_id: UUID) -> HttpResponse:
    _need_manager(request)
    return _editor(request, rubrics.frozen(rubric_id), None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit(request: SchoolRequest, checklist_id: UUID) -> HttpResponse:
    _need_manager(request)
    row = queries.checklist(checklist_id=checklist_id, by=request.actor)
    if not row.active and request.method != "POST":
        return go(request, "inspections:checklist", row.pk, said="已停用的检查表要先恢复启用，再修改", tone="bad")
    initial = {"title": row.title, "kind": row.kind, "line": row.line, "items": row.item_ids, "digest": row.digest}
    return _editor(request, rubrics.frozen(row.rubric_id), row, initial=initial)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def copy(request: SchoolRequest, checklist_id: UUID) -> HttpResponse:
    """A new one that begins as the old one stands."""
    _need_manager(request)
    row = queries.checklist(checklist_id=checklist_id, by=request.actor)
    initial = {"title": _title_of_copy(request, row), "kind": row.kind, "line": row.line, "items": row.item_ids}
    return _editor(request, rubrics.frozen(row.rubric_id), None, source=row, initial=initial)


def _title_of_copy(request: SchoolRequest, row: Checklist) -> str:
    """“日检（2）”, the first number that is free."""
    taken = set(queries.checklists(by=request.actor, active=None).values_list("title", flat=True))
    names = (f"{row.title[:55]}（{n}）" for n in range(2, len(taken) + 3))
    return next(name for name in names if name not in taken)


def _editor(
    request: SchoolRequest,
    rubric: RubricContract,
    row: Checklist | None,
    *,
    source: Checklist | None = None,
    initial: dict[str, Any] | None = None,
) -> HttpResponse:
    form = ChecklistForm(request.POST or None, rubric=rubric, initial=initial)
    refused = ""
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            saved = operations.save_checklist(
                checklist_id=row.pk if row else None, title=data["title"], rubric_id=rubric.id,
                item_ids=form.wanted(), line=data["line"], kind=data["kind"], digest=data["digest"] if row else "",
                by=request.actor, tenant=request.school,
            )  # fmt: skip
        except DomainError as no:
            if isinstance(no, NotAllowed | NotFound):
                raise
            if no.field in form.fields:
                form.add_error(no.field, no.sentence)
            else:
                refused = no.sentence
        else:
            said = "已保存，以后开始的巡查按新的内容" if row else "检查表已保存"
            return go(request, "inspections:checklist", saved.pk, said=said)
    back = reverse("inspections:checklist", args=[(row or source).pk]) if row or source else ""  # type: ignore[union-attr]
    context = {
        "title": f"修改检查表：{row.title}" if row else "复制检查表" if source else "新建检查表",
        "lead": f"来自“{rubric.title}”",
        "crumbs": _crumbs(("修改" if row else "复制" if source else "新建", "")),
        "form": form,
        "refused": refused,
        "parts": _parts(rubric, form.wanted()),
        "running": queries.running_by([row.pk]).get(row.pk, 0) if row else 0,
        "gone": len((row or source).item_ids) - len(form.wanted()) if (row or source) and not form.is_bound else 0,  # type: ignore[union-attr]
        "row": row,
        "cancel": back or reverse("inspections:checklists"),
    }
    return render(request, "inspections/checklist_form.html", context, status=422 if request.method == "POST" else 200)


def _parts(rubric: RubricContract, wanted: list[UUID]) -> list[dict[str, Any]]:
    """Every section of the rubric, those on the sheet first and in its order: what is on it, what could be."""
    try:
        turns = {s.id: n for n, s in enumerate(arranged(rubric, wanted).sections)}
    except SheetEmpty:
        turns = {}
    place = {item_id: n for n, item_id in enumerate(wanted)}
    found = [
        {
            "section": section,
            "chosen": sorted((p for p in items if p[0].id in place), key=lambda p: place[p[0].id]),
            "others": [p for p in items if p[0].id not in place],
        }
        for section, items in citations_of(rubric)
    ]
    return sorted(found, key=lambda part: turns.get(part["section"].id, len(turns)))


@require_POST
@signed_in
def drop(request: SchoolRequest, checklist_id: UUID) -> HttpResponse:
    row = operations.drop_checklist(checklist_id=checklist_id, by=request.actor, tenant=request.school)
    return go(request, "inspections:checklists", said=f"检查表“{row.title}”已停用，可在“已停用”里恢复")


@require_POST
@signed_in
def restore(request: SchoolRequest, checklist_id: UUID) -> HttpResponse:
    try:
        operations.restore_checklist(checklist_id=checklist_id, by=request.actor, tenant=request.school)
    except DomainError as refused:
        if isinstance(refused, NotAllowed | NotFound):
            raise
        row = queries.checklist(checklist_id=checklist_id, by=request.actor)
        return _detail(request, row, refused=refused.sentence)
    return go(request, "inspections:checklist", checklist_id, said="已恢复启用，巡查时可以选用")
