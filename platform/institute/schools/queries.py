"""Reads of schools."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import BooleanField, Case, Count, Q, QuerySet, Sum, Value, When

from identity.contracts import Actor
from institute.journal.models import JournalEvent
from institute.journal.queries import events_of
from institute.schools import blueprint, policies
from institute.schools.choices import OPENING, SchemaPurpose, SchemaState, SchoolStatus
from institute.schools.models import Domain, FaceCount, SchemaRecord, School
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import NoSchool, Tenant


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """What stands behind a host name: the school and whether its doors are open."""

    tenant: Tenant
    status: SchoolStatus
    note: str = ""  # why, where somebody said so


KEPT = (SchoolStatus.READY, SchoolStatus.SUSPENDED)  # their data stand, and the law's deadlines run


def as_tenant(school: School) -> Tenant:
    """The school as the domain sees it."""
    return Tenant(
        schema=school.schema_name, school_id=school.pk, name=school.name, slug=school.slug, trial=school.trial
    )


def school_of_host(host: str) -> HostAnswer | None:
    """The school that answers to `host` (no port), or None."""
    domain = Domain.objects.select_related("tenant").filter(domain=host.lower()).first()
    if domain is None:
        return None
    return HostAnswer(as_tenant(domain.tenant), SchoolStatus(domain.tenant.status), domain.tenant.status_note)


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


def kept_tenant_for(schema: str) -> Tenant:
    """As `tenant_for`, of a suspended school too: for what its people are owed meanwhile. Raises NoSchool."""
    school = School.objects.filter(schema_name=schema, status__in=KEPT).first()
    if school is None:
        raise NoSchool(schema)
    return as_tenant(school)


def kept_tenants() -> list[Tenant]:
    """All open and suspended schools, for sweeps with a deadline of the law."""
    return [as_tenant(s) for s in School.objects.filter(status__in=KEPT).order_by("schema_name")]


# --- For the institute's console ---------------------------------------------------------------------

PATIENCE = timedelta(minutes=2)  # an opening that stood still this long is taken up again


def schools_for(
    actor: Actor, *, search: str = "", status: str = "", kind: str = "", region: str = "", mode: str = ""
) -> "QuerySet[School]":
    """Schools by name, pinyin, access name or code; in pinyin order. Raises NotAllowed."""
    if not policies.can_see(actor):
        raise NotAllowed
    rows: QuerySet[School] = School.objects.order_by("pinyin", "name")
    for field, value in (("status", status), ("kind", kind), ("region", region), ("mode", mode)):
        if value:
            rows = rows.filter(**{field: value})
    text = search.strip()
    if text:
        plain = text.lower().replace(" ", "")
        rows = rows.filter(
            Q(name__icontains=text) | Q(pinyin__contains=plain) | Q(slug__contains=plain)
            | Q(school_code=text) | Q(credit_code__iexact=text)
        )  # fmt: skip
    return rows


def school_for(actor: Actor, school_id: UUID) -> School:
    """One school. Raises NotAllowed, NotFound."""
    school = schools_for(actor).filter(pk=school_id).first()
    if school is None:
        raise NotFound
    return school


def events_for(actor: Actor, school: School) -> "QuerySet[JournalEvent]":
    """What happened to a school on the institute's side, newest first. Raises NotAllowed."""
    if not policies.can_see(actor):
        raise NotAllowed
    return events_of(school)


def primary_host(school: School) -> str:
    """The host name the school answers to, or "" before it has one."""
    return Domain.objects.filter(tenant=school, is_primary=True).values_list("domain", flat=True).first() or ""


def names_of(school_ids: Iterable[UUID]) -> dict[UUID, str]:
    """School names by id."""
    return dict(School.objects.filter(pk__in=set(school_ids)).values_list("pk", "name"))


def owed(now: datetime) -> list[UUID]:
    """Schools whose opening stands still: the message was lost or the worker died."""
    stale = School.objects.filter(status__in=OPENING, status_at__lt=now - PATIENCE)
    return list(stale.order_by("status_at").values_list("pk", flat=True))


def awaiting_first_admin() -> list[UUID]:
    """Ready schools whose first admin was never invited."""
    rows = School.objects.filter(status=SchoolStatus.READY, admin_invited_at__isnull=True).exclude(admin_email="")
    return list(rows.values_list("pk", flat=True))


def ledger_for(actor: Actor, *, state: str = "", search: str = "") -> "QuerySet[SchemaRecord]":
    """How each school's schema stands, with `behind`: it lacks migrations of the running code. Raises NotAllowed."""
    if not policies.can_see(actor):
        raise NotAllowed
    current = When(head=blueprint.head(), then=Value(False))
    rows = (
        SchemaRecord.objects.filter(purpose=SchemaPurpose.SCHOOL)
        .select_related("school")
        .annotate(behind=Case(current, default=Value(True), output_field=BooleanField()))
    )
    if state:
        rows = rows.filter(state=state)
    if search.strip():
        text = search.strip()
        rows = rows.filter(Q(school__name__icontains=text) | Q(school__pinyin__contains=text.lower()))
    return rows.order_by("school__pinyin", "schema_name")


def ledger_counts(actor: Actor) -> dict[str, int]:
    """Schools at the head, behind it and in trouble, and spare schemas. Raises NotAllowed."""
    if not policies.can_see(actor):
        raise NotAllowed
    school = Q(purpose=SchemaPurpose.SCHOOL)
    trouble = Q(state__in=(SchemaState.FAILED, SchemaState.DRIFTED))
    return SchemaRecord.objects.aggregate(
        current=Count("pk", filter=school & Q(head=blueprint.head()) & ~trouble),
        behind=Count("pk", filter=school & ~Q(head=blueprint.head()) & ~trouble),
        trouble=Count("pk", filter=school & trouble),
        spares=Count("pk", filter=Q(purpose=SchemaPurpose.SPARE)),
    )


def record_of(school: School) -> SchemaRecord | None:
    """The ledger row of a school, or None before it has a schema."""
    return SchemaRecord.objects.filter(school=school).first()


def spares() -> int:
    """Schemas that stand ready."""
    return SchemaRecord.objects.filter(purpose=SchemaPurpose.SPARE).count()


# --- Faces: numbers alone flow up ----------------------------------------------------------------------

# 人脸识别技术应用安全管理办法 (2025): who stores the faces of 100,000 people files it within 30 working days.
FACES_TO_FILE = 100_000


def face_total() -> int:
    """How many people's templates the platform stores, over all schools. For the worker and the page below."""
    return FaceCount.objects.aggregate(n=Sum("templates"))["n"] or 0


def face_counts_for(actor: Actor, *, search: str = "") -> "QuerySet[FaceCount]":
    """The number of templates of each school that ever had one, most first. Raises NotAllowed."""
    if not policies.can_see_face_counts(actor):
        raise NotAllowed
    rows = FaceCount.objects.select_related("school")
    if search.strip():
        text = search.strip()
        rows = rows.filter(Q(school__name__icontains=text) | Q(school__pinyin__contains=text.lower()))
    return rows.order_by("-templates", "school__pinyin")
