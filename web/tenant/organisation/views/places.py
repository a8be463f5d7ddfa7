"""The tree of places, one place, its QR code and the labels to print."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_POST, require_safe

from kernel.errors import DomainError, NotFound
from tenants.organisation import labels, operations, policies, queries
from tenants.organisation.choices import INSIDE, PlaceKind
from tenants.organisation.models import Place
from tenants.timeline import queries as timeline
from web.http import SchoolRequest, signed_in
from web.shared.pages import go
from web.shared.xlsx import download
from web.tenant.evidence.uploads import refused_json
from web.tenant.organisation.forms import FloorsForm, LabelForm, MoveForm, PlaceForm, RenameForm
from web.tenant.organisation.views.base import crumbs, form_page, opt_id, place_choices

ICONS = {  # written out so that the build finds them for the sprite
    "campus": {"icon": "map-2"},
    "building": {"icon": "building"},
    "floor": {"icon": "stairs"},
    "area": {"icon": "door"},
    "point": {"icon": "map-pin"},
}


def _node(row: Place, children: int, below: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"row": row, "icon": ICONS[row.kind], "children": children, "below": below}


def _nodes(actor: Any, parent: Place | None, *, deep: int, closed: bool) -> list[dict[str, Any]]:
    """Children of a place; the first `deep` levels come along, the rest when opened."""
    rows = list(queries.child_places(by=actor, parent_id=parent.pk if parent else None, closed=closed))
    counts = queries.child_counts([r.pk for r in rows], closed=closed)
    return [
        _node(
            r,
            counts.get(r.pk, 0),
            _nodes(actor, r, deep=deep - 1, closed=closed) if deep and counts.get(r.pk) else None,
        )
        for r in rows
    ]


@signed_in
def tree(request: SchoolRequest) -> HttpResponse:
    search = request.GET.get("search", "").strip()[:60]
    closed = request.GET.get("closed") == "1"
    context: dict[str, Any] = {
        "title": "场所",
        "crumbs": crumbs("场所"),
        "search": search,
        "closed": closed,
        "can_manage": policies.can_manage(request.actor),
        "any": queries.has_places(),
    }
    if search:
        found = queries.places(by=request.actor, search=search, active=None if closed else True)
        context |= {"found": [_node(r, 0) for r in found[:200]], "count": found.count()}
    else:
        campuses = queries.places(by=request.actor, kind=PlaceKind.CAMPUS).count()
        context["nodes"] = _nodes(request.actor, None, deep=1 if campuses <= 10 else 0, closed=closed)
        context["total"] = queries.places(by=request.actor).count()
    return render(request, "organisation/tree.html", context)


@signed_in
def branch(request: SchoolRequest, place_id: UUID) -> HttpResponse:
    """The children of one place, for the tree."""
    closed = request.GET.get("closed") == "1"
    nodes = _nodes(request.actor, queries.place(place_id), deep=0, closed=closed)
    return render(request, "organisation/_branch.html", {"nodes": nodes, "closed": closed})


@signed_in
def place(request: SchoolRequest, place_id: UUID) -> HttpResponse:
    row = queries.visible_place(place_id, by=request.actor)
    manage = policies.can_manage(request.actor)
    context = {
        "title": row.name,
        "lead": row.full_name if row.parent_id else "",
        "crumbs": [
            {"label": "场所", "url": reverse("organisation:places")},
            *(
                {"label": p.name, "url": reverse("organisation:place", args=[p.pk])}
                for p in queries.ancestors_of(row)[:-1]
            ),
        ],
        "place": row,
        "nodes": _nodes(request.actor, row, deep=0, closed=True),
        "can_manage": manage,
        "addable": manage and row.active and bool(INSIDE[row.kind]),
        "can_floors": manage and row.active and row.kind == PlaceKind.BUILDING,
        "address": _address(request) + row.code,
        "actions": _actions(row),
        "events": [{"at": e.at, "who": e.actor_name, "text": e.sentence} for e in timeline.events_of(row)[:20]]
        if policies.can_read_all(request.actor)
        else None,
    }
    return render(request, "organisation/place.html", context)


def _address(request: SchoolRequest) -> str:
    return request.build_absolute_uri("/q/")


def _actions(row: Place) -> list[dict[str, str]]:
    """What can be done at a place: addresses of other features, where they exist."""
    wanted = [
        ({"label": "开始巡查", "hint": "按检查表逐项看，拍照留证", "icon": "clipboard-check"}, ("phone:start", "inspections:start")),
        ({"label": "报告问题", "hint": "拍照，选责任单位", "icon": "camera-plus"}, ("phone:report", "findings:new", "findings:report")),
        ({"label": "这里的问题", "hint": "还没解决的和解决了的", "icon": "list-check"}, ("findings:index",)),
    ]  # fmt: skip
    found = []
    for button, names in wanted:
        for name in names:
            try:
                found.append({**button, "url": f"{reverse(name)}?place={row.pk}"})
            except NoReverseMatch:
                continue
            break
    return found


@signed_in
def qr(request: SchoolRequest, place_id: UUID) -> HttpResponse:
    """The QR code as a picture."""
    row = queries.visible_place(place_id, by=request.actor)
    return HttpResponse(labels.qr_svg(_address(request) + row.code), content_type="image/svg+xml")


def scan(request: SchoolRequest, code: str) -> HttpResponse:
    """Where a scanned label leads: people who work here get what they can do, visitors the name of the place."""
    row = queries.place_of_code(code)
    if not row.active:
        raise NotFound
    if not policies.can_read_places(request.actor):
        return render(request, "organisation/scan_public.html", {"title": row.name, "place": row})
    return render(
        request,
        "organisation/scan.html",
        {"title": row.name, "place": row, "back": reverse("home"), "actions": _actions(row)},
    )


# --- Changing ----------------------------------------------------------------------------------------


@signed_in
def add(request: SchoolRequest, place_id: UUID | None = None) -> HttpResponse:
    parent = queries.place(place_id) if place_id else None
    kinds = [(k.value, str(k.label)) for k in PlaceKind if k in INSIDE[parent.kind if parent else None]]
    form = PlaceForm(request.POST or None, choices={"kind": kinds})
    back = reverse("organisation:place", args=[parent.pk]) if parent else reverse("organisation:places")

    def act(data: dict[str, Any]) -> HttpResponse:
        row = operations.add_place(parent_id=place_id, **data, by=request.actor, tenant=request.school)
        return go(request, "organisation:place", parent.pk if parent else row.pk, said=f"已新增「{row.name}」")

    title = f"在「{parent.full_name}」下新增" if parent else "新增校区"
    return form_page(
        request, form, act, title=title, crumbs=crumbs(("场所", "organisation:places"), "新增"), cancel=back
    )


@signed_in
def floors(request: SchoolRequest, place_id: UUID) -> HttpResponse:
    building = queries.place(place_id)
    form = FloorsForm(request.POST or None)

    def act(data: dict[str, Any]) -> HttpResponse:
        made = operations.add_floors(building_id=place_id, **data, by=request.actor, tenant=request.school)
        said = f"已新增 {len(made)} 个楼层" if made else "这些楼层都已经有了"
        return go(request, "organisation:place", place_id, said=said)

    return form_page(
        request, form, act, title=f"「{building.name}」批量加楼层", submit="新增楼层",
        crumbs=crumbs(("场所", "organisation:places"), "批量加楼层"),
        cancel=reverse("organisation:place", args=[place_id]),
    )  # fmt: skip


@signed_in
def change(request: SchoolRequest, place_id: UUID) -> HttpResponse:
    row = queries.place(place_id)
    form = RenameForm(request.POST or None, initial={"name": row.name, "code": row.code})

    def act(data: dict[str, Any]) -> HttpResponse:
        operations.change_place(place_id=place_id, **data, by=request.actor, tenant=request.school)
        return go(request, "organisation:place", place_id, said="已保存")

    return form_page(
        request, form, act, title=f"修改「{row.name}」", crumbs=crumbs(("场所", "organisation:places"), "修改"),
        cancel=reverse("organisation:place", args=[place_id]),
    )  # fmt: skip


@signed_in
def move(request: SchoolRequest, place_id: UUID) -> HttpResponse:
    row = queries.place(place_id)
    kinds = tuple(k for k, inside in INSIDE.items() if k and row.kind in inside)
    form = MoveForm(request.POST or None, choices={"parent_id": place_choices(request.actor, kinds=kinds)})

    def act(data: dict[str, Any]) -> HttpResponse:
        moved = operations.move_place(
            place_id=place_id, parent_id=UUID(data["parent_id"]), by=request.actor, tenant=request.school
        )
        return go(request, "organisation:place", place_id, said=f"已移到「{moved.full_name}」")

    return form_page(
        request, form, act, title=f"移动「{row.name}」", submit="移动",
        crumbs=crumbs(("场所", "organisation:places"), "移动"),
        cancel=reverse("organisation:place", args=[place_id]),
    )  # fmt: skip


@require_POST
@signed_in
def switch(request: SchoolRequest, place_id: UUID) -> HttpResponse:
    """Close a place with all below it, or open it."""
    active = request.POST.get("active") == "1"
    try:
        operations.set_place_active(place_id=place_id, active=active, by=request.actor, tenant=request.school)
    except DomainError as refused:
        return go(request, "organisation:place", place_id, said=refused.sentence, tone="bad")
    return go(request, "organisation:place", place_id, said="已启用" if active else "已停用")


def _sheet(request: SchoolRequest, *, within: UUID | None, kind: str, size: str) -> HttpResponse:
    places = labels.chosen(by=request.actor, within=within, kind=kind, size=size)
    content = labels.sheet(
        places, school=request.school.name, address=_address(request), size=size, by=request.actor
    )  # fmt: skip
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = "inline; filename=labels.pdf"
    return answer


@require_safe
@signed_in
def labels_file(request: SchoolRequest) -> HttpResponse:
    """`GET /files/labels/?within=&kind=&size=`: the PDF that GraphQL's `placeLabels` names, by session or token."""
    asked = request.GET
    try:
        within = opt_id(asked.get("within", ""))
    except ValueError:
        return refused_json(NotFound(field="within"))
    try:
        return _sheet(request, within=within, kind=asked.get("kind", ""), size=asked.get("size", "medium"))
    except DomainError as refused:
        return refused_json(refused)


