"""What other features are handed.

Read by SQL by higher features: `organisation_place`, `organisation_party`, `organisation_post`,
`organisation_staff` (never the sealed columns), `organisation_certificate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tenants.organisation.choices import CertificateKind


@dataclass(frozen=True, slots=True)
class Lack:
    """A certificate that a post requires and a person has not on a day. `lapsed_on`: the last day it counted."""

    kind: CertificateKind
    lapsed_on: date | None

    @property
    def sentence(self) -> str:
        """缺健康证明 / 健康证明已于 2026-10-01 失效."""
        label = CertificateKind(self.kind).label
        return f"{label}只到 {self.lapsed_on.isoformat()}" if self.lapsed_on else f"没有{label}"
