"""The two schools of the test database, and more on demand."""

from __future__ import annotations

from django.core.management import call_command

from institute.schools.choices import SchoolStatus
from institute.schools.models import Domain, School
from kernel import clock


def make_school(slug: str, *, name: str | None = None, **fields: object) -> School:
    """A school row with its domain, its schema migrated and open."""
    values: dict[str, object] = {
        "kind": "university",
        "region": "44",
        "city": "测试市",
        "mode": "mixed",
        "students": 12000,
        "trial": False,
        "status": SchoolStatus.READY,
        "opened_at": clock.now(),
    }
    school = School.objects.create(
        schema_name=f"s_{slug.replace('-', '_')}", slug=slug, name=name or f"{slug} 学校", **{**values, **fields}
    )
    Domain.objects.create(tenant=school, domain=f"{slug}.localhost", is_primary=True)
    school.create_schema(check_if_exists=True, verbosity=0)
    return school


def make_template_database() -> None:
    """Everything a fresh installation has, and the schools alpha and beta."""
    call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    make_school("alpha", name="甲大学")
    make_school("beta", name="乙学院", mode="outsourced")
