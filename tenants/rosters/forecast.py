"""证照缺口预报: on which coming days a post that requires certificates will have nobody who holds them.

One statement. A need is a shift on the roster (draft or published), or the post itself on a day when its
contract asks for presence or, without roster and contract, every day. Who counts: whoever is rostered on that
shift; where nobody is yet, the people of the post. A certificate counts until its end or its review. Nobody counts who
is on approved leave (field work too: they are elsewhere) during any of the shift or, without a roster, for four hours of
the day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from tenants.rosters.contracts import Gap

DAYS = 90

# Per need (post, day, shift): the kinds nobody holds all of. Qualified = holds every kind the post requires.
_GAPS = """
WITH posts AS MATERIALIZED (
    SELECT p.id, p.name, p.party_id, y.name AS party_name, k.kind,
           count(*) OVER (PARTITION BY p.id) AS kinds
    FROM organisation_post p
    JOIN organisation_party y ON y.id = p.party_id
    CROSS JOIN LATERAL jsonb_array_elements_text(p.certificates) AS k(kind)
    WHERE p.active AND (%(parties)s::uuid[] IS NULL OR p.party_id = ANY(%(parties)s::uuid[]))
), held AS MATERIALIZED (
    SELECT c.staff_id, c.kind, c.issued_on, coalesce(least(c.expires_on, c.review_on), 'infinity'::date) AS last
    FROM organisation_certificate c WHERE c.kind IN (SELECT kind FROM posts)
), rostered AS MATERIALIZED (
    SELECT a.post_id, a.day, a.shift_id, a.staff_id FROM rosters_assignment a
    WHERE a.cancelled_at IS NULL AND a.shift_id IS NOT NULL AND a.day BETWEEN %(first)s AND %(last)s
      AND a.post_id IN (SELECT id FROM posts)
), pool AS MATERIALIZED (
    SELECT s.id AS staff_id, s.post_id, coalesce(s.hired_on, '-infinity'::date) AS hired_on,
           coalesce(s.left_on, 'infinity'::date) AS left_on
    FROM organisation_staff s WHERE s.post_id IN (SELECT id FROM posts) AND s.status = 'active'
), leave AS MATERIALIZED (
    SELECT l.staff_id, l.starts_at, l.ends_at FROM rosters_leave l
    WHERE l.status = 'approved' AND l.ends_at > %(first)s::timestamp AT TIME ZONE %(tz)s
      AND l.starts_at < (%(last)s::date + 3)::timestamp AT TIME ZONE %(tz)s
), asked AS (
    SELECT r.post_id, r.day, r.shift_id FROM rostered r GROUP BY 1, 2, 3
    UNION ALL
    SELECT p.id, d.day::date, NULL FROM (SELECT DISTINCT id FROM posts) p
    CROSS JOIN generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') AS d(day)
    WHERE NOT EXISTS (SELECT 1 FROM rostered r WHERE r.post_id = p.id AND r.day = d.day::date)
      AND (NOT EXISTS (SELECT 1 FROM rosters_coverage c WHERE c.post_id = p.id)
           OR EXISTS (SELECT 1 FROM rosters_coverage c WHERE c.post_id = p.id AND c.valid_from <= d.day::date
                      AND (c.valid_until IS NULL OR c.valid_until > d.day::date)
                      AND (c.weekdays >> (extract(isodow FROM d.day)::int - 1)) & 1 = 1))
), who AS (
    SELECT r.post_id, r.day, r.shift_id, r.staff_id,
           (SELECT min(l.starts_at) FROM leave l JOIN rosters_segment g ON g.shift_id = r.shift_id
            WHERE l.staff_id = r.staff_id
              AND l.starts_at < (r.day + make_interval(mins => g.end_minute)) AT TIME ZONE %(tz)s
              AND l.ends_at > (r.day + make_interval(mins => g.start_minute)) AT TIME ZONE %(tz)s) AS away
    FROM rostered r
    UNION ALL
    SELECT a.post_id, a.day, NULL, s.staff_id,
           (SELECT min(l.starts_at) FROM leave l
            WHERE l.staff_id = s.staff_id
              AND least(l.ends_at, (a.day + 1)::timestamp AT TIME ZONE %(tz)s)
                - greatest(l.starts_at, a.day::timestamp AT TIME ZONE %(tz)s) >= interval '4 hours')
    FROM asked a JOIN pool s ON s.post_id = a.post_id
    WHERE a.shift_id IS NULL AND a.day BETWEEN s.hired_on AND s.left_on
), qualified AS (
    SELECT w.post_id, w.day, w.shift_id, w.staff_id, w.away FROM who w
    JOIN posts p ON p.id = w.post_id
    JOIN held h ON h.staff_id = w.staff_id AND h.kind = p.kind AND w.day BETWEEN h.issued_on AND h.last
    GROUP BY w.post_id, w.day, w.shift_id, w.staff_id, w.away, p.kinds
    HAVING count(DISTINCT h.kind) = p.kinds
), gaps AS (
    SELECT a.post_id, a.day, a.shift_id FROM asked a
    WHERE NOT EXISTS (SELECT 1 FROM qualified q WHERE q.post_id = a.post_id AND q.day = a.day
                      AND q.shift_id IS NOT DISTINCT FROM a.shift_id AND q.away IS NULL)
), runs AS (
    SELECT post_id, shift_id, min(day) AS first, max(day) AS last, count(*) AS days FROM (
        SELECT g.*, g.day - (row_number() OVER (PARTITION BY post_id, shift_id ORDER BY day))::int AS run FROM gaps g
    ) g GROUP BY post_id, shift_id, run
)
SELECT r.post_id, p.name, p.party_id, p.party_name, coalesce(s.name, ''), r.first, r.last, r.days, p.all_kinds,
       coalesce((SELECT array_agg(DISTINCT st.name ORDER BY st.name) FROM rostered x
                 JOIN organisation_staff st ON st.id = x.staff_id
                 WHERE x.post_id = r.post_id AND x.shift_id = r.shift_id AND x.day BETWEEN r.first AND r.last), '{}'),
       lapse.name, lapse.last, coalesce(gone.names, '{}'), gone.since, coalesce(lapse.parted, false)
