"""Writes of places, departments, contracts and service lines."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import graphene

from graphql_api.context import Context
from graphql_api.tenant.organisation.common import Write, by_and_tenant
from graphql_api.tenant.organisation.types import LineSettingType, PartyType, PlaceType
from institute.providers import operations as providers
from tenants.organisation import operations


class AddPlace(Write):
    """Add a campus (no parent) or a place under another."""

    place = graphene.Field(PlaceType)

    class Arguments:
        parent_id = graphene.UUID()
        kind = graphene.String(required=True)
        name = graphene.String(required=True)
        code = graphene.String(default_value="")

    @classmethod
    def perform(cls, context: Context, parent_id: UUID | None = None, **given: Any) -> dict[str, Any]:
        return {"place": operations.add_place(parent_id=parent_id, **given, **by_and_tenant(context))}


class AddFloors(Write):
    """Add the floors first..last of a building; those there are kept."""

    places = graphene.List(graphene.NonNull(PlaceType))

    class Arguments:
        building_id = graphene.UUID(required=True)
        first = graphene.Int(required=True)
        last = graphene.Int(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"places": operations.add_floors(**given, **by_and_tenant(context))}


class ChangePlace(Write):
    """Rename a place and set its code."""

    place = graphene.Field(PlaceType)

    class Arguments:
        place_id = graphene.UUID(required=True)
        name = graphene.String(required=True)
        code = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"place": operations.change_place(**given, **by_and_tenant(context))}


class MovePlace(Write):
    """Hang a place with all below it under another parent; codes stay."""

    place = graphene.Field(PlaceType)

    class Arguments:
        place_id = graphene.UUID(required=True)
        parent_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"place": operations.move_place(**given, **by_and_tenant(context))}


class SetPlaceActive(Write):
    """Close a place with all below it, or open it again."""

    place = graphene.Field(PlaceType)

    class Arguments:
        place_id = graphene.UUID(required=True)
        active = graphene.Boolean(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"place": operations.set_place_active(**given, **by_and_tenant(context))}


class AddDepartment(Write):
    party = graphene.Field(PartyType)

    class Arguments:
        name = graphene.String(required=True)
        head = graphene.String(default_value="")
        phone = graphene.String(default_value="")

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"party": operations.add_department(**given, **by_and_tenant(context))}


class ChangeDepartment(Write):
    party = graphene.Field(PartyType)

    class Arguments:
        party_id = graphene.UUID(required=True)
        name = graphene.String(required=True)
        head = graphene.String(default_value="")
        phone = graphene.String(default_value="")

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"party": operations.change_department(**given, **by_and_tenant(context))}


class ContractInput(graphene.InputObjectType):
    name = graphene.String(required=True, description="How the school calls this contract")
    number = graphene.String(required=True)
    lines = graphene.List(graphene.NonNull(graphene.String), required=True)
    starts_on = graphene.Date(required=True)
    ends_on = graphene.Date(required=True)
    monthly_fee = graphene.Decimal()
    manager = graphene.String(default_value="")


class AddContract(Write):
    """Register a contract; the company is found by its credit code, or registered under the given name."""

    party = graphene.Field(PartyType)

    class Arguments:
        credit_code = graphene.String(required=True)
        provider_name = graphene.String(required=True)
        input = ContractInput(required=True)

    @classmethod
    def perform(cls, context: Context, credit_code: str, provider_name: str, input: dict[str, Any]) -> dict[str, Any]:
        company = providers.ensure_provider(credit_code=credit_code, name=provider_name, by=context.actor)
        return {"party": operations.add_contract(provider_id=company.id, **input, **by_and_tenant(context))}


class ChangeContract(Write):
    party = graphene.Field(PartyType)

    class Arguments:
        party_id = graphene.UUID(required=True)
        input = ContractInput(required=True)

    @classmethod
    def perform(cls, context: Context, party_id: UUID, input: dict[str, Any]) -> dict[str, Any]:
        return {"party": operations.change_contract(party_id=party_id, **input, **by_and_tenant(context))}


class SetPartyActive(Write):
    party = graphene.Field(PartyType)

    class Arguments:
        party_id = graphene.UUID(required=True)
        active = graphene.Boolean(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"party": operations.set_party_active(**given, **by_and_tenant(context))}


class SetLine(Write):
    """Say how a service line is run and who answers for it."""

    line_setting = graphene.Field(LineSettingType)

    class Arguments:
        line = graphene.String(required=True)
        mode = graphene.String(required=True, description="outsourced, self_run, mixed")
        party_id = graphene.UUID()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"line_setting": operations.set_line(**given, **by_and_tenant(context))}
