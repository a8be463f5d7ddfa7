"""What duty shows: the cockpit, calls, anomalies, handovers, the log."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.loaders import load_many, load_one
from graphql_api.tenant.evidence import EvidenceType, Id, Text, listed
from graphql_api.tenant.findings import PartyRef, PlaceRef
from tenants.duty import policies, queries
from tenants.duty.models import (
    Absence,
    Anomaly,
    Attempt,
    Call,
    CameraReport,
    CameraSystem,
    DeliveryHook,
    DutyPost,
    Handover,
    HandoverItem,
    LogEntry,
    Stint,
    Summons,
)
from tenants.duty.operations.calls import was_sent_late
from tenants.evidence import queries as evidence
from tenants.organisation.models import Staff

Int, Flag = graphene.NonNull(graphene.Int), graphene.NonNull(graphene.Boolean)
Moment = graphene.NonNull(graphene.DateTime)


class PostRef(graphene.ObjectType):
    """A post by id and name, with its party and place."""

    id = Id
    name = Text
    line = Text
    party = graphene.NonNull(PartyRef)
    place = graphene.Field(PlaceRef)


class DutyPerson(graphene.ObjectType):
    """A member of staff by id and name."""

    id = Id
    name = Text


def _post(row: Any) -> PostRef:
    post = row.post
    return PostRef(
        id=post.pk, name=post.name, line=post.line, party=PartyRef(id=post.party_id, name=post.party.name),
        place=PlaceRef(id=post.place_id, name=post.place.full_name) if post.place_id else None,
    )  # fmt: skip


def _person(row: Staff | None) -> DutyPerson | None:
    return DutyPerson(id=row.pk, name=row.name) if row else None


class EscalationStepType(graphene.ObjectType):
    """A rung of the chain that an unanswered call climbs."""

    class Meta:
        name = "EscalationStep"

    after_minutes = graphene.Field(Int, description="After the deadline of the call")
    rung = graphene.Field(Text, description="manager, supervisor or leader")


class DutyPostType(DjangoObjectType):
    """值班岗: a post with its rules of duty."""

    class Meta:
        model = DutyPost
        name = "DutyPost"
        fields = (
            "active", "answer_minutes", "persons_to_answer", "asks_photo", "asks_code", "asks_face", "night_from", "night_until", "off_post_after", "break_minutes", "break_cap_minutes",
            "gap_minutes",
            "gap_finding_minutes",
        )  # fmt: skip

    post = graphene.NonNull(PostRef)
    calls_per_day = graphene.Int(description="Unpredictable calls a day on average; null to whoever is under them")
    quiet = graphene.Field(
        listed(graphene.List(graphene.NonNull(graphene.Int))),
        description="Times without calls, as [from, until] minutes of the local day",
    )
    chain = graphene.Field(listed(EscalationStepType), description="Who is told of an unanswered call, and when")

    @staticmethod
    def resolve_calls_per_day(row: DutyPost, info: graphene.ResolveInfo) -> int | None:
        return row.calls_per_day if policies.reads_all(info.context.actor) else None

    @staticmethod
    def resolve_post(row: DutyPost, info: graphene.ResolveInfo) -> PostRef:
        return _post(row)

    @staticmethod
    def resolve_chain(row: DutyPost, info: graphene.ResolveInfo) -> list[EscalationStepType]:
        return [EscalationStepType(after_minutes=int(step[0]), rung=str(step[1])) for step in row.chain]


class OnDutyType(graphene.ObjectType):
    """One person on duty."""

    class Meta:
        name = "OnDuty"

    stint_id = Id
    staff_id = Id
    name = Text
    since = Moment
    due_until = graphene.DateTime()
    lacking = graphene.Field(listed(graphene.String), description="Certificates the post wants and the person lacks")
    rostered = Flag
    away = graphene.Field(Text, description='"" or the kind of the declared absence')
    away_until = graphene.DateTime()
    overdue = Flag


class ShortfallType(graphene.ObjectType):
    """A half-open stretch with fewer people than the contract wants."""

    class Meta:
        name = "Shortfall"

    starts_at = Moment
    ends_at = Moment
    needed = Int
    present = Int
    declared = graphene.Field(Flag, description="The gap is a declared absence")


class PostShortfallType(graphene.ObjectType):
    """A stretch below the minimum, with its post."""

    class Meta:
        name = "PostShortfall"

    post = graphene.NonNull(PostRef)
    short = graphene.NonNull(ShortfallType)
    minutes = Int

    @staticmethod
    def resolve_post(row: Any, info: graphene.ResolveInfo) -> PostRef:
        return _post(row)


class PostMinutesType(graphene.ObjectType):
    """What a post's contract wants and what of it was below the minimum, in minutes."""

    class Meta:
        name = "PostMinutes"

    post = graphene.NonNull(PostRef)
    wanted = graphene.NonNull(graphene.Int, description="Minutes in which the contract wants anybody")
    known = graphene.NonNull(graphene.Int, description="Of these, since somebody first signed on at the post")
    short = graphene.NonNull(graphene.Int, description="Of the known, below the minimum; declared absences aside")
    share = graphene.Float(description="short of known, in per cent; null where nothing is known")

    @staticmethod
    def resolve_post(row: Any, info: graphene.ResolveInfo) -> PostRef:
        return _post(row)

    @staticmethod
    def resolve_wanted(row: Any, info: graphene.ResolveInfo) -> int:
        minutes: int = row.sums.minutes
        return minutes

    @staticmethod
    def resolve_known(row: Any, info: graphene.ResolveInfo) -> int:
        minutes: int = row.sums.minutes_known
        return minutes

    @staticmethod
    def resolve_short(row: Any, info: graphene.ResolveInfo) -> int:
        minutes: int = row.sums.minutes_short
        return minutes


