"""The pure rules: grades, fences, clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from kernel import anchors
from tenants.punches import clocks, grading
from tenants.punches.choices import ClockBasis
from tenants.punches.fences import Verdict, Zone, distance_m, judge
from tenants.punches.grading import Vector, grade_of, meets
from tenants.rosters.choices import Grade
from tests.factories.punches import HERE, north

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("vector", "grade"),
    [
        (Vector(face=True, live=True, position=True), "A"),
        (Vector(face=True, live=True, code=True), "A"),
        (Vector(code=True, photo=True, position=True), "A"),
        (Vector(vouched=True, on_site=True), "A"),
        (Vector(terminal=True), "A"),
        (Vector(face=True, live=None, position=True), "B"),
        (Vector(face=True, live=None, position=True, code=True), "A"),
        (Vector(face=True, live=True, photo=True), "B"),
        (Vector(code=True, photo=True), "B"),
        (Vector(code=True, position=True), "B"),
        (Vector(vouched=True, position=True), "B"),
        (Vector(face=True, live=True), "C"),
        (Vector(vouched=True), "C"),
        (Vector(photo=True), "C"),
        (Vector(position=True), "C"),
        (Vector(code=True), "C"),
        (Vector(card=True), "C"),
        (Vector(), "D"),
    ],
)
def test_grades(vector: Vector, grade: str) -> None:
    assert grade_of(vector) == grade


def test_more_evidence_never_lowers_a_grade() -> None:
    names = ("face", "photo", "code", "position", "vouched", "on_site", "card")
    for values in product((False, True), repeat=len(names)):
        has = dict(zip(names, values, strict=True))
        base = grade_of(Vector(**has, live=True))
        for name in names:
            assert grade_of(Vector(**{**has, name: True}, live=True)) <= base


def test_every_grade_can_be_reached_without_a_face() -> None:
    for grade in Grade.values:
        ways = [way for way in grading.WAYS[grade] if "人脸" not in way]
        assert ways, grade
    assert meets("A", "B") and meets("B", "B") and not meets("C", "B")


CIRCLE = Zone(*HERE, radius_m=100)


@pytest.mark.parametrize(
    ("metres", "accuracy", "verdict"),
    [
        (0, 10, Verdict.INSIDE),
        (99, 10, Verdict.INSIDE),
        (130, 40, Verdict.UNSURE),  # outside by 30, error 40: no reproach, no proof
        (115, 20, Verdict.INSIDE),  # a few steps beyond the line, and the phone knows where it is
        (115, 21, Verdict.UNSURE),
        (245, 150, Verdict.UNSURE),
        (130, 20, Verdict.OUTSIDE),
        (300, 400, Verdict.UNSURE),  # within its error, but too imprecise to prove anything
        (0, 400, Verdict.UNSURE),
        (9000, 1e9, Verdict.UNSURE),  # a lie about the error buys no evidence
        (0, None, Verdict.UNSURE),  # who does not say how precise it is proves nothing
        (130, None, Verdict.UNSURE),
        (9000, None, Verdict.OUTSIDE),
    ],
)
def test_the_error_of_a_position_counts(metres: float, accuracy: float | None, verdict: Verdict) -> None:
    said, gap = judge([CIRCLE], *north(metres), accuracy)
    assert said == verdict
    assert gap == pytest.approx(max(0, metres - 100), abs=0.5)


def test_no_position_or_no_fence_is_not_outside() -> None:
    assert judge([CIRCLE], None, None, None) == (Verdict.NONE, None)
    assert judge([], *HERE, 5) == (Verdict.NONE, None)


def test_the_nearest_of_many_fences_counts() -> None:
    far = Zone(*north(5000), radius_m=50)
    assert judge([far, CIRCLE], *north(20), 5)[0] == Verdict.INSIDE
    assert judge([far, CIRCLE], *north(4990), 5)[0] == Verdict.INSIDE
    assert judge([far, CIRCLE], *north(2500), 5)[0] == Verdict.OUTSIDE


def test_polygons_are_measured_in_metres() -> None:
    side = 0.001  # degrees
    lat, lon = HERE
    square = Zone(lat, lon, corners=((lon, lat), (lon + side, lat), (lon + side, lat + side), (lon, lat + side)))
    assert distance_m(square, lat + side / 2, lon + side / 2) == 0
    assert distance_m(square, *north(-50)) == pytest.approx(50, abs=0.5)
    east = lon + side + 50 / (111_194.93 * 0.9196)
    assert distance_m(square, lat + side / 2, east) == pytest.approx(50, abs=0.5)


def test_a_concave_fence_leaves_its_bay_outside() -> None:
    lat, lon = HERE
    at = [(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)]
    zone = Zone(lat, lon, corners=tuple((lon + x * 0.001, lat + y * 0.001) for x, y in at))
    assert distance_m(zone, lat + 0.002, lon + 0.0015) > 40
    assert distance_m(zone, lat + 0.002, lon + 0.0025) == 0


def test_an_anchor_is_good_in_its_own_school_only() -> None:
    text = anchors.anchor(schema="s_alpha", now=NOW)
    assert anchors.anchor_time(text, schema="s_alpha") == NOW
    assert anchors.anchor_time(text, schema="s_beta") is None
    assert anchors.anchor_time(text[:-2] + "xx", schema="s_alpha") is None
    assert anchors.anchor_time("", schema="s_alpha") is None


@pytest.mark.parametrize("wrong_by", [timedelta(days=1), timedelta(days=-1), timedelta(0)])
def test_a_phone_a_day_wrong_is_put_right(wrong_by: timedelta) -> None:
    done = NOW + timedelta(minutes=3)
    read = clocks.read_phone(
        recorded_at=done + wrong_by, anchored_at=NOW, elapsed_ms=180_000, monotonic=True,
        received_at=NOW + timedelta(days=2),
    )  # fmt: skip
    assert (read.at, read.basis, read.believable) == (done, ClockBasis.ANCHORED, True)


@pytest.mark.parametrize("elapsed", [-1.0, 40 * 86_400_000.0, 3 * 86_400_000.0])
def test_an_impossible_count_falls_back_to_a_claim(elapsed: float) -> None:
    received = NOW + timedelta(days=2)
    claim = received - timedelta(hours=1)
    read = clocks.read_phone(
        recorded_at=claim, anchored_at=NOW, elapsed_ms=elapsed, monotonic=True, received_at=received
    )
    assert (read.at, read.basis) == (claim, ClockBasis.CLAIMED)


def test_without_an_anchor_a_time_is_a_claim_within_bounds() -> None:
    def read(claim: datetime | None) -> clocks.Reading:
        return clocks.read_phone(recorded_at=claim, anchored_at=None, elapsed_ms=None, monotonic=False, received_at=NOW)

    assert read(NOW - timedelta(days=2)) == clocks.Reading(NOW - timedelta(days=2), ClockBasis.CLAIMED)
    assert not read(NOW - timedelta(days=4)).believable
    assert not read(NOW + timedelta(days=1)).believable
    assert read(NOW + timedelta(seconds=30)).at == NOW
    assert read(None) == clocks.Reading(NOW, ClockBasis.SERVER)


def test_small_drift_is_none() -> None:
    assert clocks.drift_of(None, NOW) is None
    assert clocks.drift_of(NOW + timedelta(seconds=3), NOW) == timedelta(0)
    assert clocks.drift_of(NOW - timedelta(days=1), NOW) == timedelta(days=-1)
