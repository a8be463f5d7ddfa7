"""The number the organisation can state of its people: are the certificates there that their posts require?

`certificate_validity` (持证有效率): of the certificates that the posts of working people require, those in force on
the day read. Coverage: the share of working people who have a post at all, for of the others nothing is required
and nothing known.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from kernel.clock import month_bounds
from kernel.metrics import Direction, Metric, Reading

CERTIFICATE_VALIDITY = Metric(
    code="certificate_validity",
    name="持证有效率",
    unit="%",
    numerator="在职人员岗位所需、且当日有效（未过期、未逾期复审）的证书",
    denominator="在职人员岗位所需的证书",
    coverage="在职人员中已定岗的比例（未定岗的人员需要什么证书不知道）",
    direction=Direction.UP,
    version=1,
    minimum_n=5,
    percent=True,
)
METRICS = (CERTIFICATE_VALIDITY,)

_SQL = """
WITH people AS (
    SELECT s.id, s.post_id, o.line, o.certificates FROM organisation_staff s
    LEFT JOIN organisation_post o ON o.id = s.post_id
    WHERE (s.hired_on IS NULL OR s.hired_on <= %(day)s) AND (s.left_on IS NULL OR s.left_on > %(day)s)
      AND (%(party)s::uuid IS NULL OR s.party_id = %(party)s::uuid)
), need AS (
    SELECT p.id, p.line, EXISTS (
        SELECT FROM organisation_certificate c WHERE c.staff_id = p.id AND c.kind = k.kind AND c.issued_on <= %(day)s
        AND (c.expires_on IS NULL OR c.expires_on >= %(day)s) AND (c.review_on IS NULL OR c.review_on >= %(day)s)
    ) AS held
    FROM people p, jsonb_array_elements_text(p.certificates) AS k(kind)
), sums AS (
    SELECT COALESCE(line, '') AS line, count(*) FILTER (WHERE held) AS good, count(*) AS wanted FROM need
    GROUP BY GROUPING SETS ((line), ())
), staffing AS (
    SELECT COALESCE(line, '') AS line, count(*) AS people, count(post_id) AS placed FROM people
    GROUP BY GROUPING SETS ((line), ()) HAVING GROUPING(line) = 1 OR line IS NOT NULL
)
SELECT t.line, COALESCE(s.good, 0), COALESCE(s.wanted, 0), t.people, t.placed
FROM staffing t LEFT JOIN sums s ON s.line = t.line
WHERE t.line = '' OR s.wanted > 0 ORDER BY t.line
"""


def on_day(day: date, *, party_id: UUID | None = None) -> list[Reading]:
    """Readings of one day, for the whole school ("") and each line with required certificates. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"day": day, "party": party_id})
        rows = cursor.fetchall()
    return [
        Reading(
            month=day.replace(day=1),
            line=line,
            numerator=Decimal(good),
            denominator=Decimal(wanted),
            n=wanted,
            coverage=(Decimal(placed) / Decimal(people)).quantize(Decimal("0.0001")) if people else Decimal(0),
        )
        for line, good, wanted, people, placed in rows
    ]


def readings(*, month: date, tz: ZoneInfo) -> dict[str, list[Reading]]:
    """{metric code: readings}: as things stood on the last day of the month."""
    _first, after = month_bounds(month)
    return {CERTIFICATE_VALIDITY.code: on_day(after - timedelta(days=1))}