class CallBriefType(graphene.ObjectType):
    """The last or the open call of a post."""

    class Meta:
        name = "CallBrief"

    id = Id
    status = Text
    outcome = Text
    due_at = Moment
    sent_at = graphene.DateTime()
    deadline = graphene.DateTime()
    off_post = Flag


class PostStateType(graphene.ObjectType):
    """One post of the cockpit."""

    class Meta:
        name = "PostState"

    post_id = Id
    name = Text
    line = Text
    place = Text
    party = Text
    on = listed(OnDutyType)
    rostered = listed(graphene.String)
    last_call = graphene.Field(CallBriefType)
    open_call = graphene.Field(CallBriefType)
    random_used = graphene.Int(description="Unpredictable calls gone out today; null to whoever is under them")
    random_mean = graphene.Int(description="How many a day on average; null to whoever is under them")
    anomalies = Int
    handovers = Int
    shortfalls = listed(ShortfallType)


class CockpitType(graphene.ObjectType):
    """值守看板 as of a moment."""

    class Meta:
        name = "DutyCockpit"

    at = Moment
    posts = listed(PostStateType)


class AttemptType(DjangoObjectType):
    """An answer that did not hold (another face, another place, a doubtful picture)."""

    class Meta:
        model = Attempt
        name = "SummonsAttempt"
        fields = ("challenge", "phrase", "answered_at", "place_ok", "face", "late", "doubt")
        convert_choices_to_enum = False

    photo = graphene.Field(EvidenceType)

    @staticmethod
    def resolve_photo(row: Attempt, info: graphene.ResolveInfo) -> Any:
        if row.photo_id is None:
            return None
        return load_one(info.context, "duty.photos", evidence.contracts_of, row.photo_id)

    voice = graphene.Field(EvidenceType)

    @staticmethod
    def resolve_voice(row: Attempt, info: graphene.ResolveInfo) -> Any:
        if row.voice_id is None:
            return None
        return load_one(info.context, "duty.photos", evidence.contracts_of, row.voice_id)


