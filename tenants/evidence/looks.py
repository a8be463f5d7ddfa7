"""Words of a picture: what an index finds a copy by, even a recompressed or cropped one.

Each corner (ORB, scale and turn taken out) is written as four numbers, each of 32 bits of its description. A copy
keeps a part of its corners' numbers, two different pictures share next to none: those that share most are looked at
closely (alike.py). A picture without corners (the dark, a wall) has no words: it proves nothing, and is found only
as the very same file.
"""

from __future__ import annotations

from functools import cache
from typing import Any

SIDE = 320  # pixels, longest side
CORNERS = 150
BITS = 32  # of a description's 256 in one number
TABLES = 4  # numbers a corner
LIKELY = 3  # shared words from which a closer look is worth it


@cache
def _bits() -> Any:
    """Which bits make a number: drawn once for all, or old words would fit no new ones."""
    import numpy as np

    return np.random.default_rng(20261126).permutation(256)[: TABLES * BITS].reshape(TABLES, BITS)


def words_of(picture: bytes) -> list[int]:
    """The words of JPEG, PNG or WebP bytes, best of a thumbnail; none where there are no corners."""
    import cv2
    import numpy as np

    grey = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        return []
    factor = SIDE / max(grey.shape)
    if factor < 1:
        grey = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.8)
    corners = cv2.ORB_create(nfeatures=CORNERS, fastThreshold=12)  # type: ignore[attr-defined]
    _points, found = corners.detectAndCompute(grey, None)
    if found is None:
        return []
    bits = np.unpackbits(found, axis=1)[:, _bits()].astype(np.int64)  # corners × tables × bits
    numbers = (bits << np.arange(BITS)).sum(axis=2).astype(np.uint32) ^ (np.arange(TABLES, dtype=np.uint32) << 29)
    return sorted({int(n) for n in numbers.view(np.int32).ravel()})  # signed, for an integer column
