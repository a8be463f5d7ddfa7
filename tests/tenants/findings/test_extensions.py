"""延期申请: who asks, who answers, and that the clock runs on until then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.findings import metrics, operations, queries
from tenants.findings.models import Extension, Finding
from tenants.notices.models import Notice
from tests.factories.findings import make_finding, make_member, make_photo
from tests.factories.organisation import make_party

NOW = clock.now()


def asked(alpha: Tenant, **fields: object) -> tuple[Finding, Actor, Extension]:
    party = make_party("contract")
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    found = make_finding(alpha, party=party, now=NOW, **fields)
    operations.ask_extension(
        finding_id=found.pk, deadline=found.deadline + timedelta(days=3), reason="等备件", by=manager, tenant=alpha,
        now=NOW, client_key="e-1",
    )  # fmt: skip
    return found, manager, found.extensions.get()


def test_a_request_does_not_stop_the_clock(alpha: Tenant) -> None:
    found, _manager, extension = asked(alpha)
    found.refresh_from_db()
    assert (found.deadline, extension.before) == (extension.before, found.deadline)
    assert operations.escalate_overdue(tenant=alpha, now=found.deadline + timedelta(hours=1)) == 1


def test_granted_moves_the_deadline_and_starts_escalation_over(alpha: Tenant) -> None:
    supervisor = make_member(alpha)
    found, manager, extension = asked(alpha, by=supervisor)
    operations.escalate_overdue(tenant=alpha, now=found.deadline + timedelta(hours=1))
    assert Notice.objects.filter(account_id=supervisor.account_id, title__startswith="申请延期", read_at=None).exists()
    done = operations.grant_extension(
        extension_id=extension.pk, by=supervisor, tenant=alpha, now=found.deadline + timedelta(hours=2)
    )
    assert (done.deadline, done.escalation, done.extended) == (extension.wanted, 0, 1)
    assert not Notice.objects.filter(title__startswith="申请延期，", read_at=None).exists()
    assert Notice.objects.filter(account_id=manager.account_id, title__startswith="延期申请已同意").exists()
    with pytest.raises(operations.ExtensionAnswered):
        operations.refuse_extension(extension_id=extension.pk, answer="不行", by=supervisor, tenant=alpha, now=NOW)


def test_refused_keeps_it_with_the_reason(alpha: Tenant) -> None:
    found, _manager, extension = asked(alpha)
    by = make_member(alpha)
    with pytest.raises(operations.ReasonMissing):
        operations.refuse_extension(extension_id=extension.pk, answer=" ", by=by, tenant=alpha, now=NOW)
    done = operations.refuse_extension(extension_id=extension.pk, answer="有库存", by=by, tenant=alpha, now=NOW)
    assert (done.deadline, done.extended) == (found.deadline, 0)
    assert [e.answer for _f, e in queries.extensions_of([found.pk])] == ["有库存"]


def test_one_waits_at_a_time_and_the_same_key_asks_once(alpha: Tenant) -> None:
    found, manager, _extension = asked(alpha)
    call = {"finding_id": found.pk, "reason": "再等", "by": manager, "tenant": alpha, "now": NOW}
    later = found.deadline + timedelta(days=5)
    operations.ask_extension(**call, deadline=later, client_key="e-1")
    with pytest.raises(operations.ExtensionWaits):
        operations.ask_extension(**call, deadline=later)
    assert found.extensions.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        Extension.objects.create(
            finding=found, before=found.deadline, wanted=later, reason="x", asked_at=NOW, asked_by_name="x"
        )


def test_only_the_party_asks_and_only_overseers_answer(alpha: Tenant) -> None:
    found, manager, extension = asked(alpha)
    call = {"finding_id": found.pk, "deadline": found.deadline + timedelta(days=1), "reason": "x", "now": NOW}
    with pytest.raises(NotAllowed):
        operations.ask_extension(**call, by=make_member(alpha), tenant=alpha)
    stranger = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4())
    with pytest.raises(NotFound):
        operations.ask_extension(**call, by=stranger, tenant=alpha)
    with pytest.raises(NotAllowed):
        operations.grant_extension(extension_id=extension.pk, by=manager, tenant=alpha, now=NOW)
    with pytest.raises(NotFound):
        operations.grant_extension(extension_id=uuid4(), by=make_member(alpha), tenant=alpha, now=NOW)
    assert found.extensions.get().status == "pending"


def test_granted_is_never_less_than_there_was_nor_more_than_was_asked(alpha: Tenant) -> None:
    found, _manager, extension = asked(alpha)
    call = {"extension_id": extension.pk, "by": make_member(alpha), "tenant": alpha, "now": NOW}
    for short in (NOW + timedelta(minutes=18), found.deadline):
        with pytest.raises(operations.ExtensionTooShort):
            operations.grant_extension(**call, deadline=short)
    with pytest.raises(operations.ExtensionBeyondAsked):
        operations.grant_extension(**call, deadline=extension.wanted + timedelta(minutes=1))
    found.refresh_from_db()
    extension.refresh_from_db()
    assert (found.deadline, found.extended, extension.status) == (extension.before, 0, "pending")
    less = found.deadline + timedelta(days=1)
    assert operations.grant_extension(**call, deadline=less).deadline == less


def test_earlier_than_the_deadline_is_no_extension(alpha: Tenant) -> None:
    party = make_party("contract")
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    found = make_finding(alpha, party=party, now=NOW)
    call = {"finding_id": found.pk, "by": manager, "tenant": alpha, "now": NOW}
    with pytest.raises(operations.ExtensionTooShort):
        operations.ask_extension(**call, deadline=found.deadline, reason="x")
    with pytest.raises(operations.ReasonMissing):
        operations.ask_extension(**call, deadline=found.deadline + timedelta(days=1), reason=" ")
    assert not Extension.objects.exists()


def test_a_fix_handed_in_lets_the_request_lapse(alpha: Tenant) -> None:
    found, manager, extension = asked(alpha)
    photo = make_photo(alpha, manager)
    operations.submit_fix(finding_id=found.pk, photo_ids=[photo.pk], by=manager, tenant=alpha, now=NOW)
    extension.refresh_from_db()
    assert extension.status == "lapsed"
    with pytest.raises(operations.ExtensionAnswered):
        operations.grant_extension(extension_id=extension.pk, by=make_member(alpha), tenant=alpha, now=NOW)


class TestLimits:
    """How often, how far and how late is the school's rule; the first deadline is what numbers judge by."""

    def test_not_after_the_deadline(self, alpha: Tenant) -> None:
        party = make_party("contract")
        manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
        found = make_finding(alpha, party=party, now=NOW)
        with pytest.raises(operations.ExtensionTooLate):
            operations.ask_extension(
                finding_id=found.pk, deadline=found.deadline + timedelta(days=5), reason="等备件", by=manager,
                tenant=alpha, now=found.deadline,
            )  # fmt: skip
        assert not Extension.objects.exists()

    def test_neither_asked_nor_granted_beyond_the_schools_days(self, alpha: Tenant) -> None:
        found, manager, extension = asked(alpha)
        far = found.deadline + timedelta(days=31)
        with pytest.raises(operations.ExtensionTooFar):
            operations.grant_extension(
                extension_id=extension.pk, deadline=far, by=make_member(alpha), tenant=alpha, now=NOW
            )
        with pytest.raises(operations.ExtensionTooFar):
            operations.ask_extension(
                finding_id=found.pk, deadline=datetime.max.replace(tzinfo=UTC), reason="x", by=manager, tenant=alpha,
                now=NOW,
            )  # fmt: skip
        found.refresh_from_db()
        assert (found.extended, found.first_deadline) == (0, None)

    def test_no_more_often_than_the_school_says(self, alpha: Tenant) -> None:
        admin = make_member(alpha, Role.SCHOOL_ADMIN)
        operations.set_rule(
            severity="minor", hours=168, leader_after_hours=48, extensions=1, extension_days=10, by=admin, tenant=alpha
        )
        found, manager, extension = asked(alpha)
        operations.grant_extension(extension_id=extension.pk, by=admin, tenant=alpha, now=NOW)
        with pytest.raises(operations.ExtensionsUsedUp):
            operations.ask_extension(
                finding_id=found.pk, deadline=found.deadline + timedelta(days=5), reason="x", by=manager, tenant=alpha,
                now=NOW,
            )  # fmt: skip
        assert found.extensions.count() == 1

    def test_more_time_washes_no_lateness_out(self, alpha: Tenant) -> None:
        found, manager, extension = asked(alpha)
        first = found.deadline
        operations.grant_extension(extension_id=extension.pk, by=make_member(alpha), tenant=alpha, now=NOW)
        at = first + timedelta(days=1)
        operations.submit_fix(
            finding_id=found.pk, photo_ids=[make_photo(alpha, manager).pk], by=manager, tenant=alpha, now=at
        )
        closed = operations.verify_pass(finding_id=found.pk, by=make_member(alpha), tenant=alpha, now=at)
        assert (closed.first_deadline, closed.deadline) == (first, extension.wanted)
        on_time = metrics.counts(starts=NOW, ends=first + timedelta(seconds=1))[1]
        assert (on_time.numerator, on_time.denominator) == (0, 1)

    def test_no_deadline_is_beyond_two_years(self, alpha: Tenant) -> None:
        found = make_finding(alpha, now=NOW)
        for far in (NOW + timedelta(days=731), datetime.max.replace(tzinfo=UTC)):
            with pytest.raises(operations.DeadlineFar):
                operations.change_deadline(
                    finding_id=found.pk, deadline=far, reason="x", by=make_member(alpha), tenant=alpha, now=NOW
                )
            with pytest.raises(operations.DeadlineFar):
                make_finding(alpha, deadline=far, now=NOW)
        assert Finding.objects.count() == 1
