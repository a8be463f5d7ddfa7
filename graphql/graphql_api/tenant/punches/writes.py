"""Writes of punches. Scope: punches:write."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any
from uuid import UUID

import graphene

from graphql_api.context import Context
from graphql_api.mutations import UNTELLABLE, DomainMutation, tellable
from graphql_api.tenant.findings import common
from graphql_api.tenant.jobs import JobType
from graphql_api.tenant.punches.types import (
    BatchResultType,
    FenceType,
    PunchAppealType,
    PunchDeviceType,
    PunchRetentionType,
    PunchType,
    RecordInput,
)
from graphql_api.uploads import decoded
from kernel.clock import told
from kernel.errors import Invalid
from tenants.punches import importing, operations
from tenants.punches.batches import DIRECTIONS
from tenants.punches.contracts import Record, Rejected
from tenants.punches.errors import BatchTooLarge

MOST = 1_000  # records of one mutation; devices use POST /api/punches/batch
MOST_PICTURE = 16_000_000  # characters of base64
CLIENT_ID = "Made by the sender: the same id again returns the punch it made the first time"


class PositionInput(graphene.InputObjectType):
    """Where the phone is, in WGS-84 degrees."""

    latitude = graphene.Float(required=True)
    longitude = graphene.Float(required=True)
    accuracy_m = graphene.Float()
    fix_age_s = graphene.Float(description="How old the position was at the moment of the punch")


class ClockInput(graphene.InputObjectType):
    """How the phone knows the time."""

    recorded_at = graphene.DateTime(
        description="By the phone's own clock. Without an anchor, and five minutes or more before it is received, it proves nothing of that time (grade D)"
    )
    anchor = graphene.String(description="From punchClock")
    elapsed_ms = graphene.Float(description="Since the anchor was given")
    monotonic = graphene.Boolean(description="Counted without interruption")


def _flat(given: dict[str, Any]) -> dict[str, Any]:
    position, told = given.pop("position", None) or {}, given.pop("clock", None) or {}
    return {**given, **position, **told}


class TakePunch(DomainMutation):
    """The asker punches for themselves. A punch that does not count is stored with its reason."""

    class Arguments:
        client_id = graphene.UUID(required=True, description=CLIENT_ID)
        direction = graphene.String(description="in, out or unknown")
        code = graphene.String(description="What the scanned code says")
        position = PositionInput()
        clock = ClockInput()
        photo_id = graphene.UUID()
        face = graphene.String(
            description="Base64 of a picture of the asker's face; held against their template, not kept"
        )
        post_id = graphene.UUID()
        phone_id = graphene.String()
        staff_id = graphene.UUID(description="As whom, for who works for several parties; else by the shift")

    scope = "punches:write"
    punch = graphene.Field(PunchType)

    @classmethod
    def perform(cls, context: Context, *, face: str | None = None, **given: Any) -> dict[str, Any]:
        picture: bytes | None = None
        if face is not None:
            try:
                picture = base64.b64decode(face[: MOST_PICTURE + 4], validate=True)
            except (binascii.Error, ValueError) as wrong:
                raise Invalid("人脸照片不是 base64。", field="face") from wrong
        return {"punch": operations.punch(**_flat(given), face=picture, **common(context))}


class VouchPunch(DomainMutation):
    """A supervisor on site says that a person is here."""

    class Arguments:
        staff_id = graphene.UUID(required=True)
        client_id = graphene.UUID(required=True, description=CLIENT_ID)
        direction = graphene.String()
        code = graphene.String()
        position = PositionInput(description="The supervisor's own")
        clock = ClockInput()
        photo_id = graphene.UUID()
        post_id = graphene.UUID()
        note = graphene.String()

    scope = "punches:write"
    punch = graphene.Field(PunchType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"punch": operations.vouch(**_flat(given), **common(context))}


class IngestPunches(DomainMutation):
    """Hand in up to 1,000 records as a device of the school; the admin alone. Same rules as POST /api/punches/batch."""

    class Arguments:
        device_id = graphene.UUID(required=True)
        records = graphene.NonNull(graphene.List(graphene.NonNull(RecordInput)))
        sent_at = graphene.DateTime()
        reported_until = graphene.DateTime()

    scope = "punches:write"
    checks_moments = False  # a bad record is told by its place, and the good ones are taken
    result = graphene.Field(BatchResultType)

    @classmethod
    def perform(
        cls,
        context: Context,
        *,
        device_id: UUID,
        records: list[dict[str, Any]],
        sent_at: datetime | None = None,
        reported_until: datetime | None = None,
    ) -> dict[str, Any]:
        if len(records) > MOST:
            raise BatchTooLarge
        if not tellable([each for each in (sent_at, reported_until) if each is not None]):
            raise Invalid(UNTELLABLE)
        good, rejected = [], []
        for index, raw in enumerate(records):
            seq, number, at = raw.get("seq"), raw["number"].strip(), raw["recorded_at"]
            direction = DIRECTIONS.get((raw.get("direction") or "").lower())
            fine = 1 <= len(number) <= 30 and direction is not None and (at := told(at)) is not None
            if fine and (seq is None or 0 <= seq <= 2**53):
                good.append(Record(seq, number, at, direction or "unknown"))
            else:
                rejected.append(Rejected(index, "record_unreadable", "工号、时间（要带时区）、方向或序号有误"))
        result = operations.ingest(
            device_id=device_id, records=good, rejected=rejected, sent_at=sent_at, reported_until=reported_until,
            **common(context),
        )  # fmt: skip
        return {"result": result}


class AppealPunch(DomainMutation):
    """The person says that a refused punch was right."""

    class Arguments:
        punch_id = graphene.BigInt(required=True)
        text = graphene.String(required=True)
        photo_id = graphene.UUID()
        client_key = graphene.String()

    scope = "punches:write"
    appeal = graphene.Field(PunchAppealType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"appeal": operations.appeal(**given, **common(context))}


class DecidePunchAppeal(DomainMutation):
    """申诉成立 or 维持原结果."""

    class Arguments:
        appeal_id = graphene.UUID(required=True)
        granted = graphene.Boolean(required=True)
        note = graphene.String()

    scope = "punches:write"
    appeal = graphene.Field(PunchAppealType)

    @classmethod
    def perform(cls, context: Context, *, appeal_id: UUID, granted: bool, note: str = "") -> dict[str, Any]:
        row = operations.decide_appeal(appeal_id=appeal_id, granted=granted, note=note, **common(context))
        return {"appeal": row}


class SaveFence(DomainMutation):
    """Make a fence of a post, or change one (`fenceId`)."""

    class Arguments:
        post_id = graphene.UUID(required=True)
        name = graphene.String(required=True)
        shape = graphene.String(required=True, description="circle or polygon")
        fence_id = graphene.UUID()
        latitude = graphene.Float()
        longitude = graphene.Float()
        radius_m = graphene.Int()
        polygon = graphene.List(graphene.NonNull(graphene.List(graphene.NonNull(graphene.Float))))
        active = graphene.Boolean()

    scope = "punches:write"
    fence = graphene.Field(FenceType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"fence": operations.save_fence(**given, **common(context))}


class DropFence(DomainMutation):
    """Remove a fence; punches keep what they were judged by."""

    class Arguments:
        fence_id = graphene.UUID(required=True)

    scope = "punches:write"
    dropped = graphene.Boolean()

    @classmethod
    def perform(cls, context: Context, *, fence_id: UUID) -> dict[str, Any]:
        operations.drop_fence(fence_id=fence_id, by=context.actor, tenant=context.tenant)
        return {"dropped": True}


class AddPunchDevice(DomainMutation):
    """Register a device; `token` is told this once."""

    class Arguments:
        name = graphene.String(required=True)
        kind = graphene.String(required=True, description="terminal or system")
        place_id = graphene.UUID()
        verifies_person = graphene.Boolean()

    scope = "punches:write"
    device = graphene.Field(PunchDeviceType)
    token = graphene.String()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        row, token = operations.add_device(**given, **common(context))
        return {"device": row, "token": token}


class RenewPunchDeviceToken(DomainMutation):
    """Another token for a device, told this once; the old one is refused at once."""

    class Arguments:
        device_id = graphene.UUID(required=True)

    scope = "punches:write"
    device = graphene.Field(PunchDeviceType)
    token = graphene.String()

    @classmethod
    def perform(cls, context: Context, *, device_id: UUID) -> dict[str, Any]:
        row, token = operations.renew_token(device_id=device_id, by=context.actor, tenant=context.tenant)
        return {"device": row, "token": token}


class SwitchPunchDevice(DomainMutation):
    """Switch a device off (its token is refused) or on."""

    class Arguments:
        device_id = graphene.UUID(required=True)
        active = graphene.Boolean(required=True)

    scope = "punches:write"
    device = graphene.Field(PunchDeviceType)

    @classmethod
    def perform(cls, context: Context, *, device_id: UUID, active: bool) -> dict[str, Any]:
        row = operations.change_device(device_id=device_id, active=active, by=context.actor, tenant=context.tenant)
        return {"device": row}


class MapDeviceNumber(DomainMutation):
    """Say whose a device's number is; the punches that waited become that person's."""

    class Arguments:
        device_id = graphene.UUID(required=True)
        number = graphene.String(required=True)
        staff_id = graphene.UUID(required=True)

    scope = "punches:write"
    moved = graphene.Int()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"moved": operations.map_number(**given, **common(context))}


class JudgePunchPhoto(DomainMutation):
    """Say, having looked at both, whether a photo is the earlier one (`same`: it does not count) or another."""

    class Arguments:
        punch_id = graphene.BigInt(required=True)
        same = graphene.Boolean(required=True)
        note = graphene.String()

    scope = "punches:write"
    punch = graphene.Field(PunchType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"punch": operations.judge_photo(**given, **common(context))}


class ResetPunchDevice(DomainMutation):
    """设备重新编号: the device counts from 1 again (replaced, reset); its numbers go on behind the last one stored."""

    class Arguments:
        device_id = graphene.UUID(required=True)

    scope = "punches:write"
    device = graphene.Field(PunchDeviceType)

    @classmethod
    def perform(cls, context: Context, *, device_id: UUID) -> dict[str, Any]:
        return {"device": operations.reset_sequence(device_id=device_id, by=context.actor, tenant=context.tenant)}


class StartPunchImport(DomainMutation):
    """Check a device's exported file in the background. Poll `job`, then `confirmPunchImport`; nothing is stored before."""

    class Arguments:
        device_id = graphene.UUID(required=True)
        file_name = graphene.String(required=True)
        content = graphene.String(required=True, description="The file in base64")

    scope = "punches:write"
    job = graphene.Field(JobType)

    @classmethod
    def perform(cls, context: Context, *, device_id: UUID, file_name: str, content: str) -> dict[str, Any]:
        job = importing.start_import(
            device_id=device_id, file_name=file_name, content=decoded(content), **common(context)
        )
        return {"job": job}


