"""Who may see and do what with faces. The institute never, not even under a grant: it gets a number of templates."""

from __future__ import annotations

from uuid import UUID

from identity.choices import Role
from identity.contracts import Actor
from tenants.organisation.models import Staff

READ = "face:read"
WRITE = "face:write"
OFFICE = (Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR)


def can_configure(actor: Actor) -> bool:
    """Switch the service on and off, enrol in batches, record decisions made on paper: the school's admin."""
    return actor.is_system or (actor.has(Role.SCHOOL_ADMIN) and actor.grant_id is None and actor.may(WRITE))


def can_see_numbers(actor: Actor) -> bool:
    """Counts and the state of the pack: the school's office."""
    return actor.is_system or (actor.has(*OFFICE) and actor.grant_id is None and actor.may(READ))


def can_see_lists(actor: Actor) -> bool:
    """Who decided and who is enrolled: the office; a company for its own people (cut by the query)."""
    if can_see_numbers(actor):
        return True
    company = actor.has(Role.PROVIDER_MANAGER) and bool(actor.provider_ids)
    return company and actor.grant_id is None and actor.may(READ)


def is_self(actor: Actor, staff_id: UUID) -> bool:
    return actor.is_own(staff_id) and bool(actor.roles) and actor.grant_id is None


def can_see_person(actor: Actor, person: Staff) -> bool:
    """Their decision, whether they are enrolled, their checks and deletions: themselves, the office, their company."""
    if is_self(actor, person.pk):
        return actor.may(READ)
    if can_see_numbers(actor):
        return True
    return can_see_lists(actor) and person.party.provider_id in actor.provider_ids


def can_decide(actor: Actor, staff_id: UUID) -> bool:
    """Agree, refuse, revoke, have deleted: the person alone."""
    return is_self(actor, staff_id) and actor.may(WRITE)


def can_check(actor: Actor, staff_id: UUID) -> bool:
    """Hand in a picture: the person, the platform for other features, the admin who tries whether it works."""
    return can_configure(actor) or can_decide(actor, staff_id)
