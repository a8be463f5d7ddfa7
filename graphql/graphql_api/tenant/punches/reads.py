"""Reads of punches."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import graphene

from graphql_api.connections import Listing, connection_of
from graphql_api.tenant.evidence import listed
from graphql_api.tenant.punches.types import (
    ExpectedShiftType,
    FenceType,
    PunchAppealType,
    PunchDeviceType,
    PunchRetentionType,
    PunchType,
)
from kernel import anchors, clock
from kernel.errors import NotFound
from tenants.punches import expected, queries
from tenants.punches.models import Punch, Setting


class PunchesQuery(graphene.ObjectType):
    """Reads of punches. Scope: punches:read."""

    punches = Listing(
        connection_of(PunchType),
        description="Newest first; people see their own, companies their people's",
        text=graphene.String(description="Name, pinyin or number"),
        staff_id=graphene.UUID(),
        post_id=graphene.UUID(),
        party_id=graphene.UUID(),
        device_id=graphene.UUID(),
        from_day=graphene.Date(),
        until_day=graphene.Date(),
        grade=graphene.String(),
        status=graphene.String(),
        source=graphene.String(),
        mark=graphene.String(description="lacking, late, claimed or appeal"),
    )
    punch = graphene.Field(PunchType, id=graphene.BigInt(required=True))
    punch_appeals = Listing(connection_of(PunchAppealType), status=graphene.String())
    fences = Listing(connection_of(FenceType), post_id=graphene.UUID())
    punch_devices = Listing(connection_of(PunchDeviceType))
    punch_retention = graphene.Field(graphene.NonNull(PunchRetentionType))
    next_shifts = graphene.Field(listed(ExpectedShiftType), description="Of the asker: what runs now and comes next")
    punch_clock = graphene.NonNull(
        graphene.String, description="The server's time, signed, for phones: `anchor` of the mutation punch"
    )

    @staticmethod
    def resolve_punch_retention(root: None, info: graphene.ResolveInfo) -> Setting:
        return queries.setting(by=info.context.actor)

    @staticmethod
    def resolve_punches(
        root: None,
        info: graphene.ResolveInfo,
        from_day: date | None = None,
        until_day: date | None = None,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **filters: Any,
    ) -> Any:
        context = info.context
        return queries.listing(
            by=context.actor, tz=context.tenant.tz, from_day=from_day, until_day=until_day, **filters
        )

    @staticmethod
    def resolve_punch(root: None, info: graphene.ResolveInfo, id: int) -> Punch | None:
        try:
            return queries.punch(punch_id=id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_punch_appeals(root: None, info: graphene.ResolveInfo, status: str = "", **_page: Any) -> Any:
        return queries.appeals(by=info.context.actor, status=status)

    @staticmethod
    def resolve_fences(root: None, info: graphene.ResolveInfo, post_id: UUID | None = None, **_page: Any) -> Any:
        return queries.fences(by=info.context.actor, post_id=post_id)

    @staticmethod
    def resolve_punch_devices(root: None, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return queries.devices(by=info.context.actor)

    @staticmethod
    def resolve_next_shifts(root: None, info: graphene.ResolveInfo) -> list[ExpectedShiftType]:
        actor = info.context.actor
        queries.visible(actor)  # a role here and, for tokens, the scope
        if actor.staff_id is None:
            return []
        now = clock.now()
        rows = [row for staff_id in actor.staff_ids for row in expected.upcoming(staff_id, now)]
        return [ExpectedShiftType.of(row) for row in sorted(rows, key=lambda row: row.starts_at)]

    @staticmethod
    def resolve_punch_clock(root: None, info: graphene.ResolveInfo) -> str:
        queries.visible(info.context.actor)
        return anchors.anchor(schema=info.context.tenant.schema, now=clock.now())
