"""A real PostgreSQL for every test; two schools made once; each test rolls back.

The server is the embedded one in `var/test-pg` unless DATABASE_URL names another (config/settings.py). Migrating public
and opening the schools takes seconds, so it is done once per state of the migration files: the
result is kept as a database `cielm_tpl_<hash>` and copied (CREATE DATABASE … TEMPLATE) for each run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytest_plugins = ["tests.running"]
sys.path[:0] = [str(ROOT), str(ROOT / "platform"), str(ROOT / "graphql")]


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright's sync API runs a loop in this thread
    os.environ.setdefault("VAR_DIR", str(ROOT / "var" / "test"))


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: pytest.FixtureDef) -> Iterator[None]:
    from tests import databases

    name = f"cielm_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with django_db_blocker.unblock():
        databases.create(name)
        databases.use(name)
    yield
    with django_db_blocker.unblock():
        databases.use("postgres")
        databases.drop(name)


@pytest.fixture
def alpha(db: None) -> Iterator[object]:
    """School alpha; the test runs inside its schema."""
    from institute.schools.queries import tenant_for
    from kernel.tenancy import school_context

    with school_context(tenant_for("s_alpha")) as tenant:
        yield tenant


@pytest.fixture
def beta(db: None) -> object:
    """School beta, not entered: use `with school_context(beta)`."""
    from institute.schools.queries import tenant_for

    return tenant_for("s_beta")


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
    """A database of the test's own where things really commit, for kills, threads and locks; its name."""
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


@pytest.fixture
def committed_alpha(committed: str) -> Iterator[object]:
    """School alpha in a database of the test's own; the test runs inside its schema, and everything commits."""
    from institute.schools.queries import tenant_for
    from kernel.tenancy import public_context, school_context

    with public_context():
        tenant = tenant_for("s_alpha")
    with school_context(tenant):
        yield tenant
