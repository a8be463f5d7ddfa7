"""Evaluations on a school's host: rounds, their sources, areas, entries and deductions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import graphene
from django.db.models import TextChoices
from graphene.types.generic import GenericScalar
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import load_many, load_one
from graphql_api.mutations import DomainMutation
from kernel import clock
from kernel.errors import Invalid
from tenants.evaluations import operations, policies, queries
from tenants.evaluations.choices import Combine, RoundKind, RoundStatus, SourceMode
from tenants.evaluations.contracts import AreaSpec, SourceSpec
from tenants.evaluations.models import Area, Deduction, Entry, Round, Source

Choice = TypeVar("Choice", bound=TextChoices)


def _choice(kind: type[Choice], value: str, field: str) -> Choice:
    if value not in kind.values:
        raise Invalid(f"“{value}”不是可用的取值，请从 {'、'.join(kind.values)} 中选择。", field=field)
    return kind(value)


class AreaType(DjangoObjectType):
    """A part of the party's field scored by itself."""

    id = graphene.NonNull(graphene.UUID)
    place_id = graphene.UUID()

    class Meta:
        model = Area
        fields = ("id", "name", "place_id", "weight", "position")


class EntryType(DjangoObjectType):
    """A source's answer for an area: `raw` out of 100, or a sheet handed in with items marked not applicable."""

    id = graphene.NonNull(graphene.UUID)
    area_id = graphene.NonNull(graphene.UUID)
    not_applicable = graphene.NonNull(GenericScalar, description="{item id: reason}")

    class Meta:
        model = Entry
        fields = ("id", "raw", "comment", "submitted_at", "submitted_by_name")


class SourceType(DjangoObjectType):
    """Who scores, and for how many percent of the whole."""

    id = graphene.NonNull(graphene.UUID)
    scorers = graphene.NonNull(GenericScalar, description="[{id, name}]; empty: any supervisor")
    entries = graphene.NonNull(graphene.List(graphene.NonNull(EntryType)))

    class Meta:
        model = Source
        fields = ("id", "name", "weight", "mode", "takes_findings", "excused", "position")
        convert_choices_to_enum = False

    @staticmethod
    def resolve_entries(source: Source, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "evaluations.entries", queries.entries_of, source.pk)


class DeductionType(DjangoObjectType):
    """Points taken off an item: `nominal` before caps, `cost` what it took off the round's score."""

    id = graphene.NonNull(graphene.UUID)
    round_id = graphene.NonNull(graphene.UUID)
    source_id = graphene.NonNull(graphene.UUID)
    area_id = graphene.NonNull(graphene.UUID)
    finding_id = graphene.UUID()
    place_id = graphene.UUID()
    evidence = graphene.NonNull(graphene.List(graphene.NonNull(graphene.UUID)), description="Ids of photos and files")
    round = graphene.Field(lambda: RoundType)

    class Meta:
        model = Deduction
        fields = (
            "id", "item_key", "origin", "finding_number", "place_name", "requirement_key", "edition", "reason",
            "occurrences", "factor", "nominal", "cost", "veto", "happened_at", "waived", "waived_reason", "waived_by_name",
            "waived_at", "created_by_name",
        )  # fmt: skip
        convert_choices_to_enum = False

    @staticmethod
    def resolve_round(deduction: Deduction, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "evaluations.rounds", queries.rounds_by_id, deduction.round_id)


class RoundType(DjangoObjectType):
    """One assessment of a party. `score` and `result` are there from 已计算 on."""

    id = graphene.NonNull(graphene.UUID)
    party_id = graphene.NonNull(graphene.UUID)
    rubric_id = graphene.NonNull(graphene.UUID)
    score = graphene.Decimal()
    grade = graphene.NonNull(graphene.String)
    result = GenericScalar(description="The score opened down: areas, sources, sections, items, deductions")
    sources = graphene.NonNull(graphene.List(graphene.NonNull(SourceType)))
    areas = graphene.NonNull(graphene.List(graphene.NonNull(AreaType)))
    deductions = graphene.NonNull(graphene.List(graphene.NonNull(DeductionType)))

    class Meta:
        model = Round
        fields = (
            "id", "title", "kind", "starts_on", "ends_on", "party_name", "combine", "repeat_factor", "status", "trial", "veto", "digest",
            "sheet_digest", "computed_at", "computed_by_name", "closed_at", "closed_by_name", "created_at",
        )  # fmt: skip
        convert_choices_to_enum = False

    @staticmethod
    def _scored(row: Round) -> bool:
        return row.status in (RoundStatus.COMPUTED, RoundStatus.CLOSED)

    @staticmethod
    def resolve_score(row: Round, info: graphene.ResolveInfo) -> Decimal | None:
        return row.score if RoundType._scored(row) else None

    @staticmethod
    def resolve_grade(row: Round, info: graphene.ResolveInfo) -> str:
        return row.grade if RoundType._scored(row) else ""

    @staticmethod
    def resolve_result(row: Round, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "evaluations.results", queries.results_of, row.pk)

    @staticmethod
    def resolve_sources(row: Round, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "evaluations.sources", queries.sources_of, row.pk)

    @staticmethod
    def resolve_areas(row: Round, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "evaluations.areas", queries.areas_of, row.pk)

    @staticmethod
    def resolve_deductions(row: Round, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "evaluations.deductions", queries.deductions_of, row.pk)


