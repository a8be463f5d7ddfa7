"""Faces on a school's host: one's own decisions and what is stored, the school's numbers. Never a vector, a photo, a name of a guardian."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import load_one
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.jobs import JobType
from graphql_api.tenant.organisation import StaffType
from graphql_api.tenant.own_rows import AS_WHOM, acting
from graphql_api.uploads import decoded
from kernel import clock
from kernel.errors import Invalid, NotAllowed
from tenants.face import operations, pack, queries, texts
from tenants.face.models import Check, Consent, Deletion
from tenants.organisation import queries as organisation

READ = "face:read"


class FaceConsentType(DjangoObjectType):
    """One decision about one version of the text; it stands while `endedAt` is null."""

    id = graphene.NonNull(graphene.UUID)

    class Meta:
        model = Consent
        fields = (
            "id",
            "decision",
            "text_version",
            "text_sha256",
            "how",
            "guardian",
            "age",
            "decided_at",
            "by_name",
            "ended_at",
            "ended",
        )
        convert_choices_to_enum = False  # fmt: skip


class FaceCheckType(DjangoObjectType):
    """One use of a face. `outcome` is "" while it is pending; scores of different models do not compare."""

    id = graphene.NonNull(graphene.UUID)
    passed = graphene.NonNull(graphene.Boolean)

    class Meta:
        model = Check
        fields = (
            "id", "purpose", "subject_id", "state", "outcome", "score", "threshold", "liveness", "liveness_threshold",
            "requested_at", "finished_at",
        )  # fmt: skip
        convert_choices_to_enum = False

    model = graphene.NonNull(graphene.String, description="Which model judged (SHA-256 of its file)")

    @staticmethod
    def resolve_model(row: Any, info: graphene.ResolveInfo) -> str:
        return str(row.model_hash)

    @staticmethod
    def resolve_passed(row: Any, info: graphene.ResolveInfo) -> bool:
        return queries.passed(row.outcome)


class FaceDeletionType(DjangoObjectType):
    """That something biometric is gone; nothing biometric is in it."""

    id = graphene.NonNull(graphene.ID)
    staff_id = graphene.NonNull(graphene.UUID)

    class Meta:
        model = Deletion
        fields = ("id", "staff_number", "kept", "reason", "enrolled_at", "deleted_at", "by_name")
        convert_choices_to_enum = False


class FacePointType(graphene.ObjectType):
    heading = graphene.NonNull(graphene.String)
    sentence = graphene.NonNull(graphene.String)


class FaceTextType(graphene.ObjectType):
    """The text in force, to be shown whole before anybody agrees."""

    version = graphene.NonNull(graphene.String)
    effective_on = graphene.NonNull(graphene.Date)
    title = graphene.NonNull(graphene.String)
    summary = graphene.NonNull(graphene.String)
    points = graphene.NonNull(graphene.List(graphene.NonNull(FacePointType)))
    basis = graphene.NonNull(graphene.String)

    @staticmethod
    def resolve_points(text: texts.Text, info: graphene.ResolveInfo) -> list[dict[str, str]]:
        return [{"heading": heading, "sentence": sentence} for heading, sentence in text.points]


class FaceServiceType(graphene.ObjectType):
    """Whether faces can be used here, and why not. A face is never the only way."""

    enabled = graphene.NonNull(graphene.Boolean, description="The school switched it on")
    pack_ready = graphene.NonNull(graphene.Boolean, description="The platform has a whole model pack")
    usable = graphene.NonNull(graphene.Boolean)
    photo_days = graphene.NonNull(graphene.Int, description="0: originals are not kept")
    text = graphene.NonNull(FaceTextType)


class MyFaceType(graphene.ObjectType):
    """What the signed-in person decided and what is stored of them."""

    consent = graphene.Field(FaceConsentType, description="The decision that stands")
    enrolled = graphene.NonNull(graphene.Boolean)
    enrolled_at = graphene.DateTime()
    photo_until = graphene.DateTime(description="Null: no original is kept")
    checks = graphene.NonNull(graphene.List(graphene.NonNull(FaceCheckType)), description="The last 20")
    deletions = graphene.NonNull(graphene.List(graphene.NonNull(FaceDeletionType)), description="The last 20")


class FaceCoverageType(graphene.ObjectType):
    """How far the school is, or a company with its own people."""

    people = graphene.NonNull(graphene.Int)
    enrolled = graphene.NonNull(graphene.Int)
    agreed = graphene.NonNull(graphene.Int)
    refused = graphene.NonNull(graphene.Int)
    undecided = graphene.NonNull(graphene.Int)
    templates = graphene.NonNull(graphene.Int)
    photos = graphene.NonNull(graphene.Int)
    outdated = graphene.NonNull(graphene.Int)


class FaceStandingType(graphene.ObjectType):
    """Where one person stands: enrolled, agreed, refused, asked."""

    staff = graphene.NonNull(StaffType)
    standing = graphene.NonNull(graphene.String)
    decided_at = graphene.DateTime()
    enrolled_at = graphene.DateTime()

    @staticmethod
    def resolve_staff(row: Any, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "organisation.staff", organisation.staff_by_id, row.pk)


class FaceQuery(graphene.ObjectType):
    """Reads of the face service. Scope: face:read."""

    face_service = graphene.NonNull(FaceServiceType)
    my_face = graphene.Field(
        MyFaceType,
        description="Null for accounts that are no member of staff",
        staff_id=graphene.UUID(description=AS_WHOM),
    )
    my_face_consents = Listing(connection_of(FaceConsentType), staff_id=graphene.UUID(description=AS_WHOM))
    face_check = graphene.Field(FaceCheckType, id=graphene.Argument(graphene.UUID, required=True))
    face_coverage = graphene.NonNull(FaceCoverageType)
    face_standings = Listing(
        connection_of(FaceStandingType), standing=graphene.String(), party_id=graphene.UUID(), text=graphene.String()
    )
    face_deletions = Listing(connection_of(FaceDeletionType))

    @staticmethod
    def resolve_face_service(root: None, info: graphene.ResolveInfo) -> dict[str, Any]:
        actor = info.context.actor
        if not actor.roles or actor.grant_id is not None or not actor.may(READ):
            raise NotAllowed
        today = clock.now().astimezone(info.context.tenant.tz).date()
        return {
            "enabled": queries.service_on(),
            "pack_ready": pack.state().ready,
            "usable": queries.usable(),
            "photo_days": queries.photo_days(),
            "text": texts.current(today),
        }

    @staticmethod
    def resolve_my_face(
        root: None, info: graphene.ResolveInfo, staff_id: UUID | None = None
    ) -> dict[str, Any] | None:  # fmt: skip
        actor = acting(info.context, staff_id)
        if actor.staff_id is None:
            return None
        person = queries.person(actor.staff_id, by=actor)
        template = queries.template_of(person.pk)
        return {
            "consent": queries.decision_of(person.pk),
            "enrolled": template is not None,
            "enrolled_at": template.enrolled_at if template else None,
            "photo_until": template.photo_until if template else None,
            "checks": queries.checks_of(person.pk, by=actor)[:20],
            "deletions": queries.deletions_of(person.pk, by=actor)[:20],
        }

    @staticmethod
    def resolve_my_face_consents(
        root: None, info: graphene.ResolveInfo, staff_id: UUID | None = None, **_page: Any
    ) -> Any:  # fmt: skip
        actor = acting(info.context, staff_id)
        return queries.decisions_of(actor.staff_id, by=actor) if actor.staff_id else []

    @staticmethod
    def resolve_face_check(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.own_check(id, by=info.context.actor)

    @staticmethod
    def resolve_face_coverage(root: None, info: graphene.ResolveInfo) -> Any:
        return queries.coverage(by=info.context.actor)

    @staticmethod
    def resolve_face_standings(
        root: None,
        info: graphene.ResolveInfo,
        standing: str = "",
        party_id: UUID | None = None,
        text: str = "",
        **_page: Any,
    ) -> Any:
        return queries.standings(by=info.context.actor, standing=standing, party_id=party_id, text=text)

    @staticmethod
    def resolve_face_deletions(root: None, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return queries.deletions(by=info.context.actor)


# --- Writes ------------------------------------------------------------------------------------------


class DecideFace(DomainMutation):
    """The signed-in person agrees ("agreed") or refuses ("refused") the text they were shown."""

    class Arguments:
        decision = graphene.String(required=True)
        text_version = graphene.String(required=True)
        is_14 = graphene.Boolean(description="They say that they are at least 14; needed without an ID card on record")
        key = graphene.String(description="Made by the sender: sent twice is done once")
        staff_id = graphene.UUID(description=AS_WHOM)

    scope = "face:write"
    consent = graphene.Field(FaceConsentType)

    @classmethod
    def perform(cls, context: Context, *, staff_id: UUID | None = None, **given: Any) -> dict[str, Any]:
        row = operations.decide(**given, by=acting(context, staff_id), tenant=context.tenant, now=clock.now())
        return {"consent": row}


class RevokeFace(DomainMutation):
    """Take an agreement back: what is stored is deleted at once. Without `staffId`: one's own."""

    class Arguments:
        staff_id = graphene.UUID()

    scope = "face:write"
    done = graphene.Boolean()

    @classmethod
    def perform(cls, context: Context, *, staff_id: UUID | None = None) -> dict[str, Any]:
        operations.revoke(staff_id=_whose(context, staff_id), by=context.actor, tenant=context.tenant, now=clock.now())
        return {"done": True}


