"""The numbers findings can state, for any period × party × line × place: one grouped query, no loops.

Each number is declared in METRICS and always returned as numerator, denominator and n.

- `findings_raised`: problems found in the period (voided ones do not count). Denominator: 1.
- `findings_closed_on_time`: of those whose first deadline lies in the period, the ones closed whose accepted
  fix was handed in by it: more time granted later washes no lateness out. A fix handed in by it that waits for
  its verdict is in neither number, and coverage is the share that is judged: a slow verifier costs the school
  certainty, not the fixer the rate. Sent back, it is judged by what is handed in next. An open one past its
  deadline counts as late, and so does one an inspection saw solved without the party handing anything in. By
  the deadline, not by the day found, so that problems found on the last day of a month are not judged before
  their time is up.
- `findings_reopened`: of those first found in the period and closed at least once, the ones opened again.
- `findings_first_fix`: of the same, those whose first fix was accepted, held, and was not followed by a
  repeat (复发) so far; what happened again before the fix says nothing about it. Grouped by party it says who repairs once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, TruncWeek

from kernel.clock import day_bounds, month_bounds
from kernel.metrics import Direction, Metric, Reading
from tenants.findings.choices import FindingStatus
from tenants.findings.models import Finding
from tenants.organisation import queries as organisation

RAISED = Metric(
    code="findings_raised",
    name="发现问题数",
    unit="个",
    numerator="期内发现的问题（不含作废）",
    denominator="1",
    coverage="问题均有地点、责任单位和期限，完整率恒为 1",
    direction=Direction.NEUTRAL,
    version=1,
    minimum_n=0,
)
CLOSED_ON_TIME = Metric(
    code="findings_closed_on_time",
    name="按期整改率",
    unit="%",
    numerator="最初期限落在期内、已销号且在最初期限前提交整改的问题",
    denominator="最初期限落在期内的问题（延期不改变最初期限；按期提交、尚待复查的不计入）",
    coverage="最初期限落在期内的问题中，已有结论的占比（按期提交、尚待复查的为没有结论）",
    direction=Direction.UP,
    version=3,
    minimum_n=10,
    percent=True,
)
REOPENED = Metric(
    code="findings_reopened",
    name="重新打开率",
    unit="%",
    numerator="期内发现、销号后又被重新打开的问题",
    denominator="期内发现、至少销号过一次的问题",
    coverage="问题均有状态，完整率恒为 1",
    direction=Direction.DOWN,
    version=1,
    minimum_n=10,
    percent=True,
)
FIRST_FIX = Metric(
    code="findings_first_fix",
    name="一次整改到位率",
    unit="%",
    numerator="期内发现、已销号，且从未退回、未重新打开、之后未复发的问题",
    denominator="期内发现、至少销号过一次的问题",
    coverage="问题均有退回、重新打开和复发记录，完整率恒为 1",
    direction=Direction.UP,
    version=1,
    minimum_n=10,
    percent=True,
)
METRICS = (RAISED, CLOSED_ON_TIME, REOPENED, FIRST_FIX)
DIMENSIONS = {"party": "party_id", "line": "line", "place": "place_id"}


@dataclass(frozen=True, slots=True)
class Count3:
    """Numerator, denominator and number of cases of one metric for one key, and the share of cases they rest on."""

    code: str
    key: tuple[Any, ...]  # values of the dimensions grouped by, in their order
    numerator: int
    denominator: int
    n: int
    coverage: Decimal = Decimal(1)


def _scope(party_ids: Sequence[UUID] | None, line: str, place_id: UUID | None) -> QuerySet[Finding]:
    rows = Finding.objects.exclude(status=FindingStatus.VOID).order_by()
    if party_ids is not None:
        rows = rows.filter(party_id__in=party_ids)
    if line:
        rows = rows.filter(line=line)
    if place_id:
        rows = rows.filter(place__path__startswith=organisation.place(place_id).path)
    return rows


def counts(
    *,
    starts: datetime,
    ends: datetime,
    party_ids: Sequence[UUID] | None = None,
    line: str = "",
    place_id: UUID | None = None,
    by: Sequence[str] = (),
) -> list[Count3]:
    """The four metrics for the half-open period; with `by` ("party", "line", "place") one set per value.

    One query. Without `by` there is always exactly one set, of zeros if nothing happened.
    """
    columns = [DIMENSIONS[name] for name in by]
    found = Q(found_at__gte=starts, found_at__lt=ends)
    due = Q(due_at__gte=starts, due_at__lt=ends)
    handed_in = Q(first_submitted_at__isnull=False, submitted_at__lte=F("due_at"))
    in_time, waiting = handed_in & Q(status=FindingStatus.CLOSED), handed_in & Q(status=FindingStatus.VERIFYING)
    again = Finding.objects.filter(repeat_of=OuterRef("pk"), found_at__gte=OuterRef("submitted_at"))  # after the fix
    ever_closed = Q(status=FindingStatus.CLOSED) | Q(reopened__gt=0)
    sums = {
        "raised": Count("pk", filter=found),
        "due": Count("pk", filter=due),
        "on_time": Count("pk", filter=due & in_time),
        "waiting": Count("pk", filter=due & waiting),
        "closed": Count("pk", filter=found & ever_closed),
        "first_fix": Count(
            "pk",
            filter=found
            & Q(status=FindingStatus.CLOSED, reopened=0, rejections=0)
            & ~Q(Exists(again.exclude(status=FindingStatus.VOID))),
        ),
        "again": Count("pk", filter=found & Q(reopened__gt=0)),
    }
    rows = _scope(party_ids, line, place_id).annotate(due_at=Coalesce("first_deadline", "deadline"))
    scope = rows.filter(found | due)
    sets = list(scope.values(*columns).annotate(**sums)) if columns else [scope.aggregate(**sums)]
    result = []
    for row in sets:
        key = tuple(row[c] for c in columns)
        judged = row["due"] - row["waiting"]
        share = (Decimal(judged) / row["due"]).quantize(Decimal("0.0001")) if row["due"] else Decimal(1)
        result += [
            Count3(RAISED.code, key, row["raised"], 1, row["raised"]),
            Count3(CLOSED_ON_TIME.code, key, row["on_time"], judged, judged, share),
            Count3(REOPENED.code, key, row["again"], row["closed"], row["closed"]),
            Count3(FIRST_FIX.code, key, row["first_fix"], row["closed"], row["closed"]),
        ]
    return result


def readings(*, month: date, tz: ZoneInfo) -> dict[str, list[Reading]]:
    """{metric code: readings of that month}, for the whole school ("") and each line with cases. Two queries."""
    first, after = month_bounds(month)
    starts, ends = day_bounds(first, tz)[0], day_bounds(after, tz)[0]
    found: dict[str, list[Reading]] = {m.code: [] for m in METRICS}
    for row in [*counts(starts=starts, ends=ends), *counts(starts=starts, ends=ends, by=["line"])]:
        found[row.code].append(
            Reading(
                month=first,
                line=str(row.key[0]) if row.key else "",
                numerator=Decimal(row.numerator),
                denominator=Decimal(row.denominator),
                n=row.n,
                coverage=row.coverage,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Week:
    """Problems found and problems closed in the local week that begins on `first`, a Monday."""

    first: date
    found: int
    closed: int


def weekly(*, until: date, weeks: int, tz: ZoneInfo, party_ids: Sequence[UUID] | None = None) -> list[Week]:
    """The last `weeks` weeks up to the one that holds `until`, oldest first, empty ones too. Two queries."""
    last = until - timedelta(days=until.weekday())
    firsts = [last - timedelta(weeks=n) for n in reversed(range(weeks))]
    since = day_bounds(firsts[0], tz)[0]

    def by_week(column: str, **more: Any) -> dict[date, int]:
        rows = _scope(party_ids, "", None).filter(**{f"{column}__gte": since}, **more)
        counted = rows.values(week=TruncWeek(column, tzinfo=tz)).annotate(n=Count("pk"))
        return {row["week"].date(): row["n"] for row in counted}

    found, closed = by_week("found_at"), by_week("closed_at", status=FindingStatus.CLOSED)
    return [Week(first, found.get(first, 0), closed.get(first, 0)) for first in firsts]
