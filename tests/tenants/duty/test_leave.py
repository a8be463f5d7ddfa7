"""Whoever is on approved leave is expected nowhere: not under a call, not in a handover, not on the cockpit."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant
from tenants.duty import cockpit, operations, staffing
from tenants.duty.choices import Outcome
from tenants.duty.errors import ReceiverUnfit
from tenants.duty.models import Anomaly, DutyPost, Summons
from tenants.findings.models import Finding
from tenants.rosters.models import Leave
from tests.factories.duty import (
    Guard,
    answer,
    close,
    make_coverage,
    make_duty_post,
    make_guard,
    make_sent,
    report,
    sign_on,
)
from tests.factories.findings import make_member
from tests.factories.rosters import make_instance, make_leave, make_shift

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture
def duty(alpha: Tenant) -> DutyPost:
    """Wanted from 8 to 18; one missed call is enough."""
    found = make_duty_post(name="值班室", off_post_after=1)
    make_coverage(found.post, start_minute=480, end_minute=1080)
    return found


@pytest.fixture
def guard(alpha: Tenant, duty: DutyPost) -> Guard:
    """Rostered from 8 to 18."""
    found = make_guard(alpha, party=duty.post.party, name="甲")
    make_instance(alpha, day=NOON.date(), staff=found.staff, post=duty.post, shift=make_shift(spans=((480, 1080),)))
    return found


def test_a_day_of_leave_calls_nobody_and_the_case_is_the_companys(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    make_leave(guard.staff, at(-720), at(720))
    call = close(alpha, make_sent(alpha, duty, now=NOON))
    assert not Summons.objects.filter(call=call).exists()
    detail = Finding.objects.get().detail
    assert call.off_post and "无人上岗" in detail and "甲" not in detail


def test_half_a_day_of_leave_after_a_proper_sign_off(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    sign_on(alpha, duty, guard, now=at(-240))
    answer(alpha, make_sent(alpha, duty, now=at(-60)), guard, now=at(-59))
    make_leave(guard.staff, at(0), at(360))
    operations.sign_off(by=guard.actor, tenant=alpha, now=at(0))
    call = close(alpha, make_sent(alpha, duty, now=at(120)))
    assert not Summons.objects.filter(call=call).exists()
    assert "甲" not in Finding.objects.get().detail


def test_before_half_a_day_of_leave_the_shift_is_a_shift(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    make_leave(guard.staff, at(60), at(360))
    call = close(alpha, make_sent(alpha, duty, now=NOON))
    assert call.off_post and "甲" in Finding.objects.get().detail


def test_after_a_morning_of_leave_only_what_came_since_counts(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    make_leave(guard.staff, at(-240), at(0))
    assert staffing.shift_began(post_id=duty.pk, staff_ids=[guard.staff.pk], at=at(-10)) is None
    assert staffing.shift_began(post_id=duty.pk, staff_ids=[guard.staff.pk], at=at(60)) == at(0)


@pytest.mark.parametrize("status", ["pending", "refused", "withdrawn"])
def test_leave_that_is_not_approved_is_none(alpha: Tenant, duty: DutyPost, guard: Guard, status: str) -> None:
    make_leave(guard.staff, at(-720), at(720))
    Leave.objects.update(status=status)
    call = close(alpha, make_sent(alpha, duty, now=NOON))
    assert Summons.objects.get(call=call).staff_id == guard.staff.pk
    assert "甲" in Finding.objects.get().detail


def test_who_forgot_to_sign_off_into_leave_owes_no_answer_and_holds_no_minute(
    alpha: Tenant, duty: DutyPost, guard: Guard
) -> None:
    sign_on(alpha, duty, guard, now=at(-240))
    make_leave(guard.staff, at(0), at(360))
    call = close(alpha, make_sent(alpha, duty, now=at(60)))
    detail = Finding.objects.get().detail
    assert (call.outcome, call.needed, call.excused) == (Outcome.TIMEOUT, 1, False)
    assert "无人上岗" in detail and "甲" not in detail
    [gap] = staffing.shortfalls(post_ids=[duty.pk], starts=at(-240), ends=at(60), tz=alpha.tz)[duty.pk]
    assert (gap.starts_at, gap.present, gap.declared) == (at(0), 0, False)


def test_who_works_through_their_leave_answers_as_anybody(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    make_leave(guard.staff, at(-240), at(360))
    sign_on(alpha, duty, guard, now=at(-60))
    call = close(alpha, make_sent(alpha, duty, now=NOON))
    assert call.off_post and "甲" in Finding.objects.get().detail


def test_a_second_on_leave_lowers_nothing(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    """The room asks for two: that one was given leave is no reason for one alone."""
    DutyPost.objects.update(persons_to_answer=2)
    other = make_guard(alpha, party=duty.post.party, name="乙")
    for one in (guard, other):
        sign_on(alpha, duty, one, now=at(-240))
    make_leave(guard.staff, at(0), at(360))
    assert make_sent(alpha, duty, now=at(60)).needed == 2


def test_nobody_hands_over_to_somebody_on_leave(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    giver = make_guard(alpha, party=duty.post.party, name="乙")
    sign_on(alpha, duty, giver, now=at(-400))
    make_leave(guard.staff, at(-720), at(720))
    report(alpha, giver, now=at(-300))
    with pytest.raises(ReceiverUnfit):
        operations.offer_handover(receiver_id=guard.staff.pk, by=giver.actor, tenant=alpha, now=at(-290))


def test_what_somebody_on_leave_would_hold_goes_up_at_once(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    giver = make_guard(alpha, party=duty.post.party, name="乙")
    sign_on(alpha, duty, giver, now=at(-400))
    row = report(alpha, giver, now=at(-300))
    Anomaly.objects.filter(pk=row.pk).update(holder=guard.staff)
    assert staffing.forsaken(now=at(-290)) == []  # comes at 8:00
    make_leave(guard.staff, at(-720), at(720))
    assert staffing.forsaken(now=at(-290)) == [row.pk]


def test_the_cockpit_names_who_should_come_and_who_is_on_leave(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    chief = make_member(alpha)
    [post] = cockpit.cockpit(by=chief, tenant=alpha, now=NOON).posts
    assert (post.rostered, post.on_leave) == (["甲"], [])
    make_leave(guard.staff, at(-720), at(720), kind="field")
    [post] = cockpit.cockpit(by=chief, tenant=alpha, now=NOON).posts
    assert (post.rostered, post.on_leave) == ([], ["甲"])
