"""Reads of jobs."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from identity.contracts import Actor
from kernel.errors import NotFound
from kernel.tenancy import Tenant
from tenants.jobs import files, policies
from tenants.jobs.choices import JobState
from tenants.jobs.models import Job
from tenants.jobs.operations import SILENT_AFTER


def job(job_id: UUID | str, *, by: Actor) -> Job:
    """One job. Raises NotFound, also for other people's."""
    try:
        row = Job.objects.filter(pk=job_id).first()
    except (ValidationError, ValueError) as malformed:
        raise NotFound from malformed
    if row is None or not policies.can_see(by, row):
        raise NotFound
    return row


def jobs_of(by: Actor, *, state: str | None = None, kind: str | None = None) -> "QuerySet[Job]":
    """The actor's own jobs, newest first, without their row lists."""
    rows = Job.objects.filter(account_id=by.account_id) if by.account_id and by.may("jobs:read") else Job.objects.none()
    if state:
        rows = rows.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    return rows.defer("result")


def results_by_id(ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """What jobs found, by id, for loaders; the caller has read the jobs. One query."""
    return dict(Job.objects.filter(pk__in=list(ids)).values_list("pk", "result"))


def output(job_id: UUID | str, *, by: Actor, tenant: Tenant) -> tuple[str, bytes]:
    """(file name, content) of what a job made. Raises NotFound: not the owner, nothing made, or its days are over."""
    row = job(job_id, by=by)
    if not policies.can_download(by, row) or not row.output_path:
        raise NotFound
    suffix = row.output_path.rsplit(".", 1)[-1]
    return f"{row.result.get('output_name') or row.title}.{suffix}", files.read(tenant=tenant, path=row.output_path)


def silent(now: datetime) -> "QuerySet[Job]":
    """Open jobs without a sign of life: their message or their worker was lost."""
    late = now - SILENT_AFTER
    return Job.objects.filter(state__in=[JobState.QUEUED, JobState.RUNNING]).filter(
        Q(beat_at__lt=late) | Q(beat_at__isnull=True, created_at__lt=late)
    )
