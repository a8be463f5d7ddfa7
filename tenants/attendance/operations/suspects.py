"""误伤哨兵: posts, phones and devices that refuse far more people than others are found, and penalties held meanwhile.

Simple statistics: of the punches of two weeks, the share refused for reasons that a wrong fence, a bad phone or
a bad camera would give. Suspected is whose lower Wilson bound (95 %) lies above 15 % and above twice the share
of all others, from ten attempts on. A post must have refused two persons at least: one alone may be cheating.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.attendance import derive, policies
from tenants.attendance import held as held_rows
from tenants.attendance.choices import WRONGFUL, SuspectKind, SuspectStatus
from tenants.attendance.errors import FenceMoved, ReasonMissing, SuspectClosed
from tenants.attendance.models import DayResult, Suspect
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.punches import operations as punches
from tenants.punches.fences import Zone, distance_m, grown
from tenants.timeline.operations import record

WINDOW = timedelta(days=14)
LEAST_TRIED, LEAST_REFUSED, LEAST_PEOPLE = 10, 5, 2
LEAST_LOW = 0.15
Z = 1.96
ONE_BY_ONE = ("face_mismatch", "not_live")  # found here, yet never counted in a heap
MOST_GROWTH_M = 300  # a fence is not made larger than this at once: then the place itself is to be looked at


def wilson_low(refused: int, tried: int) -> float:
    """Lower end of the 95 % Wilson interval of refused / tried."""
    if not tried:
        return 0.0
    share, zz = refused / tried, Z * Z
    spread = Z * math.sqrt(share * (1 - share) / tried + zz / (4 * tried * tried))
    return (share + zz / (2 * tried) - spread) / (1 + zz / tried)


# One pass over the window, three ways of grouping; phones without what they sent from `posts`; a decided case is looked at again from its decision on.
_LOOK = """
WITH recent AS MATERIALIZED (
    SELECT p.post_id::text AS post, nullif(p.phone_id, '') AS phone, p.device_id::text AS device, p.staff_id, p.at,
           p.status = 'refused' AND p.refusal = ANY(%(wrongful)s) AS refused, p.refusal
    FROM punches_punch p
    WHERE p.at >= %(since)s AND p.at < %(now)s AND p.source IN ('phone', 'device', 'system')
      AND (p.status = 'accepted' OR (p.status = 'refused' AND p.refusal = ANY(%(wrongful)s)))
), tries AS (
    SELECT 'post' AS kind, post AS who, staff_id, at, refused, refusal FROM recent WHERE post IS NOT NULL
    UNION ALL SELECT 'phone', phone, staff_id, at, refused, refusal FROM recent
        WHERE phone IS NOT NULL AND NOT coalesce(post = ANY(%(posts)s), false)
    UNION ALL SELECT 'device', device, staff_id, at, refused, refusal FROM recent WHERE device IS NOT NULL
), decided AS (
    SELECT split_part(key, ':', 1) AS kind, split_part(key, ':', 2) AS who, max(decided_at) AS at
    FROM attendance_suspect WHERE status <> 'open' GROUP BY 1, 2
), counted AS (
    SELECT t.kind, t.who, count(*) AS tried, count(*) FILTER (WHERE t.refused) AS refused,
           count(DISTINCT t.staff_id) FILTER (WHERE t.refused) AS people,
           mode() WITHIN GROUP (ORDER BY t.refusal) FILTER (WHERE t.refused) AS reason, min(t.at) AS since
    FROM tries t LEFT JOIN decided d ON d.kind = t.kind AND d.who = t.who
    WHERE d.at IS NULL OR t.at > d.at
    GROUP BY 1, 2
)
SELECT kind, who, tried, refused, people, reason, since,
       sum(tried) OVER (PARTITION BY kind) - tried AS others_tried,
       sum(refused) OVER (PARTITION BY kind) - refused AS others_refused
