"""A database of its own where things really commit: for kills, threads, locks and fleets."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: pytest.FixtureDef) -> Iterator[str]:
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
