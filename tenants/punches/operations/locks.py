"""Advisory locks of this feature."""

from __future__ import annotations

from django.db import connection

from kernel.tenancy import Tenant


def lock(name: str, tenant: Tenant) -> None:
    """Of two hands on the same thing one waits until the other's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"punches|{tenant.schema}|{name}"])
