"""Repeat patterns, and making rosters from them ahead of time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.calendar import queries as calendar
from tenants.calendar.contracts import Day
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.rosters import followed, instances, people, policies
from tenants.rosters.choices import AssignmentSource, SwapStatus
from tenants.rosters.contracts import Refused, Warned
from tenants.rosters.errors import PatternClash, PatternWrong, PlaceGone
from tenants.rosters.models import Assignment, Pattern, PatternUse, Shift, Swap
from tenants.rosters.operations.cells import CellChange, Item, Outcome, change_cells
from tenants.rosters.people import day_text
from tenants.rosters.windows import moment
from tenants.timeline.operations import record

WEEKS_AHEAD = 4
CHUNK = 100  # people per transaction: a killed worker loses at most these, and the next run makes them


@transaction.atomic
def save_pattern(
    *,
    name: str,
    cells: Sequence[UUID | None],
    by: Actor,
    tenant: Tenant,
    now: datetime,
    follows_calendar: bool = False,
    pattern_id: UUID | None = None,
) -> Pattern:
    """Add a cycle of 1–56 days, or change one; what was already rostered stays. Raises NotAllowed, NotFound, PatternWrong."""
    if not policies.edits(by):
        raise NotAllowed
    name = " ".join(name.split())
    if not 1 <= len(name) <= 40:
        raise Invalid("请填写循环名称，最多 40 字。", field="name")
    known = set(Shift.objects.filter(active=True).values_list("pk", flat=True))
    if not 1 <= len(cells) <= 56 or not {c for c in cells if c} <= known or not any(cells):
        raise PatternWrong(field="cells")
    same = Pattern.objects.filter(active=True, name=name)
    if any(p.pk != pattern_id for p in same):
        raise Invalid(f"已有名为「{name}」的循环，请换一个名称。", field="name")
    row = Pattern(created_at=now)
    if pattern_id is not None:
        if not policies.can_configure(by):
            raise NotAllowed
        found = Pattern.objects.select_for_update().filter(pk=pattern_id, active=True).first()
        if found is None:
            raise NotFound
        row = found
    row.name, row.days, row.follows_calendar = name, len(cells), follows_calendar
    row.cells = [str(c) if c else None for c in cells]
    row.save()
    record(verb="pattern.saved", sentence=f"保存循环「{name}」，{len(cells)} 天一轮", subject=row, by=by)
    return row


@transaction.atomic
def retire_pattern(*, pattern_id: UUID, by: Actor, tenant: Tenant, now: datetime, today: date) -> Pattern:
    """Nobody new may follow it; who does is let go from tomorrow on. Raises NotAllowed, NotFound."""
    if not policies.can_configure(by):
        raise NotAllowed
    row = Pattern.objects.select_for_update().filter(pk=pattern_id, active=True).first()
    if row is None:
        raise NotFound
    row.active = False
    row.save(update_fields=["active"])
    tomorrow = today + timedelta(days=1)
    for use in row.uses.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=tomorrow)):
        end_use(use_id=use.pk, ends_on=tomorrow, by=by, tenant=tenant, now=now)
    record(verb="pattern.retired", sentence=f"停用循环「{row.name}」", subject=row, by=by)
    return row


@transaction.atomic
def use_pattern(
    *,
    pattern_id: UUID,
    staff_ids: Sequence[UUID],
    starts_on: date,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    ends_on: date | None = None,
    post_id: UUID | None = None,
    place_id: UUID | None = None,
    offset: int = 0,
    stagger: int = 0,
) -> list[PatternUse]:
    """Let people follow a cycle from a day on, each `stagger` days further into it than the one before.

    Rosters are made by the worker right after. Locks the people. Raises NotAllowed, NotFound, Invalid,
    PatternClash, PostOfOthers.
    """
    pattern = Pattern.objects.filter(pk=pattern_id, active=True).first()
    if pattern is None:
        raise NotFound
    ids = list(dict.fromkeys(staff_ids))
    if not 1 <= len(ids) <= 500:
        raise Invalid("请选择 1—500 人。", field="staff")
    if ends_on is not None and ends_on <= starts_on:
        raise Invalid("结束日期要晚于开始日期。", field="ends_on")
    people.check_days(starts_on, *([ends_on] if ends_on else []), field="starts_on")
    if place_id and not organisation.places_by_id([place_id]):
        raise PlaceGone(field="place")
    found = organisation.staff_by_id(ids)
    posts = organisation.posts_by_id({post_id} if post_id else {p.post_id for p in found.values() if p.post_id})
    parties = organisation.parties_by_id({p.party_id for p in found.values()} | {p.party_id for p in posts.values()})
    instances.lock_people(ids, schema=tenant.schema)
    rows = []
    for n, staff_id in enumerate(ids):
        person = found.get(staff_id)
        if person is None or not policies.can_edit(by, person.party_id):
            raise NotAllowed
        wanted = post_id or person.post_id
        post = posts.get(wanted) if wanted else None
        if post is None:
            raise Invalid(f"{person.name} 没有所属岗位，请选择岗位。", field="post")
        people.check_post(person, post, parties)
        clash = PatternUse.objects.filter(
            Q(ends_on__isnull=True) | Q(ends_on__gt=starts_on), staff_id=staff_id
        ).exclude(starts_on__gte=ends_on or date.max).select_related("pattern").first()  # fmt: skip
        if clash:
            raise PatternClash(name=person.name, pattern=clash.pattern.name, field="staff")
        rows.append(
            PatternUse(
                pattern=pattern,
                staff_id=staff_id,
                post=post,
                place_id=place_id,
                starts_on=starts_on,
                ends_on=ends_on,
                offset=(offset + n * stagger) % pattern.days,
            )
        )
    PatternUse.objects.bulk_create(rows)
    record(
        verb="pattern.used",
        sentence=f"{len(ids)} 人自 {starts_on} 起按「{pattern.name}」排班",
        subject=pattern,
        by=by,
        staff_id=ids[0] if len(ids) == 1 else None,
    )
    enqueue_on_commit("rosters.extend", tenant=tenant)
    return rows


@transaction.atomic
def end_use(*, use_id: UUID, ends_on: date, by: Actor, tenant: Tenant, now: datetime) -> PatternUse:
    """A person follows the cycle no longer from `ends_on` on; what it made for later days is cancelled.

    What is frozen stays, and so does what has begun where a company ends it. One that would have begun only later is
    taken back as a whole. Locks the person's time line. Raises NotAllowed, NotFound, Invalid.
    """
    use = PatternUse.objects.select_related("staff", "pattern").filter(pk=use_id).first()
    if use is None:
        raise NotFound
    if not policies.can_edit(by, use.staff.party_id):
        raise NotAllowed
    never = ends_on <= use.starts_on
    if never and use.starts_on <= now.astimezone(tenant.tz).date():
        raise Invalid("结束日期要晚于开始日期。", field="ends_on")
    instances.lock_people([use.staff_id], schema=tenant.schema)
    use = PatternUse.objects.select_for_update(of=("self",)).select_related("staff", "pattern").get(pk=use_id)
    gone = list(Assignment.objects.filter(pattern_use=use, day__gte=ends_on, cancelled_at__isnull=True))
    frozen = policies.frozen([(a.staff_id, a.day) for a in gone])
    begun = set() if policies.decides_begun(by) else instances.begun(gone, now=now)
    instances.cancel([a for a in gone if (a.staff_id, a.day) not in frozen and a.pk not in begun], now=now)
    if never:
        PatternUse.objects.filter(pk=use.pk).delete()
    else:
        use.ends_on = ends_on
        use.save(update_fields=["ends_on"])
    record(
        verb="pattern.ended",
        sentence=f"{use.staff.name} 自 {ends_on} 起不再按「{use.pattern.name}」排班",
        subject=use.pattern,
        by=by,
        staff_id=use.staff_id,
    )
    return use


def extend(
    *, tenant: Tenant, now: datetime, weeks: int = WEEKS_AHEAD, told: bool = True, since: date | None = None
) -> Outcome:
    """Make and publish rosters up to `weeks` ahead for all who follow a cycle; safe to run twice or be killed.

    Works in chunks of people, each its own transaction that also moves `made_until`: what is missing after a
    break is made by the next run. Days that hold anything by hand, or whose shift was given to a colleague, are left
    alone, and so is a shift of today that is over; people who have left lose what lies after their last day. `since`: how far back the first run may begin (default today).
    """
    today = now.astimezone(tenant.tz).date()
    until = today + timedelta(weeks=weeks + 1)
    _let_go(tenant=tenant, now=now, today=today)
    _tell_moved(tenant=tenant, now=now, today=today)
    followed.note(until=until, today=today, now=now)
    total = Outcome()
    due = list(
        PatternUse.objects.filter(
            Q(made_until__isnull=True) | Q(made_until__lt=today + timedelta(weeks=weeks)),
            Q(ends_on__isnull=True) | Q(made_until__isnull=True) | Q(ends_on__gt=F("made_until")),
            starts_on__lt=until,
        )
        .exclude(staff__left_on__lt=F("made_until"))  # made until the last day
        .order_by("staff_id", "pk")
        .values_list("pk", flat=True)
    )
    for start in range(0, len(due), CHUNK):
        part = _extend_some(due[start : start + CHUNK], since or today, until, tenant=tenant, now=now, told=told)
        total.made += part.made
        total.refused += part.refused
        total.warnings += part.warnings
        total.cells |= part.cells
    return total


@transaction.atomic
def _extend_some(
    use_ids: Sequence[UUID], since: date, until: date, *, tenant: Tenant, now: datetime, told: bool
) -> Outcome:
    by = Actor.system(tenant.school_id)
    plain = PatternUse.objects.filter(pk__in=use_ids)
    instances.lock_people(plain.values_list("staff_id", flat=True), schema=tenant.schema)
    uses = list(
        PatternUse.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(pk__in=use_ids)
        .select_related("pattern", "staff")
        .order_by("pk")
    )
    spans = {
        u.pk: (max(u.made_until or u.starts_on, u.starts_on, since), min(u.ends_on or until, _day_after(u), until))
        for u in uses
    }
    begins = [a for a, b in spans.values() if a < b]
    changes: list[CellChange] = []
    owner: dict[tuple[UUID, date], UUID] = {}
    if begins:
        days = calendar.days_by_date(min(begins), until)
        taken = set(
            Assignment.objects.filter(
                staff_id__in={u.staff_id for u in uses}, day__gte=min(begins), day__lt=until, cancelled_at__isnull=True
            ).values_list("staff_id", "day")
        )
        taken |= _given_away(uses, min(begins), until)
        usable = set(Shift.objects.filter(active=True).values_list("pk", flat=True))
        over = {s: parts[-1].end_minute for s, parts in instances.segments_of(usable).items()}
        for use in uses:
            first, last = spans[use.pk]
            person = use.staff
            for n in range((last - first).days):
                day = first + timedelta(days=n)
                key = (use.staff_id, day)
                gone = (person.left_on and day > person.left_on) or (person.hired_on and day < person.hired_on)
                if key in taken or key in owner or gone:
                    continue
                shift_id = shift_on(use, days[day], usable)
                if shift_id and told and moment(day, over[shift_id], tenant.tz) <= now:
                    continue  # nobody is sent to a shift that is over: they would have been absent before they knew
                owner[key] = use.pk
                changes.append(CellChange(use.staff_id, day, (Item(shift_id, use.post_id, use.place_id),)))
    outcome = change_cells(
        cells=changes, by=by, tenant=tenant, now=now, source=AssignmentSource.PATTERN, told=told, published=True,
        uses=owner,
    )  # fmt: skip
    for use in uses:
        use.made_until = max(use.made_until or use.starts_on, spans[use.pk][1])
    PatternUse.objects.bulk_update(uses, ["made_until"])
    if told:
        tell_refused(outcome.refused, uses, tenant=tenant, now=now)
        tell_away(outcome.warnings, uses, tenant=tenant, now=now)
    return outcome


def _day_after(use: PatternUse) -> date:
    """The first day on which the person does not work here any more."""
    return use.staff.left_on + timedelta(days=1) if use.staff.left_on else date.max


def _given_away(uses: Sequence[PatternUse], first: date, until: date) -> set[tuple[UUID, date]]:
    """(person, day) of shifts that these people gave to a colleague by an approved swap: 补排 does not give them back."""
    people_ids = {u.staff_id for u in uses}
    rows = Swap.objects.filter(status=SwapStatus.APPROVED)
    given = rows.filter(assignment__staff_id__in=people_ids, assignment__day__range=(first, until))
    back = rows.filter(counter__staff_id__in=people_ids, counter__day__range=(first, until))
    return set(given.values_list("assignment__staff_id", "assignment__day")) | set(
        back.values_list("counter__staff_id", "counter__day")
    )


def shift_on(use: PatternUse, day: Day, usable: Collection[UUID]) -> UUID | None:
    """What the cycle wants of its follower on a day, as the calendar stands now; None is rest."""
    at = (use.offset + (day.day - use.starts_on).days) % use.pattern.days
    shift_id = UUID(use.pattern.cells[at]) if use.pattern.cells[at] else None
    if use.pattern.follows_calendar and not day.works:
        return None
    if use.pattern.follows_calendar and shift_id is None and day.mark == "班":
        shift_id = _make_up(use, at)
    return shift_id if shift_id in usable else None


def _make_up(use: PatternUse, at: int) -> UUID | None:
    """On a make-up workday that the cycle rests: the shift that the cycle works most lately before it."""
    cells = use.pattern.cells
    for back in range(1, len(cells) + 1):
        found = cells[(at - back) % len(cells)]
        if found:
            return UUID(found)
    return None


def tell_refused(refused: list[Refused], uses: list[PatternUse], *, tenant: Tenant, now: datetime) -> None:
    """Cells the cycle could not fill are told to who makes the roster, once per person and day."""
    if not refused:
        return
    editors = _editors(tenant, now)
    staff = {u.staff_id: u.staff for u in uses}
    first: dict[UUID, Refused] = {}
    for r in refused:
        first.setdefault(r.staff_id, r)
    for staff_id, r in first.items():
        notices.notify(
            account_ids=editors, kind=NoticeKind.TODO, title="有人无法按循环排班", text=r.sentence,
            path=f"/rosters/?day={r.day}", subject=staff[staff_id], occasion=f"roster.refused:{staff_id}:{r.day}",
            now=now,
        )  # fmt: skip


def tell_away(warned: list[Warned], uses: list[PatternUse], *, tenant: Tenant, now: datetime) -> None:
    """Cells that a cycle made for people on leave are told to who makes the roster, once per leave."""
    staff = {u.staff_id: u.staff for u in uses}
    first: dict[UUID, Warned] = {}
    for w in warned:
        first.setdefault(w.leave_id, w)
    editors = _editors(tenant, now) if first else []
    for leave_id, w in first.items():
        notices.notify(
            account_ids=editors, kind=NoticeKind.TODO, title=f"{staff[w.staff_id].name} 请假期间循环排了班", text=w.sentence,
            path=f"/rosters/?day={w.day}", subject=staff[w.staff_id], occasion=f"roster.away:{leave_id}", now=now,
        )  # fmt: skip


def _editors(tenant: Tenant, now: datetime) -> list[UUID]:
    today = now.astimezone(tenant.tz).date()
    found = people_of_school(school_id=tenant.school_id, roles=[Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR], today=today)
    return [p.account_id for p in found]


@transaction.atomic
def _let_go(*, tenant: Tenant, now: datetime, today: date) -> int:
    """Cancel what is rostered after people's last day of work, or before their first one by now.

    Who has left follows a cycle no more. Who is to leave follows it until then, also where the calendar changes before;
    should the last day move or the person stay after all, the cycle goes on from there.
    """
    rows = Assignment.objects.filter(
        Q(day__gt=F("staff__left_on")) | Q(day__lt=F("staff__hired_on")), cancelled_at__isnull=True, day__gte=today
    )
    ids = set(rows.order_by().values_list("staff_id", flat=True))
    if ids:
        instances.lock_people(ids, schema=tenant.schema)
        gone = list(rows.filter(staff_id__in=ids))
        instances.cancel(gone, now=now)
        if gone:
            record(
                verb="roster.let_go", sentence=f"不在职的日子里的 {len(gone)} 个排班已取消", subject=gone[0],
                by=Actor.system(tenant.school_id),
            )  # fmt: skip
    after = F("staff__left_on") + timedelta(days=1)
    uses = list(
        PatternUse.objects.select_for_update(of=("self",))
        .filter(
            Q(staff__status="left") & (Q(ends_on__isnull=True) | Q(ends_on__gt=after))
            | Q(staff__status="active", made_until__gt=after),
            starts_on__lte=F("staff__left_on"),
        )
        .select_related("staff")
        .order_by("pk")
    )
    for use in uses:
        assert use.staff.left_on is not None
        last = use.staff.left_on + timedelta(days=1)
        if use.staff.status == "left":
            use.ends_on = last
        use.made_until = min(use.made_until, last) if use.made_until else None
    PatternUse.objects.bulk_update(uses, ["ends_on", "made_until"])
    return len(ids)


@transaction.atomic
def _tell_moved(*, tenant: Tenant, now: datetime, today: date) -> None:
    """Who moved to another company and is still rostered at the old one's posts is told to who makes the roster, once."""
    rows = (
        Assignment.objects.filter(cancelled_at__isnull=True, day__gt=today, post__isnull=False)
        .exclude(post__party_id=F("staff__party_id"))
        .exclude(post__party__provider_id__isnull=False, post__party__provider_id=F("staff__party__provider_id"))
    )
    found: dict[UUID, list[Assignment]] = {}
    for a in rows.select_related("staff__party", "post").order_by("day", "pk")[:2000]:
        found.setdefault(a.staff_id, []).append(a)
    editors = _editors(tenant, now) if found else []
    for cells in found.values():
        first = cells[0]
        notices.notify(
            account_ids=editors, kind=NoticeKind.TODO,
            title=f"{first.staff.name}（{first.staff.party.name}）还排在别的单位的岗位",
            text=f"人员或岗位换了单位。从{day_text(first.day)}起还有 {len(cells)} 个班排在「{first.post.name if first.post else ''}」等处，请换人或取消。",
            path=f"/rosters/?day={first.day}", subject=first.staff,
            occasion=f"roster.moved:{first.staff_id}:{first.staff.party_id}", now=now,
        )  # fmt: skip


def remake(*, use_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Try again from today on the days that a cycle could not fill. Raises NotAllowed, NotFound."""
    with transaction.atomic():
        use = PatternUse.objects.select_for_update(of=("self",)).select_related("staff").filter(pk=use_id).first()
        if use is None:
            raise NotFound
        if not policies.can_edit(by, use.staff.party_id):
            raise NotAllowed
        use.made_until = max(use.starts_on, now.astimezone(tenant.tz).date())
        use.save(update_fields=["made_until"])
        record(verb="pattern.remade", sentence=f"重新生成 {use.staff.name} 的排班", subject=use.staff, by=by)
        enqueue_on_commit("rosters.extend", tenant=tenant)
