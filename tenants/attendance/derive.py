"""`day.judge` for many shift instances at once: one statement that probes punches per instance and upserts results.

The steps are nested selects, each fenced (OFFSET 0) so that an expression is computed once; the two probes for
the first in-punch and the last out-punch go by the index (staff, at). A test holds this and `day.py` together.

Whoever derives stands in line (one advisory lock per school): a statement that began later sees more and must
not be overwritten by one that saw less. Nothing is written where nothing changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from identity.contracts import Actor
from kernel.live import announce
from kernel.tenancy import Tenant
from tenants.attendance.choices import PENALTIES, WRONGFUL, Mark, SuspectStatus
from tenants.attendance.models import Suspect
from tenants.organisation import queries as organisation
from tenants.punches.contracts import TIME_UNCHECKED
from tenants.timeline.operations import record

# --- The rule -------------------------------------------------------------------------------------
# `scope` is a condition on the instance `i`, `months` leaves frozen months out or asks for them; gives one row per
# instance with the columns of attendance_result.
_MINUTES = "floor(date_part('epoch', {}) / 60)::int"


def _minutes(interval: str) -> str:
    return _MINUTES.format(interval)


_STRONG = "(p.grade <= e.grade OR p.source = 'correction')"
# Punch {0} counts for shift {1} by itself: accepted, strong enough, for this post.
_COUNTS = (
    "{0}.status = 'accepted' AND ({0}.grade <= {1}.grade OR {0}.source = 'correction')"
    " AND ({0}.post_id IS NULL OR {0}.post_id = {1}.post_id)"
)
_LEFT_MINUTES = _minutes("(SELECT coalesce(sum(upper(u) - lower(u)), interval '0') FROM unnest({}) u)")

# A punch of another post, or of no said direction, may end the shift before (or begin the next) where the two touch. Asked
# only of such a punch: for everybody it would join the month with itself.
_ENDED_BEFORE = """
    SELECT max(t.out_until) FROM rosters_shiftinstance t
    WHERE t.staff_id = a.staff_id AND t.ends_at = a.starts_at AND t.cancelled_at IS NULL
      AND t.starts_at < a.starts_at AND t.starts_at > a.starts_at - interval '3 days'"""
_BEGINS_AFTER = """
    SELECT min(t.in_from) FROM rosters_shiftinstance t
    WHERE t.staff_id = b.staff_id AND t.starts_at = b.ends_at AND t.cancelled_at IS NULL"""

# The middle of what is left of a shift, and the stretches of it that no leave took.
_MIDDLE = """CASE WHEN needs_in = needs_out THEN begins + (ends - begins) / 2 WHEN needs_in THEN ends ELSE begins END"""
_REMAINING = "(tstzmultirange(tstzrange(starts_at, ends_at)) - cut)"

# The punch that begins a shift: the first in its window; else one that says 来 after it, before anybody left.
_IN_TIME = f"""
    SELECT p.id, p.at, p.grade, p.source, {TIME_UNCHECKED} AS loose FROM punches_punch p
    WHERE a.begins IS NOT NULL AND a.rest = ''
      AND p.staff_id = a.staff_id AND p.at >= a.in_from AND p.at < a.in_to AND p.status = 'accepted'
      AND (p.grade <= a.grade OR p.source = 'correction')
      AND (p.post_id IS NULL OR p.post_id = a.post_id OR p.at < ({_ENDED_BEFORE}))
      AND (p.direction = 'in' OR (p.at < a.middle AND (p.direction = 'unknown' OR p.at < ({_ENDED_BEFORE}))))
    ORDER BY p.at, p.id LIMIT 1"""
_LATE_IN = f"""
    SELECT p.id, p.at, p.grade, p.source, {TIME_UNCHECKED} AS loose FROM punches_punch p
    WHERE a.needs_in AND a.begins IS NOT NULL AND a.rest = ''
      AND p.staff_id = a.staff_id AND p.at >= a.in_to AND p.at < a.ends AND p.direction = 'in' AND {_COUNTS.format("p", "a")}
      AND NOT EXISTS (SELECT FROM punches_punch w WHERE w.staff_id = a.staff_id AND w.at >= a.begins AND w.at < p.at
                      AND w.direction = 'out' AND {_COUNTS.format("w", "a")})
    ORDER BY p.at, p.id LIMIT 1"""
# The one that ends it: the last in its window; else one that says 走 before it, after which nobody came.
_OUT_TIME = f"""
    SELECT p.id, p.at, p.grade, p.source, {TIME_UNCHECKED} AS loose FROM punches_punch p
    WHERE b.begins IS NOT NULL AND b.rest = ''
      AND p.staff_id = b.staff_id AND p.at >= b.out_since AND p.at < b.out_until AND p.status = 'accepted'
      AND (b.in_at IS NULL OR p.at > b.in_at)
      AND (p.grade <= b.grade OR p.source = 'correction')
      AND (p.post_id IS NULL OR p.post_id = b.post_id OR p.at >= ({_BEGINS_AFTER}))
      AND (p.direction = 'out' OR (p.at >= b.middle AND (p.direction = 'unknown' OR p.at >= ({_BEGINS_AFTER}))))
    ORDER BY p.at DESC, p.id DESC LIMIT 1"""
_EARLY_OUT = f"""
    SELECT p.id, p.at, p.grade, p.source, {TIME_UNCHECKED} AS loose FROM punches_punch p
    WHERE b.needs_out AND b.begins IS NOT NULL AND b.rest = ''
      AND p.staff_id = b.staff_id AND p.at >= b.begins AND p.at < b.out_since AND (b.in_at IS NULL OR p.at > b.in_at)
      AND p.direction = 'out' AND {_COUNTS.format("p", "b")}
      AND NOT EXISTS (SELECT FROM punches_punch w WHERE w.staff_id = b.staff_id AND w.at > p.at AND w.at < b.ends
                      AND w.direction = 'in' AND {_COUNTS.format("w", "b")})
    ORDER BY p.at DESC, p.id DESC LIMIT 1"""


def _first_of(wanted: str, otherwise: str) -> str:
    """`otherwise` is asked only where `wanted` found nothing."""
    return f"({wanted}) UNION ALL ({otherwise}) LIMIT 1"


JUDGED = f"""
WITH away AS MATERIALIZED (
    SELECT i.id, range_agg(tstzrange(l.starts_at, l.ends_at)) AS cut,
           range_agg(tstzrange(l.starts_at, l.ends_at)) FILTER (WHERE l.kind = 'field') AS field
    FROM rosters_leave l
    JOIN rosters_shiftinstance i ON i.staff_id = l.staff_id AND i.starts_at < l.ends_at AND i.ends_at > l.starts_at
    WHERE l.status = 'approved' AND i.day BETWEEN %(first)s AND %(last)s AND {{scope}}
    GROUP BY i.id
), devices AS MATERIALIZED (
    SELECT pl.id AS place_id, min(coalesce(d.reported_until, d.last_seen_at)) AS until
    FROM punches_device d
    JOIN organisation_place dp ON dp.id = d.place_id
    JOIN organisation_place pl ON starts_with(pl.path, dp.path) OR starts_with(dp.path, pl.path)
    WHERE d.active AND coalesce(d.reported_until, d.last_seen_at) IS NOT NULL
    GROUP BY pl.id
), judged AS (
SELECT
    id, staff_id, post_id, party_id, day,
    CASE WHEN on_leave > 0 AND mark = 'absent' AND wait = '' THEN 'absent_half' ELSE mark END AS mark,
    wait,
    CASE WHEN wait = '' THEN NULL
         WHEN wait = 'running' THEN CASE WHEN %(now)s < until THEN until ELSE out_until END
         WHEN wait = 'report' THEN report
         ELSE %(now)s + interval '10 minutes' END AS due_at,
    late, early,
    CASE WHEN present_until IS NULL OR present_from IS NULL OR present_until <= present_from THEN 0
         WHEN cut IS NULL THEN {_minutes("present_until - present_from")}
         ELSE {_LEFT_MINUTES.format("tstzmultirange(tstzrange(present_from, present_until)) - cut")} END AS worked,
    on_leave, in_id, out_id, in_at, out_at, used_grade,
    CASE WHEN present_until <= present_from THEN NULL ELSE present_from END AS present_from,
    CASE WHEN present_until <= present_from THEN NULL ELSE present_until END AS present_until,
    CASE WHEN rest <> '' THEN jsonb_build_object('rest', rest)
         WHEN begins IS NULL THEN '{{}}'::jsonb
         WHEN on_leave > 0 OR only_seen OR (came_late > 0 AND late = 0) OR moved > 0 OR silent OR useless IS NOT NULL
              OR in_source = 'correction' OR out_source = 'correction' OR in_loose OR out_loose
         THEN jsonb_strip_nulls(jsonb_build_object(
            'from', CASE WHEN on_leave > 0 THEN floor(date_part('epoch', begins))::bigint END,
            'until', CASE WHEN on_leave > 0 THEN floor(date_part('epoch', ends))::bigint END,
            'graced', CASE WHEN came_late > 0 AND late = 0 AND NOT only_seen THEN came_late END,
            'seen', CASE WHEN only_seen THEN floor(date_part('epoch', in_at))::bigint END,
            'flex', nullif(moved, 0),
            'corrected', CASE WHEN in_source = 'correction' AND out_source = 'correction' THEN '["in","out"]'::jsonb
                              WHEN in_source = 'correction' THEN '["in"]'::jsonb
                              WHEN out_source = 'correction' THEN '["out"]'::jsonb END,
            'unchecked', CASE WHEN in_loose AND out_loose THEN '["in","out"]'::jsonb
                              WHEN in_loose THEN '["in"]'::jsonb WHEN out_loose THEN '["out"]'::jsonb END,
            'useless', useless,
            'device_silent', CASE WHEN silent THEN true END))
         ELSE '{{}}'::jsonb END AS trace
FROM (
SELECT *,
    CASE WHEN rest <> '' THEN 'rest'
         WHEN begins IS NULL THEN CASE WHEN in_field THEN 'field' ELSE 'leave' END
         WHEN wait <> '' THEN 'pending'
         WHEN NOT (has_in AND has_out) AND in_id IS NULL AND out_id IS NULL THEN 'absent'
         WHEN late + early > 0 AND late + early >= absent_minutes THEN 'absent'
         WHEN late + early > 0 AND late + early >= half_absent_minutes THEN 'absent_half'
         WHEN NOT has_in OR (only_seen AND came_late > grace_minutes) THEN 'missing_in'
         WHEN NOT has_out THEN 'missing_out'
         WHEN late > 0 AND late >= serious_minutes THEN 'serious_late'
         WHEN late > 0 THEN 'late'
         WHEN early > 0 THEN 'early'
         ELSE 'normal' END AS mark,
    CASE WHEN (late > 0 OR early > 0 OR NOT has_in OR NOT has_out) AND begins IS NOT NULL AND rest = '' THEN (
         SELECT jsonb_agg(jsonb_build_object('at', floor(date_part('epoch', x.at))::bigint, 'why', x.why,
                                             'grade', x.grade) ORDER BY x.at, x.id)
         FROM (SELECT p.id, p.at, p.grade,
                      CASE WHEN p.status = 'refused' THEN p.refusal
                           WHEN NOT {_STRONG} THEN 'weak'
                           WHEN p.post_id <> e.post_id THEN 'other_post' ELSE 'window' END AS why
               FROM punches_punch p
               WHERE p.staff_id = e.staff_id AND p.at >= e.in_from AND p.at < e.out_until
                 AND p.status <> 'pending'
                 AND (p.status <> 'accepted' OR NOT {_STRONG}
                      OR (p.post_id IS NOT NULL AND p.post_id <> e.post_id)
                      OR (p.direction = 'in' AND NOT e.has_in) OR (p.direction = 'out' AND NOT e.has_out))
                 AND p.id IS DISTINCT FROM e.in_id AND p.id IS DISTINCT FROM e.out_id
               ORDER BY p.at, p.id LIMIT 3) x) END AS useless,
    CASE WHEN rest <> '' OR begins IS NULL THEN NULL
         WHEN in_id IS NOT NULL AND (needs_in OR wait <> '') THEN greatest(in_at, begins)
         WHEN wait <> '' OR NOT has_in THEN NULL ELSE begins END AS present_from,
    CASE WHEN rest <> '' OR begins IS NULL OR wait <> '' OR NOT has_in OR NOT has_out THEN NULL
         WHEN out_id IS NOT NULL AND needs_out THEN least(out_at, until) ELSE until END AS present_until
FROM (
SELECT *,
    CASE WHEN rest <> '' OR begins IS NULL THEN ''
         WHEN has_in AND has_out AND %(now)s >= until AND (NOT needs_out OR out_id IS NULL OR out_at >= until) THEN ''
         WHEN %(now)s < out_until THEN 'running'
         WHEN %(now)s < out_until + interval '7 days' AND EXISTS (
              SELECT FROM punches_punch p WHERE p.staff_id = d.staff_id AND p.at >= d.in_from AND p.at < d.out_until
                                            AND p.status = 'pending') THEN 'verify'
         WHEN has_in AND has_out THEN ''
         WHEN %(now)s < report THEN 'report'
         WHEN devices_until < out_until AND %(now)s < out_until + interval '7 days' THEN 'device'
         ELSE '' END AS wait,
    NOT (has_in AND has_out) AND rest = '' AND begins IS NOT NULL AND %(now)s >= report
        AND coalesce(devices_until < out_until, false) AND %(now)s >= out_until + interval '7 days' AS silent,
    CASE WHEN came_late > grace_minutes AND NOT only_seen THEN came_late ELSE 0 END AS late,
    CASE WHEN left_early > early_grace_minutes THEN left_early ELSE 0 END AS early
FROM (
SELECT b.*, o.id AS out_id, o.at AS out_at, o.source AS out_source, o.loose AS out_loose,
    greatest(in_grade, coalesce(o.grade, '')) AS used_grade,
    in_id IS NOT NULL OR NOT needs_in AS has_in, coalesce(in_source = 'duty', false) AS only_seen,
    o.id IS NOT NULL OR NOT needs_out AS has_out,
    CASE WHEN o.id IS NULL OR NOT needs_out THEN 0 ELSE greatest(0, {_minutes("until - o.at")}) END AS left_early
FROM (
SELECT *, CASE WHEN moved = 0 THEN ends ELSE ends + moved * interval '1 minute' END AS until
FROM (
SELECT a.*, f.id AS in_id, f.at AS in_at, coalesce(f.grade, '') AS in_grade, f.source AS in_source, f.loose AS in_loose,
    CASE WHEN NOT needs_in OR f.id IS NULL THEN 0
         ELSE greatest(0, {_minutes("f.at - begins")} - flex) END AS came_late,
    CASE WHEN flex = 0 OR NOT needs_in OR f.id IS NULL OR ends <> ends_at THEN 0
         ELSE least(greatest(0, {_minutes("f.at - begins")}), flex, {_minutes("next_starts - ends")}) END AS moved
FROM (
SELECT *,
    CASE WHEN begins > starts_at THEN greatest(in_until, least({_MIDDLE}, out_until)) ELSE in_until END AS in_to,
    CASE WHEN ends < ends_at THEN least(out_from, {_MIDDLE}) ELSE out_from END AS out_since,
    CASE WHEN begins = starts_at THEN flex_minutes ELSE 0 END AS flex,
    {_MIDDLE} AS middle,
    CASE WHEN cut IS NULL OR rest <> '' THEN 0
         ELSE {_minutes("ends_at - starts_at")} - {_LEFT_MINUTES.format(_REMAINING)} END AS on_leave
FROM (
SELECT i.id, i.staff_id, i.post_id, i.party_id, i.day, i.starts_at, i.ends_at, i.in_from, i.in_until, i.out_from,
    i.out_until, i.needs_in, i.needs_out, i.flex_minutes, i.grade,
    r.grace_minutes, r.early_grace_minutes, r.serious_minutes, r.half_absent_minutes, r.absent_minutes,
    greatest(i.out_until, i.ends_at + r.report_hours * interval '1 hour') AS report,
    CASE WHEN s.hired_on > i.day THEN 'not_joined' WHEN s.left_on < i.day THEN 'left' ELSE '' END AS rest,
    v.until AS devices_until,
    CASE WHEN i.flex_minutes > 0 THEN (
         SELECT min(n.starts_at) FROM rosters_shiftinstance n
         WHERE n.staff_id = i.staff_id AND n.cancelled_at IS NULL AND n.starts_at >= i.ends_at
           AND n.starts_at < i.ends_at + i.flex_minutes * interval '1 minute') END AS next_starts,
    w.cut, w.cut IS NOT NULL AND coalesce(w.field @> tstzrange(i.starts_at, i.ends_at), false) AS in_field,
    CASE WHEN w.cut IS NULL THEN i.starts_at ELSE lower({_REMAINING}) END AS begins,
    CASE WHEN w.cut IS NULL THEN i.ends_at ELSE upper({_REMAINING}) END AS ends
FROM rosters_shiftinstance i
JOIN rosters_rule r ON r.id = i.rule_id
JOIN organisation_staff s ON s.id = i.staff_id
JOIN organisation_post q ON q.id = i.post_id
LEFT JOIN away w ON w.id = i.id
LEFT JOIN devices v ON v.place_id = coalesce(i.place_id, q.place_id)
WHERE i.cancelled_at IS NULL AND i.in_from <= %(now)s AND {{scope}} {{months}}
OFFSET 0) x OFFSET 0) a
LEFT JOIN LATERAL (
    {_first_of(_IN_TIME, _LATE_IN)}
) f ON true
OFFSET 0) h OFFSET 0) b
LEFT JOIN LATERAL (
    {_first_of(_OUT_TIME, _EARLY_OUT)}
) o ON true
OFFSET 0) d OFFSET 0) e OFFSET 0) m
)
"""

# Column of attendance_result: what `judged` calls it.
_SAID = {
    "mark": "mark", "wait": "wait", "due_at": "due_at", "late_minutes": "late", "early_minutes": "early",
    "worked_minutes": "worked", "leave_minutes": "on_leave", "in_punch_id": "in_id", "out_punch_id": "out_id",
    "in_at": "in_at", "out_at": "out_at", "grade": "used_grade", "present_from": "present_from",
    "present_until": "present_until", "trace": "trace",
}  # fmt: skip
_COLUMNS = list(_SAID)
_KEYS = ("staff_id", "post_id", "party_id", "day")

_OPEN_MONTHS = """AND NOT EXISTS (
    SELECT FROM attendance_confirmation c WHERE c.staff_id = i.staff_id AND c.month = date_trunc('month', i.day)::date)"""
_CONFIRMED_MONTHS = """AND EXISTS (
    SELECT FROM attendance_confirmation c WHERE c.staff_id = i.staff_id AND c.month = date_trunc('month', i.day)::date)"""

# Whoever writes results stands in line, so what is not there is new: MERGE need not insert on trial as ON CONFLICT does.
UPSERT = f"""
{JUDGED}
MERGE INTO attendance_result r USING judged j ON r.instance_id = j.id
WHEN MATCHED AND (({", ".join(f"r.{c}" for c in _COLUMNS if c != "due_at")})
        IS DISTINCT FROM ({", ".join(f"j.{_SAID[c]}" for c in _COLUMNS if c != "due_at")})
    OR r.due_at IS DISTINCT FROM j.due_at) THEN
    UPDATE SET {", ".join(f"{c} = j.{_SAID[c]}" for c in _COLUMNS)}, derived_at = %(now)s
