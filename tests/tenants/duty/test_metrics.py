"""What duty counts."""

from __future__ import annotations

from datetime import datetime, timedelta

from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant
from tenants.duty import metrics, operations
from tests.factories.duty import answer, make_duty_post, make_guard, make_sent, sign_on

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
    operations.decide_due(tenant=alpha, now=at(125))
    operations.declare_absence(kind="patrol", minutes=60, by=guard.actor, tenant=alpha, now=at(170))
    make_sent(alpha, duty, now=at(180))
    operations.decide_due(tenant=alpha, now=at(185))
    found = {
        c.code: (c.numerator, c.denominator, c.n)
        for c in metrics.counts(starts=NOON, ends=at(600), party_id=duty.post.party_id)
    }
    assert found == {"calls_answered_in_time": (1, 3, 3), "off_post_cases": (1, 1, 4)}
    assert metrics.counts(starts=at(600), ends=at(900), by=["post"]) == []
