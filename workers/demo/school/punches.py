"""Fences, devices and two months of punches of a demo school, derived from its rosters: mostly right, some late, some missing."""

from __future__ import annotations

import io
import math
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from PIL import Image

from identity.choices import Role
from identity.contracts import Actor
from kernel import anchors
from kernel.tenancy import Tenant
from tenants.evidence import operations as evidence
from tenants.organisation import queries as organisation
from tenants.organisation.models import Post
from tenants.punches import operations, queries
from tenants.punches.choices import DeviceKind, Direction, FenceShape, PunchStatus
from tenants.punches.contracts import MOST_RECORDS, Record
from tenants.punches.models import Punch
from workers.demo.documents import scene
from workers.demo.school.stamps import played, stamp
from workers.demo.schools import People, Plan

BACK = timedelta(days=62)
BY_PHONE = timedelta(days=3)  # the dormitory's people went over to their phones then
GARDENERS, NURSERY = "绿化养护工", timedelta(days=13)  # whose new nursery lies beyond the fence of the old one
HERE = {"qingyu": (29.9782, 121.9215), "songling": (31.2987, 120.6403)}
METRE = 1 / 111_194.93
NURSERY_M = 80
TERMINALS = ("东校区人脸考勤机", "西校区人脸考勤机")


def make(plan: Plan, who: People, tenant: Tenant, *, now: datetime, seed: int) -> None:
    """Make it unless the school already has devices."""
    if queries.devices(by=who.admin).exists():
        return
    random = Random(f"p{seed}{plan.slug}")  # noqa: S311  (deterministic on purpose)
    with transaction.atomic():
        posts = {post.name: post for post in organisation.posts(by=who.admin)}
        _fences(plan, who, tenant, posts, now)
        expected = _expected(now)
        devices = _terminals(who, tenant, now)
        stamp(now - BACK)
        dormitory = posts.get("公寓值班员")
        phones = {dormitory.pk} if dormitory else set()
        gardeners = posts[GARDENERS].pk if GARDENERS in posts else None
        outdoors: list[tuple[datetime, UUID, str]] = []
        records: dict[int, list[Record]] = {0: [], 1: []}
        steps: list[tuple[datetime, UUID, str]] = []
        for staff_id, number, post_id, starts_at, ends_at in expected:
            for at, direction in _times(starts_at, ends_at, random):
                if at >= now:
                    continue
                if post_id in phones and at > now - BY_PHONE:
                    steps.append((at, staff_id, direction))
                elif post_id == gardeners and at > now - NURSERY:
                    outdoors.append((at, staff_id, direction))
                else:
                    records[ord(number[-1]) % 2].append(Record(None, number, at, direction))
        for n, device_id in enumerate(devices):
            _send(device_id, records[n], tenant, now, random)
        _phones(plan, who, tenant, steps, random)
        _nursery(plan, tenant, posts.get(GARDENERS), outdoors, random)
        _worker(plan, who, tenant, now, random)
        operations.raise_uncertified(
            punch_ids=list(Punch.objects.exclude(lacking=[]).order_by("-at").values_list("pk", flat=True)[:8]),
            tenant=tenant, now=now,
        )  # fmt: skip


def _middle(plan: Plan) -> tuple[float, float]:
    """The old nursery, south of the campus."""
    lat, lon = HERE.get(plan.slug, (30.0, 120.0))
    return lat - 420 * METRE, lon + 260 * METRE / 0.86


def _fences(plan: Plan, who: People, tenant: Tenant, posts: dict[str, Post], now: datetime) -> None:
    lat, lon = HERE.get(plan.slug, (30.0, 120.0))
    common: dict[str, Any] = {"by": who.admin, "tenant": tenant, "now": now}
    for n, (name, radius) in enumerate(
        {"公寓值班员": 120, "楼宇保洁员": 400, "门岗保安员": 60, "窗口服务员": 90}.items()
    ):
        if name in posts:
            operations.save_fence(
                post_id=posts[name].pk, name="东校区", shape=FenceShape.CIRCLE, latitude=lat + n * 150 * METRE,
                longitude=lon, radius_m=radius, **common,
            )  # fmt: skip
    if GARDENERS in posts:
        middle = _middle(plan)
        operations.save_fence(
            post_id=posts[GARDENERS].pk, name="苗圃", shape=FenceShape.CIRCLE, latitude=middle[0], longitude=middle[1],
            radius_m=NURSERY_M, **common,
        )  # fmt: skip
    if "门岗保安员" in posts:
        east = METRE / 0.86
        ring = [(0, 0), (180, -20), (230, 90), (120, 170), (-20, 110)]
        operations.save_fence(
            post_id=posts["门岗保安员"].pk, name="西门广场", shape=FenceShape.POLYGON,
            polygon=[[lon + (900 + x) * east, lat + y * METRE] for x, y in ring], **common,
        )  # fmt: skip


