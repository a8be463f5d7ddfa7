"""Inspections: read, walk by them, and how much of the school they cover."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import load_many, load_one
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.evidence import Id, Text, listed
from graphql_api.tenant.findings import (
    CLIENT_KEY,
    FindingType,
    Ids,
    MeasureType,
    PartyRef,
    PlaceRef,
    common,
    load_finding,
)
from kernel.errors import NotFound
from tenants.findings import queries as findings
from tenants.findings.choices import FindingSource
from tenants.inspections import metrics, operations, queries
from tenants.inspections.choices import ChecklistKind
from tenants.inspections.models import Checklist, Inspection, Recheck, Result

KINDS = "Kind of checklist: " + ", ".join(ChecklistKind.values)


class InspectionResultType(DjangoObjectType):
    """One item of the sheet and what was seen; the item's words are those frozen at the start."""

    class Meta:
        model = Result
        name = "InspectionResult"
        fields = ("verdict", "faults", "note", "answered_at", "answered_by_name", "recorded_at", "position")
        convert_choices_to_enum = False

    item_id = Id
    section = Text
    text = Text
    method = Text
    points = graphene.NonNull(graphene.Decimal)
    per_fault = graphene.NonNull(graphene.Decimal)
    veto = graphene.NonNull(graphene.Boolean)

    @staticmethod
    def resolve_section(row: Result, info: graphene.ResolveInfo) -> Any:
        return _frozen(row, info, "section")

    @staticmethod
    def resolve_text(row: Result, info: graphene.ResolveInfo) -> Any:
        return _frozen(row, info, "text")

    @staticmethod
    def resolve_method(row: Result, info: graphene.ResolveInfo) -> Any:
        return _frozen(row, info, "method")

    @staticmethod
    def resolve_points(row: Result, info: graphene.ResolveInfo) -> Any:
        return _frozen(row, info, "points")

    @staticmethod
    def resolve_per_fault(row: Result, info: graphene.ResolveInfo) -> Any:
        return _frozen(row, info, "per_fault")

    @staticmethod
    def resolve_veto(row: Result, info: graphene.ResolveInfo) -> Any:
        return _frozen(row, info, "veto")


def _frozen(row: Result, info: graphene.ResolveInfo, name: str) -> Any:
    return row.frozen[name]  # type: ignore[attr-defined]


class RecheckType(DjangoObjectType):
    """What the walk saw of a finding open from before."""

    class Meta:
        model = Recheck
        name = "InspectionRecheck"
        fields = ("solved", "at")

    finding = graphene.Field(FindingType)

    @staticmethod
    def resolve_finding(row: Recheck, info: graphene.ResolveInfo) -> Any:
        return load_finding(info, row.finding_id)


class SolvedType(graphene.ObjectType):
    """上次巡查的问题解决了没有: `solved` is null when there was nothing to solve."""

    class Meta:
        name = "InspectionAnswer"

    solved = graphene.Boolean()
    total = graphene.NonNull(graphene.Int)
    closed = graphene.NonNull(graphene.Int)
    overdue = graphene.NonNull(graphene.Int)
    waiting = graphene.NonNull(graphene.Int)
    open = graphene.NonNull(graphene.Int)


