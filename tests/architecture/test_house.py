"""The house stands as docs/architecture.md says."""

import platform
import subprocess
import sys
from pathlib import Path

import graphql

ROOT = Path(__file__).resolve().parents[2]


def test_the_shelves_hide_no_library() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert not (ROOT / "graphql" / "__init__.py").exists()
    assert str(ROOT) not in (platform.__file__ or "")
    assert "site-packages" in (graphql.__file__ or "")


def test_migrations_are_complete() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "makemigrations", "--check", "--dry-run"],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
