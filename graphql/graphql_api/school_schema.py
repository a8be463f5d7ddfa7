"""A school host's schema: that school and nothing else. One mixin pair per feature."""

import graphene

from graphql_api.public_schema import MeQuery


class Query(MeQuery):
    """Reads on a school's host."""


schema = graphene.Schema(query=Query)
