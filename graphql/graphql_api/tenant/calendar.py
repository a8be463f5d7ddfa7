"""The school's calendar: days, terms, seasons. Scopes: calendar:read, calendar:write."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from kernel import clock
from tenants.calendar import operations, queries, seasons
from tenants.calendar.contracts import Row
from tenants.calendar.models import Period

Text = graphene.NonNull(graphene.String)
Yes = graphene.NonNull(graphene.Boolean)


class CalendarDayType(graphene.ObjectType):
    """One day as this school keeps it. A vacation stands beside the kind: logistics work through vacations."""

    class Meta:
        name = "CalendarDay"

    day = graphene.NonNull(graphene.Date)
    kind = graphene.NonNull(
        graphene.String, description="workday, weekend, statutory, adjusted_rest, make_up_workday, school_rest"
    )
    kind_label = Text
    name = Text
    works = Yes
    own = graphene.NonNull(graphene.Boolean, description="The school said so")
    provisional = graphene.NonNull(graphene.Boolean, description="The year's notice is not known yet")
    term = Text
    week = graphene.Int(description="第 n 周 of the term")
    vacation = Text

    @staticmethod
    def resolve_kind(row: Any, info: graphene.ResolveInfo) -> str:
        return str(row.kind.value)

    @staticmethod
    def resolve_kind_label(row: Any, info: graphene.ResolveInfo) -> str:
        return str(row.kind.label)


class CalendarPeriodType(DjangoObjectType):
    """A term (学期) or vacation (假期); both days included."""

    id = graphene.NonNull(graphene.UUID)

    class Meta:
        model = Period
        name = "CalendarPeriod"
        fields = ("id", "kind", "name", "starts_on", "ends_on")
        convert_choices_to_enum = False


class SeasonWindowType(graphene.ObjectType):
    """One occurrence of a season; `endsOn` is the first day after it."""

    class Meta:
        name = "SeasonWindow"

    code = Text
    name = Text
    group = graphene.NonNull(graphene.String, description="quarter or work")
    starts_on = graphene.NonNull(graphene.Date)
    ends_on = graphene.NonNull(graphene.Date)

    @staticmethod
    def resolve_group(row: Any, info: graphene.ResolveInfo) -> str:
        return str(row.group.value)


class SeasonType(graphene.ObjectType):
    """A season's rule: a day of the year ("06-01") or a 节气 ("lixia")."""

    class Meta:
        name = "Season"

    code = Text
    name = Text
    group = Text
    starts = Text
    ends = Text
    active = Yes
    own = Yes

    @staticmethod
    def resolve_group(row: Any, info: graphene.ResolveInfo) -> str:
        return str(row.group.value)


