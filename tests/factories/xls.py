"""A minimal old Excel workbook (BIFF8 in an OLE2 container), written by hand: no library in the house writes .xls.

Records by [MS-XLS], container by [MS-CFB]; texts only, one sheet.
"""

from __future__ import annotations

import struct
from datetime import date

SECTOR = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _text(text: str, *, short: bool = False) -> bytes:
    return struct.pack("<B" if short else "<H", len(text)) + b"\x01" + text.encode("utf-16-le")


def _cell(row: int, column: int, value: object) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(value, date):
        value = (value - date(1899, 12, 30)).days
    if isinstance(value, int | float):
        return _record(0x0203, place + struct.pack("<d", float(value)))
    return _record(0x0204, place + _text(str(value)))


def workbook(rows: list[list[object]], *, sheet: str = "名单") -> bytes:
    """The bytes of an .xls with `rows`; dates become serial numbers without a format, as careless exports do."""
    bof = struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)
    cells = b"".join(
        _cell(r, c, value) for r, row in enumerate(rows) for c, value in enumerate(row) if value not in (None, "")
    )
    width = max((len(row) for row in rows), default=0)
    body = (
        _record(0x0809, bof[:2] + struct.pack("<H", 0x0010) + bof[4:])
        + _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
        + cells
        + _record(0x000A, b"")
    )
    name = _text(sheet, short=True)
    start = len(_record(0x0809, bof)) + 4 + 6 + len(name) + 4
    stream = (
        _record(0x0809, bof) + _record(0x0085, struct.pack("<IBB", start, 0, 0) + name) + _record(0x000A, b"") + body
    )
    return _container(stream)


def _container(stream: bytes) -> bytes:
    stream = stream.ljust(max(4096, -(-len(stream) // SECTOR) * SECTOR), b"\0")
    sectors = len(stream) // SECTOR
    fat_sectors = -(-(sectors + 1) // 127)
    used = sectors + 1 + fat_sectors
    fat = [*range(1, sectors), END, END, *([FAT] * fat_sectors)]
    fat += [FREE] * (fat_sectors * 128 - len(fat))
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
        + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
        + struct.pack("<IIIIIIIII", 0, fat_sectors, sectors, 0, 4096, END, 0, END, 0)
    )  # fmt: skip
    difat = [*range(sectors + 1, used)] + [FREE] * (109 - fat_sectors)
    header += struct.pack("<109I", *difat)

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        raw = (name.encode("utf-16-le") + b"\0\0").ljust(64, b"\0")
        return (
            raw + struct.pack("<HBBIII", len(name) * 2 + 2 if name else 0, kind, 1, FREE, FREE, child)
            + b"\0" * 36 + struct.pack("<IQ", start, size)
        )  # fmt: skip

    directory = entry("Root Entry", 5, 1, END, 0) + entry("Workbook", 2, FREE, 0, len(stream))
    directory += entry("", 0, FREE, 0, 0) * 2
    return header + stream + directory + struct.pack(f"<{len(fat)}I", *fat)
