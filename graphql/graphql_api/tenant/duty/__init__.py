"""Duty: the cockpit, calls, anomalies, handovers, the log, camera systems; and every step of them."""

from graphql_api.tenant.duty.reads import DutyQuery
from graphql_api.tenant.duty.writes import DutyMutation

__all__ = ["DutyMutation", "DutyQuery"]
