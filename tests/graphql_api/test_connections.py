"""Paging of the API."""

import graphene

from graphql_api.connections import Listing, connection_of


class Row(graphene.ObjectType):
    n = graphene.Int()


class Query(graphene.ObjectType):
    rows = Listing(connection_of(Row))

    @staticmethod
    def resolve_rows(root: None, info: graphene.ResolveInfo, **_page: object) -> list[Row]:
        return [Row(n=n) for n in range(45)]


schema = graphene.Schema(query=Query)


def run(arguments: str) -> dict:
    answer = schema.execute(
        "{ rows%s { totalCount pageInfo { hasNextPage hasPreviousPage endCursor startCursor } edges { node { n } } } }"
        % arguments
    )
    assert answer.errors is None, answer.errors
    return answer.data["rows"]


def numbers(page: dict) -> list[int]:
    return [edge["node"]["n"] for edge in page["edges"]]


def test_pages_follow_each_other() -> None:
    one = run("")
    assert numbers(one) == list(range(20))
    assert one["pageInfo"]["hasNextPage"] and one["totalCount"] == 45
    two = run(f'(first: 20, after: "{one["pageInfo"]["endCursor"]}")')
    three = run(f'(first: 20, after: "{two["pageInfo"]["endCursor"]}")')
    assert numbers(two) + numbers(three) == list(range(20, 45))
    assert not three["pageInfo"]["hasNextPage"]


def test_backwards() -> None:
    end = run("(last: 5)")
    assert numbers(end) == [40, 41, 42, 43, 44]
    before = run(f'(last: 5, before: "{end["pageInfo"]["startCursor"]}")')
    assert numbers(before) == [35, 36, 37, 38, 39]


def test_too_large_a_page_is_refused() -> None:
    answer = schema.execute("{ rows(first: 101) { edges { node { n } } } }")
    assert answer.errors is not None and answer.errors[0].extensions == {"code": "PAGE_SIZE", "max": 100}
