"""T5 and T6: a fleet is upgraded by replay, survives locks and kills, and equals what migrating would have made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from institute.schools import blueprint, catalogue, upgrade
from institute.schools.models import MigrationScript, SchemaRecord
from kernel import clock
from tests import databases
from tests.factories.schools import make_school
from tests.institute.schools import later

FLEET = 40


def at_head() -> int:
    return SchemaRecord.objects.filter(purpose="school", head=blueprint.head()).count()


def count(sql: str, *args: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchone()[0]


def plain(sent: CaptureQueriesContext) -> int:
    """Queries but for the search path of the connection."""
    return sum(not q["sql"].startswith("SET search_path") for q in sent)


def test_nothing_to_do_costs_one_query(committed: str) -> None:
    blueprint.head()
    with CaptureQueriesContext(connection) as sent:
        summary = upgrade.upgrade_all(clock=clock.now)
    assert plain(sent) == 1
    assert summary.complete and summary.upgraded == 0


def test_a_fleet_with_a_lock_held_and_a_kill(committed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schools = [make_school(f"fleet-{n:03}") for n in range(FLEET)]
    held = schools[FLEET // 3]
    monkeypatch.setattr(upgrade, "LOCK_TIMEOUT", 300)
    with later.release(tmp_path, "expand"), psycopg.connect(databases.url_of(committed)) as reader:
        reader.execute(f'SELECT * FROM "{held.schema_name}".findings_finding')  # an open transaction of old code
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.institute.schools.later"],
            cwd=later.ROOT, env={**os.environ, "DATABASE_URL": databases.url_of(committed), "LATER": str(tmp_path)},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        until = time.monotonic() + 60
        while at_head() < FLEET // 3 and child.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)  # while it waits for the lock
        child.wait()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while count(waiting) and time.monotonic() < until + 30:  # its backend learns of the death at the timeout
            time.sleep(0.05)
        done = at_head()
        assert FLEET // 3 <= done < FLEET, child.stderr.read().decode()  # type: ignore[union-attr]

        # Old code serves on both sides of the line: it knows nothing of the new column.
        for school in (schools[0], schools[-1]):
            assert count(f'SELECT count(*) FROM "{school.schema_name}".findings_finding') == 0

        with pytest.raises(CommandError, match=held.schema_name):
            call_command("upgrade_schools", rounds=1, verbosity=0)
        assert at_head() == FLEET + 2 - 1  # alpha and beta too
        row = SchemaRecord.objects.get(schema_name=held.schema_name)
        assert (row.state, "55P03" in row.error) == ("waiting", True)
        reader.rollback()

        call_command("upgrade_schools", verify=True, verbosity=0)
        assert at_head() == FLEET + 2
        for school in schools:
            twice = f"SELECT count(*) FROM \"{school.schema_name}\".django_migrations WHERE name = '0900_expand'"
            assert count(twice) == 1
        others = SchemaRecord.objects.filter(purpose="school").exclude(schema_name=held.schema_name)
        assert set(others.values_list("attempts", "state")) == {(1, "current")}
        with CaptureQueriesContext(connection) as sent:
            assert upgrade.upgrade_all(clock=clock.now).upgraded == 0
        assert plain(sent) == 1

        # T5: migrated = replayed = upgraded, and upgraded from the oldest.
        drawn = blueprint.current()
        fresh = make_school("fresh")
        blueprint.replay("migrated", [])
        blueprint.migrate_normally("migrated")
        blueprint.replay("oldest", [])
        with catalogue.only("oldest") as cursor:
            cursor.execute(next(s for s in drawn.statements if s.startswith('CREATE TABLE "django_migrations"')))
        oldest = make_school("ancient")
        with connection.cursor() as cursor:
            cursor.execute(f'DROP SCHEMA "{oldest.schema_name}" CASCADE')
            cursor.execute(f'ALTER SCHEMA "oldest" RENAME TO "{oldest.schema_name}"')
        SchemaRecord.objects.filter(school=oldest).update(head="", fingerprint="")
        assert upgrade.upgrade_all(clock=clock.now).upgraded == 1
        for schema in (held.schema_name, "s_alpha", fresh.schema_name, "migrated", oldest.schema_name):
            found = blueprint.lines_of(schema, drawn)
            assert catalogue.differences(drawn.lines, found) == [], schema


def test_python_and_concurrent_migrations_run_their_own_way(committed: str, tmp_path: Path) -> None:
    with later.release(tmp_path, "expand", "concurrent", "python"):
        blueprint.current()
        scripts = {s.name: s for s in MigrationScript.objects.filter(app="findings", name__startswith="09")}
        assert [scripts[n].atomic for n in sorted(scripts)] == [True, False, True]
        assert "RunPython" in scripts["0902_python"].refused and scripts["0902_python"].statements == []
        with connection.cursor() as cursor:  # what a kill in the middle of CREATE INDEX CONCURRENTLY leaves
            cursor.execute('ALTER TABLE "s_alpha".findings_finding ADD COLUMN probe int')
            cursor.execute('ALTER TABLE "s_alpha".findings_finding DROP COLUMN probe')
        summary = upgrade.upgrade_all(clock=clock.now)
        assert summary.complete and summary.upgraded == 2
        assert summary.normally == ["findings.0902_python: RunPython: rows are changed by code, school by school"]
        assert upgrade.verify_all(now=clock.now()) == []
        # Half-made by a kill: not valid, made anew.
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 's_alpha.findings_later_note'::regclass"
            )
            cursor.execute("DELETE FROM s_alpha.django_migrations WHERE name = '0901_concurrent'")
        SchemaRecord.objects.filter(schema_name="s_alpha").update(head="")
        assert upgrade.upgrade_all(clock=clock.now).complete
        assert upgrade.verify_all(now=clock.now()) == []


def test_an_older_release_leaves_alone_what_a_newer_one_did(committed: str, tmp_path: Path) -> None:
    with later.release(tmp_path, "expand"):
        assert upgrade.upgrade_all(clock=clock.now).upgraded == 2
        newer = blueprint.head()
    assert upgrade.upgrade_all(clock=clock.now).upgraded == 0
    assert set(SchemaRecord.objects.filter(purpose="school").values_list("head", flat=True)) == {newer}


def test_a_failing_statement_stops_one_school_only(committed: str, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute('ALTER TABLE "s_alpha".findings_finding ADD COLUMN later_note int')
    with later.release(tmp_path, "expand"):
        summary = upgrade.upgrade_all(clock=clock.now)
        assert (summary.upgraded, summary.failed) == (1, ["s_alpha"])
        row = SchemaRecord.objects.get(schema_name="s_alpha")
        assert "42701" in row.error and row.attempts == 1
        with connection.cursor() as cursor:
            cursor.execute('ALTER TABLE "s_alpha".findings_finding DROP COLUMN later_note')
        assert upgrade.upgrade_all(clock=clock.now).complete
        assert upgrade.verify_all(now=clock.now()) == []


@pytest.mark.django_db
def test_drift_is_found_and_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute('ALTER TABLE "s_alpha".findings_step ALTER COLUMN text DROP NOT NULL')
        cursor.execute('CREATE INDEX odd ON "s_beta".findings_step (text)')
    assert upgrade.verify_all(now=clock.now()) == ["s_alpha", "s_beta"]
    errors = dict(SchemaRecord.objects.filter(purpose="school").values_list("schema_name", "error"))
    assert "findings_step" in errors["s_alpha"] and "odd" in errors["s_beta"]
    assert "s_beta." not in errors["s_beta"]
