"""Findings, inspections, inbox and timeline through the API: a whole cycle, refusals as data, constant cost."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account
from kernel import clock
from kernel.tenancy import Tenant
from tenants.findings import operations
from tenants.findings.models import Finding
from tenants.timeline.operations import record
from tests.factories.findings import make_closed, make_finding, make_member, make_photo, make_submitted, picture
from tests.factories.inspections import make_inspection
from tests.factories.organisation import make_department, make_line, make_party, make_place
from tests.factories.rubrics import make_rubric

HOST = {"host": "alpha.localhost"}
NOW = clock.now()
ERRORS = "userErrors { code field message }"


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def signed(actor: Actor) -> Client:
    client = Client(headers=HOST)
    client.force_login(Account.objects.get(pk=actor.account_id))
    return client


def ask(client: Client, query: str, **variables: Any) -> dict[str, Any]:
    answer = client.post(
        "/graphql/", json.dumps({"query": query, "variables": variables}, default=str), content_type="application/json"
    )
    body: dict[str, Any] = answer.json()
    assert "errors" not in body, body
    found: dict[str, Any] = body["data"]
    return found


def upload(client: Client, seed: int) -> str:
    sent = client.post("/files/", {"file": SimpleUploadedFile("a.jpg", picture(seed), "image/jpeg")})
    return str(sent.json()["id"])


def test_the_whole_chain_by_api(alpha: Tenant) -> None:
    party, place, rubric = make_party("contract"), make_place(), make_rubric()
    make_line("cleaning", party=party)
    supervisor = signed(make_member(alpha))
    manager = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id))
    started = ask(
        supervisor,
        "mutation($p: UUID!, $r: UUID) { startInspection(placeId: $p, rubricId: $r) { inspection { id number "
        "results { itemId text points verdict } } %s } }" % ERRORS,
        p=place.pk, r=rubric.pk,
    )["startInspection"]["inspection"]  # fmt: skip
    item = started["results"][0]
    assert item["text"] == "检查内容 1.1" and item["points"] == "30.00"
    answered = ask(
        supervisor,
        "mutation($i: UUID!, $t: UUID!, $f: [UUID!]) { answerItem(inspectionId: $i, itemId: $t, verdict: \"fail\", "
        "note: \"地面有烟头\", photoIds: $f, clientKey: \"a1\") { inspection { findings { id number status overdue "
        "place { name } photos { url } } answer { solved total } } %s } }" % ERRORS,
        i=started["id"], t=item["itemId"], f=[upload(supervisor, 1)],
    )["answerItem"]  # fmt: skip
    assert answered["userErrors"] == [] and answered["inspection"]["answer"] == {"solved": False, "total": 1}
    found = answered["inspection"]["findings"][0]
    assert supervisor.get(found["photos"][0]["url"]).status_code == 200
    fixed = ask(
        manager,
        "mutation($f: UUID!, $p: [UUID!]!) { submitFix(findingId: $f, photoIds: $p) { finding { status "
        "afterPhotos { id } steps { kind actorName photos { thumbUrl } } } %s } }" % ERRORS,
        f=found["id"], p=[upload(manager, 2)],
    )["submitFix"]  # fmt: skip
    assert fixed["finding"]["status"] == "verifying" and len(fixed["finding"]["afterPhotos"]) == 1
    verify = "mutation($f: UUID!) { verifyFix(findingId: $f) { finding { status closedByName } %s } }" % ERRORS
    refused = ask(manager, verify, f=found["id"])["verifyFix"]
    assert (refused["finding"], refused["userErrors"][0]["code"]) == (None, "fixer_never_closes")
    assert ask(supervisor, verify, f=found["id"])["verifyFix"]["finding"]["status"] == "closed"
    done = ask(
        supervisor,
        "mutation($i: UUID!) { finishInspection(inspectionId: $i) { inspection { status answer { solved } } %s } }" % ERRORS,
        i=started["id"],
    )["finishInspection"]  # fmt: skip
    assert done["inspection"] == {"status": "done", "answer": {"solved": True}}


def test_other_steps_and_refusals(alpha: Tenant) -> None:
    admin = signed(make_member(alpha, Role.SCHOOL_ADMIN))
    place, party = make_place(), make_department()
    opened = ask(
        admin,
        "mutation($p: UUID!, $y: UUID) { openFinding(placeId: $p, partyId: $y, title: \"灯坏了\", line: \"repair\", "
        "severity: \"major\", clientKey: \"k\") { finding { id number deadline } %s } }" % ERRORS,
        p=place.pk, y=party.pk,
    )["openFinding"]["finding"]  # fmt: skip
    call = {"f": opened["id"]}
    for mutation in (
        'commentFinding(findingId: $f, text: "请尽快")',
        f'changeDeadline(findingId: $f, deadline: "{clock.now() + timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}", reason: "备件")',
        "assignVerifier(findingId: $f)",
        'startFix(findingId: $f, cause: "老化")',
    ):
        name = mutation.split("(")[0]
        assert ask(admin, "mutation($f: UUID!) { %s { %s } }" % (mutation, ERRORS), **call)[name]["userErrors"] == []
    void = 'mutation($f: UUID!) { voidFinding(findingId: $f, reason: "误开") { %s } }' % ERRORS
    assert ask(admin, void, **call)["voidFinding"]["userErrors"][0]["code"] == "not_allowed"  # has begun the fix
    other = signed(make_member(alpha, Role.SCHOOL_ADMIN))
    assert ask(other, void, **call)["voidFinding"]["userErrors"] == []
    again = ask(admin, 'mutation($f: UUID!) { reopenFinding(findingId: $f, reason: "x") { %s } }' % ERRORS, **call)
    assert again["reopenFinding"]["userErrors"][0]["code"] == "finding_wrong_move"
    bad = ask(
        admin, 'mutation($p: UUID!) { openFinding(placeId: $p, title: "x", line: "magic") { %s } }' % ERRORS, p=place.pk
    )
    assert bad["openFinding"]["userErrors"][0]["field"] == "title"
    rule = ask(
        admin,
        'mutation { setSeverityRule(severity: "minor", hours: 9, leaderAfterHours: 2) { rule { hours } %s } }' % ERRORS,
    )
    assert rule["setSeverityRule"]["rule"] == {"hours": 9}
    assert {"severity": "minor", "hours": 9} in ask(admin, "{ severityRules { severity hours } }")["severityRules"]


def test_lists_and_numbers(alpha: Tenant) -> None:
    by = make_member(alpha)
    client, place = signed(by), make_place()
    make_finding(alpha, by=by, place=place)
    make_submitted(alpha, by=by)
    listed = ask(
        client,
        "query($p: UUID) { findings(placeId: $p) { totalCount edges { node { title place { id } } } } }",
        p=place.pk,
    )
    assert listed["findings"]["totalCount"] == 1
    assert ask(client, "{ findingCounts { mine overdue unsolved closed all } }")["findingCounts"] == {
        "mine": 1, "overdue": 0, "unsolved": 2, "closed": 0, "all": 2,
    }  # fmt: skip
    period = {"s": NOW - timedelta(days=1), "e": NOW + timedelta(days=30)}
    measures = ask(
        client,
        "query($s: DateTime!, $e: DateTime!) { findingMeasures(starts: $s, ends: $e) { code numerator denominator n coverage } "
        "inspectionCoverage(starts: $s, ends: $e) { code numerator denominator coverage } "
        "placeCoverage(starts: $s, ends: $e) { edges { node { placeName inspections } } } }",
        **period,
    )
    assert measures["findingMeasures"][0] == {
        "code": "findings_raised", "numerator": 2, "denominator": 1, "n": 2, "coverage": "1",
    }  # fmt: skip
    assert measures["inspectionCoverage"][0]["code"] == "inspection_coverage"
    assert measures["inspectionCoverage"][0]["coverage"] == "1"
    inbox = ask(client, "{ unreadNotices notices(unread: true) { edges { node { id title path } } } }")
    assert inbox["unreadNotices"] == 1
    read = ask(client, "mutation { markNoticesRead { count %s } }" % ERRORS)
    assert read["markNoticesRead"]["count"] == 1
    events = ask(client, '{ events(first: 2, verb: "finding") { olderThan rows { verb sentence actorName } } }')[
        "events"
    ]
    assert len(events["rows"]) == 2 and events["olderThan"]
    older = ask(client, "query($b: String) { events(before: $b) { olderThan rows { verb } } }", b=events["olderThan"])
    assert len(older["events"]["rows"]) == 1 and older["events"]["olderThan"] is None


def test_a_company_reads_its_own_and_no_totals(alpha: Tenant) -> None:
    party = make_party("contract")
    client = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id))
    own, other = make_finding(alpha, party=party), make_finding(alpha)
    rows = ask(client, "{ findings { edges { node { id } } } }")["findings"]["edges"]
    assert [r["node"]["id"] for r in rows] == [str(own.pk)]
    assert ask(client, "query($i: UUID!) { finding(id: $i) { id } }", i=other.pk) == {"finding": None}
    told = ask(client, "{ events(first: 50) { rows { subjectId partyId } } }")["events"]["rows"]
    assert {(r["subjectId"], r["partyId"]) for r in told} == {(str(own.pk), str(party.pk))}
    asked = "query($p: UUID) { events(partyId: $p) { rows { verb } } }"
    assert ask(client, asked, p=str(other.party_id)) == {"events": {"rows": []}}
    comment = 'mutation($f: UUID!) { commentFinding(findingId: $f, text: "x") { %s } }' % ERRORS
    assert ask(client, comment, f=other.pk)["commentFinding"]["userErrors"][0]["code"] == "not_found"
    assert ask(client, comment, f=uuid4())["commentFinding"]["userErrors"][0]["code"] == "not_found"


def test_a_list_of_many_costs_as_many_queries_as_one_of_few(alpha: Tenant) -> None:
    by, place = make_member(alpha), make_place()
    client = signed(by)
    query = (
        "{ findings(first: 40) { edges { node { number place { name } party { name } photos { url } "
        "steps { kind photos { url } } } } } "
        "inspections(first: 40) { edges { node { number results { text verdict } answer { solved } findings { number } "
        "rechecks { solved } } } } }"
    )

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            ask(client, query)
        return sum("schools_domain" not in q["sql"] and "search_path" not in q["sql"] for q in queries)

    def more() -> None:
        walk = make_inspection(alpha, by=by, place=place)
        from tenants.inspections import operations

        operations.answer(
            inspection_id=walk.pk, item_id=walk.results.first().item_id, verdict="fail", by=by, tenant=alpha, now=NOW,
            photo_ids=[make_photo(alpha, by).pk],
        )  # fmt: skip

    more()
    few = cost()
    for _ in range(6):
        more()
    assert Finding.objects.count() == 7
    assert cost() <= few < 20  # the first request also fills caches


def test_more_time_owner_and_conclusion_by_api(alpha: Tenant) -> None:
    party = make_party("contract")
    manager = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id))
    boss, admin = signed(make_member(alpha)), signed(make_member(alpha, Role.SCHOOL_ADMIN))
    found = make_finding(alpha, party=party)
    asked = ask(
        manager,
        "mutation($i: UUID!, $d: DateTime!) { askExtension(findingId: $i, deadline: $d, reason: \"等备件\") "
        "{ finding { extensions { id status statusLabel reason } } %s } }" % ERRORS,
        i=found.pk, d=(found.deadline + timedelta(days=5)).isoformat(),
    )["askExtension"]["finding"]["extensions"]  # fmt: skip
    assert asked[0]["statusLabel"] == "待答复"
    grant = "mutation($e: UUID!) { grantExtension(extensionId: $e) { finding { extended } %s } }" % ERRORS
    assert ask(manager, grant, e=asked[0]["id"])["grantExtension"]["userErrors"][0]["code"] == "not_allowed"
    waiting = ask(boss, "{ extensionsWaiting { totalCount edges { node { findingId } } } }")["extensionsWaiting"]
    assert waiting["edges"] == [{"node": {"findingId": str(found.pk)}}]
    assert ask(boss, grant, e=asked[0]["id"])["grantExtension"]["finding"] == {"extended": 1}
    ladder = (
        "mutation { setLadder(severity: \"minor\", steps: [{afterHours: 0, whom: [\"party\"]}]) "
        "{ steps { level afterHours whom } %s } }" % ERRORS
    )  # fmt: skip
    assert ask(boss, ladder)["setLadder"]["userErrors"][0]["code"] == "not_allowed"
    assert ask(admin, ladder)["setLadder"]["steps"] == [{"level": 1, "afterHours": 0, "whom": ["party"]}]
    rule = 'mutation { setRepeatRule(days: 60, factor: "2.00") { rule { days factor } %s } }' % ERRORS
    assert ask(admin, rule)["setRepeatRule"]["rule"] == {"days": 60, "factor": "2.00"}
    assert ask(boss, "{ repeatRule { days } }") == {"repeatRule": {"days": 60}}
    times = (
        'mutation { setSeverityRule(severity: "minor", hours: 100, leaderAfterHours: 5, verifyHours: 6, extensions: 0) '
        "{ rule { severity hours leaderAfterHours verifyHours extensions extensionDays } %s } }" % ERRORS
    )
    saved = {
        "severity": "minor", "hours": 100, "leaderAfterHours": 5, "verifyHours": 6, "extensions": 0, "extensionDays": 30
    }  # fmt: skip
    assert ask(admin, times)["setSeverityRule"]["rule"] == saved
    known = "{ severityRules { severity hours leaderAfterHours verifyHours extensions extensionDays } }"
    assert saved in ask(boss, known)["severityRules"]


def test_changed_plans_a_conclusion_may_name(alpha: Tenant) -> None:
    by, found = make_member(alpha), make_closed(alpha)
    event = record(verb="rubric.edited", sentence="卫生间改为每日三扫", subject=make_rubric(), by=by)
    record(verb="patrol.walked", sentence="走了一圈", subject=found, by=by)  # no plan
    asked = "query($i: UUID!) { findingPlanChanges(findingId: $i) { key sentence subjectType } }"
    rows = ask(signed(by), asked, i=found.pk)["findingPlanChanges"]
    assert rows == [{"key": str(event.pk), "sentence": "卫生间改为每日三扫", "subjectType": "rubrics.rubric"}]
    conclude = (
        'mutation($i: UUID!, $k: String) { setConsequence(findingId: $i, consequence: "plan", planEvent: $k) '
        "{ finding { planEvent } %s } }" % ERRORS
    )
    assert ask(signed(by), conclude, i=found.pk, k=rows[0]["key"])["setConsequence"]["finding"]["planEvent"] == str(
        event.pk
    )
    company = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=found.party.provider_id)
    stranger = make_member(alpha, Role.FRONTLINE)
    for other in (company, stranger):
        assert ask(signed(other), asked, i=found.pk)["findingPlanChanges"] == []


def test_requests_for_time_cost_the_same_for_many_findings(alpha: Tenant) -> None:
    party = make_party("contract")
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    boss = signed(make_member(alpha))
    query = "{ findings(first: 50) { edges { node { number needsConsequence extensions { reason } } } } }"

    def cost() -> int:
        with CaptureQueriesContext(connection) as spent:
            ask(boss, query)
        return len(spent)

    for n in range(2):
        found = make_finding(alpha, party=party, title=f"问题{n}号")
        operations.ask_extension(
            finding_id=found.pk, deadline=found.deadline + timedelta(days=1), reason="x", by=manager, tenant=alpha,
            now=clock.now(),
        )  # fmt: skip
    ask(boss, query)  # the session and the roles are known from here on
    few = cost()
    for n in range(6):
        make_finding(alpha, party=party, title=f"又一问题{n}号")
    assert cost() == few
