"""Writes of attendance."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import graphene

from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.attendance.types import CorrectionType, SuspectType
from kernel import clock
from kernel.errors import NotAllowed
from tenants.attendance import operations

CLIENT_KEY = "Made by the sender: the same key again does nothing twice and answers as the first time"


def common(context: Context) -> dict[str, Any]:
    return {"by": context.actor, "tenant": context.tenant, "now": clock.now()}


class AskCorrection(DomainMutation):
    """补卡: ask that a punch which was not made be counted."""

    class Arguments:
        instance_id = graphene.UUID(required=True)
        side = graphene.String(required=True, description="in or out")
        at = graphene.DateTime(required=True)
        reason = graphene.String(required=True)
        evidence_id = graphene.UUID()
        client_key = graphene.String(description=CLIENT_KEY)

    scope = "attendance:write"
    correction = graphene.Field(CorrectionType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"correction": operations.ask_correction(**given, **common(context))}


class DecideCorrection(DomainMutation):
    """Approve or refuse; never by the asker or the person concerned."""

    class Arguments:
        correction_id = graphene.UUID(required=True)
        approved = graphene.Boolean(required=True)
        note = graphene.String()

    scope = "attendance:write"
    correction = graphene.Field(CorrectionType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"correction": operations.decide_correction(**given, **common(context))}


class WithdrawCorrection(DomainMutation):
    """The asker takes it back."""

    class Arguments:
        correction_id = graphene.UUID(required=True)

    scope = "attendance:write"
    correction = graphene.Field(CorrectionType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"correction": operations.withdraw_correction(**given, **common(context))}


class ConfirmMonth(DomainMutation):
    """A worker confirms their own month; it is frozen from then on."""

    class Arguments:
        month = graphene.Date(required=True)
        staff_id = graphene.UUID(description="As whom, for who works for several parties")
        client_key = graphene.String(description=CLIENT_KEY)

    scope = "attendance:write"
    confirmed_at = graphene.DateTime()

    @classmethod
    def perform(cls, context: Context, *, staff_id: UUID | None = None, **given: Any) -> dict[str, Any]:
        whose = staff_id or context.actor.staff_id
        if whose is None:
            raise NotAllowed
        row = operations.confirm_month(staff_id=whose, **given, **common(context))
        return {"confirmed_at": row.confirmed_at}


class CloseMonth(DomainMutation):
    """Close a month for everybody who has not answered, five days after its end."""

    class Arguments:
        month = graphene.Date(required=True)
        party_id = graphene.UUID()

    scope = "attendance:write"
    people = graphene.Int()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"people": operations.close_month(**given, **common(context))}


class DecideSuspect(DomainMutation):
    """误伤: accept (the fence is changed, refused punches count, results are derived again) or reject with a reason."""

    class Arguments:
        suspect_id = graphene.UUID(required=True)
        accepted = graphene.Boolean(required=True)
        note = graphene.String()

    scope = "attendance:write"
    suspect = graphene.Field(SuspectType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"suspect": operations.decide_suspect(**given, **common(context))}


class AttendanceMutation(graphene.ObjectType):
    """Writes of attendance. Scope: attendance:write."""

    ask_correction = AskCorrection.Field()
    decide_correction = DecideCorrection.Field()
    withdraw_correction = WithdrawCorrection.Field()
    confirm_month = ConfirmMonth.Field()
    close_month = CloseMonth.Field()
    decide_suspect = DecideSuspect.Field()
