"""The roster: person × day, saved in one batch; publishing, copying, the workbook."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError, Invalid, NotAllowed
from tenants.organisation import queries as organisation
from tenants.rosters import operations, policies, queries
from tenants.rosters.contracts import Warned
from tenants.rosters.operations import CellChange, Item
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, paginate
from web.shared.xlsx import download
from web.tenant.evidence.uploads import refused_json
from web.tenant.rosters.forms import GridFilter
from web.tenant.rosters.grid import VIEWS, contract_row, items_by_cell, payload, span

CRUMB = {"label": "在岗管理"}


def today_of(request: SchoolRequest) -> date:
    return clock.now().astimezone(request.school.tz).date()


def day_asked(request: SchoolRequest, default: date) -> date:
    """`?day=`, kept within the years a calendar knows."""
    found = _day(request.GET.get("day", ""))
    return found if found and 2000 <= found.year <= 2100 else default


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def opt_uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def party_choices(request: SchoolRequest) -> list[tuple[str, str]]:
    return [(str(p.pk), p.name) for p in organisation.parties(by=request.actor)]


def post_choices(request: SchoolRequest, party_id: UUID | None = None) -> list[tuple[str, str]]:
    rows = organisation.posts(by=request.actor, party_id=party_id)
    return [(str(p.pk), p.name if party_id else f"{p.name}（{p.party.name}）") for p in rows]


class Chosen:
    """What the address says: the range of days and the filters."""

    def __init__(self, request: SchoolRequest) -> None:
        if not policies.reads_grid(request.actor):
            raise NotAllowed
        get = request.GET
        self.today = today_of(request)
        self.view = get.get("view", "") if get.get("view") in VIEWS else "fortnight"
        self.day = day_asked(request, self.today)
        self.first, self.last = span(self.view, self.day)
        self.party_id, self.post_id = opt_uuid(get.get("party", "")), opt_uuid(get.get("post", ""))
        self.place_id, self.search = opt_uuid(get.get("place", "")), get.get("search", "")[:40]

    def staff(self, request: SchoolRequest) -> Any:
        """The rows: who works in the range, by the filters."""
        return queries.grid_people(
            by=request.actor, first=self.first, last=self.last, search=self.search, party_id=self.party_id,
            post_id=self.post_id, place_id=self.place_id,
        )  # fmt: skip

    def choices(self, request: SchoolRequest) -> dict[str, list[tuple[str, str]]]:
        """Parties and posts to filter by: one's own, or for who reads rosters alone those the roster names."""
        if not policies.names_only(request.actor):
            return {"party": party_choices(request), "post": post_choices(request, self.party_id)}
        posts = queries.posts_rostered(by=request.actor, first=self.first, last=self.last)
        parties = organisation.parties_by_id({p.party_id for p in posts})
        return {
            "party": sorted(((str(p.pk), p.name) for p in parties.values()), key=lambda p: p[1]),
            "post": [(str(p.pk), p.name) for p in posts if self.party_id in (None, p.party_id)],
        }

    def contract(self, request: SchoolRequest, first: date, last: date) -> dict[str, Any] | None:
        """What contracts ask against the roster; None where the filters do not name whole posts."""
        if self.search or self.place_id:
            return None
        return contract_row(request, first=first, last=last, party_id=self.party_id, post_id=self.post_id)

    @property
    def title(self) -> str:
        if self.view == "month":
            return f"{self.first.year}年{self.first.month}月"
        return f"{self.first.month}月{self.first.day}日—{self.last.month}月{self.last.day}日"


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    chosen = Chosen(request)
    page = paginate(request, chosen.staff(request))
    staff = list(page.object_list)
    data = payload(request, staff=staff, first=chosen.first, last=chosen.last, today=chosen.today)
    others = queries.headcount(
        by=request.actor, first=chosen.first, last=chosen.last, staff_ids=chosen.staff(request).order_by().values("pk"),
        besides=[p.pk for p in staff],
    )  # fmt: skip
    data["others"] = {day.isoformat(): people for day, people in others.items()}
    data["contract"] = chosen.contract(request, chosen.first, chosen.last)
    may_edit = policies.edits(request.actor)
    drafts = (
        queries.drafts_count(by=request.actor, first=chosen.first, last=chosen.last, party_id=chosen.party_id)
        if may_edit
        else 0
    )
    form = GridFilter(
        {**request.GET.dict(), "view": chosen.view, "day": chosen.day.isoformat()},
        choices={
            **chosen.choices(request),
            "place": [
                (str(p.pk), p.full_name)
                for p in organisation.places(by=request.actor).filter(kind__in=["campus", "building"]).order_by("path")
            ],
        },
    )
    length = (chosen.last - chosen.first).days + 1
    before = chosen.first - timedelta(days=1) if chosen.view == "month" else chosen.first - timedelta(days=length)
    context = {
        "title": "排班表",
        "lead": f"{chosen.title}，{page.paginator.count} 人" + (f"，{drafts} 格还没有发布" if drafts else ""),
        "crumbs": [CRUMB, {"label": "排班表"}],
        "form": form,
        "page_obj": page,
        "data": {**data, "may_edit": may_edit, "save": f"{reverse('rosters:save')}?{request.GET.urlencode()}"},
        "chosen": chosen,
        "views": [{"key": key, "label": label, "active": key == chosen.view} for key, label in VIEWS.items()],
        "before": before.isoformat(),
        "after": (chosen.last + timedelta(days=1)).isoformat(),
        "drafts": drafts,
        "may_edit": may_edit,
        "names_only": policies.names_only(request.actor),
        "copy_from": before.isoformat(),
        "copy_label": "上月" if chosen.view == "month" else ("上周" if length == 7 else "前两周"),
        "filtered": bool(chosen.party_id or chosen.post_id or chosen.place_id or chosen.search),
        "pending": queries.pending(request.actor),
        "changed_days": queries.changed_days(
            by=request.actor, first=chosen.first, last=chosen.last, tenant=request.school, now=clock.now()
        ),
        **_day_list(request, chosen, staff),
        "list_contract": (data["contract"] or {}).get(chosen.day.isoformat()),
    }
    return render(request, "rosters/index.html", context)


