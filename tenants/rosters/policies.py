"""Who may see and change shifts, rosters and leaves; and which cells are frozen because a month was confirmed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date
from uuid import UUID

from identity.choices import SCHOOL_ROLES, GrantScope, Role
from identity.contracts import Actor
from identity.policies import can_read
from tenants.organisation import queries as organisation

READ = "rosters:read"
WRITE = "rosters:write"
OFFICE = (Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR)
EDITORS = (Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR)

Cell = tuple[UUID, date]  # a person's roster day
Frozen = Callable[[Sequence[Cell]], Collection[Cell]]
_freezes: list[Frozen] = []


def register_freeze(check: Frozen) -> None:
    """A higher feature names the cells that may not change any more (attendance: confirmed months). Once per start."""
    if check not in _freezes:
        _freezes.append(check)


def frozen(cells: Sequence[Cell]) -> set[Cell]:
    """Which of these cells somebody has frozen."""
    found: set[Cell] = set()
    if cells:
        for check in _freezes:
            found.update(check(cells))
    return found


def reads_all(actor: Actor) -> bool:
    """Every roster of the school: the office, and the institute under a grant."""
    return actor.may(READ) and can_read(actor, GrantScope.ROSTERS, *OFFICE)


def reads_setup(actor: Actor) -> bool:
    """Shift definitions are no secret among those who work here."""
    return reads_all(actor) or (actor.may(READ) and not actor.roles.isdisjoint(SCHOOL_ROLES))


def reads_grid(actor: Actor) -> bool:
    """The page person × day: the office and property companies; frontline workers have their own page."""
    return reads_all(actor) or (actor.may(READ) and actor.has(Role.PROVIDER_MANAGER) and bool(actor.provider_ids))


def names_only(actor: Actor) -> bool:
    """A guest whom the school lets read rosters and not its people: of whom a roster is about they see name and number."""
    return actor.grant_id is not None and GrantScope.ORGANISATION not in actor.grant_scopes


def party_ids(actor: Actor) -> set[UUID] | None:
    """The parties whose whole rosters an actor sees; None: all of them."""
    if reads_all(actor):
        return None
    if actor.may(READ) and actor.has(Role.PROVIDER_MANAGER) and actor.provider_ids:
        return set(organisation.party_ids_of_providers(actor.provider_ids))
    return set()


def edits(actor: Actor) -> bool:
    """Whether the actor makes rosters at all, for buttons."""
    if actor.is_system:
        return True
    return (
        actor.grant_id is None
        and actor.may(WRITE)
        and (actor.has(*EDITORS) or (actor.has(Role.PROVIDER_MANAGER) and bool(actor.provider_ids)))
    )


def editable_party_ids(actor: Actor) -> set[UUID] | None:
    """The parties whose rosters an actor makes and whose requests they decide; None: all of them."""
    if not edits(actor):
        return set()
    if actor.is_system or actor.has(*EDITORS):
        return None
    return set(organisation.party_ids_of_providers(actor.provider_ids))


def can_edit(actor: Actor, party_id: UUID) -> bool:
    """Make the roster of this party's people and decide their leaves and swaps."""
    editable = editable_party_ids(actor)
    return editable is None or party_id in editable


def decides_begun(actor: Actor) -> bool:
    """Change shifts that have begun, and grant leave over them, of those one may edit: the school alone.

    A company is judged by what came of its shifts; once one has begun it neither takes it away nor adds to it.
    """
    return actor.is_system or actor.has(*EDITORS)


def can_configure(actor: Actor) -> bool:
    """Shift definitions and repeat patterns: who makes rosters for the school."""
    return actor.is_system or (actor.grant_id is None and actor.may(WRITE) and actor.has(*EDITORS))


def can_set_rules(actor: Actor) -> bool:
    """Attendance rules and what contracts ask of presence: they decide about money, so the school's admin alone."""
    return actor.is_system or (actor.grant_id is None and actor.may(WRITE) and actor.has(Role.SCHOOL_ADMIN))


def is_own(actor: Actor, staff_id: UUID) -> bool:
    """A worker's own roster, leave and swaps."""
    return actor.is_own(staff_id)
