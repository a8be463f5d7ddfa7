"""Every background task: inside one open school or not at all, and deaf to the other school's ids."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from celery import Task
from django.db import connection, transaction

from institute.schools.choices import SchoolStatus
from institute.schools.models import School
from kernel.errors import DomainError
from kernel.tenancy import NoSchool
from tests.isolation.world import Side, World, everything_told_to, ids_of
from workers.base import OwedTask, PublicTask, SchoolTask
from workers.beat import SCHEDULE
from workers.celery import app

TASKS: dict[str, Any] = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
OF_SCHOOLS = sorted(name for name, task in TASKS.items() if isinstance(task, SchoolTask))
# Words of tasks that are no id.
WORDS: dict[str, Any] = {
    "word": "hello",
    **dict.fromkeys(("day", "on", "since", "from_day", "until_day"), "2026-11-01"),
}


def parameters(task: Task, world: World, side: Side | None = None) -> dict[str, Any]:
    """The task's own parameters, filled with a side's ids (the other school's). Raises CannotGuess, naming the task."""
    filled = {}
    for name, parameter in inspect.signature(task.run).parameters.items():
        if name in {"tenant", "self"} or parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        feature = task.name.split(".")[0]
        value = WORDS[name] if name in WORDS else ids_of(side or world.beta, name, feature, f"task {task.name}")[0]
        filled[name] = [str(value)] if name.endswith("_ids") else value if name in WORDS else str(value)
    return filled


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_task_says_where_it_works(world: World, name: str) -> None:
    task = TASKS[name]
    assert isinstance(task, SchoolTask | PublicTask), "use base=SchoolTask or base=PublicTask (workers/base.py)"
    assert "." in name
    parameters(task, world)


@pytest.mark.parametrize("name", OF_SCHOOLS)
def test_a_school_task_refuses_every_place_but_an_open_school(world: World, undone: None, name: str) -> None:
    task, sent = TASKS[name], parameters(TASKS[name], world)
    with pytest.raises(TypeError):
        task(**sent)
    for schema in ("public", "s_unknown", "information_schema", ""):
        with pytest.raises(NoSchool):
            task(schema=schema, **sent)
    shut = {SchoolStatus.SUSPENDED, SchoolStatus.ARCHIVED, SchoolStatus.SEEDING}
    for status in shut - ({SchoolStatus.SUSPENDED} if isinstance(task, OwedTask) else set()):
        School.objects.filter(pk=world.alpha.tenant.school_id).update(status=status)
        with pytest.raises(NoSchool):
            task(schema="s_alpha", **sent)
    assert connection.schema_name == "public"


@pytest.mark.parametrize("name", OF_SCHOOLS)
def test_a_school_task_does_nothing_with_ids_of_the_other_school(world: World, undone: None, name: str) -> None:
    before = everything_told_to(world.beta)
    try:
        with transaction.atomic():
            TASKS[name](schema="s_alpha", **parameters(TASKS[name], world))
    except DomainError:
        pass
    assert connection.schema_name == "public"
    after = everything_told_to(world.beta)
    assert [table for table in before if before[table] != after[table]] == []


@pytest.mark.parametrize("entry", sorted(SCHEDULE))
def test_what_beat_starts_needs_no_school(entry: str) -> None:
    """Beat knows no schools: what it starts works in public and hands on to each school by name."""
    assert isinstance(TASKS[SCHEDULE[entry]["task"]], PublicTask)
    assert "schema" not in SCHEDULE[entry].get("kwargs", {})


def test_a_rolled_back_transaction_leaves_the_school_where_it_was(world: World) -> None:
    """SET search_path is transactional in PostgreSQL: after a rollback it must be said again, not trusted."""
    from kernel.tenancy import school_context
    from tenants.organisation.models import Place

    for side, other in ((world.alpha, world.beta), (world.beta, world.alpha)):
        with school_context(other.tenant):
            assert Place.objects.exists()
        with school_context(side.tenant):
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                assert Place.objects.exists()
                raise ZeroDivisionError
            assert set(Place.objects.values_list("pk", flat=True)) >= {side.own.of("organisation.Place").pk}
            assert not Place.objects.filter(pk=other.own.of("organisation.Place").pk).exists()