class DeleteFace(DomainMutation):
    """Delete the template; the consent stands. Without `staffId`: one's own."""

    class Arguments:
        staff_id = graphene.UUID()

    scope = "face:write"
    done = graphene.Boolean()

    @classmethod
    def perform(cls, context: Context, *, staff_id: UUID | None = None) -> dict[str, Any]:
        operations.delete_template(
            staff_id=_whose(context, staff_id), by=context.actor, tenant=context.tenant, now=clock.now()
        )
        return {"done": True}


class EnrolFace(DomainMutation):
    """Hand in the picture one's template is made from (base64 JPEG, PNG or WebP); follow it by `faceCheck`."""

    class Arguments:
        picture = graphene.String(required=True)
        key = graphene.String()
        staff_id = graphene.UUID(description=AS_WHOM)

    scope = "face:write"
    check_id = graphene.UUID()

    @classmethod
    def perform(
        cls, context: Context, *, picture: str, key: str = "", staff_id: UUID | None = None
    ) -> dict[str, Any]:  # fmt: skip
        try:
            data = base64.b64decode(picture, validate=True)
        except (binascii.Error, ValueError) as wrong:
            raise Invalid("照片须为 base64 文本。", field="picture") from wrong
        check_id = operations.request_enrolment(
            picture=data, key=key, by=acting(context, staff_id), tenant=context.tenant, now=clock.now()
        )
        return {"check_id": check_id}


