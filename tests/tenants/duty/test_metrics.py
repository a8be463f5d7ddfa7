"""What duty counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from kernel.clock import SHANGHAI
from kernel.errors import Invalid
from kernel.tenancy import Tenant
from tenants.duty import metrics, operations
from tests.factories.duty import (
    answer,
    make_coverage,
    make_duty_post,
    make_guard,
    make_sent,
    make_walking,
    report,
    sign_on,
)
from tests.factories.findings import make_member

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


def test_in_time_late_unanswered_and_excused(alpha: Tenant) -> None:
    duty = make_duty_post(off_post_after=1)
    guard = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, guard, now=NOON)

    def at(minute: float) -> datetime:
        return NOON + timedelta(minutes=minute)

    answer(alpha, make_sent(alpha, duty, now=at(10)), guard, now=at(11))
    answer(alpha, make_sent(alpha, duty, now=at(60)), guard, now=at(70))  # late
    make_sent(alpha, duty, now=at(120))
    operations.decide_due(tenant=alpha, now=at(125.5))
    make_walking(alpha, guard, now=at(169))
    operations.declare_absence(kind="patrol", minutes=60, by=guard.actor, tenant=alpha, now=at(170))
    make_sent(alpha, duty, now=at(180))
    operations.decide_due(tenant=alpha, now=at(185.5))
    found = {
        c.code: (c.numerator, c.denominator, c.n)
        for c in metrics.counts(starts=NOON, ends=at(600), party_id=duty.post.party_id)
    }
    assert found == {"calls_answered_in_time": (1, 3, 3), "off_post_cases": (1, 1, 4)}
    assert metrics.counts(starts=at(600), ends=at(900), by=["post"]) == []


def test_minutes_held_and_handovers_accepted_become_readings(alpha: Tenant) -> None:
    duty, idle = make_duty_post(), make_duty_post()
    giver, taker = (make_guard(alpha, party=duty.post.party, name=name) for name in ("甲", "乙"))
    make_coverage(duty.post, persons=2, start_minute=720, end_minute=840)  # two people from noon to two
    make_coverage(idle.post, persons=1, start_minute=720, end_minute=840)  # nobody ever signed on here
    sign_on(alpha, duty, giver, now=NOON)
    sign_on(alpha, duty, taker, now=NOON + timedelta(minutes=30))
    operations.declare_absence(
        kind="break", minutes=10, by=giver.actor, tenant=alpha, now=NOON + timedelta(minutes=40)
    )  # declared: held
    operations.return_to_post(by=giver.actor, tenant=alpha, now=NOON + timedelta(minutes=50))
    rows = [report(alpha, giver, text=f"事项 {n}", now=NOON + timedelta(minutes=50)) for n in range(3)]
    handover = operations.offer_handover(
        receiver_id=taker.staff.pk, by=giver.actor, tenant=alpha, now=NOON + timedelta(minutes=55)
    )
    first, second, _waits = handover.items.order_by("anomaly__number")
    for item, accept in ((first, True), (second, False)):
        operations.answer_item(
            item_id=item.pk,
            accept=accept,
            reason="没空",
            by=taker.actor,
            tenant=alpha,
            now=NOON + timedelta(minutes=60),
        )
    assert len(rows) == 3
    found = metrics.readings(month=NOON.date(), tz=alpha.tz)
    held = {r.line: r for r in found["duty_minutes_covered"]}
    # up to the newest line at 13:00: 2 × 60 minutes wanted at a post with people, 90 of them held; 60 unknown at the other.
    # Of the days before NOON's nothing is known either: nobody had signed on yet.
    assert (held[""].numerator, held[""].denominator) == (Decimal(90), Decimal(120))
    assert held["security"] == held[""].__class__(
        held[""].month, "security", held[""].numerator, held[""].denominator, held[""].n, held[""].coverage
    )
    assert held[""].coverage < Decimal("0.1")
    # two wanted and one there for the half hour before the second came, the declared break aside; of 60 minutes of the post
    short = {r.line: r for r in found["duty_minutes_short"]}
    assert (short[""].numerator, short[""].denominator) == (Decimal(30), Decimal(60))
    assert short["security"].numerator == Decimal(30) and short[""].coverage < Decimal("0.1")
    # the same minutes, post by post
    day = NOON.date()
    posts = metrics.minutes_of_posts(by=make_member(alpha), tz=alpha.tz, first=day, last=day)
    assert [(p.post.pk, p.sums.minutes_short, p.sums.minutes_known, p.share, p.unknown) for p in posts] == [
        (duty.pk, 30, 60, 50.0, 0), (idle.pk, 0, 0, None, 60),
    ]  # fmt: skip
    own = metrics.minutes_of_posts(by=giver.actor, tz=alpha.tz, first=day, last=day)
    assert [p.post.pk for p in own] == [duty.pk]  # what the other party's people do is not told
    with pytest.raises(Invalid):
        metrics.minutes_of_posts(by=giver.actor, tz=alpha.tz, first=day, last=day + timedelta(days=93))
    handed = {r.line: r for r in found["handovers_accepted"]}
    assert (handed[""].numerator, handed[""].denominator, handed[""].coverage) == (1, 2, Decimal("0.6667"))
    assert {m.code for m in metrics.METRICS} == set(found)
    assert found["calls_answered_in_time"][0].denominator == 0


def test_a_month_without_duty_says_nothing(alpha: Tenant) -> None:
    found = metrics.readings(month=NOON.date(), tz=alpha.tz)
    assert found["duty_minutes_short"] == []
    assert found["duty_minutes_covered"] == found["handovers_accepted"] == []
