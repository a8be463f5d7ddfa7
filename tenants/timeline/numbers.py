"""Serial numbers people can read out: prefix, local day, running number ("WT20261122-0003")."""

from datetime import date

from django.db import connection


def next_number(*, prefix: str, day: date) -> str:
    """Return the next number of that day. Locks the day's counter row until the caller commits.

    A rolled-back operation gives its number back, so a day's numbers have no gaps.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO timeline_daynumber (prefix, day, last) VALUES (%s, %s, 1)"
            " ON CONFLICT (prefix, day) DO UPDATE SET last = timeline_daynumber.last + 1 RETURNING last",
            [prefix, day],
        )
        (last,) = cursor.fetchone()
    return f"{prefix}{day:%Y%m%d}-{last:04d}"
