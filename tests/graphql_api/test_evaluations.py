"""Evaluations and the benchmark through the API: read, write, refusals as data, constant queries."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from identity.choices import Role
from identity.models import Account, Membership
from institute.benchmarking import operations as benchmarking
from kernel import clock
from kernel.tenancy import Tenant, school_context
from tenants.evaluations.models import Deduction, Round
from tests.factories.benchmarking import OCTOBER, analyst, make_fact, make_metric, make_peer
from tests.factories.evaluations import any_rubric, closed_round, hand_in_all, make_round
from tests.factories.findings import make_member
from tests.factories.organisation import make_contract

ROUNDS = """query($n: Int) { rounds(first: $n) { totalCount edges { node { id title partyName status score grade result
  sources { name weight mode entries { raw areaId submittedAt } } areas { name }
  deductions { itemKey nominal cost round { title } } } } } }"""
CREATE = """mutation($party: UUID!, $rubric: UUID!, $sources: [SourceInput!]!) { createRound(kind: "monthly",
  startsOn: "2026-10-01", endsOn: "2026-10-31", partyId: $party, rubricId: $rubric, sources: $sources) {
  round { id title sources { id name mode } areas { id } } userErrors { code field message } } }"""


def browser(host: str, account: Account) -> Client:
    client = Client(headers={"host": f"{host}.localhost" if host else "localhost"})
    client.force_login(account)
    return client


def at_school(tenant: Tenant, role: Role = Role.SCHOOL_ADMIN, **member: object) -> Client:
    return browser(tenant.slug, Account.objects.get(pk=make_member(tenant, role, **member).account_id))


def post(client: Client, query: str, **variables: Any) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables}, default=str)
    answer: dict[str, Any] = client.post("/graphql/", body, content_type="application/json").json()
    return answer


def ask(client: Client, query: str, **variables: Any) -> dict[str, Any]:
    answer = post(client, query, **variables)
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]
    return found


def test_a_round_from_draft_to_document(alpha: Tenant) -> None:
    boss = at_school(alpha)
    values = {"party": make_contract("清源物业").pk, "rubric": any_rubric().pk}
    sheet = {"name": "后勤处", "weight": "70", "mode": "sheet", "takesFindings": True}
    wrong = ask(boss, CREATE, **values, sources=[sheet])["createRound"]
    assert wrong["round"] is None and wrong["userErrors"][0]["code"] == "weights_not_100"
    odd = ask(boss, CREATE, **values, sources=[{**sheet, "mode": "guess"}])["createRound"]
    assert odd["userErrors"][0] == {"code": "invalid", "field": "mode", "message": odd["userErrors"][0]["message"]}
    made = ask(boss, CREATE, **values, sources=[sheet, {"name": "使用单位", "weight": "30"}])["createRound"]["round"]
    assert made["title"] == "2026年10月月度考核 · 清源物业"
    cell = {"r": made["id"], "a": made["areas"][0]["id"], "s": made["sources"][0]["id"]}
    ask(boss, "mutation($r: UUID!) { openRound(roundId: $r) { round { status } userErrors { code } } }", r=cell["r"])
    item = Round.objects.get().sheet["sections"][0]["items"][0]["id"]
    deduct = """mutation($r: UUID!, $s: UUID!, $a: UUID!, $i: String!, $k: UUID!) { deduct(roundId: $r, sourceId: $s,
      areaId: $a, itemKey: $i, occurrences: 4, reason: "积水", deductionId: $k) { deduction { id nominal }
      userErrors { code } } }"""
    key = uuid4()
    for _twice in range(2):
        assert ask(boss, deduct, **cell, i=item, k=key)["deduct"]["deduction"]["id"] == str(key)
    assert Deduction.objects.count() == 1
    ask(
        boss,
        "mutation($r: UUID!, $s: UUID!, $a: UUID!) { handInSheet(roundId: $r, sourceId: $s, areaId: $a) {"
        " entry { submittedByName } userErrors { code } } }",
        **cell,
    )
    compute = "mutation($r: UUID!) { computeRound(roundId: $r) { round { score grade digest } userErrors { code } } }"
    assert ask(boss, compute, r=cell["r"])["computeRound"]["userErrors"][0]["code"] == "round_incomplete"
    ask(
        boss,
        'mutation($r: UUID!, $s: UUID!, $a: UUID!) { giveScore(roundId: $r, sourceId: $s, areaId: $a, raw: "92.5") {'
        " entry { raw } userErrors { code } } }",
        **{**cell, "s": made["sources"][1]["id"]},
    )
    scored = ask(boss, compute, r=cell["r"])["computeRound"]["round"]
    assert (scored["score"], scored["grade"]) == ("94.95", "优秀")
    close = """mutation($r: UUID!, $d: String) { closeRound(roundId: $r, digest: $d) { round { status }
      userErrors { code } } }"""
    assert ask(boss, close, r=cell["r"], d="else")["closeRound"]["userErrors"][0]["code"] == "round_changed"
    assert ask(boss, close, r=cell["r"], d=scored["digest"])["closeRound"]["round"]["status"] == "closed"
    assert ask(boss, close, r=cell["r"])["closeRound"]["userErrors"][0]["code"] == "round_closed"


def test_the_list_costs_the_same_for_two_and_for_six(alpha: Tenant, django_assert_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    boss = at_school(alpha)
    closed_round(alpha, party=make_contract(), month=4)
    closed_round(alpha, party=make_contract(), month=5)
    ask(boss, ROUNDS, n=10)
    with CaptureQueriesContext(
        connection,
    ) as few:
        ask(boss, ROUNDS, n=10)
    for month in (6, 7, 8, 9):
        closed_round(alpha, party=make_contract(), month=month)
    with CaptureQueriesContext(connection) as many:
        answer = ask(boss, ROUNDS, n=10)["rounds"]
    # Whose host it is and who asks may be remembered or not; only the rows of rounds count.
    cost = [sum("evaluations_" in q["sql"] for q in seen.captured_queries) for seen in (few, many)]
    assert answer["totalCount"] == 6 and cost[0] == cost[1] > 0
    node = answer["edges"][0]["node"]
    assert node["score"] == "97.00" and node["result"]["score"] == "97.00" and len(node["sources"]) == 2


def test_an_open_round_tells_no_score(alpha: Tenant) -> None:
    row = make_round(alpha)
    hand_in_all(row, alpha)
    node = ask(at_school(alpha), ROUNDS)["rounds"]["edges"][0]["node"]
    assert node["score"] is None and node["result"] is None and node["grade"] == ""


def test_other_schools_and_other_companies_find_nothing(alpha: Tenant, beta: Tenant) -> None:
    with school_context(beta):
        theirs = closed_round(beta)
    ours, other = make_contract(), closed_round(alpha, party=make_contract())
    one = "query($id: UUID!) { round(id: $id) { title } }"
    close = "mutation($id: UUID!) { closeRound(roundId: $id) { userErrors { code } } }"
    boss = at_school(alpha)
    assert post(boss, one, id=theirs.pk)["data"]["round"] is None
    assert ask(boss, close, id=theirs.pk)["closeRound"]["userErrors"][0]["code"] == "not_found"
    company = at_school(alpha, Role.PROVIDER_MANAGER, provider_id=ours.provider_id)
    assert post(company, one, id=other.pk)["data"]["round"] is None
    assert ask(company, "{ rounds { edges { node { id } } } }")["rounds"]["edges"] == []
    assert ask(company, close, id=other.pk)["closeRound"]["userErrors"][0]["code"] == "not_allowed"
    assert "errors" in post(at_school(alpha, Role.FRONTLINE), "{ rounds { edges { node { id } } } }")


# --- Benchmark ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_institute_compares_and_publishes() -> None:
    make_metric()
    for n in range(8):
        make_fact(make_peer(n), 80 + n)
    account = Account.objects.create_user("analyst", name="分析员")
    Membership.objects.create(account=account, role=Role.INSTITUTE_ANALYST)
    client = browser("", account)
    answer = ask(
        client,
        """{ benchmark(metric: "round_score", month: "2026-10-01", mode: "mixed") { ranked spread meanCoverage
        metric { name unit } lines(first: 3) { totalCount edges { node { name value place quarter n coverage badge } } } }
        facts(metric: "round_score", first: 100) { edges { node { schoolId numerator denominator } } } }""",
    )
    lines = answer["benchmark"]["lines"]
    assert answer["benchmark"]["ranked"] == 8 and lines["totalCount"] == 8 and len(answer["facts"]["edges"]) == 8
    assert lines["edges"][0]["node"] == {
        "name": "对标007大学", "value": "87.00", "place": 1, "quarter": 1, "n": 1, "coverage": "1.0000", "badge": "full",
    }  # fmt: skip
    publish = """mutation { publishBenchmark(month: "2026-10-01") { publication { edition } userErrors { code } } }"""
    assert ask(client, publish)["publishBenchmark"]["publication"]["edition"] == 1
    assert ask(client, publish)["publishBenchmark"]["userErrors"][0]["code"] == "already_published"


def test_a_school_asks_for_its_own_place(alpha: Tenant) -> None:
    make_metric()
    from institute.schools.models import School

    for n in range(8):
        make_fact(make_peer(n), 80 + n)
    make_fact(School.objects.get(slug="alpha"), 99)
    benchmarking.publish(month=OCTOBER, by=analyst(), now=clock.now())
    query = """{ ownBenchmark { month metrics { metric { code } value fact { numerator n }
      positions { dimension quarter peers silence } } } }"""
    own = ask(at_school(alpha, Role.SCHOOL_LEADER), query)["ownBenchmark"]
    assert own["month"] == "2026-10-01" and Decimal(own["metrics"][0]["value"]) == 99
    assert own["metrics"][0]["positions"][0] == {"dimension": "all", "quarter": 1, "peers": 8, "silence": ""}
    company = at_school(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4())
    assert "errors" in post(company, query)
    assert "errors" in post(at_school(alpha), "{ facts { edges { node { schoolId } } } }")  # not on a school's host
