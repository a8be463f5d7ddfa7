"""Rosters: shifts, rules, cycles, cells, instances, leaves, swaps, contracted presence, the certificate forecast."""

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
from graphql_api.tenant.findings import CLIENT_KEY, PlaceRef, common
from kernel import clock
from kernel.errors import Invalid
from tenants.rosters import operations, queries
from tenants.rosters.choices import LeaveKind
from tenants.rosters.models import (
    Assignment,
    Coverage,
    Leave,
    Pattern,
    PatternUse,
    PostTerms,
    Rule,
    Segment,
    Shift,
    ShiftInstance,
    Swap,
)

Int = graphene.NonNull(graphene.Int)
LONGEST = 370  # days asked for at once


class NamedRef(graphene.ObjectType):
    """A person or post by id and name."""

    id = Id
    name = Text


class ShiftSegmentType(DjangoObjectType):
    """One stretch in minutes from the start of the day; the end may pass 1,440."""

    class Meta:
        model = Segment
        name = "ShiftSegment"
        fields = ("start_minute", "end_minute", "needs_in", "needs_out")


class ShiftType(DjangoObjectType):
    """班次: what a cell of the roster stands for."""

    class Meta:
        model = Shift
        name = "Shift"
        fields = ("id", "name", "code", "colour", "kind", "flex_minutes", "active")
        convert_choices_to_enum = False

    id = Id
    segments = listed(ShiftSegmentType)

    @staticmethod
    def resolve_segments(row: Shift, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "rosters.segments", queries.segments, row.pk)


class AttendanceRuleType(DjangoObjectType):
    """One version of the attendance rules of the school, a party or a post."""

    class Meta:
        model = Rule
        name = "AttendanceRule"
        fields = ("id", "scope", "valid_from", "created_by_name", *operations.MINUTES)
        convert_choices_to_enum = False

    id = Id
    party = graphene.Field(NamedRef)
    post = graphene.Field(NamedRef)

    @staticmethod
    def resolve_party(row: Rule, info: graphene.ResolveInfo) -> Any:
        return row.party

    @staticmethod
    def resolve_post(row: Rule, info: graphene.ResolveInfo) -> Any:
        return row.post


class RosterPatternType(DjangoObjectType):
    """循环: per day of the cycle the shift, null for rest."""

    class Meta:
        model = Pattern
        name = "RosterPattern"
        fields = ("id", "name", "days", "follows_calendar", "active")

    id = Id
    cells = graphene.NonNull(graphene.List(graphene.UUID))


class PatternUseType(DjangoObjectType):
    """A person follows a cycle at a post; `offset` days into it on the first day."""

    class Meta:
        model = PatternUse
        name = "RosterPatternUse"
        fields = ("id", "starts_on", "ends_on", "offset", "made_until")

    id = Id
    pattern = graphene.NonNull(NamedRef)
    staff = graphene.NonNull(NamedRef)
    post = graphene.NonNull(NamedRef)


def place_ref(row: Any) -> PlaceRef | None:
    return PlaceRef(id=row.place_id, name=row.place.full_name) if row.place else None


class AssignmentType(DjangoObjectType):
    """One cell of the roster; `shift` null is a rostered day of rest, `publishedAt` null a draft."""

    class Meta:
        model = Assignment
        name = "RosterCell"
        fields = ("id", "day", "source", "published_at")
        convert_choices_to_enum = False

    id = Id
    staff = graphene.NonNull(NamedRef)
    shift = graphene.Field(ShiftType)
    post = graphene.Field(NamedRef)
    place = graphene.Field(PlaceRef)

    @staticmethod
    def resolve_staff(row: Assignment, info: graphene.ResolveInfo) -> Any:
        return row.staff

    @staticmethod
    def resolve_post(row: Assignment, info: graphene.ResolveInfo) -> Any:
        return row.post

    @staticmethod
    def resolve_place(row: Assignment, info: graphene.ResolveInfo) -> Any:
        return place_ref(row)


