"""Django's cache in one table that all processes share: what rate limits count, they count together.

For small things that live minutes: values are JSON, each call is one statement, and counting is atomic. The table
is `identity_limit` of the public schema (unlogged: after a crash of the database the counters begin again).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

from kernel import clock

FOREVER = timedelta(days=3650)
TABLE = '"public"."identity_limit"'  # named in full: a request of a school has the school first in its search path


class SharedCache(BaseCache):
    """A cache backend over the table; `LOCATION` is not needed."""

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def _run(self, sql: str, *values: Any) -> tuple[int, tuple[Any, ...] | None]:
        """Rows touched, and the first row returned."""
        with connection.cursor() as cursor:
            cursor.execute(sql.replace("{t}", TABLE), values)
            return cursor.rowcount, cursor.fetchone() if cursor.description else None

    def _end(self, timeout: Any) -> datetime:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return clock.now() + (FOREVER if seconds is None else timedelta(seconds=seconds))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        name = self.make_and_validate_key(key, version=version)
        _n, row = self._run("SELECT value FROM {t} WHERE key = %s AND expires_at > %s", name, clock.now())
        return default if row is None else json.loads(row[0])

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        name = self.make_and_validate_key(key, version=version)
        self._run(
            "INSERT INTO {t} (key, value, expires_at) VALUES (%s, %s, %s)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at",
            name, json.dumps(value), self._end(timeout),
        )  # fmt: skip

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set what is not there; of two at once one is told True."""
        name = self.make_and_validate_key(key, version=version)
        touched, _row = self._run(
            "INSERT INTO {t} AS known (key, value, expires_at) VALUES (%s, %s, %s) ON CONFLICT (key) DO UPDATE"
            " SET value = excluded.value, expires_at = excluded.expires_at WHERE known.expires_at <= %s",
            name, json.dumps(value), self._end(timeout), clock.now(),
        )  # fmt: skip
        return bool(touched)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        name, now = self.make_and_validate_key(key, version=version), clock.now()
        end = self._end(timeout)
        touched, _row = self._run("UPDATE {t} SET expires_at = %s WHERE key = %s AND expires_at > %s", end, name, now)
        return bool(touched)

    def delete(self, key: str, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        touched, _row = self._run("DELETE FROM {t} WHERE key = %s AND expires_at > %s", name, clock.now())
        return bool(touched)

    def clear(self) -> None:
        self._run("DELETE FROM {t}")

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Count at once, whoever else counts. Raises ValueError when there is no such key."""
        name = self.make_and_validate_key(key, version=version)
        _n, row = self._run(
            "UPDATE {t} SET value = (value::bigint + %s)::text WHERE key = %s AND expires_at > %s RETURNING value",
            delta, name, clock.now(),
        )  # fmt: skip
        if row is None:
            raise ValueError(f"Key {key!r} not found")
        return int(row[0])

    def hit(self, key: str, *, seconds: int) -> tuple[int, datetime]:
        """Count one more in the window that the first hit opened; returns the count and the window's end."""
        name, now = self.make_and_validate_key(key), clock.now()
        _n, row = self._run(
            "INSERT INTO {t} AS known (key, value, expires_at) VALUES (%s, '1', %s) ON CONFLICT (key) DO UPDATE SET"
            " value = CASE WHEN known.expires_at <= %s THEN '1' ELSE (known.value::bigint + 1)::text END,"
            " expires_at = CASE WHEN known.expires_at <= %s THEN excluded.expires_at ELSE known.expires_at END"
            " RETURNING value, expires_at",
            name, now + timedelta(seconds=seconds), now, now,
        )  # fmt: skip
        assert row is not None
        return int(row[0]), row[1]

    def sweep(self, *, now: datetime) -> int:
        """Delete what has expired; returns how many."""
        return self._run("DELETE FROM {t} WHERE expires_at <= %s", now)[0]
