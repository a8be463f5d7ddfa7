"""Long work on a school's host: one's own jobs and how far they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import graphene
from graphene.types.generic import GenericScalar
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.loaders import load_one
from tenants.jobs import policies, queries
from tenants.jobs.models import Job


class JobType(DjangoObjectType):
    """One import, export or batch. `result` depends on `kind`; its file is fetched at `downloadUrl`, by whoever began it,
    with the session or a token that may read jobs."""

    id = graphene.NonNull(graphene.UUID)
    percent = graphene.NonNull(graphene.Int)
    result = graphene.NonNull(GenericScalar)
    download_url = graphene.String()

    class Meta:
        model = Job
        fields = ("id", "kind", "title", "state", "done", "total", "sentence", "created_at", "finished_at")
        convert_choices_to_enum = False

    @staticmethod
    def resolve_result(row: Job, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "jobs.results", queries.results_by_id, row.pk)

    @staticmethod
    def resolve_download_url(row: Job, info: graphene.ResolveInfo) -> str | None:
        may = row.output_path and policies.can_download(info.context.actor, row)
        return f"/files/jobs/{row.pk}/" if may else None


class JobsQuery(graphene.ObjectType):
    jobs = Listing(connection_of(JobType), state=graphene.String(), kind=graphene.String())
    job = graphene.Field(JobType, id=graphene.Argument(graphene.UUID, required=True))

    @staticmethod
    def resolve_jobs(
        root: None, info: graphene.ResolveInfo, state: str | None = None, kind: str | None = None, **_page: Any
    ) -> Any:
        return queries.jobs_of(info.context.actor, state=state, kind=kind)

    @staticmethod
    def resolve_job(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.job(id, by=info.context.actor)
