"""The rule of one shift instance in plain Python: the oracle of `derive.py`, and what explains a result in words.

Given what was expected (windows and thresholds frozen on the instance), what was seen (punches), and who was
away, `judge` says what it came to. `derive.py` says the same in SQL for thousands at once; a test holds the
two together. Nothing here reads a table or a clock.

- In-punch: the earliest counted punch in the in-window; out-punch: the latest counted one in the out-window,
  later than the in-punch. A punch without a direction belongs to the nearer half of the shift. One with a
  direction is believed, save where two shifts of a person touch: there one punch ends the first and begins
  the second, whatever it was called.
- Hours late or early are not a missing punch: without an in-punch in its window, the first later one that is said to be
  coming counts, up to the end of the shift, unless the person had been seen going before it (then the morning's punch
  was forgotten); without an out-punch in its window, the last earlier one that is said to be going, unless the person
  was seen coming after it (then it was a break). So arriving at 13:10 is judged like arriving at 12:00, by its minutes.
- A punch that the shift does not ask for is shown and proves nothing against the person: it makes nobody late or early.
- Flexible hours end as much later as they began later, but not after the person's next shift has begun.
- The first answer to a presence call (source `duty`) says that somebody is here, not since when: it makes nobody late. After
  the grace the coming is 缺卡, for 补卡; nobody who was seen is absent for the hours before.
- A punch counts when it is accepted, proves at least what the post asks for (or is an approved correction),
  and was not made for another post.
- Approved leave is cut out of the shift; what remains is judged.
- Nobody is judged absent, and no punch called missing, before `report_hours` have passed and the devices at
  the place have reported; a dead device is waited for seven days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from tenants.attendance.choices import Mark, Wait

MINUTE = timedelta(minutes=1)
DEVICE_WAIT = timedelta(days=7)
LOOK_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Rule:
    """Thresholds in minutes, `report_hours` in hours; frozen with the instance."""

    grace: int = 10
    early_grace: int = 0
    serious: int = 30
    half_absent: int = 120
    absent: int = 240
    report_hours: int = 12


@dataclass(frozen=True, slots=True)
class Expected:
    """A shift instance. `ended_before` is the end of the out-window of a shift of the same person that ends just
    when this one starts, `begins_after` the start of the in-window of one that starts when this one ends; `next_starts`
    the start of the person's next shift, where it begins within the flexible minutes after this one."""

    starts_at: datetime
    ends_at: datetime
    in_from: datetime
    in_until: datetime
    out_from: datetime
    out_until: datetime
    needs_in: bool = True
    needs_out: bool = True
    flex_minutes: int = 0
    grade: str = "C"
    post: Any = None
    ended_before: datetime | None = None
    begins_after: datetime | None = None
    next_starts: datetime | None = None
    rest: str = ""  # "not_joined" or "left": nothing is expected of the person on this day


@dataclass(frozen=True, slots=True)
class Seen:
    """A punch."""

    id: int
    at: datetime
    direction: str = "unknown"
    grade: str = "B"
    status: str = "accepted"
    source: str = "phone"
    refusal: str = ""
    post: Any = None
    unchecked: bool = False  # only the phone says when


