"""Who may inspect, and who may read what was seen."""

from __future__ import annotations

from uuid import UUID

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


def can_plan(actor: Actor) -> bool:
    """The week's programme: supervisors, leaders and admins; the platform proposes."""
    return actor.is_system or actor.has(*OVERSEERS)


def can_calibrate(actor: Actor) -> bool:
    """Arrange a blind double scoring: admins and leaders."""
    return actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER)


def sees_bias_of(actor: Actor, account_id: UUID) -> bool:
    """How mildly somebody scores is told to themselves and their head (分管领导), to nobody else."""
    return actor.grant_id is None and (
        (actor.account_id is not None and actor.account_id == account_id) or actor.has(Role.SCHOOL_LEADER)
    )


def reads_all(actor: Actor) -> bool:
    """The school's office, and the institute under a grant."""
    return can_read(actor, GrantScope.INSPECTIONS, *OVERSEERS)


def can_manage_checklists(actor: Actor) -> bool:
    """Supervisors keep the sheets they walk by."""
    return actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR)
