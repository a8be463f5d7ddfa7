"""What every view is handed: Django's request plus what the edge found out."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django_htmx.middleware import HtmxDetails

from identity.contracts import Actor
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant


class PublicRequest(HttpRequest):
    """A request to the public host."""

    actor: Actor
    htmx: HtmxDetails


class SchoolRequest(PublicRequest):
    """A request to a school's host."""

    school: Tenant


View = Callable[..., HttpResponse]


def signed_in(view: View) -> View:
    """Send visitors to the sign-in page; people signed in without a role here get the 403 page (NotAllowed)."""

    @wraps(view)
    def guarded(request: PublicRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.actor.signed_in:
            return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}")
        if not request.actor.roles:
            raise NotAllowed
        return view(request, *args, **kwargs)

    return guarded


def with_account(view: View) -> View:
    """Send visitors to the sign-in page; unlike `signed_in`, a role in this space is not needed."""

    @wraps(view)
    def guarded(request: PublicRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.actor.signed_in:
            return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}")
        return view(request, *args, **kwargs)

    return guarded