@dataclass(frozen=True, slots=True)
class Away:
    """An approved leave, half-open; `works` when it is field work."""

    starts_at: datetime
    ends_at: datetime
    works: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What it came to. Minutes are whole ones, rounded down."""

    mark: Mark
    wait: Wait = Wait.NONE
    due_at: datetime | None = None
    late_minutes: int = 0
    early_minutes: int = 0
    worked_minutes: int = 0
    leave_minutes: int = 0
    in_punch: int | None = None
    out_punch: int | None = None
    in_at: datetime | None = None
    out_at: datetime | None = None
    grade: str = ""
    present_from: datetime | None = None
    present_until: datetime | None = None
    trace: dict[str, Any] = field(default_factory=dict)


Stretch = tuple[datetime, datetime]


def _minus(whole: Stretch, cuts: Sequence[Stretch]) -> list[Stretch]:
    """What is left of `whole`, in order."""
    left = [whole]
    for starts, ends in cuts:
        left = [(a, b) for lo, hi in left for a, b in ((lo, min(hi, starts)), (max(lo, ends), hi)) if a < b]
    return sorted(set(left))


def _minutes(stretches: Sequence[Stretch]) -> int:
    return sum(((b - a) for a, b in stretches), timedelta()) // MINUTE


@dataclass(frozen=True, slots=True)
class Due:
    """What remains of a shift after leave: its outer bounds, its middle, and the windows as they then are.

    Leave at the start opens the in-window up to the middle of the rest, leave at the end opens the out-window from there.
    The in-window is `in_from` to `in_until`, the out-window `out_from` to `out_until` of the shift, half-open.
    """

    begins: datetime
    ends: datetime
    middle: datetime
    in_until: datetime
    out_from: datetime


def due_of(shift: Expected, leaves: Sequence[Away] = ()) -> Due | None:
    """What is expected of a shift with these leaves; None where nothing remains. Judging and 补卡 ask the same."""
    left = _minus((shift.starts_at, shift.ends_at), [(leave.starts_at, leave.ends_at) for leave in leaves])
    if not left:
        return None
    begins, ends = left[0][0], left[-1][1]
    middle = begins + (ends - begins) / 2
    if shift.needs_in != shift.needs_out:  # one punch is all that is asked for, whenever in the shift it comes
        middle = ends if shift.needs_in else begins
    in_until = max(shift.in_until, min(middle, shift.out_until)) if begins > shift.starts_at else shift.in_until
    out_from = min(shift.out_from, middle) if ends < shift.ends_at else shift.out_from
    return Due(begins, ends, middle, in_until, out_from)


def _in_order(p: Seen) -> tuple[datetime, int]:
    return (p.at, p.id)


def _epoch(at: datetime) -> int:
    return int(at.timestamp())


def judge(
    shift: Expected,
    rule: Rule,
    *,
    punches: Sequence[Seen],
    leaves: Sequence[Away] = (),
    now: datetime,
    devices_until: datetime | None = None,
) -> Judged:
    """Judge one instance at `now`. `devices_until`: up to when the slowest device at the place has reported."""
    if shift.rest:
        return Judged(Mark.REST, trace={"rest": shift.rest})
    whole = (shift.starts_at, shift.ends_at)
    away = [(leave.starts_at, leave.ends_at) for leave in leaves]
    left = _minus(whole, away)
    on_leave = _minutes([whole]) - _minutes(left)
    due = due_of(shift, leaves)
    if due is None:
        works = not _minus(whole, [(a.starts_at, a.ends_at) for a in leaves if a.works])
        return Judged(Mark.FIELD if works else Mark.LEAVE, leave_minutes=on_leave)

    trace: dict[str, Any] = {}
    begins, ends, middle = due.begins, due.ends, due.middle
    if on_leave:
        trace["from"], trace["until"] = _epoch(begins), _epoch(ends)

    def strong(p: Seen) -> bool:
        return p.status == "accepted" and (p.grade <= shift.grade or p.source == "correction")

    def at_boundary_in(p: Seen) -> bool:
        return shift.ended_before is not None and p.at < shift.ended_before

    def at_boundary_out(p: Seen) -> bool:
        return shift.begins_after is not None and p.at >= shift.begins_after

    def useless_for(p: Seen) -> str:
        if p.status == "pending":
            return ""
        if not strong(p):
            return p.refusal if p.status == "refused" else "weak"
        if p.post is not None and p.post != shift.post:
            return "other_post"
        missing = (p.direction == "in" and not has_in) or (p.direction == "out" and not has_out)
        return "window" if missing else ""

    ins = [
        p
        for p in punches
        if shift.in_from <= p.at < due.in_until
        and strong(p)
        and (p.post is None or p.post == shift.post or at_boundary_in(p))
        and (p.direction == "in" or (p.at < middle and (p.direction == "unknown" or at_boundary_in(p))))
    ]
    said = [p for p in punches if strong(p) and (p.post is None or p.post == shift.post)]
    first = min(ins, key=_in_order, default=None)
    if first is None and shift.needs_in:
        late_ins = [
            p
            for p in said
            if p.direction == "in"
            and due.in_until <= p.at < ends
            and not any(o.direction == "out" and begins <= o.at < p.at for o in said)
        ]
        first = min(late_ins, key=_in_order, default=None)
    outs = [
        p
        for p in punches
        if due.out_from <= p.at < shift.out_until
        and strong(p)
        and (p.post is None or p.post == shift.post or at_boundary_out(p))
        and (p.direction == "out" or (p.at >= middle and (p.direction == "unknown" or at_boundary_out(p))))
        and (first is None or p.at > first.at)
    ]
    last = max(outs, key=_in_order, default=None)
    if last is None and shift.needs_out:
        early_outs = [
            p
            for p in said
            if p.direction == "out"
            and begins <= p.at < due.out_from
            and (first is None or p.at > first.at)
            and not any(b.direction == "in" and p.at < b.at < ends for b in said)
        ]
        last = max(early_outs, key=_in_order, default=None)

    flex = shift.flex_minutes if begins == shift.starts_at else 0
    moved = 0
    came_late = 0
    if first and shift.needs_in:
        behind = max(0, (first.at - begins) // MINUTE)
        came_late = max(0, behind - flex)
        moved = min(behind, flex) if ends == shift.ends_at else 0
        if shift.next_starts is not None:
            moved = min(moved, max(0, (shift.next_starts - ends) // MINUTE))
    until = ends + moved * MINUTE
    left_early = max(0, (until - last.at) // MINUTE) if last and shift.needs_out else 0
    only_seen = first is not None and first.source == "duty"  # here at that moment; when they came is not known
    late = came_late if came_late > rule.grace and not only_seen else 0
    early = left_early if left_early > rule.early_grace else 0
    if only_seen and first is not None:
        trace["seen"] = _epoch(first.at)
    elif came_late and not late:
        trace["graced"] = came_late
    if moved:
        trace["flex"] = moved
    corrected = [n for n, p in (("in", first), ("out", last)) if p and p.source == "correction"]
    if corrected:
        trace["corrected"] = corrected
    unchecked = [n for n, p in (("in", first), ("out", last)) if p and p.unchecked]
    if unchecked:
        trace["unchecked"] = unchecked

    has_in, has_out = first is not None or not shift.needs_in, last is not None or not shift.needs_out
    if not has_in or not has_out or late or early:
        useless = [
            {"at": _epoch(p.at), "why": why, "grade": p.grade}
            for p in sorted(punches, key=_in_order)
            if shift.in_from <= p.at < shift.out_until and p not in (first, last) and (why := useless_for(p))
        ][:3]
        if useless:
            trace["useless"] = useless

    settled = has_in and has_out and now >= until and (not shift.needs_out or last is None or last.at >= until)
    report = max(shift.out_until, shift.ends_at + timedelta(hours=rule.report_hours))
    wait, look_at = Wait.NONE, None
    if settled:
        pass
    elif now < shift.out_until:
        wait, look_at = Wait.RUNNING, until if now < until else shift.out_until
    elif (
        any(p.status == "pending" and shift.in_from <= p.at < shift.out_until for p in punches)
        and now < shift.out_until + DEVICE_WAIT
    ):
        wait, look_at = Wait.VERIFY, now + LOOK_AGAIN
    elif has_in and has_out:
        pass
    elif now < report:
        wait, look_at = Wait.REPORT, report
    elif devices_until is not None and devices_until < shift.out_until:
        if now < shift.out_until + DEVICE_WAIT:
            wait, look_at = Wait.DEVICE, now + LOOK_AGAIN
        else:
            trace["device_silent"] = True

    missing_in, missing_out = not has_in, not has_out
    gone = late + early
    if wait:
        mark = Mark.PENDING
    elif ((missing_in or missing_out) and first is None and last is None) or (gone and gone >= rule.absent):
        mark = Mark.ABSENT
    elif gone and gone >= rule.half_absent:
        mark = Mark.ABSENT_HALF
    elif missing_in or (only_seen and came_late > rule.grace):
        mark = Mark.MISSING_IN
    elif missing_out:
        mark = Mark.MISSING_OUT
    elif late and late >= rule.serious:
        mark = Mark.SERIOUS_LATE
    elif late:
        mark = Mark.LATE
    elif early:
        mark = Mark.EARLY
    else:
        mark = Mark.NORMAL
    if mark == Mark.ABSENT and on_leave:
        mark = Mark.ABSENT_HALF

    if first and (shift.needs_in or wait):
        present_from: datetime | None = max(first.at, begins)
    else:
        present_from = None if wait or missing_in else begins
    present_until = None
    worked = 0
    if not wait and has_in and has_out and present_from is not None:
        present_until = min(last.at, until) if last and shift.needs_out else until
        if present_until <= present_from:
            present_from = present_until = None
        else:
            worked = _minutes(_minus((present_from, present_until), away))
    return Judged(
        mark=mark,
        wait=wait,
        due_at=look_at,
        late_minutes=late,
        early_minutes=early,
        worked_minutes=worked,
        leave_minutes=on_leave,
        in_punch=first.id if first else None,
        out_punch=last.id if last else None,
        in_at=first.at if first else None,
        out_at=last.at if last else None,
        grade=max((p.grade for p in (first, last) if p), default=""),
        present_from=present_from,
        present_until=present_until,
        trace=trace,
    )


# --- In words -------------------------------------------------------------------------------------


class Told(Protocol):
    """What a sentence is made of: a result (or an adjustment) with its instance's times and rule."""

    mark: str
    wait: str
    late_minutes: int
    early_minutes: int
    in_at: datetime | None
    out_at: datetime | None
    trace: dict[str, Any]


