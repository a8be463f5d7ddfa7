"""What `make test` does after set-up: every check in turn, stopping at the first that fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
EVERYBODY = {**os.environ, "ISOLATION": "everybody"}  # the isolation matrix asks as every kind of visitor
CHECKS = [
    ("lint", [BIN / "ruff", "check", "-q", "."]),
    ("format", [BIN / "ruff", "format", "-q", "--check", "."]),
    ("import contracts", [BIN / "lint-imports", "--no-cache"]),
    ("types", [BIN / "mypy"]),
    ("TypeScript", ["npx", "tsc", "-p", "."]),
    ("tests", [sys.executable, "-W", "ignore::RuntimeWarning", "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-m", "not journey"]),
    ("journeys", [sys.executable, "-W", "ignore::RuntimeWarning", "-m", "pytest", "-n", "2", "--dist", "loadfile", "-m", "journey"]),
]  # fmt: skip


def main() -> int:
    os.chdir(ROOT)
    for name, command in CHECKS:
        started = time.monotonic()
        print(f"=== {name}", flush=True)
        loud = name in {"tests", "journeys"}
        done = subprocess.run([str(c) for c in command], capture_output=not loud, text=True, check=False, env=EVERYBODY)
        if done.returncode != 0:
            if not loud:
                print(done.stdout + done.stderr)
            print(f"✗ {name} failed after {time.monotonic() - started:.0f} s", flush=True)
            return 1
        print(f"=== {name}: ok, {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
