"""The week's inspection programme and blind calibrations. Photos of a sheet are uploaded to `/files/` first."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import graphene
from graphene.types.generic import GenericScalar
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import load_many
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.evidence import Id, Text, listed
from graphql_api.tenant.findings import Ids, PlaceRef, common
from kernel import clock
from kernel.errors import NotFound
from tenants.inspections import boards, monthly, operations, programme
from tenants.inspections.models import Calibration, Programme, Seat, Stop


class StopType(DjangoObjectType):
    """A place on the week's list: why it is there, and the walk that ticked it off."""

    class Meta:
        model = Stop
        name = "InspectionStop"
        fields = ("id", "position", "line", "minutes", "score", "why", "by_hand", "inspector_name", "done_at")
        convert_choices_to_enum = False

    id = Id
    place = graphene.NonNull(PlaceRef)
    checklist_id = graphene.UUID()
    inspector_id = graphene.UUID()
    inspection_id = graphene.UUID()

    @staticmethod
    def resolve_place(row: Stop, info: graphene.ResolveInfo) -> PlaceRef:
        return PlaceRef(id=row.place_id, name=row.place.full_name)


class ProgrammeType(DjangoObjectType):
    """抽检计划 of one week."""

    class Meta:
        model = Programme
        name = "InspectionProgramme"
        fields = ("id", "week", "minutes", "status", "made_at", "made_by_name", "accepted_at", "accepted_by_name")
        convert_choices_to_enum = False

    id = Id
    stops = graphene.Field(listed(StopType), description="In walking order")

    @staticmethod
    def resolve_stops(row: Programme, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "inspections.stops", boards.stops_of, row.pk)


class CoverageGoalType(graphene.ObjectType):
    """Of the places of a kind: how many were seen within the target, and how many will be with the week's list."""

    class Meta:
        name = "CoverageGoal"

    kind = Text
    every_days = graphene.NonNull(graphene.Int)
    total = graphene.NonNull(graphene.Int)
    covered = graphene.NonNull(graphene.Int)
    planned = graphene.NonNull(graphene.Int)


class SeatType(DjangoObjectType):
    """One scorer. The numbers are there for themselves and their head only, and not before it is revealed."""

    class Meta:
        model = Seat
        name = "CalibrationSeat"
        fields = ("id", "name", "expert", "submitted_at")

    id = Id
    lost = graphene.Decimal()
    bias = graphene.Decimal(description="Above zero: milder than the others")
    agreement = graphene.Decimal(description="Percent of compared items judged alike")
    accuracy = graphene.Decimal(description="Calibration score against the expert, 0 to 100")


class OpinionType(graphene.ObjectType):
    """What one of the scorers saw of an item."""

    class Meta:
        name = "CalibrationOpinion"

    who = Text
    expert = graphene.NonNull(graphene.Boolean)
    verdict = Text
    faults = graphene.NonNull(graphene.Int)
    note = Text
    photo_ids = graphene.NonNull(Ids)


class DisputedType(graphene.ObjectType):
    """An item the scorers did not agree on."""

    class Meta:
        name = "CalibrationDisputed"

    item_id = Id
    text = Text
    opinions = listed(OpinionType)


