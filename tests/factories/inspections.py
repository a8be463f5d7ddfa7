"""Inspections for tests. Run inside a school (`alpha`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from identity.contracts import Actor
from kernel import clock
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.inspections import operations
from tenants.inspections.models import Inspection
from tenants.organisation.models import Party, Place
from tenants.rubrics.models import Rubric
from tests.factories.findings import make_member
from tests.factories.organisation import make_party, make_place
from tests.factories.rubrics import make_rubric


def make_inspection(
    tenant: Tenant,
    *,
    by: Actor | None = None,
    rubric: Rubric | None = None,
    place: Place | None = None,
    party: Party | None = None,
    now: datetime | None = None,
    **fields: Any,
) -> Inspection:
    """A running inspection, started by the operation itself."""
    return operations.start(
        rubric_id=(rubric or make_rubric(title=f"考核表{new_id().hex[-6:]}")).pk, place_id=(place or make_place()).pk,
        party_id=(party or make_party()).pk, by=by or make_member(tenant), tenant=tenant,
        now=now or clock.now(), **fields,
    )  # fmt: skip


def make_done(
    tenant: Tenant, *, by: Actor | None = None, now: datetime | None = None, answers: int | None = 1,
    took: timedelta = timedelta(minutes=30), **fields: Any,
) -> Inspection:  # fmt: skip
    """A finished inspection with its first items passed; `answers` None: all of them."""
    by, now = by or make_member(tenant), now or clock.now()
    row = make_inspection(tenant, by=by, now=now - took, **fields)
    for item_id in list(row.results.order_by("position").values_list("item_id", flat=True))[:answers]:
        operations.answer(inspection_id=row.pk, item_id=item_id, verdict="pass", by=by, tenant=tenant, now=now)
    return operations.finish(inspection_id=row.pk, by=by, tenant=tenant, now=now)
