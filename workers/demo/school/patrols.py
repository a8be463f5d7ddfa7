"""Two patrol routes of a demo school, and ten nights of tours: honest ones, a rushed one, a missed one.

What was missed is explained; the newest explanation waits for a supervisor. One tour shows pictures of the night before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from random import Random
from typing import Any
from uuid import UUID

from django.db import transaction

from identity.choices import Role
from identity.contracts import Actor
from kernel.anchors import Counted, anchor
from kernel.tenancy import Tenant
from tenants.evidence import operations as evidence
from tenants.organisation import operations as organisation
from tenants.organisation import queries as places
from tenants.patrols import operations, queries
from tenants.patrols.models import Tour
from tenants.patrols.operations import PointDraft, QuestionDraft, ScanDraft, WindowDraft
from workers.demo.documents import cut, hydrant
from workers.demo.people import account
from workers.demo.school.stamps import played, stamp
from workers.demo.schools import People, Plan

NIGHTS = 10
PICTURED = (1, 3)  # points of a tour with a picture
# Why nobody walked, and why a point was left out; whether the supervisor takes it, and what for.
Word = tuple[str, bool, str]
NOT_WALKED: tuple[Word, ...] = (
    ("突发暴雨，先去地下车库堵水，回来时已过时段", True, "值班日志有记录，属实"),
    ("当班人员临时请假，替班没有接到通知", False, "替班应提前落实，请补上交接流程"),
)
LEFT_OUT: tuple[Word, ...] = (("公寓有学生突发疾病，陪同等救护车", True, "与公寓值班记录一致"),)
NEWEST = "楼前自来水管爆裂，围挡封路，绕行没能到门厅，已告诉楼内值班员"
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
        guards = {name: _guard(plan, who, tenant, party.pk, n) for n, name in enumerate(ROUTES)}
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
        due = queries.tours(by=who.admin, status="due").filter(ends_at__lt=now, starts_at__gt=begun)
        _nights(list(due.order_by("starts_at", "route__name")), guards, who, tenant, random, now)
        for tour_id in queries.unjudged(before=now + timedelta(minutes=1)):
            operations.judge(tour_id=tour_id, tenant=tenant, now=now)
        stamp(now)


def _nights(
    tours: list[Tour], guards: dict[str, Actor], who: People, tenant: Tenant, random: Random, now: datetime
) -> None:
    """Window after window: who walks walks, what nobody walked is missed, what was missed is explained next morning."""
    *_before, shown, copied, one_less = (t.pk for t in tours if t.route.name == next(iter(ROUTES)))
    pictures: list[bytes] = []
    not_walked, left_out = iter(NOT_WALKED), iter(LEFT_OUT)
    for ends_at, window in groupby(enumerate(tours), key=lambda pair: pair[1].ends_at):
        missed: list[tuple[Tour, Actor, Iterator[Word]]] = []
        for n, tour in window:
            guard = guards[tour.route.name]
            newest = tour.pk in (shown, copied, one_less)
            if n % 13 == 7 and not newest:
                missed.append((tour, guard, not_walked))
                continue
            taken = _shots(random, pictures, copied=tour.pk == copied) if tour.pk in (shown, copied) else []
            skips = 3 if tour.pk == one_less or (not newest and random.random() < 0.08) else None
            over = _walk(tour, guard, tenant, random, rushed=n % 17 == 5 and not newest, skips=skips, pictures=taken)
            if tour.pk == one_less:
                said = over + timedelta(minutes=12)
                played(said, operations.explain, tour_id=tour.pk, text=NEWEST, by=guard, tenant=tenant)
            elif skips is not None:
                missed.append((tour, guard, left_out))
        played(min(ends_at + timedelta(minutes=6), now), operations.sweep, tenant=tenant)
        for tour, guard, words in missed:
            said = ends_at + timedelta(hours=5, minutes=random.randrange(10, 90))
            word = None if said + timedelta(hours=4) > now else next(words, None)
            if word is None:
                continue  # nobody says why: after a day that is a finding
            text, accepted, note = word
            played(said, operations.explain, tour_id=tour.pk, text=text, by=guard, tenant=tenant)
            played(
                said + timedelta(minutes=random.randrange(40, 200)), operations.review, tour_id=tour.pk,
                accepted=accepted, note=note, by=who.supervisors[0], tenant=tenant,
            )  # fmt: skip


def _shots(random: Random, before: list[bytes], *, copied: bool) -> list[bytes]:
    """A picture per point that has one: taken now, or those of the night before: one cut and saved again, one as it was."""
    if copied:
        return [cut(before[0]), before[1]]
    before += [hydrant(random) for _point in PICTURED]
    return before


def _guard(plan: Plan, who: People, tenant: Tenant, party_id: UUID, number: int) -> Actor:
    """A login for one of the guards."""
    post = next(p for p in places.posts(by=who.admin) if p.name == "门岗保安员")
    person = places.staff(by=who.admin, party_id=party_id).filter(post_id=post.pk).order_by("number")[number]
    username = f"duty.{person.number.lower()}" if number else f"guard.{plan.slug}"
    actor = account(username, person.name, Role.FRONTLINE, school_id=tenant.school_id, staff_id=person.pk)
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
    tour: Tour, guard: Actor, tenant: Tenant, random: Random, *, rushed: bool, skips: int | None, pictures: list[bytes]
) -> datetime:
    """Point after point; returns when it was over."""
    at = tour.starts_at + timedelta(seconds=random.randrange(240, 1500))
    common: dict[str, Any] = {"tour_id": tour.pk, "by": guard, "tenant": tenant}
    played(at, operations.start_tour, at=at, counted=_anchor(at, tenant), **common)
    for n, (_key, point) in enumerate(queries.points_of([tour.route_id])):
        at += timedelta(seconds=random.randrange(8, 20) if rushed else random.randrange(150, 420))
        if n == skips:
            continue  # a point left out
        answers = {}
        for question in point.asked:  # type: ignore[attr-defined]
            low = random.random() < 0.04
            answers[str(question.pk)] = (
                f"{0.12 if low else random.uniform(0.28, 0.5):.2f}" if question.kind == "number" else "yes"
            )
        photos = [
            evidence.keep_photo(
                upload=picture, name="消火栓.jpg", place_id=point.place_id, taken_at=at, by=guard, tenant=tenant, now=at
            ).pk
            for place, picture in zip(PICTURED, pictures, strict=False)
            if place == n
        ]
        seen = ScanDraft(
            at=at, counted=_anchor(at, tenant), code=point.place.code, answers=answers, photo_ids=photos
        )  # fmt: skip
        played(at, operations.scan, seen=seen, **common)
    at += timedelta(seconds=random.randrange(5, 60))
    played(at, operations.finish_tour, at=at, counted=_anchor(at, tenant), **common)
    return at
