"""The asker's own inbox."""

from __future__ import annotations

from typing import Any

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from kernel import clock
from tenants.notices import operations, queries
from tenants.notices.models import Notice


class NoticeType(DjangoObjectType):
    """A sentence for one person, and where it leads."""

    class Meta:
        model = Notice
        name = "Notice"
        fields = ("kind", "title", "text", "path", "created_at", "read_at")
        convert_choices_to_enum = False

    id = graphene.NonNull(graphene.Int)


class NoticesQuery(graphene.ObjectType):
    """Reads of the inbox. Scope: notices:read."""

    notices = Listing(connection_of(NoticeType), unread=graphene.Boolean(), kind=graphene.String())
    unread_notices = graphene.NonNull(graphene.Int)

    @staticmethod
    def resolve_notices(
        root: None, info: graphene.ResolveInfo, unread: bool = False, kind: str = "", **_page: Any
    ) -> Any:
        return queries.inbox(by=info.context.actor, unread=unread, kind=kind)

    @staticmethod
    def resolve_unread_notices(root: None, info: graphene.ResolveInfo) -> int:
        return queries.inbox(by=info.context.actor, unread=True).count()


class MarkNoticesRead(DomainMutation):
    """Mark one notice, or the whole inbox, as read."""

    class Arguments:
        notice_id = graphene.Int()

    scope = "notices:write"
    count = graphene.Int()

    @classmethod
    def perform(cls, context: Context, *, notice_id: int | None = None) -> dict[str, Any]:
        return {"count": operations.mark_read(by=context.actor, now=clock.now(), notice_id=notice_id)}


class NoticesMutation(graphene.ObjectType):
    """Writes of the inbox. Scope: notices:write."""

    mark_notices_read = MarkNoticesRead.Field()
