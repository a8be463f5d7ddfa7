"""What other features are handed, and which tables they may read by SQL.

Published tables: `punches_punch` (only `status = 'accepted'` counts; `at` is the time that counts),
`punches_device` (`active`, `reported_until`: everything up to there was sent).

Changed days: each change of what counts appends to `punches_dirty (id, staff_id, day)` in its own
transaction. `operations.take_dirty` deletes rows and returns them; derive in the same transaction
(`workers/tasks/punches.py` does). `day` is the local day of the punch; the shift it belongs to may
have begun on the day before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

MOST_RECORDS = 20_000  # of one batch
# Punch `p` of a phone whose time only the phone says (`clocks.unchecked`).
TIME_UNCHECKED = (
    "(p.clock = 'claimed' AND p.source IN ('phone', 'voucher') AND p.received_at - p.at > interval '5 minutes')"
)


class Record(NamedTuple):
    """One punch as a device or file names it. `seq` None: derived from number and time."""

    seq: int | None
    number: str
    recorded_at: datetime
    direction: str = "unknown"


@dataclass(slots=True)
class Rejected:
    """A record that could not be taken: its place in the batch (from 0), code and sentence."""

    index: int
    code: str
    sentence: str


@dataclass(slots=True)
class BatchResult:
    """What became of a batch: every record is in exactly one of these numbers."""

    accepted: int = 0
    refused: int = 0  # stored, does not count (clock, left, too weak)
    duplicates: int = 0  # was there already
    unmatched: int = 0  # stored; nobody has this number yet
    conflicts: list[int] = field(default_factory=list)  # same seq, another time: not stored
    rejected: list[Rejected] = field(default_factory=list)  # not stored
    unknown_numbers: dict[str, int] = field(default_factory=dict)
    lacking: int = 0  # of the accepted: without the certificate the post requires
    drift_seconds: int | None = None
    reported_until: datetime | None = None

    @property
    def acknowledged(self) -> int:
        """How many the sender need not send again."""
        return self.accepted + self.refused + self.duplicates + self.unmatched


@dataclass(frozen=True, slots=True)
class Expected:
    """The shift instance a punch falls into, or the next one."""

    instance_id: UUID
    post_id: UUID
    post_name: str
    party_id: UUID
    place_id: UUID | None
    place_name: str
    place_path: str
    day: date
    starts_at: datetime
    ends_at: datetime
    in_from: datetime
    out_until: datetime
    grade: str


@dataclass(frozen=True, slots=True)
class Phones:
    """Phones and people of the last weeks, to be looked at, not to be punished by."""

    own: int  # phones this person punched with
    shared: int  # other people who punched with the same phone


@dataclass(frozen=True, slots=True)
class Uncertified:
    """Somebody stood at a post that requires certificates they had not; labels of what was missing."""

    punch_id: int
    staff_id: UUID
    staff_name: str
    post_id: UUID
    post_name: str
    line: str
    party_id: UUID
    place_id: UUID | None
    day: date
    kinds: tuple[str, ...]
