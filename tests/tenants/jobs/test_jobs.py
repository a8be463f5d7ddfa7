"""Long work as rows: one worker at a time, taken up again when silent, files for the owner alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant, school_context
from tenants.jobs import files, operations, queries
from tenants.jobs.models import Job

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ME = Actor(account_id=uuid4(), name="我", roles=frozenset({Role.SCHOOL_SUPERVISOR}))


@pytest.fixture(autouse=True)
def media(settings: object, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]


def start(tenant: Tenant, by: Actor = ME, **more: object) -> Job:
    return operations.start(kind="organisation.check_import", title="检查", by=by, tenant=tenant, now=NOW, **more)  # type: ignore[arg-type]


def test_a_job_is_sent_after_the_commit(alpha: Tenant, django_capture_on_commit_callbacks: object) -> None:
    with django_capture_on_commit_callbacks() as sent:  # type: ignore[operator]
        job = start(alpha)
    assert len(sent) == 1 and job.state == "queued"
    with pytest.raises(NotAllowed):
        start(alpha, by=Actor(account_id=uuid4(), name="无角色"))


def test_one_worker_at_a_time(alpha: Tenant) -> None:
    job = start(alpha)
    mine = operations.take(job_id=job.pk, now=NOW)
    assert mine is not None and mine.attempts == 1
    assert operations.take(job_id=job.pk, now=NOW + timedelta(seconds=30)) is None
    theirs = operations.take(job_id=job.pk, now=NOW + timedelta(seconds=61))
    assert theirs is not None and theirs.attempts == 2
    with pytest.raises(operations.TakenOver):
        operations.progress(mine, done=1, total=2, sentence="", now=NOW)
    with pytest.raises(operations.TakenOver):
        operations.finish(mine, sentence="", now=NOW)
    operations.progress(theirs, done=1, total=2, sentence="一半", now=NOW)
    assert Job.objects.get().percent == 50
    operations.finish(theirs, sentence="好了", now=NOW, result={"n": 1})
    assert operations.take(job_id=job.pk, now=NOW + timedelta(days=1)) is None
    job.refresh_from_db()
    assert (job.state, job.percent, job.result) == ("done", 100, {"n": 1})


def test_silent_jobs_are_sent_again_and_not_for_ever(alpha: Tenant, django_capture_on_commit_callbacks: object) -> None:
    job = start(alpha)
    moment = NOW
    assert list(queries.silent(moment)) == []
    for attempt in range(1, operations.MOST_ATTEMPTS + 1):
        moment += timedelta(minutes=2)
        assert list(queries.silent(moment)) == [job]
        with django_capture_on_commit_callbacks() as sent:  # type: ignore[operator]
            assert operations.resume(job_id=job.pk, tenant=alpha, now=moment)
        assert len(sent) == 1
        moment += timedelta(minutes=2)
        taken = operations.take(job_id=job.pk, now=moment)
        assert taken is not None and taken.attempts == attempt
    assert operations.take(job_id=job.pk, now=moment + timedelta(minutes=2)) is None
    job.refresh_from_db()
    assert job.state == "failed" and "多次中断" in job.sentence
    assert not operations.resume(job_id=job.pk, tenant=alpha, now=moment + timedelta(days=1))


def test_jobs_and_files_are_their_owners(alpha: Tenant, beta: Tenant) -> None:
    job = start(alpha, content=b"secret", file_name="a.csv")
    assert files.read(tenant=alpha, path=job.input_path) == b"secret"
    with pytest.raises(NotFound):
        files.read(tenant=beta, path=job.input_path)
    taken = operations.take(job_id=job.pk, now=NOW)
    path = files.store(tenant=alpha, job_id=job.pk, name="out.xlsx", data=b"made")
    operations.finish(taken, sentence="", now=NOW, output_path=path)  # type: ignore[arg-type]
    assert queries.output(job.pk, by=ME, tenant=alpha) == ("检查.xlsx", b"made")
    colleague = Actor(account_id=uuid4(), name="他", roles=ME.roles)
    admin = Actor(account_id=uuid4(), name="管", roles=frozenset({Role.SCHOOL_ADMIN}))
    assert list(queries.jobs_of(ME)) == [job] and list(queries.jobs_of(colleague)) == []
    assert queries.job(job.pk, by=admin) == job
    for other in (colleague, admin, Actor.anonymous()):
        with pytest.raises(NotFound):
            queries.output(job.pk, by=other, tenant=alpha)
    with school_context(beta), pytest.raises(NotFound):
        queries.job(job.pk, by=ME)
