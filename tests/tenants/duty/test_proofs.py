"""What proves that somebody is here: an answer with picture and code is the punch that sign-on without the code was not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant
from tenants.attendance import day as rule
from tenants.attendance import derive, queries
from tenants.attendance.models import DayResult
from tenants.duty import metrics, operations, staffing
from tenants.duty.models import DutyPost, Stint, Summons
from tenants.face.models import Check
from tenants.punches.models import Punch
from tests.factories.duty import Guard, answer, close, make_coverage, make_duty_post, make_guard, make_sent, sign_on
from tests.factories.organisation import make_place
from tests.factories.rosters import make_instance, make_shift

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture
def duty(alpha: Tenant) -> DutyPost:
    return make_duty_post(name="值班室")


@pytest.fixture
def guard(alpha: Tenant, duty: DutyPost) -> Guard:
    """Rostered from 8 to 18, signed on at 8 without the code."""
    found = make_guard(alpha, party=duty.post.party, name="甲")
    make_instance(alpha, day=NOON.date(), staff=found.staff, post=duty.post, shift=make_shift(spans=((480, 1080),)))
    sign_on(alpha, duty, found, now=at(-240))
    return found


def test_the_first_answer_that_proves_presence_is_the_punch_and_only_the_first(
    alpha: Tenant, duty: DutyPost, guard: Guard
) -> None:
    assert not Punch.objects.exists()
    for minute in (-120, 0, 120):
        answer(alpha, make_sent(alpha, duty, now=at(minute)), guard, now=at(minute + 1))
    [row] = Punch.objects.all()
    assert (row.at, row.direction, row.status, row.source, row.grade) == (at(-119), "in", "accepted", "duty", "B")


def test_proved_presence_is_not_absence(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    answer(alpha, make_sent(alpha, duty, now=at(-200)), guard, now=at(-199))
    operations.sign_off(by=guard.actor, tenant=alpha, now=at(361))
    derive.derive(tenant=alpha, now=at(3000), first=NOON.date(), last=NOON.date())
    assert DayResult.objects.get().mark == "missing_in"  # since when is not proved: for 补卡


def test_nobody_who_was_seen_is_absent_for_the_hours_nobody_looked_at(
    alpha: Tenant, duty: DutyPost, guard: Guard
) -> None:
    """On duty from 8 to 18, first called at noon: four hours that nothing proves are no 旷工 and no lateness."""
    for minute in (0, 120, 240):
        answer(alpha, make_sent(alpha, duty, now=at(minute)), guard, now=at(minute + 1))
    place = duty.post.place
    assert place is not None
    operations.sign_off(by=guard.actor, tenant=alpha, now=at(361), place_code=place.code)
    derive.derive(tenant=alpha, now=at(3000), first=NOON.date(), last=NOON.date())
    row = DayResult.objects.select_related(*queries.ROW).get()
    assert (row.mark, row.late_minutes, row.trace["seen"]) == ("missing_in", 0, int(at(1).timestamp()))
    said = queries.sentence_of(row, alpha.tz)
    assert "12:01 查岗时在岗" in said and "没有上班卡" in said and "旷工" not in said
    assert rule.judge(  # the oracle says the same
        rule.Expected(
            starts_at=row.instance.starts_at, ends_at=row.instance.ends_at, in_from=row.instance.in_from,
            in_until=row.instance.in_until, out_from=row.instance.out_from, out_until=row.instance.out_until,
        ),
        rule.Rule(), now=at(3000),
        punches=[rule.Seen(1, at(1), "in", source="duty"), rule.Seen(2, at(361), "out")],
    ).mark == "missing_in"  # fmt: skip


@pytest.mark.parametrize("why", ["late", "place"])
def test_an_answer_that_proves_nothing_is_no_punch(alpha: Tenant, duty: DutyPost, guard: Guard, why: str) -> None:
    call = make_sent(alpha, duty, now=NOON)
    answer(alpha, call, guard, now=at(10 if why == "late" else 1), code=make_place().code if why == "place" else None)
    assert not Punch.objects.filter(status="accepted").exists()


@pytest.mark.parametrize(("outcome", "punched"), [("match", 1), ("mismatch", 0)])
def test_where_a_face_is_asked_for_the_punch_waits_for_it(
    alpha: Tenant, duty: DutyPost, guard: Guard, outcome: str, punched: int
) -> None:
    DutyPost.objects.update(asks_face=True)
    row = answer(alpha, make_sent(alpha, duty, now=NOON), guard, now=at(1))
    assert not Punch.objects.exists()
    Check.objects.filter(pk=row.face_check_id).update(outcome=outcome)
    operations.face_checked(check_id=row.face_check_id, tenant=alpha, now=at(1.5))
    assert Punch.objects.filter(status="accepted").count() == punched
    assert Summons.objects.count() == 1


def test_an_answer_of_the_face_service_whose_message_was_lost_is_found_by_the_round(
    alpha: Tenant, duty: DutyPost, guard: Guard
) -> None:
    DutyPost.objects.update(asks_face=True)
    row = answer(alpha, make_sent(alpha, duty, now=NOON), guard, now=at(1))
    Check.objects.filter(pk=row.face_check_id).update(state="pending", outcome="")
    assert operations.settle_faces(tenant=alpha, now=at(3)) == 0  # the service has not answered
    Check.objects.filter(pk=row.face_check_id).update(outcome="match", state="done")
    assert operations.settle_faces(tenant=alpha, now=at(1.5)) == 0  # the message may be on its way
    assert operations.settle_faces(tenant=alpha, now=at(3)) == 1
    row.refresh_from_db()
    assert row.face == "match" and Punch.objects.filter(status="accepted").count() == 1
    assert operations.settle_faces(tenant=alpha, now=at(4)) == 0


def test_minutes_held_are_told_apart_by_proof(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    make_coverage(duty.post, start_minute=480, end_minute=1080)
    answer(alpha, make_sent(alpha, duty, now=at(-120)), guard, now=at(-119))

    def held() -> tuple[int, int]:
        sums = staffing.covered_minutes(post_ids=[duty.pk], starts=at(-240), ends=at(0), tz=alpha.tz)["security"]
        return sums.held, sums.proved

    assert held() == (240, 119)
    Summons.objects.update(face="other")
    assert held() == (240, 0)
    Stint.objects.update(on_code=True)
    assert held() == (240, 240)


def test_the_months_share_of_proof_and_of_calls_that_reached_nobody(
    alpha: Tenant, duty: DutyPost, guard: Guard
) -> None:
    make_coverage(duty.post, start_minute=480, end_minute=1080)
    answer(alpha, make_sent(alpha, duty, now=at(-120)), guard, now=at(-119))
    close(alpha, make_sent(alpha, duty, now=at(-60), reached=False))
    close(alpha, make_sent(alpha, duty, now=at(-30)))
    operations.sign_off(by=guard.actor, tenant=alpha, now=at(0))
    found = metrics.readings(month=NOON.date(), tz=alpha.tz)
    proved, lost = found["duty_minutes_proved"][0], found["calls_unreached"][0]
    assert (proved.numerator, proved.denominator) == (119, 240)
    assert (lost.numerator, lost.denominator) == (1, 3)