class DeliveryHookType(DjangoObjectType):
    """The school's delivery service of presence calls; its secret is told once, when it is made."""

    class Meta:
        model = DeliveryHook
        name = "DutyDeliveryHook"
        fields = ("url", "active", "changed_at", "changed_by_name", "last_ok_at", "last_failed_at", "last_note")


class SummonsType(DjangoObjectType):
    """One person under a call, and the answer."""

    class Meta:
        model = Summons
        name = "Summons"
        fields = (
            "id",
            "on_duty",
            "away",
            "challenge",
            "phrase",
            "draws",
            "answered_at",
            "reaction_s",
            "place_ok",
            "face",
            "late",
            "doubt",
            "delivered_at",
            "delivered_by",
            "hook_tries",
            "hook_note",
        )
        convert_choices_to_enum = False

    id = Id
    person = graphene.NonNull(DutyPerson)
    photo = graphene.Field(EvidenceType)
    voice = graphene.Field(EvidenceType, description="The phrase, spoken")
    attempts = listed(AttemptType)

    @staticmethod
    def resolve_voice(row: Summons, info: graphene.ResolveInfo) -> Any:
        if row.voice_id is None:
            return None
        return load_one(info.context, "duty.photos", evidence.contracts_of, row.voice_id)

    @staticmethod
    def resolve_attempts(row: Summons, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "duty.attempts", queries.attempts_of, row.pk)

    @staticmethod
    def resolve_person(row: Summons, info: graphene.ResolveInfo) -> DutyPerson | None:
        return _person(row.staff)

    @staticmethod
    def resolve_photo(row: Summons, info: graphene.ResolveInfo) -> Any:
        if row.photo_id is None:
            return None
        return load_one(info.context, "duty.photos", evidence.contracts_of, row.photo_id)


