"""T4: killed at any moment, client or server process, a school is whole or not there, and the next run finishes it.

The server is one of its own (`var/crash-pg`): kill -9 of a backend restarts all of PostgreSQL.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from django.db import connection, connections

from config import embedded
from identity.contracts import Actor
from institute.schools import blueprint, catalogue, operations, pool, queries
from institute.schools.choices import OPENING, SchoolStatus
from institute.schools.contracts import NewSchool
from institute.schools.models import Domain, SchemaRecord, School
from kernel import clock
from tests import databases

ROOT = Path(__file__).resolve().parents[3]
CLIENT_KILLS, BACKEND_KILLS, SERVER_KILLS = 18, 9, 3
NAME = "cielm_crash"


@pytest.fixture(scope="module")
def crashing(django_db_setup: None, django_db_blocker: pytest.FixtureDef) -> Iterator[str]:
    """Django's connection points at a database of a server of its own; yields its address."""
    from django.conf import settings

    url = embedded.url(ROOT / "var" / "crash-pg", throwaway=True)
    there = psycopg.conninfo.conninfo_to_dict(url)
    here = {k: connection.settings_dict[k] for k in ("HOST", "PORT", "USER", "PASSWORD", "NAME")}

    def point(config: dict[str, str]) -> None:
        connections.close_all()
        connection.settings_dict.update(config)
        settings.DATABASES["default"].update(config)

    with django_db_blocker.unblock():
        point({"HOST": there["host"], "PORT": str(there["port"]), "USER": "postgres", "PASSWORD": ""})
        databases.drop(NAME)
        databases.create(NAME)
        with databases.server() as admin:
            # A database copied from a template keeps its sequences' unlogged advance only from a checkpoint on.
            admin.execute("CHECKPOINT")
        databases.use(NAME)
        yield databases.url_of(NAME)
        databases.use("postgres")
        databases.drop(NAME)
        point(here)


def approve(number: int) -> School:
    new = NewSchool(name=f"第{number}学院", slug=f"crash-{number}", kind="university", region="42", mode="mixed")
    return operations.approve_school(new=new, by=Actor.system(), now=clock.now())


def open_in_a_child(school: School, *, with_pool: bool) -> tuple[int, int]:
    """Fork a process that opens the school; returns its pid and the pid of its server process."""
    connections.close_all()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            connection.ensure_connection()
            os.write(writing, str(connection.connection.info.backend_pid).encode())
            os.close(writing)
            operations.provision(school_id=school.pk, now=clock.now())
            if with_pool:
                pool.refill(now=clock.now(), size=2)
        finally:
            os._exit(0)
    os.close(writing)
    backend = int(os.read(reading, 20) or b"0")
    os.close(reading)
    return pid, backend


def settle(url: str) -> None:
    """Wait until the server is up and nobody else works in the database."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with psycopg.connect(url, autocommit=True) as admin:
                busy = admin.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                ).fetchone()
                if busy == (0,):
                    return
        except psycopg.OperationalError:
            pass
        time.sleep(0.01)
    raise AssertionError("the server did not come to rest")


def check_nothing_is_half() -> None:
    drawn = blueprint.current()
    schemas = set()
    with connection.cursor() as cursor:
        cursor.execute(r"SELECT nspname FROM pg_namespace WHERE nspname ~ '^(s_crash|spare_)'")
        schemas = {row[0] for row in cursor.fetchall()}
    recorded = set(
        SchemaRecord.objects.filter(schema_name__regex="^(s_crash|spare_)").values_list("schema_name", flat=True)
    )
    assert schemas == recorded
    for name in schemas:
        assert catalogue.differences(drawn.lines, blueprint.lines_of(name, drawn)) == []
    for school in School.objects.filter(slug__startswith="crash-"):
        built = school.schema_name in schemas
        assert built == (school.status in {SchoolStatus.SEEDING, SchoolStatus.READY}), (school.slug, school.status)
        assert Domain.objects.filter(tenant=school).exists() == built


def test_killed_at_any_moment_a_school_is_whole_or_not_there(crashing: str, no_broker: None) -> None:
    dice = random.Random(20261122)
    first = approve(0)
    started = time.monotonic()
    os.waitpid(open_in_a_child(first, with_pool=False)[0], 0)
    usual = time.monotonic() - started  # seconds; follows the machine's mood below, so that kills fall at all steps
    acts = ["client"] * CLIENT_KILLS + ["backend"] * BACKEND_KILLS
    dice.shuffle(acts)
    reached = set()
    for number, act in enumerate([*acts, *["server"] * SERVER_KILLS], 1):
        school = approve(number)
        child, backend = open_in_a_child(school, with_pool=number % 3 == 0)
        time.sleep(dice.uniform(0, usual))
        if act == "client":
            os.kill(child, signal.SIGKILL)
        elif act == "backend":
            with psycopg.connect(crashing, autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s)", [backend])
        else:
            with suppress(ProcessLookupError):  # it may be done by now
                os.kill(backend, signal.SIGKILL)  # PostgreSQL restarts all its processes
        os.waitpid(child, 0)
        settle(crashing)
        school.refresh_from_db()
        reached.add(school.status)
        usual *= 1.2 if school.status == SchoolStatus.CREATING else 0.9
        if number % 5 == 0 or act == "server":
            check_nothing_is_half()
    assert len(reached) >= 2, f"the kills all fell at the same step: {reached}"

    for school in School.objects.filter(status__in=OPENING):
        operations.provision(school_id=school.pk, now=clock.now())
    check_nothing_is_half()
    opened = School.objects.filter(slug__startswith="crash-")
    assert set(opened.values_list("status", flat=True)) == {"ready"}
    assert opened.count() == 1 + CLIENT_KILLS + BACKEND_KILLS + SERVER_KILLS
    for school in opened:
        ready = queries.events_for(Actor.system(), school).filter(verb="school.ready").count()
        assert ready == 1, school.slug


def in_threads(count: int, work: object) -> list[BaseException]:
    """Run `work(n)` in that many threads at once; returns what they raised."""
    raised: list[BaseException] = []
    together = threading.Barrier(count)

    def one(number: int) -> None:
        try:
            together.wait()
            work(number)  # type: ignore[operator]
        except BaseException as wrong:
            raised.append(wrong)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def test_six_schools_open_at_once(committed: str) -> None:
    pool.refill(now=clock.now(), size=3)  # half of them find a spare
    schools = [approve(n) for n in range(6)]
    assert in_threads(6, lambda n: operations.provision(school_id=schools[n].pk, now=clock.now())) == []
    assert set(School.objects.filter(slug__startswith="crash-").values_list("status", flat=True)) == {"ready"}
    check_nothing_is_half()


def test_two_workers_open_one_school_once(committed: str) -> None:
    school = approve(1)
    assert in_threads(4, lambda _n: operations.provision(school_id=school.pk, now=clock.now())) == []
    check_nothing_is_half()
    verbs = [e.verb for e in queries.events_for(Actor.system(), school)]
    assert sorted(verbs) == ["school.approved", "school.creating", "school.ready", "school.seeding"]


def test_two_fillers_make_the_pool_no_larger(committed: str) -> None:
    assert in_threads(4, lambda _n: pool.refill(now=clock.now(), size=2)) == []
    assert queries.spares() == 2
    check_nothing_is_half()
