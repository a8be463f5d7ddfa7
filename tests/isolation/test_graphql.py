"""Every GraphQL field and mutation of both hosts × everybody × ids of their own and of the other school."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graphql_api import public_schema, school_schema
from tests.isolation.asking import Ledger, ask
from tests.isolation.documents import Request, requests
from tests.isolation.filling import ALPHA, ALPHA_PUBLIC
from tests.isolation.test_addresses import CASES, WHOLE, ids
from tests.isolation.world import CannotGuess, Visitor, World, everything_told_to, visitors

SCHEMAS = {"school": school_schema.schema.graphql_schema, "public": public_schema.schema.graphql_schema}
# Nothing of their own school is hidden from them; the admin asks for it on behalf of all three.
SEE_THEIR_SCHOOL = {"school_leader", "school_supervisor", "token"}
# These say that the generated request was no good: the field was not reached.
NOT_REACHED = {
    "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "GRAPHQL_EXECUTION_FAILED", "BAD_REQUEST",
    "DEPTH_LIMIT", "ALIAS_LIMIT", "COST_LIMIT", "PAGE_SIZE", "OPERATION_RESOLUTION_FAILURE",
}  # fmt: skip


def send(visitor: Visitor, ledger: Ledger, request: Request, foreign: frozenset[str]) -> None:
    answer = ask(
        visitor, ledger, request.label, "post", "/graphql/",
        data=json.dumps({"query": request.query, "variables": request.variables}), content_type="application/json",
        own=(ALPHA, ALPHA_PUBLIC), foreign_ids=foreign,
    )  # fmt: skip
    if answer is None or answer.status_code in {401, 302}:
        return
    for error in _errors(answer):
        code = (error.get("extensions") or {}).get("code", "?")
        if code == "INTERNAL" or code in NOT_REACHED:
            ledger.complain(f"{visitor.name}: {request.label}: {code} {error['message']}\n    {request.query}")


def _errors(answer: Any) -> list[dict[str, Any]]:
    try:
        return list(json.loads(answer.content).get("errors") or [])
    except ValueError:
        return []


@pytest.mark.parametrize("host", SCHEMAS)
def test_every_field_can_be_asked_for(world: World, host: str) -> None:
    """A new field with an argument the matrix does not know fails here, by name."""
    try:
        count = sum(1 for op in ("query", "mutation") for _ in requests(SCHEMAS[host], world.beta, op))
    except CannotGuess as what:
        pytest.fail(str(what))
    assert count


@pytest.mark.parametrize(("host", "name"), CASES)
def test_no_field_tells_of_the_other_school(world: World, undone: None, host: str, name: str) -> None:
    visitor = next(v for v in visitors(world, host, name) if v.name == name)
    before, ledger, foreign = everything_told_to(world.beta), Ledger(), ids(world, visitor)
    asked = [(world.beta, "query"), (world.beta, "mutation")]
    if name not in SEE_THEIR_SCHOOL:  # of the others' own school, too: another company, or no grant
        asked += [(world.alpha, "query"), (world.alpha.as_rival(), "query")]
    for side, operation in asked:
        for request in requests(SCHEMAS[host], side, operation, most=6 if name in WHOLE else 2):
            send(visitor, ledger, request, foreign)
    assert not ledger.problems, str(ledger)
    after = everything_told_to(world.beta)
    changed = [table for table in before if before[table] != after[table]]
    if name.startswith("institute_"):  # companies, enquiries, … are the institute's own rows; a school's schema is not
        changed = [table for table in changed if not table.startswith("public.")]
    assert changed == []


def test_the_schemas_tell_of_the_own_school(world: World, undone: None) -> None:
    """The control: most fields do answer the admin with rows of their own school."""
    visitor = next(v for v in visitors(world, "school") if v.name == "school_admin")
    ledger = Ledger()
    for request in requests(SCHEMAS["school"], world.alpha, "query"):
        send(visitor, ledger, request, ids(world, visitor))
    assert not ledger.problems, str(ledger)
    fields = {f"query {name}" for name in SCHEMAS["school"].query_type.fields}
    assert len(ledger.own_words) * 2 >= len(fields), sorted(fields - ledger.own_words)
