"""`make run`: database, schema, library, demo, then every process until Ctrl-C.

The supervisor alone holds the embedded PostgreSQL; children are given DATABASE_URL. A second start
finds everything done and takes seconds.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from config import embedded
from config.processes import STOPS, Beside, Failed, run_together

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "cielm"
ROOM_FIRST = 1 << 30  # bytes: the database with the demo, and room to work
ROOM_AGAIN = 200 << 20


class CannotStart(Exception):
    """Carries the one sentence."""


asked: list[int] = []  # the signals that asked this process to stop


@contextmanager
def step(sentence: str) -> Iterator[None]:
    if asked:  # the interrupt of the step before was swallowed on its way up, as in a callback
        raise KeyboardInterrupt
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


def room(folder: Path) -> None:
    """Refuse before anything is half-written."""
    needed = ROOM_AGAIN if (folder / "pg" / "PG_VERSION").exists() else ROOM_FIRST
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise CannotStart(no_room(folder, needed))


def no_room(folder: Path, needed: int) -> str:
    free = shutil.disk_usage(folder).free
    return (
        f"磁盘空间不足：{folder} 所在磁盘只剩 {free >> 20} MB，至少需要 {needed >> 20} MB；"
        "请清理磁盘，或用 `make run VAR_DIR=/更大的目录` 换一个位置。"
    )


def start_database() -> None:
    """Set DATABASE_URL for this process and its children."""
    if os.environ.get("DATABASE_URL"):
        return
    url = embedded.url(embedded.default_data_dir(ROOT), DATABASE)
    import psycopg

    with psycopg.connect(url.replace(f"/{DATABASE}?", "/postgres?"), autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            admin.execute(f'CREATE DATABASE "{DATABASE}"')
    os.environ["DATABASE_URL"] = url


def manage(*arguments: str) -> Beside:
    return Beside([sys.executable, "-W", "ignore", str(ROOT / "manage.py"), *arguments], cwd=ROOT)


class StaticFiles:
    """Collected and compressed beside the database's steps; nothing to do when they stand already."""

    def __init__(self, var: Path) -> None:
        self.stamp = var / "stamps" / "static-files"
        self.wanted = hashlib.sha256(
            b"".join(f"{p}|{p.stat().st_size}|{p.stat().st_mtime_ns}\n".encode() for p in sorted(self._sources()))
        ).hexdigest()
        stand = self.stamp.exists() and self.stamp.read_text() == self.wanted and (var / "static").exists()
        self.work = None if stand else manage("collectstatic", "--noinput", "-v", "0")

    @staticmethod
    def _sources() -> list[Path]:
        built = (ROOT / "frontend" / "dist").rglob("*")
        return [ROOT / "requirements" / "app.txt", *(path for path in built if path.is_file())]

    def wait(self) -> None:
        if self.work is not None:
            self.work.wait()
            self.stamp.parent.mkdir(parents=True, exist_ok=True)
            self.stamp.write_text(self.wanted)

    def drop(self) -> None:
        if self.work is not None:
            self.work.drop()


def make_demo() -> None:
    """What schools share first, then the schools side by side: they touch no row in common."""
    from django.core.management import call_command

    from workers import demo

    if demo.begun():  # finds what is missing, usually nothing
        call_command("demo")
        return
    call_command("demo", "--shared")
    schools = [manage("demo", "--school", plan.slug) for plan in demo.PLANS]
    try:
        for school in schools:
            school.wait()
    finally:
        for school in schools:
            school.drop()


def prepare() -> None:
    import logging

    import django
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    from django.conf import settings

    from institute.schools.migrating import migrate_public

    logging.disable(logging.INFO)  # the steps below say what happens
    static = StaticFiles(Path(settings.VAR_DIR))
    try:
        with step("数据表"):
            migrate_public()
        with step("各校数据表与备用数据空间"):
            call_command("upgrade_schools", verbosity=0)
        with step("标准库"):
            call_command("import_standards", verbosity=0)
        if os.environ.get("DEMO", "1") != "0":
            print("  · 演示数据", flush=True)
            make_demo()
        with step("静态文件"):
            static.wait()
    finally:
        static.drop()
        connection.close()


