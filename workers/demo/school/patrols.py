"""Two patrol routes of a demo school, and ten nights of tours: honest ones, a rushed one, a missed one."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from django.db import transaction

from identity.choices import Role
from identity.contracts import Actor
from kernel.anchors import Counted, anchor
from kernel.tenancy import Tenant
from tenants.organisation import operations as organisation
from tenants.organisation import queries as places
from tenants.patrols import operations, queries
from tenants.patrols.operations import PointDraft, QuestionDraft, ScanDraft, WindowDraft
from workers.demo.people import account
from workers.demo.school.history import stamp
from workers.demo.schools import People, Plan

NIGHTS = 10
ROUTES = {
    "东校区夜巡": ("图书馆", "明德楼", "格物楼", "1号公寓", "2号公寓"),
    "西校区夜巡": ("致远楼", "实训中心", "体育馆", "3号公寓", "4号公寓"),
}
DOOR = QuestionDraft("门窗是否关好")
PRESSURE = QuestionDraft("消火栓压力", "number", "MPa", Decimal("0.2"), Decimal("0.6"))


def make(plan: Plan, who: People, tenant: Tenant, *, now: datetime, seed: int) -> None:
    """Make routes and tours unless the school already has routes."""
    if queries.routes(by=who.admin, active=None).exists():
        return
    party = places.party_of_line("security")
    assert party is not None
    random = Random(f"p{seed}{plan.slug}")  # noqa: S311  (deterministic on purpose)
    with transaction.atomic():
        guard = _guard(plan, who, tenant, party.pk)
        begun = now - timedelta(days=NIGHTS)
        for name, buildings in ROUTES.items():
            operations.save_route(
                name=name, party_id=party.pk, line="security", ordered=True, by=who.admin, tenant=tenant, now=begun,
                points=[
                    PointDraft(_hall(who, b), "看门窗、消火栓和应急灯", False, 120 if n else None, "", [DOOR, PRESSURE] if n % 2 else [DOOR])
                    for n, b in enumerate(buildings)
                ],
                windows=[WindowDraft(22 * 60, 24 * 60), WindowDraft(2 * 60, 4 * 60)],
            )  # fmt: skip
        stamp(begun)
        for night in range(NIGHTS + 1):
            operations.make_tours(tenant=tenant, now=begun + timedelta(days=night))
        done = (
            queries.tours(by=who.admin, status="due").filter(ends_at__lt=now, starts_at__gt=begun).order_by("starts_at")
        )
        for n, tour in enumerate(done):
            if n % 13 == 7:
                continue  # nobody walked it
            _walk(tour.pk, tour.route_id, tour.starts_at, guard, tenant, random, rushed=n % 17 == 5)
        operations.sweep(tenant=tenant, now=now - timedelta(hours=2))
        for tour_id in queries.unjudged(before=now + timedelta(minutes=1)):
            operations.judge(tour_id=tour_id, tenant=tenant, now=now)
        stamp(now)


def _guard(plan: Plan, who: People, tenant: Tenant, party_id: UUID) -> Actor:
    """A login for one of the guards."""
    post = next(p for p in places.posts(by=who.admin) if p.name == "门岗保安员")
    person = places.staff(by=who.admin, party_id=party_id).filter(post_id=post.pk).order_by("number").first()
    assert person is not None
    actor = account(f"guard.{plan.slug}", person.name, Role.FRONTLINE, school_id=tenant.school_id, staff_id=person.pk)
    if person.account_id is None and actor.account_id:
        organisation.link_account(staff_id=person.pk, account_id=actor.account_id, by=who.admin, tenant=tenant)
    return actor


def _hall(who: People, building: str) -> UUID:
    """The entrance hall of the ground floor."""
    found = places.places(by=who.admin, search=building).filter(name="门厅").order_by("full_name").first()
    assert found is not None, building
    return found.pk


def _anchor(at: datetime, tenant: Tenant) -> Counted:
    return Counted(anchor(schema=tenant.schema, now=at), elapsed_ms=0, monotonic=True)


def _walk(
    tour_id: UUID, route_id: UUID, starts: datetime, guard: Actor, tenant: Tenant, random: Random, *, rushed: bool
) -> None:
    at = starts + timedelta(minutes=random.randrange(4, 25))
    operations.start_tour(tour_id=tour_id, at=at, counted=_anchor(at, tenant), by=guard, tenant=tenant, now=at)
    for n, (_key, point) in enumerate(queries.points_of([route_id])):
        at += timedelta(seconds=random.randrange(8, 20) if rushed else random.randrange(150, 420))
        if n == 3 and random.random() < 0.08:
            continue  # a point left out
        answers = {}
        for question in point.asked:  # type: ignore[attr-defined]
            low = random.random() < 0.04
            answers[str(question.pk)] = (
                f"{0.12 if low else random.uniform(0.28, 0.5):.2f}" if question.kind == "number" else "yes"
            )
        seen = ScanDraft(at=at, counted=_anchor(at, tenant), code=point.place.code, answers=answers)
        operations.scan(tour_id=tour_id, seen=seen, by=guard, tenant=tenant, now=at)
    operations.finish_tour(tour_id=tour_id, at=at, counted=_anchor(at, tenant), by=guard, tenant=tenant, now=at)
    stamp(at)
