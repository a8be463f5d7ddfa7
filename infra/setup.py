"""Make the environment of this checkout: `python3 infra/setup.py run|test`. Standard library only.

Each step is stamped with a hash of what it was made from (`var/stamps/`), so a second call takes
milliseconds. Every failure ends in one sentence that says what to do.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VAR = ROOT / "var"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NPM = "11.6.2"  # npm 10 leaves out the platform binaries of Vite 8; npm itself is fetched as a package then


ROOM = 3 << 30  # bytes that the environment, the npm packages and the database take
NO_ROOM = "No space left on the disk of {0}: {1} MB are free, {2} MB are needed; make room, then again."


class CannotSetUp(Exception):
    """Carries the one sentence."""


STARTING: list[bool] = []  # while a child is being born a signal is put off: nobody could end the child yet
PUT_OFF: list[int] = []


def quiet(*command: str | Path, why: str) -> str:
    """Run a command; its output appears only when it fails. Whatever it started ends with us."""
    process = None
    try:
        STARTING.append(True)
        process = subprocess.Popen(
            [str(c) for c in command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        STARTING.clear()
        if PUT_OFF:
            raise KeyboardInterrupt
        said, complained = process.communicate()
    except BaseException:
        STARTING.clear()
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise
    if process.returncode != 0:
        if "No space left on device" in said + complained or "ENOSPC" in complained:
            raise CannotSetUp(NO_ROOM.format(ROOT, shutil.disk_usage(ROOT).free >> 20, ROOM >> 20))
        sys.stderr.write((said + complained)[-6000:])
        raise CannotSetUp(why)
    return said


def fingerprint(paths: list[Path]) -> str:
    made_from = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not {"node_modules", "__pycache__"} & set(file.parts):
                made_from.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return made_from.hexdigest()


def step(name: str, sources: list[Path], product: Path, make: Callable[[], None]) -> None:
    """Do `make` unless it was done from the same sources and its product still stands."""
    stamp = VAR / "stamps" / name.replace(" ", "-")
    wanted = fingerprint(sources)
    if product.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    started = time.monotonic()
    print(f"  · {name} …", end="", flush=True)
    make()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted)
    print(f" {time.monotonic() - started:.0f} s", flush=True)


def need_tools() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036  (a stranger's python3 may be older)
        raise CannotSetUp(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: "
            "install it and run `make PYTHON=python3.11 …`."
        )
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        raise CannotSetUp("Node.js 20.19 or newer with npm is needed: install it from your system's packages.")
    version = tuple(int(n) for n in quiet("node", "--version", why="node does not start.").strip("v\n ").split(".")[:2])
    if version < (20, 19):
        raise CannotSetUp(f"Node.js 20.19 or newer is needed, this is {version[0]}.{version[1]}.")
    try:
        VAR.mkdir(exist_ok=True)
        (VAR / ".writable").write_text("")
    except OSError as refused:
        if refused.errno == errno.ENOSPC:
            raise CannotSetUp(NO_ROOM.format(ROOT, 0, ROOM >> 20)) from None
        raise CannotSetUp(f"This folder cannot be written to ({refused}): copy the project to one that can.") from None
    free = shutil.disk_usage(ROOT).free
    if not (ROOT / "node_modules").exists() and free < ROOM:
        raise CannotSetUp(NO_ROOM.format(ROOT, free >> 20, ROOM >> 20))


def whole() -> bool:
    """Whether .venv was finished: python stands there before pip does."""
    asked = [str(PYTHON), "-m", "pip", "--version"]
    return PYTHON.exists() and subprocess.run(asked, capture_output=True).returncode == 0


def python_packages(kind: str) -> None:
    if not whole():
        quiet(
            sys.executable, "-m", "venv", "--clear", VENV,
            why="Python's venv module is missing: on Debian `apt-get install python3-venv`, then again.",
        )  # fmt: skip
    quiet(
        PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", "requirements/uv.txt",
        why="The package index cannot be reached: check the network or the proxy settings, then again.",
    )  # fmt: skip
    quiet(
        VENV / "bin" / "uv", "pip", "sync", "-q", "--python", PYTHON, "--require-hashes",
        f"requirements/{'dev' if kind == 'test' else 'app'}.txt", "requirements/uv.txt",
        why="Python packages could not be installed (see above).",
    )  # fmt: skip


def npm_packages() -> None:
    major = int(quiet("npm", "--version", why="npm does not start.").split(".")[0])
    npm = ["npm"] if major >= 11 else ["npx", "--yes", f"npm@{NPM}"]
    quiet(*npm, "ci", why="npm packages could not be installed: check the network or the proxy settings, then again.")


def bundles() -> None:
    quiet("npx", "vite", "build", "--logLevel", "warn", why="The web bundles could not be built (see above).")
    quiet(
        "npx", "vite", "build", "-c", "vite.sw.config.ts", "--logLevel", "warn",
        why="The service worker could not be built (see above).",
    )  # fmt: skip


def fonts() -> None:
    quiet(PYTHON, "-m", "infra.fonts", why="The fonts for printed pages could not be made (see above).")


# What the tests need from the system, as Debian names them: command → package.
SYSTEM = {"chromium": "chromium", "pgbouncer": "pgbouncer"}


def system_packages() -> None:
    missing = [package for command, package in SYSTEM.items() if not shutil.which(command, path=search_path())]
    if not missing:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"  · apt-get install {' '.join(missing)} …", flush=True)
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], env=env, capture_output=True, check=False)
        done = subprocess.run(
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing],
            env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return
        sys.stderr.write(done.stderr[-2000:])
    raise CannotSetUp(f"The tests need {' and '.join(missing)}: install by `apt-get install {' '.join(missing)}`.")


def search_path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


def main(kind: str) -> None:
    need_tools()
    requirement = ROOT / "requirements" / ("dev.txt" if kind == "test" else "app.txt")
    have_dev = (VAR / "stamps" / "Python-packages-for-tests").exists()
    if kind == "test":
        name = "Python packages for tests"
        step(name, [requirement], PYTHON, lambda: python_packages("test"))
    elif not have_dev:  # the test set holds the other
        step("Python packages", [requirement], PYTHON, lambda: python_packages("run"))
    step("npm packages", [ROOT / "package.json", ROOT / "package-lock.json"], ROOT / "node_modules", npm_packages)
    step(
        "web bundles",
        [ROOT / "frontend" / "src", ROOT / "web", ROOT / "package-lock.json", *sorted(ROOT.glob("vite*.ts"))],
        ROOT / "frontend" / "dist" / "sw.js",
        bundles,
    )
    if (ROOT / "infra" / "fonts.py").exists():
        step("fonts for print", [ROOT / "infra" / "fonts.py", ROOT / "package-lock.json"], VAR / "fonts", fonts)
    if kind == "test":
        system_packages()


def stopped(number: int, _frame: object) -> None:
    if STARTING:
        PUT_OFF.append(number)
    else:
        raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell's background job is born deaf to the first
        signal.signal(number, stopped)
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "run")
    except CannotSetUp as refused:
        sys.exit(f"\n✗ {refused}")
    except OSError as refused:
        if refused.errno == errno.ENOSPC:
            sys.exit(f"\n✗ {NO_ROOM.format(ROOT, 0, ROOM >> 20)}")
        sys.exit(f"\n✗ {refused}: check who may write to this folder, then again.")
    except KeyboardInterrupt:
        sys.exit("\n✗ stopped")
