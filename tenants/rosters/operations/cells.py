"""The roster itself: changing cells in a batch, publishing, copying."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import DomainError, Invalid, NotAllowed
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.rosters import away, instances, people, policies
from tenants.rosters.choices import AssignmentSource
from tenants.rosters.contracts import Refused, Warned
from tenants.rosters.errors import (
    CellChanged,
    MonthFrozen,
    PlaceGone,
    PostMissing,
    ShiftBegun,
    ShiftsOverlap,
    ShiftUnknown,
)
from tenants.rosters.models import Assignment, Shift
from tenants.rosters.operations.results import ask_results
from tenants.rosters.people import day_text
from tenants.rosters.windows import Stretch, first_overlap, moment, stretches_of
from tenants.timeline.operations import record

MOST_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class Item:
    """One shift in a cell; `shift_id` None is a day of rest; `post_id` None is the person's own post."""

    shift_id: UUID | None
    post_id: UUID | None = None
    place_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CellChange:
    """What a cell shall hold. `seen` are the ids that stood there when it was changed; None does not compare."""

    staff_id: UUID
    day: date
    items: tuple[Item, ...]
    seen: frozenset[UUID] | None = None


@dataclass(slots=True)
class Outcome:
    """What came of a batch: each cell is either done or refused with its sentence."""

    made: list[Assignment] = field(default_factory=list)
    cancelled: list[Assignment] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)  # done, and yet somebody should look: on leave then
    cells: set[tuple[UUID, date]] = field(default_factory=set)  # that were changed


@dataclass(slots=True)
class _World:
    """What is known while a batch is worked on; read in a handful of queries however large the batch is."""

    tenant: Tenant
    people: dict[UUID, Any]
    posts: dict[UUID, Any]
    parties: dict[UUID, Any]
    places: Collection[UUID]
    shifts: dict[UUID, Shift]
    segments: dict[UUID, list[Any]]
    live: dict[tuple[UUID, date], list[Assignment]]

    def stretches(self, day: date, shift_id: UUID | None) -> list[Stretch]:
        return stretches_of(day, self.segments.get(shift_id, []) if shift_id else [], self.tenant.tz)


def _world(cells: Sequence[CellChange], tenant: Tenant) -> _World:
    staff = organisation.staff_by_id({c.staff_id for c in cells})
    days = [c.day for c in cells]
    rows = Assignment.objects.filter(
        staff_id__in=staff, cancelled_at__isnull=True, day__gte=min(days) - timedelta(days=2),
        day__lte=max(days) + timedelta(days=2),
    ).select_for_update()  # fmt: skip
    live: dict[tuple[UUID, date], list[Assignment]] = defaultdict(list)
    for row in rows.order_by("pk"):
        live[(row.staff_id, row.day)].append(row)
    places = {i.place_id for c in cells for i in c.items if i.place_id}
    shift_ids = {i.shift_id for c in cells for i in c.items if i.shift_id}
    posts = organisation.posts_by_id(
        {i.post_id for c in cells for i in c.items if i.post_id} | {p.post_id for p in staff.values() if p.post_id}
    )
    parties = organisation.parties_by_id({p.party_id for p in staff.values()} | {p.party_id for p in posts.values()})
    known = {a.shift_id for rows_ in live.values() for a in rows_ if a.shift_id} | shift_ids
    return _World(
        tenant=tenant, people=staff, posts=posts, parties=parties,
        places=organisation.places_by_id(places) if places else (),
        shifts=Shift.objects.in_bulk(shift_ids), segments=instances.segments_of(known), live=live,
    )  # fmt: skip


