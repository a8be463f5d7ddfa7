"""The Celery app: names, routes, beat. Tasks live in `workers/tasks/<feature>.py`."""

import os
from collections.abc import Mapping
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("cielm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["workers"], related_name="tasks")


def send(name: str, payload: Mapping[str, Any]) -> None:
    """Hand a job to the broker. An unknown name fails here, at once, not in the worker."""
    app.tasks[name].apply_async(kwargs=dict(payload))
