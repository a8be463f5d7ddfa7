"""The probes tell the truth."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client


@pytest.mark.django_db
def test_ready_when_the_database_is_at_head(client: Client) -> None:
    assert client.get("/healthz").content == b"ok"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (200, b"ready")


@pytest.mark.django_db
def test_not_ready_while_migrations_are_pending(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.django_migrations WHERE app = 'identity'")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"migrations pending")
    assert client.get("/healthz").status_code == 200


def test_not_ready_without_a_database(client: Client, settings: Any, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        kept = dict(connection.settings_dict)
        connection.close()
        connection.settings_dict["HOST"], connection.settings_dict["PORT"] = "127.0.0.1", "9"
        try:
            answer = client.get("/readyz")
        finally:
            connection.settings_dict.update(kept)
            connection.close()
    assert (answer.status_code, answer.content) == (503, b"database unreachable")


def test_probes_answer_on_any_host(client: Client) -> None:
    assert client.get("/healthz", headers={"host": "10.0.0.7:8000"}).status_code == 200
