"""Batching: one query for a whole list of related rows. The only module that knows the loader library."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, cast

from django.db.models import Model
from graphene.utils.str_converters import to_snake_case
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLLeafType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    is_leaf_type,
    located_error,
)
from graphql.execution.execute import get_field_def
from graphql.pyutils import Path, Undefined
from graphql_sync_dataloaders import DeferredExecutionContext, SyncDataLoader
from graphql_sync_dataloaders.sync_future import SyncFuture

from graphql_api.context import Context

Plain = tuple[GraphQLField, GraphQLLeafType, bool]  # a field without arguments: definition, scalar, may it be null


class Execution(DeferredExecutionContext):  # type: ignore[misc]
    """The library's execution, made fit for lists: what is the same for each row is looked up once per request."""

    def handle_field_error(self, error: GraphQLError, return_type: GraphQLOutputType, path: Path | None = None) -> None:
        """The refusal of a field as graphql-core 3.2.14 wants to hear of it.

        The library was written before it took the path; without this any error of a resolver would be a server error.
        """
        for key in error.path or [] if path is None else []:
            path = Path(path, key, None)
        super().handle_field_error(error, return_type, path)

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_nodes: list[FieldNode], path: Path
    ) -> Any:
        """A scalar without arguments is resolved and written down; everything else goes the library's way."""
        known: dict[Any, Plain | None] = self.__dict__.setdefault("_plain", {})
        key = (parent_type.name, id(field_nodes[0]))  # the document outlives the execution
        try:
            plain = known[key]
        except KeyError:
            plain = known[key] = self._plain_field(parent_type, field_nodes[0])
        if plain is None:
            return super().execute_field(parent_type, source, field_nodes, path)
        field, leaf, nullable = plain
        try:
            info = self.build_resolve_info(field, field_nodes, parent_type, path)
            value = (field.resolve or self.field_resolver)(source, info)
            if isinstance(value, SyncFuture):  # a loader: this field is not as plain as it looks
                known[key] = None
                return super().execute_field(parent_type, source, field_nodes, path)
            if isinstance(value, Exception):
                raise value
            if value is None or value is Undefined:
                if not nullable:
                    raise TypeError(f"Cannot return null for non-nullable field {parent_type.name}.{info.field_name}.")
                return None
            return self.complete_leaf_value(leaf, value)
        except Exception as raw:
            self.handle_field_error(located_error(raw, field_nodes, path.as_list()), field.type)
            return None

    def _plain_field(self, parent_type: GraphQLObjectType, node: FieldNode) -> Plain | None:
        field = get_field_def(self.schema, parent_type, node)
        if field is None or field.args or node.arguments or self.middleware_manager:
            return None
        required = isinstance(field.type, GraphQLNonNull)
        kind = cast("GraphQLNonNull[Any]", field.type).of_type if required else field.type
        return (field, cast("GraphQLLeafType", kind), not required) if is_leaf_type(kind) else None

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_nodes: list[FieldNode],
        info: GraphQLResolveInfo,
        path: Path,
        result: Any,
    ) -> Any:
        """An object that is there goes straight to its fields."""
        kind = return_type.of_type if type(return_type) is GraphQLNonNull else return_type
        if type(kind) is GraphQLObjectType and isinstance(result, Model):
            return self.complete_object_value(kind, field_nodes, info, path, result)
        return super().complete_value(return_type, field_nodes, info, path, result)


def at_hand(row: Model, relation: str, info: GraphQLResolveInfo) -> Model | None:
    """The related row if the list's query has joined it and the request asks for no more than its own columns.

    Anything else (a computed field, a further relation, a fragment) is a loader's work, which fetches what it needs.
    """
    known = row._state.fields_cache.get(relation)
    if known is None:
        return None
    asked = info.context.columns_only
    key = (info.parent_type.name, id(info.field_nodes[0]))
    if key not in asked:
        asked[key] = _only_columns(info)
    return cast("Model", known) if asked[key] else None


def _only_columns(info: GraphQLResolveInfo) -> bool:
    kind = info.return_type.of_type if isinstance(info.return_type, GraphQLNonNull) else info.return_type
    type_ = getattr(kind, "graphene_type", None)
    model = getattr(getattr(type_, "_meta", None), "model", None)
    if model is None:
        return False
    columns = {f.attname for f in model._meta.concrete_fields}
    for node in info.field_nodes:
        for chosen in node.selection_set.selections if node.selection_set else ():
            name = to_snake_case(chosen.name.value) if isinstance(chosen, FieldNode) else ""
            if name not in columns or (name != "id" and hasattr(type_, f"resolve_{name}")):
                return False
    return True


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
