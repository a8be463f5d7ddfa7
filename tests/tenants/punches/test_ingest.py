"""Batches of devices: stored once, nothing lost, nothing believed that cannot be."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from identity.contracts import Actor
from kernel import clock
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant, school_context
from tenants.punches import batches, operations, queries
from tenants.punches.choices import ClockBasis
from tenants.punches.contracts import BatchResult, Record
from tenants.punches.errors import BatchTooLarge, BatchUnreadable, DeviceOff
from tenants.punches.models import Device, Dirty, Punch, Unmatched
from tests.at_once import at_once
from tests.factories.findings import make_member
from tests.factories.organisation import make_post, make_staff
from tests.factories.punches import make_device, make_instance

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
TZ = clock.SHANGHAI


def send(tenant: Tenant, device: Device, records: list[Record], *, now: datetime = NOW, **given: Any) -> BatchResult:
    return operations.ingest(
        device_id=device.pk, records=records, by=Actor.system(tenant.school_id), tenant=tenant, now=now, **given
    )


def rows(numbers: list[str], n: int, *, start: datetime = NOW - timedelta(hours=8)) -> list[Record]:
    return [Record(i, numbers[i % len(numbers)], start + timedelta(seconds=7 * i), "in") for i in range(1, n + 1)]


# --- T7: replay ------------------------------------------------------------------------------------


def test_the_same_batch_three_times_shuffled_and_overlapping_is_stored_once(alpha: Tenant) -> None:
    numbers = [make_staff().number for _ in range(5)]
    device, records = make_device(), rows(numbers, 300)
    dice = random.Random(7)
    first = send(alpha, device, records)
    assert (first.accepted, first.duplicates, first.acknowledged) == (300, 0, 300)
    for _ in range(3):
        dice.shuffle(records)
        again = send(alpha, device, records)
        assert (again.accepted, again.duplicates, again.conflicts) == (0, 300, [])
    overlapping = rows(numbers, 420)[250:]
    more = send(alpha, device, overlapping + overlapping[:30])
    assert (more.accepted, more.duplicates, more.acknowledged) == (120, 80, 200)
    assert Punch.objects.count() == 420 == Punch.objects.values("seq").distinct().count()


def test_two_devices_may_use_the_same_numbers(alpha: Tenant) -> None:
    records = rows([make_staff().number], 3)
    send(alpha, make_device(), records)
    assert send(alpha, make_device(token="cieldev_another"), records).accepted == 3


def test_two_batches_of_one_device_at_once_store_every_record_once(committed_alpha: Tenant) -> None:
    device, numbers = make_device(), [make_staff().number for _ in range(4)]
    records = rows(numbers, 400)
    parts = [records[:300], records[100:], list(reversed(records))]
    results = at_once(committed_alpha, *(partial(send, committed_alpha, device, part) for part in parts))
    assert sorted(r.acknowledged for r in results) == [300, 300, 400]
    assert sum(r.accepted for r in results) == 400 == Punch.objects.filter(device=device).count()


CHILD = """
import json, os, sys
import django
django.setup()
from datetime import datetime, timedelta, UTC
from uuid import UUID
from django.conf import settings
from django.db import connection
from identity.contracts import Actor
from institute.schools.queries import tenant_for
from kernel import jobs
from kernel.tenancy import school_context
from tenants.punches import operations
from tenants.punches.contracts import Record
jobs.register_sender(lambda name, payload: None)
device, number, first = UUID(sys.argv[1]), sys.argv[2], int(sys.argv[3])
now = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
tenant = tenant_for("s_alpha")
with school_context(tenant):
    for start in range(first, first + 200_000, 250):
        records = [Record(i, number, now - timedelta(seconds=i % 30_000), "in") for i in range(start, start + 250)]
        done = operations.ingest(device_id=device, records=records, by=Actor.system(tenant.school_id), tenant=tenant, now=now)
        print(json.dumps([start, done.acknowledged]), flush=True)
