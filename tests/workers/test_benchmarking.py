"""Facts flow up from a school: reconciled, idempotent, caught up, safe to kill."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from institute.benchmarking import operations, queries
from institute.benchmarking.models import Fact, MetricDefinition, Watermark
from institute.schools.models import School
from kernel import clock
from kernel.tenancy import Tenant, connection, public_context, school_context
from tenants.evaluations.models import Round
from tests.factories.benchmarking import analyst
from tests.factories.evaluations import closed_round, make_round
from tests.factories.findings import make_closed, make_finding, make_submitted
from tests.factories.organisation import make_contract
from workers.tasks import benchmarking as task

OCTOBER = date(2026, 10, 1)
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def fact(tenant: Tenant, code: str, month: date = OCTOBER, line: str = "") -> Fact | None:
    return Fact.objects.filter(school_id=tenant.school_id, metric_code=code, period=month, line=line).first()


def test_facts_agree_with_the_school(alpha: Tenant) -> None:
    scores = [closed_round(alpha, party=make_contract(), raw=raw).score for raw in ("90", "80.5")]
    make_round(alpha, party=make_contract())  # open: counts against coverage
    for hour in range(3):
        make_finding(alpha, now=datetime(2026, 10, 5, hour, tzinfo=UTC))
    make_closed(alpha, now=datetime(2026, 10, 6, tzinfo=UTC))
    task.flow(alpha)
    score = fact(alpha, "round_score")
    assert score is not None
    assert (score.numerator, score.denominator, score.n) == (sum(scores), 2, 2)
    assert score.coverage == Decimal("0.6667") and score.trial is False
    raised, in_time = fact(alpha, "findings_raised"), fact(alpha, "findings_closed_on_time")
    assert raised is not None and raised.numerator == 4
    assert in_time is not None and (in_time.numerator, in_time.denominator) == (1, 4)
    assert {m.code for m in MetricDefinition.objects.all()} == set(task.METRICS)


def test_a_fix_that_waits_for_its_verdict_lowers_coverage_not_the_rate(alpha: Tenant) -> None:
    then = datetime(2026, 10, 6, tzinfo=UTC)
    make_closed(alpha, now=then)
    make_submitted(alpha, now=then)
    task.flow(alpha)
    in_time = fact(alpha, "findings_closed_on_time")
    assert in_time is not None and (in_time.numerator, in_time.denominator, in_time.n) == (1, 1, 1)
    assert in_time.coverage == Decimal("0.5")


def test_running_again_changes_nothing(alpha: Tenant) -> None:
    closed_round(alpha)
    make_finding(alpha, now=datetime(2026, 10, 5, tzinfo=UTC))
    assert task.flow(alpha) > 0
    before = list(Fact.objects.order_by("id").values())
    assert task.flow(alpha) == 0
    assert list(Fact.objects.order_by("id").values()) == before


def test_a_late_change_finds_its_month(alpha: Tenant) -> None:
    closed_round(alpha, party=make_contract(), month=6)
    task.flow(alpha)
    closed_round(alpha, party=make_contract(), month=6, raw="70")
    assert task.flow(alpha, since=date(2026, 6, 1)) > 0
    score = fact(alpha, "round_score", date(2026, 6, 1))
    assert score is not None and score.n == 2


def test_what_is_gone_in_the_school_goes_from_the_facts(alpha: Tenant) -> None:
    found = make_finding(alpha, now=datetime(2026, 10, 5, tzinfo=UTC))
    task.flow(alpha)
    assert fact(alpha, "findings_raised") is not None
    type(found).objects.filter(pk=found.pk).delete()
    task.flow(alpha)
    assert fact(alpha, "findings_raised") is None


def test_months_before_the_first_work_have_no_facts(alpha: Tenant) -> None:
    make_finding(alpha, now=datetime(2026, 10, 5, tzinfo=UTC))
    task.flow(alpha)
    assert min(Fact.objects.filter(school_id=alpha.school_id).values_list("period", flat=True)) == OCTOBER


def test_it_catches_up_after_downtime(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 5, 10, tzinfo=UTC))
    make_finding(alpha, now=datetime(2026, 5, 5, tzinfo=UTC))
    task.flow(alpha)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    for month in (6, 7, 8, 9):
        make_finding(alpha, now=datetime(2026, month, 5, tzinfo=UTC))
    task.flow(alpha)
    months = Fact.objects.filter(school_id=alpha.school_id, metric_code="findings_raised", line="")
    assert sorted(months.values_list("period__month", flat=True)) == [5, 6, 7, 8, 9]
    assert set(Watermark.objects.values_list("through", flat=True)) == {date(2026, 11, 1)}


def test_killed_in_the_middle_the_next_run_finishes(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    for month in (7, 8, 9, 10):
        make_finding(alpha, now=datetime(2026, month, 5, tzinfo=UTC))
    real, calls = operations.record_month, []

    def dies(**values: object) -> int:
        calls.append(values["month"])
        if values["month"] == date(2026, 9, 1):
            raise KeyboardInterrupt
        return real(**values)  # type: ignore[arg-type]

    monkeypatch.setattr(operations, "record_month", dies)
    with pytest.raises(KeyboardInterrupt):
        task.flow(alpha)
    assert connection.schema_name == alpha.schema
    assert fact(alpha, "findings_raised", date(2026, 8, 1)) and not fact(alpha, "findings_raised", date(2026, 9, 1))
    assert set(Watermark.objects.values_list("through", flat=True)) == {date(2026, 8, 1)}
    monkeypatch.setattr(operations, "record_month", real)
    task.flow(alpha)
    assert all(fact(alpha, "findings_raised", date(2026, m, 1)) for m in (7, 8, 9, 10))


def test_a_school_on_trial_is_flagged_and_stays_flagged(alpha: Tenant) -> None:
    closed_round(alpha)
    task.flow(replace(alpha, trial=True))
    task.flow(alpha)
    score = fact(alpha, "round_score")
    assert score is not None and score.trial
    row = queries.side_by_side(by=analyst(), code="round_score", month=OCTOBER).rows[0]
    assert row.silence == "trial" and row.place is None


def test_two_schools_flow_side_by_side(alpha: Tenant, beta: Tenant) -> None:
    closed_round(alpha, raw="90")
    with school_context(beta):
        closed_round(beta, raw="70")
    task.flow(alpha)
    with school_context(beta):
        task.flow(beta)
    rows = queries.side_by_side(by=analyst(), code="round_score", month=OCTOBER).rows
    assert [(r.slug, r.value) for r in rows] == [("alpha", Decimal("97.00")), ("beta", Decimal("91.00"))]


def test_facts_hold_no_detail_of_a_school() -> None:
    columns = {f.name for f in Fact._meta.get_fields()}
    assert columns == {
        "id", "school_id", "metric_code", "metric_version", "grain", "period", "line", "numerator", "denominator",
        "n", "coverage", "trial", "recorded_at",
    }  # fmt: skip


def test_closing_a_round_asks_for_the_flow(alpha: Tenant, django_capture_on_commit_callbacks, monkeypatch) -> None:
    sent: list[tuple[str, dict]] = []
    monkeypatch.setattr("kernel.jobs._sender", [lambda name, payload: sent.append((name, dict(payload)))])
    with django_capture_on_commit_callbacks(execute=True):
        closed_round(alpha)
    assert ("benchmarking.flow_up", {"since": "2026-10-01", "schema": "s_alpha"}) in sent
    assert Round.objects.get().status == "closed"


def test_the_sweep_asks_for_schools_not_looked_at(
    alpha: Tenant, django_capture_on_commit_callbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("kernel.jobs._sender", [lambda name, payload: sent.append(f"{name} {payload['schema']}")])
    task.flow(alpha)
    with django_capture_on_commit_callbacks(execute=True), public_context():
        task.sweep.run()
    assert sent == ["benchmarking.flow_up s_beta"]
    assert School.objects.count() == 2
