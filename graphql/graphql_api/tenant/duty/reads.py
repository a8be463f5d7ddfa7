"""Reads of duty. Scope: duty:read."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import graphene

from graphql_api.connections import Listing, connection_of
from graphql_api.tenant.duty.types import (
    CameraReportType,
    CameraSystemType,
    CockpitType,
    DeliveryHookType,
    DutyAnomalyType,
    DutyPostType,
    HandoverType,
    LogCheckType,
    LogEntryType,
    PostMinutesType,
    PostShortfallType,
    PresenceCallType,
)
from graphql_api.tenant.evidence import listed
from kernel import clock
from kernel.errors import NotFound
from tenants.duty import cockpit, metrics, queries
from tenants.duty.models import Anomaly, Call, CameraReport, DeliveryHook


class DutyQuery(graphene.ObjectType):
    """Reads of duty. Scope: duty:read."""

    duty_cockpit = graphene.NonNull(CockpitType, campus_id=graphene.UUID(), line=graphene.String())
    duty_posts = Listing(connection_of(DutyPostType), description="Posts with rules of duty")
    presence_calls = Listing(
        connection_of(PresenceCallType),
        description="Newest first; random ones only once they have gone out",
        outcome=graphene.String(),
        status=graphene.String(),
        kind=graphene.String(),
        post_id=graphene.UUID(),
        line=graphene.String(),
        place_id=graphene.UUID(),
        night=graphene.Boolean(),
        off_post=graphene.Boolean(),
        unreached=graphene.Boolean(description="Unanswered, not known to have arrived, and not judged"),
        from_day=graphene.Date(),
        until_day=graphene.Date(),
        text=graphene.String(),
    )
    presence_call = graphene.Field(PresenceCallType, id=graphene.UUID(required=True))
    duty_delivery_hook = graphene.Field(DeliveryHookType, description="Null before the school has named one")
    duty_anomalies = Listing(
        connection_of(DutyAnomalyType),
        description="Open ones first",
        status=graphene.String(),
        kind=graphene.String(),
        severity=graphene.String(),
        post_id=graphene.UUID(),
        raised=graphene.Boolean(description="Went up and nobody has taken it"),
        text=graphene.String(),
        place_id=graphene.UUID(),
        from_day=graphene.Date(),
        until_day=graphene.Date(),
    )
    duty_anomaly = graphene.Field(DutyAnomalyType, id=graphene.UUID(required=True))
    duty_handovers = Listing(
        connection_of(HandoverType), description="Newest first", open_only=graphene.Boolean(), post_id=graphene.UUID(),
        place_id=graphene.UUID(), from_day=graphene.Date(), until_day=graphene.Date(), text=graphene.String(),
    )  # fmt: skip
    duty_shortfalls = graphene.Field(
        listed(PostShortfallType), description="When posts were below their minimum on a day", day=graphene.Date(required=True),
        post_id=graphene.UUID(), line=graphene.String(),
    )  # fmt: skip
    duty_post_minutes = graphene.Field(
        listed(PostMinutesType), description="What duty_minutes_short is made of, the most minutes first; at most 93 days",
        from_day=graphene.Date(required=True), until_day=graphene.Date(required=True, description="Included"),
        post_id=graphene.UUID(), line=graphene.String(),
    )  # fmt: skip
    duty_log = Listing(
        connection_of(LogEntryType), description="Newest first", post_id=graphene.UUID(required=True),
        kind=graphene.String(), from_day=graphene.Date(), until_day=graphene.Date(), text=graphene.String(),
    )  # fmt: skip
    duty_log_check = graphene.Field(
        LogCheckType, description="Verify the hash chain of a post's log", post_id=graphene.UUID(required=True)
    )

    camera_systems = Listing(connection_of(CameraSystemType), description="Video systems, without their secrets")
    camera_reports = Listing(
        connection_of(CameraReportType),
        description="Newest first; suspicions until confirmed",
        status=graphene.String(),
    )
    camera_report = graphene.Field(CameraReportType, id=graphene.UUID(required=True))

    @staticmethod
    def resolve_camera_systems(root: None, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return queries.cameras(by=info.context.actor).order_by("name", "pk")

    @staticmethod
    def resolve_camera_reports(root: None, info: graphene.ResolveInfo, status: str = "", **_page: Any) -> Any:
        rows = queries.visible_reports(info.context.actor).order_by("-received_at", "-pk")
        return rows.filter(status=status) if status else rows

    @staticmethod
    def resolve_camera_report(root: None, info: graphene.ResolveInfo, id: UUID) -> CameraReport | None:
        try:
            return queries.report(report_id=id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_duty_cockpit(
        root: None, info: graphene.ResolveInfo, campus_id: UUID | None = None, line: str = ""
    ) -> Any:
        return cockpit.cockpit(
            by=info.context.actor, tenant=info.context.tenant, now=clock.now(), campus_id=campus_id, line=line
        )

    @staticmethod
    def resolve_duty_posts(root: None, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return queries.visible_posts(info.context.actor).distinct().order_by("post__name", "pk")

    @staticmethod
    def resolve_presence_calls(
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
        return queries.calls(by=context.actor, tz=context.tenant.tz, from_day=from_day, until_day=until_day, **filters)

    @staticmethod
    def resolve_presence_call(root: None, info: graphene.ResolveInfo, id: UUID) -> Call | None:
        try:
            return queries.call(call_id=id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_duty_delivery_hook(root: None, info: graphene.ResolveInfo) -> DeliveryHook | None:
        return queries.delivery_hook(by=info.context.actor)

    @staticmethod
    def resolve_duty_anomalies(
        root: None,
        info: graphene.ResolveInfo,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **filters: Any,
    ) -> Any:
        return queries.anomalies(by=info.context.actor, tz=info.context.tenant.tz, **filters)

    @staticmethod
    def resolve_duty_anomaly(root: None, info: graphene.ResolveInfo, id: UUID) -> Anomaly | None:
        try:
            return queries.anomaly(anomaly_id=id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_duty_handovers(
        root: None,
        info: graphene.ResolveInfo,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **filters: Any,
    ) -> Any:
        context = info.context
        return queries.handovers(by=context.actor, tz=context.tenant.tz, **filters)

    @staticmethod
    def resolve_duty_shortfalls(root: None, info: graphene.ResolveInfo, day: date, **filters: Any) -> Any:
        context = info.context
        return cockpit.gaps_of_day(by=context.actor, tenant=context.tenant, day=day, now=clock.now(), **filters)

    @staticmethod
    def resolve_duty_post_minutes(
        root: None, info: graphene.ResolveInfo, from_day: date, until_day: date, **filters: Any
    ) -> Any:
        context = info.context
        return metrics.minutes_of_posts(
            by=context.actor, tz=context.tenant.tz, first=from_day, last=until_day, **filters
        )

    @staticmethod
    def resolve_duty_log(
        root: None,
        info: graphene.ResolveInfo,
        post_id: UUID,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **filters: Any,
    ) -> Any:
        context = info.context
        return queries.log_lines(by=context.actor, tz=context.tenant.tz, post_id=post_id, **filters)

    @staticmethod
    def resolve_duty_log_check(root: None, info: graphene.ResolveInfo, post_id: UUID) -> LogCheckType | None:
        context = info.context
        try:
            fault = queries.check_log(post_id=post_id, by=context.actor, tenant=context.tenant)
        except NotFound:
            return None
        unsealed = queries.unsealed_lines(post_id)
        if fault is None:
            return LogCheckType(whole=True, unsealed=unsealed)
        return LogCheckType(
            whole=False, unsealed=unsealed, what=fault.what, seal=fault.number, seq=fault.seq, byte=fault.byte
        )
