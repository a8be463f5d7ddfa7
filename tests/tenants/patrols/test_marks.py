"""What the phone carries of codes: recognised offline, not read off, made once."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.cache import cache

from kernel.tenancy import Tenant
from tenants.patrols import marks

VECTOR = "4a4f850229c3f23022b14a8faf325b4aa53f38492c267eb4eeb34251ad93de39"


def test_a_mark_is_the_slow_salted_hash_that_webcrypto_makes() -> None:
    """VECTOR was made by crypto.subtle as frontend/src/patrol.ts does it, so phone and server agree."""
    assert marks.slow(" k7mq2x", salt="s1") == marks.slow("K7MQ2X", salt="s1")
    assert marks.slow("K7MQ2X", salt="s1") == VECTOR
    assert marks.slow("K7MQ2X", salt="s2") != VECTOR and marks.ROUNDS >= 200_000


def test_each_mark_is_made_once_and_shows_five_digits(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(marks, "slow", lambda text, *, salt: made.append(text) or f"{len(made):064x}"[::-1])
    route = uuid4()
    first = marks.marks(route, ["AAA", "BBB", ""], tenant=alpha)
    assert first == {"AAA": "10000", "BBB": "20000"} and made == ["AAA", "BBB"]
    assert marks.marks(route, ["BBB", "CCC"], tenant=alpha) == {"BBB": "20000", "CCC": "30000"}
    assert made == ["AAA", "BBB", "CCC"]
    kept = str(cache.get(f"patrols.marks:{alpha.schema}:{route}"))
    assert not any(code in kept for code in made)  # what is remembered is under keyed names


def test_two_points_that_would_look_alike_show_more_digits(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    alike = {"AAA": "0" * 63 + "1", "BBB": "0" * 6 + "2" * 58}
    monkeypatch.setattr(marks, "slow", lambda text, *, salt: alike[text])
    assert marks.marks(uuid4(), alike, tenant=alpha) == {"AAA": "0000000", "BBB": "0000002"}


def test_the_salt_is_the_schools_and_stays(alpha: Tenant, beta: Tenant) -> None:
    assert marks.salt(alpha) == marks.salt(alpha) != marks.salt(beta)
