"""Results belong to the party for which the shift was worked, whoever the person works for by now."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import openpyxl
import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.clock import SHANGHAI
from kernel.errors import NotFound
from kernel.tenancy import Tenant
from tenants.attendance import exports, operations, queries
from tenants.attendance.choices import Mark
from tenants.attendance.models import Adjustment, Confirmation, DayResult
from tenants.attendance.sheet import sheet
from tenants.jobs import files
from tenants.jobs.models import Job
from tenants.organisation.models import Staff
from tenants.punches import queries as punches
from tests.factories.attendance import DAY, at, derive, make_day, make_worker
from tests.factories.findings import make_member
from tests.factories.organisation import make_party, make_post
from tests.factories.punches import make_punch
from tests.factories.rosters import make_assignment, make_shift

pytestmark = pytest.mark.django_db
NEXT = DAY + timedelta(days=1)
LATER = date(2026, 12, 8)  # long enough after the month's end for the school to close it


@dataclass
class Moved:
    """Absent at the old company on DAY, punctual at the new one on the day after."""

    staff: Staff
    worker: Actor
    old: Actor
    new: Actor


@pytest.fixture
def moved(alpha: Tenant) -> Moved:
    staff, worker = make_worker(alpha)
    old = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=staff.party.provider_id)
    make_day(alpha, staff)
    make_punch(
        staff, at=at(alpha, "09:00", DAY - timedelta(days=3)), post=staff.post, status="refused", refusal="outside"
    )
    post = make_post("新岗", party=make_party("contract"))
    Staff.objects.filter(pk=staff.pk).update(party=post.party, post=post)
    staff.refresh_from_db()
    make_day(alpha, staff, "08:00", "18:00", day=NEXT)
    new = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=post.party.provider_id)
    return Moved(staff, worker, old, new)


def shown(by: Actor, **asked: Any) -> list[tuple[list[str], int]]:
    """Labels of the shifts a person's sheet shows, and how many its totals count."""
    people = list(queries.people(by=by, month=DAY, **asked))
    made = sheet(people, month=DAY, tz=SHANGHAI, party_ids=queries.parties_shown(by=by, **asked))
    return [([b.label for day in r.days for b in day], r.figures.instances if r.figures else 0) for r in made.rows]


def test_each_company_sees_the_shifts_that_were_its_own(alpha: Tenant, moved: Moved) -> None:
    assert shown(moved.old) == [(["旷工"], 1)]
    assert shown(moved.new) == [(["正常"], 1)]
    assert shown(make_member(alpha)) == [(["旷工", "正常"], 2)]
    assert shown(make_member(alpha), party_id=moved.staff.party_id) == [(["正常"], 1)]
    assert shown(moved.old, party_id=moved.staff.party_id) == []  # another's party is not to be had by asking


def test_a_company_without_a_shift_of_theirs_does_not_know_them(alpha: Tenant, moved: Moved) -> None:
    assert not queries.people(by=moved.new, month=date(2026, 10, 1)).exists()
    rival = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=make_party("contract").provider_id)
    assert shown(rival) == []


def test_the_sheet_names_the_party_for_which_was_worked(alpha: Tenant, moved: Moved) -> None:
    (person,) = queries.people(by=moved.old, month=DAY)
    (row,) = sheet([person], month=DAY, tz=alpha.tz, party_ids=queries.parties_shown(by=moved.old)).rows
    assert row.party != moved.staff.party.name


def test_a_month_in_numbers_too(alpha: Tenant, moved: Moved) -> None:
    told = {}
    for name, by in (("old", moved.old), ("new", moved.new), ("worker", moved.worker), ("office", make_member(alpha))):
        figures = queries.month_of(staff_id=moved.staff.pk, month=DAY, by=by)
        assert figures is not None
        told[name] = figures.marks
    both = {"absent": 1, "normal": 1}
    assert told == {"old": {"absent": 1}, "new": {"normal": 1}, "worker": both, "office": both}


def test_punches_stay_with_the_post_for_which_they_were_made(alpha: Tenant, moved: Moved) -> None:
    refused = {p.refusal for p in punches.visible(moved.new)}
    assert "outside" not in refused and "outside" in {p.refusal for p in punches.visible(moved.old)}


