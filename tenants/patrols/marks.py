"""What a phone carries of the codes and tags of a route: enough to recognise a scan offline, not enough to read it off.

A code has six characters of 31, so any fast hash of it is reversed in minutes. A mark is PBKDF2 (200,000 rounds of
HMAC-SHA-256, salted by the school: 0.1 s here, half a second on a cheap phone, frontend/src/patrol.ts) and of that only the
first five hex digits: whoever tries all codes for hours is left with some eight hundred that fit a point, and the server
takes the code alone. The salt stays the same, since each new one would tell five more digits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from uuid import UUID

from django.core.cache import cache

from kernel import crypto
from kernel.tenancy import Tenant
from tenants.patrols import queries
from tenants.patrols.operations.drafts import plain_tag

ROUNDS = 200_000
DIGITS = 5  # more only where two points of a route would look alike
KEPT = 30 * 86_400  # seconds: slow to make, cheap to keep


def salt(tenant: Tenant) -> str:
    return crypto.blind_index("salt", schema=tenant.schema, context="patrols.mark")[:32]


def slow(text: str, *, salt: str) -> str:
    """All digits of a code's or tag's mark."""
    return hashlib.pbkdf2_hmac("sha256", text.strip().upper().encode(), salt.encode(), ROUNDS).hex()


def marks(route_id: UUID, texts: Iterable[str], *, tenant: Tenant) -> dict[str, str]:
    """{code or plain tag: its mark} for a route. What was made before is remembered under keyed names."""
    wanted = [text for text in dict.fromkeys(texts) if text]
    name = f"patrols.marks:{tenant.schema}:{route_id}"
    known: dict[str, str] = cache.get(name) or {}
    by_text = {text: crypto.blind_index(text, schema=tenant.schema, context="patrols.mark") for text in wanted}
    seasoned = salt(tenant)
    full = {text: known.get(key) or slow(text, salt=seasoned) for text, key in by_text.items()}
    if any(key not in known for key in by_text.values()):
        cache.set(name, {by_text[text]: mark for text, mark in full.items()} | known, KEPT)
    digits = _enough(full.values())
    return {text: mark[:digits] for text, mark in full.items()}


def warm(tenant: Tenant) -> None:
    """Make the marks of all routes before anybody waits for them; what is remembered costs nothing."""
    routes: dict[UUID, list[str]] = {}
    for route_id, point in queries.points_of(queries.walked_routes()):
        routes.setdefault(route_id, []).extend((point.place.code, plain_tag(point.nfc_tag)))
    for route_id, texts in routes.items():
        marks(route_id, texts, tenant=tenant)


def _enough(full: Collection[str]) -> int:
    """So many digits that no two marks of the route are alike."""
    return next(n for n in range(DIGITS, 65) if len({mark[:n] for mark in full}) == len(set(full)))
