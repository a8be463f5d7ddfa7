"""Work done by a process that dies with SIGKILL on the way, at a point of the test's choice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, connections

from kernel.tenancy import Tenant, school_context

OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, *, call: int = 1) -> None:
    """Die when `owner.name` is called for the `call`th time."""
    plain, calls = getattr(owner, name), [0]

    def deadly(*args: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == call:
            die()
        return plain(*args, **named)

    setattr(owner, name, deadly)


def after(owner: Any, name: str) -> None:
    """Die as soon as `owner.name` has returned."""
    plain = getattr(owner, name)

    def deadly(*args: Any, **named: Any) -> Any:
        plain(*args, **named)
        die()

    setattr(owner, name, deadly)


def killed(tenant: Tenant, kill: Callable[[], None], work: Callable[[], Any]) -> None:
    """`kill` sets the trap; `work` falls into it, inside the school, in a process of its own."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            with school_context(tenant):
                kill()
                work()
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, "it was to die on the way"
    connection.set_schema(tenant.schema)
    until = time.monotonic() + 10
    while _others() and time.monotonic() < until:  # the server has noticed: the dead one's locks are free
        time.sleep(0.01)


def _others() -> int:
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)
        found: int = cursor.fetchone()[0]
        return found