def _day_list(request: SchoolRequest, chosen: Chosen, staff: list[Any]) -> dict[str, Any]:
    """One day by shift, for narrow screens."""
    day = max(chosen.first, min(chosen.last, chosen.day))
    rows = queries.assignments(by=request.actor, first=day, last=day).filter(staff_id__in=[p.pk for p in staff])
    groups: dict[Any, dict[str, Any]] = {}
    seen = set()
    for row in rows.prefetch_related("shift__segments"):
        seen.add(row.staff_id)
        key = row.shift_id
        if key not in groups:
            times = queries.times_text(list(row.shift.segments.all())) if row.shift else ""
            groups[key] = {"shift": row.shift, "times": times, "rows": []}
        groups[key]["rows"].append(row)
    heads = queries.shift_heads(
        by=request.actor, day=day, staff_ids=chosen.staff(request).order_by().values("pk")
    )  # fmt: skip
    for key, group in groups.items():
        group["heads"] = heads.get(key, 0)
    ordered = sorted(groups.values(), key=lambda g: (g["shift"] is None, g["shift"].position if g["shift"] else 0))
    return {
        "list_day": day,
        "list_before": (day - timedelta(days=1)).isoformat(),
        "list_after": (day + timedelta(days=1)).isoformat(),
        "list_groups": ordered,
        "list_empty": [p for p in staff if p.pk not in seen],
    }


