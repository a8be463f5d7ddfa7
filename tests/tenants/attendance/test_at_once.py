"""Two hands on one person's month at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from kernel.errors import DomainError
from kernel.tenancy import Tenant
from tenants.attendance import operations
from tenants.attendance.models import Confirmation, Correction
from tests.at_once import at_once
from tests.factories.attendance import DAY, at, make_day, make_worker

SOON = timedelta(days=2)


def test_the_number_of_the_month_holds_for_two_asked_at_once(committed_alpha: Tenant) -> None:
    alpha = committed_alpha
    staff, worker = make_worker(alpha)
    shifts = [make_day(alpha, staff, "07:58", day=DAY + timedelta(days=n), corrections_per_month=1) for n in range(2)]

    def ask(n: int) -> Callable[[], Any]:
        return lambda: operations.ask_correction(
            instance_id=shifts[n].pk, side="out", at=at(alpha, "18:01", DAY + timedelta(days=n)), reason="忘了",
            by=worker, tenant=alpha, now=at(alpha, "09:00") + SOON,
        )  # fmt: skip

    answers = at_once(alpha, ask(0), ask(1))
    assert sorted(type(a).__name__ for a in answers) == ["Correction", "CorrectionsUsedUp"]
    assert Correction.objects.count() == 1


def test_nothing_is_asked_for_in_a_month_that_is_being_confirmed(committed_alpha: Tenant) -> None:
    alpha = committed_alpha
    staff, worker = make_worker(alpha)
    instance = make_day(alpha, staff, "07:58", correction_days=60)
    now = at(alpha, "09:00") + timedelta(days=25)
    answers = at_once(
        alpha,
        lambda: operations.ask_correction(
            instance_id=instance.pk, side="out", at=at(alpha, "18:01"), reason="忘了", by=worker, tenant=alpha, now=now
        ),
        lambda: operations.confirm_month(staff_id=staff.pk, month=DAY, by=worker, tenant=alpha, now=now),
    )  # fmt: skip
    refused = [a.code for a in answers if isinstance(a, DomainError)]
    assert refused in (["month_confirmed"], ["month_pending"])
    assert Confirmation.objects.count() + Correction.objects.count() == 1
