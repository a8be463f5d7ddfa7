"""What a device sends, read with distrust: size, compression, encoding, then record by record. Pure."""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kernel.text import storable
from tenants.punches.contracts import MOST_RECORDS, Record, Rejected
from tenants.punches.errors import BatchTooLarge, BatchUnreadable

MOST_BYTES = 8 * 1024 * 1024
MOST_UNPACKED = 32 * 1024 * 1024
MOST_SEQ = 2**53  # what JSON numbers can say exactly
DIRECTIONS = {
    "": "unknown", "unknown": "unknown", "in": "in", "out": "out", "0": "in", "1": "out", "i": "in", "o": "out",
    "上班": "in", "下班": "out", "签到": "in", "签退": "out", "进": "in", "出": "out",
}  # fmt: skip
HEADS = {
    "seq": "seq", "序号": "seq", "流水号": "seq", "staff": "staff", "number": "staff", "工号": "staff", "考勤号": "staff",
    "at": "at", "time": "at", "时间": "at", "打卡时间": "at", "direction": "direction", "方向": "direction", "类型": "direction",
}  # fmt: skip


@dataclass(slots=True)
class Batch:
    """A batch as it was read; `rejected` are records that cannot be taken, by their place."""

    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    sent_at: datetime | None = None
    reported_until: datetime | None = None


def unpacked(data: bytes, encoding: str) -> bytes:
    """The body without its compression; a bomb is stopped at the limit. Raises BatchTooLarge, BatchUnreadable."""
    if len(data) > MOST_BYTES:
        raise BatchTooLarge
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return data
    if encoding not in ("gzip", "x-gzip"):
        raise BatchUnreadable(why=f"不支持压缩方式 {encoding[:20]}，请用 gzip 或不压缩")
    try:
        machine = zlib.decompressobj(wbits=31)
        out = machine.decompress(data, MOST_UNPACKED + 1)
    except zlib.error as broken:
        raise BatchUnreadable(why="gzip 数据损坏") from broken
    if len(out) > MOST_UNPACKED or machine.unconsumed_tail:
        raise BatchTooLarge
    if not machine.eof:
        raise BatchUnreadable(why="gzip 数据不完整")
    return out


def text_of(data: bytes, charset: str) -> str:
    """UTF-8 (with or without BOM) or GB18030, as said or as found. Raises BatchUnreadable."""
    asked = charset.strip().lower().replace("_", "-")
    if asked in ("gb18030", "gbk", "gb2312"):
        tries = ["gb18030"]
    elif asked in ("utf-8", "utf8"):
        tries = ["utf-8-sig"]
    elif asked:
        raise BatchUnreadable(why=f"不支持编码 {asked[:20]}，请用 UTF-8 或 GB18030")
    else:
        tries = ["utf-8-sig", "gb18030"]
    for name in tries:
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
    raise BatchUnreadable(why="文字编码无法识别，请用 UTF-8 或 GB18030")


def time_of(said: Any, tz: ZoneInfo) -> datetime:
    """A moment: ISO 8601, with `2026/3/2 8:00:00` and seconds since 1970 allowed; without a zone the school's own.

    Raises ValueError.
    """
    if isinstance(said, bool) or said is None:
        raise ValueError("no time")
    if isinstance(said, int | float):
        moment = datetime.fromtimestamp(float(said) / (1000 if said > 1e11 else 1), UTC)
    else:
        text = str(said).strip()
        if text.isascii() and text.isdigit():
            return time_of(int(text), tz)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            day, _, rest = text.replace("/", "-").partition(" ")
            year, month, number = (int(part) for part in day.split("-"))
            hour, minute, second = ([int(part) for part in rest.split(":")] + [0, 0, 0])[:3] if rest else (0, 0, 0)
            moment = datetime(year, month, number, hour, minute, second, tzinfo=tz)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=tz)
    moment = moment.astimezone(UTC)
    if not 2000 <= moment.year <= 2100:
        raise ValueError("year")
    return moment


