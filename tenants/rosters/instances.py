"""Making and cutting shift instances. Inside operations only; the people's time lines are locked there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Q

from kernel.tenancy import Tenant
from tenants.rosters.choices import Grade
from tenants.rosters.errors import ShiftsOverlap
from tenants.rosters.models import Assignment, PostTerms, Segment, Shift, ShiftInstance
from tenants.rosters.rules import rule_book
from tenants.rosters.windows import Stretch, first_overlap, moment, windows

LOCKS = 256  # time lines share this many locks, so that a batch of thousands does not fill the lock table
NEAR = timedelta(days=3)  # no stretch is longer than two days: what lies farther cannot touch
WINDOW_FIELDS = ["in_from", "in_until", "out_from", "out_until"]
BATCH = 2000
# One statement however many: a rule of the school cuts the windows of weeks anew.
_WINDOWS = """
UPDATE rosters_shiftinstance i SET in_from = w.in_from, in_until = w.in_until, out_from = w.out_from, out_until = w.out_until
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
     AS w(id, in_from, in_until, out_from, out_until)
WHERE i.id = w.id
"""


def lock_people(staff_ids: Iterable[UUID], *, schema: str) -> None:
    """Hold these people's time lines until the transaction ends: of two hands that roster one person, one waits.

    Advisory (there is no btree_gist for an exclusion constraint), taken in one order, so never a deadlock.
    """
    slots = sorted({f"rosters:{schema}:{UUID(str(i)).int % LOCKS}" for i in staff_ids})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(k) FROM"
            " (SELECT hashtextextended(slot, 0) AS k FROM unnest(%s::text[]) AS slot ORDER BY 1 OFFSET 0) AS ordered",
            [slots],
        )


def segments_of(shift_ids: Iterable[UUID]) -> dict[UUID, list[Segment]]:
    """Segments by shift, in order: one query."""
    found: dict[UUID, list[Segment]] = defaultdict(list)
    for segment in Segment.objects.filter(shift_id__in=set(shift_ids)).order_by("shift_id", "position"):
        found[segment.shift_id].append(segment)
    return found


def make(assignments: Sequence[Assignment], *, tenant: Tenant) -> list[ShiftInstance]:
    """Instances of published, not cancelled assignments that have none yet; windows of neighbours are cut anew.

    Call under `lock_people`. Raises ShiftsOverlap when two stretches of one person share time.
    """
    working = [a for a in assignments if a.shift_id is not None]
    if not working:
        return []
    book = rule_book()
    shifts = Shift.objects.in_bulk({a.shift_id for a in working})
    segments = segments_of(shifts)
    grades = dict(PostTerms.objects.values_list("post_id", "grade"))
    new = []
    for a in working:
        assert a.shift_id is not None and a.post_id is not None
        rule = book.rule_of(post_id=a.post_id, party_id=a.party_id, day=a.day)
        assert rule is not None
        for n, segment in enumerate(segments[a.shift_id]):
            starts_at = moment(a.day, segment.start_minute, tenant.tz)
            ends_at = moment(a.day, segment.end_minute, tenant.tz)
            new.append(
                ShiftInstance(
                    assignment=a,
                    staff_id=a.staff_id,
                    post_id=a.post_id,
                    party_id=a.party_id,
                    place_id=a.place_id,
                    day=a.day,
                    segment=n,
                    starts_at=starts_at,
                    ends_at=ends_at,
                    needs_in=segment.needs_in,
                    needs_out=segment.needs_out,
                    flex_minutes=shifts[a.shift_id].flex_minutes,
                    rule=rule,
                    grade=grades.get(a.post_id, Grade.C),
                    in_from=starts_at,
                    in_until=starts_at,
                    out_from=ends_at,
                    out_until=ends_at,
                )
            )
    _cut({a.staff_id for a in working}, min(a.day for a in working), max(a.day for a in working), new)
    return new


def begun(assignments: Iterable[Assignment], *, now: datetime) -> set[UUID]:
    """Which of these assignments have a stretch that has begun: one query. Call under `lock_people`."""
    rows = ShiftInstance.objects.filter(
        assignment_id__in=[a.pk for a in assignments], cancelled_at__isnull=True, starts_at__lte=now
    )
    return set(rows.values_list("assignment_id", flat=True))


def cancel(assignments: Iterable[Assignment], *, now: datetime) -> None:
    """Cancel assignments with their instances; the neighbours' windows grow back. Call under `lock_people`."""
    rows = list(assignments)
    if not rows:
        return
    ids = [a.pk for a in rows]
    Assignment.objects.filter(pk__in=ids, cancelled_at__isnull=True).update(cancelled_at=now)
    gone = ShiftInstance.objects.filter(assignment_id__in=ids, cancelled_at__isnull=True).update(cancelled_at=now)
    for a in rows:
        a.cancelled_at = now
    if gone:
        _cut({a.staff_id for a in rows}, min(a.day for a in rows), max(a.day for a in rows), [])


