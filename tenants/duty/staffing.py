"""How many people are where, and how many should be: set-based SQL, for the operations and the cockpit.

Published tables of lower features that are named here: `rosters_coverage`, `rosters_shiftinstance`, `rosters_leave`,
`organisation_staff`, `patrols_tour`. Whoever is on approved leave is not expected at a post (`rosters.contracts.on_leave`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from kernel.clock import day_bounds
from tenants.calendar import queries as calendar
from tenants.calendar.choices import DayKind
from tenants.duty.contracts import Covered, Expected, Shortfall
from tenants.duty.schedule import Span
from tenants.rosters.contracts import on_leave

# From the begin of a shift, an acceptance or a relief until that person must have signed on.
GRACE = timedelta(minutes=15)
NEXT_SHIFT = timedelta(hours=12)  # who comes on within this time may receive a handover


def instance_now(*, staff_id: UUID, post_id: UUID, now: datetime) -> tuple[UUID, datetime] | None:
    """(id, end) of the shift instance this person fills at the post by signing on now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, ends_at FROM rosters_shiftinstance WHERE staff_id = %s AND post_id = %s"
            " AND cancelled_at IS NULL AND in_from <= %s AND ends_at > %s ORDER BY starts_at LIMIT 1",
            [staff_id, post_id, now, now],
        )
        row = cursor.fetchone()
    return (row[0], row[1]) if row else None


_EXPECTED = """
WITH wanted AS (
  SELECT post_id, greatest(d.persons_to_answer, 1) AS persons
  FROM unnest(%(posts)s::uuid[]) AS u(post_id) JOIN duty_dutypost d USING (post_id)
),
on_duty AS (
  SELECT s.post_id, s.staff_id,
         CASE
           WHEN EXISTS (
             SELECT 1 FROM rosters_leave l
             WHERE l.staff_id = s.staff_id AND l.status = 'approved' AND l.starts_at >= s.signed_on_at
               AND l.starts_at <= %(now)s AND l.ends_at > %(now)s) THEN 'leave'
           WHEN a.kind = 'patrol' AND EXISTS (
             SELECT 1 FROM patrols_tour t
             WHERE t.walker_staff_id = s.staff_id AND t.status = 'walking' AND t.started_at <= %(now)s
               AND t.ends_at > %(now)s)
             AND NOT EXISTS (
               SELECT 1 FROM duty_absence b JOIN duty_stint o ON o.id = b.stint_id
               WHERE b.relief_id = s.staff_id AND b.kind = 'relief' AND b.ends_at IS NULL AND b.until > %(now)s
                 AND o.post_id = s.post_id AND o.signed_off_at IS NULL) THEN 'patrol'
           WHEN a.kind = 'relief' AND EXISTS (
             SELECT 1 FROM duty_stint r
             WHERE r.staff_id = a.relief_id AND r.staff_id <> s.staff_id AND r.post_id = s.post_id
               AND r.signed_off_at IS NULL AND NOT EXISTS (
                 SELECT 1 FROM duty_absence x
                 WHERE x.stint_id = r.id AND x.ends_at IS NULL AND x.starts_at <= a.starts_at)) THEN 'relief'
           ELSE ''
         END AS excuse, NULL::timestamptz AS began
  FROM duty_stint s JOIN wanted USING (post_id)
  LEFT JOIN duty_absence a ON a.stint_id = s.id AND a.ends_at IS NULL AND a.until > %(now)s
  WHERE s.signed_off_at IS NULL
),
rostered AS (
  SELECT i.post_id, i.staff_id, '' AS excuse, min(i.starts_at) AS began
  FROM rosters_shiftinstance i JOIN wanted w USING (post_id)
  WHERE i.cancelled_at IS NULL AND i.starts_at <= %(now)s AND i.ends_at > %(now)s
    AND NOT {on_leave}
    AND (SELECT count(*) FROM on_duty o WHERE o.post_id = i.post_id AND o.excuse <> 'leave') < w.persons
    AND NOT EXISTS (SELECT 1 FROM on_duty o WHERE o.post_id = i.post_id AND o.staff_id = i.staff_id)
  GROUP BY i.post_id, i.staff_id
)
SELECT e.post_id, e.staff_id, p.account_id, e.excuse, coalesce(greatest(e.began, (
         SELECT max(b.ends_at) FROM rosters_leave b
         WHERE b.staff_id = e.staff_id AND b.status = 'approved' AND b.ends_at > e.began AND b.ends_at <= %(now)s
       )) > %(now)s::timestamptz - %(grace)s, false) AS awaited
FROM (SELECT * FROM on_duty UNION ALL SELECT * FROM rostered) e JOIN organisation_staff p ON p.id = e.staff_id
ORDER BY e.post_id, e.staff_id
""".replace("{on_leave}", on_leave("i.staff_id", "%(now)s"))


