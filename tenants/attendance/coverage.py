"""满编率: contracted post-hours against proved presence, set-based. Presence above what is contracted does not
make up for a gap at another hour: each post and clock hour is capped at what was contracted for it.

Proved is what results say (in a confirmed month the last adjustment that is not held, where there is one): from the in-punch to the out-punch, cut to the shift, with evidence; 缺卡 proves nothing, and no leave or field work in the midst of a
shift is presence at the post.
A shift still running counts up to now, and no longer than to its end or to where its person was last seen going
(as on the board: an out-punch followed by an in-punch is a break, one without direction ends it in the second half).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from identity.contracts import Actor
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.attendance import policies
from tenants.attendance.contracts import Filled
from tenants.attendance.held import standing
from tenants.rosters import queries as rosters
from tenants.rosters.contracts import CONTRACTED

KEYS = {
    "post": "h.post_id",
    "party": "h.party_id",
    "line": "h.line",
    "day": "(h.hour AT TIME ZONE %(tz)s)::date",
    "hour": "extract(hour FROM h.hour AT TIME ZONE %(tz)s)::int",
    "weekday": "extract(isodow FROM h.hour AT TIME ZONE %(tz)s)::int",
}

_FILLED = f"""
WITH contracted AS ({CONTRACTED}), h AS MATERIALIZED (
    SELECT c.post_id, c.party_id, c.line, g AS hour, max(c.hourly_rate) AS rate,
           sum(c.persons * date_part('epoch', least(c.ends_at, g + interval '1 hour', %(now)s) - greatest(c.starts_at, g)) / 60)
             AS minutes
    FROM contracted c
    CROSS JOIN LATERAL generate_series(date_trunc('hour', c.starts_at), c.ends_at - interval '1 microsecond', interval '1 hour') g
    WHERE c.starts_at < %(now)s AND g < %(now)s
    GROUP BY 1, 2, 3, 4
), later AS MATERIALIZED ({standing("a.day BETWEEN %(first)s::date - 1 AND %(last)s")}
), away AS MATERIALIZED (
    SELECT l.staff_id, range_agg(tstzrange(l.starts_at, l.ends_at)) AS cut FROM rosters_leave l
    WHERE l.status = 'approved' AND l.starts_at < %(last)s::date + 4 AND l.ends_at > %(first)s::date - 4
    GROUP BY 1
), p AS MATERIALIZED (
    SELECT r.post_id, g AS hour,
           sum(date_part('epoch', least(upper(u), g + interval '1 hour') - greatest(lower(u), g)) / 60) AS minutes
    FROM (SELECT r.post_id, r.staff_id, present_from,
                 CASE WHEN mark = 'pending' THEN least(%(now)s, coalesce(went.at, i.ends_at)) ELSE present_until END AS until
          FROM attendance_result r
          LEFT JOIN rosters_shiftinstance i ON r.mark = 'pending' AND i.id = r.instance_id
          LEFT JOIN LATERAL (
              SELECT r.out_at AS at
              WHERE r.out_at IS NOT NULL AND NOT EXISTS (
                  SELECT FROM punches_punch b WHERE b.staff_id = r.staff_id AND b.at > r.out_at AND b.at <= %(now)s
                      AND b.at < i.out_until AND b.status = 'accepted' AND b.direction = 'in')) went ON true
          WHERE r.day BETWEEN %(first)s::date - 1 AND %(last)s AND present_from IS NOT NULL AND r.grade > ''
            AND (mark <> 'pending' OR wait = 'running')
            AND NOT EXISTS (SELECT FROM later a WHERE a.instance_id = r.instance_id)
            AND (%(posts)s::uuid[] IS NULL OR r.post_id = ANY(%(posts)s::uuid[]))
            AND (%(parties)s::uuid[] IS NULL OR r.party_id = ANY(%(parties)s::uuid[]))
          UNION ALL
          SELECT i.post_id, i.staff_id,
                 greatest(a.in_at, i.starts_at, to_timestamp((a.trace ->> 'from')::bigint)) AS present_from,
                 least(a.out_at, i.ends_at + coalesce((a.trace ->> 'flex')::int, 0) * interval '1 minute',
                       to_timestamp((a.trace ->> 'until')::bigint)) AS until
          FROM later a JOIN rosters_shiftinstance i ON i.id = a.instance_id
          WHERE a.worked_minutes > 0 AND (a.in_punch_id IS NOT NULL OR a.out_punch_id IS NOT NULL)
            AND (%(posts)s::uuid[] IS NULL OR i.post_id = ANY(%(posts)s::uuid[]))
            AND (%(parties)s::uuid[] IS NULL OR i.party_id = ANY(%(parties)s::uuid[]))) r
    LEFT JOIN away w ON w.staff_id = r.staff_id
    CROSS JOIN LATERAL unnest(tstzmultirange(tstzrange(r.present_from, greatest(r.until, r.present_from)))
                              - coalesce(w.cut, '{{}}'::tstzmultirange)) u
    CROSS JOIN LATERAL generate_series(date_trunc('hour', lower(u)), upper(u) - interval '1 microsecond', interval '1 hour') g
    GROUP BY 1, 2
)
SELECT {{keys}} sum(h.minutes)::float8, sum(least(h.minutes, coalesce(p.minutes, 0)))::float8,
       sum(h.minutes - least(h.minutes, coalesce(p.minutes, 0)))::float8,
       sum((h.minutes - least(h.minutes, coalesce(p.minutes, 0))) / 60 * h.rate::float8)
