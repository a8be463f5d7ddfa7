"""Is one picture a copy of the other, even recompressed, scaled or cropped? The only module that loads OpenCV for it.

Two honest photos of the same door also look alike; a copy differs from them in that its pixels fit. So the
smaller view is searched in the larger one at many scales (normalised cross-correlation on small grey
pictures), and the best fit is then judged again at full thumbnail size.
"""

from __future__ import annotations

from typing import Any

COARSE = 96  # pixels, longest side of the search
FINE = 320  # pixels, longest side of the judgement
SCALES = tuple(step / 100 for step in range(100, 48, -2))  # a crop down to half of each side is found
SAME = 0.97  # correlation from which two pictures are one
WORTH_A_LOOK = 0.80
PLAIN = 6.0  # standard deviation of grey below which a picture says nothing (a wall, the dark)


def likeness(one: bytes, other: bytes) -> float:
    """How well one picture fits inside the other, 0…1; from `SAME` on it is the same shot.

    JPEG, PNG or WebP bytes, best as thumbnails. Pictures without any structure give 0: they prove nothing.
    """
    first, second = _grey(one, FINE), _grey(other, FINE)
    if first is None or second is None:
        return 0.0
    return max(_fit(first, second), _fit(second, first))


def is_copy(one: bytes, other: bytes) -> bool:
    return likeness(one, other) >= SAME


def _grey(data: bytes, side: int) -> Any:
    import cv2
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None or float(picture.std()) < PLAIN:
        return None
    return _sized(picture, side / max(picture.shape))


def _sized(picture: Any, factor: float) -> Any:
    import cv2

    height, width = picture.shape
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)


def _fit(part: Any, whole: Any) -> float:
    """The best correlation of `part`, at any of `SCALES` of the size of `whole`, anywhere inside it."""
    coarse = _sized(whole, COARSE / max(whole.shape))
    best, at = 0.0, 1.0
    for scale in SCALES:
        found = _search(part, coarse, scale)
        if found > best:
            best, at = found, scale
    if best < WORTH_A_LOOK:
        return best
    fine = (at + step / 200 for step in range(-4, 5))
    return max(_search(part, whole, scale) for scale in fine if 0 < scale <= 1)


def _search(part: Any, whole: Any, scale: float) -> float:
    import cv2

    factor = scale * min(whole.shape[0] / part.shape[0], whole.shape[1] / part.shape[1])
    template = _sized(part, factor)
    if template.shape[0] > whole.shape[0] or template.shape[1] > whole.shape[1]:
        template = template[: whole.shape[0], : whole.shape[1]]
    return float(cv2.matchTemplate(whole, template, cv2.TM_CCOEFF_NORMED).max())
