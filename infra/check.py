"""What `make test` does after set-up: every check in turn, stopping at the first that fails.

The first checks need no database and one core: meanwhile the database that all tests copy is made on another.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
PYTHON = [sys.executable, "-W", "ignore::RuntimeWarning", "-m"]
EVERYBODY = {"ISOLATION": "everybody"}  # the isolation matrix asks as every kind of visitor
NO_DATABASE = {"DATABASE_URL": "postgresql://nobody@/none"}  # settings are read for their types: no server is started
STILL = [
    ("lint", [BIN / "ruff", "check", "-q", "."]),
    ("format", [BIN / "ruff", "format", "-q", "--check", "."]),
    ("import contracts", [BIN / "lint-imports", "--no-cache"]),
    ("types", [BIN / "mypy"]),
    ("TypeScript", ["npx", "tsc", "-p", "."]),
]
PLAYED = [
    ("tests", [*PYTHON, "pytest", "-n", "2", "--dist", "loadgroup", "-m", "not journey"]),
    ("journeys", [*PYTHON, "pytest", "-n", "2", "--dist", "loadfile", "-m", "journey"]),
]


class Failed(Exception):
    """A check did not pass; carries what it printed, if that was not seen yet."""


def main() -> int:
    os.chdir(ROOT)
    template = subprocess.Popen(
        [*PYTHON, "tests.databases"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        for name, command in STILL:
            check(name, command, NO_DATABASE, loud=False)
        with_template(template)
        for name, command in PLAYED:
            check(name, command, EVERYBODY, loud=True)
    except Failed as failed:
        print(failed, flush=True)
        return 1
    finally:
        if template.poll() is None:
            template.terminate()  # it stops its server, too
            template.communicate()
    return 0


def check(name: str, command: list[str | Path], env: dict[str, str], *, loud: bool) -> None:
    started = time.monotonic()
    print(f"=== {name}", flush=True)
    done = subprocess.run(
        [str(c) for c in command], capture_output=not loud, text=True, check=False, env={**os.environ, **env}
    )
    took = f"{time.monotonic() - started:.0f} s"
    if done.returncode != 0:
        raise Failed(f"{'' if loud else done.stdout + done.stderr}✗ {name} failed after {took}")
    print(f"=== {name}: ok, {took}", flush=True)


def with_template(template: subprocess.Popen[str]) -> None:
    started = time.monotonic()
    print("=== the database that all tests copy", flush=True)
    said, _ = template.communicate()
    if template.returncode != 0:
        raise Failed(f"{said}✗ it could not be made")
    print(f"=== it stands; waited {time.monotonic() - started:.0f} s for it", flush=True)


if __name__ == "__main__":
    sys.exit(main())
