"""Four duty posts with a week of stints, presence calls, an anomaly and a handover; who came by the roster is on duty now.

A camera system has reported three times: one is confirmed, one was nothing, one waits for a human's judgement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from django.db import transaction

from identity.choices import Role
from identity.contracts import Actor
from kernel.clock import day_bounds
from kernel.errors import NotFound
from kernel.tenancy import Tenant
from tenants.attendance.models import DayResult
from tenants.duty import operations, staffing, webhooks
from tenants.duty.errors import CallOver
from tenants.duty.models import Call
from tenants.duty.operations.cameras import NewCamera
from tenants.duty.queries import items_of
from tenants.evidence import operations as evidence
from tenants.organisation import operations as organisation
from tenants.organisation import queries as places
from tenants.organisation.models import Place, Post, Staff
from tenants.rosters import operations as rosters
from workers.demo.documents import scene
from workers.demo.people import account
from workers.demo.school.stamps import played
from workers.demo.schools import People, Plan

DAYS = 4
# Post → where it stands, rules, and how many of its people take part.
POSTS: dict[str, tuple[str, dict[str, Any], int]] = {
    "公寓值班员": ("1号公寓", {"calls_per_day": 3, "answer_minutes": 5, "gap_minutes": 0}, 2),
    "门岗保安员": ("东校区", {"calls_per_day": 2, "answer_minutes": 5, "quiet": [[720, 780]], "gap_minutes": 0}, 2),
    "消防控制室值班员": ("图书馆", {"calls_per_day": 2, "answer_minutes": 3, "persons_to_answer": 2}, 3),
    "配电运行工": ("实训中心", {"calls_per_day": 1, "answer_minutes": 10}, 1),
}


FAULTS = {
    "公寓值班员": ("二层东侧走廊照明跳闸，学生反映没有灯", "维修工更换空气开关，灯已全亮"),
    "门岗保安员": ("出口道闸落不下来，改为人工放行", "厂家远程复位，试过十次正常"),
    "消防控制室值班员": ("三层西侧烟感报故障，现场没有烟火", "探头积灰，清洁后复位，主机无故障"),
    "配电运行工": ("照明回路跳闸，已复位并观察", "更换空气开关，恢复正常"),
}
# What the cameras saw at a post: days back, kind, words, what a human made of it (None: nobody has looked yet).
SEEN: dict[str, tuple[int, str, str, tuple[bool, str] | None]] = {
    "门岗保安员": (2, "other", "岗亭前车辆排队超过 8 辆", (False, "晚高峰正常排队，值班员在指挥")),
    "配电运行工": (1, "off_post", "值班室画面连续 12 分钟无人", (True, "回看录像，离开 13 分钟，没有申报离岗")),
    "公寓值班员": (0, "off_post", "值班台画面连续 6 分钟无人", None),
}


def make(plan: Plan, who: People, tenant: Tenant, *, now: datetime, seed: int) -> None:
    """Make it unless the school already has duty posts."""
    posts = {p.name: p for p in places.posts(by=who.admin).select_related("place") if p.name in POSTS}
    if len(posts) < len(POSTS) or Call.objects.exists():
        return
    random = Random(f"d{seed}{plan.slug}")  # noqa: S311  (deterministic on purpose)
    with transaction.atomic():
        camera = played(
            now - timedelta(days=20), operations.add_camera, name="校园视频监控平台", by=who.admin, tenant=tenant
        )
        for name, (where, rules, heads) in POSTS.items():
            post = posts[name]
            place = next(p for p in places.places(by=who.admin, search=where) if p.name == where)
            if post.place_id is None:
                post.place = place
                post.save(update_fields=["place"])
            operations.configure_post(post_id=post.pk, by=who.admin, tenant=tenant, now=now, **rules)
            people = [
                _login(person, who, tenant)
                for person in list(Staff.objects.filter(post=post).order_by("number"))[:heads]
            ]
            _week(post, place, people, camera, who, tenant, random, now)
        _now(posts, camera, who, tenant, now)


def _login(person: Staff, who: People, tenant: Tenant) -> Actor:
    """An account of their own; whoever has one keeps it."""
    if person.account_id is not None:
        return Actor(
            account_id=person.account_id, name=person.name, roles=frozenset({Role.FRONTLINE}),
            school_id=tenant.school_id, staff_id=person.pk,
        )  # fmt: skip
    actor = account(
        f"duty.{person.number.lower()}", person.name, Role.FRONTLINE, school_id=tenant.school_id, staff_id=person.pk
    )
    if actor.account_id:
        organisation.link_account(staff_id=person.pk, account_id=actor.account_id, by=who.admin, tenant=tenant)
    return actor


def _week(
    post: Post, place: Place, people: list[Actor], camera: NewCamera, who: People, tenant: Tenant, random: Random,
    now: datetime,
) -> None:  # fmt: skip
    """A day shift of each day before today, with one or two calls."""
    today = now.astimezone(tenant.tz).date()
    for back in range(DAYS, 0, -1):
        start = day_bounds(today - timedelta(days=back), tenant.tz)[0] + timedelta(hours=8)
        team = people if len(people) > 2 else people[back % len(people) :][:1]
        for seconds, person in zip(sorted(random.sample(range(-480, 240), len(team))), team, strict=True):
            played(
                start + timedelta(seconds=seconds), operations.sign_on, post_id=post.pk, by=person, tenant=tenant,
                place_code=place.code,
            )  # fmt: skip
        for n in range(1 + back % 2):
            at = start + timedelta(hours=2 + 4 * n, minutes=random.randint(0, 90))
            _call(post, place, team, who, tenant, random, at)
        if back == 2:
            what, done = FAULTS[post.name]
            seen = start + timedelta(hours=7, minutes=random.randint(2, 48))
            row = played(seen, operations.report_anomaly, kind="fault", text=what, by=team[0], tenant=tenant)
            played(
                seen + timedelta(minutes=random.randint(50, 150)), operations.close_anomaly, anomaly_id=row.pk,
                result=done, by=team[0], tenant=tenant,
            )  # fmt: skip
        if post.name in SEEN and SEEN[post.name][0] == back:
            _reported(camera, post, SEEN[post.name], who, tenant, start + timedelta(hours=10, minutes=40))
        for seconds, person in zip(sorted(random.sample(range(20, 540), len(team))), team, strict=True):
            played(start + timedelta(hours=12, seconds=seconds), operations.sign_off, by=person, tenant=tenant)


def _call(
    post: Post, place: Place, team: list[Actor], who: People, tenant: Tenant, random: Random, at: datetime
) -> None:
    [call] = played(at, operations.issue_calls, post_ids=[post.pk], by=who.supervisors[0], tenant=tenant)
    operations.send_due(tenant=tenant, now=at)
    for person in team:  # their phones lay open: the call arrived
        with suppress(NotFound):
            operations.acknowledge_call(call_id=call.pk, by=person, tenant=tenant, now=at + timedelta(seconds=4))
    lot = random.random()
    if lot > 0.12:
        late = lot < 0.22
        for n, person in enumerate(team[:2]):
            moment = at + timedelta(seconds=(840 if late else random.randint(40, 130)) + 9 * n)
            if late and n == 0:
                played(at + timedelta(minutes=11), operations.decide_due, tenant=tenant)
            with suppress(CallOver):  # the others were enough
                opened = operations.open_call(
                    call_id=call.pk, by=person, tenant=tenant, now=moment - timedelta(seconds=25)
                )
                photo = evidence.keep_photo(
                    upload=scene(random, stains=random.randint(2, 5), shade=_shade(random)), name="查岗.jpg", by=person,
                    tenant=tenant, now=moment - timedelta(seconds=2), taken_at=moment - timedelta(seconds=3),
                )  # fmt: skip
                played(
                    moment, operations.answer_call, call_id=call.pk, nonce=opened.nonce, photo_id=photo.pk,
                    place_code=place.code, by=person, tenant=tenant,
                )  # fmt: skip
    played(at + timedelta(minutes=11), operations.decide_due, tenant=tenant)


def _shade(random: Random) -> str:
    """The light of the moment: no two pictures are the same bytes, or an answer would be refused as an old one."""
    return "#" + "".join(f"{random.randint(196, 240):02x}" for _ in range(3))


def _reported(
    camera: NewCamera,
    post: Post,
    seen: tuple[int, str, str, tuple[bool, str] | None],
    who: People,
    tenant: Tenant,
    at: datetime,
) -> None:
    """What a camera system says, as systems do, by a signed message; and who looked at the recording."""
    _back, kind, text, verdict = seen
    message, sent = f"{post.pk.hex[-12:]}-{at:%m%d}", int(at.timestamp())
    body = json.dumps({"post": str(post.pk), "kind": kind, "at": at.isoformat(), "text": text}).encode()
    row, _new = played(
        at + timedelta(seconds=2), operations.receive_report, camera_id=camera.system.pk, message_id=message,
        timestamp=str(sent), body=body, tenant=tenant,
        signatures=webhooks.sign(secret=camera.secret, message_id=message, timestamp=sent, body=body),
    )  # fmt: skip
    if verdict is not None:
        played(
            at + timedelta(minutes=26), operations.judge_report, report_id=row.pk, confirmed=verdict[0],
            note=verdict[1], by=who.supervisors[0], tenant=tenant,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Came:
    """Who punched for a shift of today at a duty post: signs on then, and off when the shift is over."""

    post: Post
    person: Actor
    on: datetime
    off: datetime | None


def _came(posts: Iterable[Post], who: People, tenant: Tenant, now: datetime) -> list[_Came]:
    today = day_bounds(now.astimezone(tenant.tz).date(), tenant.tz)[0]
    rows = DayResult.objects.filter(
        post__in=list(posts), in_at__lte=now, instance__starts_at__lte=now, instance__ends_at__gt=today
    ).select_related("instance", "staff", "post__place")
    found = []
    for row in rows.order_by("instance__starts_at", "in_at"):
        starts, ends = row.instance.starts_at, row.instance.ends_at
        # The evening before was played with others until nine minutes past.
        on = max(row.in_at or starts, starts + timedelta(minutes=11)) if starts < today else row.in_at or starts
        off = max(row.out_at or ends, on) if ends <= now else None
        found.append(_Came(row.post, _login(row.staff, who, tenant), on, off))
    return found


def _now(posts: dict[str, Post], camera: NewCamera, who: People, tenant: Tenant, now: datetime) -> None:
    """Today: who came by the roster is on duty; a guard walks; something is open at the dormitory and handed over.

    A part of that story is played by who came in time for it, else by somebody of the post without a shift today; the walk
    always by the first guard, whose login people are shown.
    """
    gate = posts["门岗保安员"]
    walker = _login(Staff.objects.filter(post=gate).order_by("number")[0], who, tenant)
    came = [
        c for c in _came(posts.values(), who, tenant, now)
        if c.person.staff_id != walker.staff_id or (c.off is None and c.on <= now - timedelta(minutes=23))
    ]  # fmt: skip
    taken = {c.person.staff_id for c in came}
    acts: list[tuple[datetime, Callable[..., Any], dict[str, Any]]] = []
    for c in came:
        acts.append((c.on, operations.sign_on, {"post_id": c.post.pk, "by": c.person, "place_code": _code(c.post)}))
        if c.off:
            acts.append((c.off, operations.sign_off, {"by": c.person}))

    def part(name: str, *, minutes: int) -> Actor:
        """Somebody who has been on duty at the post for so many minutes."""
        since = now - timedelta(minutes=minutes, seconds=len(acts) * 17 % 60)
        for c in came:
            if c.post == posts[name] and c.off is None and c.on <= since and c.person.staff_id not in played_by:
                played_by.add(c.person.staff_id)
                return c.person
        people = Staff.objects.filter(post=posts[name]).order_by("number")
        return stand_in(_login(next(p for p in people if p.pk not in taken | played_by), who, tenant), name, since)

    def stand_in(person: Actor, name: str, since: datetime) -> Actor:
        played_by.add(person.staff_id)
        given = {"post_id": posts[name].pk, "by": person, "place_code": _code(posts[name])}
        acts.append((since, operations.sign_on, given))
        return person

    played_by: set[UUID | None] = set()
    first, second = part("公寓值班员", minutes=54), part("公寓值班员", minutes=12)
    if walker.staff_id not in taken:
        stand_in(walker, gate.name, now - timedelta(minutes=23))
    acts += [
        (
            now - timedelta(minutes=50), operations.report_anomaly,
            {"kind": "visitor", "text": "外来维修人员 2 人登记入楼，修完二层水管离开", "by": first},
        ),
        (
            now - timedelta(minutes=15), operations.declare_absence,
            {"kind": "patrol", "minutes": 40, "reason": "东区围墙", "by": walker},
        ),
    ]  # fmt: skip
    for at, operation, given in sorted(acts, key=lambda act: act[0]):
        played(at, operation, tenant=tenant, **given)
    _reported(camera, posts["公寓值班员"], SEEN["公寓值班员"], who, tenant, now - timedelta(minutes=11))
    assert second.staff_id is not None
    handover = played(
        now - timedelta(minutes=8), operations.offer_handover, receiver_id=second.staff_id, note="离开时请核对人数",
        by=first, tenant=tenant,
    )  # fmt: skip
    assert items_of([handover.pk])
    _coverage([p.pk for p in posts.values()], posts["消防控制室值班员"].pk, who, tenant, now)


def _code(post: Post) -> str:
    """What the label at the post says."""
    return post.place.code if post.place else ""


def _coverage(post_ids: list[UUID], double: UUID, who: People, tenant: Tenant, now: datetime) -> None:
    """Round the clock, two persons in the fire control room, unless the roster's part of the demo said it already."""
    today = now.astimezone(tenant.tz).date()
    known = staffing.coverage_spans(day=today, tz=tenant.tz)
    for pk in post_ids:
        if pk not in known:
            rosters.save_coverage(
                post_id=pk, persons=2 if pk == double else 1, valid_from=today - timedelta(days=30), by=who.admin,
                tenant=tenant, now=now,
            )  # fmt: skip
