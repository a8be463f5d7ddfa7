"""Several hands at the same moment: threads with connections of their own, started together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from django.db import connections

from kernel.errors import DomainError
from kernel.tenancy import Tenant, public_context, school_context


def at_once(tenant: Tenant | None, *works: Callable[[], Any]) -> list[Any]:
    """Run each of `works` in a thread of its own, inside the school or (None) the public schema; their answers or
    exceptions, in order."""
    gate = threading.Barrier(len(works))
    answers: list[Any] = [TimeoutError()] * len(works)

    def run(number: int) -> None:
        inside: AbstractContextManager[Any] = public_context() if tenant is None else school_context(tenant)
        try:
            with inside:
                gate.wait()
                answers[number] = works[number]()
        except Exception as error:
            answers[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def outcomes(tenant: Tenant | None, *works: Callable[[], Any]) -> list[str]:
    """What each of `works` came to when run at once, sorted: "done" or the refusal's code. An accident is raised."""
    found = []
    for answer in at_once(tenant, *works):
        if isinstance(answer, Exception) and not isinstance(answer, DomainError):
            raise answer
        found.append(answer.code if isinstance(answer, DomainError) else "done")
    return sorted(found)
