"""Attendance: results with their sentences, corrections, months, the live board, fill rate, suspects."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import load_many, load_one
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.evidence import Id, Text, listed
from kernel import clock
from kernel.errors import Invalid, NotAllowed, NotFound
from standards_library.choices import ServiceLine
from tenants.attendance import board, coverage, metrics, operations, policies, queries
from tenants.attendance.choices import Mark
from tenants.attendance.contracts import Figures, Filled
from tenants.attendance.models import Adjustment, Confirmation, Correction, DayResult, Suspect
from tenants.attendance.positions import Position
from tenants.organisation import queries as organisation

NInt = graphene.NonNull(graphene.Int)
CLIENT_KEY = "Made by the sender: the same key again does nothing twice and answers as the first time"
MOST_DAYS = 62


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
    late_minutes = NInt
    early_minutes = NInt
    worked_minutes = NInt
    open = graphene.NonNull(graphene.Int, description="Not settled yet: pending, held, or a correction to decide")
    sentence = Text
    confirmed_at = graphene.DateTime()
    confirmed_by_name = graphene.String()
    by_school = graphene.Boolean()


def _month(staff_id: UUID, month: date, figures: Figures, confirmed: Confirmation | None) -> MonthType:
    return MonthType(
        staff_id=staff_id, month=month, instances=figures.instances,
        marks=[MarkCount(mark=m.value, label=str(m.label), n=figures.of(m)) for m in Mark if figures.of(m)],
        late_minutes=figures.late_minutes, early_minutes=figures.early_minutes, worked_minutes=figures.worked_minutes,
        open=figures.open, sentence=figures.sentence, confirmed_at=confirmed.confirmed_at if confirmed else None,
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


def _stretch(first: date, last: date) -> None:
    if not 0 <= (last - first).days < MOST_DAYS:
        raise Invalid(f"一次最多查询 {MOST_DAYS} 天，且结束日期不能早于开始日期。", field="last")


def _groups(asked: list[str] | None, known: Collection[str]) -> list[str]:
    """The groups asked for, each once; a word that is none is refused."""
    chosen = list(dict.fromkeys(asked or []))
    if unknown := [name for name in chosen if name not in known]:
        raise Invalid(f"不能按“{unknown[0]}”分组，可用：{'、'.join(known)}。", field="group_by")
    return chosen


def _names(rows: list[Filled], groups: list[str]) -> dict[Any, str]:
    """Names of the posts and parties in the keys. One query for each kind."""
    found: dict[Any, str] = {str(line.value): str(line.label) for line in ServiceLine} if "line" in groups else {}
    for group, read in (("post", organisation.posts_by_id), ("party", organisation.parties_by_id)):
        if group in groups:
            at = groups.index(group)
            found |= {key: row.name for key, row in read({r.key[at] for r in rows}).items()}
    return found


class AttendanceQuery(graphene.ObjectType):
    """Reads of attendance. Scope: attendance:read."""

    attendance_results = Listing(
        connection_of(DayResultType),
        description="Results of roster days `first` to `last`, both included, at most 62 days",
        from_day=graphene.Date(required=True),
        until_day=graphene.Date(required=True, description="Included"),
        staff_id=graphene.UUID(),
        party_id=graphene.UUID(),
        post_id=graphene.UUID(),
        mark=graphene.String(),
        held=graphene.Boolean(),
        penalties=graphene.Boolean(description="Only late, early, absent and missing ones"),
    )
    attendance_result = graphene.Field(DayResultType, instance_id=graphene.UUID(required=True))
    attendance_month = graphene.Field(
        MonthType, staff_id=graphene.UUID(required=True), month=graphene.Date(required=True)
    )
    attendance_corrections = Listing(connection_of(CorrectionType), status=graphene.String(), staff_id=graphene.UUID())
    presence_board = graphene.Field(listed(PostNow), party_id=graphene.UUID(), description="Who is at each post now")
    attendance_fill = graphene.Field(
        listed(FilledType),
        from_day=graphene.Date(required=True),
        until_day=graphene.Date(required=True, description="Included"),
        party_id=graphene.UUID(),
        post_id=graphene.UUID(),
        line=graphene.String(),
        group_by=graphene.List(graphene.NonNull(graphene.String), description="post, party, line, day, hour, weekday"),
    )
    attendance_measures = graphene.Field(
        listed(RatioType),
        description="attendance_present, _late, _early, _absent",
        from_day=graphene.Date(required=True),
        until_day=graphene.Date(required=True, description="Included"),
        party_id=graphene.UUID(),
        line=graphene.String(),
        group_by=graphene.List(graphene.NonNull(graphene.String), description="party, line, post, day"),
    )
    attendance_suspects = Listing(connection_of(SuspectType), status=graphene.String())

    @staticmethod
    def resolve_attendance_results(
        root: None, info: graphene.ResolveInfo, from_day: date, until_day: date, first: int | None = None,
        last: int | None = None, after: str | None = None, before: str | None = None, **filters: Any,
    ) -> Any:  # fmt: skip
        _stretch(from_day, until_day)
        return queries.results(by=info.context.actor, first=from_day, last=until_day, **filters)

    @staticmethod
    def resolve_attendance_result(root: None, info: graphene.ResolveInfo, instance_id: UUID) -> DayResult | None:
        try:
            return queries.result(instance_id=instance_id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_attendance_month(
        root: None, info: graphene.ResolveInfo, staff_id: UUID, month: date
    ) -> MonthType | None:
        by, first = info.context.actor, month.replace(day=1)
        figures = queries.month_of(staff_id=staff_id, month=first, by=by)
        confirmed = queries.confirmations(staff_ids=[staff_id], month=first).get(staff_id)
        return _month(staff_id, first, figures, confirmed) if figures else None

    @staticmethod
    def resolve_attendance_corrections(
        root: None, info: graphene.ResolveInfo, status: str = "", staff_id: UUID | None = None, first: int | None = None,
        last: int | None = None, after: str | None = None, before: str | None = None,
    ) -> Any:  # fmt: skip
        return queries.corrections(by=info.context.actor, status=status, staff_id=staff_id)

    @staticmethod
    def resolve_presence_board(root: None, info: graphene.ResolveInfo, party_id: UUID | None = None) -> Any:
        return board.board(by=info.context.actor, tenant=info.context.tenant, now=clock.now(), party_id=party_id)

    @staticmethod
    def resolve_attendance_fill(
        root: None, info: graphene.ResolveInfo, from_day: date, until_day: date, party_id: UUID | None = None,
        post_id: UUID | None = None, line: str = "", group_by: list[str] | None = None,
    ) -> list[FilledType]:  # fmt: skip
        _stretch(from_day, until_day)
        chosen = _groups(group_by, coverage.KEYS)
        rows = coverage.visible_filled(
            by=info.context.actor, tenant=info.context.tenant, now=clock.now(), first=from_day, last=until_day,
            party_id=party_id, post_ids=[post_id] if post_id else None, line=line, group_by=chosen,
        )  # fmt: skip
        names = _names(rows, chosen)
        return [
            FilledType(
                key=[str(k) for k in r.key], contracted=r.contracted, present=r.present, short_minutes=r.short_minutes,
                short_hours=r.short_hours, short_yuan=r.short_yuan, rate=r.rate,
                names=[names.get(k, str(k)) for k in r.key],
            )
            for r in rows
        ]  # fmt: skip

    @staticmethod
    def resolve_attendance_measures(
        root: None, info: graphene.ResolveInfo, from_day: date, until_day: date, party_id: UUID | None = None,
        line: str = "", group_by: list[str] | None = None,
    ) -> list[RatioType]:  # fmt: skip
        _stretch(from_day, until_day)
        if not policies.reads_sheets(info.context.actor):
            raise NotAllowed
        parties = policies.party_ids(info.context.actor)
        if party_id is not None:
            parties = [party_id] if parties is None or party_id in parties else []
        chosen = _groups(group_by, metrics.DIMENSIONS)
        rows = metrics.counts(
            first=from_day, after=date.fromordinal(until_day.toordinal() + 1), party_ids=parties, line=line, by=chosen
        )
        return [
            RatioType(
                code=r.code, key=[str(k) for k in r.key], numerator=r.numerator, denominator=r.denominator, n=r.n,
                coverage=r.coverage,
            )
            for r in rows
        ]  # fmt: skip

    @staticmethod
    def resolve_attendance_suspects(
        root: None, info: graphene.ResolveInfo, status: str = "", first: int | None = None, last: int | None = None,
        after: str | None = None, before: str | None = None,
    ) -> Any:  # fmt: skip
        return queries.suspects(by=info.context.actor, status=status)


# --- mutations -----------------------------------------------------------------------------------


def common(context: Context) -> dict[str, Any]:
    return {"by": context.actor, "tenant": context.tenant, "now": clock.now()}


class AskCorrection(DomainMutation):
    """补卡: ask that a punch which was not made be counted."""

    class Arguments:
        instance_id = graphene.UUID(required=True)
        side = graphene.String(required=True, description="in or out")
        at = graphene.DateTime(required=True)
        reason = graphene.String(required=True)
        evidence_id = graphene.UUID()
        client_key = graphene.String(description=CLIENT_KEY)

    scope = "attendance:write"
    correction = graphene.Field(CorrectionType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"correction": operations.ask_correction(**given, **common(context))}


class DecideCorrection(DomainMutation):
    """Approve or refuse; never by the asker or the person concerned."""

    class Arguments:
        correction_id = graphene.UUID(required=True)
        approved = graphene.Boolean(required=True)
        note = graphene.String()

    scope = "attendance:write"
    correction = graphene.Field(CorrectionType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"correction": operations.decide_correction(**given, **common(context))}


class WithdrawCorrection(DomainMutation):
    """The asker takes it back."""

    class Arguments:
        correction_id = graphene.UUID(required=True)

    scope = "attendance:write"
    correction = graphene.Field(CorrectionType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"correction": operations.withdraw_correction(**given, **common(context))}


class ConfirmMonth(DomainMutation):
    """A worker confirms their own month; it is frozen from then on."""

    class Arguments:
        month = graphene.Date(required=True)
        staff_id = graphene.UUID(description="As whom, for who works for several parties")
        client_key = graphene.String(description=CLIENT_KEY)

    scope = "attendance:write"
    confirmed_at = graphene.DateTime()

    @classmethod
    def perform(cls, context: Context, *, staff_id: UUID | None = None, **given: Any) -> dict[str, Any]:
        whose = staff_id or context.actor.staff_id
        if whose is None:
            raise NotAllowed
        row = operations.confirm_month(staff_id=whose, **given, **common(context))
        return {"confirmed_at": row.confirmed_at}


class CloseMonth(DomainMutation):
    """Close a month for everybody who has not answered, five days after its end."""

    class Arguments:
        month = graphene.Date(required=True)
        party_id = graphene.UUID()

    scope = "attendance:write"
    people = graphene.Int()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"people": operations.close_month(**given, **common(context))}


class DecideSuspect(DomainMutation):
    """误伤: accept (the fence is changed, refused punches count, results are derived again) or reject with a reason."""

    class Arguments:
        suspect_id = graphene.UUID(required=True)
        accepted = graphene.Boolean(required=True)
        note = graphene.String()

    scope = "attendance:write"
    suspect = graphene.Field(SuspectType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"suspect": operations.decide_suspect(**given, **common(context))}


class AttendanceMutation(graphene.ObjectType):
    """Writes of attendance. Scope: attendance:write."""

    ask_correction = AskCorrection.Field()
    decide_correction = DecideCorrection.Field()
    withdraw_correction = WithdrawCorrection.Field()
    confirm_month = ConfirmMonth.Field()
    close_month = CloseMonth.Field()
    decide_suspect = DecideSuspect.Field()
