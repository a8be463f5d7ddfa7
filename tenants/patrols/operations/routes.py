"""Making and changing routes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from standards_library.choices import ServiceLine
from tenants.findings.choices import Category
from tenants.organisation import queries as organisation
from tenants.patrols import policies, queries
from tenants.patrols.choices import QuestionKind, TourStatus
from tenants.patrols.errors import (
    PointTwice,
    RouteEmpty,
)
from tenants.patrols.models import Point, Question, Route, Tour, Window
from tenants.patrols.operations.drafts import PointDraft, WindowDraft, plain_tag
from tenants.patrols.operations.tours import lock_plan
from tenants.timeline.operations import record

MAX_POINTS, MAX_QUESTIONS, MAX_WINDOWS = 80, 10, 24


@transaction.atomic
def save_route(
    *,
    name: str,
    party_id: UUID,
    line: str,
    ordered: bool,
    points: Sequence[PointDraft],
    windows: Sequence[WindowDraft],
    by: Actor,
    tenant: Tenant,
    now: datetime,
    route_id: UUID | None = None,
) -> Route:
    """Make a route, or change one: tours already begun keep their points, those not begun take the new ones.

    Points are known by their place, windows by their times. Locks the plan and the route. Raises NotAllowed, NotFound,
    Invalid (name, line, points, windows), RouteEmpty, PointTwice.
    """
    if not policies.can_plan(by):
        raise NotAllowed
    name = " ".join(name.split())
    if not 2 <= len(name) <= 60:
        raise Invalid(_("请用 2—60 个字给路线命名。"), field="name")
    if line not in ServiceLine.values:
        raise Invalid(_("请选择服务条线。"), field="line")
    _check_points(points)
    _check_windows(windows)
    party = organisation.party(party_id)
    lock_plan()
    if Route.objects.filter(name=name, active=True).exclude(pk=route_id or new_id()).exists():
        raise Invalid(_("已有同名路线，请换一个名称。"), field="name")
    route = Route(party_id=party.pk) if route_id is None else queries.locked_route(route_id)
    route.name, route.party_id, route.line, route.ordered = name, party.pk, line, ordered
    route.save()
    _write_points(route, points, now)
    _write_windows(route, windows, tenant, now)
    record(
        verb="patrol_route.saved",
        sentence=f"{'修改' if route_id else '新建'}巡更路线：{name}，{len(points)} 个点，{len(windows)} 个时段",
        subject=route,
        by=by,
        party_id=party.pk,
    )
    enqueue_on_commit("patrols.make_tours", tenant=tenant)
    return route


def _check_points(points: Sequence[PointDraft]) -> None:
    if len(points) < 2:
        raise RouteEmpty(field="points")
    if len(points) > MAX_POINTS:
        raise Invalid(_("一条路线最多 80 个点，请拆成几条路线。"), field="points")
    if len({p.place_id for p in points}) < len(points):
        raise PointTwice(field="points")
    tags = [tag for p in points if (tag := plain_tag(p.nfc_tag))]
    if len(set(tags)) < len(tags):
        raise Invalid(_("两个点填了同一个 NFC 标签号，请逐个核对。"), field="points")
    known = organisation.places_by_id([p.place_id for p in points])
    for point in points:
        if point.place_id not in known:
            raise NotFound(field="points")
        if point.walk_seconds is not None and not 0 <= point.walk_seconds <= 7200:
            raise Invalid(_("最短行走秒数应在 0—7200 之间。"), field="points")
        if len(point.questions) > MAX_QUESTIONS:
            raise Invalid(_("每个点最多 10 个问题。"), field="points")
        for question in point.questions:
            if question.kind not in QuestionKind.values or not question.text.strip():
                raise Invalid(_("问题不能为空，类型应为是否、读数或文字。"), field="points")
            if question.category and question.category not in Category.values:
                raise Invalid(_("请选择问题类别。"), field="points")
            if question.low is not None and question.high is not None and question.low > question.high:
                raise Invalid(_("读数下限不能大于上限。"), field="points")


def _check_windows(windows: Sequence[WindowDraft]) -> None:
    if not 1 <= len(windows) <= MAX_WINDOWS:
        raise Invalid(_("请设置 1—24 个巡更时段。"), field="windows")
    for window in windows:
        if not (0 <= window.start_minute < 1440 and window.start_minute < window.end_minute <= 2880):
            raise Invalid(_("时段的结束必须晚于开始，且不超过次日 24 点。"), field="windows")
        if not 1 <= window.weekdays <= 127:
            raise Invalid(_("请至少选择一个星期几。"), field="windows")


def _write_points(route: Route, points: Sequence[PointDraft], now: datetime) -> None:
    there = {p.place_id: p for p in route.points.filter(removed_at__isnull=True)}
    wanted = {p.place_id for p in points}
    route.points.filter(removed_at__isnull=True).exclude(place_id__in=wanted).update(removed_at=now)
    route.points.filter(removed_at__isnull=True).update(position=F("position") + 1000)
    for position, draft in enumerate(points):
        point = there.get(draft.place_id) or Point(route=route, place_id=draft.place_id)
        point.position, point.instruction = position, draft.instruction.strip()[:200]
        point.photo_required, point.walk_seconds = draft.photo_required, draft.walk_seconds
        point.nfc_tag = plain_tag(draft.nfc_tag)
        point.save()
        point.questions.filter(removed_at__isnull=True).update(removed_at=now)
        Question.objects.bulk_create(
            [
                Question(
                    point=point, position=n, text=q.text.strip()[:120], kind=q.kind, unit=q.unit.strip()[:12],
                    low=q.low, high=q.high, category=q.category,
                )
                for n, q in enumerate(draft.questions)
            ]
        )  # fmt: skip


def _write_windows(route: Route, windows: Sequence[WindowDraft], tenant: Tenant, now: datetime) -> None:
    """Windows that changed are removed with their tours that nobody has begun and whose time is still to come."""
    there = {(w.start_minute, w.end_minute, w.weekdays): w for w in route.windows.filter(removed_at__isnull=True)}
    wanted = {(w.start_minute, w.end_minute, w.weekdays) for w in windows}
    gone = [w.pk for key, w in there.items() if key not in wanted]
    route.windows.filter(pk__in=gone).update(removed_at=now)
    Tour.objects.filter(window_id__in=gone, status=TourStatus.DUE, starts_at__gt=now).delete()
    today = now.astimezone(tenant.tz).date()
    Window.objects.bulk_create(
        [
            Window(route=route, start_minute=s, end_minute=e, weekdays=days, made_until=today, valid_from=now)
            for s, e, days in sorted(wanted - there.keys())
        ]
    )


@transaction.atomic
def close_route(*, route_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Route:
    """Stop a route; tours not begun and still to come go, all others stay. Raises NotAllowed, NotFound."""
    if not policies.can_plan(by):
        raise NotAllowed
    lock_plan()
    route = queries.locked_route(route_id)
    if route.active:
        route.active = False
        route.save(update_fields=["active"])
        Tour.objects.filter(route=route, status=TourStatus.DUE, starts_at__gt=now).delete()
        record(
            verb="patrol_route.closed",
            sentence=f"停用巡更路线：{route.name}",
            subject=route,
            by=by,
            party_id=route.party_id,
        )
    return route
