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


def test_skipping_points_and_walking_back_take_their_time_too() -> None:
    """An ordered route of 600 s a leg in 102 s each: backwards, or every second point first."""
    back = [Seen(3 - n, f"点{3 - n}", NIGHT + timedelta(seconds=102 * n), ScanMethod.NFC) for n in range(4)]
    legs = {0: None, 1: 600, 2: 600, 3: 600}
    assert codes(back, ordered=True, legs=legs) == {Doubt.TOO_FAST, Doubt.OUT_OF_ORDER}
    assert codes(back, legs=legs) == {Doubt.TOO_FAST}  # any order is allowed, flying is not
    skipped = [Seen(n, f"点{n}", NIGHT + timedelta(seconds=400 * n), ScanMethod.NFC) for n in (0, 2)]
    assert codes(skipped, ordered=True, legs={**legs, 4: 600}) == set()  # 800 s for two legs: more than half
    fast = [skipped[0], Seen(2, "点2", NIGHT + timedelta(seconds=590), ScanMethod.NFC)]
    assert Doubt.TOO_FAST in codes(fast, ordered=True, legs={**legs, 4: 600})
    assert Doubt.TOO_FAST not in codes(fast, legs={**legs, 4: 600})  # nobody said how far 0 and 2 lie apart


def test_the_last_point_of_a_loop_may_lie_beside_the_first() -> None:
    loop = {0: None, 1: 60, 2: 60, 3: 60, 4: 60, 5: 60}
    seen = [Seen(0, "门厅", NIGHT, ScanMethod.NFC), Seen(5, "后门", NIGHT + timedelta(seconds=45), ScanMethod.NFC)]
    assert codes(seen, ordered=True, legs=loop) == set()


def test_the_order_counts_where_it_is_asked_for_and_by_one_clock_only() -> None:
    at = [NIGHT, NIGHT + timedelta(minutes=9), NIGHT + timedelta(minutes=5)]
    seen = [Seen(n, f"点{n}", at[n], ScanMethod.NFC) for n in range(3)]
    score, reasons = judge(seen, ordered=True)
    assert (score, [r.code for r in reasons]) == (100 - WEIGHTS[Doubt.OUT_OF_ORDER], [Doubt.OUT_OF_ORDER])
    assert reasons[0].sentence == "路线要求按顺序走：应先到“点1”，实际先到了“点2”。"
    assert judge(seen) == (100, [])
    assert Doubt.OUT_OF_ORDER not in codes(walk([0, 5, 11]), ordered=True)
    loose = [seen[0], seen[1], Seen(2, "点2", at[2], ScanMethod.NFC, anchored=False)]
    assert Doubt.OUT_OF_ORDER not in codes(loose, ordered=True)  # two clocks prove no order


@pytest.mark.parametrize(("accuracy", "doubted"), [(5.0, True), (400.0, False), (0.0, False), (None, False)])
def test_running_between_positions_counts_only_beyond_their_error(accuracy: float | None, doubted: bool) -> None:
    far = [
        Seen(0, "东门", NIGHT, ScanMethod.NFC, latitude=23.1600, longitude=113.3500, accuracy_m=accuracy),
        Seen(1, "西门", NIGHT + timedelta(seconds=60), ScanMethod.NFC, latitude=23.1650, longitude=113.3500,
             accuracy_m=accuracy),
    ]  # fmt: skip
    assert (Doubt.TOO_FAST in codes(far)) is doubted


def test_all_scans_faster_than_anybody_walks() -> None:
    assert Doubt.BURST in codes(walk([0, 0.2, 0.4, 0.6]))  # 36 s for three ways nobody measured
    assert Doubt.BURST in codes(walk([0, 0.5, 1, 1.5], walk_seconds=180))
    assert Doubt.BURST not in codes(walk([0, 3, 6, 9], walk_seconds=600))  # flown, but no burst: too_fast says so
    assert Doubt.BURST not in codes(walk([0, 0.2]))  # two points may be close


@pytest.mark.parametrize("walk_seconds", [25, None])
def test_a_short_route_walked_as_it_was_measured_is_no_burst(walk_seconds: int | None) -> None:
    """Four doors of one corridor, 25 s apart: 75 s for all of them is what it takes."""
    assert judge(walk([0, 25 / 60, 50 / 60, 75 / 60], walk_seconds=walk_seconds), ordered=True) == (100, [])
    assert codes(walk([0, 0.1, 0.2, 0.3], walk_seconds=25)) == {Doubt.TOO_FAST, Doubt.BURST}


def test_the_same_rhythm_every_night() -> None:
    tour = walk([0, 5, 11, 15])
    assert Doubt.SAME_RHYTHM in codes(tour, earlier=[[301, 360, 239], [300, 358, 242]])
    assert Doubt.SAME_RHYTHM not in codes(tour, earlier=[[301, 360, 239]])  # once is chance
    assert Doubt.SAME_RHYTHM not in codes(tour, earlier=[[301, 360, 239], [310, 360, 240]])
    assert gaps(tour) == [300, 360, 240]