class EvaluationsQuery(graphene.ObjectType):
    rounds = Listing(
        connection_of(RoundType),
        kind=graphene.String(description="monthly, quarterly, special"),
        status=graphene.String(description="draft, collecting, computed, closed"),
        party_id=graphene.UUID(),
        since=graphene.Date(),
        until=graphene.Date(),
        search=graphene.String(),
        sort=graphene.String(description="period, -period, score, -score"),
    )
    round = graphene.Field(RoundType, id=graphene.Argument(graphene.UUID, required=True))
    deductions = Listing(
        connection_of(DeductionType), round_id=graphene.UUID(), finding_id=graphene.UUID(), waived=graphene.Boolean()
    )
    deduction = graphene.Field(DeductionType, id=graphene.Argument(graphene.UUID, required=True))

    @staticmethod
    def resolve_rounds(
        root: None, info: graphene.ResolveInfo, kind: str = "", status: str = "", party_id: UUID | None = None,
        since: Any = None, until: Any = None, search: str = "", sort: str = "", **_page: Any,
    ) -> Any:  # fmt: skip
        return queries.rounds(
            by=info.context.actor, kind=kind, status=status, party_id=party_id, since=since, until=until, search=search,
            sort=sort,
        )  # fmt: skip

    @staticmethod
    def resolve_round(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.round_of(id, by=info.context.actor)

    @staticmethod
    def resolve_deductions(
        root: None, info: graphene.ResolveInfo, round_id: UUID | None = None, finding_id: UUID | None = None,
        waived: bool | None = None, **_page: Any,
    ) -> Any:  # fmt: skip
        return queries.deductions(by=info.context.actor, round_id=round_id, finding_id=finding_id, waived=waived)

    @staticmethod
    def resolve_deduction(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.deduction(id, by=info.context.actor)


# --- Writes ---------------------------------------------------------------------------------------------------


class SourceInput(graphene.InputObjectType):
    name = graphene.String(required=True)
    weight = graphene.Decimal(required=True, description="Percent; all together 100")
    mode = graphene.String(default_value="raw", description="sheet or raw")
    takes_findings = graphene.Boolean(default_value=False)
    scorer_ids = graphene.List(graphene.NonNull(graphene.UUID), default_value=[])


class AreaInput(graphene.InputObjectType):
    name = graphene.String(required=True)
    weight = graphene.Decimal()
    place_id = graphene.UUID()


def _layout(sources: list[dict[str, Any]], areas: list[dict[str, Any]] | None, combine: str) -> dict[str, Any]:
    return {
        "sources": [
            SourceSpec(
                s["name"], s["weight"], _choice(SourceMode, s["mode"], "mode"), s["takes_findings"],
                tuple((i, "") for i in s["scorer_ids"]),
            )
            for s in sources
        ],
        "areas": [AreaSpec(a["name"], a.get("weight") or Decimal(1), a.get("place_id")) for a in areas or []],
        "combine": _choice(Combine, combine, "combine"),
    }  # fmt: skip


class RoundMutation(DomainMutation):
    """Base of mutations that answer with a round."""

    class Meta:
        abstract = True

    scope = policies.WRITE


class CreateRound(RoundMutation):
    """Set up a round as a draft."""

    round = graphene.Field(RoundType)

    class Arguments:
        kind = graphene.String(required=True)
        starts_on = graphene.Date(required=True)
        ends_on = graphene.Date(required=True)
        party_id = graphene.UUID(required=True)
        rubric_id = graphene.UUID(required=True)
        sources = graphene.List(graphene.NonNull(SourceInput), required=True)
        areas = graphene.List(graphene.NonNull(AreaInput))
        combine = graphene.String()
        title = graphene.String()
        repeat_factor = graphene.Decimal(description="What repeats (复发) cost more, 1 to 5; the school's unless given")

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        layout = _layout(given.pop("sources"), given.pop("areas", None), given.pop("combine", "mean"))
        given["kind"] = _choice(RoundKind, given["kind"], "kind")
        return {"round": operations.create_round(**given, **layout, by=context.actor, tenant=context.tenant)}


class ChangeRoundLayout(RoundMutation):
    """Replace sources and areas of a draft."""

    round = graphene.Field(RoundType)

    class Arguments:
        round_id = graphene.UUID(required=True)
        sources = graphene.List(graphene.NonNull(SourceInput), required=True)
        areas = graphene.List(graphene.NonNull(AreaInput))
        combine = graphene.String()
        repeat_factor = graphene.Decimal()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        layout = _layout(given.pop("sources"), given.pop("areas", None), given.pop("combine", "mean"))
        return {"round": operations.change_layout(**given, **layout, by=context.actor, tenant=context.tenant)}


class OpenRound(RoundMutation):
    """Start scoring: the rubric is frozen, deductions from findings are taken over."""

    round = graphene.Field(RoundType)

    class Arguments:
        round_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"round": operations.open_round(**given, by=context.actor, tenant=context.tenant)}


class DeleteRoundDraft(RoundMutation):
    """Throw a draft away."""

    deleted_id = graphene.UUID()

    class Arguments:
        round_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        operations.delete_draft(**given, by=context.actor, tenant=context.tenant)
        return {"deleted_id": given["round_id"]}


class GiveScore(RoundMutation):
    """A source's score out of 100 for an area."""

    entry = graphene.Field(EntryType)

    class Arguments:
        round_id = graphene.UUID(required=True)
        source_id = graphene.UUID(required=True)
        area_id = graphene.UUID(required=True)
        raw = graphene.Decimal(required=True)
        comment = graphene.String()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"entry": operations.give_score(**given, by=context.actor, tenant=context.tenant, now=clock.now())}


