"""Who is to be told: the accounts that act in a school in given roles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Q

from identity.choices import Role
from identity.models import Account, Membership


@dataclass(frozen=True, slots=True)
class Person:
    """An account as other features may show it or write to it."""

    account_id: UUID
    name: str
    email: str


def people_of_school(
    *,
    school_id: UUID,
    roles: Iterable[Role],
    today: date,
    provider_id: UUID | None = None,
    staff_ids: Iterable[UUID] | None = None,
) -> list[Person]:
    """Active people of a school in any of `roles`, by name; of one company or of given staff rows if named."""
    rows = Membership.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gte=today),
        school_id=school_id,
        role__in=[r.value for r in roles],
        active=True,
        account__is_active=True,
    )
    if provider_id is not None:
        rows = rows.filter(provider_id=provider_id)
    if staff_ids is not None:
        rows = rows.filter(staff_id__in=list(staff_ids))
    found = {row.account_id: row.account for row in rows.select_related("account")}
    return sorted((Person(a.pk, a.name or a.username, a.email) for a in found.values()), key=lambda p: p.name)


def people_by_id(ids: Iterable[UUID]) -> dict[UUID, Person]:
    """Accounts by id, missing ones left out: one query."""
    wanted = list(set(ids))
    rows = Account.objects.filter(pk__in=wanted, is_active=True) if wanted else []
    return {a.pk: Person(a.pk, a.name or a.username, a.email) for a in rows}


def institute_people(*roles: Role, today: date) -> list[Person]:
    """Active accounts of the institute with any of `roles`, by name."""
    rows = (
        Membership.objects.filter(
            Q(ends_on__isnull=True) | Q(ends_on__gte=today),
            school_id__isnull=True, role__in=[r.value for r in roles], active=True, account__is_active=True,
        )
        .select_related("account")
        .order_by("account__name", "account_id")
    )  # fmt: skip
    found = {row.account_id: Person(row.account_id, str(row.account), row.account.email) for row in rows}
    return list(found.values())


def spaces_of(account_ids: Iterable[UUID]) -> list[tuple[UUID, UUID | None, UUID | None]]:
    """(account, school, company) of every live membership of some accounts. One query."""
    rows = Membership.objects.filter(account_id__in=list(account_ids), active=True)
    return list(rows.values_list("account_id", "school_id", "provider_id"))
