"""Windows of punches: pure arithmetic, tried with many rosters."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.clock import SHANGHAI
from tenants.rosters.windows import Stretch, clock_text, first_overlap, moment, windows

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
T = datetime(2026, 6, 15, tzinfo=UTC)


def at(minute: int) -> datetime:
    return T + timedelta(minutes=minute)


@st.composite
def rosters(draw: st.DrawFn) -> list[Stretch]:
    """One person's stretches in order: gaps may be nothing, as where two shifts touch."""
    found, end = [], 0
    for _ in range(draw(st.integers(1, 7))):
        start = end + draw(st.sampled_from([0, 0, 1, 10, 60, 480, 960, 3000]))
        end = start + draw(st.integers(1, 1440))
        found.append(
            Stretch(
                at(start),
                at(end),
                draw(st.integers(0, 240)),
                draw(st.integers(0, 480)),
                draw(st.integers(0, 120)),
                draw(st.booleans()),
                draw(st.booleans()),
            )
        )
    return found


@CALM
@given(rosters())
def test_windows_are_in_order_and_hold_their_own_shift(line: list[Stretch]) -> None:
    for stretch, w in zip(line, windows(line), strict=True):
        assert w.in_from <= w.in_until and w.out_from <= w.out_until
        assert w.in_from <= stretch.starts_at < w.in_until  # on time is in time
        assert w.out_from < stretch.ends_at <= w.out_until
        assert w.in_from >= stretch.starts_at - timedelta(minutes=stretch.in_before)
        assert w.out_until <= stretch.ends_at + timedelta(minutes=stretch.out_after + stretch.flex)


@CALM
@given(rosters())
def test_a_punch_counts_for_two_shifts_only_where_they_touch(line: list[Stretch]) -> None:
    cut = windows(line)
    for (a, wa), (b, wb) in zip(zip(line, cut, strict=True), list(zip(line, cut, strict=True))[1:], strict=False):
        if b.starts_at > a.ends_at + timedelta(minutes=a.flex):
            assert wa.out_until <= wb.in_from
        assert wa.in_until <= wb.in_from or a.ends_at + timedelta(minutes=a.flex) >= b.starts_at
        assert wa.in_from <= wb.in_from and wa.out_until <= wb.out_until
    for wa, wc in zip(cut, cut[2:], strict=False):
        assert wa.out_until <= wc.in_from  # never for the one after next


@CALM
@given(rosters())
def test_a_lone_punch_never_comes_and_goes(line: list[Stretch]) -> None:
    for stretch, w in zip(line, windows(line), strict=True):
        if stretch.needs_in and stretch.needs_out:
            assert w.in_until == w.out_from


@CALM
@given(rosters())
def test_the_order_of_reading_does_not_matter_for_overlaps(line: list[Stretch]) -> None:
    assert first_overlap(line) is None
    assert first_overlap(list(reversed(line))) is None
    twin = [*line, line[0]]
    assert first_overlap(twin) is not None


def test_a_night_shift_and_the_next_days_shift_share_the_gap_at_its_middle() -> None:
    night, day = Stretch(at(1320), at(1800), 60, 600), Stretch(at(2040), at(2520), 600, 120)  # 4 hours between
    a, b = windows([night, day])
    assert a.out_until == b.in_from == at(1920)


def test_touching_shifts_share_the_boundary_punch() -> None:
    a, b = windows([Stretch(at(0), at(480)), Stretch(at(480), at(960))])
    for minute in (470, 480, 490):
        assert a.out_from <= at(minute) < a.out_until
        assert b.in_from <= at(minute) < b.in_until


def test_without_a_punch_at_the_end_the_whole_shift_counts_as_coming() -> None:
    [w] = windows([Stretch(at(0), at(480), needs_out=False)])
    assert w.in_until == at(480)


def test_a_long_stretch_is_found_overlapping_a_later_one_behind_a_short_one() -> None:
    assert first_overlap([Stretch(at(0), at(1000)), Stretch(at(1200), at(1300)), Stretch(at(900), at(950))]) == (0, 2)


def test_minutes_past_the_day_are_the_next_day_on_the_wall_clock() -> None:
    assert moment(date(2026, 6, 15), 1800, SHANGHAI) == datetime(2026, 6, 15, 22, tzinfo=UTC)
    berlin = ZoneInfo("Europe/Berlin")  # the night the clocks go back: 22:00 – 06:00 lasts nine hours
    night = moment(date(2026, 10, 24), 1320, berlin), moment(date(2026, 10, 24), 1800, berlin)
    assert night[1] - night[0] == timedelta(hours=9)
    assert (clock_text(480), clock_text(1800), clock_text(2880)) == ("08:00", "次日06:00", "次日24:00")
