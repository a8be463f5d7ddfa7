"""How fast a walk may be and still have looked: 其余合格 ticks a sheet in seconds, feet do not.

A walk that took less than 20 seconds for each item it answered (ten minutes are always enough) was no visit: it
covers no place, ticks nothing off and counts in no number, whatever is on its sheet. Its answers and findings stand.
The time is the server's, from start to end; a phone that was offline ends its walk when it reports.
"""

from __future__ import annotations

from tenants.inspections.models import Inspection

PER_ITEM = 20  # seconds
ENOUGH_TIME = 600  # seconds
ENOUGH = 0.5  # the share of its sheet a walk must have answered to count as a visit of the place

# Of a walk `i`, beside `a` of ANSWERED.
ANSWERED = (
    "LATERAL (SELECT count(*) FILTER (WHERE r.verdict <> '') AS answered, count(*) AS asked"
    " FROM inspections_result r WHERE r.inspection_id = i.id) a"
)
UNHURRIED = f"extract(epoch FROM i.finished_at - i.started_at) >= least({ENOUGH_TIME}, {PER_ITEM} * a.answered)"
LOOKED = f"({UNHURRIED} AND a.answered > 0 AND a.answered >= {ENOUGH} * a.asked)"


def hasty(walk: Inspection, *, answered: int) -> bool:
    """Whether a finished walk took less time than looking does."""
    if walk.finished_at is None:
        return False
    return (walk.finished_at - walk.started_at).total_seconds() < min(ENOUGH_TIME, PER_ITEM * answered)


def looked(walk: Inspection, *, answered: int, asked: int) -> bool:
    """Whether a finished walk counts as a visit of its place."""
    return 0 < answered >= ENOUGH * asked and not hasty(walk, answered=answered)