WHEN NOT MATCHED THEN
    INSERT (instance_id, {", ".join(_KEYS)}, {", ".join(_COLUMNS)}, derived_at)
    VALUES (j.id, {", ".join(f"j.{c}" for c in _KEYS)}, {", ".join(f"j.{_SAID[c]}" for c in _COLUMNS)}, %(now)s)
"""

# What a confirmed month would be by now, where it differs from what was said last.
ADJUST = f"""
{JUDGED}
INSERT INTO attendance_adjustment
    (instance_id, staff_id, day, was, mark, late_minutes, early_minutes, worked_minutes, in_punch_id, out_punch_id,
     in_at, out_at, trace, at)
SELECT j.id, j.staff_id, j.day, coalesce(r.mark, ''), j.mark, j.late, j.early, j.worked, j.in_id, j.out_id, j.in_at,
       j.out_at, j.trace, %(now)s
FROM judged j
LEFT JOIN attendance_result r ON r.instance_id = j.id
LEFT JOIN LATERAL (
    SELECT * FROM attendance_adjustment x WHERE x.instance_id = j.id ORDER BY x.id DESC LIMIT 1
) a ON true
WHERE j.wait = '' AND (j.mark, j.late, j.early, j.worked, j.in_id, j.out_id) IS DISTINCT FROM (
    CASE WHEN a.id IS NULL THEN r.mark ELSE a.mark END, CASE WHEN a.id IS NULL THEN r.late_minutes ELSE a.late_minutes END,
    CASE WHEN a.id IS NULL THEN r.early_minutes ELSE a.early_minutes END,
    CASE WHEN a.id IS NULL THEN r.worked_minutes ELSE a.worked_minutes END,
    CASE WHEN a.id IS NULL THEN r.in_punch_id ELSE a.in_punch_id END,
    CASE WHEN a.id IS NULL THEN r.out_punch_id ELSE a.out_punch_id END)