WHY = {
    "outside": "不在打卡范围",
    "stale_fix": "定位不是当前的",
    "face_mismatch": "人脸核验未通过",
    "not_live": "活体核验未通过",
    "too_weak": "佐证等级不够",
    "wrong_place": "扫的不是本岗位的码",
    "clock": "时间未核对",
    "uncertified": "缺少上岗证书",
    "left": "已离职",
    "other_post": "是为另一个岗位打的",
    "window": "不在应打卡的时段",
}


def clock_of(at: datetime, day: date, tz: ZoneInfo) -> str:
    """A time as people say it on a roster day: "22:14", "次日 06:00", "前日 23:50"."""
    local = at.astimezone(tz)
    apart = (local.date() - day).days
    before = {0: "", 1: "次日 ", -1: "前日 "}.get(apart, f"{local.month}月{local.day}日 ")
    return f"{before}{local:%H:%M}"


def span_of(starts_at: datetime, ends_at: datetime, day: date, tz: ZoneInfo) -> str:
    """A shift as people say it: "22:00–次日 06:00"."""
    return f"{clock_of(starts_at, day, tz)}–{clock_of(ends_at, day, tz)}"


def _at(epoch: int, day: date, tz: ZoneInfo) -> str:
    return clock_of(datetime.fromtimestamp(epoch, UTC), day, tz)


