"""A school's rubrics: list, sheet, editor, later editions, example pictures."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kernel import clock
from kernel.errors import DomainError, NotAllowed, NotFound
from standards_library import queries as library
from standards_library.contracts import RequirementContract
from tenants.evidence import operations as evidence
from tenants.rubrics import operations, policies, queries
from tenants.rubrics.comparison import KIND_WORDS
from tenants.rubrics.contracts import ItemContract, RubricContract
from tenants.rubrics.models import Rubric
from tenants.timeline.queries import events_of
from web.http import SchoolRequest, signed_in
from web.library.forms import RequirementFilter
from web.shared.pages import go, paginate, render_list
from web.shared.xlsx import download
from web.templatetags.library import line_names
from web.tenant.rubrics.forms import ItemForm, ItemPart, PhotoForm, RubricFilter, SectionForm, SectionPart, SheetForm

TONES = {"draft": "info", "active": "ok", "retired": "muted"}


def _crumbs(*more: tuple[str, str]) -> list[dict[str, str]]:
    return [{"label": "评分标准", "url": reverse("rubrics:index")}, *({"label": a, "url": b} for a, b in more)]


def _need_editor(request: SchoolRequest) -> None:
    if not policies.can_edit(request.actor):
        raise NotAllowed


def citations_of(contract: RubricContract) -> list[tuple[Any, list[tuple[ItemContract, list[RequirementContract]]]]]:
    """Sections with their items and the clauses each cites, in the item's own edition."""
    pairs = {(k, i.edition) for i in contract.items() for k in i.requirement_keys}
    found = library.requirement_details(pairs)
    return [
        (s, [(i, [found[k, i.edition] for k in i.requirement_keys if (k, i.edition) in found]) for i in s.items])
        for s in contract.sections
    ]


@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    form = RubricFilter(request.GET or None)
    chosen = form.chosen()
    page = paginate(request, queries.rubrics(by=request.actor, **chosen))
    rows = list(page.object_list)
    newer = queries.newer_editions(rows)
    context = {
        "title": "评分标准",
        "lead": "按什么打分：从标准库采用范本，按本校情况修改，启用后用于检查和考核。",
        "crumbs": None,
        "form": form,
        "page_obj": page,
        "rows": [(row, newer.get(row.pk, "")) for row in rows],
        "tones": TONES,
        "filtered": bool(chosen),
        "may_edit": policies.can_edit(request.actor),
    }
    return render_list(request, "rubrics/index.html", "rubrics/_rows.html", context)


