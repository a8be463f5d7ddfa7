"""Databases for tests: one template per state of the migrations, copied in a fraction of a second."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]
# Whatever the content of the template database is made from.
MADE_FROM = (
    *(f"{shelf}/**/migrations/*.py" for shelf in ("platform", "tenants", "standards_library", "workers", "web")),
    "platform/institute/schools/*.py",
    "standards_library/**/*.py",
    "standards_library/data/*.json",
    "workers/seeding.py",
    "tests/databases.py",
    "tests/factories/schools.py",
)


def state() -> str:
    """A hash of everything the template database is made from."""
    made_from = hashlib.sha256()
    files = {path for pattern in MADE_FROM for path in ROOT.glob(pattern)}  # never walks var/, where files come and go
    for path in sorted(files):
        made_from.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return made_from.hexdigest()[:16]


@contextmanager
def server() -> Iterator[psycopg.Connection]:
    """A connection to the server's maintenance database, holding the lock that serialises copies."""
    from django.conf import settings

    config = settings.DATABASES["default"]
    with psycopg.connect(
        host=config["HOST"], port=config["PORT"], user=config["USER"], password=config["PASSWORD"] or None,
        dbname="postgres", autocommit=True,
    ) as connection:  # fmt: skip
        connection.execute("SELECT pg_advisory_lock(7001)")
        yield connection


def use(name: str) -> None:
    """Point Django's default connection at another database of the server."""
    from django.conf import settings
    from django.db import connection, connections

    connections.close_all()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name


def create(name: str) -> None:
    """Make a database with everything a fresh installation has, and the schools alpha and beta."""
    with server() as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template(admin)}"')


def template(admin: psycopg.Connection) -> str:
    """The database that the others are copied from, made unless it stands; the caller holds the lock."""
    from django.db import connections

    name = f"cielm_tpl_{state()}"
    known = [row[0] for row in admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'cielm_tpl_%'")]
    if name not in known:
        for old in known:
            admin.execute(f'DROP DATABASE "{old}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}_new"')
        use(f"{name}_new")
        from tests.factories.schools import make_template_database

        make_template_database()
        connections.close_all()
        admin.execute(f'ALTER DATABASE "{name}_new" RENAME TO "{name}"')
    return name


def drop(name: str) -> None:
    with server() as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def url_of(name: str) -> str:
    """DATABASE_URL of a database of the same server, for processes that a test starts."""
    from urllib.parse import quote

    from django.conf import settings

    config = settings.DATABASES["default"]
    password = f":{quote(config['PASSWORD'], safe='')}" if config["PASSWORD"] else ""
    return (
        f"postgresql://{config['USER']}{password}@/{name}?host={quote(config['HOST'], safe='')}&port={config['PORT']}"
    )


def make_ready() -> None:
    """Make the template before the tests ask for it: `python -m tests.databases`."""
    import os
    import signal
    import sys

    import pytest  # noqa: F401  (the settings know by it that this is the tests' server)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of atexit, which stops the server
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("VAR_DIR", str(ROOT / "var" / "test"))
    import django

    django.setup()
    with server() as admin:
        template(admin)


if __name__ == "__main__":
    make_ready()
