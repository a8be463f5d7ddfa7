"""Which days the calendar changed after rosters were made by it: pure reading and noting, no roster is touched here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Q

from tenants.calendar import queries as calendar
from tenants.calendar.contracts import Day
from tenants.rosters.choices import AssignmentSource
from tenants.rosters.models import Assignment, FollowedDay

DAYS = 92  # how far ahead the calendar is watched: rosters made by hand reach farther than those of cycles
FRESH = timedelta(days=14)  # so long a change is shown even where nothing is left to look at


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """A day that became rest or work after rosters were made, and what of it is left to whoever makes them."""

    day: date
    name: str
    works: bool
    changed_at: datetime
    remade: int  # cells of cycles that followed by themselves
    left: int  # people by hand (or today) still rostered against what the calendar says

    @property
    def sentence(self) -> str:
        """12月3日（校庆放假）改为休息：12 格循环排班已改好，3 人仍排了班，请核对"""
        name = f"（{self.name}）" if self.name else ""
        head = f"{self.day.month}月{self.day.day}日{name}{'改为上班' if self.works else '改为休息'}"
        parts = [f"{self.remade} 格循环排班已改好"] if self.remade else []
        if self.left:
            parts.append(f"{self.left} 人{'仍排休息' if self.works else '仍排了班'}，请核对")
        return f"{head}：{'，'.join(parts)}"


def _state(day: Day) -> tuple[bool, bool]:
    return day.works, day.mark == "班"


def note(*, until: date, today: date, now: datetime) -> None:
    """Remember what the calendar says of days nobody has looked at yet; what is noted already stays."""
    known = set(FollowedDay.objects.filter(day__gte=today).values_list("day", flat=True))
    last = max(until, today + timedelta(days=DAYS))
    missing = [d for d in _range(today, last) if d not in known]
    if not missing:
        return
    # Who looks for the first time takes the State's word as what was known before, and so finds what the school changed.
    plain = {d: Day(d, *calendar.plain_day(d)) for d in missing}
    FollowedDay.objects.bulk_create(
        [FollowedDay(day=d, works=_state(p)[0], made_up=_state(p)[1]) for d, p in plain.items()], ignore_conflicts=True
    )


def changed(*, today: date, lock: bool = False) -> dict[date, Day]:
    """Days from today on of which the calendar says otherwise than what is noted."""
    rows = FollowedDay.objects.filter(day__gte=today).order_by("day")
    noted = {r.day: (r.works, r.made_up) for r in (rows.select_for_update() if lock else rows)}
    if not noted:
        return {}
    days = calendar.days_by_date(min(noted), max(noted))
    return {d: days[d] for d, state in noted.items() if _state(days[d]) != state}


def left_over(days: Mapping[date, tuple[Day, datetime]], *, today: date) -> dict[tuple[date, UUID], set[UUID]]:
    """By day and party: people whose cells stand against the calendar and are nobody's but a hand's to change.

    `days`: what each is now, and when it changed: what was rostered after that was rostered knowingly. Cells of a cycle
    that does not follow the calendar mean what they say; those of one that does are left only today.
    """
    against = Q(pk__in=[])
    for day, (now_is, changed_at) in days.items():
        against |= Q(day=day, created_at__lte=changed_at, shift__isnull=now_is.works)
    hand = ~Q(source=AssignmentSource.PATTERN) | Q(day__lte=today, pattern_use__pattern__follows_calendar=True)
    rows = (
        Assignment.objects.filter(hand, against, cancelled_at__isnull=True)
        .order_by("day", "staff__party_id")
        .values_list("day", "staff__party_id", "staff_id")
        .distinct()
    )
    found: dict[tuple[date, UUID], set[UUID]] = {}
    for day, party_id, staff_id in rows:
        found.setdefault((day, party_id), set()).add(staff_id)
    return found


def shown(
    *, first: date, last: date, today: date, now: datetime, party_ids: Collection[UUID] | None
) -> list[ChangedDay]:
    """Changed days of a range from today on, for the roster's page: fresh ones that changed cells and those with something left."""
    rows = list(FollowedDay.objects.filter(day__gte=max(first, today), day__lte=last, changed_at__isnull=False))
    if not rows:
        return []
    days = calendar.days_by_date(rows[0].day, rows[-1].day)
    since = {r.day: (days[r.day], r.changed_at) for r in rows if r.changed_at}
    left: dict[date, int] = {}
    for (day, party_id), people in left_over(since, today=today).items():
        if party_ids is None or party_id in party_ids:
            left[day] = left.get(day, 0) + len(people)
    return [
        ChangedDay(r.day, days[r.day].name, days[r.day].works, r.changed_at, r.remade, left.get(r.day, 0))
        for r in rows
        if r.changed_at and (left.get(r.day) or (r.remade and r.changed_at > now - FRESH))
    ]


def _range(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
