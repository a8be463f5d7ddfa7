"""Rows into `punches_punch` by the thousand: binary COPY into a temporary table, then one INSERT that decides and dedups.

The temporary table belongs to the connection and is empty outside a call, whichever school it serves. What can be said of a
row without the database is said before (local day, slot of the windows, repeats within the batch); the rest is one join of
the batch with the people's windows of those days: a probe per punch costs three times as much.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection

from kernel.anchors import AHEAD
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.punches.choices import DeviceKind, PunchSource
from tenants.punches.grading import Vector, grade_of
from tenants.punches.models import Device, Punch
from tenants.punches.operations.dirty import ask_uncertified
from tenants.rosters.choices import Grade

DIRECTIONS = ("unknown", "in", "out")  # as COPY sends them: their index
TOP_SEQ = 2**62
OLDEST = timedelta(days=400)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_QUARTER = 15 * 60 * 1_000_000  # time zones change and differ by whole quarters of an hour
_SLOT = 24 * 60 * 60 * 1_000_000
_HEAD = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
_TAIL = struct.pack(">h", -1)
_COLUMNS = {
    "seq": ("bigint", ">i8"), "recorded_at": ("timestamptz", ">i8"), "at": ("timestamptz", ">i8"), "staff_id": ("uuid", "V16"),
    "direction": ("smallint", ">i2"), "day": ("date", ">i4"), "slot": ("integer", ">i4"), "again": ("boolean", "?"),
}  # fmt: skip
_ROW = np.dtype(
    [("fields", ">i2")]
    + [pair for name, (_sql, kind) in _COLUMNS.items() for pair in ((f"{name}_size", ">i4"), (name, kind))]
)


def derived_seq(number: str, recorded_at: datetime) -> int:
    """A stable number for a record that has none: the same person and time is the same punch. Always negative."""
    digest = hashlib.sha256(f"{number}|{recorded_at.timestamp():.6f}".encode()).digest()
    found: int = struct.unpack(">q", digest[:8])[0]
    return -(abs(found) % TOP_SEQ) - 1


@dataclass(frozen=True, slots=True)
class Laid:
    """What lies in the temporary table: its numbers and times reach from … to …"""

    low: int
    high: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """What the INSERT did."""

    inserted: int
    refused: int
    lacking: list[int]  # ids of accepted punches without the certificate their post requires


def _local_days(at: np.ndarray[Any, Any], tz: ZoneInfo) -> np.ndarray[Any, Any]:
    """The local day of each moment, as PostgreSQL counts days (from 2000); one look at the calendar per quarter of an hour."""
    quarters, which = np.unique(at // _QUARTER, return_inverse=True)
    starts = (_EPOCH + timedelta(microseconds=int(q) * _QUARTER) for q in quarters)
    days = [start.astimezone(tz).date().toordinal() - _EPOCH.toordinal() for start in starts]
    return np.array(days, dtype=np.int32)[which]


def _repeats(seqs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """True for each row whose number stood in the batch before."""
    again = np.ones(len(seqs), dtype=bool)
    again[np.unique(seqs, return_index=True)[1]] = False
    return again


def lay(
    seqs: Sequence[int],
    times: Sequence[datetime],
    staff: Sequence[UUID],
    directions: Sequence[int],
    *,
    drift: timedelta,
    tz: ZoneInfo,
) -> Laid:
    """Empty the temporary table and fill it, in PostgreSQL's binary COPY format: a fixed width makes it one numpy array.

    `drift` is taken off the sender's times. At least one row.
    """
    rows = np.empty(len(seqs), dtype=_ROW)
    rows["fields"] = len(_COLUMNS)
    for name in _COLUMNS:
        rows[f"{name}_size"] = _ROW[name].itemsize
    stamps = np.fromiter((t.timestamp() for t in times), dtype=np.float64, count=len(seqs))
    recorded = np.rint((stamps - _EPOCH.timestamp()) * 1e6).astype(np.int64)
    at = recorded - drift // timedelta(microseconds=1)
    numbers = np.array(seqs, dtype=np.int64)
    rows["seq"], rows["recorded_at"], rows["at"] = numbers, recorded, at
    rows["staff_id"] = np.frombuffer(b"".join([s.bytes for s in staff]), dtype="V16")
    rows["direction"], rows["day"], rows["slot"] = directions, _local_days(at, tz), at // _SLOT
    rows["again"] = _repeats(numbers)
    with connection.cursor() as cursor:
        columns = ", ".join(f"{name} {sql}" for name, (sql, _kind) in _COLUMNS.items())
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS punches_rows ({columns}) ON COMMIT DELETE ROWS")
        cursor.execute("DELETE FROM pg_temp.punches_rows")
        with cursor.copy(f"COPY pg_temp.punches_rows ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)") as sink:
            sink.write(_HEAD + rows.tobytes() + _TAIL)
    first, last = int(at.min()), int(at.max())
    return Laid(
        int(numbers.min()),
        int(numbers.max()),
        _EPOCH + timedelta(microseconds=first),
        _EPOCH + timedelta(microseconds=last),
    )


# Are any of these numbers of the device stored? Mostly not, and then the INSERT need not look for each.
_SOME = "SELECT EXISTS (SELECT FROM punches_punch WHERE device_id = %s AND seq BETWEEN %s AND %s)"

# A terminal that stands elsewhere, or whose place nobody has entered, says who came and not where: C at the most.
# The shift into whose window the moment falls gives post and asked grade, else the person's own post does. A window is open
# from a day before to three days after the start of its shift, at most; it stands in each slot (day of UTC) it touches.
# Nobody else writes rows of this device meanwhile (it is locked), so what is not there now is new.
_INSERT = """
WITH windows AS MATERIALIZED (
    SELECT r.staff_id, r.slot + n AS slot, r.post_id, r.place_id, r.grade, r.starts_at, r.ends_at, r.opens, r.closes
    FROM (SELECT staff_id, post_id, place_id, grade, starts_at, ends_at, opens, closes,
              floor(date_part('epoch', opens - %(epoch)s) / 86400)::int AS slot,
              floor(date_part('epoch', closes - %(epoch)s) / 86400)::int AS last_slot
          FROM (SELECT staff_id, post_id, place_id, grade, starts_at, ends_at, greatest(in_from, starts_at - interval '1 day') AS opens,
                       least(out_until, starts_at + interval '3 days') AS closes
                FROM rosters_shiftinstance
                WHERE staff_id IN (SELECT staff_id FROM pg_temp.punches_rows) AND cancelled_at IS NULL
                    AND starts_at > %(since)s - interval '3 days' AND starts_at < %(until)s + interval '1 day'
                    AND in_from <= %(until)s AND out_until > %(since)s OFFSET 0) i OFFSET 0) r
    JOIN (VALUES (0), (1), (2), (3), (4)) days(n) ON r.slot + n <= r.last_slot
), likeliest AS (
    SELECT DISTINCT ON (b.seq) b.seq, b.recorded_at, b.at, b.day, b.staff_id, b.direction, w.post_id, w.place_id, w.grade
    FROM pg_temp.punches_rows b
    LEFT JOIN windows w ON w.staff_id = b.staff_id AND w.slot = b.slot AND w.opens <= b.at AND b.at < w.closes
    WHERE NOT b.again{new}
    ORDER BY b.seq, NOT (w.starts_at <= b.at AND b.at < w.ends_at),
        least(abs(date_part('epoch', w.starts_at - b.at)), abs(date_part('epoch', w.ends_at - b.at)))
), asked AS (
    SELECT l.seq, l.recorded_at, l.at, l.day, l.staff_id, l.direction, s.left_on, coalesce(l.post_id, s.post_id) AS post_id, l.place_id,
        coalesce(l.grade, t.grade, CASE WHEN s.post_id IS NULL THEN 'D' ELSE 'C' END) AS asked
    FROM likeliest l
    JOIN organisation_staff s ON s.id = l.staff_id
    LEFT JOIN rosters_postterms t ON t.post_id = s.post_id
), there AS (
    SELECT a.*, p.certificates, e.full_name, e.path IS NULL OR starts_with(%(path)s, e.path)
        OR (%(inner)s AND starts_with(e.path, %(path)s)) AS fits
    FROM asked a LEFT JOIN organisation_post p ON p.id = a.post_id
    LEFT JOIN organisation_place e ON e.id = coalesce(a.place_id, p.place_id)
), decided AS MATERIALIZED (
    SELECT a.seq, a.recorded_at, a.at, a.day, a.staff_id, a.direction, a.post_id, a.asked,
        CASE WHEN fits THEN %(grade)s ELSE greatest(%(grade)s, %(elsewhere)s) END AS grade,
        CASE WHEN fits OR (%(path)s = '' AND %(grade)s >= %(elsewhere)s) THEN ''
             ELSE left(%(said)s || '，班次在「' || full_name || '」。', 200) END AS note,
        CASE WHEN a.at > %(latest)s OR a.at < %(oldest)s THEN 'clock'
             WHEN a.at >= (a.left_on + 1 + time '12:00') AT TIME ZONE %(tz)s THEN 'left'
             WHEN CASE WHEN fits THEN %(grade)s ELSE greatest(%(grade)s, %(elsewhere)s) END > a.asked THEN 'too_weak' ELSE '' END AS refusal,
        CASE WHEN a.certificates IS NULL OR a.certificates = '[]' THEN '[]'::jsonb ELSE coalesce((
            SELECT jsonb_agg(k) FROM jsonb_array_elements_text(a.certificates) k WHERE NOT EXISTS (
                SELECT 1 FROM organisation_certificate h WHERE h.staff_id = a.staff_id AND h.kind = k
                    AND h.issued_on <= a.day
                    AND coalesce(least(h.expires_on, h.review_on) >= a.day, true))), '[]'::jsonb) END AS lacking
    FROM there a
), stored AS (
    INSERT INTO punches_punch (
        staff_id, at, recorded_at, received_at, clock, source, direction, device_id, seq, phone_id, post_id, place_id,
        place_code, vouched_by_name, vouched_on_site, grade, asked, lacking, status, refusal, note)
    SELECT staff_id, at, recorded_at, %(now)s, %(clock)s, %(source)s, (ARRAY['unknown', 'in', 'out'])[direction + 1],
        %(device)s, seq, '', post_id, %(place)s, false, '', false, grade, asked, lacking,
        CASE WHEN refusal = '' THEN 'accepted' ELSE 'refused' END, refusal, note
    FROM decided
), changed AS (
    INSERT INTO punches_dirty (staff_id, day) SELECT staff_id, day FROM decided WHERE refusal = '' GROUP BY 1, 2
)
SELECT count(*), count(*) FILTER (WHERE refusal <> ''),
    coalesce(array_agg(seq) FILTER (WHERE refusal = '' AND lacking <> '[]'), '{{}}')
