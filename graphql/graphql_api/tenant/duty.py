"""Duty: the cockpit, calls, anomalies, handovers, the log; and every step of them.

Photos and voices are uploaded to `/files/` first; mutations take their ids. Scopes: duty:read, duty:write.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.loaders import load_many, load_one
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.evidence import EvidenceType, Id, Text, listed
from graphql_api.tenant.findings import CLIENT_KEY, Ids, PartyRef, PlaceRef, common
from kernel import clock
from kernel.errors import NotFound
from tenants.duty import cockpit, operations, queries
from tenants.duty.models import Absence, Anomaly, Call, DutyPost, Handover, HandoverItem, LogEntry, Stint, Summons
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


class DutyPostType(DjangoObjectType):
    """值班岗: a post with its rules of duty."""

    class Meta:
        model = DutyPost
        name = "DutyPost"
        fields = (
            "active", "answer_minutes", "persons_to_answer", "asks_photo", "asks_code", "asks_face", "calls_per_day",
            "night_from", "night_until", "off_post_after", "break_minutes", "break_cap_minutes",
        )  # fmt: skip

    post = graphene.NonNull(PostRef)

    @staticmethod
    def resolve_post(row: DutyPost, info: graphene.ResolveInfo) -> PostRef:
        return _post(row)


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
    random_left = graphene.Field(Int, description="Of today's budget; when they come, nobody is told")
    anomalies = Int
    handovers = Int
    shortfalls = listed(ShortfallType)


class CockpitType(graphene.ObjectType):
    """值守看板 as of a moment."""

    class Meta:
        name = "DutyCockpit"

    at = Moment
    posts = listed(PostStateType)


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
            "draws",
            "answered_at",
            "reaction_s",
            "place_ok",
            "face",
            "late",
        )
        convert_choices_to_enum = False

    id = Id
    person = graphene.NonNull(DutyPerson)
    photo = graphene.Field(EvidenceType)

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
            "answered_at", "needed", "night", "excused", "off_post", "finding_id", "asleep", "judged_at",
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
            "reported_by_name", "closed_at", "closed_by_name", "result", "finding_id",
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
    what = graphene.Field(graphene.String, description="line, body, chain, missing or anchor")
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


class DutyQuery(graphene.ObjectType):
    """Reads of duty. Scope: duty:read."""

    duty_cockpit = graphene.NonNull(CockpitType, campus_id=graphene.UUID(), line=graphene.String())
    duty_posts = Listing(connection_of(DutyPostType), description="Posts with rules of duty")
    presence_calls = Listing(
        connection_of(PresenceCallType),
        description="Newest first; random ones only once they have gone out",
        outcome=graphene.String(),
        status=graphene.String(),
        kind=graphene.String(),
        post_id=graphene.UUID(),
        line=graphene.String(),
        place_id=graphene.UUID(),
        night=graphene.Boolean(),
        off_post=graphene.Boolean(),
        from_day=graphene.Date(),
        until_day=graphene.Date(),
        text=graphene.String(),
    )
    presence_call = graphene.Field(PresenceCallType, id=graphene.UUID(required=True))
    duty_anomalies = Listing(
        connection_of(DutyAnomalyType),
        description="Open ones first",
        status=graphene.String(),
        kind=graphene.String(),
        severity=graphene.String(),
        post_id=graphene.UUID(),
        raised=graphene.Boolean(description="Went up and nobody has taken it"),
        text=graphene.String(),
    )
    duty_anomaly = graphene.Field(DutyAnomalyType, id=graphene.UUID(required=True))
    duty_handovers = Listing(
        connection_of(HandoverType), description="Newest first", open_only=graphene.Boolean(), post_id=graphene.UUID()
    )
    duty_log = Listing(connection_of(LogEntryType), description="Newest first", post_id=graphene.UUID(required=True))
    duty_log_check = graphene.Field(
        LogCheckType, description="Verify the hash chain of a post's log", post_id=graphene.UUID(required=True)
    )

    @staticmethod
    def resolve_duty_cockpit(
        root: None, info: graphene.ResolveInfo, campus_id: UUID | None = None, line: str = ""
    ) -> Any:
        return cockpit.cockpit(
            by=info.context.actor, tenant=info.context.tenant, now=clock.now(), campus_id=campus_id, line=line
        )

    @staticmethod
    def resolve_duty_posts(root: None, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return queries.visible_posts(info.context.actor).distinct().order_by("post__name", "pk")

    @staticmethod
    def resolve_presence_calls(
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
        context = info.context
        return queries.calls(by=context.actor, tz=context.tenant.tz, from_day=from_day, until_day=until_day, **filters)

    @staticmethod
    def resolve_presence_call(root: None, info: graphene.ResolveInfo, id: UUID) -> Call | None:
        try:
            return queries.call(call_id=id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_duty_anomalies(
        root: None,
        info: graphene.ResolveInfo,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **filters: Any,
    ) -> Any:
        return queries.anomalies(by=info.context.actor, **filters)

    @staticmethod
    def resolve_duty_anomaly(root: None, info: graphene.ResolveInfo, id: UUID) -> Anomaly | None:
        try:
            return queries.anomaly(anomaly_id=id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_duty_handovers(
        root: None, info: graphene.ResolveInfo, open_only: bool = False, post_id: UUID | None = None, **_page: Any
    ) -> Any:
        return queries.handovers(by=info.context.actor, open_only=open_only, post_id=post_id)

    @staticmethod
    def resolve_duty_log(root: None, info: graphene.ResolveInfo, post_id: UUID, **_page: Any) -> Any:
        rows = queries.visible_log(info.context.actor).filter(post_id=post_id)
        return rows.distinct().order_by("-seq")

    @staticmethod
    def resolve_duty_log_check(root: None, info: graphene.ResolveInfo, post_id: UUID) -> LogCheckType | None:
        try:
            fault = queries.check_log(post_id=post_id, by=info.context.actor)
        except NotFound:
            return None
        if fault is None:
            return LogCheckType(whole=True)
        return LogCheckType(whole=False, what=fault.what, seal=fault.number, seq=fault.seq, byte=fault.byte)


# --- mutations -----------------------------------------------------------------------------------


class DutyMutationBase(DomainMutation):
    """Base: every mutation here needs duty:write."""

    class Meta:
        abstract = True

    scope = "duty:write"


Key = graphene.String(description=CLIENT_KEY)


class ConfigureDutyPost(DutyMutationBase):
    """Make a post a duty post, or change its rules; what is not named stays."""

    class Arguments:
        post_id = graphene.UUID(required=True)
        active = graphene.Boolean()
        answer_minutes = graphene.Int()
        persons_to_answer = graphene.Int()
        asks_photo = graphene.Boolean()
        asks_code = graphene.Boolean()
        asks_face = graphene.Boolean()
        calls_per_day = graphene.Int()
        night_from = graphene.Int(description="Minute of the local day")
        night_until = graphene.Int()
        off_post_after = graphene.Int()
        break_minutes = graphene.Int()
        break_cap_minutes = graphene.Int()
        quiet = graphene.List(graphene.NonNull(graphene.List(graphene.NonNull(graphene.Int))))

    duty_post = graphene.Field(DutyPostType)

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return {"duty_post": operations.configure_post(**given, **common(context))}


class IssueCalls(DutyMutationBase):
    """查岗: one post or a group. A post under an open call gets no second one."""

    class Arguments:
        post_ids = graphene.NonNull(Ids)
        reason = graphene.String()
        client_key = Key

    calls = graphene.List(graphene.NonNull(PresenceCallType))

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        rows = operations.issue_calls(**given, **common(context))
        known = queries.visible_calls(context.actor).in_bulk([row.pk for row in rows])
        return {"calls": [known[row.pk] for row in rows if row.pk in known]}


class SummonsPayload(DutyMutationBase):
    """Base: answers with the person's part of the call."""

    class Meta:
        abstract = True

    summons = graphene.Field(SummonsType)
    nonce = graphene.String(description="Sent back with the answer")


