"""What the roster grid is made of: people × days as plain data for the script, the phone's list and the workbook."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from kernel.clock import day_bounds
from kernel.tenancy import Tenant
from tenants.calendar import queries as calendar
from tenants.organisation import queries as organisation
from tenants.organisation.models import Staff
from tenants.rosters import manning, people, policies, queries
from tenants.rosters.choices import RequestStatus
from tenants.rosters.models import Assignment
from tenants.rosters.operations import when_text
from web.http import SchoolRequest

VIEWS = {"week": "一周", "fortnight": "两周", "month": "一月"}
WEEK = "一二三四五六日"


def span(view: str, day: date) -> tuple[date, date]:
    """First and last day shown: the month, or one or two weeks from Monday."""
    if view == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    first = day - timedelta(days=day.weekday())
    return first, first + timedelta(days=13 if view == "fortnight" else 6)


def item_of(row: Assignment) -> dict[str, Any]:
    """One shift in a cell, as the script knows it."""
    return {
        "id": str(row.pk),
        "shift": str(row.shift_id) if row.shift_id else None,
        "post": str(row.post_id) if row.post_id else None,
        "place": str(row.place_id) if row.place_id else None,
        "draft": row.published_at is None,
    }


def items_by_cell(rows: Iterable[Assignment]) -> dict[tuple[UUID, date], list[dict[str, Any]]]:
    found: dict[tuple[UUID, date], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[(row.staff_id, row.day)].append(item_of(row))
    return found


def day_heads(first: date, last: date, today: date) -> list[dict[str, Any]]:
    """The head of each column: weekday, 休/班, the holiday's or week's name."""
    heads = []
    for d in calendar.days(first, last):
        note = d.name or (f"第{d.week}周" if d.week and d.day.weekday() == 0 else "")
        heads.append(
            {
                "day": d.day.isoformat(), "n": d.day.day, "week": WEEK[d.day.weekday()], "mark": d.mark,
                "rest": not d.works, "name": note, "today": d.day == today, "past": d.day < today,
            }
        )  # fmt: skip
    return heads


def shift_rows(request: SchoolRequest) -> list[dict[str, Any]]:
    """Shifts the grid may show; retired ones too, which nobody can choose."""
    return [
        {
            "id": str(s.pk), "code": s.code, "name": s.name, "colour": s.colour, "active": s.active,
            "times": queries.times_text(list(s.segments.all())),
            "minutes": sum(p.end_minute - p.start_minute for p in s.segments.all()),
        }
        for s in queries.shifts(by=request.actor, active=None)
    ]  # fmt: skip


def warnings(
    staff: list[Staff], cells: dict[tuple[UUID, date], list[dict[str, Any]]], first: date, last: date, *,
    tenant: Tenant, request: SchoolRequest, today: date, bare: bool,
) -> tuple[dict[str, list[str]], dict[str, str]]:  # fmt: skip
    """Sentences by "staff|day" (none where `bare`), and leaves by "staff|day" ("病假 6月15日全天")."""
    posts = {} if bare else {p.pk: p for p in people.posts_of(staff, cells)}
    needs = {
        (p.pk, UUID(i["post"]), d)
        for p in staff
        for n in range((last - first).days + 1)
        if (d := first + timedelta(days=n)) >= today
        for i in (cells.get((p.pk, d)) or ([{"post": str(p.post_id)}] if p.post_id else []))
        if i["post"] and UUID(i["post"]) in posts and posts[UUID(i["post"])].certificates
    }
    said: dict[str, list[str]] = defaultdict(list)
    for (staff_id, post_id, day), kinds in people.lacking(needs).items():
        said[f"{staff_id}|{day}"].append(f"没有有效的{'、'.join(kinds)}，不能上「{posts[post_id].name}」")
    starts, ends = day_bounds(first, tenant.tz)[0], day_bounds(last, tenant.tz)[1]
    away: dict[str, str] = {}
    rows = queries.leaves(by=request.actor, status=RequestStatus.APPROVED, first=starts, last=ends)
    for row in rows.filter(staff_id__in=[p.pk for p in staff]):
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            a, b = day_bounds(day, tenant.tz)
            if row.starts_at < b and row.ends_at > a:
                away[f"{row.staff_id}|{day}"] = (
                    f"{row.get_kind_display()} {when_text(row.starts_at, row.ends_at, tenant)}"
                )
    return said, away


def contract_row(
    request: SchoolRequest, *, first: date, last: date, party_id: UUID | None, post_id: UUID | None
) -> dict[str, Any]:
    """By day: what contracts ask and what of it nobody is rostered for, in hours, and at which posts."""
    rows = queries.manning(
        by=request.actor, first=first, last=last, tenant=request.school, party_id=party_id, post_id=post_id
    )
    return {
        day.isoformat(): {
            "asked": hours(asked),
            "lacking": hours(lacking),
            "posts": [f"{name} 缺 {hours(minutes):g} 小时" for _id, name, minutes in posts[:6]]
            + ([f"另有 {len(posts) - 6} 个岗位"] if len(posts) > 6 else []),
        }
        for day, (asked, lacking, posts) in manning.sums(rows).items()
    }


def hours(minutes: int) -> float:
    return round(minutes / 60, 1)


def choices(request: SchoolRequest, named: Iterable[Any]) -> dict[str, Any]:
    """What the chooser of a cell offers: posts with the company that may send people there, and places."""
    posts = {p.pk: p for p in [*named, *organisation.posts(by=request.actor)]}
    parties = organisation.parties_by_id({p.party_id for p in posts.values()})
    places = organisation.places(by=request.actor).filter(kind__in=["campus", "building", "area"]).order_by("path")
    return {
        "posts": [
            {
                "id": str(p.pk), "name": p.name, "group": group_of(parties.get(p.party_id)), "active": p.active,
                "party": parties[p.party_id].name, "place": str(p.place_id) if p.place_id else None,
            }
            for p in sorted(posts.values(), key=lambda p: (parties[p.party_id].name, p.name))
        ],
        "places": [{"id": str(p.pk), "name": p.full_name, "short": p.name} for p in places],
    }  # fmt: skip


def group_of(party: Any) -> str:
    """Who may stand in for whom: parties of one company, or the party alone."""
    return str(party.provider_id or party.pk) if party else ""


def _person(p: Staff, editable: set[UUID] | None) -> dict[str, Any]:
    return {
        "id": str(p.pk), "name": p.name, "number": p.number, "post": str(p.post_id) if p.post_id else None,
        "sub": p.post.name if p.post else p.party.name, "group": group_of(p.party),
        "edit": editable is None or p.party_id in editable,
        "from": p.hired_on.isoformat() if p.hired_on else "", "to": p.left_on.isoformat() if p.left_on else "",
    }  # fmt: skip


def _bare(p: Staff) -> dict[str, Any]:
    """Name and number."""
    return {
        "id": str(p.pk), "name": p.name, "number": p.number, "post": None, "sub": p.number, "group": "", "edit": False,
        "from": "", "to": "",
    }  # fmt: skip


def payload(
    request: SchoolRequest, *, staff: list[Staff], first: date, last: date, today: date
) -> dict[str, Any]:  # fmt: skip
    """Everything the grid needs, in a fixed number of queries."""
    rows = queries.assignments(by=request.actor, first=first, last=last).filter(staff_id__in=[p.pk for p in staff])
    cells = items_by_cell(rows)
    bare = policies.names_only(request.actor)  # then no certificate, post, party or day of employment of anybody
    said, away = warnings(staff, cells, first, last, tenant=request.school, request=request, today=today, bare=bare)
    editable = policies.editable_party_ids(request.actor)
    posts = {p.pk: p for p in people.posts_of([] if bare else staff, cells)}
    days = [(p.pk, first + timedelta(days=n)) for p in staff for n in range((last - first).days + 1)]
    return {
        "first": first.isoformat(),
        "days": day_heads(first, last, today),
        "shifts": shift_rows(request),
        **choices(request, posts.values()),
        "people": [_bare(p) if bare else _person(p, editable) for p in staff],
        "cells": {f"{staff_id}|{day}": items for (staff_id, day), items in cells.items()},
        "warnings": said,
        "leaves": away,
        "frozen": [f"{staff_id}|{day}" for staff_id, day in policies.frozen(days)],
    }  # fmt: skip
