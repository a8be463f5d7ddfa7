"""Files of jobs: they hold names and numbers, so they lie sealed on the store and live for days only."""

from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from kernel.crypto import seal_bytes, unseal_bytes
from kernel.errors import NotFound
from kernel.tenancy import Tenant


def _context(path: str) -> str:
    return f"jobs.file|{path.rsplit('/', 1)[0]}"


def store(*, tenant: Tenant, job_id: UUID, name: str, data: bytes) -> str:
    """Seal and keep a file under the school's prefix; returns its path. `name` ends in the true suffix."""
    suffix = name.rsplit(".", 1)[-1].lower() if "." in name else "bin"
    suffix = suffix if suffix in {"xlsx", "xls", "csv", "pdf"} else "bin"
    path = f"{tenant.schema}/jobs/{job_id}/file.{suffix}"
    return default_storage.save(path, ContentFile(seal_bytes(data, schema=tenant.schema, context=_context(path))))


def read(*, tenant: Tenant, path: str) -> bytes:
    """Open a file of this school. Raises NotFound when its days are over."""
    if not path.startswith(f"{tenant.schema}/") or not default_storage.exists(path):
        raise NotFound
    with default_storage.open(path) as handle:
        return unseal_bytes(handle.read(), schema=tenant.schema, context=_context(path))


def remove(path: str) -> None:
    """Delete a file; a missing one is no error."""
    if path:
        default_storage.delete(path)
