"""Who may punch, vouch, see and decide. Screens ask the same functions whether to show a button."""

from __future__ import annotations

from uuid import UUID

from identity.choices import GrantScope, Role
from identity.contracts import Actor
from identity.policies import can_read
from tenants.punches.choices import PunchStatus
from tenants.punches.models import Punch

READ = "punches:read"
WRITE = "punches:write"
OFFICE = (Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR, Role.SCHOOL_LEADER)


def _writes(actor: Actor) -> bool:
    return actor.grant_id is None and actor.may(WRITE)


def reads_all(actor: Actor) -> bool:
    """Every punch of the school: the office, and the institute under a grant."""
    return actor.may(READ) and can_read(actor, GrantScope.PUNCHES, *OFFICE)


def reads_list(actor: Actor) -> bool:
    """The console's list: the office and property companies; frontline workers have their own page."""
    return reads_all(actor) or (actor.may(READ) and actor.has(Role.PROVIDER_MANAGER) and bool(actor.provider_ids))


def can_punch(actor: Actor) -> bool:
    """Whoever is among the school's people, for themselves alone."""
    return actor.staff_id is not None and bool(actor.roles) and _writes(actor)


def can_vouch(actor: Actor) -> bool:
    """The office for everybody, a company's manager for the company's own people."""
    return actor.has(*OFFICE, Role.PROVIDER_MANAGER) and _writes(actor)


def is_interested(actor: Actor) -> bool:
    """A company gains by its own people's presence: its voucher alone proves less (docs/punches.md)."""
    return not actor.has(*OFFICE)


def can_appeal(actor: Actor, punch: Punch) -> bool:
    """The person, against a punch that did not count."""
    return can_punch(actor) and actor.is_own(punch.staff_id) and punch.status == PunchStatus.REFUSED


def decides(actor: Actor) -> bool:
    return actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR) and _writes(actor)


def can_decide(actor: Actor, *, staff_id: UUID, asked_by: UUID | None) -> bool:
    """Supervisors and admins; never about themselves."""
    return decides(actor) and not actor.is_own(staff_id) and (asked_by is None or actor.account_id != asked_by)


def can_manage_fences(actor: Actor) -> bool:
    return actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR) and _writes(actor)


def reads_devices(actor: Actor) -> bool:
    return reads_all(actor)


def can_manage_devices(actor: Actor) -> bool:
    """Tokens and numbers: the admin alone."""
    return actor.has(Role.SCHOOL_ADMIN) and _writes(actor)


def can_set_retention(actor: Actor) -> bool:
    """How long positions are kept: the admin, who answers for it."""
    return actor.has(Role.SCHOOL_ADMIN) and _writes(actor)


def can_ingest(actor: Actor) -> bool:
    """Devices (the edge has judged their token), files and other systems through the admin."""
    return actor.is_system or can_manage_devices(actor)
