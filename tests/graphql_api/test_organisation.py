"""The organisation through the API: read, write, refusals as data, constant queries, nothing sealed in sight."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from identity import operations as identity
from identity.choices import Role
from infra import fonts
from institute.providers.models import Provider
from kernel import clock
from kernel.tenancy import Tenant, school_context
from tenants.jobs.models import Job
from tenants.organisation import labels
from tenants.organisation.imports import flow
from tenants.organisation.models import Contract, Place, Staff
from tests.factories.identity import actor_of, institute_actor, make_member
from tests.factories.organisation import (
    make_certificate,
    make_contract,
    make_department,
    make_place,
    make_post,
    make_staff,
)
from tests.graphql_api.test_evaluations import ask, at_school, browser, post
from tests.kernel.test_spreadsheets import xlsx

STAFF = """query($n: Int, $after: String) { staff(first: $n, after: $after) { pageInfo { endCursor hasNextPage }
  edges { node { id number name phoneMasked party { name provider { name } contract { number } }
  post { name party { name } place { fullName } } certificates { kind expiresOn } } } } }"""
CREDIT_CODE = "91350100M000100Y43"  # the example of GB 32100-2015
OTHER_CODE = "91330000MA7DEM0X2C"


def test_five_hundred_people_with_nested_relations_cost_the_same_as_five(alpha: Tenant) -> None:
    place = make_place()
    for n in range(5):
        post_ = make_post(party=make_contract(), place=place)
        for i in range(100):
            make_staff(f"员工{n}{i}", post=post_, number=f"G{n}{i:03}")
    for person in Staff.objects.all()[:50]:
        make_certificate(person)
    boss = at_school(alpha)

    def statements(n: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            rows = ask(boss, STAFF, n=n)["staff"]["edges"]
        assert len(rows) == n and rows[0]["node"]["post"]["place"]["fullName"] == place.full_name
        return sum("organisation_" in q["sql"] or "providers_" in q["sql"] for q in seen.captured_queries)

    assert statements(5) == statements(100) <= 8
    everybody: list[str] = []
    after = None
    while True:
        page = ask(boss, STAFF, n=100, after=after)["staff"]
        everybody += [e["node"]["number"] for e in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(set(everybody)) == 500


def test_what_the_list_has_joined_is_not_fetched_again(alpha: Tenant) -> None:
    """Columns of party and post come with the people; anything beyond columns is a loader's, for the whole list."""
    for n in range(3):
        make_staff(f"员工{n}", post=make_post(party=make_contract()), number=f"J{n}")
    boss = at_school(alpha)

    def statements(inside: str) -> tuple[int, list[dict]]:
        with CaptureQueriesContext(connection) as seen:
            edges = ask(boss, f"{{ staff {{ edges {{ node {{ name {inside} }} }} }} }}")["staff"]["edges"]
        return sum("organisation_" in q["sql"] for q in seen.captured_queries), [e["node"] for e in edges]

    alone, _rows = statements("")
    joined, rows = statements("party { id name kind } post { name }")
    assert joined == alone and all(r["party"]["name"] and r["post"]["name"] for r in rows)
    more, rows = statements("party { name contract { number } } post { name place { name } }")
    assert more == alone + 2 and all(r["party"]["contract"]["number"] for r in rows)


