"""Rosters: shifts, rules, cycles, cells, instances, leaves, swaps, contracted presence, the certificate forecast."""

from graphql_api.tenant.rosters.reads import RostersQuery
from graphql_api.tenant.rosters.writes import RostersMutation

__all__ = ["RostersMutation", "RostersQuery"]
