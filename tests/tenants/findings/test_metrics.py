"""按期整改率 judges the fixer by when the fix came, never by when somebody looked at it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from identity.choices import Role
from kernel.tenancy import Tenant
from tenants.findings import metrics, operations
from tenants.findings.metrics import Count3
from tenants.findings.models import Finding
from tests.factories.findings import make_closed, make_finding, make_member, make_photo, make_submitted

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
LATE = timedelta(days=8)  # past the seven days of a minor finding


def in_time() -> Count3:
    found = metrics.counts(starts=NOW, ends=NOW + timedelta(days=30))
    return next(row for row in found if row.code == "findings_closed_on_time")


def hand_in(tenant: Tenant, found: Finding, *, now: datetime) -> None:
    fixer = make_member(tenant, Role.PROVIDER_MANAGER, provider_id=found.party.provider_id)
    photo = make_photo(tenant, fixer)
    operations.submit_fix(finding_id=found.pk, photo_ids=[photo.pk], by=fixer, tenant=tenant, now=now)


def test_a_fix_in_time_that_waits_is_in_neither_number(alpha: Tenant) -> None:
    make_closed(alpha, now=NOW)
    make_finding(alpha, now=NOW)
    make_submitted(alpha, now=NOW)
    found = in_time()
    assert (found.numerator, found.denominator, found.n, found.coverage) == (1, 2, 2, Decimal("0.6667"))


def test_where_all_wait_nothing_is_said(alpha: Tenant) -> None:
    make_submitted(alpha, now=NOW)
    found = in_time()
    assert (found.numerator, found.denominator, found.coverage) == (0, 0, 0)


def test_a_verdict_after_the_deadline_counts_as_in_time(alpha: Tenant) -> None:
    found = make_submitted(alpha, now=NOW)
    operations.verify_pass(finding_id=found.pk, by=make_member(alpha), tenant=alpha, now=NOW + LATE)
    now = in_time()
    assert (now.numerator, now.denominator, now.coverage) == (1, 1, 1)


def test_a_fix_handed_in_late_is_late_while_it_waits(alpha: Tenant) -> None:
    found = make_submitted(alpha, now=NOW)
    Finding.objects.filter(pk=found.pk).update(submitted_at=NOW + LATE, first_submitted_at=NOW + LATE)
    now = in_time()
    assert (now.numerator, now.denominator, now.coverage) == (0, 1, 1)


def test_one_sent_back_is_judged_by_what_is_handed_in_next(alpha: Tenant) -> None:
    found = make_submitted(alpha, now=NOW)
    operations.verify_reject(
        finding_id=found.pk, reason="没有修好", by=make_member(alpha), tenant=alpha, now=NOW + timedelta(days=1)
    )
    sent_back = in_time()
    assert (sent_back.numerator, sent_back.denominator, sent_back.coverage) == (0, 1, 1)
    hand_in(alpha, found, now=NOW + timedelta(days=2))
    assert in_time().denominator == 0
    operations.verify_reject(
        finding_id=found.pk, reason="仍没有修好", by=make_member(alpha), tenant=alpha, now=NOW + timedelta(days=3)
    )
    hand_in(alpha, found, now=NOW + LATE)
    again = in_time()
    assert (again.numerator, again.denominator, again.coverage) == (0, 1, 1)


def test_seen_on_site_without_a_fix_handed_in_does_not_leave_the_denominator(alpha: Tenant) -> None:
    found = make_finding(alpha, now=NOW)
    operations.confirm_on_site(
        finding_id=found.pk, solved=True, by=make_member(alpha), tenant=alpha, now=NOW + timedelta(days=1)
    )
    found.refresh_from_db()
    seen = in_time()
    assert found.status == "verifying"
    assert (seen.numerator, seen.denominator, seen.coverage) == (0, 1, 1)


def test_weeks_begin_on_monday_where_the_school_is_and_empty_ones_are_there(alpha: Tenant) -> None:
    sunday_night = datetime(2026, 11, 15, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    make_finding(alpha, now=sunday_night)
    make_finding(alpha, now=sunday_night + timedelta(minutes=2))
    make_closed(alpha, now=NOW)
    weeks = metrics.weekly(until=NOW.date(), weeks=3, tz=alpha.tz)
    assert [(w.first.day, w.found, w.closed) for w in weeks] == [(2, 0, 0), (9, 1, 0), (16, 2, 1)]
