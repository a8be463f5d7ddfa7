"""Is one picture a copy of the other, even recompressed, scaled or cropped? The only module that loads OpenCV for it.

Two honest photos of the same door also look alike, and two of the dark even more so: nearly all their pixels are
one. So three questions are asked, each a veto. Where does one view lie in the other (normalised cross-correlation
of small grey pictures, then finer)? Is there enough to go by: fine structure of its own, all over the picture and
not just in one lamp or in a camera's printed date? And does that structure fit cell by cell, to the pixel? A second
shot by hand never does: a step aside or a tilt moves near and far things by different amounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

COARSE = 72  # pixels, longest side of the search
FINE = 320  # pixels, longest side of the judgement
SCALES = tuple(step / 100 for step in range(100, 48, -2))  # a crop down to half of each side is found
WORTH_A_LOOK = 0.80
SAME = 0.90  # correlation of the whole views from which the cells are looked at
NEAR = 12  # pixels around the rough place that are searched again
PLAIN = 6.0  # standard deviation of grey below which a picture says nothing (a wall, the dark)
GRID = 6  # cells a side
STRUCTURE = 2.0  # standard deviation of the fine structure of a cell that says something
ALIEN = 0.15  # share of a cell's fine structure that may differ in a copy; a tilt of 1 % of the picture makes more
LOSS = 1.0  # grey levels (standard deviation) that saving as JPEG again may change on top
MOVED, MOVED_FITS = 2, 0.6  # a cell that fits itself so well when moved by 2 pixels says nothing
TELLING = 10  # cells of 36 that must say something
SPREAD = 4  # of 6 rows and of 6 columns that must hold a fitting cell: a printed date fills two
FITTING = 0.90  # share of the telling cells that must fit


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the smaller view lies in the larger: its size as a share, and its upper left corner in pixels."""

    score: float
    scale: float
    x: int = 0
    y: int = 0


@dataclass(frozen=True, slots=True)
class Turned:
    """What was done to a picture: mirrored left to right first, then turned anticlockwise by so many quarters."""

    mirrored: bool = False
    quarters: int = 0

    def of(self, picture: Any) -> Any:
        """The grey picture after it."""
        import numpy as np

        return np.ascontiguousarray(np.rot90(picture[:, ::-1] if self.mirrored else picture, self.quarters))


UPRIGHT = Turned()


def likeness(one: bytes, other: bytes, *, turned: Turned = UPRIGHT) -> float:
    """How sure it is that both are the same shot, 0…1: the share of fitting cells, 0 where there is too little to go by.

    JPEG, PNG or WebP bytes, best as thumbnails; `one` is laid on the other after it was `turned`. Pictures without
    structure all over give 0: they prove nothing.
    """
    first, second = _grey(one), _grey(other)
    if first is None or second is None:
        return 0.0
    first = turned.of(first)
    return max(_agreement(first, second), _agreement(second, first))


def is_copy(one: bytes, other: bytes, *, turned: Turned = UPRIGHT) -> bool:
    """Whether both are the same shot, `one` being `turned`. Never so for two pictures that show too little to tell."""
    return likeness(one, other, turned=turned) >= FITTING


def _grey(data: bytes) -> Any:
    import cv2
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None or float(picture.std()) < PLAIN:
        return None
    return _sized(picture, FINE / max(picture.shape))


def _sized(picture: Any, factor: float) -> Any:
    import cv2

    height, width = picture.shape
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)


def _agreement(part: Any, whole: Any) -> float:
    """The share of telling cells that fit when `part` is laid into `whole` where it lies best, or 0."""
    coarse = _sized(whole, COARSE / max(whole.shape))
    rough = max((_search(part, coarse, scale) for scale in SCALES), key=lambda p: p.score)
    if rough.score < WORTH_A_LOOK:
        return 0.0
    grown = max(whole.shape) / max(coarse.shape)
    there = Placement(rough.score, rough.scale, round(rough.x * grown), round(rough.y * grown))
    near = (there.scale + step / 200 for step in range(-5, 6))
    close = max((_search(part, whole, scale, around=there) for scale in near if scale <= 1), key=lambda p: p.score)
    if close.score < SAME:
        return 0.0
    exact = (close.scale + step / 1000 for step in range(-3, 4))
    return max(_cells(part, whole, scale, close) for scale in exact if scale <= 1)


def _template(part: Any, whole: Any, scale: float) -> Any:
    factor = scale * min(whole.shape[0] / part.shape[0], whole.shape[1] / part.shape[1])
    return _sized(part, factor)[: whole.shape[0], : whole.shape[1]]


def _search(part: Any, whole: Any, scale: float, *, around: Placement | None = None) -> Placement:
    """The best place for `part`, at `scale` of the size that would fill `whole`; `around` keeps the search near it."""
    import cv2

    template = _template(part, whole, scale)
    left, top = (max(0, around.x - NEAR), max(0, around.y - NEAR)) if around else (0, 0)
    left, top = min(left, whole.shape[1] - template.shape[1]), min(top, whole.shape[0] - template.shape[0])
    view = whole[top:, left:]
    if around:
        view = view[: template.shape[0] + 2 * NEAR, : template.shape[1] + 2 * NEAR]
    _low, score, _where, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(view, template, cv2.TM_CCOEFF_NORMED))
    return Placement(float(score), scale, left + x, top + y)


def _fine(picture: Any) -> Any:
    """Structure of about two to five pixels: neither the light's slow fall nor all of the grain."""
    import cv2
    import numpy as np

    grey = picture.astype(np.float32)
    return cv2.GaussianBlur(grey, (0, 0), 0.7) - cv2.GaussianBlur(grey, (0, 0), 2.5)


def _cells(part: Any, whole: Any, scale: float, near: Placement) -> float:
    """The share of telling cells that fit with `part` at this scale, or 0 where too few tell anything."""
    import numpy as np

    template = _template(part, whole, scale)
    at = _search(part, whole, scale, around=near)
    height, width = template.shape
    one, other = _fine(template), _fine(whole[at.y : at.y + height, at.x : at.x + width])
    telling, fitting = 0, np.zeros((GRID, GRID), bool)
    for row, column in np.ndindex(GRID, GRID):
        top, left = row * height // GRID, column * width // GRID
        down, right = (row + 1) * height // GRID, (column + 1) * width // GRID
        a, b = one[top:down, left:right], other[top:down, left:right]
        strong = max(float(a.std()), float(b.std()))
        if strong < STRUCTURE or (_smooth(a) and _smooth(b)):
            continue
        telling += 1
        fit = _fit(a, b)
        differs = 1 - fit * abs(fit)  # the share of the structure that the other picture does not explain
        fitting[row, column] = differs <= ALIEN + (LOSS / strong) ** 2
    spread = min(int(fitting.any(axis=0).sum()), int(fitting.any(axis=1).sum()))
    if telling < TELLING or spread < SPREAD:
        return 0.0
    return float(fitting.sum()) / telling


def _smooth(cell: Any) -> bool:
    """A soft glow fits itself when moved: that it fits another glow proves nothing."""
    across, down = _fit(cell[:, MOVED:], cell[:, :-MOVED]), _fit(cell[MOVED:], cell[:-MOVED])
    return min(across, down) > MOVED_FITS


def _fit(one: Any, other: Any) -> float:
    """Correlation, -1…1; 0 where one of them has no structure."""
    a, b = one - one.mean(), other - other.mean()
    product = float(a.std()) * float(b.std())
    return float((a * b).mean()) / product if product > 0 else 0.0
