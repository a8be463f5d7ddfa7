"""Batching: one query for a whole list of related rows. The only module that knows the loader library."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from graphql import GraphQLError, GraphQLOutputType
from graphql.pyutils import Path
from graphql_sync_dataloaders import DeferredExecutionContext, SyncDataLoader

from graphql_api.context import Context


class Execution(DeferredExecutionContext):  # type: ignore[misc]
    """The library's execution, with the refusal of a field as graphql-core 3.2.14 wants to hear of it.

    The library was written before `handle_field_error` took the path; without this any error of a
    resolver would be a server error.
    """

    def handle_field_error(self, error: GraphQLError, return_type: GraphQLOutputType, path: Path | None = None) -> None:
        for key in error.path or [] if path is None else []:
            path = Path(path, key, None)
        super().handle_field_error(error, return_type, path)


def load_one(context: Context, name: str, fetch: Callable[[list[Any]], Mapping[Any, Any]], key: Hashable | None) -> Any:
    """Promise the row for `key`; all keys asked for in one tick are fetched by one call of `fetch`.

    `fetch(keys)` is a feature's query and returns {key: row}; missing keys resolve to None.
    """
    if key is None:
        return None
    if name not in context.loaders:

        def batch(keys: list[Any]) -> list[Any]:
            rows = fetch(list(keys))
            return [rows.get(k) for k in keys]

        context.loaders[name] = SyncDataLoader(batch)
    return context.loaders[name].load(key)


def load_many(
    context: Context, name: str, fetch: Callable[[list[Any]], Iterable[tuple[Any, Any]]], key: Hashable
) -> Any:
    """Promise the list of rows of `key`; `fetch(keys)` returns (key, row) pairs in order."""
    if name not in context.loaders:

        def batch(keys: list[Any]) -> list[list[Any]]:
            found: dict[Any, list[Any]] = {k: [] for k in keys}
            for owner, row in fetch(list(keys)):
                found[owner].append(row)
            return [found[k] for k in keys]

        context.loaders[name] = SyncDataLoader(batch)
    return context.loaders[name].load(key)