def _expected(now: datetime) -> list[tuple[UUID, str, UUID, datetime, datetime]]:
    """Stretches of work of the last two months without an approved leave, in order of time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.staff_id, s.number, i.post_id, i.starts_at, i.ends_at FROM rosters_shiftinstance i"
            " JOIN organisation_staff s ON s.id = i.staff_id"
            " WHERE i.cancelled_at IS NULL AND i.starts_at > %s AND i.starts_at < %s AND NOT EXISTS (SELECT 1 FROM"
            " rosters_leave l WHERE l.staff_id = i.staff_id AND l.status = 'approved' AND l.starts_at < i.ends_at"
            " AND l.ends_at > i.starts_at) ORDER BY i.starts_at, s.number",
            [now - BACK, now + timedelta(hours=2)],
        )
        return list(cursor.fetchall())


def _times(starts_at: datetime, ends_at: datetime, random: Random) -> list[tuple[datetime, str]]:
    """When the person punched: 1 % not at all, 3 % forgot one, 5 % late, 2 % early."""
    luck = random.random()
    late = random.randint(3, 45) if random.random() < 0.05 else -random.randint(2, 16)
    early = -random.randint(5, 40) if random.random() < 0.02 else random.randint(1, 14)
    seconds = timedelta(seconds=random.randint(0, 59))
    come = starts_at + timedelta(minutes=late) + seconds, str(Direction.IN)
    go = ends_at + timedelta(minutes=early) + seconds, str(Direction.OUT)
    if luck < 0.01:
        return []
    if luck < 0.03:
        return [come]
    return [go] if luck < 0.04 else [come, go]


def _terminals(who: People, tenant: Tenant, now: datetime) -> list[UUID]:
    common: dict[str, Any] = {"by": who.admin, "tenant": tenant, "now": now - BACK}
    made = [
        operations.add_device(name=name, kind=DeviceKind.TERMINAL, verifies_person=True, **common)[0].pk
        for name in TERMINALS
    ]
    quiet, _token = operations.add_device(name="第二食堂刷卡机", kind=DeviceKind.TERMINAL, **common)
    past = now - timedelta(days=3)
    operations.ingest(
        device_id=quiet.pk, records=[Record(n, f"9{n:03d}", past - timedelta(minutes=7 * n)) for n in range(1, 7)],
        sent_at=past - timedelta(seconds=412), reported_until=past, by=Actor.system(tenant.school_id), tenant=tenant,
        now=past,
    )  # fmt: skip
    return made


def _send(device_id: UUID, records: list[Record], tenant: Tenant, now: datetime, random: Random) -> None:
    """All of a terminal's punches in the order of time, as it would have sent them."""
    ordered = [r._replace(seq=n) for n, r in enumerate(sorted(records, key=lambda r: r.recorded_at), start=1)]
    for start in range(0, len(ordered), MOST_RECORDS):
        operations.ingest(
            device_id=device_id, records=ordered[start : start + MOST_RECORDS], sent_at=now,
            reported_until=now - timedelta(minutes=2), by=Actor.system(tenant.school_id), tenant=tenant, now=now,
        )  # fmt: skip
    with connection.cursor() as cursor:  # they came within the minute; the demo alone may say so afterwards
        cursor.execute(
            "UPDATE punches_punch SET received_at = at + make_interval(secs => %s) WHERE device_id = %s",
            [random.randint(8, 50), device_id],
        )


def _phones(plan: Plan, who: People, tenant: Tenant, steps: list[tuple[datetime, UUID, str]], random: Random) -> None:
    """Punches from phones: inside the fence, a few far off, a few with an old position."""
    lat, lon = HERE.get(plan.slug, (30.0, 120.0))
    people = organisation.staff_by_id({staff_id for _at, staff_id, _d in steps})
    for turn, (at, staff_id, direction) in enumerate(sorted(steps, key=lambda step: step[0])):
        far = turn % 17 == 5
        away = random.randint(260, 420) if far else random.randint(0, 90)
        by = Actor(account_id=None, name=people[staff_id].name, roles=frozenset({Role.FRONTLINE}), staff_id=staff_id)
        second = turn % 11 == 3
        played(
            at, operations.punch, client_id=uuid5(staff_id, f"{at.isoformat()}"), direction=direction,
            latitude=lat + away * METRE,
            longitude=lon, accuracy_m=float(random.randint(8, 40)), fix_age_s=900.0 if turn % 19 == 7 else 2.0,
            phone_id=f"{staff_id.hex[-8:]}{'-2' if second else ''}", by=by, tenant=tenant,
        )  # fmt: skip
    refused = Punch.objects.filter(status=PunchStatus.REFUSED, phone_id__gt="").select_related("staff").order_by("-at")
    for row in refused[1:3]:
        me = Actor(account_id=None, name=row.staff.name, roles=frozenset({Role.FRONTLINE}), staff_id=row.staff_id)
        played(
            row.at + timedelta(minutes=20), operations.appeal, punch_id=row.pk,
            text="当时在楼内值班室，手机定位偏到马路对面去了，值班表和监控可查。", by=me, tenant=tenant,
        )  # fmt: skip


