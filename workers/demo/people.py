"""Accounts of the demo. Everybody has the same password, printed by `make run`; production refuses the demo."""

from functools import cache
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account, Membership

PASSWORD = "houqin-demo-2026"  # noqa: S105  (for the demo alone)


@cache
def _hashed() -> str:
    """Made slow on purpose against guessing: once for all who share the printed password."""
    return make_password(PASSWORD)


@transaction.atomic
def account(
    username: str,
    name: str,
    role: Role,
    *,
    school_id: UUID | None = None,
    provider_id: UUID | None = None,
    staff_id: UUID | None = None,
) -> Actor:
    """The account, made if missing, with one membership; returns its actor in that space."""
    row = Account.objects.filter(username=username).first()
    if row is None:
        row = Account.objects.create(username=username, password=_hashed(), name=name, email=f"{username}@demo.invalid")
    member, _ = Membership.objects.get_or_create(
        account=row, school_id=school_id, role=role, provider_id=provider_id, defaults={"staff_id": staff_id}
    )
    return Actor(
        account_id=row.pk, name=row.name, roles=frozenset({role}), school_id=school_id,
        provider_ids=frozenset({provider_id} if provider_id else ()), staff_id=member.staff_id,
    )  # fmt: skip
