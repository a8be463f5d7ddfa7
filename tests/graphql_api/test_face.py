"""Faces through the API: one's own, the school's numbers, refusals as data; never a vector."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from graphql_api.school_schema import schema
from identity.choices import Role
from identity.models import Account
from kernel import clock
from kernel.tenancy import Tenant
from tenants.face import operations, texts
from tenants.face.models import Check, Consent, Template
from tenants.jobs.models import Job
from tests.factories import face_models
from tests.factories.face import agree, make_enrolled, switch_on
from tests.factories.identity import make_account, make_member, school_actor
from tests.factories.organisation import make_staff

HOST = {"host": "alpha.localhost"}
ERRORS = "userErrors { code field message }"


@pytest.fixture
def pack(tmp_path: Path, settings: Any) -> Path:
    folder = face_models.make_pack(tmp_path / "pack")
    settings.FACE_MODEL_PACK = str(folder)
    return folder


def signed(account_id: Any) -> Client:
    client = Client(headers=HOST)
    client.force_login(Account.objects.get(pk=account_id))
    return client


def ask(client: Client, query: str, **variables: Any) -> dict[str, Any]:
    answer = client.post(
        "/graphql/", json.dumps({"query": query, "variables": variables}, default=str), content_type="application/json"
    )
    body: dict[str, Any] = answer.json()
    assert "errors" not in body, body
    found: dict[str, Any] = body["data"]
    return found


def worker(tenant: Tenant) -> Client:
    account = make_account("周师傅")
    person = make_staff("周师傅", account_id=account.pk)
    make_member(Role.FRONTLINE, tenant=tenant, account=account, staff_id=person.pk)
    return signed(account.pk)


def test_agree_enrol_and_take_back_by_api(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    client = worker(alpha)
    service = ask(client, "{ faceService { usable photoDays text { version points { heading } } } }")["faceService"]
    assert service["usable"] and len(service["text"]["points"]) >= 6
    decide = f'mutation($v: String!) {{ decideFace(decision: "agreed", textVersion: $v, is14: true) {{ consent {{ textVersion }} {ERRORS} }} }}'
    assert ask(client, decide, v="old")["decideFace"]["userErrors"][0]["code"] == "face_text_changed"
    assert ask(client, decide, v=service["text"]["version"])["decideFace"]["userErrors"] == []
    picture = base64.b64encode(face_models.photo(1)).decode()
    enrol = f"mutation($p: String!) {{ enrolFace(picture: $p) {{ checkId {ERRORS} }} }}"
    assert ask(client, enrol, p="%%%")["enrolFace"]["userErrors"][0]["field"] == "picture"
    check_id = ask(client, enrol, p=picture)["enrolFace"]["checkId"]
    operations.run_check(check_id=Check.objects.get().pk, tenant=alpha, clock=clock.now)
    found = ask(
        client,
        "query($i: UUID!) { faceCheck(id: $i) { state outcome passed model } myFace { enrolled checks { purpose } consent { how } } }",
        i=check_id,
    )
    assert found["faceCheck"]["outcome"] == "enrolled" and found["faceCheck"]["passed"]
    assert found["myFace"]["enrolled"] and found["myFace"]["consent"]["how"] == "phone"
    assert ask(client, f"mutation {{ revokeFace {{ done {ERRORS} }} }}")["revokeFace"]["done"]
    assert not Template.objects.exists()
    assert ask(client, "{ myFace { enrolled deletions { reason kept } } }")["myFace"] == {
        "enrolled": False, "deletions": [{"reason": "revoked", "kept": "template"}],
    }  # fmt: skip


def test_a_batch_by_api_says_how_far_it_is_and_what_it_did_not_use(alpha: Tenant, pack: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = str(pack.parent / "media")
    switch_on(alpha)
    person = make_staff(number="G001")
    agree(person, alpha)
    client = signed(school_actor(alpha).account_id)
    start = "mutation($p: [FacePhotoInput!], $c: String) { startFaceBatch(photos: $p, content: $c) { job { id state total } %s } }" % ERRORS  # fmt: skip
    photos = [
        {"name": f"{n}.jpg", "content": base64.b64encode(face_models.photo(1)).decode()} for n in ("G001", "G404")
    ]
    assert ask(client, start)["startFaceBatch"]["userErrors"][0]["field"] == "content"
    assert ask(client, start, c="%%%")["startFaceBatch"]["userErrors"][0]["code"] == "invalid"
    assert ask(client, start, c="AAAA")["startFaceBatch"]["userErrors"][0]["code"] == "face_archive_unreadable"
    assert ask(worker(alpha), start, p=photos)["startFaceBatch"]["userErrors"][0]["code"] == "not_allowed"
    assert not Job.objects.exists()
    job = ask(client, start, p=photos)["startFaceBatch"]["job"]
    assert job["state"] == "queued"
    operations.run_batch(job_id=job["id"], tenant=alpha, clock=clock.now)
    told = ask(client, "query($i: UUID!) { job(id: $i) { state percent result } }", i=job["id"])["job"]
    assert (told["state"], told["percent"]) == ("done", 100)
    assert told["result"]["errors"] == [["G404.jpg", "没有这个工号的在岗员工"]]
    assert Template.objects.get().staff == person


def test_the_office_reads_numbers_and_lists_at_constant_cost(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    client = signed(school_actor(alpha).account_id)
    query = """{ faceCoverage { people enrolled templates } faceStandings(first: 50) { edges { node { standing
      staff { name party { name } } } } } faceDeletions { totalCount } }"""
    costs = []
    for n in (1, 2, 3, 4):
        make_enrolled(n, alpha)
        ask(client, query)
        with CaptureQueriesContext(
            connection,
        ) as made:
            found = ask(client, query)
        costs.append(len(made))
    assert found["faceCoverage"] == {"people": 4, "enrolled": 4, "templates": 4}
    assert {e["node"]["standing"] for e in found["faceStandings"]["edges"]} == {"enrolled"}
    assert costs[0] == costs[-1]


def test_others_are_refused(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    client = worker(alpha)
    for field in ("faceCoverage { people }", "faceDeletions { totalCount }", "faceStandings { totalCount }"):
        answer = client.post("/graphql/", json.dumps({"query": f"{{ {field} }}"}), content_type="application/json")
        assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    revoke = f"mutation($s: UUID!) {{ revokeFace(staffId: $s) {{ done {ERRORS} }} }}"
    assert ask(client, revoke, s=person.pk)["revokeFace"]["userErrors"][0]["code"] == "not_allowed"
    configure = f"mutation {{ configureFace(enabled: false) {{ enabled {ERRORS} }} }}"
    assert ask(client, configure)["configureFace"]["userErrors"][0]["code"] == "not_allowed"
    assert Template.objects.exists()


def test_paper_by_api(alpha: Tenant) -> None:
    switch_on(alpha)
    person, version = make_staff(), texts.current(clock.now().date()).version
    client = signed(school_actor(alpha).account_id)
    paper = f'mutation($s: UUID!, $v: String!) {{ recordFacePaper(staffId: $s, decision: "refused", textVersion: $v) {{ consent {{ how }} {ERRORS} }} }}'
    assert ask(client, paper, s=person.pk, v=version)["recordFacePaper"]["consent"] == {"how": "paper"}
    assert Consent.objects.get().decision == "refused"


def test_no_field_of_the_schema_can_show_a_vector_or_a_guardian() -> None:
    for name, kind in schema.graphql_schema.type_map.items():
        if "Face" in name and hasattr(kind, "fields"):
            shown = {field.lower() for field in kind.fields}
            assert not [f for f in shown if "vector" in f or "sealed" in f or ("template" in f and f != "templates")]
            if not name.endswith(("RecordFacePaper", "Mutation")):
                assert "guardianname" not in shown
