"""Repeat patterns make rosters ahead of time: idempotent, by the calendar, joined and left mid-month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.notices.models import Notice
from tenants.organisation import operations as organisation
from tenants.organisation.models import Staff
from tenants.rosters import instances, operations
from tenants.rosters.errors import PatternClash, PatternWrong
from tenants.rosters.models import Assignment, PatternUse, ShiftInstance
from tenants.rosters.operations import patterns
from tests.factories.findings import make_member
from tests.factories.organisation import make_certificate, make_contract, make_post, make_staff
from tests.factories.rosters import make_pattern, make_rest, make_shift

NOW = datetime(2026, 6, 15, 4, tzinfo=UTC)  # Monday noon
TODAY = date(2026, 6, 15)


@pytest.fixture
def admin(alpha: Tenant) -> Actor:
    return make_member(alpha, Role.SCHOOL_ADMIN)


def use(tenant: Tenant, by: Actor, pattern_id: object, *people: Staff, **more: object) -> list[PatternUse]:
    return operations.use_pattern(
        pattern_id=pattern_id, staff_ids=[p.pk for p in people], by=by, tenant=tenant, now=NOW,
        **{"starts_on": TODAY, **more},
    )  # type: ignore[arg-type]  # fmt: skip


def shown(person: Staff, days: int) -> str:
    rows = {
        a.day: a for a in Assignment.objects.filter(staff=person, cancelled_at__isnull=True).select_related("shift")
    }
    found = [rows.get(TODAY + timedelta(days=n)) for n in range(days)]
    return "".join("·" if a is None else a.shift.code if a.shift else "休" for a in found)


def test_a_rotation_with_staggered_offsets_is_published_weeks_ahead(alpha: Tenant, admin: Actor) -> None:
    day, night = make_shift(code="白"), make_shift(code="夜", spans=[(1320, 1800)])
    post = make_post()
    one, two, three = (make_staff(post=post) for _ in range(3))
    use(alpha, admin, make_pattern(day, night, None).pk, one, two, three, stagger=1)
    operations.extend(tenant=alpha, now=NOW)
    assert [shown(p, 6) for p in (one, two, three)] == ["白夜休白夜休", "夜休白夜休白", "休白夜休白夜"]
    assert ShiftInstance.objects.filter(cancelled_at__isnull=True).count() == 3 * 35 * 2 // 3 + 0
    assert not Assignment.objects.filter(published_at__isnull=True).exists()
    assert PatternUse.objects.filter(made_until=TODAY + timedelta(weeks=5)).count() == 3


def test_running_again_makes_nothing_and_next_weeks_run_goes_on(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    use(alpha, admin, make_pattern(make_shift(code="白"), None).pk, person)
    operations.extend(tenant=alpha, now=NOW)
    count = Assignment.objects.count()
    assert not operations.extend(tenant=alpha, now=NOW).made
    assert Assignment.objects.count() == count == 35
    operations.extend(tenant=alpha, now=NOW + timedelta(days=10))
    assert shown(person, 45) == ("白休" * 23)[:45]


def test_a_killed_run_is_caught_up_by_the_next(alpha: Tenant, admin: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "CHUNK", 1)
    people = [make_staff(post=make_post()) for _ in range(3)]
    use(alpha, admin, make_pattern(make_shift(code="白")).pk, *people)
    made = instances.make
    calls = 0

    def dies(*args: object, **more: object) -> object:
        nonlocal calls
        calls += bool(args[0])
        if args[0] and calls == 2:
            raise KeyboardInterrupt
        return made(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(instances, "make", dies)
    with pytest.raises(KeyboardInterrupt):
        operations.extend(tenant=alpha, now=NOW)
    assert Assignment.objects.values("staff").distinct().count() == 1  # the broken chunk left nothing behind
    operations.extend(tenant=alpha, now=NOW)
    assert [shown(p, 3) for p in people] == ["白白白"] * 3
    assert Assignment.objects.count() == ShiftInstance.objects.count() == 3 * 35


def test_what_was_rostered_by_hand_stays(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    make_rest(staff=person, day=TODAY + timedelta(days=1))
    use(alpha, admin, make_pattern(make_shift(code="白")).pk, person)
    operations.extend(tenant=alpha, now=NOW)
    assert shown(person, 4) == "白休白白"


def test_with_the_calendar_holidays_rest_and_make_up_days_work(alpha: Tenant, admin: Actor) -> None:
    office = make_shift(code="常")
    person = make_staff(post=make_post())
    week = make_pattern(*[office] * 5, None, None, follows_calendar=True)
    start = date(2026, 9, 14)  # 2026: 国庆 1–7 October, 20 September and 10 October worked instead
    use(alpha, admin, week.pk, person, starts_on=start)
    operations.extend(tenant=alpha, now=datetime(2026, 9, 14, 4, tzinfo=UTC))
    rows = dict(Assignment.objects.filter(staff=person).values_list("day", "shift__code"))
    assert [rows[date(2026, 10, d)] for d in (1, 2, 7, 8, 9, 10, 11)] == [None, None, None, "常", "常", "常", None]
    assert rows[date(2026, 9, 20)] == "常"


def test_people_join_and_leave_in_the_middle(alpha: Tenant, admin: Actor) -> None:
    joins, leaves = make_staff(post=make_post()), make_staff(post=make_post())
    Staff.objects.filter(pk=joins.pk).update(hired_on=TODAY + timedelta(days=2))
    use(alpha, admin, make_pattern(make_shift(code="白")).pk, joins, leaves)
    operations.extend(tenant=alpha, now=NOW)
    assert (shown(joins, 4), shown(leaves, 4)) == ("··白白", "白白白白")
    Staff.objects.filter(pk=leaves.pk).update(left_on=TODAY + timedelta(days=1), status="left")
    operations.extend(tenant=alpha, now=NOW)
    assert shown(leaves, 5) == "白白···"
    assert ShiftInstance.objects.filter(staff=leaves, cancelled_at__isnull=True).count() == 2


def test_a_lapsing_certificate_leaves_the_cells_empty_and_tells_the_office(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post(certificates=["electrician"]))
    make_certificate(person, kind="electrician", expires_on=TODAY + timedelta(days=1))
    [row] = use(alpha, admin, make_pattern(make_shift(code="白")).pk, person)
    outcome = operations.extend(tenant=alpha, now=NOW)
    assert shown(person, 4) == "白白··"
    assert {r.code for r in outcome.refused} == {"certificate_lacking"}
    make_certificate(person, kind="electrician")
    operations.remake(use_id=row.pk, by=admin, tenant=alpha, now=NOW)
    operations.extend(tenant=alpha, now=NOW)
    assert shown(person, 35) == "白" * 35


def test_ending_a_cycle_cancels_what_it_made_for_later_days(alpha: Tenant, admin: Actor) -> None:
    person, shift = make_staff(post=make_post()), make_shift(code="白")
    [row] = use(alpha, admin, make_pattern(shift).pk, person)
    operations.extend(tenant=alpha, now=NOW)
    operations.end_use(use_id=row.pk, ends_on=TODAY + timedelta(days=3), by=admin, tenant=alpha, now=NOW)
    operations.extend(tenant=alpha, now=NOW + timedelta(days=1))
    assert shown(person, 6) == "白白白···"
    with pytest.raises(PatternClash):
        use(alpha, admin, make_pattern(shift).pk, person, starts_on=TODAY + timedelta(days=1))
    use(alpha, admin, make_pattern(shift).pk, person, starts_on=TODAY + timedelta(days=3))


def test_only_who_makes_the_roster_lets_people_follow_a_cycle(alpha: Tenant) -> None:
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=make_contract().provider_id)
    with pytest.raises(NotAllowed):
        use(alpha, manager, make_pattern(make_shift()).pk, make_staff(post=make_post()))
    assert not PatternUse.objects.exists()


def test_a_pattern_needs_a_shift_and_at_most_eight_weeks(alpha: Tenant, admin: Actor) -> None:
    shift = make_shift()
    for cells in ([], [None], [shift.pk] * 57):
        with pytest.raises(PatternWrong):
            operations.save_pattern(name="轮班", cells=cells, by=admin, tenant=alpha, now=NOW)
    row = operations.save_pattern(name="轮班", cells=[shift.pk, None], by=admin, tenant=alpha, now=NOW)
    assert (row.days, row.cells) == (2, [str(shift.pk), None])


def test_a_whole_companys_month_takes_few_queries(
    alpha: Tenant, admin: Actor, django_assert_max_num_queries: object
) -> None:
    post = make_post()
    use(alpha, admin, make_pattern(make_shift()).pk, *[make_staff(post=post) for _ in range(30)])
    with django_assert_max_num_queries(90):  # type: ignore[operator]
        operations.extend(tenant=alpha, now=NOW)
    assert ShiftInstance.objects.count() == 30 * 35


def test_filling_up_does_not_give_back_a_shift_that_a_colleague_took(alpha: Tenant, admin: Actor) -> None:
    post = make_post()
    giver, taker = make_staff(post=post), make_staff(post=post)
    me, other = (make_member(alpha, Role.FRONTLINE, staff_id=p.pk) for p in (giver, taker))
    (row,) = use(alpha, admin, make_pattern(make_shift(code="白")).pk, giver)
    operations.extend(tenant=alpha, now=NOW)
    given = Assignment.objects.get(staff=giver, day=TODAY + timedelta(days=1))
    when = {"tenant": alpha, "now": NOW}
    swap = operations.ask_swap(assignment_id=given.pk, taker_id=taker.pk, by=me, **when)
    operations.answer_swap(swap_id=swap.pk, accept=True, by=other, **when)
    operations.decide_swap(swap_id=swap.pk, approve=True, by=admin, **when)
    operations.remake(use_id=row.pk, by=admin, **when)
    operations.extend(**when)
    assert (shown(giver, 3), shown(taker, 3)) == ("白·白", "·白·")


def test_a_cycle_sends_nobody_to_a_shift_that_is_over(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    use(alpha, admin, make_pattern(make_shift(code="白")).pk, person)
    operations.extend(tenant=alpha, now=datetime(2026, 6, 15, 9, tzinfo=UTC))  # 17:00, the shift's end
    assert shown(person, 3) == "·白白"


def test_who_joins_later_than_thought_loses_the_days_before(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    (row,) = use(alpha, admin, make_pattern(make_shift(code="白")).pk, person)
    operations.extend(tenant=alpha, now=NOW)
    Staff.objects.filter(pk=person.pk).update(hired_on=TODAY + timedelta(days=3))
    operations.extend(tenant=alpha, now=NOW)
    assert shown(person, 5) == "···白白"
    row.refresh_from_db()
    assert row.ends_on is None


def test_a_cycle_that_was_to_begin_later_is_taken_back(alpha: Tenant, admin: Actor) -> None:
    one, two = make_staff(post=make_post()), make_staff(post=make_post())
    cycle, later = make_pattern(make_shift(code="白")), TODAY + timedelta(days=3)
    for person in (one, two):
        use(alpha, admin, cycle.pk, person, starts_on=later)
    operations.extend(tenant=alpha, now=NOW)
    tomorrow = TODAY + timedelta(days=1)
    operations.end_use(use_id=PatternUse.objects.get(staff=one).pk, ends_on=tomorrow, by=admin, tenant=alpha, now=NOW)
    assert (shown(one, 6), shown(two, 6)) == ("······", "···白白白")
    operations.retire_pattern(pattern_id=cycle.pk, by=admin, tenant=alpha, now=NOW, today=TODAY)
    assert shown(two, 6) == "······" and not PatternUse.objects.exists()
    use(alpha, admin, make_pattern(make_shift(code="夜")).pk, one, starts_on=later)  # free for another one


def test_who_moved_to_another_company_and_is_still_rostered_at_the_old_one_is_told_once(
    alpha: Tenant, admin: Actor
) -> None:
    post, other = make_post("东门岗", party=make_contract()), make_post(party=make_contract())
    moved, stays = make_staff("张三", post=post), make_staff("李四", post=post)
    use(alpha, admin, make_pattern(make_shift()).pk, moved, stays)
    operations.extend(tenant=alpha, now=NOW)
    Staff.objects.filter(pk=moved.pk).update(party=other.party, post=other)
    for hour in range(2):
        operations.extend(tenant=alpha, now=NOW + timedelta(hours=hour))
    [notice] = Notice.objects.filter(account_id=admin.account_id, occasion__startswith="roster.moved")
    assert notice.title.startswith("张三（") and "还有 34 个班排在「东门岗」" in notice.text


def test_a_last_day_that_moves_and_who_stays_after_all_go_on_with_the_cycle(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    (row,) = use(alpha, admin, make_pattern(make_shift(code="白"), None).pk, person)
    given: dict[str, Any] = {"staff_id": person.pk, "by": admin, "tenant": alpha, "now": NOW}
    operations.extend(tenant=alpha, now=NOW)
    for days, until in ((3, "白休白休···"), (5, "白休白休白休·")):
        organisation.leave(left_on=TODAY + timedelta(days=days), **given)
        for _hour in range(2):
            operations.extend(tenant=alpha, now=NOW)
        assert shown(person, 7) == until
    organisation.bring_back(party_id=person.party_id, post_id=person.post_id, **given)
    operations.extend(tenant=alpha, now=NOW)
    assert shown(person, 35) == ("白休" * 18)[:35]
    row.refresh_from_db()
    assert (row.ends_on, row.made_until) == (None, TODAY + timedelta(weeks=5))


def test_who_has_left_follows_the_cycle_no_more(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    (row,) = use(alpha, admin, make_pattern(make_shift(code="白")).pk, person)
    operations.extend(tenant=alpha, now=NOW)
    Staff.objects.filter(pk=person.pk).update(left_on=TODAY + timedelta(days=1), status="left")
    operations.extend(tenant=alpha, now=NOW)
    row.refresh_from_db()
    assert row.ends_on == TODAY + timedelta(days=2)
    assert not PatternUse.objects.filter(ends_on__isnull=True).exists()


def test_who_gave_notice_already_is_put_on_a_cycle_until_the_last_day(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    Staff.objects.filter(pk=person.pk).update(left_on=TODAY + timedelta(days=2))
    (row,) = use(alpha, admin, make_pattern(make_shift(code="白")).pk, person)
    operations.extend(tenant=alpha, now=NOW)
    assert shown(person, 5) == "白白白··"
    row.refresh_from_db()
    assert row.made_until == TODAY + timedelta(days=3)
