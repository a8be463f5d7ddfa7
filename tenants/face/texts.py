"""The texts people are asked to agree to: versions with a day from which they hold, never changed once in force.

They stand in `data/consent.json`. A version with `renews` asks everybody again: decisions about older texts then no
longer carry a check (PIPL art. 14: another purpose or way needs another consent).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "data" / "consent.json"


@dataclass(frozen=True, slots=True)
class Text:
    """One version. `points` are (heading, sentence) pairs in the order shown."""

    version: str
    effective_on: date
    renews: bool
    title: str
    summary: str
    points: tuple[tuple[str, str], ...]
    basis: str
    sha256: str


@lru_cache(maxsize=4)
def versions(file: Path | None = None) -> tuple[Text, ...]:
    """All texts, oldest first."""
    found = [_text(raw) for raw in json.loads((file or FILE).read_text(encoding="utf-8"))]
    return tuple(sorted(found, key=lambda t: t.effective_on))


def _text(raw: dict[str, Any]) -> Text:
    canonical = json.dumps(raw, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Text(
        version=raw["version"],
        effective_on=date.fromisoformat(raw["effective_on"]),
        renews=raw["renews"],
        title=raw["title"],
        summary=raw["summary"],
        points=tuple((heading, sentence) for heading, sentence in raw["points"]),
        basis=raw["basis"],
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def current(today: date) -> Text:
    """The text in force on a day."""
    return [t for t in versions() if t.effective_on <= today][-1]


def accepted(today: date) -> frozenset[str]:
    """The versions whose consents still carry a check: from the last one that renews."""
    known: list[str] = []
    for text in versions():
        if text.effective_on <= today:
            known = [text.version] if text.renews else [*known, text.version]
    return frozenset(known)


def of_version(version: str) -> Text | None:
    """The text a decision was made about."""
    return next((t for t in versions() if t.version == version), None)
