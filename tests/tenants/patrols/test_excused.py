"""A phone without network is no absence: nothing is found while it may still report, and what it reports counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kernel.anchors import Counted, anchor
from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant
from tenants.findings import operations as findings
from tenants.findings.choices import FindingStatus, StepKind
from tenants.findings.models import Finding
from tenants.notices.models import Notice
from tenants.patrols import errors, operations, queries
from tenants.patrols.choices import StopStatus, TourStatus
from tenants.patrols.models import Stop, Tour
from tenants.patrols.operations import ScanDraft
from tenants.timeline.models import Event
from tests.factories.findings import make_member
from tests.factories.patrols import anchored, due_tour, make_guard, make_route, walk

NOW = datetime(2026, 11, 25, 22, 0, tzinfo=SHANGHAI).astimezone(UTC)
WINDOW = (21 * 60, 22 * 60 + 30)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def by_the_wall(tenant: Tenant, at: datetime) -> Counted:
    """The page was closed meanwhile: how long ago is the difference of the phone's own clock."""
    return Counted(anchor(schema=tenant.schema, now=at), elapsed_ms=0, monotonic=False)


def report(
    tenant: Tenant, tour: Tour, by: object, *, positions: list[int], now: datetime, at: datetime = NOW, counted=anchored
) -> None:
    """The scans of some points, one a minute from `at` on, arrive at `now`."""
    for stop in Stop.objects.filter(tour=tour, position__in=positions).select_related("point__place"):
        when = at + stop.position * MINUTE
        seen = ScanDraft(at=when, counted=counted(tenant, when), code=stop.point.place.code)
        operations.scan(tour_id=tour.pk, seen=seen, by=by, tenant=tenant, now=now)


def refused(tenant: Tenant):
    """A missed tour whose explanation a supervisor refused: there is a finding at once."""
    route = make_route(tenant, now=NOW, window=WINDOW)
    guard, tour = make_guard(tenant, route.party), due_tour(tenant, route, now=NOW)
    operations.sweep(tenant=tenant, now=NOW + HOUR)
    operations.explain(tour_id=tour.pk, text="手机没有网络，人到了", by=guard, tenant=tenant, now=NOW + HOUR)
    supervisor = make_member(tenant)
    operations.review(
        tour_id=tour.pk, accepted=False, note="没有任何记录", by=supervisor, tenant=tenant, now=NOW + 2 * HOUR
    )
    return tour, guard, Finding.objects.get(source_id=tour.pk), supervisor


def walk_late(tenant: Tenant, tour: Tour, guard: object, *, now: datetime, counted=anchored, at: datetime = NOW):
    operations.start_tour(tour_id=tour.pk, at=NOW, counted=anchored(tenant, NOW), by=guard, tenant=tenant, now=now)
    report(tenant, tour, guard, positions=[0, 1, 2], now=now, at=at, counted=counted)
    end = at + 10 * MINUTE
    return operations.finish_tour(
        tour_id=tour.pk, at=end, counted=counted(tenant, end), by=guard, tenant=tenant, now=now
    )


