"""The time of the play for what operations stamp by the clock: events. The demo alone may do this."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection

Result = TypeVar("Result")
_stamped: dict[str, int] = {}  # the newest event that has its time, by schema


def stamp(at: datetime, *, newest: str = "") -> None:
    """Give the events since the last stamp the time `at`; with `newest` only the last one whose verb begins so."""
    with connection.cursor() as cursor:
        if newest:
            cursor.execute(
                "UPDATE timeline_event SET at = %s WHERE id = (SELECT max(id) FROM timeline_event WHERE starts_with(verb, %s))",
                [at, newest],
            )
            return
        schema = connection.schema_name  # type: ignore[attr-defined]
        cursor.execute(
            "WITH timed AS (UPDATE timeline_event SET at = %s"
            " WHERE at > %s AND at > now() - interval '1 day' AND id > %s)"
            " SELECT coalesce(max(id), 0) FROM timeline_event",
            [at, at, _stamped.get(schema, 0)],
        )
        _stamped[schema] = cursor.fetchone()[0]


def played(at: datetime, operation: Callable[..., Result], /, **given: Any) -> Result:
    """Run an operation at `at`, and give its events that time."""
    result = operation(now=at, **given)
    stamp(at)
    return result


def newest() -> int:
    """The last event of this school, to see whether the demo made any."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM timeline_event")
        return int(cursor.fetchone()[0])


def put_in_order() -> None:
    """Number the events by their times: timelines are read in the order of numbers, and the demo plays each feature on its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH played AS (SELECT id, row_number() OVER (ORDER BY at, id) + max(id) OVER () AS later FROM timeline_event)"
            " UPDATE timeline_event AS event SET id = later FROM played WHERE event.id = played.id"
        )
        cursor.execute("SELECT setval(pg_get_serial_sequence('timeline_event', 'id'), max(id)) FROM timeline_event")
