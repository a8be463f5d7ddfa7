"""What other features are handed instead of rows of faces. No vector and no picture is ever among it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tenants.face.choices import PASSED, CheckState, Outcome


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of `request_check`. `score` and `threshold` are cosines; `outcome` is "" while it is pending.

    `model_hash` names the model: scores of different models do not compare.
    """

    id: UUID
    staff_id: UUID
    purpose: str
    subject_id: str
    state: CheckState
    outcome: str
    score: float | None
    threshold: float | None
    liveness: float | None
    liveness_threshold: float | None
    model_hash: str
    requested_at: datetime
    finished_at: datetime | None

    @property
    def done(self) -> bool:
        return self.state == CheckState.DONE

    @property
    def passed(self) -> bool:
        return self.outcome in PASSED

    @property
    def live(self) -> bool | None:
        """None where the pack has no liveness model or no face was judged."""
        if self.liveness is None or self.liveness_threshold is None:
            return None
        return self.liveness >= self.liveness_threshold

    @property
    def sentence(self) -> str:
        return str(Outcome(self.outcome).label) if self.outcome else str(CheckState.PENDING.label)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far a school is with faces: people at work, by where they stand; and what lies sealed."""

    people: int
    enrolled: int
    agreed: int
    refused: int
    undecided: int
    templates: int
    photos: int
    outdated: int  # templates of another model than the configured one
    pending: int  # checks that wait for the worker
