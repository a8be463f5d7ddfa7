"""Places, parties, posts, people and imports on a school's host."""

from graphql_api.tenant.organisation.reads import OrganisationQuery
from graphql_api.tenant.organisation.types import StaffType
from graphql_api.tenant.organisation.writes import OrganisationMutation

__all__ = [
    "OrganisationMutation",
    "OrganisationQuery",
    "StaffType",
]
