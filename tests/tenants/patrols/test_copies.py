"""Photos used twice: found in the whole school and in the tour itself, looked at without a lock, fair to who took them."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from PIL import Image, ImageOps

from identity.contracts import Actor
from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant
from tenants.evidence import operations as evidence
from tenants.evidence.models import Evidence
from tenants.patrols import operations, queries
from tenants.patrols.choices import Doubt
from tenants.patrols.models import Stop, Tour
from tenants.patrols.operations import comparing
from tests.factories.patrols import due_tour, make_guard, make_route, walk
from tests.tenants.evidence.test_alike import by_hand, jpeg, night, scene

NOW = datetime(2026, 11, 25, 22, 0, tzinfo=SHANGHAI).astimezone(UTC)


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def kept(tenant: Tenant, by: Actor, image: Image.Image | bytes, quality: int = 85, at: datetime = NOW) -> UUID:
    data = image if isinstance(image, bytes) else jpeg(image, quality)
    return evidence.keep_photo(upload=data, name="a.jpg", by=by, tenant=tenant, now=at).pk


def walked(tenant: Tenant, by: Actor, route: Any, photos: list[UUID], at: datetime = NOW) -> Tour:
    return walk(tenant, due_tour(tenant, route, now=at), by, at=at, gaps=[60, 240, 300], photos=photos)


def judged(tenant: Tenant, tour: Tour, now: datetime = NOW + timedelta(days=3)) -> Tour:
    operations.judge(tour_id=tour.pk, tenant=tenant, now=now)
    tour.refresh_from_db()
    return tour


def codes(tour: Tour) -> set[str]:
    return {d["code"] for d in tour.doubts}


def test_one_photo_at_every_point_of_one_tour(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard = make_guard(alpha, route.party)
    one = kept(alpha, guard, scene(1))
    tour = judged(
        alpha, walked(alpha, guard, route, [one, one, kept(alpha, guard, scene(1).crop((80, 60, 720, 540)), 40)])
    )
    (doubt,) = [d for d in tour.doubts if d["code"] == Doubt.REUSED_PHOTO]
    first, second = (queries.where(s.point.place.full_name) for s in _stops(tour)[:2])
    assert doubt["sentence"] == f"“{second}”的照片与本次“{first}”的是同一张，另有 1 张同样情况。"
    assert [c["same_file"] for c in tour.copies] == [True, False]


@pytest.mark.parametrize(
    ("change", "mirrored", "quarters"),
    [
        pytest.param(ImageOps.mirror, True, 0, id="mirrored"),
        pytest.param(ImageOps.flip, True, 2, id="upside down in a mirror"),
        pytest.param(lambda i: i.transpose(Image.Transpose.ROTATE_180), False, 2, id="turned by 180"),
        pytest.param(lambda i: i.transpose(Image.Transpose.ROTATE_90), False, 3, id="turned by 90"),
        pytest.param(lambda i: i.transpose(Image.Transpose.ROTATE_270), False, 1, id="turned by 270"),
        pytest.param(lambda i: i.transpose(Image.Transpose.TRANSPOSE), True, 1, id="mirrored and turned"),
    ],
)
def test_a_mirrored_or_turned_copy_is_found(alpha: Tenant, change: Any, mirrored: bool, quarters: int) -> None:
    """Cut, saved again, and turned or mirrored: the page says how it was turned."""
    route = make_route(alpha, now=NOW)
    guard = make_guard(alpha, route.party)
    first = judged(alpha, walked(alpha, guard, route, [kept(alpha, guard, scene(n)) for n in (1, 2, 3)]))
    fake = kept(alpha, guard, change(scene(2).crop((80, 60, 720, 540))), 40)
    honest = [kept(alpha, guard, scene(n, shift=(14, 6), noise=8)) for n in (1, 3)]
    later = NOW + timedelta(days=1)
    tour = judged(alpha, walked(alpha, guard, route, [honest[0], fake, honest[1]], at=later))
    assert Doubt.REUSED_PHOTO in codes(tour)
    assert [(c["photo"], c["other_number"], c["mirrored"], c["quarters"]) for c in tour.copies] == [
        (str(fake), first.number, mirrored, quarters)
    ]


def test_hundreds_of_shots_of_the_same_door_do_not_hide_a_copy(alpha: Tenant) -> None:
    """Each night somebody honest photographs the same sight by hand; one of a hundred and sixty was cut, mirrored and sent again."""
    route = make_route(alpha, now=NOW)
    guard = make_guard(alpha, route.party)
    sight = scene(3, noise=8).resize((400, 300))
    shots = [kept(alpha, guard, by_hand(sight, n, 0.02), 70) for n in range(160)]
    earlier = walked(alpha, guard, route, shots[:1])
    Stop.objects.filter(pk=_stops(earlier)[0].pk).update(photo_ids=shots)
    evidence.note_looks(evidence_ids=shots)
    taken = by_hand(sight, 80, 0.02).crop((40, 30, 360, 270))
    copy = kept(alpha, guard, ImageOps.mirror(taken), 40)
    honest = kept(alpha, guard, by_hand(sight, 1000, 0.02), 70)
    tour = judged(alpha, walked(alpha, guard, route, [copy, honest], at=NOW + timedelta(days=1)))
    assert [(c["photo"], c["other"]) for c in tour.copies] == [(str(copy), str(shots[80]))]


def _stops(tour: Tour) -> list[Stop]:
    return [stop for _key, stop in queries.stops_of([tour.pk])]


def test_different_photos_of_one_tour_are_no_copies_nor_two_of_one_point(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard = make_guard(alpha, route.party)
    tour = walked(alpha, guard, route, [kept(alpha, guard, scene(n)) for n in (1, 2, 3)])
    stop = _stops(tour)[0]
    Stop.objects.filter(pk=stop.pk).update(photo_ids=[*stop.photo_ids, kept(alpha, guard, scene(1), 40)])
    assert Doubt.REUSED_PHOTO not in codes(judged(alpha, tour))


def test_a_colleagues_photo_of_another_route_is_found(alpha: Tenant) -> None:
    """The very same bytes, sent by somebody else on another route; and one cut out of his."""
    theirs, ours = make_route(alpha, now=NOW), make_route(alpha, now=NOW)
    colleague, guard = make_guard(alpha, theirs.party), make_guard(alpha, ours.party)
    dark = jpeg(night(5))
    first = walked(alpha, colleague, theirs, [kept(alpha, colleague, i) for i in (dark, scene(2), scene(3))])
    later = NOW + timedelta(hours=1)
    photos = [
        kept(alpha, guard, dark), kept(alpha, guard, scene(8)), kept(alpha, guard, scene(3).crop((37, 51, 691, 577)), 40)
    ]  # fmt: skip
    tour = walked(alpha, guard, ours, photos, at=later)
    assert Doubt.REUSED_PHOTO not in codes(judged(alpha, first))
    judged(alpha, tour)
    assert [(c["other_number"], c["same_file"]) for c in tour.copies] == [(first.number, True), (first.number, False)]
    assert Doubt.REUSED_PHOTO in codes(tour)


def test_dark_photos_of_every_night_accuse_nobody(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard = make_guard(alpha, route.party)
    for day in range(3):
        at = NOW + timedelta(days=day)
        tour = walked(alpha, guard, route, [kept(alpha, guard, night(10 * day + n)) for n in range(3)], at=at)
        assert Doubt.REUSED_PHOTO not in codes(judged(alpha, tour))


def test_pictures_are_looked_at_outside_of_any_lock(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    route = make_route(alpha, now=NOW)
    guard = make_guard(alpha, route.party)
    judged(alpha, walked(alpha, guard, route, [kept(alpha, guard, scene(1))]))
    tour = walked(alpha, guard, route, [kept(alpha, guard, scene(1), 40)], at=NOW + timedelta(days=1))
    depth, seen = len(connection.savepoint_ids), []
    monkeypatch.setattr(
        comparing, "is_copy", lambda _a, _b, **_turned: seen.append(len(connection.savepoint_ids)) or True
    )
    judged(alpha, tour)
    assert seen == [depth]  # no transaction of ours was open
    assert judged(alpha, tour).copies and seen == [depth]  # compared once


def test_a_photo_that_came_meanwhile_throws_the_comparison_away(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    route = make_route(alpha, now=NOW)
    guard = make_guard(alpha, route.party)
    tour = walked(alpha, guard, route, [kept(alpha, guard, scene(n)) for n in (1, 2)])
    late = kept(alpha, guard, scene(1), 40)
    stop = _stops(tour)[2]

    def slow(own: Any, *, since: datetime) -> Any:
        Stop.objects.filter(pk=stop.pk).update(photo_ids=[late])
        return [], set()

    with monkeypatch.context() as patched:
        patched.setattr(comparing, "_copies", slow)
        assert operations.judge(tour_id=tour.pk, tenant=alpha, now=NOW + timedelta(days=3)) is None
    tour.refresh_from_db()
    assert (tour.compared_at, tour.judged_at, tour.credibility) == (None, None, None)
    assert tour.pk in queries.unjudged(before=NOW + timedelta(days=3))
    assert Doubt.REUSED_PHOTO in codes(judged(alpha, tour))


def test_one_worker_at_a_time_and_a_dead_one_is_replaced(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    tour = walked(alpha, make_guard(alpha, route.party), route, [])
    Tour.objects.filter(pk=tour.pk).update(comparing_at=NOW)
    soon, later = NOW + timedelta(minutes=5), NOW + timedelta(minutes=30)
    assert operations.judge(tour_id=tour.pk, tenant=alpha, now=soon) is None
    assert tour.pk not in queries.unjudged(before=soon)
    assert tour.pk in queries.unjudged(before=later)
    assert operations.judge(tour_id=tour.pk, tenant=alpha, now=later) is not None


def test_who_took_the_photo_is_not_accused_when_the_other_reported_first(alpha: Tenant) -> None:
    """The owner's phone was offline: the copy came first and passed; it is judged again when the original comes."""
    theirs, ours = make_route(alpha, now=NOW), make_route(alpha, now=NOW)
    owner, copier = make_guard(alpha, theirs.party), make_guard(alpha, ours.party)
    copy = walked(alpha, copier, ours, [kept(alpha, copier, scene(1), 40)], at=NOW + timedelta(minutes=30))
    assert Doubt.REUSED_PHOTO not in codes(judged(alpha, copy))
    original = walked(alpha, owner, theirs, [kept(alpha, owner, scene(1))])
    assert Doubt.REUSED_PHOTO not in codes(judged(alpha, original))
    copy.refresh_from_db()
    assert copy.judged_at is None
    assert Doubt.REUSED_PHOTO in codes(judged(alpha, copy))
    assert judged(alpha, original).judged_at is not None


