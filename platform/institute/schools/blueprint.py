"""The template schema, and what is drawn from it: the blueprint of a new school and the SQL of each migration.

The template is migrated the normal way, once per state of the migration files. On the way every statement
a migration sends is written down (`MigrationScript`): schools that exist are upgraded by replaying it.
When it is done the catalogue is read (`Blueprint`): new schools are made from that in one transaction.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from django.apps import apps
from django.conf import settings
from django.db import connection as _connection
from django.db import router, transaction
from django.db.migrations import Migration, RunPython
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.special import SeparateDatabaseAndState
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

from institute.schools import catalogue
from institute.schools.migrating import Executor, records_of
from institute.schools.models import Blueprint, MigrationScript
from kernel.tenancy import public_context, schema_context_for_provisioning

connection = cast("Any", _connection)
TEMPLATE = "s_template"
LOCK = 7_102  # advisory lock: one process at a time touches the template
READS = ("SELECT", "SHOW", "SAVEPOINT", "RELEASE", "ROLLBACK TO", "SET ")


def _digest(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:32]


@lru_cache(maxsize=1)
def digests() -> dict[str, str]:
    """Every migration the running code knows ("app.name"), with a digest of its file where it touches schools."""
    of_schools = {config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS}
    return {
        f"{app}.{name}": _digest(_source(migration)) if app in of_schools else ""
        for (app, name), migration in sorted(MigrationLoader(None).disk_migrations.items())
    }


def _source(migration: Migration) -> bytes:
    return Path(sys.modules[type(migration).__module__].__file__ or "").read_bytes()


@lru_cache(maxsize=1)
def head() -> str:
    """The set of migration names the running code knows."""
    return _digest("\n".join(sorted(digests())))


def key() -> str:
    """The state of the migration files and the version of PostgreSQL."""
    connection.ensure_connection()
    return _digest(f"{connection.pg_version}|{sorted(digests().items())}")


def forget() -> None:
    """Read the migration files anew: for tests and the bench, which add migrations while they run."""
    digests.cache_clear()
    head.cache_clear()


@contextmanager
def template_lock() -> Iterator[None]:
    """One process at a time works on the template; others wait. A session lock: migrations commit one by one."""
    with public_context():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def current() -> Blueprint:
    """The blueprint for the running code; drawn now if this is the first call since the migrations changed.

    Drawing takes as long as migrating one school (seconds) and holds the template's lock.
    """
    with public_context():
        found = Blueprint.objects.filter(key=key()).first()
        if found is not None:
            return found
        with template_lock():
            found = Blueprint.objects.filter(key=key()).first()
            return found or _draw()


def _draw() -> Blueprint:
    if not _template_can_go_on():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'DROP SCHEMA IF EXISTS "{TEMPLATE}" CASCADE')
            cursor.execute(f'CREATE SCHEMA "{TEMPLATE}"')
            MigrationScript.objects.all().delete()
    migrate_template()
    lines = catalogue.read(TEMPLATE).lines()
    script = catalogue.statements(TEMPLATE)
    return Blueprint.objects.create(
        key=key(),
        head=head(),
        digests=digests(),
        statements=script,
        lines=lines,
        aliases=_aliases(lines, script),
        fingerprint=catalogue.fingerprint(lines),
    )


def _template_can_go_on() -> bool:
    """Whether the template stands where the scripts say: not made yet, killed half-way or rewritten means no."""
    scripts = list(MigrationScript.objects.values_list("app", "name", "digest", "records"))
    known = digests()
    if any(known.get(f"{app}.{name}") != digest for app, name, digest, _records in scripts):
        return False
    recorded = sorted(f"{app}.{name}" for *_script, records in scripts for app, name in records)
    return bool(recorded) and recorded == catalogue.read(TEMPLATE).migrations


def _aliases(lines: list[str], script: list[str]) -> dict[str, str]:
    """Prove the script on a scratch schema. Returns the lines PostgreSQL words differently the second time.

    It writes `kind IN (…)` on a varchar back as an array cast; read in again, the cast stands at each
    element. Only expressions of an object of the same kind and name may differ; anything else raises
    NotReproducible.
    """
    scratch = f"{TEMPLATE}_proof"
    with transaction.atomic():
        replay(scratch, script)
        proof = catalogue.read(scratch).lines()
        with connection.cursor() as cursor:
            cursor.execute(f'DROP SCHEMA "{scratch}" CASCADE')
    expected, found = set(lines) - set(proof), set(proof) - set(lines)
    by_name = {tuple(line.split(" | ")[:2]): line for line in expected}
    if len(by_name) != len(expected) or len(expected) != len(found):
        raise catalogue.NotReproducible("; ".join(catalogue.differences(lines, proof)))
    aliases = {line: by_name.get(tuple(line.split(" | ")[:2]), "") for line in found}
    if not all(aliases.values()):
        raise catalogue.NotReproducible("; ".join(catalogue.differences(lines, proof)))
    return aliases


def replay(schema: str, script: list[str]) -> None:
    """Make `schema` from a script, in the caller's transaction: all of it or nothing."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {catalogue.quoted(schema)}")
        with catalogue.only(schema) as cursor:
            cursor.execute(";\n".join(script))


