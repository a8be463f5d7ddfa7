"""A confirmed month that was put right: the sheet keeps what was confirmed and says what it is now; numbers count what is."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.attendance import coverage, exports, metrics, operations
from tenants.attendance.choices import Mark
from tenants.attendance.models import Adjustment, DayResult, Suspect
from tenants.attendance.sheet import Sheet, sheet
from tenants.organisation.models import Staff
from tenants.punches.models import Punch
from tenants.rosters.models import Assignment, ShiftInstance
from tests.databases import ROOT
from tests.factories.attendance import at, derive, make_day, make_worker
from tests.factories.organisation import make_party
from tests.factories.punches import make_punch
from tests.factories.rosters import make_coverage

DAY = date(2026, 10, 20)


def now(tenant: Tenant) -> datetime:
    return at(tenant, "09:00", date(2026, 11, 25))


def confirmed(tenant: Tenant, *times: str) -> tuple[Staff, Actor, ShiftInstance]:
    """A day of a month that its person has confirmed."""
    staff, worker = make_worker(tenant)
    instance = make_day(tenant, staff, *times, day=DAY)
    operations.confirm_month(staff_id=staff.pk, month=DAY, by=worker, tenant=tenant, now=now(tenant))
    return staff, worker, instance


def put_right(tenant: Tenant, *times: str) -> tuple[Staff, ShiftInstance]:
    """Confirmed as absent, and then it turns out that the person was there."""
    staff, _worker, instance = confirmed(tenant)
    for text in times:
        make_punch(staff, at=at(tenant, text, DAY), source="correction")
    derive(tenant, DAY, now=now(tenant))
    return staff, instance


def counted(**more: object) -> dict[str, tuple[int, int]]:
    rows = metrics.counts(first=date(2026, 10, 1), after=date(2026, 11, 1), **more)  # type: ignore[arg-type]
    return {row.code.removeprefix("attendance_"): (row.numerator, row.denominator) for row in rows}


def shown(tenant: Tenant, staff: Staff) -> Sheet:
    people = list(Staff.objects.select_related("party", "post").filter(pk=staff.pk))
    return sheet(people, month=DAY, tz=tenant.tz)


def suspect(tenant: Tenant, staff: Staff) -> Suspect:
    return Suspect.objects.create(
        kind="post", post_id=staff.post_id, label="大门", key=f"post:{staff.post_id}", since=at(tenant, "00:00", DAY),
        until=at(tenant, "23:00", DAY), refused=9, tried=10, others_refused=0, others_tried=10, low=0.5, people=3,
        reason="outside",
    )  # fmt: skip


class TestNumbers:
    def test_who_was_there_is_not_absent_any_more(self, alpha: Tenant) -> None:
        _staff, instance = put_right(alpha, "08:00", "18:00")
        assert DayResult.objects.get(instance=instance).mark == Mark.ABSENT  # what was confirmed stays
        assert counted() == {"present": (1, 1), "late": (0, 1), "early": (0, 1), "absent": (0, 1)}
        party = instance.party_id
        assert counted(by=["party"], party_ids=[party]) == counted()
        assert counted(party_ids=[make_party().pk])["absent"] == (0, 0)

    def test_late_is_late(self, alpha: Tenant) -> None:
        put_right(alpha, "08:20", "18:00")
        assert counted()["late"] == (1, 1) and counted()["absent"] == (0, 1)

    def test_the_last_of_several_counts(self, alpha: Tenant) -> None:
        staff, instance = put_right(alpha, "08:00", "18:00")
        Punch.objects.filter(staff=staff).update(status="refused", refusal="outside")
        derive(alpha, DAY, now=now(alpha))
        assert Adjustment.objects.filter(instance=instance).count() == 2
        assert counted()["absent"] == (1, 1)

    def test_a_cancelled_shift_is_no_more_expected(self, alpha: Tenant) -> None:
        _staff, _worker, instance = confirmed(alpha)
        ShiftInstance.objects.filter(pk=instance.pk).update(cancelled_at=now(alpha))
        Assignment.objects.update(cancelled_at=now(alpha))
        derive(alpha, DAY, now=now(alpha))
        assert counted()["absent"] == (0, 0)

    def test_one_that_is_held_changes_nothing_until_it_is_decided(self, alpha: Tenant) -> None:
        staff, _worker, _instance = confirmed(alpha, "07:55", "18:00")
        case = suspect(alpha, staff)
        Punch.objects.filter(staff=staff, at__lt=at(alpha, "12:00", DAY)).update(
            status="refused", refusal="outside", post_id=staff.post_id
        )
        derive(alpha, DAY, now=now(alpha))
        assert counted()["present"] == (1, 1)
        (filled,) = self.filled(alpha, staff)
        assert filled.present == 600
        Suspect.objects.filter(pk=case.pk).update(status="rejected")
        (filled,) = coverage.filled(tenant=alpha, now=now(alpha), first=DAY, last=DAY)
        assert filled.present == 0  # 缺卡 proves nothing

    def filled(self, alpha: Tenant, staff: Staff) -> list[coverage.Filled]:
        assert staff.post is not None
        make_coverage(staff.post, span=(480, 1080))
        return coverage.filled(tenant=alpha, now=now(alpha), first=DAY, last=DAY)

    def test_the_fill_rate_counts_the_hours_too(self, alpha: Tenant) -> None:
        staff, _instance = put_right(alpha, "08:30", "18:00")
        (filled,) = self.filled(alpha, staff)
        assert (filled.contracted, filled.present) == (600, 570)


class TestSheet:
    def test_a_cell_keeps_what_was_confirmed_and_says_what_it_is(self, alpha: Tenant) -> None:
        staff, _instance = put_right(alpha, "08:00", "18:00")
        made = shown(alpha, staff)
        (box,) = [b for day in made.rows[0].days for b in day]
        assert box.text == "旷△" and "确认后更正为" in box.label
        (change,) = made.changes
        assert (change.staff, change.day, change.was, change.now) == (staff, DAY, "旷工", "正常")
        assert made.rows[0].figures is not None and made.rows[0].figures.of(Mark.ABSENT) == 1

    def test_without_a_change_there_is_no_mark(self, alpha: Tenant) -> None:
        staff, _worker, _instance = confirmed(alpha, "08:00", "18:00")
        made = shown(alpha, staff)
        assert made.changes == [] and [b.text for day in made.rows[0].days for b in day] == ["√"]

    def test_a_shift_cancelled_afterwards_stands_in_the_list(self, alpha: Tenant) -> None:
        staff, _worker, instance = confirmed(alpha)
        ShiftInstance.objects.filter(pk=instance.pk).update(cancelled_at=now(alpha))
        Assignment.objects.update(cancelled_at=now(alpha))
        derive(alpha, DAY, now=now(alpha))
        (change,) = shown(alpha, staff).changes
        assert (change.was, change.now) == ("旷工", "班次取消")

    def test_a_held_one_says_so(self, alpha: Tenant) -> None:
        staff, _worker, _instance = confirmed(alpha, "07:55", "18:00")
        suspect(alpha, staff)
        Punch.objects.filter(staff=staff, at__lt=at(alpha, "12:00", DAY)).update(
            status="refused", refusal="outside", post_id=staff.post_id
        )
        derive(alpha, DAY, now=now(alpha))
        (change,) = shown(alpha, staff).changes
        assert change.held and change.now == "缺上班卡（待定）"

    @pytest.mark.parametrize("form", ["xlsx", "pdf"])
    def test_the_files_show_it_too(
        self, alpha: Tenant, form: str, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        settings.FONT_DIR = str(ROOT / "var" / "fonts")
        staff, _instance = put_right(alpha, "08:00", "18:00")
        given: list[dict[str, object]] = []
        printed = exports.pdf.pdf
        monkeypatch.setattr(exports.pdf, "pdf", lambda source, data: given.append(data) or printed(source, data))
        people = list(Staff.objects.select_related("party", "post").filter(pk=staff.pk))
        made = exports.make(people, month=DAY, form=form, tenant=alpha, now=now(alpha))
        if form == "pdf":
            assert made[:5] == b"%PDF-"
            (change,) = given[0]["changes"]  # type: ignore[misc]
            assert change[4:6] == ("旷工", "正常")
            return
        book = openpyxl.load_workbook(io.BytesIO(made))
        assert "旷△" in [c for row in book.worksheets[0].values for c in row]
        rows = list(book["确认后更正"].values)
        assert rows[1][2:6] == ("2026-10-20", "图书馆保洁", "旷工", "正常")
