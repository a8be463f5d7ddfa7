"""Several processes as one: started together, their lines named, all ended when one ends or somebody says stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 10.0  # seconds for tasks under way; what is killed after them is sent again


class Failed(Exception):
    """A process ended badly; carries the last line it said."""


class Beside:
    """A command at work while this process goes on; in a session of its own, so that only `drop` ends it early."""

    def __init__(self, command: Sequence[str], *, cwd: Path) -> None:
        """Its output is shown, its complaints are kept for `wait`."""
        self.process = subprocess.Popen(  # noqa: S603  (our own commands)
            command, cwd=cwd, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def wait(self) -> None:
        """Raises Failed."""
        _, complained = self.process.communicate()
        if self.process.returncode:
            raise Failed((complained.strip().splitlines() or [f"code {self.process.returncode}"])[-1])

    def drop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def run_together(commands: Mapping[str, Sequence[str]], *, env: Mapping[str, str], cwd: Path) -> int:
    """Start all, relay their output, and end them all at the first signal or the first that ends by itself.

    Each child leads a session of its own, so that Ctrl-C reaches it once, from here, and whatever it started ends
    with it. A second signal does not wait for tasks under way. Returns 0 after a signal, else the child's code.
    """
    asked: list[int] = []
    before = {number: signal.signal(number, lambda number, _frame: asked.append(number)) for number in STOPS}
    writing = threading.Lock()
    running: dict[str, subprocess.Popen[bytes]] = {}
    relays: list[threading.Thread] = []
    try:
        for name, command in commands.items():
            if asked:
                break
            running[name] = subprocess.Popen(  # noqa: S603  (our own commands)
                command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
            )
            relay = threading.Thread(target=_relay, args=(name, running[name].stdout, writing), daemon=True)
            relay.start()
            relays.append(relay)
        while not asked and all(process.poll() is None for process in running.values()):
            time.sleep(0.1)
        ended = {name: process.returncode for name, process in running.items() if process.poll() is not None}
        for name, code in ended.items():
            _say(f"{name} 自行结束（{code}），其余进程一并停止", writing)
        _end(running, asked)
        for relay in relays:
            relay.join(2)
        return 0 if asked else next(iter(ended.values()), 0) or 1
    finally:
        _end(running, [*asked, *asked, signal.SIGTERM])
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(running: Mapping[str, subprocess.Popen[bytes]], asked: list[int]) -> None:
    seen, until = len(asked), time.monotonic() + PATIENCE
    _signal(running, signal.SIGTERM)
    while any(process.poll() is None for process in running.values()):
        if time.monotonic() > until or len(asked) > max(seen, 1):
            _signal(running, signal.SIGKILL)
        time.sleep(0.05)
    _signal(running, signal.SIGKILL, everybody=True)  # a grandchild that its parent left behind


def _signal(running: Mapping[str, subprocess.Popen[bytes]], number: int, *, everybody: bool = False) -> None:
    for process in running.values():
        if everybody or process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)


def _relay(name: str, lines: IO[bytes], writing: Any) -> None:
    for line in lines:
        _say(f"{name:<6} | {line.decode(errors='replace').rstrip()}", writing)


def _say(line: str, writing: Any) -> None:
    with writing, suppress(BrokenPipeError, OSError):  # the terminal may be gone
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
