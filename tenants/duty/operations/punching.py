"""Signing on and off with the code at the post is a punch too, and so is the first answer that proves presence: nobody
proves twice that they are here.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import DomainError
from kernel.tenancy import Tenant
from tenants.duty.choices import FaceState
from tenants.duty.models import DutyPost, Stint, Summons
from tenants.duty.operations.common import is_at
from tenants.duty.queries import punch_key
from tenants.organisation.models import Place, Staff
from tenants.punches import operations as punches
from tenants.punches.choices import PunchSource


def place_of(code: str) -> Place | None:
    """The place whose code was scanned or typed, if there is one."""
    return Place.objects.filter(code=code.strip().upper()).first() if code.strip() else None


def punch_along(
    duty: DutyPost,
    stint: Stint,
    scanned: Place | None,
    *,
    direction: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    photo_id: UUID | None = None,
    source: PunchSource = PunchSource.PHONE,
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
            staff_id=stint.staff_id, photo_id=photo_id, source=source, by=by, tenant=tenant, now=now,
        )  # fmt: skip
    except DomainError:
        return


def punch_by_answer(duty: DutyPost, row: Summons, *, by: Actor, tenant: Tenant) -> None:
    """An answer in time that held, with picture and the post's code, is the punch that was not made at sign-on: nobody who
    has proved to be here is judged as never seen. Its time is the answer's; when they came stays unproved: 缺上班卡 at most,
    never 旷工 for the hours nobody looked at.
    """
    proved = row.on_duty and row.place_ok and row.photo_id is not None and not row.late and not row.doubt
    if not proved or row.answered_at is None or row.face in (FaceState.OTHER, FaceState.PENDING):
        return
    stint = Stint.objects.filter(staff_id=row.staff_id, post_id=duty.pk, signed_off_at__isnull=True).first()
    if stint is not None and not stint.on_code:
        punch_along(
            duty,
            stint,
            row.place,
            direction="in",
            by=by,
            tenant=tenant,
            now=row.answered_at,
            photo_id=row.photo_id,
            source=PunchSource.DUTY,
        )


def acting_as(person: Staff, *, tenant: Tenant) -> Actor:
    """The person, where the platform carries on what they have begun (the face service answered their answer)."""
    return Actor(
        account_id=person.account_id, name=person.name, roles=frozenset({Role.FRONTLINE}), school_id=tenant.school_id,
        staff_id=person.pk,
    )  # fmt: skip