def test_nothing_is_found_while_a_phone_may_report_and_what_it_reports_is_the_end_of_it(alpha: Tenant) -> None:
    supervisor = make_member(alpha)
    route = make_route(alpha, now=NOW, window=WINDOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    for hours in (1, 30, 71):
        operations.sweep(tenant=alpha, now=NOW + hours * HOUR)
    assert queries.found_after(tour) == tour.ends_at + 72 * HOUR
    assert Notice.objects.filter(account_id=supervisor.account_id, occasion=f"patrol.missed:{tour.pk}").exists()
    assert walk_late(alpha, tour, guard, now=NOW + 71 * HOUR).status == TourStatus.DONE
    for hours in (72, 100, 200):
        operations.sweep(tenant=alpha, now=NOW + hours * HOUR)
    assert not Finding.objects.filter(source_id=tour.pk).exists()  # only those of the next days


def test_a_tour_its_walker_ended_has_a_day_and_one_the_platform_ended_waits(alpha: Tenant) -> None:
    ended_route, left_route = (make_route(alpha, now=NOW, window=WINDOW) for _n in range(2))
    ended = due_tour(alpha, ended_route, now=NOW)
    walk(alpha, ended, make_guard(alpha, ended_route.party), at=NOW, gaps=[60])
    left, guard = due_tour(alpha, left_route, now=NOW), make_guard(alpha, left_route.party)
    operations.start_tour(tour_id=left.pk, at=NOW, by=guard, tenant=alpha, now=NOW)
    for hours in (3, 26):
        operations.sweep(tenant=alpha, now=NOW + hours * HOUR)
    for tour, wait in ((ended, 24), (left, 72)):
        tour.refresh_from_db()
        assert queries.found_after(tour) == tour.ends_at + wait * HOUR
    assert set(Finding.objects.values_list("source_id", flat=True)) == {ended.pk}
    operations.sweep(tenant=alpha, now=NOW + 73 * HOUR)
    assert Finding.objects.filter(source_id=left.pk).exists()


def test_who_went_offline_on_the_way_reports_and_ends_what_the_platform_ended(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, window=WINDOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    operations.start_tour(tour_id=tour.pk, at=NOW, by=guard, tenant=alpha, now=NOW)
    report(alpha, tour, guard, positions=[0], now=NOW)
    operations.sweep(tenant=alpha, now=NOW + 3 * HOUR)
    tour.refresh_from_db()
    assert (tour.status, tour.finished_at) == (TourStatus.PARTIAL, NOW)
    late = NOW + 30 * HOUR
    with pytest.raises(errors.TourClosed):  # not what was made hours after the window
        report(alpha, tour, guard, positions=[1], now=late, at=NOW + 5 * HOUR)
    report(alpha, tour, guard, positions=[1, 2], now=late)
    end = NOW + 10 * MINUTE
    operations.finish_tour(tour_id=tour.pk, at=end, counted=anchored(alpha, end), by=guard, tenant=alpha, now=late)
    tour.refresh_from_db()
    assert (tour.status, tour.finished_at, tour.abandoned_at) == (TourStatus.DONE, end, None)
    with pytest.raises(errors.TourClosed):
        operations.finish_tour(tour_id=tour.pk, at=end, by=guard, tenant=alpha, now=late)


def test_a_walk_in_time_by_the_servers_clock_takes_the_finding_back_and_says_so(alpha: Tenant) -> None:
    tour, guard, found, supervisor = refused(alpha)
    walk_late(alpha, tour, guard, now=NOW + 30 * HOUR)
    found.refresh_from_db()
    assert found.status == FindingStatus.VOID
    step = found.steps.get(kind=StepKind.VOIDED)
    assert tour.number in step.text and "上传" in step.text and step.account_id is None
    assert Event.objects.filter(verb="finding.voided", subject_id=str(found.pk)).exists()
    assert Event.objects.filter(verb="patrol.finding_taken_back", subject_id=str(tour.pk)).count() == 1
    assert Notice.objects.filter(account_id=supervisor.account_id, occasion=f"finding.voided:{found.pk}").exists()
    operations.sweep(tenant=alpha, now=NOW + 100 * HOUR)
    assert not Finding.objects.filter(source_id=tour.pk).exclude(pk=found.pk).exists()


@pytest.mark.parametrize(("counted", "after"), [(by_the_wall, timedelta(0)), (anchored, 4 * HOUR)])
def test_a_clock_that_can_be_set_and_a_walk_out_of_time_leave_it_to_a_human(alpha: Tenant, counted, after) -> None:
    tour, guard, found, supervisor = refused(alpha)
    walk_late(alpha, tour, guard, now=NOW + 30 * HOUR, counted=counted, at=NOW + after)
    found.refresh_from_db()
    assert found.status == FindingStatus.OPEN
    assert "请核实后作废或保留" in found.steps.filter(kind=StepKind.COMMENTED).last().text
    asked = Notice.objects.filter(account_id=supervisor.account_id, occasion__startswith="finding.spoken_for:")
    assert asked.count() == 1
    findings.void(finding_id=found.pk, reason="核实到过", by=supervisor, tenant=alpha, now=NOW + 31 * HOUR)


def test_what_is_still_missing_keeps_the_finding_which_says_what_came(alpha: Tenant) -> None:
    tour, guard, found, _supervisor = refused(alpha)
    operations.start_tour(tour_id=tour.pk, at=NOW, by=guard, tenant=alpha, now=NOW + 30 * HOUR)
    report(alpha, tour, guard, positions=[0, 1], now=NOW + 30 * HOUR)
    found.refresh_from_db()
    assert found.status == FindingStatus.OPEN
    said = [s.text for s in found.steps.filter(kind=StepKind.COMMENTED)]
    assert len(said) == 2 and said[-1].endswith("还有 1 个点没有到")
    report(alpha, tour, guard, positions=[0, 1, 2], now=NOW + 31 * HOUR)  # what came before changes nothing
    found.refresh_from_db()
    assert found.status == FindingStatus.VOID
    assert found.steps.filter(kind=StepKind.COMMENTED).count() == 2


def test_a_closed_finding_stays_closed_and_is_told(alpha: Tenant) -> None:
    tour, guard, found, _supervisor = refused(alpha)
    Finding.objects.filter(pk=found.pk).update(status=FindingStatus.CLOSED, closed_at=NOW + 3 * HOUR)
    walk_late(alpha, tour, guard, now=NOW + 30 * HOUR)
    found.refresh_from_db()
    assert found.status == FindingStatus.CLOSED
    assert "已按时巡完" in found.steps.filter(kind=StepKind.COMMENTED).last().text


def test_a_refusal_after_the_finding_opens_no_second_one(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, window=WINDOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    for hours in (1, 73):
        operations.sweep(tenant=alpha, now=NOW + hours * HOUR)
    late = NOW + 74 * HOUR
    operations.explain(tour_id=tour.pk, text="全员抢修停电", by=guard, tenant=alpha, now=late)
    operations.review(tour_id=tour.pk, accepted=False, note="没有停电", by=make_member(alpha), tenant=alpha, now=late)
    found = Finding.objects.get(source_id=tour.pk)
    assert found.source_key == "unexplained"
    assert found.steps.filter(kind=StepKind.COMMENTED, text__contains="没有停电").exists()
    assert set(Stop.objects.filter(tour=tour).values_list("status", flat=True)) == {StopStatus.REFUSED}
