"""Coverage and finding metrics: numerator, denominator, and what does not count."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from kernel import clock
from kernel.clock import day_bounds, month_bounds
from kernel.tenancy import Tenant
from tenants.findings import metrics as finding_metrics
from tenants.findings import operations as findings
from tenants.inspections import metrics
from tests.factories.findings import make_closed, make_finding, make_member, make_submitted
from tests.factories.inspections import make_done, make_inspection
from tests.factories.organisation import make_place

NOW = clock.now()


def test_coverage_counts_places_not_walks(alpha: Tenant, django_assert_num_queries) -> None:
    campus = make_place()
    one, two = make_place(parent=campus), make_place(parent=campus)
    yard = make_place(parent=campus, kind="area")
    floor = make_place(parent=one)
    make_place(parent=floor, kind="area")  # inside a building: not a place of its own
    closed = make_place(parent=campus)
    closed.active = False
    closed.save()
    for place in (floor, floor, yard):
        make_done(alpha, place=place, now=NOW)
    make_inspection(alpha, place=two, now=NOW)  # not finished
    make_done(alpha, place=two, now=NOW - timedelta(days=90))  # long ago
    period = {"starts": NOW - timedelta(days=7), "ends": NOW + timedelta(days=1)}
    with django_assert_num_queries(1):
        (whole,) = metrics.coverage(**period)
    assert (whole.numerator, whole.denominator, whole.n) == (2, 3, 3)
    assert [(p.place_id, p.inspections) for p in metrics.places(**period)] == [(two.pk, 0), (yard.pk, 1), (one.pk, 2)]
    (cleaning,) = metrics.coverage(**period, by=["line"])
    assert (cleaning.key, cleaning.numerator) == (("cleaning",), 2)
    (none,) = metrics.coverage(**period, line="canteen")
    assert (none.numerator, none.denominator) == (0, 3)


def test_findings_in_numbers(alpha: Tenant, django_assert_num_queries) -> None:
    by = make_member(alpha)
    then = NOW - timedelta(days=10)
    make_closed(alpha, now=then)  # in time
    late = make_submitted(alpha, now=then)
    late.submitted_at = late.deadline + timedelta(hours=1)
    late.save()
    findings.verify_pass(finding_id=late.pk, by=by, tenant=alpha, now=NOW)
    make_finding(alpha, now=then)  # overdue and open
    make_finding(alpha, now=NOW)  # its deadline lies beyond the period
    voided = make_finding(alpha, by=by, now=then)
    findings.void(finding_id=voided.pk, reason="看错", by=by, tenant=alpha, now=NOW)
    again = make_closed(alpha, now=then)
    findings.reopen(finding_id=again.pk, reason="又坏了", by=by, tenant=alpha, now=NOW)
    period = {"starts": NOW - timedelta(days=20), "ends": NOW + timedelta(hours=1)}
    with django_assert_num_queries(1):
        raised, on_time, reopened, first_fix = finding_metrics.counts(**period)
    assert raised.numerator == 5
    assert (on_time.numerator, on_time.denominator) == (1, 3)
    assert (reopened.numerator, reopened.denominator) == (1, 3)
    assert (first_fix.numerator, first_fix.denominator) == (2, 3)  # the one opened again did not hold
    assert len(finding_metrics.counts(**period, by=["party", "line"])) == 4 * 5
    assert [c.numerator for c in finding_metrics.counts(**period, line="canteen")] == [0, 0, 0, 0]


def test_readings_of_a_month(alpha: Tenant) -> None:
    today = NOW.astimezone(alpha.tz).date()
    first, _after = month_bounds(today)
    make_finding(alpha, now=day_bounds(first, alpha.tz)[0])
    make_finding(alpha, now=day_bounds(first, alpha.tz)[0] - timedelta(seconds=1))  # the month before
    raised = finding_metrics.readings(month=today, tz=alpha.tz)["findings_raised"]
    assert [(r.line, r.numerator) for r in raised if r.numerator] == [("", Decimal(1)), ("cleaning", Decimal(1))]
    (whole,) = metrics.readings(month=today, tz=alpha.tz)["inspection_coverage"]
    assert (whole.month, whole.line, whole.numerator) == (first, "", 0)
