"""Background work, asked for by the domain without knowing Celery.

A job is named `feature.verb`, carries ids only, and is sent after the commit. The school is fixed
when the job is asked for: at commit the connection may be back on public. A message may be lost
between commit and broker (a worker or machine may die), so whatever must happen is also swept from
its rows by beat; the message only makes it fast.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.db import transaction

from kernel.tenancy import Tenant

Sender = Callable[[str, Mapping[str, Any]], None]
_sender: list[Sender] = []


def register_sender(sender: Sender) -> None:
    """Called once by `workers` when Django starts."""
    _sender[:] = [sender]


def enqueue_on_commit(name: str, *, tenant: Tenant | None = None, **payload: Any) -> None:
    """Send job `name` after the surrounding transaction commits; with `tenant`, to run inside that school."""
    if tenant is not None:
        payload["schema"] = tenant.schema
    transaction.on_commit(partial(_send, name, payload))


def _send(name: str, payload: Mapping[str, Any]) -> None:
    if not _sender:
        raise RuntimeError("no job sender registered: 'workers' is missing in INSTALLED_APPS")
    _sender[0](name, payload)
