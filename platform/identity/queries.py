"""Reads of identity."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q

from identity.choices import Role, Via
from identity.contracts import Actor
from identity.models import Account, Membership

if TYPE_CHECKING:
    from datetime import date


def actor_for(account: Account, *, school_id: UUID | None, today: "date") -> Actor:
    """Build the Actor of a signed-in account in one space; without membership there, an actor with no role."""
    rows = Membership.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gte=today), account=account, school_id=school_id, active=True
    )
    roles: set[Role] = set()
    provider_id = staff_id = None
    for row in rows:
        roles.add(Role(row.role))
        provider_id = provider_id or row.provider_id
        staff_id = staff_id or row.staff_id
    return Actor(
        account_id=account.pk,
        name=account.name or account.username,
        roles=frozenset(roles),
        school_id=school_id,
        provider_id=provider_id,
        staff_id=staff_id,
        via=Via.SESSION,
    )
