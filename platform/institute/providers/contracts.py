"""What others are handed of a company."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ProviderRef:
    """A company and how it was found: `name` is the registered one, which may differ from what was typed."""

    id: UUID
    name: str
    credit_code: str
    made: bool = False
