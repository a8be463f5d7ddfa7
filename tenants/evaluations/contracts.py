"""What the doors hand in, and what other features are handed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from tenants.evaluations.choices import SourceMode


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A scoring source to set up. `scorers`: (account id, name); empty: any supervisor."""

    name: str
    weight: Decimal
    mode: SourceMode = SourceMode.RAW
    takes_findings: bool = False
    scorers: tuple[tuple[UUID, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AreaSpec:
    """A part scored by itself. Findings at or below `place_id` count here; None takes the rest."""

    name: str
    weight: Decimal = Decimal(1)
    place_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the scorers are: cells handed in, cells in all, and who is missing."""

    done: int
    total: int
    missing: tuple[str, ...]

    @property
    def percent(self) -> int:
        return self.done * 100 // self.total if self.total else 0
