"""Who may see and change the school's calendar."""

from identity import policies as identity
from identity.choices import SCHOOL_ROLES, GrantScope, Role
from identity.contracts import Actor

READ = "calendar:read"
WRITE = "calendar:write"


def can_manage(actor: Actor) -> bool:
    """What is worked and what is paid hangs on it: the school's admin alone."""
    return actor.is_system or (actor.has(Role.SCHOOL_ADMIN) and actor.grant_id is None and actor.may(WRITE))


def can_read(actor: Actor) -> bool:
    """The calendar is no secret among those who work here; the institute reads it with the organisation."""
    return actor.may(READ) and identity.can_read(actor, GrantScope.ORGANISATION, *SCHOOL_ROLES)