class HandInSheet(RoundMutation):
    """The sheet of a source and area is complete."""

    entry = graphene.Field(EntryType)

    class Arguments:
        round_id = graphene.UUID(required=True)
        source_id = graphene.UUID(required=True)
        area_id = graphene.UUID(required=True)
        comment = graphene.String()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"entry": operations.hand_in_sheet(**given, by=context.actor, tenant=context.tenant, now=clock.now())}


class MarkItem(RoundMutation):
    """Not applicable with a reason; applicable again with an empty one."""

    entry = graphene.Field(EntryType)

    class Arguments:
        round_id = graphene.UUID(required=True)
        source_id = graphene.UUID(required=True)
        area_id = graphene.UUID(required=True)
        item_key = graphene.String(required=True)
        reason = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"entry": operations.mark_applicable(**given, by=context.actor, tenant=context.tenant)}


class Deduct(RoundMutation):
    """Take points off an item by hand. The same `deductionId` again returns the first deduction."""

    deduction = graphene.Field(DeductionType)

    class Arguments:
        round_id = graphene.UUID(required=True)
        source_id = graphene.UUID(required=True)
        area_id = graphene.UUID(required=True)
        item_key = graphene.String(required=True)
        occurrences = graphene.Int(required=True)
        reason = graphene.String(required=True)
        place_id = graphene.UUID()
        evidence_ids = graphene.List(graphene.NonNull(graphene.UUID))
        veto = graphene.Boolean()
        deduction_id = graphene.UUID()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"deduction": operations.deduct(**given, by=context.actor, tenant=context.tenant, now=clock.now())}


class WithdrawDeduction(RoundMutation):
    """Take back a manual deduction."""

    deleted_id = graphene.UUID()

    class Arguments:
        deduction_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        operations.withdraw_deduction(**given, by=context.actor, tenant=context.tenant)
        return {"deleted_id": given["deduction_id"]}


class WaiveDeduction(RoundMutation):
    """Let a deduction cost nothing, with a reason; an empty one puts it back in force."""

    deduction = graphene.Field(DeductionType)

    class Arguments:
        deduction_id = graphene.UUID(required=True)
        reason = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        taken = operations.waive_deduction(**given, by=context.actor, tenant=context.tenant, now=clock.now())
        return {"deduction": taken}


class ExcuseSource(RoundMutation):
    """Leave a source out of its round, with a reason; an empty one takes it back in."""

    source = graphene.Field(SourceType)

    class Arguments:
        source_id = graphene.UUID(required=True)
        reason = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"source": operations.excuse_source(**given, by=context.actor, tenant=context.tenant)}


class RefreshRoundFindings(RoundMutation):
    """Bring deductions from findings up to date."""

    count = graphene.Int(description="Deductions from findings there are now")

    class Arguments:
        round_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"count": operations.refresh_findings(**given, by=context.actor, tenant=context.tenant)}


class ComputeRound(RoundMutation):
    """Compute the score; the same rows give the same digest."""

    round = graphene.Field(RoundType)

    class Arguments:
        round_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"round": operations.compute_round(**given, by=context.actor, tenant=context.tenant, now=clock.now())}


class CloseRound(RoundMutation):
    """Close a round for ever. `digest`: what was seen; another one is refused."""

    round = graphene.Field(RoundType)

    class Arguments:
        round_id = graphene.UUID(required=True)
        digest = graphene.String()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"round": operations.close_round(**given, by=context.actor, tenant=context.tenant, now=clock.now())}


class EvaluationsMutation(graphene.ObjectType):
    create_round = CreateRound.Field()
    change_round_layout = ChangeRoundLayout.Field()
    open_round = OpenRound.Field()
    delete_round_draft = DeleteRoundDraft.Field()
    give_score = GiveScore.Field()
    hand_in_sheet = HandInSheet.Field()
    mark_item = MarkItem.Field()
    deduct = Deduct.Field()
    withdraw_deduction = WithdrawDeduction.Field()
    waive_deduction = WaiveDeduction.Field()
    excuse_source = ExcuseSource.Field()
    refresh_round_findings = RefreshRoundFindings.Field()
    compute_round = ComputeRound.Field()
    close_round = CloseRound.Field()
