"""The filled world: a database of its own, made once for this folder and dropped after it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from django.db import transaction
from django.test import override_settings

from tests import databases
from tests.isolation.world import World


@pytest.fixture(scope="package")
def world(
    django_db_setup: None, django_db_blocker: pytest.FixtureDef, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    from django.conf import settings

    from kernel import jobs
    from tests.isolation.world import build

    before, name = settings.DATABASES["default"]["NAME"], f"cielm_isolation_{os.getpid()}"
    media: Path = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=str(media)):
        databases.create(name)
        databases.use(name)
        sender = jobs._sender[:]
        jobs.register_sender(lambda _name, _payload: None)  # nobody works in this database
        try:
            yield build()
        finally:
            jobs._sender[:] = sender
            databases.use(before)
            databases.drop(name)


@pytest.fixture(scope="package", autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of requests: no lines of log, and no drawing of tracebacks, unless a test asks for them."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
    structlog.configure(**before)


@pytest.fixture
def undone(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever the test changes is rolled back."""
    monkeypatch.setattr("workers.base.close_old_connections", lambda: None)  # it would end this transaction
    with transaction.atomic():
        # As in Django's TestCase: `durable` blocks may stand inside.
        transaction.get_connection().atomic_blocks[-1]._from_testcase = True
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="package", autouse=True)
def documents_kept() -> Iterator[None]:
    """Everybody is asked the same thousand GraphQL documents: each is read once by a process, however many ask it."""
    from graphql_api import view

    before, view.KEPT = view.KEPT, 10_000
    yield
    view.KEPT = before
    view._valid.clear()