@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The filtered list as a workbook."""
    rows: list[Any] = list(queries.rubrics(by=request.actor, **RubricFilter(request.GET or None).chosen()))
    newer = queries.newer_editions(rows)
    heads = ("名称", "状态", "适用条线", "周期", "项数", "否决项", "来源", "标准库新版", "稿次", "更新时间")
    lines = (
        (
            row.title, row.get_status_display(), line_names(row.lines), row.get_period_display(), row.item_count,
            row.veto_count, f"范本 {row.edition} 版" if row.template_key else "本校自建", newer.get(row.pk, ""),
            row.revision, row.updated_at,
        )
        for row in rows
    )  # fmt: skip
    return download("评分标准.xlsx", [("评分标准", heads, lines)])


@require_POST
@signed_in
def adopt(request: SchoolRequest, key: str) -> HttpResponse:
    try:
        row = operations.adopt(
            template_key=key, edition=request.POST.get("edition", "")[:20], title=request.POST.get("title", "")[:120],
            by=request.actor, tenant=request.school, now=clock.now(),
        )  # fmt: skip
    except operations.TitleTaken as refused:
        template = library.template(key)
        context = {
            "title": "采用范本",
            "crumbs": _crumbs(("采用范本", "")),
            "template": template,
            "refused": refused.sentence,
            "given": request.POST.get("title", "") or f"{template.title}（2）",
        }
        return render(request, "rubrics/adopt.html", context, status=422)
    return go(request, "rubrics:detail", row.pk, said="已采用为草稿。请按本校情况修改，再启用。")


@signed_in
def detail(request: SchoolRequest, rubric_id: UUID) -> HttpResponse:
    row = queries.rubric(rubric_id, by=request.actor)
    contract = queries.frozen(row.pk)
    newer = queries.newer_editions([row]).get(row.pk, "")
    events = [{"at": e.at, "who": e.actor_name, "text": e.sentence, "tone": "info"} for e in events_of(row)[:20]]
    context = {
        "title": row.title,
        "crumbs": _crumbs((row.title, "")),
        "rubric": row,
        "contract": contract,
        "sections": citations_of(contract),
        "tones": TONES,
        "newer": newer,
        "revisions": queries.revisions(row.pk, by=request.actor),
        "events": events,
        "may_edit": policies.can_edit(request.actor),
        "own": sum(not i.template_key for i in contract.items()),
        "changed": sum(i.changed_here for i in contract.items()),
    }
    return render(request, "rubrics/detail.html", context)


@signed_in
def revision(request: SchoolRequest, rubric_id: UUID, number: int) -> HttpResponse:
    row = queries.rubric(rubric_id, by=request.actor)
    contract = queries.frozen(row.pk, revision=number)
    context = {
        "title": f"{contract.title}（第 {number} 稿）",
        "crumbs": _crumbs((row.title, reverse("rubrics:detail", args=[row.pk])), (f"第 {number} 稿", "")),
        "rubric": row,
        "contract": contract,
        "sections": citations_of(contract),
        "kept": queries.revisions(row.pk, by=request.actor).get(revision=number),
    }
    return render(request, "rubrics/revision.html", context)


@require_POST
@signed_in
def act(request: SchoolRequest, rubric_id: UUID, action: str) -> HttpResponse:
    """Put in force, or retire."""
    does = {"activate": (operations.activate, "已启用"), "retire": (operations.retire, "已停用")}
    if action not in does:
        raise NotFound
    operation, said = does[action]
    try:
        operation(rubric_id=rubric_id, by=request.actor, tenant=request.school, now=clock.now())
    except (operations.WrongState, operations.TitleTaken) as refused:
        return go(request, "rubrics:detail", rubric_id, said=refused.sentence, tone="bad")
    return go(request, "rubrics:detail", rubric_id, said=said)


# --- editor --------------------------------------------------------------------------------------


def _editor(request: SchoolRequest, sheet: SheetForm, row: Rubric | None, *, refused: str = "") -> HttpResponse:
    found = library.requirement_details(set(sheet.cited()))

    def chips(part: ItemPart) -> list[tuple[str, str, str]]:
        edition = part.origin.edition if part.origin else ""
        made = []
        for key in part.form.cited():
            detail = found.get((key, edition)) or found.get((key, ""))
            made.append((key, detail.text if detail else key, detail.citation if detail else ""))
        return made

    sections = [(s, [(i, chips(i)) for i in s.items]) for s in sheet.sections]
    model = SectionPart("__s__", SectionForm(prefix="__s__", auto_id="%s"))
    blank = ItemForm(prefix="__i__", initial={"fault_unit": "处"}, auto_id="%s")
    context = {
        "title": f"编辑 {row.title}" if row else "新建评分标准",
        "crumbs": _crumbs(
            *([(row.title, reverse("rubrics:detail", args=[row.pk]))] if row else []), ("编辑" if row else "新建", "")
        ),
        "rubric": row,
        "sheet": sheet,
        "sections": sections,
        "model": model,
        "model_item": ItemPart("__i__", blank),
        "refused": refused,
        "cancel": reverse("rubrics:detail", args=[row.pk]) if row else reverse("rubrics:index"),
    }
    return render(request, "rubrics/edit.html", context, status=422 if sheet.bound else 200)


@signed_in
def new(request: SchoolRequest) -> HttpResponse:
    _need_editor(request)
    if request.method != "POST":
        return _editor(request, SheetForm.blank(), None)
    sheet = SheetForm.posted(request.POST, {})
    if not sheet.is_valid():
        return _editor(request, sheet, None, refused="有几处没有填对，请看标红的地方。")
    try:
        row = operations.create(sheet=sheet.draft(), by=request.actor, tenant=request.school, now=clock.now())
    except DomainError as refused:
        if isinstance(refused, NotAllowed):
            raise
        sheet.blame(refused.field, refused.sentence)
        return _editor(request, sheet, None, refused=refused.sentence)
    return go(request, "rubrics:detail", row.pk, said="已保存为草稿")


@signed_in
def edit(request: SchoolRequest, rubric_id: UUID) -> HttpResponse:
    _need_editor(request)
    row = queries.rubric(rubric_id, by=request.actor)
    contract = queries.frozen(row.pk)
    if request.method != "POST":
        return _editor(request, SheetForm.start(contract), row)
    sheet = SheetForm.posted(request.POST, {i.id: i for i in contract.items()})
    if not sheet.is_valid():
        return _editor(request, sheet, row, refused="有几处没有填对，请看标红的地方。")
    before = row.revision
    try:
        row = operations.edit(
            rubric_id=row.pk, sheet=sheet.draft(), digest=sheet.head.cleaned_data["digest"],
            by=request.actor, tenant=request.school, now=clock.now(),
        )  # fmt: skip
    except DomainError as refused:
        if isinstance(refused, NotAllowed | NotFound):
            raise
        sheet.blame(refused.field, refused.sentence)
        return _editor(request, sheet, row, refused=refused.sentence)
    said = f"已保存，现在是第 {row.revision} 稿；已开始的考核仍按原来的稿" if row.revision > before else "已保存"
    return go(request, "rubrics:detail", row.pk, said=said)


@signed_in
def pick(request: SchoolRequest) -> HttpResponse:
    """Clauses to cite, for the editor's drawer."""
    _need_editor(request)
    form = RequirementFilter(request.GET or None)
    chosen = {k: v for k, v in form.chosen().items() if k in {"search", "line"}}
    rows = library.requirements(**chosen)
    context = {"form": form, "rows": rows[:30], "more": max(0, rows.count() - 30)}
    return render(request, "rubrics/_pick.html", context)