def sentence(
    told: Told,
    *,
    day: date,
    starts_at: datetime,
    ends_at: datetime,
    grace: int,
    early_grace: int,
    grade: str,
    tz: ZoneInfo,
    held: bool = False,
) -> str:
    """The one sentence of why, the same on every screen, in exports and in GraphQL.

    「班次 22:00–次日 06:00，首卡 22:14，超出宽限 10 分，迟到 14 分」
    """
    trace, mark = told.trace or {}, told.mark
    parts = [f"班次 {span_of(starts_at, ends_at, day, tz)}"]
    if mark == Mark.REST:
        return f"{parts[0]}，{'尚未入职' if trace.get('rest') == 'not_joined' else '已离职'}，不计考勤"
    if mark in (Mark.LEAVE, Mark.FIELD):
        return f"{parts[0]}，{'全程外勤，按出勤计' if mark == Mark.FIELD else '已批准请假'}"
    if "from" in trace:
        whole = (trace["from"], trace["until"]) == (_epoch(starts_at), _epoch(ends_at))
        parts.append(
            "中途请假的时间已扣除"
            if whole
            else f"扣除请假后应在岗 {_at(trace['from'], day, tz)}–{_at(trace['until'], day, tz)}"
        )
    if told.in_at and "seen" in trace:
        parts.append(f"{clock_of(told.in_at, day, tz)} 查岗时在岗")
    elif told.in_at:
        parts.append(f"首卡 {clock_of(told.in_at, day, tz)}{_mark_of('in', trace)}")
        if trace.get("flex"):
            parts.append(f"弹性顺延 {trace['flex']} 分")
        if told.late_minutes:
            parts += [f"超出宽限 {grace} 分"] if grace else []
            parts.append(f"迟到 {told.late_minutes} 分")
        elif trace.get("graced"):
            parts.append(f"晚到 {trace['graced']} 分在宽限 {grace} 分内")
    if told.out_at:
        parts.append(f"末卡 {clock_of(told.out_at, day, tz)}{_mark_of('out', trace)}")
        if told.early_minutes and mark != Mark.PENDING:
            parts += [f"超出宽限 {early_grace} 分"] if early_grace else []
            parts.append(f"早退 {told.early_minutes} 分")
    for p in trace.get("useless", []):
        why = (
            f"佐证为 {p['grade']} 级、低于岗位要求的 {grade} 级" if p["why"] == "weak" else WHY.get(p["why"], "未通过")
        )
        parts.append(f"{_at(p['at'], day, tz)} 的打卡{why}，未计入")
    parts.append(_verdict(told, mark, trace))
    return "，".join(p for p in parts if p) + ("（待定：打卡范围可能有误，等待主管处理）" if held else "")


