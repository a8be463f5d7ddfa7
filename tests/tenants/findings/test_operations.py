"""The PDCA cycle: who may take which step, and what a step does."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account, Membership
from identity.queries import actor_for
from kernel import clock
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.findings import metrics, operations, queries
from tenants.findings.choices import FindingStatus, Severity, StepKind
from tenants.findings.models import Finding, Step
from tenants.notices.models import Notice
from tenants.timeline.models import Event
from tenants.timeline.once import KeyReused
from tests.factories.findings import (
    make_closed,
    make_finding,
    make_member,
    make_photo,
    make_submitted,
)
from tests.factories.organisation import make_department, make_line, make_party, make_place, make_staff

NOW = clock.now()


def test_a_finding_gets_number_deadline_step_event_and_notice(alpha: Tenant) -> None:
    party = make_party("contract")
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    stranger = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4())
    finder = make_member(alpha)
    photo = make_photo(alpha, finder)
    found = make_finding(alpha, by=finder, party=party, severity=Severity.MAJOR, photo_ids=[photo.pk], now=NOW)
    local = NOW.astimezone(alpha.tz)
    assert found.number == f"WT{local:%Y%m%d}-0001"
    assert found.deadline == NOW + timedelta(hours=72)
    step = found.steps.get()
    assert (step.kind, step.actor_name) == (StepKind.OPENED, finder.name)
    assert [p.evidence_id for p in step.photos.all()] == [photo.pk]
    event = Event.objects.get(verb="finding.opened")
    assert (event.place_id, event.party_id, event.account_id) == (found.place_id, party.pk, finder.account_id)
    assert Notice.objects.filter(account_id=manager.account_id, path=f"/findings/{found.pk}/").count() == 1
    assert not Notice.objects.filter(account_id=stranger.account_id).exists()


def test_numbers_run_on_and_a_rolled_back_one_is_given_again(alpha: Tenant) -> None:
    make_finding(alpha, now=NOW)
    with pytest.raises(RuntimeError), transaction.atomic():
        make_finding(alpha, now=NOW)
        raise RuntimeError
    assert make_finding(alpha, now=NOW).number.endswith("-0002")


def test_the_party_comes_from_the_service_line(alpha: Tenant) -> None:
    finder = make_member(alpha)
    with pytest.raises(operations.PartyMissing):
        operations.open_finding(
            title="地面有油污", place_id=make_place().pk, line="canteen", by=finder, tenant=alpha, now=NOW
        )
    assert not Finding.objects.exists()
    make_line("canteen", party=(party := make_department("饮食中心")))
    found = operations.open_finding(
        title="地面有油污", place_id=make_place().pk, line="canteen", by=finder, tenant=alpha, now=NOW
    )
    assert found.party_id == party.pk


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": " "}, "title"),
        ({"line": "magic"}, "line"),
        ({"severity": "awful"}, "severity"),
        ({"occurrences": 0}, "occurrences"),
    ],
)
def test_a_shapeless_finding_is_refused(alpha: Tenant, wrong: dict, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        make_finding(alpha, **wrong)
    assert refused.value.field == field
    assert not Finding.objects.exists() and not Event.objects.filter(verb="finding.opened").exists()


def test_who_may_open(alpha: Tenant) -> None:
    for role in (Role.FRONTLINE,):
        with pytest.raises(NotAllowed):
            make_finding(alpha, by=make_member(alpha, role))
    with pytest.raises(NotAllowed):
        make_finding(alpha, by=make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4()))


def test_the_whole_cycle(alpha: Tenant) -> None:
    party = make_party("contract")
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    finder = make_member(alpha)
    found = make_finding(alpha, by=finder, party=party, now=NOW)
    started = operations.start_fix(
        finding_id=found.pk, by=manager, tenant=alpha, now=NOW, cause="地漏堵塞", measure="疏通并加滤网"
    )
    assert (started.status, started.cause) == (FindingStatus.FIXING, "地漏堵塞")
    after = make_photo(alpha, manager)
    operations.submit_fix(finding_id=found.pk, photo_ids=[after.pk], by=manager, tenant=alpha, now=NOW)
    assert Notice.objects.filter(account_id=finder.account_id, kind="todo", read_at=None).count() == 1
    operations.verify_reject(finding_id=found.pk, reason="仍有积水", by=finder, tenant=alpha, now=NOW)
    again = make_photo(alpha, manager)
    operations.submit_fix(finding_id=found.pk, photo_ids=[again.pk], by=manager, tenant=alpha, now=NOW)
    closed = operations.verify_pass(finding_id=found.pk, by=finder, tenant=alpha, now=NOW, lesson="每周疏通一次")
    assert (closed.status, closed.rejections, closed.verdict) == (FindingStatus.CLOSED, 1, "复查合格")
    assert list(found.steps.values_list("kind", flat=True)) == [
        "opened", "started", "submitted", "rejected", "submitted", "passed",
    ]  # fmt: skip
    verbs = Event.objects.filter(subject_id=str(found.pk)).order_by("id").values_list("verb", flat=True)
    assert list(verbs) == [
        f"finding.{v}" for v in ("opened", "started", "submitted", "rejected", "submitted", "closed")
    ]
    assert not Notice.objects.filter(kind="todo", read_at=None).exists()  # nothing is left to do


class TestTheFixerNeverCloses:
    def test_the_same_account(self, alpha: Tenant) -> None:
        """A supervisor who recorded the fix for a party without a login cannot verify it."""
        supervisor = make_member(alpha)
        found = make_submitted(alpha, party=make_department(), fixer=supervisor, by=supervisor)
        with pytest.raises(operations.FixerNeverCloses):
            operations.verify_pass(finding_id=found.pk, by=supervisor, tenant=alpha, now=NOW)
        assert Finding.objects.get().status == FindingStatus.VERIFYING

    def test_one_who_only_started_it(self, alpha: Tenant) -> None:
        starter = make_member(alpha)
        found = make_finding(alpha, party=(party := make_party("contract")))
        operations.start_fix(finding_id=found.pk, by=starter, tenant=alpha, now=NOW)
        other = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
        operations.submit_fix(
            finding_id=found.pk, photo_ids=[make_photo(alpha, other).pk], by=other, tenant=alpha, now=NOW
        )
        with pytest.raises(operations.FixerNeverCloses):
            operations.verify_pass(finding_id=found.pk, by=starter, tenant=alpha, now=NOW)

    def test_the_same_company(self, alpha: Tenant) -> None:
        """Also when the person of the company holds a supervisor's role by mistake."""
        found = make_submitted(alpha)
        provider = found.party.provider_id
        both = Actor(
            uuid4(),
            "兼任",
            frozenset({Role.PROVIDER_MANAGER, Role.SCHOOL_SUPERVISOR}),
            provider_ids=frozenset({provider}),
        )
        with pytest.raises(operations.FixerNeverCloses):
            operations.verify_pass(finding_id=found.pk, by=both, tenant=alpha, now=NOW)

    def test_the_second_company_of_somebody_in_two(self, alpha: Tenant) -> None:
        """One account, three memberships: the actor of a request knows both companies."""
        found = make_submitted(alpha)
        account = Account.objects.create_user(f"u{uuid4().hex[:12]}", name="两家公司")
        for role, provider in (
            (Role.PROVIDER_MANAGER, uuid4()),
            (Role.PROVIDER_MANAGER, found.party.provider_id),
            (Role.SCHOOL_SUPERVISOR, None),
        ):
            Membership.objects.create(account=account, school_id=alpha.school_id, role=role, provider_id=provider)
        both = actor_for(account, school_id=alpha.school_id, today=NOW.date())
        with pytest.raises(operations.FixerNeverCloses):
            operations.verify_pass(finding_id=found.pk, by=both, tenant=alpha, now=NOW)
        found.refresh_from_db()
        assert found.status == FindingStatus.VERIFYING

    def test_the_same_department(self, alpha: Tenant) -> None:
        party = make_department()
        person = make_staff(party=party)
        found = make_submitted(alpha, party=party, fixer=make_member(alpha, Role.FRONTLINE, staff_id=person.pk))
        colleague = make_member(alpha, Role.SCHOOL_SUPERVISOR, staff_id=make_staff(party=party).pk)
        with pytest.raises(operations.FixerNeverCloses):
            operations.verify_pass(finding_id=found.pk, by=colleague, tenant=alpha, now=NOW)

    def test_the_database_refuses_too(self, alpha: Tenant) -> None:
        found = make_submitted(alpha)
        closed = {"status": "closed", "closed_at": NOW}
        for wrong in (
            {"closed_by": found.fixed_by},
            {"closed_by": found.fixed_by, "fixed_by": None},  # an earlier fixer
            {"closed_by": uuid4(), "closer_provider_ids": [uuid4(), *found.fixer_provider_ids]},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                Finding.objects.filter(pk=found.pk).update(**closed, **wrong)
        assert Finding.objects.filter(pk=found.pk).update(**closed, closed_by=uuid4()) == 1

    def test_nor_on_site(self, alpha: Tenant) -> None:
        found = make_submitted(alpha)
        both = Actor(
            uuid4(), "兼任", frozenset({Role.SCHOOL_SUPERVISOR}), provider_ids=frozenset({found.party.provider_id})
        )
        with pytest.raises(operations.FixerNeverCloses):
            operations.confirm_on_site(finding_id=found.pk, solved=True, by=both, tenant=alpha, now=NOW)


def test_a_named_verifier_verifies_and_no_other_supervisor(alpha: Tenant) -> None:
    found = make_submitted(alpha)
    named, other = make_member(alpha, name="指定人"), make_member(alpha)
    operations.assign_verifier(finding_id=found.pk, verifier_id=named.account_id, by=other, tenant=alpha, now=NOW)
    with pytest.raises(NotAllowed):
        operations.verify_pass(finding_id=found.pk, by=other, tenant=alpha, now=NOW)
    assert operations.verify_pass(finding_id=found.pk, by=named, tenant=alpha, now=NOW).status == "closed"


def test_a_fixer_or_a_stranger_is_no_verifier(alpha: Tenant) -> None:
    supervisor = make_member(alpha)
    found = make_submitted(alpha, party=make_department(), fixer=supervisor)
    for unfit in (supervisor.account_id, uuid4(), make_member(alpha, Role.FRONTLINE).account_id):
        with pytest.raises(operations.VerifierUnfit):
            operations.assign_verifier(
                finding_id=found.pk, verifier_id=unfit, by=make_member(alpha), tenant=alpha, now=NOW
            )


def test_of_two_verifiers_the_second_is_told(alpha: Tenant) -> None:
    found = make_submitted(alpha)
    one, two = make_member(alpha), make_member(alpha)
    operations.verify_pass(finding_id=found.pk, by=one, tenant=alpha, now=NOW)
    with pytest.raises(operations.WrongMove):
        operations.verify_reject(finding_id=found.pk, reason="没修好", by=two, tenant=alpha, now=NOW)
    with pytest.raises(operations.WrongMove):
        operations.verify_pass(finding_id=found.pk, by=two, tenant=alpha, now=NOW)
    assert Step.objects.filter(finding=found, kind="passed").count() == 1


@pytest.mark.parametrize("step", ["verify_pass", "verify_reject", "reopen"])
def test_wrong_moves_from_open(alpha: Tenant, step: str) -> None:
    found, by = make_finding(alpha), make_member(alpha)
    extra = {} if step == "verify_pass" else {"reason": "x"}
    with pytest.raises(operations.WrongMove):
        getattr(operations, step)(finding_id=found.pk, by=by, tenant=alpha, now=NOW, **extra)
    assert Finding.objects.get().status == FindingStatus.OPEN


def test_a_closed_finding_is_not_fixed_again_but_can_be_reopened(alpha: Tenant) -> None:
    found = make_closed(alpha)
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=found.party.provider_id)
    with pytest.raises(operations.WrongMove):
        operations.start_fix(finding_id=found.pk, by=manager, tenant=alpha, now=NOW)
    with pytest.raises(NotAllowed):
        operations.reopen(finding_id=found.pk, reason="x", by=manager, tenant=alpha, now=NOW)
    supervisor = make_member(alpha)
    with pytest.raises(operations.ReasonMissing):
        operations.reopen(finding_id=found.pk, reason=" ", by=supervisor, tenant=alpha, now=NOW)
    again = operations.reopen(finding_id=found.pk, reason="又积水了", by=supervisor, tenant=alpha, now=NOW)
    assert (again.status, again.reopened, again.closed_by) == (FindingStatus.FIXING, 1, None)
    assert again.deadline == NOW + timedelta(hours=168)


