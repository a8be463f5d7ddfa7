"""Photos and files. Bytes come and go through `/files/` (docs/files.md); here stand their facts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import graphene

from graphql_api.loaders import load_one
from tenants.evidence import queries
from tenants.evidence.contracts import EvidenceContract

Text = graphene.NonNull(graphene.String)
Id = graphene.NonNull(graphene.UUID)


def listed(of: Any) -> Any:
    """A list that is never null and holds no nulls."""
    return graphene.NonNull(graphene.List(graphene.NonNull(of)))


class EvidenceType(graphene.ObjectType):
    """One upload: hashed, stamped by the server; `takenAt` is what the phone claims."""

    class Meta:
        name = "Evidence"

    id = Id
    kind = Text
    name = Text
    mime = Text
    size = graphene.NonNull(graphene.Int, description="Bytes")
    sha256 = Text
    width = graphene.Int()
    height = graphene.Int()
    taken_at = graphene.DateTime()
    received_at = graphene.NonNull(graphene.DateTime)
    url = graphene.NonNull(graphene.String, description="On this host, with the reader's own rights")
    thumb_url = graphene.String()

    @staticmethod
    def resolve_url(row: EvidenceContract, info: graphene.ResolveInfo) -> str:
        return f"/files/{row.id}/"

    @staticmethod
    def resolve_thumb_url(row: EvidenceContract, info: graphene.ResolveInfo) -> str | None:
        return f"/files/{row.id}/thumb/" if row.is_photo else None


def load_evidence(info: graphene.ResolveInfo, evidence_id: UUID | None) -> Any:
    """Promise the contract of one upload whose owner the asker has read already; one query for a whole list."""
    return load_one(info.context, "evidence.contracts", queries.contracts_of, evidence_id)


class EvidenceQuery(graphene.ObjectType):
    evidence = graphene.Field(EvidenceType, id=Id)

    @staticmethod
    def resolve_evidence(root: None, info: graphene.ResolveInfo, id: UUID) -> EvidenceContract | None:
        row = queries.readable(evidence_id=id, by=info.context.actor)
        return queries.contracts_of([row.pk]).get(row.pk)
