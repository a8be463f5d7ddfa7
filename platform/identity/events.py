"""Telling what happened. Identity stands below the event tables, so the edge registers who writes them.

`workers` registers a recorder that appends to the school's timeline when the event concerns an
open school, and to the institute's journal otherwise, in the caller's transaction.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from identity.contracts import Actor

Recorder = Callable[..., None]
_recorder: list[Recorder] = []


def register_recorder(recorder: Recorder) -> None:
    """Called once by `workers` when Django starts."""
    _recorder[:] = [recorder]


def record(*, verb: str, sentence: str, subject: object, by: Actor, school_id: UUID | None, **payload: Any) -> None:
    """Append one event about `subject` in the space `school_id` (None: the institute)."""
    if not _recorder:
        raise RuntimeError("no event recorder registered: 'workers' is missing in INSTALLED_APPS")
    _recorder[0](verb=verb, sentence=sentence, subject=subject, by=by, school_id=school_id, **payload)