FROM h LEFT JOIN p ON p.post_id = h.post_id AND p.hour = h.hour
WHERE h.minutes > 0 AND (h.hour AT TIME ZONE %(tz)s)::date BETWEEN %(since)s AND %(last)s
  AND (%(line)s = '' OR h.line = %(line)s)
{{group}}
"""


def filled(
    *, tenant: Tenant, now: datetime, first: date, last: date, by: Sequence[str] = (), party_ids: list[UUID] | None = None,
    post_ids: list[UUID] | None = None, line: str = "",
) -> list[Filled]:  # fmt: skip
    """Contracted and proved person-minutes of the days `first` to `last` (both included), up to `now`.

    `by`: "post", "party", "line", "day", "hour", "weekday". Two queries (one reads the calendar). For features
    that have asked their own policy; pages use `visible_filled`.
    """
    given: dict[str, Any] = rosters.contracted_parameters(
        first=date.fromordinal(first.toordinal() - 1), last=last, tenant=tenant, party_ids=party_ids, post_ids=post_ids
    )
    keys = "".join(f"{KEYS[name]}, " for name in by)
    group = (
        f"GROUP BY {', '.join(str(n + 1) for n in range(len(by)))} ORDER BY {', '.join(str(n + 1) for n in range(len(by)))}"
        if by
        else ""
    )
    sql = _FILLED.replace("{keys}", keys).replace("{group}", group)
    with connection.cursor() as cursor:
        cursor.execute(sql, {**given, "since": first, "now": now, "line": line})
        rows = cursor.fetchall()
    found = []
    for row in rows:
        contracted, present, short, yuan = row[len(by) :]
        if contracted is not None:
            found.append(
                Filled(
                    tuple(row[: len(by)]),
                    round(contracted),
                    round(present),
                    round(short),
                    None if yuan is None else _yuan(yuan),
                )
            )
    return found


def _yuan(value: float) -> Any:
    from decimal import Decimal

    return Decimal(str(value)).quantize(Decimal("0.01"))


def visible_filled(*, by: Actor, party_id: UUID | None = None, **options: Any) -> list[Filled]:
    """`filled` for the parties the actor may see. Raises NotAllowed."""
    if not policies.reads_sheets(by):
        raise NotAllowed
    parties = policies.party_ids(by)
    if party_id is not None:
        parties = [party_id] if parties is None or party_id in parties else []
    group = options.pop("group_by", ())
    return filled(by=group, party_ids=parties, **options)
