"""Who may register companies and see all of them."""

from identity.choices import INSTITUTE_ROLES, Role
from identity.contracts import Actor


def can_register(actor: Actor) -> bool:
    """A school registers the companies it has contracts with; the institute may correct."""
    return actor.is_system or actor.has(Role.SCHOOL_ADMIN, Role.INSTITUTE_ADMIN)


def can_correct(actor: Actor) -> bool:
    """A name and code that all schools see are changed by the institute's admin alone."""
    return actor.is_system or actor.has(Role.INSTITUTE_ADMIN)


def can_list(actor: Actor) -> bool:
    return actor.is_system or not actor.roles.isdisjoint(INSTITUTE_ROLES)