def test_a_fix_needs_a_new_photo(alpha: Tenant) -> None:
    party = make_party("contract")
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    finder = make_member(alpha)
    before = make_photo(alpha, finder, seed=7)
    found = make_finding(alpha, by=finder, party=party, photo_ids=[before.pk])
    submit = {"finding_id": found.pk, "by": manager, "tenant": alpha, "now": NOW}
    with pytest.raises(operations.PhotoMissing):
        operations.submit_fix(photo_ids=[], **submit)
    with pytest.raises(operations.PhotoUnknown):
        operations.submit_fix(photo_ids=[uuid4()], **submit)
    with pytest.raises(operations.SamePhoto):
        operations.submit_fix(photo_ids=[make_photo(alpha, manager, seed=7).pk], **submit)
    with pytest.raises(operations.TooManyPhotos):
        operations.submit_fix(photo_ids=[uuid4() for _ in range(10)], **submit)
    assert Finding.objects.get().status == FindingStatus.OPEN


class TestProviderIsolation:
    def test_another_companys_finding_does_not_exist(self, alpha: Tenant) -> None:
        found = make_submitted(alpha)
        rival = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4())
        photo = make_photo(alpha, rival)
        with pytest.raises(NotFound):
            queries.finding(finding_id=found.pk, by=rival)
        with pytest.raises(NotFound):
            operations.submit_fix(finding_id=found.pk, photo_ids=[photo.pk], by=rival, tenant=alpha, now=NOW)
        with pytest.raises(NotFound):
            operations.comment(finding_id=found.pk, text="看看", by=rival, tenant=alpha, now=NOW)
        assert queries.listing(by=rival, now=NOW).count() == 0
        assert queries.counts(by=rival, now=NOW).all == 0

    def test_a_worker_sees_the_own_party_only(self, alpha: Tenant) -> None:
        party = make_department()
        worker = make_member(alpha, Role.FRONTLINE, staff_id=make_staff(party=party).pk)
        own, other = make_finding(alpha, party=party), make_finding(alpha)
        assert [f.pk for f in queries.listing(by=worker, now=NOW)] == [own.pk]
        with pytest.raises(NotFound):
            operations.start_fix(finding_id=other.pk, by=worker, tenant=alpha, now=NOW)
        assert operations.start_fix(finding_id=own.pk, by=worker, tenant=alpha, now=NOW).status == "fixing"

    def test_a_worker_without_a_staff_row_sees_nothing(self, alpha: Tenant) -> None:
        make_finding(alpha)
        assert not queries.listing(by=make_member(alpha, Role.FRONTLINE), now=NOW).exists()

    def test_visitors_and_tokens_without_scope(self, alpha: Tenant) -> None:
        make_finding(alpha)
        for actor in (
            Actor.anonymous(),
            Actor(uuid4(), "集成", frozenset({Role.SCHOOL_ADMIN}), scopes=frozenset({"rubrics:read"})),
        ):
            with pytest.raises(NotAllowed):
                queries.listing(by=actor, now=NOW)


