"""What attendance tells: results with their sentences, corrections, months, the live board, fill rate, suspects."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.loaders import load_many, load_one
from graphql_api.tenant.evidence import Id, Text, listed
from tenants.attendance import policies, queries
from tenants.attendance.choices import Mark
from tenants.attendance.contracts import HELD, Figures
from tenants.attendance.models import Adjustment, Confirmation, Correction, DayResult, Suspect
from tenants.attendance.positions import Position

NInt = graphene.NonNull(graphene.Int)


class AdjustmentType(DjangoObjectType):
    """What a result of a confirmed month would be by now; the confirmed one stays."""

    class Meta:
        model = Adjustment
        name = "AttendanceAdjustment"
        fields = ("id", "was", "mark", "late_minutes", "early_minutes", "worked_minutes", "in_at", "out_at", "at")
        convert_choices_to_enum = False

    held = graphene.NonNull(graphene.Boolean, description="待定: a penalty that an open suspect may explain")


class CorrectionType(DjangoObjectType):
    """补卡: a request to count a punch that was not made."""

    class Meta:
        model = Correction
        name = "AttendanceCorrection"
        fields = (
            "id", "side", "at", "reason", "was", "status", "asked_at", "asked_by_name", "decided_at", "decided_by_name",
            "decision_note",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    instance_id = Id
    staff_id = Id
    evidence_id = graphene.UUID()
    status_label = Text
    staff_name = Text
    may_decide = graphene.NonNull(graphene.Boolean)
    waits_for = graphene.NonNull(graphene.String, description="Who decides, where the asker of this does not")

    @staticmethod
    def resolve_status_label(row: Correction, info: graphene.ResolveInfo) -> str:
        return str(row.get_status_display())

    @staticmethod
    def resolve_staff_name(row: Correction, info: graphene.ResolveInfo) -> str:
        return row.staff.name

    @staticmethod
    def resolve_may_decide(row: Correction, info: graphene.ResolveInfo) -> bool:
        open_ = row.status == "pending"
        return open_ and policies.can_decide(info.context.actor, asked_by=row.asked_by, staff_id=row.staff_id)

    @staticmethod
    def resolve_waits_for(row: Correction, info: graphene.ResolveInfo) -> str:
        if row.status != "pending":
            return ""
        return policies.waits_for(info.context.actor, asked_by=row.asked_by, staff_id=row.staff_id)


class DayResultType(DjangoObjectType):
    """What one shift came to, with the sentence of why."""

    class Meta:
        model = DayResult
        name = "AttendanceResult"
        fields = (
            "day", "mark", "wait", "due_at", "late_minutes", "early_minutes", "worked_minutes", "leave_minutes", "in_at",
            "out_at", "grade", "present_from", "present_until", "derived_at",
        )  # fmt: skip
        convert_choices_to_enum = False

    instance_id = Id
    staff_id = Id
    post_id = Id
    party_id = Id
    staff_name = Text
    post_name = Text
    mark_label = Text
    held = graphene.NonNull(graphene.Boolean, description="待定: no penalty is drawn from it while a suspect is open")
    sentence = Text
    trace = graphene.NonNull(graphene.JSONString, description="Expected, frozen rule, found, result")
    starts_at = graphene.NonNull(graphene.DateTime)
    ends_at = graphene.NonNull(graphene.DateTime)
    adjustment = graphene.Field(AdjustmentType)
    corrections = listed(CorrectionType)

    @staticmethod
    def resolve_staff_name(row: DayResult, info: graphene.ResolveInfo) -> str:
        return row.staff.name

    @staticmethod
    def resolve_post_name(row: DayResult, info: graphene.ResolveInfo) -> str:
        return row.post.name

    @staticmethod
    def resolve_mark_label(row: DayResult, info: graphene.ResolveInfo) -> str:
        return str(row.get_mark_display())

    @staticmethod
    def resolve_held(row: DayResult, info: graphene.ResolveInfo) -> bool:
        return row.suspect_id is not None

    @staticmethod
    def resolve_sentence(row: DayResult, info: graphene.ResolveInfo) -> str:
        return queries.sentence_of(row, info.context.tenant.tz)

    @staticmethod
    def resolve_trace(row: DayResult, info: graphene.ResolveInfo) -> Any:
        return _plain(queries.trace_of(row))

    @staticmethod
    def resolve_starts_at(row: DayResult, info: graphene.ResolveInfo) -> datetime:
        return row.instance.starts_at

    @staticmethod
    def resolve_ends_at(row: DayResult, info: graphene.ResolveInfo) -> datetime:
        return row.instance.ends_at

    @staticmethod
    def resolve_adjustment(row: DayResult, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "attendance.adjustments", queries.adjustments_of, row.instance_id)

    @staticmethod
    def resolve_corrections(row: DayResult, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> list[tuple[UUID, Correction]]:
            rows = queries.corrections_of(ids)
            return [(key, c) for key, found in rows.items() for c in found]

        return load_many(info.context, "attendance.corrections", fetch, row.instance_id)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value.isoformat() if isinstance(value, datetime | date) else value


class MarkCount(graphene.ObjectType):
    mark = Text
    label = Text
    n = NInt


class MonthType(graphene.ObjectType):
    """A person's month in numbers."""

    class Meta:
        name = "AttendanceMonth"

    staff_id = Id
    month = graphene.NonNull(graphene.Date)
    instances = NInt
    marks = listed(MarkCount)
    held = graphene.NonNull(graphene.Int, description="Penalties that wait for an open suspect; among no mark")
    late_minutes = NInt
    early_minutes = NInt
    worked_minutes = NInt
    open = graphene.NonNull(graphene.Int, description="Not settled yet: pending, held, or a correction to decide")
    sentence = Text
    confirmed_at = graphene.DateTime()
    confirmed_by_name = graphene.String()
    by_school = graphene.Boolean()


