"""What a decision about evidence does to the result of the day: a granted appeal counts, and the sentinel sees and spares."""

from __future__ import annotations

import pytest

from kernel.tenancy import Tenant
from tenants.attendance.choices import Mark
from tenants.punches import operations as punches
from tenants.punches.choices import PunchStatus
from tests.factories.attendance import at, derive, make_day, make_worker, result_of
from tests.factories.findings import make_member
from tests.factories.punches import make_punch

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("granted", [True, False])
def test_a_granted_appeal_counts_for_the_day_at_the_grade_that_was_asked(alpha: Tenant, granted: bool) -> None:
    staff, worker = make_worker(alpha)
    boss = make_member(alpha)
    shift = make_day(alpha, staff, "18:00")
    weak = make_punch(
        staff, at=at(alpha, "07:55"), status="refused", refusal="too_weak", grade="D", asked="C", post=staff.post
    )
    derive(alpha)
    assert result_of(shift).mark == Mark.MISSING_IN
    case = punches.appeal(
        punch_id=weak.pk, text="我确实在岗，主管看见了", by=worker, tenant=alpha, now=at(alpha, "19:00")
    )
    punches.decide_appeal(
        appeal_id=case.pk, granted=granted, note="监控可见", by=boss, tenant=alpha, now=at(alpha, "20:00")
    )
    derive(alpha)
    weak.refresh_from_db()
    if granted:
        assert (weak.status, weak.grade, weak.vouched_by) == (PunchStatus.ACCEPTED, "C", boss.account_id)
        assert weak.note.startswith(f"申诉成立（{boss.name}）：监控可见；原因曾为：佐证只到 D 级")
    else:
        assert (weak.status, weak.grade, weak.vouched_by) == (PunchStatus.REFUSED, "D", None)
    assert result_of(shift).mark == (Mark.NORMAL if granted else Mark.MISSING_IN)