def _nursery(
    plan: Plan, tenant: Tenant, post: Post | None, steps: list[tuple[datetime, UUID, str]], random: Random
) -> None:
    """The gardeners punch with their phones; part of them work at the new nursery, which the fence does not hold: 误伤."""
    if post is None:
        return
    lat, lon = _middle(plan)
    people = organisation.staff_by_id({staff_id for _at, staff_id, _d in steps})
    for turn, (at, staff_id, direction) in enumerate(sorted(steps, key=lambda step: step[0])):
        new = turn % 5 in (1, 3)  # at the new nursery: 33–72 m beyond the line, to the north-east
        lost = turn % 31 == 8  # in the tool shed, where the phone knows little
        away = (
            NURSERY_M + (random.uniform(150, 190) if lost else random.uniform(33, 72)) if new else random.uniform(0, 70)
        )
        bearing = math.radians(random.gauss(50, 16) if new else random.uniform(0, 360))
        by = Actor(account_id=None, name=people[staff_id].name, roles=frozenset({Role.FRONTLINE}), staff_id=staff_id)
        played(
            at, operations.punch, client_id=uuid5(staff_id, f"n{at.isoformat()}"), direction=direction,
            latitude=lat + away * math.cos(bearing) * METRE, longitude=lon + away * math.sin(bearing) * METRE / 0.86,
            accuracy_m=float(6 + turn % 5 * 4), fix_age_s=2.0, phone_id=f"{staff_id.hex[-8:]}", by=by, tenant=tenant,
        )  # fmt: skip


def _saved_again(shot: bytes) -> bytes:
    """The same picture, cropped and saved anew: other bytes, the same shot."""
    picture = Image.open(io.BytesIO(shot))
    width, height = picture.size
    out = io.BytesIO()
    picture.crop((width // 16, height // 16, width - width // 16, height - height // 16)).save(out, "JPEG", quality=60)
    return out.getvalue()


def _worker(plan: Plan, who: People, tenant: Tenant, now: datetime, random: Random) -> None:
    """The demo's own frontline login: a photo, a supervisor's voucher, a punch that arrived two days late."""
    found = organisation.staff(by=who.admin).filter(account_id__isnull=False).first()
    if found is None or found.account_id is None:
        return
    me = Actor(
        account_id=found.account_id, name=found.name, roles=frozenset({Role.FRONTLINE}), school_id=tenant.school_id,
        staff_id=found.pk,
    )  # fmt: skip
    lat, lon = HERE.get(plan.slug, (30.0, 120.0))
    done = now - timedelta(days=2, hours=3)
    played(
        now - timedelta(hours=3), operations.punch, client_id=uuid5(found.pk, "offline"),
        anchor=anchors.anchor(schema=tenant.schema, now=done - timedelta(minutes=9)),
        elapsed_ms=540_000, monotonic=True, recorded_at=done + timedelta(days=1), latitude=lat, longitude=lon,
        accuracy_m=14.0, fix_age_s=3.0, phone_id=found.pk.hex[-8:], by=me, tenant=tenant,
    )  # fmt: skip
    shot = scene(random, shade="#dde5dc", stains=0)
    for hours, upload in ((27, shot), (2, _saved_again(shot))):
        at = now - timedelta(hours=hours)
        photo = evidence.keep_photo(upload=upload, name="岗位.jpg", by=me, tenant=tenant, now=at)
        row = played(
            at, operations.punch, client_id=uuid5(found.pk, f"photo{hours}"), photo_id=photo.pk, latitude=lat,
            longitude=lon, accuracy_m=11.0, fix_age_s=1.0, phone_id=found.pk.hex[-8:], by=me, tenant=tenant,
        )  # fmt: skip
        operations.compare_photo(punch_id=row.pk, tenant=tenant, now=at)
    played(
        now - timedelta(hours=26), operations.vouch, staff_id=found.pk, client_id=uuid5(found.pk, "vouch"),
        latitude=lat, longitude=lon, accuracy_m=9.0, fix_age_s=1.0, note="手机没电，本人在岗", by=who.supervisors[0], tenant=tenant,
    )  # fmt: skip
