"""Who may do what with rubrics."""

from identity import policies as identity
from identity.choices import SCHOOL_ROLES, GrantScope, Role
from identity.contracts import Actor

OFFICE = (Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR)


def can_read(actor: Actor) -> bool:
    """Everybody of the school, the assessed included: scoring by a secret sheet is what we never do.

    The institute under a grant for evaluations or inspections: a score cannot be read without its sheet.
    """
    if actor.is_system:
        return True
    if not actor.may("rubrics:read"):
        return False
    if actor.grant_id is not None:
        return _granted(actor)
    return not actor.roles.isdisjoint(SCHOOL_ROLES)


def can_see_gaps(actor: Actor) -> bool:
    """What nobody checks is the business of those who decide what is checked."""
    if actor.grant_id is not None:
        return actor.may("rubrics:read") and _granted(actor)
    return actor.is_system or (actor.may("rubrics:read") and actor.has(*OFFICE))


def can_edit(actor: Actor) -> bool:
    """Only the school's administrator decides by what the school is scored."""
    return actor.is_system or (actor.may("rubrics:write") and actor.grant_id is None and actor.has(Role.SCHOOL_ADMIN))


def _granted(actor: Actor) -> bool:
    return any(identity.can_read(actor, scope) for scope in (GrantScope.EVALUATIONS, GrantScope.INSPECTIONS))
