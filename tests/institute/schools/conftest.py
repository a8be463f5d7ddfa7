"""A database of its own where things really commit: for kills, threads, locks and fleets."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture
def no_broker() -> Iterator[None]:
    """Jobs that are sent after a commit go nowhere: the broker of the test run is another database."""
    from kernel import jobs
    from workers.celery import send

    jobs.register_sender(lambda _name, _payload: None)
    yield
    jobs.register_sender(send)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: pytest.FixtureDef, no_broker: None) -> Iterator[str]:
    """The name of a fresh copy of the template database, which Django's connection points at."""
    from django.db import connection

    from tests import databases

    before = connection.settings_dict["NAME"]
    name = f"cielm_test_own_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with django_db_blocker.unblock():
        databases.create(name)
        databases.use(name)
        yield name
        databases.use(before)
        databases.drop(name)
