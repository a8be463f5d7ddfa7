"""Rows into `punches_punch` by the thousand: binary COPY into a temporary table, then one INSERT that decides and dedups.

The temporary table belongs to the connection and is empty outside a call, whichever school it serves.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection

from kernel.anchors import AHEAD
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.punches.choices import DeviceKind, PunchSource
from tenants.punches.grading import Vector, grade_of
from tenants.punches.models import Device

DIRECTIONS = ("unknown", "in", "out")  # as COPY sends them: their index
OLDEST = timedelta(days=400)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_HEAD = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
_TAIL = struct.pack(">h", -1)
_ROW = np.dtype(
    [
        ("n", ">i2"), ("l1", ">i4"), ("seq", ">i8"), ("l2", ">i4"), ("at", ">i8"),
        ("l3", ">i4"), ("staff", "V16"), ("l4", ">i4"), ("direction", ">i2"),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stored:
    """What the INSERT did."""

    inserted: int
    refused: int
    lacking: list[int]  # ids of accepted punches without the certificate their post requires


def binary(seqs: Sequence[int], times: Sequence[datetime], staff: Sequence[UUID], directions: Sequence[int]) -> bytes:
    """The rows in PostgreSQL's binary COPY format; a fixed width makes it one numpy array."""
    rows = np.empty(len(seqs), dtype=_ROW)
    rows["n"], rows["l1"], rows["l2"], rows["l3"], rows["l4"] = 4, 8, 8, 16, 2
    rows["seq"] = seqs
    stamps = np.fromiter((t.timestamp() for t in times), dtype=np.float64, count=len(seqs))
    rows["at"] = np.rint((stamps - _EPOCH) * 1e6).astype(np.int64)
    rows["staff"] = np.frombuffer(b"".join(s.bytes for s in staff), dtype="V16")
    rows["direction"] = directions
    return _HEAD + rows.tobytes() + _TAIL


def copy(data: bytes) -> None:
    """Empty the temporary table and fill it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS punches_batch"
            " (seq bigint, recorded_at timestamptz, staff_id uuid, direction smallint) ON COMMIT DELETE ROWS"
        )
        cursor.execute("DELETE FROM pg_temp.punches_batch")
        with cursor.copy(
            "COPY pg_temp.punches_batch (seq, recorded_at, staff_id, direction) FROM STDIN (FORMAT BINARY)"
        ) as sink:
            sink.write(data)


# The shift into whose window the moment falls gives post and asked grade, else the person's own post does.
_INSERT = """
WITH new AS (
    INSERT INTO punches_punch (
        staff_id, at, recorded_at, received_at, clock, source, direction, device_id, seq, phone_id, post_id, place_id,
        place_code, vouched_by_name, vouched_on_site, grade, asked, lacking, status, refusal, note)
    SELECT c.staff_id, c.at, c.recorded_at, %(now)s, %(clock)s, %(source)s,
        (ARRAY['unknown', 'in', 'out'])[c.direction + 1], %(device)s, c.seq, '', c.post_id, %(place)s,
        false, '', false, %(grade)s, c.asked,
        CASE WHEN p.certificates IS NULL OR p.certificates = '[]' THEN '[]'::jsonb ELSE coalesce((
            SELECT jsonb_agg(k) FROM jsonb_array_elements_text(p.certificates) k WHERE NOT EXISTS (
                SELECT 1 FROM organisation_certificate h WHERE h.staff_id = c.staff_id AND h.kind = k
                    AND (h.expires_on IS NULL OR h.expires_on >= (c.at AT TIME ZONE %(tz)s)::date))), '[]'::jsonb) END,
        CASE WHEN c.refusal = '' THEN 'accepted' ELSE 'refused' END, c.refusal, ''
    FROM (
        SELECT b.seq, b.recorded_at, b.at, b.staff_id, b.direction, coalesce(i.post_id, s.post_id) AS post_id,
            coalesce(i.grade, t.grade, CASE WHEN s.post_id IS NULL THEN 'D' ELSE 'C' END) AS asked,
            CASE WHEN b.at > %(latest)s OR b.at < %(oldest)s THEN 'clock'
                 WHEN s.left_on IS NOT NULL AND (b.at AT TIME ZONE %(tz)s)::date > s.left_on THEN 'left'
                 WHEN %(grade)s > coalesce(i.grade, t.grade, CASE WHEN s.post_id IS NULL THEN 'D' ELSE 'C' END)
                     THEN 'too_weak'
                 ELSE '' END AS refusal
        FROM (SELECT seq, recorded_at, recorded_at - %(drift)s AS at, staff_id, direction
              FROM pg_temp.punches_batch) b
        JOIN organisation_staff s ON s.id = b.staff_id
        LEFT JOIN LATERAL (
            SELECT r.post_id, r.grade FROM rosters_shiftinstance r
            WHERE r.staff_id = b.staff_id AND r.cancelled_at IS NULL
                AND r.starts_at > b.at - interval '3 days' AND r.starts_at < b.at + interval '1 day'
                AND r.in_from <= b.at AND b.at < r.out_until
            ORDER BY NOT (r.starts_at <= b.at AND b.at < r.ends_at),
                least(abs(extract(epoch FROM r.starts_at - b.at)), abs(extract(epoch FROM r.ends_at - b.at)))
            LIMIT 1) i ON true
        LEFT JOIN rosters_postterms t ON t.post_id = s.post_id
    ) c
    LEFT JOIN organisation_post p ON p.id = c.post_id
    ON CONFLICT (device_id, seq) WHERE device_id IS NOT NULL DO NOTHING
    RETURNING id, staff_id, at, status, lacking
), changed AS (
    INSERT INTO punches_dirty (staff_id, day)
    SELECT DISTINCT staff_id, (at AT TIME ZONE %(tz)s)::date FROM new WHERE status = 'accepted'
)
SELECT count(*), count(*) FILTER (WHERE status = 'refused'),
    coalesce(array_agg(id) FILTER (WHERE status = 'accepted' AND lacking <> '[]'), '{}')
