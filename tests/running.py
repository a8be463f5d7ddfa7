"""A running platform for the journeys: web, worker and scheduler as processes over a database of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import databases
from tests.factories import face_models

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
]  # fmt: skip

# Whoever comes last is waited for. Files that stand nowhere here come first.
LONGEST_FIRST = [
    "attendance", "whole_chain", "walk_offline", "punch_offline", "duty", "face", "patrol", "roster",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    name = item.path.stem.removeprefix("test_")
    return LONGEST_FIRST.index(name) + 1 if item.path.parent.name == "journeys" and name in LONGEST_FIRST else 0


@dataclass
class Site:
    """Where the platform runs, and where its mails lie."""

    port: int
    database: str
    var: Path
    env: dict[str, str]

    def url(self, path: str = "/", host: str = "localhost") -> str:
        return f"http://{host}:{self.port}{path}"

    def school(self, slug: str, path: str = "/") -> str:
        return self.url(path, f"{slug}.localhost")

    def manage(self, *arguments: str) -> str:
        """Run manage.py against this site's database."""
        return subprocess.run(
            [sys.executable, "-W", "ignore", str(ROOT / "manage.py"), *arguments],
            env=self.env, cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    def mails(self) -> list[str]:
        """The text of every mail sent so far, oldest first."""
        from email import message_from_bytes, policy

        texts = []
        for file in sorted((self.var / "mail").glob("*.log"), key=lambda f: f.stat().st_mtime):
            for raw in file.read_bytes().split(b"-" * 79 + b"\n"):
                if raw.strip():
                    mail = message_from_bytes(raw, policy=policy.default)
                    body = mail.get_body(("plain",))
                    texts.append(
                        f"To: {mail['To']}\nSubject: {mail['Subject']}\n\n{body.get_content() if body else ''}"
                    )
        return texts

    def wait_for_mail(self, *words: str, seconds: float = 20) -> str:
        """The newest mail that holds all `words`; waits for the worker to send it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for text in reversed(self.mails()):
                if all(word in text for word in words):
                    return text
            time.sleep(0.2)
        raise AssertionError(f"no mail with {words}; have: {self.mails()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def site(
    django_db_setup: None, django_db_blocker: pytest.FixtureDef, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Start the processes over a database of this module's own; end only them."""
    port, var = _free_port(), tmp_path_factory.mktemp("site")
    name = f"cielm_journey_{os.getpid()}_{port}"
    with django_db_blocker.unblock():
        databases.create(name)
    env = {
        **os.environ,
        "DATABASE_URL": databases.url_of(name),
        "VAR_DIR": str(var),
        "PUBLIC_URL": f"http://localhost:{port}",
        "PYTHONPATH": os.pathsep.join(str(p) for p in (ROOT, ROOT / "platform", ROOT / "graphql")),
        "PYTHONUNBUFFERED": "1",
        "FACE_MODEL_PACK": str(face_models.make_pack(var / "pack")),
    }
    python = [sys.executable, "-W", "ignore", "-m"]
    celery = [*python, "celery", "-A", "workers.celery"]
    worker = [*celery, "worker", "--pool", "threads", "-c", "2", "--without-gossip", "--without-mingle"]
    commands = {
        # A page that listens for ever would hold up the end for as long as we wait for it below.
        "web": [
            *python, "uvicorn", "config.asgi:application", "--port", str(port), "--log-level", "warning",
            "--timeout-graceful-shutdown", "1",
        ],
        "worker": [*worker, "-l", "info", "-n", "one@localhost"],
        "face": [*worker, "-Q", "face", "-n", "face@localhost"],
        "beat": [*celery, "beat", "-l", "info"],
    }  # fmt: skip
    processes = {}
    for process, command in commands.items():
        with (var / f"{process}.log").open("w") as log:
            processes[process] = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
    running = Site(port, name, var, env)
    until = time.monotonic() + 180
    while True:
        try:
            urllib.request.urlopen(running.url("/readyz"), timeout=2)
            break
        except OSError:
            assert time.monotonic() < until, (var / "web.log").read_text()
            time.sleep(0.2)
    yield running
    for process in processes.values():
        process.terminate()
    for process in processes.values():
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
    with django_db_blocker.unblock():
        databases.drop(name)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, whose camera sees the drawn person 1 (tests/factories/face_models.py)."""
    seen = tmp_path_factory.mktemp("camera") / "person.mjpeg"
    seen.write_bytes(face_models.frame(1) * 10)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=[*CHROMIUM, f"--use-file-for-fake-video-capture={seen}"],
        )
        yield chromium
        chromium.close()


class Watched:
    """A browser of one person; every console error and failed page is remembered."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on(
            "console",
            lambda line: (
                self.complaints.append(f"console: {line.text} @ {self.page.url}") if line.type == "error" else None
            ),
        )


AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


@cache
def axe() -> str:
    return AXE.read_text()


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page, as `rule: targets`."""
    page.evaluate(axe())
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [f"{v['id']}: {[n['target'] for n in v['nodes']][:4]}" for v in found]
