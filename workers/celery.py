"""The Celery app: routes and beat. Tasks live in `workers/tasks/<feature>.py`, imported by `WorkersConfig.ready`."""

import logging
import os
from collections.abc import Mapping
from typing import Any

from celery import Celery
from celery.signals import worker_init

from workers.beat import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

log = logging.getLogger(__name__)
app = Celery("cielm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = SCHEDULE


@worker_init.connect
def _refuse_leaking_pooler(**_signal: Any) -> None:
    from kernel.pooler import refuse_leaking_pooler

    refuse_leaking_pooler()


def send(name: str, payload: Mapping[str, Any]) -> None:
    """Hand a job to the broker. An unknown name fails here, at once, not in the worker.

    A broker that does not answer is no failure of what has just been committed: the sweep of the
    feature finds the work by its rows.
    """
    task = app.tasks[name]
    try:
        task.apply_async(kwargs=dict(payload))
    except Exception:
        log.exception("the broker did not take a job", extra={"job": name})