def people_expected(*, post_ids: Iterable[UUID], now: datetime) -> dict[UUID, list[Expected]]:
    """Who must answer a call at each post: those on duty, and those rostered where too few signed on. One query.

    The excuse (M4a "declared relief excluded") is read from what the server knew before the call, so that nothing said
    after it rings helps: a declared patrol counts with a tour of that person that is open and in its window, a relief
    when the named person has signed on at the post and was not away when it was declared. Who stands in for another
    is bound: a tour of their own is no excuse, so that two can never excuse each other. A short break (短时离开) never
    excuses, or it would be the way out of every call: who answers on return is 迟应答.

    Whoever is rostered, has not signed on, and should have come less than 15 minutes ago is called, and `awaited`:
    not to be there yet is 未到, which attendance judges, and no 脱岗.

    Approved leave: who has not signed on is not expected. Who signed on before the leave and has not signed off owes no
    answer, and the post is held by nobody in their place. Whoever signs on during their leave is there by their own
    word, and answers.
    """
    found: dict[UUID, list[Expected]] = defaultdict(list)
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {"posts": list(set(post_ids)), "now": now, "grace": GRACE}
        cursor.execute(_EXPECTED, asked)
        for post_id, *person in cursor.fetchall():
            found[post_id].append(Expected(*person))
    return dict(found)


def shift_began(*, post_id: UUID, staff_ids: Iterable[UUID], at: datetime) -> datetime | None:
    """The earliest moment from which these people's rostered shifts at the post, or what approved leave has left of them,
    run up to a moment.
    """
    began = began_of(post_ids=[post_id], staff_ids=staff_ids, at=at)
    return min(began.values(), default=None)


_BEGAN = """
SELECT i.post_id, i.staff_id, min(greatest(i.starts_at, (
         SELECT max(b.ends_at) FROM rosters_leave b
         WHERE b.staff_id = i.staff_id AND b.status = 'approved' AND b.starts_at < i.ends_at
           AND b.ends_at > i.starts_at AND b.ends_at <= %(at)s)))
FROM rosters_shiftinstance i
WHERE i.post_id = ANY(%(posts)s::uuid[]) AND i.staff_id = ANY(%(staff)s::uuid[]) AND i.cancelled_at IS NULL
  AND i.starts_at <= %(at)s AND i.ends_at > %(at)s AND NOT {on_leave}
GROUP BY i.post_id, i.staff_id
""".replace("{on_leave}", on_leave("i.staff_id", "%(at)s"))


def began_of(*, post_ids: Iterable[UUID], staff_ids: Iterable[UUID], at: datetime) -> dict[tuple[UUID, UUID], datetime]:
    """{(post, person): since when they should be there by the roster, without a break of leave}. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGAN, {"posts": list(set(post_ids)), "staff": list(set(staff_ids)), "at": at})
        return {(post_id, staff_id): began for post_id, staff_id, began in cursor.fetchall()}


def _holidays(days: list[date]) -> list[bool]:
    """Whether each day is a statutory holiday, by the school's calendar."""
    known = calendar.days_by_date(days[0], days[-1])
    return [known[day].kind in (DayKind.STATUTORY, DayKind.ADJUSTED_REST) for day in days]


_WINDOWS = """
  SELECT c.post_id, c.persons,
         (d.day + make_interval(mins => c.start_minute)) AT TIME ZONE %(tz)s AS starts,
         (d.day + make_interval(mins => c.end_minute)) AT TIME ZONE %(tz)s AS ends
  FROM rosters_coverage c
  JOIN unnest(%(days)s::date[], %(holidays)s::boolean[]) AS d(day, holiday)
    ON (c.weekdays >> (extract(isodow FROM d.day)::int - 1)) & 1 = 1
   AND c.valid_from <= d.day AND (c.valid_until IS NULL OR d.day < c.valid_until) AND (c.holidays OR NOT d.holiday)
"""


_SPANS = "SELECT post_id, starts, ends FROM ({windows}) w WHERE ends > %(from)s AND starts < %(until)s".replace(
    "{windows}", _WINDOWS
)


def _windows_of(first: date, last: date, tz: ZoneInfo) -> dict[str, Any]:
    """Parameters of _WINDOWS and _STATES: the days, and the two before, whose windows may run over midnight."""
    start = first - timedelta(days=2)
    days = [start + timedelta(days=n) for n in range((last - start).days + 1)]
    return {"days": days, "holidays": _holidays(days), "tz": str(tz), "grace": GRACE}


