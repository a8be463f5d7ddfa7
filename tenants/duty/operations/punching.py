"""Signing on and off with the code at the post is a punch too: nobody proves twice that they are here."""

from __future__ import annotations

from datetime import datetime

from identity.contracts import Actor
from kernel.errors import DomainError
from kernel.tenancy import Tenant
from tenants.duty.models import DutyPost, Stint
from tenants.duty.operations.common import is_at
from tenants.duty.queries import punch_key
from tenants.organisation.models import Place
from tenants.punches import operations as punches


def place_of(code: str) -> Place | None:
    """The place whose code was scanned or typed, if there is one."""
    return Place.objects.filter(code=code.strip().upper()).first() if code.strip() else None


def punch_along(
    duty: DutyPost, stint: Stint, scanned: Place | None, *, direction: str, by: Actor, tenant: Tenant, now: datetime
) -> None:
    """Punch for the shift the stint fills; once per stint and direction, however often it is asked for.

    Without a shift or the post's own code there is nothing to punch. A punch that does not count is kept with its
    reason by `punches` and told to the person; one that cannot be written at all never stops duty.
    """
    if stint.instance_id is None or scanned is None or not is_at(scanned, duty):
        return
    try:
        punches.punch(
            client_id=punch_key(stint.pk, direction), direction=direction, code=scanned.code, post_id=duty.pk,
            staff_id=stint.staff_id, by=by, tenant=tenant, now=now,
        )  # fmt: skip
    except DomainError:
        return
