"""The benchmark on a school's host: its own numbers and its quarter in fixed groups, nothing of other schools."""

from __future__ import annotations

from datetime import date
from typing import Any

import graphene
from graphene_django import DjangoObjectType

from graphql_api.public.benchmark import FactType, MetricType
from institute.benchmarking import queries
from institute.benchmarking.models import Position, Publication


class PositionType(DjangoObjectType):
    """A fixed peer group: `quarter` 1 (best) to 4 among `peers` other schools, or `silence`, why it is not shown."""

    id = graphene.NonNull(graphene.ID)

    class Meta:
        model = Position
        fields = ("id", "dimension", "group", "quarter", "peers", "silence")
        convert_choices_to_enum = False


class OwnPublicationType(DjangoObjectType):
    """When the positions of a month were told, and how often they were corrected. Why is the institute's business."""

    id = graphene.NonNull(graphene.UUID)

    class Meta:
        model = Publication
        fields = ("id", "month", "edition", "published_at")
        skip_registry = True


class OwnMetricType(graphene.ObjectType):
    metric = graphene.NonNull(MetricType)
    fact = graphene.Field(FactType)
    value = graphene.Decimal()
    positions = graphene.NonNull(graphene.List(graphene.NonNull(PositionType)))


class OwnStandingType(graphene.ObjectType):
    """The school's own numbers and positions of a published month."""

    month = graphene.Date()
    publication = graphene.Field(OwnPublicationType)
    metrics = graphene.NonNull(graphene.List(graphene.NonNull(OwnMetricType)))


class OwnBenchmarkQuery(graphene.ObjectType):
    own_benchmark = graphene.Field(OwnStandingType, month=graphene.Date(description="The newest when absent"))

    @staticmethod
    def resolve_own_benchmark(root: None, info: graphene.ResolveInfo, month: date | None = None) -> Any:
        context = info.context
        return queries.own_standing(by=context.actor, school_id=context.tenant.school_id, month=month)
