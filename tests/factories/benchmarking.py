"""Schools without a schema and facts about them: enough for what only the institute reads."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import uuid4

from identity.choices import Role
from identity.contracts import Actor
from institute.benchmarking.models import Fact, MetricDefinition
from institute.schools.choices import SchoolStatus
from institute.schools.models import School
from kernel import clock
from kernel.tenancy import public_context

OCTOBER = date(2026, 10, 1)


def analyst() -> Actor:
    return Actor(account_id=uuid4(), name="分析员", roles=frozenset({Role.INSTITUTE_ANALYST}))


def of_school(school: School, role: Role = Role.SCHOOL_LEADER) -> Actor:
    return Actor(account_id=uuid4(), name="某校", roles=frozenset({role}), school_id=school.pk)


def make_peer(n: int, **fields: object) -> School:
    """A ready school row; no schema behind it."""
    values: dict[str, object] = {
        "kind": "university", "region": "44", "mode": "mixed", "students": 12_000, "trial": False,
        "status": SchoolStatus.READY, **fields,
    }  # fmt: skip
    with public_context():
        return School.objects.create(schema_name=f"s_peer{n}", slug=f"peer{n}", name=f"对标{n:03d}大学", **values)


def make_metric(code: str = "round_score", **fields: object) -> MetricDefinition:
    values: dict[str, object] = {
        "version": 1, "name": "考核平均得分", "unit": "分", "numerator": "得分合计", "denominator": "考核数",
        "coverage": "已定稿占比", "direction": "up", "percent": False, "minimum_n": 1, "minimum_coverage": "0.5",
        **fields,
    }  # fmt: skip
    return MetricDefinition.objects.create(code=code, **values)


def make_fact(school: School, value: str | int, *, code: str = "round_score", **fields: object) -> Fact:
    values: dict[str, object] = {
        "period": OCTOBER, "denominator": 1, "n": 1, "coverage": 1, "recorded_at": clock.now(), **fields,
    }  # fmt: skip
    return Fact.objects.create(school_id=school.pk, metric_code=code, numerator=Decimal(value), **values)
