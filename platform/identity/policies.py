"""May X? Asked by operations and queries; screens ask the same to show or hide a button."""

from uuid import UUID

from identity.choices import INSTITUTE_ROLES, SCHOOL_ROLES, GrantScope, Role, Via
from identity.contracts import Actor


def can_manage_members(actor: Actor, school_id: UUID | None) -> bool:
    """A school's admin in that school, the institute's admin in the institute, the platform anywhere."""
    if actor.is_system:
        return True
    if actor.school_id != school_id or actor.grant_id is not None:
        return False
    return actor.has(Role.INSTITUTE_ADMIN if school_id is None else Role.SCHOOL_ADMIN)


def roles_of_space(school_id: UUID | None) -> frozenset[Role]:
    """Which roles exist in a space."""
    return INSTITUTE_ROLES if school_id is None else SCHOOL_ROLES


def can_manage_grants(actor: Actor, school_id: UUID) -> bool:
    """Only the school decides who reads its detail: its admin or its leader."""
    return actor.school_id == school_id and actor.grant_id is None and actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER)


def can_see_grants(actor: Actor, school_id: UUID) -> bool:
    """Who decides on grants, and the institute's people who read under one."""
    return can_manage_grants(actor, school_id) or (actor.school_id == school_id and actor.grant_id is not None)


def can_have_tokens(actor: Actor) -> bool:
    """Anybody with a role in the space, in person: a token makes no tokens, and none is made under a grant."""
    return bool(actor.roles) and actor.via == Via.SESSION and actor.grant_id is None


def can_read(actor: Actor, scope: GrantScope, *roles: Role) -> bool:
    """Whether `actor` may read detail of `scope`: by one of `roles` in the school, or under its grant.

    For the read policies of every feature. A read under a grant is noted on the actor, so that the
    edge can put it on the school's timeline.
    """
    if actor.grant_id is not None:
        if scope not in actor.grant_scopes:
            actor.grant_missed.add(scope)
            return False
        actor.grant_reads.add(scope)
        return True
    return actor.is_system or actor.has(*roles)
