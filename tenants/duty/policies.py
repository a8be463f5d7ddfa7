"""Who may do what on duty. Screens ask the same functions whether to show a button."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from identity.choices import GrantScope, Role
from identity.contracts import Actor
from identity.policies import can_read

READ = "duty:read"
WRITE = "duty:write"
OVERSEERS = (Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR)


def reads_all(actor: Actor) -> bool:
    """The school's office, and the institute under a grant whose scopes cover duty."""
    return actor.may(READ) and can_read(actor, GrantScope.DUTY, *OVERSEERS)


def oversees(actor: Actor) -> bool:
    """Call posts, judge outcomes and camera reports, take what went up, end a forgotten duty."""
    return actor.is_system or (actor.has(*OVERSEERS) and actor.grant_id is None and actor.may(WRITE))


def can_judge(actor: Actor, *, summoned: Collection[UUID], provider_id: UUID | None) -> bool:
    """Say what a call was: whoever oversees, but nobody who was under it or whose company answers for the post."""
    if not oversees(actor) or not actor.staff_ids.isdisjoint(summoned):
        return False
    return provider_id is None or provider_id not in actor.provider_ids


def can_configure(actor: Actor) -> bool:
    """The rules of a duty post and the camera systems: admin and supervisors; admins alone for secrets."""
    return actor.is_system or (
        actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR) and actor.grant_id is None and actor.may(WRITE)
    )


def can_manage_cameras(actor: Actor) -> bool:
    """Who may see a webhook's secret, once."""
    return actor.has(Role.SCHOOL_ADMIN) and actor.grant_id is None and actor.may(WRITE)


def can_manage_hook(actor: Actor) -> bool:
    """Where the school's calls are sent to, and the secret that signs them: admins alone."""
    return can_manage_cameras(actor)


def is_staff(actor: Actor) -> bool:
    """Somebody who can be on duty: tied to a staff row."""
    return actor.staff_id is not None and actor.grant_id is None and actor.may(WRITE)


def of_company(actor: Actor, provider_id: UUID | None) -> bool:
    """A property company's person, for its own contracts."""
    return (
        actor.has(Role.PROVIDER_MANAGER)
        and actor.grant_id is None
        and actor.may(READ)
        and provider_id in actor.provider_ids
    )


def can_watch(actor: Actor) -> bool:
    """Hear that something of duty changed (web.live): whoever may look at the cockpit or be called."""
    return actor.may(READ) and (reads_all(actor) or (actor.grant_id is None and bool(actor.roles)))
