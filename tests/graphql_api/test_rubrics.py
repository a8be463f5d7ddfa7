"""Rubrics through the API: adopt, edit, put in force, answer a later edition; refusals as data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from identity.choices import Role
from kernel.tenancy import Tenant, school_context
from standards_library.queries import templates
from tenants.rubrics.models import Rubric
from tests.factories.identity import make_member
from tests.factories.library import import_later_edition
from tests.tenants.rubrics.test_later_edition import later

HOST = "alpha.localhost"
WHOLE = """id title status revision edition digest newerEdition vetoCap grades { name min }
  sections { id title weight items { id text points perFault faultUnit method veto basis requirementKeys templateKey
    edition changedHere requirements { key document { title } } } }"""
LIST = "query($n: Int) { rubrics(first: $n) { edges { node { %s revisions { revision note } } } } }" % WHOLE
ADOPT = (
    "mutation($key: String!) { adoptRubric(templateKey: $key) { rubric { %s } userErrors { code message } } }" % WHOLE
)
EDIT = """mutation($id: UUID!, $sheet: RubricSheetInput!, $digest: String) { editRubric(rubricId: $id, sheet: $sheet,
  digest: $digest) { rubric { revision digest } userErrors { code message field } } }"""
ACT = "mutation($id: UUID!) { activateRubric(rubricId: $id) { rubric { status } userErrors { code } } }"


@pytest.fixture
def admin(client: Client, alpha: Tenant) -> Client:
    client.force_login(make_member(Role.SCHOOL_ADMIN, tenant=alpha).account)
    return client


def ask(client: Client, query: str, host: str = HOST, **variables: Any) -> dict[str, Any]:
    answer = client.post(
        "/graphql/", json.dumps({"query": query, "variables": variables}),
        content_type="application/json", headers={"host": host},
    )  # fmt: skip
    body: dict[str, Any] = answer.json()
    assert "errors" not in body, body
    found: dict[str, Any] = body["data"]
    return found


def sheet_of(rubric: dict[str, Any]) -> dict[str, Any]:
    """The input that changes nothing."""
    fields = ("id", "text", "points", "perFault", "faultUnit", "method", "veto", "basis", "requirementKeys")
    return {
        "title": rubric["title"],
        "grades": rubric["grades"],
        "vetoCap": rubric["vetoCap"],
        "lines": ["cleaning"],
        "sections": [
            {
                "id": s["id"], "title": s["title"], "weight": s["weight"],
                "items": [{f: i[f] for f in fields} for i in s["items"]],
            }
            for s in rubric["sections"]
        ],
    }  # fmt: skip


def test_from_adoption_to_a_revision(admin: Client) -> None:
    made = ask(admin, ADOPT, key="rubric-cleaning")["adoptRubric"]["rubric"]
    assert made["status"] == "draft" and len(made["sections"]) == 5
    assert made["sections"][0]["items"][0]["requirements"][0]["document"]["title"]
    again = ask(admin, ADOPT, key="rubric-cleaning")["adoptRubric"]
    assert again["rubric"] is None and [e["code"] for e in again["userErrors"]] == ["title_taken"]
    assert ask(admin, ACT, id=made["id"])["activateRubric"]["rubric"] == {"status": "active"}
    sheet = sheet_of(made)
    sheet["sections"][0]["items"][0]["text"] = "道路每日普扫两次"
    edited = ask(admin, EDIT, id=made["id"], sheet=sheet, digest=made["digest"])["editRubric"]
    assert edited["userErrors"] == [] and edited["rubric"]["revision"] == 2
    stale = ask(admin, EDIT, id=made["id"], sheet=sheet, digest=made["digest"])["editRubric"]
    assert [e["code"] for e in stale["userErrors"]] == ["conflict"]
    sheet["sections"][0]["weight"] = "30"
    refused = ask(admin, EDIT, id=made["id"], sheet=sheet)["editRubric"]["userErrors"]
    assert [e["code"] for e in refused] == ["unbalanced_weights"] and "108" in refused[0]["message"]


def test_a_later_edition_is_answered(admin: Client) -> None:
    made = ask(admin, ADOPT, key="rubric-cleaning")["adoptRubric"]["rubric"]
    import_later_edition(later)
    changes = ask(
        admin,
        "query($id: UUID!) { rubricChanges(rubricId: $id) { id kind fields { label before after } } }",
        id=made["id"],
    )["rubricChanges"]
    assert {c["kind"] for c in changes} == {"added", "removed", "changed", "basis"}
    done = ask(
        admin,
        """mutation($id: UUID!, $take: [String!]) { adoptRubricChanges(rubricId: $id, take: $take) {
             rubric { edition newerEdition } userErrors { code } } }""",
        id=made["id"], take=[c["id"] for c in changes],
    )["adoptRubricChanges"]  # fmt: skip
    assert done == {"rubric": {"edition": "2027.03", "newerEdition": None}, "userErrors": []}


def test_a_long_list_with_everything_costs_a_constant_number_of_queries(
    admin: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    keys = [t.key for t in templates()]
    for key in keys[:2]:
        ask(admin, ADOPT, key=key)
    ask(admin, LIST, n=2)
    with django_assert_max_num_queries(24):
        ask(admin, LIST, n=2)
    for key in keys[2:]:
        ask(admin, ADOPT, key=key)
    with django_assert_max_num_queries(24):
        assert len(ask(admin, LIST, n=8)["rubrics"]["edges"]) == 8


def test_others_may_read_but_not_write_and_strangers_neither(client: Client, alpha: Tenant, beta: Tenant) -> None:
    client.force_login(make_member(Role.FRONTLINE, tenant=alpha).account)
    assert ask(client, LIST, n=1)["rubrics"] == {"edges": []}
    refused = ask(client, ADOPT, key="rubric-cleaning")["adoptRubric"]
    assert [e["code"] for e in refused["userErrors"]] == ["not_allowed"]
    client.force_login(make_member(Role.SCHOOL_ADMIN, tenant=beta).account)
    refused = ask(client, ADOPT, key="rubric-cleaning")["adoptRubric"]
    assert [e["code"] for e in refused["userErrors"]] == ["not_allowed"]
    assert not Rubric.objects.exists()


def test_another_schools_rubric_is_nothing_here(client: Client, admin: Client, alpha: Tenant, beta: Tenant) -> None:
    made = ask(admin, ADOPT, key="rubric-cleaning")["adoptRubric"]["rubric"]
    client.force_login(make_member(Role.SCHOOL_ADMIN, tenant=beta).account)
    there = "beta.localhost"
    assert ask(client, "query($id: UUID!) { rubric(id: $id) { title } }", there, id=made["id"]) == {"rubric": None}
    refused = ask(client, EDIT, there, id=made["id"], sheet=sheet_of(made))["editRubric"]
    assert [e["code"] for e in refused["userErrors"]] == ["not_found"]
    with school_context(alpha):
        assert Rubric.objects.get(pk=made["id"]).revision == 1
