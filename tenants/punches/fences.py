"""Fences in metres: inside, outside, or too imprecise to say. Pure; positions are WGS-84 degrees.

A fence is projected to a plane that touches the earth at the fence itself (error below 1 mm per
100 m at these sizes), so distances are metres and shapely does the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shapely.geometry import Point, Polygon

EARTH = 6_371_008.8  # mean radius, metres
USABLE_M = 150.0  # a position less precise than this refuses nobody and proves nothing
EDGE_M = 20.0  # a position this precise is taken as inside up to its error beyond the line: steps from a gate
FRESH = timedelta(seconds=120)  # an older fix says where somebody was
MOST_RADIUS_M, LEAST_RADIUS_M = 5_000, 10
MOST_CORNERS = 100
MOST_AREA_M2 = 25_000_000.0  # 25 km²: the largest campus fits


class Verdict(StrEnum):
    """What a position says about being at the place."""

    NONE = "none"  # no position, or no fence to compare it with: not outside
    INSIDE = "inside"
    UNSURE = "unsure"  # within its error of the line, or too imprecise: neither proof nor reproach
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Zone:
    """One fence without its row: a circle when `radius_m` is set, else a polygon of (longitude, latitude)."""

    latitude: float
    longitude: float
    radius_m: float | None = None
    corners: tuple[tuple[float, float], ...] = ()


def plane(latitude: float, longitude: float, *, at: tuple[float, float]) -> tuple[float, float]:
    """Metres east and north of `at` (latitude, longitude); the short way across the date line."""
    turned = (longitude - at[1] + 180.0) % 360.0 - 180.0
    east = math.radians(turned) * EARTH * math.cos(math.radians(at[0]))
    return east, math.radians(latitude - at[0]) * EARTH


def polygon_of(corners: Sequence[tuple[float, float]]) -> Polygon:
    """The polygon on the plane through its first corner. Corners are (longitude, latitude)."""
    first = (corners[0][1], corners[0][0])
    return Polygon([plane(lat, lon, at=first) for lon, lat in corners])


def grown(corners: Sequence[tuple[float, float]], metres: float) -> list[list[float]]:
    """The corners (longitude, latitude) of a polygon whose line lies so many metres further out; at most MOST_CORNERS."""
    lon, lat = corners[0]
    wider = polygon_of(corners).buffer(metres, join_style="mitre", mitre_limit=2.0)
    simple, step = wider.simplify(0.5), 0.5
    while len(simple.exterior.coords) > MOST_CORNERS:
        step *= 2
        simple = wider.simplify(step)
    east = EARTH * math.cos(math.radians(lat))
    return [
        [round(lon + math.degrees(x / east), 7), round(lat + math.degrees(y / EARTH), 7)]
        for x, y in list(simple.exterior.coords)[:-1]
    ]


def distance_m(zone: Zone, latitude: float, longitude: float) -> float:
    """Metres from a position to the fence; 0 inside and on its line."""
    if zone.radius_m is not None:
        east, north = plane(latitude, longitude, at=(zone.latitude, zone.longitude))
        return max(0.0, math.hypot(east, north) - zone.radius_m)
    first = (zone.corners[0][1], zone.corners[0][0])
    point = Point(plane(latitude, longitude, at=first))
    return float(polygon_of(zone.corners).distance(point))


def judge(
    zones: Iterable[Zone], latitude: float | None, longitude: float | None, accuracy_m: float | None
) -> tuple[Verdict, float | None]:
    """(verdict, metres outside the nearest fence). Outside by less than the error is not outside, but no proof either.

    The error is the phone's own claim, so a larger one may excuse and never prove: a position beyond the line proves
    the presence only when both the distance and the error are a few steps; one without an error proves nothing.
    Without a position (an import, a phone without GPS) or without a fence nobody is outside.
    """
    if latitude is None or longitude is None:
        return Verdict.NONE, None
    gaps = [distance_m(zone, latitude, longitude) for zone in zones]
    if not gaps:
        return Verdict.NONE, None
    gap = min(gaps)
    if gap > (USABLE_M if accuracy_m is None else accuracy_m):
        return Verdict.OUTSIDE, gap
    proves = accuracy_m is not None and accuracy_m <= (EDGE_M if gap else USABLE_M)
    return (Verdict.INSIDE if proves else Verdict.UNSURE), gap
