"""Background work of applications: forgetting."""

from typing import Any

from institute.applications import operations
from kernel import clock
from workers.base import PublicTask
from workers.celery import app


@app.task(base=PublicTask, name="applications.sweep")
def sweep(**_newer: Any) -> None:
    """Delete visitors' counts and drafts nobody came back to; remind schools of 补正 that falls due."""
    operations.sweep(now=clock.now())
    operations.remind_of_fixes(now=clock.now())
