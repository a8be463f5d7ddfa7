"""Reads of schools."""

from dataclasses import dataclass
from uuid import UUID

from institute.schools.choices import SchoolStatus
from institute.schools.models import Domain, School
from kernel.tenancy import NoSchool, Tenant


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """What stands behind a host name: the school and whether its doors are open."""

    tenant: Tenant
    status: SchoolStatus


def as_tenant(school: School) -> Tenant:
    """The school as the domain sees it."""
    return Tenant(
        schema=school.schema_name, school_id=school.pk, name=school.name, slug=school.slug, trial=school.trial
    )


def school_of_host(host: str) -> HostAnswer | None:
    """The school that answers to `host` (no port), or None."""
    domain = Domain.objects.select_related("tenant").filter(domain=host.lower()).first()
    return HostAnswer(as_tenant(domain.tenant), SchoolStatus(domain.tenant.status)) if domain else None


def tenant_for(schema: str) -> Tenant:
    """The open school of a schema. Raises NoSchool for unknown, unfinished, suspended or archived ones."""
    school = School.objects.filter(schema_name=schema, status=SchoolStatus.READY).first()
    if school is None:
        raise NoSchool(schema)
    return as_tenant(school)


def tenant_of_school(school_id: UUID) -> Tenant:
    """The open school with this id. Raises NoSchool."""
    school = School.objects.filter(pk=school_id, status=SchoolStatus.READY).first()
    if school is None:
        raise NoSchool(str(school_id))
    return as_tenant(school)


def open_tenants() -> list[Tenant]:
    """All open schools, for sweeps by beat."""
    return [as_tenant(s) for s in School.objects.filter(status=SchoolStatus.READY).order_by("schema_name")]
