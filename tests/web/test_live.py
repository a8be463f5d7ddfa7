"""Live pages: what a viewer hears, and what the stream costs."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account
from kernel.live import CHANNEL, announce
from kernel.tenancy import Tenant
from tests.factories.findings import make_member
from web import live

pytestmark = pytest.mark.django_db


def in_a_loop(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run in a thread of its own: playwright may hold a loop in this one."""
    told: list[Any] = []

    def run() -> None:
        try:
            told.append(asyncio.run(work()))
        except BaseException as problem:
            told.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert told, "the loop hangs"
    if isinstance(told[0], BaseException):
        raise told[0]
    return told[0]


def signed(actor: Actor) -> Client:
    client = Client(headers={"host": "alpha.localhost"})
    client.force_login(Account.objects.get(pk=actor.account_id))
    return client


def notify(schema: str, topic: str) -> None:
    """As another process would after its commit."""
    keep = ("host", "port", "dbname", "user", "password")
    settings = {k: v for k, v in connection.get_connection_params().items() if k in keep}
    with psycopg.connect(**settings, autocommit=True) as other:
        other.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps({"schema": schema, "topic": topic})])


async def _hears(schema: str, topics: frozenset[str], say: list[tuple[str, str]], hub: live.Hub) -> list[str]:
    heard: list[str] = []
    async for chunk in live.events(schema, topics, ping=0.2, lasts=2.5):
        for line in chunk.decode().splitlines():
            if line.startswith("event: "):
                heard.append(line[7:])
        if len(heard) == 3:  # the hello, what is told at the start of listening, one sign of life: now it listens
            for target in say:
                await asyncio.to_thread(notify, *target)
    assert hub.count == 0
    return heard


def test_a_viewer_hears_their_school_and_their_topic_only(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = live.Hub()
    monkeypatch.setattr(live, "hub", hub)
    said = [("s_beta", "presence"), ("s_alpha", "duty"), ("s_alpha", "presence")]
    heard = in_a_loop(lambda: _hears("s_alpha", frozenset({"presence"}), said, hub))
    assert heard[0] == "tick" and heard.count("presence") == 2  # once at the start of listening, once told
    assert "duty" not in heard


def test_an_announcement_waits_for_the_commit(alpha: Tenant) -> None:
    keep = ("host", "port", "dbname", "user", "password")
    settings = {k: v for k, v in connection.get_connection_params().items() if k in keep}
    with psycopg.connect(**settings, autocommit=True) as other:
        other.execute(f"LISTEN {CHANNEL}")
        announce("presence", tenant=alpha)  # inside this test's transaction
        assert list(other.notifies(timeout=0.3)) == []


def test_who_may_not_watch_is_refused(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(live._topics, "secret", lambda actor: actor.has(Role.SCHOOL_ADMIN))
    frontline, admin = (signed(make_member(alpha, role)) for role in (Role.FRONTLINE, Role.SCHOOL_ADMIN))
    assert frontline.get("/live/?topic=secret").status_code == 403
    assert admin.get("/live/?topic=unknown").status_code == 403
    assert admin.get("/live/?topic=secret").status_code == 204  # WSGI cannot stream: the page polls
