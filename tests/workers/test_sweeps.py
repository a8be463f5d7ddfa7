"""Sweeps with a deadline ask each school by a message of its own: what fails in one keeps nothing in another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kernel import clock, jobs
from kernel.tenancy import Tenant
from tenants.organisation.models import Staff
from tests.factories.organisation import make_staff
from workers.tasks import face, organisation


@pytest.mark.parametrize(
    ("sweep", "job"), [(organisation.part_leavers, "organisation.part_due"), (face.sweep_checks, "face.chase")]
)
def test_each_open_school_is_asked_by_itself(
    alpha: Tenant, beta: Tenant, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any,
    sweep: Any, job: str,
) -> None:  # fmt: skip
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(jobs, "_sender", [lambda name, payload: sent.append((name, payload["schema"]))])
    with django_capture_on_commit_callbacks(execute=True):
        sweep.run()
    assert {(job, alpha.schema), (job, beta.schema)} <= set(sent) and {name for name, _schema in sent} == {job}


def test_who_left_is_parted_with_and_who_has_not_is_not(alpha: Tenant) -> None:
    today = clock.now().date()
    gone, staying = make_staff(), make_staff()
    Staff.objects.filter(pk=gone.pk).update(left_on=today - timedelta(days=3))
    assert organisation.part_due.run(tenant=alpha) == 1
    assert organisation.part_due.run(tenant=alpha) == 0
    assert dict(Staff.objects.values_list("pk", "status")) == {gone.pk: "left", staying.pk: "active"}
