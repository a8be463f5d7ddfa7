"""Task bases: a task of a school runs inside that school or not at all."""

from typing import Any

import structlog
from celery import Task
from django.db import close_old_connections

from institute.schools import queries as schools
from kernel.tenancy import public_context, school_context


class PublicTask(Task):  # type: ignore[type-arg]
    """Work on the public schema. Ids only; safe to run twice."""

    abstract = True
    acks_late = True

    def __call__(self, *args: Any, **payload: Any) -> Any:
        close_old_connections()
        with public_context():
            return super().__call__(*args, **payload)


class SchoolTask(Task):  # type: ignore[type-arg]
    """Work inside one school: `schema` is demanded; an unknown or closed school is an error, never public."""

    abstract = True
    acks_late = True
    school = staticmethod(schools.tenant_for)
    typing = False  # what is sent names the `schema`, what runs is handed the `tenant`: Celery cannot compare them

    def __call__(self, *args: Any, schema: str, **payload: Any) -> Any:
        close_old_connections()
        with public_context():
            tenant = self.school(schema)
        with school_context(tenant), structlog.contextvars.bound_contextvars(school=tenant.slug):
            return super().__call__(*args, tenant=tenant, **payload)


class OwedTask(SchoolTask):
    """What the law owes a school's people by a deadline: it is done in a suspended school, too."""

    abstract = True
    school = staticmethod(schools.kept_tenant_for)
