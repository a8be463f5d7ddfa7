"""What the domain asks for can be sent: a school's job names its schema, the task is handed the tenant."""

from __future__ import annotations

import pytest
from kombu import Connection

from workers.base import SchoolTask
from workers.celery import app

SCHOOL_TASKS = sorted(name for name, task in app.tasks.items() if isinstance(task, SchoolTask))


@pytest.mark.parametrize("name", SCHOOL_TASKS)
def test_a_job_of_a_school_can_be_sent(name: str) -> None:
    with Connection("memory://") as broker:
        app.tasks[name].apply_async(kwargs={"schema": "s_alpha"}, connection=broker)


def test_there_are_jobs_of_schools() -> None:
    assert "benchmarking.flow_up" in SCHOOL_TASKS
