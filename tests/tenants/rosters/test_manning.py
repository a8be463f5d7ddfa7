"""Contracts against the roster, minute for minute."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from identity.choices import Role
from kernel.tenancy import Tenant
from tenants.rosters import manning, queries
from tenants.rosters.errors import DayOutside
from tests.factories.identity import school_actor
from tests.factories.organisation import make_contract, make_post, make_staff
from tests.factories.rosters import make_assignment, make_coverage, make_shift, make_terms

DAY = date(2026, 6, 15)


def lacking(
    tenant: Tenant, first: date = DAY, last: date = DAY, **more: object
) -> dict[tuple[str, date], tuple[int, int]]:
    rows = queries.manning(
        by=school_actor(tenant, Role.SCHOOL_ADMIN), first=first, last=last, tenant=tenant, **more  # type: ignore[arg-type]
    )  # fmt: skip
    return {(r.post_name, r.day): (r.asked, r.lacking) for r in rows}


def test_two_at_noon_do_not_make_up_for_nobody_at_night(alpha: Tenant) -> None:
    gate = make_post("南门岗")
    make_coverage(gate, persons=1, span=(0, 1440))
    noon = make_shift(spans=((600, 840),))
    for _ in range(2):
        make_assignment(alpha, day=DAY, staff=make_staff(post=gate), shift=noon)
    assert lacking(alpha) == {("南门岗", DAY): (1440, 1200)}


def test_a_night_shift_counts_for_both_days_and_a_draft_counts_too(alpha: Tenant) -> None:
    gate = make_post("南门岗")
    make_coverage(gate, persons=1, span=(0, 480))
    night = make_shift(spans=((1320, 1800),))  # 22:00 – 06:00
    make_assignment(alpha, day=DAY - timedelta(days=1), staff=make_staff(post=gate), shift=night, published=False)
    assert lacking(alpha, last=DAY + timedelta(days=1)) == {
        ("南门岗", DAY): (480, 120), ("南门岗", DAY + timedelta(days=1)): (480, 480),
    }  # fmt: skip


def test_coverage_over_midnight_belongs_to_the_day_on_which_it_is_asked(alpha: Tenant) -> None:
    gate = make_post("南门岗")
    make_coverage(gate, persons=1, weekdays=1 << DAY.weekday(), span=(1320, 1800))
    assert lacking(alpha, first=DAY, last=DAY + timedelta(days=2)) == {
        ("南门岗", DAY): (120, 120), ("南门岗", DAY + timedelta(days=1)): (360, 360),
    }  # fmt: skip


def test_who_stands_elsewhere_helps_nobody(alpha: Tenant) -> None:
    gate, desk = make_post("南门岗"), make_post("值班台")
    make_coverage(gate, persons=1, span=(480, 1020))
    make_assignment(alpha, day=DAY, staff=make_staff(post=gate), post=desk, shift=make_shift())
    assert lacking(alpha) == {("南门岗", DAY): (540, 540)}
    assert lacking(alpha, post_id=desk.pk) == {}


def test_a_company_sees_its_own_contracts_only(alpha: Tenant) -> None:
    own, other = make_contract(), make_contract()
    for party, name in ((own, "南门岗"), (other, "北门岗")):
        make_coverage(make_post(name, party=party), persons=1, span=(480, 1020))
    manager = school_actor(alpha, Role.PROVIDER_MANAGER, provider_id=own.provider_id)
    rows = queries.manning(by=manager, first=DAY, last=DAY, tenant=alpha)
    assert [r.post_name for r in rows] == ["南门岗"]
    assert queries.manning(by=manager, first=DAY, last=DAY, tenant=alpha, party_id=other.pk) == []


def test_the_days_sum_up_with_the_worst_post_first(alpha: Tenant) -> None:
    for name, persons in (("南门岗", 1), ("北门岗", 2)):
        make_coverage(make_post(name), persons=persons, span=(480, 540))
    rows = queries.manning(by=school_actor(alpha, Role.SCHOOL_ADMIN), first=DAY, last=DAY, tenant=alpha)
    asked, lack, posts = manning.sums(rows)[DAY]
    assert (asked, lack, [p[1:] for p in posts]) == (180, 180, [("北门岗", 120), ("南门岗", 60)])


def test_by_hour_each_hour_says_its_own(alpha: Tenant) -> None:
    gate = make_post("南门岗")
    make_terms(gate, hourly_rate="30.00")
    make_coverage(gate, persons=2, span=(480, 660))  # 08:00 – 11:00
    make_assignment(alpha, day=DAY, staff=make_staff(post=gate), shift=make_shift(spans=((510, 600),)))  # 08:30 – 10:00
    boss = school_actor(alpha, Role.SCHOOL_ADMIN)
    rows = queries.manning(by=boss, first=DAY, last=DAY, tenant=alpha, by_hour=True)
    assert [(r.hour, r.asked, r.lacking, str(r.yuan)) for r in rows] == [
        (8, 120, 90, "45.00"), (9, 120, 60, "30.00"), (10, 120, 120, "60.00"),
    ]  # fmt: skip
    (day,) = queries.manning(by=boss, first=DAY, last=DAY, tenant=alpha)
    assert (day.hour, day.asked, day.lacking) == (None, 360, 270)


def test_what_has_no_price_lacks_no_yuan(alpha: Tenant) -> None:
    make_coverage(make_post("南门岗"), persons=1, span=(480, 540))
    (row,) = queries.manning(by=school_actor(alpha, Role.SCHOOL_ADMIN), first=DAY, last=DAY, tenant=alpha)
    assert (row.lacking, row.yuan) == (60, None)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_a_day_no_calendar_knows_is_named_not_a_crash(alpha: Tenant, day: date) -> None:
    make_coverage(make_post("南门岗"), valid_from=date.min)
    with pytest.raises(DayOutside):
        lacking(alpha, day, day)
    with pytest.raises(DayOutside):
        queries.visible_coverage(by=school_actor(alpha, Role.SCHOOL_ADMIN), first=day, last=day, tenant=alpha)
