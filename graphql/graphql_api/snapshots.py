"""The committed SDL of both hosts: what integrators build on, so every change of it is seen in review."""

from pathlib import Path

from graphql import print_schema

HERE = Path(__file__).parent


def current() -> dict[Path, str]:
    """File → SDL as the code is now."""
    from graphql_api import public_schema, school_schema

    return {
        HERE / "public.graphql": print_schema(public_schema.schema.graphql_schema) + "\n",
        HERE / "school.graphql": print_schema(school_schema.schema.graphql_schema) + "\n",
    }
