"""巡更可信度 0–100: what speaks against a tour, each with its sentence. Pure; the operation gathers the facts.

A tour starts at 100. Each doubt takes off its points once, however many stops show it: the score is meant to
put the doubtful tours on top of a list for a human, not to convict anybody. Scanning a code is weaker than
touching a tag (a code can be photographed), so a tour of codes alone stops at 90. A time that only the phone says
is no proof of when: such a tour is at most 70, and 40 where all its reports came at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from uuid import UUID

from tenants.patrols.choices import Doubt, ScanMethod

WEIGHTS = {
    Doubt.TOO_FAST: 30,
    Doubt.OUT_OF_ORDER: 20,
    Doubt.SAME_RHYTHM: 30,
    Doubt.REUSED_PHOTO: 50,
    Doubt.FROZEN_POSITION: 20,
    Doubt.BURST: 40,
    Doubt.WEAK_SCANS: 10,
    Doubt.LATE_REPORT: 5,
    Doubt.CLOCK: 30,
}
TOGETHER_POINTS = 60  # CLOCK, where the times were not only unchecked but came all at once
SOON = timedelta(minutes=2)  # received so soon after the time it claims: the receipt itself is the server's word
TOGETHER_STOPS = 3  # that came in less than half of the time they claim to lie apart
BURST = timedelta(minutes=2)  # all scans of a tour within this time, and faster than the route allows
BURST_STOPS = 3  # from so many points on
UNKNOWN_LEG = 15  # seconds from one point to the next, scan and answers included, where nobody measured the way
RHYTHM_SECONDS = 3  # gaps that differ by no more are the same
RHYTHM_SHARE = 0.05  # and by no more than this share of the gap: short ways are alike by nature
RHYTHM_LASTS = 300  # seconds a tour must last before its rhythm says anything
RHYTHM_STOPS = 4
RHYTHM_TOURS = 2  # so many earlier tours with the same gaps
FAST_SHARE = 0.5  # less than half of the least honest walking time
MAX_SPEED = 3.5  # metres a second between two positions, their errors taken off: nobody patrols at a run
SURE = 2  # a phone states the radius that holds two fixes of three; twice of it holds nearly all
UNKNOWN_ERROR = 100.0  # metres, where a phone states no error, or none at all (0)
FROZEN_METRES = 0.5  # a real receiver's position trembles by more
FROZEN_STOPS = 4
FROZEN_ACCURACY = 20.0  # metres: by satellite. Indoors the network gives one and the same fix to everybody
FROZEN_APART = 60  # seconds to walk between two of the points: then they are known to lie apart
LATE = timedelta(hours=12)
EARTH = 6_371_000.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One stop that was scanned, as the judgement sees it."""

    position: int
    place: str
    at: datetime
    method: str
    walk_seconds: int | None = None  # least honest time from the stop before
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    anchored: bool = True
    received_at: datetime | None = None

    @property
    def checked(self) -> bool:
        """Whether the server can vouch for the time: by its anchor, or because the report came at once."""
        return self.anchored or (self.received_at is not None and self.received_at - self.at <= SOON)


@dataclass(frozen=True, slots=True)
class Reused:
    """A photo of this tour that is the same shot as one taken before, in another tour or at another point of this one."""

    place: str
    tour_number: str  # empty: of this tour
    evidence_id: UUID
    other_place: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    code: Doubt
    sentence: str
    points: int

    def as_json(self) -> dict[str, object]:
        return {"code": self.code.value, "sentence": self.sentence, "points": self.points}


def metres(one: Seen, other: Seen) -> float | None:
    """Great-circle distance of two positions, or None where one is missing."""
    if None in (one.latitude, one.longitude, other.latitude, other.longitude):
        return None
    a, b = radians(one.latitude or 0), radians(other.latitude or 0)
    across = radians((other.longitude or 0) - (one.longitude or 0))
    return 2 * EARTH * asin(sqrt(sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(across / 2) ** 2))


def gaps(seen: Sequence[Seen]) -> list[float]:
    """Seconds between one scan and the next, in the order of time."""
    times = sorted(s.at for s in seen)
    return [(b - a).total_seconds() for a, b in pairwise(times)]


