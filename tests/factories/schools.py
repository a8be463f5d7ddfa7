"""The two schools of the test database, and more on demand."""

from __future__ import annotations

from django.core.management import call_command

from institute.schools import blueprint, migrating, names, operations
from institute.schools.choices import SchoolStatus
from institute.schools.models import School
from kernel import clock
from kernel.tenancy import public_context


def make_school(slug: str, *, name: str | None = None, **fields: object) -> School:
    """An open school with its domain and its schema, made as provisioning makes it (a few hundredths of a second)."""
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
    name = name or f"{slug} 学校"
    with public_context():
        school = School.objects.create(
            schema_name=names.schema_of(slug),
            slug=slug,
            name=name,
            pinyin=names.pinyin_key(name),
            **{**values, **fields},
        )
        operations.build_schema(school=school, drawn=blueprint.current(), now=clock.now())
    return school


def make_template_database() -> None:
    """Everything a fresh installation has, and the schools alpha and beta."""
    migrating.migrate_public()
    call_command("import_standards", verbosity=0)
    make_school("alpha", name="甲大学")
    make_school("beta", name="乙学院", mode="outsourced")
