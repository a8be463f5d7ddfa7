"""`infra/setup.py` on machines that lack something, and when it is stopped in the middle."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from infra import setup

ROOT = Path(__file__).resolve().parents[2]
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing but the script, and a folder `bin` that is all of PATH."""
    (tmp_path / "infra").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "infra" / "setup.py", tmp_path / "infra")
    return tmp_path


def tool(checkout: Path, name: str, script: str) -> None:
    file = checkout / "bin" / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def run(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(checkout / "infra" / "setup.py"), "run"],
        env={"PATH": str(checkout / "bin")}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1 and "Traceback" not in done.stderr
    return done.stderr.strip()


def test_no_node(checkout: Path) -> None:
    assert one_sentence(run(checkout)) == (
        "✗ Node.js 20.19 or newer with npm is needed: install it from your system's packages."
    )


def test_an_old_node(checkout: Path) -> None:
    tool(checkout, "npm", "echo 9.0.0")
    tool(checkout, "node", "echo v18.19.1")
    assert one_sentence(run(checkout)) == "✗ Node.js 20.19 or newer is needed, this is 18.19."


def test_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    class Version(tuple[int, ...]):
        pass

    monkeypatch.setattr(setup.sys, "version_info", Version((3, 9, 2)))
    monkeypatch.setattr(setup.sys, "version", "3.9.2 (main)")
    with pytest.raises(setup.CannotSetUp, match=r"Python 3\.11 or newer is needed, this is 3\.9\.2"):
        setup.need_tools()


def test_a_folder_that_cannot_be_written_to(checkout: Path) -> None:
    tool(checkout, "npm", "echo 11.0.0")
    tool(checkout, "node", "echo v22.1.0")
    (checkout / "var").write_text("in the way")  # rights would not stop root
    said = one_sentence(run(checkout))
    assert said.startswith("✗ This folder cannot be written to") and said.endswith("copy the project to one that can.")
    assert "\n" not in said


def test_a_full_disk_is_refused_before_the_packages_are_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VAR", tmp_path / "var")
    monkeypatch.setattr(setup.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(setup, "quiet", lambda *_command, why: "v20.19.0")
    monkeypatch.setattr(setup.shutil, "disk_usage", lambda _folder: Usage(10 << 30, 9 << 30, 1 << 30))
    with pytest.raises(setup.CannotSetUp, match="1024 MB are free, 3072 MB are needed"):
        setup.need_tools()


def test_a_disk_that_fills_up_on_the_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(setup.CannotSetUp, match="No space left on the disk"):
        setup.quiet("sh", "-c", "echo 'OSError: [Errno 28] No space left on device' >&2; exit 1", why="packages failed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_in_the_middle_of_a_step_nothing_runs_on(checkout: Path, number: int) -> None:
    tool(checkout, "npm", "echo 11.0.0")
    tool(checkout, "node", f"/bin/sleep 3600 & echo $! > {checkout}/pid; wait")
    process = subprocess.Popen(
        [sys.executable, str(checkout / "infra" / "setup.py"), "run"],
        env={"PATH": str(checkout / "bin")}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    pid = checkout / "pid"
    until = time.monotonic() + 60
    while not (pid.exists() and pid.read_text().strip()) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said.strip()) == (1, "✗ stopped")
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < until:
            os.kill(int(pid.read_text()), 0)
            time.sleep(0.02)


def test_what_python_leaves_behind_is_no_reason_to_build_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "page.html").write_text("a")
    before = setup.fingerprint([tmp_path / "web"])
    (tmp_path / "web" / "__pycache__").mkdir()
    (tmp_path / "web" / "__pycache__" / "page.pyc").write_bytes(b"b")
    assert setup.fingerprint([tmp_path / "web"]) == before
    (tmp_path / "web" / "page.html").write_text("c")
    assert setup.fingerprint([tmp_path / "web"]) != before