def judge(
    seen: Sequence[Seen],
    *,
    earlier: Sequence[Sequence[float]] = (),
    reused: Sequence[Reused] = (),
    ordered: bool = False,
    legs: Mapping[int, int | None] | None = None,
) -> tuple[int, list[Reason]]:
    """Return (credibility, reasons).

    `earlier` are the gaps of former tours of the route; `legs` the least walking time to each position of the
    tour from the one before, also of points that were not seen (without it: those of what was seen).
    """
    walked = sorted(seen, key=lambda s: (s.at, s.position))
    known = {p: s for p, s in (legs or {s.position: s.walk_seconds for s in seen}).items() if s}
    found = [
        reason
        for reason in (
            _too_fast(walked, known, ordered=ordered),
            _order(walked) if ordered else None,
            _burst(walked, known, ordered=ordered),
            _rhythm(walked, earlier),
            _photo(reused),
            _frozen(walked, known),
            _weak(walked),
            _late(walked),
            _clock(walked),
        )
        if reason is not None
    ]
    return max(0, 100 - sum(r.points for r in found)), found


def least_seconds(legs: Mapping[int, int], one: int, other: int, *, ordered: bool) -> float | None:
    """The least honest time between two positions of a route, either way; None where nothing is known.

    Past skipped points it is the sum of their legs on an ordered route, or the way round if that is shorter (a
    route may be a loop; its closing leg counts as an average one). Where any order is allowed nobody said how
    such points lie to each other: then it is the shortest of the legs.
    """
    low, high = min(one, other), max(one, other)
    between = [seconds for position, seconds in legs.items() if low < position <= high]
    if not between:
        return None
    if high == low + 1:
        return between[0]
    if not ordered:
        return min(between)
    whole = sum(legs.values())
    return min(sum(between), whole - sum(between) + whole / len(legs))


def _comparable(walked: Sequence[Seen]) -> list[tuple[Seen, Seen]]:
    """Neighbours in time whose times are by one clock: the server's, or the phone's own."""
    return [(a, b) for a, b in pairwise(walked) if a.anchored == b.anchored]


def _error(seen: Seen) -> float:
    return SURE * (seen.accuracy_m if seen.accuracy_m and seen.accuracy_m > 0 else UNKNOWN_ERROR)


def _reason(code: Doubt, sentence: str) -> Reason:
    return Reason(code, sentence, WEIGHTS[code])


def _too_fast(walked: Sequence[Seen], legs: Mapping[int, int], *, ordered: bool) -> Reason | None:
    for before, after in _comparable(walked):
        seconds = (after.at - before.at).total_seconds()
        least = least_seconds(legs, before.position, after.position, ordered=ordered)
        if least is not None and seconds < least * FAST_SHARE:
            return _reason(
                Doubt.TOO_FAST,
                f"从“{before.place}”到“{after.place}”只用了 {seconds:.0f} 秒，正常至少 {least:.0f} 秒。",
            )
        distance = metres(before, after)
        if distance is None:
            continue
        sure = distance - _error(before) - _error(after)
        if sure > 0 and sure > MAX_SPEED * max(seconds, 0):
            return _reason(
                Doubt.TOO_FAST,
                f"从“{before.place}”到“{after.place}”相距约 {distance:.0f} 米，只用了 {seconds:.0f} 秒。",
            )
    return None


def _order(walked: Sequence[Seen]) -> Reason | None:
    back = [(a, b) for a, b in _comparable(walked) if b.position < a.position]
    if not back:
        return None
    before, after = back[0]
    more = f"，这样的地方共 {len(back)} 处" if len(back) > 1 else ""
    return _reason(Doubt.OUT_OF_ORDER, f"路线要求按顺序走：应先到“{after.place}”，实际先到了“{before.place}”{more}。")


def _burst(walked: Sequence[Seen], legs: Mapping[int, int], *, ordered: bool) -> Reason | None:
    """All points faster than half of the way takes; a short route is short, whoever walks it."""
    if len(walked) < BURST_STOPS:
        return None
    ways = (least_seconds(legs, a.position, b.position, ordered=ordered) for a, b in pairwise(walked))
    least = sum(UNKNOWN_LEG if way is None else way * FAST_SHARE for way in ways)
    lasted = (walked[-1].at - walked[0].at).total_seconds()
    if lasted >= min(BURST.total_seconds(), least):
        return None
    return _reason(Doubt.BURST, f"{len(walked)} 个点在 {lasted:.0f} 秒内全部扫完，走完这些点至少要 {least:.0f} 秒。")


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= min(RHYTHM_SECONDS, RHYTHM_SHARE * min(one, other))


