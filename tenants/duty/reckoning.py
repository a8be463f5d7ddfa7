"""The reads behind a verdict on a call: who answered how, whom it reached, since when they answer for the post."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Min, Q

from tenants.duty import staffing
from tenants.duty.choices import UNANSWERED, AnomalyKind, CallStatus, FaceState
from tenants.duty.models import Anomaly, Attempt, Call, Stint, Summons
from tenants.duty.outcomes import Answer, Past


def earlier_answers(staff_ids: Collection[UUID], *, besides: UUID, since: datetime) -> list[UUID]:
    """The photos with which a person (all their rows) answered earlier calls, those that did not hold included."""
    mine = Summons.objects.filter(staff_id__in=staff_ids, received_at__gte=since, photo_id__isnull=False)
    kept = Attempt.objects.filter(summons__staff_id__in=staff_ids, answered_at__gte=since, photo_id__isnull=False)
    found = [*mine.values_list("photo_id", flat=True), *kept.values_list("photo_id", flat=True)]
    return [photo for photo in found if photo is not None and photo != besides]


def answers_of(rows: Iterable[Call]) -> dict[UUID, list[tuple[Summons, Answer]]]:
    """Every answer to each call, those that did not hold included, with its summons: two queries."""
    ids = [row.pk for row in rows]
    found: dict[UUID, list[tuple[Summons, Answer]]] = {pk: [] for pk in ids}
    summons = {s.pk: s for s in Summons.objects.filter(call_id__in=ids)}
    doubted: set[UUID] = set()
    for old in Attempt.objects.filter(summons__in=list(summons)).order_by("pk"):
        row = summons[old.summons_id]
        if old.face == FaceState.OTHER:
            doubted.add(row.pk)
        past = Answer(old.answered_at, row.on_duty, old.place_ok, old.face, late=old.late)
        if not past.good:
            found[row.call_id].append((row, past))
    for row in summons.values():
        if row.answered_at is not None:
            answer = Answer(
                row.answered_at, row.on_duty, row.place_ok, row.face, late=row.late, doubted=row.pk in doubted
            )
            found[row.call_id].append((row, answer))
    return found


def pasts_of(rows: Sequence[Call]) -> list[Past]:
    """The calls as the rule on calls in a row sees them, in their order: three queries.

    Missed by: whoever had to answer, was not excused and has no good answer, if the call reached them in time
    (`reached`) and their shift had not only begun (`awaited`), or a human has judged it. Where a human says that even good answers were none: by all of them.
    """
    answers = answers_of(rows)
    called: dict[UUID, list[Summons]] = defaultdict(list)
    for one in Summons.objects.filter(call_id__in=[row.pk for row in rows], on_duty=True):
        called[one.call_id].append(one)
    found = []
    for row in rows:
        good = {s.staff_id for s, answer in answers[row.pk] if answer.good and not answer.late}
        late = {s.staff_id for s, answer in answers[row.pk] if answer.good}
        expected = [s for s in called[row.pk] if not s.away]
        silent = [s for s in expected if s.staff_id not in late] or [s for s in expected if s.staff_id not in good]
        if row.judged_at is not None:
            missed = frozenset[UUID | None](s.staff_id for s in (silent or expected))
        else:
            missed = frozenset[UUID | None](s.staff_id for s in silent if reached(row, s) and not s.awaited)
        if not expected:  # all on leave, or nobody to call; with somebody on patrol the call is excused anyway
            missed = frozenset[UUID | None]({None})
        found.append(Past(row.outcome, row.excused, row.off_post, missed))
    return found


def out_of_reach(row: Call, *, after: int) -> list[Stint]:
    """The stints begun before this call whose person neither answered it nor is known to have been reached, and the same
    for `after` calls in a row, since sign-on and since that was last raised. An answer breaks the row; calls judged by a
    human, reached, or excused neither count nor break it.
    """
    silent = _silent_unreached([row])[row.pk]
    if not silent or row.sent_at is None:
        return []
    found = []
    stints = Stint.objects.filter(post_id=row.post_id, staff_id__in=silent, signed_on_at__lte=row.sent_at)
    stints = stints.filter(Q(signed_off_at__isnull=True) | Q(signed_off_at__gt=row.sent_at)).select_related("staff")
    for stint in stints:
        told = Anomaly.objects.filter(stint=stint, kind=AnomalyKind.UNREACHED).aggregate(at=Max("reported_at"))["at"]
        since = max(stint.signed_on_at, told or stint.signed_on_at)
        rows = Call.objects.filter(post_id=row.post_id, status=CallStatus.DONE, deadline__lte=row.deadline)
        calls = list(rows.filter(sent_at__gte=since).order_by("-deadline", "-pk")[: 4 * after])
        quiet, answers = _silent_unreached(calls), answers_of(calls)
        count = 0
        for call in calls:
            if any(s.staff_id == stint.staff_id and answer.good for s, answer in answers[call.pk]):
                break
            count += stint.staff_id in quiet[call.pk]
        if count >= after:
            found.append(stint)
    return found


def _silent_unreached(rows: Sequence[Call]) -> dict[UUID, set[UUID]]:
    """Who of each unanswered call gave no answer and is not known to have been reached; judged and excused ones: nobody."""
    found: dict[UUID, set[UUID]] = {row.pk: set() for row in rows}
    open_ones = {row.pk: row for row in rows if row.outcome in UNANSWERED and not row.excused and row.judged_at is None}
    owing = Summons.objects.filter(call_id__in=list(open_ones), on_duty=True, away=False, awaited=False)
    for one in owing.filter(answered_at__isnull=True):
        if not reached(open_ones[one.call_id], one):
            found[one.call_id].add(one.staff_id)
    return found


def only_awaited(row: Call) -> bool:
    """Whether all who had to answer had only to come: their shift had just begun."""
    owing = list(Summons.objects.filter(call=row, on_duty=True, away=False).values_list("awaited", flat=True))
    return bool(owing) and all(owing)


def all_answered(row: Call) -> bool:
    """Whether everybody who had to answer did: where the call came to nothing all the same, they were too few."""
    owing = list(Summons.objects.filter(call=row, on_duty=True, away=False).values_list("answered_at", flat=True))
    return bool(owing) and all(owing)


def reached(row: Call, one: Summons) -> bool:
    """送达: the call reached the person's phone, or the school's hook said so, with half of the time to answer left."""
    if one.delivered_at is None or row.sent_at is None or row.deadline is None:
        return False
    return one.delivered_at <= row.sent_at + (row.deadline - row.sent_at) / 2


def in_charge_since(row: Call, missed: Iterable[UUID | None]) -> datetime:
    """From when on the people who missed a call answer for the post: sign-on, or else the start of their shift.

    For a post where nobody was expected: since the last one left. Calls before that are held against nobody here.
    """
    assert row.sent_at is not None
    people = [who for who in missed if who is not None]
    stints = Stint.objects.filter(post_id=row.post_id, signed_on_at__lte=row.sent_at)
    if not people:
        left = stints.filter(signed_off_at__lte=row.sent_at).aggregate(at=Max("signed_off_at"))["at"]
        return left or row.sent_at - timedelta(days=1)
    on = stints.filter(staff_id__in=people).filter(Q(signed_off_at__isnull=True) | Q(signed_off_at__gt=row.sent_at))
    begun = [
        on.aggregate(at=Min("signed_on_at"))["at"],
        staffing.shift_began(post_id=row.post_id, staff_ids=people, at=row.sent_at),
    ]
    return min([at for at in begun if at is not None], default=row.sent_at)
