"""Words of a picture: what an index finds a copy by, even a recompressed or cropped one.

Each corner (ORB, scale and turn taken out, so that a picture turned by any angle has the same words) is written as four numbers, each of 32 bits of its description. A copy
keeps a part of its corners' numbers, two different pictures share next to none: those that share most are looked at
closely (alike.py). A picture without corners (the dark, a wall) has no words: it proves nothing, and is found only
as the very same file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tenants.evidence.alike import UPRIGHT, Turned

SIDE = 320  # pixels, longest side
CORNERS = 150
BITS = 32  # of a description's 256 in one number
TABLES = 4  # numbers a corner
LIKELY = 3  # shared words from which a closer look is worth it
ENOUGH = 3  # pairs of corners that a turn can be read from
OFF = 2.0  # pixels a corner of a copy may lie elsewhere
SIZES = (1.0, 0.8, 0.6)  # in which a photo is searched for: a word only fits at about the size it was noted at
GLANCE = 160  # pixels, longest side of the fine structure that two pictures are laid on each other by
NEAR_SIZES = (0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06)  # corners tell the size to so much
STEP = 4  # pixels, and the place
LEAST = 32  # pixels of a side that both must show


@cache
def _bits() -> Any:
    """Which bits make a number: drawn once for all, or old words would fit no new ones."""
    import numpy as np

    return np.random.default_rng(20261126).permutation(256)[: TABLES * BITS].reshape(TABLES, BITS)


@dataclass(frozen=True, slots=True)
class Corners:
    """The corners of a picture: where they are (pixels of SIDE), the words of each (TABLES a row), and its fine structure
    at GLANCE pixels."""

    places: Any
    words: Any
    structure: Any = None


@dataclass(frozen=True, slots=True)
class Fit:
    """How well one picture lies on another where their corners say (0…1), and how the first is turned for that."""

    score: float = 0.0
    turned: Turned = UPRIGHT


def words_of(picture: bytes, *, mirrored: bool = False) -> list[int]:
    """The words of JPEG, PNG or WebP bytes, best of a thumbnail; none where there are no corners.

    A turned picture has the same words; a mirrored one has others, which `mirrored` gives.
    """
    return sorted({int(word) for word in corners_of(picture, mirrored=mirrored).words.ravel()})


def corners_of(picture: bytes, *, mirrored: bool = False, sizes: Sequence[float] = (1.0,)) -> Corners:
    """Corners and words of JPEG, PNG or WebP bytes, or of their mirror image, at one size or several put together."""
    import cv2
    import numpy as np

    none = Corners(np.zeros((0, 2), np.float32), np.zeros((0, TABLES), np.int32))
    whole = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE) if picture else None
    if whole is None:
        return none
    if mirrored:
        whole = cv2.flip(whole, 1)
    found = [_corners_at(whole, size) for size in sizes]
    places, words = (np.concatenate(side) for side in zip(*found, strict=True))
    return Corners(places, words, _structure(whole)) if len(places) else none


def _corners_at(whole: Any, size: float) -> tuple[Any, Any]:
    import cv2
    import numpy as np

    factor = min(1.0, SIDE / max(whole.shape)) * size
    grey = cv2.resize(whole, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else whole
    grey = cv2.GaussianBlur(grey, (0, 0), 0.8)
    orb = cv2.ORB_create(nfeatures=CORNERS, fastThreshold=12)  # type: ignore[attr-defined]
    points, found = orb.detectAndCompute(grey, None)
    if found is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, TABLES), np.int32)
    bits = np.unpackbits(found, axis=1)[:, _bits()].astype(np.int64)  # corners × tables × bits
    numbers = (bits << np.arange(BITS)).sum(axis=2).astype(np.uint32) ^ (np.arange(TABLES, dtype=np.uint32) << 29)
    places = np.array([point.pt for point in points], np.float32) * (SIDE / max(grey.shape))
    return places, numbers.view(np.int32)  # signed, for an integer column


def _structure(whole: Any) -> Any:
    import cv2
    import numpy as np

    factor = GLANCE / max(whole.shape)
    small = cv2.resize(whole, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA).astype(np.float32)
    return cv2.GaussianBlur(small, (0, 0), 0.6) - cv2.GaussianBlur(small, (0, 0), 3)


def fit(one: Corners, other: Corners, *, mirrored: bool = False) -> Fit:
    """How well `one` lies on `other` where most corners with a word in common agree. `mirrored`: `one` is a mirror image.

    A glance of a few milliseconds, no verdict: of hundreds of shots of the same door, whose corners are all alike, the
    copy is the one whose fine structure lies on the other's.
    """
    import cv2
    import numpy as np

    pairs = _pairs(one, other)
    if len(pairs) < ENOUGH:
        return Fit(0.0, Turned(mirrored))
    mine, theirs = (np.array(side) for side in zip(*pairs, strict=True))
    there, _agree = cv2.estimateAffinePartial2D(
        one.places[mine], other.places[theirs], method=cv2.RANSAC, ransacReprojThreshold=OFF
    )
    if there is None:
        return Fit(0.0, Turned(mirrored))
    quarters = -round(float(np.degrees(np.arctan2(there[1, 0], there[0, 0]))) / 90) % 4
    there[:, 2] *= GLANCE / SIDE
    score = max(_laid(one.structure, other.structure, there, size) for size in NEAR_SIZES)
    return Fit(score, Turned(mirrored, quarters))


def _pairs(one: Corners, other: Corners) -> list[tuple[int, int]]:
    """Corners that share a word."""
    import numpy as np

    found: set[tuple[int, int]] = set()
    for table in range(TABLES):
        order = np.argsort(other.words[:, table], kind="stable")
        known = other.words[order, table]
        if not len(known):
            continue
        at = np.searchsorted(known, one.words[:, table]) % len(known)
        same = np.nonzero(known[at] == one.words[:, table])[0]
        found.update((int(mine), int(order[at[mine]])) for mine in same)
    return sorted(found)


def _laid(one: Any, other: Any, there: Any, size: float) -> float:
    """Correlation of the parts both show when `one` lies in `other` as `there` says, about so much larger; a few pixels
    around are tried."""
    import cv2
    import numpy as np

    height, width = one.shape
    centre = np.array([width / 2, height / 2])
    laid = there.copy()
    laid[:, :2] *= size
    laid[:, 2] += there[:, :2] @ centre - laid[:, :2] @ centre
    back = cv2.warpAffine(other, laid, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    edges = cv2.invertAffineTransform(laid)
    down, across = other.shape
    corners = edges[:, :2] @ np.array([[0, across, across, 0], [0, 0, down, down]]) + edges[:, 2:]
    left, top = np.clip(np.ceil(corners.min(axis=1)), 0, (width, height)).astype(int) + STEP
    right, foot = np.clip(np.floor(corners.max(axis=1)), 0, (width, height)).astype(int) - STEP
    view = back[top:foot, left:right]
    if min(view.shape) < LEAST or float(view.std()) < 1:
        return 0.0
    around = one[top - STEP : foot + STEP, left - STEP : right + STEP]
    return float(cv2.matchTemplate(around, view, cv2.TM_CCOEFF_NORMED).max())
