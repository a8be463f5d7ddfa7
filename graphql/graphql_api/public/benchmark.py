"""The benchmark on the public host: facts of all schools, for institute staff and their tools."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from institute.benchmarking import operations, policies, queries
from institute.benchmarking.models import Fact, MetricDefinition, Publication
from kernel import clock
from kernel.errors import NotAllowed


class MetricType(DjangoObjectType):
    """What a number means: numerator / denominator (× 100 for percent), and from how many cases on it is ranked."""

    id = graphene.NonNull(graphene.ID)

    class Meta:
        model = MetricDefinition
        fields = (
            "id", "code", "version", "name", "unit", "numerator", "denominator", "coverage", "direction", "percent",
            "minimum_n", "minimum_coverage",
        )  # fmt: skip


class FactType(DjangoObjectType):
    """One school, one metric, one month, one service line ("" = the whole school)."""

    id = graphene.NonNull(graphene.ID)
    school_id = graphene.NonNull(graphene.UUID)

    class Meta:
        model = Fact
        fields = (
            "id", "metric_code", "metric_version", "grain", "period", "line", "numerator", "denominator", "n",
            "coverage", "trial", "recorded_at",
        )  # fmt: skip
        convert_choices_to_enum = False


class BenchmarkLine(graphene.ObjectType):
    """One school beside the others. `silence` says why it is not ranked."""

    school_id = graphene.NonNull(graphene.UUID)
    name = graphene.NonNull(graphene.String)
    kind = graphene.NonNull(graphene.String)
    size = graphene.NonNull(graphene.String)
    region = graphene.NonNull(graphene.String)
    mode = graphene.NonNull(graphene.String)
    value = graphene.Decimal()
    numerator = graphene.NonNull(graphene.Decimal)
    denominator = graphene.NonNull(graphene.Decimal)
    n = graphene.NonNull(graphene.Int)
    coverage = graphene.NonNull(graphene.Decimal)
    badge = graphene.NonNull(graphene.String, description="full, partial or weak data")
    trial = graphene.NonNull(graphene.Boolean)
    place = graphene.Int()
    quarter = graphene.Int()
    silence = graphene.NonNull(graphene.String)
    recorded_at = graphene.NonNull(graphene.DateTime)


class Benchmark(graphene.ObjectType):
    """Schools side by side for one metric and month; `spread` is minimum, quartiles, maximum of those ranked."""

    metric = graphene.NonNull(MetricType)
    month = graphene.NonNull(graphene.Date)
    ranked = graphene.NonNull(graphene.Int)
    spread = graphene.List(graphene.NonNull(graphene.Decimal))
    mean_coverage = graphene.Decimal()
    as_of = graphene.DateTime()
    lines = Listing(connection_of(BenchmarkLine))

    @staticmethod
    def resolve_lines(answer: queries.Comparison, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return answer.rows


def metrics_for(context: Context) -> list[MetricDefinition]:
    """The metrics in force; definitions are no secret, but only for people with a role here."""
    if not context.actor.roles or not context.actor.may(policies.READ):
        raise NotAllowed
    return queries.metrics()


class BenchmarkQuery(graphene.ObjectType):
    benchmark_metrics = graphene.NonNull(graphene.List(graphene.NonNull(MetricType)))
    benchmark = graphene.Field(
        Benchmark,
        metric=graphene.String(required=True),
        month=graphene.Date(required=True),
        line=graphene.String(),
        kind=graphene.String(),
        size=graphene.String(),
        region=graphene.String(),
        mode=graphene.String(),
    )
    facts = Listing(
        connection_of(FactType), school_id=graphene.UUID(), metric=graphene.String(), since=graphene.Date(),
        line=graphene.String(),
    )  # fmt: skip

    @staticmethod
    def resolve_benchmark_metrics(root: None, info: graphene.ResolveInfo) -> Any:
        return metrics_for(info.context)

    @staticmethod
    def resolve_benchmark(root: None, info: graphene.ResolveInfo, metric: str, month: date, **filters: str) -> Any:
        return queries.side_by_side(by=info.context.actor, code=metric, month=month.replace(day=1), **filters)

    @staticmethod
    def resolve_facts(
        root: None, info: graphene.ResolveInfo, school_id: UUID | None = None, metric: str = "",
        since: date | None = None, line: str | None = "", **_page: Any,
    ) -> Any:  # fmt: skip
        return queries.facts_of(by=info.context.actor, school_id=school_id, code=metric, since=since, line=line)


class PublicationType(DjangoObjectType):
    """The positions of one month, told to the schools."""

    id = graphene.NonNull(graphene.UUID)

    class Meta:
        model = Publication
        fields = ("id", "month", "edition", "reason", "published_at", "published_by_name")


class PublishBenchmark(DomainMutation):
    """Tell the schools their quarters of a month; again only with a reason."""

    scope = policies.WRITE
    publication = graphene.Field(PublicationType)

    class Arguments:
        month = graphene.Date(required=True)
        reason = graphene.String()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"publication": operations.publish(**given, by=context.actor, now=clock.now())}


class BenchmarkMutation(graphene.ObjectType):
    publish_benchmark = PublishBenchmark.Field()
