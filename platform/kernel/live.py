"""Saying that something changed, to whoever is looking (web/live.py). Only *that*: never what, so nothing can leak.

A NOTIFY is delivered when the surrounding transaction commits, and thrown away if it does not; equal ones
of one transaction arrive once. Nobody may depend on it: pages also ask again by themselves.
"""

from __future__ import annotations

import json

from django.db import connection

from kernel.tenancy import Tenant

CHANNEL = "cielm_live"


def announce(topic: str, *, tenant: Tenant) -> None:
    """Tell the viewers of this school's `topic` ("presence") that they should look again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps({"schema": tenant.schema, "topic": topic})])