class OpenCall(SummonsPayload):
    """Draw the gesture; good for two minutes."""

    class Arguments:
        call_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        row = operations.open_call(**given, **common(context))
        return {"summons": row, "nonce": row.nonce}


class AnswerCall(SummonsPayload):
    """应答, with the photo taken after the gesture was shown and the code at the post."""

    class Arguments:
        call_id = graphene.UUID(required=True)
        nonce = graphene.String(required=True)
        photo_id = graphene.UUID()
        place_code = graphene.String()
        elapsed_seconds = graphene.Float(description="By the phone's stopwatch, since the gesture was shown")
        client_key = Key

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return {"summons": operations.answer_call(**given, **common(context))}


class JudgeCall(DutyMutationBase):
    """A human's word on a decided call; `asleep` only for night calls."""

    class Arguments:
        call_id = graphene.UUID(required=True)
        note = graphene.String(required=True)
        outcome = graphene.String()
        asleep = graphene.Boolean()

    call = graphene.Field(PresenceCallType)

    @classmethod
    def perform(cls, context: Any, *, call_id: UUID, **given: Any) -> dict[str, Any]:
        operations.judge_call(call_id=call_id, **given, **common(context))
        return {"call": queries.call(call_id=call_id, by=context.actor)}


class StintPayload(DutyMutationBase):
    """Base: answers with the stint."""

    class Meta:
        abstract = True

    stint = graphene.Field(StintType)


