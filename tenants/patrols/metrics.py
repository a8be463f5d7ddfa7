"""The numbers patrols can state: tours walked in full of those due, points seen of those asked for, and credibility.

Late phones do not count against anybody: a tour is judged by when it was walked, not by when it was reported.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, Sum

from kernel.clock import month_bounds
from kernel.metrics import Direction, Metric, Reading
from tenants.patrols.choices import CLOSED, StopStatus, TourStatus
from tenants.patrols.models import Stop, Tour

TOURS_DONE = Metric(
    code="patrol_tours_done",
    name="巡更完成率",
    unit="%",
    numerator="期内应巡且全部点位到点的巡更",
    denominator="期内应巡的巡更（不含补巡）",
    coverage="已评判可信度的巡更占已走巡更的比例",
    direction=Direction.UP,
    version=1,
    minimum_n=10,
    percent=True,
)
POINTS_SEEN = Metric(
    code="patrol_points_seen",
    name="到点率",
    unit="%",
    numerator="期内实际到点的巡更点（不含补巡）",
    denominator="期内应到的巡更点（不含补巡）",
    coverage="已评判可信度的巡更占已走巡更的比例",
    direction=Direction.UP,
    version=1,
    minimum_n=30,
    percent=True,
)
CREDIBILITY = Metric(
    code="patrol_credibility",
    name="巡更可信度",
    unit="分",
    numerator="已评判巡更的可信度之和",
    denominator="期内已评判可信度的巡更（不含补巡）",
    coverage="已评判可信度的巡更占已走巡更的比例",
    direction=Direction.UP,
    version=1,
    minimum_n=10,
)
METRICS = (TOURS_DONE, POINTS_SEEN, CREDIBILITY)


def readings(*, month: date, tz: ZoneInfo) -> dict[str, list[Reading]]:
    """{metric code: readings of that month}, for the whole school ("") and each line with tours. Four queries."""
    first, after = month_bounds(month)
    tours = Tour.objects.filter(day__gte=first, day__lt=after, makes_up_for__isnull=True, status__in=CLOSED).order_by()
    stops = Stop.objects.filter(tour__in=tours.values("pk")).order_by()
    sums = {
        "due": Count("pk"),
        "done": Count("pk", filter=Q(status=TourStatus.DONE)),
        "walked": Count("pk", filter=Q(started_at__isnull=False)),
        "judged": Count("pk", filter=Q(judged_at__isnull=False)),
        "scored": Count("credibility"),
        "score": Sum("credibility"),
    }
    points = {"due": Count("pk"), "done": Count("pk", filter=Q(status=StopStatus.SEEN))}
    by_line: dict[str, Any] = {"": tours.aggregate(**sums)} | {
        row["route__line"]: row for row in tours.values("route__line").annotate(**sums)
    }
    points_by_line: dict[str, Any] = {"": stops.aggregate(**points)} | {
        row["tour__route__line"]: row for row in stops.values("tour__route__line").annotate(**points)
    }
    found: dict[str, list[Reading]] = {m.code: [] for m in METRICS}
    for line, row in by_line.items():
        coverage = Decimal(row["judged"]) / row["walked"] if row["walked"] else Decimal(1)
        found[CREDIBILITY.code].append(
            Reading(
                month=first, line=line, numerator=Decimal(row["score"] or 0), denominator=Decimal(row["scored"]),
                n=row["scored"], coverage=min(coverage, Decimal(1)),
            )
        )  # fmt: skip
        for code, counted in (
            (TOURS_DONE.code, row),
            (POINTS_SEEN.code, points_by_line.get(line, {"due": 0, "done": 0})),
        ):
            found[code].append(
                Reading(
                    month=first,
                    line=line,
                    numerator=Decimal(counted["done"]),
                    denominator=Decimal(counted["due"]),
                    n=counted["due"],
                    coverage=min(coverage, Decimal(1)),
                )
            )
    return found
