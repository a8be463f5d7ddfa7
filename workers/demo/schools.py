"""The two schools: opened by the same operations as any other."""

from dataclasses import dataclass
from datetime import datetime

from identity.choices import Role
from identity.contracts import Actor
from institute.providers.contracts import ProviderRef
from institute.schools import operations
from institute.schools.contracts import NewSchool
from institute.schools.models import School
from institute.schools.queries import as_tenant
from kernel.tenancy import Tenant
from standards_library.choices import OperatingMode, ServiceLine
from workers.demo.institute import make as institute_people
from workers.demo.people import account
from workers.tasks import benchmarking, organisation


@dataclass(frozen=True)
class Plan:
    """What makes one demo school different from the other."""

    slug: str
    name: str
    kind: str
    mode: str
    lines: dict[str, str]  # ServiceLine → OperatingMode
    students: int
    region: str
    city: str
    number: int  # where its sequence of people starts


@dataclass(frozen=True)
class People:
    """Who acts in the school."""

    admin: Actor
    leader: Actor
    supervisors: tuple[Actor, Actor]
    provider: Actor


OUT, OWN = OperatingMode.OUTSOURCED, OperatingMode.SELF_RUN
PLANS = (
    Plan(
        "qingyu", "青屿湾大学", "university", OperatingMode.OUTSOURCED, dict.fromkeys(ServiceLine.values, OUT),
        18600, "33", "青屿", 1,
    ),
    Plan(
        "songling", "松陵涧职业技术学院", "vocational_college", OperatingMode.MIXED,
        {**dict.fromkeys(ServiceLine.values, OWN), "cleaning": OUT, "security": OUT, "greening": OUT},
        8200, "32", "松陵", 2,
    ),
)  # fmt: skip


def opened() -> bool:
    """Whether one of them is there."""
    return bool(School.objects.filter(slug__in=[plan.slug for plan in PLANS]).exists())


def make(plan: Plan, company: ProviderRef, *, now: datetime) -> tuple[Tenant, People]:
    """Open the school (or finish opening it) and give it its people."""
    school = School.objects.filter(slug=plan.slug).first()
    if school is None:
        school = operations.approve_school(
            new=NewSchool(
                name=plan.name, kind=plan.kind, region=plan.region, mode=plan.mode, slug=plan.slug, city=plan.city,
                line_modes=plan.lines, students=plan.students, staff_count=plan.students // 14, campuses=2, trial=False,
            ),
            by=institute_people().admin, now=now,
        )  # fmt: skip
    school = operations.provision(school_id=school.pk, now=now)
    if school.status != "ready":
        raise RuntimeError(f"{plan.name}: {school.status_note}")
    tenant = as_tenant(school)
    return tenant, people(plan, tenant, company)


def people(plan: Plan, tenant: Tenant, company: ProviderRef) -> People:
    """The school's accounts; the company's manager is one person in both schools."""
    at = tenant.school_id
    return People(
        admin=account(f"admin.{plan.slug}", f"{plan.city}后勤管理员", Role.SCHOOL_ADMIN, school_id=at),
        leader=account(f"leader.{plan.slug}", f"{plan.city}分管校长", Role.SCHOOL_LEADER, school_id=at),
        supervisors=(
            account(f"supervisor.{plan.slug}", f"{plan.city}督查员甲", Role.SCHOOL_SUPERVISOR, school_id=at),
            account(f"supervisor2.{plan.slug}", f"{plan.city}督查员乙", Role.SCHOOL_SUPERVISOR, school_id=at),
        ),
        provider=account("provider", "澄屿湾项目总监", Role.PROVIDER_MANAGER, school_id=at, provider_id=company.id),
    )


def facts(tenant: Tenant) -> None:
    """Let the school's facts flow up, as beat would tonight."""
    benchmarking.flow(tenant)
    organisation.tell_companies(tenant)
