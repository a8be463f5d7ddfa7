"""An explanation is a word until the school takes it; what happens on a walk stands on the timelines of its places."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from identity.choices import Role
from kernel.clock import SHANGHAI
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.findings.models import Finding
from tenants.notices.models import Notice
from tenants.organisation.models import Place, Staff
from tenants.patrols import errors, operations, queries
from tenants.patrols.choices import Doubt, StopStatus
from tenants.patrols.models import PatrolRule, Stop, Tour
from tenants.patrols.operations import PointDraft, ScanDraft
from tenants.timeline.models import Event
from tests.factories.findings import make_member
from tests.factories.organisation import make_place, make_post
from tests.factories.patrols import anchored, due_tour, make_guard, make_route, walk
from tests.web.test_findings import signed

NOW = datetime(2026, 11, 25, 22, 0, tzinfo=SHANGHAI).astimezone(UTC)
OVER = NOW + timedelta(hours=1)


def explained(tenant: Tenant) -> Tour:
    """A missed tour whose party has said why."""
    route = make_route(tenant, now=NOW, window=(21 * 60, 22 * 60 + 30))
    guard, tour = make_guard(tenant, route.party), due_tour(tenant, route, now=NOW)
    operations.sweep(tenant=tenant, now=OVER)
    operations.explain(tour_id=tour.pk, text="全员抢修停电", by=guard, tenant=tenant, now=OVER)
    return tour


def test_a_refused_explanation_opens_a_finding_at_once(alpha: Tenant) -> None:
    tour, supervisor = explained(alpha), make_member(alpha)
    with pytest.raises(Invalid):
        operations.review(tour_id=tour.pk, accepted=False, note="不", by=supervisor, tenant=alpha, now=OVER)
    note = "当晚没有停电记录"
    assert operations.review(tour_id=tour.pk, accepted=False, note=note, by=supervisor, tenant=alpha, now=OVER) == 3
    finding = Finding.objects.get(source_id=tour.pk)
    assert finding.title == f"{tour.route.name} 漏巡 3 个点，说明未被认可"
    assert "全员抢修停电" in finding.detail and note in finding.detail
    stop = Stop.objects.filter(tour=tour)[0]
    assert (stop.status, stop.reviewed_by, stop.review_note) == (StopStatus.REFUSED, supervisor.account_id, note)
    assert Notice.objects.filter(account_id=stop.explained_by, occasion__startswith="patrol.reviewed:").exists()
    with pytest.raises(errors.NothingToReview):
        operations.review(tour_id=tour.pk, accepted=True, by=supervisor, tenant=alpha, now=OVER)
    operations.sweep(tenant=alpha, now=NOW + timedelta(days=2))
    assert Finding.objects.filter(source_id=tour.pk).count() == 1


def test_an_accepted_one_opens_none_and_the_points_stay_missed(alpha: Tenant) -> None:
    tour, supervisor = explained(alpha), make_member(alpha)
    assert queries.tours(by=supervisor, waiting=True).get() == tour
    assert operations.review(tour_id=tour.pk, accepted=True, by=supervisor, tenant=alpha, now=OVER) == 3
    operations.sweep(tenant=alpha, now=NOW + timedelta(days=2))
    assert not Finding.objects.exists() and not queries.tours(by=supervisor, waiting=True).exists()
    assert set(Stop.objects.filter(tour=tour).values_list("status", flat=True)) == {StopStatus.ACCEPTED}


def test_nobody_takes_their_own_word_and_the_party_takes_none(alpha: Tenant) -> None:
    tour = explained(alpha)
    company = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=tour.route.party.provider_id)
    with pytest.raises(NotAllowed):
        operations.review(tour_id=tour.pk, accepted=True, by=company, tenant=alpha, now=OVER)
    supervisor = make_member(alpha)
    Stop.objects.filter(tour=tour).update(status=StopStatus.MISSED)
    operations.explain(tour_id=tour.pk, text="我替他们说明", by=supervisor, tenant=alpha, now=OVER)
    with pytest.raises(errors.OwnExplanation):
        operations.review(tour_id=tour.pk, accepted=True, by=supervisor, tenant=alpha, now=OVER)
    assert operations.review(tour_id=tour.pk, accepted=True, by=make_member(alpha), tenant=alpha, now=OVER) == 3


def test_an_explanation_asks_for_its_review_and_again_after_a_day(alpha: Tenant) -> None:
    supervisor = make_member(alpha)
    tour = explained(alpha)
    mine = Notice.objects.filter(account_id=supervisor.account_id)
    assert mine.filter(occasion__startswith=f"patrol.review:{tour.pk}").count() == 1
    operations.sweep(tenant=alpha, now=OVER + timedelta(hours=20))
    assert not mine.filter(occasion=f"patrol.review_late:{tour.pk}").exists()
    for hours in (25, 26):
        operations.sweep(tenant=alpha, now=OVER + timedelta(hours=hours))
    assert mine.filter(occasion=f"patrol.review_late:{tour.pk}").count() == 1


def test_refused_points_can_still_be_made_up_for(alpha: Tenant) -> None:
    tour = explained(alpha)
    operations.review(tour_id=tour.pk, accepted=False, note="没有记录", by=make_member(alpha), tenant=alpha, now=OVER)
    again = operations.reschedule(
        tour_id=tour.pk,
        starts_at=OVER,
        ends_at=OVER + timedelta(hours=1),
        by=make_member(alpha),
        tenant=alpha,
        now=OVER,
    )
    assert Stop.objects.filter(made_up_by=again).count() == 3


def test_what_was_missed_is_put_off_twice_and_then_explained(alpha: Tenant) -> None:
    by, tour = make_member(alpha), explained(alpha)

    def put_off(row: Tour, now: datetime) -> Tour:
        return operations.reschedule(
            tour_id=row.pk, starts_at=now, ends_at=now + timedelta(hours=1), by=by, tenant=alpha, now=now
        )

    for hours in (1, 3):
        again = put_off(tour, OVER + timedelta(hours=hours))
        operations.sweep(tenant=alpha, now=OVER + timedelta(hours=hours + 1.5))  # nobody walks it
        again.refresh_from_db()
        assert again.stops.filter(status=StopStatus.MISSED).count() == 3
        tour = again
    with pytest.raises(errors.MadeUpEnough) as refused:
        put_off(tour, OVER + timedelta(hours=5))
    assert "2 次" in str(refused.value.sentence)
    assert Tour.objects.filter(makes_up_for__isnull=False).count() == 2
    page = signed(by).get(f"/patrols/tours/{tour.pk}/").content.decode()
    assert "最后一次补巡" in page and "/reschedule/" not in page
    operations.explain(tour_id=tour.pk, text="连续三天封楼施工", by=by, tenant=alpha, now=OVER + timedelta(hours=5))


def test_how_often_it_may_be_put_off_is_the_schools_rule(alpha: Tenant) -> None:
    by, tour = make_member(alpha), explained(alpha)

    def put_off(row: Tour, hours: int) -> Tour:
        now = OVER + timedelta(hours=hours)
        again = operations.reschedule(
            tour_id=row.pk, starts_at=now, ends_at=now + timedelta(hours=1), by=by, tenant=alpha, now=now
        )
        operations.sweep(tenant=alpha, now=now + timedelta(hours=1.5))  # nobody walks it
        again.refresh_from_db()
        return again

    operations.set_rule(make_ups=0, by=by, tenant=alpha)
    with pytest.raises(errors.NoMakeUps):
        put_off(tour, 1)
    assert "本校不安排补巡" in signed(by).get(f"/patrols/tours/{tour.pk}/").content.decode()
    operations.set_rule(make_ups=3, by=by, tenant=alpha)
    for hours in (1, 3, 5):
        tour = put_off(tour, hours)
    with pytest.raises(errors.MadeUpEnough) as refused:
        put_off(tour, 7)
    assert "3 次" in str(refused.value.sentence)
    operations.set_rule(make_ups=4, by=by, tenant=alpha)
    put_off(tour, 7)
    assert Tour.objects.filter(makes_up_for__isnull=False).count() == 4


def test_who_plans_sets_the_rule_within_bounds(alpha: Tenant) -> None:
    by, guard = make_member(alpha), make_member(alpha, Role.FRONTLINE)
    assert queries.rule(by=by) == 2
    for wrong in (-1, 11):
        with pytest.raises(Invalid):
            operations.set_rule(make_ups=wrong, by=by, tenant=alpha)
    with pytest.raises(NotAllowed):
        operations.set_rule(make_ups=1, by=guard, tenant=alpha)
    assert signed(guard).get("/patrols/rules/").status_code == 403
    client = signed(by)
    assert 'value="2"' in client.get("/patrols/rules/").content.decode()
    assert client.post("/patrols/rules/", {"make_ups": "11"}).status_code == 422
    assert queries.rule(by=by) == 2
    assert client.post("/patrols/rules/", {"make_ups": "1"}).url == "/patrols/rules/"
    assert queries.rule(by=by) == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        PatrolRule.objects.update(make_ups=11)


def test_a_walk_stands_on_the_timelines_of_its_places_and_of_the_post(alpha: Tenant) -> None:
    building = make_place(parent=make_place())
    places = [make_place(parent=building, kind="point") for _n in range(2)]
    route = make_route(alpha, now=NOW, points=[PointDraft(p.pk) for p in places])
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    post = make_post(party=route.party)
    Staff.objects.filter(pk=guard.staff_id).update(post=post)
    walk(alpha, tour, guard, at=NOW, gaps=[60])

    def verbs(place: Place) -> list[str]:
        return list(Event.objects.filter(place_id=place.pk, verb__startswith="patrol.").values_list("verb", flat=True))

    assert verbs(places[0]) == ["patrol.scanned"]
    assert verbs(places[1]) == ["patrol.point_missed"]
    assert sorted(verbs(building)) == ["patrol.finished", "patrol.started"]
    mine = Event.objects.filter(verb__startswith="patrol.", subject_id=str(tour.pk))
    assert set(mine.values_list("post_id", "staff_id")) == {(post.pk, guard.staff_id)}


def test_a_missed_tour_is_told_on_each_of_its_places(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, window=(21 * 60, 22 * 60 + 30))
    due_tour(alpha, route, now=NOW)
    operations.sweep(tenant=alpha, now=OVER)
    places = set(route.points.values_list("place_id", flat=True))
    assert set(Event.objects.filter(verb="patrol.point_missed").values_list("place_id", flat=True)) == places


def test_a_tag_is_known_however_its_number_is_written(alpha: Tenant) -> None:
    one, two = make_place(), make_place()
    route = make_route(alpha, now=NOW, points=[PointDraft(one.pk, nfc_tag="04-A2 11"), PointDraft(two.pk)])
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    touched = ScanDraft(at=NOW, nfc_tag="04:a2:11")
    stop = operations.scan(tour_id=tour.pk, seen=touched, by=guard, tenant=alpha, now=NOW)
    assert (stop.status, stop.method, stop.point.place_id) == (StopStatus.SEEN, "nfc", one.pk)
    with pytest.raises(errors.NotOnRoute):
        operations.scan(tour_id=tour.pk, seen=ScanDraft(at=NOW, nfc_tag=":"), by=guard, tenant=alpha, now=NOW)
    with pytest.raises(Invalid):
        make_route(alpha, now=NOW, points=[PointDraft(one.pk, nfc_tag="04:a2"), PointDraft(two.pk, nfc_tag="04A2")])


def test_an_ordered_route_walked_backwards_is_doubted(alpha: Tenant) -> None:
    places = [make_place() for _n in range(4)]
    route = make_route(alpha, now=NOW, points=[PointDraft(p.pk, walk_seconds=600) for p in places])
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    for n, place in enumerate(reversed(places)):
        at = NOW + timedelta(seconds=102 * (n + 1))
        seen = ScanDraft(at=at, counted=anchored(alpha, at), code=place.code)
        operations.scan(tour_id=tour.pk, seen=seen, by=guard, tenant=alpha, now=at)
    at = NOW + timedelta(minutes=10)
    operations.finish_tour(tour_id=tour.pk, at=at, by=guard, tenant=alpha, now=at)
    operations.judge(tour_id=tour.pk, tenant=alpha, now=at)
    tour.refresh_from_db()
    assert {d["code"] for d in tour.doubts} == {Doubt.OUT_OF_ORDER, Doubt.TOO_FAST, Doubt.WEAK_SCANS}
    assert tour.credibility == 40
