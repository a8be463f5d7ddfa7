"""Findings: read, and every step of their cycle. Photos are uploaded to `/files/` first; mutations take their ids."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import load_many, load_one
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.evidence import EvidenceType, Id, Text, listed
from kernel import clock
from kernel.errors import NotFound
from tenants.evidence import queries as evidence
from tenants.findings import deadlines, metrics, operations, queries
from tenants.findings.choices import Severity, StepKind
from tenants.findings.models import Finding, Step

Ids = graphene.List(graphene.NonNull(graphene.UUID))
CLIENT_KEY = "Made by the sender: the same key again does nothing twice and answers as the first time"


class PlaceRef(graphene.ObjectType):
    """A place by id and full name."""

    id = Id
    name = Text


class PartyRef(graphene.ObjectType):
    """A responsible party (contract or department) by id and name."""

    id = Id
    name = Text


class FindingStepType(DjangoObjectType):
    """One step in a finding's life."""

    class Meta:
        model = Step
        name = "FindingStep"
        fields = ("id", "kind", "at", "actor_name", "text")
        convert_choices_to_enum = False

    id = Id
    kind_label = Text
    photos = listed(EvidenceType)

    @staticmethod
    def resolve_kind_label(row: Step, info: graphene.ResolveInfo) -> str:
        return str(StepKind(row.kind).label)

    @staticmethod
    def resolve_photos(row: Step, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> list[tuple[UUID, Any]]:
            pairs = queries.photo_ids_of_steps(ids)
            known = evidence.contracts_of(i for _step, i in pairs)
            return [(step, known[i]) for step, i in pairs if i in known]

        return load_many(info.context, "findings.step_photos", fetch, row.pk)


class FindingType(DjangoObjectType):
    """问题整改: a problem with place, responsible party, clause, deadline and evidence."""

    class Meta:
        model = Finding
        name = "Finding"
        fields = (
            "id", "number", "title", "detail", "source", "source_id", "line", "rubric_item_id", "requirement_key",
            "edition", "occurrences", "severity", "veto", "status", "deadline", "found_at", "found_by_name",
            "verifier_name", "cause", "measure", "verdict", "lesson", "fixed_by_name", "submitted_at", "closed_at",
            "closed_by_name", "reopened", "rejections", "escalation",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    source_id = graphene.UUID()
    rubric_item_id = graphene.UUID()
    repeat_of_id = graphene.UUID(description="The finding this one repeats (复发)")
    status_label = Text
    overdue = graphene.NonNull(graphene.Boolean)
    place = graphene.NonNull(PlaceRef)
    party = graphene.NonNull(PartyRef)
    steps = listed(FindingStepType)
    photos = graphene.Field(listed(EvidenceType), description="Of the problem, oldest first")
    after_photos = graphene.Field(listed(EvidenceType), description="Of the fix, oldest first")

    @staticmethod
    def resolve_status_label(row: Finding, info: graphene.ResolveInfo) -> str:
        return str(row.get_status_display())

    @staticmethod
    def resolve_overdue(row: Finding, info: graphene.ResolveInfo) -> bool:
        return queries.is_overdue(row, clock.now())

    @staticmethod
    def resolve_place(row: Finding, info: graphene.ResolveInfo) -> PlaceRef:
        return PlaceRef(id=row.place_id, name=row.place.full_name)

    @staticmethod
    def resolve_party(row: Finding, info: graphene.ResolveInfo) -> PartyRef:
        return PartyRef(id=row.party_id, name=row.party.name)

    @staticmethod
    def resolve_steps(row: Finding, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> list[tuple[UUID, Step]]:
            return [(s.finding_id, s) for s in queries.steps_of(ids, photos=False)]

        return load_many(info.context, "findings.steps", fetch, row.pk)

    @staticmethod
    def resolve_photos(row: Finding, info: graphene.ResolveInfo) -> Any:
        return _pictures(row, info, 0)

    @staticmethod
    def resolve_after_photos(row: Finding, info: graphene.ResolveInfo) -> Any:
        return _pictures(row, info, 1)


def _pictures(row: Finding, info: graphene.ResolveInfo, side: int) -> Any:
    def fetch(ids: list[UUID]) -> list[tuple[UUID, Any]]:
        found = queries.photos_of(ids)
        known = evidence.contracts_of(i for pair in found.values() for i in pair[side])
        return [(key, known[i]) for key, pair in found.items() for i in pair[side] if i in known]

    return load_many(info.context, f"findings.photos.{side}", fetch, row.pk)


class FindingCounts(graphene.ObjectType):
    """How many findings each tab of the list holds for the asker."""

    mine = graphene.NonNull(graphene.Int, description="Waiting for the asker")
    overdue = graphene.NonNull(graphene.Int)
    unsolved = graphene.NonNull(graphene.Int)
    closed = graphene.NonNull(graphene.Int)
    all = graphene.NonNull(graphene.Int)


class MeasureType(graphene.ObjectType):
    """A number with what it is made of; never a bare percentage."""

    class Meta:
        name = "Measure"

    code = Text
    key = graphene.NonNull(graphene.List(graphene.NonNull(graphene.String)), description="Values grouped by, in order")
    numerator = graphene.NonNull(graphene.Int)
    denominator = graphene.NonNull(graphene.Int)
    n = graphene.NonNull(graphene.Int)


class SeverityRuleType(graphene.ObjectType):
    """How long a fix may take, and when a late one goes to the leader."""

    class Meta:
        name = "SeverityRule"

    severity = Text
    hours = graphene.NonNull(graphene.Int)
    leader_after_hours = graphene.NonNull(graphene.Int)


class FindingsQuery(graphene.ObjectType):
    """Reads of findings. Scope: findings:read."""

    findings = Listing(
        connection_of(FindingType),
        description="What needs the asker first",
        bucket=graphene.String(description="mine, overdue, unsolved, closed or all (default)"),
        status=graphene.String(),
        overdue=graphene.Boolean(),
        place_id=graphene.UUID(description="The place and everything below it"),
        party_id=graphene.UUID(),
        line=graphene.String(),
        source=graphene.String(),
        source_id=graphene.UUID(),
        severity=graphene.String(),
        text=graphene.String(),
        found_from=graphene.Date(),
        found_until=graphene.Date(),
        repeated=graphene.Boolean(),
    )
    finding = graphene.Field(FindingType, id=graphene.UUID(required=True))
    finding_counts = graphene.NonNull(FindingCounts)
    finding_measures = graphene.Field(
        listed(MeasureType),
        description="findings_raised, findings_closed_on_time, findings_reopened for a half-open period",
        starts=graphene.DateTime(required=True),
        ends=graphene.DateTime(required=True),
        party_id=graphene.UUID(),
        line=graphene.String(),
        place_id=graphene.UUID(),
        group_by=graphene.List(graphene.NonNull(graphene.String), description="party, line, place"),
    )
    severity_rules = listed(SeverityRuleType)

    @staticmethod
    def resolve_findings(
        root: None,
        info: graphene.ResolveInfo,
        bucket: str = "all",
        found_from: date | None = None,
        found_until: date | None = None,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **filters: Any,
    ) -> Any:
        return queries.listing(
            by=info.context.actor, now=clock.now(), bucket=bucket, found_from=found_from, found_until=found_until,
            **filters,
        )  # fmt: skip

    @staticmethod
    def resolve_finding(root: None, info: graphene.ResolveInfo, id: UUID) -> Finding | None:
        try:
            return queries.finding(finding_id=id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_finding_counts(root: None, info: graphene.ResolveInfo) -> Any:
        return queries.counts(by=info.context.actor, now=clock.now())

    @staticmethod
    def resolve_finding_measures(
        root: None,
        info: graphene.ResolveInfo,
        starts: datetime,
        ends: datetime,
        party_id: UUID | None = None,
        line: str = "",
        place_id: UUID | None = None,
        group_by: list[str] | None = None,
    ) -> list[MeasureType]:
        queries.check_reads_all(info.context.actor)
        chosen = [name for name in group_by or [] if name in metrics.DIMENSIONS]
        rows = metrics.counts(starts=starts, ends=ends, party_id=party_id, line=line, place_id=place_id, by=chosen)
        return [
            MeasureType(
                code=r.code, key=[str(k) for k in r.key], numerator=r.numerator, denominator=r.denominator, n=r.n
            )
            for r in rows
        ]

    @staticmethod
    def resolve_severity_rules(root: None, info: graphene.ResolveInfo) -> list[SeverityRuleType]:
        queries.visible(info.context.actor)
        known = deadlines.rules()
        return [
            SeverityRuleType(severity=s.value, hours=known[s].hours, leader_after_hours=known[s].leader_after_hours)
            for s in Severity
        ]


# --- mutations -----------------------------------------------------------------------------------


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
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.submit_fix(**given, **common(context))}


class VerifyFix(FindingPayload):
    """待复查 → 已销号. Whoever took part in the fix is refused with `fixer_never_closes`."""

    class Arguments:
        finding_id = graphene.UUID(required=True)
        text = graphene.String()
        lesson = graphene.String()
        photo_ids = Ids
        client_key = graphene.String(description=CLIENT_KEY)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"finding": operations.verify_pass(**given, **common(context))}


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


class SetSeverityRule(DomainMutation):
    """The school's own deadline for a severity."""

    class Arguments:
        severity = graphene.String(required=True)
        hours = graphene.Int(required=True)
        leader_after_hours = graphene.Int(required=True)

    scope = "findings:write"
    rule = graphene.Field(SeverityRuleType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        row = operations.set_rule(**given, by=context.actor, tenant=context.tenant)
        return {
            "rule": SeverityRuleType(severity=row.severity, hours=row.hours, leader_after_hours=row.leader_after_hours)
        }


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


def load_finding(info: graphene.ResolveInfo, finding_id: UUID | None) -> Any:
    """Promise one finding the asker may see; one query for a whole list."""

    def fetch(ids: list[UUID]) -> dict[UUID, Finding]:
        return queries.rows_by_id(ids, by=info.context.actor)

    return load_one(info.context, "findings.rows", fetch, finding_id)
