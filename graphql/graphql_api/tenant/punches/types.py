"""What punches look like from outside."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.loaders import load_many, load_one
from graphql_api.tenant.evidence import EvidenceType, Id, Text, listed
from graphql_api.tenant.findings import PlaceRef
from tenants.evidence import queries as evidence
from tenants.organisation import queries as organisation
from tenants.punches import policies, queries, sentences
from tenants.punches.contracts import BatchResult, Expected
from tenants.punches.models import Appeal, Device, Fence, PhotoCheck, Punch, Setting


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


class PunchPhotoCheckType(DjangoObjectType):
    """Whether the photo is a copy of one behind an earlier punch: a hint until somebody has decided."""

    class Meta:
        model = PhotoCheck
        name = "PunchPhotoCheck"
        fields = ("state", "asked_at", "compared_at", "decided_at", "decided_by_name", "note")
        convert_choices_to_enum = False

    earlier_id = graphene.BigInt(description="The punch whose photo it repeats")


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
    photo_check = graphene.Field(PunchPhotoCheckType, description="For the office alone")

    @staticmethod
    def resolve_photo_check(row: Punch, info: graphene.ResolveInfo) -> Any:
        if not policies.reads_all(info.context.actor):
            return None
        return load_one(info.context, "punches.photo_checks", queries.photo_checks_of, row.pk)

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