def test_short_ways_have_the_same_rhythm_by_nature() -> None:
    """Within 3 s of each other: on ways of 25 s every honest walker is; on ways of 40 s a twentieth is 2 s."""
    short = [25.0, 26.0, 24.0, 25.0]
    assert Doubt.SAME_RHYTHM not in codes(walk([0, 25 / 60, 51 / 60, 75 / 60, 100 / 60]), earlier=[short] * 10)
    many = walk([n * 40 / 60 for n in range(10)])  # six minutes in all
    assert Doubt.SAME_RHYTHM not in codes(many, earlier=[[42.5] * 9] * 10)
    assert Doubt.SAME_RHYTHM in codes(many, earlier=[[41.0] * 9] * 2)


def test_a_position_that_never_trembles() -> None:
    place = {"latitude": 23.16, "longitude": 113.35, "walk_seconds": 120}
    still = walk([0, 5, 11, 15], accuracy_m=10.0, **place)
    assert codes(still) == {Doubt.FROZEN_POSITION}
    moved = [*still[:-1], Seen(3, "点3", still[-1].at, ScanMethod.NFC, latitude=23.1601, longitude=113.35,
                               accuracy_m=10.0)]  # fmt: skip
    assert Doubt.FROZEN_POSITION not in codes(moved)
    assert Doubt.FROZEN_POSITION not in codes(walk([0, 5, 11, 15]))  # no position is no frozen one


@pytest.mark.parametrize(
    "fair",
    [{"accuracy_m": 65.0}, {"accuracy_m": None}, {"accuracy_m": 0.0}, {"walk_seconds": 20}, {"walk_seconds": None}],
)
def test_one_fix_of_the_network_for_a_whole_building_is_nobodys_fault(fair: dict[str, Any]) -> None:
    place = {"latitude": 23.16, "longitude": 113.35, "walk_seconds": 120, "accuracy_m": 10.0}
    assert codes(walk([0, 5, 11, 15], **{**place, **fair})) == set()


def test_codes_are_weaker_than_tags() -> None:
    score, reasons = judge(walk([0, 5, 11], method=ScanMethod.QR))
    assert (score, [r.code for r in reasons]) == (90, [Doubt.WEAK_SCANS])


def test_a_reused_photo_and_a_late_report_say_where() -> None:
    late = walk([0, 5, 11], received_at=NIGHT + timedelta(hours=14))
    _score, reasons = judge(late, reused=[Reused("东门", "XG20261120-0001", uuid4())])
    assert [r.code for r in reasons] == [Doubt.REUSED_PHOTO, Doubt.LATE_REPORT]
    assert "XG20261120-0001" in reasons[0].sentence
    own = judge(walk([0, 5, 11]), reused=[Reused("东门", "", uuid4(), "西门")])[1]
    assert own[0].sentence == "“东门”的照片与本次“西门”的是同一张。"


def loose(minutes: list[float], received: list[float]) -> list[Seen]:
    """Tags whose times only the phone says, each received so many minutes after the start."""
    return [
        Seen(n, f"点{n}", NIGHT + timedelta(minutes=m), ScanMethod.NFC, walk_seconds=600, anchored=False,
             received_at=NIGHT + timedelta(minutes=came))
        for n, (m, came) in enumerate(zip(minutes, received, strict=True))
    ]  # fmt: skip


def test_a_tour_invented_in_bed_is_doubtful() -> None:
    """Perfect times, all uploaded at once, none that the server could check: at most 40, with the way to do better."""
    score, reasons = judge(loose([0, 11, 23, 36, 50], [60, 60, 60.1, 60.1, 60.2]), ordered=True)
    assert (score, [r.code for r in reasons]) == (40, [Doubt.CLOCK])
    assert "5 个点的时间是手机自己报的，未能与服务器核对，其中 5 个一起上传" in reasons[0].sentence
    assert "出发前联网打开一次巡更页" in reasons[0].sentence
    slowly = judge(loose([0, 11, 23, 36, 50], [60, 63, 66, 69, 72]))[0]
    assert slowly == 40  # three minutes of patience between the lies do not help either
    mixed = [*walk([0, 11], walk_seconds=600), *loose([0, 11, 23, 36, 50], [60] * 5)[2:]]
    assert judge(mixed)[0] == 40  # two honest points in front do not help


def test_a_report_that_came_at_once_is_checked_by_its_receipt() -> None:
    """A phone without the server's time, but with a network: nothing speaks against it."""
    assert judge(loose([0, 11, 23, 36], [0, 11.5, 24, 37])) == (100, [])


def test_late_reports_one_by_one_are_unchecked_but_no_heap() -> None:
    score, reasons = judge(loose([0, 11, 23, 36], [30, 40, 55, 36]))
    assert (score, [(r.code, r.points) for r in reasons]) == (70, [(Doubt.CLOCK, 30)])
    assert "3 个点" in reasons[0].sentence and "一起上传" not in reasons[0].sentence


def test_an_anchored_phone_may_send_everything_at_once() -> None:
    """A night in the cellar: restarted or not, the phone kept the server's anchor (clock.ts), so the times are known."""
    came = NIGHT + timedelta(hours=5)
    assert judge(walk([0, 11, 23, 36], walk_seconds=600, received_at=came)) == (100, [])


def test_the_score_never_falls_below_zero() -> None:
    worst = walk(
        [0, 0.1, 0.2, 0.3], walk_seconds=600, method=ScanMethod.QR, latitude=1.0, longitude=1.0, anchored=False
    )
    score, _reasons = judge(worst, earlier=[[6, 6, 6]] * 3, reused=[Reused("东门", "XG1", uuid4())])
    assert score == 0
