"""Who may do what with patrols."""

from __future__ import annotations

from identity import policies as identity
from identity.choices import GrantScope, Role
from identity.contracts import Actor
from tenants.patrols.models import Route, Tour

READ, WRITE = "patrols:read", "patrols:write"
OVERSEERS = (Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR, Role.SCHOOL_LEADER)


def reads_all(actor: Actor) -> bool:
    """Those who oversee; everybody else sees the routes of their own party."""
    return actor.is_system or identity.can_read(actor, GrantScope.DUTY, *OVERSEERS)


def can_plan(actor: Actor) -> bool:
    """Make and change routes: what is walked is the school's decision, not the walker's."""
    return actor.is_system or (actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR) and actor.may(WRITE))


def can_walk(actor: Actor, route: Route, *, party_ids: list[object] | None) -> bool:
    """People of the route's party, and those who oversee (they walk along)."""
    if not actor.may(WRITE) or actor.account_id is None or actor.grant_id is not None:
        return False
    return actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR) or (
        actor.has(Role.FRONTLINE, Role.PROVIDER_MANAGER) and party_ids is not None and route.party_id in party_ids
    )


def can_scan(actor: Actor, tour: Tour) -> bool:
    """Only who began the tour goes on with it."""
    return actor.account_id is not None and actor.account_id == tour.walker_id and actor.may(WRITE)


def can_explain(actor: Actor, tour: Tour, *, party_ids: list[object] | None) -> bool:
    """The party that should have walked, and those who plan."""
    return can_plan(actor) or can_walk(actor, tour.route, party_ids=party_ids)


def can_review(actor: Actor) -> bool:
    """Those who plan take or refuse an explanation; their own they leave to another (the operation asks)."""
    return can_plan(actor)
