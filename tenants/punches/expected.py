"""Which shift a person is expected at: reads `rosters_shiftinstance`, published by tenants.rosters."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from identity.contracts import Actor
from tenants.punches.contracts import Expected

_COLUMNS = """
SELECT i.id, i.post_id, p.name, i.party_id, coalesce(i.place_id, p.place_id), coalesce(pl.full_name, ''),
       coalesce(pl.path, ''), i.day, i.starts_at, i.ends_at, i.in_from, i.out_until, i.grade
FROM rosters_shiftinstance i
JOIN organisation_post p ON p.id = i.post_id
LEFT JOIN organisation_place pl ON pl.id = coalesce(i.place_id, p.place_id)
WHERE i.staff_id = %(staff)s AND i.cancelled_at IS NULL
"""


def _rows(sql: str, params: dict[str, Any]) -> list[Expected]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS + sql, params)
        return [Expected(*row) for row in cursor.fetchall()]


def around(staff_id: UUID, at: datetime) -> list[Expected]:
    """The instances into whose windows this moment falls, the likeliest first: running, then nearest end or start."""
    return _rows(
        "AND i.starts_at > %(at)s - interval '3 days' AND i.starts_at < %(at)s + interval '1 day'"
        " AND i.in_from <= %(at)s AND %(at)s < i.out_until"
        " ORDER BY NOT (i.starts_at <= %(at)s AND %(at)s < i.ends_at),"
        " least(abs(extract(epoch FROM i.starts_at - %(at)s)), abs(extract(epoch FROM i.ends_at - %(at)s))) LIMIT 5",
        {"staff": staff_id, "at": at},
    )


def whose(
    by: Actor, at: datetime, *, among: Collection[UUID] | None = None, post_id: UUID | None = None
) -> UUID:  # fmt: skip
    """As which of their own staff rows somebody acts at this moment: who has a shift whose window holds it, the one
    that runs first; else whose shift begins next; else as whom they act. `by.staff_id` is set.

    `among`: only these of their rows (not empty). `post_id`: a shift at this post goes before the others.
    """
    assert by.staff_id is not None
    rows = by.staff_ids if among is None else by.staff_ids.intersection(among)
    self_id = by.staff_id if by.staff_id in rows else min(rows)
    if len(rows) == 1:
        return self_id
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.staff_id FROM rosters_shiftinstance i WHERE i.staff_id = ANY(%(staff)s::uuid[])"
            " AND i.cancelled_at IS NULL AND i.starts_at > %(at)s - interval '3 days' AND i.out_until > %(at)s"
            " AND i.starts_at < %(at)s + interval '1 day'"
            " ORDER BY i.post_id IS NOT DISTINCT FROM %(post)s::uuid DESC, NOT (i.in_from <= %(at)s), NOT (i.starts_at <= %(at)s AND %(at)s < i.ends_at),"
            " least(abs(extract(epoch FROM i.starts_at - %(at)s)), abs(extract(epoch FROM i.ends_at - %(at)s))),"
            " i.staff_id = %(self)s DESC LIMIT 1",
            {"staff": [str(i) for i in rows], "self": self_id, "at": at, "post": post_id},
        )
        row = cursor.fetchone()
    return row[0] if row else self_id


def rostered_at(staff_id: UUID, post_id: UUID, at: datetime) -> bool:
    """Whether the person has a shift at the post about then: one that ended the day before, runs, or begins the day after."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM rosters_shiftinstance WHERE staff_id = %(staff)s AND post_id = %(post)s"
            " AND cancelled_at IS NULL AND starts_at > %(at)s - interval '3 days' AND starts_at < %(at)s + interval '1 day'"
            " AND ends_at > %(at)s - interval '1 day')",
            {"staff": staff_id, "post": post_id, "at": at},
        )
        return bool(cursor.fetchone()[0])


def upcoming(staff_id: UUID, now: datetime, *, limit: int = 3) -> list[Expected]:
    """What runs now and what comes next, in order of time."""
    return _rows(
        "AND i.starts_at > %(now)s - interval '3 days' AND i.ends_at > %(now)s ORDER BY i.starts_at LIMIT %(limit)s",
        {"staff": staff_id, "now": now, "limit": limit},
    )


def terms_of(post_id: UUID) -> str | None:
    """The grade a post asks for, where the school has said so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT grade FROM rosters_postterms WHERE post_id = %s", [post_id])
        row = cursor.fetchone()
    return row[0] if row else None
