"""`make run` as its user meets it: what it says when it cannot start, and that nothing is left when it is stopped."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import namedtuple
from pathlib import Path
from uuid import uuid4

import pytest

from config import embedded, processes, up

ROOT = Path(__file__).resolve().parents[2]
MARK = "CIELM_TEST_MARK"
Usage = namedtuple("Usage", "total used free")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Run:
    """One `config.up`; whatever it starts carries its mark in the environment."""

    def __init__(self, var: Path, **more: str) -> None:
        self.mark, self.port, self.log = str(uuid4()), free_port(), var / f"up-{uuid4()}.log"
        env = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "VAR_DIR"}}
        env |= {"VAR_DIR": str(var), "PORT": str(self.port), "DEMO": "0", MARK: self.mark, **more}
        env["PYTHONPATH"] = os.pathsep.join(str(p) for p in (ROOT, ROOT / "platform", ROOT / "graphql"))
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "config.up"],
                cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str, seconds: float = 300) -> None:
        until = time.monotonic() + seconds
        while words not in self.said():
            assert self.process.poll() is None and time.monotonic() < until, self.said()
            time.sleep(0.05)

    def left(self) -> list[str]:
        """Command lines of whatever still runs with the mark."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(120)
        assert "Traceback" not in self.said()
        return code


def test_stopped_in_the_middle_it_leaves_nothing_running_and_goes_on_from_there(tmp_path: Path) -> None:
    first = Run(tmp_path)
    first.wait_for("各校数据表")  # the template is being migrated
    assert first.stop(signal.SIGTERM) == 130
    assert first.left() == []

    again = Run(tmp_path)
    again.wait_for("按 Ctrl-C 停止")
    until = time.monotonic() + 120
    while True:
        try:
            assert urllib.request.urlopen(f"http://127.0.0.1:{again.port}/readyz", timeout=5).status == 200
            break
        except OSError:
            assert time.monotonic() < until, again.said()
            time.sleep(0.2)
    kinds = " ".join(again.left())
    assert all(kind in kinds for kind in ("uvicorn", "worker", "beat", "postgres")), kinds
    assert again.stop(signal.SIGINT) == 0
    assert again.left() == []


def test_a_handle_of_a_killed_process_does_not_keep_the_database_running(tmp_path: Path) -> None:
    for handles in (None, "[999999999]"):
        if handles:
            (tmp_path / "pg" / ".handle_pids.json").write_text(handles)
        run = Run(tmp_path)
        run.wait_for("数据表")
        assert run.stop(signal.SIGINT) == 130
        assert run.left() == []


@pytest.mark.parametrize("then", ["raise OSError('the rollback found no connection') from None", "pass"])
def test_an_interrupt_that_others_catch_still_stops(then: str, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from config import up\n"
        "def caught():\n"
        "    try: os.kill(os.getpid(), signal.SIGTERM)\n"
        f"    except KeyboardInterrupt: {then}\n"
        "    with up.step('goes on'): print('did not stop')\n"
        "up.start_database, up.prepare = lambda: None, caught\n"
        "sys.exit(up.main())"
    )
    env = {**os.environ, "VAR_DIR": str(tmp_path), "PORT": str(free_port()), "PYTHONPATH": str(ROOT / "platform")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 130, done.stderr
    assert "did not stop" not in done.stdout and "已停止" in done.stdout


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = Run(tmp_path, PORT=str(port))
        assert run.process.wait(60) == 1
    assert (
        run.said().strip()
        == f"✗ 端口 {port} 已被占用：请先停止占用它的程序，或用 `make run PORT={port + 1}` 换一个端口。"
    )
    assert not (tmp_path / "pg").exists()


def test_a_folder_that_cannot_be_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = Run(tmp_path, VAR_DIR=str(tmp_path / "file" / "var"))
    assert run.process.wait(60) == 1
    assert len(run.said().strip().splitlines()) == 1 and run.said().strip().startswith("✗ ")


def test_too_little_room_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up.shutil, "disk_usage", lambda _folder: Usage(10 << 30, 10 << 30, 50 << 20))
    with pytest.raises(up.CannotStart, match=r"磁盘空间不足：.*只剩 50 MB，至少需要 1024 MB"):
        up.room(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "磁盘空间不足"),
        (embedded.NotServing("initdb: error: could not write: No space left on device"), "磁盘空间不足"),
        (PermissionError(errno.EACCES, "Permission denied", "pg"), "没有写入权限"),
        (OSError(errno.EROFS, "Read-only file system"), "没有写入权限"),
        (embedded.NotServing("FATAL: data directory has wrong ownership"), "改用该用户运行"),
        (RuntimeError("something\nelse"), "启动失败：something。"),
    ],
)
def test_failures_become_one_sentence(failure: Exception, words: str, tmp_path: Path) -> None:
    said = up.sentence(failure, tmp_path)
    assert words in said and "\n" not in said


def test_what_initdb_left_half_made_is_put_aside_not_started(tmp_path: Path) -> None:
    data = tmp_path / "pg"
    data.mkdir()
    (data / "PG_VERSION").write_text("18\n")
    assert embedded._half_made(data)
    (data / embedded.OURS).write_text("")
    assert not embedded._half_made(data)


def run_together(script: str, tmp_path: Path) -> subprocess.Popen[str]:
    code = (
        "import sys; sys.path[:0] = ['platform']\n"
        "from pathlib import Path; import os\n"
        "from config.processes import run_together\n"
        f"commands = {{'one': ['sh', '-c', {script!r}], 'two': ['sleep', '60']}}\n"
        "sys.exit(run_together(commands, env=dict(os.environ), cwd=Path('.')))"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_one_that_ends_by_itself_ends_all_and_its_code_is_told(tmp_path: Path) -> None:
    said, _ = (process := run_together("echo bye; exit 3", tmp_path)).communicate(timeout=60)
    assert process.returncode == 3
    assert "one    | bye" in said and "one 自行结束（3）" in said


def test_a_grandchild_ends_too(tmp_path: Path) -> None:
    process = run_together(f"sleep 3600 & echo $! > {tmp_path / 'pid'}; echo up; wait", tmp_path)
    assert process.stdout is not None and "up" in process.stdout.readline()
    process.send_signal(signal.SIGHUP)  # the terminal was closed
    process.communicate(timeout=60)
    assert process.returncode == 0
    with pytest.raises(ProcessLookupError):
        until = time.monotonic() + 10
        while time.monotonic() < until:
            os.kill(int((tmp_path / "pid").read_text()), 0)
            time.sleep(0.05)


def test_a_child_that_will_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.3)
    stubborn = subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], start_new_session=True)
    time.sleep(0.3)
    processes._end({"stubborn": stubborn}, [signal.SIGINT])
    assert stubborn.returncode == -signal.SIGKILL
