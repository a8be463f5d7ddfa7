"""One person with two jobs: a guard who on their days off keeps watch in another company's fire control room."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid5

from django.db import transaction

from identity.choices import Role
from identity.contracts import Actor
from institute.providers.contracts import ProviderRef
from kernel import clock
from kernel.clock import day_bounds
from kernel.tenancy import Tenant
from standards_library.choices import ServiceLine
from tenants.duty import operations as duty
from tenants.organisation import operations as organisation
from tenants.organisation import queries as places
from tenants.organisation.models import Post, Staff
from tenants.punches import operations as punches
from tenants.rosters import operations, queries
from tenants.rosters.operations import CellChange, Item
from workers.demo.people import account
from workers.demo.school.stamps import played, stamp
from workers.demo.schools import People, Plan

GUARDS, POST = "门岗保安员", "消防分控室值班员"
NTH = 7  # of the guards, by work number: one whom no other part of the demo has given a login
BACK, AHEAD = 16, 24  # days of the second job
DAY_SHIFT = "日"  # 08:00–20:00


def make(plan: Plan, who: People, company: ProviderRef, tenant: Tenant, *, now: datetime) -> None:
    """Make it unless the post is there."""
    if any(post.name == POST for post in places.posts(by=who.admin)):
        return
    with transaction.atomic():
        guards = Staff.objects.filter(post__name=GUARDS).order_by("number")
        first = guards[NTH]
        second, post = _second_row(plan, who, company, tenant, first, now)
        me = _login(plan, who, tenant, first, second)
        days = _roster(who, tenant, first, second, post, now)
        stamp(now - timedelta(days=BACK))
        _watch(me, tenant, post, second, [day for day in days if day < _today(tenant, now)])
        _asks(me, tenant, second, [day for day in days if day > _today(tenant, now)], now)


def _today(tenant: Tenant, now: datetime) -> date:
    return now.astimezone(tenant.tz).date()


def _second_row(
    plan: Plan, who: People, company: ProviderRef, tenant: Tenant, first: Staff, now: datetime
) -> tuple[Staff, Post]:
    """The company's small contract, its post, and the same person in its books, with the certificate that is asked."""
    today = _today(tenant, now)
    began = today - timedelta(days=120)
    common: dict[str, Any] = {"by": who.admin, "tenant": tenant}
    contract = organisation.add_contract(
        provider_id=company.id, name=f"{company.name}（消防分控室值守）", number=f"XF-{began.year}-{plan.number:03d}",
        lines=[ServiceLine.FIRE], starts_on=began, ends_on=began + timedelta(days=729), monthly_fee=Decimal(18_000),
        manager="值守主管", **common,
    )  # fmt: skip
    place = places.places(by=who.admin, search="体育馆")[0]
    post = organisation.add_post(
        party_id=contract.pk, name=POST, line=ServiceLine.FIRE, headcount=2, certificates=["fire_control"],
        place_id=place.pk, **common,
    )  # fmt: skip
    operations.set_terms(post_id=post.pk, grade="C", hourly_rate=Decimal("33.00"), now=now, **common)
    duty.configure_post(post_id=post.pk, calls_per_day=0, answer_minutes=5, gap_minutes=0, now=now, **common)
    row = organisation.add_staff(
        number=f"XF{plan.number:02d}01", name=first.name, party_id=contract.pk, post_id=post.pk, phone="",
        hired_on=today - timedelta(days=100), **common,
    )  # fmt: skip
    organisation.add_certificate(
        staff_id=row.pk, kind="fire_control", number=f"FC{plan.number}88001", issued_on=today - timedelta(days=800),
        expires_on=None, **common,
    )  # fmt: skip
    return row, post


def _login(plan: Plan, who: People, tenant: Tenant, first: Staff, second: Staff) -> Actor:
    """One login for both rows, as the admin joins them on the person's page; the gate's is the older one."""
    one = account(f"twojobs.{plan.slug}", first.name, Role.FRONTLINE, school_id=tenant.school_id, staff_id=first.pk)
    assert one.account_id is not None
    if first.account_id is None:
        organisation.link_account(staff_id=first.pk, account_id=one.account_id, by=who.admin, tenant=tenant)
    organisation.share_login(staff_id=second.pk, number=first.number, by=who.admin, tenant=tenant, now=clock.now())
    return Actor(
        account_id=one.account_id, name=first.name, roles=frozenset({Role.FRONTLINE}), school_id=tenant.school_id,
        staff_id=first.pk, other_staff_ids=frozenset({second.pk}),
    )  # fmt: skip


def _roster(who: People, tenant: Tenant, first: Staff, second: Staff, post: Post, now: datetime) -> list[date]:
    """Day shifts on the second of two days off at the gate. Returns the days."""
    today = _today(tenant, now)
    start, end = today - timedelta(days=BACK), today + timedelta(days=AHEAD)
    gate = queries.assignments(by=who.admin, first=start, last=end, staff_id=first.pk)
    off = {a.day for a in gate if a.shift_id is None}
    shift = next(s for s in queries.shifts(by=who.admin) if s.code == DAY_SHIFT)
    days = sorted(day for day in off if day - timedelta(days=1) in off)
    operations.change_cells(
        cells=[CellChange(second.pk, day, (Item(shift.pk, post.pk),)) for day in days], by=who.supervisors[0],
        tenant=tenant, now=now, told=False, published=True,
    )  # fmt: skip
    return days


def _watch(me: Actor, tenant: Tenant, post: Post, second: Staff, days: list[date]) -> None:
    """They scan the code of the room at both ends; on one of the days they came late."""
    code = post.place.code if post.place else ""
    for n, day in enumerate(days):
        begin = day_bounds(day, tenant.tz)[0] + timedelta(hours=8)
        for direction, at in (
            ("in", begin + timedelta(minutes=17 if n == 1 else -6)),
            ("out", begin + timedelta(hours=12, minutes=4)),
        ):
            played(
                at, punches.punch,
                client_id=uuid5(second.pk, at.isoformat()), direction=direction, code=code, by=me, tenant=tenant,
            )  # fmt: skip


def _asks(me: Actor, tenant: Tenant, second: Staff, days: list[date], now: datetime) -> None:
    """A leave of the second job alone: the gate is not touched by it."""
    if len(days) > 1:
        starts, ends = operations.half_day(days[1], "day", tenant)
        played(
            now - timedelta(hours=5), operations.ask_leave,
            kind="personal", starts_at=starts, ends_at=ends, reason="门岗当天有培训", staff_id=second.pk, by=me, tenant=tenant,
        )  # fmt: skip
