"""Two people at the same moment: a round closes once, and nothing is scored after it closed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections

from institute.schools.queries import tenant_for
from kernel import jobs
from kernel.errors import DomainError
from kernel.tenancy import Tenant, public_context, school_context
from tenants.evaluations import operations, queries
from tenants.evaluations.models import Deduction, Round
from tenants.timeline.models import Event
from tests.factories.evaluations import NOW, admin, hand_in_all, make_round, supervisor


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    """School alpha in a database of its own without a surrounding transaction: a closed round cannot be deleted."""
    from tests import databases

    monkeypatch.setattr(jobs, "_sender", [lambda name, payload: None])
    before = connection.settings_dict["NAME"]
    name = f"cielm_test_rounds_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with django_db_blocker.unblock():
        databases.create(name)
        databases.use(name)
        with public_context():
            tenant = tenant_for("s_alpha")
        with school_context(tenant):
            yield tenant
        databases.use(before)
        databases.drop(name)


def at_once(tenant: Tenant, *calls: Callable[[], Any]) -> list[str]:
    """Run the calls in threads that start together; what each came to: "done" or the refusal's code."""
    gate, outcome = threading.Barrier(len(calls)), [""] * len(calls)

    def run(n: int, call: Callable[[], Any]) -> None:
        try:
            with school_context(tenant):
                gate.wait()
                call()
            outcome[n] = "done"
        except DomainError as refused:
            outcome[n] = refused.code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n, call)) for n, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcome)


def test_a_round_closes_once(committed: Tenant) -> None:
    row = make_round(committed)
    hand_in_all(row, committed)
    operations.compute_round(round_id=row.pk, by=supervisor(committed), tenant=committed, now=NOW)

    def close() -> None:
        operations.close_round(round_id=row.pk, by=admin(committed), tenant=committed, now=NOW)

    assert at_once(committed, close, close, close) == ["done", "round_closed", "round_closed"]
    assert Event.objects.filter(verb="round.closed", subject_id=str(row.pk)).count() == 1


def test_two_compute_at_once_and_agree(committed: Tenant) -> None:
    row = make_round(committed)
    hand_in_all(row, committed)

    def compute() -> None:
        operations.compute_round(round_id=row.pk, by=supervisor(committed), tenant=committed, now=NOW)

    assert at_once(committed, compute, compute) == ["done", "done"]
    assert Event.objects.filter(verb="round.computed", subject_id=str(row.pk)).count() == 1
    assert queries.unharmed(Round.objects.get(pk=row.pk))


def test_a_deduction_beside_the_closing_is_in_or_refused_never_lost(committed: Tenant) -> None:
    row = make_round(committed)
    hand_in_all(row, committed)
    operations.compute_round(round_id=row.pk, by=supervisor(committed), tenant=committed, now=NOW)
    item = row.sheet["sections"][0]["items"][0]["id"]
    cell = {"round_id": row.pk, "source_id": row.sources.get(mode="sheet").pk, "area_id": row.areas.get().pk}

    def deduct() -> None:
        operations.deduct(
            **cell, item_key=item, occurrences=1, reason="积水", by=supervisor(committed), tenant=committed, now=NOW
        )

    def close() -> None:
        operations.close_round(round_id=row.pk, by=admin(committed), tenant=committed, now=NOW)

    outcome = at_once(committed, deduct, close)
    row.refresh_from_db()
    if row.status == "closed":
        assert outcome == ["done", "round_closed"] and not Deduction.objects.exists()
        assert row.score == Decimal("97.00")
    else:
        assert outcome == ["done", "round_not_computed"] and Deduction.objects.count() == 1
