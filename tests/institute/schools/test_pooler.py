"""T2: behind PgBouncer a request never sees another school, or the product refuses to start."""

from __future__ import annotations

import os
import pwd
import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections

from institute.schools.queries import tenant_for
from kernel import pooler
from kernel.tenancy import school_context

BOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
REQUESTS, THREADS = 4_800, 3
INSTALL = "PgBouncer is missing: `apt-get install pgbouncer` (Debian, Ubuntu) or `brew install pgbouncer`, then again."


def version() -> tuple[int, int]:
    assert BOUNCER, INSTALL
    told = subprocess.run([BOUNCER, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)", told)
    assert found
    return int(found[1]), int(found[2])


@contextmanager
def bouncer(folder: Path, mode: str) -> Iterator[None]:
    """Point Django's connection through a PgBouncer with one server connection."""
    assert BOUNCER, INSTALL
    there = {k: connection.settings_dict[k] for k in ("HOST", "PORT")}
    own = Path(there["HOST"]).owner() if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    tracked = "track_extra_parameters = search_path\n" if mode == "tracked" else ""
    port = 6432 + os.getpid() % 1000
    (folder / "b.ini").write_text(
        f"[databases]\n* = host={there['HOST']} port={there['PORT']} user=postgres\n"
        f"[pgbouncer]\nlisten_addr =\nlisten_port = {port}\nunix_socket_dir = {folder}\nauth_type = any\n"
        f"pool_mode = {'session' if mode == 'session' else 'transaction'}\ndefault_pool_size = 1\n"
        f"max_client_conn = 50\nignore_startup_parameters = extra_float_digits\n{tracked}"
    )
    as_user = ["-u", own] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, own)
    running = subprocess.Popen([BOUNCER, "-q", *as_user, str(folder / "b.ini")], stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 10
        while not (folder / f".s.PGSQL.{port}").exists():
            assert running.poll() is None and time.monotonic() < until, running.stderr.read().decode()  # type: ignore[union-attr]
            time.sleep(0.02)
        connections.close_all()
        connection.settings_dict.update({"HOST": str(folder), "PORT": str(port)})
        yield
    finally:
        connections.close_all()
        connection.settings_dict.update(there)
        running.terminate()
        running.wait()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: sockets allow about a hundred characters."""
    path = Path("/tmp") / f"cielm-b{os.getpid()}"
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path)


@contextmanager
def own_pool() -> Iterator[None]:
    """Django over psycopg's pool with one server connection, as web and workers run."""
    options = connection.settings_dict["OPTIONS"]
    connections.close_all()
    options["pool"] = {"min_size": 1, "max_size": 1, "timeout": 60}
    try:
        yield
    finally:
        connections.close_all()
        connection.close_pool()
        del options["pool"]


def wrong_answers(requests: int, *, stop_at_first: bool = False, give_back: bool = False) -> int:
    """Ask in three threads which school the row belongs to; count answers of another school."""
    tenants = [tenant_for("s_alpha"), tenant_for("s_beta")]
    connections.close_all()
    wrong: list[str] = []
    raised: list[BaseException] = []

    def walk(seed: int) -> None:
        dice = random.Random(seed)
        try:
            for _ in range(requests // THREADS):
                tenant = dice.choice(tenants)
                with school_context(tenant), connection.cursor() as cursor:
                    cursor.execute("SELECT current_schema()")
                    found = cursor.fetchone()[0]
                if give_back:  # as at the end of each request
                    connections["default"].close()
                if found != tenant.schema:
                    wrong.append(found)
                if wrong and stop_at_first:
                    return
        except BaseException as failed:
            raised.append(failed)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=walk, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    return len(wrong)


def test_psycopgs_own_pool_is_safe_and_allowed(committed: str) -> None:
    with own_pool():
        assert wrong_answers(REQUESTS, give_back=True) == 0
        told = connection.pool.get_stats()
        assert (told["pool_max"], told["requests_num"] >= REQUESTS) == (1, True)  # all of them went through it
        pooler.refuse_leaking_pooler()


def test_session_mode_is_safe_and_allowed(committed: str, folder: Path) -> None:
    with bouncer(folder, "session"):
        assert wrong_answers(REQUESTS) == 0
        pooler.refuse_leaking_pooler()


def test_transaction_mode_mixes_schools_and_is_refused(committed: str, folder: Path) -> None:
    """The negative control: without it the test above would prove nothing."""
    with bouncer(folder, "transaction"):
        assert wrong_answers(REQUESTS, stop_at_first=True) > 0
        with pytest.raises(ImproperlyConfigured, match="another's rows"):
            pooler.refuse_leaking_pooler()


def test_transaction_mode_that_carries_the_path_is_safe(committed: str, folder: Path) -> None:
    """Needs PgBouncer ≥ 1.20; an older one has no such mode, and then plain transaction mode must stay refused."""
    mode = "tracked" if version() >= (1, 20) and connection.pg_version >= 180000 else "transaction"
    with bouncer(folder, mode):
        if mode == "tracked":
            assert wrong_answers(REQUESTS) == 0
        assert pooler.leaks(pooler._parameters()) == (mode == "transaction")


def test_without_a_pooler_nothing_is_shared(committed: str) -> None:
    assert pooler.leaks(pooler._parameters()) is False
    with psycopg.connect(**pooler._parameters()) as direct:
        assert direct.execute("SELECT 1").fetchone() == (1,)