ORDER BY j.id
"""

# A cancelled shift has no result; in a confirmed month it is said beside the one that was confirmed. Each result is named
# once in the statement: joined with itself, results that the statistics do not know yet would cost their square.
_CANCELLED_SHIFT = "i.id = r.instance_id AND i.day BETWEEN %(first)s AND %(last)s AND i.cancelled_at IS NOT NULL"
_CONFIRMED = """EXISTS (SELECT FROM attendance_confirmation c
                        WHERE c.staff_id = r.staff_id AND c.month = date_trunc('month', r.day)::date)"""
FORGET = f"""
DELETE FROM attendance_result r USING rosters_shiftinstance i WHERE {_CANCELLED_SHIFT} AND NOT {_CONFIRMED}
RETURNING r.staff_id, r.day, r.mark
"""
CANCELLED = f"""
INSERT INTO attendance_adjustment (instance_id, staff_id, day, was, mark, late_minutes, early_minutes, worked_minutes, trace, at)
SELECT r.instance_id, r.staff_id, r.day, r.mark, '', 0, 0, 0, '{{}}', %(now)s
FROM attendance_result r JOIN rosters_shiftinstance i ON {_CANCELLED_SHIFT}
WHERE {_CONFIRMED}
  AND coalesce((SELECT x.mark FROM attendance_adjustment x WHERE x.instance_id = r.instance_id ORDER BY x.id DESC LIMIT 1), '-')
      <> ''
