"""Who may do what with schools on the institute's side."""

from identity.choices import Role
from identity.contracts import Actor


def can_see(actor: Actor) -> bool:
    """Institute staff and the platform itself."""
    return actor.of_institute or actor.is_system


def can_manage(actor: Actor) -> bool:
    """Approve, retry, suspend, resume, upgrade: the institute's administrators and the platform itself."""
    return actor.has(Role.INSTITUTE_ADMIN) or actor.is_system


def can_see_face_counts(actor: Actor) -> bool:
    """How many face templates each school keeps: those who answer for the platform; outside reviewers do not."""
    return actor.has(Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST) or actor.is_system