def coverage_spans(*, day: date, tz: ZoneInfo) -> dict[UUID, list[Span]]:
    """When the contract wants somebody at each post on a local day: one query."""
    start, end = day_bounds(day, tz)
    found: dict[UUID, list[Span]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _SPANS,
            {**_windows_of(day, day, tz), "from": start, "until": end},
        )
        for post_id, starts, ends in cursor.fetchall():
            found[post_id].append((max(starts, start), min(ends, end)))
    return dict(found)


def posts_expecting(
    *, post_ids: Iterable[UUID], now: datetime, spans: Mapping[date, Mapping[UUID, list[Span]]]
) -> set[UUID]:
    """At which posts somebody should be now: on duty, rostered, or wanted by the contract."""
    wanted = set(post_ids)
    by_contract = {
        post_id
        for of_day in spans.values()
        for post_id, hours in of_day.items()
        if any(start <= now < end for start, end in hours)
    }
    return set(people_expected(post_ids=wanted, now=now)) | (by_contract & wanted)


_RECEIVERS = """
SELECT staff_id FROM duty_stint WHERE post_id = %(post)s AND signed_off_at IS NULL
UNION
SELECT i.staff_id FROM rosters_shiftinstance i
WHERE i.post_id = %(post)s AND i.cancelled_at IS NULL AND i.starts_at < %(next)s AND i.ends_at > %(now)s AND NOT {on_leave}
""".replace("{on_leave}", on_leave("i.staff_id", "greatest(i.starts_at, %(now)s)"))


def posts_wanting(*, post_ids: Iterable[UUID], now: datetime, tz: ZoneInfo) -> set[UUID]:
    """The same with the hours of today's contracts: where nobody is wanted, nobody can be missing."""
    today = now.astimezone(tz).date()
    return posts_expecting(post_ids=post_ids, now=now, spans={today: coverage_spans(day=today, tz=tz)})


def receivers(*, post_id: UUID, now: datetime) -> set[UUID]:
    """Who may receive a handover: on duty at the post, or rostered there within the next twelve hours and not on leave
    then.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVERS, {"post": post_id, "next": now + NEXT_SHIFT, "now": now})
        return {row[0] for row in cursor.fetchall()}


_FORSAKEN = """
SELECT a.id FROM duty_anomaly a JOIN organisation_staff p ON p.id = a.holder_id
WHERE a.status = 'open' AND (%(only)s::uuid IS NULL OR a.id = %(only)s) AND (p.status = 'left' OR (
  NOT EXISTS (SELECT 1 FROM duty_stint s
              WHERE s.staff_id = a.holder_id AND s.post_id = a.post_id AND s.signed_off_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM rosters_shiftinstance i
                  WHERE i.staff_id = a.holder_id AND i.post_id = a.post_id AND i.cancelled_at IS NULL
                    AND i.starts_at > %(late)s AND i.starts_at < %(next)s AND NOT {on_leave})
  AND NOT EXISTS (SELECT 1 FROM duty_handoveritem h
                  WHERE h.anomaly_id = a.id AND h.status = 'accepted' AND h.answered_at > %(late)s)
))
ORDER BY a.post_id, a.id
""".replace("{on_leave}", on_leave("i.staff_id", "i.starts_at"))


def forsaken(*, now: datetime, anomaly_id: UUID | None = None) -> list[UUID]:
    """Open anomalies in the hands of somebody who is not on duty there and will not come: no shift within twelve hours (leave is none),
    a shift begun 15 minutes ago, or no longer with the company.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORSAKEN, {"late": now - GRACE, "next": now + NEXT_SHIFT, "only": anomaly_id})
        return [row[0] for row in cursor.fetchall()]


