"""Patrols: routes, tours with their credibility, and the walk itself. Scopes: patrols:read, patrols:write."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import load_many
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.evidence import Id, Text, listed
from graphql_api.tenant.findings import CLIENT_KEY, FindingType, Ids, PartyRef, PlaceRef, common
from graphql_api.tenant.phone_clock import BY_ANCHOR, PhoneClockInput, counted
from kernel.errors import NotFound
from tenants.findings import queries as findings
from tenants.findings.choices import FindingSource
from tenants.patrols import operations, queries
from tenants.patrols.models import Point, Question, Route, Stop, Tour, Window


class PatrolQuestionType(DjangoObjectType):
    """Something to answer at a point; a reading outside `low`…`high` opens a finding."""

    class Meta:
        model = Question
        name = "PatrolQuestion"
        fields = ("id", "text", "kind", "unit", "low", "high", "category")
        convert_choices_to_enum = False

    id = Id


class PatrolPointType(DjangoObjectType):
    """A point of a route."""

    class Meta:
        model = Point
        name = "PatrolPoint"
        fields = ("id", "position", "instruction", "photo_required", "walk_seconds")

    id = Id
    place = graphene.NonNull(PlaceRef)
    questions = listed(PatrolQuestionType)

    @staticmethod
    def resolve_place(row: Point, info: graphene.ResolveInfo) -> PlaceRef:
        return PlaceRef(id=row.place_id, name=row.place.full_name)

    @staticmethod
    def resolve_questions(row: Point, info: graphene.ResolveInfo) -> Any:
        return row.asked  # type: ignore[attr-defined]


class PatrolWindowType(DjangoObjectType):
    """When a route is due: minutes from the start of the day; bit 0 of `weekdays` is Monday."""

    class Meta:
        model = Window
        name = "PatrolWindow"
        fields = ("weekdays", "start_minute", "end_minute")


class PatrolRouteType(DjangoObjectType):
    """A walk past points."""

    class Meta:
        model = Route
        name = "PatrolRoute"
        fields = ("id", "name", "line", "ordered", "active", "created_at")
        convert_choices_to_enum = False

    id = Id
    party = graphene.NonNull(PartyRef)
    points = listed(PatrolPointType)
    windows = listed(PatrolWindowType)

    @staticmethod
    def resolve_party(row: Route, info: graphene.ResolveInfo) -> PartyRef:
        return PartyRef(id=row.party_id, name=row.party.name)

    @staticmethod
    def resolve_points(row: Route, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "patrols.points", queries.points_of, row.pk)

    @staticmethod
    def resolve_windows(row: Route, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "patrols.windows", queries.windows_of, row.pk)


class PatrolAnswerType(graphene.ObjectType):
    """A question as it stood, and what was answered."""

    class Meta:
        name = "PatrolAnswer"

    question = Text
    kind = Text
    unit = Text
    answer = Text


class PatrolStopType(DjangoObjectType):
    """One point of one tour: seen, or missed and why."""

    class Meta:
        model = Stop
        name = "PatrolStop"
        fields = (
            "id", "position", "status", "scanned_at", "received_at", "anchored", "method", "latitude", "longitude",
            "accuracy_m", "note", "explanation", "explained_by_name", "explained_at", "reviewed_by_name", "reviewed_at",
            "review_note",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    place = graphene.NonNull(PlaceRef)
    answers = listed(PatrolAnswerType)
    photo_ids = listed(graphene.UUID)
    made_up_by_id = graphene.UUID()

    @staticmethod
    def resolve_place(row: Stop, info: graphene.ResolveInfo) -> PlaceRef:
        return PlaceRef(id=row.point.place_id, name=row.point.place.full_name)

    @staticmethod
    def resolve_answers(row: Stop, info: graphene.ResolveInfo) -> list[PatrolAnswerType]:
        return [
            PatrolAnswerType(
                question=q.get("text", ""), kind=q.get("kind", ""), unit=q.get("unit", ""),
                answer=row.answers.get(q.get("id"), ""),
            )
            for q in row.asked
            if isinstance(q, dict)
        ]  # fmt: skip


class PatrolDoubtType(graphene.ObjectType):
    """What speaks against a tour, and how many points it takes off."""

    class Meta:
        name = "PatrolDoubt"

    code = Text
    sentence = Text
    points = graphene.NonNull(graphene.Int)


class PatrolCopyType(graphene.ObjectType):
    """A photo of a tour that was used before: the same file, or the same shot saved again or cropped."""

    class Meta:
        name = "PatrolCopy"

    photo_id = graphene.NonNull(graphene.UUID)
    place = Text
    other_photo_id = graphene.NonNull(graphene.UUID)
    other_place = Text
    other_tour = Text
    same_file = graphene.NonNull(graphene.Boolean)
    mirrored = graphene.NonNull(
        graphene.Boolean, description="The later picture is the mirror image of the earlier one"
    )
    quarters = graphene.NonNull(
        graphene.Int, description="Quarter turns anticlockwise that lay the later on the earlier"
    )


class PatrolTourType(DjangoObjectType):
    """One walk of a route in one window. `credibility` is 0–100, null while nobody can say."""

    class Meta:
        model = Tour
        name = "PatrolTour"
        fields = (
            "id", "number", "day", "starts_at", "ends_at", "status", "walker_name", "started_at", "finished_at",
            "received_at", "credibility", "judged_at", "note",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    route = graphene.NonNull(PatrolRouteType)
    makes_up_for_id = graphene.UUID()
    stops = listed(PatrolStopType)
    doubts = listed(PatrolDoubtType)
    findings = listed(FindingType)
    stop_count = graphene.NonNull(graphene.Int)
    seen_count = graphene.NonNull(graphene.Int)
    waiting_count = graphene.NonNull(graphene.Int, description="Explanations neither accepted nor refused")
    copies = listed(PatrolCopyType)

    @staticmethod
    def resolve_stops(row: Tour, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "patrols.stops", queries.stops_of, row.pk)

    @staticmethod
    def resolve_doubts(row: Tour, info: graphene.ResolveInfo) -> list[PatrolDoubtType]:
        return [PatrolDoubtType(**d) for d in row.doubts if isinstance(d, dict)]

    @staticmethod
    def resolve_copies(row: Tour, info: graphene.ResolveInfo) -> list[PatrolCopyType]:
        return [
            PatrolCopyType(
                photo_id=c["photo"], place=c["place"], other_photo_id=c["other"], other_place=c["other_place"],
                other_tour=c["other_number"] or row.number, same_file=c["same_file"],
                mirrored=c.get("mirrored", False), quarters=c.get("quarters", 0),
            )
            for c in row.copies or []
            if isinstance(c, dict)
        ]  # fmt: skip

    @staticmethod
    def resolve_findings(row: Tour, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> list[tuple[UUID, Any]]:
            rows = findings.rows_of_source(source=FindingSource.PATROL, source_ids=ids, by=info.context.actor)
            return [(r.source_id, r) for r in rows if r.source_id]

        return load_many(info.context, "patrols.findings", fetch, row.pk)


class PatrolRuleType(graphene.ObjectType):
    """The school's own rule of patrols."""

    class Meta:
        name = "PatrolRule"

    make_ups = graphene.NonNull(
        graphene.Int, description="Make-up tours in a row that the same points may be put off by; 0: none"
    )


