"""What is decided after a shift was judged reaches its result by the sweep alone, and no more than it decides."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.attendance import derive as derivation
from tenants.attendance import metrics, operations, queries
from tenants.attendance.choices import Mark, Wait
from tenants.attendance.models import Adjustment, DayResult, Suspect, Watermark
from tenants.organisation import operations as organisation
from tenants.organisation.models import Staff
from tenants.punches import operations as punches
from tenants.punches.contracts import Record
from tenants.punches.models import Punch
from tenants.rosters import operations as rosters
from tenants.rosters.models import Assignment, Leave, ShiftInstance
from tenants.timeline.models import Event
from tests.factories.attendance import DAY, at, derive, make_day, make_refused, make_worker, result_of
from tests.factories.findings import make_member
from tests.factories.organisation import make_party, make_place, make_post
from tests.factories.punches import make_device, make_punch
from tests.factories.rosters import make_assignment, make_leave, make_shift

pytestmark = pytest.mark.django_db


def settle(tenant: Tenant, now: datetime) -> None:
    """As if the sweep had seen everything up to now."""
    Assignment.objects.update(published_at=at(tenant, "00:00") - timedelta(days=30))
    Watermark.objects.update_or_create(pk=1, defaults={"seen_until": now, "looked_at": now})


def sweep(tenant: Tenant, now: datetime) -> None:
    """Right after, and long after."""
    for later in (timedelta(minutes=1), timedelta(days=3)):
        operations.derive_due(tenant=tenant, now=now + later)


class TestLeaveTakenBack:
    def granted(self, alpha: Tenant, staff: Staff, *days: int) -> Leave:
        first, last = (DAY + timedelta(days=n) for n in days)
        row = make_leave(staff, at(alpha, "00:00", first), at(alpha, "+00:00", last))
        Leave.objects.filter(pk=row.pk).update(decided_at=at(alpha, "00:00", first) - timedelta(days=1))
        return row

    def test_days_that_were_allowed_stay_and_the_others_are_judged(self, alpha: Tenant) -> None:
        staff, worker = make_worker(alpha)
        leave, back = self.granted(alpha, staff, 0, 3), DAY + timedelta(days=2)
        now = at(alpha, "07:30", back)  # the third day: its in-window is open, and it is judged "leave" by now
        days = [make_day(alpha, staff, day=DAY + timedelta(days=n), derive_at=now) for n in range(4)]
        derive(alpha, back, now=now)
        assert result_of(days[2]).mark == Mark.LEAVE
        settle(alpha, now)
        rosters.withdraw_leave(leave_id=leave.pk, by=worker, tenant=alpha, now=now)
        sweep(alpha, now)
        assert [result_of(i).mark for i in days] == [Mark.LEAVE, Mark.LEAVE, Mark.ABSENT, Mark.ABSENT]

    def test_who_comes_back_at_noon_is_judged_for_the_afternoon(self, alpha: Tenant) -> None:
        staff, worker = make_worker(alpha)
        leave, now = self.granted(alpha, staff, 0, 0), at(alpha, "12:00")
        instance = make_day(alpha, staff, derive_at=now)
        settle(alpha, now)
        rosters.withdraw_leave(leave_id=leave.pk, by=worker, tenant=alpha, now=now)
        for text in ("11:55", "18:02"):
            make_punch(staff, at=at(alpha, text))
        sweep(alpha, now)
        row = result_of(instance)
        assert (row.mark, row.leave_minutes, row.worked_minutes) == (Mark.NORMAL, 240, 360)


class TestEmployment:
    """Joining and leaving in the midst of a month, registered when the days are judged already."""

    def judged(self, alpha: Tenant) -> tuple[Staff, list[ShiftInstance], datetime]:
        staff, _worker = make_worker(alpha)
        now = at(alpha, "12:00", DAY + timedelta(days=6))
        days = [make_day(alpha, staff, day=DAY + timedelta(days=n), derive_at=now) for n in range(4)]
        assert {result_of(i).mark for i in days} == {Mark.ABSENT}
        settle(alpha, now)
        return staff, days, now

    def test_left_and_registered_late(self, alpha: Tenant) -> None:
        staff, days, now = self.judged(alpha)
        admin = make_member(alpha, Role.SCHOOL_ADMIN)
        organisation.leave(staff_id=staff.pk, left_on=DAY + timedelta(days=1), now=now, by=admin, tenant=alpha)
        rosters.extend(tenant=alpha, now=now)
        sweep(alpha, now)
        assert [result_of(i).mark for i in days] == [Mark.ABSENT, Mark.ABSENT, Mark.REST, Mark.REST]
        settle(alpha, now := now + timedelta(days=4))
        organisation.bring_back(staff_id=staff.pk, party_id=staff.party_id, now=now, by=admin, tenant=alpha)
        sweep(alpha, now)
        assert {result_of(i).mark for i in days} == {Mark.ABSENT}

    def test_a_later_date_of_joining(self, alpha: Tenant) -> None:
        staff, days, now = self.judged(alpha)
        organisation.change_staff(
            staff_id=staff.pk, number=staff.number, name=staff.name, party_id=staff.party_id, post_id=staff.post_id,
            hired_on=DAY + timedelta(days=3), now=now, by=make_member(alpha, Role.SCHOOL_ADMIN), tenant=alpha,
        )  # fmt: skip
        sweep(alpha, now)
        assert [result_of(i).mark for i in days] == [Mark.REST, Mark.REST, Mark.REST, Mark.ABSENT]

    def test_after_the_month_was_confirmed_it_stands_beside(self, alpha: Tenant) -> None:
        staff, days, _now = self.judged(alpha)
        now = at(alpha, "12:00", date(2026, 12, 8))
        operations.close_month(month=DAY, by=make_member(alpha), tenant=alpha, now=now)
        admin = make_member(alpha, Role.SCHOOL_ADMIN)
        organisation.leave(staff_id=staff.pk, left_on=DAY + timedelta(days=2), now=now, by=admin, tenant=alpha)
        sweep(alpha, now)
        assert {result_of(i).mark for i in days} == {Mark.ABSENT}
        assert [(a.instance_id, a.was, a.mark) for a in Adjustment.objects.all()] == [(days[3].pk, "absent", "rest")]

    def test_a_last_day_told_ahead_changes_nothing_until_then(self, alpha: Tenant) -> None:
        staff, worker = make_worker(alpha)
        now, last = at(alpha, "12:00"), DAY + timedelta(days=2)
        organisation.leave(
            staff_id=staff.pk, left_on=last, now=now, by=make_member(alpha, Role.SCHOOL_ADMIN), tenant=alpha
        )
        for day, hour in ((last, "07:58"), (last, "18:00")):
            punches.punch(client_id=uuid4(), by=worker, tenant=alpha, now=at(alpha, hour, day), post_id=staff.post_id)
        assert not Punch.objects.filter(refusal="left").exists() and Punch.objects.count() == 2


class TestHeld:
    def suspect(self, alpha: Tenant, post_id: Any, *, since: datetime | None = None) -> Suspect:
        return Suspect.objects.create(
            kind="post", post_id=post_id, label="x", key=f"post:{post_id}", since=since or at(alpha, "00:00"),
            until=at(alpha, "+00:00"), refused=9, tried=10, others_refused=1, others_tried=100, low=0.6, people=2,
            reason="outside",
        )  # fmt: skip

    def test_once_corrected_it_waits_for_nobody(self, alpha: Tenant) -> None:
        (staff, worker), now = make_worker(alpha), at(alpha, "09:00") + timedelta(days=2)
        case = self.suspect(alpha, staff.post_id)
        make_refused(staff, at(alpha, "07:55"))
        instance = make_day(alpha, staff, "08:40", "18:00")
        assert result_of(instance).suspect_id == case.pk
        row = operations.ask_correction(
            instance_id=instance.pk, side="in", at=at(alpha, "07:55"), reason="忘", by=worker, tenant=alpha, now=now
        )
        operations.decide_correction(correction_id=row.pk, approved=True, by=make_member(alpha), tenant=alpha, now=now)
        after = result_of(instance)
        assert (after.mark, after.suspect_id) == (Mark.NORMAL, None)
        said = queries.sentence_of(queries.result(instance_id=instance.pk, by=worker), alpha.tz)
        assert "待定" not in said and metrics.counts(first=DAY, after=DAY + timedelta(days=1))[0].denominator == 1
        figures = queries.month_of(staff_id=staff.pk, month=DAY, by=worker)
        assert figures is not None and figures.open == 0

    def test_a_penalty_that_stays_one_stays_held(self, alpha: Tenant) -> None:
        staff, _worker = make_worker(alpha)
        case = self.suspect(alpha, staff.post_id)
        make_refused(staff, at(alpha, "07:55"))
        instance = make_day(alpha, staff, "08:40", "18:00")
        make_punch(staff, at=at(alpha, "08:20"))
        derive(alpha)
        assert (result_of(instance).mark, result_of(instance).suspect_id) == (Mark.LATE, case.pk)

    def test_what_was_confirmed_is_not_held_afterwards(self, alpha: Tenant) -> None:
        (staff, worker), day = make_worker(alpha), date(2026, 11, 27)
        instance = make_day(alpha, staff, "08:40", "18:00", day=day)
        make_refused(staff, at(alpha, "07:55", day))
        now = at(alpha, "09:00", date(2026, 12, 2))
        operations.confirm_month(staff_id=staff.pk, month=day, by=worker, tenant=alpha, now=now)
        self.suspect(alpha, staff.post_id, since=at(alpha, "00:00", day))
        derive(alpha, day, now=now)
        assert (result_of(instance).mark, result_of(instance).suspect_id) == (Mark.SERIOUS_LATE, None)

    def adjusted(self, alpha: Tenant) -> tuple[Any, Any, Suspect, Any]:
        """A month confirmed with a normal day; then its in-punch turns out to be refused, and a case explains that."""
        (staff, worker), day = make_worker(alpha), date(2026, 11, 27)
        instance = make_day(alpha, staff, "07:55", "18:00", day=day)
        now = at(alpha, "09:00", date(2026, 12, 2))
        operations.confirm_month(staff_id=staff.pk, month=day, by=worker, tenant=alpha, now=now)
        Punch.objects.filter(staff=staff, at__lt=at(alpha, "12:00", day)).update(
            status="refused", refusal="outside", post_id=staff.post_id
        )
        derive(alpha, day, now=now)
        return instance, worker, self.suspect(alpha, staff.post_id, since=at(alpha, "00:00", day)), now

    def later(self, instance: Any) -> Adjustment:
        return queries.adjustments_of([instance.pk])[instance.pk]

    def test_a_penalty_beside_a_confirmed_month_waits_too(self, alpha: Tenant) -> None:
        instance, worker, case, _now = self.adjusted(alpha)
        assert (self.later(instance).mark, self.later(instance).held) == (Mark.MISSING_IN, True)
        (line,) = queries.lines([queries.result(instance_id=instance.pk, by=worker)], tz=alpha.tz)
        assert line.adjusted.startswith("确认后更正：") and "待定" in line.adjusted and not line.held
        assert queries.held_adjustments([case])[case.pk] == 1

    def test_without_an_open_case_that_explains_it_it_does_not(self, alpha: Tenant) -> None:
        instance, _worker, case, _now = self.adjusted(alpha)
        Suspect.objects.update(post_id=make_post("别处").pk)
        assert not self.later(instance).held
        Suspect.objects.update(post_id=case.post_id, status="rejected")
        assert not self.later(instance).held

    def test_rejected_lets_the_adjustment_stand(self, alpha: Tenant) -> None:
        instance, _worker, case, now = self.adjusted(alpha)
        operations.decide_suspect(
            suspect_id=case.pk, accepted=False, note="监控中不在", by=make_member(alpha), tenant=alpha, now=now
        )
        assert (self.later(instance).mark, self.later(instance).held) == (Mark.MISSING_IN, False)
        assert Adjustment.objects.count() == 1

    def test_accepted_says_beside_the_month_what_it_is_now(self, alpha: Tenant) -> None:
        instance, _worker, case, now = self.adjusted(alpha)
        operations.decide_suspect(suspect_id=case.pk, accepted=True, by=make_member(alpha), tenant=alpha, now=now)
        assert (self.later(instance).mark, self.later(instance).held) == (Mark.NORMAL, False)
        assert [a.mark for a in Adjustment.objects.order_by("pk")] == [Mark.MISSING_IN, Mark.NORMAL]

    @pytest.mark.parametrize("refusal", ["left", "clock", "wrong_place"])
    def test_a_refusal_that_says_what_is_so_holds_nothing(self, alpha: Tenant, refusal: str) -> None:
        staff, _worker = make_worker(alpha)
        self.suspect(alpha, staff.post_id)
        make_punch(staff, at=at(alpha, "07:55"), status="refused", refusal=refusal, post=staff.post)
        assert result_of(make_day(alpha, staff, "08:40", "18:00")).suspect_id is None


class TestDevices:
    def test_a_terminal_that_never_says_how_far_it_has_reported_is_waited_for_since_it_was_heard(
        self, alpha: Tenant
    ) -> None:
        place = make_place()
        staff, _worker = make_worker(alpha, post=make_post("大门", party=make_party("contract"), place=place))
        device, before = make_device(place=place), DAY - timedelta(days=1)

        def heard(seq: int, when: datetime) -> None:
            punches.ingest(
                device_id=device.pk, records=[Record(seq, staff.number, when)], by=Actor.system(alpha.school_id),
                tenant=alpha, now=when,
            )  # fmt: skip

        heard(1, at(alpha, "08:00", before))
        instance = make_day(alpha, staff, derive_at=at(alpha, "+12:00"))
        assert (result_of(instance).mark, result_of(instance).wait) == (Mark.PENDING, Wait.DEVICE)
        heard(2, at(alpha, "+12:30"))
        derive(alpha, now=at(alpha, "+12:45"))
        assert result_of(instance).mark == Mark.ABSENT


class TestSweep:
    def test_a_long_backlog_loses_no_leave(self, alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        """Shifts without a result may wait for the next sweep; what the watermark has passed would not come again."""
        staff, _worker = make_worker(alpha)
        now = at(alpha, "12:00", DAY + timedelta(days=2))
        instance = make_day(alpha, staff, derive_at=now)
        settle(alpha, now)
        for n in range(1, 6):
            make_assignment(alpha, day=DAY - timedelta(days=n), staff=staff, shift=make_shift(spans=((480, 1080),)))
        Assignment.objects.update(published_at=at(alpha, "00:00") - timedelta(days=30))
        leave = make_leave(staff, at(alpha, "00:00"), at(alpha, "+00:00"))
        Leave.objects.filter(pk=leave.pk).update(decided_at=now)
        monkeypatch.setattr(derivation, "DUE", derivation.DUE.replace("LIMIT 50000", "LIMIT 2"))
        operations.derive_due(tenant=alpha, now=now + timedelta(minutes=1))
        assert result_of(instance).mark == Mark.LEAVE and DayResult.objects.count() == 3
        for _more in range(2):
            operations.derive_due(tenant=alpha, now=now + timedelta(minutes=2))
        assert DayResult.objects.count() == 6


def test_what_a_cancelled_shift_had_come_to_stays_on_the_timeline(alpha: Tenant) -> None:
    staff, _worker = make_worker(alpha)
    make_day(alpha, staff)
    now = at(alpha, "12:00", DAY + timedelta(days=5))
    rosters.change_cells(cells=[rosters.CellChange(staff.pk, DAY, ())], by=make_member(alpha), tenant=alpha, now=now)
    operations.derive_due(tenant=alpha, now=now + timedelta(minutes=1))
    assert not DayResult.objects.exists()
    event = Event.objects.get(verb="results.forgotten")
    assert event.staff_id == staff.pk and event.sentence.endswith("考勤结果随之作废：11月10日旷工")
