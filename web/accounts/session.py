"""What a session carries, and what follows from signing in or changing a password."""

from typing import Any

from allauth.account import signals as account_signals
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from identity import operations
from kernel.tenancy import Tenant

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


def connect() -> None:
    """Called once when Django starts."""
    user_logged_in.connect(_bind, dispatch_uid="web.accounts.bind")
    for signal in (
        account_signals.password_changed,
        account_signals.password_reset,
        account_signals.password_set,
    ):
        signal.connect(_own_password, dispatch_uid="web.accounts.own_password")