class CalendarQuery(graphene.ObjectType):
    """Reads of the calendar. Scope: calendar:read."""

    calendar_days = graphene.Field(
        graphene.NonNull(graphene.List(graphene.NonNull(CalendarDayType))),
        description="Both days included, 366 days at most",
        first_day=graphene.Date(required=True),
        last_day=graphene.Date(required=True),
    )
    calendar_periods = Listing(connection_of(CalendarPeriodType))
    seasons = graphene.NonNull(graphene.List(graphene.NonNull(SeasonType)))
    season_windows = graphene.Field(
        graphene.NonNull(graphene.List(graphene.NonNull(SeasonWindowType))),
        first_day=graphene.Date(required=True),
        last_day=graphene.Date(required=True),
    )

    @staticmethod
    def resolve_calendar_days(root: None, info: graphene.ResolveInfo, first_day: date, last_day: date) -> Any:
        _short(first_day, last_day)
        return queries.visible_days(first_day, last_day, by=info.context.actor)

    @staticmethod
    def resolve_calendar_periods(root: None, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return queries.visible_periods(by=info.context.actor)

    @staticmethod
    def resolve_seasons(root: None, info: graphene.ResolveInfo) -> Any:
        return queries.visible_seasons(by=info.context.actor)

    @staticmethod
    def resolve_season_windows(root: None, info: graphene.ResolveInfo, first_day: date, last_day: date) -> Any:
        _short(first_day, last_day)
        return seasons.windows(queries.visible_seasons(by=info.context.actor), first_day, last_day)


def _short(first: date, last: date) -> None:
    if (last - first).days >= 366:
        raise queries.RangeTooLong("一次最多查询 366 天，请分段查询。")


class _Write(DomainMutation):
    class Meta:
        abstract = True

    scope = "calendar:write"


def _by(context: Context) -> dict[str, Any]:
    return {"by": context.actor, "tenant": context.tenant}


def _seen(context: Context, first: date, last: date) -> dict[str, Any]:
    return {"days": queries.visible_days(first, last, by=context.actor)}


class SetCalendarDays(_Write):
    """Say what the days from `first` to `last` (31 at most) are at this school."""

    days = graphene.List(graphene.NonNull(CalendarDayType))

    class Arguments:
        first_day = graphene.Date(required=True)
        last_day = graphene.Date(required=True)
        kind = graphene.String(required=True)
        name = graphene.String(default_value="")

    @classmethod
    def perform(cls, context: Context, first_day: date, last_day: date, kind: str, name: str) -> dict[str, Any]:
        operations.set_days(first=first_day, last=last_day, kind=kind, name=name, now=clock.now(), **_by(context))
        return _seen(context, first_day, last_day)


class ClearCalendarDays(_Write):
    """Go back to what the State and the week make of these days."""

    days = graphene.List(graphene.NonNull(CalendarDayType))

    class Arguments:
        first_day = graphene.Date(required=True)
        last_day = graphene.Date(required=True)

    @classmethod
    def perform(cls, context: Context, first_day: date, last_day: date) -> dict[str, Any]:
        operations.clear_days(first=first_day, last=last_day, **_by(context))
        return _seen(context, first_day, last_day)


class SettleCalendarYear(_Write):
    """The entries for a year that the library does not hold are complete."""

    year = graphene.Int()

    class Arguments:
        year = graphene.Int(required=True)

    @classmethod
    def perform(cls, context: Context, year: int) -> dict[str, Any]:
        return {"year": operations.settle_year(year=year, now=clock.now(), **_by(context)).year}


class AddCalendarPeriod(_Write):
    period = graphene.Field(CalendarPeriodType)

    class Arguments:
        kind = graphene.String(required=True, description="term or vacation")
        name = graphene.String(required=True)
        starts_on = graphene.Date(required=True)
        ends_on = graphene.Date(required=True)

    @classmethod
    def perform(cls, context: Context, **fields: Any) -> dict[str, Any]:
        return {"period": operations.add_period(**fields, **_by(context))}


class ChangeCalendarPeriod(_Write):
    period = graphene.Field(CalendarPeriodType)

    class Arguments:
        period_id = graphene.UUID(required=True)
        name = graphene.String(required=True)
        starts_on = graphene.Date(required=True)
        ends_on = graphene.Date(required=True)

    @classmethod
    def perform(cls, context: Context, **fields: Any) -> dict[str, Any]:
        return {"period": operations.change_period(**fields, **_by(context))}


class RemoveCalendarPeriod(_Write):
    removed_id = graphene.UUID()

    class Arguments:
        period_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, period_id: UUID) -> dict[str, Any]:
        operations.remove_period(period_id=period_id, **_by(context))
        return {"removed_id": period_id}


class SetSeason(_Write):
    """Give a season the school's own dates, or add one."""

    code = graphene.String()

    class Arguments:
        code = graphene.String(required=True)
        name = graphene.String(default_value="")
        starts = graphene.String(required=True, description='"MM-DD" or a 节气 code such as "lixia"')
        ends = graphene.String(required=True, description="The first day after it")
        active = graphene.Boolean(default_value=True)

    @classmethod
    def perform(cls, context: Context, **fields: Any) -> dict[str, Any]:
        return {"code": operations.set_season(**fields, **_by(context)).code}


class ResetSeason(_Write):
    """Back to the default dates; a season of the school's own goes."""

    code = graphene.String()

    class Arguments:
        code = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, code: str) -> dict[str, Any]:
        operations.reset_season(code=code, **_by(context))
        return {"code": code}


class CalendarRowInput(graphene.InputObjectType):
    kind = graphene.String(required=True, description="A kind of day, term or vacation")
    name = graphene.String(default_value="")
    starts_on = graphene.Date(required=True)
    ends_on = graphene.Date(required=True)


class ImportCalendar(_Write):
    """All rows or none; the same rows twice change nothing."""

    new = graphene.Int()
    updated = graphene.Int()
    unchanged = graphene.Int()

    class Arguments:
        rows = graphene.List(graphene.NonNull(CalendarRowInput), required=True)

    @classmethod
    def perform(cls, context: Context, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return operations.apply_rows(rows=[Row(**row) for row in rows], now=clock.now(), **_by(context))


class CalendarMutation(graphene.ObjectType):
    set_calendar_days = SetCalendarDays.Field()
    clear_calendar_days = ClearCalendarDays.Field()
    settle_calendar_year = SettleCalendarYear.Field()
    add_calendar_period = AddCalendarPeriod.Field()
    change_calendar_period = ChangeCalendarPeriod.Field()
    remove_calendar_period = RemoveCalendarPeriod.Field()
    set_season = SetSeason.Field()
    reset_season = ResetSeason.Field()
    import_calendar = ImportCalendar.Field()
