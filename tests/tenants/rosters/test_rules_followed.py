"""A rule or a grade that holds from a day holds for every shift of that day, whenever it was rostered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.organisation.models import Staff
from tenants.rosters import operations
from tenants.rosters.models import ShiftInstance
from tests.factories.findings import make_member
from tests.factories.organisation import make_contract, make_post, make_staff
from tests.factories.rosters import make_instance, make_shift

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)  # Wednesday noon
TODAY = date(2026, 11, 25)
FROM = date(2026, 11, 27)
LATER = date(2026, 12, 10)


@pytest.fixture
def admin(alpha: Tenant) -> Actor:
    return make_member(alpha, Role.SCHOOL_ADMIN)


def now_of(row: ShiftInstance) -> ShiftInstance:
    return ShiftInstance.objects.select_related("rule").get(pk=row.pk)


def minutes(row: ShiftInstance) -> int:
    return now_of(row).rule.grace_minutes


def rule(alpha: Tenant, by: Actor, **more: Any) -> None:
    operations.set_rule(
        **{"scope": "school", "valid_from": FROM, "by": by, "tenant": alpha, "now": NOW, "today": TODAY, **more}
    )


def worker() -> Staff:
    return make_staff(post=make_post())


def test_two_people_of_one_day_are_judged_by_one_rule(alpha: Tenant, admin: Actor) -> None:
    before = make_instance(alpha, day=LATER, staff=worker())
    eve = make_instance(alpha, day=FROM - timedelta(days=1), staff=worker())
    rule(alpha, admin, grace_minutes=0)
    assert operations.follow_rules(tenant=alpha, now=NOW) == 1
    after = make_instance(alpha, day=LATER, staff=worker())
    assert (minutes(before), minutes(after), minutes(eve)) == (0, 0, 10)
    assert operations.follow_rules(tenant=alpha, now=NOW) == 0


def test_windows_are_cut_by_the_new_rule(alpha: Tenant, admin: Actor) -> None:
    person = worker()
    day = make_instance(alpha, day=LATER, staff=person)
    rule(alpha, admin, in_before_minutes=20, out_after_minutes=30)
    operations.follow_rules(tenant=alpha, now=NOW)
    found = now_of(day)
    assert found.starts_at - found.in_from == timedelta(minutes=20)
    assert found.out_until - found.ends_at == timedelta(minutes=30)


def test_the_more_special_rule_stands(alpha: Tenant, admin: Actor) -> None:
    contract = make_contract()
    post, sister = make_post(party=contract), make_post(party=contract)
    special, shared, other = (
        make_instance(alpha, day=LATER, post=post, staff=make_staff(post=post)),
        make_instance(alpha, day=LATER, post=sister, staff=make_staff(post=sister)),
        make_instance(alpha, day=LATER, staff=worker()),
    )
    rule(alpha, admin, scope="post", post_id=post.pk, grace_minutes=1)
    rule(alpha, admin, scope="party", party_id=contract.pk, grace_minutes=2)
    rule(alpha, admin, grace_minutes=3)
    operations.follow_rules(tenant=alpha, now=NOW)
    assert [minutes(row) for row in (special, shared, other)] == [1, 2, 3]


def test_who_may_have_punched_keeps_the_rule_of_then(alpha: Tenant, admin: Actor) -> None:
    begun = make_instance(alpha, day=TODAY, staff=worker(), shift=make_shift(spans=((480, 1020),)))
    open_ = make_instance(alpha, day=TODAY, staff=worker(), shift=make_shift(spans=((750, 1020),)))  # 12:30
    coming = make_instance(alpha, day=TODAY, staff=worker(), shift=make_shift(spans=((1080, 1320),)))
    rule(alpha, admin, valid_from=TODAY, grace_minutes=0)
    operations.follow_rules(tenant=alpha, now=NOW)
    assert [minutes(row) for row in (begun, open_, coming)] == [10, 10, 0]


def test_a_cancelled_shift_is_left_alone(alpha: Tenant, admin: Actor) -> None:
    row = make_instance(alpha, day=LATER, staff=worker())
    ShiftInstance.objects.filter(pk=row.pk).update(cancelled_at=NOW)
    rule(alpha, admin, grace_minutes=0)
    assert operations.follow_rules(tenant=alpha, now=NOW) == 0
    assert minutes(row) == 10


def test_a_grade_holds_from_tomorrow_on(alpha: Tenant, admin: Actor) -> None:
    post = make_post()
    today, tomorrow = (
        make_instance(
            alpha, day=TODAY + timedelta(days=n), staff=make_staff(post=post), shift=make_shift(spans=((1080, 1320),))
        )
        for n in range(2)
    )
    elsewhere = make_instance(alpha, day=LATER, staff=worker())
    operations.set_terms(post_id=post.pk, grade="A", hourly_rate=None, by=admin, tenant=alpha, now=NOW)
    operations.follow_rules(tenant=alpha, now=NOW)
    assert [now_of(row).grade for row in (today, tomorrow, elsewhere)] == ["C", "A", "C"]


def test_many_people_cost_few_statements(
    alpha: Tenant, admin: Actor, django_assert_max_num_queries: Any
) -> None:  # fmt: skip
    post = make_post()
    for n in range(30):
        make_instance(alpha, day=LATER + timedelta(days=n % 3), staff=make_staff(post=post))
    rule(alpha, admin, grace_minutes=0, in_before_minutes=30)
    with django_assert_max_num_queries(12):
        assert operations.follow_rules(tenant=alpha, now=NOW) == 30


def test_both_ask_for_it(alpha: Tenant, admin: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr("tenants.rosters.operations.setup.enqueue_on_commit", lambda name, **_ids: sent.append(name))
    rule(alpha, admin)
    operations.set_terms(post_id=make_post().pk, grade="B", hourly_rate=None, by=admin, tenant=alpha, now=NOW)
    assert sent == ["rosters.follow_rules"] * 2
