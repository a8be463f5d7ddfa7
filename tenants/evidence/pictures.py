"""Pure rules about pictures: is it one, is it safe to open, what is kept of it, how alike are two."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 60_000_000  # a 50-megapixel phone photo fits; a decompression bomb does not
LONGEST_SIDE = 2560  # pixels of the stored copy
THUMB_SIDE = 400
_EXIF_IFD, _DATETIME_ORIGINAL, _DATETIME = 0x8769, 0x9003, 0x0132


class NotAPicture(ValueError):
    """The bytes are no JPEG, PNG or WebP, or are damaged."""


class TooManyPixels(ValueError):
    """Opening it would take more memory than a photo ever needs."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is kept of an upload: a clean JPEG, a thumbnail, the hash of its looks and the time it claims."""

    jpeg: bytes
    thumb: bytes
    width: int
    height: int
    phash: int
    taken_at: datetime | None


def dhash(image: Image.Image) -> int:
    """64-bit difference hash: 9×8 grey pixels, one bit per neighbour comparison; signed, for a bigint column."""
    small = image.convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    grey = small.tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            bits = (bits << 1) | (grey[row * 9 + column] > grey[row * 9 + column + 1])
    return bits - (1 << 64) if bits >= 1 << 63 else bits


def distance(one: int, other: int) -> int:
    """How many of the 64 bits differ; up to about 6 the two pictures look the same."""
    return ((one ^ other) & ((1 << 64) - 1)).bit_count()


def _claimed_time(image: Image.Image, tz: ZoneInfo) -> datetime | None:
    """EXIF has no zone: the time is read as the school's local time."""
    try:
        exif = image.getexif()
        text = str(exif.get_ifd(_EXIF_IFD).get(_DATETIME_ORIGINAL) or exif.get(_DATETIME) or "")
    except Exception:  # damaged EXIF is common and says nothing about the picture
        return None
    if not re.fullmatch(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", text.strip("\x00 ")):
        return None
    try:
        return datetime.strptime(text.strip("\x00 "), "%Y:%m:%d %H:%M:%S").replace(tzinfo=tz)
    except ValueError:
        return None


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)  # a fresh save writes no EXIF, GPS or comment
    return out.getvalue()


def read_picture(data: bytes, *, tz: ZoneInfo) -> Picture:
    """Open hostile bytes as a picture and return what is kept of it. Raises NotAPicture, TooManyPixels.

    Size is checked from the header before a pixel is decoded; only three formats are ever tried.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > MAX_PIXELS or min(image.size) < 8:
                raise TooManyPixels if image.width * image.height > MAX_PIXELS else NotAPicture
            taken_at = _claimed_time(image, tz)
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # JPEG: decode at a fraction of the size
            image.load()
    except Image.DecompressionBombError as bomb:
        raise TooManyPixels from bomb
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as damaged:
        if isinstance(damaged, (TooManyPixels, NotAPicture)):
            raise
        raise NotAPicture from damaged
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        flat = upright.convert("RGBA")
        upright = Image.new("RGB", flat.size, "white")
        upright.paste(flat, mask=flat.getchannel("A"))
    clean = upright.convert("RGB")
    clean.info.clear()
    clean.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    thumb = clean.copy()
    thumb.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS)
    return Picture(
        jpeg=_jpeg(clean, 85),
        thumb=_jpeg(thumb, 80),
        width=clean.width,
        height=clean.height,
        phash=dhash(clean),
        taken_at=taken_at,
    )
