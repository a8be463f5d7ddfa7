"""The side bar and the phone's bottom bar, one place for all features. A feature adds one line here.

An entry: (label, icon, url name, roles that see it, grant scope that shows it to the institute). An entry whose url name does not resolve is a
programming error and fails the tests, never the page.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from identity.choices import GRANT_READERS, INSTITUTE_ROLES, SCHOOL_ROLES, GrantScope, Role
from identity.contracts import Actor
from tenants.notices import queries as notices


def _unread(actor: Actor) -> Any:
    return SimpleLazyObject(lambda: notices.unread_count(actor))


BADGES: dict[str, Callable[[Actor], Any]] = {"notices:index": _unread, "notices:phone_index": _unread}


class Entry(NamedTuple):
    label: str
    icon: str
    url_name: str
    roles: frozenset[Role]
    grant: GrantScope | None = None  # institute staff whom the school granted this scope see it too
    also: tuple[str, ...] = ()  # starts of other addresses that belong here


STAFF_OF_SCHOOL = frozenset({Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR})
ANALYSTS = frozenset({Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST})
COMPANY = frozenset({Role.PROVIDER_MANAGER})

INSTITUTE: list[tuple[str, list[Entry]]] = [
    ("工作台", [Entry("总览", icon="layout-dashboard", url_name="institute:home", roles=INSTITUTE_ROLES)]),
    (
        "申报与咨询",
        [
            Entry("申报遴选", icon="clipboard-text", url_name="institute:applications", roles=INSTITUTE_ROLES),
            Entry(
                "评审专家",
                icon="user-star",
                url_name="institute:reviewers",
                roles=frozenset({Role.INSTITUTE_ADMIN, Role.INSTITUTE_REVIEWER}),
            ),
            Entry("评分标准", icon="scale", url_name="institute:criteria", roles=frozenset({Role.INSTITUTE_ADMIN})),
            Entry(
                "咨询",
                icon="message-circle-question",
                url_name="institute:enquiries",
                roles=frozenset({Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST}),
            ),
        ],
    ),
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
            Entry("物业企业", icon="building-community", url_name="institute:providers", roles=INSTITUTE_ROLES),
            Entry("人脸信息", icon="face-id", url_name="institute:faces", roles=ANALYSTS),
        ],
    ),
    ("对标", [Entry("跨校对标", icon="chart-dots", url_name="institute:benchmark", roles=ANALYSTS)]),
    (
        "设置",
        [
            Entry(
                "成员管理", icon="users", url_name="institute:members:index", roles=frozenset({Role.INSTITUTE_ADMIN})
            ),
            Entry("接口令牌", icon="key", url_name="institute:tokens:index", roles=INSTITUTE_ROLES),
            Entry("授权查看", icon="eye", url_name="account_spaces", roles=GRANT_READERS),
        ],
    ),
    ("标准", [Entry("标准库", icon="books", url_name="institute:library:index", roles=INSTITUTE_ROLES)]),
]
SCHOOL: list[tuple[str, list[Entry]]] = [
    (
        "工作台",
        [
            Entry("总览", icon="layout-dashboard", url_name="home", roles=SCHOOL_ROLES),
            Entry("消息", icon="bell", url_name="notices:index", roles=SCHOOL_ROLES),
        ],
    ),
    (
        "过程监管",
        [
            Entry(
                "巡查检查",
                icon="clipboard-list",
                url_name="inspections:index",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.INSPECTIONS,
            ),
            Entry(
                "问题整改",
                icon="alert-triangle",
                url_name="findings:index",
                roles=SCHOOL_ROLES,
                grant=GrantScope.FINDINGS,
            ),
            Entry("事件时间线", icon="timeline-event", url_name="timeline:index", roles=STAFF_OF_SCHOOL | COMPANY),
        ],
    ),
    (
        "在岗管理",
        [
            Entry(
                "实时在岗",
                icon="user-check",
                url_name="attendance:board",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.ATTENDANCE,
            ),
            Entry(
                "排班表",
                icon="calendar-user",
                url_name="rosters:index",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.ROSTERS,
            ),
            Entry("请假与换班", icon="calendar-off", url_name="rosters:requests", roles=STAFF_OF_SCHOOL | COMPANY),
            Entry(
                "打卡记录",
                icon="fingerprint",
                url_name="punches:index",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.PUNCHES,
            ),
            Entry(
                "考勤结果",
                icon="calendar-stats",
                url_name="attendance:sheet",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.ATTENDANCE,
                also=tuple(f"/attendance/{p}/" for p in ("results", "coverage", "corrections", "suspects", "shifts")),
            ),
            Entry("证照缺口预报", icon="certificate", url_name="rosters:forecast", roles=STAFF_OF_SCHOOL | COMPANY),
            Entry(
                "排班设置",
                icon="clock-cog",
                url_name="rosters:shifts",
                roles=STAFF_OF_SCHOOL | COMPANY,
                also=("/rosters/rules/", "/rosters/coverage/", "/rosters/patterns/"),
            ),
        ],
    ),
    (
        "值班",
        [
            Entry(
                "值守看板",
                icon="device-desktop-analytics",
                url_name="duty:index",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.DUTY,
            ),
            Entry(
                "查岗记录",
                icon="bell-ringing",
                url_name="duty:calls",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.DUTY,
            ),
            Entry("巡更", icon="route", url_name="patrols:index", roles=STAFF_OF_SCHOOL | COMPANY),
            Entry(
                "异常与交接",
                icon="transfer",
                url_name="duty:anomalies",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.DUTY,
                also=("/duty/handovers/",),
            ),
            Entry(
                "值班岗",
                icon="shield-check",
                url_name="duty:posts",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.DUTY,
                also=("/duty/delivery/", "/duty/cameras/"),
            ),
        ],
    ),
    (
        "标准",
        [
            Entry("标准库", icon="books", url_name="library:index", roles=SCHOOL_ROLES),
            Entry(
                "评分标准",
                icon="clipboard-list",
                url_name="rubrics:index",
                roles=SCHOOL_ROLES,
                grant=GrantScope.EVALUATIONS,
            ),
        ],
    ),
    (
        "组织与场所",
        [
            Entry(
                "场所",
                icon="map-pin",
                url_name="organisation:places",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.ORGANISATION,
            ),
            Entry(
                "单位与岗位",
                icon="building-community",
                url_name="organisation:contracts",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.ORGANISATION,
            ),
            Entry(
                "员工",
                icon="users",
                url_name="organisation:staff",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.ORGANISATION,
            ),
            Entry(
                "证书台账",
                icon="certificate",
                url_name="organisation:certificates",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.ORGANISATION,
            ),
            Entry(
                "校历",
                icon="calendar-event",
                url_name="calendar:index",
                roles=SCHOOL_ROLES,
                grant=GrantScope.ORGANISATION,
            ),
            Entry("我的作业", icon="progress", url_name="jobs:index", roles=STAFF_OF_SCHOOL),
        ],
    ),
    (
        "考核结果",
        [
            Entry(
                "考核评分",
                icon="clipboard-check",
                url_name="evaluations:index",
                roles=STAFF_OF_SCHOOL | COMPANY,
                grant=GrantScope.EVALUATIONS,
            ),
            Entry("本校位置", icon="chart-dots", url_name="benchmark:index", roles=STAFF_OF_SCHOOL),
        ],
    ),
    (
        "设置",
        [
            Entry("成员管理", icon="users", url_name="members:index", roles=frozenset({Role.SCHOOL_ADMIN})),
            Entry("人脸服务", icon="face-id", url_name="face:index", roles=STAFF_OF_SCHOOL),
            Entry("人脸录入情况", icon="face-id", url_name="face:people", roles=COMPANY),
            Entry(
                "授权研究院",
                icon="lock-open",
                url_name="grants:index",
                roles=frozenset({Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER}),
            ),
            Entry("接口令牌", icon="key", url_name="tokens:index", roles=STAFF_OF_SCHOOL),
        ],
    ),
]
PHONE: list[Entry] = [
    Entry("首页", icon="home", url_name="phone:home", roles=SCHOOL_ROLES),
    Entry("打卡", icon="fingerprint", url_name="punches:phone", roles=frozenset({Role.FRONTLINE})),
    Entry("巡查", icon="clipboard-check", url_name="inspections:phone_index", roles=STAFF_OF_SCHOOL),
    Entry("值班", icon="shield-check", url_name="duty:phone", roles=frozenset({Role.FRONTLINE})),
    Entry("问题", icon="alert-triangle", url_name="findings:phone_index", roles=SCHOOL_ROLES),
    Entry("考勤", icon="calendar-check", url_name="attendance:phone", roles=frozenset({Role.FRONTLINE})),
    Entry("消息", icon="bell", url_name="notices:phone_index", roles=SCHOOL_ROLES),
    Entry("标准", icon="books", url_name="phone_library:index", roles=SCHOOL_ROLES),
]


def _shown(entries: list[Entry], request: HttpRequest, actor: Actor) -> list[dict[str, Any]]:
    """The entries this actor sees; a badge is counted (one query) only by pages that show the menu."""
    urlconf = getattr(request, "urlconf", None)
    rows: list[dict[str, Any]] = []
    for e in entries:
        if e.grant in actor.grant_scopes if actor.grant_id else not actor.roles.isdisjoint(e.roles):
            badge = BADGES[e.url_name](actor) if e.url_name in BADGES else None
            url = reverse(e.url_name, urlconf=urlconf)
            rows.append({"label": e.label, "icon": e.icon, "url": url, "active": False, "badge": badge, "also": e.also})
    return rows


def _mark_here(rows: list[dict[str, Any]], path: str) -> None:
    """Mark the entry whose address is the longest start of `path`; a start page only when it is the path itself."""
    homes = {"/", reverse_home(path)}
    fitting = [
        (len(start), n)
        for n, r in enumerate(rows)
        for start in (r["url"], *r["also"])
        if (path == start if start in homes else path.startswith(start))
    ]
    if fitting:
        rows[max(fitting)[1]]["active"] = True


def reverse_home(path: str) -> str:
    """The start page of the part of the site that `path` lies in: the institute's console, the phone, or the host."""
    return next((home for home in ("/institute/", "/m/") if path.startswith(home)), "/")


def console_sections(request: HttpRequest, actor: Actor, *, in_school: bool) -> list[dict[str, Any]]:
    sections = SCHOOL if in_school else INSTITUTE
    shown: list[dict[str, Any]] = [
        {"title": title, "items": _shown(entries, request, actor)} for title, entries in sections
    ]
    _mark_here([row for section in shown for row in section["items"]], request.path)
    return [s for s in shown if s["items"]]


def phone_items(request: HttpRequest, actor: Actor) -> list[dict[str, Any]]:
    rows = _shown(PHONE, request, actor) if getattr(request, "school", None) else []
    _mark_here(rows, request.path)
    return rows
