"""Every step of a finding's cycle as one mutation."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any
from uuid import UUID

import graphene

from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.findings.reads import LadderStepType, RepeatRuleType, SeverityRuleType
from graphql_api.tenant.findings.types import CLIENT_KEY, FindingType, Ids
from kernel import clock
from tenants.findings import deadlines, operations
from tenants.findings.deadlines import Rung


def common(context: Context) -> dict[str, Any]:
    """What every operation takes from the request."""
    return {"by": context.actor, "tenant": context.tenant, "now": clock.now()}


class FindingPayload(DomainMutation):
    """Base: every mutation here answers with the finding."""

    class Meta:
        abstract = True

    scope = "findings:write"
    finding = graphene.Field(FindingType)


class OpenFinding(FindingPayload):
    """Open a finding; party by service line and deadline by severity unless given."""

    class Arguments:
        title = graphene.String(required=True)
        place_id = graphene.UUID(required=True)
        line = graphene.String(required=True)
        party_id = graphene.UUID()
        detail = graphene.String()
        severity = graphene.String(description="minor, major or critical")
        deadline = graphene.DateTime()
        rubric_item_id = graphene.UUID()
        requirement_key = graphene.String()
        edition = graphene.String()
        category = graphene.String(description="hygiene, facility, safety, absent, service, record or other")
        occurrences = graphene.Int()
        verifier_id = graphene.UUID(description="Account of the named verifier")
        photo_ids = Ids
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.open_finding(**given, **common(context))}


class StartFix(FindingPayload):
    """待整改 → 整改中."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        cause = graphene.String()
        measure = graphene.String()
        root_cause = graphene.String()
        owner_id = graphene.UUID(description="One of the party's people")
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.start_fix(**given, **common(context))}


class SubmitFix(FindingPayload):
    """→ 待复查, with at least one photo."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        photo_ids = graphene.NonNull(Ids)
        text = graphene.String()
        cause = graphene.String()
        measure = graphene.String()
        root_cause = graphene.String(description="Asked for when the finding is a repeat")
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.submit_fix(**given, **common(context))}


def _change(given: dict[str, Any]) -> dict[str, Any]:
    """`planEvent` as the operations take it; what is no key names no event."""
    key = given.pop("plan_event", None)
    if not key:
        return given
    return {**given, "plan_event_id": int(key) if key.isascii() and key.isdigit() and len(key) < 18 else 0}


class VerifyFix(FindingPayload):
    """待复查 → 已销号. Whoever took part in the fix is refused with `fixer_never_closes`."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        text = graphene.String()
        consequence = graphene.String(description="rubric, plan or nothing")
        lesson = graphene.String(description="What changes, or why nothing does")
        rubric_id = graphene.UUID()
        rubric_revision = graphene.Int()
        plan_event = graphene.String(description="Of plan: `key` of the change on the timeline")
        root_cause = graphene.String(description="Of a repeat whose party did not write it")
        photo_ids = Ids
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.verify_pass(**_change(given), **common(context))}


class RejectFix(FindingPayload):
    """待复查 → 整改中, saying what is still wrong."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        reason = graphene.String(required=True)
        photo_ids = Ids
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.verify_reject(**given, **common(context))}


class ReopenFinding(FindingPayload):
    """已销号 → 整改中, because it is there again."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        reason = graphene.String(required=True)
        deadline = graphene.DateTime()
        photo_ids = Ids
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.reopen(**given, **common(context))}


class VoidFinding(FindingPayload):
    """→ 已作废: opened by mistake, counts nowhere."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        reason = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.void(**given, **common(context))}


class CommentFinding(FindingPayload):
    """Add words and pictures without moving anything."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        text = graphene.String(required=True)
        photo_ids = Ids
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.comment(**given, **common(context))}


class AssignVerifier(FindingPayload):
    """Name who verifies; without `verifierId` nobody in particular."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        verifier_id = graphene.UUID()

    @classmethod
    def perform(cls, context: Context, *, finding_id: UUID, verifier_id: UUID | None = None) -> dict[str, Any]:
        row = operations.assign_verifier(finding_id=finding_id, verifier_id=verifier_id, **common(context))
        return {"finding": row}


class ChangeDeadline(FindingPayload):
    """Move the deadline, saying why."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        deadline = graphene.DateTime(required=True)
        reason = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.change_deadline(**given, **common(context))}