@require_POST
@signed_in
def save(request: SchoolRequest) -> HttpResponse:
    """A batch of cells as JSON; answers what each touched cell holds now, and why some were refused."""
    try:
        changes = [_change(c) for c in json.loads(request.body)["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return refused_json(Invalid("没有读懂提交的内容，请刷新页面后重试。"))
    try:
        outcome = operations.change_cells(cells=changes, by=request.actor, tenant=request.school, now=clock.now())
    except DomainError as refused:
        return refused_json(refused)
    days = [c.day for c in changes]
    now_there: dict[str, list[dict[str, Any]]] = {f"{c.staff_id}|{c.day}": [] for c in changes}
    if days:
        rows = queries.assignments(by=request.actor, first=min(days), last=max(days)).filter(
            staff_id__in={c.staff_id for c in changes}
        )
        for (staff_id, day), items in items_by_cell(rows).items():
            if f"{staff_id}|{day}" in now_there:
                now_there[f"{staff_id}|{day}"] = items
    return JsonResponse(
        {
            "saved": len(outcome.cells),
            "cells": now_there,
            "contract": Chosen(request).contract(request, min(days), max(days) + timedelta(days=1)) if days else {},
            "refused": [
                {"cell": f"{r.staff_id}|{r.day}", "code": r.code, "sentence": r.sentence} for r in outcome.refused
            ],
            "warnings": [w.sentence for w in outcome.warnings],
        }
    )


def _change(raw: dict[str, Any]) -> CellChange:
    day = parse_date(raw["day"])
    if day is None or not 2000 <= day.year <= 2100:
        raise ValueError(raw["day"])
    items = tuple(
        Item(
            UUID(i["shift"]) if i["shift"] else None, UUID(i["post"]) if i.get("post") else None,
            UUID(i["place"]) if i.get("place") else None,
        )
        for i in raw["items"]
    )  # fmt: skip
    return CellChange(UUID(raw["staff"]), day, items, frozenset(UUID(s) for s in raw["seen"]))


def _back(request: SchoolRequest) -> str:
    query = request.GET.urlencode()
    return reverse("rosters:index") + (f"?{query}" if query else "")


def _away(warned: list[Warned]) -> str:
    return f"；{len(warned)} 格的人已请假：{warned[0].sentence}" if warned else ""


@require_POST
@signed_in
def publish(request: SchoolRequest) -> HttpResponse:
    """Publish the drafts of the range and party shown."""
    chosen = Chosen(request)
    done = operations.publish(
        first=chosen.first, last=chosen.last, party_id=chosen.party_id, by=request.actor, tenant=request.school,
        now=clock.now(),
    )  # fmt: skip
    said = f"已发布 {done.people} 人 {len(done.assignments)} 格，已通知本人"
    if done.refused:
        said = f"{said}；{len(done.refused)} 格没有发布：{done.refused[0].sentence}"
    said += _away(done.warnings)
    return go(request, _back(request), said=said, tone="warn" if done.refused or done.warnings else "ok")


@require_POST
@signed_in
def copy(request: SchoolRequest) -> HttpResponse:
    """Copy the range before onto the range shown; what is filled stays."""
    chosen = Chosen(request)
    days = (chosen.last - chosen.first).days + 1
    if chosen.view == "month":  # weekday by weekday: four weeks back, so that Mondays stay Mondays
        source = chosen.first - timedelta(days=35 if days > 28 else 28)
    else:
        source = chosen.first - timedelta(days=days)
    outcome = operations.copy_period(
        source_first=source, target_first=chosen.first, days=days, party_id=chosen.party_id, post_id=chosen.post_id,
        by=request.actor, tenant=request.school, now=clock.now(),
    )  # fmt: skip
    said = f"已复制 {len(outcome.cells)} 格为草稿，请核对后发布"
    if outcome.refused:
        said = f"{said}；{len(outcome.refused)} 格没有复制：{outcome.refused[0].sentence}"
    said += _away(outcome.warnings)
    return go(request, _back(request), said=said, tone="warn" if outcome.refused or outcome.warnings else "ok")


@require_safe
@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The range shown as a workbook that can be imported again: one row per person, one column per day."""
    chosen = Chosen(request)
    staff = list(chosen.staff(request)[:3000])
    rows = queries.assignments(by=request.actor, first=chosen.first, last=chosen.last).filter(
        staff_id__in=[p.pk for p in staff]
    )
    cells: dict[tuple[UUID, date], list[str]] = {}
    for row in rows:
        cells.setdefault((row.staff_id, row.day), []).append(row.shift.code if row.shift else "休")
    days = [chosen.first + timedelta(days=n) for n in range((chosen.last - chosen.first).days + 1)]
    named = not policies.names_only(request.actor)
    heads = ["工号", "姓名", *(["单位", "岗位"] if named else []), *[f"{d:%Y-%m-%d}" for d in days]]
    body = [
        [p.number, p.name, *([p.party.name, p.post.name if p.post else ""] if named else [])]
        + ["+".join(cells.get((p.pk, d), [])) for d in days]
        for p in staff
    ]
    return download(f"排班表-{request.school.name}-{chosen.title}.xlsx", [("排班表", heads, body)])
