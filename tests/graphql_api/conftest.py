"""Counting statements: the host stays known, however slow the machine (it is looked up again after two seconds)."""

from __future__ import annotations

import pytest

from config.middleware import HostMiddleware


@pytest.fixture(autouse=True)
def _host_stays_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HostMiddleware, "TTL", 600.0)
