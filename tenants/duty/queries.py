"""All reads of duty."""

from __future__ import annotations

from uuid import UUID

from identity.contracts import Actor


def shows_evidence(actor: Actor, evidence_id: UUID) -> bool:
    """Witness for tenants.evidence: the photo or voice belongs to something of duty that the actor may see."""
    return False