def _wanted(cell: CellChange, world: _World) -> list[Assignment]:
    """The rows a cell asks for, checked by themselves. Raises what the cell is refused for."""
    person = world.people[cell.staff_id]
    people.check_employed(person, cell.day)
    rows: list[Assignment] = []
    for item in dict.fromkeys(cell.items):
        if item.shift_id is None:
            rows.append(Assignment(id=new_id(), staff=person, day=cell.day, party_id=person.party_id))
            continue
        shift = world.shifts.get(item.shift_id)
        if shift is None or not shift.active:
            raise ShiftUnknown(code=str(shift or item.shift_id), field="shift")
        post = world.posts.get(item.post_id or person.post_id)
        if post is None or not post.active:
            raise PostMissing(name=person.name, field="post")
        people.check_post(person, post, world.parties)
        if item.place_id and item.place_id not in world.places:
            raise PlaceGone(field="place")
        rows.append(
            Assignment(
                id=new_id(),
                staff=person,
                day=cell.day,
                shift=shift,
                post=post,
                party_id=post.party_id,
                place_id=item.place_id or post.place_id,
            )
        )
    if len(rows) > 1 and any(r.shift_id is None for r in rows):
        raise Invalid("休息不能和班次排在同一格，请二选一。", field="shift")
    if len(rows) > 6:
        raise Invalid("一人一天最多排 6 个班次。", field="shift")
    return rows


def _key(row: Assignment) -> tuple[Any, ...]:
    return (row.shift_id, row.post_id, row.place_id)


@transaction.atomic
def change_cells(
    *,
    cells: Sequence[CellChange],
    by: Actor,
    tenant: Tenant,
    now: datetime,
    source: str = AssignmentSource.MANUAL,
    told: bool = True,
    published: bool = False,
    uses: Mapping[tuple[UUID, date], UUID] | None = None,
) -> Outcome:
    """Set what roster cells hold, each by itself: a refused cell stays as it was and says why.

    New cells are drafts until published, or published at once with `published`; `uses` names the pattern use
    that a cell comes from. Where a published cell changes, the change holds at once: its
    instances are remade and the person is told. A company changes nothing of a shift that has begun, and adds none
    that would have. A cell of somebody on approved leave is done and named in `warnings`: who makes the roster may know
    better, but not unknowingly. Locks the people's time lines and the rows.
    Raises NotAllowed, Invalid (too many cells at once).
    """
    if not policies.edits(by):
        raise NotAllowed
    outcome = Outcome()
    cells = list({(c.staff_id, c.day): c for c in cells}.values())
    if not cells:
        return outcome
    if len(cells) > MOST_CELLS:
        raise Invalid("一次最多修改 20,000 格，请分几次保存。")
    people.check_days(*(c.day for c in cells))
    instances.lock_people({c.staff_id for c in cells}, schema=tenant.schema)
    world = _world(cells, tenant)
    editable = policies.editable_party_ids(by)
    frozen = policies.frozen([(c.staff_id, c.day) for c in cells])
    wanted: dict[tuple[UUID, date], list[Assignment]] = {}
    there = [a for c in cells for a in world.live.get((c.staff_id, c.day), ())]
    begun = set() if policies.decides_begun(by) else instances.begun(there, now=now)

    def late(had: list[Assignment], rows: list[Assignment]) -> bool:
        """Whether the change would touch a shift that has begun: of those that go and those that come."""
        if policies.decides_begun(by):
            return False
        kept = {_key(a) for a in had} & {_key(r) for r in rows}
        starts = [s.starts_at for r in rows if _key(r) not in kept for s in world.stretches(r.day, r.shift_id)]
        return any(a.pk in begun for a in had if _key(a) not in kept) or any(s <= now for s in starts)

    def refuse(cell: tuple[UUID, date], refused: DomainError) -> None:
        wanted.pop(cell, None)
        outcome.refused.append(Refused(cell[0], cell[1], refused.code, refused.sentence))

    for cell in cells:
        key = (cell.staff_id, cell.day)
        person = world.people.get(cell.staff_id)
        try:
            if person is None or (editable is not None and person.party_id not in editable):
                raise NotAllowed
            if key in frozen:
                raise MonthFrozen(name=person.name, day=day_text(cell.day))
            if cell.seen is not None and cell.seen != {a.pk for a in world.live.get(key, [])}:
                raise CellChanged(name=person.name, day=day_text(cell.day))
            rows = _wanted(cell, world)
            if late(world.live.get(key, []), rows):
                raise ShiftBegun(name=person.name, day=day_text(cell.day))
            if sorted(map(str, map(_key, rows))) != sorted(map(str, map(_key, world.live.get(key, [])))):
                wanted[key] = rows
        except DomainError as refused:
            refuse(key, refused)

    needs = {(r.staff_id, r.post_id, r.day) for rows in wanted.values() for r in rows if r.post_id}
    for (staff_id, post_id, day), kinds in people.lacking(needs).items():
        if (staff_id, day) in wanted:
            name, post = world.people[staff_id].name, world.posts[post_id].name
            refuse((staff_id, day), people.certificate_refusal(name, day, post, kinds))
    for key, refusal in _overlapping(wanted, world):
        refuse(key, refusal)
    _apply(
        wanted, world, outcome, source=source, now=now, tenant=tenant, published=published, uses=uses or {}
    )  # fmt: skip
    touched = [a for a in (*outcome.made, *outcome.cancelled) if a.published_at]  # a draft has no instances
    ask_results(((a.staff_id, a.day) for a in touched), tenant=tenant, now=now)
    outcome.warnings = away.warnings(
        ((a.staff_id, a.day, s.starts_at, s.ends_at) for a in outcome.made for s in world.stretches(a.day, a.shift_id)),
        tenant=tenant,
    )  # fmt: skip
    if outcome.cells:
        _note(outcome, world, by=by, source=source)
        if told and published:
            _tell_published(outcome.made, by=by, now=now)
        elif told:
            _tell_changes(outcome, world, by=by, now=now)
    return outcome


