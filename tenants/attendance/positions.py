"""Where the refused punches of a suspected fence were: what a proposal is judged by. Without names.

Coordinates are erased after their term (punches.retention); such punches are counted by the case and not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

MOST = 200  # the newest of a case

# Refused for being outside in the stretch looked at; those that count after all by the decision stay in the picture.
_POSITIONS = """
SELECT s.id, p.latitude, p.longitude, p.accuracy_m, p.outside_m, p.at, p.status = 'accepted'
FROM attendance_suspect s
CROSS JOIN LATERAL (
    SELECT * FROM punches_punch p
    WHERE p.post_id = s.post_id AND p.at >= s.since AND p.at < s.until AND p.source IN ('phone', 'device', 'system')
      AND p.latitude IS NOT NULL AND p.longitude IS NOT NULL AND p.outside_m > 0
      AND (p.refusal = 'outside' OR (s.status = 'accepted' AND p.status = 'accepted' AND p.vouched_by = s.decided_by))
    ORDER BY p.at DESC LIMIT %s) p
WHERE s.id = ANY(%s::uuid[]) AND s.kind = 'fence'
ORDER BY s.id, p.at DESC
"""


@dataclass(frozen=True, slots=True)
class Position:
    """One refused punch, WGS-84."""

    latitude: float
    longitude: float
    accuracy_m: float | None
    outside_m: float
    at: datetime
    counted: bool  # by the decision


def of_suspects(ids: Sequence[UUID]) -> list[tuple[UUID, Position]]:
    """(case, position), the newest first. One query. The caller has asked `policies.reads_positions`."""
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_POSITIONS, [MOST, list(ids)])
        return [(row[0], Position(*row[1:])) for row in cursor.fetchall()]
