"""Rosters follow a calendar that changed after they were made; what a hand made stays and is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.calendar import operations as calendar
from tenants.calendar.contracts import Row
from tenants.notices.models import Notice
from tenants.organisation.models import Staff
from tenants.rosters import operations, queries
from tenants.rosters.models import Assignment, FollowedDay, ShiftInstance
from tenants.rosters.operations import CellChange, Item
from tenants.timeline.models import Event
from tests.factories.findings import make_member
from tests.factories.organisation import make_contract, make_post, make_staff
from tests.factories.rosters import make_pattern, make_shift

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)  # Wednesday noon
DAY = date(2026, 12, 3)  # Thursday
SATURDAY = date(2026, 12, 5)


@pytest.fixture
def admin(alpha: Tenant) -> Actor:
    return make_member(alpha, Role.SCHOOL_ADMIN)


def week(alpha: Tenant, admin: Actor, *people: Staff, follows: bool = True) -> None:
    """People who work Monday to Friday by a cycle, rostered five weeks ahead."""
    shift = make_shift()
    pattern = make_pattern(*[shift] * 5, None, None, follows_calendar=follows)
    operations.use_pattern(
        pattern_id=pattern.pk, staff_ids=[p.pk for p in people], starts_on=date(2026, 11, 23), by=admin, tenant=alpha,
        now=NOW,
    )  # fmt: skip
    operations.extend(tenant=alpha, now=NOW)


def rest(alpha: Tenant, admin: Actor, day: date, kind: str = "school_rest") -> None:
    calendar.set_days(first=day, last=day, kind=kind, name="校庆", by=admin, tenant=alpha, now=NOW)


def works(person: Staff, day: date) -> bool:
    return ShiftInstance.objects.filter(staff=person, day=day, cancelled_at__isnull=True).exists()


def by_hand(alpha: Tenant, admin: Actor, person: Staff, day: date) -> None:
    cell = CellChange(person.pk, day, (Item(make_shift().pk),))
    operations.change_cells(cells=[cell], by=admin, tenant=alpha, now=NOW, published=True)


def test_a_day_that_becomes_rest_is_rest_for_who_follows_a_cycle(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post(), account_id=make_member(alpha).account_id)
    week(alpha, admin, person)
    assert works(person, DAY)
    rest(alpha, admin, DAY)
    assert operations.follow_calendar(tenant=alpha, now=NOW) == [DAY]
    assert not works(person, DAY)
    assert works(person, DAY + timedelta(days=1))
    [cell] = Assignment.objects.filter(staff=person, day=DAY, cancelled_at__isnull=True)
    assert (cell.shift_id, cell.source) == (None, "pattern")
    assert Notice.objects.get(account_id=person.account_id, title__contains="有变动").text == "12月3日：休息"
    assert not Notice.objects.filter(account_id=admin.account_id).exists()  # nothing is left for a hand
    [seen] = queries.changed_days(by=admin, first=DAY, last=DAY, tenant=alpha, now=NOW)
    assert seen.sentence == "12月3日（校庆）改为休息：1 格循环排班已改好"


def test_a_second_run_changes_and_tells_nothing(alpha: Tenant, admin: Actor) -> None:
    week(alpha, admin, make_staff(post=make_post()))
    rest(alpha, admin, DAY)
    operations.follow_calendar(tenant=alpha, now=NOW)
    rows, told, events = Assignment.objects.count(), Notice.objects.count(), Event.objects.count()
    assert operations.follow_calendar(tenant=alpha, now=NOW + timedelta(hours=1)) == []
    assert operations.extend(tenant=alpha, now=NOW + timedelta(hours=1)).made == []
    assert (Assignment.objects.count(), Notice.objects.count(), Event.objects.count()) == (rows, told, events)


def test_a_make_up_workday_is_worked_and_taken_back_again(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    week(alpha, admin, person)
    assert not works(person, SATURDAY)
    rest(alpha, admin, SATURDAY, "make_up_workday")
    operations.follow_calendar(tenant=alpha, now=NOW)
    assert works(person, SATURDAY)
    calendar.clear_days(first=SATURDAY, last=SATURDAY, by=admin, tenant=alpha)
    operations.follow_calendar(tenant=alpha, now=NOW)
    assert not works(person, SATURDAY)


def test_today_stays_and_is_told(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    week(alpha, admin, person)
    rest(alpha, admin, NOW.date())
    operations.follow_calendar(tenant=alpha, now=NOW)
    assert works(person, NOW.date())
    assert Notice.objects.get(account_id=admin.account_id).title == "11月25日（校庆）改为休息，1 人仍排了班"


def test_what_a_hand_made_stays_and_who_makes_it_is_told(alpha: Tenant, admin: Actor) -> None:
    contract = make_contract()
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=contract.provider_id)
    post = make_post(party=contract)
    theirs, ours = make_staff(post=post, party=contract), make_staff(post=make_post())
    for person in (theirs, ours):
        by_hand(alpha, admin, person, DAY)
    operations.extend(tenant=alpha, now=NOW)  # the days are noted
    rest(alpha, admin, DAY)
    operations.follow_calendar(tenant=alpha, now=NOW)
    assert works(theirs, DAY) and works(ours, DAY)
    assert Notice.objects.get(account_id=admin.account_id).title == "12月3日（校庆）改为休息，2 人仍排了班"
    assert Notice.objects.get(account_id=manager.account_id).title == "12月3日（校庆）改为休息，1 人仍排了班"
    assert [c.left for c in queries.changed_days(by=manager, first=DAY, last=DAY, tenant=alpha, now=NOW)] == [1]


def test_the_page_says_it_until_a_hand_has_put_it_right(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    by_hand(alpha, admin, person, DAY)
    operations.extend(tenant=alpha, now=NOW)
    rest(alpha, admin, DAY)
    operations.follow_calendar(tenant=alpha, now=NOW)
    [seen] = queries.changed_days(by=admin, first=DAY, last=DAY, tenant=alpha, now=NOW)
    assert seen.sentence == "12月3日（校庆）改为休息：1 人仍排了班，请核对"
    operations.change_cells(
        cells=[CellChange(person.pk, DAY, (Item(None),))], by=admin, tenant=alpha, now=NOW, published=True
    )
    assert queries.changed_days(by=admin, first=DAY, last=DAY, tenant=alpha, now=NOW) == []


def test_what_is_rostered_after_the_change_was_rostered_knowingly(alpha: Tenant, admin: Actor) -> None:
    operations.extend(tenant=alpha, now=NOW)
    rest(alpha, admin, DAY)
    operations.follow_calendar(tenant=alpha, now=NOW)
    cell = CellChange(make_staff(post=make_post()).pk, DAY, (Item(make_shift().pk),))
    later = NOW + timedelta(minutes=1)
    operations.change_cells(cells=[cell], by=admin, tenant=alpha, now=later, published=True)
    assert queries.changed_days(by=admin, first=DAY, last=DAY, tenant=alpha, now=later) == []


def test_a_cycle_that_does_not_follow_the_calendar_goes_on(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    week(alpha, admin, person, follows=False)
    rest(alpha, admin, DAY)
    operations.follow_calendar(tenant=alpha, now=NOW)
    assert works(person, DAY)
    assert not Notice.objects.filter(account_id=admin.account_id).exists()


def test_a_cell_of_a_cycle_that_a_hand_changed_is_the_hands(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    week(alpha, admin, person)
    by_hand(alpha, admin, person, DAY)
    rest(alpha, admin, DAY)
    operations.follow_calendar(tenant=alpha, now=NOW)
    assert works(person, DAY)
    assert Notice.objects.get(account_id=admin.account_id).title.endswith("1 人仍排了班")


def test_a_changed_cycle_does_not_reach_the_days_the_calendar_left_alone(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    week(alpha, admin, person)
    pattern = Assignment.objects.filter(staff=person).first().pattern_use.pattern  # type: ignore[union-attr]
    pattern.cells = [pattern.cells[0]] * 7
    pattern.save()
    rest(alpha, admin, DAY)
    operations.follow_calendar(tenant=alpha, now=NOW)
    assert not works(person, DAY) and not works(person, SATURDAY)


def test_every_change_of_days_asks_for_it(
    alpha: Tenant, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    sent: list[str] = []
    monkeypatch.setattr("tenants.calendar.operations.enqueue_on_commit", lambda name, **_ids: sent.append(name))
    rest(alpha, admin, DAY)
    calendar.clear_days(first=DAY, last=DAY, by=admin, tenant=alpha)
    calendar.clear_days(first=DAY, last=DAY, by=admin, tenant=alpha)  # nothing to take back
    row = Row(kind="school_rest", name="校庆", starts_on=DAY, ends_on=DAY)
    for _ in range(2):  # the second time nothing changes
        calendar.apply_rows(rows=[row], by=admin, tenant=alpha, now=NOW)
    assert sent == ["rosters.follow_calendar"] * 3


def test_a_day_nobody_noted_is_compared_with_the_states(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    week(alpha, admin, person)
    FollowedDay.objects.all().delete()  # a school from before days were noted
    rest(alpha, admin, DAY)
    operations.follow_calendar(tenant=alpha, now=NOW)
    assert not works(person, DAY)


def test_who_will_leave_follows_the_calendar_until_the_last_day(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    week(alpha, admin, person)
    Staff.objects.filter(pk=person.pk).update(left_on=DAY + timedelta(days=1))
    operations.extend(tenant=alpha, now=NOW)
    rest(alpha, admin, DAY)
    operations.follow_calendar(tenant=alpha, now=NOW)
    assert not works(person, DAY) and works(person, DAY + timedelta(days=1))
    assert not works(person, DAY + timedelta(days=4))
