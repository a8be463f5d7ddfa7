"""Rosters follow what they were made by: a calendar that changed after cycles had made their cells.

What is noted of a day (`FollowedDay`) is compared with what the calendar says now, so it does not matter who changed it
(the school, an import, a newer library of the State's days) or whether a message was lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.tenancy import Tenant
from tenants.calendar.contracts import Day
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.rosters import followed, instances
from tenants.rosters.choices import AssignmentSource
from tenants.rosters.models import Assignment, FollowedDay, PatternUse, Shift
from tenants.rosters.operations.cells import CellChange, Item, change_cells
from tenants.rosters.operations.patterns import CHUNK, WEEKS_AHEAD, shift_on, tell_refused
from tenants.rosters.people import day_text
from tenants.timeline.operations import record


def follow_calendar(*, tenant: Tenant, now: datetime) -> list[date]:
    """Where the calendar changed after rosters were made by it, re-make what cycles made, from tomorrow on.

    Only cells that a cycle which follows the calendar made, and nobody touched since; who makes the roster is told
    of those made by hand, of which the calendar says otherwise, and of today's, which nobody takes away from people
    who may be on their way. Works in chunks of people, each its own transaction; safe to run twice or be killed, since
    a day is noted last. Returns the days that had changed.
    """
    today = now.astimezone(tenant.tz).date()
    followed.note(until=today + timedelta(weeks=WEEKS_AHEAD + 1), today=today, now=now)
    days = followed.changed(today=today)
    if not days:
        return []
    coming = {d: day for d, day in days.items() if d > today}
    remade: dict[date, int] = defaultdict(int)
    if coming:
        uses = PatternUse.objects.filter(
            Q(ends_on__isnull=True) | Q(ends_on__gt=min(coming)), starts_on__lte=max(coming),
            pattern__follows_calendar=True,
        ).order_by("staff_id", "pk")  # fmt: skip
        ids = list(uses.values_list("pk", flat=True))
        for start in range(0, len(ids), CHUNK):
            for day, count in _remake(ids[start : start + CHUNK], coming, tenant=tenant, now=now).items():
                remade[day] += count
    return _note(days, remade, tenant=tenant, now=now, today=today)


@transaction.atomic
def _remake(use_ids: Sequence[UUID], days: Mapping[date, Day], *, tenant: Tenant, now: datetime) -> dict[date, int]:
    """Let the cells that these uses made for the days say what the cycle says now. Locks the people's time lines."""
    plain = PatternUse.objects.filter(pk__in=use_ids)
    instances.lock_people(plain.values_list("staff_id", flat=True), schema=tenant.schema)
    uses = {u.pk: u for u in plain.select_related("pattern", "staff")}
    usable = set(Shift.objects.filter(active=True).values_list("pk", flat=True))
    there: dict[tuple[UUID, date], list[Assignment]] = defaultdict(list)
    for a in Assignment.objects.filter(
        staff_id__in={u.staff_id for u in uses.values()}, day__in=days.keys(), cancelled_at__isnull=True
    ):
        there[(a.staff_id, a.day)].append(a)
    changes, owner = [], {}
    for key, cells in there.items():
        use = uses.get(cells[0].pattern_use_id) if cells[0].pattern_use_id else None
        if use is None or len(cells) > 1 or cells[0].source != AssignmentSource.PATTERN:
            continue
        if not use.starts_on <= key[1] < (use.ends_on or date.max):
            continue
        owner[key] = use.pk
        wanted = Item(shift_on(use, days[key[1]], usable), use.post_id, use.place_id)
        changes.append(CellChange(key[0], key[1], (wanted,)))
    outcome = change_cells(
        cells=changes, by=Actor.system(tenant.school_id), tenant=tenant, now=now, source=AssignmentSource.PATTERN,
        uses=owner,
    )  # fmt: skip
    tell_refused(outcome.refused, list(uses.values()), tenant=tenant, now=now)
    counts: dict[date, int] = defaultdict(int)
    for _staff_id, day in outcome.cells:
        counts[day] += 1
    return counts


@transaction.atomic
def _note(
    days: Mapping[date, Day], remade: Mapping[date, int], *, tenant: Tenant, now: datetime, today: date
) -> list[date]:
    """Remember what the calendar says now, and tell; locks the days, so of two runs one tells."""
    still = followed.changed(today=today, lock=True)
    mine = {d: day for d, day in days.items() if d in still and still[d].kind == day.kind}
    if not mine:
        return []
    rows = {r.day: r for r in FollowedDay.objects.filter(day__in=mine.keys())}
    for day, row in rows.items():
        row.works, row.made_up = mine[day].works, mine[day].mark == "班"
        row.changed_at, row.remade = now, remade.get(day, 0)
    FollowedDay.objects.bulk_update(rows.values(), ["works", "made_up", "changed_at", "remade"])
    left = followed.left_over(mine.values(), today=today)
    for day in sorted(mine):
        parties = {party_id: staff for (d, party_id), staff in left.items() if d == day}
        people = sum(len(s) for s in parties.values())
        word = "上班" if mine[day].works else "休息"
        if remade.get(day) or people:
            record(
                verb="roster.followed_calendar",
                sentence=f"{day_text(day)}校历改为{word}：{remade.get(day, 0)} 格循环排班已改，{people} 人手工排班待核对",
                subject=rows[day], by=Actor.system(tenant.school_id), remade=remade.get(day, 0), left=people,
            )  # fmt: skip
        if parties:
            _tell(rows[day], mine[day], parties, tenant=tenant, now=now, today=today)
    return sorted(mine)


def _tell(
    row: FollowedDay, day: Day, parties: Mapping[UUID, Collection[UUID]], *, tenant: Tenant, now: datetime, today: date
) -> None:
    """Who makes the rosters learns how many of theirs stand against the calendar: the office of all, a company its own."""
    office = people_of_school(
        school_id=tenant.school_id, roles=[Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR], today=today
    )
    told = [(office, sum(len(staff) for staff in parties.values()))]
    by_provider: dict[UUID, int] = defaultdict(int)
    for party_id, party in organisation.parties_by_id(parties).items():
        if party.provider_id:
            by_provider[party.provider_id] += len(parties[party_id])
    for provider_id, count in by_provider.items():
        managers = people_of_school(
            school_id=tenant.school_id, roles=[Role.PROVIDER_MANAGER], today=today, provider_id=provider_id
        )
        told.append((managers, count))
    name = f"（{day.name}）" if day.name else ""
    for people, count in told:
        notices.notify(
            account_ids=[p.account_id for p in people], kind=NoticeKind.TODO,
            title=f"{day_text(day.day)}{name}改为{'上班' if day.works else '休息'}，"
            f"{count} 人{'仍排休息' if day.works else '仍排了班'}",
            text="随校历的循环已自动改好，手工排的不会自动改。请核对这一天：要上班的不用动，不上班的请改为休息。"
            if not day.works
            else "随校历的循环已自动改好，手工排的不会自动改。请核对这一天：要上班的请补排。",
            path=f"/rosters/?day={day.day}", subject=row,
            occasion=f"roster.calendar:{day.day}:{now.isoformat()}", now=now,
        )  # fmt: skip