def test_a_field_that_fails_leaves_the_others(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain columns take the short way through the execution: refusals and nulls come out as everywhere else."""
    from graphql_api.school_schema import schema

    make_staff("张三", party=make_department())
    boss, fields = at_school(alpha), schema.graphql_schema.type_map["StaffType"].fields

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("internal detail")

    monkeypatch.setattr(fields["leftOn"], "resolve", broken)
    answer = post(boss, "{ staff { edges { node { name leftOn } } } }")
    assert answer["data"]["staff"]["edges"] == [{"node": {"name": "张三", "leftOn": None}}]
    (error,) = answer["errors"]
    assert error["path"] == ["staff", "edges", 0, "node", "leftOn"]
    assert error["extensions"]["code"] == "INTERNAL" and "detail" not in str(answer)
    monkeypatch.setattr(fields["name"], "resolve", lambda *_a, **_k: None)  # NonNull: the row goes
    answer = post(boss, "{ staff { edges { node { name } } } }")
    assert answer["data"]["staff"]["edges"] == [{"node": None}] and len(answer["errors"]) == 1


def test_a_tree_is_built_and_read(alpha: Tenant) -> None:
    boss = at_school(alpha)
    add = """mutation($p: UUID, $k: String!, $n: String!) { addPlace(parentId: $p, kind: $k, name: $n) {
      place { id fullName code } userErrors { code field message } } }"""
    campus = ask(boss, add, k="campus", n="东校区")["addPlace"]["place"]
    building = ask(boss, add, p=campus["id"], k="building", n="1号楼")["addPlace"]["place"]
    refused = ask(boss, add, p=campus["id"], k="building", n="1号楼")["addPlace"]
    assert refused["place"] is None and refused["userErrors"][0]["code"] == "place_name_taken"
    assert refused["userErrors"][0]["field"] == "name"
    floors = ask(
        boss,
        "mutation($b: UUID!) { addFloors(buildingId: $b, first: 1, last: 3) { places { name } userErrors { code } } }",
        b=building["id"],
    )
    assert [p["name"] for p in floors["addFloors"]["places"]] == ["1层", "2层", "3层"]
    tree = ask(
        boss, '{ places(kind: "campus") { edges { node { children { name parent { name } children { name } } } } } }'
    )
    (node,) = tree["places"]["edges"]
    assert node["node"]["children"][0]["parent"]["name"] == "东校区"
    assert len(node["node"]["children"][0]["children"]) == 3
    found = ask(boss, "query($c: String!) { placeOfCode(code: $c) { fullName } }", c=campus["code"].lower())
    assert found["placeOfCode"]["fullName"] == "东校区"


LABELS = """query($w: UUID, $k: String, $s: String) { placeLabels(within: $w, kind: $k, size: $s) { count url } }"""


def test_labels_are_offered_with_the_address_of_their_pdf(alpha: Tenant, settings: object) -> None:
    if not (fonts.target_dir() / "NotoSansSC-Regular.ttf").exists():
        settings.FONT_DIR = str(fonts.ROOT / "var" / "fonts")  # type: ignore[attr-defined]
    campus = make_place("东校区")
    for n in range(13):
        make_place(f"{n}号楼", parent=campus)
    worker = at_school(alpha, Role.FRONTLINE)  # places are no secret among those who work here, as on the page
    offered = ask(worker, LABELS, w=campus.pk, k="building", s="medium")["placeLabels"]
    assert offered == {"count": 13, "url": f"/files/labels/?within={campus.pk}&kind=building&size=medium"}
    assert ask(worker, "{ placeLabels { count } }")["placeLabels"] == {"count": 14}
    answer = worker.get(offered["url"])
    assert answer["Content-Type"] == "application/pdf" and answer.content.startswith(b"%PDF")
    assert len(PdfReader(io.BytesIO(answer.content)).pages) == 2


def test_labels_are_fetched_with_a_token_that_may_read_places_and_no_other(alpha: Tenant, settings: object) -> None:
    if not (fonts.target_dir() / "NotoSansSC-Regular.ttf").exists():
        settings.FONT_DIR = str(fonts.ROOT / "var" / "fonts")  # type: ignore[attr-defined]
    make_place("东校区")
    nobody = Client(headers={"host": "alpha.localhost"})

    def fetch(*scopes: str) -> int:
        boss = actor_of(make_member(Role.SCHOOL_ADMIN, tenant=alpha))
        _token, secret = identity.create_token(name="标签", scopes=scopes, days=1, by=boss, now=clock.now())
        return nobody.get("/files/labels/", headers={"authorization": f"Bearer {secret}"}).status_code

    assert (fetch("organisation:read"), fetch("findings:read")) == (200, 422)
    assert nobody.get("/files/labels/").status_code == 302


def test_labels_that_cannot_be_printed_are_refused_by_name(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    make_place("东校区")
    boss = at_school(alpha)
    for given, code in (
        ({"k": "point"}, "NO_LABELS"), ({"s": "huge"}, "INVALID"), ({"w": str(uuid4())}, "NOT_FOUND"),
    ):  # fmt: skip
        answer = post(boss, LABELS, **given)
        assert (answer["data"]["placeLabels"], answer["errors"][0]["extensions"]["code"]) == (None, code)
    for query, code in (("kind=point", "no_labels"), ("within=x", "not_found"), ("size=huge", "invalid")):
        refused = boss.get(f"/files/labels/?{query}")
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    monkeypatch.setattr(labels, "MOST_LABELS", 0)
    assert post(boss, LABELS)["errors"][0]["extensions"]["code"] == "TOO_MANY_LABELS"


def test_a_contract_finds_or_makes_its_company(alpha: Tenant) -> None:
    boss = at_school(alpha)
    add = """mutation($c: String!, $i: ContractInput!) { addContract(creditCode: $c, providerName: "福建某物业",
      input: $i) { party { name provider { name creditCode } contract { lines monthlyFee } } userErrors { code field } } }"""
    values = {
        "name": "某物业", "number": "HT-1", "lines": ["cleaning"], "startsOn": "2026-01-01", "endsOn": "2026-12-31",
        "monthlyFee": "88000.50",
    }  # fmt: skip
    wrong = ask(boss, add, c=CREDIT_CODE[:-1] + "9", i=values)["addContract"]
    assert wrong["userErrors"] == [{"code": "credit_code_wrong", "field": "credit_code"}]
    assert not Contract.objects.exists()
    party = ask(boss, add, c=CREDIT_CODE.lower(), i=values)["addContract"]["party"]
    assert party["provider"] == {"name": "福建某物业", "creditCode": CREDIT_CODE}
    assert party["contract"]["monthlyFee"] == "88000.50"


def test_numbers_are_masked_and_shown_on_the_record_only(alpha: Tenant) -> None:
    person = make_staff("张三", phone="13800138000", id_card="11010519491231002X")
    fields = {f.name for f in Staff._meta.fields if "sealed" in f.name or "index" in f.name}
    boss = at_school(alpha)
    for name in fields:
        camel = "".join(w.capitalize() if i else w for i, w in enumerate(name.split("_")))
        assert post(boss, f"{{ staff {{ edges {{ node {{ {camel} }} }} }} }}")["errors"]
    see = """mutation($s: UUID!) { revealStaffNumber(staffId: $s, what: "phone") { number userErrors { code } } }"""
    assert ask(boss, see, s=person.pk)["revealStaffNumber"]["number"] == "13800138000"
    supervisor = at_school(alpha, Role.SCHOOL_SUPERVISOR)
    assert ask(supervisor, see, s=person.pk)["revealStaffNumber"] == {
        "number": None,
        "userErrors": [{"code": "not_allowed"}],
    }


def test_companies_and_workers_see_their_own(alpha: Tenant) -> None:
    provider_id = uuid4()
    own, other = make_contract(provider_id=provider_id), make_department()
    mine, theirs = make_staff("甲", party=own), make_staff("乙", party=other)
    manager = at_school(alpha, Role.PROVIDER_MANAGER, provider_id=provider_id)
    seen = ask(manager, "{ staff { edges { node { id } } } parties { edges { node { id } } } }")
    assert [e["node"]["id"] for e in seen["staff"]["edges"]] == [str(mine.pk)]
    assert [e["node"]["id"] for e in seen["parties"]["edges"]] == [str(own.pk)]
    one = "query($i: UUID!) { staffMember(id: $i) { name } }"
    assert post(manager, one, i=theirs.pk)["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    add = """mutation { addDepartment(name: "新") { party { id } userErrors { code } } }"""
    assert ask(manager, add)["addDepartment"]["userErrors"] == [{"code": "not_allowed"}]


def test_another_schools_ids_are_not_found(alpha: Tenant, beta: Tenant) -> None:
    with school_context(beta):
        place, person = make_place(), make_staff()
    boss = at_school(alpha)
    for query, key in (
        ("query($i: UUID!) { place(id: $i) { name } }", place.pk),
        ("query($i: UUID!) { staffMember(id: $i) { name } }", person.pk),
        ("query($i: UUID!) { party(id: $i) { name } }", person.party_id),
    ):
        assert post(boss, query, i=key)["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    move = "mutation($i: UUID!) { setPlaceActive(placeId: $i, active: false) { userErrors { code } } }"
    assert ask(boss, move, i=place.pk)["setPlaceActive"]["userErrors"] == [{"code": "not_found"}]


def test_an_import_through_the_api(alpha: Tenant, settings: object, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    boss = at_school(alpha)
    content = base64.b64encode(
        xlsx([["上级场所", "名称", "类别"], ["", "东校区", "校区"], ["没有", "楼", "楼栋"]])
    ).decode()
    start = """mutation($c: String!) { startImport(what: "places", fileName: "a.xlsx", content: $c) {
      job { id state } userErrors { code } } }"""
    assert ask(boss, start, c="%%%")["startImport"]["userErrors"] == [{"code": "invalid"}]
    job = ask(boss, start, c=content)["startImport"]["job"]
    flow.check_job(job_id=job["id"], tenant=alpha, clock=clock.now)
    told = ask(boss, "query($i: UUID!) { job(id: $i) { state percent result downloadUrl } }", i=job["id"])["job"]
    assert told["state"] == "done" and told["result"]["counts"]["new"] == 1 and told["downloadUrl"]
    confirm = "mutation($i: UUID!) { confirmImport(jobId: $i) { job { id kind } userErrors { code } } }"
    applying = ask(boss, confirm, i=job["id"])["confirmImport"]["job"]
    flow.apply_job(job_id=applying["id"], tenant=alpha, clock=clock.now)
    assert Place.objects.get().name == "东校区"
    with CaptureQueriesContext(connection) as seen:
        assert len(ask(boss, "{ jobs { edges { node { title result } } } }")["jobs"]["edges"]) == 2
    assert sum("jobs_job" in q["sql"] for q in seen.captured_queries) == 2
    colleague = at_school(alpha)
    assert ask(colleague, confirm, i=job["id"])["confirmImport"]["userErrors"] == [{"code": "not_found"}]
    assert Job.objects.count() == 2


def test_the_institute_lists_companies(db: None) -> None:
    from identity.models import Account

    admin = browser("", Account.objects.get(pk=institute_actor().account_id))
    register = """mutation($c: String!) { registerProvider(creditCode: $c, name: "福建某物业") {
      provider { id name } userErrors { code } } }"""
    one = ask(admin, register, c=CREDIT_CODE)["registerProvider"]["provider"]
    assert ask(admin, register, c=CREDIT_CODE)["registerProvider"]["provider"] == one
    rename = """mutation($i: UUID!) { renameProvider(providerId: $i, name: "福建某某物业") { provider { name } userErrors { code } } }"""
    assert ask(admin, rename, i=one["id"])["renameProvider"]["provider"]["name"] == "福建某某物业"
    listed = ask(admin, '{ providers(search: "9135") { edges { node { name creditCode } } } }')
    assert [e["node"]["name"] for e in listed["providers"]["edges"]] == ["福建某某物业"]
    correct = """mutation($i: UUID!, $c: String!) { correctProvider(providerId: $i, name: "福建某某物业", creditCode: $c) {
      provider { creditCode } userErrors { code field } } }"""
    wrong = ask(admin, correct, i=one["id"], c=CREDIT_CODE[:-1] + "9")["correctProvider"]
    assert wrong == {"provider": None, "userErrors": [{"code": "credit_code_wrong", "field": "credit_code"}]}
    assert ask(admin, correct, i=one["id"], c=OTHER_CODE)["correctProvider"]["provider"] == {"creditCode": OTHER_CODE}
    assert ask(admin, "{ providers(serving: true) { edges { node { name } } } }")["providers"]["edges"] == []
    read = "query($i: UUID!) { provider(id: $i) { name creditCode schools } }"
    assert ask(admin, read, i=one["id"])["provider"] == {"name": "福建某某物业", "creditCode": OTHER_CODE, "schools": 0}
    analyst = browser("", Account.objects.get(pk=institute_actor(Role.INSTITUTE_ANALYST).account_id))
    assert ask(analyst, rename, i=one["id"])["renameProvider"]["userErrors"] == [{"code": "not_allowed"}]
    refused = ask(analyst, correct, i=one["id"], c=CREDIT_CODE)["correctProvider"]
    assert refused == {"provider": None, "userErrors": [{"code": "not_allowed", "field": None}]}
    assert ask(analyst, read, i=one["id"])["provider"]["creditCode"] == OTHER_CODE


def test_a_list_of_companies_costs_the_same_however_long(alpha: Tenant) -> None:
    from identity.models import Account

    admin = browser("", Account.objects.get(pk=institute_actor().account_id))

    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            ask(admin, "{ providers(first: 100) { edges { node { name schools } } } }")
        return sum("providers_" in q["sql"] for q in seen.captured_queries)

    Provider.objects.create(name="一家", credit_code="1")
    few = statements()
    for n in range(30):
        Provider.objects.create(name=f"公司{n}", credit_code=f"C{n}")
    assert statements() == few


@pytest.mark.parametrize("role", [Role.SCHOOL_SUPERVISOR, Role.SCHOOL_LEADER, Role.FRONTLINE])
def test_only_the_admin_writes(alpha: Tenant, role: Role) -> None:
    other = at_school(alpha, role)
    add = """mutation { addPlace(kind: "campus", name: "新") { place { id } userErrors { code } } }"""
    assert ask(other, add)["addPlace"]["userErrors"] == [{"code": "not_allowed"}]
    assert not Place.objects.exists()
