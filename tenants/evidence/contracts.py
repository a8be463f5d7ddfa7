"""What other features are handed instead of evidence rows."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class EvidenceContract:
    """One photo or file: enough to show it (`/files/<id>/`) and to judge it."""

    id: UUID
    kind: str
    name: str
    mime: str
    size: int
    sha256: str
    source_sha256: str
    phash: int | None
    width: int | None
    height: int | None
    taken_at: datetime | None
    received_at: datetime
    place_id: UUID | None
    account_id: UUID | None

    @property
    def is_photo(self) -> bool:
        return self.kind == "photo"