def run_all(port: int) -> int:
    """Start web, worker and scheduler; Ctrl-C or the end of one of them ends all."""
    python = [sys.executable, "-W", "ignore", "-m"]
    celery = [*python, "celery", "--quiet", "-A", "workers.celery"]
    worker = [*celery, "worker", "--pool", "threads", "-l", "warning", "--without-gossip", "--without-mingle"]
    commands = {
        "web": [
            *python, "uvicorn", "config.asgi:application", "--host", os.environ.get("HOST", "127.0.0.1"),
            "--port", str(port), "--log-level", "warning", "--timeout-graceful-shutdown", "3",
        ],
        "worker": [*worker, "-c", "4", "-n", "one@localhost"],
        "beat": [*celery, "beat", "-l", "warning"],
    }  # fmt: skip
    if os.environ.get("FACE_MODEL_PACK"):
        # Models are loaded once, at the first check; the second thread answers people while a batch is worked on.
        commands["face"] = [*worker, "-c", "2", "-Q", "face", "-n", "face@localhost"]
    env = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(source_roots())}
    return run_together(commands, env=env, cwd=ROOT)


def source_roots() -> list[str]:
    return [str(ROOT), str(ROOT / "platform"), str(ROOT / "graphql")]


def stopped(number: int, _frame: object) -> None:
    asked.append(number)
    raise KeyboardInterrupt


def sentence(failure: BaseException, var: Path) -> str:
    """What went wrong and what to do, for those who only wanted to start it."""
    chain: list[BaseException] = []
    cause: BaseException | None = failure
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    for one in chain:
        if isinstance(one, CannotStart):
            return str(one)
        if isinstance(one, Failed):
            return (
                f"准备数据时出错（{one}）：再次 `make run` 会从断点继续；若仍失败，完整出错信息：`make run TRACE=1`。"
            )
        full = getattr(one, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or getattr(one, "sqlstate", "") == "53100"
        if full or "No space left on device" in str(one):
            return no_room(var, ROOM_FIRST)
        if isinstance(one, PermissionError) or getattr(one, "errno", None) == errno.EROFS:
            return f"没有写入权限（{one}）：请确认当前用户可以写 {var}，或用 `make run VAR_DIR=/可写目录` 换一个位置。"
        if isinstance(one, embedded.NotServing):
            return (
                f"内嵌数据库无法启动（{one}）：请查看 {var / 'pg' / 'log'}；若 var/ 由别的用户建立，请改用该用户运行。"
            )
    last = str(failure).strip().splitlines() or [type(failure).__name__]
    if os.environ.get("DATABASE_URL", "").partition("host=")[2].startswith(quote(str(var), safe="")):
        where = f"数据库日志在 {var / 'pg' / 'log'}"
    else:
        where = "请检查 DATABASE_URL 指向的数据库"
    return f"启动失败：{last[0]}。{where}；完整出错信息：`make run TRACE=1`。"


def main() -> int:
    port = int(os.environ.get("PORT", "8000"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("PUBLIC_URL", f"http://localhost:{port}")
    var = Path(os.environ.get("VAR_DIR", ROOT / "var")).absolute()
    for number in STOPS:  # a shell's background job is born deaf to SIGINT
        signal.signal(number, stopped)
    started = time.monotonic()
    try:
        free_port(port)
        var.mkdir(parents=True, exist_ok=True)
        room(var)
        with step("数据库"):
            start_database()
        prepare()
        from config.welcome import lines

        print(f"\n准备完成，用时 {time.monotonic() - started:.1f} 秒。\n")
        print("\n".join(lines(port)), flush=True)
        print("\n按 Ctrl-C 停止全部进程；数据保存在 var/，再次 `make run` 几秒即可恢复。\n", flush=True)
        code = run_all(port)
    except KeyboardInterrupt:
        code = 130
    except Exception as failure:
        if not asked:
            if os.environ.get("TRACE"):
                raise
            print(f"\n✗ {sentence(failure, var)}", file=sys.stderr)
            return 1
        code = 130  # interrupted while it tidied up: what came of that is not a fault
    finally:
        for number in STOPS:  # the database is stopped on the way out; nothing may come between
            signal.signal(number, signal.SIG_IGN)
        embedded.release()
    print("\n已停止全部进程。" if not code else "\n已停止；再次 `make run` 会从断点继续。", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
