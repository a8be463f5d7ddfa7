"""A real PostgreSQL for every test; two schools made once; each test rolls back.

The server is the embedded one in `var/test-pg` unless DATABASE_URL names another. Migrating public
and opening the schools takes seconds, so it is done once per state of the migration files: the
result is kept as a database `cielm_tpl_<hash>` and copied (CREATE DATABASE … TEMPLATE) for each run.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform"), str(ROOT / "graphql")]


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright's sync API runs a loop in this thread
    os.environ.setdefault("VAR_DIR", str(ROOT / "var" / "test"))


if "DATABASE_URL" not in os.environ:
    from config import embedded

    os.environ["DATABASE_URL"] = embedded.url(ROOT / "var" / "test-pg")


def _state() -> str:
    """A hash of everything the template database is made from."""
    made_from = hashlib.sha256()
    for pattern in ("**/migrations/*.py", "institute/schools/*.py", "platform/institute/schools/*.py"):
        for path in sorted(ROOT.glob(pattern)):
            if "node_modules" not in path.parts and ".venv" not in path.parts and "var" not in path.parts:
                made_from.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    made_from.update(Path(__file__).read_bytes())
    made_from.update((ROOT / "tests" / "factories" / "schools.py").read_bytes())
    return made_from.hexdigest()[:16]


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: pytest.FixtureDef
) -> Iterator[None]:
    from django.conf import settings
    from django.db import connection, connections

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    template, name = f"cielm_tpl_{_state()}", f"cielm_test_{worker}_{os.getpid()}"
    config = connection.settings_dict
    admin = psycopg.connect(
        host=config["HOST"], port=config["PORT"], user=config["USER"], password=config["PASSWORD"] or None,
        dbname="postgres", autocommit=True,
    )  # fmt: skip

    def use(database: str) -> None:
        connections.close_all()
        config["NAME"] = settings.DATABASES["default"]["NAME"] = database

    with django_db_blocker.unblock():
        admin.execute("SELECT pg_advisory_lock(7001)")
        known = [row[0] for row in admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'cielm_tpl_%'")]
        if template not in known:
            for old in known:
                admin.execute(f'DROP DATABASE "{old}" WITH (FORCE)')
            admin.execute(f'DROP DATABASE IF EXISTS "{template}_new" WITH (FORCE)')
            admin.execute(f'CREATE DATABASE "{template}_new"')
            use(f"{template}_new")
            from tests.factories.schools import make_template_database

            make_template_database()
            connections.close_all()
            admin.execute(f'ALTER DATABASE "{template}_new" RENAME TO "{template}"')
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        admin.execute("SELECT pg_advisory_unlock(7001)")
        use(name)
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.close()


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