class TestReplay:
    def test_opening_twice_with_one_key_is_one_finding(self, alpha: Tenant) -> None:
        finder, place, party = make_member(alpha), make_place(), make_party()
        one, two = (
            make_finding(alpha, by=finder, place=place, party=party, client_key="k-1", now=NOW) for _ in range(2)
        )
        assert one.pk == two.pk and Finding.objects.count() == 1
        assert Event.objects.filter(verb="finding.opened").count() == 1

    def test_submitting_twice_is_one_step_even_after_the_verdict(self, alpha: Tenant) -> None:
        party = make_party("contract")
        manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
        found, photo = make_finding(alpha, party=party), make_photo(alpha, manager)
        call = {"finding_id": found.pk, "photo_ids": [photo.pk], "by": manager, "tenant": alpha, "now": NOW}
        operations.submit_fix(**call, client_key="k-2")
        operations.verify_pass(finding_id=found.pk, by=make_member(alpha), tenant=alpha, now=NOW)
        assert operations.submit_fix(**call, client_key="k-2").status == FindingStatus.CLOSED
        assert found.steps.filter(kind="submitted").count() == 1

    def test_a_key_for_something_else_is_refused(self, alpha: Tenant) -> None:
        finder = make_member(alpha)
        make_finding(alpha, by=finder, client_key="k-3")
        found = make_finding(alpha, by=finder)
        with pytest.raises(KeyReused):
            operations.comment(finding_id=found.pk, text="x", by=finder, tenant=alpha, now=NOW, client_key="k-3")

    def test_a_refused_operation_gives_its_key_back(self, alpha: Tenant) -> None:
        finder, party = make_member(alpha), make_party()
        with pytest.raises(Invalid):
            make_finding(alpha, by=finder, party=party, title="", client_key="k-4")
        assert make_finding(alpha, by=finder, party=party, client_key="k-4").pk


