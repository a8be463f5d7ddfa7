"""Patrols through the API: a route, a tour from start to explanation, constant cost."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.tenancy import Tenant
from tenants.patrols import operations
from tests.factories.findings import make_member
from tests.factories.organisation import make_contract, make_place
from tests.factories.patrols import due_tour, make_guard, make_route, walk
from tests.graphql_api.test_findings import ERRORS, ask, signed

NOW = clock.now()
LIST = "{ patrolTours(first: 50) { edges { node { number status credibility route { name party { name } points { place { name } questions { text } } windows { startMinute } } stops { status place { name } answers { answer } } doubts { sentence } findings { number } } } } }"


def test_a_tour_from_route_to_explanation(alpha: Tenant) -> None:
    party, one, two = make_contract(), make_place(), make_place()
    supervisor = signed(make_member(alpha))
    saved = ask(
        supervisor,
        "mutation($p: UUID!, $pts: [PatrolPointInput!]!, $w: [PatrolWindowInput!]!) { savePatrolRoute(name: \"夜巡\", "
        "partyId: $p, line: \"security\", ordered: true, points: $pts, windows: $w) { route { id points { position "
        "questions { id text low } } } %s } }" % ERRORS,
        p=party.pk, w=[{"startMinute": 0, "endMinute": 1440}],
        pts=[{"placeId": str(one.pk), "questions": [{"text": "压力", "kind": "number", "low": "0.2", "high": None}]},
             {"placeId": str(two.pk), "walkSeconds": 90}],
    )["savePatrolRoute"]  # fmt: skip
    assert saved["userErrors"] == []
    question = saved["route"]["points"][0]["questions"][0]
    operations.make_tours(tenant=alpha, now=NOW)
    guard = signed(make_guard(alpha, party))
    tour = next(
        e["node"] for e in ask(guard, "{ patrolTours(status: \"due\") { edges { node { id startsAt endsAt } } } }")["patrolTours"]["edges"]
        if e["node"]["startsAt"] <= NOW.isoformat() < e["node"]["endsAt"]
    )  # fmt: skip
    scanned = ask(
        guard,
        "mutation($t: UUID!, $s: PatrolScanInput!) { scanPatrolPoint(tourId: $t, seen: $s, clientKey: \"a\") { tour { "
        "status stops { status } findings { title } } %s } }" % ERRORS,
        t=tour["id"],
        s={"at": NOW.isoformat(), "code": one.code, "answers": [{"questionId": question["id"], "answer": "0.1"}]},
    )["scanPatrolPoint"]  # fmt: skip
    assert [s["status"] for s in scanned["tour"]["stops"]] == ["seen", "due"]
    assert scanned["tour"]["findings"] == [{"title": "压力：读数 0.1，超出正常范围"}]
    ended = ask(
        guard,
        "mutation($t: UUID!, $a: DateTime!) { finishPatrolTour(tourId: $t, at: $a) { tour { status } %s } }" % ERRORS,
        t=tour["id"], a=NOW.isoformat(),
    )["finishPatrolTour"]  # fmt: skip
    assert ended["tour"]["status"] == "partial"
    explained = ask(
        guard,
        "mutation($t: UUID!) { explainMissedPoints(tourId: $t, text: \"通道施工封闭\") { tour { stops { status explanation } } %s } }" % ERRORS,
        t=tour["id"],
    )["explainMissedPoints"]  # fmt: skip
    assert explained["tour"]["stops"][1] == {"status": "explained", "explanation": "通道施工封闭"}
    review = (
        'mutation($t: UUID!) { reviewMissedPoints(tourId: $t, accepted: false, note: "当晚没有施工") { tour { waitingCount '
        "copies { place } stops { status reviewNote } findings { title } } %s } }" % ERRORS
    )
    assert [e["code"] for e in ask(guard, review, t=tour["id"])["reviewMissedPoints"]["userErrors"]] == ["not_allowed"]
    assert ask(supervisor, "{ patrolTours(waiting: true) { edges { node { waitingCount } } } }")["patrolTours"] == {
        "edges": [{"node": {"waitingCount": 1}}]
    }
    reviewed = ask(supervisor, review, t=tour["id"])["reviewMissedPoints"]["tour"]
    assert reviewed["stops"][1] == {"status": "refused", "reviewNote": "当晚没有施工"}
    assert (reviewed["waitingCount"], reviewed["copies"], len(reviewed["findings"])) == (0, [], 2)


def test_a_guard_makes_no_route(alpha: Tenant) -> None:
    refused = ask(
        signed(make_guard(alpha, make_contract())),
        "mutation($p: UUID!) { savePatrolRoute(name: \"夜巡\", partyId: $p, line: \"security\", ordered: true, points: [], "
        "windows: []) { route { id } %s } }" % ERRORS,
        p=make_contract().pk,
    )["savePatrolRoute"]  # fmt: skip
    assert [e["code"] for e in refused["userErrors"]] == ["not_allowed"]


def test_more_tours_cost_no_more_queries(alpha: Tenant) -> None:
    client = signed(make_member(alpha))

    def cost() -> int:
        with CaptureQueriesContext(connection) as found:
            ask(client, LIST)
        return len(found)

    def walked() -> Any:
        route = make_route(alpha, now=NOW)
        walk(alpha, due_tour(alpha, route, now=NOW), make_guard(alpha, route.party), at=NOW, gaps=[60, 200, 200])

    walked()
    walked()
    ask(client, LIST)
    before = cost()
    for _n in range(4):
        walked()
    assert cost() == before