def _overlapping(
    wanted: dict[tuple[UUID, date], list[Assignment]], world: _World
) -> list[tuple[tuple[UUID, date], DomainError]]:
    """Cells to refuse so that no person is in two places: the later changed one of each clashing pair."""
    found: list[tuple[tuple[UUID, date], DomainError]] = []
    by_person: dict[UUID, set[date]] = defaultdict(set)
    for staff_id, day in wanted:
        by_person[staff_id].add(day)
    there: dict[UUID, list[Assignment]] = defaultdict(list)
    for (staff_id, _day), rows in world.live.items():
        there[staff_id].extend(rows)
    names = {**world.shifts}
    for staff_id, days in by_person.items():
        while True:
            line = [a for a in there[staff_id] if a.day not in days]
            line += [a for day in days for a in wanted[(staff_id, day)]]
            spans = [(s, a) for a in line for s in world.stretches(a.day, a.shift_id)]
            clash = first_overlap([s for s, _a in spans])
            if clash is None:
                break
            pair = sorted((spans[clash[0]][1], spans[clash[1]][1]), key=lambda a: a.day)
            loser = next((a for a in reversed(pair) if a.day in days), None)
            if loser is None:
                break
            labels = [str(names.get(a.shift_id) or a.shift) if a.shift_id else "" for a in pair]
            when = day_text(pair[0].day) + (f"与{day_text(pair[1].day)}" if pair[1].day != pair[0].day else "")
            refusal = ShiftsOverlap(name=world.people[staff_id].name, first=labels[0], second=labels[1], when=when)
            days.discard(loser.day)
            found.append(((staff_id, loser.day), refusal))
    return found


def _apply(
    wanted: dict[tuple[UUID, date], list[Assignment]],
    world: _World,
    outcome: Outcome,
    *,
    source: str,
    now: datetime,
    tenant: Tenant,
    published: bool,
    uses: Mapping[tuple[UUID, date], UUID],
) -> None:
    live_now: list[Assignment] = []
    for key, rows in wanted.items():
        there = world.live.get(key, [])
        kept = {_key(a) for a in there} & {_key(r) for r in rows}
        at_once = published or any(a.published_at for a in there)
        outcome.cancelled += [a for a in there if _key(a) not in kept]
        for row in rows:
            if _key(row) in kept:
                continue
            row.source, row.created_at, row.pattern_use_id = source, now, uses.get(key)
            row.published_at = now if at_once else None
            outcome.made.append(row)
            if at_once:
                live_now.append(row)
        outcome.cells.add(key)
    instances.cancel(outcome.cancelled, now=now)
    Assignment.objects.bulk_create(outcome.made, batch_size=instances.BATCH)
    instances.make(live_now, tenant=tenant)


def _note(outcome: Outcome, world: _World, *, by: Actor, source: str) -> None:
    touched = [*outcome.made, *outcome.cancelled]
    staff_ids = {a.staff_id for a in touched}
    parties = {world.people[i].party_id for i in staff_ids}
    days = [a.day for a in touched]
    who = world.people[next(iter(staff_ids))].name if len(staff_ids) == 1 else f"{len(staff_ids)} 人"
    span = day_text(min(days)) + (f"—{day_text(max(days))}" if min(days) != max(days) else "")
    record(
        verb="roster.changed",
        sentence=f"修改排班：{who} {span}，共 {len(outcome.cells)} 格",
        subject=touched[0],
        by=by,
        party_id=parties.pop() if len(parties) == 1 else None,
        staff_id=staff_ids.pop() if len(staff_ids) == 1 else None,
        source=source,
        cells=len(outcome.cells),
    )


