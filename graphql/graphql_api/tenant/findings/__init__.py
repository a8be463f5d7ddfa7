"""Findings: read, and every step of their cycle. Photos are uploaded to `/files/` first; mutations take their ids."""

from graphql_api.tenant.findings.reads import FindingsQuery, MeasureType
from graphql_api.tenant.findings.types import CLIENT_KEY, FindingType, Ids, PartyRef, PlaceRef, load_finding
from graphql_api.tenant.findings.writes import FindingsMutation, common

__all__ = [
    "CLIENT_KEY",
    "FindingType",
    "FindingsMutation",
    "FindingsQuery",
    "Ids",
    "MeasureType",
    "PartyRef",
    "PlaceRef",
    "common",
    "load_finding",
]
