"""Who may see results, ask for and decide corrections, confirm months, and decide what the sentinel found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from identity.choices import GrantScope, Role
from identity.contracts import Actor
from identity.policies import can_read
from tenants.organisation import queries as organisation

READ = "attendance:read"
WRITE = "attendance:write"
OFFICE = (Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR)
DECIDERS = (Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR)


def _writes(actor: Actor) -> bool:
    return actor.grant_id is None and actor.may(WRITE)


def reads_all(actor: Actor) -> bool:
    """Every result of the school: the office, and the institute under a grant."""
    return actor.may(READ) and can_read(actor, GrantScope.ATTENDANCE, *OFFICE)


def reads_sheets(actor: Actor) -> bool:
    """Month sheets, board and heat map: the office and property companies; workers have their own page."""
    return reads_all(actor) or (actor.may(READ) and actor.has(Role.PROVIDER_MANAGER) and bool(actor.provider_ids))


def reads_positions(actor: Actor) -> bool:
    """Where refused punches were, without names: who reads the school's results and its punches."""
    return reads_all(actor) and actor.may("punches:read") and can_read(actor, GrantScope.PUNCHES, *OFFICE)


def party_ids(actor: Actor) -> list[UUID] | None:
    """The parties whose people an actor sees as a whole; None: all of them."""
    if reads_all(actor):
        return None
    if actor.may(READ) and actor.has(Role.PROVIDER_MANAGER) and actor.provider_ids:
        return organisation.party_ids_of_providers(actor.provider_ids)
    return []


def can_watch(actor: Actor) -> bool:
    """Hear that somebody's presence changed."""
    return reads_sheets(actor)


def can_ask(actor: Actor, *, staff_id: UUID, party_id: UUID) -> bool:
    """The person themselves; supervisors and admins for anybody; a company's manager for its own people."""
    if not _writes(actor):
        return False
    if actor.has(*DECIDERS) or actor.is_own(staff_id):
        return True
    return (
        actor.has(Role.PROVIDER_MANAGER)
        and bool(actor.provider_ids)
        and party_id in organisation.party_ids_of_providers(actor.provider_ids)
    )


def decides(actor: Actor) -> bool:
    """The school's supervisors and admins: a company gains by its people's presence and does not decide it."""
    return actor.has(*DECIDERS) and _writes(actor)


def can_decide(actor: Actor, *, asked_by: UUID | None, staff_id: UUID) -> bool:
    """Never about a request of one's own, nor about oneself."""
    return decides(actor) and actor.account_id != asked_by and not actor.is_own(staff_id)


def waits_for(actor: Actor, *, asked_by: UUID | None, staff_id: UUID) -> str:
    """Whom an open request waits for, where it is not for the actor to decide; "" where it is."""
    if can_decide(actor, asked_by=asked_by, staff_id=staff_id):
        return ""
    return "您本人的或您提出的补卡，由别的学校监管人员审批" if decides(actor) else "由学校监管人员审批"


def can_confirm(actor: Actor, *, staff_id: UUID) -> bool:
    """A worker's own month."""
    return _writes(actor) and actor.is_own(staff_id)


def can_close(actor: Actor) -> bool:
    """Close the month of everybody who did not answer in time."""
    return actor.is_system or decides(actor)


def frozen_days(cells: Sequence[tuple[UUID, date]]) -> set[tuple[UUID, date]]:
    """For rosters: which (person, day) lie in a confirmed month."""
    from tenants.attendance.models import Confirmation

    months = {(s, d.replace(day=1)) for s, d in cells}
    known = set(
        Confirmation.objects.filter(
            staff_id__in={s for s, _m in months}, month__in={m for _s, m in months}
        ).values_list("staff_id", "month")
    )
    return {(s, d) for s, d in cells if (s, d.replace(day=1)) in known}
