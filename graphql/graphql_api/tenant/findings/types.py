"""What a finding looks like."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.loaders import load_many, load_one
from graphql_api.tenant.evidence import EvidenceType, Id, Text, listed
from kernel import clock
from tenants.evidence import queries as evidence
from tenants.findings import queries
from tenants.findings.choices import ExtensionStatus, StepKind
from tenants.findings.models import Extension, Finding, Step
from tenants.findings.operations.learning import needs_consequence

Ids = graphene.List(graphene.NonNull(graphene.UUID))
CLIENT_KEY = "Made by the sender: the same key again does nothing twice and answers as the first time"


class PlaceRef(graphene.ObjectType):
    """A place by id and full name."""

    id = Id
    name = Text


class PartyRef(graphene.ObjectType):
    """A responsible party (contract or department) by id and name."""

    id = Id
    name = Text


class FindingStepType(DjangoObjectType):
    """One step in a finding's life."""

    class Meta:
        model = Step
        name = "FindingStep"
        fields = ("id", "kind", "at", "actor_name", "text")
        convert_choices_to_enum = False

    id = Id
    kind_label = Text
    photos = listed(EvidenceType)

    @staticmethod
    def resolve_kind_label(row: Step, info: graphene.ResolveInfo) -> str:
        return str(StepKind(row.kind).label)

    @staticmethod
    def resolve_photos(row: Step, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> list[tuple[UUID, Any]]:
            pairs = queries.photo_ids_of_steps(ids)
            known = evidence.contracts_of(i for _step, i in pairs)
            return [(step, known[i]) for step, i in pairs if i in known]

        return load_many(info.context, "findings.step_photos", fetch, row.pk)


class ExtensionType(DjangoObjectType):
    """申请延期: the clock runs on until it is granted."""

    class Meta:
        model = Extension
        name = "FindingExtension"
        fields = (
            "id", "status", "before", "wanted", "granted", "reason", "asked_at", "asked_by_name", "answer",
            "answered_at", "answered_by_name",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    finding_id = Id
    status_label = Text

    @staticmethod
    def resolve_status_label(row: Extension, info: graphene.ResolveInfo) -> str:
        return str(ExtensionStatus(row.status).label)


class FindingType(DjangoObjectType):
    """问题整改: a problem with place, responsible party, clause, deadline and evidence."""

    class Meta:
        model = Finding
        name = "Finding"
        fields = (
            "id", "number", "title", "detail", "source", "source_id", "source_key", "category", "post_id", "incident", "line", "rubric_item_id", "requirement_key",
            "edition", "occurrences", "severity", "veto", "status", "deadline", "found_at", "found_by_name",
            "verifier_name", "cause", "measure", "verdict", "lesson", "fixed_by_name", "submitted_at", "closed_at",
            "closed_by_name", "reopened", "rejections", "escalation", "owner_name", "root_cause", "consequence",
            "rubric_id", "rubric_revision", "repeats", "extended", "first_deadline", "chased",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    source_id = graphene.UUID()
    rubric_item_id = graphene.UUID()
    repeat_of_id = graphene.UUID(description="The finding this one repeats (复发)")
    owner_id = graphene.UUID(description="整改负责人, of the party's people")
    rubric_id = graphene.UUID(description="The sheet changed because of it")
    plan_event = graphene.String(description="`key` of the change of a plan on the timeline")
    needs_consequence = graphene.NonNull(graphene.Boolean, description="Closes only with its consequence")
    extensions = graphene.Field(listed(ExtensionType), description="Requests for more time, oldest first")
    status_label = Text
    overdue = graphene.NonNull(graphene.Boolean)
    place = graphene.NonNull(PlaceRef)
    party = graphene.NonNull(PartyRef)
    steps = listed(FindingStepType)
    photos = graphene.Field(listed(EvidenceType), description="Of the problem, oldest first")
    after_photos = graphene.Field(listed(EvidenceType), description="Of the fix, oldest first")

    @staticmethod
    def resolve_status_label(row: Finding, info: graphene.ResolveInfo) -> str:
        return str(row.get_status_display())

    @staticmethod
    def resolve_plan_event(row: Finding, info: graphene.ResolveInfo) -> str | None:
        return None if row.plan_event_id is None else str(row.plan_event_id)

    @staticmethod
    def resolve_needs_consequence(row: Finding, info: graphene.ResolveInfo) -> bool:
        return needs_consequence(row)

    @staticmethod
    def resolve_extensions(row: Finding, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "findings.extensions", queries.extensions_of, row.pk)

    @staticmethod
    def resolve_overdue(row: Finding, info: graphene.ResolveInfo) -> bool:
        return queries.is_overdue(row, clock.now())

    @staticmethod
    def resolve_place(row: Finding, info: graphene.ResolveInfo) -> PlaceRef:
        return PlaceRef(id=row.place_id, name=row.place.full_name)

    @staticmethod
    def resolve_party(row: Finding, info: graphene.ResolveInfo) -> PartyRef:
        return PartyRef(id=row.party_id, name=row.party.name)

    @staticmethod
    def resolve_steps(row: Finding, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> list[tuple[UUID, Step]]:
            return [(s.finding_id, s) for s in queries.steps_of(ids, photos=False)]

        return load_many(info.context, "findings.steps", fetch, row.pk)

    @staticmethod
    def resolve_photos(row: Finding, info: graphene.ResolveInfo) -> Any:
        return _pictures(row, info, 0)

    @staticmethod
    def resolve_after_photos(row: Finding, info: graphene.ResolveInfo) -> Any:
        return _pictures(row, info, 1)


def _pictures(row: Finding, info: graphene.ResolveInfo, side: int) -> Any:
    def fetch(ids: list[UUID]) -> list[tuple[UUID, Any]]:
        found = queries.photos_of(ids)
        known = evidence.contracts_of(i for pair in found.values() for i in pair[side])
        return [(key, known[i]) for key, pair in found.items() for i in pair[side] if i in known]

    return load_many(info.context, f"findings.photos.{side}", fetch, row.pk)


def load_finding(info: graphene.ResolveInfo, finding_id: UUID | None) -> Any:
    """Promise one finding the asker may see; one query for a whole list."""

    def fetch(ids: list[UUID]) -> dict[UUID, Finding]:
        return queries.rows_by_id(ids, by=info.context.actor)

    return load_one(info.context, "findings.rows", fetch, finding_id)
