"""A pooler between us and PostgreSQL may mix schools up; such a set-up is refused at start.

We say `SET search_path` once and rely on the session keeping it. A pooler in transaction mode hands one
server session to several clients in turn, so a query may run in another client's school (measured:
two thirds of requests). Safe are: no pooler (psycopg's own pool), session mode, or transaction mode that
carries the path along (`track_extra_parameters = search_path`, PgBouncer ≥ 1.20 with PostgreSQL ≥ 18).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import psycopg
from django.core.checks import Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

PATIENCE = 3.0  # seconds; a session pool of one lets a second client wait
ROUNDS = 10


def leaks(parameters: dict[str, Any]) -> bool:
    """Whether two open connections share a server session and see each other's search path."""
    with psycopg.connect(**parameters, autocommit=True, prepare_threshold=None) as one:
        mine = _ask(one, "SELECT pg_backend_pid()")
        outcome: list[bool] = []

        def second() -> None:
            try:
                with psycopg.connect(**parameters, autocommit=True, prepare_threshold=None) as other:
                    outcome.append(_mixed(one, other, mine))
            except psycopg.OperationalError:
                outcome.append(False)  # it could not even get in beside the first: nothing is shared

        thread = threading.Thread(target=second, daemon=True)
        thread.start()
        thread.join(PATIENCE)
        return bool(outcome and outcome[0])


def _ask(client: psycopg.Connection[Any], sql: str) -> Any:
    row = client.execute(sql).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return row[0]


def _mixed(one: psycopg.Connection[Any], other: psycopg.Connection[Any], mine: int) -> bool:
    pids = [{_ask(c, "SELECT pg_backend_pid()") for _ in range(ROUNDS)} for c in (one, other)]
    if not pids[0] & pids[1] and pids[0] == {mine}:
        return False
    one.execute("SET search_path = pg_catalog")
    other.execute("SET search_path = information_schema")
    paths = {(_ask(one, "SHOW search_path"), _ask(other, "SHOW search_path")) for _ in range(ROUNDS)}
    return paths != {("pg_catalog", "information_schema")}


def _parameters() -> dict[str, Any]:
    config = connection.settings_dict
    named = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return {key: config[name] for key, name in named.items() if config[name]}


REFUSAL = (
    "DATABASE_URL leads through a pooler in transaction mode that does not carry search_path: one school would read "
    "another's rows. Use pool_mode = session, or PgBouncer >= 1.20 with PostgreSQL >= 18 and "
    "track_extra_parameters = search_path, or no pooler at all."
)


def refuse_leaking_pooler() -> None:
    """Called when web and worker processes start. Raises ImproperlyConfigured; a database that is away says nothing."""
    try:
        leaking = leaks(_parameters())
    except psycopg.OperationalError:
        return  # /readyz tells
    if leaking:
        raise ImproperlyConfigured(REFUSAL)


@register(Tags.database)
def check(databases: Sequence[str] | None = None, **_options: Any) -> list[Error]:
    """`manage.py check --database default` and every migrate say the same."""
    return [Error(REFUSAL, id="cielm.E001")] if databases and leaks(_parameters()) else []
