"""Reads of attendance."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

import graphene

from graphql_api.connections import Listing, connection_of
from graphql_api.tenant.attendance.types import (
    CorrectionType,
    DayResultType,
    FilledType,
    MonthType,
    PostNow,
    RatioType,
    SuspectType,
    month_of,
)
from graphql_api.tenant.evidence import listed
from kernel import clock
from kernel.errors import Invalid, NotAllowed, NotFound
from standards_library.choices import ServiceLine
from tenants.attendance import board, coverage, metrics, policies, queries
from tenants.attendance.contracts import Filled
from tenants.attendance.models import DayResult
from tenants.organisation import queries as organisation

MOST_DAYS = 62


def _stretch(first: date, last: date) -> None:
    if not 0 <= (last - first).days < MOST_DAYS:
        raise Invalid(f"一次最多查询 {MOST_DAYS} 天，且结束日期不能早于开始日期。", field="last")


def _groups(asked: list[str] | None, known: Collection[str]) -> list[str]:
    """The groups asked for, each once; a word that is none is refused."""
    chosen = list(dict.fromkeys(asked or []))
    if unknown := [name for name in chosen if name not in known]:
        raise Invalid(f"不能按“{unknown[0]}”分组，可用：{'、'.join(known)}。", field="group_by")
    return chosen


def _names(rows: list[Filled], groups: list[str]) -> dict[Any, str]:
    """Names of the posts and parties in the keys. One query for each kind."""
    found: dict[Any, str] = {str(line.value): str(line.label) for line in ServiceLine} if "line" in groups else {}
    for group, read in (("post", organisation.posts_by_id), ("party", organisation.parties_by_id)):
        if group in groups:
            at = groups.index(group)
            found |= {key: row.name for key, row in read({r.key[at] for r in rows}).items()}
    return found


class AttendanceQuery(graphene.ObjectType):
    """Reads of attendance. Scope: attendance:read."""

    attendance_results = Listing(
        connection_of(DayResultType),
        description="Results of roster days `first` to `last`, both included, at most 62 days",
        from_day=graphene.Date(required=True),
        until_day=graphene.Date(required=True, description="Included"),
        staff_id=graphene.UUID(),
        party_id=graphene.UUID(),
        post_id=graphene.UUID(),
        mark=graphene.String(),
        held=graphene.Boolean(),
        penalties=graphene.Boolean(description="Only late, early, absent and missing ones"),
    )
    attendance_result = graphene.Field(DayResultType, instance_id=graphene.UUID(required=True))
    attendance_month = graphene.Field(
        MonthType, staff_id=graphene.UUID(required=True), month=graphene.Date(required=True)
    )
    attendance_corrections = Listing(connection_of(CorrectionType), status=graphene.String(), staff_id=graphene.UUID())
    presence_board = graphene.Field(listed(PostNow), party_id=graphene.UUID(), description="Who is at each post now")
    attendance_fill = graphene.Field(
        listed(FilledType),
        from_day=graphene.Date(required=True),
        until_day=graphene.Date(required=True, description="Included"),
        party_id=graphene.UUID(),
        post_id=graphene.UUID(),
        line=graphene.String(),
        group_by=graphene.List(graphene.NonNull(graphene.String), description="post, party, line, day, hour, weekday"),
    )
    attendance_measures = graphene.Field(
        listed(RatioType),
        description="attendance_present, _late, _early, _absent",
        from_day=graphene.Date(required=True),
        until_day=graphene.Date(required=True, description="Included"),
        party_id=graphene.UUID(),
        line=graphene.String(),
        group_by=graphene.List(graphene.NonNull(graphene.String), description="party, line, post, day"),
    )
    attendance_suspects = Listing(connection_of(SuspectType), status=graphene.String())

    @staticmethod
    def resolve_attendance_results(
        root: None, info: graphene.ResolveInfo, from_day: date, until_day: date, first: int | None = None,
        last: int | None = None, after: str | None = None, before: str | None = None, **filters: Any,
    ) -> Any:  # fmt: skip
        _stretch(from_day, until_day)
        return queries.results(by=info.context.actor, first=from_day, last=until_day, **filters)

    @staticmethod
    def resolve_attendance_result(root: None, info: graphene.ResolveInfo, instance_id: UUID) -> DayResult | None:
        try:
            return queries.result(instance_id=instance_id, by=info.context.actor)
        except NotFound:
            return None

    @staticmethod
    def resolve_attendance_month(
        root: None, info: graphene.ResolveInfo, staff_id: UUID, month: date
    ) -> MonthType | None:
        by, first = info.context.actor, month.replace(day=1)
        figures = queries.month_of(staff_id=staff_id, month=first, by=by)
        confirmed = queries.confirmations(staff_ids=[staff_id], month=first).get(staff_id)
        return month_of(staff_id, first, figures, confirmed) if figures else None

    @staticmethod
    def resolve_attendance_corrections(
        root: None, info: graphene.ResolveInfo, status: str = "", staff_id: UUID | None = None, first: int | None = None,
        last: int | None = None, after: str | None = None, before: str | None = None,
    ) -> Any:  # fmt: skip
        return queries.corrections(by=info.context.actor, status=status, staff_id=staff_id)

    @staticmethod
    def resolve_presence_board(root: None, info: graphene.ResolveInfo, party_id: UUID | None = None) -> Any:
        return board.board(by=info.context.actor, tenant=info.context.tenant, now=clock.now(), party_id=party_id)

    @staticmethod
    def resolve_attendance_fill(
        root: None, info: graphene.ResolveInfo, from_day: date, until_day: date, party_id: UUID | None = None,
        post_id: UUID | None = None, line: str = "", group_by: list[str] | None = None,
    ) -> list[FilledType]:  # fmt: skip
        _stretch(from_day, until_day)
        chosen = _groups(group_by, coverage.KEYS)
        rows = coverage.visible_filled(
            by=info.context.actor, tenant=info.context.tenant, now=clock.now(), first=from_day, last=until_day,
            party_id=party_id, post_ids=[post_id] if post_id else None, line=line, group_by=chosen,
        )  # fmt: skip
        names = _names(rows, chosen)
        return [
            FilledType(
                key=[str(k) for k in r.key], contracted=r.contracted, present=r.present, short_minutes=r.short_minutes,
                short_hours=r.short_hours, short_yuan=r.short_yuan, rate=r.rate,
                names=[names.get(k, str(k)) for k in r.key],
            )
            for r in rows
        ]  # fmt: skip

    @staticmethod
    def resolve_attendance_measures(
        root: None, info: graphene.ResolveInfo, from_day: date, until_day: date, party_id: UUID | None = None,
        line: str = "", group_by: list[str] | None = None,
    ) -> list[RatioType]:  # fmt: skip
        _stretch(from_day, until_day)
        if not policies.reads_sheets(info.context.actor):
            raise NotAllowed
        parties = policies.party_ids(info.context.actor)
        if party_id is not None:
            parties = [party_id] if parties is None or party_id in parties else []
        chosen = _groups(group_by, metrics.DIMENSIONS)
        rows = metrics.counts(
            first=from_day, after=date.fromordinal(until_day.toordinal() + 1), party_ids=parties, line=line, by=chosen
        )
        return [
            RatioType(
                code=r.code, key=[str(k) for k in r.key], numerator=r.numerator, denominator=r.denominator, n=r.n,
                coverage=r.coverage,
            )
            for r in rows
        ]  # fmt: skip

    @staticmethod
    def resolve_attendance_suspects(
        root: None, info: graphene.ResolveInfo, status: str = "", first: int | None = None, last: int | None = None,
        after: str | None = None, before: str | None = None,
    ) -> Any:  # fmt: skip
        return queries.suspects(by=info.context.actor, status=status)
