"""Who may see facts and positions."""

from uuid import UUID

from identity.choices import Role
from identity.contracts import Actor

READ = "benchmark:read"
WRITE = "benchmark:write"


def can_compare(actor: Actor) -> bool:
    """Institute staff see facts of all schools side by side; a fact holds no detail, so no grant is needed.

    Reviewers judge applications and have no part in this.
    """
    return actor.is_system or (actor.may(READ) and actor.has(Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST))


def can_publish(actor: Actor) -> bool:
    """Tell the schools their positions of a month: the platform on its day, or the institute."""
    return actor.is_system or (actor.may(WRITE) and actor.has(Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST))


def can_see_position(actor: Actor, school_id: UUID) -> bool:
    """A school's own office sees its own position; nobody else's, and no company."""
    return actor.is_system or (
        actor.may(READ)
        and actor.school_id == school_id
        and actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR)
    )