def month_of(staff_id: UUID, month: date, figures: Figures, confirmed: Confirmation | None) -> MonthType:
    return MonthType(
        staff_id=staff_id, month=month, instances=figures.instances,
        marks=[MarkCount(mark=m.value, label=str(m.label), n=figures.of(m)) for m in Mark if figures.of(m)],
        late_minutes=figures.late_minutes, early_minutes=figures.early_minutes, worked_minutes=figures.worked_minutes,
        held=figures.of(HELD), open=figures.open, sentence=figures.sentence, confirmed_at=confirmed.confirmed_at if confirmed else None,
        confirmed_by_name=confirmed.confirmed_by_name if confirmed else None, by_school=confirmed.by_school if confirmed else None,
    )  # fmt: skip


class PersonNow(graphene.ObjectType):
    """Somebody expected at a post now."""

    staff_id = Id
    name = Text
    state = graphene.NonNull(graphene.String, description="present, patrol, early, awaited, soon, left, leave or field")
    since = graphene.NonNull(graphene.DateTime)
    grade = Text
    starts_at = graphene.NonNull(graphene.DateTime)
    ends_at = graphene.NonNull(graphene.DateTime)
    tour = graphene.NonNull(graphene.String, description="The patrol tour they walk now; empty without one")
    tour_since = graphene.DateTime()


class PostNow(graphene.ObjectType):
    """A post now."""

    post_id = Id
    post_name = Text
    party_id = Id
    party_name = Text
    place_name = Text
    line = Text
    state = graphene.NonNull(
        graphene.String,
        description="present, patrol, handover, short, awaited, left, nobody (not on the roster), field or soon",
    )
    since = graphene.NonNull(graphene.DateTime)
    needed = NInt
    present = NInt
    people = listed(PersonNow)


class FilledType(graphene.ObjectType):
    """Contracted against proved presence, in person-minutes; a surplus at one hour never fills a gap at another."""

    class Meta:
        name = "AttendanceFill"

    key = graphene.NonNull(graphene.List(graphene.NonNull(graphene.String)), description="Values grouped by, in order")
    contracted = NInt
    present = NInt
    short_minutes = NInt
    short_hours = graphene.NonNull(graphene.Decimal)
    short_yuan = graphene.Decimal(description="Null where no hourly price is known for any of it")
    rate = graphene.Float(description="满编率: present of contracted, 0–1")
    names = graphene.NonNull(
        graphene.List(graphene.NonNull(graphene.String)), description="The key in words: names of posts and parties"
    )


class RatioType(graphene.ObjectType):
    """A metric with what it is made of; never a bare percentage."""

    class Meta:
        name = "AttendanceMeasure"

    code = Text
    key = graphene.NonNull(graphene.List(graphene.NonNull(graphene.String)))
    numerator = NInt
    denominator = NInt
    n = NInt
    coverage = graphene.NonNull(graphene.Decimal)


class RefusedPosition(graphene.ObjectType):
    """Where somebody was whose punch was refused as outside, WGS-84."""

    latitude = graphene.NonNull(graphene.Float)
    longitude = graphene.NonNull(graphene.Float)
    accuracy_m = graphene.Float()
    outside_m = graphene.NonNull(graphene.Float)
    at = graphene.NonNull(graphene.DateTime)
    counted = graphene.NonNull(graphene.Boolean, description="Counts after all, by the decision")


class SuspectType(DjangoObjectType):
    """误伤线索: a post, fence, phone or device that refuses far more than others."""

    class Meta:
        model = Suspect
        name = "AttendanceSuspect"
        fields = (
            "id", "kind", "label", "since", "until", "refused", "tried", "others_refused", "others_tried", "low", "people",
            "reason", "proposal", "status", "found_at", "decided_at", "decided_by_name", "decision_note",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    post_id = graphene.UUID()
    held = graphene.NonNull(graphene.Int, description="Results that wait for the decision")
    held_adjustments = graphene.NonNull(graphene.Int, description="Adjustments of confirmed months that wait for it")
    positions = graphene.NonNull(
        graphene.List(graphene.NonNull(RefusedPosition)),
        description="Of a fence: where its newest 200 refused punches were, without names; needs punches:read too",
    )

    @staticmethod
    def resolve_held_adjustments(row: Suspect, info: graphene.ResolveInfo) -> Any:
        def fetch(rows: list[Suspect]) -> dict[Suspect, int]:
            found = queries.held_adjustments(rows)
            return {r: found[r.pk] for r in rows}

        return load_one(info.context, "attendance.held_adjustments", fetch, row)

    @staticmethod
    def resolve_positions(row: Suspect, info: graphene.ResolveInfo) -> Any:
        def fetch(rows: list[Suspect]) -> list[tuple[Suspect, Position]]:
            found = queries.suspect_positions(rows, by=info.context.actor)
            by_id = {r.pk: r for r in rows}
            return [(by_id[case], position) for case, position in found]

        return load_many(info.context, "attendance.positions", fetch, row)

    @staticmethod
    def resolve_held(row: Suspect, info: graphene.ResolveInfo) -> int:
        counted: int = getattr(row, "held", 0)
        return counted
