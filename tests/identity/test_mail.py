"""The outbox: nothing lost, nothing twice, secrets sealed and wiped."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import transaction

from identity import mail
from identity.choices import MailState
from identity.models import Mail
from kernel.tenancy import Tenant

NOW = datetime.now(UTC) + timedelta(hours=6)  # after whatever this session queues, however long it runs


def queue(body: str = "链接 https://x/一次") -> Mail:
    return Mail.objects.get(pk=mail.send_on_commit(to="a@example.org", subject="你好\n世界", body=body))


class Server:
    """A real SMTP server on a free port that keeps what it takes, or answers as told."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        return self.answer

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    handler = Server()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    yield handler
    controller.stop()


@pytest.mark.django_db
def test_a_real_server_takes_it_once(server: Server) -> None:
    row = queue()
    assert mail.deliver(mail_id=row.pk, now=NOW)
    assert not mail.deliver(mail_id=row.pk, now=NOW + timedelta(days=1))
    [message] = server.taken
    assert message["Subject"] == "你好 世界"
    assert message["To"] == "a@example.org" and message["Message-ID"] == f"<{row.pk}@cielm>"
    assert message.get_content().strip() == "链接 https://x/一次"
    row.refresh_from_db()
    assert (row.state, bytes(row.body_sealed)) == (MailState.SENT, b"")


@pytest.mark.django_db
def test_a_busy_server_is_tried_again_for_a_day_then_it_is_marked(server: Server) -> None:
    server.answer = "451 try later"
    row, now = queue(), NOW
    for wait in mail.WAITS:
        assert not mail.deliver(mail_id=row.pk, now=now)
        assert mail.due(now=now) == []
        now += wait
        assert mail.due(now=now) == [row.pk]
    server.answer = "250 OK"
    assert mail.deliver(mail_id=row.pk, now=now) and len(server.taken) == 1

    server.answer = "451 try later"
    row, now = queue(), NOW
    for wait in [*mail.WAITS, timedelta()]:
        mail.deliver(mail_id=row.pk, now=now)
        now += wait
    row.refresh_from_db()
    assert (row.state, row.error, bytes(row.body_sealed)) == (MailState.FAILED, "SMTPDataError", b"")


@pytest.mark.django_db
def test_an_address_that_does_not_exist_is_not_tried_again(server: Server) -> None:
    row = Mail.objects.get(pk=mail.send_on_commit(to="nobody@example.org", subject="x", body="x"))
    mail.deliver(mail_id=row.pk, now=NOW)
    row.refresh_from_db()
    assert row.state == MailState.FAILED and server.taken == []


@pytest.mark.django_db
def test_no_server_at_all_loses_nothing(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    row = queue()
    assert not mail.deliver(mail_id=row.pk, now=NOW)
    row.refresh_from_db()
    assert row.state == MailState.QUEUED and row.attempts == 1 and row.next_attempt_at > NOW


@pytest.mark.django_db
def test_what_rolls_back_is_never_sent() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        queue()
        raise RuntimeError
    assert mail.due(now=NOW) == []


def test_a_mail_written_inside_a_school_stands_in_the_public_outbox(
    alpha: Tenant, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kernel import jobs

    sent: list[Any] = []
    monkeypatch.setattr(jobs, "_sender", [lambda name, payload: sent.append((name, payload))])
    with django_capture_on_commit_callbacks(execute=True):
        mail_id = mail.send_on_commit(to="a@example.org", subject="x", body="y", tenant=alpha)
    assert sent == [("identity.deliver_mail", {"mail_id": str(mail_id)})]
    assert Mail.objects.get().school_id == alpha.school_id
    assert bytes(Mail.objects.get().body_sealed) != b"y"


@pytest.mark.django_db
def test_the_sweep_sends_what_a_killed_worker_left(mailoutbox: list[Any]) -> None:
    from workers.tasks.identity import sweep_mail

    queue()
    sweep_mail.run()
    sweep_mail.run()
    assert len(mailoutbox) == 1


@pytest.mark.django_db
def test_development_writes_files(settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    assert mail.deliver(mail_id=queue().pk, now=NOW)
    [file] = (tmp_path / "mail").iterdir()
    assert "a@example.org" in file.read_text()