class PresenceCallType(DjangoObjectType):
    """查岗令."""

    class Meta:
        model = Call
        name = "PresenceCall"
        fields = (
            "id", "kind", "status", "outcome", "reason", "caller_names", "due_at", "sent_at", "deadline", "decided_at",
            "answered_at", "needed", "night", "excused", "off_post", "finding_id", "finding_refused", "asleep", "judged_at",
            "judged_by_name", "judged_note", "outcome_before",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    finding_id = graphene.UUID()
    outcome_label = Text
    sent_late = graphene.Field(Flag, description="Went out noticeably later than it was asked for")
    post = graphene.NonNull(PostRef)
    summons = listed(SummonsType)

    @staticmethod
    def resolve_outcome_label(row: Call, info: graphene.ResolveInfo) -> str:
        return str(row.get_outcome_display())

    @staticmethod
    def resolve_sent_late(row: Call, info: graphene.ResolveInfo) -> bool:
        return was_sent_late(row)

    @staticmethod
    def resolve_post(row: Call, info: graphene.ResolveInfo) -> PostRef:
        return _post(row)

    @staticmethod
    def resolve_summons(row: Call, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> list[tuple[UUID, Summons]]:
            return queries.summons_of(ids)

        return load_many(info.context, "duty.summons", fetch, row.pk)


class DutyAnomalyType(DjangoObjectType):
    """值班异常."""

    class Meta:
        model = Anomaly
        name = "DutyAnomaly"
        fields = (
            "id", "number", "kind", "severity", "text", "status", "raised_at", "taken_by_name", "reported_at",
            "reported_by_name", "begun_at", "ended_at", "closed_at", "closed_by_name", "result", "finding_id",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    finding_id = graphene.UUID()
    post = graphene.NonNull(PostRef)
    holder = graphene.Field(DutyPerson)
    files = listed(EvidenceType)

    @staticmethod
    def resolve_post(row: Anomaly, info: graphene.ResolveInfo) -> PostRef:
        return _post(row)

    @staticmethod
    def resolve_holder(row: Anomaly, info: graphene.ResolveInfo) -> DutyPerson | None:
        return _person(row.holder)

    @staticmethod
    def resolve_files(row: Anomaly, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "duty.files", queries.files_of, row.pk)


class HandoverItemType(DjangoObjectType):
    """One open item on its way to the next shift."""

    class Meta:
        model = HandoverItem
        name = "HandoverItem"
        fields = ("id", "status", "answered_at", "answered_by_name", "reason")
        convert_choices_to_enum = False

    id = Id
    number = Text
    text = Text

    @staticmethod
    def resolve_number(row: HandoverItem, info: graphene.ResolveInfo) -> str:
        return row.anomaly.number

    @staticmethod
    def resolve_text(row: HandoverItem, info: graphene.ResolveInfo) -> str:
        return row.anomaly.text


class HandoverType(DjangoObjectType):
    """交接."""

    class Meta:
        model = Handover
        name = "DutyHandover"
        fields = ("id", "note", "opened_at", "done_at")

    id = Id
    post_id = Id
    giver = graphene.NonNull(DutyPerson)
    receiver = graphene.NonNull(DutyPerson)
    items = listed(HandoverItemType)

    @staticmethod
    def resolve_giver(row: Handover, info: graphene.ResolveInfo) -> DutyPerson | None:
        return _person(row.stint.staff)

    @staticmethod
    def resolve_receiver(row: Handover, info: graphene.ResolveInfo) -> DutyPerson | None:
        return _person(row.receiver)

    @staticmethod
    def resolve_items(row: Handover, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "duty.items", queries.items_of, row.pk)


class LogEntryType(DjangoObjectType):
    """One line of a post's log."""

    class Meta:
        model = LogEntry
        name = "DutyLogEntry"
        fields = ("seq", "at", "kind", "text", "corrects", "actor_name")
        convert_choices_to_enum = False

    seq = Int
    corrects = graphene.Int()
    post_id = Id


class LogCheckType(graphene.ObjectType):
    """What the verification of a log found: `whole`, or the first fault."""

    class Meta:
        name = "DutyLogCheck"

    whole = Flag
    what = graphene.Field(graphene.String, description="line, missing, head, body, chain, key, anchor, lost or extra")
    unsealed = graphene.Field(Int, description="Lines no seal covers yet: counted, not proven")
    seal = graphene.Int()
    seq = graphene.Int()
    byte = graphene.Field(graphene.Int, description="Offset of the first changed byte within the seal")


class StintType(DjangoObjectType):
    """当班."""

    class Meta:
        model = Stint
        name = "DutyStint"
        fields = ("id", "due_until", "signed_on_at", "signed_off_at", "on_code", "ended_by_name")

    id = Id
    post_id = Id
    staff_id = Id
    lacking = listed(graphene.String)


class AbsenceType(DjangoObjectType):
    """申报离岗."""

    class Meta:
        model = Absence
        name = "DutyAbsence"
        fields = ("id", "kind", "reason", "starts_at", "until", "ends_at")
        convert_choices_to_enum = False

    id = Id
    relief = graphene.Field(DutyPerson, description="Who stands in")

    @staticmethod
    def resolve_relief(row: Absence, info: graphene.ResolveInfo) -> DutyPerson | None:
        return _person(row.relief)


class CameraSystemType(DjangoObjectType):
    """A video system that may report through the signed webhook. Its secret is told once, when it is added."""

    class Meta:
        model = CameraSystem
        name = "CameraSystem"
        fields = ("id", "name", "active", "last_seen_at", "created_at", "created_by_name")

    id = Id


class CameraReportType(DjangoObjectType):
    """What a camera system claims; it counts for nothing until a human confirms it."""

    class Meta:
        model = CameraReport
        name = "CameraReport"
        fields = (
            "id", "kind", "at", "text", "received_at", "status", "judged_at", "judged_by_name", "judged_note", "finding_id",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    finding_id = graphene.UUID()
    system_id = Id
    system = Text
    post = graphene.NonNull(PostRef)

    @staticmethod
    def resolve_system(row: CameraReport, info: graphene.ResolveInfo) -> str:
        return row.system.name

    @staticmethod
    def resolve_post(row: CameraReport, info: graphene.ResolveInfo) -> PostRef:
        return _post(row)