def recut(staff_ids: set[UUID], first: date, last: date) -> None:
    """Put right the windows of these people's instances after their rules changed. Call under `lock_people`."""
    _cut(staff_ids, first, last, [])


def _cut(staff_ids: set[UUID], first: date, last: date, new: list[ShiftInstance]) -> None:
    """Insert `new` with windows cut against all neighbours, and put right the windows of those that were there."""
    there = list(
        ShiftInstance.objects.filter(
            Q(staff_id__in=staff_ids, cancelled_at__isnull=True, day__gte=first - NEAR, day__lte=last + NEAR)
        ).select_related("rule")
    )
    lines: dict[UUID, list[ShiftInstance]] = defaultdict(list)
    for row in [*there, *new]:
        lines[row.staff_id].append(row)
    fresh = {row.pk for row in new}
    changed = []
    for line in lines.values():
        line.sort(key=lambda r: (r.starts_at, r.ends_at))
        stretches = [_stretch(r) for r in line]
        clash = first_overlap(stretches)
        if clash is not None:
            _refuse(line[clash[0]], line[clash[1]])
        for row, window in zip(line, windows(stretches), strict=True):
            was = (row.in_from, row.in_until, row.out_from, row.out_until)
            row.in_from, row.in_until = window.in_from, window.in_until
            row.out_from, row.out_until = window.out_from, window.out_until
            if row.pk not in fresh and was != (row.in_from, row.in_until, row.out_from, row.out_until):
                changed.append(row)
    # Those at the rim see only one neighbour each within the range read; their far windows may not be touched.
    inside = [r for r in changed if first - timedelta(days=2) <= r.day <= last + timedelta(days=2)]
    ShiftInstance.objects.bulk_create(new, batch_size=BATCH)
    if inside:
        columns = [[r.pk for r in inside], *([getattr(r, f) for r in inside] for f in WINDOW_FIELDS)]
        with connection.cursor() as cursor:
            cursor.execute(_WINDOWS, columns)


def _stretch(row: ShiftInstance) -> Stretch:
    return Stretch(
        row.starts_at, row.ends_at, row.rule.in_before_minutes, row.rule.out_after_minutes, row.flex_minutes,
        row.needs_in, row.needs_out,
    )  # fmt: skip


def _refuse(a: ShiftInstance, b: ShiftInstance) -> None:
    names = {}
    rows = Assignment.objects.filter(pk__in=[a.assignment_id, b.assignment_id]).select_related("staff", "shift")
    for row in rows:
        names[row.pk] = row
    one, two = names[a.assignment_id], names[b.assignment_id]
    raise ShiftsOverlap(
        name=one.staff.name,
        first=str(one.shift),
        second=str(two.shift),
        when=f"{one.day.month}月{one.day.day}日"
        + (f"与{two.day.month}月{two.day.day}日" if two.day != one.day else ""),
    )
