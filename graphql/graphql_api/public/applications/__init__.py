"""Applications on the public host: applicants by their signed token, the institute by its roles."""

from graphql_api.public.applications.reads import ApplicationsQuery
from graphql_api.public.applications.writes import ApplicationsMutation

__all__ = [
    "ApplicationsMutation",
    "ApplicationsQuery",
]
