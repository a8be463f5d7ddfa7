"""Standard Webhooks (standardwebhooks.com, v1): who sent a message, and whether it was sent just now.

The signature is HMAC-SHA256 over "id.timestamp.body" with the secret behind `whsec_`; a header may carry several,
one per key in use. The caller keeps message ids, so that a replay within the tolerance does nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"


def new_secret() -> str:
    """A fresh secret of 32 random bytes, as a sender's configuration takes it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(*, secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a message: "v1," and base64."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def verified(*, secret: str, message_id: str, timestamp: str, signatures: str, body: bytes, now: datetime) -> bool:
    """Whether one of the signatures fits and the timestamp lies within the tolerance, either way."""
    if not message_id.isprintable() or not 0 < len(message_id) <= 80:
        return False
    if "." in message_id or not timestamp.isdecimal() or len(timestamp) > 12:
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return False
    try:
        wanted = sign(secret=secret, message_id=message_id, timestamp=int(timestamp), body=body)
    except (binascii.Error, ValueError):
        return False
    return any(hmac.compare_digest(wanted.encode(), given.encode()) for given in signatures.split()[:10])