class InspectionType(DjangoObjectType):
    """One walk: who looked at which place and party, by which sheet, and when."""

    class Meta:
        model = Inspection
        name = "Inspection"
        fields = (
            "id", "number", "title", "rubric_id", "rubric_revision", "rubric_digest", "checklist_id", "kind", "line", "status",
            "started_at", "finished_at", "inspector_name", "note",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    rubric_id = Id
    checklist_id = graphene.UUID()
    place = graphene.NonNull(PlaceRef)
    party = graphene.NonNull(PartyRef)
    results = listed(InspectionResultType)
    findings = listed(FindingType)
    rechecks = listed(RecheckType)
    answer = graphene.NonNull(SolvedType)

    @staticmethod
    def resolve_place(row: Inspection, info: graphene.ResolveInfo) -> PlaceRef:
        return PlaceRef(id=row.place_id, name=row.place.full_name)

    @staticmethod
    def resolve_party(row: Inspection, info: graphene.ResolveInfo) -> PartyRef:
        return PartyRef(id=row.party_id, name=row.party.name)

    @staticmethod
    def resolve_results(row: Inspection, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "inspections.results", queries.results_with_items, row.pk)

    @staticmethod
    def resolve_findings(row: Inspection, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> list[tuple[UUID, Any]]:
            rows = findings.rows_of_source(source=FindingSource.INSPECTION, source_ids=ids, by=info.context.actor)
            return [(r.source_id, r) for r in rows if r.source_id]

        return load_many(info.context, "inspections.findings", fetch, row.pk)

    @staticmethod
    def resolve_rechecks(row: Inspection, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "inspections.rechecks", queries.rechecks_of, row.pk)

    @staticmethod
    def resolve_answer(row: Inspection, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "inspections.answers", queries.answers_of, row.pk)


class ChecklistItemType(graphene.ObjectType):
    """One item of a checklist as its rubric says it now, with the clauses it rests on."""

    class Meta:
        name = "ChecklistItem"

    id = Id
    section = Text
    text = Text
    method = Text
    veto = graphene.NonNull(graphene.Boolean)
    requirement_keys = graphene.NonNull(graphene.List(graphene.NonNull(graphene.String)))


class ChecklistType(DjangoObjectType):
    """A part of a rubric that is walked often. Walks and calibrations keep what it said when they began."""

    class Meta:
        model = Checklist
        name = "Checklist"
        fields = ("id", "title", "kind", "rubric_id", "line", "active", "created_at")
        convert_choices_to_enum = False

    id = Id
    rubric_id = Id
    item_ids = graphene.NonNull(
        graphene.List(graphene.NonNull(graphene.UUID)), description="As kept, those the rubric dropped since included"
    )
    items = graphene.Field(
        listed(ChecklistItemType), description="As a walk begun now would ask for them, in its order"
    )
    digest = graphene.NonNull(graphene.String, description="Give it back when saving: changes by others are refused")

    @staticmethod
    def resolve_item_ids(row: Checklist, info: graphene.ResolveInfo) -> list[UUID]:
        return [UUID(i) for i in row.item_ids]

    @staticmethod
    def resolve_items(row: Checklist, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> list[tuple[UUID, ChecklistItemType]]:
            return [
                (
                    pk,
                    ChecklistItemType(
                        id=item.id, section=section, text=item.text, method=item.method, veto=item.veto,
                        requirement_keys=list(item.requirement_keys),
                    ),
                )
                for pk, (section, item) in queries.items_of_checklists(ids)
            ]  # fmt: skip

        return load_many(info.context, "inspections.checklist_items", fetch, row.pk)


class PlaceCoverageType(graphene.ObjectType):
    """One place that should be inspected, with how often it was and when last."""

    class Meta:
        name = "PlaceCoverage"

    place_id = Id
    place_name = Text
    inspections = graphene.NonNull(graphene.Int)
    last_at = graphene.DateTime()


class InspectionsQuery(graphene.ObjectType):
    """Reads of inspections. Scope: inspections:read."""

    inspections = Listing(
        connection_of(InspectionType),
        status=graphene.String(),
        place_id=graphene.UUID(description="The place and everything below it"),
        party_id=graphene.UUID(),
        line=graphene.String(),
        kind=graphene.String(description=KINDS),
        from_day=graphene.Date(),
        until_day=graphene.Date(),
        text=graphene.String(),
    )
    inspection = graphene.Field(InspectionType, id=graphene.UUID(required=True))
    last_inspection = graphene.Field(InspectionType, place_id=graphene.UUID(required=True))
    checklists = graphene.Field(
        listed(ChecklistType),
        kind=graphene.String(description=KINDS),
        line=graphene.String(),
        text=graphene.String(),
        active=graphene.Boolean(
            description="true (as if not given): on offer; false: not; null: all", default_value=True
        ),
    )
    checklist = graphene.Field(ChecklistType, id=graphene.UUID(required=True))
    inspection_coverage = graphene.Field(
        listed(MeasureType),
        description="Places inspected of those that should be, for a half-open period",
        starts=graphene.DateTime(required=True),
        ends=graphene.DateTime(required=True),
        party_id=graphene.UUID(),
        line=graphene.String(),
        place_id=graphene.UUID(),
        group_by=graphene.List(graphene.NonNull(graphene.String), description="party, line"),
    )
    place_coverage = Listing(
        connection_of(PlaceCoverageType),
        description="The neglected first",
        starts=graphene.DateTime(required=True),
        ends=graphene.DateTime(required=True),
        line=graphene.String(),
        place_id=graphene.UUID(),
    )

    @staticmethod
    def resolve_inspections(
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
        context: Context = info.context
        return queries.listing(
            by=context.actor, tz=context.tenant.tz, from_day=from_day, until_day=until_day, **filters
        )

    @staticmethod
    def resolve_inspection(root: None, info: graphene.ResolveInfo, id: UUID) -> Inspection | None:
        try:
            return queries.inspection(inspection_id=id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_last_inspection(root: None, info: graphene.ResolveInfo, place_id: UUID) -> Inspection | None:
        return queries.last_of_place(place_id=place_id, by=info.context.actor)

    @staticmethod
    def resolve_checklists(root: None, info: graphene.ResolveInfo, **filters: Any) -> Any:
        return queries.checklists(by=info.context.actor, **filters)

    @staticmethod
    def resolve_checklist(root: None, info: graphene.ResolveInfo, id: UUID) -> Checklist | None:
        try:
            return queries.checklist(checklist_id=id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_inspection_coverage(
        root: None,
        info: graphene.ResolveInfo,
        starts: datetime,
        ends: datetime,
        party_id: UUID | None = None,
        line: str = "",
        place_id: UUID | None = None,
        group_by: list[str] | None = None,
    ) -> list[MeasureType]:
        queries.check_reads_all(info.context.actor)
        chosen = [name for name in group_by or [] if name in metrics.DIMENSIONS]
        rows = metrics.coverage(starts=starts, ends=ends, party_id=party_id, line=line, place_id=place_id, by=chosen)
        return [
            MeasureType(
                code=r.code,
                key=[str(k) for k in r.key],
                numerator=r.numerator,
                denominator=r.denominator,
                n=r.n,
                coverage=Decimal(1),
            )
            for r in rows
        ]

    @staticmethod
    def resolve_place_coverage(
        root: None,
        info: graphene.ResolveInfo,
        starts: datetime,
        ends: datetime,
        line: str = "",
        place_id: UUID | None = None,
        **_page: Any,
    ) -> Any:
        queries.check_reads_all(info.context.actor)
        return metrics.places(starts=starts, ends=ends, line=line, place_id=place_id)


# --- mutations -----------------------------------------------------------------------------------


class InspectionPayload(DomainMutation):
    """Base: every mutation here answers with the inspection."""

    class Meta:
        abstract = True

    scope = "inspections:write"
    inspection = graphene.Field(InspectionType)


def _again(context: Context, inspection_id: UUID) -> dict[str, Any]:
    return {"inspection": queries.inspection(inspection_id=inspection_id, by=context.actor)}


class StartInspection(InspectionPayload):
    """Start a walk by a rubric, a part of it, or a checklist; the sheet is frozen into it."""

    class Arguments:
        place_id = graphene.UUID(required=True)
        rubric_id = graphene.UUID()
        checklist_id = graphene.UUID()
        section_ids = Ids
        item_ids = Ids
        line = graphene.String()
        party_id = graphene.UUID()
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"inspection": operations.start(**given, **common(context))}


class AnswerItem(InspectionPayload):
    """Write down one item: pass, fail or na. A fail opens a finding."""

    class Arguments:
        inspection_id = graphene.UUID(required=True)
        item_id = graphene.UUID(required=True)
        verdict = graphene.String(required=True)
        note = graphene.String()
        occurrences = graphene.Int()
        severity = graphene.String()
        category = graphene.String(description="Of the finding; the one named last for the item unless given")
        veto = graphene.Boolean()
        place_id = graphene.UUID()
        party_id = graphene.UUID()
        deadline = graphene.DateTime()
        photo_ids = Ids
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, *, inspection_id: UUID, **given: Any) -> dict[str, Any]:
        operations.answer(inspection_id=inspection_id, **given, **common(context))
        return _again(context, inspection_id)


class ClearAnswer(InspectionPayload):
    """Take an answer back."""

    class Arguments:
        inspection_id = graphene.UUID(required=True)
        item_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, *, inspection_id: UUID, item_id: UUID) -> dict[str, Any]:
        operations.clear_answer(inspection_id=inspection_id, item_id=item_id, **common(context))
        return _again(context, inspection_id)


class PassRest(InspectionPayload):
    """Mark what is unanswered in one section as passed."""

    class Arguments:
        inspection_id = graphene.UUID(required=True)
        section_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, *, inspection_id: UUID, section_id: UUID) -> dict[str, Any]:
        operations.pass_rest(inspection_id=inspection_id, section_id=section_id, **common(context))
        return _again(context, inspection_id)


class RecheckFinding(InspectionPayload):
    """已解决 or 仍存在, for a finding open from before at this place."""

    class Arguments:
        inspection_id = graphene.UUID(required=True)
        finding_id = graphene.UUID(required=True)
        solved = graphene.Boolean(required=True)
        text = graphene.String()
        lesson = graphene.String()
        consequence = graphene.String(
            description="plan or nothing, with `lesson`: a critical finding closes only with it"
        )
        photo_ids = Ids
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, *, inspection_id: UUID, **given: Any) -> dict[str, Any]:
        operations.recheck(inspection_id=inspection_id, **given, **common(context))
        return _again(context, inspection_id)


class FinishInspection(InspectionPayload):
    """进行中 → 已完成; items left open stay 未查."""

    class Arguments:
        inspection_id = graphene.UUID(required=True)
        note = graphene.String()
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, *, inspection_id: UUID, **given: Any) -> dict[str, Any]:
        return {"inspection": operations.finish(inspection_id=inspection_id, **given, **common(context))}


