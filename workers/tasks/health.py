"""A sign of life of the worker, asked for by tests and by `make run`."""

from django.db import connection

from workers.base import PublicTask
from workers.celery import app


@app.task(base=PublicTask, name="health.ping")
def ping(*, word: str) -> None:
    """Answer on the channel `health` (LISTEN/NOTIFY), so that the caller knows that a worker took the message."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('health', %s)", [word])
