"""Background work of the organisation."""

from typing import Any

from institute.schools import queries as schools
from kernel import clock
from kernel.tenancy import school_context
from tenants.organisation import operations
from workers.base import PublicTask
from workers.celery import app


@app.task(base=PublicTask, name="organisation.forget_left")
def forget_left(**_newer: Any) -> int:
    """Delete the personal data of people whose time after leaving is over, in every school."""
    forgotten = 0
    for tenant in schools.open_tenants():
        with school_context(tenant):
            forgotten += operations.forget_due(now=clock.now(), tenant=tenant)
    return forgotten
