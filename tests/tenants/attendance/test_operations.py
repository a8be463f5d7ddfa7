"""Corrections, confirmed months, the sentinel, the sweep: what happens and what does not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from identity.choices import Role
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.attendance import errors, operations, queries
from tenants.attendance.choices import CorrectionStatus, Mark, SuspectStatus
from tenants.attendance.models import Adjustment, Confirmation, Correction, DayResult, Suspect
from tenants.notices.models import Notice
from tenants.punches.models import Fence, Punch
from tenants.rosters import policies as rosters
from tenants.rosters.models import Assignment, ShiftInstance
from tenants.timeline.models import Event
from tests.factories.attendance import DAY, at, derive, make_day, make_refused, make_worker, result_of
from tests.factories.findings import make_member
from tests.factories.organisation import make_party, make_post, make_staff
from tests.factories.punches import HERE, make_fence, make_punch, north
from tests.factories.rosters import make_assignment, make_leave, make_rule, make_shift

pytestmark = pytest.mark.django_db
SOON = timedelta(days=2)


def ask(
    tenant: Tenant, instance: ShiftInstance, by: Any, *, when: str = "18:01", side: str = "out", **more: Any
) -> Correction:
    return operations.ask_correction(
        instance_id=instance.pk, side=side, at=at(tenant, when), reason="手机没电了", by=by, tenant=tenant,
        now=more.pop("now", at(tenant, "09:00") + SOON), **more,
    )  # fmt: skip


class TestCorrections:
    def test_asked_approved_counted_and_told(self, alpha: Tenant) -> None:
        staff, worker = make_worker(alpha)
        supervisor = make_member(alpha)
        instance = make_day(alpha, staff, "07:58")
        assert result_of(instance).mark == Mark.MISSING_OUT
        row = ask(alpha, instance, worker, client_key="k1")
        assert ask(alpha, instance, worker, client_key="k1").pk == row.pk and Correction.objects.count() == 1
        assert Notice.objects.filter(account_id=supervisor.account_id, kind="todo", read_at=None).count() == 1
        now = at(alpha, "12:00") + SOON
        done = operations.decide_correction(correction_id=row.pk, approved=True, by=supervisor, tenant=alpha, now=now)
        after = result_of(instance)
        assert (done.status, after.mark, after.out_punch_id) == (CorrectionStatus.APPROVED, Mark.NORMAL, done.punch_id)
        assert done.punch is not None and done.punch.source == "correction"
        assert "末卡 18:01（补卡）" in queries.sentence_of(queries.result(instance_id=instance.pk, by=worker), alpha.tz)
        assert "由“缺下班卡”变为“正常”" in Event.objects.get(verb="correction.approved").sentence
        assert Notice.objects.filter(account_id=worker.account_id, title__startswith="补卡已批准").exists()

    def test_nobody_approves_their_own(self, alpha: Tenant) -> None:
        staff, worker = make_worker(alpha)
        supervisor, other = make_member(alpha), make_member(alpha)
        instance = make_day(alpha, staff, "07:58")
        row = ask(alpha, instance, supervisor)
        now = at(alpha, "12:00") + SOON
        for by, refusal in ((supervisor, errors.OwnCorrection), (worker, NotAllowed)):
            with pytest.raises(refusal):
                operations.decide_correction(correction_id=row.pk, approved=True, by=by, tenant=alpha, now=now)
        with pytest.raises(IntegrityError), transaction.atomic():
            Correction.objects.filter(pk=row.pk).update(status="approved", decided_by=supervisor.account_id)
        assert not Punch.objects.filter(source="correction").exists()
        refused = operations.decide_correction(
            correction_id=row.pk, approved=False, note="监控里没有人", by=other, tenant=alpha, now=now
        )
        assert refused.status == CorrectionStatus.REFUSED and result_of(instance).mark == Mark.MISSING_OUT
        with pytest.raises(errors.CorrectionClosed):
            operations.decide_correction(correction_id=row.pk, approved=True, by=other, tenant=alpha, now=now)

    def test_limits_deadline_and_window(self, alpha: Tenant) -> None:
        staff, worker = make_worker(alpha)
        instance = make_day(alpha, staff, "07:58", corrections_per_month=1, correction_days=3)
        second = make_day(alpha, staff, "07:58", day=DAY + timedelta(days=1))
        with pytest.raises(errors.CorrectionTimeWrong):
            ask(alpha, instance, worker, when="09:00")
        with pytest.raises(errors.NothingToCorrect):
            ask(alpha, instance, worker, side="in", when="08:30")
        with pytest.raises(errors.CorrectionTooLate):
            ask(alpha, instance, worker, now=at(alpha, "09:00") + timedelta(days=4))
        ask(alpha, instance, worker)
        with pytest.raises(errors.CorrectionOpen):
            ask(alpha, instance, make_member(alpha))
        with pytest.raises(errors.CorrectionsUsedUp):
            operations.ask_correction(
                instance_id=second.pk, side="out", at=at(alpha, "+18:00"), reason="忘了", by=worker, tenant=alpha,
                now=at(alpha, "09:00") + SOON,
            )  # fmt: skip
        assert Correction.objects.count() == 1

    def test_another_workers_shift_does_not_exist(self, alpha: Tenant) -> None:
        staff, _worker = make_worker(alpha)
        _other, stranger = make_worker(alpha, name="李四")
        instance = make_day(alpha, staff, "07:58")
        rival = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=make_party("contract").provider_id)
        for by in (stranger, rival):
            with pytest.raises(NotFound):
                ask(alpha, instance, by)
        manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=staff.party.provider_id)
        row = ask(alpha, instance, manager)
        with pytest.raises(NotAllowed):  # a company gains by its people's presence
            operations.decide_correction(
                correction_id=row.pk, approved=True, by=manager, tenant=alpha, now=at(alpha, "12:00") + SOON
            )

    def test_withdrawn_frees_the_number(self, alpha: Tenant) -> None:
        staff, worker = make_worker(alpha)
        instance = make_day(alpha, staff, "07:58", corrections_per_month=1)
        row = ask(alpha, instance, worker)
        operations.withdraw_correction(correction_id=row.pk, by=worker, tenant=alpha, now=at(alpha, "10:00") + SOON)
        assert ask(alpha, instance, worker).pk != row.pk


class TestMonths:
    NOW = timedelta(days=25)

    def test_a_confirmed_month_freezes_and_changes_stand_beside(self, alpha: Tenant) -> None:
        staff, worker = make_worker(alpha)
        instance = make_day(alpha, staff, "08:40", "18:00")
        now = at(alpha, "09:00") + self.NOW
        row = operations.confirm_month(staff_id=staff.pk, month=DAY, by=worker, tenant=alpha, now=now)
        assert row.figures["serious_late"] == 1 and row.month == date(2026, 11, 1)
        make_punch(staff, at=at(alpha, "07:55"))  # an offline phone, weeks later
        for _again in range(2):
            derive(alpha, now=now + timedelta(hours=1))
        kept, beside = result_of(instance), Adjustment.objects.get()
        assert (kept.mark, kept.late_minutes) == (Mark.SERIOUS_LATE, 40)
        assert (beside.was, beside.mark, beside.late_minutes) == ("serious_late", "normal", 0)
        line = queries.lines([queries.result(instance_id=instance.pk, by=worker)], tz=alpha.tz)[0]
        assert line.mark == "serious_late" and line.adjusted.startswith("确认后更正为：班次 08:00–18:00，首卡 07:55")
        assert rosters.frozen([(staff.pk, DAY), (staff.pk, date(2026, 12, 1))]) == {(staff.pk, DAY)}
        with pytest.raises(errors.MonthConfirmed):
            ask(alpha, instance, worker, side="in", when="07:50", now=now)

    def test_a_shift_cancelled_after_confirmation_stays_with_a_note(self, alpha: Tenant) -> None:
        staff, worker = make_worker(alpha)
        instance = make_day(alpha, staff, "08:00", "18:00")
        now = at(alpha, "09:00") + self.NOW
        operations.confirm_month(staff_id=staff.pk, month=DAY, by=worker, tenant=alpha, now=now)
        ShiftInstance.objects.filter(pk=instance.pk).update(cancelled_at=now)
        for _again in range(2):
            derive(alpha, now=now)
        assert result_of(instance).mark == Mark.NORMAL and Adjustment.objects.get().mark == ""

    def test_not_before_the_end_nor_with_something_open(self, alpha: Tenant) -> None:
        staff, worker = make_worker(alpha)
        instance = make_day(alpha, staff, "07:58")
        with pytest.raises(errors.MonthNotOver):
            operations.confirm_month(staff_id=staff.pk, month=DAY, by=worker, tenant=alpha, now=at(alpha, "+++09:00"))
        ask(alpha, instance, worker)
        with pytest.raises(errors.MonthPending):
            operations.confirm_month(
                staff_id=staff.pk, month=DAY, by=worker, tenant=alpha, now=at(alpha, "09:00") + self.NOW
            )
        with pytest.raises(NotAllowed):
            operations.confirm_month(
                staff_id=staff.pk, month=DAY, by=make_member(alpha), tenant=alpha, now=at(alpha, "09:00") + self.NOW
            )
        assert not Confirmation.objects.exists()

    def test_the_school_closes_for_those_who_did_not_answer(self, alpha: Tenant) -> None:
        (one, worker), (two, _w) = make_worker(alpha), make_worker(alpha, name="李四")
        make_day(alpha, one, "08:00", "18:00")
        instance = make_day(alpha, two, "08:00")
        ask(alpha, instance, make_member(alpha))
        with pytest.raises(errors.MonthNotOver):
            operations.close_month(
                month=DAY, by=make_member(alpha), tenant=alpha, now=at(alpha, "09:00", date(2026, 12, 3))
            )
        closed = operations.close_month(
            month=DAY, by=make_member(alpha), tenant=alpha, now=at(alpha, "09:00", date(2026, 12, 8))
        )
        row = Confirmation.objects.get()
        assert (closed, row.staff_id, row.by_school, row.figures["normal"]) == (1, one.pk, True, 1)
        assert Notice.objects.filter(account_id=worker.account_id, title__contains="关账").exists()


class TestSentinel:
    def _basement(self, alpha: Tenant, *, people: int = 3) -> tuple[Fence, ShiftInstance]:
        """A post in a basement, whose people are found 40 m outside although they are there; and one that works."""
        make_rule()
        party = make_party("contract")
        post, other = make_post("地下室保洁", party=party), make_post("大门", party=party)
        fence = make_fence(post, radius_m=50)
        instance = None
        for n in range(people):
            staff = make_staff(f"员工{n}", post=post)
            row = make_assignment(alpha, day=DAY, staff=staff, shift=make_shift(spans=((480, 1080),)))
            for k in range(4):
                lat, lon = north(90)
                make_refused(
                    staff, at(alpha, f"07:5{k}"), latitude=lat, longitude=lon, accuracy_m=10.0, phone_id=f"p{n}"
                )
            make_punch(staff, at=at(alpha, "18:02"), post=post)
            instance = ShiftInstance.objects.get(assignment=row)
        for n in range(40):
            make_punch(make_staff(post=other), at=at(alpha, "08:00"), post=other, phone_id=f"q{n}")
        derive(alpha, now=at(alpha, "20:00") + timedelta(days=1))
        assert instance is not None
        return fence, instance

    def test_it_is_found_the_penalty_held_and_decided(self, alpha: Tenant) -> None:
        supervisor = make_member(alpha)
        fence, instance = self._basement(alpha)
        assert result_of(instance).mark == Mark.MISSING_IN
        now = at(alpha, "21:00") + timedelta(days=1)
        found = operations.look_for_suspects(tenant=alpha, now=now)
        assert [(s.kind, s.refused, s.tried, s.people) for s in found] == [("fence", 12, 15, 3)]
        assert found[0].proposal["radius_m"] == 90 and found[0].proposal["was_m"] == 50
        assert operations.look_for_suspects(tenant=alpha, now=now) == []
        assert result_of(instance).suspect_id == found[0].pk
        assert "待定" in queries.sentence_of(queries.result(instance_id=instance.pk, by=supervisor), alpha.tz)
        derive(alpha, now=now)
        assert result_of(instance).suspect_id == found[0].pk  # deriving again does not let it go
        operations.decide_suspect(suspect_id=found[0].pk, accepted=True, by=supervisor, tenant=alpha, now=now)
        fence.refresh_from_db()
        after = result_of(instance)
        assert (fence.radius_m, after.mark, after.suspect_id) == (90, Mark.NORMAL, None)
        assert not Punch.objects.filter(status="refused").exists()

    def test_rejected_lets_the_penalty_stand(self, alpha: Tenant) -> None:
        supervisor = make_member(alpha)
        fence, instance = self._basement(alpha)
        now = at(alpha, "21:00") + timedelta(days=1)
        (row,) = operations.look_for_suspects(tenant=alpha, now=now)
        with pytest.raises(errors.ReasonMissing):
            operations.decide_suspect(suspect_id=row.pk, accepted=False, by=supervisor, tenant=alpha, now=now)
        for by in (make_member(alpha, Role.SCHOOL_LEADER), make_worker(alpha)[1]):
            with pytest.raises(NotAllowed):
                operations.decide_suspect(suspect_id=row.pk, accepted=True, by=by, tenant=alpha, now=now)
        operations.decide_suspect(
            suspect_id=row.pk, accepted=False, note="查看监控，确实不在", by=supervisor, tenant=alpha, now=now
        )
        fence.refresh_from_db()
        assert (fence.radius_m, result_of(instance).mark, result_of(instance).suspect_id) == (50, Mark.MISSING_IN, None)
        assert operations.look_for_suspects(tenant=alpha, now=now + timedelta(hours=1)) == []
        assert Suspect.objects.get().status == SuspectStatus.REJECTED

    def test_a_fence_changed_meanwhile_is_not_overwritten(self, alpha: Tenant) -> None:
        fence, _instance = self._basement(alpha)
        now = at(alpha, "21:00") + timedelta(days=1)
        (row,) = operations.look_for_suspects(tenant=alpha, now=now)
        Fence.objects.filter(pk=fence.pk).update(radius_m=70)
        with pytest.raises(errors.FenceMoved):
            operations.decide_suspect(suspect_id=row.pk, accepted=True, by=make_member(alpha), tenant=alpha, now=now)
        assert Suspect.objects.get().status == SuspectStatus.OPEN

    def test_one_person_alone_suspects_no_post(self, alpha: Tenant) -> None:
        self._basement(alpha, people=1)
        assert operations.look_for_suspects(tenant=alpha, now=at(alpha, "21:00") + timedelta(days=1)) == []

    def test_people_who_stand_together_elsewhere_move_the_centre(self, alpha: Tenant) -> None:
        fence, _instance = self._basement(alpha)
        lat, lon = north(400)
        Punch.objects.filter(status="refused").update(latitude=lat, longitude=lon, outside_m=350.0)
        (row,) = operations.look_for_suspects(tenant=alpha, now=at(alpha, "21:00") + timedelta(days=1))
        assert row.proposal["latitude"] == pytest.approx(lat, abs=1e-5) and row.proposal["was"] == list(HERE)
        assert row.proposal["radius_m"] == fence.radius_m


class TestSweep:
    def test_what_a_lost_message_would_have_done(self, alpha: Tenant) -> None:
        staff, _worker = make_worker(alpha)
        make_rule()
        row = make_assignment(alpha, day=DAY, staff=staff, shift=make_shift(spans=((480, 1080),)))
        make_punch(staff, at=at(alpha, "07:58"))
        noon, evening, next_day = at(alpha, "12:00"), at(alpha, "20:00"), at(alpha, "+08:00")
        operations.derive_due(tenant=alpha, now=noon)
        result = DayResult.objects.get()
        assert (result.mark, result.wait, result.due_at) == ("pending", "running", at(alpha, "18:00"))
        operations.derive_due(tenant=alpha, now=evening)
        result.refresh_from_db()
        assert (result.mark, result.wait) == ("pending", "report")
        operations.derive_due(tenant=alpha, now=next_day)
        result.refresh_from_db()
        assert (result.mark, result.due_at) == ("missing_out", None)
        leave = make_leave(staff, at(alpha, "00:00"), at(alpha, "+00:00"))
        leave.decided_at = next_day + timedelta(minutes=5)
        leave.save()
        operations.derive_due(tenant=alpha, now=next_day + timedelta(minutes=6))
        result.refresh_from_db()
        assert result.mark == "leave"
        Assignment.objects.filter(pk=row.pk).update(cancelled_at=next_day + timedelta(minutes=7))
        ShiftInstance.objects.filter(assignment=row).update(cancelled_at=next_day + timedelta(minutes=7))
        operations.derive_due(tenant=alpha, now=next_day + timedelta(minutes=8))
        assert not DayResult.objects.exists()

    def test_a_punch_two_days_late_from_an_offline_phone(self, alpha: Tenant) -> None:
        staff, _worker = make_worker(alpha)
        instance = make_day(alpha, staff, "18:03")
        assert result_of(instance).mark == Mark.MISSING_IN
        make_punch(staff, at=at(alpha, "07:57"), received_at=at(alpha, "++09:00"))
        from workers.tasks.attendance import derive_dirty

        derive_dirty.run(tenant=alpha, staff_ids=[str(staff.pk)], from_day="2026-11-09", until_day="2026-11-11")
        assert result_of(instance).mark == Mark.NORMAL
