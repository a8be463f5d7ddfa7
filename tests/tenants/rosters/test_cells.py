"""The roster: batches of cells, publishing, copying, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.notices.models import Notice
from tenants.organisation.models import Staff
from tenants.rosters import operations, policies
from tenants.rosters.errors import DayOutside
from tenants.rosters.models import Assignment, Shift, ShiftInstance
from tenants.rosters.operations import CellChange, Item, Outcome
from tenants.timeline.models import Event
from tests.factories.findings import make_member
from tests.factories.organisation import make_certificate, make_contract, make_post, make_staff
from tests.factories.rosters import instances_of, make_assignment, make_pattern, make_rest, make_shift

DAY = date(2026, 6, 15)
NOW = clock.now


BEFORE = datetime(2026, 6, 1, tzinfo=UTC)


def change(tenant: Tenant, by: Actor, *cells: CellChange, now: datetime | None = None) -> Outcome:
    return operations.change_cells(cells=list(cells), by=by, tenant=tenant, now=now or clock.now())


def cell(staff: Staff, *shifts: Shift | None, day: date = DAY, seen: object = None) -> CellChange:
    ids = frozenset(a.pk for a in seen) if isinstance(seen, list) else None
    return CellChange(staff.pk, day, tuple(Item(s.pk if s else None) for s in shifts), ids)


@pytest.fixture
def admin(alpha: Tenant) -> Actor:
    return make_member(alpha, Role.SCHOOL_ADMIN)


def test_a_new_cell_is_a_draft_without_instances(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    outcome = change(alpha, admin, cell(person, make_shift()))
    [row] = outcome.made
    assert (row.published_at, row.post_id, row.party_id) == (None, person.post_id, person.party_id)
    assert not ShiftInstance.objects.exists()
    assert not outcome.refused


def test_publishing_makes_instances_tells_the_worker_and_is_one_event(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post(), account_id=uuid4())
    change(alpha, admin, cell(person, make_shift()), cell(person, None, day=DAY + timedelta(days=1)))
    before = Event.objects.count()
    done = operations.publish(first=DAY, last=DAY + timedelta(days=6), by=admin, tenant=alpha, now=clock.now())
    assert (len(done.assignments), done.people) == (2, 1)
    assert ShiftInstance.objects.count() == 1
    assert Notice.objects.filter(account_id=person.account_id).count() == 1
    assert Event.objects.count() == before + 1
    again = operations.publish(first=DAY, last=DAY + timedelta(days=6), by=admin, tenant=alpha, now=clock.now())
    assert not again.assignments


def test_changing_a_published_cell_holds_at_once_and_the_worker_is_told(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post(), account_id=uuid4())
    old = make_assignment(alpha, day=DAY, staff=person)
    change(alpha, admin, cell(person, make_shift("夜班", spans=[(1320, 1800)])))
    old.refresh_from_db()
    assert old.cancelled_at is not None and not instances_of(old)
    [live] = ShiftInstance.objects.filter(cancelled_at__isnull=True)
    assert live.ends_at - live.starts_at == timedelta(hours=8)
    assert "夜班" in Notice.objects.get(account_id=person.account_id).title


def test_what_stays_the_same_is_not_touched(alpha: Tenant, admin: Actor) -> None:
    person, shift = make_staff(post=make_post()), make_shift()
    row = make_assignment(alpha, day=DAY, staff=person, shift=shift)
    outcome = change(alpha, admin, cell(person, shift))
    assert not outcome.cells
    assert Assignment.objects.get() == row


def test_a_cell_seen_in_another_state_is_refused_and_the_others_are_saved(alpha: Tenant, admin: Actor) -> None:
    person, shift = make_staff(post=make_post()), make_shift()
    make_assignment(alpha, day=DAY, staff=person, published=False)
    outcome = change(
        alpha, admin, cell(person, shift, seen=[]), cell(person, shift, day=DAY + timedelta(days=1), seen=[])
    )
    assert [(r.code, r.day) for r in outcome.refused] == [("roster_cell_changed", DAY)]
    assert [a.day for a in outcome.made] == [DAY + timedelta(days=1)]


def test_a_night_shift_refuses_the_morning_after_and_says_so(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(name="李四", post=make_post())
    night, early = make_shift("夜班", spans=[(1320, 1800)]), make_shift("早班", spans=[(300, 780)])
    outcome = change(alpha, admin, cell(person, night), cell(person, early, day=DAY + timedelta(days=1)))
    assert [a.shift for a in outcome.made] == [night]
    [refused] = outcome.refused
    assert refused.day == DAY + timedelta(days=1)
    assert "李四" in refused.sentence and "夜班" in refused.sentence and "早班" in refused.sentence


def test_several_shifts_at_several_posts_in_a_day(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    other = make_post(party=person.party)
    early, late = make_shift(spans=[(360, 720)]), make_shift(spans=[(720, 1080)])
    both = CellChange(person.pk, DAY, (Item(early.pk), Item(late.pk, other.pk)))
    change(alpha, admin, both)
    operations.publish(first=DAY, last=DAY, by=admin, tenant=alpha, now=clock.now())
    first, second = ShiftInstance.objects.order_by("starts_at")
    assert (first.post_id, second.post_id) == (person.post_id, other.pk)
    assert first.out_until > second.in_from  # touching: one punch for both


def test_another_partys_post_is_refused_but_not_that_of_the_same_company(alpha: Tenant, admin: Actor) -> None:
    provider = uuid4()
    one, two = make_contract(provider_id=provider), make_contract(provider_id=provider)
    person, shift = make_staff(post=make_post(party=one)), make_shift()
    change(alpha, admin, CellChange(person.pk, DAY, (Item(shift.pk, make_post(party=two).pk),)))
    outcome = change(alpha, admin, CellChange(person.pk, DAY + timedelta(days=1), (Item(shift.pk, make_post().pk),)))
    assert [r.code for r in outcome.refused] == ["post_of_others"]
    assert Assignment.objects.count() == 1


def test_days_before_joining_and_after_leaving_are_refused(alpha: Tenant, admin: Actor) -> None:
    person, shift = make_staff(post=make_post()), make_shift()
    Staff.objects.filter(pk=person.pk).update(hired_on=DAY, left_on=DAY + timedelta(days=2), status="left")
    cells = [cell(person, shift, day=DAY + timedelta(days=n)) for n in (-1, 0, 2, 3)]
    outcome = change(alpha, admin, *cells)
    assert [a.day for a in outcome.made] == [DAY, DAY + timedelta(days=2)]
    assert {r.code for r in outcome.refused} == {"not_employed"}


def test_a_post_refuses_who_lacks_its_certificate_on_that_day(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(name="赵六", post=make_post("配电值班", certificates=["electrician"]))
    shift = make_shift()
    make_certificate(person, kind="electrician", expires_on=DAY)
    outcome = change(alpha, admin, cell(person, shift), cell(person, shift, day=DAY + timedelta(days=1)))
    assert [a.day for a in outcome.made] == [DAY]
    [refused] = outcome.refused
    assert refused.code == "certificate_lacking"
    assert "赵六" in refused.sentence and "6月16日" in refused.sentence and "电工" in refused.sentence


def test_publishing_asks_for_the_certificate_again(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post(certificates=["electrician"]))
    held = make_certificate(person, kind="electrician", expires_on=DAY)
    change(alpha, admin, cell(person, make_shift()))
    held.delete()
    done = operations.publish(first=DAY, last=DAY, by=admin, tenant=alpha, now=clock.now())
    assert [r.code for r in done.refused] == ["certificate_lacking"]
    assert not done.assignments and not ShiftInstance.objects.exists()


@pytest.fixture
def frozen_june(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(policies, "_freezes", [lambda cells: [c for c in cells if c[1].month == 6]])
    yield


def test_frozen_months_refuse_changes(alpha: Tenant, admin: Actor, frozen_june: None) -> None:
    person, shift = make_staff(post=make_post()), make_shift()
    july = date(2026, 7, 1)
    outcome = change(alpha, admin, cell(person, shift), cell(person, shift, day=july))
    assert [r.code for r in outcome.refused] == ["month_frozen"]
    assert [a.day for a in outcome.made] == [july]


def test_a_company_makes_the_roster_of_its_own_people_only(alpha: Tenant) -> None:
    provider = uuid4()
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=provider)
    own, other = make_staff(post=make_post(party=make_contract(provider_id=provider))), make_staff(post=make_post())
    shift = make_shift()
    outcome = change(alpha, manager, cell(own, shift), cell(other, shift), now=BEFORE)
    assert [a.staff for a in outcome.made] == [own]
    assert [r.code for r in outcome.refused] == ["not_allowed"]
    change(alpha, make_member(alpha, Role.SCHOOL_ADMIN), cell(other, shift))
    done = operations.publish(first=DAY, last=DAY, by=manager, tenant=alpha, now=BEFORE)
    assert [a.staff for a in done.assignments] == [own]


@pytest.mark.parametrize("role", [Role.FRONTLINE, Role.SCHOOL_LEADER])
def test_others_make_no_rosters(alpha: Tenant, role: Role) -> None:
    by = make_member(alpha, role)
    with pytest.raises(NotAllowed):
        change(alpha, by, cell(make_staff(post=make_post()), make_shift()))
    assert not Assignment.objects.exists()


def test_copying_a_week_fills_only_what_is_empty(alpha: Tenant, admin: Actor) -> None:
    person, shift = make_staff(post=make_post()), make_shift()
    for n in range(3):
        make_assignment(alpha, day=DAY + timedelta(days=n), staff=person, shift=shift)
    make_rest(staff=person, day=DAY + timedelta(days=8))
    outcome = operations.copy_period(
        source_first=DAY, target_first=DAY + timedelta(days=7), days=7, by=admin, tenant=alpha, now=clock.now()
    )
    assert sorted(a.day for a in outcome.made) == [DAY + timedelta(days=7), DAY + timedelta(days=9)]
    assert all(a.published_at is None for a in outcome.made)


def test_a_batch_of_a_month_takes_a_fixed_number_of_queries(
    alpha: Tenant, admin: Actor, django_assert_max_num_queries: object
) -> None:
    shift, post = make_shift(), make_post()
    people = [make_staff(post=post) for _ in range(12)]
    cells = [cell(p, shift, day=DAY + timedelta(days=n)) for p in people for n in range(28)]
    with django_assert_max_num_queries(40):  # type: ignore[operator]
        outcome = change(alpha, admin, *cells)
    assert len(outcome.made) == 12 * 28
    with django_assert_max_num_queries(40):  # type: ignore[operator]
        operations.publish(first=DAY, last=DAY + timedelta(days=27), by=admin, tenant=alpha, now=clock.now())
    assert ShiftInstance.objects.count() == 12 * 28


def test_a_draft_of_who_moved_to_another_company_stays_a_draft(alpha: Tenant, admin: Actor) -> None:
    post, other = make_post(party=make_contract()), make_post(party=make_contract())
    row = make_assignment(alpha, day=DAY, staff=make_staff(post=post), post=post, published=False)
    Staff.objects.filter(pk=row.staff_id).update(party=other.party, post=other)
    done = operations.publish(first=DAY, last=DAY, by=admin, tenant=alpha, now=BEFORE)
    assert ([r.code for r in done.refused], done.assignments) == (["post_of_others"], [])
    assert not ShiftInstance.objects.exists()


@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 31)])
def test_a_mistyped_year_is_named_not_a_crash(alpha: Tenant, admin: Actor, day: date) -> None:
    person, shift = make_staff(post=make_post()), make_shift()
    given: dict[str, Any] = {"by": admin, "tenant": alpha, "now": BEFORE}
    start = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    with pytest.raises(DayOutside):
        operations.change_cells(cells=[CellChange(person.pk, day, (Item(shift.pk),))], **given)
    with pytest.raises(DayOutside):
        operations.copy_period(source_first=DAY, target_first=day, days=7, **given)
    with pytest.raises(DayOutside):
        operations.use_pattern(pattern_id=make_pattern(shift).pk, staff_ids=[person.pk], starts_on=day, **given)
    with pytest.raises(DayOutside):
        operations.ask_leave(
            kind="sick", staff_id=person.pk, starts_at=start, ends_at=start + timedelta(hours=20), **given
        )


def test_a_place_that_is_gone_is_refused(alpha: Tenant, admin: Actor) -> None:
    person, shift = make_staff(post=make_post()), make_shift()
    cell = CellChange(person.pk, DAY, (Item(shift.pk, None, uuid4()),))
    outcome = operations.change_cells(cells=[cell], by=admin, tenant=alpha, now=BEFORE)
    assert ([r.code for r in outcome.refused], outcome.made) == (["roster_place_gone"], [])
