"""Hostile bytes in, a modest upright RGB picture out: what is sealed while it waits, and what the engine reads."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 12 * 1024 * 1024
MAX_PIXELS = 60_000_000
LONGEST_SIDE = 1280  # pixels: a face of a metre away is still some 300 wide


class BadPicture(ValueError):
    """No JPEG, PNG or WebP, damaged, or made to eat memory."""


def load(data: bytes) -> Image.Image:
    """Open as an upright RGB picture of at most 1280 px. The header is judged before a pixel is decoded."""
    if not 0 < len(data) <= MAX_BYTES:
        raise BadPicture
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > MAX_PIXELS or min(image.size) < 32:
                raise BadPicture
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            image.load()
        upright = ImageOps.exif_transpose(image).convert("RGB")
    except BadPicture:
        raise
    except (Image.DecompressionBombError, UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as wrong:
        raise BadPicture from wrong
    upright.info.clear()
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BILINEAR)
    return upright


def jpeg(image: Image.Image) -> bytes:
    """A fresh JPEG without EXIF or place."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()