class CalibrationType(DjangoObjectType):
    """判分校准: some people score one place blind."""

    class Meta:
        model = Calibration
        name = "Calibration"
        fields = ("id", "title", "status", "opens_at", "closes_at", "made_by_name", "revealed_at")
        convert_choices_to_enum = False

    id = Id
    place = graphene.NonNull(PlaceRef)
    seats = listed(SeatType)

    @staticmethod
    def resolve_place(row: Calibration, info: graphene.ResolveInfo) -> PlaceRef:
        return PlaceRef(id=row.place_id, name=row.place.full_name)

    @staticmethod
    def resolve_seats(row: Calibration, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> list[tuple[UUID, Seat]]:
            return boards.seats_shown(ids, by=info.context.actor)

        return load_many(info.context, "inspections.seats", fetch, row.pk)


class TendencyType(graphene.ObjectType):
    """How somebody scores on the whole; one's own, and for the head everybody's."""

    class Meta:
        name = "ScoringTendency"

    account_id = Id
    name = Text
    times = graphene.NonNull(graphene.Int)
    bias = graphene.Decimal()
    agreement = graphene.Decimal()
    accuracy = graphene.Decimal()


class ScorerType(graphene.ObjectType):
    """Somebody who is proposed to score."""

    class Meta:
        name = "ProposedScorer"

    account_id = Id
    name = Text


class CalibrationProposalType(graphene.ObjectType):
    """What one tap would arrange for a month without a calibration: the place with most risk, the two who scored longest ago."""

    class Meta:
        name = "CalibrationProposal"

    place = graphene.NonNull(PlaceRef)
    why = Text
    checklist_id = Id
    checklist_title = Text
    scorers = listed(ScorerType)
    closes_at = graphene.NonNull(graphene.DateTime)

    @staticmethod
    def resolve_place(row: monthly.Proposal, info: graphene.ResolveInfo) -> PlaceRef:
        return PlaceRef(id=row.place_id, name=row.place_name)


class BoardsQuery(graphene.ObjectType):
    """Reads of programmes and calibrations. Scope: inspections:read."""

    inspection_programme = graphene.Field(
        ProgrammeType, day=graphene.Date(required=True, description="Any of the week")
    )
    coverage_goals = graphene.Field(listed(CoverageGoalType), day=graphene.Date(description="With that week's list"))
    calibrations = Listing(connection_of(CalibrationType), description="Newest first")
    calibration = graphene.Field(CalibrationType, id=graphene.UUID(required=True))
    calibration_sheet = graphene.Field(
        GenericScalar, id=graphene.UUID(required=True), description="The frozen sheet that is scored"
    )
    calibration_disputed = graphene.Field(
        listed(DisputedType), id=graphene.UUID(required=True), description="Empty until revealed"
    )
    scoring_tendencies = listed(TendencyType)
    calibration_proposal = graphene.Field(
        CalibrationProposalType, description="While this month has no calibration, for who may arrange one"
    )

    @staticmethod
    def resolve_calibration_proposal(root: None, info: graphene.ResolveInfo) -> monthly.Proposal | None:
        context: Context = info.context
        return boards.missing_this_month(now=clock.now(), tenant=context.tenant, by=context.actor)[1]

    @staticmethod
    def resolve_inspection_programme(root: None, info: graphene.ResolveInfo, day: date) -> Programme | None:
        return boards.week_of(day, by=info.context.actor)

    @staticmethod
    def resolve_coverage_goals(
        root: None, info: graphene.ResolveInfo, day: date | None = None
    ) -> list[programme.Coverage]:
        by = info.context.actor
        row = boards.week_of(day, by=by) if day else None
        return boards.coverage_now(now=clock.now(), row=row, by=by)

    @staticmethod
    def resolve_calibrations(root: None, info: graphene.ResolveInfo, **page: Any) -> Any:
        return boards.calibrations(by=info.context.actor)

    @staticmethod
    def resolve_calibration(root: None, info: graphene.ResolveInfo, id: UUID) -> Calibration | None:
        try:
            return boards.calibration(id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_calibration_sheet(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        try:
            return boards.calibration(id, by=info.context.actor).sheet
        except NotFound:
            return None

    @staticmethod
    def resolve_calibration_disputed(root: None, info: graphene.ResolveInfo, id: UUID) -> list[DisputedType]:
        try:
            row = boards.calibration(id, by=info.context.actor)
        except NotFound:
            return []
        return [
            DisputedType(
                item_id=d.item.id,
                text=d.item.text,
                opinions=[
                    OpinionType(
                        who=o.who, expert=o.expert, verdict=o.mark.verdict, faults=o.mark.faults, note=o.mark.note,
                        photo_ids=[UUID(p) for p in o.mark.photo_ids],
                    )
                    for o in d.opinions
                ],
            )
            for d in boards.disputed(row, by=info.context.actor)
        ]  # fmt: skip

    @staticmethod
    def resolve_scoring_tendencies(root: None, info: graphene.ResolveInfo) -> list[boards.Tendency]:
        return boards.tendencies(by=info.context.actor)


class ProgrammePayload(DomainMutation):
    """Base: answers with the programme."""

    class Meta:
        abstract = True

    scope = "inspections:write"
    programme = graphene.Field(ProgrammeType)


class ProposeProgramme(ProgrammePayload):
    """Make, or make anew, the list of a week for so many inspector-minutes."""

    class Arguments:
        week = graphene.Date(required=True)
        minutes = graphene.Int(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"programme": operations.propose_programme(**given, **common(context))}


class AcceptProgramme(ProgrammePayload):
    """待确认 → 已确认."""

    class Arguments:
        programme_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"programme": operations.accept_programme(**given, **common(context))}


class DropStop(ProgrammePayload):
    """Take a place off the list."""

    class Arguments:
        stop_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, *, stop_id: UUID) -> dict[str, Any]:
        return {"programme": operations.drop_stop(stop_id=stop_id, by=context.actor, tenant=context.tenant)}


class AddStop(DomainMutation):
    """Put a place on the list by hand."""

    class Arguments:
        programme_id = graphene.UUID(required=True)
        place_id = graphene.UUID(required=True)
        why = graphene.String()

    scope = "inspections:write"
    stop = graphene.Field(StopType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"stop": operations.add_stop(**given, **common(context))}


class AssignStop(DomainMutation):
    """Say who goes there; without `inspectorId` anybody."""

    class Arguments:
        stop_id = graphene.UUID(required=True)
        inspector_id = graphene.UUID()

    scope = "inspections:write"
    stop = graphene.Field(StopType)

    @classmethod
    def perform(cls, context: Context, *, stop_id: UUID, inspector_id: UUID | None = None) -> dict[str, Any]:
        return {"stop": operations.assign_stop(stop_id=stop_id, inspector_id=inspector_id, **common(context))}


class SetCoverageTarget(DomainMutation):
    """How often each place of a kind is to be seen; without `everyDays` no target."""

    class Arguments:
        kind = graphene.String(required=True)
        every_days = graphene.Int()
        minutes = graphene.Int()

    scope = "inspections:write"
    kinds = graphene.List(graphene.NonNull(graphene.String))

    @classmethod
    def perform(
        cls, context: Context, *, kind: str, every_days: int | None = None, minutes: int = 30
    ) -> dict[str, Any]:
        operations.set_coverage_target(
            kind=kind, every_days=every_days, minutes=minutes, by=context.actor, tenant=context.tenant
        )
        return {"kinds": list(programme.targets())}


class CalibrationPayload(DomainMutation):
    """Base: answers with the calibration."""

    class Meta:
        abstract = True

    scope = "inspections:write"
    calibration = graphene.Field(CalibrationType)


class ArrangeCalibration(CalibrationPayload):
    """Have two or more people score one place by one checklist, each blind to the others."""

    class Arguments:
        checklist_id = graphene.UUID(required=True)
        place_id = graphene.UUID(required=True)
        scorer_ids = graphene.NonNull(Ids)
        expert_id = graphene.UUID()
        closes_at = graphene.DateTime(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"calibration": operations.arrange_calibration(**given, **common(context))}


class ArrangeProposedCalibration(CalibrationPayload):
    """This month's calibration as `calibrationProposal` says; where the month has one already, that one."""

    @classmethod
    def perform(cls, context: Context) -> dict[str, Any]:
        return {"calibration": operations.arrange_proposed(**common(context))}


class MarkInput(graphene.InputObjectType):
    """One item of one's sheet."""

    item_id = graphene.UUID(required=True)
    verdict = graphene.String(required=True, description="pass, fail or na")
    faults = graphene.Int()
    note = graphene.String()
    photo_ids = Ids


class SubmitCalibration(DomainMutation):
    """Hand in one's sheet, whole and once."""

    class Arguments:
        calibration_id = graphene.UUID(required=True)
        marks = graphene.List(graphene.NonNull(MarkInput), required=True)

    scope = "inspections:write"
    seat = graphene.Field(SeatType)

    @classmethod
    def perform(cls, context: Context, *, calibration_id: UUID, marks: list[Any]) -> dict[str, Any]:
        given = [dict(m) for m in marks]
        return {"seat": operations.submit_marks(calibration_id=calibration_id, marks=given, **common(context))}


class RevealCalibration(CalibrationPayload):
    """Once all are in or the time is over."""

    class Arguments:
        calibration_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"calibration": operations.reveal_calibration(**given, **common(context))}


class VoidCalibration(CalibrationPayload):
    """Call one off."""

    class Arguments:
        calibration_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"calibration": operations.void_calibration(**given, **common(context))}


class BoardsMutation(graphene.ObjectType):
    """Writes of programmes and calibrations. Scope: inspections:write."""

    propose_programme = ProposeProgramme.Field()
    accept_programme = AcceptProgramme.Field()
    add_stop = AddStop.Field()
    drop_stop = DropStop.Field()
    assign_stop = AssignStop.Field()
    set_coverage_target = SetCoverageTarget.Field()
    arrange_calibration = ArrangeCalibration.Field()
    arrange_proposed_calibration = ArrangeProposedCalibration.Field()
    submit_calibration = SubmitCalibration.Field()
    reveal_calibration = RevealCalibration.Field()
    void_calibration = VoidCalibration.Field()