class AssignOwner(FindingPayload):
    """Name who of the party answers for the fix; without `ownerId` nobody."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        owner_id = graphene.UUID()

    @classmethod
    def perform(cls, context: Context, *, finding_id: UUID, owner_id: UUID | None = None) -> dict[str, Any]:
        return {"finding": operations.assign_owner(finding_id=finding_id, owner_id=owner_id, **common(context))}


class SetConsequence(FindingPayload):
    """What changed because of a closed finding, or why nothing did."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        consequence = graphene.String(required=True, description="rubric, plan or nothing")
        lesson = graphene.String()
        rubric_id = graphene.UUID()
        rubric_revision = graphene.Int()
        plan_event = graphene.String(description="Of plan: `key` of the change on the timeline")

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.set_consequence(**_change(given), **common(context))}


class AskExtension(FindingPayload):
    """The party asks for more time; nothing changes until it is granted."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        deadline = graphene.DateTime(required=True)
        reason = graphene.String(required=True)
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.ask_extension(**given, **common(context))}


class GrantExtension(FindingPayload):
    """Give the time asked for, or less of it by another deadline: later than now's, no later than asked."""

    class Arguments:
        extension_id = graphene.UUID(required=True)
        deadline = graphene.DateTime()
        answer = graphene.String()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.grant_extension(**given, **common(context))}


class RefuseExtension(FindingPayload):
    """Keep the deadline, saying why."""

    class Arguments:
        extension_id = graphene.UUID(required=True)
        answer = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.refuse_extension(**given, **common(context))}


class LadderStepInput(graphene.InputObjectType):
    """One step of the ladder, lowest first."""

    after_hours = graphene.Int(required=True)
    whom = graphene.List(graphene.NonNull(graphene.String), required=True)


class SetLadder(DomainMutation):
    """The school's own escalation ladder of a severity; an empty list goes back to the default."""

    class Arguments:
        severity = graphene.String(required=True)
        steps = graphene.List(graphene.NonNull(LadderStepInput), required=True)

    scope = "findings:write"
    steps = graphene.List(graphene.NonNull(LadderStepType))

    @classmethod
    def perform(cls, context: Context, *, severity: str, steps: list[Any]) -> dict[str, Any]:
        rungs = [Rung(s["after_hours"], tuple(s["whom"])) for s in steps]
        rows = operations.set_ladder(severity=severity, steps=rungs, by=context.actor, tenant=context.tenant)
        return {
            "steps": [
                LadderStepType(severity=severity, level=r.level, after_hours=r.after_hours, whom=r.whom) for r in rows
            ]
        }


class SetRepeatRule(DomainMutation):
    """复发: days and the factor new assessments take."""

    class Arguments:
        days = graphene.Int(required=True)
        factor = graphene.Decimal(required=True)

    scope = "findings:write"
    rule = graphene.Field(RepeatRuleType)

    @classmethod
    def perform(cls, context: Context, *, days: int, factor: Decimal) -> dict[str, Any]:
        row = operations.set_repeat_rule(days=days, factor=factor, by=context.actor, tenant=context.tenant)
        return {"rule": RepeatRuleType(days=row.days, factor=row.factor)}


class SetSeverityRule(DomainMutation):
    """The school's own times for a severity; what is not given stays."""

    class Arguments:
        severity = graphene.String(required=True)
        hours = graphene.Int(required=True)
        leader_after_hours = graphene.Int(required=True)
        verify_hours = graphene.Int()
        extensions = graphene.Int()
        extension_days = graphene.Int()

    scope = "findings:write"
    rule = graphene.Field(SeverityRuleType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        row = operations.set_rule(**given, by=context.actor, tenant=context.tenant)
        return {"rule": SeverityRuleType(severity=row.severity, **asdict(deadlines.of_row(row)))}


class FindingsMutation(graphene.ObjectType):
    """Writes of findings. Scope: findings:write."""

    open_finding = OpenFinding.Field()
    start_fix = StartFix.Field()
    submit_fix = SubmitFix.Field()
    verify_fix = VerifyFix.Field()
    reject_fix = RejectFix.Field()
    reopen_finding = ReopenFinding.Field()
    void_finding = VoidFinding.Field()
    comment_finding = CommentFinding.Field()
    assign_verifier = AssignVerifier.Field()
    change_deadline = ChangeDeadline.Field()
    set_severity_rule = SetSeverityRule.Field()
    assign_owner = AssignOwner.Field()
    set_consequence = SetConsequence.Field()
    ask_extension = AskExtension.Field()
    grant_extension = GrantExtension.Field()
    refuse_extension = RefuseExtension.Field()
    set_ladder = SetLadder.Field()
    set_repeat_rule = SetRepeatRule.Field()
