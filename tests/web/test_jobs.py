"""The progress of a job leads to the page of its result, its file to whoever began it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from django.test import Client

from identity import operations as identity
from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant
from tenants.jobs import files, operations
from tests.factories.identity import actor_of, make_member
from web.tenant.jobs.views import PAGES, page_of
from workers.celery import app

WITH_PAGES = ("check_import", "apply_import", "enrol_batch")


@pytest.mark.parametrize("kind", sorted(k for k in app.tasks if k.endswith(WITH_PAGES)))
def test_whoever_waits_for_a_file_is_led_to_what_it_held(kind: str, settings: object) -> None:
    """Otherwise the bar of a finished job asks for ever."""
    settings.ROOT_URLCONF = settings.SCHOOL_URLCONF
    job = SimpleNamespace(kind=kind, pk="01a21654-eabd-7512-96e3-8860f845b176")
    assert str(job.pk) in page_of(job)


def test_no_page_is_kept_for_a_kind_of_job_that_is_gone() -> None:
    assert set(PAGES) <= set(app.tasks)


def test_a_file_is_fetched_by_a_token_of_whoever_began_the_job(
    alpha: Tenant, settings: object, tmp_path: object
) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    boss, colleague = (actor_of(make_member(Role.SCHOOL_ADMIN, tenant=alpha)) for _ in range(2))
    job = operations.start(kind="attendance.export_month", title="考勤表", by=boss, tenant=alpha, now=clock.now())
    taken = operations.take(job_id=job.pk, now=clock.now())
    assert taken is not None
    made = files.store(tenant=alpha, job_id=job.pk, name="out.xlsx", data=b"made")
    operations.finish(taken, sentence="", now=clock.now(), output_path=made)

    def ask(by: object, *scopes: str) -> tuple[str | None, int]:
        _token, secret = identity.create_token(name="取文件", scopes=scopes, days=1, by=by, now=clock.now())  # type: ignore[arg-type]
        client = Client(headers={"host": "alpha.localhost", "authorization": f"Bearer {secret}"})
        query = json.dumps({"query": f'{{ job(id: "{job.pk}") {{ downloadUrl }} }}'})
        told = (client.post("/graphql/", query, content_type="application/json").json()["data"] or {}).get("job")
        return told and told["downloadUrl"], client.get(f"/files/jobs/{job.pk}/").status_code

    assert ask(boss, "jobs:read") == (f"/files/jobs/{job.pk}/", 200)
    assert ask(boss, "findings:read")[1] == ask(colleague, "jobs:read")[1] == 404
    assert ask(colleague, "jobs:read")[0] is None
