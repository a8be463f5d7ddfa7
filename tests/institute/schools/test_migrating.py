"""Migrating without drawing the other side's models leaves the same tables and the same history."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, models
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel, RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from institute.schools.migrating import together
from institute.schools.models import MigrationScript

ROOM = models.Index(fields=["room"], name="room_index")
KNOWN = models.CheckConstraint(condition=models.Q(room__in=["a"]), name="room_known")


def table(name: str = "Key") -> CreateModel:
    return CreateModel(name, fields=[("id", models.BigAutoField(primary_key=True)), ("room", models.TextField())])


def test_public_knows_every_migration_and_has_all_of_its_tables_and_none_of_a_school(db: None) -> None:
    known = set(MigrationLoader(None).disk_migrations)
    assert known <= set(MigrationRecorder(connection).applied_migrations())
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'i'")
        named = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace")
        named |= {name for (name,) in cursor.fetchall()}
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        here = meta.app_config.name in settings.SHARED_APPS
        assert (meta.db_table in tables) is here, meta.db_table
        if here:
            assert {thing.name for thing in [*meta.indexes, *meta.constraints]} <= named, meta.db_table


def test_a_template_has_a_script_for_every_migration_and_sql_only_for_those_of_schools(db: None) -> None:
    scripts = {(s.app, s.name): s for s in MigrationScript.objects.all()}
    assert set(scripts) >= set(MigrationLoader(None).disk_migrations)
    of_schools = {config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS}
    assert {app for (app, _name), script in scripts.items() if script.statements} == of_schools
    assert len({script.position for script in scripts.values()}) == len(scripts)


def test_what_follows_a_new_table_is_made_with_it() -> None:
    other = table("Door")
    folded = together([table(), other, AddIndex("key", ROOM), AddConstraint("key", KNOWN)])
    assert [type(o) for o in folded] == [CreateModel, CreateModel]
    assert (folded[0].options["indexes"], folded[0].options["constraints"]) == ([ROOM], [KNOWN])
    assert folded[1] is other


@pytest.mark.parametrize(
    "between",
    [
        AddField("key", "lock", models.TextField(default="")),
        RunSQL("SELECT 1", "SELECT 1"),
        AddIndexConcurrently("key", models.Index(fields=["id"], name="other")),
    ],
)
def test_nothing_is_moved_past_a_column_or_a_step_of_another_kind(between: object) -> None:
    steps = [table(), between, AddIndex("key", ROOM)]
    assert together(steps) == steps