_STATES = """
WITH windows AS ({windows}),
wanted AS (
  SELECT post_id, persons, greatest(starts, %(from)s) AS starts, least(ends, %(until)s) AS ends
  FROM windows WHERE post_id = ANY(%(posts)s) AND ends > %(from)s AND starts < %(until)s
),
stints AS (
  SELECT s.id, s.post_id, s.staff_id, s.on_code, s.signed_on_at, greatest(s.signed_on_at, %(from)s) AS starts,
         least(coalesce(s.signed_off_at, %(until)s), %(until)s) AS ends
  FROM duty_stint s WHERE s.post_id = ANY(%(posts)s) AND s.signed_on_at < %(until)s
    AND (s.signed_off_at IS NULL OR s.signed_off_at > %(from)s)
),
leaves AS (
  SELECT s.post_id, l.starts_at AS starts, least(l.ends_at, s.ends) AS ends
  FROM stints s JOIN rosters_leave l ON l.staff_id = s.staff_id AND l.status = 'approved'
  WHERE l.starts_at >= s.starts AND l.starts_at < s.ends
),
absences AS (
  SELECT s.post_id, s.staff_id, a.kind, a.relief_id, a.until, a.starts_at, greatest(a.starts_at, s.starts) AS starts,
         least(coalesce(a.ends_at, %(until)s), s.ends) AS ends
  FROM duty_absence a JOIN stints s ON s.id = a.stint_id
  WHERE a.starts_at < %(until)s AND (a.ends_at IS NULL OR a.ends_at > %(from)s)
),
tours AS MATERIALIZED (
  SELECT walker_staff_id AS staff_id, started_at AS starts, coalesce(finished_at, ends_at) AS ends FROM patrols_tour
  WHERE walker_staff_id IS NOT NULL AND started_at IS NOT NULL AND starts_at < %(until)s
    AND starts_at > %(from)s::timestamptz - interval '2 days'
),
proofs AS (
  SELECT s.post_id, s.starts, s.ends FROM stints s WHERE s.on_code
  UNION ALL
  SELECT s.post_id, greatest(min(m.answered_at), s.starts), s.ends
  FROM stints s
  JOIN duty_call c ON c.post_id = s.post_id AND c.sent_at >= s.signed_on_at AND c.sent_at < s.ends
  JOIN duty_summons m ON m.call_id = c.id AND m.staff_id = s.staff_id
  WHERE NOT s.on_code AND m.on_duty AND m.answered_at IS NOT NULL AND NOT m.late AND m.doubt = ''
    AND m.place_ok IS NOT FALSE AND m.face <> 'other'
  GROUP BY s.id, s.post_id, s.starts, s.ends
),
excuses AS (
  SELECT post_id, starts, least(ends, until) AS ends FROM absences WHERE kind = 'break'
  UNION ALL
  SELECT post_id, starts, least(ends, until, starts_at + %(grace)s) FROM absences
  WHERE kind = 'relief' AND relief_id IS NOT NULL
  UNION ALL
  SELECT a.post_id, greatest(a.starts, t.starts), least(a.ends, a.until, t.ends)
  FROM absences a CROSS JOIN LATERAL (
    SELECT min(starts) AS starts, max(ends) AS ends FROM tours
    WHERE tours.staff_id = a.staff_id AND tours.starts < a.ends AND tours.ends > a.starts) t
  WHERE a.kind = 'patrol' AND t.starts IS NOT NULL
),
steps AS (
  SELECT post_id, starts AS at, persons AS need, 0 AS present, 0 AS excused, 0 AS proved FROM wanted
  UNION ALL SELECT post_id, ends, -persons, 0, 0, 0 FROM wanted
  UNION ALL SELECT post_id, starts, 0, 1, 0, 0 FROM stints WHERE starts < ends
  UNION ALL SELECT post_id, ends, 0, -1, 0, 0 FROM stints WHERE starts < ends
  UNION ALL SELECT post_id, starts, 0, -1, 0, 0 FROM leaves
  UNION ALL SELECT post_id, ends, 0, 1, 0, 0 FROM leaves
  UNION ALL SELECT post_id, starts, 0, -1, 0, 0 FROM absences WHERE starts < ends
  UNION ALL SELECT post_id, ends, 0, 1, 0, 0 FROM absences WHERE starts < ends
  UNION ALL SELECT post_id, starts, 0, 0, 1, 0 FROM excuses WHERE starts < ends
  UNION ALL SELECT post_id, ends, 0, 0, -1, 0 FROM excuses WHERE starts < ends
  {proved}
),
moments AS (
  SELECT post_id, at, sum(need) AS need, sum(present) AS present, sum(excused) AS excused,
         sum(proved) AS proved FROM steps
  GROUP BY post_id, at
),
counted AS (
  SELECT post_id, at, lead(at) OVER w AS until, sum(need) OVER w AS need, greatest(sum(present) OVER w, 0) AS here,
         sum(excused) OVER w AS excused, sum(proved) OVER w AS proved
  FROM moments WINDOW w AS (PARTITION BY post_id ORDER BY at)
),
states AS (
  SELECT c.*, here + excused >= need AND (d.persons_to_answer < 2 OR here >= least(need, d.persons_to_answer)) AS enough
  FROM counted c JOIN duty_dutypost d USING (post_id)
)
""".replace("{windows}", _WINDOWS)

