"""A batch of a device (or a file, or another system) becomes punches: duplicates ignored, nothing lost, nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.punches import clocks, policies, queries
from tenants.punches.choices import ClockBasis
from tenants.punches.contracts import MOST_RECORDS, BatchResult, Record, Rejected
from tenants.punches.errors import BatchTooLarge, DeviceOff
from tenants.punches.models import Device, Unmatched
from tenants.punches.operations import storing
from tenants.timeline.operations import record

FEW = 500  # up to here the people of a batch are looked up by number, else all are read
_DIRECTION = {name: n for n, name in enumerate(storing.DIRECTIONS)}


@transaction.atomic
def ingest(
    *,
    device_id: UUID,
    records: Sequence[Record],
    by: Actor,
    tenant: Tenant,
    now: datetime,
    sent_at: datetime | None = None,
    reported_until: datetime | None = None,
    rejected: Sequence[Rejected] = (),
    source: str = "",
) -> BatchResult:
    """Store a batch. `(device, seq)` is stored once however often it comes; what is acknowledged is stored.

    `sent_at` is the device's clock when it sent: its difference to ours is noted and taken off every time.
    `reported_until` (device clock): everything up to there was sent. Numbers nobody has are kept until
    somebody says whose they are. Locks the device. Raises NotAllowed, NotFound, DeviceOff, BatchTooLarge.
    """
    if not policies.can_ingest(by):
        raise NotAllowed
    if len(records) > MOST_RECORDS:
        raise BatchTooLarge
    device = Device.objects.select_for_update(of=("self",)).filter(pk=device_id).first()
    if device is None:
        raise NotFound
    if not device.active:
        raise DeviceOff
    drift = clocks.drift_of(sent_at, now)
    off, basis = drift or timedelta(0), ClockBasis.CLAIMED if drift is None else ClockBasis.DEVICE
    result = BatchResult(rejected=list(rejected))
    only = {each.number for each in records} if len(records) <= FEW else None
    owner = queries.numbers_of(device.pk, only=only) if records else {}
    base = device.seq_base
    seqs: list[int] = []
    times: list[datetime] = []
    staff: list[UUID] = []
    directions: list[int] = []
    strange: list[tuple[int, Record]] = []
    for each in records:
        seq = storing.derived_seq(each.number, each.recorded_at) if each.seq is None else each.seq + base
        person = owner.get(each.number)
        if person is None:
            strange.append((seq, each))
            continue
        seqs.append(seq)
        times.append(each.recorded_at)
        staff.append(person)
        directions.append(_DIRECTION[each.direction])
    if seqs:
        laid = storing.lay(seqs, times, staff, directions, drift=off, tz=tenant.tz)
        stored = storing.insert(device, laid, basis=basis, tenant=tenant, now=now, source=source)
        result.refused, result.lacking = stored.refused, len(stored.lacking)
        result.accepted = stored.inserted - stored.refused
        if stored.inserted < len(seqs):
            result.conflicts = [seq - base for seq in _conflicts(device)]
            result.duplicates = len(seqs) - stored.inserted - len(result.conflicts)
    if strange:
        _keep(device, strange, off, basis, now, result)
    _heard(device, drift, sent_at, reported_until, now, by)
    result.drift_seconds = None if drift is None else clocks.noted(drift)
    result.reported_until = device.reported_until
    return result


def _conflicts(device: Device) -> list[int]:
    """Records of the batch whose number is stored with another time: the device began again from 1, or lies."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.seq FROM pg_temp.punches_rows b JOIN punches_punch p ON p.device_id = %s AND p.seq = b.seq"
            " WHERE p.recorded_at <> b.recorded_at ORDER BY b.seq",
            [device.pk],
        )
        return [row[0] for row in cursor.fetchall()]


def _keep(
    device: Device,
    strange: Sequence[tuple[int, Record]],
    drift: timedelta,
    basis: str,
    now: datetime,
    result: BatchResult,
) -> None:
    """Records whose number nobody has: kept apart, counted, told back."""
    known = dict(
        Unmatched.objects.filter(device=device, seq__in=[seq for seq, _ in strange]).values_list("seq", "recorded_at")
    )
    fresh: dict[int, Unmatched] = {}
    for seq, each in strange:
        there = known.get(seq) or (fresh[seq].recorded_at if seq in fresh else None)
        if there is None:
            fresh[seq] = Unmatched(
                device=device, seq=seq, number=each.number, at=each.recorded_at - drift, clock=basis,
                recorded_at=each.recorded_at, received_at=now, direction=each.direction,
            )  # fmt: skip
        elif there == each.recorded_at:
            result.duplicates += 1
        else:
            result.conflicts.append(seq - device.seq_base)
    Unmatched.objects.bulk_create(fresh.values())
    result.unmatched = len(fresh)
    result.unknown_numbers = dict(Counter(each.number for _seq, each in strange).most_common(200))


def _heard(
    device: Device,
    drift: timedelta | None,
    sent_at: datetime | None,
    reported_until: datetime | None,
    now: datetime,
    by: Actor,
) -> None:
    """Note that the device spoke, how wrong its clock is, and up to when it has reported (never beyond now)."""
    before = device.drift_seconds or 0
    device.last_seen_at = now
    if drift is not None:
        device.drift_seconds = clocks.noted(drift)
        if abs(device.drift_seconds - before) >= clocks.NOTABLE.total_seconds():
            record(
                verb="device.drift", sentence=f"「{device.name}」的时钟偏差 {device.drift_seconds} 秒，打卡时间已按此校正",
                subject=device, by=by, drift_seconds=device.drift_seconds,
            )  # fmt: skip
    if reported_until is not None:
        until = min(reported_until - (drift or timedelta(0)), now)
        if device.reported_until is None or until > device.reported_until:
            device.reported_until = until
    device.save(update_fields=["last_seen_at", "drift_seconds", "reported_until"])
