"""The live board: who is at each post now. One statement over the shifts that touch this moment.

Read from the punches themselves, not from derived results: the board is right the moment a punch is accepted,
whether or not the worker has derived the day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from identity.contracts import Actor
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.attendance import policies
from tenants.attendance.contracts import Person, Presence, Walk
from tenants.rosters import queries as rosters
from tenants.rosters.contracts import CONTRACTED, leave_covers

AHEAD = timedelta(minutes=30)  # so long before its start a shift is shown
HANDOVER = timedelta(minutes=15)  # around a change of shift a post is 交接中 rather than short
STATES = {
    "present": "在岗",
    "patrol": "巡逻中",
    "handover": "交接中",
    "short": "缺员",
    "left": "离岗",
    "awaited": "未到",
    "nobody": "无人排班",
    "soon": "待接班",
    "field": "外勤",
}
PEOPLE = {
    "present": "在岗",
    "patrol": "巡逻中",
    "early": "已到，待接班",
    "awaited": "未到",
    "soon": "待接班",
    "left": "离岗",
    "leave": "请假",
    "field": "外勤",
    "done": "已下班",
}
ORDER = ("nobody", "awaited", "left", "short", "handover", "soon", "patrol", "field", "present")

Walks = Callable[[Collection[UUID], datetime], Mapping[UUID, Walk]]
_walks: list[Walks] = []


def register_walks(walks: Walks) -> None:
    """A higher feature says who of these people walks a tour at this moment (patrols). Once per start."""
    if walks not in _walks:
        _walks.append(walks)


# A shift of the person that ends where this one begins: the punch around that moment ends it, whatever it says and for
# which post, and begins this one (derive._IN_TIME). Asked only of a punch that needs it.
_ENDED_BEFORE = """
    SELECT max(t.out_until) FROM rosters_shiftinstance t
    WHERE t.staff_id = i.staff_id AND t.ends_at = i.starts_at AND t.cancelled_at IS NULL
      AND t.starts_at < i.starts_at AND t.starts_at > i.starts_at - interval '3 days'"""
_BEGINS_AFTER = """
    SELECT min(t.in_from) FROM rosters_shiftinstance t
    WHERE t.staff_id = i.staff_id AND t.starts_at = i.ends_at AND t.cancelled_at IS NULL"""

# Who came: the first counted punch in the in-window, or later one that does not say going; who went: the last counted one
# that means going from this shift. An "out" within HANDOVER of a touching shift's end is that shift's.
_NOW = f"""
WITH contracted AS ({CONTRACTED})
SELECT i.post_id, i.staff_id, s.name, i.starts_at, i.ends_at, i.needs_in, f.at, f.grade, o.at,
       coalesce((SELECT CASE WHEN bool_and(l.kind = 'field') THEN 'field' WHEN count(*) > 0 THEN 'leave' END FROM rosters_leave l
                 WHERE {leave_covers("i.staff_id", "%(now)s")}), '') AS away, 0 AS persons
FROM rosters_shiftinstance i
JOIN organisation_staff s ON s.id = i.staff_id
LEFT JOIN LATERAL (
    SELECT p.at, p.grade FROM punches_punch p
    WHERE p.staff_id = i.staff_id AND p.at >= i.in_from AND p.at < i.out_until AND p.at <= %(now)s AND p.status = 'accepted'
      AND (p.grade <= i.grade OR p.source = 'correction')
      AND (p.post_id IS NULL OR p.post_id = i.post_id OR p.at < i.starts_at OR p.at < ({_ENDED_BEFORE}))
      AND (p.direction <> 'out' OR p.at < i.starts_at OR p.at < ({_ENDED_BEFORE}))
    ORDER BY p.at, p.id LIMIT 1) f ON true
LEFT JOIN LATERAL (
    SELECT p.at FROM punches_punch p
    WHERE p.staff_id = i.staff_id AND p.at >= i.starts_at AND p.at < i.out_until AND p.at <= %(now)s AND p.status = 'accepted'
      AND (f.at IS NULL OR p.at > f.at)
      AND (p.post_id IS NULL OR p.post_id = i.post_id OR p.at >= ({_BEGINS_AFTER}))
      AND (p.direction = 'out' OR (p.direction = 'unknown' AND p.at >= i.out_from))
      AND (p.at >= i.starts_at + interval '15 minutes' OR ({_ENDED_BEFORE}) IS NULL)
      AND NOT EXISTS (SELECT FROM punches_punch b WHERE b.staff_id = p.staff_id AND b.at > p.at AND b.at <= %(now)s
                      AND b.at < i.out_until AND b.status = 'accepted' AND b.direction = 'in')
    ORDER BY p.at DESC, p.id DESC LIMIT 1) o ON true
WHERE i.cancelled_at IS NULL AND i.starts_at <= %(now)s + interval '30 minutes' AND i.ends_at > %(now)s - interval '15 minutes'
  AND i.starts_at > %(now)s - interval '3 days'
  AND coalesce(s.hired_on <= i.day, true) AND coalesce(s.left_on >= i.day, true)
  AND (%(parties)s::uuid[] IS NULL OR i.party_id = ANY(%(parties)s::uuid[]))
  AND (%(posts)s::uuid[] IS NULL OR i.post_id = ANY(%(posts)s::uuid[]))
