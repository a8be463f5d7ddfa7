"""A certificate that counts for the roster counts for the punch, the terminal and the duty post, and none other does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.organisation import queries as organisation
from tenants.organisation.models import Staff
from tenants.punches import operations
from tenants.punches.contracts import Record
from tenants.punches.models import Punch
from tenants.punches.operations import dirty
from tests.factories.findings import make_member
from tests.factories.organisation import make_certificate, make_post, make_staff
from tests.factories.punches import make_device

NOW = datetime(2026, 3, 31, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=11)
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


# --- The alarm ------------------------------------------------------------------------------------


def uncertified(tenant: Tenant, number: int) -> list[Staff]:
    """So many people, each with a punch of one batch at a post whose certificate nobody has."""
    post = make_post(certificates=["electrician"])
    people = [make_staff(post=post) for _ in range(number)]
    operations.ingest(
        device_id=make_device().pk, records=[Record(n, p.number, NOW) for n, p in enumerate(people, start=1)],
        by=Actor.system(tenant.school_id), tenant=tenant, now=NOW,
    )  # fmt: skip
    return people


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The punches of each message that asks for the alarm."""
    parts: list[list[int]] = []
    monkeypatch.setattr(dirty, "enqueue_on_commit", lambda _name, *, tenant, punch_ids: parts.append(punch_ids))
    return parts


def test_every_punch_of_a_large_batch_is_raised(
    alpha: Tenant, monkeypatch: pytest.MonkeyPatch, sent: list[list[int]]
) -> None:
    monkeypatch.setattr(dirty, "AT_ONCE", 2)
    uncertified(alpha, 5)
    assert [len(part) for part in sent] == [2, 2, 1]
    assert sorted(pk for part in sent for pk in part) == sorted(Punch.objects.values_list("pk", flat=True))


def test_a_lost_alarm_is_sent_again_and_a_raised_one_is_not(alpha: Tenant, sent: list[list[int]]) -> None:
    people = uncertified(alpha, 3)
    first = Punch.objects.get(staff=people[0])
    operations.raise_uncertified(punch_ids=[first.pk], tenant=alpha, now=NOW)
    sent.clear()
    assert (
        operations.sweep_uncertified(tenant=alpha, now=NOW + timedelta(minutes=9)) == 0
    )  # the message may be on its way
    assert operations.sweep_uncertified(tenant=alpha, now=LATER) == 2
    (left,) = sent
    assert first.pk not in left and len(left) == 2
    assert len(operations.raise_uncertified(punch_ids=left, tenant=alpha, now=LATER)) == 2
    assert operations.sweep_uncertified(tenant=alpha, now=LATER) == 0
    assert operations.sweep_uncertified(tenant=alpha, now=NOW + timedelta(days=30)) == 0