def lines_of(schema: str, blueprint: Blueprint) -> list[str]:
    """The lines of a schema, worded as the template's."""
    return sorted(blueprint.aliases.get(line, line) for line in catalogue.read(schema).lines())


class _Recorder(Executor):
    """The executor which also writes down what each migration sends to the database."""

    def note(self, migrations: list[Migration]) -> None:
        with transaction.atomic():
            super().note(migrations)
            with public_context():
                position = MigrationScript.objects.count()
                MigrationScript.objects.bulk_create(
                    MigrationScript(
                        position=position + number, app=migration.app_label, name=migration.name, atomic=True,
                        digest=digests()[f"{migration.app_label}.{migration.name}"], statements=[],
                        records=[list(pair) for pair in records_of(migration)], refused="",
                    )
                    for number, migration in enumerate(migrations, 1)
                )  # fmt: skip

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        before = set(self.recorder.applied_migrations())
        refused = data_operation(migration)
        # Step and script commit together; a migration that must not run in a transaction leaves a gap in
        # which a kill is noticed by `_template_can_go_on`.
        together = transaction.atomic() if migration.atomic else nullcontext()
        with together:
            with _written_down(connection) as (sent, bypassing):
                state = super().apply_migration(state, migration, fake=fake, fake_initial=fake_initial)
            if bypassing and not refused:
                refused = f"sends SQL past the schema editor: {bypassing[0][:200]}"
            left = [list(pair) for pair in self.recorder.applied_migrations() if pair not in before]
            with public_context():
                MigrationScript.objects.create(
                    position=MigrationScript.objects.count() + 1,
                    app=migration.app_label,
                    name=migration.name,
                    digest=digests()[f"{migration.app_label}.{migration.name}"],
                    atomic=bool(migration.atomic),
                    statements=[] if refused else sent,
                    records=left,
                    refused=refused,
                )
        return state


def migrate_template() -> None:
    """Bring the template to the head, writing down the SQL of every migration on the way."""
    with schema_context_for_provisioning(TEMPLATE):
        _ensure_own_migrations_table(TEMPLATE)
        executor = _Recorder(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())


def migrate_normally(schema: str, target: tuple[str, str] | None = None) -> None:
    """Django's own way through the migrations of one schema: all, or up to one."""
    with schema_context_for_provisioning(schema):
        _ensure_own_migrations_table(schema)
        executor = MigrationExecutor(connection)
        executor.migrate([target] if target else executor.loader.graph.leaf_nodes())


def _ensure_own_migrations_table(schema: str) -> None:
    with catalogue.only(schema):  # without public in sight, where the table exists already
        MigrationRecorder(connection).ensure_schema()


def data_operation(migration: Migration) -> str:
    """Why the migration cannot be replayed as SQL ("" if it can): it runs Python on the rows of a school."""

    def python_in(operations: Sequence[Operation]) -> bool:
        return any(
            isinstance(o, RunPython) or (isinstance(o, SeparateDatabaseAndState) and python_in(o.database_operations))
            for o in operations
        )

    if router.allow_migrate(connection.alias, migration.app_label) and python_in(migration.operations):
        return "RunPython: rows are changed by code, school by school"
    return ""


@contextmanager
def _written_down(connection: Any) -> Iterator[tuple[list[str], list[str]]]:
    """Collect what schema editors of `connection` execute, and writes that go past them."""
    sent: list[str] = []
    bypassing: list[str] = []
    inside = [0]
    plain = connection.SchemaEditorClass

    class Editor(plain):  # type: ignore[misc,valid-type]
        def execute(self, sql: Any, params: Any = ()) -> None:
            text = self.connection.ops.compose_sql(str(sql), params) if params else str(sql)
            sent.append(text.rstrip().rstrip(";").replace(f'"{TEMPLATE}".', ""))
            inside[0] += 1
            try:
                super().execute(sql, params)
            finally:
                inside[0] -= 1

    def watch(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = str(sql).lstrip().upper()
        if not inside[0] and not text.startswith(READS) and "DJANGO_MIGRATIONS" not in text:
            bypassing.append(str(sql))
        return execute(sql, params, many, context)

    connection.SchemaEditorClass = Editor
    try:
        with connection.execute_wrapper(watch):
            yield sent, bypassing
    finally:
        connection.SchemaEditorClass = plain