class PatrolsQuery(graphene.ObjectType):
    """Reads of patrols. Scope: patrols:read."""

    patrol_routes = Listing(
        connection_of(PatrolRouteType), active=graphene.Boolean(), text=graphene.String(), party_id=graphene.UUID()
    )
    patrol_route = graphene.Field(PatrolRouteType, id=graphene.UUID(required=True))
    patrol_tours = Listing(
        connection_of(PatrolTourType),
        status=graphene.String(),
        route_id=graphene.UUID(),
        party_id=graphene.UUID(),
        from_day=graphene.Date(),
        until_day=graphene.Date(),
        doubtful=graphene.Boolean(description="Credibility below 60"),
        unexplained=graphene.Boolean(description="With missed points that nobody explained or made up for"),
        waiting=graphene.Boolean(description="With explanations neither accepted nor refused"),
        text=graphene.String(),
    )
    patrol_tour = graphene.Field(PatrolTourType, id=graphene.UUID(required=True))
    patrol_rule = graphene.Field(PatrolRuleType)

    @staticmethod
    def resolve_patrol_rule(root: None, info: graphene.ResolveInfo) -> PatrolRuleType:
        return PatrolRuleType(make_ups=queries.rule(by=info.context.actor))

    @staticmethod
    def resolve_patrol_routes(
        root: None,
        info: graphene.ResolveInfo,
        active: bool | None = None,
        text: str = "",
        party_id: UUID | None = None,
        **_page: Any,
    ) -> Any:
        return queries.routes(by=info.context.actor, active=active, text=text, party_id=party_id)

    @staticmethod
    def resolve_patrol_route(root: None, info: graphene.ResolveInfo, id: UUID) -> Route | None:
        try:
            return queries.route(route_id=id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_patrol_tours(
        root: None,
        info: graphene.ResolveInfo,
        status: str = "",
        route_id: UUID | None = None,
        party_id: UUID | None = None,
        from_day: date | None = None,
        until_day: date | None = None,
        doubtful: bool = False,
        unexplained: bool = False,
        waiting: bool = False,
        text: str = "",
        **_page: Any,
    ) -> Any:
        return queries.tours(
            by=info.context.actor, status=status, route_id=route_id, party_id=party_id, from_day=from_day,
            until_day=until_day, doubtful=doubtful, unexplained=unexplained, waiting=waiting, text=text,
        )  # fmt: skip

    @staticmethod
    def resolve_patrol_tour(root: None, info: graphene.ResolveInfo, id: UUID) -> Tour | None:
        try:
            return queries.tour(tour_id=id, by=info.context.actor)
        except NotFound:
            return None


# --- mutations -----------------------------------------------------------------------------------


class PatrolQuestionInput(graphene.InputObjectType):
    text = graphene.String(required=True)
    kind = graphene.String(description="yes_no, number or text")
    unit = graphene.String()
    low = graphene.Decimal()
    high = graphene.Decimal()
    category = graphene.String(description="Of what kind a bad answer is (as of a finding); by the kind without it")


class PatrolPointInput(graphene.InputObjectType):
    place_id = graphene.UUID(required=True)
    instruction = graphene.String()
    photo_required = graphene.Boolean()
    walk_seconds = graphene.Int(description="Least honest walking time from the point before")
    nfc_tag = graphene.String()
    questions = graphene.List(graphene.NonNull(PatrolQuestionInput))


class PatrolWindowInput(graphene.InputObjectType):
    start_minute = graphene.Int(required=True)
    end_minute = graphene.Int(required=True, description="May pass 1440: the next day")
    weekdays = graphene.Int(description="Bit 0 is Monday; 127 every day")


class PatrolScanInput(graphene.InputObjectType):
    """What was seen at a point: the place's code or the tag's number proves it."""

    at = graphene.DateTime(required=True)
    anchored = graphene.Boolean(deprecation_reason=BY_ANCHOR)
    counted = PhoneClockInput()
    code = graphene.String()
    nfc_tag = graphene.String()
    point_id = graphene.UUID()
    method = graphene.String(description="qr or number; a tag speaks for itself")
    latitude = graphene.Float()
    longitude = graphene.Float()
    accuracy_m = graphene.Float()
    answers = graphene.List(graphene.NonNull(lambda: PatrolAnswerInput))
    photo_ids = Ids
    note = graphene.String()


class PatrolAnswerInput(graphene.InputObjectType):
    question_id = graphene.UUID(required=True)
    answer = graphene.String(required=True)


def _given(sent: dict[str, Any]) -> dict[str, Any]:
    """What was really sent: a null is as good as nothing, so that defaults stay."""
    return {k: v for k, v in sent.items() if v is not None}


def _timed(sent: dict[str, Any]) -> dict[str, Any]:
    """The sender's time as the operations take it: `anchored` alone is nobody's word."""
    sent.pop("anchored", None)
    return {**sent, "counted": counted(sent.pop("counted", None))}


class SavePatrolRoute(DomainMutation):
    """Make a route or change one; tours already begun keep their points."""

    scope = "patrols:write"
    route = graphene.Field(PatrolRouteType)

    class Arguments:
        route_id = graphene.UUID()
        name = graphene.String(required=True)
        party_id = graphene.UUID(required=True)
        line = graphene.String(required=True)
        ordered = graphene.Boolean(required=True)
        points = graphene.List(graphene.NonNull(PatrolPointInput), required=True)
        windows = graphene.List(graphene.NonNull(PatrolWindowInput), required=True)

    @classmethod
    def perform(
        cls, context: Context, *, points: list[dict[str, Any]], windows: list[dict[str, Any]], **given: Any
    ) -> dict[str, Any]:
        drafts = []
        for point in points:
            sent = _given(point)
            asked = [operations.QuestionDraft(**_given(q)) for q in sent.pop("questions", [])]
            drafts.append(operations.PointDraft(**sent, questions=asked))
        saved = operations.save_route(
            **given, points=drafts, windows=[operations.WindowDraft(**_given(w)) for w in windows], **common(context)
        )
        return {"route": queries.route(route_id=saved.pk, by=context.actor)}


class SetPatrolRule(DomainMutation):
    """How many make-up tours in a row the same points may be put off by; 0: none. Arranged ones stay."""

    scope = "patrols:write"
    rule = graphene.Field(PatrolRuleType)

    class Arguments:
        make_ups = graphene.Int(required=True)

    @classmethod
    def perform(cls, context: Context, *, make_ups: int) -> dict[str, Any]:
        row = operations.set_rule(make_ups=make_ups, by=context.actor, tenant=context.tenant)
        return {"rule": PatrolRuleType(make_ups=row.make_ups)}


class ClosePatrolRoute(DomainMutation):
    """Stop a route; what was walked stays."""

    scope = "patrols:write"
    route = graphene.Field(PatrolRouteType)

    class Arguments:
        route_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        closed = operations.close_route(**given, **common(context))
        return {"route": queries.route(route_id=closed.pk, by=context.actor)}


class TourPayload(DomainMutation):
    """Base: every mutation here answers with the tour."""

    class Meta:
        abstract = True

    scope = "patrols:write"
    tour = graphene.Field(PatrolTourType)


def _again(context: Context, tour_id: UUID) -> dict[str, Any]:
    return {"tour": queries.tour(tour_id=tour_id, by=context.actor)}


class StartPatrolTour(TourPayload):
    """Begin a tour in its window."""

    class Arguments:
        tour_id = graphene.UUID(required=True)
        at = graphene.DateTime(required=True)
        anchored = graphene.Boolean(deprecation_reason=BY_ANCHOR)
        counted = PhoneClockInput()
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return _again(context, operations.start_tour(**_timed(given), **common(context)).pk)


class ScanPatrolPoint(TourPayload):
    """Note that the walker was at a point. In any order, late or twice: the first report of a point is kept."""

    class Arguments:
        tour_id = graphene.UUID(required=True)
        seen = PatrolScanInput(required=True)
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, *, tour_id: UUID, seen: dict[str, Any], client_key: str = "") -> dict[str, Any]:
        sent = _given(seen)
        answers = {str(a["question_id"]): a["answer"] for a in sent.pop("answers", [])}
        draft = operations.ScanDraft(**_timed(sent), answers=answers)
        operations.scan(tour_id=tour_id, seen=draft, client_key=client_key, **common(context))
        return _again(context, tour_id)


