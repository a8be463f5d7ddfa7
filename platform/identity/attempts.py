"""How many passwords an account lets be tried from browsers it does not know, wherever they come from.

django-axes locks one account for one address. Somebody who guesses from many addresses is never locked by it, so
all unknown browsers together have a budget per account and hour. A browser in which the person signed in before
(`web.accounts.devices`) has a budget of its own: the rightful owner is not locked out by the guessing of others.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import cast
from uuid import UUID

from django.conf import settings
from django.core.cache import cache

from kernel.shared_cache import SharedCache

HOUR = 3600


def _shared() -> SharedCache:
    return cast(SharedCache, cache)


def _key(account: str, device: str) -> str:
    return "attempts:" + hashlib.sha256(f"{account}|{device}".encode()).hexdigest()


def spend(account: str, *, device: str = "") -> datetime | None:
    """Take one attempt before the password is looked at: None to go on, else when the hour of this budget ends.

    `account` is its id or, where no account is meant, what was typed; `device` is the browser's mark, "" if unknown.
    """
    count, end = _shared().hit(_key(account, device), seconds=HOUR)
    return end if count > settings.LOCKOUT_ACCOUNT_FAILURES else None


def give_back(account: str, *, device: str = "") -> None:
    """The password was right: the attempt was none."""
    try:
        _shared().incr(_key(account, device), -1)
    except ValueError:
        return  # the hour ended meanwhile


def forget(account_id: UUID) -> None:
    """The password is a new one: what was guessed before does not count."""
    _shared().delete(_key(str(account_id), ""))


def sweep(*, now: datetime) -> int:
    """Delete what all rate limits have counted and is over; returns how many counters."""
    return _shared().sweep(now=now)