"""


def test_killed_in_between_what_was_acknowledged_is_stored_and_the_rest_can_be_sent_again(
    committed_alpha: Tenant,
) -> None:
    tenant = committed_alpha
    device, person = make_device(), make_staff()
    database = connection.settings_dict
    host, port = database["HOST"], database["PORT"]
    url = f"postgresql://{database['USER']}@/{database['NAME']}?host={host}" if "/" in host else None
    url = url or f"postgresql://{database['USER']}:{database['PASSWORD']}@{host}:{port}/{database['NAME']}"
    env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings", "POOL": "0",
           "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}  # fmt: skip
    acknowledged: dict[int, int] = {}
    for round_, pause in enumerate((0.05, 0.2, 0.4)):
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", CHILD, str(device.pk), person.number, str(1 + round_ * 500)],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout is not None and child.stderr is not None
        line = child.stdout.readline()
        assert line, child.stderr.read()[-2000:]
        time.sleep(pause)
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read()
        child.wait(20)
        for told in [line, *rest.splitlines()]:
            if told.strip().endswith("]"):
                start, n = json.loads(told)
                acknowledged[start] = n
    assert acknowledged and all(n == 250 for n in acknowledged.values())
    stored = set(Punch.objects.filter(device=device).values_list("seq", flat=True))
    wanted = {seq for start in acknowledged for seq in range(start, start + 250)}
    assert wanted <= stored and len(stored) % 250 == 0  # a batch is there as a whole or not at all
    top = max(stored)
    again = [Record(i, person.number, NOW - timedelta(seconds=i % 30_000), "in") for i in range(1, top + 1)][:20_000]
    done = send(tenant, device, again)
    assert done.acknowledged == len(again) and not done.conflicts
    assert Punch.objects.filter(device=device, seq__lte=len(again)).count() == len(again)


# --- Numbers -------------------------------------------------------------------------------------


def test_a_device_that_counts_from_one_again_is_found_out(alpha: Tenant) -> None:
    person, device = make_staff(), make_device()
    send(alpha, device, rows([person.number], 5))
    fresh = rows([person.number], 3, start=NOW - timedelta(hours=1))
    told = send(alpha, device, fresh)
    assert (told.accepted, told.duplicates, told.conflicts, told.acknowledged) == (0, 0, [1, 2, 3], 0)
    operations.reset_sequence(device_id=device.pk, by=make_member(alpha, "school_admin"), tenant=alpha)
    assert send(alpha, device, fresh).accepted == 3
    assert send(alpha, device, fresh).duplicates == 3
    assert Punch.objects.count() == 8


def test_records_without_a_number_of_their_own_are_told_apart_by_person_and_time(alpha: Tenant) -> None:
    person, other, device = make_staff(), make_staff(), make_device()
    at = NOW - timedelta(hours=1)
    records = [Record(None, person.number, at), Record(None, other.number, at), Record(None, person.number, at)]
    assert (send(alpha, device, records).accepted, send(alpha, device, records).accepted) == (2, 0)


def test_unknown_numbers_are_kept_told_back_and_become_punches_when_somebody_says_whose(alpha: Tenant) -> None:
    person, device = make_staff(number="G77"), make_device()
    records = [Record(1, "G77", NOW), Record(2, "0077", NOW - timedelta(hours=1)), Record(3, "0077", NOW)]
    told = send(alpha, device, records, sent_at=NOW + timedelta(hours=1))
    assert (told.accepted, told.unmatched, told.unknown_numbers) == (1, 2, {"0077": 2})
    assert send(alpha, device, records).duplicates == 3
    assert queries.unmatched_numbers(device.pk)[0]["n"] == 2
    admin = make_member(alpha, "school_admin")
    moved = operations.map_number(
        device_id=device.pk, number="0077", staff_id=person.pk, by=admin, tenant=alpha, now=NOW
    )
    assert (moved, Unmatched.objects.count(), Punch.objects.filter(staff=person).count()) == (2, 0, 3)
    assert Punch.objects.get(seq=3).at == NOW - timedelta(hours=1)  # the drift of its own batch
    assert send(alpha, device, [Record(4, "0077", NOW)]).accepted == 1


@pytest.mark.parametrize("first_known", [False, True])
def test_a_punch_that_waited_is_not_taken_for_a_later_one_of_the_same_number(alpha: Tenant, first_known: bool) -> None:
    """The device counted from one again while the number of the first record was still unknown."""
    known, later, device = make_staff(number="G1"), make_staff(number="G2"), make_device()
    strange, plain = Record(1, "77", NOW - timedelta(hours=3)), Record(1, "G1", NOW - timedelta(hours=2))
    for each in (plain, strange) if first_known else (strange, plain):
        told = send(alpha, device, [each])
        assert (told.acknowledged, told.conflicts) == (1, [])
    for _ in range(2):
        operations.map_number(
            device_id=device.pk,
            number="77",
            staff_id=later.pk,
            by=make_member(alpha, "school_admin"),
            tenant=alpha,
            now=NOW,
        )
    assert dict(Punch.objects.values_list("staff_id", "recorded_at")) == {
        known.pk: plain.recorded_at, later.pk: strange.recorded_at
    }  # fmt: skip
    assert not Unmatched.objects.exists()


def test_a_person_registered_later_gets_the_punches_that_waited(alpha: Tenant) -> None:
    device = make_device()
    send(alpha, device, [Record(1, "NEW1", NOW)])
    assert operations.rematch(tenant=alpha, now=NOW) == 0
    person = make_staff(number="NEW1")
    assert operations.rematch(tenant=alpha, now=NOW) == 1
    assert Punch.objects.get().staff == person and not Unmatched.objects.exists()


# --- Clock ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong_by", [timedelta(days=1), timedelta(days=-1), timedelta(minutes=7)])
def test_drift_is_noted_and_taken_off(alpha: Tenant, wrong_by: timedelta) -> None:
    person, device = make_staff(), make_device()
    happened = NOW - timedelta(minutes=30)
    told = send(alpha, device, [Record(1, person.number, happened + wrong_by)], sent_at=NOW + wrong_by,
                reported_until=NOW + wrong_by)  # fmt: skip
    row = Punch.objects.get()
    assert (row.at, row.recorded_at, row.clock) == (happened, happened + wrong_by, ClockBasis.DEVICE)
    assert told.drift_seconds == round(wrong_by.total_seconds())
    device.refresh_from_db()
    assert (device.drift_seconds, device.reported_until) == (told.drift_seconds, NOW)


def test_a_time_that_cannot_be_is_stored_as_refused(alpha: Tenant) -> None:
    person, device = make_staff(), make_device()
    told = send(alpha, device, [Record(1, person.number, NOW + timedelta(days=1)),
                                Record(2, person.number, NOW - timedelta(days=900)),
                                Record(3, person.number, NOW)])  # fmt: skip
    assert (told.accepted, told.refused, told.acknowledged) == (1, 2, 3)
    assert set(Punch.objects.filter(status="refused").values_list("refusal", flat=True)) == {"clock"}
    assert Dirty.objects.count() == 1


def test_the_watermark_only_rises_and_never_beyond_now(alpha: Tenant) -> None:
    device = make_device()
    until = [NOW - timedelta(hours=1), NOW - timedelta(hours=5), NOW + timedelta(days=9)]
    seen = []
    for said in until:
        send(alpha, device, [], reported_until=said)
        device.refresh_from_db()
        seen.append(device.reported_until)
    assert seen == [NOW - timedelta(hours=1), NOW - timedelta(hours=1), NOW]
    assert queries.reported_until(now=NOW) == NOW


# --- What a device's punch is worth ----------------------------------------------------------------


def test_post_and_grade_come_from_the_shift_and_the_device(alpha: Tenant) -> None:
    person = make_staff(post=make_post())
    shift = make_instance(person, post=make_post(party=person.party), starts_at=NOW, grade="B")
    send(alpha, make_device(), [Record(1, person.number, NOW - timedelta(minutes=5))])
    card = make_device(token="cieldev_card", verifies_person=False)
    send(alpha, card, [Record(1, person.number, NOW - timedelta(minutes=4))])
    good, weak = Punch.objects.order_by("at")
    assert (good.post_id, good.grade, good.status) == (shift.post_id, "A", "accepted")
    assert (weak.grade, weak.status, weak.refusal) == ("C", "refused", "too_weak")


def test_leavers_and_missing_certificates_are_seen_in_batches_too(alpha: Tenant) -> None:
    guard = make_staff(post=make_post(certificates=["security_guard"]))
    gone = make_staff()
    type(gone).objects.filter(pk=gone.pk).update(left_on=date(2026, 2, 1))
    told = send(alpha, make_device(), [Record(1, guard.number, NOW), Record(2, gone.number, NOW)])
    assert (told.accepted, told.refused, told.lacking) == (1, 1, 1)
    assert Punch.objects.get(staff=guard).lacking == ["security_guard"]
    assert Punch.objects.get(staff=gone).refusal == "left"


def test_changed_days_are_handed_on_once_and_local(alpha: Tenant) -> None:
    person, device = make_staff(), make_device()
    evening = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)  # 00:30 of the 2nd in Shanghai
    send(alpha, device, [Record(1, person.number, evening), Record(2, person.number, evening - timedelta(hours=1))])
    with transaction.atomic():
        assert operations.take_dirty() == [(person.pk, date(2026, 3, 1)), (person.pk, date(2026, 3, 2))]
    send(alpha, device, [Record(1, person.number, evening)])
    with transaction.atomic():
        assert operations.take_dirty() == []


# --- Who may ---------------------------------------------------------------------------------------


def test_who_may_ingest(alpha: Tenant, beta: Tenant) -> None:
    device = make_device()
    for role in ("school_supervisor", "school_leader", "frontline"):
        with pytest.raises(NotAllowed):
            operations.ingest(device_id=device.pk, records=[], by=make_member(alpha, role), tenant=alpha, now=NOW)
    with school_context(beta), pytest.raises(NotFound):
        send(beta, device, [])
    with pytest.raises(NotFound):
        send(alpha, Device(id=uuid4()), [])
    Device.objects.filter(pk=device.pk).update(active=False)
    with pytest.raises(DeviceOff):
        send(alpha, device, [])
    with pytest.raises(BatchTooLarge):
        send(alpha, device, [Record(i, "x", NOW) for i in range(20_001)])


def test_a_token_is_shown_once_and_known_by_its_hash_only(alpha: Tenant) -> None:
    admin = make_member(alpha, "school_admin")
    row, token = operations.add_device(name="门口", kind="terminal", by=admin, tenant=alpha, now=NOW)
    assert token not in str(vars(row)) and operations.seen(token=token) == row
    assert operations.seen(token=token[:-1] + "_") is None and operations.seen(token="") is None
    _row, renewed = operations.renew_token(device_id=row.pk, by=admin, tenant=alpha)
    assert operations.seen(token=token) is None and operations.seen(token=renewed) == row
    with pytest.raises(NotAllowed):
        operations.add_device(name="偷", kind="terminal", by=make_member(alpha), tenant=alpha, now=NOW)


# --- Reading what was sent ---------------------------------------------------------------------------


def test_json_and_csv_say_the_same(alpha: Tenant) -> None:
    said = {"sent_at": "2026-03-02T12:00:00+08:00", "punches": [
        {"seq": 1, "staff": "G1", "at": "2026-03-02T08:00:00+08:00", "direction": "in"},
        {"seq": 2, "staff": 7, "at": 1772409600},
    ]}  # fmt: skip
    one = batches.read_json(json.dumps(said), TZ)
    table = "序号,工号,时间,方向\n1,G1,2026/3/2 8:00:00,上班\n2,7,1772409600,\n"
    two = batches.read_csv(batches.text_of(table.encode("gb18030"), ""), TZ, sent_at="2026-03-02 12:00:00")
    assert one.records == two.records and not one.rejected and not two.rejected
    assert one.sent_at == two.sent_at == NOW
    assert one.records[0] == Record(1, "G1", datetime(2026, 3, 2, 0, 0, tzinfo=UTC), "in")


@pytest.mark.parametrize(
    "record",
    [
        5,
        {"staff": "", "at": "2026-03-02T08:00:00Z"},
        {"staff": "G1"},
        {"staff": "G1", "at": "yesterday"},
        {"staff": "G1", "at": "0001-01-01T00:00:00Z"},
        {"staff": "G1", "at": True},
        {"staff": "G1", "at": 1e300},
        {"seq": -1, "staff": "G1", "at": "2026-03-02T08:00:00Z"},
        {"seq": 2**60, "staff": "G1", "at": "2026-03-02T08:00:00Z"},
        {"seq": True, "staff": "G1", "at": "2026-03-02T08:00:00Z"},
        {"staff": ["G1"], "at": "2026-03-02T08:00:00Z"},
        {"staff": "G\x001", "at": "2026-03-02T08:00:00Z"},
        {"staff": "G1", "at": "2026-03-02T08:00:00Z", "direction": "sideways"},
    ],
)
def test_a_bad_record_is_told_by_its_place_and_the_good_ones_are_taken(record: Any) -> None:
    good = {"staff": "G1", "at": "2026-03-02T08:00:00Z"}
    batch = batches.read_json(json.dumps({"punches": [good, record, good]}), TZ)
    assert (len(batch.records), [r.index for r in batch.rejected]) == (2, [1])


@pytest.mark.parametrize("text", ["", "[]", "5", '{"punches": 3}', "[" * 100_000, '{"sent_at": "x"}', "{"])
def test_what_is_no_batch_is_refused(text: str) -> None:
    with pytest.raises(BatchUnreadable):
        batches.read_json(text, TZ)


def test_a_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzip.compress(b" " * (batches.MOST_UNPACKED + 1000))
    assert len(bomb) < 100_000
    started = time.perf_counter()
    with pytest.raises(BatchTooLarge):
        batches.unpacked(bomb, "gzip")
    assert time.perf_counter() - started < 5
    with pytest.raises(BatchTooLarge):
        batches.unpacked(b"x" * (batches.MOST_BYTES + 1), "")
    for data, encoding in ((b"no gzip", "gzip"), (gzip.compress(b"{}")[:-4], "gzip"), (b"{}", "br")):
        with pytest.raises(BatchUnreadable):
            batches.unpacked(data, encoding)
    assert batches.unpacked(gzip.compress(b"{}"), "gzip") == b"{}"


def test_bytes_that_are_no_text_are_refused() -> None:
    for data, charset in ((b"\xff\xff\x80", "utf-8"), (b"{}", "klingon"), (b"\xff\xff\xff", "")):
        with pytest.raises(BatchUnreadable):
            batches.text_of(data, charset)
