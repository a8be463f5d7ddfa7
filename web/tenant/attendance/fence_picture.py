"""The proposal of a fence change as a drawing: the fence now, the refused punches with their error, the fence then.

An own plane in metres, no map tiles from anywhere; words stand in the legend, which a phone can read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tenants.attendance.models import Suspect
from tenants.attendance.positions import Position
from tenants.punches.fences import Verdict, Zone, judge, plane

WIDE, HIGH, EDGE = 640, 440, 28  # units of the drawing and its margin
LEAST_M = 80.0  # what the drawing shows at least, across
FAR = 3.0  # a punch further out than so many times the others is counted beside the drawing
STEPS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000)


@dataclass(frozen=True, slots=True)
class Shape:
    """A fence in the drawing: a circle, or a polygon by its `points`."""

    x: float = 0
    y: float = 0
    r: float = 0
    points: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    error: float  # radius of the position's error; 0 where the phone named none
    taken: bool  # the proposal would take it in
    said: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What the template draws."""

    now: Shape
    then: Shape
    dots: tuple[Dot, ...]
    away: int  # refused punches beyond the edge of the drawing
    taken: int  # of all of them, those the proposal takes in
    left: int
    bar_m: int
    bar: float  # its length in the drawing
    box: str = f"0 0 {WIDE} {HIGH}"


def zones(row: Suspect) -> tuple[Zone, Zone] | None:
    """The fence as it was when the case was found, and as proposed; None where the proposal names none."""
    told, fence = row.proposal, row.fence
    if told.get("polygon") and told.get("was_polygon"):
        return _ring(told["was_polygon"]), _ring(told["polygon"])
    centre = told.get("was") or (None if fence is None else [fence.latitude, fence.longitude])
    if not told.get("radius_m") or not told.get("was_m") or not centre or centre[0] is None:
        return None
    to = [told["latitude"], told["longitude"]] if told.get("latitude") else centre
    was, then = float(told["was_m"]), float(told["radius_m"])
    return Zone(centre[0], centre[1], radius_m=was), Zone(to[0], to[1], radius_m=then)


def _ring(corners: Sequence[Sequence[float]]) -> Zone:
    pairs = tuple((float(x), float(y)) for x, y in corners)
    return Zone(pairs[0][1], pairs[0][0], corners=pairs)


def _outline(zone: Zone, at: tuple[float, float]) -> list[tuple[float, float]]:
    """Points in metres that the zone reaches to."""
    if zone.radius_m is None:
        return [plane(lat, lon, at=at) for lon, lat in zone.corners]
    x, y = plane(zone.latitude, zone.longitude, at=at)
    r = zone.radius_m
    return [(x - r, y - r), (x + r, y + r)]


def picture(row: Suspect, positions: Iterable[Position]) -> Picture | None:
    """The drawing of a case; None where no fence is to be changed."""
    both = zones(row)
    if both is None:
        return None
    was, then = both
    at = (was.latitude, was.longitude)
    all_ = list(positions)
    near = sorted(p.outside_m for p in all_)
    limit = max(100.0, FAR * near[int(len(near) * 0.9)]) if near else 0.0
    shown = [p for p in all_ if p.outside_m <= limit]
    dots = [(p, *plane(p.latitude, p.longitude, at=at)) for p in shown]
    reach = [*_outline(was, at), *_outline(then, at)]
    for p, x, y in dots:
        e = p.accuracy_m or 0.0
        reach += [(x - e, y - e), (x + e, y + e)]
    left, right = min(x for x, _y in reach), max(x for x, _y in reach)
    low, high = min(y for _x, y in reach), max(y for _x, y in reach)
    scale = min((WIDE - 2 * EDGE) / max(right - left, LEAST_M), (HIGH - 2 * EDGE) / max(high - low, LEAST_M))
    mid_x, mid_y = (left + right) / 2, (low + high) / 2

    def to(x: float, y: float) -> tuple[float, float]:
        return round(WIDE / 2 + (x - mid_x) * scale, 1), round(HIGH / 2 - (y - mid_y) * scale, 1)

    def shape(zone: Zone) -> Shape:
        if zone.radius_m is None:
            corners = (to(*plane(lat, lon, at=at)) for lon, lat in zone.corners)
            return Shape(points=" ".join(f"{x},{y}" for x, y in corners))
        return Shape(*to(*plane(zone.latitude, zone.longitude, at=at)), round(zone.radius_m * scale, 1))

    taken = {id(p) for p in all_ if judge([then], p.latitude, p.longitude, p.accuracy_m)[0] != Verdict.OUTSIDE}
    bar_m = max((s for s in STEPS if s * scale <= WIDE / 5), default=STEPS[0])
    return Picture(
        now=shape(was), then=shape(then),
        dots=tuple(
            Dot(*to(x, y), round((p.accuracy_m or 0.0) * scale, 1), id(p) in taken,
                f"{_away(p)}，误差 {p.accuracy_m:.0f} 米" if p.accuracy_m is not None else _away(p))
            for p, x, y in dots
        ),
        away=len(all_) - len(shown), taken=len(taken), left=len(all_) - len(taken), bar_m=bar_m,
        bar=round(bar_m * scale, 1),
    )  # fmt: skip


def _away(p: Position) -> str:
    return f"范围外 {p.outside_m:.0f} 米"


def pictures(rows: Sequence[Suspect], positions: Iterable[tuple[Any, Position]]) -> dict[Any, Picture]:
    """{case id: its drawing}, cases without one left out."""
    by_case: dict[Any, list[Position]] = {}
    for case, position in positions:
        by_case.setdefault(case, []).append(position)
    found = ((row.pk, picture(row, by_case.get(row.pk, []))) for row in rows)
    return {pk: drawn for pk, drawn in found if drawn is not None}
