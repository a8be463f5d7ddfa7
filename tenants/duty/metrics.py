"""The numbers duty can state. Calls for any period × party × line × post: one grouped query, no loops.

- `calls_answered_in_time`: of the calls decided whose deadline lies in the period, the ones answered in time at the
  post (在岗). Calls while everybody had declared to be away do not count.
- `off_post_cases`: 脱岗 by the school's own rule of calls in a row, as long as the call stands unanswered. Denominator: 1.
- `duty_minutes_covered`: of the person-minutes the contracts want at duty posts since somebody first signed on there, those
  with somebody on duty; up to the newest line of any log, so that a month still running is not short of its future.
- `duty_minutes_short`: of the minutes in which the contracts want anybody at a duty post (known as above), those with fewer
  people on duty than wanted. A declared absence is no gap.
- `duty_minutes_proved`: of the held person-minutes, those of people who have proved in that stint to be at the post (the code at
  sign-on, or since their first answer to a call in time that held). A sign-on alone is a claim.
- `calls_unreached`: of the calls due, the unanswered ones that are not known to have reached anybody who had to answer.
- `handovers_accepted`: of the open items offered to a next shift and answered, those accepted by the named receiver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import (
    Count,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    OuterRef,
    Q,
    Value,
)
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.clock import day_bounds, month_bounds
from kernel.errors import Invalid
from kernel.metrics import Direction, Metric, Reading
from tenants.duty import staffing
from tenants.duty.choices import UNANSWERED, CallStatus, ItemStatus, Outcome
from tenants.duty.contracts import Covered
from tenants.duty.models import Call, DutyPost, HandoverItem, LogEntry, Summons
from tenants.duty.queries import visible_posts
from tenants.organisation.models import Post

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
MINUTES = Metric(
    code="duty_minutes_covered",
    name="值守覆盖率",
    unit="%",
    numerator="其中有人值守（含已申报离岗）的人·分钟",
    denominator="期内合同要求值守的人·分钟（自该岗首次上岗起）",
    coverage="有过上岗记录的人·分钟占合同要求的比例",
    direction=Direction.UP,
    version=1,
    minimum_n=100,
    percent=True,
)
HANDED = Metric(
    code="handovers_accepted",
    name="交接接收率",
    unit="%",
    numerator="其中由接班人接收的事项",
    denominator="期内交接并已答复的未了事项（撤回的除外）",
    coverage="已答复的事项占全部交接事项的比例",
    direction=Direction.UP,
    version=1,
    minimum_n=10,
    percent=True,
)
SHORT = Metric(
    code="duty_minutes_short",
    name="低于最低人数时长占比",
    unit="%",
    numerator="其中在岗人数低于合同要求的岗位分钟（已申报离岗的不算）",
    denominator="期内合同要求有人的值班岗位分钟（自该岗首次有人上岗起）",
    coverage="首次有人上岗以后的岗位分钟占全部要求的比例",
    direction=Direction.DOWN,
    version=1,
    minimum_n=10,
    percent=True,
)
PROVED = Metric(
    code="duty_minutes_proved",
    name="值守佐证率",
    unit="%",
    numerator="其中本班已证明到岗的人·分钟（上岗扫了岗位码，或自首次按时在岗应答查岗起）",
    denominator="期内有人值守的人·分钟",
    coverage="有过上岗记录的人·分钟占合同要求的比例",
    direction=Direction.UP,
    version=1,
    minimum_n=100,
    percent=True,
)
UNREACHED = Metric(
    code="calls_unreached",
    name="查岗未送达率",
    unit="%",
    numerator="其中没有应答、也没有送达任何应答人的查岗（未经人工认定的）",
    denominator="期内到期的查岗（无需应答的除外）",
    coverage="查岗均有送达记录，完整率恒为 1",
    direction=Direction.DOWN,
    version=1,
    minimum_n=10,
    percent=True,
)
MOST_DAYS = 93  # of minutes by post
METRICS = (ANSWERED, OFF_POST, UNREACHED, MINUTES, PROVED, SHORT, HANDED)
DIMENSIONS = {"party": "post__party_id", "line": "post__line", "post": "post_id"}


@dataclass(frozen=True, slots=True)
class Count3:
    """Numerator, denominator and number of cases of one metric for one key."""

    code: str
    key: tuple[Any, ...]  # values of the dimensions grouped by, in their order
    numerator: int
    denominator: int
    n: int


@dataclass(frozen=True, slots=True)
class PostMinutes:
    """The sums of one post."""

    post: Post
    sums: Covered

    @property
    def share(self) -> float | None:
        """Of the minutes that are known, those below the minimum, in per cent; None where none is known."""
        return 100 * self.sums.minutes_short / self.sums.minutes_known if self.sums.minutes_known else None

    @property
    def unknown(self) -> int:
        """Minutes wanted before anybody first signed on at the post: nobody can say."""
        return self.sums.minutes - self.sums.minutes_known


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
        "off": Count("pk", filter=Q(off_post=True, outcome__in=UNANSWERED)),
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


def readings(*, month: date, tz: ZoneInfo) -> dict[str, list[Reading]]:
    """{metric code: readings of that month}, for the whole school ("") and each line with duty posts. Seven queries."""
    first, after = month_bounds(month)
    starts, ends = day_bounds(first, tz)[0], day_bounds(after, tz)[0]
    found: dict[str, list[Reading]] = {m.code: [] for m in METRICS}
    for row in [*counts(starts=starts, ends=ends), *counts(starts=starts, ends=ends, by=["line"])]:
        line = str(row.key[0]) if row.key else ""
        found[row.code].append(
            Reading(first, line, Decimal(row.numerator), Decimal(row.denominator), row.n, Decimal(1))
        )
    for line, (due, lost) in _unreached(starts, ends).items():
        found[UNREACHED.code].append(Reading(first, line, Decimal(lost), Decimal(due), due, Decimal(1)))
    for line, sums in _minutes(starts, ends, tz).items():
        hours, share = sums.known // 60, _share(sums.known, sums.wanted)
        found[MINUTES.code].append(Reading(first, line, Decimal(sums.held), Decimal(sums.known), hours, share))
        found[PROVED.code].append(
            Reading(first, line, Decimal(sums.proved), Decimal(sums.held), sums.held // 60, share)
        )
        hours, share = sums.minutes_known // 60, _share(sums.minutes_known, sums.minutes)
        found[SHORT.code].append(
            Reading(first, line, Decimal(sums.minutes_short), Decimal(sums.minutes_known), hours, share)
        )
    for line, (offered, answered, accepted) in _handed(starts, ends).items():
        found[HANDED.code].append(
            Reading(first, line, Decimal(accepted), Decimal(answered), answered, _share(answered, offered))
        )
    return found


def _share(part: int, whole: int) -> Decimal:
    return (Decimal(part) / whole).quantize(Decimal("0.0001")) if whole else Decimal(1)


def told_until(ends: datetime) -> datetime | None:
    """Up to where minutes are counted: the newest line of any log, at most `ends`; None before there is any."""
    newest = LogEntry.objects.aggregate(at=Max("at"))["at"]
    return min(ends, newest) if newest else None


def minutes_of_posts(
    *, by: Actor, tz: ZoneInfo, first: date, last: date, post_id: UUID | None = None, line: str = ""
) -> list[PostMinutes]:
    """What `duty_minutes_short` is made of, post by post, for local days both included, of the posts one may see: those
    the contracts want anybody at, the most minutes below the minimum first. Raises NotAllowed, Invalid (too many days).
    """
    if not 0 <= (last - first).days < MOST_DAYS:
        raise Invalid(
            _("一次最多统计 %(days)s 天，且结束日期不能早于开始日期。") % {"days": MOST_DAYS}, field="until_day"
        )  # fmt: skip
    rows = visible_posts(by).filter(active=True, post__active=True).distinct()
    if post_id is not None:
        rows = rows.filter(pk=post_id)
    if line:
        rows = rows.filter(post__line=line)
    posts = {row.pk: row.post for row in rows.order_by("post__place__path", "post__name")}
    starts, ends = day_bounds(first, tz)[0], day_bounds(last, tz)[1]
    sums = staffing.covered_minutes(post_ids=posts, starts=starts, ends=told_until(ends) or starts, tz=tz, by="post")
    found = [PostMinutes(post, sums[pk]) for pk, post in posts.items() if pk in sums]
    return sorted(found, key=lambda row: -row.sums.minutes_short)


def _minutes(starts: datetime, ends: datetime, tz: ZoneInfo) -> dict[str, Covered]:
    posts = DutyPost.objects.filter(active=True, post__active=True).values_list("pk", flat=True)
    until = told_until(ends) or starts
    lines = staffing.covered_minutes(post_ids=posts, starts=starts, ends=until, tz=tz)
    whole = Covered(*(sum(column) for column in zip(*lines.values(), strict=True))) if lines else None
    return {"": whole} | lines if whole else {}


def _unreached(starts: datetime, ends: datetime) -> dict[str, tuple[int, int]]:
    """{line: (calls due, those that reached nobody)}, the whole school under ""."""
    half = ExpressionWrapper((F("call__deadline") - F("call__sent_at")) / Value(2), DurationField())
    owing = Summons.objects.filter(call=OuterRef("pk"), on_duty=True, away=False)
    reached = owing.filter(delivered_at__lte=ExpressionWrapper(F("call__sent_at") + half, DateTimeField()))
    rows = Call.objects.filter(
        status=CallStatus.DONE, excused=False, deadline__gte=starts, deadline__lt=ends
    ).order_by()
    rows = rows.annotate(lost=Exists(owing) & ~Exists(reached))
    lost = Q(lost=True, outcome__in=UNANSWERED, judged_at__isnull=True)
    sums = {"due": Count("pk"), "lost_n": Count("pk", filter=lost)}
    by_line: Any = rows.values("post__line").annotate(**sums)
    found = {row["post__line"]: (row["due"], row["lost_n"]) for row in by_line}
    whole = (sum(due for due, _ in found.values()), sum(n for _, n in found.values()))
    return {"": whole} | found if found else {}


def _handed(starts: datetime, ends: datetime) -> dict[str, tuple[int, int, int]]:
    rows = HandoverItem.objects.filter(handover__opened_at__gte=starts, handover__opened_at__lt=ends)
    rows = rows.exclude(status=ItemStatus.WITHDRAWN).order_by()
    sums = {
        "offered": Count("pk"),
        "answered": Count("pk", filter=~Q(status=ItemStatus.OFFERED)),
        "accepted": Count("pk", filter=Q(status=ItemStatus.ACCEPTED)),
    }
    by_line: dict[str, Any] = {
        row["handover__post__line"]: row for row in rows.values("handover__post__line").annotate(**sums)
    }
    found: dict[str, Any] = {"": rows.aggregate(**sums)} | by_line
    return {line: (row["offered"], row["answered"], row["accepted"]) for line, row in found.items() if row["offered"]}
