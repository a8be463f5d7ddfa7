"""Schools through the API of the public host."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from identity.choices import Role
from institute.schools.models import School
from kernel.tenancy import Tenant
from tests.factories.identity import make_member

pytestmark = pytest.mark.django_db


def ask(client: Client, query: str, **variables: Any) -> dict[str, Any]:
    return client.post(
        "/graphql/", {"query": query, "variables": variables}, content_type="application/json",
        headers={"accept": "application/json"},
    ).json()  # fmt: skip


def as_role(client: Client, role: Role) -> Client:
    client.force_login(make_member(role).account)
    return client


def test_schools_events_and_ledger_are_read(client: Client, beta: Tenant) -> None:
    as_role(client, Role.INSTITUTE_ANALYST)
    answer = ask(
        client,
        """query($id: UUID!) {
             schools(search: "yixueyuan") { totalCount edges { node { id name status regionName } } }
             school(id: $id) { slug trial }
             schoolEvents(schoolId: $id) { totalCount }
             schemaRecords { edges { node { schoolId state behind head } } }
           }""",
        id=str(beta.school_id),
    )
    assert "errors" not in answer, answer
    data = answer["data"]
    assert data["schools"]["edges"][0]["node"] == {
        "id": str(beta.school_id), "name": "乙学院", "status": "ready", "regionName": "广东省",
    }  # fmt: skip
    assert data["school"]["slug"] == "beta"
    assert {e["node"]["state"] for e in data["schemaRecords"]["edges"]} == {"current"}
    assert {e["node"]["behind"] for e in data["schemaRecords"]["edges"]} == {False}


def test_refusals_are_data_with_codes(client: Client, beta: Tenant) -> None:
    as_role(client, Role.INSTITUTE_ADMIN)
    suspend = """mutation($id: UUID!, $why: String!) {
        suspendSchool(schoolId: $id, reason: $why) { school { status } userErrors { code field message } } }"""
    refused = ask(client, suspend, id=str(beta.school_id), why=" ")["data"]["suspendSchool"]
    assert (refused["school"], refused["userErrors"][0]["code"]) == (None, "reason_missing")
    done = ask(client, suspend, id=str(beta.school_id), why="合同到期")["data"]["suspendSchool"]
    assert done == {"school": {"status": "suspended"}, "userErrors": []}
    retry = "mutation($id: UUID!) { retrySchool(schoolId: $id) { userErrors { code } } }"
    codes = ask(client, retry, id=str(beta.school_id))["data"]["retrySchool"]["userErrors"]
    assert codes == [{"code": "school_wrong_state"}]


def test_a_reviewer_may_not_write_and_a_school_may_not_read(client: Client, beta: Tenant) -> None:
    as_role(client, Role.INSTITUTE_REVIEWER)
    resume = "mutation($id: UUID!) { resumeSchool(schoolId: $id) { userErrors { code } } }"
    assert ask(client, resume, id=str(beta.school_id))["data"]["resumeSchool"]["userErrors"] == [
        {"code": "not_allowed"}
    ]
    trial = "mutation($id: UUID!) { setSchoolTrial(schoolId: $id, trial: true) { userErrors { code } } }"
    ask(client, trial, id=str(beta.school_id))
    assert School.objects.get(pk=beta.school_id).trial is False
    client.logout()
    client.force_login(make_member(Role.SCHOOL_ADMIN, tenant=beta).account)
    answer = ask(client, "{ schools { edges { node { name } } } }")
    assert answer["errors"][0]["extensions"]["code"] == "NOT_ALLOWED" and "乙学院" not in str(answer)
