"""Who may see, score and close."""

from identity import policies as identity
from identity.choices import GrantScope, Role
from identity.contracts import Actor
from tenants.evaluations.choices import RoundStatus
from tenants.evaluations.models import Round, Source

READ = "evaluations:read"
WRITE = "evaluations:write"
OFFICE = (Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR)


def can_read_all(actor: Actor) -> bool:
    """See every round: the school's office, and the institute under a grant for evaluations."""
    return actor.is_system or (actor.may(READ) and identity.can_read(actor, GrantScope.EVALUATIONS, *OFFICE))


def reads_as_provider(actor: Actor) -> bool:
    """A property company sees the rounds about itself, from the moment scoring begins: no secret scoring."""
    return actor.may(READ) and actor.has(Role.PROVIDER_MANAGER) and bool(actor.provider_ids)


def can_manage(actor: Actor) -> bool:
    """Set rounds up, open them, compute them."""
    return actor.is_system or (actor.may(WRITE) and actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR))


def can_decide(actor: Actor) -> bool:
    """Close a round, waive a deduction, excuse a source: the administrator answers for these."""
    return actor.is_system or (actor.may(WRITE) and actor.has(Role.SCHOOL_ADMIN))


def can_score(actor: Actor, source: Source) -> bool:
    """The source's named scorers, or any supervisor where none is named; the administrator always.

    People of a property company never score, whatever list they were put on.
    """
    if not actor.may(WRITE) or actor.has(Role.PROVIDER_MANAGER) or actor.grant_id is not None:
        return False
    if actor.is_system or actor.has(Role.SCHOOL_ADMIN):
        return True
    named = [row["id"] for row in source.scorers]
    if named:
        return str(actor.account_id) in named and actor.school_id is not None and bool(actor.roles)
    return actor.has(Role.SCHOOL_SUPERVISOR)


def can_close(actor: Actor, row: Round) -> bool:
    """A computed round, by the administrator."""
    return can_decide(actor) and row.status == RoundStatus.COMPUTED