def _rhythm(walked: Sequence[Seen], earlier: Sequence[Sequence[float]]) -> Reason | None:
    now = gaps(walked)
    if len(walked) < RHYTHM_STOPS or sum(now) < RHYTHM_LASTS:
        return None
    same = sum(
        1 for then in earlier if len(then) == len(now) and all(_same(a, b) for a, b in zip(now, then, strict=True))
    )
    if same < RHYTHM_TOURS:
        return None
    return _reason(Doubt.SAME_RHYTHM, f"各点之间的间隔与此前 {same} 次巡更几乎相同（相差不超过 {RHYTHM_SECONDS} 秒）。")


def _photo(reused: Sequence[Reused]) -> Reason | None:
    if not reused:
        return None
    first = reused[0]
    more = f"，另有 {len(reused) - 1} 张同样情况" if len(reused) > 1 else ""
    where = f"巡更 {first.tour_number} 中的" if first.tour_number else f"本次“{first.other_place}”的"
    return _reason(Doubt.REUSED_PHOTO, f"“{first.place}”的照片与{where}是同一张{more}。")


def _frozen(walked: Sequence[Seen], legs: Mapping[int, int]) -> Reason | None:
    """All fixes in one spot, though each is precise and the points lie apart."""
    precise = [s for s in walked if s.accuracy_m is not None and 0 < s.accuracy_m <= FROZEN_ACCURACY]
    if len(precise) < FROZEN_STOPS or len(precise) < len(walked) or any(metres(s, s) is None for s in precise):
        return None
    apart = (least_seconds(legs, a.position, b.position, ordered=False) or 0 for a, b in pairwise(precise))
    if max(apart) < FROZEN_APART or max(metres(precise[0], s) or 0.0 for s in precise[1:]) >= FROZEN_METRES:
        return None
    return _reason(Doubt.FROZEN_POSITION, f"{len(precise)} 个点的定位完全一样，手机可能没有移动。")


def _weak(walked: Sequence[Seen]) -> Reason | None:
    weak = [s for s in walked if s.method != ScanMethod.NFC]
    if not walked or not weak:
        return None
    typed = sum(1 for s in weak if s.method == ScanMethod.NUMBER)
    how = f"{len(weak)} 个点用扫码" + (f"（其中 {typed} 个手输编码）" if typed else "")
    return _reason(Doubt.WEAK_SCANS, f"{how}，二维码可以被翻拍，不如 NFC 可靠。")


def _late(walked: Sequence[Seen]) -> Reason | None:
    late = [s for s in walked if s.received_at is not None and s.received_at - s.at > LATE]
    if not late:
        return None
    longest = max((s.received_at or s.at) - s.at for s in late)
    return _reason(Doubt.LATE_REPORT, f"{len(late)} 个点在 {longest.total_seconds() / 3600:.0f} 小时后才上传。")


def _clock(walked: Sequence[Seen]) -> Reason | None:
    """Times that only the phone says. Whoever invents a tour in bed sends such, and all at once; so may an honest
    phone that lost the server's time and had no network: it is told what nobody can know, and how to avoid it."""
    loose = [s for s in walked if not s.checked]
    if not loose:
        return None
    words = f"{len(loose)} 个点的时间是手机自己报的，未能与服务器核对"
    arrived = sorted((s for s in loose if s.received_at is not None), key=lambda s: (s.received_at or s.at, s.at))
    heaps = [(a, b) for a, b in pairwise(arrived) if _together(a, b)]
    if len(heaps) + 1 >= TOGETHER_STOPS:
        words = f"{words}，其中 {len(heaps) + 1} 个一起上传，不能说明是先后到点的"
        return Reason(Doubt.CLOCK, f"{words}。出发前联网打开一次巡更页，没有网络也能核对。", TOGETHER_POINTS)
    return _reason(Doubt.CLOCK, f"{words}。出发前联网打开一次巡更页，没有网络也能核对。")


def _together(one: Seen, other: Seen) -> bool:
    """They came one after the other in less than half of the time they claim to lie apart."""
    came = (other.received_at or other.at) - (one.received_at or one.at)
    return came < abs(other.at - one.at) * FAST_SHARE
