"""Punches: read; punch, vouch, hand in batches, appeal and decide; fences and devices. Photos go to `/files/` first."""

from __future__ import annotations

import base64
import binascii
from datetime import date, datetime
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import load_many, load_one
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.evidence import EvidenceType, Id, Text, listed
from graphql_api.tenant.findings import PlaceRef, common
from kernel import anchors, clock
from kernel.errors import Invalid, NotFound
from tenants.evidence import queries as evidence
from tenants.organisation import queries as organisation
from tenants.punches import expected, operations, queries, sentences
from tenants.punches.batches import DIRECTIONS
from tenants.punches.contracts import BatchResult, Expected, Record, Rejected
from tenants.punches.errors import BatchTooLarge
from tenants.punches.models import Appeal, Device, Fence, Punch, Setting

MOST = 1_000  # records of one mutation; devices use POST /api/punches/batch
MOST_PICTURE = 16_000_000  # characters of base64
CLIENT_ID = "Made by the sender: the same id again returns the punch it made the first time"


class PersonRef(graphene.ObjectType):
    """A member of staff by id, number and name."""

    id = Id
    number = Text
    name = Text


class PostRef(graphene.ObjectType):
    """A post by id and name."""

    id = Id
    name = Text


class PunchAppealType(DjangoObjectType):
    """打卡申诉: a person says that a refused punch was right."""

    class Meta:
        model = Appeal
        name = "PunchAppeal"
        fields = ("id", "text", "status", "asked_at", "asked_by_name", "decided_at", "decided_by_name", "decision_note")
        convert_choices_to_enum = False

    id = Id
    punch_id = graphene.NonNull(graphene.BigInt)
    photo = graphene.Field(EvidenceType)

    @staticmethod
    def resolve_photo(row: Appeal, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "punches.photos", evidence.contracts_of, row.photo_id)


