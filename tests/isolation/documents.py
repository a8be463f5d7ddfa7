"""Every field of a GraphQL schema as requests: arguments filled with ids of one school, selections to depth 3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice, product
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from tests.isolation.world import CannotGuess, Side, ids_of

DEPTH = 3
# By scalar: a value of the right shape. A new scalar without one fails by name.
SCALARS: dict[str, Any] = {
    "String": "试",
    "Int": 1,
    "Float": 1.0,
    "Boolean": True,
    "Date": date(2026, 11, 1).isoformat(),
    "DateTime": "2026-11-01T08:00:00Z",
    "Time": "08:00:00",
    "Decimal": "1.00",
    "JSONString": "{}",
    "GenericScalar": {},
    "BigInt": 1,
}
PAGING = {"first", "last", "after", "before", "offset"}


@dataclass(frozen=True)
class Request:
    """One document with its variables."""

    label: str
    query: str
    variables: dict[str, Any]


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def model_of(kind: Any, depth: int = 3) -> Any:
    """The Django model behind an object type, a connection of it or a payload that carries it."""
    kind = get_named_type(kind)
    model = getattr(getattr(getattr(kind, "graphene_type", None), "_meta", None), "model", None)
    if model is not None or depth == 0 or not isinstance(kind, GraphQLObjectType):
        return model
    inside = (model_of(f.type, depth - 1) for f in kind.fields.values() if not is_leaf_type(get_named_type(f.type)))
    return next((found for found in inside if found is not None), None)


class Values:
    """Values for arguments, from the rows of one side."""

    def __init__(self, side: Side, schema: GraphQLSchema) -> None:
        self.side, self.schema = side, schema

    def of(self, name: str, kind: Any, where: str, field: GraphQLField, root: str) -> list[Any]:
        """Several values to try. Raises CannotGuess, naming the field."""
        if isinstance(kind, GraphQLNonNull):
            return self.of(name, kind.of_type, where, field, root)
        if isinstance(kind, GraphQLList):
            return [[value] for value in self.of(name, kind.of_type, where, field, root)]
        if isinstance(kind, GraphQLEnumType):
            return [next(iter(kind.values))]
        if isinstance(kind, GraphQLInputObjectType):
            return [
                {n: self.of(n, f.type, where, field, root)[0] for n, f in kind.fields.items()},
                {
                    n: self.of(n, f.type, where, field, root)[0]
                    for n, f in kind.fields.items()
                    if is_required_input_field(f)
                },
            ]
        assert isinstance(kind, GraphQLScalarType), kind
        if kind.name in {"ID", "UUID"}:
            return self._ids(snake(name), where, field, root)
        if kind.name not in SCALARS:
            raise CannotGuess(f"{where}: scalar {kind.name} of {name!r}")
        return [SCALARS[kind.name]]

    def _ids(self, name: str, where: str, field: GraphQLField, root: str) -> list[str]:
        if name in {"id", "ids"}:
            model = model_of(field.type)
            row = self.side.rows().get(model) if model else None
            if row is not None:
                return [str(row.pk)]
        words = f"{snake(root)}_id" if name in {"id", "ids"} else name
        try:
            return [str(key) for key in ids_of(self.side, words, "", where)]
        except CannotGuess:
            # Named after no table: whatever a table named in the field's own name has, else any row of ours.
            rows = self.side.rows().items()
            named = [str(r.pk) for m, r in rows if f"_{model_name(m)}_" in f"_{snake(root)}_"]
            known = named or [str(r.pk) for m, r in rows if m._meta.app_label.rstrip("s") in snake(root)]
            known = [key for key in known if len(key) == 36] or known
            if known or name in {"id", "ids"}:
                return known or _raise(where, name)
            return [str(r.pk) for _m, r in rows if len(str(r.pk)) == 36][:1]


def model_name(model: Any) -> str:
    return snake(model.__name__)


def _raise(where: str, name: str) -> list[str]:
    raise CannotGuess(f"{where}: argument {name!r}")


def selections(kind: Any, depth: int) -> list[str]:
    """Selection sets that together ask for every field of a type down to `depth`; one per composite child."""
    kind = get_named_type(kind)
    if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
        return ["__typename"]
    leaves = [n for n, f in kind.fields.items() if is_leaf_type(get_named_type(f.type)) and not _demands(f)]
    plain = " ".join(leaves) or "__typename"
    if "edges" in kind.fields:
        node = get_named_type(get_named_type(kind.fields["edges"].type).fields["node"].type)
        return [f"{plain} edges {{ node {{ {inner} }} }}" for inner in selections(node, depth)]
    below = []
    if depth > 0:
        for name, field in kind.fields.items():
            if is_leaf_type(get_named_type(field.type)) or _demands(field) or name == "pageInfo":
                continue
            page = "(first: 2)" if "first" in field.args else ""
            below += [f"{plain} {name}{page} {{ {inner} }}" for inner in selections(field.type, depth - 1)]
    return below or [plain]


def _demands(field: GraphQLField) -> bool:
    return any(is_required_argument(argument) for argument in field.args.values())


def requests(schema: GraphQLSchema, side: Side, operation: str, most: int = 6) -> Iterator[Request]:
    """Requests for every root field of `query` or `mutation`, with the ids of `side`. Raises CannotGuess."""
    root = schema.query_type if operation == "query" else schema.mutation_type
    for name, field in root.fields.items() if root else ():
        label, values = f"{operation} {name}", Values(side, schema)
        arguments = {n: a for n, a in field.args.items() if n not in PAGING or is_required_argument(a)}
        inner = get_named_type(field.type)
        parts = [""] if is_leaf_type(inner) else [f" {{ {s} }}" for s in selections(inner, DEPTH)]
        if operation == "mutation":
            parts = parts[:1]
        needed = {n: a for n, a in arguments.items() if is_required_argument(a)}
        sets = [arguments] if arguments == needed else [needed, arguments]
        for chosen in sets:
            offers = [values.of(n, a.type, label, field, name) for n, a in chosen.items()]
            for filled in islice(product(*offers), most):
                variables = dict(zip(chosen, filled, strict=True))
                for part in parts:
                    yield Request(label, _document(operation, name, field, chosen, part), variables)
        if operation == "query" and len(sets) > 1:
            for n, a in arguments.items():  # each filter alone: together they would hide every row
                if n not in needed:
                    chosen = {**needed, n: a}
                    variables = {k: values.of(k, v.type, label, field, name)[0] for k, v in chosen.items()}
                    yield Request(label, _document(operation, name, field, chosen, parts[0]), variables)


def _document(operation: str, name: str, field: GraphQLField, chosen: dict[str, GraphQLArgument], part: str) -> str:
    declared = ", ".join(f"${n}: {a.type}" for n, a in chosen.items())
    given = ", ".join(
        [f"{n}: ${n}" for n in chosen] + (["first: 3"] if "first" in field.args and "first" not in chosen else [])
    )
    head = f"{operation}({declared})" if declared else operation
    call = f"{name}({given})" if given else name
    return f"{head} {{ {call}{part} }}"
