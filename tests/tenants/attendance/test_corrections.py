"""补卡 where the windows are not those of the plain shift."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel.tenancy import Tenant
from tenants.attendance import errors, operations
from tenants.attendance.choices import Mark
from tests.factories.attendance import at, make_day, make_worker, result_of
from tests.factories.findings import make_member
from tests.factories.rosters import make_leave

pytestmark = pytest.mark.django_db
SOON = timedelta(days=2)


class TestAfterLeave:
    @pytest.mark.parametrize(("leave", "punch", "side", "when", "too_late"), [
        (("00:00", "13:30"), "18:00", "in", "13:29", "16:00"),
        (("12:00", "+00:00"), "07:59", "out", "11:30", "09:00"),
    ])  # fmt: skip
    def test_the_half_that_remains_has_windows_of_its_own(
        self, alpha: Tenant, leave: tuple[str, str], punch: str, side: str, when: str, too_late: str
    ) -> None:
        staff, worker = make_worker(alpha)
        make_leave(staff, at(alpha, leave[0]), at(alpha, leave[1]))
        instance = make_day(alpha, staff, punch)
        assert result_of(instance).mark in (Mark.MISSING_IN, Mark.MISSING_OUT)
        given = {"instance_id": instance.pk, "side": side, "reason": "忘了", "tenant": alpha}
        now = at(alpha, "09:00") + SOON
        with pytest.raises(errors.CorrectionTimeWrong):
            operations.ask_correction(at=at(alpha, too_late), by=worker, now=now, **given)
        row = operations.ask_correction(at=at(alpha, when), by=worker, now=now, **given)
        operations.decide_correction(
            correction_id=row.pk, approved=True, by=make_member(alpha), tenant=alpha, now=now + timedelta(hours=1)
        )
        after = result_of(instance)
        assert after.mark in (Mark.NORMAL, Mark.EARLY) and {after.in_at, after.out_at} == {row.at, at(alpha, punch)}
