"""Reads of rosters."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import graphene

from graphql_api.connections import Listing, connection_of
from graphql_api.tenant.evidence import listed
from graphql_api.tenant.rosters.types import (
    LONGEST,
    AssignmentType,
    AttendanceRuleType,
    CertificateGapType,
    ChangedDayType,
    ContractedType,
    CoverageType,
    LeaveType,
    ManningType,
    PatternUseType,
    PostTermsType,
    RosterPatternType,
    ShiftInstanceType,
    ShiftType,
    SwapType,
)
from kernel import clock
from kernel.errors import Invalid
from tenants.rosters import queries


def checked(first: date, last: date) -> None:
    if not 0 <= (last - first).days <= LONGEST:
        raise Invalid("日期范围应在 1—370 天之间。", field="last")


RANGE = {"first_day": graphene.Date(required=True), "last_day": graphene.Date(required=True)}


class RostersQuery(graphene.ObjectType):
    """Reads of rosters. Scope: rosters:read. Frontline workers see their own."""

    shifts = listed(ShiftType)
    attendance_rules = Listing(connection_of(AttendanceRuleType), description="Every version, newest first")
    roster_patterns = listed(RosterPatternType)
    roster_pattern_uses = Listing(connection_of(PatternUseType), pattern_id=graphene.UUID())
    roster = Listing(
        connection_of(AssignmentType), description="Live cells of days, both included",
        party_id=graphene.UUID(), post_id=graphene.UUID(), place_id=graphene.UUID(), staff_id=graphene.UUID(),
        published=graphene.Boolean(), **RANGE,
    )  # fmt: skip
    shift_instances = Listing(
        connection_of(ShiftInstanceType), description="Live instances of roster days, both included",
        party_id=graphene.UUID(), post_id=graphene.UUID(), staff_id=graphene.UUID(), **RANGE,
    )  # fmt: skip
    leaves = Listing(
        connection_of(LeaveType), status=graphene.String(), party_id=graphene.UUID(), staff_id=graphene.UUID()
    )
    shift_swaps = Listing(connection_of(SwapType), status=graphene.String())
    post_coverage = Listing(connection_of(CoverageType), post_id=graphene.UUID(), party_id=graphene.UUID())
    post_terms = graphene.Field(PostTermsType, post_id=graphene.UUID(required=True))
    contracted = graphene.Field(
        listed(ContractedType), description="What contracts ask of presence, at most 62 days at once",
        party_id=graphene.UUID(), post_id=graphene.UUID(), **RANGE,
    )  # fmt: skip
    roster_manning = graphene.Field(
        listed(ManningType), description="Contracts against the roster per post, at most 62 days; by hour at most 31",
        party_id=graphene.UUID(), post_id=graphene.UUID(), by_hour=graphene.Boolean(), **RANGE,
    )  # fmt: skip
    roster_changed_days = graphene.Field(
        listed(ChangedDayType), description="Days that became rest or work after rosters were made", **RANGE
    )
    certificate_gaps = graphene.Field(
        listed(CertificateGapType), description="The forecast, soonest first", days=graphene.Int()
    )

    @staticmethod
    def resolve_shifts(root: None, info: graphene.ResolveInfo) -> Any:
        return queries.shifts(by=info.context.actor, active=None).prefetch_related(None)

    @staticmethod
    def resolve_attendance_rules(root: None, info: graphene.ResolveInfo, **page: Any) -> Any:
        return queries.rules(by=info.context.actor)

    @staticmethod
    def resolve_roster_patterns(root: None, info: graphene.ResolveInfo) -> Any:
        return queries.patterns(by=info.context.actor)

    @staticmethod
    def resolve_roster_pattern_uses(
        root: None, info: graphene.ResolveInfo, pattern_id: UUID | None = None, **page: Any
    ) -> Any:
        return queries.pattern_uses(by=info.context.actor, pattern_id=pattern_id)

    @staticmethod
    def resolve_roster(
        root: None, info: graphene.ResolveInfo, first_day: date, last_day: date, party_id: UUID | None = None,
        post_id: UUID | None = None, place_id: UUID | None = None, staff_id: UUID | None = None,
        published: bool | None = None, **page: Any,
    ) -> Any:  # fmt: skip
        checked(first_day, last_day)
        return queries.assignments(
            by=info.context.actor, first=first_day, last=last_day, party_id=party_id, post_id=post_id,
            place_id=place_id, staff_id=staff_id, published=published,
        )  # fmt: skip

    @staticmethod
    def resolve_shift_instances(
        root: None, info: graphene.ResolveInfo, first_day: date, last_day: date, party_id: UUID | None = None,
        post_id: UUID | None = None, staff_id: UUID | None = None, **page: Any,
    ) -> Any:  # fmt: skip
        checked(first_day, last_day)
        return queries.instances(
            by=info.context.actor, first=first_day, last=last_day, party_id=party_id, post_id=post_id,
            staff_id=staff_id,
        )  # fmt: skip

    @staticmethod
    def resolve_leaves(
        root: None, info: graphene.ResolveInfo, status: str = "", party_id: UUID | None = None,
        staff_id: UUID | None = None, **page: Any,
    ) -> Any:  # fmt: skip
        return queries.leaves(by=info.context.actor, status=status, party_id=party_id, staff_id=staff_id)

    @staticmethod
    def resolve_shift_swaps(root: None, info: graphene.ResolveInfo, status: str = "", **page: Any) -> Any:
        return queries.swaps(by=info.context.actor, status=status)

    @staticmethod
    def resolve_post_coverage(
        root: None, info: graphene.ResolveInfo, post_id: UUID | None = None, party_id: UUID | None = None, **page: Any
    ) -> Any:
        return queries.coverages(by=info.context.actor, post_id=post_id, party_id=party_id)

    @staticmethod
    def resolve_post_terms(root: None, info: graphene.ResolveInfo, post_id: UUID) -> Any:
        return queries.terms(by=info.context.actor, post_ids=[post_id]).get(post_id)

    @staticmethod
    def resolve_contracted(
        root: None, info: graphene.ResolveInfo, first_day: date, last_day: date, party_id: UUID | None = None,
        post_id: UUID | None = None,
    ) -> Any:  # fmt: skip
        if not 0 <= (last_day - first_day).days < 62:
            raise Invalid("一次最多查询 62 天。", field="last_day")
        return queries.visible_coverage(
            by=info.context.actor, first=first_day, last=last_day, tenant=info.context.tenant, party_id=party_id,
            post_id=post_id,
        )  # fmt: skip

    @staticmethod
    def resolve_roster_manning(
        root: None, info: graphene.ResolveInfo, first_day: date, last_day: date, party_id: UUID | None = None,
        post_id: UUID | None = None, by_hour: bool = False,
    ) -> Any:  # fmt: skip
        most = 31 if by_hour else 62
        if not 0 <= (last_day - first_day).days < most:
            raise Invalid(f"一次最多查询 {most} 天，且结束日期不能早于开始日期。", field="last_day")
        return queries.manning(
            by=info.context.actor, first=first_day, last=last_day, tenant=info.context.tenant, party_id=party_id,
            post_id=post_id, by_hour=by_hour,
        )  # fmt: skip

    @staticmethod
    def resolve_certificate_gaps(root: None, info: graphene.ResolveInfo, days: int = 90) -> Any:
        if not 1 <= days <= 366:
            raise Invalid("天数应在 1—366 之间。", field="days")
        today = clock.now().astimezone(info.context.tenant.tz).date()
        return queries.gaps(by=info.context.actor, today=today, tenant=info.context.tenant, days=days)

    @staticmethod
    def resolve_roster_changed_days(root: None, info: graphene.ResolveInfo, first_day: date, last_day: date) -> Any:
        checked(first_day, last_day)
        return queries.changed_days(
            by=info.context.actor, first=first_day, last=last_day, tenant=info.context.tenant, now=clock.now()
        )
