"""Who may do what with rubrics."""

from identity.choices import SCHOOL_ROLES, Role
from identity.contracts import Actor


def can_read(actor: Actor) -> bool:
    """Everybody of the school, the assessed included: scoring by a secret sheet is what we never do."""
    if actor.is_system:
        return True
    return actor.may("rubrics:read") and (not actor.roles.isdisjoint(SCHOOL_ROLES) or actor.grant_id is not None)


def can_edit(actor: Actor) -> bool:
    """Only the school's administrator decides by what the school is scored."""
    return actor.is_system or (actor.may("rubrics:write") and actor.has(Role.SCHOOL_ADMIN))
