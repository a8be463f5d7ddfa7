"""The progress of a job leads to the page of its result."""

from types import SimpleNamespace

import pytest

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