def test_photos_judged_before_there_were_words_are_found_too(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard = make_guard(alpha, route.party)
    old = judged(alpha, walked(alpha, guard, route, [kept(alpha, guard, scene(4))]))
    Evidence.objects.update(look=None)
    Tour.objects.filter(pk=old.pk).update(compared_at=None, copies=None)
    assert operations.index_earlier(now=NOW + timedelta(days=1)) == 1
    assert operations.index_earlier(now=NOW + timedelta(days=1)) == 0
    copy = scene(4).crop((80, 60, 720, 540))
    tour = walked(alpha, guard, route, [kept(alpha, guard, copy, 40)], at=NOW + timedelta(days=1))
    assert Doubt.REUSED_PHOTO in codes(judged(alpha, tour))


def test_a_file_that_is_gone_stops_no_judgement(alpha: Tenant, settings: Any, tmp_path: Any) -> None:
    route = make_route(alpha, now=NOW)
    guard = make_guard(alpha, route.party)
    tour = walked(alpha, guard, route, [kept(alpha, guard, scene(n)) for n in (1, 1)])
    settings.MEDIA_ROOT = tmp_path / "elsewhere"
    assert judged(alpha, tour).credibility is not None


def test_words_are_those_of_the_index_for_ever() -> None:
    """A change of the words would hide all earlier photos: then note them anew."""
    from tenants.evidence.looks import words_of

    plain = io.BytesIO()
    Image.new("RGB", (400, 300), "black").save(plain, "JPEG")
    assert words_of(plain.getvalue()) == words_of(b"no picture") == []
    own = set(words_of(jpeg(scene(1))))
    assert len(own & set(words_of(jpeg(scene(1).crop((80, 60, 720, 540)), 40)))) > 10
    assert all(-(2**31) <= word < 2**31 for word in own)
