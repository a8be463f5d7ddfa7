"""The hash chain of a post's log: canonical lines, seals, and where a sealed line was changed. Pure functions.

A seal is SHA-256 over the digest of the seal before it and its body, so a changed line breaks its own seal and a
changed seal breaks the next one. The last one is also kept on the school's timeline, and as a keyed hash on the post.
The body is the canonical lines; since version 2 a head line comes first, which tells of the seal itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

GENESIS = "0" * 64
VERSION = 2  # of new seals


@dataclass(frozen=True, slots=True)
class Line:
    """One log line as it is sealed."""

    seq: int
    at: datetime
    kind: str
    text: str
    stint_id: UUID | None
    subject_id: UUID | None
    corrects: int | None
    account_id: UUID | None
    actor_name: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """One seal as it is kept."""

    number: int
    first_seq: int
    last_seq: int
    body: bytes
    previous: str
    digest: str
    version: int = 1
    post_id: UUID | None = None
    stint_id: UUID | None = None
    at: datetime | None = None
    keyed: bool = True  # whether the keyed hash kept beside it is of this digest


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of the log elsewhere than in its lines and seals."""

    last_seq: int | None = None  # of the post: how many lines were ever written
    anchor: str = ""  # the last digest on the timeline
    head: bool | None = None  # whether the post's keyed hash is of the last seal; None: the post has none
    used: bool = False  # somebody was on duty there, so the log cannot be empty


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong: which seal, which line, and the offset of the first changed byte in the seal.

    "line", "missing": a sealed line changed or gone; "head": time, stint or range of a seal; "body", "chain", "key": the
    seals themselves; "anchor": what is kept elsewhere tells of another last seal; "lost", "extra": lines not sealed yet.
    """

    what: str
    number: int
    seq: int | None = None
    byte: int | None = None


def canonical(line: Line) -> bytes:
    """One line as bytes: a JSON array in a fixed order, UTC microseconds, no spaces, UTF-8, ended by a line feed."""
    fields = [
        line.seq,
        line.at.astimezone(UTC).isoformat(timespec="microseconds"),
        line.kind,
        line.text,
        str(line.stint_id) if line.stint_id else None,
        str(line.subject_id) if line.subject_id else None,
        line.corrects,
        str(line.account_id) if line.account_id else None,
        line.actor_name,
    ]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def head_of(*, post_id: UUID, number: int, first_seq: int, last_seq: int, stint_id: UUID | None, at: datetime) -> bytes:
    """The first line of a body since version 2: which seal of which post, what it covers, whose sign-off made it, when."""
    stint, when = str(stint_id) if stint_id else None, at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = ["seal", VERSION, str(post_id), number, first_seq, last_seq, stint, when]
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def body_of(lines: Sequence[Line], *, head: bytes = b"") -> bytes:
    """The canonical bytes of some lines, in the order of their numbers, after the head."""
    return head + b"".join(canonical(line) for line in sorted(lines, key=lambda row: row.seq))


def digest_of(previous: str, body: bytes) -> str:
    """SHA-256 (hex) over the digest before and the body."""
    return hashlib.sha256(previous.encode() + b"\n" + body).hexdigest()


def first_difference(left: bytes, right: bytes) -> int | None:
    """The offset of the first byte in which the two differ, None when they are equal."""
    if left == right:
        return None
    for offset, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return offset
    return min(len(left), len(right))


def _head(seal: Sealed) -> bytes:
    if seal.version < VERSION or seal.post_id is None or seal.at is None:
        return b""
    return head_of(
        post_id=seal.post_id, number=seal.number, first_seq=seal.first_seq, last_seq=seal.last_seq,
        stint_id=seal.stint_id, at=seal.at,
    )  # fmt: skip


def _line_at(body: bytes, offset: int, seal: Sealed) -> int | None:
    """The line a byte of the body belongs to; None: the head."""
    nth = body[:offset].count(b"\n") - (1 if seal.version >= VERSION else 0)
    return None if nth < 0 else min(seal.first_seq + nth, seal.last_seq)


def _fault_of(seal: Sealed, lines: Mapping[int, Line]) -> Fault | None:
    """What is wrong with one seal taken by itself."""
    wanted = range(seal.first_seq, seal.last_seq + 1)
    gone = next((seq for seq in wanted if seq not in lines), None)
    if gone is not None:
        return Fault("missing", seal.number, seq=gone)
    byte = first_difference(seal.body, body_of([lines[seq] for seq in wanted], head=_head(seal)))
    if digest_of(seal.previous, seal.body) != seal.digest:
        if byte is None:  # lines and kept bytes were changed together: the digest still gives it away
            return Fault("body", seal.number)
        return Fault("body", seal.number, seq=_line_at(seal.body, byte, seal), byte=byte)
    if byte is not None:
        seq = _line_at(seal.body, byte, seal)
        return Fault("head" if seq is None else "line", seal.number, seq=seq, byte=byte)
    return None if seal.keyed else Fault("key", seal.number)


def check(seals: Sequence[Sealed], lines: Mapping[int, Line], *, kept: Kept) -> Fault | None:
    """The first fault of a post's chain, or None. `lines` by number; `kept`: what is known elsewhere."""
    previous, number, seq, version = GENESIS, 0, 0, 1
    for seal in sorted(seals, key=lambda row: row.number):
        follows = seal.number == number + 1 and seal.previous == previous and seal.first_seq == seq + 1
        if not follows or seal.version < version:
            return Fault("chain", number + 1)
        fault = _fault_of(seal, lines)
        if fault is not None:
            return fault
        previous, number, seq, version = seal.digest, seal.number, seal.last_seq, seal.version
    if kept.anchor != (previous if number else "") or kept.head is False or (version >= VERSION and kept.head is None):
        return Fault("anchor", number)
    return _unsealed(lines, number=number, sealed=seq, kept=kept)


def _unsealed(lines: Mapping[int, Line], *, number: int, sealed: int, kept: Kept) -> Fault | None:
    """The lines after the last seal: as many as the post has counted, without a gap."""
    if kept.used and not lines:
        return Fault("lost", number, seq=1)
    if kept.last_seq is None:
        return None
    gone = next((seq for seq in range(sealed + 1, kept.last_seq + 1) if seq not in lines), None)
    if gone is not None:
        return Fault("lost", number, seq=gone)
    more = max(lines, default=0)
    return Fault("extra", number, seq=more) if more > kept.last_seq else None
