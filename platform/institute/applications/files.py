"""Files from strangers: judged by their content, never by their name."""

import hashlib
import io
import re
import unicodedata
import warnings
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import filetype
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, UnidentifiedImageError

from institute.applications.choices import DocumentKind
from kernel.errors import Invalid

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_PIXELS: Final = 50_000_000  # an A4 page at 600 dpi has 35 million
MAX_DOCUMENTS: Final = 20
KINDS: Final[dict[str, tuple[str, str]]] = {
    "application/pdf": ("pdf", ""),
    "image/jpeg": ("jpg", "JPEG"),
    "image/png": ("png", "PNG"),
    "image/webp": ("webp", "WEBP"),
}
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff<>:\"|?*]")


class FileTooLarge(Invalid):
    code = "file_too_large"
    message = _("文件超过 10 MB。请压缩，或把扫描件分成几个文件上传。")


class FileEmpty(Invalid):
    code = "file_empty"
    message = _("文件是空的，请重新选择。")


class FileTypeRefused(Invalid):
    code = "file_type_refused"
    message = _("只能上传 PDF、JPG、PNG 或 WebP 文件。这个文件的内容不是其中之一（与文件名无关）。")


class FileDamaged(Invalid):
    code = "file_damaged"
    message = _("文件已损坏或尺寸异常，无法打开。请重新导出或扫描后再上传。")


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file as it will be stored."""

    data: bytes
    content_type: str
    extension: str
    name: str
    sha256: str


def check(*, data: bytes, name: str, kind: DocumentKind) -> CheckedFile:
    """Judge by content. Pictures are decoded and written anew, so nothing rides along behind the pixels and the
    place they were taken at (EXIF) is gone; a PDF must begin and end as one.

    Raises FileEmpty, FileTooLarge, FileTypeRefused, FileDamaged.
    """
    if not data:
        raise FileEmpty(field="file")
    if len(data) > MAX_BYTES:
        raise FileTooLarge(field="file")
    guessed = filetype.guess(data)
    content_type = guessed.mime if guessed else ""
    if content_type not in KINDS:
        raise FileTypeRefused(field="file")
    extension, image_format = KINDS[content_type]
    if image_format:
        data = _redrawn(data, image_format)
    elif not data.startswith(b"%PDF-") or b"%%EOF" not in data[-2048:]:
        raise FileDamaged(field="file")
    return CheckedFile(
        data, content_type, extension, shown_name(name, extension, kind), hashlib.sha256(data).hexdigest()
    )


def _redrawn(data: bytes, image_format: str) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=[image_format]) as picture:
                if picture.width * picture.height > MAX_PIXELS or getattr(picture, "n_frames", 1) > 1:
                    raise FileDamaged(field="file")
                picture.load()
                upright = ImageOps.exif_transpose(picture)
                if image_format == "JPEG" or upright.mode not in {"1", "L", "LA", "RGB", "RGBA"}:
                    upright = upright.convert("RGB")
                out = io.BytesIO()
                upright.save(out, format=image_format, quality=90)
    except (
        UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning,
        OSError, SyntaxError, ValueError, EOFError, MemoryError,
    ) as broken:  # fmt: skip
        raise FileDamaged(field="file") from broken
    return out.getvalue()


def shown_name(name: str, extension: str, kind: DocumentKind) -> str:
    """A name that is safe to show and to offer for saving: no folders, no tricks, the extension of the content.

    Names sent in GB18030 arrive as replacement characters; then the kind of the document serves as name.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    stem = _UNSHOWN.sub("", unicodedata.normalize("NFC", last))
    stem = re.sub(r"(\.[A-Za-z0-9]{1,5})+$", "", stem).strip(" .")
    if not stem or "\ufffd" in stem:
        stem = str(kind.label)
    return f"{stem[:100]}.{extension}"
