"""All schools to the newest tables: the SQL each migration ran in the template, replayed school by school.

Each school is one transaction (its tables, its django_migrations rows, its ledger row), so a kill leaves
schools that are done and schools that are not, and the next run takes only the latter. A school whose
tables are in use for longer than the lock timeout is passed over and tried again. Nothing to do costs
one query. Migrations that run Python on rows are not replayed: they run Django's way, and say so.
Only additive steps belong in a release (expand, then contract in a later one): old code serves meanwhile.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile

from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import F, QuerySet

from identity.contracts import Actor
from institute.schools import blueprint, catalogue, policies
from institute.schools.choices import SchemaPurpose, SchemaState
from institute.schools.models import Blueprint, MigrationScript, SchemaRecord
from institute.schools.pool import Incomplete, verify
from kernel.errors import NotAllowed
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import PUBLIC, public_context

log = logging.getLogger(__name__)
LOCK_TIMEOUT = 2_000  # ms a school's tables may be waited for
ROUNDS = 5  # how often a busy school is tried in one run
PAUSE = 0.5  # seconds before the second round; doubles
CONCURRENT = re.compile(r'^CREATE (?:UNIQUE )?INDEX CONCURRENTLY "([^"]+)"', re.IGNORECASE)
LOCKS = 7_104  # advisory lock space: one runner at a time in a school's step that is no transaction
Report = Callable[[str], None]


@dataclass
class Summary:
    """What one run did."""

    upgraded: int = 0
    waiting: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    normally: list[str] = field(default_factory=list)  # migrations that were not replayed, with the reason

    @property
    def complete(self) -> bool:
        return not self.waiting and not self.failed


def request_run(*, by: Actor) -> None:
    """Let a worker bring all schools to the head and compare them with the template. Raises NotAllowed."""
    if not policies.can_manage(by):
        raise NotAllowed
    enqueue_on_commit("schools.upgrade_all")


def behind() -> QuerySet[SchemaRecord]:
    """Schools that do not have the running code's migrations."""
    return SchemaRecord.objects.filter(purpose=SchemaPurpose.SCHOOL).exclude(head=blueprint.head())


def upgrade_all(
    *, clock: Callable[[], datetime], report: Report = lambda _line: None, rounds: int = ROUNDS, pause: float = PAUSE
) -> Summary:
    """Bring every school to the head. Not atomic; safe to kill, to repeat and to run twice at once."""
    summary = Summary()
    with public_context():
        todo = list(behind().order_by("schema_name").values_list("pk", "schema_name"))
        if not todo:
            return summary
        drawn = blueprint.current()
        ahead = Blueprint.objects.filter(created_at__gt=drawn.created_at).values_list("key", flat=True)
        if ahead:  # an older release runs beside a newer one: what the newer one has done stays
            left_alone = set(SchemaRecord.objects.filter(blueprint_key__in=ahead).values_list("pk", flat=True))
            todo = [(pk, schema) for pk, schema in todo if pk not in left_alone]
        scripts = list(MigrationScript.objects.order_by("position").defer("statements"))  # read when first needed
        summary.normally = [f"{s.app}.{s.name}: {s.refused}" for s in scripts if s.refused]
        for attempt in range(rounds):
            busy: list[tuple[int, str]] = []
            for number, (pk, schema) in enumerate(todo, 1):
                state = _one(pk, schema, drawn, scripts, clock())
                if state is SchemaState.WAITING:
                    busy.append((pk, schema))
                elif state is SchemaState.CURRENT:
                    summary.upgraded += 1
                if number % 50 == 0:
                    report(f"{number}/{len(todo)}")
            todo = busy
            if not todo:
                break
            if attempt < rounds - 1:
                report(f"{len(todo)} busy, trying again")
                time.sleep(pause * 2**attempt)
        left = behind().values_list("schema_name", "state")
        # Also those that another runner is at just now: they are not at head yet.
        summary.waiting = [name for name, state in left if state != SchemaState.FAILED]
        summary.failed = [name for name, state in left if state == SchemaState.FAILED]
    return summary


def _one(
    pk: int, schema: str, drawn: Blueprint, scripts: Sequence[MigrationScript], now: datetime
) -> SchemaState | None:
    """Take one school to the head. None: somebody else has it, or it is there already."""
    try:
        while (step := _step(pk, schema, drawn, scripts, now)) is not None:
            if step is SchemaState.CURRENT:
                return step
    except DatabaseError as refused:
        return _put_off(pk, refused, now)
    return None


def _step(
    pk: int, schema: str, drawn: Blueprint, scripts: Sequence[MigrationScript], now: datetime
) -> SchemaState | None:
    """As many missing migrations as fit one transaction, or one that fits none; then where the school stands."""
    alone: MigrationScript | None = None
    with transaction.atomic():
        done = _locked(pk, schema, drawn)
        if done is None:
            return None
        missing = [s for s in scripts if f"{s.app}.{s.name}" not in done]
        together = list(takewhile(lambda s: s.atomic and not s.refused, missing))
        if together or not missing:
            finished = len(together) == len(missing)
            _replay(schema, together, ledger=_at_head(pk, drawn, now) if finished else "")
            if finished:
                return SchemaState.CURRENT
        else:
            alone = missing[0]
    if alone is not None and not _alone(pk, schema, alone):
        return None
    return SchemaState.WAITING


