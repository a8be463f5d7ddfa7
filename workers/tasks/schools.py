"""Opening schools, keeping spare schemas, telling first admins."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, transaction

from identity import operations as identity
from identity.choices import Role
from identity.contracts import Actor
from institute.schools import operations, pool, queries, upgrade
from kernel import clock
from workers.base import PublicTask
from workers.celery import app


@app.task(
    base=PublicTask, name="schools.provision", autoretry_for=(OperationalError,), retry_backoff=True, max_retries=5
)
def provision(*, school_id: str, **_newer: Any) -> None:
    """Take an approved school to 可用; running it twice changes nothing."""
    operations.provision(school_id=UUID(school_id), now=clock.now())


@app.task(base=PublicTask, name="schools.invite_first_admin")
def invite_first_admin(*, school_id: str, **_newer: Any) -> None:
    """Mail the invitation to the person the application names; claim and invitation are one transaction."""
    with transaction.atomic():
        first = operations.first_admin_to_invite(school_id=UUID(school_id), now=clock.now())
        if first is None:
            return
        identity.invite(
            email=first.email,
            name=first.name or first.email.partition("@")[0],
            role=Role.SCHOOL_ADMIN,
            tenant=queries.tenant_of_school(first.school_id),
            by=Actor.system(first.school_id),
            now=clock.now(),
        )


@app.task(base=PublicTask, name="schools.refill_pool")
def refill_pool(**_newer: Any) -> None:
    """Make spare schemas up to the number settings ask for."""
    pool.refill(now=clock.now())


@app.task(base=PublicTask, name="schools.upgrade_all")
def upgrade_all(**_newer: Any) -> None:
    """Replay missing migrations in all schools, then compare each with the template."""
    upgrade.upgrade_all(clock=clock.now)
    upgrade.verify_all(now=clock.now())
    pool.refill(now=clock.now())


@app.task(base=PublicTask, name="schools.verify")
def verify(**_newer: Any) -> None:
    """Compare with the template every school that was not compared for a day."""
    upgrade.verify_all(now=clock.now(), older_than=clock.now() - timedelta(hours=20))


@app.task(base=PublicTask, name="schools.sweep")
def sweep(**_newer: Any) -> None:
    """Find what a lost message or a killed worker left undone."""
    for school_id in queries.owed(clock.now()):
        provision.delay(school_id=str(school_id))
    for school_id in queries.awaiting_first_admin():
        invite_first_admin.delay(school_id=str(school_id))
    refill_pool.delay()
