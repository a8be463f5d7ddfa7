"""Findings from other features: opened once per thing, by whom, with owner and conclusion."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.findings import operations
from tenants.findings.choices import FindingSource
from tenants.findings.deadlines import Rung, ladders
from tenants.findings.models import Finding, LadderStep
from tenants.notices.models import Notice
from tenants.rubrics.models import RubricRevision
from tenants.timeline.models import Event
from tenants.timeline.operations import record
from tests.at_once import at_once
from tests.factories.findings import make_closed, make_finding, make_member, make_submitted
from tests.factories.organisation import make_party, make_place, make_staff
from tests.factories.rubrics import make_rubric

NOW = clock.now()


def test_the_same_thing_opens_one_finding(alpha: Tenant) -> None:
    place, party = make_place(), make_party()
    patrol = {"source": FindingSource.PATROL, "source_id": uuid4(), "place": place, "party": party}
    first = make_finding(alpha, **patrol, source_key="point-3")
    assert make_finding(alpha, **patrol, source_key="point-3", title="又报一次").pk == first.pk
    assert make_finding(alpha, **patrol, source_key="point-4").pk != first.pk
    assert make_finding(alpha, **patrol).pk != make_finding(alpha, **patrol).pk  # without a key: as often as asked
    assert Finding.objects.count() == 4


def test_those_on_duty_report_by_their_features_and_not_by_hand(alpha: Tenant) -> None:
    guard = make_member(alpha, Role.FRONTLINE, staff_id=make_staff().pk)
    supervisor = make_member(alpha)
    with pytest.raises(NotAllowed):
        make_finding(alpha, by=guard)
    with pytest.raises(NotAllowed):
        make_finding(alpha, by=guard, source=FindingSource.INSPECTION)
    found = make_submitted(alpha, by=guard, source=FindingSource.DUTY, source_id=uuid4(), source_key="a")
    waiting = Notice.objects.filter(title__startswith="整改已提交").values_list("account_id", flat=True)
    assert list(waiting) == [supervisor.account_id]  # the guard found it and does not judge it
    assert found.found_by == guard.account_id
    with pytest.raises(Invalid):
        make_finding(alpha, source="magic")


class TestOwner:
    def test_one_of_the_partys_people_is_named_and_told(self, alpha: Tenant) -> None:
        party = make_party("contract")
        worker = make_staff(party=party, account_id=(login := make_member(alpha, Role.FRONTLINE)).account_id)
        manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
        found = make_finding(alpha, party=party)
        call = {"finding_id": found.pk, "by": manager, "tenant": alpha, "now": NOW}
        assert operations.assign_owner(**call, owner_id=worker.pk).owner_name == worker.name
        assert Notice.objects.filter(account_id=login.account_id, title__startswith="您被指定为整改负责人").exists()
        assert Event.objects.get(verb="finding.owner_named").staff_id == worker.pk
        with pytest.raises(operations.OwnerUnfit):
            operations.assign_owner(**call, owner_id=make_staff().pk)
        with pytest.raises(NotAllowed):
            operations.assign_owner(**{**call, "by": make_member(alpha, Role.SCHOOL_LEADER)}, owner_id=worker.pk)
        found.refresh_from_db()
        assert found.owner_id == worker.pk
        assert operations.assign_owner(**call, owner_id=None).owner_id is None


class TestConsequence:
    def test_a_revised_sheet_is_linked(self, alpha: Tenant) -> None:
        rubric = make_rubric()
        found = make_submitted(alpha, severity="critical", now=NOW - timedelta(hours=1))
        call = {"finding_id": found.pk, "by": make_member(alpha), "tenant": alpha, "now": NOW}
        link = {"consequence": "rubric", "rubric_id": rubric.pk}
        with pytest.raises(operations.ConsequenceMissing):
            operations.verify_pass(**call)
        with pytest.raises(operations.RubricUnchanged):
            operations.verify_pass(**call, **link, rubric_revision=1)
        RubricRevision.objects.create(
            rubric=rubric,
            revision=2,
            digest="d",
            content={},
            note="排水口改为每日清理",
            actor_name="管理员",
            made_at=NOW,
        )
        with pytest.raises(operations.RubricUnchanged):
            operations.verify_pass(**call, **link, rubric_revision=3)
        closed = operations.verify_pass(**call, **link, rubric_revision=2)
        assert (closed.status, closed.rubric_id, closed.rubric_revision) == ("closed", rubric.pk, 2)

    def test_a_changed_plan_is_named(self, alpha: Tenant) -> None:
        by, found = make_member(alpha), make_submitted(alpha, severity="critical", now=NOW - timedelta(hours=1))
        call = {"finding_id": found.pk, "by": by, "tenant": alpha, "now": NOW, "consequence": "plan"}

        def change(kind: str, **about: Any) -> Event:
            event = record(verb="patrol_route.saved", sentence="巡更改为每晚四次", subject=found, by=by, **about)
            Event.objects.filter(pk=event.pk).update(subject_type=kind)
            return event

        near = change("patrols.route", party_id=found.party_id)
        far = change("patrols.route", party_id=make_party().pk)
        other = change("findings.finding", party_id=found.party_id)
        before = change("patrols.route", party_id=found.party_id)
        Event.objects.filter(pk=before.pk).update(at=NOW - timedelta(hours=2))
        for wrong in (far.pk, other.pk, before.pk, 0):
            with pytest.raises(operations.PlanUnchanged):
                operations.verify_pass(**call, plan_event_id=wrong)
        closed = operations.verify_pass(**call, plan_event_id=near.pk)
        assert (closed.status, closed.plan_event_id, closed.lesson) == ("closed", near.pk, "巡更改为每晚四次")
        again = operations.set_consequence(**{**call, "consequence": "nothing"}, lesson="已无必要")
        assert again.plan_event_id is None

    def test_why_nothing_changes_needs_words_and_may_come_later(self, alpha: Tenant) -> None:
        found = make_closed(alpha)  # minor and the first time: closed without
        call = {"finding_id": found.pk, "by": make_member(alpha), "tenant": alpha, "now": NOW}
        with pytest.raises(operations.ReasonMissing):
            operations.set_consequence(**call, consequence="nothing")
        assert operations.set_consequence(**call, consequence="plan", lesson="日检改为每日两次").lesson
        assert found.steps.filter(kind="lesson").count() == 1
        with pytest.raises(NotAllowed):
            manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=found.party.provider_id)
            operations.set_consequence(**{**call, "by": manager}, consequence="nothing", lesson="x")
        with pytest.raises(operations.WrongMove):
            operations.set_consequence(**{**call, "finding_id": make_finding(alpha).pk}, consequence="plan", lesson="x")


class TestLadder:
    def test_own_steps_tell_whom_they_name(self, alpha: Tenant) -> None:
        admin, leader = make_member(alpha, Role.SCHOOL_ADMIN), make_member(alpha, Role.SCHOOL_LEADER)
        steps = (Rung(0, ("party",)), Rung(2, ("supervisor",)), Rung(5, ("admin", "leader")))
        operations.set_ladder(severity="major", steps=steps, by=admin, tenant=alpha)
        assert ladders()["major"] == steps
        assert len(ladders()["minor"]) == 2  # others keep theirs
        found = make_finding(alpha, severity="major", by=make_member(alpha), now=NOW)

        def told() -> set[UUID]:
            return set(Notice.objects.filter(kind="late").values_list("account_id", flat=True))

        operations.escalate_overdue(tenant=alpha, now=found.deadline + timedelta(hours=1))
        assert leader.account_id not in told() and admin.account_id not in told()
        operations.escalate_overdue(tenant=alpha, now=found.deadline + timedelta(hours=6))
        assert {leader.account_id, admin.account_id} <= told()
        found.refresh_from_db()
        assert (found.escalation, found.steps.filter(kind="escalated").count()) == (3, 3)
        assert operations.escalate_overdue(tenant=alpha, now=found.deadline + timedelta(days=6)) == 0
        operations.set_ladder(severity="major", steps=(), by=admin, tenant=alpha)
        assert len(ladders()["major"]) == 2

    @pytest.mark.parametrize(
        "steps",
        [
            (Rung(5, ("party",)), Rung(5, ("leader",))),
            (Rung(0, ()),),
            (Rung(0, ("rector",)),),
            (Rung(-1, ("party",)),),
            tuple(Rung(n, ("party",)) for n in range(7)),
        ],
    )
    def test_a_ladder_that_makes_no_sense_is_refused(self, alpha: Tenant, steps: tuple[Rung, ...]) -> None:
        with pytest.raises(Invalid):
            operations.set_ladder(severity="minor", steps=steps, by=make_member(alpha, Role.SCHOOL_ADMIN), tenant=alpha)
        assert not LadderStep.objects.exists()


def test_two_reports_of_one_anomaly_at_once_open_one_finding(committed_alpha: Tenant) -> None:
    source, place, party = uuid4(), make_place(), make_party()
    system = Actor.system(committed_alpha.school_id)

    def report() -> Finding:
        return operations.open_finding(
            title="消防通道被占", place_id=place.pk, party_id=party.pk, line="fire", by=system,
            tenant=committed_alpha, now=clock.now(), source="duty", source_id=source, source_key="a",
        )  # fmt: skip

    one, two = at_once(committed_alpha, report, report)
    assert one.pk == two.pk
    assert Finding.objects.filter(source_id=source).count() == 1