class SignOn(StintPayload):
    """上岗."""

    class Arguments:
        post_id = graphene.UUID(required=True)
        place_code = graphene.String()
        client_key = Key

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return {"stint": operations.sign_on(**given, **common(context))}


class SignOff(StintPayload):
    """下岗; refused while something open is in one's hands."""

    class Arguments:
        client_key = Key

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return {"stint": operations.sign_off(**given, **common(context))}


class EndStint(StintPayload):
    """A superior ends a forgotten stint."""

    class Arguments:
        stint_id = graphene.UUID(required=True)
        reason = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return {"stint": operations.end_stint(**given, **common(context))}


class DeclareAbsence(DutyMutationBase):
    """申报离岗: patrol, relief or break."""

    class Arguments:
        kind = graphene.String(required=True)
        minutes = graphene.Int(required=True)
        reason = graphene.String()
        relief_staff_id = graphene.UUID()
        client_key = Key

    absence = graphene.Field(AbsenceType)

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return {"absence": operations.declare_absence(**given, **common(context))}


class ReturnToPost(DutyMutationBase):
    """返岗."""

    class Arguments:
        client_key = Key

    absence = graphene.Field(AbsenceType)

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return {"absence": operations.return_to_post(**given, **common(context))}


class AnomalyPayload(DutyMutationBase):
    """Base: answers with the anomaly."""

    class Meta:
        abstract = True

    anomaly = graphene.Field(DutyAnomalyType)

    @staticmethod
    def told(context: Any, row: Anomaly) -> dict[str, Any]:
        return {"anomaly": queries.anomaly(anomaly_id=row.pk, by=context.actor)}


class ReportAnomaly(AnomalyPayload):
    """登记异常; whoever is on duty holds it."""

    class Arguments:
        kind = graphene.String(required=True)
        text = graphene.String()
        severity = graphene.String()
        post_id = graphene.UUID(description="Only for the office")
        file_ids = Ids
        client_key = Key

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return cls.told(context, operations.report_anomaly(**given, **common(context)))


class CloseAnomaly(AnomalyPayload):
    """已处理, with the result."""

    class Arguments:
        anomaly_id = graphene.UUID(required=True)
        result = graphene.String(required=True)
        client_key = Key

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return cls.told(context, operations.close_anomaly(**given, **common(context)))


