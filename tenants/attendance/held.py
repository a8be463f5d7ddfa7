"""Adjustments of confirmed months that are 待定: a penalty that an open suspect may explain, like a held result.

A held result carries its suspect (`derive.HOLD`), since sums must leave it out. Whether an adjustment waits is asked
when it is read: it waits as long as the case is open, and no longer. Numbers take the last one that does not wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from django.db import connection

from tenants.attendance.choices import PENALTIES, WRONGFUL

# A last word (`a`) of a shift that is a penalty, and a case (`s`) that refused its person in that shift, wrongly perhaps.
_EXPLAINED = f"""
a.mark IN ({", ".join(f"'{mark.value}'" for mark in PENALTIES)})
AND NOT EXISTS (SELECT FROM attendance_adjustment n WHERE n.instance_id = a.instance_id AND n.id > a.id)
AND EXISTS (
    SELECT FROM rosters_shiftinstance i
    JOIN punches_punch p ON p.staff_id = i.staff_id AND p.at >= i.in_from AND p.at < i.out_until AND p.status = 'refused'
    WHERE i.id = a.instance_id AND p.at >= s.since
      AND (p.refusal = 'outside' OR (s.kind <> 'fence' AND p.refusal IN ({", ".join(f"'{code}'" for code in WRONGFUL)})))
      AND CASE s.kind WHEN 'phone' THEN p.phone_id = s.phone_id
                      WHEN 'device' THEN p.device_id = s.device_id
                      ELSE coalesce(p.post_id, i.post_id) = s.post_id END)
"""

_WAITS = f"EXISTS (SELECT FROM attendance_suspect s WHERE s.status = 'open' AND {_EXPLAINED})"

_WAITING = f"SELECT a.id FROM attendance_adjustment a WHERE a.id = ANY(%s) AND {_WAITS}"


def standing(days: str) -> str:
    """SQL of what shifts of confirmed months came to by now, for a WITH: the last adjustment of each that does not wait.

    `days` is a condition on `a.day`.
    """
    return f"""
    SELECT DISTINCT ON (a.instance_id) a.* FROM attendance_adjustment a
    WHERE {days} AND NOT {_WAITS} ORDER BY a.instance_id, a.id DESC"""


_OF_CASES = f"""
SELECT s.id, a.instance_id, a.day FROM attendance_suspect s
JOIN attendance_adjustment a ON a.day >= s.since::date - 2 AND {_EXPLAINED}
WHERE s.status = 'open' AND s.id = ANY(%s::uuid[])
ORDER BY a.day, a.id
"""


def waiting(adjustment_ids: Sequence[int]) -> set[int]:
    """Which of these adjustments wait for the decision of an open case. One query."""
    if not adjustment_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [list(adjustment_ids)])
        return {row[0] for row in cursor.fetchall()}


def of_cases(suspect_ids: Sequence[UUID]) -> list[tuple[UUID, UUID, date]]:
    """(open case, shift, day) of the adjustments that wait for these cases. One query."""
    if not suspect_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_OF_CASES, [list(suspect_ids)])
        return [(row[0], row[1], row[2]) for row in cursor.fetchall()]
