"""Two people at the same moment: a round closes once, and nothing is scored after it closed."""

from __future__ import annotations

from decimal import Decimal

from kernel.tenancy import Tenant
from tenants.evaluations import operations, queries
from tenants.evaluations.models import Deduction, Round
from tenants.timeline.models import Event
from tests.at_once import outcomes
from tests.factories.evaluations import NOW, admin, hand_in_all, make_round, supervisor


def test_a_round_closes_once(committed_alpha: Tenant) -> None:
    row = make_round(committed_alpha)
    hand_in_all(row, committed_alpha)
    operations.compute_round(round_id=row.pk, by=supervisor(committed_alpha), tenant=committed_alpha, now=NOW)

    def close() -> None:
        operations.close_round(round_id=row.pk, by=admin(committed_alpha), tenant=committed_alpha, now=NOW)

    assert outcomes(committed_alpha, close, close, close) == ["done", "round_closed", "round_closed"]
    assert Event.objects.filter(verb="round.closed", subject_id=str(row.pk)).count() == 1


def test_two_compute_at_once_and_agree(committed_alpha: Tenant) -> None:
    row = make_round(committed_alpha)
    hand_in_all(row, committed_alpha)

    def compute() -> None:
        operations.compute_round(round_id=row.pk, by=supervisor(committed_alpha), tenant=committed_alpha, now=NOW)

    assert outcomes(committed_alpha, compute, compute) == ["done", "done"]
    assert Event.objects.filter(verb="round.computed", subject_id=str(row.pk)).count() == 1
    assert queries.unharmed(Round.objects.get(pk=row.pk))


def test_a_deduction_beside_the_closing_is_in_or_refused_never_lost(committed_alpha: Tenant) -> None:
    row = make_round(committed_alpha)
    hand_in_all(row, committed_alpha)
    operations.compute_round(round_id=row.pk, by=supervisor(committed_alpha), tenant=committed_alpha, now=NOW)
    item = row.sheet["sections"][0]["items"][0]["id"]
    cell = {"round_id": row.pk, "source_id": row.sources.get(mode="sheet").pk, "area_id": row.areas.get().pk}

    def deduct() -> None:
        operations.deduct(
            **cell,
            item_key=item,
            occurrences=1,
            reason="积水",
            by=supervisor(committed_alpha),
            tenant=committed_alpha,
            now=NOW,
        )

    def close() -> None:
        operations.close_round(round_id=row.pk, by=admin(committed_alpha), tenant=committed_alpha, now=NOW)

    outcome = outcomes(committed_alpha, deduct, close)
    row.refresh_from_db()
    if row.status == "closed":
        assert outcome == ["done", "round_closed"] and not Deduction.objects.exists()
        assert row.score == Decimal("97.00")
    else:
        assert outcome == ["done", "round_not_computed"] and Deduction.objects.count() == 1
