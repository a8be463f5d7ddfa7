"""A list of 500 people with two relations through the API's door, against the same list as plain Django JSON."""

from __future__ import annotations

import json
from typing import Any

from infra.bench.scratch import seconds, told

GOAL = 4.0
AT_MOST = True
SIZES = {"small": 7, "full": 40}
PEOPLE, PAGE = 500, 100
QUERY = """query($n: Int!, $after: String) { staff(first: $n, after: $after) { pageInfo { endCursor hasNextPage }
  edges { node { id name number party { name } post { name } } } } }"""


def run(size: str) -> tuple[float, float]:
    from django.db import connection
    from django.http import HttpResponse, JsonResponse
    from django.test import RequestFactory
    from django.test.utils import CaptureQueriesContext

    from graphql_api.school_schema import schema
    from graphql_api.view import ApiView
    from identity.choices import Role
    from institute.schools.queries import as_tenant
    from kernel.tenancy import school_context
    from tenants.organisation import queries
    from tests.factories.identity import school_actor
    from tests.factories.organisation import make_contract, make_place, make_post, make_staff
    from tests.factories.schools import make_school

    tenant = as_tenant(make_school("bench-graphql"))
    by = school_actor(tenant, Role.SCHOOL_ADMIN)
    view, requests = ApiView.as_view(schema=schema), RequestFactory()

    def ask(view: Any, first: int, after: str = "") -> dict[str, Any]:
        body = json.dumps({"query": QUERY, "variables": {"n": first, "after": after or None}})
        request = requests.post("/graphql/", body, content_type="application/json")
        request.actor, request.school = by, tenant  # type: ignore[attr-defined]
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        answer: HttpResponse = view(request)
        found: dict[str, Any] = json.loads(answer.content)
        assert "errors" not in found, found
        return found

    def by_graphql() -> None:
        """As a client pages through it: the API gives 100 rows at most."""
        after, seen = "", 0
        while True:
            page = ask(view, PAGE, after)["data"]["staff"]
            seen += len(page["edges"])
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        assert seen == PEOPLE

    def plain(request: Any) -> JsonResponse:
        """What one would write by hand: the same policy, one joined query, a list of dicts."""
        asked = json.loads(request.body)["variables"]
        start = int(asked["after"] or 0)
        rows = list(queries.staff(by=request.actor)[start : start + PAGE + 1])
        people = [
            {
                "id": row.pk, "name": row.name, "number": row.number, "party": {"name": row.party.name},
                "post": {"name": row.post.name} if row.post else None,
            }
            for row in rows[:PAGE]
        ]  # fmt: skip
        return JsonResponse({"staff": people, "next": start + PAGE if len(rows) > PAGE else None})

    def by_hand() -> None:
        after, seen = "", 0
        while True:
            page = ask(plain, PAGE, after)
            seen += len(page["staff"])
            if page["next"] is None:
                break
            after = str(page["next"])
        assert seen == PEOPLE

    def statements(rows: int) -> int:
        with CaptureQueriesContext(connection) as sent:
            assert len(ask(view, rows)["data"]["staff"]["edges"]) == rows
        return len(sent.captured_queries)

    with school_context(tenant):
        place = make_place()
        posts = [make_post(party=make_contract(), place=place) for _ in range(20)]
        for n in range(PEOPLE):
            make_staff(f"员工{n}", post=posts[n % len(posts)], number=f"B{n:04}")
        for warm in (by_hand, by_graphql):
            warm()
        few, many = statements(10), statements(PAGE)
        assert few == many, f"{few} statements for 10 rows, {many} for {PAGE}"
        one, two = [], []
        for _ in range(SIZES["small" if size == "small" else "full"]):  # in turn: both see the same machine
            one.append(seconds(by_hand))
            two.append(seconds(by_graphql))
    print(f"{PEOPLE} people, each with party and post, in pages of {PAGE}; {many} statements per page:")
    base = told("plain Django view, select_related, JSON", one)
    ours = told("the GraphQL view", two)
    return ours / base, GOAL
