"""What other features are handed instead of finding rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tenants.findings.choices import FindingStatus


@dataclass(frozen=True, slots=True)
class FindingContract:
    """One finding as a score, an inspection or a report shows it. `photo_ids` are of the problem, oldest first."""

    id: UUID
    number: str
    title: str
    place_id: UUID
    place_name: str
    party_id: UUID
    party_name: str
    line: str
    rubric_item_id: UUID | None
    requirement_key: str
    edition: str
    occurrences: int
    severity: str
    veto: bool
    status: FindingStatus
    found_at: datetime
    found_by_name: str
    deadline: datetime
    closed_at: datetime | None
    closed_by_name: str
    source: str
    source_id: UUID | None
    photo_ids: tuple[UUID, ...]
    after_photo_ids: tuple[UUID, ...]
    repeat: bool  # 复发: the same was here before, closed not long ago or still not put right

    @property
    def status_label(self) -> str:
        return str(self.status.label)

    def overdue(self, now: datetime) -> bool:
        """Past its deadline with the fixer's work still not handed in."""
        return self.status in (FindingStatus.OPEN, FindingStatus.FIXING) and self.deadline < now


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with what it is made of. `value` is numerator / denominator, or the numerator where none is due."""

    code: str
    name: str
    unit: str
    numerator: int
    denominator: int | None
    n: int
    direction: str  # "up" is better, "down" is better, "none"
    version: int = 1

    @property
    def value(self) -> float | None:
        if self.denominator is None:
            return float(self.numerator)
        return self.numerator / self.denominator if self.denominator else None
