"""Punches: read; punch, vouch, hand in batches, appeal and decide; fences and devices. Photos go to `/files/` first."""

from graphql_api.tenant.punches.reads import PunchesQuery
from graphql_api.tenant.punches.types import PunchType
from graphql_api.tenant.punches.writes import PunchesMutation

__all__ = ["PunchType", "PunchesMutation", "PunchesQuery"]