def _tell_changes(outcome: Outcome, world: _World, *, by: Actor, now: datetime) -> None:
    """Who had a published cell changed learns the new one."""
    changed: dict[UUID, set[date]] = defaultdict(set)
    for row in [*outcome.made, *outcome.cancelled]:
        if row.published_at:
            changed[row.staff_id].add(row.day)
    made: dict[tuple[UUID, date], list[Assignment]] = defaultdict(list)
    for row in outcome.made:
        made[(row.staff_id, row.day)].append(row)
    for staff_id, days in changed.items():
        person = world.people[staff_id]
        if person.account_id is None:
            continue
        lines = []
        for day in sorted(days)[:5]:
            names = "、".join(str(a.shift) if a.shift_id else "休息" for a in made[(staff_id, day)]) or "取消"
            lines.append(f"{day_text(day)}：{names}")
        more = f" 等 {len(days)} 天" if len(days) > 5 else ""
        notices.notify(
            account_ids=[person.account_id],
            kind=NoticeKind.INFO,
            title=f"您的排班有变动：{lines[0]}{more}",
            text="；".join(lines) + more,
            path="/m/roster/",
            subject=person,
            occasion=f"roster.changed:{staff_id}:{new_id()}",
            now=now,
            besides=by.account_id,
        )


@dataclass(slots=True)
class Published:
    """What a publication did."""

    assignments: list[Assignment] = field(default_factory=list)
    people: int = 0
    refused: list[Refused] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)


@transaction.atomic
def publish(
    *,
    first: date,
    last: date,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    party_id: UUID | None = None,
    post_id: UUID | None = None,
    staff_ids: Iterable[UUID] | None = None,
    told: bool = True,
) -> Published:
    """Publish the drafts of a range (both days included): instances are made and the workers are told.

    A draft that a certificate, a frozen month, the end of employment or a move to another company forbids stays a draft and is named; so does a
    company's whose shift would have begun.
    Locks the people's time lines. Raises NotAllowed.
    """
    if not policies.edits(by):
        raise NotAllowed
    if party_id is not None and not policies.can_edit(by, party_id):
        raise NotAllowed
    rows = Assignment.objects.filter(
        day__gte=first, day__lte=last, published_at__isnull=True, cancelled_at__isnull=True
    )
    editable = policies.editable_party_ids(by)
    if editable is not None:
        rows = rows.filter(staff__party_id__in=editable)
    if party_id is not None:
        rows = rows.filter(staff__party_id=party_id)
    if post_id is not None:
        rows = rows.filter(post_id=post_id)
    if staff_ids is not None:
        rows = rows.filter(staff_id__in=list(staff_ids))
    instances.lock_people(set(rows.order_by().values_list("staff_id", flat=True)), schema=tenant.schema)
    drafts = list(rows.select_for_update(of=("self",)).select_related("staff", "post", "shift").order_by("day", "pk"))
    return _publish(drafts, by=by, tenant=tenant, now=now, told=told)


