"""After repeated failures: whose attempts are counted together, and the page that says when to retry."""

from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from identity import queries
from kernel import clock


def account_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Count by account, however it was typed: login name, mail address or staff number are one person."""
    given = credentials or {}
    typed = str(given.get("username") or given.get("email") or request.POST.get("login") or "")
    school = getattr(request, "school", None)
    account = queries.account_by_login(typed, slug=school.slug if school else None)
    return str(account.pk) if account else typed.strip().lower()[:150]


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """The page for who failed too often: 429, with the time from which it works again."""
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