FROM new
"""


def insert(device: Device, *, drift: timedelta, basis: str, tenant: Tenant, now: datetime, source: str = "") -> Stored:
    """What lies in the temporary table becomes punches; those already there are left as they are.

    Call with the device locked, so that two batches of one device never wait for each other crosswise.
    """
    kind = PunchSource.SYSTEM if device.kind == DeviceKind.SYSTEM else PunchSource.DEVICE
    grade = grade_of(Vector(terminal=device.verifies_person, card=not device.verifies_person))
    with connection.cursor() as cursor:
        params: dict[str, Any] = {
                "now": now, "clock": basis, "source": source or kind, "device": device.pk, "place": device.place_id,
                "grade": grade, "tz": tenant.tz.key, "drift": drift, "latest": now + AHEAD, "oldest": now - OLDEST,
        }  # fmt: skip
        cursor.execute(_INSERT, params)
        inserted, refused, lacking = cursor.fetchone()
    if inserted > refused:
        enqueue_on_commit("punches.received", tenant=tenant)
    if lacking:
        enqueue_on_commit("punches.raise_uncertified", tenant=tenant, punch_ids=lacking[:1000])
    return Stored(inserted, refused, lacking)


def store_unmatched(device: Device, *, tenant: Tenant, now: datetime) -> int:
    """Punches that waited for a number which is known by now; call with the device locked. Returns how many moved."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH known AS (SELECT number, id AS staff_id, 1 AS rank FROM organisation_staff UNION ALL"
            "   SELECT number, staff_id, 0 FROM punches_staffcode WHERE device_id = %(device)s),"
            " owner AS (SELECT DISTINCT ON (number) number, staff_id FROM known ORDER BY number, rank)"
            " DELETE FROM punches_unmatched u USING owner o WHERE u.device_id = %(device)s AND o.number = u.number"
            " RETURNING u.seq, u.recorded_at, u.at, o.staff_id, u.direction, u.clock",
            {"device": device.pk},
        )
        rows = cursor.fetchall()
    by_correction: dict[tuple[timedelta, str], list[tuple[int, datetime, UUID, int]]] = {}
    for seq, recorded_at, at, staff_id, direction, basis in rows:
        told = (seq, recorded_at, staff_id, DIRECTIONS.index(direction))
        by_correction.setdefault((recorded_at - at, basis), []).append(told)
    for (drift, basis), group in by_correction.items():
        seqs, times, staff, directions = zip(*group, strict=True)
        copy(binary(seqs, times, staff, directions))
        insert(device, drift=drift, basis=basis, tenant=tenant, now=now)
    return len(rows)
