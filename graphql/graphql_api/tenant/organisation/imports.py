"""Staff and places from files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import graphene

from graphql_api.context import Context
from graphql_api.tenant.jobs import JobType
from graphql_api.tenant.organisation.common import Write, by_and_tenant
from graphql_api.uploads import decoded
from kernel import clock
from tenants.organisation.imports import flow


class StartImport(Write):
    """Check a spreadsheet in the background. Poll `job`, then `confirmImport`; nothing is written before.

    Rosters and punches: `startRosterImport`, `startPunchImport`.
    """

    job = graphene.Field(JobType)

    class Arguments:
        what = graphene.String(required=True, description="staff, places, certificates")
        file_name = graphene.String(required=True)
        content = graphene.String(required=True, description="The file in base64, 10 MB at most")

    @classmethod
    def perform(cls, context: Context, what: str, file_name: str, content: str) -> dict[str, Any]:
        job = flow.start_import(
            what=what, file_name=file_name, content=decoded(content), now=clock.now(), **by_and_tenant(context)
        )
        return {"job": job}


class ConfirmImport(Write):
    """Write what a finished check found; wrong rows are left out. Twice is once."""

    job = graphene.Field(JobType)

    class Arguments:
        job_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, job_id: UUID) -> dict[str, Any]:
        return {"job": flow.confirm_import(job_id=job_id, now=clock.now(), **by_and_tenant(context))}
