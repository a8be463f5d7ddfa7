"""GraphQL over HTTP: the public audit suite, and what a hostile client gets."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from django.test import Client

from config.middleware import HostMiddleware
from graphql_api import connections, limits, snapshots
from kernel.tenancy import Tenant

ROOT = Path(__file__).resolve().parents[2]
BETA = {"host": "beta.localhost"}


def post(client: Client, query: str, **more: object):
    return client.post("/graphql/", json.dumps({"query": query, **more}), content_type="application/json", headers=BETA)


@pytest.mark.journey
@pytest.mark.parametrize("host", ["localhost", "alpha.localhost"])
def test_the_public_audit_suite_finds_no_must_failing(site, host: str) -> None:
    done = subprocess.run(
        ["node", "tests/graphql_api/audit.mjs", site.url("/graphql/", host)],
        capture_output=True, text=True, cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) > 50
    assert [r for r in rows if r["status"] == "error"] == []
    assert [r for r in rows if r["status"] == "warn"] == []  # SHOULDs hold as well


def test_snapshots_are_current() -> None:
    stale = [path.name for path, sdl in snapshots.current().items() if not path.exists() or path.read_text() != sdl]
    assert stale == [], "run `make sdl` and look at the difference"


def test_the_page_for_integrators_names_every_code_and_limit() -> None:
    page = (ROOT / "docs" / "graphql.md").read_text()
    source = "".join(p.read_text() for p in (ROOT / "graphql").rglob("*.py"))
    codes = set(re.findall(r'(?:"code": |BadRequest\(|TooMuch\(|_coded\(error, )"([A-Z_]+)"', source))
    assert {"COST_LIMIT", "CSRF", "INTERNAL", "GET_MUTATION"} <= codes
    assert [c for c in sorted(codes) if f"`{c}`" not in page] == []
    for limit in (limits.MAX_TOKENS, limits.MAX_DEPTH, limits.MAX_ALIASES, limits.MAX_COST, connections.MAX_PAGE):
        assert f"| {limit:,} |" in page


def test_every_refusal_says_a_sentence_of_its_own() -> None:
    """Codes are told apart by integrators, sentences by people: no code is empty, none is said in two ways by accident."""
    refusals = snapshots.refusals()
    assert len(refusals) > 100
    assert [e.__name__ for e in refusals if not re.fullmatch(r"[a-z][a-z0-9_]*", e.code) or not str(e.message)] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ me { name } " * 400, "GRAPHQL_PARSE_FAILED"),
        ("{ " + " ".join(f"a{n}: me {{ name }}" for n in range(16)) + " }", "ALIAS_LIMIT"),
        ("{ me { " + "x { " * 9 + "name" + " }" * 9 + " } }", "DEPTH_LIMIT"),
        ("query { ...a } fragment a on Query { ...b } fragment b on Query { ...a }", "DEPTH_LIMIT"),
        (
            "{ a(first: 100) { edges { node { b(first: 100) { edges { node { id } } } } } } }",
            "COST_LIMIT",
        ),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_too_much_is_refused_before_any_sql(
    client: Client, beta: Tenant, query: str, code: str, django_assert_max_num_queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HostMiddleware, "TTL", 600.0)
    client.get("/graphql/?query={me{name}}", headers=BETA)  # the host is known from here on
    with django_assert_max_num_queries(0):
        answer = post(client, query)
    assert answer.json()["errors"][0]["extensions"]["code"] == code
    assert answer.json().get("data") is None


def test_a_fragment_bomb_is_weighed_in_linear_time() -> None:
    from graphql import parse

    bomb = "query { ...f0 } " + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60))
    bomb += " fragment f60 on Query { me { name } }"
    assert limits.weigh(parse(bomb), None, {}).cost > limits.MAX_COST


@pytest.mark.django_db
def test_batches_are_refused(client: Client, beta: Tenant) -> None:
    answer = client.post("/graphql/", "[]", content_type="application/json", headers=BETA)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_that_cannot_be_stored_is_refused_in_literals_and_variables(
    client: Client, beta: Tenant, text: str
) -> None:
    spelled = json.dumps(text)
    literal = post(client, "{ staff(search: %s) { totalCount } }" % spelled)
    asked = {"query": "query($t: String) { staff(search: $t) { totalCount } }", "variables": {"t": text}}
    variable = client.post("/graphql/", json.dumps(asked), content_type="application/json", headers=BETA)
    for answer in (literal, variable):
        assert answer.json()["errors"][0]["extensions"]["code"] in {"BAD_REQUEST", "GRAPHQL_PARSE_FAILED"}


@pytest.mark.django_db
def test_the_cost_is_told(client: Client, beta: Tenant) -> None:
    assert post(client, "{ me { name } }").json()["extensions"]["cost"] == {"asked": 2, "limit": limits.MAX_COST}


@pytest.mark.django_db
def test_introspection_can_be_switched_off(client: Client, beta: Tenant, settings) -> None:
    assert "data" in post(client, "{ __schema { queryType { name } } }").json()
    settings.GRAPHQL_INTROSPECTION = False
    answer = post(client, "{ __schema { queryType { name } } }").json()
    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
