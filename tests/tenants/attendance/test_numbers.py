"""Metrics and fill rate count what happened, whatever else the same shift came to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel.tenancy import Tenant
from tenants.attendance import coverage, metrics
from tests.factories.attendance import DAY, at, derive, make_day, make_worker
from tests.factories.organisation import make_party, make_post, make_staff
from tests.factories.punches import make_punch
from tests.factories.rosters import make_assignment, make_coverage, make_rule, make_shift, make_terms

pytestmark = pytest.mark.django_db


def counted(days: int = 1) -> dict[str, int]:
    rows = metrics.counts(first=DAY, after=DAY + timedelta(days=days))
    return {row.code.removeprefix("attendance_"): row.numerator for row in rows}


def test_late_and_early_in_one_shift_count_for_both(alpha: Tenant) -> None:
    make_day(alpha, make_worker(alpha)[0], "08:20", "17:30")
    assert counted() == {"present": 1, "late": 1, "early": 1, "absent": 0}


def test_late_and_then_no_out_punch_is_late(alpha: Tenant) -> None:
    make_day(alpha, make_worker(alpha)[0], "08:50")
    assert counted() == {"present": 1, "late": 1, "early": 0, "absent": 0}


def test_minutes_that_made_an_absence_count_as_absence_alone(alpha: Tenant) -> None:
    make_day(alpha, make_worker(alpha)[0], "10:30", "18:00")
    assert counted() == {"present": 1, "late": 0, "early": 0, "absent": 1}


def test_within_the_grace_is_neither(alpha: Tenant) -> None:
    make_day(alpha, make_worker(alpha)[0], "08:10", "18:00")
    assert counted() == {"present": 1, "late": 0, "early": 0, "absent": 0}


class TestRunning:
    """The fill of a shift that runs, as it is known now: 08:00–18:00, one person."""

    def present(self, alpha: Tenant, *punches: tuple[str, str], now: str, until: int = 1080) -> int:
        make_rule()
        post = make_post("大门", party=make_party("contract"))
        make_terms(post, hourly_rate="30.00")
        make_coverage(post, persons=1, span=(480, until))
        staff = make_staff("甲", post=post)
        make_assignment(alpha, day=DAY, staff=staff, shift=make_shift(spans=((480, 1080),)))
        for text, direction in punches:
            make_punch(staff, at=at(alpha, text), direction=direction)
        derive(alpha, now=at(alpha, now))
        (filled,) = coverage.filled(tenant=alpha, now=at(alpha, now), first=DAY, last=DAY)
        return filled.present

    def test_who_went_is_not_there_any_more(self, alpha: Tenant) -> None:
        assert self.present(alpha, ("07:58", "in"), ("13:30", "out"), now="17:30") == 330

    def test_who_came_back_from_a_break_is(self, alpha: Tenant) -> None:
        assert self.present(alpha, ("07:58", "in"), ("13:30", "out"), ("14:00", "in"), now="17:30") == 570

    def test_who_is_there_counts_up_to_now(self, alpha: Tenant) -> None:
        assert self.present(alpha, ("07:58", "in"), now="12:00") == 240

    def test_nobody_is_counted_beyond_the_end_of_the_shift(self, alpha: Tenant) -> None:
        assert self.present(alpha, ("07:58", "in"), now="19:30", until=1200) == 600