def _mark_of(which: str, trace: dict[str, Any]) -> str:
    """What is to be known of the first or last punch: put right by a correction, or a time that only the phone says."""
    return (
        "（补卡）"
        if which in trace.get("corrected", [])
        else "（时间未核对）"
        if which in trace.get("unchecked", [])
        else ""
    )


def _verdict(told: Told, mark: str, trace: dict[str, Any]) -> str:
    if mark == Mark.PENDING:
        return {
            Wait.RUNNING: "班次尚未结束" if told.in_at else "尚未打上班卡",
            Wait.VERIFY: "有打卡正在核验，稍后判定",
            Wait.REPORT: "等待离线手机上报，暂不判定",
            Wait.DEVICE: "等待设备上报，暂不判定",
        }.get(Wait(told.wait), "待判定")
    silent = "设备七天未上报，按已有记录判定，" if trace.get("device_silent") else ""
    if mark == Mark.NORMAL:
        return "正常"
    if mark in (Mark.LATE, Mark.EARLY):
        return ""  # the minutes have said it
    if mark == Mark.SERIOUS_LATE:
        return "判为严重迟到"
    if mark == Mark.MISSING_IN:
        return f"{silent}没有上班卡"
    if mark == Mark.MISSING_OUT:
        return f"{silent}没有下班卡"
    seen = "" if told.in_at or told.out_at else "没有有效打卡，"
    return f"{silent}{seen}判为{Mark(mark).label}"