# A stint is proved from sign-on with the post's code, else from its first answer in time that held.
_PROVED = """UNION ALL SELECT post_id, starts, 0, 0, 0, 1 FROM proofs WHERE starts < ends
  UNION ALL SELECT post_id, ends, 0, 0, 0, -1 FROM proofs WHERE starts < ends"""

_SHORT = """
{states}
, short AS (
  SELECT post_id, at, until, need, here, enough AS declared FROM states WHERE until > at AND here < need
),
islands AS (
  SELECT *, (at IS DISTINCT FROM lag(until) OVER o OR need <> lag(need) OVER o OR here <> lag(here) OVER o
             OR declared <> lag(declared) OVER o)::int AS fresh
  FROM short WINDOW o AS (PARTITION BY post_id ORDER BY at)
),
numbered AS (
  SELECT *, sum(fresh) OVER (PARTITION BY post_id ORDER BY at) AS island FROM islands
)
SELECT post_id, min(at), max(until), min(need), min(here), bool_and(declared)
FROM numbered GROUP BY post_id, island ORDER BY post_id, 2
""".replace("{states}", _STATES.replace("{proved}", ""))

_COVERED = """
{states}
, began AS (SELECT post_id, min(signed_on_at) AS at FROM duty_stint GROUP BY post_id),
spans AS (
  SELECT {key} AS key, extract(epoch FROM s.until - s.at) / 60 AS minutes, s.need,
         CASE WHEN s.enough THEN s.need ELSE least(s.need, s.here) END AS held, s.proved,
         s.at >= b.at AS known, NOT s.enough AS short
  FROM states s JOIN organisation_post p ON p.id = s.post_id LEFT JOIN began b ON b.post_id = s.post_id
  WHERE s.until > s.at AND s.need > 0
)
SELECT key, round(sum(minutes * need))::bigint, coalesce(round(sum(minutes * need) FILTER (WHERE known)), 0)::bigint,
       coalesce(round(sum(minutes * held) FILTER (WHERE known)), 0)::bigint,
       round(sum(minutes))::bigint, coalesce(round(sum(minutes) FILTER (WHERE known)), 0)::bigint,
       coalesce(round(sum(minutes) FILTER (WHERE known AND short)), 0)::bigint,
       coalesce(round(sum(minutes * least(held, proved)) FILTER (WHERE known)), 0)::bigint
FROM spans GROUP BY key ORDER BY key
""".replace("{states}", _STATES.replace("{proved}", _PROVED))
_COVERED_BY = {"line": _COVERED.replace("{key}", "p.line"), "post": _COVERED.replace("{key}", "s.post_id")}


def shortfalls(
    *, post_ids: Iterable[UUID], starts: datetime, ends: datetime, tz: ZoneInfo
) -> dict[UUID, list[Shortfall]]:
    """Where and when posts had fewer people than their coverage wants: half-open intervals, one set-based query.

    Declared absences are absences here too; `declared` says that they explain the gap: a break within its declared time,
    a patrol while a tour of that person runs, a relief for the 15 minutes it may take them to come. After that only who
    has come counts. Where two must answer (双人) nothing explains fewer than two.
    """
    found: dict[UUID, list[Shortfall]] = defaultdict(list)
    ids = list(set(post_ids))
    if not ids or starts >= ends:
        return {}
    first, last = starts.astimezone(tz).date(), ends.astimezone(tz).date()
    with connection.cursor() as cursor:
        cursor.execute(_SHORT, {**_windows_of(first, last, tz), "from": starts, "until": ends, "posts": ids})
        for post_id, begin, until, need, here, declared in cursor.fetchall():
            found[post_id].append(Shortfall(post_id, begin, until, int(need), int(here), declared))
    return dict(found)


def covered_minutes(
    *, post_ids: Iterable[UUID], starts: datetime, ends: datetime, tz: ZoneInfo, by: str = "line"
) -> dict[Any, Covered]:
    """{line: the sums of `Covered`}, or with `by="post"` {post id: sums}. A gap that is `declared` (see `shortfalls`) is
    held. More people than wanted make up for nothing. One query.
    """
    ids = list(set(post_ids))
    if not ids or starts >= ends:
        return {}
    first, last = starts.astimezone(tz).date(), ends.astimezone(tz).date()
    with connection.cursor() as cursor:
        cursor.execute(_COVERED_BY[by], {**_windows_of(first, last, tz), "from": starts, "until": ends, "posts": ids})
        return {key: Covered(*numbers) for key, *numbers in cursor.fetchall()}
