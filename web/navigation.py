"""The side bar and the phone's bottom bar, one place for all features. A feature adds one line here.

An entry: (label, icon, url name, roles that see it). An entry whose url name does not resolve is a
programming error and fails the tests, never the page.
"""

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse

from identity.choices import INSTITUTE_ROLES, SCHOOL_ROLES, Role
from identity.contracts import Actor


class Entry(NamedTuple):
    label: str
    icon: str
    url_name: str
    roles: frozenset[Role]


STAFF_OF_SCHOOL = frozenset({Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR})
COMPANY = frozenset({Role.PROVIDER_MANAGER})

INSTITUTE: list[tuple[str, list[Entry]]] = [
    ("工作台", [Entry("总览", icon="layout-dashboard", url_name="institute:home", roles=INSTITUTE_ROLES)]),
    (
        "学校",
        [
            Entry("学校", icon="school", url_name="institute:schools", roles=INSTITUTE_ROLES),
            Entry(
                "数据升级",
                icon="database-cog",
                url_name="institute:schools_ledger",
                roles=frozenset({Role.INSTITUTE_ADMIN}),
            ),
        ],
    ),
]
SCHOOL: list[tuple[str, list[Entry]]] = [
    ("工作台", [Entry("总览", icon="layout-dashboard", url_name="home", roles=SCHOOL_ROLES)]),
    (
        "考核结果",
        [Entry("考核评分", icon="clipboard-check", url_name="evaluations:index", roles=STAFF_OF_SCHOOL | COMPANY)],
    ),
]
PHONE: list[Entry] = []


def _shown(entries: list[Entry], request: HttpRequest, actor: Actor) -> list[dict[str, Any]]:
    rows = [
        {"label": e.label, "icon": e.icon, "url": reverse(e.url_name, urlconf=getattr(request, "urlconf", None))}
        for e in entries
        if not actor.roles.isdisjoint(e.roles)
    ]
    here = max((r["url"] for r in rows if request.path.startswith(r["url"])), key=len, default=None)
    return [{**r, "active": r["url"] == here, "badge": None} for r in rows]


def console_sections(request: HttpRequest, actor: Actor, *, in_school: bool) -> list[dict[str, Any]]:
    sections = SCHOOL if in_school else INSTITUTE
    shown = [{"title": title, "items": _shown(entries, request, actor)} for title, entries in sections]
    return [s for s in shown if s["items"]]


def phone_items(request: HttpRequest, actor: Actor) -> list[dict[str, Any]]:
    return _shown(PHONE, request, actor) if getattr(request, "school", None) else []
