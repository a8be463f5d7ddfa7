"""Rosters follow what they were made by: a calendar, rules and terms that changed after cells and instances were made.

Always by comparing rows: what is noted of a day (`FollowedDay`) with what the calendar says now, what an instance froze
with what would be frozen on it now. So it does not matter who changed it (the school, an import, a newer library of the
State's days) or whether a message was lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
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
from tenants.rosters.choices import AssignmentSource, Grade
from tenants.rosters.models import Assignment, FollowedDay, PatternUse, Shift
from tenants.rosters.operations.cells import CellChange, Item, change_cells
from tenants.rosters.operations.patterns import CHUNK, WEEKS_AHEAD, shift_on, tell_away, tell_refused
from tenants.rosters.operations.results import ask_results
from tenants.rosters.people import day_text
from tenants.timeline.operations import record

# Instances nobody can have punched for yet, whose rule or grade is not the one that holds on their day by now. Grades
# have no day of their own: they hold from tomorrow on. %(staff)s: uuid[] or NULL.
_BEHIND = """
SELECT i.id, i.staff_id, i.day, w.id AS rule_id,
       CASE WHEN i.day > %(today)s THEN coalesce(t.grade, %(grade)s) ELSE i.grade END AS grade,
       (o.in_before_minutes, o.out_after_minutes) <> (w.in_before_minutes, w.out_after_minutes) AS recut
FROM rosters_shiftinstance i
JOIN rosters_rule o ON o.id = i.rule_id
CROSS JOIN LATERAL (
    SELECT r.id, r.in_before_minutes, r.out_after_minutes FROM rosters_rule r
    WHERE r.valid_from <= i.day
      AND (r.scope = 'school' OR r.post_id = i.post_id OR (r.scope = 'party' AND r.party_id = i.party_id))
    ORDER BY r.post_id IS NULL, r.party_id IS NULL, r.valid_from DESC, r.created_at DESC LIMIT 1
) w
LEFT JOIN rosters_postterms t ON t.post_id = i.post_id
WHERE i.cancelled_at IS NULL AND i.day >= %(today)s AND i.in_from > %(now)s
  AND (%(staff)s::uuid[] IS NULL OR i.staff_id = ANY(%(staff)s::uuid[]))
  AND (i.rule_id <> w.id OR (i.day > %(today)s AND i.grade <> coalesce(t.grade, %(grade)s)))
"""
_WHO = "SELECT DISTINCT staff_id FROM (" + _BEHIND + ") b ORDER BY 1"  # noqa: S608 (constants; values are parameters)
_POINT = (
    "UPDATE rosters_shiftinstance i SET rule_id = b.rule_id, grade = b.grade FROM (" + _BEHIND + ") b"  # noqa: S608
    " WHERE i.id = b.id RETURNING i.staff_id, i.day, b.recut"
)


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
    tell_away(outcome.warnings, list(uses.values()), tenant=tenant, now=now)
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
    left = followed.left_over({d: (day, now) for d, day in mine.items()}, today=today)
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


def follow_rules(*, tenant: Tenant, now: datetime) -> int:
    """Let instances made earlier carry the rule and the grade that hold on their day by now, so that all are judged alike.

    Only those whose punch window has not opened: nobody who may have punched is judged by another rule than that punch
    was made under. A grade holds from tomorrow on. Windows are cut anew where the rule's minutes differ. Works in chunks
    of people, each its own transaction; safe to run twice. Returns how many instances changed. The event is the rule's.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WHO, _parameters(tenant=tenant, now=now, staff_ids=None))
        people = [row[0] for row in cursor.fetchall()]
    return sum(_point(people[n : n + CHUNK], tenant=tenant, now=now) for n in range(0, len(people), CHUNK))


@transaction.atomic
def _point(staff_ids: Sequence[UUID], *, tenant: Tenant, now: datetime) -> int:
    instances.lock_people(staff_ids, schema=tenant.schema)
    with connection.cursor() as cursor:
        cursor.execute(_POINT, _parameters(tenant=tenant, now=now, staff_ids=staff_ids))
        rows: list[tuple[UUID, date, bool]] = cursor.fetchall()
    if cut := [(staff_id, day) for staff_id, day, recut in rows if recut]:
        days = [day for _staff_id, day in cut]
        instances.recut({staff_id for staff_id, _day in cut}, min(days), max(days))
    ask_results(((staff_id, day) for staff_id, day, _recut in rows), tenant=tenant, now=now)
    return len(rows)


def _parameters(*, tenant: Tenant, now: datetime, staff_ids: Sequence[UUID] | None) -> dict[str, Any]:
    today = now.astimezone(tenant.tz).date()
    return {"today": today, "now": now, "grade": Grade.C, "staff": None if staff_ids is None else list(staff_ids)}
