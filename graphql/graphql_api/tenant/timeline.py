"""The school's timeline, paged by key: stable while new events arrive."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType
from graphql import GraphQLError

from graphql_api.connections import DEFAULT_PAGE, MAX_PAGE
from graphql_api.context import Context
from graphql_api.tenant.evidence import Text, listed
from tenants.organisation import queries as organisation
from tenants.timeline import queries
from tenants.timeline.models import Event


class EventType(DjangoObjectType):
    """What happened, to what, by whom; never changed."""

    class Meta:
        model = Event
        name = "Event"
        fields = ("at", "verb", "sentence", "subject_type", "subject_id", "actor_name", "via")

    key = Text
    place_id = graphene.UUID()
    party_id = graphene.UUID()
    post_id = graphene.UUID()
    staff_id = graphene.UUID(description="Whom it is about, otherwise who of the staff did it")

    @staticmethod
    def resolve_key(row: Event, info: graphene.ResolveInfo) -> str:
        return str(row.pk)


class EventSlice(graphene.ObjectType):
    """Events, newest first. Ask again with `before: olderThan` for the next older ones; null at the end."""

    rows = listed(EventType)
    older_than = graphene.String()


class TimelineQuery(graphene.ObjectType):
    """Reads of the timeline; a property company's are of its own contracts. Scope: timeline:read."""

    events = graphene.Field(
        graphene.NonNull(EventSlice),
        first=graphene.Int(),
        before=graphene.String(description="`olderThan` of the slice before"),
        verb=graphene.String(description='A noun ("finding") or a full verb ("finding.closed")'),
        subject_type=graphene.String(),
        subject_id=graphene.String(),
        account_id=graphene.UUID(),
        person=graphene.String(),
        place_id=graphene.UUID(description="The place and everything below it"),
        party_id=graphene.UUID(),
        post_id=graphene.UUID(),
        staff_id=graphene.UUID(),
        about=graphene.String(description="Name, pinyin or number of whom it is about"),
        from_day=graphene.Date(),
        until_day=graphene.Date(),
        text=graphene.String(),
    )

    @staticmethod
    def resolve_events(
        root: None,
        info: graphene.ResolveInfo,
        first: int = DEFAULT_PAGE,
        before: str = "",
        place_id: UUID | None = None,
        about: str = "",
        from_day: date | None = None,
        until_day: date | None = None,
        **filters: Any,
    ) -> EventSlice:
        if not 0 < first <= MAX_PAGE:
            raise GraphQLError(
                f"first must be between 1 and {MAX_PAGE}", extensions={"code": "PAGE_SIZE", "max": MAX_PAGE}
            )
        context: Context = info.context
        rows = queries.events(
            by=context.actor,
            tz=context.tenant.tz,
            own_party_ids=organisation.party_ids_of_company(context.actor),
            staff_ids=organisation.staff_ids_named(about, by=context.actor) if about.strip() else None,
            place_ids=organisation.subtree_ids(place_id) if place_id else None,
            from_day=from_day,
            until_day=until_day,
            **filters,
        )
        key = int(before) if before.isascii() and before.isdigit() else None
        page = queries.slice_of(rows, before=key, size=first)
        return EventSlice(rows=page.rows, older_than=str(page.before) if page.before else None)
