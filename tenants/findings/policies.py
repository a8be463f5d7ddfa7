"""Who may do what with a finding. Screens ask the same functions whether to show a button."""

from __future__ import annotations

from uuid import UUID

from identity.choices import GrantScope, Role
from identity.contracts import Actor
from identity.policies import can_read
from tenants.findings.choices import UNSOLVED, WITH_FIXER, FindingSource, FindingStatus
from tenants.findings.models import Finding

REPORTED = (FindingSource.PATROL, FindingSource.PRESENCE, FindingSource.DUTY, FindingSource.ALARM)
OVERSEERS = (Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR, Role.SCHOOL_LEADER)


def reads_all(actor: Actor) -> bool:
    """School staff, and the institute under a grant whose scopes cover findings."""
    return can_read(actor, GrantScope.FINDINGS, *OVERSEERS)


def can_see(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """The same rule as `queries.visible`, for one row."""
    return reads_all(actor) or answers_for(actor, finding, own_party_ids=own_party_ids)


def can_open(actor: Actor, *, source: str = FindingSource.MANUAL) -> bool:
    """Whoever oversees, and the platform itself. What patrols, duty and alarms report may come from those on duty."""
    if actor.is_system or actor.has(*OVERSEERS):
        return True
    return source in REPORTED and actor.has(Role.FRONTLINE, Role.PROVIDER_MANAGER)


def answers_for(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """The actor works for the responsible party: its company, or the department they are staff of."""
    if finding.party.provider_id in actor.provider_ids:
        return True
    return finding.party_id in own_party_ids


def can_fix(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """People of the responsible party; supervisors and admins may record a fix for a party without a login."""
    if finding.status not in WITH_FIXER:
        return False
    if actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR):
        return True
    return actor.has(Role.PROVIDER_MANAGER, Role.FRONTLINE) and answers_for(actor, finding, own_party_ids=own_party_ids)


def is_fixer(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """Whether the actor ever worked on it, or belongs to whoever did or should have."""
    if actor.account_id in finding.fixers or not actor.provider_ids.isdisjoint(finding.fixer_provider_ids):
        return True
    return answers_for(actor, finding, own_party_ids=own_party_ids)


def can_verify(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """The named verifier if there is one (an admin may stand in), else the finder or any supervisor; never the fixer."""
    return finding.status == FindingStatus.VERIFYING and can_confirm(actor, finding, own_party_ids=own_party_ids)


def can_confirm(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """Who stands before it at the next inspection: as `can_verify`, also while no fix was handed in."""
    if finding.status not in UNSOLVED or actor.account_id is None or not actor.has(*OVERSEERS):
        return False
    if is_fixer(actor, finding, own_party_ids=own_party_ids):
        return False
    if finding.verifier_id is None:
        return actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR) or actor.account_id == finding.found_by
    return actor.account_id == finding.verifier_id or actor.has(Role.SCHOOL_ADMIN)


def can_reopen(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """Overseers who did not fix it, while it is closed."""
    return (
        finding.status == FindingStatus.CLOSED
        and actor.has(*OVERSEERS)
        and not answers_for(actor, finding, own_party_ids=own_party_ids)
    )


def can_void(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """Opened by mistake: the finder while nobody has begun, an admin until it is closed; never who works on it."""
    if finding.status not in UNSOLVED or is_fixer(actor, finding, own_party_ids=own_party_ids):
        return False
    if actor.has(Role.SCHOOL_ADMIN):
        return True
    finder = actor.account_id is not None and actor.account_id == finding.found_by and actor.has(*OVERSEERS)
    return finder and finding.status == FindingStatus.OPEN


def can_comment(actor: Actor, finding: Finding) -> bool:
    """Whoever may see it and has a role in this school (not a reader under a grant)."""
    return bool(actor.roles) and actor.grant_id is None


def can_manage(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """Deadline and verifier: supervisors and admins who never worked on it nor belong to who does, while unsolved."""
    return (
        finding.status in UNSOLVED
        and actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR)
        and not is_fixer(actor, finding, own_party_ids=own_party_ids)
    )


def can_ask_extension(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """People of the responsible party, while it is their turn."""
    if finding.status not in WITH_FIXER or not actor.has(Role.PROVIDER_MANAGER, Role.FRONTLINE):
        return False
    return answers_for(actor, finding, own_party_ids=own_party_ids)


def answers(actor: Actor) -> bool:
    """Who is asked for more time."""
    return actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR)


def can_name_owner(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """The party says who of its people answers for the fix; supervisors and admins may, too."""
    return finding.status in UNSOLVED and (
        actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR)
        or (
            actor.has(Role.PROVIDER_MANAGER, Role.FRONTLINE)
            and answers_for(actor, finding, own_party_ids=own_party_ids)
        )
    )


def can_conclude(actor: Actor, finding: Finding, *, own_party_ids: frozenset[UUID]) -> bool:
    """A of PDCA after closing: overseers outside the responsible party."""
    return (
        finding.status == FindingStatus.CLOSED
        and actor.has(*OVERSEERS)
        and not answers_for(actor, finding, own_party_ids=own_party_ids)
    )


def can_configure(actor: Actor) -> bool:
    """The school's own deadline rules."""
    return actor.has(Role.SCHOOL_ADMIN)