"""

_PENALTY = ", ".join(f"'{mark.value}'" for mark in PENALTIES)
# What is no penalty (any more: corrected, or on leave) waits for nobody.
RELEASE = f"""
UPDATE attendance_result r SET suspect_id = NULL
WHERE r.suspect_id IS NOT NULL AND r.mark NOT IN ({_PENALTY}) AND r.day BETWEEN %(first)s AND %(last)s
"""

# A penalty of somebody whom a suspected post, fence, phone or device refused in that shift, wrongly perhaps, is 待定.
# What was confirmed stays as it was confirmed.
HOLD = f"""
UPDATE attendance_result r SET suspect_id = s.id
FROM attendance_suspect s
WHERE s.status = 'open' AND r.suspect_id IS NULL AND r.day BETWEEN %(first)s AND %(last)s
  AND r.mark IN ({_PENALTY}) AND NOT {_CONFIRMED}
  AND EXISTS (
    SELECT FROM rosters_shiftinstance i
    JOIN punches_punch p ON p.staff_id = i.staff_id AND p.at >= i.in_from AND p.at < i.out_until AND p.status = 'refused'
    WHERE i.id = r.instance_id AND p.at >= s.since
      AND (p.refusal = 'outside' OR (s.kind <> 'fence' AND p.refusal IN ({", ".join(f"'{code}'" for code in WRONGFUL)})))
      AND CASE s.kind WHEN 'phone' THEN p.phone_id = s.phone_id
                      WHEN 'device' THEN p.device_id = s.device_id
                      ELSE coalesce(p.post_id, r.post_id) = s.post_id END)
