"""The hash chain of a post's log: canonical lines, seals, and where a sealed line was changed. Pure functions.

A seal is SHA-256 over the digest of the seal before it and the canonical bytes of its lines, so a changed line
breaks its own seal, a changed seal breaks the next one, and the last one is also kept on the school's timeline.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

GENESIS = "0" * 64


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


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong: which seal, which line, and the offset of the first changed byte in the seal."""

    what: str  # "line", "body", "chain", "missing", "anchor"
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


def body_of(lines: Sequence[Line]) -> bytes:
    """The canonical bytes of some lines, in the order of their numbers."""
    return b"".join(canonical(line) for line in sorted(lines, key=lambda row: row.seq))


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


def _line_at(body: bytes, offset: int, seal: Sealed) -> int:
    return min(seal.first_seq + body[:offset].count(b"\n"), seal.last_seq)


def check(seals: Sequence[Sealed], lines: Mapping[int, Line], *, anchor: str = "") -> Fault | None:
    """The first fault of a post's chain, or None. `lines` by number; `anchor`: the last digest as known elsewhere."""
    previous, expected = GENESIS, 1
    for seal in sorted(seals, key=lambda row: row.number):
        if seal.number != expected or seal.previous != previous:
            return Fault("chain", expected)
        wanted = range(seal.first_seq, seal.last_seq + 1)
        gone = next((seq for seq in wanted if seq not in lines), None)
        if gone is not None:
            return Fault("missing", seal.number, seq=gone)
        now = body_of([lines[seq] for seq in wanted])
        byte = first_difference(seal.body, now)
        if digest_of(seal.previous, seal.body) != seal.digest:
            if byte is None:  # lines and kept bytes were changed together: the digest still gives it away
                return Fault("body", seal.number)
            return Fault("body", seal.number, seq=_line_at(seal.body, byte, seal), byte=byte)
        if byte is not None:
            return Fault("line", seal.number, seq=_line_at(seal.body, byte, seal), byte=byte)
        previous, expected = seal.digest, expected + 1
    if anchor and anchor != previous:
        return Fault("anchor", expected - 1)
    return None
