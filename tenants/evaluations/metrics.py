"""The number evaluations can state: the mean score of closed rounds.

`round_score`: monthly and quarterly rounds, in the month in which their period ends; special rounds are
not comparable and stay out. Numerator: the sum of scores; denominator and n: the rounds. Coverage: closed
rounds of all that were opened for that month, so a school that leaves bad rounds open shows it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from kernel.clock import month_bounds
from kernel.metrics import Direction, Metric, Reading
from tenants.evaluations.choices import RoundKind, RoundStatus
from tenants.evaluations.models import Round

SCORE = Metric(
    code="round_score",
    name="考核平均得分",
    unit="分",
    numerator="期内已定稿考核的得分合计",
    denominator="期内已定稿的月度和季度考核数",
    coverage="已定稿的考核占期内已开始打分的考核",
    direction=Direction.UP,
    version=1,
    minimum_n=1,
)
METRICS = (SCORE,)


def readings(*, month: date, tz: ZoneInfo) -> dict[str, list[Reading]]:
    """{metric code: readings of that month}, for the whole school ("") and each line of one-line rubrics. One query."""
    first, after = month_bounds(month)
    rows = (
        Round.objects.filter(kind__in=(RoundKind.MONTHLY, RoundKind.QUARTERLY), ends_on__gte=first, ends_on__lt=after)
        .exclude(status=RoundStatus.DRAFT)
        .order_by("id")
        .values_list("status", "score", "sheet__lines")
    )
    scores: dict[str, list[Decimal]] = defaultdict(list)
    opened: dict[str, int] = defaultdict(int)
    for status, score, lines in rows:
        keys = ["", lines[0]] if isinstance(lines, list) and len(lines) == 1 else [""]
        for key in keys:
            opened[key] += 1
            if status == RoundStatus.CLOSED and score is not None:
                scores[key].append(score)
    return {
        SCORE.code: [
            Reading(
                month=first,
                line=line,
                numerator=sum(scores[line], Decimal(0)),
                denominator=Decimal(len(scores[line])),
                n=len(scores[line]),
                coverage=(Decimal(len(scores[line])) / count).quantize(Decimal("0.0001")),
            )
            for line, count in sorted(opened.items())
        ]
    }