class TakeAnomaly(AnomalyPayload):
    """A superior takes what went up."""

    class Arguments:
        anomaly_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return cls.told(context, operations.take_anomaly(**given, **common(context)))


class AnomalyToFinding(AnomalyPayload):
    """Make it a finding."""

    class Arguments:
        anomaly_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return cls.told(context, operations.to_finding(**given, **common(context)))


class OfferHandover(DutyMutationBase):
    """Hand what is open to a named receiver."""

    class Arguments:
        receiver_id = graphene.UUID(required=True)
        anomaly_ids = Ids
        note = graphene.String()
        client_key = Key

    handover = graphene.Field(HandoverType)

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return {"handover": operations.offer_handover(**given, **common(context))}


class AnswerHandoverItem(DutyMutationBase):
    """The receiver accepts one item, or refuses it with a reason."""

    class Arguments:
        handover_item_id = graphene.UUID(required=True)
        accept = graphene.Boolean(required=True)
        reason = graphene.String()
        client_key = Key

    item = graphene.Field(HandoverItemType)

    @classmethod
    def perform(cls, context: Any, *, handover_item_id: UUID, **given: Any) -> dict[str, Any]:
        return {"item": operations.answer_item(item_id=handover_item_id, **given, **common(context))}


class AcceptHandover(DutyMutationBase):
    """Accept everything still offered."""

    class Arguments:
        handover_id = graphene.UUID(required=True)
        client_key = Key

    handover = graphene.Field(HandoverType)

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return {"handover": operations.accept_handover(**given, **common(context))}


class AddDutyNote(DutyMutationBase):
    """记事; with `corrects` 更正 of that line."""

    class Arguments:
        post_id = graphene.UUID(required=True)
        text = graphene.String(required=True)
        corrects = graphene.Int()
        client_key = Key

    entry = graphene.Field(LogEntryType)

    @classmethod
    def perform(
        cls, context: Any, *, corrects: int | None = None, client_key: str = "", **given: Any
    ) -> dict[str, Any]:
        if corrects is not None:
            return {"entry": operations.correct_entry(seq=corrects, **given, **common(context))}
        return {"entry": operations.add_note(client_key=client_key, **given, **common(context))}


class JudgeCameraReport(DutyMutationBase):
    """A human says whether a camera's report is true."""

    class Arguments:
        camera_report_id = graphene.UUID(required=True)
        confirmed = graphene.Boolean(required=True)
        note = graphene.String(required=True)

    status = graphene.String()

    @classmethod
    def perform(cls, context: Any, *, camera_report_id: UUID, **given: Any) -> dict[str, Any]:
        return {"status": operations.judge_report(report_id=camera_report_id, **given, **common(context)).status}


class DutyMutation(graphene.ObjectType):
    """Writes of duty. Scope: duty:write."""

    configure_duty_post = ConfigureDutyPost.Field()
    issue_calls = IssueCalls.Field()
    open_call = OpenCall.Field()
    answer_call = AnswerCall.Field()
    judge_call = JudgeCall.Field()
    sign_on_duty = SignOn.Field()
    sign_off_duty = SignOff.Field()
    end_stint = EndStint.Field()
    declare_absence = DeclareAbsence.Field()
    return_to_post = ReturnToPost.Field()
    report_duty_anomaly = ReportAnomaly.Field()
    close_duty_anomaly = CloseAnomaly.Field()
    take_duty_anomaly = TakeAnomaly.Field()
    duty_anomaly_to_finding = AnomalyToFinding.Field()
    offer_handover = OfferHandover.Field()
    answer_handover_item = AnswerHandoverItem.Field()
    accept_handover = AcceptHandover.Field()
    add_duty_note = AddDutyNote.Field()
    judge_camera_report = JudgeCameraReport.Field()
