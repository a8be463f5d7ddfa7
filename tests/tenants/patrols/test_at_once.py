"""Two hands at once on tours and routes: real connections, no surrounding transaction."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from django.db import connections, transaction

from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant, school_context
from tenants.findings.models import Finding
from tenants.patrols import operations
from tenants.patrols.choices import StopStatus, TourStatus
from tenants.patrols.models import Route, Stop, Tour
from tenants.patrols.operations import ScanDraft
from tests.at_once import at_once, outcomes
from tests.factories.findings import make_member
from tests.factories.patrols import due_tour, make_guard, make_route, walk

NOW = datetime(2026, 11, 25, 22, 0, tzinfo=SHANGHAI)


def in_a_thread(tenant: Tenant, work: object) -> threading.Thread:
    def run() -> None:
        with school_context(tenant):
            work()  # type: ignore[operator]
        connections.close_all()

    return threading.Thread(target=run)


def test_who_explains_while_the_sweep_looks_has_explained(committed_alpha: Tenant) -> None:
    tenant = committed_alpha
    route = make_route(tenant, now=NOW, window=(21 * 60, 23 * 60))
    guard = make_guard(tenant, route.party)
    tour = walk(tenant, due_tour(tenant, route, now=NOW), guard, at=NOW, gaps=[60])
    late = tour.ends_at + timedelta(hours=25)
    sweep = in_a_thread(tenant, lambda: operations.sweep(tenant=tenant, now=late))
    with transaction.atomic():
        operations.explain(tour_id=tour.pk, text="楼梯间在刷漆", by=guard, tenant=tenant, now=late)
        sweep.start()
        sweep.join(1.0)
    sweep.join(30)
    assert not Finding.objects.exists()
    assert Stop.objects.filter(tour=tour, status=StopStatus.EXPLAINED).count() == 2


def test_no_tours_are_made_of_a_route_that_is_being_closed(committed_alpha: Tenant) -> None:
    tenant = committed_alpha
    admin = make_member(tenant)
    for _n in range(4):
        route = make_route(tenant, now=NOW - timedelta(hours=1), window=(23 * 60, 24 * 60))
        outcomes(
            tenant,
            lambda: operations.make_tours(tenant=tenant, now=NOW),
            lambda route=route: operations.close_route(route_id=route.pk, by=admin, tenant=tenant, now=NOW),  # type: ignore[misc]
        )
        assert not Tour.objects.filter(route=route).exists()


def test_two_routes_of_one_name_at_once(committed_alpha: Tenant) -> None:
    tenant = committed_alpha
    first = make_route(tenant, now=NOW)
    places = list(first.points.values_list("place_id", flat=True))
    by = make_member(tenant)

    def save() -> Route:
        return operations.save_route(
            name="北区夜巡", party_id=first.party_id, line="security", ordered=True, by=by, tenant=tenant, now=NOW,
            points=[operations.PointDraft(p) for p in places], windows=[operations.WindowDraft(0, 60)],
        )  # fmt: skip

    assert outcomes(tenant, save, save) == ["done", "invalid"]


def test_a_scan_sent_twice_at_once_is_one_and_the_end_waits_for_it(committed_alpha: Tenant) -> None:
    tenant = committed_alpha
    route = make_route(tenant, now=NOW)
    guard, tour = make_guard(tenant, route.party), due_tour(tenant, route, now=NOW)
    operations.start_tour(tour_id=tour.pk, at=NOW, by=guard, tenant=tenant, now=NOW)
    codes = [p.place.code for p in route.points.select_related("place")]

    def scan(code: str) -> object:
        seen = ScanDraft(at=NOW + timedelta(minutes=1), code=code)
        return operations.scan(tour_id=tour.pk, seen=seen, by=guard, tenant=tenant, now=NOW + timedelta(minutes=2))

    def end() -> object:
        return operations.finish_tour(
            tour_id=tour.pk, at=NOW + timedelta(minutes=2), by=guard, tenant=tenant, now=NOW + timedelta(minutes=2)
        )

    answers = at_once(tenant, *[lambda c=c: scan(c) for c in (codes[0], codes[0], codes[1], codes[2])], end)  # type: ignore[misc]
    assert not [a for a in answers if isinstance(a, Exception)]
    tour.refresh_from_db()
    assert tour.status == TourStatus.DONE  # a scan made before the end counts, whichever came first
    assert Stop.objects.filter(tour=tour, status=StopStatus.SEEN).count() == 3
