"""应排与已排: what contracts ask of presence each day against what the roster holds, draft or published, less leave.

One statement, minute for minute: more people than asked at noon do not make up for nobody at night.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from tenants.rosters.contracts import CONTRACTED, Manning, rate_on

# Each stretch asked adds its persons, each stretch rostered takes one away; between two changes the sum is what
# lacks; an approved leave (field work too: elsewhere) takes its part of the stretch back. Every local midnight (by hour: every full hour) is a change too, so that no piece belongs to two days. `first`
# is the day before the first one asked for: what began then may reach into it.
_MANNING = (
    """
WITH asked AS MATERIALIZED ("""  # noqa: S608 (constants; values are parameters)
    + CONTRACTED
    + """), changes AS (
    SELECT post_id, starts_at AS at, persons AS asked, 0 AS there FROM asked
    UNION ALL SELECT post_id, ends_at, -persons, 0 FROM asked
    UNION ALL
    SELECT a.post_id, (a.day + make_interval(mins => m.at)) AT TIME ZONE %(tz)s, 0, m.one
    FROM rosters_assignment a
    JOIN rosters_segment s ON s.shift_id = a.shift_id
    CROSS JOIN LATERAL (VALUES (s.start_minute, 1), (s.end_minute, -1)) AS m(at, one)
    WHERE a.cancelled_at IS NULL AND a.day BETWEEN %(first)s AND %(last)s
      AND a.post_id IN (SELECT post_id FROM asked)
    UNION ALL
    SELECT t.post_id, m.at, 0, m.one
    FROM (SELECT a.post_id, a.staff_id, (a.day + make_interval(mins => s.start_minute)) AT TIME ZONE %(tz)s AS starts_at,
                 (a.day + make_interval(mins => s.end_minute)) AT TIME ZONE %(tz)s AS ends_at
          FROM rosters_assignment a JOIN rosters_segment s ON s.shift_id = a.shift_id
          WHERE a.cancelled_at IS NULL AND a.day BETWEEN %(first)s AND %(last)s
            AND a.post_id IN (SELECT post_id FROM asked)) t
    JOIN rosters_leave l ON l.staff_id = t.staff_id AND l.status = 'approved'
                        AND l.starts_at < t.ends_at AND l.ends_at > t.starts_at
    CROSS JOIN LATERAL (VALUES (greatest(t.starts_at, l.starts_at), -1), (least(t.ends_at, l.ends_at), 1)) AS m(at, one)
    UNION ALL
    SELECT p.post_id, d AT TIME ZONE %(tz)s, 0, 0
    FROM (SELECT DISTINCT post_id FROM asked) p
    CROSS JOIN generate_series(%(first)s::timestamp, %(last)s::timestamp + interval '1 day', %(step)s::interval) d
), at_once AS (
    SELECT post_id, at, sum(asked) AS asked, sum(there) AS there FROM changes GROUP BY 1, 2
), pieces AS (
    SELECT post_id, at, lead(at) OVER w AS until, sum(asked) OVER w AS asked, sum(there) OVER w AS there
    FROM at_once WINDOW w AS (PARTITION BY post_id ORDER BY at)
)
SELECT p.post_id, o.name, o.party_id, o.line, (p.at AT TIME ZONE %(tz)s)::date AS day,
       CASE WHEN %(by_hour)s THEN extract(hour FROM p.at AT TIME ZONE %(tz)s)::int END AS hour,
       sum(p.asked * extract(epoch FROM p.until - p.at) / 60)::int,
       sum(greatest(p.asked - p.there, 0) * extract(epoch FROM p.until - p.at) / 60)::int,
       max("""
    + rate_on("p.post_id", "(p.at AT TIME ZONE %(tz)s)::date")
    + """)
FROM pieces p JOIN organisation_post o ON o.id = p.post_id
LEFT JOIN rosters_postterms t ON t.post_id = p.post_id
WHERE p.asked > 0 AND (p.at AT TIME ZONE %(tz)s)::date BETWEEN %(from)s AND %(last)s
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 5, 6, 2, 1
"""
)


def manning(*, first: date, parameters: dict[str, Any], by_hour: bool = False) -> list[Manning]:
    """Per post and day (or hour) from `first`: minutes asked for and minutes that nobody is rostered for."""
    step = "1 hour" if by_hour else "1 day"
    with connection.cursor() as cursor:
        cursor.execute(_MANNING, {**parameters, "from": first, "step": step, "by_hour": by_hour})
        return [Manning(*row) for row in cursor.fetchall()]


def before(day: date) -> date:
    """The day from which stretches may reach into `day`."""
    return day - timedelta(days=1)


def sums(rows: Iterable[Manning]) -> dict[date, tuple[int, int, list[tuple[UUID, str, int]]]]:
    """By day: minutes asked, minutes lacking, and the posts that lack with theirs, most first."""
    found: dict[date, tuple[int, int, list[tuple[UUID, str, int]]]] = {}
    for row in rows:
        asked, lacking, posts = found.get(row.day, (0, 0, []))
        if row.lacking:
            posts = [*posts, (row.post_id, row.post_name, row.lacking)]
        found[row.day] = (asked + row.asked, lacking + row.lacking, sorted(posts, key=lambda p: (-p[2], p[1])))
    return found
