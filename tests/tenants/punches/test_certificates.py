"""A certificate that counts for the roster counts for the punch, the terminal and the duty post, and none other does."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.organisation import queries as organisation
from tenants.punches import operations
from tenants.punches.contracts import Record
from tenants.punches.models import Punch
from tests.factories.findings import make_member
from tests.factories.organisation import make_certificate, make_post, make_staff
from tests.factories.punches import make_device

NOW = datetime(2026, 3, 31, 4, 0, tzinfo=UTC)
TODAY = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("issued", "review", "expires", "counts"),
    [
        (date(2023, 1, 1), date(2026, 3, 30), date(2028, 12, 31), False),  # the review was missed
        (date(2023, 1, 1), date(2026, 3, 31), date(2028, 12, 31), True),
        (date(2026, 4, 1), date(2029, 4, 1), date(2032, 3, 31), False),  # not issued yet
        (date(2020, 1, 1), None, date(2026, 3, 30), False),
        (date(2020, 1, 1), None, None, True),
        (date(2023, 1, 1), date(2026, 4, 1), None, True),
    ],
)
def test_every_gate_asks_the_same_question(
    alpha: Tenant, issued: date, review: date | None, expires: date | None, counts: bool
) -> None:
    post = make_post(certificates=["electrician"])
    person = make_staff(post=post)
    card = make_certificate(person, kind="electrician", expires_on=expires)
    type(card).objects.filter(pk=card.pk).update(issued_on=issued, review_on=review)
    lacking = [] if counts else ["electrician"]
    by_phone = operations.punch(
        client_id=uuid4(), by=make_member(alpha, Role.FRONTLINE, staff_id=person.pk), tenant=alpha, now=NOW
    )
    operations.ingest(
        device_id=make_device().pk, records=[Record(1, person.number, NOW)], by=Actor.system(alpha.school_id),
        tenant=alpha, now=NOW,
    )  # fmt: skip
    assert by_phone.lacking == Punch.objects.get(seq=1).lacking == lacking
    need = (person.pk, post.pk, TODAY)
    assert bool(organisation.missing_certificates([need])) is not counts
