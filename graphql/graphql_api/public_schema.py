"""The public host's schema: institute staff, applicants, providers. One mixin pair per feature."""

import graphene

from graphql_api.public.applications import ApplicationsMutation, ApplicationsQuery
from graphql_api.public.benchmark import BenchmarkMutation, BenchmarkQuery
from graphql_api.public.identity import IdentityMutation, IdentityQuery
from graphql_api.public.library import LibraryQuery
from graphql_api.public.providers import ProvidersMutation, ProvidersQuery
from graphql_api.public.schools import SchoolsMutation, SchoolsQuery
from identity.contracts import Actor


class Me(graphene.ObjectType):
    """Who is asking."""

    name = graphene.NonNull(graphene.String)
    roles = graphene.NonNull(graphene.List(graphene.NonNull(graphene.String)))


class MeQuery(graphene.ObjectType):
    me = graphene.Field(Me)

    @staticmethod
    def resolve_me(root: None, info: graphene.ResolveInfo) -> Me | None:
        actor: Actor = info.context.actor
        return Me(name=actor.name, roles=sorted(actor.roles)) if actor.signed_in else None


class Query(ProvidersQuery, ApplicationsQuery, BenchmarkQuery, LibraryQuery, SchoolsQuery, IdentityQuery, MeQuery):
    """Reads on the public host."""


class Mutation(
    ProvidersMutation, ApplicationsMutation, BenchmarkMutation, SchoolsMutation, IdentityMutation, graphene.ObjectType
):
    """Writes on the public host."""


schema = graphene.Schema(query=Query, mutation=Mutation)
