"""Who may inspect, and who may read what was seen."""

from __future__ import annotations

from identity.choices import GrantScope, Role
from identity.contracts import Actor
from identity.policies import can_read
from tenants.inspections.choices import InspectionStatus
from tenants.inspections.models import Inspection

OVERSEERS = (Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR, Role.SCHOOL_LEADER)


def can_inspect(actor: Actor) -> bool:
    """Start a walk: whoever oversees."""
    return actor.is_system or actor.has(*OVERSEERS)


def can_answer(actor: Actor, inspection: Inspection) -> bool:
    """Only the one who walks writes down what was seen; an admin may finish for them."""
    return inspection.status == InspectionStatus.RUNNING and (
        actor.is_system or inspection.inspector_id == actor.account_id or actor.has(Role.SCHOOL_ADMIN)
    )


def reads_all(actor: Actor) -> bool:
    """The school's office, and the institute under a grant."""
    return can_read(actor, GrantScope.INSPECTIONS, *OVERSEERS)


def can_manage_checklists(actor: Actor) -> bool:
    """Supervisors keep the sheets they walk by."""
    return actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR)
