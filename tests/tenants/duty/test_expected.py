"""Calls where nobody is wanted, just after a shift begins, and to phones that are never reached; a budget nobody can count."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from identity.choices import Role
from kernel.clock import SHANGHAI
from kernel.crypto import blind_index
from kernel.tenancy import Tenant
from tenants.duty import cockpit, metrics, operations
from tenants.duty.choices import AnomalyKind, Outcome
from tenants.duty.errors import NobodyWanted
from tenants.duty.models import Anomaly, Call, DutyPost, Summons
from tenants.duty.schedule import MOST_MORE, number_of
from tenants.findings.models import Finding
from tenants.notices.models import Notice
from tests.factories.duty import Guard, answer, close, make_coverage, make_duty_post, make_guard, make_sent, sign_on
from tests.factories.findings import make_member
from tests.factories.rosters import make_instance, make_leave, make_shift

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture
def duty(alpha: Tenant) -> DutyPost:
    """Wanted from 8 to 18; one missed call is enough."""
    found = make_duty_post(name="前台", off_post_after=1)
    make_coverage(found.post, start_minute=480, end_minute=1080)
    return found


def rostered(alpha: Tenant, duty: DutyPost, first: int, last: int, name: str = "甲") -> Guard:
    who = make_guard(alpha, party=duty.post.party, name=name)
    make_instance(alpha, day=NOON.date(), staff=who.staff, post=duty.post, shift=make_shift(spans=((first, last),)))
    return who


# --- where nobody is wanted ---


def test_nobody_is_called_where_the_contract_wants_nobody(alpha: Tenant, duty: DutyPost) -> None:
    with pytest.raises(NobodyWanted):
        make_sent(alpha, duty, now=at(600))
    assert not Call.objects.exists()
    call = close(alpha, make_sent(alpha, duty, now=NOON))  # in its hours an empty post is one
    assert call.off_post and "无人上岗" in Finding.objects.get().detail


def test_of_a_group_those_where_somebody_is_wanted_are_called(alpha: Tenant, duty: DutyPost) -> None:
    night = make_duty_post(name="夜班岗")
    make_coverage(night.post, start_minute=1200, end_minute=1440)
    rows = operations.issue_calls(post_ids=[duty.pk, night.pk], by=make_member(alpha), tenant=alpha, now=at(600))
    assert [row.post_id for row in rows] == [night.pk]


def test_a_post_that_is_wanted_no_more_when_the_call_goes_out_owes_nothing(alpha: Tenant, duty: DutyPost) -> None:
    operations.issue_calls(post_ids=[duty.pk], by=make_member(alpha), tenant=alpha, now=at(359.9))
    operations.send_due(tenant=alpha, now=at(360))
    call = close(alpha, Call.objects.get())
    assert (call.excused, call.off_post, Finding.objects.exists()) == (True, False, False)
    [in_time, *_rest] = metrics.counts(starts=at(0), ends=at(600))
    assert in_time.denominator == 0


def test_whoever_is_on_duty_outside_the_hours_answers(alpha: Tenant, duty: DutyPost) -> None:
    who = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, who, now=at(550))
    assert close(alpha, make_sent(alpha, duty, now=at(600))).off_post


# --- the first minutes of a shift ---


def test_who_has_only_to_come_is_not_off_post(alpha: Tenant, duty: DutyPost) -> None:
    who = rostered(alpha, duty, 720, 1080)
    call = close(alpha, make_sent(alpha, duty, now=at(0.1)))
    assert Summons.objects.get(call=call, staff=who.staff).awaited
    assert (call.outcome, call.off_post, Finding.objects.exists()) == (Outcome.TIMEOUT, False, False)
    assert not Notice.objects.filter(title__startswith="查岗没有送达").exists()  # it did arrive: 未到 is attendance's
    assert close(alpha, make_sent(alpha, duty, now=at(16))).off_post


def test_the_call_of_the_first_minutes_does_not_count_in_the_row(alpha: Tenant, duty: DutyPost) -> None:
    DutyPost.objects.update(off_post_after=2)
    rostered(alpha, duty, 720, 1080)
    close(alpha, make_sent(alpha, duty, now=at(5)))
    assert not close(alpha, make_sent(alpha, duty, now=at(20))).off_post
    assert close(alpha, make_sent(alpha, duty, now=at(40))).off_post


def test_so_after_a_morning_of_leave(alpha: Tenant, duty: DutyPost) -> None:
    who = rostered(alpha, duty, 480, 1080)
    make_leave(who.staff, at(-240), at(0))
    assert not close(alpha, make_sent(alpha, duty, now=at(5))).off_post
    assert close(alpha, make_sent(alpha, duty, now=at(20))).off_post


def test_who_signed_on_answers_from_the_first_second(alpha: Tenant, duty: DutyPost) -> None:
    who = rostered(alpha, duty, 720, 1080)
    sign_on(alpha, duty, who, now=at(0))
    assert close(alpha, make_sent(alpha, duty, now=at(1))).off_post


# --- phones that are never reached ---


def unreached() -> list[Anomaly]:
    return list(Anomaly.objects.filter(kind=AnomalyKind.UNREACHED).order_by("reported_at"))


def test_calls_in_a_row_that_never_arrive_go_up_and_are_no_off_post(alpha: Tenant, duty: DutyPost) -> None:
    DutyPost.objects.update(off_post_after=2)
    chief = make_member(alpha)
    who = make_guard(alpha, party=duty.post.party, name="甲")
    stint = sign_on(alpha, duty, who, now=at(-60))
    close(alpha, make_sent(alpha, duty, now=at(0), reached=False))
    assert unreached() == []
    call = close(alpha, make_sent(alpha, duty, now=at(40), reached=False))
    [row] = unreached()
    assert (row.stint_id, row.holder_id, "甲" in row.text, row.finding_id) == (stint.pk, None, True, None)
    assert (call.off_post, Finding.objects.exists()) == (False, False)
    assert Notice.objects.filter(account_id=chief.account_id, title__startswith="查岗多次未送达").count() == 1
    close(alpha, make_sent(alpha, duty, now=at(80), reached=False))
    close(alpha, make_sent(alpha, duty, now=at(120), reached=False))
    assert len(unreached()) == 1  # while it is open
    operations.close_anomaly(anomaly_id=row.pk, result="手机坏了，已换", by=chief, tenant=alpha, now=at(125))
    close(alpha, make_sent(alpha, duty, now=at(160), reached=False))
    assert len(unreached()) == 2


def test_where_all_answered_and_were_too_few_the_superiors_are_told_so(alpha: Tenant, duty: DutyPost) -> None:
    DutyPost.objects.update(persons_to_answer=2)
    duty.refresh_from_db()
    chief, who = make_member(alpha), make_guard(alpha, party=duty.post.party, name="甲")
    sign_on(alpha, duty, who, now=at(-60))
    call = make_sent(alpha, duty, now=at(0))
    answer(alpha, call, who, now=at(1))
    assert close(alpha, call).outcome == Outcome.TIMEOUT
    told = Notice.objects.filter(account_id=chief.account_id).values_list("title", flat=True)
    assert [t for t in told if "请核实" in t] == ["应答人数不足，请核实：前台"]


def test_an_answer_in_between_begins_the_row_anew(alpha: Tenant, duty: DutyPost) -> None:
    DutyPost.objects.update(off_post_after=2)
    who = make_guard(alpha, party=duty.post.party, name="甲")
    sign_on(alpha, duty, who, now=at(-60))
    close(alpha, make_sent(alpha, duty, now=at(0), reached=False))
    answer(alpha, make_sent(alpha, duty, now=at(40)), who, now=at(41))
    close(alpha, make_sent(alpha, duty, now=at(80), reached=False))
    assert unreached() == []


def test_whoever_never_signed_on_is_not_said_to_shut_the_page(alpha: Tenant, duty: DutyPost) -> None:
    rostered(alpha, duty, 480, 1080)
    close(alpha, make_sent(alpha, duty, now=at(0), reached=False))
    assert unreached() == []
    assert Notice.objects.filter(title__startswith="查岗没有送达").exists()


# --- the budget ---


def test_nobody_under_the_calls_reads_the_budget(alpha: Tenant) -> None:
    duty = make_duty_post(calls_per_day=2)
    guard = make_guard(alpha, party=duty.post.party)
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=duty.post.party.provider_id)
    for by in (guard.actor, manager):
        for post in cockpit.cockpit(by=by, tenant=alpha, now=NOON).posts:
            assert (post.random_used, post.random_mean) == (None, None)
    [post] = cockpit.cockpit(by=make_member(alpha), tenant=alpha, now=NOON).posts
    assert (post.random_used, post.random_mean) == (0, 2)


@pytest.mark.parametrize("budget", [1, 2, 4])
def test_however_many_have_come_another_may(budget: int) -> None:
    """Drawn for a year of days under a fixed key: always the least, about the budget, after each often enough one more."""
    draw = partial(blind_index, schema="s_alpha", context="duty.calls")
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    found = [number_of(draw=draw, post_id=UUID(int=7), day=day, budget=budget) for day in days]
    least = max(1, budget - 1)
    assert min(found) == least and max(found) <= least + MOST_MORE
    for count in range(least, least + 3):
        reached = sum(n >= count for n in found)
        assert 0.3 < sum(n > count for n in found) / reached < 0.7
    assert abs(sum(found) / len(found) - (least + 1)) < 0.25
    assert number_of(draw=draw, post_id=UUID(int=7), day=days[0], budget=0) == 0
