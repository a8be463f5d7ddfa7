"""Work done by a process that dies with SIGKILL on the way, at a point of the test's choice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from django.db import connection, connections

from kernel.tenancy import Tenant, school_context


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
            kill()
            with school_context(tenant):
                work()
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, "it was to die on the way"
    connection.set_schema(tenant.schema)
