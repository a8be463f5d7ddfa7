"""All writes of jobs.

A job is worked on by one worker at a time: `take` hands out an attempt number, and whoever holds an
older number can neither report nor finish. A worker writes its result and calls `finish` in one
transaction; killed before the commit nothing happened, killed after it the job is done.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel import jobs as messages
from kernel.errors import DomainError, NotAllowed
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.jobs import files
from tenants.jobs.choices import JobState
from tenants.jobs.models import Job

SILENT_AFTER = timedelta(seconds=60)
MOST_ATTEMPTS = 5
KEEP_FILES = timedelta(days=7)


class TakenOver(DomainError):
    """Another worker took the job because this one was silent for too long: stop, write nothing."""

    code = "job_taken_over"
    message = _("该作业已由另一进程继续处理。")


@transaction.atomic
def start(
    *,
    kind: str,
    title: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    content: bytes | None = None,
    file_name: str = "",
    result: dict[str, Any] | None = None,
) -> Job:
    """Put a job in the queue; `kind` is the name of the task that does it and is sent with `job_id`.

    Files given in or made are kept for seven days. Raises NotAllowed for people without a role here.
    """
    if not (by.is_system or by.roles):
        raise NotAllowed
    job_id = new_id()
    row = Job(id=job_id, kind=kind, title=title[:120], account_id=by.account_id, created_at=now, result=result or {})
    row.files_until = now + KEEP_FILES
    if content is not None:
        row.input_path = files.store(tenant=tenant, job_id=job_id, name=file_name, data=content)
    row.sentence = "已排队，马上开始"
    row.save(force_insert=True)
    messages.enqueue_on_commit(kind, tenant=tenant, job_id=str(job_id))
    return row


@transaction.atomic
def take(*, job_id: UUID, now: datetime) -> Job | None:
    """Begin or continue a job; None when it is over or another worker is alive on it. Locks the job.

    After five attempts the job is failed: work that kills its worker must not go round for ever.
    """
    row = Job.objects.select_for_update().filter(pk=job_id).first()
    if row is None or row.state in (JobState.DONE, JobState.FAILED):
        return None
    if row.state == JobState.RUNNING and row.beat_at and row.beat_at > now - SILENT_AFTER:
        return None
    if row.attempts >= MOST_ATTEMPTS:
        row.state, row.finished_at = JobState.FAILED, now
        row.sentence = "处理多次中断，已停止。请检查文件后重新提交；若仍失败，请联系平台。"
        row.save(update_fields=["state", "finished_at", "sentence"])
        return None
    row.state, row.beat_at, row.attempts = JobState.RUNNING, now, row.attempts + 1
    row.save(update_fields=["state", "beat_at", "attempts"])
    return row


def progress(job: Job, *, done: int, total: int, sentence: str, now: datetime) -> None:
    """Say how far the work is (`done` of `total`), which is also the sign of life. Raises TakenOver."""
    _mine(job).update(done=done, total=total, sentence=sentence[:300], beat_at=now)
    if not _mine(job).exists():
        raise TakenOver


def finish(
    job: Job,
    *,
    sentence: str,
    now: datetime,
    result: dict[str, Any] | None = None,
    output_path: str = "",
) -> None:
    """The job is done. Call in the transaction that writes its result, before writing. Raises TakenOver."""
    updated = _mine(job).update(
        state=JobState.DONE,
        sentence=sentence[:300],
        result={**job.result, **(result or {})},
        output_path=output_path,
        done=max(job.total, 1),
        total=max(job.total, 1),
        finished_at=now,
        beat_at=now,
    )
    if not updated:
        raise TakenOver


def fail(job: Job, *, sentence: str, now: datetime, result: dict[str, Any] | None = None) -> None:
    """The job cannot be done; `sentence` says why and what to do next. Raises TakenOver."""
    updated = _mine(job).update(
        state=JobState.FAILED,
        sentence=sentence[:300],
        result={**job.result, **(result or {})},
        finished_at=now,
        beat_at=now,
    )
    if not updated:
        raise TakenOver


def _mine(job: Job) -> Any:
    return Job.objects.filter(pk=job.pk, attempts=job.attempts, state=JobState.RUNNING)


@transaction.atomic
def note(*, job_id: UUID, **marks: Any) -> Job | None:
    """Add marks to a finished job's result under its lock; None when each mark stands already (somebody was faster)."""
    row = Job.objects.select_for_update().filter(pk=job_id).first()
    if row is None or all(key in row.result for key in marks):
        return None
    row.result = {**row.result, **marks}
    row.save(update_fields=["result"])
    return row


@transaction.atomic
def resume(*, job_id: UUID, tenant: Tenant, now: datetime) -> bool:
    """Send a silent job again (the sweep); False when it is over or alive. Locks the job."""
    row = Job.objects.select_for_update().filter(pk=job_id).first()
    if row is None or row.state not in (JobState.QUEUED, JobState.RUNNING):
        return False
    if (row.beat_at or row.created_at) > now - SILENT_AFTER:
        return False
    if row.state == JobState.QUEUED:
        row.beat_at = now  # not again before another silence
        row.save(update_fields=["beat_at"])
    messages.enqueue_on_commit(row.kind, tenant=tenant, job_id=str(row.pk))
    return True


def remove_old_files(*, now: datetime, limit: int = 500) -> int:
    """Delete the files of jobs whose days are over, and the row lists that came from them; returns how many jobs."""
    rows = Job.objects.filter(files_until__lte=now)[:limit]
    count = 0
    for row in rows:
        files.remove(row.input_path)
        files.remove(row.output_path)
        kept = {k: v for k, v in row.result.items() if k not in {"errors", "sample"}}
        Job.objects.filter(pk=row.pk).update(input_path="", output_path="", files_until=None, result=kept)
        count += 1
    return count