def _publish(drafts: list[Assignment], *, by: Actor, tenant: Tenant, now: datetime, told: bool) -> Published:
    result = Published()
    frozen = policies.frozen(sorted({(a.staff_id, a.day) for a in drafts}))
    lacking = people.lacking({(a.staff_id, a.post_id, a.day) for a in drafts if a.post_id})
    parties = organisation.parties_by_id({i for a in drafts if a.post for i in (a.staff.party_id, a.post.party_id)})
    segments = {} if policies.decides_begun(by) else instances.segments_of({a.shift_id for a in drafts if a.shift_id})
    for a in drafts:
        try:
            people.check_employed(a.staff, a.day)
            if a.shift_id and any(
                moment(a.day, s.start_minute, tenant.tz) <= now for s in segments.get(a.shift_id, ())
            ):
                raise ShiftBegun(name=a.staff.name, day=day_text(a.day))
            if (a.staff_id, a.day) in frozen:
                raise MonthFrozen(name=a.staff.name, day=day_text(a.day))
            if a.post:
                people.check_post(a.staff, a.post, parties)
            if a.post_id and a.post and (kinds := lacking.get((a.staff_id, a.post_id, a.day))):
                raise people.certificate_refusal(a.staff.name, a.day, a.post.name, kinds)
        except DomainError as refused:
            result.refused.append(Refused(a.staff_id, a.day, refused.code, refused.sentence))
            continue
        a.published_at = now
        result.assignments.append(a)
    if not result.assignments:
        return result
    Assignment.objects.filter(pk__in=[a.pk for a in result.assignments]).update(published_at=now)
    made = instances.make(result.assignments, tenant=tenant)
    result.warnings = away.warnings(((i.staff_id, i.day, i.starts_at, i.ends_at) for i in made), tenant=tenant)
    ask_results(((a.staff_id, a.day) for a in result.assignments), tenant=tenant, now=now)
    staff = {a.staff_id: a.staff for a in result.assignments}
    days = [a.day for a in result.assignments]
    whose = {p.party_id for p in staff.values()}
    result.people = len(staff)
    record(
        verb="roster.published",
        sentence=f"发布排班：{day_text(min(days))}—{day_text(max(days))}，{len(staff)} 人 {len(days)} 班次",
        subject=result.assignments[0],
        by=by,
        party_id=whose.pop() if len(whose) == 1 else None,
        staff_id=next(iter(staff)) if len(staff) == 1 else None,
        count=len(days),
    )
    if told:
        _tell_published(result.assignments, by=by, now=now)
    return result


def _tell_published(rows: list[Assignment], *, by: Actor, now: datetime) -> None:
    mine: dict[UUID, list[Assignment]] = defaultdict(list)
    for a in rows:
        if a.staff.account_id:
            mine[a.staff_id].append(a)
    for staff_id, own in mine.items():
        first, last = min(a.day for a in own), max(a.day for a in own)
        work = sum(1 for a in own if a.shift_id)
        notices.notify(
            account_ids=[own[0].staff.account_id],  # type: ignore[list-item]
            kind=NoticeKind.INFO,
            title=f"新排班：{day_text(first)}—{day_text(last)}",
            text=f"共 {work} 个班次，请在“我的排班”中查看。",
            path="/m/roster/",
            subject=own[0].staff,
            occasion=f"roster.published:{staff_id}:{first}:{last}:{now:%Y%m%d%H%M}",
            now=now,
            besides=by.account_id,
        )


@transaction.atomic
def copy_period(
    *,
    source_first: date,
    target_first: date,
    days: int,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    party_id: UUID | None = None,
    post_id: UUID | None = None,
) -> Outcome:
    """Copy the roster of a range onto another of the same length; filled target cells stay as they are.

    Raises NotAllowed, Invalid (1–62 days, ranges that overlap).
    """
    if not policies.edits(by):
        raise NotAllowed
    if not 1 <= days <= 62 or abs((target_first - source_first).days) < days:
        raise Invalid("一次可复制 1—62 天，来源与目标不能重叠。")
    people.check_days(source_first, target_first, field="target_first")
    span = timedelta(days=days)
    rows = Assignment.objects.filter(cancelled_at__isnull=True)
    editable = policies.editable_party_ids(by)
    if editable is not None:
        rows = rows.filter(staff__party_id__in=editable)
    if party_id is not None:
        rows = rows.filter(staff__party_id=party_id)
    source = rows.filter(day__gte=source_first, day__lt=source_first + span)
    if post_id is not None:
        source = source.filter(post_id=post_id)
    taken = set(
        rows.filter(day__gte=target_first, day__lt=target_first + span).order_by().values_list("staff_id", "day")
    )
    shift = target_first - source_first
    items: dict[tuple[UUID, date], list[Item]] = defaultdict(list)
    for a in source.order_by("pk"):
        key = (a.staff_id, a.day + shift)
        if key not in taken:
            items[key].append(Item(a.shift_id, a.post_id, a.place_id))
    changes = [CellChange(key[0], key[1], tuple(found), frozenset()) for key, found in items.items()]
    return change_cells(cells=changes, by=by, tenant=tenant, now=now)
