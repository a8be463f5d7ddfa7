"""Schools on the public host: for institute staff and their tools."""

from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from institute.schools import operations, queries, upgrade
from institute.schools.models import SchemaRecord, School
from kernel import clock
from kernel.errors import NotAllowed

READ, WRITE = "schools:read", "schools:write"


def _reader(info: graphene.ResolveInfo) -> Any:
    if not info.context.actor.may(READ):
        raise NotAllowed
    return info.context.actor


class SchoolType(DjangoObjectType):
    """A selected school; `status` goes approved → creating → seeding → ready, or failed with `statusNote`."""

    id = graphene.NonNull(graphene.UUID)
    region_name = graphene.NonNull(graphene.String)

    class Meta:
        model = School
        fields = (
            "id", "slug", "name", "school_code", "credit_code", "kind", "region", "city", "mode", "students",
            "staff_count", "campuses", "trial", "status", "status_note", "status_at", "created_at", "opened_at",
        )  # fmt: skip
        convert_choices_to_enum = False


class SchemaRecordType(DjangoObjectType):
    """How a school's tables stand against the running release."""

    id = graphene.NonNull(graphene.ID)
    school_id = graphene.NonNull(graphene.UUID)
    behind = graphene.NonNull(graphene.Boolean, description="Lacks migrations of the running release")

    class Meta:
        model = SchemaRecord
        fields = ("id", "head", "fingerprint", "verified_at", "state", "attempts", "error", "updated_at")
        convert_choices_to_enum = False


class SchoolEventType(graphene.ObjectType):
    """What happened to a school on the institute's side."""

    at = graphene.NonNull(graphene.DateTime)
    verb = graphene.NonNull(graphene.String)
    sentence = graphene.NonNull(graphene.String)
    actor_name = graphene.NonNull(graphene.String)


class SchoolsQuery(graphene.ObjectType):
    schools = Listing(
        connection_of(SchoolType),
        search=graphene.String(description="Name, pinyin, access name or code"),
        status=graphene.String(),
        kind=graphene.String(),
        region=graphene.String(description="Two digits of GB/T 2260"),
        mode=graphene.String(),
    )
    school = graphene.Field(SchoolType, id=graphene.Argument(graphene.UUID, required=True))
    school_events = Listing(connection_of(SchoolEventType), school_id=graphene.Argument(graphene.UUID, required=True))
    schema_records = Listing(connection_of(SchemaRecordType), state=graphene.String(), search=graphene.String())

    @staticmethod
    def resolve_schools(
        root: None, info: graphene.ResolveInfo, search: str = "", status: str = "", kind: str = "", region: str = "",
        mode: str = "", **_page: Any,
    ) -> Any:  # fmt: skip
        return queries.schools_for(_reader(info), search=search, status=status, kind=kind, region=region, mode=mode)

    @staticmethod
    def resolve_school(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.school_for(_reader(info), id)

    @staticmethod
    def resolve_school_events(root: None, info: graphene.ResolveInfo, school_id: UUID, **_page: Any) -> Any:
        actor = _reader(info)
        return queries.events_for(actor, queries.school_for(actor, school_id))

    @staticmethod
    def resolve_schema_records(
        root: None, info: graphene.ResolveInfo, state: str = "", search: str = "", **_page: Any
    ) -> Any:
        return queries.ledger_for(_reader(info), state=state, search=search)


class RetrySchool(DomainMutation):
    """Start a failed opening again; safe to repeat."""

    scope = WRITE
    school = graphene.Field(SchoolType)

    class Arguments:
        school_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"school": operations.retry(**arguments, by=context.actor, now=clock.now())}


class SuspendSchool(DomainMutation):
    """Close a school's doors; its data stay."""

    scope = WRITE
    school = graphene.Field(SchoolType)

    class Arguments:
        school_id = graphene.UUID(required=True)
        reason = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"school": operations.suspend(**arguments, by=context.actor, now=clock.now())}


class ResumeSchool(DomainMutation):
    """Open a suspended school again."""

    scope = WRITE
    school = graphene.Field(SchoolType)

    class Arguments:
        school_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"school": operations.resume(**arguments, by=context.actor, now=clock.now())}


class SetSchoolTrial(DomainMutation):
    """Begin or end 试运行."""

    scope = WRITE
    school = graphene.Field(SchoolType)

    class Arguments:
        school_id = graphene.UUID(required=True)
        trial = graphene.Boolean(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"school": operations.set_trial(**arguments, by=context.actor, now=clock.now())}


class UpgradeSchools(DomainMutation):
    """Let a worker bring all schools to the newest tables; the result shows in `schemaRecords`."""

    scope = WRITE
    requested = graphene.Boolean()

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        upgrade.request_run(by=context.actor)
        return {"requested": True}


class SchoolsMutation(graphene.ObjectType):
    retry_school = RetrySchool.Field()
    suspend_school = SuspendSchool.Field()
    resume_school = ResumeSchool.Field()
    set_school_trial = SetSchoolTrial.Field()
    upgrade_schools = UpgradeSchools.Field()
