"""Who may act in this school, one's own tokens here, and what the institute may read."""

from typing import Any

import graphene

from graphql_api import identity_types as shared
from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.identity_types import WRITE, GrantType, reader
from graphql_api.mutations import DomainMutation
from identity import operations, queries
from identity.choices import GrantScope
from kernel import clock


class IdentityQuery(shared.IdentityQuery):
    grants = Listing(connection_of(GrantType), description="Every grant the school gave the institute")

    @staticmethod
    def resolve_grants(root: None, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return queries.grants_of(actor=reader(info), school_id=info.context.tenant.school_id)


class GrantAccess(DomainMutation):
    """Let the institute's staff read for a while."""

    scope = WRITE
    grant = graphene.Field(GrantType)

    class Arguments:
        scopes = graphene.List(graphene.NonNull(graphene.String), required=True)
        starts_on = graphene.Date(required=True)
        ends_on = graphene.Date(required=True, description="Included; at most a year after the start")
        reason = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        if any(scope not in GrantScope.values for scope in arguments["scopes"]):
            raise operations.ScopeUnknown(field="scopes")
        grant = operations.grant_access(
            **{**arguments, "scopes": [GrantScope(scope) for scope in arguments["scopes"]]},
            by=context.actor,
            tenant=context.tenant,
            now=clock.now(),
        )
        return {"grant": grant}


class RevokeGrant(DomainMutation):
    """End a grant at once."""

    scope = WRITE
    grant = graphene.Field(GrantType)

    class Arguments:
        id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        grant = operations.revoke_grant(
            grant_id=arguments["id"], by=context.actor, tenant=context.tenant, now=clock.now()
        )
        return {"grant": grant}


class IdentityMutation(shared.IdentityMutation):
    grant_access = GrantAccess.Field()
    revoke_grant = RevokeGrant.Field()
