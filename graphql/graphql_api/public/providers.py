"""Property companies on the public host, for the institute."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from institute.providers import operations, queries
from institute.providers.models import Provider


class ProviderType(DjangoObjectType):
    """A property company, known across schools by its unified social credit code."""

    id = graphene.NonNull(graphene.UUID)
    schools = graphene.NonNull(graphene.Int, description="How many schools have a contract with it running")

    class Meta:
        model = Provider
        fields = ("id", "name", "credit_code", "created_at")


class ProvidersQuery(graphene.ObjectType):
    providers = Listing(
        connection_of(ProviderType),
        search=graphene.String(description="Name or credit code"),
        serving=graphene.Boolean(description="Only those with a contract running in some school, or with none"),
    )
    provider = graphene.Field(ProviderType, id=graphene.Argument(graphene.UUID, required=True))

    @staticmethod
    def resolve_providers(
        root: None, info: graphene.ResolveInfo, search: str = "", serving: bool | None = None, **_page: Any
    ) -> Any:
        return queries.providers(by=info.context.actor, search=search, serving=serving)

    @staticmethod
    def resolve_provider(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.listed_provider(id, by=info.context.actor)


class ProviderPayload(graphene.ObjectType):
    id = graphene.NonNull(graphene.UUID)
    name = graphene.NonNull(graphene.String)
    credit_code = graphene.NonNull(graphene.String)


class RegisterProvider(DomainMutation):
    """Find a company by its credit code, or register it."""

    provider = graphene.Field(ProviderPayload)
    scope = "providers:write"

    class Arguments:
        credit_code = graphene.String(required=True)
        name = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"provider": operations.ensure_provider(**given, by=context.actor)}


class RenameProvider(DomainMutation):
    """Correct a company's registered name."""

    provider = graphene.Field(ProviderPayload)
    scope = "providers:write"

    class Arguments:
        provider_id = graphene.UUID(required=True)
        name = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, provider_id: UUID, name: str) -> dict[str, Any]:
        return {"provider": operations.correct_provider(provider_id=provider_id, name=name, by=context.actor)}


class CorrectProvider(DomainMutation):
    """Correct a company's registered name and credit code, both as on its business licence."""

    provider = graphene.Field(ProviderPayload)
    scope = "providers:write"

    class Arguments:
        provider_id = graphene.UUID(required=True)
        name = graphene.String(required=True)
        credit_code = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"provider": operations.correct_provider(**given, by=context.actor)}


class ProvidersMutation(graphene.ObjectType):
    register_provider = RegisterProvider.Field()
    rename_provider = RenameProvider.Field()
    correct_provider = CorrectProvider.Field()
