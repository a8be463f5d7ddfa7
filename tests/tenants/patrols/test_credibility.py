"""How credible is a tour: each doubt on its own, and an honest tour without any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tenants.patrols.choices import Doubt, ScanMethod
from tenants.patrols.credibility import WEIGHTS, Reused, Seen, gaps, judge

NIGHT = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


def walk(minutes: list[float], **fields: Any) -> list[Seen]:
    """Stops seen so many minutes after the start, with a tag, one after the other."""
    return [
        Seen(
            **{"position": n, "place": f"点{n}", "at": NIGHT + timedelta(minutes=m), "method": ScanMethod.NFC, **fields}
        )
        for n, m in enumerate(minutes)
    ]


def codes(seen: list[Seen], **facts: Any) -> set[str]:
    return {r.code for r in judge(seen, **facts)[1]}


def test_an_honest_tour_is_fully_credible() -> None:
    assert judge(walk([0, 4, 9, 13, 20], walk_seconds=180)) == (100, [])


def test_walking_in_half_of_the_least_time_is_impossible() -> None:
    score, reasons = judge(walk([0, 4, 5], walk_seconds=180))
    assert (score, [r.code for r in reasons]) == (100 - WEIGHTS[Doubt.TOO_FAST], [Doubt.TOO_FAST])
    assert reasons[0].sentence == "从“点1”到“点2”只用了 60 秒，正常至少 180 秒。"


@pytest.mark.parametrize(("accuracy", "doubted"), [(5.0, True), (400.0, False)])
def test_running_between_positions_counts_only_beyond_their_error(accuracy: float, doubted: bool) -> None:
    far = [
        Seen(0, "东门", NIGHT, ScanMethod.NFC, latitude=23.1600, longitude=113.3500, accuracy_m=accuracy),
        Seen(1, "西门", NIGHT + timedelta(seconds=60), ScanMethod.NFC, latitude=23.1650, longitude=113.3500,
             accuracy_m=accuracy),
    ]  # fmt: skip
    assert (Doubt.TOO_FAST in codes(far)) is doubted


def test_all_scans_within_two_minutes() -> None:
    assert Doubt.BURST in codes(walk([0, 0.5, 1, 2]))
    assert Doubt.BURST not in codes(walk([0, 1]))  # two points may be close


def test_the_same_rhythm_every_night() -> None:
    tour = walk([0, 5, 11, 15])
    assert Doubt.SAME_RHYTHM in codes(tour, earlier=[[301, 360, 239], [300, 358, 242]])
    assert Doubt.SAME_RHYTHM not in codes(tour, earlier=[[301, 360, 239]])  # once is chance
    assert Doubt.SAME_RHYTHM not in codes(tour, earlier=[[301, 360, 239], [310, 360, 240]])
    assert gaps(tour) == [300, 360, 240]


def test_a_position_that_never_trembles() -> None:
    still = walk([0, 5, 11, 15], latitude=23.16, longitude=113.35, accuracy_m=10.0)
    assert Doubt.FROZEN_POSITION in codes(still)
    moved = [*still[:-1], Seen(3, "点3", still[-1].at, ScanMethod.NFC, latitude=23.1601, longitude=113.35)]
    assert Doubt.FROZEN_POSITION not in codes(moved)
    assert Doubt.FROZEN_POSITION not in codes(walk([0, 5, 11, 15]))  # no position is no frozen one


def test_codes_are_weaker_than_tags() -> None:
    score, reasons = judge(walk([0, 5, 11], method=ScanMethod.QR))
    assert (score, [r.code for r in reasons]) == (90, [Doubt.WEAK_SCANS])


def test_a_reused_photo_and_a_late_report_say_where() -> None:
    late = walk([0, 5, 11], received_at=NIGHT + timedelta(hours=14))
    _score, reasons = judge(late, reused=[Reused("东门", "XG20261120-0001", uuid4())])
    assert [r.code for r in reasons] == [Doubt.REUSED_PHOTO, Doubt.LATE_REPORT]
    assert "XG20261120-0001" in reasons[0].sentence


def test_the_score_never_falls_below_zero() -> None:
    worst = walk(
        [0, 0.1, 0.2, 0.3], walk_seconds=600, method=ScanMethod.QR, latitude=1.0, longitude=1.0, anchored=False
    )
    score, _reasons = judge(worst, earlier=[[6, 6, 6]] * 3, reused=[Reused("东门", "XG1", uuid4())])
    assert score == 0
