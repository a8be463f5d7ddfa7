"""Who may see and change the school's places, parties, posts and people."""

from identity import policies as identity
from identity.choices import SCHOOL_ROLES, GrantScope, Role
from identity.contracts import Actor
from tenants.organisation.models import Party, Staff

READ = "organisation:read"
WRITE = "organisation:write"
OFFICE = (Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR)


def can_manage(actor: Actor) -> bool:
    """Change places, parties, posts, staff, certificates: the school's admin alone."""
    return actor.is_system or (actor.has(Role.SCHOOL_ADMIN) and actor.grant_id is None and actor.may(WRITE))


def can_read_all(actor: Actor) -> bool:
    """See every party and person: the school's office, and the institute under a grant (masked like everybody)."""
    return actor.may(READ) and identity.can_read(actor, GrantScope.ORGANISATION, *OFFICE)


def can_read_places(actor: Actor) -> bool:
    """Places are no secret among those who work here, nor to a guest under any grant: every scope names places."""
    return can_read_all(actor) or (
        actor.may(READ) and (actor.grant_id is not None or not actor.roles.isdisjoint(SCHOOL_ROLES))
    )


def can_read_party(actor: Actor, party: Party) -> bool:
    """A property company sees its own contracts."""
    return can_read_all(actor) or (
        actor.may(READ) and actor.has(Role.PROVIDER_MANAGER) and party.provider_id in actor.provider_ids
    )


def can_read_staff(actor: Actor, person: Staff) -> bool:
    """The office sees all, a company its own people, a frontline worker themselves."""
    if actor.may(READ) and actor.is_own(person.pk):
        return True
    return can_read_party(actor, person.party)


def can_reveal(actor: Actor, person: Staff) -> bool:
    """See an ID-card or phone number in clear (each look is on the timeline): the admin, and the person."""
    return actor.may(READ) and (actor.has(Role.SCHOOL_ADMIN) or actor.is_own(person.pk))
