"""Run one bench (`python -m infra.bench provision`) or all; SIZE=small for the quick form.

Each bench is a module here with `run(size) -> (measured, goal)`, prints what it compares, and ends with a line
`name: 13.1 (goal >= 12) ok` or `… short` (`<=` where the module says AT_MOST). A bench runs in a process and a
PostgreSQL of its own (`var/bench-pg-<name>`), which is removed afterwards.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
HELPERS = {"__init__", "__main__", "scratch"}


def names() -> list[str]:
    return sorted(p.stem for p in HERE.glob("*.py") if p.stem not in HELPERS)


def alone(name: str) -> int:
    """Run one bench in this process."""
    warnings.simplefilter("ignore")
    from infra.bench import scratch

    with scratch.server(name):
        bench = importlib.import_module(f"infra.bench.{name}")
        measured, goal = bench.run(os.environ.get("SIZE", "full"))
    at_most = getattr(bench, "AT_MOST", False)
    reached = measured <= goal if at_most else measured >= goal
    sign = "<=" if at_most else ">="
    print(f"{name}: {measured:.1f} (goal {sign} {goal:g}) {'ok' if reached else 'short'}", flush=True)
    return 0 if reached else 1


def main(arguments: list[str]) -> int:
    unknown = [a for a in arguments if a not in names()]
    if unknown:
        print(f"no bench called {', '.join(unknown)}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    if len(arguments) == 1:
        return alone(arguments[0])
    short = 0
    for name in arguments or names():
        print(f"--- {name}", flush=True)
        short |= subprocess.call([sys.executable, "-W", "ignore", "-m", "infra.bench", name], cwd=ROOT)
    return short


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
