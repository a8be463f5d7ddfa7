"""What a session carries, and what follows from signing in or changing a password."""

from typing import Any

from allauth.account import signals as account_signals
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from identity import attempts, operations
from kernel.tenancy import Tenant
from web.accounts import devices

SPACE = "space"  # session key: the only space this session is good for


def space_of(request: HttpRequest) -> str:
    """Where a session holds: one school, or the public host."""
    school: Tenant | None = getattr(request, "school", None)
    return str(school.school_id) if school else "public"


def _bind(request: HttpRequest | None, **_: Any) -> None:
    """A session belongs to the space it was made in."""
    if request is not None and hasattr(request, "school"):
        request.session[SPACE] = space_of(request)


def _own_password(user: Any, **_: Any) -> None:
    operations.password_changed(account_id=user.pk)


def _known_here(request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Whoever signed in with all their factors, or followed the mail to a new password, is known in this browser."""
    if request is not None:
        devices.remember_account(request, str(user.pk))


def _guesses_over(user: Any, **_: Any) -> None:
    attempts.forget(user.pk)


def connect() -> None:
    """Called once when Django starts."""
    user_logged_in.connect(_bind, dispatch_uid="web.accounts.bind")
    user_logged_in.connect(_known_here, dispatch_uid="web.accounts.known_here")
    account_signals.password_reset.connect(_known_here, dispatch_uid="web.accounts.known_here")
    account_signals.password_reset.connect(_guesses_over, dispatch_uid="web.accounts.guesses_over")
    for signal in (
        account_signals.password_changed,
        account_signals.password_reset,
        account_signals.password_set,
    ):
        signal.connect(_own_password, dispatch_uid="web.accounts.own_password")