class FacePhotoInput(graphene.InputObjectType):
    """One photo of a batch, named by the person's work number."""

    name = graphene.String(required=True, description="G001.jpg")
    content = graphene.String(required=True, description="The picture in base64")


class StartFaceBatch(DomainMutation):
    """Enrol many people who agreed, from a zip of photos named by work number or from single photos; the admin alone.

    A request holds 12 MB: send larger sets as several batches. While it runs `job` says how far it is (`done` of `total` photos), and at
    the end in `result` who was enrolled and which photos were not used, and why. Photos are not kept longer than their batch.
    """

    class Arguments:
        file_name = graphene.String()
        content = graphene.String(description="A zip in base64")
        photos = graphene.List(graphene.NonNull(FacePhotoInput), description="Instead of a zip")

    scope = "face:write"
    job = graphene.Field(JobType)

    @classmethod
    def perform(
        cls, context: Context, *, file_name: str = "", content: str | None = None, photos: list[Any] | None = None
    ) -> dict[str, Any]:  # fmt: skip
        if (content is None) == (photos is None):
            raise Invalid("请传一个压缩包，或传若干张照片，二者选一。", field="content")
        given: dict[str, Any] = {"by": context.actor, "tenant": context.tenant, "now": clock.now()}
        if content is not None:
            name = file_name or "照片.zip"
            return {"job": operations.start_batch(content=decoded(content), file_name=name, **given)}
        single = [(photo["name"], decoded(photo["content"], field="photos")) for photo in photos or []]
        return {"job": operations.start_batch_of_photos(photos=single, **given)}


class RecordFacePaper(DomainMutation):
    """The admin records what a person, or the guardian of one under 14, signed on paper."""

    class Arguments:
        staff_id = graphene.UUID(required=True)
        decision = graphene.String(required=True)
        text_version = graphene.String(required=True)
        guardian = graphene.String(description='"father", "mother", "other", or left out')
        guardian_name = graphene.String()
        is_14 = graphene.Boolean(
            description="The admin has seen that the person is at least 14; asked where no ID card is"
        )

    scope = "face:write"
    consent = graphene.Field(FaceConsentType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        row = operations.record_paper(**given, by=context.actor, tenant=context.tenant, now=clock.now())
        return {"consent": row}


class ConfigureFace(DomainMutation):
    """Switch the service on or off (off deletes every template) and say how long originals are kept."""

    class Arguments:
        enabled = graphene.Boolean(required=True)
        assessed_on = graphene.Date()
        photo_days = graphene.Int()

    scope = "face:write"
    enabled = graphene.Boolean()

    @classmethod
    def perform(
        cls, context: Context, *, enabled: bool, assessed_on: Any = None, photo_days: int = 0
    ) -> dict[str, Any]:
        row = operations.configure(
            enabled=enabled, assessed_on=assessed_on, photo_days=photo_days, by=context.actor, tenant=context.tenant,
            now=clock.now(),
        )  # fmt: skip
        return {"enabled": row.enabled}


def _whose(context: Context, staff_id: UUID | None) -> UUID:
    own = staff_id or context.actor.staff_id
    if own is None:
        raise NotAllowed
    return own


class FaceMutation(graphene.ObjectType):
    """Writes of the face service. Scope: face:write."""

    decide_face = DecideFace.Field()
    revoke_face = RevokeFace.Field()
    delete_face = DeleteFace.Field()
    enrol_face = EnrolFace.Field()
    start_face_batch = StartFaceBatch.Field()
    record_face_paper = RecordFacePaper.Field()
    configure_face = ConfigureFace.Field()