class PunchType(DjangoObjectType):
    """打卡: what was seen of a person at a time, with how well it is proved."""

    class Meta:
        model = Punch
        name = "Punch"
        fields = (
            "at", "recorded_at", "received_at", "clock", "source", "direction", "place_code", "latitude", "longitude",
            "accuracy_m", "fix_age_s", "outside_m", "face_score", "liveness", "vouched_by_name", "vouched_on_site",
            "grade", "asked", "status", "refusal", "note",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = graphene.NonNull(graphene.BigInt)
    device_id = graphene.UUID()
    lacking = graphene.NonNull(
        graphene.List(graphene.NonNull(graphene.String)), description="Certificates the post requires and were missing"
    )
    why = graphene.NonNull(graphene.String, description="Why it did not count; empty when it does")
    next_step = graphene.NonNull(graphene.String, description="What the person can do now")
    staff = graphene.Field(PersonRef)
    post = graphene.Field(PostRef)
    place = graphene.Field(PlaceRef)
    photo = graphene.Field(EvidenceType)
    appeals = listed(PunchAppealType)

    @staticmethod
    def resolve_why(row: Punch, info: graphene.ResolveInfo) -> str:
        return sentences.why(row)

    @staticmethod
    def resolve_next_step(row: Punch, info: graphene.ResolveInfo) -> str:
        return sentences.next_step(row)

    @staticmethod
    def resolve_staff(row: Punch, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "punches.staff", organisation.staff_by_id, row.staff_id)

    @staticmethod
    def resolve_post(row: Punch, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "punches.posts", organisation.posts_by_id, row.post_id)

    @staticmethod
    def resolve_place(row: Punch, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> dict[UUID, PlaceRef]:
            found = organisation.places_by_id(ids)
            return {i: PlaceRef(id=i, name=place.full_name) for i, place in found.items()}

        return load_one(info.context, "punches.places", fetch, row.place_id)

    @staticmethod
    def resolve_photo(row: Punch, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "punches.photos", evidence.contracts_of, row.photo_id)

    @staticmethod
    def resolve_appeals(row: Punch, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "punches.appeals", queries.appeals_of, row.pk)


class FenceType(DjangoObjectType):
    """打卡范围 of a post: a circle in metres or a polygon of [longitude, latitude] pairs."""

    class Meta:
        model = Fence
        name = "Fence"
        fields = ("name", "shape", "latitude", "longitude", "radius_m", "active")
        convert_choices_to_enum = False

    id = Id
    post_id = Id
    polygon = graphene.NonNull(graphene.List(graphene.NonNull(graphene.List(graphene.NonNull(graphene.Float)))))


class PunchDeviceType(DjangoObjectType):
    """考勤设备. Its token is told once, when it is made."""

    class Meta:
        model = Device
        name = "PunchDevice"
        fields = (
            "name", "kind", "verifies_person", "token_hint", "active", "last_seen_at", "reported_until", "drift_seconds",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    place_id = graphene.UUID()


class ExpectedShiftType(graphene.ObjectType):
    """A shift a person is expected at, with the grade of evidence its post asks for."""

    class Meta:
        name = "ExpectedShift"

    id = Id
    post_id = Id
    post_name = Text
    place_name = Text
    starts_at = graphene.NonNull(graphene.DateTime)
    ends_at = graphene.NonNull(graphene.DateTime)
    grade = Text

    @classmethod
    def of(cls, row: Expected) -> ExpectedShiftType:
        return cls(
            id=row.instance_id, post_id=row.post_id, post_name=row.post_name, place_name=row.place_name,
            starts_at=row.starts_at, ends_at=row.ends_at, grade=row.grade,
        )  # fmt: skip


class PunchRetentionType(DjangoObjectType):
    """How long coordinates of punches are kept, and what was erased so far."""

    class Meta:
        model = Setting
        fields = ("position_days", "erased_until", "changed_at", "changed_by_name")
        name = "PunchRetention"

    erased_count = graphene.NonNull(graphene.BigInt)


class PunchesQuery(graphene.ObjectType):
    """Reads of punches. Scope: punches:read."""

    punches = Listing(
        connection_of(PunchType),
        description="Newest first; people see their own, companies their people's",
        text=graphene.String(description="Name, pinyin or number"),
        staff_id=graphene.UUID(),
        post_id=graphene.UUID(),
        party_id=graphene.UUID(),
        device_id=graphene.UUID(),
        from_day=graphene.Date(),
        until_day=graphene.Date(),
        grade=graphene.String(),
        status=graphene.String(),
        source=graphene.String(),
        mark=graphene.String(description="lacking, late, claimed or appeal"),
    )
    punch = graphene.Field(PunchType, id=graphene.BigInt(required=True))
    punch_appeals = Listing(connection_of(PunchAppealType), status=graphene.String())
    fences = Listing(connection_of(FenceType), post_id=graphene.UUID())
    punch_devices = Listing(connection_of(PunchDeviceType))
    punch_retention = graphene.Field(graphene.NonNull(PunchRetentionType))
    next_shifts = graphene.Field(listed(ExpectedShiftType), description="Of the asker: what runs now and comes next")
    punch_clock = graphene.NonNull(
        graphene.String, description="The server's time, signed, for phones: `anchor` of the mutation punch"
    )

    @staticmethod
    def resolve_punch_retention(root: None, info: graphene.ResolveInfo) -> Setting:
        return queries.setting(by=info.context.actor)

    @staticmethod
    def resolve_punches(
        root: None,
        info: graphene.ResolveInfo,
        from_day: date | None = None,
        until_day: date | None = None,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **filters: Any,
    ) -> Any:
        context = info.context
        return queries.listing(
            by=context.actor, tz=context.tenant.tz, from_day=from_day, until_day=until_day, **filters
        )

    @staticmethod
    def resolve_punch(root: None, info: graphene.ResolveInfo, id: int) -> Punch | None:
        try:
            return queries.punch(punch_id=id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_punch_appeals(root: None, info: graphene.ResolveInfo, status: str = "", **_page: Any) -> Any:
        return queries.appeals(by=info.context.actor, status=status)

    @staticmethod
    def resolve_fences(root: None, info: graphene.ResolveInfo, post_id: UUID | None = None, **_page: Any) -> Any:
        return queries.fences(by=info.context.actor, post_id=post_id)

    @staticmethod
    def resolve_punch_devices(root: None, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return queries.devices(by=info.context.actor)

    @staticmethod
    def resolve_next_shifts(root: None, info: graphene.ResolveInfo) -> list[ExpectedShiftType]:
        actor = info.context.actor
        queries.visible(actor)  # a role here and, for tokens, the scope
        if actor.staff_id is None:
            return []
        return [ExpectedShiftType.of(row) for row in expected.upcoming(actor.staff_id, clock.now())]

    @staticmethod
    def resolve_punch_clock(root: None, info: graphene.ResolveInfo) -> str:
        queries.visible(info.context.actor)
        return anchors.anchor(schema=info.context.tenant.schema, now=clock.now())


# --- mutations -----------------------------------------------------------------------------------


class PositionInput(graphene.InputObjectType):
    """Where the phone is, in WGS-84 degrees."""

    latitude = graphene.Float(required=True)
    longitude = graphene.Float(required=True)
    accuracy_m = graphene.Float()
    fix_age_s = graphene.Float(description="How old the position was at the moment of the punch")


class ClockInput(graphene.InputObjectType):
    """How the phone knows the time."""

    recorded_at = graphene.DateTime(description="By the phone's own clock")
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


class RecordInput(graphene.InputObjectType):
    """One punch as another system names it."""

    seq = graphene.BigInt(description="The system's own number of it; without one, person and time identify it")
    number = graphene.String(required=True, description="Staff number")
    recorded_at = graphene.DateTime(required=True)
    direction = graphene.String()


class CountType(graphene.ObjectType):
    """A number nobody has, and how many punches wait for it."""

    class Meta:
        name = "UnknownNumber"

    number = Text
    count = graphene.NonNull(graphene.Int)


class RejectedType(graphene.ObjectType):
    """A record that was not taken."""

    class Meta:
        name = "RejectedRecord"

    index = graphene.NonNull(graphene.Int)
    code = Text
    message = Text


class BatchResultType(graphene.ObjectType):
    """What became of a batch; `acknowledged` records need not be sent again."""

    class Meta:
        name = "PunchBatchResult"

    acknowledged = graphene.NonNull(graphene.Int)
    accepted = graphene.NonNull(graphene.Int)
    refused = graphene.NonNull(graphene.Int)
    duplicates = graphene.NonNull(graphene.Int)
    unmatched = graphene.NonNull(graphene.Int)
    conflicts = graphene.NonNull(graphene.List(graphene.NonNull(graphene.BigInt)))
    unknown_numbers = listed(CountType)
    rejected = listed(RejectedType)
    drift_seconds = graphene.Int()
    reported_until = graphene.DateTime()

    @staticmethod
    def resolve_unknown_numbers(result: BatchResult, info: graphene.ResolveInfo) -> list[CountType]:
        return [CountType(number=number, count=n) for number, n in result.unknown_numbers.items()]

    @staticmethod
    def resolve_rejected(result: BatchResult, info: graphene.ResolveInfo) -> list[RejectedType]:
        return [RejectedType(index=r.index, code=r.code, message=r.sentence) for r in result.rejected]


class IngestPunches(DomainMutation):
    """Hand in up to 1,000 records as a device of the school; the admin alone. Same rules as POST /api/punches/batch."""

    class Arguments:
        device_id = graphene.UUID(required=True)
        records = graphene.NonNull(graphene.List(graphene.NonNull(RecordInput)))
        sent_at = graphene.DateTime()
        reported_until = graphene.DateTime()

    scope = "punches:write"
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
        good, rejected = [], []
        for index, raw in enumerate(records):
            seq, number, at = raw.get("seq"), raw["number"].strip(), raw["recorded_at"]
            direction = DIRECTIONS.get((raw.get("direction") or "").lower())
            fine = 1 <= len(number) <= 30 and direction is not None and at.tzinfo is not None and "\x00" not in number
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
    save_fence = SaveFence.Field()
    drop_fence = DropFence.Field()
    add_punch_device = AddPunchDevice.Field()
    renew_punch_device_token = RenewPunchDeviceToken.Field()
    switch_punch_device = SwitchPunchDevice.Field()
    map_device_number = MapDeviceNumber.Field()
    set_punch_position_days = SetPunchPositionDays.Field()
