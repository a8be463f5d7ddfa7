"""What text the database can keep."""

from collections.abc import Mapping
from typing import Any


def storable(value: Any) -> bool:
    """Whether every text in a value (lists and mappings too) can be stored: no NUL, which PostgreSQL refuses, and no
    lone surrogate, which is no character of UTF-8 (JSON can spell both)."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, Mapping):
        return all(storable(key) and storable(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return all(storable(each) for each in value)
    return True
