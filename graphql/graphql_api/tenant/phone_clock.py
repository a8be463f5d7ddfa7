"""How a client that was offline says when it happened: by the server's signed time (`punchClock`), not by its date."""

from __future__ import annotations

from typing import Any

import graphene

from kernel.anchors import NOTHING, Counted

BY_ANCHOR = "Said nothing that could be checked; send `counted`"


class PhoneClockInput(graphene.InputObjectType):
    """The anchor of the query punchClock, and how long ago it was fetched."""

    anchor = graphene.String(required=True)
    elapsed_ms = graphene.Float(required=True, description="Since the anchor was given")
    monotonic = graphene.Boolean(description="Counted by a stopwatch that nobody can set")


def counted(sent: dict[str, Any] | None) -> Counted:
    """What was sent, for operations."""
    return Counted(**{k: v for k, v in sent.items() if v is not None}) if sent else NOTHING