FROM counted
"""

# The fences of the post, how far outside nine of ten refused positions were, and the middle of these.
_PROPOSE = """
SELECT f.id, f.name, f.radius_m, f.latitude, f.longitude, f.polygon, o.far, o.latitude, o.longitude, o.spread
FROM (SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY p.outside_m) AS far,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY p.latitude) AS latitude,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY p.longitude) AS longitude,
             coalesce(stddev_pop(p.latitude), 0) * 111195 AS spread
      FROM punches_punch p
      WHERE p.post_id = %(post)s AND p.at >= %(since)s AND p.at < %(now)s AND p.status = 'refused'
        AND p.refusal = 'outside' AND p.latitude IS NOT NULL AND p.outside_m IS NOT NULL) o
JOIN punches_fence f ON f.post_id = %(post)s AND f.active
WHERE o.far IS NOT NULL
ORDER BY f.name
"""


@dataclass(frozen=True, slots=True)
class Seen:
    kind: str
    who: str
    tried: int
    refused: int
    people: int
    reason: str
    since: datetime
    others_tried: int
    others_refused: int

    @property
    def suspicious(self) -> bool:
        if self.tried < LEAST_TRIED or self.refused < LEAST_REFUSED:
            return False
        if self.kind != SuspectKind.PHONE and self.people < LEAST_PEOPLE:
            return False
        others = self.others_refused / self.others_tried if self.others_tried >= LEAST_TRIED else 0.05
        return wilson_low(self.refused, self.tried) > max(LEAST_LOW, 2 * others)


def _seen(since: datetime, now: datetime, *, without: set[str]) -> list[Seen]:
    """What is suspicious, the phones judged by what they sent from other posts than these."""
    params: dict[str, Any] = {"since": since, "now": now, "wrongful": list(WRONGFUL), "posts": sorted(without)}
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, params)
        return [f for f in (Seen(*row) for row in cursor.fetchall()) if f.suspicious]


def _proposal(post: str, since: datetime, now: datetime) -> tuple[UUID | None, dict[str, Any]]:
    """How the nearest fence should be: larger by what nine of ten refused lacked (a polygon on all sides), or, a circle,
    moved to where they all were."""
    with connection.cursor() as cursor:
        cursor.execute(_PROPOSE, {"post": post, "since": since, "now": now})
        rows = cursor.fetchall()
    if not rows:
        return None, {}
    fence, name, radius, lat, lon, polygon, far, to_lat, to_lon, spread = min(
        rows, key=lambda row: distance_m(_zone(*row[2:6]), row[7], row[8])
    )
    growth = min(MOST_GROWTH_M, max(10, math.ceil(far / 10) * 10))
    if radius is None:
        was = _corners(polygon)
        wider = {"polygon": grown([(x, y) for x, y in was], growth), "was_polygon": was, "grown_m": growth}
        return fence, {"name": name, "p90_m": round(far), **wider}
    told: dict[str, Any] = {"name": name, "was_m": radius, "radius_m": radius, "p90_m": round(far)}
    if far > radius and spread < radius:  # they stand together, elsewhere: the centre is wrong
        told |= {"latitude": round(to_lat, 6), "longitude": round(to_lon, 6), "was": [lat, lon]}
    else:
        told["radius_m"] = radius + growth
    return fence, told


def _corners(polygon: Any) -> list[list[float]]:
    """JSON as the cursor gives it."""
    found: list[list[float]] = json.loads(polygon) if isinstance(polygon, str) else polygon
    return found


def _zone(radius: int | None, lat: float | None, lon: float | None, polygon: Any) -> Zone:
    if radius is not None:
        return Zone(lat or 0.0, lon or 0.0, radius_m=float(radius))
    corners = tuple((float(x), float(y)) for x, y in _corners(polygon))
    return Zone(corners[0][1], corners[0][0], corners=corners)


def _labels(found: list[Seen]) -> dict[tuple[str, str], str]:
    names: dict[tuple[str, str], str] = {}
    for kind, sql in (
        ("post", "SELECT p.id::text, y.name || ' · ' || p.name FROM organisation_post p JOIN organisation_party y ON y.id = p.party_id WHERE p.id = ANY(%s::uuid[])"),
        ("device", "SELECT id::text, name FROM punches_device WHERE id = ANY(%s::uuid[])"),
        ("phone", "SELECT u.x, coalesce(string_agg(DISTINCT s.name, '、'), '') FROM unnest(%s::text[]) u(x) LEFT JOIN punches_punch p ON p.phone_id = u.x LEFT JOIN organisation_staff s ON s.id = p.staff_id GROUP BY 1"),
    ):  # fmt: skip
        ids = [f.who for f in found if f.kind == kind]
        if ids:
            with connection.cursor() as cursor:
                cursor.execute(sql, [ids])
                names |= {
                    (kind, key): (f"{name}的手机" if kind == "phone" else name)[:120] for key, name in cursor.fetchall()
                }
    return names


@transaction.atomic
def look_for_suspects(*, tenant: Tenant, now: datetime) -> list[Suspect]:
    """Look at the last two weeks; new cases are opened, supervisors told, and penalties they may explain are held.

    A post explains its people's phones there: what they sent from suspected posts is left out, and a phone is
    suspected for what it did elsewhere. Safe to run twice.
    """
    derive.lock(tenant)
    since = now - WINDOW
    open_keys = set(Suspect.objects.filter(status=SuspectStatus.OPEN).values_list("key", flat=True))
    known = {key.partition(":")[2] for key in open_keys if key.startswith("post:")}
    found = _seen(since, now, without=known)
    if more := {f.who for f in found if f.kind == SuspectKind.POST} - known:
        found = _seen(since, now, without=known | more)
    found = [f for f in found if f"{f.kind}:{f.who}" not in open_keys]
    names = _labels(found)
    made = []
    for f in found:
        fence, proposal = (
            _proposal(f.who, f.since, now) if f.kind == SuspectKind.POST and f.reason == "outside" else (None, {})
        )
        made.append(
            Suspect(
                kind=SuspectKind.FENCE if fence else f.kind, post_id=f.who if f.kind == SuspectKind.POST else None,
                fence_id=fence, device_id=f.who if f.kind == SuspectKind.DEVICE else None,
                phone_id=f.who if f.kind == SuspectKind.PHONE else "", label=names.get((f.kind, f.who), ""),
                key=f"{f.kind}:{f.who}", since=f.since, until=now, refused=f.refused, tried=f.tried,
                others_refused=f.others_refused, others_tried=f.others_tried, low=round(wilson_low(f.refused, f.tried), 4),
                people=f.people, reason=f.reason, proposal=proposal, found_at=now,
            )
        )  # fmt: skip
    Suspect.objects.bulk_create(made)
    if made:
        first = min(s.since for s in made).astimezone(tenant.tz).date() - timedelta(days=1)
        with connection.cursor() as cursor:
            cursor.execute(derive.HOLD, {"first": first, "last": now.astimezone(tenant.tz).date()})
    office = people_of_school(
        school_id=tenant.school_id, roles=[Role.SCHOOL_SUPERVISOR, Role.SCHOOL_ADMIN],
        today=now.astimezone(tenant.tz).date(),
    )  # fmt: skip
    for row in made:
        record(
            verb="suspect.found", sentence=f"误伤线索：{row.label}，{row.tried} 次打卡中 {row.refused} 次未通过"[:300],
            subject=row, by=Actor.system(tenant.school_id), post_id=row.post_id,
        )  # fmt: skip
        notices.notify(
            account_ids=[p.account_id for p in office], kind=NoticeKind.TODO, title=f"可能误伤：{row.label}",
            text=f"{row.people} 人共 {row.refused}/{row.tried} 次打卡未通过，相关处罚已暂列待定，请核实后处理。",
            path="/attendance/suspects/", subject=row, occasion=f"suspect.found:{row.pk}", now=now,
        )  # fmt: skip
    return made


def _explained(row: Suspect) -> list[int]:
    """The refused punches that the case would explain: never a face that was another's or not alive. Whoever was
    refused for that appeals, and somebody looks at that one punch."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.id FROM punches_punch p
               WHERE p.status = 'refused' AND p.refusal = ANY(%(wrongful)s) AND p.at >= %(since)s
                 AND CASE %(kind)s WHEN 'phone' THEN p.phone_id = %(phone)s WHEN 'device' THEN p.device_id = %(device)s
                     ELSE p.post_id = %(post)s END""",
            {
                "wrongful": ["outside"] if row.kind == SuspectKind.FENCE else [r for r in WRONGFUL if r not in ONE_BY_ONE],
                "since": row.since,
                "kind": row.kind, "phone": row.phone_id, "device": row.device_id, "post": row.post_id,
            },
        )  # fmt: skip
        return [r[0] for r in cursor.fetchall()]


@transaction.atomic
def decide_suspect(
    *, suspect_id: UUID, accepted: bool, by: Actor, tenant: Tenant, now: datetime, note: str = ""
) -> Suspect:
    """误伤成立: the fence is changed as proposed, the punches it refused count, and results are derived again.
    不成立: a reason is given and the held penalties stand. The same for held adjustments of confirmed months. Locks the case.

    Raises NotFound, NotAllowed, SuspectClosed, ReasonMissing, FenceMoved.
    """
    row = Suspect.objects.select_for_update(of=("self",)).select_related("fence").filter(pk=suspect_id).first()
    if row is None:
        raise NotFound
    if not policies.decides(by):
        raise NotAllowed
    if row.status != SuspectStatus.OPEN:
        raise SuspectClosed(status=str(row.get_status_display()))
    note = " ".join(note.split())
    if not accepted and not note:
        raise ReasonMissing(field="note")
    held = list(DayResult.objects.filter(suspect=row).values_list("instance_id", "day"))
    beside = [(instance_id, day) for _case, instance_id, day in held_rows.of_cases([row.pk])]
    counted = 0
    if accepted:
        if row.kind == SuspectKind.FENCE:
            _change_fence(row, by=by, tenant=tenant, now=now)
        counted = punches.count_refused(
            punch_ids=_explained(row),
            inside_only=row.kind == SuspectKind.FENCE,
            by=by,
            tenant=tenant,
            now=now,
            note=note,
        )
    row.status = SuspectStatus.ACCEPTED if accepted else SuspectStatus.REJECTED
    row.decided_at, row.decided_by, row.decided_by_name, row.decision_note = now, by.account_id, by.name, note[:300]
    row.save(update_fields=["status", "decided_at", "decided_by", "decided_by_name", "decision_note"])
    DayResult.objects.filter(suspect=row).update(suspect=None)
    derive.derive_instances([*held, *beside], tenant=tenant, now=now)
    record(
        verb="suspect.accepted" if accepted else "suspect.rejected",
        sentence=(
            f"误伤成立：{row.label}，{counted} 次打卡改为有效，{len(held)} 条结果重新计算"
            if accepted else f"误伤不成立：{row.label}，{len(held)} 条结果维持"
        )[:300],
        subject=row, by=by, post_id=row.post_id, counted=counted, held=len(held), adjustments=len(beside), note=note,
    )  # fmt: skip
    notices.settle(subject=row, now=now)
    return row


def _change_fence(row: Suspect, *, by: Actor, tenant: Tenant, now: datetime) -> None:
    fence, told = row.fence, row.proposal
    was = told.get("was")
    if fence is None or fence.radius_m != told.get("was_m") or (was and [fence.latitude, fence.longitude] != was):
        raise FenceMoved
    if fence.polygon != told.get("was_polygon", []):
        raise FenceMoved
    punches.save_fence(
        fence_id=fence.pk, post_id=fence.post_id, name=fence.name, shape=fence.shape,
        latitude=told.get("latitude", fence.latitude), longitude=told.get("longitude", fence.longitude),
        radius_m=told.get("radius_m"), polygon=told.get("polygon", []), by=by, tenant=tenant, now=now,
    )  # fmt: skip
