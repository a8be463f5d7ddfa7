"""Production refuses unsafe settings and passes Django's own deployment check."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "PRODUCTION": "1",
    "SECRET_KEY": "k9" * 20 + "-Z_q3!x7" * 3,
    "DATA_KEYS": "one-key-for-personal-data",
    "ALLOWED_HOSTS": "cielm.example,.cielm.example",
    "PUBLIC_HOSTS": "cielm.example",
    "SCHOOL_HOST_SUFFIX": "cielm.example",
    "PUBLIC_URL": "https://cielm.example",
    "DATABASE_URL": "postgresql://x@/x?host=/nonexistent",
    "POOL": "0",
}


def run(*command: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "VAR_DIR"}}
    for key, value in {**GOOD, **changes}.items():
        if value is not None:
            env[key] = value
    return subprocess.run(
        [sys.executable, "-W", "ignore", *command], capture_output=True, text=True, cwd=ROOT, env=env, timeout=120
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must be set"),
        ({"DATA_KEYS": None}, "DATA_KEYS must be set"),
        ({"DEBUG": "1"}, "DEBUG must be off"),
        ({"ALLOWED_HOSTS": None}, "ALLOWED_HOSTS must list"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must list"),
        ({"ALLOWED_HOSTS": "cielm.example,."}, "ALLOWED_HOSTS must list"),
        ({"PUBLIC_URL": "http://localhost:8000"}, "PUBLIC_URL must be"),
    ],
)
def test_production_refuses_to_start(changes: dict[str, str | None], sentence: str) -> None:
    done = run("manage.py", "check", **changes)
    assert done.returncode != 0
    assert "PRODUCTION=1 refuses to start" in done.stderr and sentence in done.stderr


def test_production_passes_the_deployment_check() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout


def test_without_any_setting_it_starts() -> None:
    none = dict.fromkeys(GOOD)
    none["DATABASE_URL"] = GOOD["DATABASE_URL"]
    assert run("manage.py", "check", **none).returncode == 0


def test_production_logs_are_json_with_request_and_school() -> None:
    script = (
        "import django; django.setup(); import structlog, json; "
        "structlog.contextvars.bind_contextvars(request_id='r1', school='alpha'); "
        "structlog.get_logger('x').info('sent', to='li@example.org', phone='13812345678', "
        "url='/accounts/invitation/abc/?ticket=t:s', id_card='11010519491231002X', "
        "header='Bearer cielm_abcdef', nested={'mail': ['w@example.org']}); "
        "import logging; logging.getLogger('django.request').warning('Not Found: /accounts/password/reset/key/1-abc/')"
    )
    done = run("-c", f"import os, sys; sys.path[:0] = ['.', 'platform', 'graphql']; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; {script}")  # fmt: skip
    assert done.returncode == 0, done.stderr
    import json

    ours, theirs = (json.loads(line) for line in done.stderr.strip().splitlines()[-2:])
    assert (ours["request_id"], ours["school"], ours["event"]) == ("r1", "alpha", "sent")
    assert theirs["school"] == "alpha" and theirs["event"].endswith("/password/reset/key/***/")
    for secret in ("example.org", "13812345678", "invitation/abc", "t:s", "11010519491231002X", "abcdef", "1-abc"):
        assert secret not in done.stderr
