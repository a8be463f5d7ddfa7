"""The numbers duty can state, for any period × party × line × post: one grouped query, no loops.

- `calls_answered_in_time`: of the calls decided whose deadline lies in the period, the ones answered in time at the
  post (在岗). Calls while everybody had declared to be away do not count.
- `off_post_cases`: 脱岗 by the school's own rule of calls in a row. Denominator: 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from kernel.metrics import Direction, Metric
from tenants.duty.choices import CallStatus, Outcome
from tenants.duty.models import Call

ANSWERED = Metric(
    code="calls_answered_in_time",
    name="查岗按时应答率",
    unit="%",
    numerator="期内到期、按时在岗应答的查岗",
    denominator="期内到期的查岗（已申报离岗的除外）",
    coverage="查岗均有期限和结果，完整率恒为 1",
    direction=Direction.UP,
    version=1,
    minimum_n=10,
    percent=True,
)
OFF_POST = Metric(
    code="off_post_cases",
    name="脱岗次数",
    unit="次",
    numerator="期内按本校规则认定的脱岗",
    denominator="1",
    coverage="查岗均有结果，完整率恒为 1",
    direction=Direction.DOWN,
    version=1,
    minimum_n=0,
)
METRICS = (ANSWERED, OFF_POST)
DIMENSIONS = {"party": "post__party_id", "line": "post__line", "post": "post_id"}


@dataclass(frozen=True, slots=True)
class Count3:
    """Numerator, denominator and number of cases of one metric for one key."""

    code: str
    key: tuple[Any, ...]  # values of the dimensions grouped by, in their order
    numerator: int
    denominator: int
    n: int


def counts(
    *, starts: datetime, ends: datetime, party_id: UUID | None = None, line: str = "", by: Sequence[str] = ()
) -> list[Count3]:
    """Both metrics for the half-open period; with `by` ("party", "line", "post") one pair per value."""
    rows = Call.objects.filter(status=CallStatus.DONE, deadline__gte=starts, deadline__lt=ends).order_by()
    if party_id:
        rows = rows.filter(post__party_id=party_id)
    if line:
        rows = rows.filter(post__line=line)
    numbers = {
        "due": Count("pk", filter=Q(excused=False)),
        "good": Count("pk", filter=Q(excused=False, outcome=Outcome.ON_POST)),
        "off": Count("pk", filter=Q(off_post=True)),
        "n": Count("pk"),
    }
    fields = [DIMENSIONS[name] for name in by]
    found = list(rows.values(*fields).annotate(**numbers)) if fields else [rows.aggregate(**numbers)]
    result = []
    for row in found:
        key = tuple(row[f] for f in fields)
        result += [
            Count3(ANSWERED.code, key, row["good"], row["due"], row["due"]),
            Count3(OFF_POST.code, key, row["off"], 1, row["n"]),
        ]
    return result