class FinishPatrolTour(TourPayload):
    """End a tour: points not seen are missed."""

    class Arguments:
        tour_id = graphene.UUID(required=True)
        at = graphene.DateTime(required=True)
        anchored = graphene.Boolean(deprecation_reason=BY_ANCHOR)
        counted = PhoneClockInput()
        note = graphene.String()
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return _again(context, operations.finish_tour(**_timed(given), **common(context)).pk)


class ExplainMissedPoints(TourPayload):
    """Say why points were missed; they stay missed."""

    class Arguments:
        tour_id = graphene.UUID(required=True)
        text = graphene.String(required=True)
        stop_ids = Ids
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        operations.explain(**given, **common(context))
        return _again(context, given["tour_id"])


class ReviewMissedPoints(TourPayload):
    """Accept or refuse what was said about missed points; a refusal needs its reason and opens a finding."""

    class Arguments:
        tour_id = graphene.UUID(required=True)
        accepted = graphene.Boolean(required=True)
        note = graphene.String()
        stop_ids = Ids

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        operations.review(**_given(given), **common(context))
        return _again(context, given["tour_id"])


class RescheduleMissedPoints(TourPayload):
    """Make a make-up tour of the missed points; answers with the new tour."""

    class Arguments:
        tour_id = graphene.UUID(required=True)
        starts_at = graphene.DateTime(required=True)
        ends_at = graphene.DateTime(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return _again(context, operations.reschedule(**given, **common(context)).pk)


class PatrolsMutation(graphene.ObjectType):
    """Writes of patrols. Scope: patrols:write."""

    save_patrol_route = SavePatrolRoute.Field()
    set_patrol_rule = SetPatrolRule.Field()
    close_patrol_route = ClosePatrolRoute.Field()
    start_patrol_tour = StartPatrolTour.Field()
    scan_patrol_point = ScanPatrolPoint.Field()
    finish_patrol_tour = FinishPatrolTour.Field()
    explain_missed_points = ExplainMissedPoints.Field()
    review_missed_points = ReviewMissedPoints.Field()
    reschedule_missed_points = RescheduleMissedPoints.Field()
