"""As which of their own staff rows somebody asks or acts: `staffId`, as the phone's pages say `as`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from identity.contracts import Actor
from kernel.errors import NotAllowed

AS_WHOM = "As whom, for who works for several parties"


def acting(context: Any, staff_id: UUID | None) -> Actor:
    """The actor as the row named, else as they are. Raises NotAllowed for a row that is not their own."""
    actor: Actor = context.actor
    if staff_id is None:
        return actor
    if not actor.is_own(staff_id):
        raise NotAllowed
    return actor.as_staff(staff_id)
