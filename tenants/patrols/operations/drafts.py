"""What a form, a phone or the API sends in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kernel.anchors import NOTHING, Counted
from tenants.patrols.choices import QuestionKind, ScanMethod


@dataclass(frozen=True, slots=True)
class QuestionDraft:
    """A question of a point. `low` and `high` bound a normal reading, inclusive; `category` is of what kind a bad answer is."""

    text: str
    kind: str = QuestionKind.YES_NO
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    category: str = ""


@dataclass(frozen=True, slots=True)
class PointDraft:
    """A point of a route, in order. `walk_seconds`: least honest walking time from the point before."""

    place_id: UUID
    instruction: str = ""
    photo_required: bool = False
    walk_seconds: int | None = None
    nfc_tag: str = ""
    questions: Sequence[QuestionDraft] = ()


@dataclass(frozen=True, slots=True)
class WindowDraft:
    """When the route is due: minutes from the start of the day; `weekdays` bit 0 is Monday."""

    start_minute: int
    end_minute: int
    weekdays: int = 127


@dataclass(frozen=True, slots=True)
class ScanDraft:
    """What the phone saw at a point. `at` is its own clock's claim; `counted` puts it right by the server's anchor."""

    at: datetime
    counted: Counted = NOTHING
    code: str = ""  # of the place, as on its label
    nfc_tag: str = ""
    point_id: UUID | None = None
    method: str = ScanMethod.QR
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    answers: dict[str, str] = field(default_factory=dict)
    photo_ids: Sequence[UUID] = ()
    note: str = ""


def plain_tag(text: str) -> str:
    """A tag's number as it is kept and compared: people write 04-A2 or 04A2 where a phone reads 04:a2."""
    return "".join(c for c in text.upper() if c not in ":-. \t")[:40]
