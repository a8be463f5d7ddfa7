"""Pages under test: the host stays known, and print finds the fonts that set-up made."""

from __future__ import annotations

from typing import Any

import pytest

from config.middleware import HostMiddleware
from tests.databases import ROOT


@pytest.fixture(autouse=True)
def _host_stays_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked up again after two seconds, which would count as statements on a slow machine."""
    monkeypatch.setattr(HostMiddleware, "TTL", 600.0)


@pytest.fixture(autouse=True)
def _fonts(settings: Any) -> None:
    settings.FONT_DIR = str(ROOT / "var" / "fonts")
