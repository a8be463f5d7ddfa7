"""Several hands at the same moment: threads with connections of their own, started together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from kernel.tenancy import Tenant, school_context


def at_once(tenant: Tenant, *works: Callable[[], Any]) -> list[Any]:
    """Run each of `works` inside the school in a thread of its own; their answers or exceptions, in order."""
    gate = threading.Barrier(len(works))
    answers: list[Any] = [TimeoutError()] * len(works)

    def run(number: int) -> None:
        try:
            with school_context(tenant):
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