def _read(raw: Any, tz: ZoneInfo) -> Record:
    """One record. Raises ValueError with the sentence."""
    if not isinstance(raw, Mapping):
        raise ValueError("不是一条记录")
    number = raw.get("staff")
    if isinstance(number, int) and not isinstance(number, bool):
        number = str(number)
    if not isinstance(number, str) or not 1 <= len(number := number.strip()) <= 30 or not storable(number):
        raise ValueError("staff（工号）要有 1—30 个字符")
    seq = raw.get("seq")
    if isinstance(seq, str):
        seq = seq.strip()
        if seq and not (seq.isascii() and seq.isdigit() and len(seq) <= 16):
            raise ValueError("seq（序号）应是 0 到 2^53 的整数")
        seq = int(seq) if seq else None
    if seq is not None and (isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq <= MOST_SEQ):
        raise ValueError("seq（序号）应是 0 到 2^53 的整数")
    direction = DIRECTIONS.get(str(raw.get("direction") or "").strip().lower())
    if direction is None:
        raise ValueError("direction（方向）应是 in、out 或不填")
    try:
        at = time_of(raw.get("at"), tz)
    except (ValueError, TypeError, OverflowError, OSError) as wrong:
        raise ValueError("at（时间）应像 2026-03-02T08:00:00+08:00") from wrong
    return Record(seq, number, at, direction)


def _records(raws: Iterable[Any], tz: ZoneInfo, batch: Batch) -> Batch:
    for index, raw in enumerate(raws):
        if index >= MOST_RECORDS:
            raise BatchTooLarge
        try:
            batch.records.append(_read(raw, tz))
        except ValueError as wrong:
            batch.rejected.append(Rejected(index, "record_unreadable", str(wrong)))
    return batch


def _moment(said: Any, name: str, tz: ZoneInfo) -> datetime | None:
    if said in (None, ""):
        return None
    try:
        return time_of(said, tz)
    except (ValueError, TypeError, OverflowError, OSError) as wrong:
        raise BatchUnreadable(why=f"{name} 不是时间") from wrong


def read_json(text: str, tz: ZoneInfo) -> Batch:
    """`{"sent_at": …, "reported_until": …, "punches": [{"seq", "staff", "at", "direction"}]}`. Raises BatchUnreadable."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise BatchUnreadable(why="不是 JSON") from wrong
    if not isinstance(said, dict) or not isinstance(said.get("punches", []), list):
        raise BatchUnreadable(why="最外层应是对象，punches 应是数组")
    batch = Batch(
        sent_at=_moment(said.get("sent_at"), "sent_at", tz),
        reported_until=_moment(said.get("reported_until"), "reported_until", tz),
    )
    return _records(said.get("punches", []), tz, batch)


def read_csv(text: str, tz: ZoneInfo, *, sent_at: str = "", reported_until: str = "") -> Batch:
    """A head row (seq, staff, at, direction; Chinese heads too), then records. Raises BatchUnreadable."""
    batch = Batch(
        sent_at=_moment(sent_at, "X-Sent-At", tz), reported_until=_moment(reported_until, "X-Reported-Until", tz)
    )
    if "\x00" in text:
        raise BatchUnreadable(why="CSV 中有不可见字符")
    try:
        lines = csv.reader(io.StringIO(text, newline=""))
        heads = [HEADS.get(head.strip().lower(), "") for head in next(lines, [])]
        if not {"staff", "at"} <= set(heads):
            raise BatchUnreadable(why="CSV 第一行应有 staff（工号）和 at（时间）")
        raws = (dict(zip(heads, line, strict=False)) for line in lines if any(cell.strip() for cell in line))
        return _records(raws, tz, batch)
    except csv.Error as wrong:
        raise BatchUnreadable(why="CSV 格式有误") from wrong
