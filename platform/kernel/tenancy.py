"""Which school a piece of work belongs to.

Only the edge (host middleware, task base, command base, tests) enters a school; the domain is
handed a `Tenant` and never reads the connection. django-tenants' own context managers keep the
previous tenant in a class-level list and cross over between threads, so `school_context` is the
only one allowed (ruff bans the others).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection as _django_connection

from kernel.clock import SHANGHAI

PUBLIC = "public"
connection = cast("Any", _django_connection)  # django-tenants adds `schema_name` and `set_schema`


@dataclass(frozen=True, slots=True)
class Tenant:
    """One school as the domain sees it; built once per request or task."""

    schema: str
    school_id: UUID
    name: str
    slug: str
    trial: bool = False  # 试运行: scores are shown as 试行, outside ranking and settlement
    tz: ZoneInfo = field(default=SHANGHAI)


class NoSchool(LookupError):
    """Work that belongs to a school was started without naming one that is open."""


@contextmanager
def school_context(tenant: Tenant) -> Iterator[Tenant]:
    """Point this thread's connection at the school's schema, and back to where it was."""
    if tenant.schema == PUBLIC:
        raise NoSchool("the public schema is no school")
    with _schema(tenant.schema):
        yield tenant


@contextmanager
def public_context() -> Iterator[None]:
    """Point this thread's connection at the public schema alone, and back."""
    with _schema(PUBLIC):
        yield


@contextmanager
def schema_context_for_provisioning(schema: str) -> Iterator[None]:
    """Enter a schema that is no open school yet. For `institute.schools` only."""
    with _schema(schema):
        yield


@contextmanager
def _schema(name: str) -> Iterator[None]:
    previous = connection.schema_name
    connection.set_schema(name)
    try:
        yield
    finally:
        connection.set_schema(previous or PUBLIC)
