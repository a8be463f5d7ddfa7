"""A million punches through the ingest path (numbers to people, drift, shift, certificates, grade, dedup, changed days), against

plain binary COPY of finished rows into a table of the same columns, indexes and checks, COPY into a bare one, and Django's
bulk_create. All in one run, in turns of the same batch. Rates are rows per second of the median batch; beside them rows per
second of processor (this process and its PostgreSQL backend together), which other work on the machine hardly changes.
One post of ten asks for a certificate (one in twenty of its people has none: that is found and raised), and every device
stands in a room of the posts' building, so that the certificate and the place are really looked up.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from infra.bench.scratch import load, on_cpu, seconds

GOAL = 50_000.0
SIZES = {"small": 60_000, "full": 1_000_000}
BATCH, PEOPLE, DEVICES, DAYS, POSTS = 10_000, 2_000, 10, 30, 10
WITHOUT = 20  # one in so many of the people of the first post has no certificate
BULK_SHARE = 10  # bulk_create is measured on every tenth batch: it takes too long for all
LABELS = {
    "ingest": "ingest, with dedup, shift, grade and changed days",
    "copy": "plain binary COPY of finished rows, same indexes",
    "bare": "plain binary COPY of finished rows, no index",
    "bulk": "bulk_create(ignore_conflicts)",
}
COLUMNS = {
    "staff_id": "uuid", "at": "timestamptz", "recorded_at": "timestamptz", "received_at": "timestamptz", "clock": "varchar",
    "source": "varchar", "direction": "varchar", "device_id": "uuid", "seq": "int8", "phone_id": "varchar", "post_id": "uuid",
    "place_id": "uuid", "place_code": "bool", "vouched_by_name": "varchar", "vouched_on_site": "bool", "grade": "varchar", "asked": "varchar",
    "lacking": "jsonb", "status": "varchar", "refusal": "varchar", "note": "varchar",
}  # fmt: skip


def run(size: str) -> tuple[float, float]:
    from datetime import UTC, datetime, timedelta
    from uuid import UUID

    from django.db import connection, transaction
    from psycopg.types.json import Jsonb

    from identity.contracts import Actor
    from institute.schools import operations as schools
    from institute.schools.contracts import NewSchool
    from institute.schools.queries import as_tenant
    from kernel.tenancy import school_context
    from tenants.organisation.models import Certificate, Party, Place, Post, Staff
    from tenants.punches import operations
    from tenants.punches.contracts import Record
    from tenants.punches.models import Device, Punch

    rows, empty = SIZES["small" if size == "small" else "full"], Jsonb([])
    now = datetime(2026, 3, 31, 4, 0, tzinfo=UTC)
    school = schools.approve_school(
        new=NewSchool(
            name="基准大学", kind="university", region="44", mode="mixed", slug="bench", city="", line_modes={},
            students=1, staff_count=1, campuses=1, trial=False,
        ),
        by=Actor.system(), now=now,
    )  # fmt: skip
    tenant = as_tenant(schools.provision(school_id=school.pk, now=now))
    by = Actor.system(tenant.school_id)
    with school_context(tenant):
        party = Party.objects.create(kind="department", name="后勤")
        campus = _place(Place, "校区", "campus", None)
        building = _place(Place, "楼", "building", campus)
        posts = [
            Post.objects.create(
                name=f"岗{n}", party=party, line="security", place=building, certificates=[] if n else ["electrician"]
            )
            for n in range(POSTS)
        ]
        people = Staff.objects.bulk_create(
            Staff(number=f"G{n:05d}", name=f"员工{n}", pinyin="yg", party=party, post=posts[n % POSTS])
            for n in range(PEOPLE)
        )
        asked = people[::POSTS]
        Certificate.objects.bulk_create(
            Certificate(
                staff=person, kind="electrician", number=f"T{n}", issued_on=now.date() - timedelta(days=400),
                review_on=now.date() + timedelta(days=600),
            )
            for n, person in enumerate(asked) if n % WITHOUT
        )  # fmt: skip
        devices = [
            Device.objects.create(
                name=f"机{n}",
                kind="terminal",
                verifies_person=True,
                token_hash=f"{n}",
                token_hint="",
                place=_place(Place, f"{n}室", "point", building),
            )
            for n in range(DEVICES)
        ]
        ids: list[UUID] = list(Staff.objects.order_by("number").values_list("pk", flat=True))
        homes = dict(Staff.objects.values_list("number", "post_id"))
        home = [homes[f"G{n:05d}"] for n in range(PEOPLE)]
        _shifts(tenant, party.pk, now)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bench_copy (LIKE punches_punch INCLUDING ALL)")
            cursor.execute("CREATE TABLE bench_bare (LIKE punches_punch INCLUDING DEFAULTS INCLUDING IDENTITY)")
            cursor.execute("CREATE TABLE bench_bulk (LIKE punches_punch INCLUDING ALL)")

    start = now - timedelta(days=DAYS)
    gap = timedelta(days=DAYS) / rows
    took: dict[str, list[float]] = {name: [] for name in LABELS}
    burnt: dict[str, float] = dict.fromkeys(LABELS, 0.0)

    def copied(table: str, batch: list[tuple[int, int, datetime]], device: Device) -> None:
        statement = f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement) as sink:
            sink.set_types(list(COLUMNS.values()))
            for seq, person, at in batch:
                sink.write_row(
                    (ids[person], at, at, now, "device", "device", "in", device.pk, seq, "", home[person], device.place_id, False, "",
                     False, "A", "C", empty, "accepted", "", "")
                )  # fmt: skip

    def bulked(batch: list[tuple[int, int, datetime]], device: Device) -> None:
        Punch._meta.db_table = "bench_bulk"
        try:
            with transaction.atomic():
                Punch.objects.bulk_create(
                    [
                        Punch(staff_id=ids[person], at=at, recorded_at=at, received_at=now, clock="device",
                              source="device", direction="in", device_id=device.pk, seq=seq, post_id=home[person], place_id=device.place_id,
                              grade="A", asked="C")
                        for seq, person, at in batch
                    ],
                    batch_size=2_000, ignore_conflicts=True,
                )  # fmt: skip
        finally:
            Punch._meta.db_table = "punches_punch"

    with school_context(tenant):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = cursor.fetchone()[0]
        for first in range(0, rows, BATCH):
            turn = first // BATCH
            device = devices[turn % DEVICES]
            batch = [(n + 1, (n * 7919) % PEOPLE, start + gap * n) for n in range(first, min(rows, first + BATCH))]
            records = [Record(seq, f"G{person:05d}", at, "in") for seq, person, at in batch]

            def ingested(records: list[Record] = records, device: Device = device) -> None:
                told = operations.ingest(
                    device_id=device.pk, records=records, by=by, tenant=tenant, now=now, sent_at=now
                )
                assert told.accepted == len(records), told

            works: list[tuple[str, Any]] = [
                ("ingest", ingested),
                ("copy", lambda b=batch, d=device: copied("bench_copy", b, d)),
                ("bare", lambda b=batch, d=device: copied("bench_bare", b, d)),
            ]
            if turn % BULK_SHARE == 0:
                works.append(("bulk", lambda b=batch, d=device: bulked(b, d)))
            for name, work in works if turn % 2 else works[::-1]:
                before = on_cpu() + on_cpu(backend)
                took[name].append(seconds(work))
                burnt[name] += on_cpu() + on_cpu(backend) - before
        again = [Record(n + 1, f"G{(n * 7919) % PEOPLE:05d}", start + gap * n, "in") for n in range(BATCH)]
        replay = median(
            seconds(lambda: operations.ingest(device_id=devices[0].pk, records=again, by=by, tenant=tenant, now=now))
            for _turn in range(3)
        )
        assert Punch.objects.count() == rows
        lacking = Punch.objects.exclude(lacking=[]).count()
        assert 0 < lacking == Punch.objects.filter(staff__in=[p.pk for p in asked[::WITHOUT]]).count()
        assert not Punch.objects.exclude(grade="A", note="").exists()  # every device stands where the shift is
    rate = {name: BATCH / median(times) for name, times in took.items()}
    print(
        f"{rows:,} punches, {PEOPLE:,} people with shifts, {DEVICES} devices in their places, {lacking:,} without the certificate, batches of {BATCH:,}; {load()}:"
    )
    for name, label in LABELS.items():
        cpu = f"{BATCH * len(took[name]) / burnt[name]:10,.0f} per CPU second" if burnt[name] else ""
        print(f"  {label:<52} {rate[name]:10,.0f} rows/s {cpu}", flush=True)
    print(f"  {'the first batch again (all duplicates)':<52} {BATCH / replay:10,.0f} rows/s")
    print(
        f"  ingest / COPY with the same indexes {rate['ingest'] / rate['copy']:.2f}, / bare COPY"
        f" {rate['ingest'] / rate['bare']:.2f}, / bulk_create {rate['ingest'] / rate['bulk']:.1f}"
    )
    return rate["ingest"], GOAL


def _place(model: Any, name: str, kind: str, parent: Any) -> Any:
    from kernel.ids import new_id

    row = model(
        id=new_id(), parent=parent, kind=kind, name=name, full_name=name, pinyin="cs", code=f"B{new_id().hex[-8:]}"
    )
    row.path = f"{parent.path if parent else ''}{row.pk}/"
    row.save()
    return row


def _shifts(tenant: object, party_id: object, now: object) -> None:
    """One shift per person and day, so that the search for the shift finds what it would find."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rosters_rule (id, scope, valid_from, grace_minutes, early_grace_minutes, serious_minutes,"
            " half_absent_minutes, absent_minutes, in_before_minutes, out_after_minutes, report_hours,"
            " corrections_per_month, correction_days, created_at, created_by_name) SELECT gen_random_uuid(), 'school',"
            " '2020-01-01', 10, 0, 30, 120, 240, 60, 120, 12, 3, 7, now(), ''"
        )
        cursor.execute(
            "INSERT INTO rosters_assignment (id, staff_id, day, post_id, party_id, source, created_at)"
            " SELECT gen_random_uuid(), s.id, d::date, s.post_id, %s, 'manual', now() FROM organisation_staff s,"
            " generate_series(%s::timestamptz - interval '31 days', %s::timestamptz, interval '1 day') d",
            [party_id, now, now],
        )
        cursor.execute(
            "INSERT INTO rosters_shiftinstance (id, assignment_id, staff_id, post_id, party_id, day, segment, starts_at,"
            " ends_at, in_from, in_until, out_from, out_until, needs_in, needs_out, flex_minutes, rule_id, grade)"
            " SELECT gen_random_uuid(), a.id, a.staff_id, a.post_id, a.party_id, a.day, 0, a.day + time '00:00',"
            " a.day + time '10:00', a.day - interval '1 hour', a.day + time '05:00', a.day + time '05:00',"
            " a.day + time '12:00', true, true, 0, (SELECT id FROM rosters_rule LIMIT 1), 'C' FROM rosters_assignment a"
        )
        cursor.execute("ANALYZE rosters_shiftinstance; ANALYZE organisation_staff")
