"""Every step of duty. Photos and voices are uploaded to `/files/` first; mutations take their ids. Scope: duty:write."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import graphene

from graphql_api.mutations import DomainMutation
from graphql_api.tenant import phone_clock
from graphql_api.tenant.duty.types import (
    AbsenceType,
    CameraReportType,
    CameraSystemType,
    DeliveryHookType,
    DutyAnomalyType,
    DutyPostType,
    HandoverItemType,
    HandoverType,
    LogEntryType,
    PresenceCallType,
    StintType,
    SummonsType,
)
from graphql_api.tenant.findings import CLIENT_KEY, Ids, common
from graphql_api.tenant.phone_clock import PhoneClockInput
from graphql_api.tenant.punches import PunchType
from tenants.duty import operations, queries
from tenants.duty.models import Anomaly, Stint


class DutyMutationBase(DomainMutation):
    """Base: every mutation here needs duty:write."""

    class Meta:
        abstract = True

    scope = "duty:write"


Key = graphene.String(description=CLIENT_KEY)


class EscalationStepInput(graphene.InputObjectType):
    """A rung of the chain that an unanswered call climbs."""

    after_minutes = graphene.Int(required=True, description="After the deadline of the call")
    rung = graphene.String(required=True, description="manager, supervisor or leader")


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
        gap_minutes = graphene.Int()
        gap_finding_minutes = graphene.Int(description="From when on a gap becomes a finding; 0: never")
        quiet = graphene.List(graphene.NonNull(graphene.List(graphene.NonNull(graphene.Int))))
        chain = graphene.List(
            graphene.NonNull(EscalationStepInput), description="The whole chain; an empty list tells nobody"
        )

    duty_post = graphene.Field(DutyPostType)

    @classmethod
    def perform(cls, context: Any, *, chain: list[dict[str, Any]] | None = None, **given: Any) -> dict[str, Any]:
        if chain is not None:
            given["chain"] = [[step["after_minutes"], step["rung"]] for step in chain]
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
    """Draw a gesture and a phrase; one of them is shown or said within two minutes."""

    class Arguments:
        call_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        row = operations.open_call(**given, **common(context))
        return {"summons": row, "nonce": row.nonce}


class AcknowledgeCall(SummonsPayload):
    """送达: the phone shows the call. The first time counts."""

    class Arguments:
        call_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return {"summons": operations.acknowledge_call(**given, **common(context))}


class SetDeliveryHook(DutyMutationBase):
    """Name the school's delivery service of presence calls; the secret is told once, when it is new."""

    class Arguments:
        url = graphene.String(required=True)
        active = graphene.Boolean(required=True)
        new_secret = graphene.Boolean()

    hook = graphene.Field(DeliveryHookType)
    secret = graphene.String(description="Only when it is new: the first time, or when asked for")

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        made = operations.set_hook(**given, **common(context))
        return {"hook": made.hook, "secret": made.secret or None}


class AnswerCall(SummonsPayload):
    """应答, with the photo taken after the gesture or phrase was shown and the code at the post."""

    class Arguments:
        call_id = graphene.UUID(required=True)
        nonce = graphene.String(required=True)
        photo_id = graphene.UUID()
        voice_id = graphene.UUID(description="The phrase, spoken; the photo then need not show the gesture")
        place_code = graphene.String()
        elapsed_seconds = graphene.Float(description="By the phone's stopwatch, since the gesture was shown")
        counted = PhoneClockInput(description="When it was given; outweighs elapsedSeconds")
        client_key = Key

    @classmethod
    def perform(cls, context: Any, *, counted: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
        return {"summons": operations.answer_call(counted=phone_clock.counted(counted), **given, **common(context))}


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
    punch = graphene.Field(PunchType, description="That came of it, whether it counts or not; null where none was due")

    @staticmethod
    def told(context: Any, row: Stint, direction: str) -> dict[str, Any]:
        return {"stint": row, "punch": queries.punch_of(row, direction, by=context.actor)}


class SignOn(StintPayload):
    """上岗; with the code at the post it is a punch for the shift it fills, too."""

    class Arguments:
        post_id = graphene.UUID(required=True)
        place_code = graphene.String()
        client_key = Key

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return cls.told(context, operations.sign_on(**given, **common(context)), "in")


class SignOff(StintPayload):
    """下岗; refused while something open is in one's hands. With the code at the post it is a punch too."""

    class Arguments:
        place_code = graphene.String()
        client_key = Key

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        return cls.told(context, operations.sign_off(**given, **common(context)), "out")


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
        owner_id = graphene.UUID(description="Another person on duty there, who holds it; left out: the reporter")
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


class AddCameraSystem(DutyMutationBase):
    """Register a video system. Its secret is in this answer and nowhere else; it reports to /hooks/cameras/<id>/."""

    class Arguments:
        name = graphene.String(required=True)

    system = graphene.Field(CameraSystemType)
    secret = graphene.String(description="Told once")

    @classmethod
    def perform(cls, context: Any, **given: Any) -> dict[str, Any]:
        made = operations.add_camera(**given, **common(context))
        return {"system": made.system, "secret": made.secret}


class SetCameraSystemActive(DutyMutationBase):
    """Switch a video system on or off."""

    class Arguments:
        camera_system_id = graphene.UUID(required=True)
        active = graphene.Boolean(required=True)

    system = graphene.Field(CameraSystemType)

    @classmethod
    def perform(cls, context: Any, *, camera_system_id: UUID, **given: Any) -> dict[str, Any]:
        return {"system": operations.set_camera_active(camera_id=camera_system_id, **given, **common(context))}


class JudgeCameraReport(DutyMutationBase):
    """A human says whether a camera's report is true."""

    class Arguments:
        camera_report_id = graphene.UUID(required=True)
        confirmed = graphene.Boolean(required=True)
        note = graphene.String(required=True)

    status = graphene.String()
    report = graphene.Field(CameraReportType)

    @classmethod
    def perform(cls, context: Any, *, camera_report_id: UUID, **given: Any) -> dict[str, Any]:
        row = operations.judge_report(report_id=camera_report_id, **given, **common(context))
        return {"status": row.status, "report": queries.report(report_id=row.pk, by=context.actor)}


class DutyMutation(graphene.ObjectType):
    """Writes of duty. Scope: duty:write."""

    configure_duty_post = ConfigureDutyPost.Field()
    issue_calls = IssueCalls.Field()
    open_call = OpenCall.Field()
    answer_call = AnswerCall.Field()
    acknowledge_call = AcknowledgeCall.Field()
    set_delivery_hook = SetDeliveryHook.Field()
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
    add_camera_system = AddCameraSystem.Field()
    set_camera_system_active = SetCameraSystemActive.Field()
    judge_camera_report = JudgeCameraReport.Field()
