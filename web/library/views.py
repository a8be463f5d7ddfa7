"""The standards reader, one for all: the public site, the institute's console, a school's console and the phone.

A `frame` says where the page stands; the links of a page stay inside its frame.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from identity.choices import Role
from kernel.errors import NotFound
from standards_library import queries
from standards_library.models import Edition
from tenants.organisation import queries as organisation
from tenants.rubrics import policies as rubric_policies
from tenants.rubrics import queries as rubrics
from web.http import SchoolRequest, View, signed_in
from web.library.forms import DocumentFilter, GapFilter, RequirementFilter
from web.shared.pages import paginate, render_list
from web.shared.xlsx import download

BASES = {"public": "public/_site.html", "institute": "console.html", "school": "console.html", "phone": "phone.html"}
Reader = Callable[..., HttpResponse]


def framed(view: Reader) -> View:
    """Hand the view its frame; only the public site is open to visitors."""

    @wraps(view)
    def shown(request: SchoolRequest, frame: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, frame=frame, **kwargs)

    guarded = signed_in(shown)

    @wraps(view)
    def entry(request: SchoolRequest, *args: Any, frame: str = "public", **kwargs: Any) -> HttpResponse:
        return (shown if frame == "public" else guarded)(request, frame, *args, **kwargs)

    return entry


def _context(request: HttpRequest, frame: str, here: str, title: str, **more: Any) -> dict[str, Any]:
    assert request.resolver_match is not None
    ns = request.resolver_match.namespace
    here_label = [{"label": "标准库", "url": reverse(f"{ns}:index")}]
    tabs = [
        {"label": "条款要求", "url": reverse(f"{ns}:index"), "active": here == "index"},
        {"label": "文件", "url": reverse(f"{ns}:documents"), "active": here == "documents"},
        {"label": "已被替代", "url": reverse(f"{ns}:superseded"), "active": here == "superseded"},
        {"label": "评分表范本", "url": reverse(f"{ns}:templates"), "active": here == "templates"},
    ]
    if frame == "school" and rubric_policies.can_see_gaps(request.actor):  # type: ignore[attr-defined]
        tabs.append({"label": "无检查", "url": reverse(f"{ns}:gaps"), "active": here == "gaps"})
    return {
        "base": BASES[frame],
        "frame": frame,
        "ns": ns,
        "title": title,
        "crumbs": [*here_label, {"label": title}] if here != "index" else None,
        "tabs": tabs,
        "back": reverse(f"{ns}:index") if here != "index" else None,
        "in_school": frame in {"school", "phone"},
        **more,
    }


def _edition(key: str = "") -> Edition | None:
    return queries.edition_or_current(key)


@framed
def index(request: SchoolRequest, *, frame: str) -> HttpResponse:
    form = RequirementFilter(request.GET or None)
    chosen = form.chosen()
    edition = _edition(chosen.get("edition", ""))
    rows = queries.requirements(**chosen)
    page = paginate(request, rows)
    lead = (
        f"{edition.key} 版，{page.paginator.count} 条要求。数值由谁规定、引用核对到什么程度，逐条写明。"
        if edition
        else "标准库还没有载入。"
    )
    context = _context(
        request, frame, "index", "标准库", lead=lead, form=form, page_obj=page, edition=edition,
        filtered=any(name != "edition" for name in chosen),
    )  # fmt: skip
    if frame == "phone":
        return render(request, "library/phone_index.html", context)
    return render_list(request, "library/index.html", "library/_rows.html", context)


@framed
def requirement(request: SchoolRequest, key: str, *, frame: str) -> HttpResponse:
    row = queries.requirement(key, edition=request.GET.get("edition", ""))
    replaced, _ = queries.supersessions_of(row.document.key, edition=row.edition.key)
    context = _context(
        request, frame, "requirement", row.text, row=row, replaced=replaced,
        uses=queries.uses_of([row.key], edition=row.edition.key)[row.key],
        latest=queries.current_edition(),
    )  # fmt: skip
    if context["in_school"] and rubric_policies.can_read(request.actor):
        context["sees_gaps"] = frame == "school" and rubric_policies.can_see_gaps(request.actor)
        context["own_uses"] = rubrics.uses_of([row.key], by=request.actor)[row.key]
    return render(request, "library/requirement.html", context)


@framed
def documents(request: SchoolRequest, *, frame: str) -> HttpResponse:
    form = DocumentFilter(request.GET or None)
    chosen = form.chosen()
    rows = queries.documents(search=chosen.get("search", ""), kind=chosen.get("kind", ""))
    page = paginate(request, rows)
    lead = f"{page.paginator.count} 份文件。点开可看发布机关、施行日期、被什么替代，以及据此提出的要求。"
    context = _context(request, frame, "documents", "文件", lead=lead, form=form, page_obj=page)
    return render_list(request, "library/documents.html", "library/_documents.html", context)


@framed
def document(request: SchoolRequest, key: str, *, frame: str) -> HttpResponse:
    row = queries.document(key, edition=request.GET.get("edition", ""))
    replaced, replaces = queries.supersessions_of(key, edition=row.edition.key)
    rows = queries.requirements(document=key, edition=row.edition.key)
    context = _context(
        request, frame, "document", row.title, row=row, replaced=replaced, replaces=replaces, requirements=rows
    )
    return render(request, "library/document.html", context)


@framed
def superseded(request: SchoolRequest, *, frame: str) -> HttpResponse:
    form = DocumentFilter(request.GET or None)
    search = form.chosen().get("search", "")
    rows = list(queries.supersessions(search=search))
    titles = {d.key: d.title for d in queries.documents().filter(key__in=[k for r in rows for k in r.document_keys])}
    named = [(row, [(k, titles[k]) for k in row.document_keys if k in titles]) for row in rows]
    lead = f"{len(rows)} 份旧文件或旧条款，被什么替代、自何日起。引用时请用新文件。"
    context = _context(request, frame, "superseded", "已被替代", lead=lead, rows=named, search=search)
    return render(request, "library/superseded.html", context)


@framed
def templates(request: SchoolRequest, *, frame: str) -> HttpResponse:
    rows = list(queries.templates())
    lead = "每份 100 分，维度分值合计 100，逐项写明依据。学校采用后可以按本校情况修改。"
    mine: dict[str, Any] = {}
    if frame in {"school", "phone"} and rubric_policies.can_read(request.actor):
        copies = rubrics.rubrics(by=request.actor).exclude(template_key="").exclude(status="retired")
        mine = {copy.template_key: copy for copy in copies}
    context = _context(
        request, frame, "templates", "评分表范本", lead=lead, rows=[(row, mine.get(row.key)) for row in rows]
    )
    return render(request, "library/templates.html", context)


@framed
def template(request: SchoolRequest, key: str, *, frame: str) -> HttpResponse:
    row = queries.template(key, edition=request.GET.get("edition", ""))
    keys = {k for d in row.dimensions for i in d.items for k in i.requirement_keys}
    details = queries.requirement_details((k, row.edition) for k in keys)
    sections = [
        (
            d,
            [
                (i, [details[k, row.edition] for k in i.requirement_keys if (k, row.edition) in details])
                for i in d.items
            ],
        )
        for d in row.dimensions
    ]
    context = _context(
        request, frame, "template", row.title, row=row, sections=sections,
        may_edit=frame == "school" and rubric_policies.can_edit(request.actor),
    )  # fmt: skip
    return render(request, "library/template.html", context)


def _gap_rows(request: SchoolRequest, form: GapFilter) -> tuple[Any, list[str]]:
    chosen = form.chosen()
    line = chosen.pop("line", "")
    lines = [line] if line else list(organisation.line_settings(by=request.actor))
    return rubrics.gaps(lines=lines, by=request.actor, **chosen), lines


@framed
def gaps(request: SchoolRequest, *, frame: str) -> HttpResponse:
    if frame != "school":
        raise NotFound
    form = GapFilter(request.GET or None)
    rows, lines = _gap_rows(request, form)
    page = paginate(request, rows)
    total = rubrics.in_scope(lines=lines, by=request.actor)
    open_ = rubrics.gaps(lines=lines, by=request.actor)
    left, vetoes = open_.count(), open_.filter(veto=True).count()
    context = _context(
        request, frame, "gaps", "无检查", form=form, page_obj=page, lines=lines, total=total, left=left, vetoes=vetoes,
        covered=total - left, share=round(100 * (total - left) / total) if total else None,
        lead="本校各服务条线的要求里，还没有任何启用的评分项去检查的。",
        may_edit=rubric_policies.can_edit(request.actor),
        sees_settings=request.actor.has(Role.SCHOOL_ADMIN),
    )  # fmt: skip
    return render_list(request, "library/gaps.html", "library/_gap_rows.html", context)


@framed
def export_gaps(request: SchoolRequest, *, frame: str) -> HttpResponse:
    if frame != "school":
        raise NotFound
    rows, _ = _gap_rows(request, GapFilter(request.GET or None))
    return download("无检查的要求.xlsx", [("无检查", HEADS, (_line(r) for r in rows))])


@framed
def export(request: SchoolRequest, *, frame: str) -> HttpResponse:
    rows = queries.requirements(**RequirementFilter(request.GET or None).chosen())
    return download("标准库要求.xlsx", [("要求", HEADS, (_line(r) for r in rows))])


HEADS = (
    "编号", "领域", "要求", "指标", "数值来源", "文件", "文号", "条款", "发布机关", "施行日期", "文件类别", "核对程度",
    "适用条件", "证据", "建议扣分", "一票否决",
)  # fmt: skip


def _line(row: Any) -> tuple[Any, ...]:
    d = queries.contract_of(row)
    return (
        d.key, d.domain_name, d.text, d.measure, d.origin_label, d.document_title, d.document_code, d.clause, d.issuer,
        d.effective_on, d.kind_name, d.verification_label, d.applicability, d.evidence, d.default_deduction,
        "是" if d.veto else "否",
    )  # fmt: skip
