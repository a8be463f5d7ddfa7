"""Templates at rest: AES-256-GCM with a key per school; associated data school | person | model hash.

A sealed template copied to another school, person or model does not open. The first byte names the key of
`settings.DATA_KEYS` that sealed it; `manage.py face_rotate` seals again under the newest.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from kernel.crypto import seal, seal_bytes, unseal, unseal_bytes

GUARDIAN = "face.guardian"


def seal_vector(vector: bytes, *, schema: str, staff_id: UUID, model_hash: str) -> bytes:
    """Seal the float32 bytes of one person's normalised vector."""
    return seal_bytes(vector, schema=schema, context=f"face.template|{staff_id}|{model_hash}")


def open_vector(sealed: bytes | memoryview, *, schema: str, staff_id: UUID, model_hash: str) -> bytes:
    """The float32 bytes. Raises CannotOpen for another school, person or model."""
    return unseal_bytes(sealed, schema=schema, context=f"face.template|{staff_id}|{model_hash}")


def seal_picture(picture: bytes, *, schema: str, owner_id: UUID) -> bytes:
    """Seal a picture that waits for its check (`owner_id`: the check) or is kept by term (the template)."""
    return seal_bytes(picture, schema=schema, context=f"face.picture|{owner_id}")


def open_picture(sealed: bytes | memoryview, *, schema: str, owner_id: UUID) -> bytes:
    return unseal_bytes(sealed, schema=schema, context=f"face.picture|{owner_id}")


def seal_name(name: str, *, schema: str) -> bytes:
    return seal(name, schema=schema, context=GUARDIAN)


def open_name(sealed: bytes | memoryview, *, schema: str) -> str:
    return unseal(sealed, schema=schema, context=GUARDIAN)


def newest_key() -> int:
    return len(settings.DATA_KEYS) - 1


def key_of(sealed: bytes | memoryview) -> int:
    """Which key of DATA_KEYS sealed it."""
    return bytes(sealed[:1])[0]