class TestOverdue:
    def late(self, alpha: Tenant, hours: float, **fields: object) -> tuple[Finding, datetime]:
        found = make_finding(alpha, now=NOW, **fields)
        return found, found.deadline + timedelta(hours=hours)

    def test_levels_rise_and_the_sweep_repeats_nothing(self, alpha: Tenant) -> None:
        supervisor, leader = make_member(alpha), make_member(alpha, Role.SCHOOL_LEADER)
        found, when = self.late(alpha, 1, by=supervisor)
        assert operations.escalate_overdue(tenant=alpha, now=when) == 1
        assert operations.escalate_overdue(tenant=alpha, now=when) == 0
        assert Notice.objects.filter(account_id=supervisor.account_id, kind="late", mail=True).count() == 1
        assert not Notice.objects.filter(account_id=leader.account_id).exists()
        later = when + timedelta(hours=48)
        assert operations.escalate_overdue(tenant=alpha, now=later) == 1
        assert operations.escalate_overdue(tenant=alpha, now=later + timedelta(days=9)) == 0
        assert Notice.objects.filter(account_id=leader.account_id, kind="late").count() == 1
        assert found.steps.filter(kind="escalated").count() == 2
        assert Event.objects.filter(verb="finding.escalated").count() == 2

    def test_in_time_or_handed_in_is_not_escalated(self, alpha: Tenant) -> None:
        make_submitted(alpha, now=NOW)
        _found, when = self.late(alpha, -1)
        assert operations.escalate_overdue(tenant=alpha, now=when) == 0

    def test_a_new_deadline_starts_over(self, alpha: Tenant) -> None:
        found, when = self.late(alpha, 1)
        operations.escalate_overdue(tenant=alpha, now=when)
        by = make_member(alpha)
        with pytest.raises(operations.DeadlinePast):
            operations.change_deadline(
                finding_id=found.pk, deadline=when - timedelta(hours=9), reason="x", by=by, tenant=alpha, now=when
            )
        with pytest.raises(operations.ReasonMissing):
            operations.change_deadline(
                finding_id=found.pk, deadline=when + timedelta(hours=9), reason="", by=by, tenant=alpha, now=when
            )
        operations.change_deadline(
            finding_id=found.pk, deadline=when + timedelta(hours=9), reason="备件未到", by=by, tenant=alpha, now=when
        )
        assert operations.escalate_overdue(tenant=alpha, now=when) == 0
        assert operations.escalate_overdue(tenant=alpha, now=when + timedelta(hours=10)) == 1

    def test_the_schools_own_rule(self, alpha: Tenant) -> None:
        admin = make_member(alpha, Role.SCHOOL_ADMIN)
        with pytest.raises(NotAllowed):
            operations.set_rule(severity="minor", hours=10, leader_after_hours=1, by=make_member(alpha), tenant=alpha)
        operations.set_rule(severity="minor", hours=10, leader_after_hours=1, by=admin, tenant=alpha)
        assert make_finding(alpha, now=NOW).deadline == NOW + timedelta(hours=10)


