"""What the doors are handed: keys, results, lists; never a sealed score."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from institute.applications.choices import ConflictKind


@dataclass(frozen=True, slots=True)
class Started:
    """A fresh draft and the key to it."""

    application_id: UUID
    number: str
    token: str


@dataclass(frozen=True, slots=True)
class Saved:
    """One answer as it was kept; `hint` says what would still not pass."""

    field: str
    value: Any
    hint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reviewer as the assigning administrator sees them: with what stands against them."""

    account_id: UUID
    name: str
    employer: str
    expertise: str
    assigned: bool
    blocked: ConflictKind | None
    reason: str
    open_tasks: int


@dataclass(frozen=True, slots=True)
class SheetLine:
    code: str
    label: str
    weight: Decimal
    points: Decimal
    comment: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One reviewer's sheet, after the seal is off."""

    reviewer_name: str
    total: Decimal
    recommendation: str
    comment: str
    submitted_at: datetime
    lines: tuple[SheetLine, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The committee's result: all sheets and the mean made from them."""

    mean: Decimal
    trimmed: bool
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of the applicant's status page."""

    at: datetime
    sentence: str
    verb: str
    note: str = ""