class CancelInspection(InspectionPayload):
    """进行中 → 已取消, while it has opened no finding."""

    class Arguments:
        inspection_id = graphene.UUID(required=True)
        reason = graphene.String()

    @classmethod
    def perform(cls, context: Context, *, inspection_id: UUID, reason: str = "") -> dict[str, Any]:
        return {"inspection": operations.cancel(inspection_id=inspection_id, reason=reason, **common(context))}


class SaveChecklist(DomainMutation):
    """Make or change a checklist; the order of its items is that of the walk, section by section."""

    class Arguments:
        title = graphene.String(required=True)
        rubric_id = graphene.UUID(required=True)
        item_ids = graphene.NonNull(Ids)
        line = graphene.String()
        kind = graphene.String(description=f"{KINDS}; routine, or as it was")
        checklist_id = graphene.UUID()
        digest = graphene.String(description="Of the checklist as it was read; without it nothing is compared")

    scope = "inspections:write"
    checklist = graphene.Field(ChecklistType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"checklist": operations.save_checklist(**given, by=context.actor, tenant=context.tenant)}


class DropChecklist(DomainMutation):
    """Offer a checklist no more."""

    class Arguments:
        checklist_id = graphene.UUID(required=True)

    scope = "inspections:write"
    checklist = graphene.Field(ChecklistType)

    @classmethod
    def perform(cls, context: Context, *, checklist_id: UUID) -> dict[str, Any]:
        row = operations.drop_checklist(checklist_id=checklist_id, by=context.actor, tenant=context.tenant)
        return {"checklist": row}


class RestoreChecklist(DomainMutation):
    """Offer a checklist again as it was."""

    class Arguments:
        checklist_id = graphene.UUID(required=True)

    scope = "inspections:write"
    checklist = graphene.Field(ChecklistType)

    @classmethod
    def perform(cls, context: Context, *, checklist_id: UUID) -> dict[str, Any]:
        row = operations.restore_checklist(checklist_id=checklist_id, by=context.actor, tenant=context.tenant)
        return {"checklist": row}


class InspectionsMutation(graphene.ObjectType):
    """Writes of inspections. Scope: inspections:write."""

    start_inspection = StartInspection.Field()
    answer_item = AnswerItem.Field()
    clear_answer = ClearAnswer.Field()
    pass_rest = PassRest.Field()
    recheck_finding = RecheckFinding.Field()
    finish_inspection = FinishInspection.Field()
    cancel_inspection = CancelInspection.Field()
    save_checklist = SaveChecklist.Field()
    drop_checklist = DropChecklist.Field()
    restore_checklist = RestoreChecklist.Field()
