"""The library on both hosts: the same answers, a constant number of queries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant, school_context
from tenants.rubrics import operations
from tests.factories.identity import make_member, school_actor

pytestmark = pytest.mark.django_db
LIST = """query($first: Int, $search: String) { requirements(first: $first, search: $search, veto: true) {
  totalCount edges { node { key text measure originLabel setByDocument verificationLabel domainName serviceLines
    document { title code replacedBy { new } } usedIn { templateTitle itemText } } } } }"""


def ask(client: Client, query: str, host: str = "localhost", **variables: Any) -> dict[str, Any]:
    answer = client.post(
        "/graphql/", json.dumps({"query": query, "variables": variables}),
        content_type="application/json", headers={"host": host},
    )  # fmt: skip
    body: dict[str, Any] = answer.json()
    assert "errors" not in body, body
    found: dict[str, Any] = body["data"]
    return found


def test_a_visitor_reads_the_library(client: Client) -> None:
    found = ask(client, LIST, first=5, search="食品")["requirements"]
    node = found["edges"][0]["node"]
    assert found["totalCount"] > 5 and len(found["edges"]) == 5
    assert node["document"]["title"] and node["verificationLabel"] and node["serviceLines"] == ["canteen"]
    one = ask(
        client, '{ requirement(key: "cl-road-twice") { text usedIn { itemKey } } none: requirement(key: "x") { text } }'
    )
    assert one["requirement"]["usedIn"] == [{"itemKey": "rubric-cleaning-1-1"}] and one["none"] is None
    assert (
        len(ask(client, "{ supersededDocuments { old new effectiveOn verificationLabel } }")["supersededDocuments"])
        == 18
    )
    templates = ask(
        client, "{ rubricTemplates { key vetoCap grades { name min } dimensions { weight items { points } } } }"
    )
    assert len(templates["rubricTemplates"]) == 8


def test_a_long_list_costs_as_much_as_a_short_one(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ask(client, LIST, first=1)
    with django_assert_max_num_queries(9):
        ask(client, LIST, first=2)
    with django_assert_max_num_queries(9):
        assert len(ask(client, LIST, first=50)["requirements"]["edges"]) == 50


def test_a_school_sees_what_nothing_checks(client: Client, alpha: Tenant) -> None:
    client.force_login(make_member(Role.SCHOOL_SUPERVISOR, tenant=alpha).account)
    query = '{ uncheckedRequirements(lines: ["cleaning"]) { totalCount } requirementUses(key: "cl-road-twice") { rubricTitle } }'
    before = ask(client, query, "alpha.localhost")
    by = school_actor(alpha, Role.SCHOOL_ADMIN)
    with school_context(alpha):
        row = operations.adopt(template_key="rubric-cleaning", by=by, tenant=alpha, now=clock.now())
        operations.activate(rubric_id=row.pk, by=by, tenant=alpha, now=clock.now())
    after = ask(client, query, "alpha.localhost")
    assert after["uncheckedRequirements"]["totalCount"] < before["uncheckedRequirements"]["totalCount"]
    assert [u["rubricTitle"] for u in after["requirementUses"]] == [row.title]


def test_a_stranger_learns_nothing_about_a_schools_rubrics(client: Client, alpha: Tenant, beta: Tenant) -> None:
    client.force_login(make_member(Role.SCHOOL_ADMIN, tenant=beta).account)
    answer = client.post(
        "/graphql/", json.dumps({"query": '{ requirementUses(key: "cl-road-twice") { rubricTitle } }'}),
        content_type="application/json", headers={"host": "alpha.localhost"},
    )  # fmt: skip
    assert answer.json()["errors"][0]["extensions"]["code"] in {"not_allowed", "NOT_ALLOWED"}
