"""People and what they may do."""

from __future__ import annotations

from itertools import count
from uuid import UUID

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account, Membership
from kernel.tenancy import Tenant

_n = count(1)
PASSWORD = "correct-horse-42"


def make_account(name: str = "林小满", *, email: str = "", username: str = "", **fields: object) -> Account:
    """An account whose password is PASSWORD."""
    return Account.objects.create_user(
        username or f"user{next(_n)}", password=PASSWORD, name=name, email=email, **fields
    )


def make_member(
    role: Role = Role.SCHOOL_ADMIN,
    *,
    tenant: Tenant | None = None,
    account: Account | None = None,
    name: str = "林小满",
    email: str = "",
    **fields: object,
) -> Membership:
    """A membership in `tenant`, or in the institute."""
    return Membership.objects.create(
        account=account or make_account(name, email=email),
        school_id=tenant.school_id if tenant else None,
        role=role,
        **fields,
    )


def actor_of(membership: Membership) -> Actor:
    """The actor whom the middleware would build for this membership alone."""
    return Actor(
        account_id=membership.account_id,
        name=membership.account.name,
        roles=frozenset({Role(membership.role)}),
        school_id=membership.school_id,
        provider_ids=frozenset({membership.provider_id} if membership.provider_id else ()),
        staff_id=membership.staff_id,
    )


def school_actor(tenant: Tenant, *roles: Role, provider_id: UUID | None = None) -> Actor:
    """An actor of a school with a real account behind it, holding `roles` (school admin by default)."""
    account = make_account()
    for role in roles or (Role.SCHOOL_ADMIN,):
        make_member(role, tenant=tenant, account=account, provider_id=provider_id)
    return Actor(
        account_id=account.pk,
        name=account.name,
        roles=frozenset(roles or {Role.SCHOOL_ADMIN}),
        school_id=tenant.school_id,
        provider_ids=frozenset({provider_id} if provider_id else ()),
    )


def institute_actor(*roles: Role) -> Actor:
    """An actor of the institute with a real account behind it (institute admin by default)."""
    account = make_account("研究院小王")
    for role in roles or (Role.INSTITUTE_ADMIN,):
        make_member(role, account=account)
    return Actor(account_id=account.pk, name=account.name, roles=frozenset(roles or {Role.INSTITUTE_ADMIN}))
