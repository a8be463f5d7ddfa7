"""Which schools a person may enter, and under which host: reads that join schools with memberships."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import OuterRef, Subquery

from identity import queries as identity
from institute.schools.choices import SchoolStatus
from institute.schools.models import Domain, School


@dataclass(frozen=True, slots=True)
class Space:
    """Where an account may act: a school, or the institute (no school_id), with the roles it holds there."""

    school_id: UUID | None
    name: str
    slug: str
    host: str
    status: str
    roles: tuple[str, ...]


def spaces_of(account_id: UUID, *, today: date) -> list[Space]:
    """Every space the account may act in today, whatever the school's status, by name; one query."""
    school = School.objects.filter(pk=OuterRef("school_id"))
    host = Domain.objects.filter(tenant_id=OuterRef("school_id")).order_by("-is_primary", "pk")
    rows = (
        identity.live_memberships(account_id, today=today)
        .values("school_id")
        .annotate(
            roles=ArrayAgg("role", distinct=True),
            name=Subquery(school.values("name")[:1]),
            slug=Subquery(school.values("slug")[:1]),
            status=Subquery(school.values("status")[:1]),
            host=Subquery(host.values("domain")[:1]),
        )
        .order_by("name")
    )
    return [
        Space(
            school_id=row["school_id"],
            name=row["name"] or "",
            slug=row["slug"] or "",
            host=row["host"] or "",
            status=row["status"] or "",
            roles=tuple(row["roles"]),
        )
        for row in rows
        if row["school_id"] is None or row["host"]
    ]


def hosts_of(school_ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """(name, primary host) of open schools by id, in one query."""
    rows = Domain.objects.filter(
        tenant_id__in=school_ids, is_primary=True, tenant__status=SchoolStatus.READY
    ).values_list("tenant_id", "tenant__name", "domain")
    return {school_id: (name, domain) for school_id, name, domain in rows}


def is_our_host(host: str) -> bool:
    """Whether a school, open or not, answers to this host name."""
    return bool(Domain.objects.filter(domain=host.lower()).exists())