FROM runs r
JOIN (SELECT id, name, party_id, party_name, array_agg(kind ORDER BY kind) AS all_kinds
      FROM posts GROUP BY 1, 2, 3, 4) p ON p.id = r.post_id
LEFT JOIN rosters_shift s ON s.id = r.shift_id
LEFT JOIN LATERAL (
    SELECT st.name, least(h.last, st.left_on) AS last, st.left_on < h.last AS parted
    FROM held h JOIN organisation_staff st ON st.id = h.staff_id
    WHERE h.kind = ANY(p.all_kinds) AND least(h.last, st.left_on) < r.first AND isfinite(least(h.last, st.left_on))
      AND (st.post_id = r.post_id OR EXISTS (SELECT 1 FROM rostered x WHERE x.post_id = r.post_id
                                             AND x.staff_id = st.id AND x.day = r.first))
    ORDER BY 2 DESC, st.name LIMIT 1
) lapse ON true
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT st.name ORDER BY st.name) AS names, (min(q.away) AT TIME ZONE %(tz)s)::date AS since
    FROM qualified q JOIN organisation_staff st ON st.id = q.staff_id
    WHERE q.away IS NOT NULL AND q.post_id = r.post_id AND q.shift_id IS NOT DISTINCT FROM r.shift_id
      AND q.day BETWEEN r.first AND r.last
) gone ON true
ORDER BY r.first, p.name, s.name NULLS FIRST
LIMIT 500
"""


def gaps(*, today: date, tz: ZoneInfo, days: int = DAYS, party_ids: Iterable[UUID] | None = None) -> list[Gap]:
    """Runs of days without anybody qualified, soonest first; one query for the whole school."""
    last = today + timedelta(days=days - 1)
    parties = None if party_ids is None else list(party_ids)
    with connection.cursor() as cursor:
        cursor.execute(_GAPS, {"first": today, "last": last, "parties": parties, "tz": str(tz)})
        return [
            Gap(
                post_id=r[0], post_name=r[1], party_id=r[2], party_name=r[3], shift_name=r[4], first=r[5], last=r[6],
                days=r[7], kinds=tuple(r[8]), rostered=tuple(r[9]), holder=r[10] or "", ends_on=r[11],
                on_leave=tuple(r[12]), leave_on=r[13], parted=r[14],
            )
            for r in cursor.fetchall()
        ]  # fmt: skip