"""


@dataclass(frozen=True, slots=True)
class Derived:
    """How many results were written and how many adjustments were added."""

    written: int = 0
    adjusted: int = 0
    forgotten: int = 0


def lock(tenant: Tenant) -> None:
    """Stand in line with everybody who derives in this school, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7406))", [tenant.schema])


def _run(sql: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        written: int = cursor.rowcount
    return max(0, written)


def _forget(given: dict[str, Any], tenant: Tenant) -> int:
    """Results of cancelled shifts go; what they said stays on their people's timelines."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, given)
        rows = cursor.fetchall()
    said: dict[UUID, list[str]] = {}
    for staff_id, day, mark in sorted(rows, key=lambda row: row[1]):
        if mark != Mark.PENDING:
            said.setdefault(staff_id, []).append(f"{day.month}月{day.day}日{Mark(mark).label}")
    for person in organisation.staff_by_id(said).values() if said else ():
        lost = said[person.pk]
        record(
            verb="results.forgotten", sentence=f"班次取消，{person.name} 的考勤结果随之作废：{'、'.join(lost)}"[:300],
            subject=person, by=Actor.system(tenant.school_id), party_id=person.party_id, results=lost,
        )  # fmt: skip
    return len(rows)


def _asked(sql: str, scope: str, months: str) -> str:
    return sql.replace("{scope}", scope).replace("{months}", months)


@transaction.atomic
def _derive(scope: str, *, tenant: Tenant, now: datetime, first: date, last: date, **parameters: Any) -> Derived:
    """`scope` is a condition on instances `i` whose days lie between `first` and `last` (both included)."""
    lock(tenant)
    given = {**parameters, "now": now, "first": first, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM attendance_confirmation WHERE month BETWEEN date_trunc('month', %s::date) AND %s)",
            [first, last],
        )
        frozen = cursor.fetchone()[0]
    written = _run(_asked(UPSERT, scope, _OPEN_MONTHS if frozen else ""), given)
    adjusted = 0
    if frozen:
        adjusted = _run(_asked(ADJUST, scope, _CONFIRMED_MONTHS), given) + _run(CANCELLED, given)
    forgotten = _forget(given, tenant)
    _run(RELEASE, given)
    if Suspect.objects.filter(status=SuspectStatus.OPEN).exists():
        _run(HOLD, given)
    if written or forgotten:
        announce("presence", tenant=tenant)
    return Derived(written, adjusted, forgotten)


def derive(
    *, tenant: Tenant, now: datetime, first: date, last: date, staff_ids: Collection[UUID] | None = None
) -> Derived:
    """Derive the results of these people (None: everybody) for roster days `first` to `last`, both included."""
    scope = "i.day BETWEEN %(first)s AND %(last)s"
    if staff_ids is None:
        return _derive(scope, tenant=tenant, now=now, first=first, last=last)
    if not staff_ids:
        return Derived()
    scope += " AND i.staff_id = ANY(%(staff)s::uuid[])"
    return _derive(scope, tenant=tenant, now=now, first=first, last=last, staff=[str(i) for i in staff_ids])


def derive_days(days: Iterable[tuple[UUID, date]], *, tenant: Tenant, now: datetime) -> Derived:
    """Derive what punches on these (person, local day) may touch: the shifts of that day and its neighbours."""
    pairs = list(dict.fromkeys(days))
    if not pairs:
        return Derived()
    scope = """i.id IN (
        SELECT n.id FROM unnest(%(people)s::uuid[], %(days)s::date[]) AS x(staff_id, day)
        JOIN rosters_shiftinstance n ON n.staff_id = x.staff_id AND n.day BETWEEN x.day - 2 AND x.day + 1
             AND n.starts_at BETWEEN x.day - 3 AND x.day + 3 AND n.cancelled_at IS NULL)"""
    first, last = min(d for _s, d in pairs), max(d for _s, d in pairs)
    return _derive(
        scope, tenant=tenant, now=now, first=date.fromordinal(first.toordinal() - 2),
        last=date.fromordinal(last.toordinal() + 1), people=[str(s) for s, _d in pairs], days=[d for _s, d in pairs],
    )  # fmt: skip


# The first two arms go by what is so and may leave something to the next sweep; the others go by the watermark, which
# moves on, and leave nothing.
DUE = """
(SELECT r.instance_id AS id, r.day FROM attendance_result r WHERE r.due_at <= %(now)s ORDER BY r.due_at LIMIT 50000)
UNION
(SELECT i.id, i.day FROM rosters_shiftinstance i
WHERE i.cancelled_at IS NULL AND i.ends_at > %(now)s - interval '40 days' AND i.in_from <= %(now)s
  AND i.ends_at < %(now)s + interval '3 days'
  AND NOT EXISTS (SELECT FROM attendance_result r WHERE r.instance_id = i.id)
ORDER BY i.ends_at DESC LIMIT 50000)
UNION
-- A leave that was taken back on the way has a new end: shifts after it that had not begun by then looked allowed.
SELECT i.id, i.day FROM rosters_leave l
JOIN rosters_shiftinstance i ON i.staff_id = l.staff_id AND i.ends_at > l.starts_at
     AND i.starts_at < greatest(l.ends_at, l.withdrawn_at + interval '2 days')
WHERE (l.decided_at >= %(seen)s OR l.withdrawn_at >= %(seen)s) AND i.cancelled_at IS NULL
UNION
-- Dates of employment that moved: what is expected of the days between is another.
SELECT r.instance_id, r.day FROM organisation_staff s JOIN attendance_result r ON r.staff_id = s.id
WHERE s.employment_changed_at >= %(seen)s
  AND (r.mark = 'rest') <> (coalesce(s.hired_on > r.day, false) OR coalesce(s.left_on < r.day, false))
UNION
-- A cell that came or went moves the windows of its neighbours.
SELECT i.id, i.day FROM rosters_assignment a
JOIN rosters_shiftinstance i ON i.staff_id = a.staff_id AND i.day BETWEEN a.day - 1 AND a.day + 1
WHERE (a.published_at >= %(seen)s OR a.cancelled_at >= %(seen)s) AND i.in_from <= %(now)s
"""


def due(*, now: datetime, seen: datetime) -> Sequence[tuple[UUID, date]]:
    """(instance, day) to look at now: judgements whose time has come, shifts without a result, and what was
    decided since `seen` (leaves, dates of employment, cells)."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"now": now, "seen": seen})
        rows: list[tuple[UUID, date]] = cursor.fetchall()
    return rows


def derive_instances(rows: Sequence[tuple[UUID, date]], *, tenant: Tenant, now: datetime) -> Derived:
    """Derive these (instance, day)."""
    if not rows:
        return Derived()
    return _derive(
        "i.id IN (SELECT unnest(%(ids)s::uuid[]))", tenant=tenant, now=now, first=min(d for _i, d in rows),
        last=max(d for _i, d in rows), ids=[str(i) for i, _d in rows],
    )  # fmt: skip
