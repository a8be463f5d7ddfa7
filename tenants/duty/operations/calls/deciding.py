"""The deadline has passed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.duty.challenges import UPLOAD_CREDIT
from tenants.duty.choices import CallStatus
from tenants.duty.models import Call
from tenants.duty.operations.calls.common import closes, locked_call, settle


def decide_due(*, tenant: Tenant, now: datetime) -> int:
    """Close the calls whose deadline, and the credit of a slow upload after it, has passed. Returns how many.

    One post, one transaction. An answer given in the last second may take half a minute to arrive; until then nobody
    is called 超时, or a verdict would be out that has to be taken back.
    """
    due = Call.objects.filter(status=CallStatus.RINGING, deadline__lte=now - UPLOAD_CREDIT).order_by("deadline")
    return sum(_decide_one(pk, tenant=tenant, now=now) for pk in list(due.values_list("pk", flat=True)))


@transaction.atomic
def _decide_one(call_id: UUID, *, tenant: Tenant, now: datetime) -> bool:
    duty, call = locked_call(call_id)
    if call.status != CallStatus.RINGING or closes(call) > now:
        return False
    settle(duty, call, by=Actor.system(tenant.school_id), tenant=tenant, now=now)
    return True
