"""Tours fall due, are walked (late, twice, out of order), missed, explained, made up for and judged."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from PIL import Image

from identity.choices import Role
from kernel.anchors import Counted, anchor
from kernel.clock import SHANGHAI
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.evidence import operations as evidence
from tenants.findings.models import Finding
from tenants.notices.models import Notice
from tenants.organisation.models import Staff
from tenants.organisation.operations import set_party_active
from tenants.patrols import errors, metrics, operations, queries
from tenants.patrols.choices import Doubt, QuestionKind, ScanMethod, StopStatus, TourStatus
from tenants.patrols.models import Point, Route, Stop, Tour
from tenants.patrols.operations import PointDraft, QuestionDraft, ScanDraft, WindowDraft
from tenants.timeline.models import Event
from tests.factories.findings import make_member
from tests.factories.organisation import make_contract, make_place
from tests.factories.patrols import anchored, due_tour, make_guard, make_route, walk
from tests.tenants.evidence.test_alike import scene

NOW = datetime(2026, 11, 25, 22, 0, tzinfo=SHANGHAI).astimezone(UTC)


def photo(tenant: Tenant, by: object, image: Image.Image, quality: int = 85) -> object:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return evidence.keep_photo(upload=out.getvalue(), name="a.jpg", by=by, tenant=tenant, now=NOW).pk  # type: ignore[arg-type]


def code_of(stop: Stop) -> str:
    return str(Point.objects.select_related("place").get(pk=stop.point_id).place.code)


# --- Routes and what falls due --------------------------------------------------------------------


def test_tours_are_made_once_and_a_night_window_ends_on_the_next_day(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, window=(22 * 60, 30 * 60))
    assert operations.make_tours(tenant=alpha, now=NOW) > 0
    assert operations.make_tours(tenant=alpha, now=NOW) == 0
    tour = Tour.objects.filter(route=route).order_by("starts_at").first()
    assert tour is not None
    assert tour.starts_at.astimezone(SHANGHAI) == datetime(2026, 11, 25, 22, 0, tzinfo=SHANGHAI)
    assert tour.ends_at.astimezone(SHANGHAI) == datetime(2026, 11, 26, 6, 0, tzinfo=SHANGHAI)
    assert Tour.objects.filter(route=route).count() == 3  # today and two days ahead


def test_only_the_chosen_weekdays_fall_due(alpha: Tenant) -> None:
    wednesday = 1 << 2  # 2026-11-25 is one
    route = make_route(alpha, now=NOW, windows=[WindowDraft(0, 1440, wednesday)])
    operations.make_tours(tenant=alpha, now=NOW)
    assert [t.day.isoweekday() for t in Tour.objects.filter(route=route)] == [3]


def test_after_days_without_a_worker_the_days_between_are_made_and_found_missed(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, window=(8 * 60, 9 * 60))
    operations.make_tours(tenant=alpha, now=NOW)
    later = NOW + timedelta(days=5)
    operations.make_tours(tenant=alpha, now=later)
    operations.sweep(tenant=alpha, now=later)
    days = list(
        Tour.objects.filter(route=route, status=TourStatus.MISSED).values_list("day", flat=True).order_by("day")
    )
    assert [d.day for d in days] == [26, 27, 28, 29, 30]  # the window of the 25th was over when the route was made


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"points": []}, errors.RouteEmpty),
        ({"name": "夜"}, Invalid),
        ({"line": "moon"}, Invalid),
        ({"windows": []}, Invalid),
        ({"windows": [WindowDraft(600, 600)]}, Invalid),
        ({"windows": [WindowDraft(0, 60, 0)]}, Invalid),
        ({"windows": [WindowDraft(0, 2881)]}, Invalid),
    ],
)
def test_a_route_that_cannot_be_walked_is_refused(alpha: Tenant, change: dict[str, object], refused: type) -> None:
    with pytest.raises(refused):
        make_route(alpha, now=NOW, **change)
    assert not Route.objects.exists()


def test_the_same_place_twice_is_refused(alpha: Tenant) -> None:
    place = make_place()
    with pytest.raises(errors.PointTwice):
        make_route(alpha, now=NOW, points=[PointDraft(place.pk), PointDraft(place.pk)])


def test_a_guard_makes_no_routes(alpha: Tenant) -> None:
    with pytest.raises(NotAllowed):
        make_route(alpha, now=NOW, by=make_guard(alpha, make_contract()))


def test_changing_a_route_keeps_tours_begun_and_moves_those_to_come(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard = make_guard(alpha, route.party)
    tour = due_tour(alpha, route, now=NOW)
    operations.start_tour(tour_id=tour.pk, at=NOW, by=guard, tenant=alpha, now=NOW)
    kept = list(route.points.filter(removed_at__isnull=True).order_by("position"))
    make_route(
        alpha, now=NOW, route_id=route.pk, name=route.name, party=route.party,
        points=[PointDraft(kept[2].place_id), PointDraft(kept[0].place_id)], windows=[WindowDraft(60, 120)],
    )  # fmt: skip
    assert Stop.objects.filter(tour=tour).count() == 3
    points = list(route.points.filter(removed_at__isnull=True).order_by("position"))
    assert [p.pk for p in points] == [kept[2].pk, kept[0].pk]
    assert not Tour.objects.filter(route=route, status=TourStatus.DUE, window__start_minute=0).exists()


# --- Walking ---------------------------------------------------------------------------------------


def test_a_full_tour_is_done_and_judged(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    tour = due_tour(alpha, route, now=NOW)
    walk(alpha, tour, make_guard(alpha, route.party), at=NOW, gaps=[60, 240, 300])
    operations.judge(tour_id=tour.pk, tenant=alpha, now=NOW)
    tour.refresh_from_db()
    assert (tour.status, tour.credibility) == (TourStatus.DONE, 90)  # codes are weaker than tags
    assert [d["code"] for d in tour.doubts] == [Doubt.WEAK_SCANS]


def test_the_same_report_twice_is_one_stop_and_the_first_time_stays(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    operations.start_tour(tour_id=tour.pk, at=NOW, by=guard, tenant=alpha, now=NOW)
    stop = Stop.objects.filter(tour=tour).order_by("position")[0]
    for late in (1, 1, 30):
        draft = ScanDraft(at=NOW + timedelta(minutes=late), code=code_of(stop))
        operations.scan(
            tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=NOW + timedelta(minutes=40),
            client_key=f"key-{late}",
        )  # fmt: skip
    stop.refresh_from_db()
    assert stop.scanned_at == NOW + timedelta(minutes=1)


def test_scans_arrive_before_the_start_and_after_the_end(alpha: Tenant) -> None:
    """The outbox of an offline phone: a scan begins the tour, another is kept though the tour was ended before it came."""
    route = make_route(alpha, now=NOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    later = NOW + timedelta(hours=1)
    first = ScanDraft(at=NOW + timedelta(minutes=2), code=code_of_position(route, 0))
    operations.scan(tour_id=tour.pk, seen=first, by=guard, tenant=alpha, now=later)
    operations.start_tour(tour_id=tour.pk, at=NOW, by=guard, tenant=alpha, now=later)
    operations.finish_tour(tour_id=tour.pk, at=NOW + timedelta(minutes=20), by=guard, tenant=alpha, now=later)
    tour.refresh_from_db()
    assert tour.status == TourStatus.PARTIAL
    for n in (1, 2):
        draft = ScanDraft(at=NOW + timedelta(minutes=5 * n), code=code_of_position(route, n))
        operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=later)
    tour.refresh_from_db()
    assert tour.status == TourStatus.DONE
    with pytest.raises(errors.TourClosed):  # but not one made after the end
        after = ScanDraft(at=NOW + timedelta(minutes=30), code=code_of_position(route, 1))
        operations.scan(tour_id=tour.pk, seen=after, by=guard, tenant=alpha, now=later)


def code_of_position(route: Route, position: int) -> str:
    return str(route.points.select_related("place").get(position=position, removed_at__isnull=True).place.code)


def test_a_tour_reported_missed_is_walked_after_all_when_the_phone_comes_back(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, window=(21 * 60, 23 * 60))
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    back = NOW + timedelta(hours=20)
    operations.sweep(tenant=alpha, now=back)
    tour.refresh_from_db()
    assert tour.status == TourStatus.MISSED
    operations.start_tour(tour_id=tour.pk, at=NOW, by=guard, tenant=alpha, now=back, counted=anchored(alpha, NOW))
    for n in range(3):
        draft = ScanDraft(
            at=NOW, counted=anchored(alpha, NOW + timedelta(minutes=5 * n)), code=code_of_position(route, n)
        )
        operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=back)
    operations.finish_tour(tour_id=tour.pk, at=NOW + timedelta(minutes=15), by=guard, tenant=alpha, now=back)
    operations.judge(tour_id=tour.pk, tenant=alpha, now=back)
    tour.refresh_from_db()
    assert tour.status == TourStatus.DONE
    assert Doubt.LATE_REPORT in {d["code"] for d in tour.doubts}


def test_a_phone_that_claims_the_future_gets_the_servers_time(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    draft = ScanDraft(at=NOW + timedelta(days=1), code=code_of_position(route, 0))
    stop = operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=NOW)
    assert (stop.scanned_at, stop.anchored) == (NOW, False)


def test_a_tour_belongs_to_who_began_it(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    one, other = make_guard(alpha, route.party), make_guard(alpha, route.party)
    tour = due_tour(alpha, route, now=NOW)
    operations.start_tour(tour_id=tour.pk, at=NOW, by=one, tenant=alpha, now=NOW)
    with pytest.raises(errors.TourTaken):
        operations.scan(
            tour_id=tour.pk, seen=ScanDraft(at=NOW, code=code_of_position(route, 0)), by=other, tenant=alpha, now=NOW
        )
    with pytest.raises(errors.TourTaken):
        operations.finish_tour(tour_id=tour.pk, at=NOW, by=other, tenant=alpha, now=NOW)
    assert Stop.objects.filter(tour=tour, status=StopStatus.SEEN).count() == 0


def test_another_company_knows_nothing_of_it(alpha: Tenant) -> None:
    tour = due_tour(alpha, make_route(alpha, now=NOW), now=NOW)
    stranger = make_guard(alpha, make_contract())
    with pytest.raises(NotFound):
        operations.start_tour(tour_id=tour.pk, at=NOW, by=stranger, tenant=alpha, now=NOW)
    assert not queries.tours(by=stranger).exists()


def test_too_early_and_too_late(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, window=(23 * 60, 24 * 60))
    guard = make_guard(alpha, route.party)
    operations.make_tours(tenant=alpha, now=NOW)
    tour = Tour.objects.filter(route=route).order_by("starts_at")[0]
    with pytest.raises(errors.TooEarly):
        operations.start_tour(tour_id=tour.pk, at=NOW, by=guard, tenant=alpha, now=NOW)
    late = NOW + timedelta(hours=3)
    with pytest.raises(errors.TooLate):
        operations.start_tour(tour_id=tour.pk, at=late, by=guard, tenant=alpha, now=late)


def test_a_foreign_code_and_a_bare_click_show_nothing(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    point = route.points.first()
    for draft in (
        ScanDraft(at=NOW, code=make_place().code),
        ScanDraft(at=NOW, point_id=point.pk),  # type: ignore[union-attr]
        ScanDraft(at=NOW, nfc_tag="04:AA", point_id=point.pk),  # type: ignore[union-attr]
    ):
        with pytest.raises(errors.NotOnRoute):
            operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=NOW)


def test_a_tag_counts_as_touched_and_a_code_as_scanned_whatever_the_phone_says(alpha: Tenant) -> None:
    one, two = make_place(), make_place()
    route = make_route(alpha, now=NOW, points=[PointDraft(one.pk, nfc_tag="04:AA:01"), PointDraft(two.pk)])
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    touched = ScanDraft(at=NOW, nfc_tag="04:AA:01", method=ScanMethod.QR)
    claimed = ScanDraft(at=NOW, code=two.code, method=ScanMethod.NFC)
    assert operations.scan(tour_id=tour.pk, seen=touched, by=guard, tenant=alpha, now=NOW).method == ScanMethod.NFC
    assert operations.scan(tour_id=tour.pk, seen=claimed, by=guard, tenant=alpha, now=NOW).method == ScanMethod.QR


# --- Questions and photos ------------------------------------------------------------------------


def test_a_reading_out_of_bounds_opens_one_finding(alpha: Tenant) -> None:
    question = QuestionDraft("消火栓压力", QuestionKind.NUMBER, "MPa", Decimal("0.2"), Decimal("0.6"))
    route = make_route(alpha, now=NOW, questions=[question, QuestionDraft("门窗关闭")])
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    asked = list(route.points.get(position=0, removed_at__isnull=True).questions.order_by("position"))
    answers = {str(asked[0].pk): "0.05", str(asked[1].pk): "yes"}
    draft = ScanDraft(at=NOW, code=code_of_position(route, 0), answers=answers)
    for _twice in range(2):
        operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=NOW)
    finding = Finding.objects.get()
    assert finding.title == "消火栓压力：读数 0.05MPa，超出正常范围"
    assert (finding.party_id, finding.source_id, finding.found_by) == (route.party_id, tour.pk, guard.account_id)


def test_a_party_closed_meanwhile_costs_the_finding_but_not_the_scan(alpha: Tenant) -> None:
    supervisor = make_member(alpha)
    question = QuestionDraft("消火栓压力", QuestionKind.NUMBER, "MPa", Decimal("0.2"), Decimal("0.6"))
    route = make_route(alpha, now=NOW, questions=[question, QuestionDraft("门窗关闭")])
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    operations.start_tour(tour_id=tour.pk, at=NOW, by=guard, tenant=alpha, now=NOW)
    Staff.objects.update(party=make_contract())  # everybody has moved on
    set_party_active(party_id=route.party_id, active=False, by=make_member(alpha, Role.SCHOOL_ADMIN), tenant=alpha)
    asked = list(route.points.get(position=0, removed_at__isnull=True).questions.order_by("position"))
    answers = {str(asked[0].pk): "0.05", str(asked[1].pk): "no"}
    draft = ScanDraft(at=NOW, code=code_of_position(route, 0), answers=answers)
    for _twice in range(2):
        stop = operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=NOW)
    assert (stop.status, stop.answers) == (StopStatus.SEEN, answers)
    assert not Finding.objects.exists()
    event = Event.objects.get(verb="patrol.finding_withheld")
    assert "消火栓压力：读数 0.05MPa" in event.sentence and "门窗关闭：异常" in event.sentence
    notice = Notice.objects.get(account_id=supervisor.account_id, occasion=f"patrol.withheld:{stop.pk}")
    assert "未" not in notice.title and "请指定责任单位" in notice.text
    assert operations.finish_tour(tour_id=tour.pk, at=NOW, by=guard, tenant=alpha, now=NOW).status == TourStatus.PARTIAL


def test_a_forged_anchor_and_a_bare_claim_prove_no_time(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    operations.start_tour(tour_id=tour.pk, at=NOW, by=guard, tenant=alpha, now=NOW)
    own = anchored(alpha, NOW)
    said = [
        Counted(own.anchor[:-2] + "xx", 0, True), Counted(anchor(schema="s_beta", now=NOW), 0, True),
        Counted(own.anchor, 86_400_000, True),
    ]  # fmt: skip
    for n, counted in enumerate(said):
        draft = ScanDraft(at=NOW, counted=counted, code=code_of_position(route, n))
        stop = operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=NOW)
        assert (stop.scanned_at, stop.anchored) == (NOW, False)


@pytest.mark.parametrize("answer", ["", "NaN", "abc", "1e999999"])
def test_an_answer_that_is_none_is_refused(alpha: Tenant, answer: str) -> None:
    route = make_route(alpha, now=NOW, questions=[QuestionDraft("压力", QuestionKind.NUMBER)])
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    asked = route.points.get(position=0, removed_at__isnull=True).questions.get()
    draft = ScanDraft(at=NOW, code=code_of_position(route, 0), answers={str(asked.pk): answer})
    if answer == "1e999999":  # a number, and far outside any limit
        assert operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=NOW).status == StopStatus.SEEN
        return
    with pytest.raises((Invalid, errors.AnswerMissing)):
        operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=NOW)


def test_a_photo_asked_for_must_be_there_and_be_the_walkers(alpha: Tenant) -> None:
    one, two = make_place(), make_place()
    route = make_route(alpha, now=NOW, points=[PointDraft(one.pk, photo_required=True), PointDraft(two.pk)])
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    with pytest.raises(errors.PhotoRequired):
        operations.scan(tour_id=tour.pk, seen=ScanDraft(at=NOW, code=one.code), by=guard, tenant=alpha, now=NOW)
    from tenants.findings.errors import PhotoUnknown

    with pytest.raises(PhotoUnknown):
        draft = ScanDraft(at=NOW, code=one.code, photo_ids=[new_id()])
        operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=NOW)


def test_a_photo_of_another_tour_is_caught_after_recompression_and_cropping(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, window=(0, 1440))
    guard = make_guard(alpha, route.party)
    honest = [photo(alpha, guard, scene(seed)) for seed in (1, 2, 3)]
    first = due_tour(alpha, route, now=NOW)
    walk(alpha, first, guard, at=NOW, gaps=[60, 240, 300], photos=honest)
    tomorrow = NOW + timedelta(days=1)
    again = [
        photo(alpha, guard, scene(1, shift=(14, 6), noise=8)),  # the same place, photographed anew
        photo(alpha, guard, scene(22)),
        photo(alpha, guard, scene(3).crop((80, 60, 720, 540)), quality=35),  # the old picture, cut and saved again
    ]
    second = due_tour(alpha, route, now=tomorrow)
    walk(alpha, second, guard, at=tomorrow, gaps=[50, 200, 310], photos=again)
    for tour in (first, second):
        operations.judge(tour_id=tour.pk, tenant=alpha, now=tomorrow)
        tour.refresh_from_db()
    assert Doubt.REUSED_PHOTO not in {d["code"] for d in first.doubts}
    (doubt,) = [d for d in second.doubts if d["code"] == Doubt.REUSED_PHOTO]
    place = route.points.select_related("place").get(position=2, removed_at__isnull=True).place
    assert doubt["sentence"] == f"“{queries.where(place.full_name)}”的照片与巡更 {first.number} 中的是同一张。"


# --- What was missed -------------------------------------------------------------------------------


def test_a_missed_tour_is_told_and_stays_missed_when_explained(alpha: Tenant) -> None:
    supervisor = make_member(alpha)
    route = make_route(alpha, now=NOW, window=(21 * 60, 22 * 60 + 30))
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    over = NOW + timedelta(hours=1)
    for _twice in range(2):
        operations.sweep(tenant=alpha, now=over)
    assert Notice.objects.filter(account_id=supervisor.account_id, occasion=f"patrol.missed:{tour.pk}").count() == 1
    with pytest.raises(Invalid):
        operations.explain(tour_id=tour.pk, text="忘", by=guard, tenant=alpha, now=over)
    assert operations.explain(tour_id=tour.pk, text="突发停电，全员抢修", by=guard, tenant=alpha, now=over) == 3
    with pytest.raises(errors.NothingMissed):
        operations.explain(tour_id=tour.pk, text="突发停电，全员抢修", by=guard, tenant=alpha, now=over)
    operations.sweep(tenant=alpha, now=over + timedelta(days=2))
    tour.refresh_from_db()
    assert tour.status == TourStatus.MISSED
    assert not Finding.objects.filter(source_id=tour.pk).exists()


def test_what_nobody_explains_becomes_one_finding(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, window=(21 * 60, 22 * 60 + 30))
    tour = due_tour(alpha, route, now=NOW)
    operations.sweep(tenant=alpha, now=NOW + timedelta(hours=1))
    operations.sweep(tenant=alpha, now=NOW + timedelta(hours=72))
    assert not Finding.objects.exists()  # the phone of who walked may be offline so long
    for hours in (73, 74):
        operations.sweep(tenant=alpha, now=NOW + timedelta(hours=hours))
    assert Finding.objects.get(source_id=tour.pk).title == f"{route.name} 漏巡 3 个点未说明原因"


def test_missed_points_are_made_up_for_and_both_stay_readable(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    walk(alpha, tour, guard, at=NOW, gaps=[60])
    later = NOW + timedelta(minutes=30)
    again = operations.reschedule(
        tour_id=tour.pk, starts_at=later, ends_at=later + timedelta(hours=1), by=guard, tenant=alpha, now=later
    )
    walk(alpha, again, guard, at=later, gaps=[60, 300])
    tour.refresh_from_db()
    again.refresh_from_db()
    assert (tour.status, again.status) == (TourStatus.PARTIAL, TourStatus.DONE)
    stops = list(Stop.objects.filter(tour=tour).order_by("position"))
    assert [s.status for s in stops] == [StopStatus.SEEN, StopStatus.RESCHEDULED, StopStatus.RESCHEDULED]
    assert Stop.objects.filter(tour=again).count() == 2
    operations.sweep(tenant=alpha, now=NOW + timedelta(days=3))
    assert not Finding.objects.filter(source_id=tour.pk).exists()


def test_a_tour_left_open_is_ended_with_what_was_seen(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, window=(21 * 60, 23 * 60))
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    draft = ScanDraft(at=NOW, code=code_of_position(route, 0))
    operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=NOW)
    operations.sweep(tenant=alpha, now=NOW + timedelta(hours=2))
    tour.refresh_from_db()
    assert tour.status == TourStatus.WALKING
    operations.sweep(tenant=alpha, now=NOW + timedelta(hours=4))
    tour.refresh_from_db()
    assert (tour.status, tour.finished_at) == (TourStatus.PARTIAL, NOW)


# --- Reading ---------------------------------------------------------------------------------------


def test_the_numbers_of_a_month(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard = make_guard(alpha, route.party)
    walk(alpha, due_tour(alpha, route, now=NOW), guard, at=NOW, gaps=[60, 240, 300])
    tomorrow = NOW + timedelta(days=1)
    walk(alpha, due_tour(alpha, route, now=tomorrow), guard, at=tomorrow, gaps=[60])
    for tour in Tour.objects.filter(started_at__isnull=False)[:1]:
        operations.judge(tour_id=tour.pk, tenant=alpha, now=tomorrow)
    found = metrics.readings(month=NOW.date(), tz=alpha.tz)
    done = {r.line: r for r in found["patrol_tours_done"]}
    assert (done[""].numerator, done[""].denominator, done[""].coverage) == (1, 2, Decimal("0.5"))
    judged = Tour.objects.get(judged_at__isnull=False)
    score = {r.line: r for r in found["patrol_credibility"]}["security"]
    assert (score.numerator, score.denominator, score.n, score.coverage) == (judged.credibility, 1, 1, Decimal("0.5"))
    points = {r.line: r for r in found["patrol_points_seen"]}
    assert (points["security"].numerator, points["security"].denominator) == (4, 6)


def test_who_reads(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    tour = due_tour(alpha, route, now=NOW)
    for role in (Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR):
        assert queries.tour(tour_id=tour.pk, by=make_member(alpha, role)).pk == tour.pk
    own = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=route.party.provider_id)
    other = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=new_id())
    assert queries.tours(by=own).filter(pk=tour.pk).exists()
    with pytest.raises(NotFound):
        queries.tour(tour_id=tour.pk, by=other)
