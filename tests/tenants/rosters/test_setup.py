"""Shift definitions, rule versions, contracted presence, and the forecast of certificates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.notices.models import Notice
from tenants.organisation.models import Staff
from tenants.rosters import operations, queries
from tenants.rosters.errors import (
    CoverageWrong,
    RuleInPast,
    RuleTaken,
    SegmentsWrong,
    ShiftInCycle,
    ShiftInUse,
    ThresholdsFall,
)
from tenants.rosters.models import Rule, Shift
from tenants.rosters.operations import SegmentInput
from tests.factories.findings import make_member
from tests.factories.organisation import make_certificate, make_contract, make_post, make_staff
from tests.factories.rosters import make_assignment, make_coverage, make_pattern, make_shift, make_terms

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)
TODAY = date(2026, 6, 1)


@pytest.fixture
def admin(alpha: Tenant) -> Actor:
    return make_member(alpha, Role.SCHOOL_ADMIN)


def save(tenant: Tenant, by: Actor, *spans: tuple[int, int], **more: object) -> Shift:
    given = {"name": "夜班", "code": "夜", "segments": [SegmentInput(a, b) for a, b in spans], **more}
    return operations.save_shift(**given, by=by, tenant=tenant, now=NOW, today=TODAY)  # type: ignore[arg-type]


def test_a_night_shift_passes_midnight(alpha: Tenant, admin: Actor) -> None:
    row = save(alpha, admin, (1320, 1800))
    assert queries.times_text(list(row.segments.all())) == "22:00—次日06:00"


@pytest.mark.parametrize("spans", [[], [(480, 480)], [(480, 720), (700, 900)], [(1320, 2900)], [(1500, 1600)]])
def test_wrong_segments_are_refused(alpha: Tenant, admin: Actor, spans: list[tuple[int, int]]) -> None:
    with pytest.raises(SegmentsWrong):
        save(alpha, admin, *spans)
    assert not Shift.objects.exists()


@pytest.mark.parametrize(
    "more", [{"code": "休"}, {"code": "早 班"}, {"name": ""}, {"kind": "flexible"}, {"colour": "red"}]
)
def test_wrong_words_are_refused(alpha: Tenant, admin: Actor, more: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        save(alpha, admin, (480, 960), **more)


def test_flexible_minutes_leave_the_punch_for_coming_in_the_first_half(alpha: Tenant, admin: Actor) -> None:
    with pytest.raises(Invalid) as refused:
        save(alpha, admin, (480, 720), kind="flexible", flex_minutes=121)
    assert refused.value.field == "flex_minutes" and not Shift.objects.exists()
    assert save(alpha, admin, (480, 720), kind="flexible", flex_minutes=120).flex_minutes == 120


def test_names_and_codes_are_once_among_those_in_use(alpha: Tenant, admin: Actor) -> None:
    row = save(alpha, admin, (480, 960))
    with pytest.raises(Invalid):
        save(alpha, admin, (480, 960), name="夜二")
    operations.retire_shift(shift_id=row.pk, by=admin, tenant=alpha, now=NOW)
    save(alpha, admin, (480, 960))


def test_a_shift_of_a_cycle_is_not_retired(alpha: Tenant, admin: Actor) -> None:
    row = save(alpha, admin, (480, 960))
    cycle = make_pattern(row, None, name="早休")
    with pytest.raises(ShiftInCycle) as refused:
        operations.retire_shift(shift_id=row.pk, by=admin, tenant=alpha, now=NOW)
    assert "「早休」" in refused.value.sentence and Shift.objects.get(pk=row.pk).active
    operations.retire_pattern(pattern_id=cycle.pk, by=admin, tenant=alpha, now=NOW, today=TODAY)
    operations.retire_shift(shift_id=row.pk, by=admin, tenant=alpha, now=NOW)


def test_the_times_of_a_shift_on_coming_rosters_stay(alpha: Tenant, admin: Actor) -> None:
    row = save(alpha, admin, (480, 960))
    make_assignment(alpha, day=TODAY, shift=row)
    with pytest.raises(ShiftInUse):
        save(alpha, admin, (480, 1000), shift_id=row.pk)
    assert save(alpha, admin, (480, 960), shift_id=row.pk, name="白班").name == "白班"


def test_rules_have_versions_and_the_past_keeps_its_own(alpha: Tenant, admin: Actor) -> None:
    post = make_post()
    common = {"scope": "post", "post_id": post.pk, "by": admin, "tenant": alpha, "now": NOW, "today": TODAY}
    operations.set_rule(valid_from=TODAY, grace_minutes=5, **common)  # type: ignore[arg-type]
    with pytest.raises(RuleTaken):
        operations.set_rule(valid_from=TODAY, **common)  # type: ignore[arg-type]
    with pytest.raises(RuleInPast):
        operations.set_rule(valid_from=TODAY - timedelta(days=1), **common)  # type: ignore[arg-type]
    with pytest.raises(ThresholdsFall):
        operations.set_rule(valid_from=TODAY + timedelta(days=1), grace_minutes=60, serious_minutes=30, **common)  # type: ignore[arg-type]
    assert Rule.objects.count() == 1


@pytest.mark.parametrize("role", [Role.SCHOOL_SUPERVISOR, Role.PROVIDER_MANAGER, Role.FRONTLINE])
def test_rules_are_the_admins(alpha: Tenant, role: Role) -> None:
    by = make_member(alpha, role, provider_id=uuid4() if role == Role.PROVIDER_MANAGER else None)
    with pytest.raises(NotAllowed):
        operations.set_rule(scope="school", valid_from=TODAY, by=by, tenant=alpha, now=NOW, today=TODAY)
    with pytest.raises(NotAllowed):
        operations.save_coverage(post_id=make_post().pk, persons=1, valid_from=TODAY, by=by, tenant=alpha, now=NOW)


def test_contracted_minutes_of_a_week_and_by_hour(alpha: Tenant) -> None:
    post = make_post()
    make_terms(post, hourly_rate="32.50")
    make_coverage(post, persons=2, weekdays=0b0011111, span=(1320, 1830))  # nights, to 06:30
    monday, sunday = TODAY, TODAY + timedelta(days=6)
    rows = queries.coverage_minutes(first=monday, last=sunday, tenant=alpha)
    assert len(rows) == 5
    assert {r.minutes for r in rows} == {2 * 510}
    assert rows[0].starts_at == datetime(2026, 6, 1, 14, tzinfo=UTC)
    assert rows[0].hourly_rate == Decimal("32.50")
    hours = queries.contracted_hours(first=monday, last=sunday, tenant=alpha)
    assert sum(h.minutes for h in hours) == 5 * 2 * 510
    assert {h.minutes for h in hours} == {120, 60}
    assert not queries.coverage_minutes(first=monday, last=sunday, tenant=alpha, party_ids=[])


def test_contracts_may_leave_out_holidays_and_end(alpha: Tenant) -> None:
    post = make_post()
    make_coverage(post, holidays=False, valid_until=date(2026, 10, 5))
    rows = queries.coverage_minutes(first=date(2026, 9, 29), last=date(2026, 10, 8), tenant=alpha)
    days = {r.day for r in rows}
    assert date(2026, 9, 30) in days and date(2026, 10, 4) in days  # moved rest days are no statutory ones
    assert not days & {date(2026, 10, d) for d in (1, 2, 3, 5, 8)}


@pytest.mark.parametrize("more", [{"persons": 0}, {"weekdays": 0}, {"end_minute": 0}, {"valid_until": TODAY}])
def test_wrong_coverage_is_refused(alpha: Tenant, admin: Actor, more: dict[str, object]) -> None:
    given = {"post_id": make_post().pk, "persons": 1, "valid_from": TODAY, **more}
    with pytest.raises(CoverageWrong):
        operations.save_coverage(**given, by=admin, tenant=alpha, now=NOW)  # type: ignore[arg-type]


# --- The forecast --------------------------------------------------------------------------------


def test_the_night_shift_without_anybody_qualified_is_named_with_its_day(alpha: Tenant, admin: Actor) -> None:
    person = make_staff("张三", post=make_post("配电值班", certificates=["electrician"]))
    night = make_shift("夜班", spans=[(1320, 1800)])
    make_certificate(person, kind="electrician", expires_on=date(2026, 6, 14))
    for n in range(13, 16):
        make_assignment(alpha, day=TODAY + timedelta(days=n), staff=person, shift=night)
    found = queries.gaps(by=admin, today=TODAY, tenant=alpha)
    roster = [g for g in found if g.shift_name]
    assert [(g.first, g.last, g.days) for g in roster] == [(date(2026, 6, 15), date(2026, 6, 16), 2)]
    assert roster[0].sentence == "6月15日起夜班配电值班将无持证人"
    assert (roster[0].holder, roster[0].ends_on, roster[0].rostered) == ("张三", date(2026, 6, 14), ("张三",))
    whole = [g for g in found if not g.shift_name]
    assert whole[0].first == date(2026, 6, 17)  # beyond the roster the post itself has nobody
    assert whole[-1].last == TODAY + timedelta(days=89)


def test_one_day_is_said_as_one_day(alpha: Tenant, admin: Actor) -> None:
    post = make_post("配电值班", certificates=["electrician"])
    held, bare = make_staff(post=post), make_staff(post=post)
    make_certificate(held, kind="electrician")
    make_assignment(alpha, day=date(2026, 6, 15), staff=bare, shift=make_shift("夜班"))
    [gap] = queries.gaps(by=admin, today=TODAY, tenant=alpha)
    assert gap.sentence == "6月15日夜班配电值班将无持证人"


def test_one_holder_on_the_shift_is_enough_and_a_missed_review_is_none(alpha: Tenant, admin: Actor) -> None:
    post = make_post(certificates=["electrician"])
    held, bare = make_staff(post=post), make_staff(post=post)
    row = make_certificate(held, kind="electrician")
    shift = make_shift()
    make_assignment(alpha, day=TODAY, staff=held, shift=shift)
    make_assignment(alpha, day=TODAY, staff=bare, shift=shift)
    assert not queries.gaps(by=admin, today=TODAY, tenant=alpha)
    row.review_on = TODAY + timedelta(days=30)
    row.save()
    [gap] = queries.gaps(by=admin, today=TODAY, tenant=alpha)
    assert gap.first == TODAY + timedelta(days=31)


def test_each_certificate_of_two_must_be_held_by_one_person(alpha: Tenant, admin: Actor) -> None:
    post = make_post(certificates=["electrician", "health"])
    one, two = make_staff(post=post), make_staff(post=post)
    make_certificate(one, kind="electrician")
    make_certificate(two, kind="health")
    assert queries.gaps(by=admin, today=TODAY, tenant=alpha)
    make_certificate(one, kind="health")
    assert not queries.gaps(by=admin, today=TODAY, tenant=alpha)


def test_a_company_sees_its_own_gaps_and_workers_none(alpha: Tenant) -> None:
    provider = uuid4()
    own = make_post(party=make_contract(provider_id=provider), certificates=["electrician"])
    make_post(certificates=["electrician"])
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=provider)
    assert {g.post_id for g in queries.gaps(by=manager, today=TODAY, tenant=alpha)} == {own.pk}
    with pytest.raises(NotAllowed):
        queries.gaps(by=make_member(alpha, Role.FRONTLINE, staff_id=make_staff().pk), today=TODAY, tenant=alpha)


def test_a_gap_is_told_once(alpha: Tenant, admin: Actor) -> None:
    make_post("配电值班", certificates=["electrician"])
    for day in range(3):
        operations.tell_gaps(tenant=alpha, now=NOW + timedelta(days=day))
    [notice] = Notice.objects.filter(account_id=admin.account_id)
    assert "配电值班将无持证人" in notice.title


def test_a_second_gap_of_a_post_is_told_while_the_first_stands(alpha: Tenant, admin: Actor) -> None:
    post = make_post("配电值班", certificates=["electrician"])
    for name, end, shift in (("张三", 20, make_shift("白班")), ("李四", 25, make_shift("夜班", spans=[(1320, 1800)]))):
        person = make_staff(name, post=post)
        make_certificate(person, kind="electrician", expires_on=date(2026, 6, end))
        for day in range(16, 29):
            make_assignment(alpha, day=date(2026, 6, day), staff=person, shift=shift, post=post)
    for day in range(2):
        operations.tell_gaps(tenant=alpha, now=NOW + timedelta(days=day))
    titles = set(Notice.objects.filter(account_id=admin.account_id).values_list("title", flat=True))
    assert "6月21日起白班配电值班将无持证人" in titles
    assert any(t.startswith("6月26日起夜班配电值班将无持证人") for t in titles) and len(titles) == 2


def test_who_held_it_and_leaves_is_the_cause_and_the_next_one_is_told_again(alpha: Tenant, admin: Actor) -> None:
    post = make_post("配电值班", certificates=["electrician"])
    for name, last in (("张三", date(2026, 6, 20)), ("李四", date(2026, 7, 20))):
        person = make_staff(name, post=post)
        make_certificate(person, kind="electrician", expires_on=date(2028, 1, 1))
        Staff.objects.filter(pk=person.pk).update(left_on=last)
        [gap] = queries.gaps(by=admin, today=TODAY, tenant=alpha)
        assert gap.cause == f"{name}在岗到 {last.year}年{last.month}月{last.day}日"
        operations.tell_gaps(tenant=alpha, now=NOW)
    assert Notice.objects.filter(account_id=admin.account_id).count() == 2


def test_the_forecast_is_one_query(alpha: Tenant, admin: Actor, django_assert_num_queries: object) -> None:
    for _ in range(5):
        make_post(certificates=["electrician"])
    Staff.objects.exists()
    with django_assert_num_queries(1):  # type: ignore[operator]
        queries.gaps(by=admin, today=TODAY, tenant=alpha)