UNION ALL
SELECT c.post_id, NULL, '', min(c.starts_at), max(c.ends_at), false, NULL, NULL, NULL, '', sum(c.persons)::int
FROM contracted c WHERE c.starts_at <= %(now)s AND c.ends_at > %(now)s GROUP BY c.post_id
"""

_POSTS = """
SELECT p.id, p.name, p.party_id, y.name, coalesce(pl.full_name, ''), p.line
FROM organisation_post p JOIN organisation_party y ON y.id = p.party_id LEFT JOIN organisation_place pl ON pl.id = p.place_id
WHERE p.id = ANY(%s::uuid[])
"""


def board(
    *, by: Actor, tenant: Tenant, now: datetime, party_id: UUID | None = None, post_ids: list[UUID] | None = None
) -> list[Presence]:
    """Posts where somebody is expected now, what needs somebody first. Five queries however many posts (two read the calendar, one the tours).

    Raises NotAllowed.
    """
    if not policies.reads_sheets(by):
        raise NotAllowed
    parties = policies.party_ids(by)
    if party_id is not None:
        parties = [party_id] if parties is None or party_id in parties else []
    today = now.astimezone(tenant.tz).date()
    given = rosters.contracted_parameters(
        first=today - timedelta(days=1), last=today, tenant=tenant, party_ids=parties, post_ids=post_ids
    )
    people: dict[UUID, list[Person]] = defaultdict(list)
    asked: dict[UUID, tuple[int, datetime]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_NOW, {**given, "now": now})
        for post_id, staff_id, name, starts, ends, needs_in, came, grade, went, away, persons in cursor.fetchall():
            if staff_id is None:
                asked[post_id] = (persons, starts)
            else:
                person = _person(staff_id, name, starts, ends, needs_in, came, grade, went, away, now)
                if person is not None:
                    people[post_id].append(person)
        cursor.execute(_POSTS, [[str(i) for i in people.keys() | asked.keys()]])
        posts = cursor.fetchall()
    _on_tour(people, now)
    found = [_presence(post, people.get(post[0], []), asked.get(post[0]), now) for post in posts]
    shown = [p for p in found if p is not None]
    return sorted(shown, key=lambda p: (ORDER.index(p.state), p.party_name, p.post_name))


def _on_tour(people: dict[UUID, list[Person]], now: datetime) -> None:
    """Mark who walks a tour; only who is there is 巡逻中, others keep their state and are said to walk."""
    staff_ids = {p.staff_id for persons in people.values() for p in persons}
    if not staff_ids:
        return
    walking = {staff_id: walk for walks in _walks for staff_id, walk in walks(staff_ids, now).items()}
    for post_id, persons in people.items():
        people[post_id] = [
            replace(
                p, state="patrol" if p.state == "present" else p.state, tour=walking[p.staff_id].name,
                tour_since=walking[p.staff_id].since,
            )
            if p.staff_id in walking and p.state not in ("done", "leave", "field")
            else p
            for p in persons
        ]  # fmt: skip


def _person(
    staff_id: UUID, name: str, starts: datetime, ends: datetime, needs_in: bool, came: datetime | None, grade: str | None,
    went: datetime | None, away: str, now: datetime,
) -> Person | None:  # fmt: skip
    if away:
        state, since = away, starts
    elif went is not None:
        state, since = ("left" if now < ends and went < ends else "done"), went
    elif came is not None:
        state, since = ("early" if now < starts else "present" if now < ends + HANDOVER else "done"), came
    elif now < starts:
        state, since = "soon", starts
    elif not needs_in:
        state, since = "present", starts
    else:
        state, since = ("awaited" if now < ends else "done"), starts
    return Person(staff_id, name, state, since, grade or "", starts, ends)


def _presence(
    post: tuple[Any, ...], people: list[Person], asked: tuple[int, datetime] | None, now: datetime
) -> Presence | None:
    due = [p for p in people if p.starts_at <= now < p.ends_at and p.state not in ("leave", "field")]
    elsewhere = [p for p in people if p.state == "field" and p.starts_at <= now < p.ends_at]  # at work, not at the post
    there = [p for p in people if p.state in ("present", "patrol", "early")]
    present = [p for p in due if p.state in ("present", "patrol")]
    needed = max(len(due), asked[0] if asked else 0)
    changing = any(abs(edge - now) <= HANDOVER for p in people for edge in (p.starts_at, p.ends_at)) and len(people) > 1
    if not due:
        if asked:
            short = ("short", min(p.starts_at for p in elsewhere)) if elsewhere else ("nobody", asked[1])
            state, since = ("handover", now) if changing and there else short
        elif elsewhere:
            state, since = "field", min(p.starts_at for p in elsewhere)
        elif any(p.state in ("soon", "early") for p in people):
            state, since = "soon", min(p.starts_at for p in people)
        else:
            return None
    elif len(present) >= needed:
        state, since = "present", max(p.since for p in present)
        if changing and len(there) > len(present):
            state = "handover"
        elif all(p.state == "patrol" for p in present):
            state, since = "patrol", max(p.tour_since or p.since for p in present)
    elif changing and (there or any(p.state == "done" for p in people)):
        state, since = "handover", min(p.starts_at for p in due)
    elif present:
        state, since = "short", max(p.since for p in due)
    elif any(p.state == "left" for p in due):
        state, since = "left", max(p.since for p in due if p.state == "left")
    else:
        state, since = "awaited", min(p.starts_at for p in due)
    shown = tuple(sorted((p for p in people if p.state != "done"), key=lambda p: (p.starts_at, p.name)))
    post_id, name, party_id, party, place, line = post
    return Presence(post_id, name, party_id, party, place, line, state, since, needed, len(present), shown)
