"""Shifts, cycles, contracted presence, leaves and rosters of a demo school: three months back, four weeks ahead."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import DomainError
from kernel.tenancy import Tenant
from tenants.organisation import operations as organisation_operations
from tenants.organisation import queries as organisation
from tenants.rosters import operations, queries
from tenants.rosters.operations import CellChange, Item, SegmentInput
from workers.demo.schools import People, Plan

BACK = 91  # days; a whole number of weeks
# code → name, colour, stretches in minutes, flexible minutes
SHIFTS: dict[str, tuple[str, str, list[tuple[int, int]], int]] = {
    "早": ("早班", "#1c7ed6", [(390, 870)], 0),
    "中": ("中班", "#e8590c", [(870, 1350)], 0),
    "夜": ("夜班", "#5f3dc4", [(1350, 1830)], 0),
    "日": ("日值班", "#0c8599", [(480, 1200)], 0),
    "宵": ("夜值班", "#364fc7", [(1200, 1920)], 0),
    "洁": ("保洁班", "#2b8a3e", [(390, 630), (780, 1020)], 0),
    "餐": ("两头班", "#c2255c", [(330, 810), (960, 1170)], 0),
    "常": ("常白班", "#495057", [(480, 720), (840, 1080)], 0),
    "弹": ("弹性班", "#846358", [(510, 1050)], 60),
}
CYCLES: dict[str, tuple[str, bool]] = {  # name → cells ("休" rests), follows the calendar
    "三班轮转": ("早早中中夜夜休休", False),
    "日夜双休": ("日宵休休", False),
    "保洁轮休": ("洁洁洁洁洁洁休", False),
    "餐饮轮休": ("餐餐餐餐餐餐休", False),
    "随校历": ("常常常常常休休", True),
}
# post → cycle, days between two people, persons contracted, minutes of the day, on holidays, yuan an hour, grade
POSTS: dict[str, tuple[str, int, int, list[tuple[int, int]], bool, str, str]] = {
    "楼宇保洁员": ("保洁轮休", 1, 25, [(390, 630), (780, 1020)], True, "26.00", "C"),
    "室外保洁员": ("保洁轮休", 1, 10, [(390, 630), (780, 1020)], True, "26.00", "C"),
    "公寓值班员": ("日夜双休", 1, 4, [(0, 1440)], True, "24.50", "C"),
    "窗口服务员": ("餐饮轮休", 1, 11, [(330, 810), (960, 1170)], True, "25.00", "C"),
    "厨师": ("餐饮轮休", 1, 6, [(330, 810), (960, 1170)], True, "38.00", "C"),
    "门岗保安员": ("三班轮转", 1, 4, [(0, 1440)], True, "29.00", "B"),
    "消防控制室值班员": ("日夜双休", 1, 1, [(0, 1440)], True, "33.00", "B"),
    "配电运行工": ("日夜双休", 1, 1, [(0, 1440)], True, "36.00", "B"),
    "综合维修工": ("随校历", 0, 6, [(480, 720), (840, 1080)], False, "35.00", "C"),
}
BY_HAND = "绿化养护工"  # rostered week by week; the next weeks are still drafts


def make(plan: Plan, who: People, tenant: Tenant, *, now: datetime, seed: int) -> None:
    """Make it unless the school already has shifts."""
    if queries.shifts(by=who.admin, active=None).exists():
        return
    with transaction.atomic():
        today = now.astimezone(tenant.tz).date()
        first = today - timedelta(days=BACK + today.weekday())  # a Monday
        began = now - timedelta(days=BACK + today.weekday())
        _reviews(who, tenant, today)
        shifts = _setup(who, tenant, first, began)
        _cycles(who, tenant, first, began, shifts)
        operations.extend(tenant=tenant, now=now, since=first, told=False)
        operations.tell_gaps(tenant=tenant, now=now)
        _by_hand(who, tenant, first, today, now, shifts)
        _requests(who, tenant, today, now, Random(f"{seed}{plan.slug}rosters"))  # noqa: S311  (deterministic)


def _reviews(who: People, tenant: Tenant, today: date) -> None:
    """The electricians were trained together: one review comes in three weeks, all others in fifty days."""
    people = [
        p.pk for p in organisation.staff(by=who.admin).order_by("number") if p.post and p.post.name == "配电运行工"
    ]
    held = [c for _p, c in organisation.certificates_of(people) if c.kind == "electrician"]
    for n, c in enumerate(sorted(held, key=lambda c: c.number)):
        organisation_operations.change_certificate(
            certificate_id=c.pk, kind=c.kind, number=c.number, issued_on=min(c.issued_on, today - timedelta(days=900)),
            review_on=today + timedelta(days=20 if n == 0 else 50), expires_on=today + timedelta(days=1100),
            by=who.admin, tenant=tenant,
        )  # fmt: skip


def _setup(who: People, tenant: Tenant, first: date, began: datetime) -> dict[str, UUID]:
    common: dict[str, Any] = {"by": who.admin, "tenant": tenant, "now": began}
    shifts = {}
    for code, (name, colour, spans, flex) in SHIFTS.items():
        shifts[code] = operations.save_shift(
            name=name, code=code, colour=colour, segments=[SegmentInput(a, b) for a, b in spans], today=first,
            kind="flexible" if flex else "fixed", flex_minutes=flex, by=who.admin, tenant=tenant, now=began,
        ).pk  # fmt: skip
    operations.set_rule(scope="school", valid_from=first, today=first, **common)
    for post in organisation.posts(by=who.admin):
        plan = POSTS.get(post.name)
        rate, grade = (plan[5], plan[6]) if plan else ("27.00", "C")
        operations.set_terms(post_id=post.pk, grade=grade, hourly_rate=Decimal(rate), **common)
        if grade == "B":
            operations.set_rule(
                scope="post", post_id=post.pk, valid_from=first, today=first, grace_minutes=5, in_before_minutes=40,
                **common,
            )  # fmt: skip
        for start, end in plan[3] if plan else [(480, 720), (840, 1080)]:
            operations.save_coverage(
                post_id=post.pk, persons=plan[2] if plan else 3, valid_from=first, start_minute=start, end_minute=end,
                weekdays=127 if plan and plan[4] else 31, holidays=bool(plan and plan[4]), **common,
            )  # fmt: skip
    return shifts


def _cycles(who: People, tenant: Tenant, first: date, began: datetime, shifts: dict[str, UUID]) -> None:
    rows = {
        name: operations.save_pattern(
            name=name, cells=[shifts.get(c) for c in cells], follows_calendar=follows, by=who.admin, tenant=tenant,
            now=began,
        )
        for name, (cells, follows) in CYCLES.items()
    }  # fmt: skip
    people = list(organisation.staff(by=who.admin).order_by("number"))
    for post in organisation.posts(by=who.admin):
        if post.name in POSTS:
            cycle, stagger = POSTS[post.name][:2]
            operations.use_pattern(
                pattern_id=rows[cycle].pk, staff_ids=[p.pk for p in people if p.post_id == post.pk], starts_on=first,
                stagger=stagger, by=who.admin, tenant=tenant, now=began,
            )  # fmt: skip


def _by_hand(who: People, tenant: Tenant, first: date, today: date, now: datetime, shifts: dict[str, UUID]) -> None:
    people = [p for p in organisation.staff(by=who.admin).order_by("number") if p.post and p.post.name == BY_HAND]
    sunday = today + timedelta(days=6 - today.weekday())

    def cells(start: date, end: date) -> list[CellChange]:
        days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
        return [
            CellChange(p.pk, d, (Item(shifts["常"] if d.weekday() < 5 or (d.toordinal() + n) % 9 == 0 else None),))
            for n, p in enumerate(people)
            for d in days
        ]

    common: dict[str, Any] = {"by": who.supervisors[0], "tenant": tenant, "now": now, "told": False}
    operations.change_cells(cells=cells(first, sunday), published=True, **common)
    drafts = [c for c in cells(sunday + timedelta(days=1), sunday + timedelta(days=14)) if c.day.weekday() != 2]
    operations.change_cells(cells=drafts, **common)


def _requests(who: People, tenant: Tenant, today: date, now: datetime, dice: Random) -> None:
    people = list(organisation.staff(by=who.admin).order_by("number"))
    kinds = ("personal", "sick", "annual", "personal", "compensatory", "sick", "field", "annual")
    reasons = {
        "personal": ("家中有事", "孩子家长会"), "sick": ("身体不适，就医", "复诊"), "annual": ("回乡探亲", "年休假"),
        "compensatory": ("调休上周加班",), "field": ("外出培训", "到供应商处验货"),
    }  # fmt: skip
    for n, person in enumerate(dice.sample(people, 22)):
        pending, kind = n >= 18, kinds[n % len(kinds)]
        day = today + timedelta(days=dice.randint(1, 12) if pending else -dice.randint(2, 80))
        part = dice.choice(("day", "day", "am", "pm"))
        starts, ends = operations.half_day(day, part, tenant)
        asked = now - timedelta(hours=dice.randint(2, 30)) if pending else starts - timedelta(days=1)
        row = operations.ask_leave(
            kind=kind, starts_at=starts, ends_at=ends + timedelta(days=1 if n % 5 == 0 else 0),
            reason=reasons[kind][n % len(reasons[kind])], staff_id=person.pk, by=_as_worker(person, tenant),
            tenant=tenant, now=asked,
        )  # fmt: skip
        if not pending:
            operations.decide_leave(
                leave_id=row.pk, approve=n % 9 != 4, note="" if n % 9 != 4 else "当天人手不足，请改期",
                by=who.supervisors[0], tenant=tenant, now=asked + timedelta(hours=3),
            )  # fmt: skip
    guards = [p for p in people if p.post and p.post.name == "门岗保安员"]
    made = 0
    for n, person in enumerate(guards):
        if made == 4:
            break
        me, other = _as_worker(person, tenant), guards[(n + 3) % len(guards)]
        mine = queries.own_days(by=me, first=today + timedelta(days=2 + n), last=today + timedelta(days=8 + n))
        free = {
            a.day
            for a in queries.own_days(by=_as_worker(other, tenant), first=today, last=today + timedelta(days=30))
            if a.shift_id is None
        }
        given = next((a for a in mine if a.shift_id and a.day in free), None)
        if given is None:
            continue
        try:
            with transaction.atomic():
                swap = operations.ask_swap(
                    assignment_id=given.pk, taker_id=other.pk, reason="家里有事，想请同事代一个班", by=me,
                    tenant=tenant, now=now - timedelta(hours=20 - n),
                )  # fmt: skip
                if made:
                    operations.answer_swap(
                        swap_id=swap.pk, accept=made != 3, by=_as_worker(other, tenant), tenant=tenant,
                        now=now - timedelta(hours=12 - n),
                    )  # fmt: skip
                if made == 1:
                    operations.decide_swap(
                        swap_id=swap.pk,
                        approve=True,
                        by=who.supervisors[0],
                        tenant=tenant,
                        now=now - timedelta(hours=5),
                    )
                made += 1
        except DomainError:
            continue  # the dice fell on two who cannot change


def _as_worker(person: Any, tenant: Tenant) -> Actor:
    """The person as they would act on their phone."""
    return Actor(
        account_id=person.account_id or uuid5(person.pk, "demo"), name=person.name,
        roles=frozenset({Role.FRONTLINE}), school_id=tenant.school_id, staff_id=person.pk,
    )  # fmt: skip
