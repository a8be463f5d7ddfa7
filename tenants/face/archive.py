"""A zip of photos named by work number, as people make them and as people who want to hurt make them.

Nothing is ever written to disk and no name is used as a path. What an archive says about its sizes is not believed:
each photo is read up to its limit and no further.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tenants.face.errors import ArchiveUnreadable, NoPhotos, TooManyPhotos
from tenants.face.pictures import MAX_BYTES

MAX_ARCHIVE = 300 * 1024 * 1024
MAX_PHOTOS = 2_000
MAX_ENTRIES = 5_000  # folders and the notes that systems add count, too
MAX_UNPACKED = 1024 * 1024 * 1024
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
_END = b"PK\x05\x06"


@dataclass(frozen=True, slots=True)
class Entry:
    """One photo: the file's own name, and the work number it carries."""

    name: str
    number: str
    info: zipfile.ZipInfo


class Archive:
    """An archive that was judged before it was opened."""

    def __init__(self, data: bytes) -> None:
        _check_end(data)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as wrong:
            raise ArchiveUnreadable(field="file") from wrong
        self.entries = list(_photos(self._zip.infolist()))
        if not self.entries:
            raise NoPhotos(field="file")
        if len(self.entries) > MAX_PHOTOS:
            raise TooManyPhotos(field="file")
        self._left = MAX_UNPACKED

    def read(self, entry: Entry) -> bytes:
        """The bytes of a photo, or b"" for one that is encrypted, damaged, or larger than a photo may be."""
        if entry.info.flag_bits & 0x1 or entry.info.file_size > MAX_BYTES or self._left <= 0:
            return b""
        try:
            with self._zip.open(entry.info) as member:
                data = member.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError, ValueError, zlib.error):
            return b""
        self._left -= len(data)
        return data if len(data) <= MAX_BYTES else b""


def _check_end(data: bytes) -> None:
    """Read the number of entries from the end record alone: a directory of millions is not parsed at all."""
    if len(data) > MAX_ARCHIVE:
        raise ArchiveUnreadable(field="file")
    at = data.rfind(_END, max(0, len(data) - 65_557))
    if at < 0 or len(data) < at + 22:
        raise ArchiveUnreadable(field="file")
    entries, size = struct.unpack("<HL", data[at + 10 : at + 16])
    if entries > MAX_ENTRIES or size > MAX_ENTRIES * 1024:
        raise TooManyPhotos(field="file")


def _photos(infos: Sequence[zipfile.ZipInfo]) -> Iterator[Entry]:
    for info in infos:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if info.is_dir() or path.name.startswith(".") or "__MACOSX" in path.parts:
            continue
        if path.suffix.lower() in SUFFIXES:
            yield Entry(path.name[-80:], path.stem.strip()[:60], info)


def numbers_in(stem: str) -> list[str]:
    """What may be the work number in a file name: all of it, or what stands before the first blank or underscore."""
    first = re.split(r"[_\s]", stem, maxsplit=1)[0]
    return [stem, first] if first and first != stem else [stem]


def packed(photos: Sequence[tuple[str, bytes]]) -> bytes:
    """Single photos as one archive, uncompressed: they go the same way as one that was uploaded."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in photos:
            archive.writestr(PurePosixPath(name.replace("\\", "/")).name or "photo", data)
    return out.getvalue()