class TestOnSite:
    def test_solved_without_a_submitted_fix_closes_with_the_inspectors_own_photo(self, alpha: Tenant) -> None:
        found, by = make_finding(alpha, now=NOW), make_member(alpha)
        closed = operations.confirm_on_site(
            finding_id=found.pk, solved=True, by=by, photo_ids=[make_photo(alpha, by).pk], tenant=alpha, now=NOW
        )
        assert (closed.status, closed.fixed_by, closed.submitted_at) == (FindingStatus.CLOSED, None, NOW)
        assert [s.kind for s in found.steps.all()] == [StepKind.OPENED, StepKind.SEEN_SOLVED, StepKind.PASSED]
        assert closed.first_submitted_at is None
        on_time = metrics.counts(starts=NOW, ends=NOW + timedelta(days=30))[1]
        assert (on_time.numerator, on_time.denominator) == (0, 1)  # the party handed nothing in

    def test_without_a_photo_it_waits_for_verification(self, alpha: Tenant) -> None:
        supervisor, by = make_member(alpha), make_member(alpha, Role.SCHOOL_LEADER)
        found = make_finding(alpha, by=supervisor, now=NOW)
        seen = operations.confirm_on_site(finding_id=found.pk, solved=True, by=supervisor, tenant=alpha, now=NOW)
        assert (seen.status, seen.closed_at, found.steps.last().kind) == ("verifying", None, StepKind.SEEN_SOLVED)
        assert Event.objects.filter(verb="finding.seen_solved", sentence__contains="整改后的照片").exists()
        assert not Event.objects.filter(verb="finding.closed").exists()
        passed = operations.verify_pass(finding_id=found.pk, by=supervisor, tenant=alpha, now=NOW)
        assert (passed.status, by.account_id in passed.fixers) == (FindingStatus.CLOSED, False)

    def test_a_critical_repeat_waits_for_root_cause_and_consequence(self, alpha: Tenant) -> None:
        place, party, by = make_place(), make_party("contract"), make_member(alpha)
        same = {"place": place, "party": party, "rubric_item_id": uuid4()}
        make_closed(alpha, **same)
        found = make_finding(alpha, **same, severity=Severity.CRITICAL)
        call = {"finding_id": found.pk, "by": by, "tenant": alpha, "now": clock.now()}
        seen = operations.confirm_on_site(solved=True, photo_ids=[make_photo(alpha, by).pk], **call)
        assert (seen.status, seen.consequence) == ("verifying", "")
        with pytest.raises(operations.RootCauseMissing):
            operations.verify_pass(**call, consequence="nothing", lesson="偶发，不改")
        with pytest.raises(operations.ConsequenceMissing):
            operations.verify_pass(**call, root_cause="下水管坡度不够，清扫后又回流。")
        closed = operations.verify_pass(
            **call, root_cause="下水管坡度不够，清扫后又回流。", consequence="nothing", lesson="偶发，不改"
        )
        assert closed.status == FindingStatus.CLOSED

    def test_a_critical_one_closes_on_site_with_its_consequence(self, alpha: Tenant) -> None:
        found, by = make_submitted(alpha, severity=Severity.CRITICAL), make_member(alpha)
        call = {"finding_id": found.pk, "solved": True, "by": by, "tenant": alpha, "now": clock.now()}
        assert operations.confirm_on_site(**call).status == "verifying"
        closed = operations.confirm_on_site(**call, consequence="plan", lesson="每周加查一次")
        assert (closed.status, closed.lesson) == (FindingStatus.CLOSED, "每周加查一次")

    def test_still_there_rejects_a_submitted_fix_and_notes_an_open_one(self, alpha: Tenant) -> None:
        by = make_member(alpha)
        submitted, opened = make_submitted(alpha), make_finding(alpha)
        for found, kind in ((submitted, "rejected"), (opened, "seen_again")):
            now = clock.now() + timedelta(hours=1)
            operations.confirm_on_site(finding_id=found.pk, solved=False, by=by, tenant=alpha, now=now)
            assert found.steps.last().kind == kind
        opened.refresh_from_db()
        assert opened.status == FindingStatus.OPEN


def test_the_same_thing_again_is_a_repeat(alpha: Tenant) -> None:
    item, place, party = uuid4(), make_place(), make_party("contract")
    first = make_closed(alpha, place=place, party=party, rubric_item_id=item)
    other = make_finding(alpha, place=make_place(), party=party, rubric_item_id=item)
    again = make_finding(alpha, place=place, party=party, rubric_item_id=item)
    assert (again.repeat_of_id, other.repeat_of_id) == (first.pk, None)
