"""One-time secrets: made here, told once, kept as SHA-256 only."""

import hashlib
import secrets

# No 0/O, 1/I/l: these passwords are read from paper.
READABLE = "ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """256 random bits, safe in an address."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """SHA-256 in hex. The secrets are random and long, so no salt or stretching is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def readable_password(length: int = 10) -> str:
    """About 57 bits, without characters that look alike on paper; always holds a letter and a digit."""
    while True:
        password = "".join(secrets.choice(READABLE) for _ in range(length))
        if any(c.isdigit() for c in password) and any(c.isalpha() for c in password):
            return password
