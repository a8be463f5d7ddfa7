"""Staff and places from files."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from uuid import UUID

import graphene

from graphql_api.context import Context
from graphql_api.tenant.jobs import JobType
from graphql_api.tenant.organisation.common import Write, by_and_tenant
from kernel import clock
from kernel.errors import Invalid
from tenants.organisation.imports import flow


class StartImport(Write):
    """Check a spreadsheet in the background. Poll `job`, then `confirmImport`; nothing is written before."""

    job = graphene.Field(JobType)

    class Arguments:
        what = graphene.String(required=True, description="staff, places, certificates")
        file_name = graphene.String(required=True)
        content = graphene.String(required=True, description="The file in base64, 10 MB at most")

    @classmethod
    def perform(cls, context: Context, what: str, file_name: str, content: str) -> dict[str, Any]:
        try:
            data = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError) as wrong:
            raise Invalid("文件内容不是 base64 编码。", field="content") from wrong
        return {
            "job": flow.start_import(
                what=what, file_name=file_name, content=data, now=clock.now(), **by_and_tenant(context)
            )
        }  # fmt: skip


class ConfirmImport(Write):
    """Write what a finished check found; wrong rows are left out. Twice is once."""

    job = graphene.Field(JobType)

    class Arguments:
        job_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, job_id: UUID) -> dict[str, Any]:
        return {"job": flow.confirm_import(job_id=job_id, now=clock.now(), **by_and_tenant(context))}
