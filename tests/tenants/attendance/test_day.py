"""The rule of a day in plain Python, case by case: the ones that break other systems."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tenants.attendance.choices import Mark, Wait
from tenants.attendance.day import Away, Expected, Judged, Rule, Seen, judge, sentence

TZ = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 10)
RULE = Rule()
LONG_AFTER = datetime(2026, 11, 20, tzinfo=UTC)


def at(text: str, *, day: date = DAY) -> datetime:
    """ "22:14" of the day, "+06:00" of the next, "++…" of the one after, as UTC."""
    ahead = len(text) - len(text.lstrip("+"))
    hour, minute = text.lstrip("+").split(":")
    local = datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=TZ)
    return (local + timedelta(days=ahead)).astimezone(UTC)


def shift(starts: str, ends: str, **more: object) -> Expected:
    a, b = at(starts), at(ends)
    middle = a + (b - a) / 2
    base = Expected(
        a, b, in_from=a - timedelta(hours=1), in_until=middle, out_from=middle, out_until=b + timedelta(hours=2)
    )
    return replace(base, **more)  # type: ignore[arg-type]


def seen(*times: str, **more: object) -> list[Seen]:
    return [replace(Seen(n, at(t)), **more) for n, t in enumerate(times, start=1)]  # type: ignore[arg-type]


def say(result: Judged, expected: Expected, *, held: bool = False) -> str:
    return sentence(
        result, day=DAY, starts_at=expected.starts_at, ends_at=expected.ends_at, grace=RULE.grace,
        early_grace=RULE.early_grace, grade=expected.grade, tz=TZ, held=held,
    )  # fmt: skip


NIGHT = shift("22:00", "+06:00")
DAYTIME = shift("08:00", "18:00")


def test_a_time_that_only_the_phone_says_stands_in_sentence_and_trace() -> None:
    asks_nothing = replace(DAYTIME, grade="D")
    punches = [Seen(1, at("08:00"), grade="D", unchecked=True), Seen(2, at("18:01"))]
    result = judge(asks_nothing, RULE, punches=punches, now=LONG_AFTER)
    assert result.trace == {"unchecked": ["in"]}
    assert say(result, asks_nothing) == "班次 08:00–18:00，首卡 08:00（时间未核对），末卡 18:01，正常"
    refused = [Seen(1, at("08:00"), grade="D", status="refused", refusal="clock"), Seen(2, at("18:01"))]
    assert "08:00 的打卡时间未核对，未计入" in say(judge(DAYTIME, RULE, punches=refused, now=LONG_AFTER), DAYTIME)


def test_the_sentence_of_a_late_night_shift() -> None:
    result = judge(NIGHT, RULE, punches=seen("22:14", "+06:02"), now=LONG_AFTER)
    assert (result.mark, result.late_minutes, result.worked_minutes) == (Mark.LATE, 14, 466)
    assert say(result, NIGHT) == "班次 22:00–次日 06:00，首卡 22:14，超出宽限 10 分，迟到 14 分，末卡 次日 06:02"
    running = judge(NIGHT, RULE, punches=seen("22:14"), now=at("23:00"))
    assert say(running, NIGHT) == "班次 22:00–次日 06:00，首卡 22:14，超出宽限 10 分，迟到 14 分，班次尚未结束"


def test_within_the_grace_is_on_time() -> None:
    result = judge(DAYTIME, RULE, punches=seen("08:10", "18:00"), now=LONG_AFTER)
    assert (result.mark, result.late_minutes, result.trace) == (Mark.NORMAL, 0, {"graced": 10})


def test_thresholds_rise() -> None:
    marks = [
        judge(DAYTIME, RULE, punches=seen(t, "18:00"), now=LONG_AFTER).mark
        for t in ("08:11", "08:29", "08:30", "09:59", "10:00", "11:59", "12:00")
    ]
    assert marks == [
        Mark.LATE, Mark.LATE, Mark.SERIOUS_LATE, Mark.SERIOUS_LATE, Mark.ABSENT_HALF, Mark.ABSENT_HALF, Mark.ABSENT,
    ]  # fmt: skip


def test_leaving_early() -> None:
    result = judge(DAYTIME, RULE, punches=seen("07:50", "17:20"), now=LONG_AFTER)
    assert (result.mark, result.early_minutes, result.worked_minutes) == (Mark.EARLY, 40, 560)
    assert say(result, DAYTIME).endswith("末卡 17:20，早退 40 分")


def test_the_out_punch_next_day_belongs_to_the_night_before() -> None:
    nothing_on_the_next_day = judge(NIGHT, RULE, punches=seen("21:55", "+06:30"), now=LONG_AFTER)
    assert (nothing_on_the_next_day.mark, nothing_on_the_next_day.out_at) == (Mark.NORMAL, at("+06:30"))


def test_night_followed_by_day_shift_one_punch_serves_both() -> None:
    morning = shift("+06:00", "+14:00")
    night = replace(NIGHT, begins_after=morning.in_from)
    morning = replace(morning, ended_before=night.out_until)
    punches = [*seen("21:50"), Seen(2, at("+06:03"), direction="out"), Seen(3, at("+14:05"))]
    first, second = (judge(s, RULE, punches=punches, now=LONG_AFTER) for s in (night, morning))
    assert (first.mark, first.out_punch) == (Mark.NORMAL, 2)
    assert (second.mark, second.in_punch) == (Mark.NORMAL, 2)


def test_without_touching_an_out_punch_is_no_in_punch() -> None:
    result = judge(DAYTIME, RULE, punches=[Seen(1, at("08:05"), direction="out")], now=LONG_AFTER)
    assert (result.in_punch, result.mark) == (None, Mark.ABSENT)


def test_a_forgotten_out_punch_is_missing_and_never_invented() -> None:
    result = judge(DAYTIME, RULE, punches=seen("07:58"), now=LONG_AFTER)
    assert (result.mark, result.out_punch, result.out_at, result.worked_minutes) == (Mark.MISSING_OUT, None, None, 0)
    assert result.present_until is None
    assert say(result, DAYTIME) == "班次 08:00–18:00，首卡 07:58，没有下班卡"


def test_one_evening_punch_is_no_ten_hours_late() -> None:
    result = judge(DAYTIME, RULE, punches=seen("17:58"), now=LONG_AFTER)
    assert (result.mark, result.late_minutes, result.out_at) == (Mark.MISSING_IN, 0, at("17:58"))


def test_absence_waits_for_phones_then_for_devices_but_not_for_ever() -> None:
    ends = at("18:00")
    judged = [
        judge(DAYTIME, RULE, punches=[], now=now, devices_until=ends)
        for now in (
            at("12:00"), at("19:59"), at("20:00"), ends + timedelta(hours=12), ends + timedelta(days=7, hours=2)
        )
    ]  # fmt: skip
    assert [(j.mark, j.wait) for j in judged] == [
        (Mark.PENDING, Wait.RUNNING),
        (Mark.PENDING, Wait.RUNNING),
        (Mark.PENDING, Wait.REPORT),
        (Mark.PENDING, Wait.DEVICE),
        (Mark.ABSENT, Wait.NONE),
    ]
    assert say(judged[3], DAYTIME) == "班次 08:00–18:00，等待设备上报，暂不判定"
    assert "设备七天未上报" in say(judged[4], DAYTIME)
    reported = judge(DAYTIME, RULE, punches=[], now=ends + timedelta(hours=12), devices_until=at("20:00"))
    assert reported.mark == Mark.ABSENT and say(reported, DAYTIME) == "班次 08:00–18:00，没有有效打卡，判为旷工"


def test_a_punch_still_being_verified_is_waited_for() -> None:
    result = judge(DAYTIME, RULE, punches=seen("08:00", status="pending"), now=at("++20:00"))
    assert (result.mark, result.wait, result.in_punch) == (Mark.PENDING, Wait.VERIFY, None)


def test_a_weak_punch_does_not_count_and_says_so() -> None:
    post_asks_b = replace(DAYTIME, grade="B")
    result = judge(post_asks_b, RULE, punches=[*seen("07:55", grade="D"), Seen(2, at("18:05"))], now=LONG_AFTER)
    assert (result.mark, result.in_punch) == (Mark.MISSING_IN, None)
    assert "07:55 的打卡佐证为 D 级、低于岗位要求的 B 级，未计入" in say(result, post_asks_b)


def test_a_refused_punch_does_not_count_and_says_why() -> None:
    refused = seen("07:55", status="refused", refusal="outside")
    result = judge(DAYTIME, RULE, punches=refused, now=LONG_AFTER)
    assert result.mark == Mark.ABSENT and "07:55 的打卡不在打卡范围，未计入" in say(result, DAYTIME)


def test_an_approved_correction_counts_whatever_its_grade() -> None:
    punches = [*seen("07:55"), Seen(9, at("18:00"), source="correction", grade="D")]
    result = judge(DAYTIME, RULE, punches=punches, now=LONG_AFTER)
    assert (result.mark, result.grade, result.trace) == (Mark.NORMAL, "D", {"corrected": ["out"]})
    assert "末卡 18:00（补卡）" in say(result, DAYTIME)


def test_two_posts_a_day_keep_their_punches_apart() -> None:
    gate = replace(shift("08:00", "12:00"), post="gate")
    hall = replace(shift("13:00", "17:00"), post="hall")
    punches = [
        Seen(1, at("07:58"), post="gate"), Seen(2, at("12:01"), post="gate"),
        Seen(3, at("12:58"), post="hall"), Seen(4, at("17:03"), post="hall"),
    ]  # fmt: skip
    assert [judge(s, RULE, punches=punches, now=LONG_AFTER).mark for s in (gate, hall)] == [Mark.NORMAL, Mark.NORMAL]
    wrong_post = [replace(p, post="gate") for p in punches]
    judged = judge(hall, RULE, punches=wrong_post, now=LONG_AFTER)
    assert judged.mark == Mark.ABSENT and judged.trace["useless"][0]["why"] == "other_post"


def test_leave_in_the_morning_with_the_afternoon_missing() -> None:
    morning = [Away(at("08:00"), at("13:00"))]
    missing = judge(DAYTIME, RULE, punches=[], leaves=morning, now=LONG_AFTER)
    assert (missing.mark, missing.leave_minutes) == (Mark.ABSENT_HALF, 300)
    came = judge(DAYTIME, RULE, punches=seen("13:05", "18:01"), leaves=morning, now=LONG_AFTER)
    assert (came.mark, came.late_minutes, came.worked_minutes) == (Mark.NORMAL, 0, 295)
    assert "扣除请假后应在岗 13:00–18:00" in say(came, DAYTIME)


def test_leave_in_the_afternoon_ends_the_shift_at_noon() -> None:
    result = judge(DAYTIME, RULE, punches=seen("07:59", "12:02"), leaves=[Away(at("12:00"), at("+00:00"))], now=LONG_AFTER)  # fmt: skip
    assert (result.mark, result.early_minutes, result.worked_minutes) == (Mark.NORMAL, 0, 240)


def test_leave_in_the_middle_is_not_worked() -> None:
    result = judge(DAYTIME, RULE, punches=seen("08:00", "18:00"), leaves=[Away(at("10:00"), at("11:00"))], now=LONG_AFTER)  # fmt: skip
    assert (result.mark, result.worked_minutes, result.leave_minutes) == (Mark.NORMAL, 540, 60)


def test_whole_leave_and_field_work() -> None:
    halves = [Away(at("07:00"), at("13:00")), Away(at("13:00"), at("19:00"))]
    assert judge(DAYTIME, RULE, punches=[], leaves=halves, now=at("07:00")).mark == Mark.LEAVE
    field = [replace(h, works=True) for h in halves]
    assert judge(DAYTIME, RULE, punches=[], leaves=field, now=at("07:00")).mark == Mark.FIELD


def test_flexible_hours_float_with_the_start() -> None:
    loose = replace(DAYTIME, flex_minutes=60)
    kept = judge(loose, RULE, punches=seen("08:40", "18:40"), now=LONG_AFTER)
    assert (kept.mark, kept.trace, kept.worked_minutes) == (Mark.NORMAL, {"flex": 40}, 600)
    cut = judge(loose, RULE, punches=seen("08:40", "18:00"), now=LONG_AFTER)
    assert (cut.mark, cut.early_minutes) == (Mark.EARLY, 40)
    late = judge(loose, RULE, punches=seen("09:15", "19:00"), now=LONG_AFTER)
    assert (late.mark, late.late_minutes) == (Mark.LATE, 15)


def test_no_punch_needed_at_the_end() -> None:
    free = replace(DAYTIME, needs_out=False)
    result = judge(free, RULE, punches=seen("07:59"), now=at("18:00"))
    assert (result.mark, result.worked_minutes, result.present_until) == (Mark.NORMAL, 600, at("18:00"))
    assert judge(free, RULE, punches=[], now=LONG_AFTER).mark == Mark.ABSENT


def test_two_phones_the_first_in_and_the_last_out() -> None:
    punches = [Seen(1, at("08:20")), Seen(2, at("07:59")), Seen(3, at("18:00")), Seen(4, at("17:40"))]
    result = judge(DAYTIME, RULE, punches=punches, now=LONG_AFTER)
    assert (result.mark, result.in_punch, result.out_punch) == (Mark.NORMAL, 2, 3)
    assert result == judge(DAYTIME, RULE, punches=punches[::-1], now=LONG_AFTER)


def test_before_joining_and_after_leaving_nothing_is_expected() -> None:
    result = judge(replace(DAYTIME, rest="not_joined"), RULE, punches=[], now=LONG_AFTER)
    assert result.mark == Mark.REST and say(result, DAYTIME).endswith("尚未入职，不计考勤")


def test_a_held_result_says_so() -> None:
    late = judge(DAYTIME, RULE, punches=seen("08:40", "18:00"), now=LONG_AFTER)
    assert say(late, DAYTIME, held=True).endswith("判为严重迟到（待定：打卡范围可能有误，等待主管处理）")


class TestHoursOff:
    """A punch that says which way it goes is believed outside its window too: hours late are late, not a missing punch."""

    def test_five_hours_late_is_judged_by_its_minutes(self) -> None:
        punches = [Seen(1, at("13:10"), direction="in"), Seen(2, at("18:01"), direction="out")]
        result = judge(DAYTIME, RULE, punches=punches, now=LONG_AFTER)
        assert (result.mark, result.late_minutes, result.worked_minutes) == (Mark.ABSENT, 310, 290)
        assert say(result, DAYTIME) == "班次 08:00–18:00，首卡 13:10，超出宽限 10 分，迟到 310 分，末卡 18:01，判为旷工"
        earlier = judge(DAYTIME, RULE, punches=[replace(punches[0], at=at("12:00")), punches[1]], now=LONG_AFTER)
        assert earlier.mark == result.mark  # later is never milder

    def test_it_shows_while_the_shift_runs(self) -> None:
        running = judge(DAYTIME, RULE, punches=[Seen(1, at("13:10"), direction="in")], now=at("14:00"))
        assert (running.mark, running.in_at, running.present_from) == (Mark.PENDING, at("13:10"), at("13:10"))

    def test_going_after_two_hours_is_early(self) -> None:
        punches = [Seen(1, at("07:55"), direction="in"), Seen(2, at("10:00"), direction="out")]
        result = judge(DAYTIME, RULE, punches=punches, now=LONG_AFTER)
        assert (result.mark, result.early_minutes, result.worked_minutes) == (Mark.ABSENT, 480, 120)
        assert say(result, DAYTIME) == "班次 08:00–18:00，首卡 07:55，末卡 10:00，早退 480 分，判为旷工"

    def test_who_was_seen_going_before_had_come_before(self) -> None:
        """A forgotten morning punch: out for lunch, back, home."""
        times = (("12:00", "out"), ("13:00", "in"), ("18:00", "out"))
        punches = [Seen(n, at(t), direction=d) for n, (t, d) in enumerate(times)]
        result = judge(DAYTIME, RULE, punches=punches, now=LONG_AFTER)
        assert (result.mark, result.late_minutes) == (Mark.MISSING_IN, 0)
        assert say(result, DAYTIME).endswith("13:00 的打卡不在应打卡的时段，未计入，没有上班卡")

    def test_who_was_seen_coming_back_had_not_gone(self) -> None:
        """A forgotten evening punch: in, out for lunch, back."""
        times = (("07:58", "in"), ("12:00", "out"), ("13:00", "in"))
        punches = [Seen(n, at(t), direction=d) for n, (t, d) in enumerate(times)]
        result = judge(DAYTIME, RULE, punches=punches, now=LONG_AFTER)
        assert (result.mark, result.early_minutes) == (Mark.MISSING_OUT, 0)
        assert "12:00 的打卡不在应打卡的时段，未计入" in say(result, DAYTIME)

    def test_without_a_direction_it_stays_with_its_half(self) -> None:
        result = judge(DAYTIME, RULE, punches=seen("13:10", "18:00"), now=LONG_AFTER)
        assert (result.mark, result.late_minutes) == (Mark.MISSING_IN, 0)

    def test_a_punch_of_another_post_or_too_weak_is_believed_nowhere(self) -> None:
        for wrong in ({"post": "elsewhere"}, {"grade": "D"}):
            punches = [replace(Seen(1, at("13:10"), direction="in"), **wrong), Seen(2, at("18:01"))]
            result = judge(replace(DAYTIME, post="here"), RULE, punches=punches, now=LONG_AFTER)
            assert (result.mark, result.in_punch) == (Mark.MISSING_IN, None)


class TestNotAskedFor:
    """A punch that the shift does not ask for is shown and costs nothing."""

    def test_a_stray_out_punch(self) -> None:
        free = replace(DAYTIME, needs_out=False, in_until=at("18:00"))
        punches = [Seen(1, at("07:55")), Seen(2, at("15:00"), direction="out")]
        result = judge(free, RULE, punches=punches, now=LONG_AFTER)
        assert (result.mark, result.early_minutes, result.worked_minutes) == (Mark.NORMAL, 0, 600)
        assert result.out_at == at("15:00") and result.present_until == at("18:00")

    def test_a_stray_in_punch(self) -> None:
        free = replace(DAYTIME, needs_in=False, out_from=at("08:00"))
        punches = [Seen(1, at("10:30"), direction="in"), Seen(2, at("18:00"), direction="out")]
        result = judge(free, RULE, punches=punches, now=LONG_AFTER)
        assert (result.mark, result.late_minutes, result.worked_minutes) == (Mark.NORMAL, 0, 600)


class TestFlexBeforeTheNextShift:
    SPLIT = replace(shift("08:00", "12:00"), flex_minutes=60, next_starts=at("12:10"))

    def test_it_ends_no_later_than_the_next_begins(self) -> None:
        result = judge(self.SPLIT, RULE, punches=seen("08:50", "12:10"), now=LONG_AFTER)
        assert (result.mark, result.early_minutes, result.worked_minutes) == (Mark.NORMAL, 0, 200)
        assert result.trace == {"flex": 10}

    def test_going_before_that_is_still_early(self) -> None:
        result = judge(self.SPLIT, RULE, punches=seen("08:50", "12:05"), now=LONG_AFTER)
        assert (result.mark, result.early_minutes) == (Mark.EARLY, 5)

    def test_without_a_next_shift_it_ends_as_much_later(self) -> None:
        result = judge(replace(self.SPLIT, next_starts=None), RULE, punches=seen("08:50", "12:10"), now=LONG_AFTER)
        assert (result.mark, result.early_minutes) == (Mark.EARLY, 40)
