"""After repeated failures: whose attempts are counted together, and the pages that say when to retry."""

from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from identity import attempts, queries
from kernel import clock
from web.accounts import devices


def account_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Count by account, however it was typed: login name, mail address or staff number are one person."""
    given = credentials or {}
    typed = str(given.get("username") or given.get("email") or request.POST.get("login") or "")
    school = getattr(request, "school", None)
    account = queries.account_by_login(typed, slug=school.slug if school else None)
    return str(account.pk) if account else typed.strip().lower()[:150]


class SlowBackend:
    """Stands before the check of passwords: an account is not tried without end from browsers it does not know.

    Whether the account exists makes no difference to the answer.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        if request is None:
            return
        account = account_of(request, credentials)
        device = devices.mark_of(request, account)
        until = attempts.spend(account, device=device)
        if until is not None:
            request.axes_locked_out = True  # type: ignore[attr-defined]  # axes' middleware asks `locked_out`
            request.slowed_until = until  # type: ignore[attr-defined]
            raise PermissionDenied
        request.attempt = (account, device)  # type: ignore[attr-defined]


def right_password(request: HttpRequest) -> None:
    """Give the attempt back."""
    account, device = getattr(request, "attempt", ("", ""))
    if account:
        attempts.give_back(account, device=device)


def _slowed(request: HttpRequest, until: datetime) -> HttpResponse:
    context = {"title": "登录已放慢", "again": until, "failures": settings.LOCKOUT_ACCOUNT_FAILURES}
    page = render(request, "accounts/slowed.html", context, status=429)
    page["Retry-After"] = str(max(1, int((until - clock.now()).total_seconds())))
    return page


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """The page for who failed too often: 429, with the time from which it works again."""
    until: datetime | None = getattr(request, "slowed_until", None)
    if until is not None:
        return _slowed(request, until)
    last = (
        AccessAttempt.objects.filter(
            username=account_of(request, credentials), ip_address=request.META.get("REMOTE_ADDR")
        )
        .order_by("-attempt_time")
        .first()
    )
    since: datetime = last.attempt_time if last else clock.now()
    again = since + settings.AXES_COOLOFF_TIME
    page = render(
        request,
        "accounts/locked.html",
        {
            "title": "登录已暂时锁定",
            "again": again,
            "minutes": int(settings.AXES_COOLOFF_TIME.total_seconds() // 60),
            "failures": settings.AXES_FAILURE_LIMIT,
        },
        status=429,
    )
    page["Retry-After"] = str(max(1, int((again - clock.now()).total_seconds())))
    return page
