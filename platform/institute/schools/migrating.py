"""Django's migrations without the work that leaves no trace in the schema at hand.

Every schema's `django_migrations` lists the migrations of all apps, but a schema holds the tables of either the
shared or the schools' apps. Django draws the models of all of them anew at every step, which is nearly all of the
time a migration takes. Here the other side's migrations are noted without being drawn, and within one migration
an index or constraint is made with its table when both are in it. The tables come out the same (tested).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.apps import apps
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import connection as _connection
from django.db import router
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel, Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from kernel.tenancy import public_context

Plan = list[tuple[Migration, bool]]
PART_OF_A_TABLE = (AddIndex, AddConstraint)  # not their kin that work concurrently or without validation


class Executor(MigrationExecutor):
    """Forwards only; goes through the migrations whose tables this schema holds and notes the others."""

    def holds(self, migration: Migration) -> bool:
        return bool(router.allow_migrate(self.connection.alias, migration.app_label))

    def _create_project_state(self, with_applied_migrations: bool = False) -> ProjectState:
        state = ProjectState(real_apps=self.loader.unmigrated_apps)
        if with_applied_migrations:
            for migration, _ in self.migration_plan(self.loader.graph.leaf_nodes(), clean_start=True):
                key = (migration.app_label, migration.name)
                if key in self.loader.applied_migrations and self.holds(migration):
                    migration.mutate_state(state, preserve=False)
        return state

    def _migrate_all_forwards(
        self, state: ProjectState, plan: Plan, full_plan: Plan, fake: bool, fake_initial: bool
    ) -> ProjectState:
        self.note([migration for migration, _ in plan if not self.holds(migration)])
        own = [(migration, back) for migration, back in plan if self.holds(migration)]
        for migration, _ in own:
            cast("list[Operation]", migration.operations)[:] = together(migration.operations)  # the loader's copy
        after: ProjectState = super()._migrate_all_forwards(state, own, full_plan, fake, fake_initial)  # type: ignore[misc]
        return after

    def note(self, migrations: list[Migration]) -> None:
        """Record what has no tables here."""
        rows = self.recorder.Migration
        rows.objects.using(self.connection.alias).bulk_create(
            [rows(app=app, name=name) for migration in migrations for app, name in records_of(migration)]
        )


def records_of(migration: Migration) -> list[tuple[str, str]]:
    """The rows of django_migrations it stands for."""
    return list(migration.replaces) or [(migration.app_label, migration.name)]


def together(operations: Sequence[Operation]) -> list[Operation]:
    """The operations, with the indexes and constraints of a new table made with it.

    Only those that follow it with nothing but additions between, and on a table that gets no further column there.
    """
    result: list[Operation] = []
    new: dict[str, int] = {}  # the table → where in `result` it is made
    for operation in operations:
        if type(operation) is CreateModel:
            new[operation.name_lower] = len(result)
        elif type(operation) is AddField:
            new.pop(operation.model_name_lower, None)
        elif isinstance(operation, AddIndex | AddConstraint) and type(operation) in PART_OF_A_TABLE:
            at = new.get(operation.model_name_lower)
            if at is not None:
                result[at] = _with(cast("CreateModel", result[at]), operation)
                continue
        else:
            new.clear()
        result.append(operation)
    return result


def _with(table: CreateModel, more: AddIndex | AddConstraint) -> CreateModel:
    kind, thing = ("indexes", more.index) if isinstance(more, AddIndex) else ("constraints", more.constraint)
    options = {**table.options, kind: [*table.options.get(kind, ()), thing]}
    return CreateModel(table.name, fields=table.fields, options=options, bases=table.bases, managers=table.managers)


def migrate_public() -> None:
    """Bring the public schema to the running code; what `migrate_schemas --shared` does, in a fraction of its time."""
    with public_context():
        executor = Executor(_connection)
        executor.loader.check_consistent_history(_connection)
        targets = executor.loader.graph.leaf_nodes()
        plan = executor.migration_plan(targets)
        told: dict[str, Any] = {"verbosity": 0, "interactive": False, "db": _connection.alias, "plan": plan}
        emit_pre_migrate_signal(**told, apps=apps)
        executor.migrate(targets, plan=plan)
        emit_post_migrate_signal(**told, apps=apps)
