"""Holding a running platform up by locks of its database, so that a person sees each step."""

from __future__ import annotations

import time

import psycopg

from tests import databases
from tests.running import Site

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
HELD_UP = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"


def connected(site: Site) -> psycopg.Connection:
    return psycopg.connect(databases.url_of(site.database))


def wait_until(asker: psycopg.Connection, question: str, whom: psycopg.Connection, seconds: float = 60) -> None:
    """Until the question about that connection finds somebody; a journey that missed the moment fails, it does not hang."""
    until = time.monotonic() + seconds
    while asker.execute(question, [whom.info.backend_pid]).fetchone() == (0,):
        assert time.monotonic() < until, question
        time.sleep(0.05)