# --- a later edition -----------------------------------------------------------------------------


@signed_in
def changes(request: SchoolRequest, rubric_id: UUID) -> HttpResponse:
    row = queries.rubric(rubric_id, by=request.actor)
    refused, status = "", 200
    answers: dict[str, str] = {}
    if request.method == "POST":
        answers = {k.removeprefix("c-"): str(v) for k, v in request.POST.items() if k.startswith("c-")}
        try:
            operations.adopt_changes(
                rubric_id=row.pk,
                edition=request.POST.get("edition", "")[:20],
                take=[k for k, v in answers.items() if v == "take"],
                keep=[k for k, v in answers.items() if v == "keep"],
                by=request.actor, tenant=request.school, now=clock.now(),
            )  # fmt: skip
            return go(request, "rubrics:detail", row.pk, said="已按所选更新")
        except DomainError as no:
            if isinstance(no, NotAllowed | NotFound):
                raise
            refused, status = no.sentence, 422
    upgrade = queries.changes(row.pk, edition=request.GET.get("edition", ""), by=request.actor)
    context = {
        "title": f"{upgrade.theirs.edition} 版的变化",
        "lead": f"与本校的“{row.title}”逐项比较。采用新版，或保留本校的；没有选的以后再定。",
        "crumbs": _crumbs((row.title, reverse("rubrics:detail", args=[row.pk])), ("新版变化", "")),
        "rubric": row,
        "upgrade": upgrade,
        "rows": [(c, KIND_WORDS[c.kind], answers.get(c.id, "")) for c in upgrade.changes],
        "refused": refused,
        "may_edit": policies.can_edit(request.actor),
    }
    return render(request, "rubrics/changes.html", context, status=status)


# --- example pictures ----------------------------------------------------------------------------


@signed_in
def photos(request: SchoolRequest, rubric_id: UUID, item_id: UUID) -> HttpResponse:
    """Show what passes and what fails, beside the item."""
    _need_editor(request)
    row = queries.rubric(rubric_id, by=request.actor)
    item = queries.frozen(row.pk).item(item_id)
    if item is None:
        raise NotFound
    form = PhotoForm(request.POST or None, request.FILES or None)
    refused = ""
    if request.method == "POST" and form.is_valid():
        try:
            kept = {
                side: None
                if form.cleaned_data[f"drop_{side}"]
                else _keep(request, form.cleaned_data[side]) or getattr(item, f"{side}_photo_id")
                for side in ("good", "bad")
            }
            operations.set_photos(
                item_id=item.id, good_photo_id=kept["good"], bad_photo_id=kept["bad"],
                by=request.actor, tenant=request.school, now=clock.now(),
            )  # fmt: skip
            return go(request, "rubrics:detail", row.pk, said="示例照片已更新")
        except DomainError as no:
            if isinstance(no, NotAllowed | NotFound):
                raise
            refused = no.sentence
    context = {
        "title": "示例照片",
        "lead": item.text,
        "crumbs": _crumbs((row.title, reverse("rubrics:detail", args=[row.pk])), ("示例照片", "")),
        "rubric": row,
        "item": item,
        "form": form,
        "refused": refused,
    }
    return render(request, "rubrics/photos.html", context, status=422 if request.method == "POST" else 200)


def _keep(request: SchoolRequest, upload: Any) -> UUID | None:
    if not upload:
        return None
    kept = evidence.keep_photo(
        upload=upload, name=upload.name, by=request.actor, tenant=request.school, now=clock.now()
    )
    return kept.pk
