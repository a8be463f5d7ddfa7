"""Devices: tokens shown once, numbers mapped to people, sequences that begin again."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.organisation import queries as organisation
from tenants.punches import policies
from tenants.punches.choices import DeviceKind
from tenants.punches.errors import DeviceNameTaken
from tenants.punches.models import Device, Punch, StaffCode, Unmatched
from tenants.punches.operations.storing import store_unmatched
from tenants.timeline.operations import record

PREFIX = "cieldev_"  # recognised by secret scanners, and never taken for a person's token


def hash_of(token: str) -> str:
    """What is kept of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _fresh() -> tuple[str, str, str]:
    token = PREFIX + secrets.token_urlsafe(32)
    return token, hash_of(token), token[-4:]


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 60:
        raise Invalid("请填写设备名称，如“图书馆门口考勤机”。", field="name")
    return name


def _save(row: Device) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as taken:
        raise DeviceNameTaken(field="name") from taken


def _locked(device_id: UUID) -> Device:
    row = Device.objects.select_for_update(of=("self",)).filter(pk=device_id).first()
    if row is None:
        raise NotFound
    return row


@transaction.atomic
def add_device(
    *,
    name: str,
    kind: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    place_id: UUID | None = None,
    verifies_person: bool = False,
) -> tuple[Device, str]:
    """Register a device; returns it with its token, which is told this once. Raises NotAllowed, Invalid, DeviceNameTaken."""
    if not policies.can_manage_devices(by):
        raise NotAllowed
    if kind not in DeviceKind.values:
        raise Invalid("请选择设备种类。", field="kind")
    place = organisation.place(place_id) if place_id else None
    token, hashed, hint = _fresh()
    row = Device(
        name=_name(name), kind=kind, place_id=place.pk if place else None, verifies_person=verifies_person,
        token_hash=hashed, token_hint=hint, created_at=now, created_by_name=by.name[:60],
    )  # fmt: skip
    _save(row)
    record(verb="device.added", sentence=f"登记考勤设备「{row.name}」", subject=row, by=by, place_id=row.place_id)
    return row, token


@transaction.atomic
def change_device(
    *,
    device_id: UUID,
    by: Actor,
    tenant: Tenant,
    name: str | None = None,
    place_id: UUID | None = None,
    verifies_person: bool | None = None,
    active: bool | None = None,
) -> Device:
    """Rename, move, or switch a device off (its token is refused from then on) and on. Locks it.

    Raises NotAllowed, NotFound, Invalid, DeviceNameTaken.
    """
    if not policies.can_manage_devices(by):
        raise NotAllowed
    row = _locked(device_id)
    if name is not None:
        row.name = _name(name)
        row.place_id = organisation.place(place_id).pk if place_id else None
    if verifies_person is not None:
        row.verifies_person = verifies_person
    if active is not None:
        row.active = active
    _save(row)
    said = "" if active is None else ("，启用" if active else "，停用")
    record(verb="device.changed", sentence=f"修改考勤设备「{row.name}」{said}", subject=row, by=by)
    return row


@transaction.atomic
def renew_token(*, device_id: UUID, by: Actor, tenant: Tenant) -> tuple[Device, str]:
    """Give the device another token, told this once; the old one is refused at once. Raises NotAllowed, NotFound."""
    if not policies.can_manage_devices(by):
        raise NotAllowed
    row = _locked(device_id)
    token, row.token_hash, row.token_hint = _fresh()
    row.save(update_fields=["token_hash", "token_hint"])
    record(verb="device.token_renewed", sentence=f"更换考勤设备「{row.name}」的令牌", subject=row, by=by)
    return row, token


@transaction.atomic
def reset_sequence(*, device_id: UUID, by: Actor, tenant: Tenant) -> Device:
    """The device counts from 1 again (replaced, reset): its numbers go on behind the last one stored. Locks it.

    Without this its new punches would look like old ones sent twice. Raises NotAllowed, NotFound.
    """
    if not policies.can_manage_devices(by):
        raise NotAllowed
    row = _locked(device_id)
    stored = Punch.objects.filter(device=row).aggregate(top=Max("seq"))["top"] or 0
    waiting = Unmatched.objects.filter(device=row).aggregate(top=Max("seq"))["top"] or 0
    row.seq_base = max(stored, waiting, row.seq_base)
    row.save(update_fields=["seq_base"])
    record(verb="device.sequence_reset", sentence=f"考勤设备「{row.name}」重新从 1 编号", subject=row, by=by)
    return row


@transaction.atomic
def map_number(*, device_id: UUID, number: str, staff_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> int:
    """Say whose a device's number is; the punches that waited for it become that person's. Locks the device.

    Returns how many. Raises NotAllowed, NotFound, Invalid.
    """
    if not policies.can_manage_devices(by):
        raise NotAllowed
    row = _locked(device_id)
    number = number.strip()
    if not 1 <= len(number) <= 30:
        raise Invalid("请填写设备上的考勤号。", field="number")
    person = organisation.staff_member(staff_id, by=by)
    StaffCode.objects.update_or_create(device=row, number=number, defaults={"staff_id": person.pk})
    moved = store_unmatched(row, tenant=tenant, now=now)
    record(
        verb="device.number_mapped", sentence=f"「{row.name}」的考勤号 {number} 是 {person.name}，补入 {moved} 条打卡",
        subject=row, by=by, staff_id=person.pk,
    )  # fmt: skip
    return moved


@transaction.atomic
def rematch(*, tenant: Tenant, now: datetime) -> int:
    """Punches that wait for a number which somebody has by now become theirs. The sweep; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT u.device_id FROM punches_unmatched u WHERE EXISTS"
            " (SELECT 1 FROM organisation_staff s WHERE s.number = u.number) OR EXISTS"
            " (SELECT 1 FROM punches_staffcode c WHERE c.device_id = u.device_id AND c.number = u.number)"
        )
        ids = [row[0] for row in cursor.fetchall()]
    return sum(store_unmatched(_locked(device_id), tenant=tenant, now=now) for device_id in sorted(ids))


def seen(*, token: str) -> Device | None:
    """The device that a token belongs to in this school, switched off or not; None for anything else."""
    if not token.startswith(PREFIX) or len(token) > 200:
        return None
    return Device.objects.filter(token_hash=hash_of(token)).first()
