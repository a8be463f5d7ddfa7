"""Batches are stored by one statement: it finds what the single look finds, and people are still there, whoever writes."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from identity.contracts import Actor
from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant
from tenants.punches import expected, operations, queries, sentences
from tenants.punches.contracts import BatchResult, Record
from tenants.punches.models import Device, Dirty, Punch
from tenants.punches.operations import storing
from tests.factories.organisation import make_place, make_post, make_staff
from tests.factories.punches import make_device, make_instance, make_punch

NOW = datetime(2026, 3, 31, 4, 0, tzinfo=UTC)


def send(tenant: Tenant, device: Device, records: list[Record]) -> BatchResult:
    by = Actor.system(tenant.school_id)
    return operations.ingest(device_id=device.pk, records=records, by=by, tenant=tenant, now=NOW)


# --- The shift -------------------------------------------------------------------------------------


def test_a_batch_finds_the_shift_that_a_single_punch_would_find(alpha: Tenant) -> None:
    """Forty days of shifts that overlap, touch, run over midnight or for two days, some cancelled."""
    dice = random.Random(11)
    posts = [make_post() for _ in range(3)]
    people = [make_staff(post=posts[0]) for _ in range(5)]
    first = NOW - timedelta(days=40)
    for person in people:
        for day in range(40):
            starts_at = first + timedelta(days=day, minutes=30 * dice.randrange(48))
            make_instance(
                person, post=dice.choice(posts), starts_at=starts_at, grade=dice.choice("ABC"),
                ends_at=starts_at + timedelta(hours=dice.choice([4, 8, 8, 12, 24, 50])),
                before=timedelta(minutes=dice.choice([0, 60, 600])), after=timedelta(minutes=dice.choice([0, 120, 900])),
                cancelled_at=NOW if dice.random() < 0.15 else None,
            )  # fmt: skip
    records = [
        Record(n, dice.choice(people).number, first + timedelta(seconds=dice.randrange(40 * 86_400)), "in")
        for n in range(1, 601)
    ]
    whose = {person.number: person for person in people}
    assert send(alpha, make_device(), records).accepted == 600
    unlike = []
    for row in Punch.objects.select_related("staff"):
        found = expected.around(row.staff_id, row.at)
        wanted = (found[0].post_id, found[0].grade) if found else (whose[row.staff.number].post_id, "C")
        if (row.post_id, row.asked) != wanted:
            unlike.append((row.at, wanted))
    assert not unlike
    assert Punch.objects.exclude(post_id=posts[0].pk).count() > 100  # the shifts did count


def test_a_terminal_that_sends_one_punch_gets_the_same_answer(alpha: Tenant) -> None:
    person = make_staff(post=make_post())
    shift = make_instance(person, post=make_post(), starts_at=NOW, grade="B")
    assert send(alpha, make_device(), [Record(1, person.number, NOW)]).accepted == 1
    assert Punch.objects.get().post_id == shift.post_id


def test_few_numbers_are_looked_up_alone_and_a_devices_own_codes_win(alpha: Tenant) -> None:
    one, other, device = make_staff(number="N1"), make_staff(number="N2"), make_device()
    device.staff_codes.create(number="N1", staff=other)
    assert queries.numbers_of(device.pk, only={"N1", "N9"}) == {"N1": other.pk}
    assert queries.numbers_of(device.pk)["N2"] == other.pk and one.pk not in queries.numbers_of(device.pk).values()


# --- The place -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stands", "asked", "grade", "status", "note"),
    [
        ("gate", "A", "A", "accepted", ""),
        ("booth", "A", "A", "accepted", ""),  # within the place
        ("building", "A", "A", "accepted", ""),  # around it
        ("canteen", "A", "C", "refused", "考勤机在「东校区 / 食堂」，班次在「东校区 / 大楼 / 大门」。"),
        ("canteen", "C", "C", "accepted", "考勤机在「东校区 / 食堂」，班次在「东校区 / 大楼 / 大门」。"),
        ("campus", "B", "C", "refused", "考勤机在「东校区」，班次在「东校区 / 大楼 / 大门」。"),
        (None, "A", "C", "refused", "考勤机没有登记地点，班次在「东校区 / 大楼 / 大门」。"),
    ],
)
def test_a_terminal_proves_the_place_where_it_stands(
    alpha: Tenant, stands: str | None, asked: str, grade: str, status: str, note: str
) -> None:
    campus = make_place("东校区")
    building = make_place("大楼", parent=campus)
    gate = make_place("大门", parent=building)
    places = {
        "campus": campus, "building": building, "gate": gate, "booth": make_place("岗亭", parent=gate, kind="point"),
        "canteen": make_place("食堂", parent=campus), None: None,
    }  # fmt: skip
    person = make_staff(post=make_post())
    make_instance(person, post=make_post(), place=gate, starts_at=NOW, grade=asked)
    send(alpha, make_device(place=places[stands]), [Record(1, person.number, NOW)])
    row = Punch.objects.get()
    assert (row.grade, row.status, row.note) == (grade, status, note)
    assert sentences.why(row).endswith(note if status == "refused" else "")


def test_the_own_posts_place_is_asked_outside_shifts_and_a_card_stays_what_it_is(alpha: Tenant) -> None:
    here, there = make_place(), make_place()
    person = make_staff(post=make_post(place=here))
    send(alpha, make_device(place=there), [Record(1, person.number, NOW)])
    send(alpha, make_device(token="b", verifies_person=False), [Record(2, person.number, NOW)])
    assert list(Punch.objects.order_by("seq").values_list("grade", "status", "note")) == [
        ("C", "accepted", f"考勤机在「{there.full_name}」，班次在「{here.full_name}」。"),
        ("C", "accepted", ""),
    ]


# --- The batch -------------------------------------------------------------------------------------


def test_of_a_number_twice_in_a_batch_the_first_is_stored_and_another_time_is_told(alpha: Tenant) -> None:
    person, device = make_staff(), make_device()
    at = NOW - timedelta(hours=2)
    records = [
        Record(7, person.number, at),
        Record(7, person.number, at + timedelta(minutes=1)),
        Record(7, person.number, at),
    ]
    told = send(alpha, device, records)
    assert (told.accepted, told.duplicates, told.conflicts) == (1, 1, [7])
    assert Punch.objects.get().at == at


def test_what_is_new_among_stored_numbers_is_stored(alpha: Tenant) -> None:
    person, device = make_staff(), make_device()
    at = NOW - timedelta(hours=5)
    send(alpha, device, [Record(n, person.number, at + timedelta(minutes=n)) for n in (2, 4, 6)])
    told = send(alpha, device, [Record(n, person.number, at + timedelta(minutes=n)) for n in range(1, 8)])
    assert (told.accepted, told.duplicates, told.conflicts) == (4, 3, [])
    assert sorted(Punch.objects.values_list("seq", flat=True)) == list(range(1, 8))


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Urumqi", "Asia/Kathmandu", "America/New_York"])
def test_local_days_are_those_of_the_calendar(zone: str) -> None:
    """Also where an offset has quarters of an hour, where the clock changes, and before 2000."""
    tz, dice = ZoneInfo(zone), random.Random(3)
    times = [
        datetime(1999, 12, 1, tzinfo=UTC) + timedelta(seconds=dice.randrange(30 * 366 * 86_400)) for _ in range(500)
    ]
    since = datetime(2000, 1, 1, tzinfo=UTC)
    at = np.array([(t - since) // timedelta(microseconds=1) for t in times])
    days = storing._local_days(at, tz)
    assert [date(2000, 1, 1) + timedelta(days=int(d)) for d in days] == [t.astimezone(tz).date() for t in times]


def test_changed_days_are_local_and_each_once_a_batch(alpha: Tenant) -> None:
    person, device = make_staff(), make_device()
    midnight = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)  # in Shanghai
    send(alpha, device, [Record(n, person.number, midnight + timedelta(seconds=n - 3)) for n in range(1, 6)])
    days = sorted(Dirty.objects.values_list("day", flat=True))
    assert days == [date(2026, 3, 1), date(2026, 3, 2)] and alpha.tz == SHANGHAI


# --- People ----------------------------------------------------------------------------------------


def test_no_punch_of_a_person_who_is_not_there(alpha: Tenant) -> None:
    person = make_staff()
    make_punch(person)
    with pytest.raises(IntegrityError, match="no person"), transaction.atomic():
        Punch.objects.bulk_create(
            Punch(staff_id=pk, at=NOW, recorded_at=NOW, source="phone") for pk in (person.pk, uuid4(), person.pk)
        )
    with pytest.raises(IntegrityError, match="no person"), transaction.atomic():
        Punch.objects.update(staff_id=uuid4())
    assert Punch.objects.get().staff_id == person.pk


def test_a_person_with_punches_is_not_deleted_without_them(alpha: Tenant) -> None:
    person, other = make_staff(), make_staff()
    make_punch(person)

    def delete(pk: object) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM organisation_staff WHERE id = %s", [pk])
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(IntegrityError, match="are there"):
        delete(person.pk)
    delete(other.pk)
    person.delete()  # Django takes the punches along first
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert not Punch.objects.exists()
