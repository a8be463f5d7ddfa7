"""What leaves for Sentry: where an error happened, and not one word about a person."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
import structlog
from django.test import Client
from sentry_sdk.transport import Transport

from config import reports

PERSONAL = [
    "13812345678", "11010519491231002X", "li.hua@example.org", "李桦", "sessionid-secret", "cielm_secret-token",
    "hunter2-password", "10.1.2.3", "invitation-token", "s_private", "Mozilla/5.0 (someone)",
]  # fmt: skip

HOSTILE: dict[str, Any] = {
    "event_id": "e1", "level": "error", "platform": "python", "logger": "x", "message": "李桦 13812345678",
    "logentry": {"message": "hello %s", "params": ["li.hua@example.org"], "formatted": "hello li.hua@example.org"},
    "exception": {"values": [{
        "type": "IntegrityError", "module": "django.db", "value": "Key (email)=(li.hua@example.org) already exists.",
        "mechanism": {"data": {"who": "李桦"}},
        "stacktrace": {"frames": [{
            "filename": "a.py", "function": "save", "lineno": 3, "vars": {"phone": "13812345678", "name": "李桦"},
            "context_line": "x = '李桦'", "pre_context": ["11010519491231002X"], "post_context": ["hunter2-password"],
        }]},
    }]},
    "request": {
        "url": "http://alpha/accounts/invitation/invitation-token/", "query_string": "phone=13812345678",
        "cookies": {"sessionid": "sessionid-secret"}, "data": {"password": "hunter2-password"},
        "headers": {"Authorization": "Bearer cielm_secret-token", "User-Agent": "Mozilla/5.0 (someone)"},
        "env": {"REMOTE_ADDR": "10.1.2.3"},
    },
    "user": {"id": "7", "email": "li.hua@example.org", "ip_address": "10.1.2.3", "username": "李桦"},
    "breadcrumbs": {"values": [{"message": "SELECT '李桦'", "data": {"q": "11010519491231002X"}}]},
    "extra": {"sys.argv": ["李桦"], "form": "13812345678"},
    "tags": {"school": "alpha", "request_id": "r1", "name": "李桦"},
    "contexts": {"runtime": {"name": "CPython", "version": "3.11", "build": "李桦"}, "celery-job": {"kwargs": "李桦"},
                 "trace": {"trace_id": "t", "data": {"url": "li.hua@example.org"}}},
    "transaction": "/accounts/invitation/invitation-token/", "transaction_info": {"source": "url"},
    "modules": {"x": "李桦"}, "server_name": "李桦", "fingerprint": ["李桦"], "threads": {"values": [{"name": "李桦"}]},
}  # fmt: skip


def test_a_hostile_event_leaves_nothing_personal() -> None:
    text = json.dumps(reports.scrub(HOSTILE, {}), ensure_ascii=False)
    assert [word for word in PERSONAL if word in text] == []
    clean = reports.scrub(HOSTILE, {})
    assert clean["exception"]["values"][0]["type"] == "IntegrityError"
    assert clean["exception"]["values"][0]["stacktrace"]["frames"] == [
        {"filename": "a.py", "function": "save", "lineno": 3}
    ]
    assert clean["tags"] == {"school": "alpha", "request_id": "r1"}


@pytest.mark.parametrize(
    "broken", [{}, {"exception": None}, {"tags": [["name", "李桦"]]}, {"contexts": {"trace": "x"}}]
)
def test_odd_events_do_not_break_the_scrubber(broken: dict[str, Any]) -> None:
    assert "李桦" not in json.dumps(reports.scrub(broken, {}), ensure_ascii=False)


class Kept(Transport):
    """Keeps envelopes instead of sending them."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.sent.append(envelope.serialize().decode())


@pytest.fixture
def kept() -> Iterator[Kept]:
    transport = Kept()
    reports.start("https://k@sentry.invalid/1", environment="test", release="r", transport=transport)
    yield transport
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def test_a_real_error_in_a_real_request(kept: Kept, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        name, phone = "李桦", "13812345678"
        raise ValueError(f"{name} {phone} li.hua@example.org")

    monkeypatch.setattr("web.accounts.views.queries.open_invitation", fail)
    client.raise_request_exception = False
    answer = client.post(
        "/accounts/invitation/invitation-token/?phone=13812345678",
        {"password": "hunter2-password", "name": "李桦"},
        headers={"User-Agent": "Mozilla/5.0 (someone)"},
        REMOTE_ADDR="10.1.2.3",
    )
    assert answer.status_code == 500 and "李桦" not in answer.content.decode()
    logging.getLogger("x").error("mail to %s failed", "li.hua@example.org")
    structlog.get_logger("y").error("staff_failed", name="李桦", phone="13812345678")
    sentry_sdk.flush()
    text = "\n".join(kept.sent)
    assert ("ValueError" in text and "open_invitation" in text) or "invitation" in text
    assert [word for word in PERSONAL if word in text] == []


def test_without_a_dsn_nothing_is_started() -> None:
    assert not sentry_sdk.get_client().is_active()
