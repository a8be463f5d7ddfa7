"""Types of rosters: shifts, rules, cycles, cells, instances, leaves, swaps, contracts and gaps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import graphene
from graphene_django import DjangoObjectType

from graphql_api.loaders import load_many, load_one
from graphql_api.tenant.evidence import Id, Text, listed
from graphql_api.tenant.findings import PlaceRef
from kernel import clock
from tenants.rosters import deciding, operations, queries
from tenants.rosters.choices import LeaveKind
from tenants.rosters.contracts import Manning
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


class SayType(graphene.ObjectType):
    """What the asker may say to a request, and whom it waits for."""

    class Meta:
        name = "RequestSay"

    approve = graphene.NonNull(graphene.Boolean)
    refuse = graphene.NonNull(graphene.Boolean)
    waits_for = graphene.NonNull(graphene.String, description="Empty where the asker approves, or nobody has to")


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
    say = graphene.NonNull(SayType, description="What the asker of this may say to it")

    @staticmethod
    def resolve_say(row: Leave, info: graphene.ResolveInfo) -> Any:
        def fetch(rows: list[Leave]) -> dict[Leave, deciding.Say]:
            said = deciding.of_leaves(rows, by=info.context.actor, now=clock.now())
            return {r: said.get(r.pk, deciding.Say()) for r in rows}

        return load_one(info.context, "rosters.leave_says", fetch, row)

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
    say = graphene.NonNull(SayType, description="What the asker of this may say to it")

    @staticmethod
    def resolve_say(row: Swap, info: graphene.ResolveInfo) -> Any:
        def fetch(rows: list[Swap]) -> dict[Swap, deciding.Say]:
            said = deciding.of_swaps(rows, by=info.context.actor, now=clock.now())
            return {r: said.get(r.pk, deciding.Say()) for r in rows}

        return load_one(info.context, "rosters.swap_says", fetch, row)

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
    on_leave = listed(graphene.String)
    cause = Text


class ChangedDayType(graphene.ObjectType):
    """A day that became rest or work after rosters were made: cells of cycles followed, those by hand wait for a hand."""

    class Meta:
        name = "RosterChangedDay"

    day = graphene.NonNull(graphene.Date)
    name = Text
    works = graphene.NonNull(graphene.Boolean)
    changed_at = graphene.NonNull(graphene.DateTime)
    remade = Int
    left = graphene.NonNull(graphene.Int, description="People whose cells still say otherwise")
    sentence = Text


class ManningType(graphene.ObjectType):
    """应排与已排: what a post's contract asks on a day or in an hour, and what of it nobody is rostered for; drafts count
    as rostered. Person-minutes; too many at one time never fill a gap at another."""

    class Meta:
        name = "RosterManning"

    post_id = Id
    post_name = Text
    party_id = Id
    line = Text
    day = graphene.NonNull(graphene.Date)
    hour = graphene.Int(description="Of the local day; null when asked by day")
    asked = Int
    lacking = Int
    lacking_yuan = graphene.Decimal(description="Null where no hourly price of the post is known")

    @staticmethod
    def resolve_lacking_yuan(row: Manning, info: graphene.ResolveInfo) -> Decimal | None:
        return row.yuan


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