class ShiftInstanceType(DjangoObjectType):
    """One expected stretch of work with the half-open windows in which a punch counts."""

    class Meta:
        model = ShiftInstance
        name = "ShiftInstance"
        fields = (
            "id", "day", "segment", "starts_at", "ends_at", "in_from", "in_until", "out_from", "out_until",
            "needs_in", "needs_out", "flex_minutes", "grade",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    rule_id = graphene.NonNull(graphene.UUID)
    staff = graphene.NonNull(NamedRef)
    post = graphene.NonNull(NamedRef)
    place = graphene.Field(PlaceRef)
    shift = graphene.Field(ShiftType)

    @staticmethod
    def resolve_staff(row: ShiftInstance, info: graphene.ResolveInfo) -> Any:
        return row.staff

    @staticmethod
    def resolve_post(row: ShiftInstance, info: graphene.ResolveInfo) -> Any:
        return row.post

    @staticmethod
    def resolve_place(row: ShiftInstance, info: graphene.ResolveInfo) -> Any:
        return place_ref(row)

    @staticmethod
    def resolve_shift(row: ShiftInstance, info: graphene.ResolveInfo) -> Any:
        return row.assignment.shift


class LeaveType(DjangoObjectType):
    """请假, half-open."""

    class Meta:
        model = Leave
        name = "Leave"
        fields = (
            "id", "kind", "starts_at", "ends_at", "reason", "status", "asked_at", "asked_by_name", "decided_at",
            "decided_by_name", "decision_note",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    kind_label = Text
    staff = graphene.NonNull(NamedRef)

    @staticmethod
    def resolve_kind_label(row: Leave, info: graphene.ResolveInfo) -> str:
        return str(LeaveKind(row.kind).label)

    @staticmethod
    def resolve_staff(row: Leave, info: graphene.ResolveInfo) -> Any:
        return row.staff


class SwapType(DjangoObjectType):
    """换班 or 替班: the giver's shift, the taker, and what is given in return."""

    class Meta:
        model = Swap
        name = "ShiftSwap"
        fields = (
            "id", "kind", "reason", "status", "asked_at", "answered_at", "decided_at", "decided_by_name",
            "decision_note",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    giver = graphene.NonNull(NamedRef)
    taker = graphene.NonNull(NamedRef)
    day = graphene.NonNull(graphene.Date)
    shift = graphene.Field(ShiftType)
    counter_day = graphene.Date()
    counter_shift = graphene.Field(ShiftType)

    @staticmethod
    def resolve_giver(row: Swap, info: graphene.ResolveInfo) -> Any:
        return row.assignment.staff

    @staticmethod
    def resolve_taker(row: Swap, info: graphene.ResolveInfo) -> Any:
        return row.taker

    @staticmethod
    def resolve_day(row: Swap, info: graphene.ResolveInfo) -> date:
        return row.assignment.day

    @staticmethod
    def resolve_shift(row: Swap, info: graphene.ResolveInfo) -> Any:
        return row.assignment.shift

    @staticmethod
    def resolve_counter_day(row: Swap, info: graphene.ResolveInfo) -> date | None:
        return row.counter.day if row.counter else None

    @staticmethod
    def resolve_counter_shift(row: Swap, info: graphene.ResolveInfo) -> Any:
        return row.counter.shift if row.counter else None


class CoverageType(DjangoObjectType):
    """合同在岗要求: so many persons from minute to minute; weekday bit 0 is Monday."""

    class Meta:
        model = Coverage
        name = "PostCoverage"
        fields = (
            "id", "weekdays", "holidays", "start_minute", "end_minute", "persons", "valid_from", "valid_until",
        )  # fmt: skip

    id = Id
    post = graphene.NonNull(NamedRef)

    @staticmethod
    def resolve_post(row: Coverage, info: graphene.ResolveInfo) -> Any:
        return row.post


class PostTermsType(DjangoObjectType):
    """What evidence a post asks for and what an hour of it costs, in yuan."""

    class Meta:
        model = PostTerms
        name = "PostTerms"
        fields = ("grade", "hourly_rate")
        convert_choices_to_enum = False

    post_id = graphene.NonNull(graphene.UUID)


class CertificateGapType(graphene.ObjectType):
    """Days on which a post that requires certificates will have nobody who holds them."""

    class Meta:
        name = "CertificateGap"

    sentence = Text
    post_id = Id
    post_name = Text
    party_name = Text
    shift_name = Text
    first = graphene.NonNull(graphene.Date)
    last = graphene.NonNull(graphene.Date)
    days = Int
    kinds = listed(graphene.String)
    rostered = listed(graphene.String)
    holder = Text
    ends_on = graphene.Date()


class ContractedType(graphene.ObjectType):
    """Person-minutes contracted at a post in one stretch."""

    class Meta:
        name = "ContractedStretch"

    post_id = Id
    party_id = Id
    line = Text
    day = graphene.NonNull(graphene.Date)
    starts_at = graphene.NonNull(graphene.DateTime)
    ends_at = graphene.NonNull(graphene.DateTime)
    persons = Int
    minutes = Int
    hourly_rate = graphene.Decimal()


def checked(first: date, last: date) -> None:
    if not 0 <= (last - first).days <= LONGEST:
        raise Invalid("日期范围应在 1—370 天之间。", field="last")


RANGE = {"first_day": graphene.Date(required=True), "last_day": graphene.Date(required=True)}


class RostersQuery(graphene.ObjectType):
    """Reads of rosters. Scope: rosters:read. Frontline workers see their own."""

    shifts = listed(ShiftType)
    attendance_rules = Listing(connection_of(AttendanceRuleType), description="Every version, newest first")
    roster_patterns = listed(RosterPatternType)
    roster_pattern_uses = Listing(connection_of(PatternUseType), pattern_id=graphene.UUID())
    roster = Listing(
        connection_of(AssignmentType), description="Live cells of days, both included",
        party_id=graphene.UUID(), post_id=graphene.UUID(), place_id=graphene.UUID(), staff_id=graphene.UUID(),
        published=graphene.Boolean(), **RANGE,
    )  # fmt: skip
    shift_instances = Listing(
        connection_of(ShiftInstanceType), description="Live instances of roster days, both included",
        party_id=graphene.UUID(), post_id=graphene.UUID(), staff_id=graphene.UUID(), **RANGE,
    )  # fmt: skip
    leaves = Listing(
        connection_of(LeaveType), status=graphene.String(), party_id=graphene.UUID(), staff_id=graphene.UUID()
    )
    shift_swaps = Listing(connection_of(SwapType), status=graphene.String())
    post_coverage = Listing(connection_of(CoverageType), post_id=graphene.UUID(), party_id=graphene.UUID())
    post_terms = graphene.Field(PostTermsType, post_id=graphene.UUID(required=True))
    contracted = graphene.Field(
        listed(ContractedType), description="What contracts ask of presence, at most 62 days at once",
        party_id=graphene.UUID(), post_id=graphene.UUID(), **RANGE,
    )  # fmt: skip
    certificate_gaps = graphene.Field(
        listed(CertificateGapType), description="The forecast, soonest first", days=graphene.Int()
    )

    @staticmethod
    def resolve_shifts(root: None, info: graphene.ResolveInfo) -> Any:
        return queries.shifts(by=info.context.actor, active=None).prefetch_related(None)

    @staticmethod
    def resolve_attendance_rules(root: None, info: graphene.ResolveInfo, **page: Any) -> Any:
        return queries.rules(by=info.context.actor)

    @staticmethod
    def resolve_roster_patterns(root: None, info: graphene.ResolveInfo) -> Any:
        return queries.patterns(by=info.context.actor)

    @staticmethod
    def resolve_roster_pattern_uses(
        root: None, info: graphene.ResolveInfo, pattern_id: UUID | None = None, **page: Any
    ) -> Any:
        return queries.pattern_uses(by=info.context.actor, pattern_id=pattern_id)

    @staticmethod
    def resolve_roster(
        root: None, info: graphene.ResolveInfo, first_day: date, last_day: date, party_id: UUID | None = None,
        post_id: UUID | None = None, place_id: UUID | None = None, staff_id: UUID | None = None,
        published: bool | None = None, **page: Any,
    ) -> Any:  # fmt: skip
        checked(first_day, last_day)
        return queries.assignments(
            by=info.context.actor, first=first_day, last=last_day, party_id=party_id, post_id=post_id,
            place_id=place_id, staff_id=staff_id, published=published,
        )  # fmt: skip

    @staticmethod
    def resolve_shift_instances(
        root: None, info: graphene.ResolveInfo, first_day: date, last_day: date, party_id: UUID | None = None,
        post_id: UUID | None = None, staff_id: UUID | None = None, **page: Any,
    ) -> Any:  # fmt: skip
        checked(first_day, last_day)
        return queries.instances(
            by=info.context.actor, first=first_day, last=last_day, party_id=party_id, post_id=post_id,
            staff_id=staff_id,
        )  # fmt: skip

    @staticmethod
    def resolve_leaves(
        root: None, info: graphene.ResolveInfo, status: str = "", party_id: UUID | None = None,
        staff_id: UUID | None = None, **page: Any,
    ) -> Any:  # fmt: skip
        return queries.leaves(by=info.context.actor, status=status, party_id=party_id, staff_id=staff_id)

    @staticmethod
    def resolve_shift_swaps(root: None, info: graphene.ResolveInfo, status: str = "", **page: Any) -> Any:
        return queries.swaps(by=info.context.actor, status=status)

    @staticmethod
    def resolve_post_coverage(
        root: None, info: graphene.ResolveInfo, post_id: UUID | None = None, party_id: UUID | None = None, **page: Any
    ) -> Any:
        return queries.coverages(by=info.context.actor, post_id=post_id, party_id=party_id)

    @staticmethod
    def resolve_post_terms(root: None, info: graphene.ResolveInfo, post_id: UUID) -> Any:
        return queries.terms(by=info.context.actor, post_ids=[post_id]).get(post_id)

    @staticmethod
    def resolve_contracted(
        root: None, info: graphene.ResolveInfo, first_day: date, last_day: date, party_id: UUID | None = None,
        post_id: UUID | None = None,
    ) -> Any:  # fmt: skip
        if not 0 <= (last_day - first_day).days < 62:
            raise Invalid("一次最多查询 62 天。", field="last_day")
        return queries.visible_coverage(
            by=info.context.actor, first=first_day, last=last_day, tenant=info.context.tenant, party_id=party_id,
            post_id=post_id,
        )  # fmt: skip

    @staticmethod
    def resolve_certificate_gaps(root: None, info: graphene.ResolveInfo, days: int = 90) -> Any:
        if not 1 <= days <= 366:
            raise Invalid("天数应在 1—366 之间。", field="days")
        today = clock.now().astimezone(info.context.tenant.tz).date()
        return queries.gaps(by=info.context.actor, today=today, days=days)


# --- Mutations -----------------------------------------------------------------------------------


def today_of(context: Context) -> date:
    return clock.now().astimezone(context.tenant.tz).date()


class RosterMutation(DomainMutation):
    """Base: the scope of all."""

    class Meta:
        abstract = True

    scope = "rosters:write"


class SegmentInputType(graphene.InputObjectType):
    """Minutes from the day's start; the end may pass 1,440."""

    class Meta:
        name = "ShiftSegmentInput"

    start_minute = graphene.Int(required=True)
    end_minute = graphene.Int(required=True)
    needs_in = graphene.Boolean(default_value=True)
    needs_out = graphene.Boolean(default_value=True)


class SaveShift(RosterMutation):
    """Add a shift, or change the one named by `shiftId`."""

    class Arguments:
        shift_id = graphene.UUID()
        name = graphene.String(required=True)
        code = graphene.String(required=True)
        colour = graphene.String()
        kind = graphene.String(description="fixed or flexible")
        flex_minutes = graphene.Int()
        segments = graphene.List(graphene.NonNull(SegmentInputType), required=True)

    shift = graphene.Field(ShiftType)

    @classmethod
    def perform(cls, context: Context, *, segments: list[Any], **given: Any) -> dict[str, Any]:
        parts = [
            operations.SegmentInput(s["start_minute"], s["end_minute"], s["needs_in"], s["needs_out"]) for s in segments
        ]
        return {"shift": operations.save_shift(**given, segments=parts, today=today_of(context), **common(context))}


class RetireShift(RosterMutation):
    """Take a shift out of use."""

    class Arguments:
        shift_id = graphene.UUID(required=True)

    shift = graphene.Field(ShiftType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"shift": operations.retire_shift(**given, **common(context))}


class SetAttendanceRule(RosterMutation):
    """Add the next version of the rules; minutes left out take the platform's defaults."""

    class Arguments:
        scope = graphene.String(required=True, description="school, party or post")
        party_id = graphene.UUID()
        post_id = graphene.UUID()
        valid_from = graphene.Date(required=True)
        grace_minutes = graphene.Int()
        early_grace_minutes = graphene.Int()
        serious_minutes = graphene.Int()
        half_absent_minutes = graphene.Int()
        absent_minutes = graphene.Int()
        in_before_minutes = graphene.Int()
        out_after_minutes = graphene.Int()
        report_hours = graphene.Int()
        corrections_per_month = graphene.Int()
        correction_days = graphene.Int()

    rule = graphene.Field(AttendanceRuleType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"rule": operations.set_rule(**given, today=today_of(context), **common(context))}


class SetPostTerms(RosterMutation):
    """What evidence a post asks for and what an hour costs."""

    class Arguments:
        post_id = graphene.UUID(required=True)
        grade = graphene.String(required=True, description="A, B, C or D")
        hourly_rate = graphene.Decimal()

    terms = graphene.Field(PostTermsType)

    @classmethod
    def perform(cls, context: Context, *, hourly_rate: Any = None, **given: Any) -> dict[str, Any]:
        return {"terms": operations.set_terms(**given, hourly_rate=hourly_rate, **common(context))}


class SavePostCoverage(RosterMutation):
    """Add or change what the contract asks of presence at a post."""

    class Arguments:
        post_id = graphene.UUID(required=True)
        coverage_id = graphene.UUID()
        persons = graphene.Int(required=True)
        weekdays = graphene.Int(description="Bits, 1 is Monday, 64 is Sunday; default 127")
        holidays = graphene.Boolean()
        start_minute = graphene.Int()
        end_minute = graphene.Int()
        valid_from = graphene.Date(required=True)
        valid_until = graphene.Date()

    coverage = graphene.Field(CoverageType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"coverage": operations.save_coverage(**given, **common(context))}


class RemovePostCoverage(RosterMutation):
    """Take a contracted presence away as if it never was."""

    class Arguments:
        coverage_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        operations.remove_coverage(**given, **common(context))
        return {}


class SaveRosterPattern(RosterMutation):
    """Add a cycle, or change the one named by `patternId`; null in `cells` is rest."""

    class Arguments:
        pattern_id = graphene.UUID()
        name = graphene.String(required=True)
        cells = graphene.List(graphene.UUID, required=True)
        follows_calendar = graphene.Boolean()

    pattern = graphene.Field(RosterPatternType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"pattern": operations.save_pattern(**given, **common(context))}


class RetireRosterPattern(RosterMutation):
    """Nobody follows it from tomorrow on."""

    class Arguments:
        pattern_id = graphene.UUID(required=True)

    pattern = graphene.Field(RosterPatternType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"pattern": operations.retire_pattern(**given, today=today_of(context), **common(context))}


class UseRosterPattern(RosterMutation):
    """Let people follow a cycle, each `stagger` days further into it than the one before."""

    class Arguments:
        pattern_id = graphene.UUID(required=True)
        staff_ids = graphene.List(graphene.NonNull(graphene.UUID), required=True)
        starts_on = graphene.Date(required=True)
        ends_on = graphene.Date()
        post_id = graphene.UUID()
        place_id = graphene.UUID()
        offset = graphene.Int()
        stagger = graphene.Int()

    uses = graphene.List(graphene.NonNull(PatternUseType))

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"uses": operations.use_pattern(**given, **common(context))}


class EndRosterPatternUse(RosterMutation):
    """A person follows the cycle no longer from `endsOn` on."""

    class Arguments:
        use_id = graphene.UUID(required=True)
        ends_on = graphene.Date(required=True)

    use = graphene.Field(PatternUseType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"use": operations.end_use(**given, **common(context))}


class RemakeRosterPatternUse(RosterMutation):
    """Try again, from today on, the days that a cycle could not fill."""

    class Arguments:
        use_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        operations.remake(**given, **common(context))
        return {}


class RosterItemInput(graphene.InputObjectType):
    """One shift of a cell; without `shiftId` a day of rest."""

    shift_id = graphene.UUID()
    post_id = graphene.UUID(description="The person's own post unless given")
    place_id = graphene.UUID()


class RosterCellInput(graphene.InputObjectType):
    """What a cell shall hold; `seen` are the ids that stood there, left out: whatever stands there is replaced."""

    staff_id = graphene.UUID(required=True)
    day = graphene.Date(required=True)
    items = graphene.List(graphene.NonNull(RosterItemInput), required=True)
    seen = graphene.List(graphene.NonNull(graphene.UUID))


class RefusedCell(graphene.ObjectType):
    """A cell that stayed as it was, and why."""

    staff_id = Id
    day = graphene.NonNull(graphene.Date)
    code = Text
    sentence = Text


class ChangeRoster(RosterMutation):
    """Set what cells hold, each by itself: refused ones are named. At most 5,000 at once."""

    class Arguments:
        cells = graphene.List(graphene.NonNull(RosterCellInput), required=True)

    made = graphene.List(graphene.NonNull(AssignmentType))
    refused = graphene.List(graphene.NonNull(RefusedCell))

    @classmethod
    def perform(cls, context: Context, *, cells: list[Any]) -> dict[str, Any]:
        if len(cells) > 5000:
            raise Invalid("一次最多修改 5,000 格。", field="cells")
        changes = [
            operations.CellChange(
                c["staff_id"],
                c["day"],
                tuple(operations.Item(i.get("shift_id"), i.get("post_id"), i.get("place_id")) for i in c["items"]),
                frozenset(c["seen"]) if c.get("seen") is not None else None,
            )
            for c in cells
        ]
        outcome = operations.change_cells(cells=changes, **common(context))
        return {"made": outcome.made, "refused": outcome.refused}


class PublishRoster(RosterMutation):
    """Publish the drafts of days, both included: instances are made and the workers are told."""

    class Arguments:
        first_day = graphene.Date(required=True)
        last_day = graphene.Date(required=True)
        party_id = graphene.UUID()
        post_id = graphene.UUID()

    published = graphene.Int()
    refused = graphene.List(graphene.NonNull(RefusedCell))

    @classmethod
    def perform(cls, context: Context, *, first_day: date, last_day: date, **given: Any) -> dict[str, Any]:
        checked(first_day, last_day)
        done = operations.publish(first=first_day, last=last_day, **given, **common(context))
        return {"published": len(done.assignments), "refused": done.refused}


class CopyRoster(RosterMutation):
    """Copy days onto others of the same number; filled cells stay."""

    class Arguments:
        source_first = graphene.Date(required=True)
        target_first = graphene.Date(required=True)
        days = graphene.Int(required=True)
        party_id = graphene.UUID()
        post_id = graphene.UUID()

    copied = graphene.Int()
    refused = graphene.List(graphene.NonNull(RefusedCell))

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        outcome = operations.copy_period(**given, **common(context))
        return {"copied": len(outcome.cells), "refused": outcome.refused}


class AskLeave(RosterMutation):
    """Ask for leave, for oneself or (who makes the roster) for another."""

    class Arguments:
        kind = graphene.String(required=True)
        starts_at = graphene.DateTime(required=True)
        ends_at = graphene.DateTime(required=True)
        reason = graphene.String()
        staff_id = graphene.UUID()
        evidence_id = graphene.UUID()
        client_key = graphene.String(description=CLIENT_KEY)

    leave = graphene.Field(LeaveType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"leave": operations.ask_leave(**given, **common(context))}


class DecideLeave(RosterMutation):
    """Approve or refuse; never by who asked."""

    class Arguments:
        leave_id = graphene.UUID(required=True)
        approve = graphene.Boolean(required=True)
        note = graphene.String()

    leave = graphene.Field(LeaveType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"leave": operations.decide_leave(**given, **common(context))}


class WithdrawLeave(RosterMutation):
    """Take a leave back that has not ended."""

    class Arguments:
        leave_id = graphene.UUID(required=True)

    leave = graphene.Field(LeaveType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"leave": operations.withdraw_leave(**given, **common(context))}


class AskSwap(RosterMutation):
    """Ask a colleague to take a shift, or with `counterId` to change it for one of theirs."""

    class Arguments:
        assignment_id = graphene.UUID(required=True)
        taker_id = graphene.UUID(required=True)
        counter_id = graphene.UUID()
        reason = graphene.String()
        client_key = graphene.String(description=CLIENT_KEY)

    swap = graphene.Field(SwapType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"swap": operations.ask_swap(**given, **common(context))}


class AnswerSwap(RosterMutation):
    """The colleague agrees or declines."""

    class Arguments:
        swap_id = graphene.UUID(required=True)
        accept = graphene.Boolean(required=True)

    swap = graphene.Field(SwapType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"swap": operations.answer_swap(**given, **common(context))}


class DecideSwap(RosterMutation):
    """Approve (shifts change hands at once) or refuse; never by one of the two."""

    class Arguments:
        swap_id = graphene.UUID(required=True)
        approve = graphene.Boolean(required=True)
        note = graphene.String()

    swap = graphene.Field(SwapType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"swap": operations.decide_swap(**given, **common(context))}


class WithdrawSwap(RosterMutation):
    """The asker takes it back while it is open."""

    class Arguments:
        swap_id = graphene.UUID(required=True)

    swap = graphene.Field(SwapType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"swap": operations.withdraw_swap(**given, **common(context))}


class RostersMutation(graphene.ObjectType):
    """Writes of rosters. Scope: rosters:write."""

    save_shift = SaveShift.Field()
    retire_shift = RetireShift.Field()
    set_attendance_rule = SetAttendanceRule.Field()
    set_post_terms = SetPostTerms.Field()
    save_post_coverage = SavePostCoverage.Field()
    remove_post_coverage = RemovePostCoverage.Field()
    save_roster_pattern = SaveRosterPattern.Field()
    retire_roster_pattern = RetireRosterPattern.Field()
    use_roster_pattern = UseRosterPattern.Field()
    end_roster_pattern_use = EndRosterPatternUse.Field()
    remake_roster_pattern_use = RemakeRosterPatternUse.Field()
    change_roster = ChangeRoster.Field()
    publish_roster = PublishRoster.Field()
    copy_roster = CopyRoster.Field()
    ask_leave = AskLeave.Field()
    decide_leave = DecideLeave.Field()
    withdraw_leave = WithdrawLeave.Field()
    ask_swap = AskSwap.Field()
    answer_swap = AnswerSwap.Field()
    decide_swap = DecideSwap.Field()
    withdraw_swap = WithdrawSwap.Field()
