"""Identifiers: UUIDv7, so that they sort by time and one school's id never fits another school's row."""

from uuid import UUID

from uuid_utils import compat


def new_id() -> UUID:
    """Return a fresh UUIDv7."""
    return compat.uuid7()