@signed_in
def print_labels(request: SchoolRequest) -> HttpResponse:
    """Choose a part of the tree and print its labels: the same address gives the form and, with `size`, the PDF."""
    choices = {"within": place_choices(request.actor, kinds=("campus", "building", "floor", "area"))}
    form = LabelForm(request.GET if "size" in request.GET else None, choices=choices, initial=request.GET.dict())
    refused = ""
    if form.is_bound and form.is_valid():
        try:
            return _sheet(request, **{**form.cleaned_data, "within": opt_id(form.cleaned_data["within"])})
        except DomainError as no:
            refused = no.sentence
    context = {
        "title": "打印二维码",
        "lead": "每张标签有场所名称、上级和短编码；用手机自带的扫一扫就能打开。",
        "crumbs": crumbs(("场所", "organisation:places"), "打印二维码"),
        "form": form,
        "refused": refused,
    }
    return render(request, "organisation/labels.html", context, status=422 if refused else 200)


@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    rows = queries.places(by=request.actor, search=request.GET.get("search", "")[:60], active=None).order_by(
        "full_name"
    )
    heads = ("上级场所", "名称", "类别", "编码", "全称", "状态")
    return download(
        "场所.xlsx",
        [
            (
                "场所",
                heads,
                (
                    (
                        r.full_name.rsplit(" / ", 1)[0] if r.parent_id else "", r.name, r.get_kind_display(), r.code,
                        r.full_name, "启用" if r.active else "停用",
                    )
                    for r in rows
                ),
            )
        ],
    )  # fmt: skip
