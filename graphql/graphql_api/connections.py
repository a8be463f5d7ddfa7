"""Relay connections over querysets: `first`/`last` capped at 100, `totalCount` counted only when asked for."""

from typing import Any

import graphene
from django.db.models import QuerySet
from graphene.relay import Connection, ConnectionField
from graphql import GraphQLError
from graphql_relay import connection_from_array_slice, cursor_to_offset

MAX_PAGE = 100
DEFAULT_PAGE = 20


class CountedConnection(Connection):
    """Base of all connections."""

    class Meta:
        abstract = True

    total_count = graphene.Int(description="Rows in all; counted only when asked for")

    @staticmethod
    def resolve_total_count(root: Any, info: graphene.ResolveInfo) -> int:
        return int(root.rows.count() if isinstance(root.rows, QuerySet) else len(root.rows))


def connection_of(node: Any) -> Any:
    """The connection type of a node type: `connection_of(FindingType)` → FindingTypeConnection."""

    class Meta:
        pass

    Meta.node = node  # type: ignore[attr-defined]
    return type(f"{node.__name__}Connection", (CountedConnection,), {"Meta": Meta})


class Listing(ConnectionField):
    """A field whose resolver returns a queryset (or list); it is cut to one page before any row is read."""

    def __init__(self, connection: Any, **arguments: Any) -> None:
        arguments.setdefault("description", "Pages of 20 unless `first` says otherwise, 100 at most")
        super().__init__(connection, **arguments)

    @classmethod
    def resolve_connection(cls, connection_type: Any, args: dict[str, Any], resolved: Any) -> Any:
        first, last = args.get("first"), args.get("last")
        for size in (first, last):
            if size is not None and not 0 < size <= MAX_PAGE:
                raise GraphQLError(
                    f"first/last must be between 1 and {MAX_PAGE}", extensions={"code": "PAGE_SIZE", "max": MAX_PAGE}
                )
        rows = [] if resolved is None else resolved
        if first is None and last is None:
            args = {**args, "first": DEFAULT_PAGE}
        if last is not None and args.get("before") is None:
            total = rows.count() if isinstance(rows, QuerySet) else len(rows)
            start, slice_ = max(0, total - last), rows[max(0, total - last) : total]
        else:
            after = args.get("after")
            start = 0 if after is None else (cursor_to_offset(after) or 0) + 1
            stop = cursor_to_offset(args["before"]) if args.get("before") else None
            size = args.get("first") or last or DEFAULT_PAGE
            if last is not None and stop is not None:
                start = max(start, stop - last)
            end = start + size + 1 if stop is None else min(stop, start + size + 1)
            slice_ = rows[start:end]
            total = start + len(slice_ := list(slice_))
        answer: Any = connection_from_array_slice(
            list(slice_), args, slice_start=start, array_length=total, array_slice_length=len(list(slice_)),
            connection_type=lambda edges, pageInfo: connection_type(edges=edges, page_info=pageInfo),
            edge_type=connection_type.Edge,
            page_info_type=lambda startCursor, endCursor, hasPreviousPage, hasNextPage: graphene.relay.PageInfo(
                start_cursor=startCursor, end_cursor=endCursor,
                has_previous_page=hasPreviousPage, has_next_page=hasNextPage,
            ),
        )  # fmt: skip
        answer.rows = rows
        return answer
