"""`make run`: database, schema, library, demo, then every process until Ctrl-C.

The supervisor alone holds the embedded PostgreSQL; children are given DATABASE_URL. A second start
finds everything done and takes seconds.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "cielm"


class CannotStart(Exception):
    """Carries the one sentence."""


@contextmanager
def step(sentence: str) -> Iterator[None]:
    started = time.monotonic()
    print(f"  · {sentence} …", end="", flush=True)
    yield
    print(f" {time.monotonic() - started:.1f} 秒", flush=True)


def free_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CannotStart(
                f"端口 {port} 已被占用：请先停止占用它的程序，或用 `make run PORT={port + 1}` 换一个端口。"
            ) from None


def start_database() -> None:
    """Set DATABASE_URL for this process and its children."""
    if os.environ.get("DATABASE_URL"):
        return
    from config import embedded

    try:
        url = embedded.url(embedded.default_data_dir(ROOT), DATABASE)
    except OSError as refused:
        raise CannotStart(f"内嵌数据库无法启动（{refused}）：请确认目录可写、磁盘有空间。") from None
    import psycopg

    with psycopg.connect(url.replace(f"/{DATABASE}?", "/postgres?"), autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            admin.execute(f'CREATE DATABASE "{DATABASE}"')
    os.environ["DATABASE_URL"] = url


def prepare() -> None:
    import logging

    import django
    from django.core.management import call_command

    django.setup()
    logging.disable(logging.INFO)  # the steps below say what happens
    with step("数据表"):
        call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    with step("各校数据表与备用数据空间"):
        call_command("upgrade_schools", verbosity=0)
    with step("标准库"):
        call_command("import_standards", verbosity=0)
    with step("静态文件"):
        call_command("collectstatic", interactive=False, verbosity=0)
    if os.environ.get("DEMO", "1") != "0":
        print("  · 演示数据", flush=True)
        call_command("demo")


def run_all(port: int) -> int:
    """Start web, worker and scheduler; Ctrl-C or the end of one of them ends all."""
    from honcho.manager import Manager
    from honcho.printer import Printer

    py = f"{sys.executable} -W ignore"
    env = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(sys.path[:1] + source_roots())}
    manager = Manager(Printer(sys.stdout))
    host = os.environ.get("HOST", "127.0.0.1")
    manager.add_process(
        "web",
        f"exec {py} -m uvicorn config.asgi:application --host {host} --port {port} --log-level warning"
        " --timeout-graceful-shutdown 3",
        env=env, cwd=str(ROOT),
    )  # fmt: skip
    manager.add_process(
        "worker", f"exec {py} -m celery --quiet -A workers.celery worker --pool threads -c 4 -l warning -n one@localhost --without-gossip --without-mingle",
        env=env, cwd=str(ROOT),
    )  # fmt: skip
    if os.environ.get("FACE_MODEL_PACK"):
        # Models are loaded once, at the first check; the second thread answers people while a batch is worked on.
        manager.add_process(
            "face", f"exec {py} -m celery --quiet -A workers.celery worker -Q face --pool threads -c 2 -l warning -n face@localhost --without-gossip --without-mingle",
            env=env, cwd=str(ROOT),
        )  # fmt: skip
    manager.add_process(
        "beat", f"exec {py} -m celery --quiet -A workers.celery beat -l warning", env=env, cwd=str(ROOT)
    )
    manager.loop()
    # A stop by the operator is success; a child that died by itself is not.
    return 0 if manager.returncode in (0, None, 130, -signal.SIGINT, -signal.SIGTERM) else int(manager.returncode)


def source_roots() -> list[str]:
    return [str(ROOT), str(ROOT / "platform"), str(ROOT / "graphql")]


def main() -> int:
    port = int(os.environ.get("PORT", "8000"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("PUBLIC_URL", f"http://localhost:{port}")
    started = time.monotonic()
    try:
        free_port(port)
        with step("数据库"):
            start_database()
        prepare()
    except CannotStart as refused:
        print(f"\n✗ {refused}", file=sys.stderr)
        return 1
    from config.welcome import lines

    print(f"\n准备完成，用时 {time.monotonic() - started:.1f} 秒。\n")
    print("\n".join(lines(port)), flush=True)
    print("\n按 Ctrl-C 停止全部进程；数据保存在 var/，再次 `make run` 几秒即可恢复。\n", flush=True)
    return run_all(port)


if __name__ == "__main__":
    sys.exit(main())
