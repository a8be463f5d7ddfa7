"""Browsers in which somebody signed in before: a signed cookie that opens nothing by itself.

It only says whose budget of wrong passwords counts (`identity.attempts`). It names the accounts that signed in here
and bears a random mark, so that a stolen one has a budget of its own and no more.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "device"
SALT = "identity.device"
DAYS = 180
MOST_ACCOUNTS = 20  # of a computer in a duty room


def _read(request: HttpRequest) -> dict[str, Any]:
    try:
        found: dict[str, Any] = signing.loads(request.COOKIES[COOKIE], salt=SALT, max_age=DAYS * 86_400)
    except (KeyError, signing.BadSignature):
        return {}
    return found


def mark_of(request: HttpRequest, account: str) -> str:
    """The mark of a browser that knows this account; "" for any other browser."""
    known = _read(request)
    return str(known["mark"]) if account in known.get("accounts", ()) else ""


def remember_account(request: HttpRequest, account: str) -> None:
    """From this answer on, the browser is known to the account."""
    request.remember_account = account  # type: ignore[attr-defined]


class DeviceMiddleware:
    """Give the cookie to the browser in which somebody has just signed in or chosen a new password by mail."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        account = getattr(request, "remember_account", "")
        if account:
            known = _read(request)
            others = [a for a in known.get("accounts", ()) if a != account]
            content = {
                "mark": known.get("mark") or secrets.token_urlsafe(12),
                "accounts": [account, *others][:MOST_ACCOUNTS],
            }
            response.set_cookie(
                COOKIE, signing.dumps(content, salt=SALT), max_age=DAYS * 86_400, path="/accounts/", httponly=True,
                secure=settings.SESSION_COOKIE_SECURE, samesite="Lax",
            )  # fmt: skip
        return response
