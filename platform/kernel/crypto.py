"""Personal data at rest: AES-256-GCM with a key per school, and blind indexes to find equal values.

The key of a school is derived (HKDF-SHA256) from `settings.DATA_KEYS`: the last seals, all open,
so keys can be rotated. The context (schema | table.column) is authenticated: a ciphertext copied to
another school or column does not open.
"""

import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class CannotOpen(ValueError):
    """The ciphertext is damaged, belongs elsewhere, or its key is gone."""


@lru_cache(maxsize=4096)
def _derive(master: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(master.encode())


def seal(text: str, *, schema: str, context: str) -> bytes:
    """Encrypt `text` for one school and column. Layout: key number (1 byte), nonce (12), ciphertext + tag."""
    return seal_bytes(text.encode(), schema=schema, context=context)


def seal_bytes(data: bytes, *, schema: str, context: str) -> bytes:
    """Encrypt a file of one school, as `seal` does a text."""
    number = len(settings.DATA_KEYS) - 1
    nonce = os.urandom(12)
    key = _derive(settings.DATA_KEYS[-1], f"seal|{schema}")
    return bytes([number]) + nonce + AESGCM(key).encrypt(nonce, data, f"{schema}|{context}".encode())


def unseal(sealed: bytes | memoryview, *, schema: str, context: str) -> str:
    """Decrypt what `seal` made for the same school and column. Raises CannotOpen."""
    return unseal_bytes(sealed, schema=schema, context=context).decode()


def unseal_bytes(sealed: bytes | memoryview, *, schema: str, context: str) -> bytes:
    """Decrypt what `seal_bytes` made for the same school and context. Raises CannotOpen."""
    raw = bytes(sealed)
    try:
        key = _derive(settings.DATA_KEYS[raw[0]], f"seal|{schema}")
        return AESGCM(key).decrypt(raw[1:13], raw[13:], f"{schema}|{context}".encode())
    except (InvalidTag, IndexError, ValueError) as damaged:
        raise CannotOpen(context) from damaged


def blind_index(value: str, *, schema: str, context: str) -> str:
    """A keyed hash (hex, 64 characters) that finds equal values within one school and tells nothing else."""
    key = _derive(settings.DATA_KEYS[0], f"index|{schema}|{context}")
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def mask_phone(phone: str) -> str:
    """13812345678 → 138****5678."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "****"


def mask_id_card(number: str) -> str:
    """Keep the first and the last two characters of an ID-card number (GB 11643)."""
    return f"{number[:2]}{'*' * (len(number) - 4)}{number[-2:]}" if len(number) >= 8 else "****"