def test_a_large_export_keeps_to_the_same_shifts_and_the_search(
    alpha: Tenant, moved: Moved, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    other, _w = make_worker(alpha, name="李四", post=moved.staff.post)
    make_day(alpha, other, "08:00", "18:00")
    now = at(alpha, "09:00", LATER)
    exports.start(month=DAY.replace(day=1), form="xlsx", by=moved.old, tenant=alpha, now=now, search="王小明")
    exports.start(month=DAY.replace(day=1), form="xlsx", by=moved.new, tenant=alpha, now=now, search="李四")
    books = []
    for job in Job.objects.order_by("created_at"):
        exports.work(job_id=job.pk, tenant=alpha, clock=lambda: now)
        job.refresh_from_db()
        book = openpyxl.load_workbook(io.BytesIO(files.read(tenant=alpha, path=job.output_path)))
        books.append([c for row in list(book.active.values)[3:] for c in row])
    assert "旷" in books[0] and "√" not in books[0] and "李四" not in books[0]
    assert "李四" in books[1] and "王小明" not in books[1]


def test_closing_one_party_freezes_whole_months_with_whole_figures(alpha: Tenant, moved: Moved) -> None:
    other, _w = make_worker(alpha, name="李四")
    make_day(alpha, other, "08:00", "18:00")
    closed = operations.close_month(
        month=DAY, party_id=moved.staff.party_id, by=make_member(alpha), tenant=alpha, now=at(alpha, "09:00", LATER)
    )
    row = Confirmation.objects.get()
    assert (closed, row.staff_id) == (1, moved.staff.pk)
    assert (row.figures["instances"], row.figures["absent"], row.figures["normal"]) == (2, 1, 1)


class TestHoles:
    """A shift that nobody has derived (the worker was down) is judged before a month is frozen, not after."""

    def hole(self, alpha: Tenant) -> tuple[Staff, Actor]:
        staff, worker = make_worker(alpha)
        make_day(alpha, staff, "08:00", "18:00")
        make_assignment(alpha, day=DAY + timedelta(days=3), staff=staff, shift=make_shift(spans=((480, 1080),)))
        return staff, worker

    def when(self, alpha: Tenant) -> datetime:
        return at(alpha, "09:00", LATER)

    def test_confirming_counts_them(self, alpha: Tenant) -> None:
        staff, worker = self.hole(alpha)
        row = operations.confirm_month(staff_id=staff.pk, month=DAY, by=worker, tenant=alpha, now=self.when(alpha))
        assert (row.figures["instances"], row.figures["absent"]) == (2, 1)
        operations.derive_due(tenant=alpha, now=self.when(alpha))
        assert not Adjustment.objects.exists()

    def test_closing_counts_them(self, alpha: Tenant) -> None:
        staff, _worker = self.hole(alpha)
        given = {"month": DAY, "by": make_member(alpha), "tenant": alpha, "now": self.when(alpha)}
        assert operations.close_month(**given) == 1
        assert Confirmation.objects.get(staff=staff).figures["instances"] == 2

    def test_a_late_punch_that_nobody_derived_counts(self, alpha: Tenant) -> None:
        staff, worker = make_worker(alpha)
        make_day(alpha, staff, "08:00")
        make_punch(staff, at=at(alpha, "18:00"))  # arrived, and its message was lost
        row = operations.confirm_month(staff_id=staff.pk, month=DAY, by=worker, tenant=alpha, now=self.when(alpha))
        assert row.figures["normal"] == 1 and DayResult.objects.get().mark == Mark.NORMAL

    def test_a_last_night_that_still_waits_is_an_obstacle(self, alpha: Tenant) -> None:
        from tenants.attendance.errors import MonthPending

        staff, worker = make_worker(alpha)
        last = date(2026, 11, 30)
        make_day(alpha, staff, "08:00", "18:00")
        make_assignment(alpha, day=last, staff=staff, shift=make_shift(spans=((1320, 1800),)))
        early = at(alpha, "07:00", date(2026, 12, 1))
        with pytest.raises(MonthPending):
            operations.confirm_month(staff_id=staff.pk, month=DAY, by=worker, tenant=alpha, now=early)
        assert not Confirmation.objects.exists()
        derive(alpha, last, now=early)


def test_a_party_that_is_not_there_closes_nothing(alpha: Tenant, moved: Moved) -> None:
    with pytest.raises(NotFound):
        operations.close_month(
            month=DAY, party_id=uuid4(), by=make_member(alpha), tenant=alpha, now=at(alpha, "09:00", LATER)
        )
    assert not Confirmation.objects.exists()
