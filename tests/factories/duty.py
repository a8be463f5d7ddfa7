"""Duty posts, people on duty and calls for tests. Run inside a school (`alpha`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.duty import operations
from tenants.duty.challenges import UPLOAD_CREDIT
from tenants.duty.models import Anomaly, Call, DutyPost, Stint, Summons
from tenants.organisation.models import Party, Place, Post, Staff
from tenants.patrols.models import Tour
from tenants.rosters.models import Coverage
from tests.factories.findings import make_member, make_photo
from tests.factories.organisation import make_party, make_place, make_post, make_staff
from tests.factories.patrols import make_route


@dataclass(frozen=True)
class Guard:
    """A person who can be on duty: the staff row and the actor they are when signed in."""

    staff: Staff
    actor: Actor


def make_guard(tenant: Tenant, *, party: Party, name: str = "李保安") -> Guard:
    staff = make_staff(name, party=party)
    actor = make_member(tenant, Role.FRONTLINE, staff_id=staff.pk, name=name)
    staff.account_id = actor.account_id
    staff.save(update_fields=["account_id"])
    return Guard(staff, actor)


def make_duty_post(
    *, name: str | None = None, party: Party | None = None, place: Place | None = None, certificates: Any = None,
    pk: UUID | None = None, **rules: Any,
) -> DutyPost:  # fmt: skip
    """A duty post with a place of its own; no random calls unless asked for. Its id decides what is drawn for it."""
    post: Post = make_post(
        name, party=party or make_party("contract"), line="security", place=place or make_place(),
        certificates=certificates, pk=pk,
    )  # fmt: skip
    return DutyPost.objects.create(post=post, **{"calls_per_day": 0, **rules})


def make_coverage(post: Post, *, persons: int = 1, **fields: Any) -> Coverage:
    return Coverage.objects.create(
        post=post, persons=persons, valid_from=fields.pop("valid_from", date(2020, 1, 1)), **fields
    )


def sign_on(tenant: Tenant, duty: DutyPost, guard: Guard, *, now: datetime) -> Stint:
    return operations.sign_on(post_id=duty.pk, by=guard.actor, tenant=tenant, now=now)


def make_sent(tenant: Tenant, duty: DutyPost, *, by: Actor | None = None, now: datetime, reached: bool = True) -> Call:
    """A call that has gone out, and reached those who are to answer (`reached`)."""
    [call] = operations.issue_calls(post_ids=[duty.pk], by=by or make_member(tenant), tenant=tenant, now=now)
    operations.send_due(tenant=tenant, now=now)
    if reached:
        Summons.objects.filter(call=call).update(delivered_at=now, delivered_by="phone")
    call.refresh_from_db()
    return call


def close(tenant: Tenant, call: Call) -> Call:
    """The deadline has passed, and the time a slow upload may take."""
    call.refresh_from_db()
    assert call.deadline is not None
    operations.decide_due(tenant=tenant, now=call.deadline + UPLOAD_CREDIT)
    call.refresh_from_db()
    return call


def answer(
    tenant: Tenant, call: Call, guard: Guard, *, now: datetime, code: str | None = None, after: float = 20, **given: Any
) -> Summons:
    """The person opens the call and answers `after` seconds later (by the server's clock, at `now`)."""
    opened = operations.open_call(call_id=call.pk, by=guard.actor, tenant=tenant, now=now - timedelta(seconds=after))
    place = Post.objects.select_related("place").get(pk=call.post_id).place
    photo = make_photo(tenant, guard.actor)
    type(photo).objects.filter(pk=photo.pk).update(received_at=now)
    return operations.answer_call(
        call_id=call.pk, nonce=opened.nonce, photo_id=photo.pk,
        place_code=code if code is not None else (place.code if place else ""), by=guard.actor, tenant=tenant, now=now,
        **given,
    )  # fmt: skip


def report(tenant: Tenant, guard: Guard, *, text: str = "烟感报警，现场无火情", now: datetime | None = None) -> Anomaly:
    return operations.report_anomaly(kind="alarm", text=text, by=guard.actor, tenant=tenant, now=now or clock.now())


def make_walking(tenant: Tenant, guard: Guard, *, now: datetime) -> Tour:
    """The person has begun a tour, and it is open."""
    route = make_route(tenant, now=now, party=guard.staff.party)
    return Tour.objects.create(
        number=f"XG{new_id().hex[-12:]}", route=route, day=now.astimezone(tenant.tz).date(),
        starts_at=now - timedelta(minutes=1), ends_at=now + timedelta(hours=8), status="walking",
        walker_staff_id=guard.staff.pk, walker_name=guard.staff.name, started_at=now,
    )  # fmt: skip