class ConfirmPunchImport(DomainMutation):
    """Store what a finished check found; wrong rows are left out. Twice is once."""

    class Arguments:
        job_id = graphene.UUID(required=True)

    scope = "punches:write"
    job = graphene.Field(JobType)

    @classmethod
    def perform(cls, context: Context, *, job_id: UUID) -> dict[str, Any]:
        return {"job": importing.confirm_import(job_id=job_id, **common(context))}


class SetPunchPositionDays(DomainMutation):
    """Keep coordinates this many days (30–730) after they were received; a shorter term erases at the next sweep."""

    class Arguments:
        days = graphene.Int(required=True)

    scope = "punches:write"
    retention = graphene.Field(PunchRetentionType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"retention": operations.set_position_days(**given, **common(context))}


class PunchesMutation(graphene.ObjectType):
    """Writes of punches. Scope: punches:write."""

    punch = TakePunch.Field()
    vouch_punch = VouchPunch.Field()
    ingest_punches = IngestPunches.Field()
    appeal_punch = AppealPunch.Field()
    decide_punch_appeal = DecidePunchAppeal.Field()
    judge_punch_photo = JudgePunchPhoto.Field()
    save_fence = SaveFence.Field()
    drop_fence = DropFence.Field()
    add_punch_device = AddPunchDevice.Field()
    renew_punch_device_token = RenewPunchDeviceToken.Field()
    switch_punch_device = SwitchPunchDevice.Field()
    map_device_number = MapDeviceNumber.Field()
    reset_punch_device = ResetPunchDevice.Field()
    start_punch_import = StartPunchImport.Field()
    confirm_punch_import = ConfirmPunchImport.Field()
    set_punch_position_days = SetPunchPositionDays.Field()
