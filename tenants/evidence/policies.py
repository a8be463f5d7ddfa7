"""Who may read a photo or file.

Staff of the school see all of the school's evidence. Others see what they sent themselves, and what
belongs to something they may see: features above register a witness that knows ("is this a photo of
a finding of yours?"), since evidence itself does not know what refers to it.
"""

from collections.abc import Callable
from uuid import UUID

from identity.choices import Role
from identity.contracts import Actor
from tenants.evidence.models import Evidence

Witness = Callable[[Actor, UUID], bool]
_witnesses: dict[str, Witness] = {}


def register_witness(feature: str, witness: Witness) -> None:
    """Called once by a feature's AppConfig.ready()."""
    _witnesses[feature] = witness


def can_keep(actor: Actor) -> bool:
    """Whoever has a role in this school may send evidence; a token needs its scope."""
    return actor.is_system or (bool(actor.roles) and actor.grant_id is None and actor.may("evidence:write"))


def can_read(actor: Actor, evidence: Evidence) -> bool:
    """School staff, the sender, or anybody who may see what it belongs to."""
    if actor.is_system:
        return True
    if not actor.may("evidence:read"):
        return False
    if actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR):
        return True
    if (
        actor.account_id is not None
        and actor.roles
        and actor.grant_id is None
        and evidence.account_id == actor.account_id
    ):
        return True
    return any(witness(actor, evidence.pk) for witness in _witnesses.values())
