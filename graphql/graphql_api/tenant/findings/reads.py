"""Reads of findings."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

import graphene

from graphql_api.connections import Listing, connection_of
from graphql_api.tenant.evidence import Text, listed
from graphql_api.tenant.findings.types import ExtensionType, FindingType
from kernel import clock
from kernel.errors import NotFound
from tenants.findings import deadlines, metrics, queries, repeats
from tenants.findings.choices import Severity
from tenants.findings.models import Finding


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
    coverage = graphene.NonNull(graphene.Decimal, description="Share of the cases that could be judged yet, 0 to 1")


class SeverityRuleType(graphene.ObjectType):
    """How long a fix and its verification may take, when a late one goes to the leader, and how much more time there is."""

    class Meta:
        name = "SeverityRule"

    severity = Text
    hours = graphene.NonNull(graphene.Int)
    leader_after_hours = graphene.NonNull(graphene.Int)
    verify_hours = graphene.NonNull(graphene.Int, description="From handing in to the verdict")
    extensions = graphene.NonNull(graphene.Int, description="Granted at most, of one finding")
    extension_days = graphene.NonNull(graphene.Int, description="At most past its first deadline")


class LadderStepType(graphene.ObjectType):
    """One step of 升级阶梯: so many hours past the deadline these are told."""

    class Meta:
        name = "LadderStep"

    severity = Text
    level = graphene.NonNull(graphene.Int)
    after_hours = graphene.NonNull(graphene.Int)
    whom = graphene.NonNull(
        graphene.List(graphene.NonNull(graphene.String)),
        description="owner, party, watcher, supervisor, admin, leader",
    )


class RepeatRuleType(graphene.ObjectType):
    """复发: within how many days the same counts as again, and what new rounds take for it."""

    class Meta:
        name = "RepeatRule"

    days = graphene.NonNull(graphene.Int)
    factor = graphene.NonNull(graphene.Decimal)


class PlanChangeType(graphene.ObjectType):
    """A change of a plan, roster, route, sheet or checklist since a finding was found: what `planEvent` may name."""

    class Meta:
        name = "PlanChange"

    key = Text
    at = graphene.NonNull(graphene.DateTime)
    sentence = Text
    subject_type = Text
    subject_id = Text


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
        category=graphene.String(),
        unconcluded=graphene.Boolean(description="Closed and still to say what changes because of it"),
    )
    finding = graphene.Field(FindingType, id=graphene.UUID(required=True))
    finding_plan_changes = graphene.Field(
        listed(PlanChangeType),
        finding_id=graphene.UUID(required=True),
        description="For who verifies or concludes, newest first, 50 at most; a finding one may not see has none",
    )
    finding_counts = graphene.NonNull(FindingCounts)
    finding_measures = graphene.Field(
        listed(MeasureType),
        description="findings_raised, _closed_on_time, _reopened and _first_fix for a half-open period",
        starts=graphene.DateTime(required=True),
        ends=graphene.DateTime(required=True),
        party_id=graphene.UUID(),
        line=graphene.String(),
        place_id=graphene.UUID(),
        group_by=graphene.List(graphene.NonNull(graphene.String), description="party, line, place"),
    )
    severity_rules = listed(SeverityRuleType)
    ladder_steps = listed(LadderStepType)
    repeat_rule = graphene.NonNull(RepeatRuleType)
    extensions_waiting = Listing(connection_of(ExtensionType), description="The longest waiting first")

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
    def resolve_finding_plan_changes(root: None, info: graphene.ResolveInfo, finding_id: UUID) -> list[PlanChangeType]:
        try:
            found = queries.plan_changes(finding_id=finding_id, by=info.context.actor)
        except NotFound:
            return []
        return [
            PlanChangeType(
                key=str(e.pk), at=e.at, sentence=e.sentence, subject_type=e.subject_type, subject_id=e.subject_id
            )
            for e in found
        ]

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
        parties = [party_id] if party_id else None
        rows = metrics.counts(starts=starts, ends=ends, party_ids=parties, line=line, place_id=place_id, by=chosen)
        return [
            MeasureType(
                code=r.code,
                key=[str(k) for k in r.key],
                numerator=r.numerator,
                denominator=r.denominator,
                n=r.n,
                coverage=r.coverage,
            )
            for r in rows
        ]

    @staticmethod
    def resolve_severity_rules(root: None, info: graphene.ResolveInfo) -> list[SeverityRuleType]:
        queries.visible(info.context.actor)
        known = deadlines.rules()
        return [SeverityRuleType(severity=s.value, **asdict(known[s])) for s in Severity]

    @staticmethod
    def resolve_ladder_steps(root: None, info: graphene.ResolveInfo) -> list[LadderStepType]:
        queries.visible(info.context.actor)
        return [
            LadderStepType(severity=severity, level=n, after_hours=rung.after_hours, whom=list(rung.whom))
            for severity, ladder in deadlines.ladders().items()
            for n, rung in enumerate(ladder, start=1)
        ]

    @staticmethod
    def resolve_repeat_rule(root: None, info: graphene.ResolveInfo) -> RepeatRuleType:
        queries.visible(info.context.actor)
        rule = repeats.rule()
        return RepeatRuleType(days=rule.days, factor=rule.factor)

    @staticmethod
    def resolve_extensions_waiting(root: None, info: graphene.ResolveInfo, **page: Any) -> Any:
        return queries.extensions_waiting(by=info.context.actor)