FROM decided
"""
_NEW = """
        AND NOT EXISTS (SELECT FROM punches_punch o
                        WHERE o.device_id = %(device)s AND o.seq = b.seq AND o.seq BETWEEN %(low)s AND %(high)s)"""


def insert(device: Device, laid: Laid, *, basis: str, tenant: Tenant, now: datetime, source: str = "") -> Stored:
    """What lies in the temporary table becomes punches; those already there are left as they are.

    Call with the device locked, so that two batches of one device never meet.
    """
    kind = PunchSource.SYSTEM if device.kind == DeviceKind.SYSTEM else PunchSource.DEVICE
    place = device.place
    grade = grade_of(Vector(terminal=device.verifies_person, card=not device.verifies_person))
    with connection.cursor() as cursor:
        cursor.execute(_SOME, [device.pk, laid.low, laid.high])
        some = cursor.fetchone()[0]
        params: dict[str, Any] = {
                "now": now, "clock": basis, "source": source or kind, "device": device.pk, "place": device.place_id,
                "grade": grade, "latest": now + AHEAD, "oldest": now - OLDEST, "epoch": _EPOCH, "tz": tenant.tz.key,
                "low": laid.low, "high": laid.high, "since": laid.since, "until": laid.until,
                "path": place.path if place else "", "inner": place is not None and place.parent_id is not None,
                "elsewhere": Grade.C, "said": f"考勤机在「{place.full_name}」" if place else "考勤机没有登记地点",
            }  # fmt: skip
        cursor.execute(_INSERT.format(new=_NEW if some else ""), params)
        inserted, refused, seqs = cursor.fetchone()
        lacking: list[int] = []
        if seqs:
            cursor.execute(
                "SELECT id FROM punches_punch WHERE device_id = %s AND seq = ANY(%s) ORDER BY id", [device.pk, seqs]
            )
            lacking = [row[0] for row in cursor.fetchall()]
    if inserted > refused:
        enqueue_on_commit("punches.received", tenant=tenant)
    if lacking:
        ask_uncertified(lacking, tenant=tenant)
    return Stored(inserted, refused, lacking)


def store_unmatched(device: Device, *, tenant: Tenant, now: datetime) -> int:
    """Punches that waited for a number which is known by now; call with the device locked. Returns how many moved.

    Where the device has used the same number again since for a punch of another time, the one that waited is told
    apart by person and time, as a record without a number is: it must not be taken for the other one and be lost.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH known AS (SELECT number, id AS staff_id, 1 AS rank FROM organisation_staff UNION ALL"
            "   SELECT number, staff_id, 0 FROM punches_staffcode WHERE device_id = %(device)s),"
            " owner AS (SELECT DISTINCT ON (number) number, staff_id FROM known ORDER BY number, rank)"
            " DELETE FROM punches_unmatched u USING owner o WHERE u.device_id = %(device)s AND o.number = u.number"
            " RETURNING u.seq, u.recorded_at, u.at, o.staff_id, u.direction, u.clock, u.number",
            {"device": device.pk},
        )
        rows = cursor.fetchall()
    stored = dict(
        Punch.objects.filter(device=device, seq__in=[row[0] for row in rows]).values_list("seq", "recorded_at")
    )
    by_correction: dict[tuple[timedelta, str], list[tuple[int, datetime, UUID, int]]] = {}
    for seq, recorded_at, at, staff_id, direction, basis, number in rows:
        if stored.get(seq, recorded_at) != recorded_at:
            seq = derived_seq(number, recorded_at)
        told = (seq, recorded_at, staff_id, DIRECTIONS.index(direction))
        by_correction.setdefault((recorded_at - at, basis), []).append(told)
    for (drift, basis), group in by_correction.items():
        seqs, times, staff, directions = zip(*group, strict=True)
        laid = lay(seqs, times, staff, directions, drift=drift, tz=tenant.tz)
        insert(device, laid, basis=basis, tenant=tenant, now=now)
    return len(rows)
