"""What a request may ask for, decided before any SQL: depth, aliases and cost. Tokens are counted by the parser.

Cost: every field costs 1; what stands inside a paged list is multiplied by `first`/`last` (20 when
absent). The cost of a request is told back in `extensions.cost`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

MAX_TOKENS = 1_000
MAX_DEPTH = 8
MAX_ALIASES = 15
MAX_COST = 5_000
DEFAULT_PAGE = 20


@dataclass
class Weight:
    """What one selection asks for."""

    cost: int = 0
    depth: int = 0
    aliases: int = 0


class TooMuch(GraphQLError):
    """A limit is passed; `extensions` names it, the limit and what was asked."""

    def __init__(self, code: str, asked: int, limit: int) -> None:
        super().__init__(f"{code}: {asked} > {limit}", extensions={"code": code, "asked": asked, "limit": limit})


def weigh(document: DocumentNode, operation_name: str | None, variables: dict[str, Any]) -> Weight:
    """Weigh the operation that would run. Fragments count where they are spread; a cycle counts as endless."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    chosen = [o for o in operations if operation_name is None or (o.name and o.name.value == operation_name)]
    known: dict[str, Weight] = {}
    heaviest = Weight()
    for operation in chosen:
        weight = _selection(operation.selection_set, fragments, variables, known, frozenset())
        heaviest = max(heaviest, weight, key=lambda w: w.cost)
    return heaviest


def check(weight: Weight) -> None:
    """Raise TooMuch for the first limit passed."""
    if weight.depth > MAX_DEPTH:
        raise TooMuch("DEPTH_LIMIT", weight.depth, MAX_DEPTH)
    if weight.aliases > MAX_ALIASES:
        raise TooMuch("ALIAS_LIMIT", weight.aliases, MAX_ALIASES)
    if weight.cost > MAX_COST:
        raise TooMuch("COST_LIMIT", weight.cost, MAX_COST)


def _selection(
    selections: SelectionSetNode | None,
    fragments: dict[str, FragmentDefinitionNode],
    variables: dict[str, Any],
    known: dict[str, Weight],
    inside: frozenset[str],
) -> Weight:
    total = Weight()
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            if node.name.value in {"__schema", "__type"}:  # one bounded answer from memory; its own switch guards it
                total.cost += 1
                continue
            below = _selection(node.selection_set, fragments, variables, known, inside)
            part = Weight(1 + below.cost * _page(node, variables), 1 + below.depth, below.aliases + bool(node.alias))
        elif isinstance(node, InlineFragmentNode):
            part = _selection(node.selection_set, fragments, variables, known, inside)
        elif isinstance(node, FragmentSpreadNode):
            part = _fragment(node.name.value, fragments, variables, known, inside)
        else:
            continue
        total = Weight(total.cost + part.cost, max(total.depth, part.depth), total.aliases + part.aliases)
    return total


def _fragment(
    name: str,
    fragments: dict[str, FragmentDefinitionNode],
    variables: dict[str, Any],
    known: dict[str, Weight],
    inside: frozenset[str],
) -> Weight:
    if name in inside:
        return Weight(MAX_COST + 1, MAX_DEPTH + 1, 0)
    if name not in known:
        fragment = fragments.get(name)
        known[name] = (
            _selection(fragment.selection_set, fragments, variables, known, inside | {name}) if fragment else Weight()
        )
    return known[name]


def _page(node: FieldNode, variables: dict[str, Any]) -> int:
    """How many rows a field may return: its `first`/`last`, 20 for a connection without one, else 1."""
    for argument in node.arguments:
        if argument.name.value in {"first", "last"}:
            value = argument.value
            if isinstance(value, IntValueNode):
                return max(1, int(value.value))
            if isinstance(value, VariableNode):
                given = variables.get(value.name.value)
                return max(1, given) if isinstance(given, int) else DEFAULT_PAGE
    inner = (
        {s.name.value for s in node.selection_set.selections if isinstance(s, FieldNode)}
        if node.selection_set
        else set()
    )
    return DEFAULT_PAGE if "edges" in inner else 1
