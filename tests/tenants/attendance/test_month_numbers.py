"""A month in numbers adds up: what is not expected, not decided, or judged as absence is said once and nowhere else."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal

import openpyxl
import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.attendance import coverage, exports, operations, queries
from tenants.attendance.choices import Mark
from tenants.attendance.contracts import Figures, Filled
from tenants.attendance.models import Confirmation, DayResult, Suspect
from tenants.attendance.sheet import sheet
from tenants.organisation import operations as organisation
from tenants.organisation.models import Staff
from tenants.rosters import operations as rosters
from tests.factories.attendance import DAY, at, derive, make_day, make_worker, result_of
from tests.factories.identity import school_actor
from tests.factories.rosters import make_coverage, make_leave, make_terms

pytestmark = pytest.mark.django_db


def days(alpha: Tenant) -> tuple[Staff, Actor]:
    """Late 14, serious late 45, early 30 after 20 late, absent by 270 minutes, one day after leaving; all in November."""
    staff, worker = make_worker(alpha)
    for n, times in enumerate(
        (("08:14", "18:00"), ("08:45", "18:00"), ("08:20", "17:30"), ("12:30", "18:00"), ("08:00", "18:00"))
    ):
        make_day(alpha, staff, *times, day=DAY + timedelta(days=n))
    Staff.objects.filter(pk=staff.pk).update(left_on=DAY + timedelta(days=3))
    derive(alpha, DAY + timedelta(days=4))
    return staff, worker


def figures_of(staff: Staff) -> Figures:
    return queries.month_figures(staff_ids=[staff.pk], month=DAY)[staff.pk]


def hold(alpha: Tenant, staff: Staff, day: date) -> None:
    case = Suspect.objects.create(
        kind="post", post_id=staff.post_id, label="大门", key=f"post:{staff.post_id}", since=at(alpha, "00:00"),
        until=at(alpha, "23:00"), refused=9, tried=10, others_refused=0, others_tried=10, low=0.5, people=3,
        reason="outside",
    )  # fmt: skip
    DayResult.objects.filter(staff=staff, day=day).update(suspect=case)


def test_the_sentence_gives_each_mark_once_and_the_minutes_of_all(alpha: Tenant) -> None:
    staff, _worker = days(alpha)
    assert figures_of(staff).sentence == (
        "应出勤 4 班，迟到 2，严重迟到 1，旷工 1；迟到共 79 分，早退共 30 分，入职前或离职后 1 班不计"
    )


def test_minutes_that_made_an_absence_are_no_lateness_too(alpha: Tenant) -> None:
    staff, _worker = days(alpha)
    absent = DayResult.objects.get(staff=staff, mark=Mark.ABSENT)
    assert absent.late_minutes == 270 and figures_of(staff).late_minutes == 14 + 45 + 20


def test_a_break_in_a_shift_that_runs_is_no_early_leaving_yet(alpha: Tenant) -> None:
    staff, _worker = make_worker(alpha)
    instance = make_day(alpha, staff, "07:58", "17:00", derive_at=at(alpha, "17:10"))
    assert result_of(instance).mark == Mark.PENDING and result_of(instance).early_minutes == 60
    assert (figures_of(staff).early_minutes, figures_of(staff).undecided) == (0, 1)


def test_a_held_penalty_counts_under_no_mark(alpha: Tenant) -> None:
    staff, _worker = days(alpha)
    hold(alpha, staff, DAY + timedelta(days=3))
    mine = figures_of(staff)
    assert (mine.of(Mark.ABSENT), mine.undecided, mine.open, mine.instances) == (0, 1, 1, 4)
    assert "旷工" not in mine.sentence and "待定 1" in mine.sentence


def test_who_confirms_and_who_is_closed_have_the_same_numbers(alpha: Tenant) -> None:
    staff, worker = days(alpha)
    now = at(alpha, "09:00", date(2026, 12, 10))
    operations.confirm_month(staff_id=staff.pk, month=DAY, by=worker, tenant=alpha, now=now)
    said = Confirmation.objects.get().figures
    Confirmation.objects.all().delete()
    operations.close_month(month=DAY, by=Actor.system(alpha.school_id), tenant=alpha, now=now)
    assert Confirmation.objects.get().figures == said
    assert (said["instances"], said["rest"], said["late_minutes"], said["early_minutes"]) == (4, 1, 79, 30)


def test_sheet_and_workbook_add_up(alpha: Tenant) -> None:
    staff, _worker = days(alpha)
    hold(alpha, staff, DAY + timedelta(days=1))
    people = list(Staff.objects.select_related("party", "post"))
    made = sheet(people, month=DAY, tz=alpha.tz)
    row = made.rows[0]
    assert row.figures is not None
    assert row.figures.instances == sum(row.totals) + row.figures.undecided
    page = openpyxl.load_workbook(io.BytesIO(exports.workbook([made], school="甲", tz=alpha.tz))).worksheets[0]
    cells = {head.value: cell.value for head, cell in zip(page[3], page[4], strict=True)}
    assert [cells[head] for head in ("应出勤", "迟到", "严重迟到", "旷工", "未定", "迟到分钟", "早退分钟")] == [
        4, 2, 0, 1, 1, 34, 30,
    ]  # fmt: skip


def test_a_box_says_late_and_early_apart(alpha: Tenant) -> None:
    staff, _worker = days(alpha)
    people = list(Staff.objects.select_related("party", "post").filter(pk=staff.pk))
    labels = [box.label for day in sheet(people, month=DAY, tz=alpha.tz).rows[0].days for box in day]
    assert labels == ["迟到 14 分", "严重迟到 45 分", "迟到 20 分，早退 30 分", "旷工", "休息"]


class TestFill:
    """One person contracted 08:00–18:00 for 30 yuan an hour."""

    def filled(self, alpha: Tenant, staff: Staff) -> Filled:
        assert staff.post is not None
        make_terms(staff.post, hourly_rate="30.00")
        make_coverage(staff.post, span=(480, 1080))
        now = at(alpha, "12:00", DAY + timedelta(days=5))
        (row,) = coverage.filled(tenant=alpha, now=now, first=DAY, last=DAY)
        return row

    def test_hours_and_yuan_add_up(self, alpha: Tenant) -> None:
        staff, _worker = make_worker(alpha)
        make_day(alpha, staff, "09:30", "17:00")
        row = self.filled(alpha, staff)
        assert (row.contracted, row.present, row.short_minutes) == (600, 450, 150)
        assert (row.short_hours, row.short_yuan, row.rate) == (Decimal("2.5"), Decimal("75.00"), 0.75)

    @pytest.mark.parametrize("kind", ["personal", "field"])
    def test_leave_in_the_midst_is_no_presence_at_the_post(self, alpha: Tenant, kind: str) -> None:
        staff, _worker = make_worker(alpha)
        make_leave(staff, at(alpha, "10:30"), at(alpha, "14:00"), kind=kind)
        instance = make_day(alpha, staff, "07:58", "18:02")
        row = self.filled(alpha, staff)
        assert result_of(instance).worked_minutes == row.present == 390
        assert (row.short_minutes, row.short_yuan) == (210, Decimal("105.00"))

    def test_a_post_closed_later_keeps_what_it_lacked(self, alpha: Tenant) -> None:
        staff, _worker = make_worker(alpha)
        make_day(alpha, staff, "09:30", "17:00")
        assert staff.post is not None
        Staff.objects.filter(pk=staff.pk).update(post=None)
        later = at(alpha, "12:00", DAY + timedelta(days=3))
        organisation.close_post(
            post_id=staff.post.pk, by=school_actor(alpha, Role.SCHOOL_ADMIN), tenant=alpha, now=later
        )
        row = self.filled(alpha, staff)
        assert (row.contracted, row.short_minutes, row.short_yuan) == (600, 150, Decimal("75.00"))
        days = coverage.filled(
            tenant=alpha, now=later + timedelta(days=3), first=DAY, last=DAY + timedelta(days=5), by=("day",)
        )
        assert [day.contracted for day in days] == [600, 600, 600]  # the day of closing asks for nobody any more

    def test_a_new_price_changes_no_past_day(self, alpha: Tenant) -> None:
        staff, _worker = make_worker(alpha)
        make_day(alpha, staff, "09:30", "17:00")
        assert staff.post is not None
        by, post_id = school_actor(alpha, Role.SCHOOL_ADMIN), staff.post.pk
        assert self.filled(alpha, staff).short_yuan == Decimal("75.00")
        for price, hour in (
            (None, "08:00"),
            (Decimal(99), "09:00"),
            (Decimal("1.00"), "10:00"),
        ):  # three times on one day
            now = at(alpha, hour, DAY + timedelta(days=1))
            rosters.set_terms(post_id=post_id, grade="C", hourly_rate=price, by=by, tenant=alpha, now=now)
        now = at(alpha, "12:00", DAY + timedelta(days=5))
        yuan = [
            row.short_yuan
            for row in coverage.filled(tenant=alpha, now=now, first=DAY, last=DAY + timedelta(days=1), by=("day",))
        ]
        assert yuan == [Decimal("75.00"), Decimal("10.00")]

    def test_the_first_price_holds_for_the_days_before(self, alpha: Tenant) -> None:
        staff, _worker = make_worker(alpha)
        make_day(alpha, staff, "09:30", "17:00")
        assert staff.post is not None
        make_coverage(staff.post, span=(480, 1080))
        now = at(alpha, "12:00", DAY + timedelta(days=5))
        rosters.set_terms(
            post_id=staff.post.pk,
            grade="C",
            hourly_rate=Decimal(30),
            by=school_actor(alpha, Role.SCHOOL_ADMIN),
            tenant=alpha,
            now=now,
        )
        (row,) = coverage.filled(tenant=alpha, now=now, first=DAY, last=DAY)
        assert row.short_yuan == Decimal("75.00")

    def test_somebody_elses_leave_takes_nothing_away(self, alpha: Tenant) -> None:
        staff, _worker = make_worker(alpha)
        other, _their = make_worker(alpha, name="李四")
        make_leave(other, at(alpha, "10:30"), at(alpha, "14:00"))
        make_day(alpha, staff, "07:58", "18:02")
        assert self.filled(alpha, staff).present == 600


def test_leave_in_the_midst_is_said(alpha: Tenant) -> None:
    staff, _worker = make_worker(alpha)
    make_leave(staff, at(alpha, "10:30"), at(alpha, "14:00"))
    instance = make_day(alpha, staff, "07:58", "18:02")
    row = DayResult.objects.select_related(*queries.ROW).get(instance=instance)
    said = queries.sentence_of(row, alpha.tz)
    assert "中途请假的时间已扣除" in said and "应在岗 08:00–18:00" not in said and said.endswith("正常")


def test_without_grace_none_is_named(alpha: Tenant) -> None:
    staff, _worker = make_worker(alpha)
    instance = make_day(alpha, staff, "08:03", "18:02", grace_minutes=0)
    row = DayResult.objects.select_related(*queries.ROW).get(instance=instance)
    assert queries.sentence_of(row, alpha.tz) == "班次 08:00–18:00，首卡 08:03，迟到 3 分，末卡 18:02"