def _locked(pk: int, schema: str, drawn: Blueprint) -> set[str] | None:
    """Lock the ledger row and read which migrations the school has; None when another runner holds or finished it."""
    done = f"SELECT ARRAY(SELECT app || '.' || name FROM {catalogue.quoted(schema)}.django_migrations)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(
            f"{done} FROM schools_schemarecord WHERE id = %s AND head <> %s FOR UPDATE SKIP LOCKED", [pk, drawn.head]
        )
        row = cursor.fetchone()
    return None if row is None else set(row[0])


def _replay(schema: str, scripts: Sequence[MigrationScript], *, ledger: str) -> None:
    """The statements of several migrations, their rows and the ledger's, in the caller's transaction, in one round trip.

    The commit is not waited for on disk: school and ledger row are lost together or not at all.
    """
    parts = [
        f"SET LOCAL search_path = {catalogue.quoted(schema)}, {catalogue.quoted(PUBLIC)}",
        f"SET LOCAL lock_timeout = {LOCK_TIMEOUT}",
        "SET LOCAL synchronous_commit = off",
    ]
    for script in scripts:
        if script.statements:
            parts += [*script.statements, "SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED"]
        parts.append(_recorded(script))
    if ledger:
        parts.append(ledger)
    parts += ["SET LOCAL lock_timeout = 0", f"SET LOCAL search_path = {catalogue.quoted(PUBLIC)}"]
    with connection.cursor() as cursor:
        cursor.execute(";\n".join(parts))


def _recorded(script: MigrationScript) -> str:
    rows = ", ".join(f"('{app}', '{name}', now())" for app, name in script.records)
    return f"INSERT INTO django_migrations (app, name, applied) VALUES {rows}"  # noqa: S608 - names of migration files


def _at_head(pk: int, drawn: Blueprint, now: datetime) -> str:
    """The ledger row of a school that is done; only our own ids, digests and clock go into the text."""
    return (
        f"UPDATE {PUBLIC}.schools_schemarecord SET head = '{drawn.head}', blueprint_key = '{drawn.key}',"  # noqa: S608
        f" fingerprint = '{drawn.fingerprint}', verified_at = NULL, state = '{SchemaState.CURRENT}',"
        f" attempts = attempts + 1, error = '', updated_at = '{now.isoformat()}' WHERE id = {int(pk)}"
    )


def _alone(pk: int, schema: str, script: MigrationScript) -> bool:
    """A migration that is no transaction or runs Python. False when another runner is at it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCKS, pk % 2**31])
        if not cursor.fetchone()[0]:
            return False
    try:
        with _patience():
            if script.refused:
                blueprint.migrate_normally(schema, (script.app, script.name))
            else:
                _statement_by_statement(schema, script)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCKS, pk % 2**31])
    return True


@contextmanager
def _patience() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {LOCK_TIMEOUT}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def _statement_by_statement(schema: str, script: MigrationScript) -> None:
    """Indexes made while the school works. One that a kill left half-made is made anew, a whole one is kept."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        before = cursor.fetchone()[0]
        cursor.execute(
            "SELECT set_config('search_path', %s, false)", [f"{catalogue.quoted(schema)}, {catalogue.quoted(PUBLIC)}"]
        )
        try:
            for statement in script.statements:
                index = CONCURRENT.match(statement)
                if index:
                    cursor.execute(
                        "SELECT x.indisvalid FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid"
                        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s",
                        [schema, index[1]],
                    )
                    there = cursor.fetchone()
                    if there and there[0]:
                        continue
                    if there:
                        cursor.execute(f"DROP INDEX {catalogue.quoted(schema)}.{catalogue.quoted(index[1])}")
                cursor.execute(statement)
            cursor.execute(_recorded(script))
        finally:
            cursor.execute("SELECT set_config('search_path', %s, false)", [before])


def _put_off(pk: int, refused: DatabaseError, now: datetime) -> SchemaState:
    """Note in the ledger why a school was not upgraded: busy tables are tried again, anything else needs a person."""
    busy = isinstance(refused, OperationalError)
    state = getattr(refused.__cause__, "sqlstate", None) or "?"
    if busy and connection.connection is not None and connection.connection.closed:
        raise refused  # the server is gone: no use to go on
    outcome = SchemaState.WAITING if busy else SchemaState.FAILED
    sentence = (
        f"数据表正被占用（SQLSTATE {state}），稍后自动重试。" if busy
        else f"升级语句执行失败（SQLSTATE {state}），该校仍按原结构运行，请查看日志。"
    )  # fmt: skip
    log.warning("upgrade of schema record %s put off: %s", pk, refused)
    SchemaRecord.objects.filter(pk=pk).update(state=outcome, attempts=F("attempts") + 1, error=sentence, updated_at=now)
    return outcome


def verify_all(*, now: datetime, older_than: datetime | None = None) -> list[str]:
    """Read every school's schema and compare it with its blueprint; returns the names of those that differ.

    With `older_than`, only those not verified since. Differences are kept in the ledger (结构不一致).
    """
    drifted: list[str] = []
    with public_context():
        rows = SchemaRecord.objects.filter(purpose=SchemaPurpose.SCHOOL).order_by("verified_at", "schema_name")
        if older_than is not None:
            rows = rows.exclude(verified_at__gte=older_than)
        blueprints = {b.key: b for b in Blueprint.objects.all()}
        for record in rows:
            try:
                verify(record.schema_name, blueprints[record.blueprint_key])
            except Incomplete as found:
                drifted.append(record.schema_name)
                state, error = SchemaState.DRIFTED, "\n".join(found.differences)
            else:
                state, error = SchemaState(record.state), record.error
                if state == SchemaState.DRIFTED:
                    state, error = SchemaState.CURRENT, ""
            SchemaRecord.objects.filter(pk=record.pk).update(state=state, error=error, verified_at=now)
    return drifted
