"""What every view is handed: Django's request plus what the edge found out."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
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
PLAIN = {"ensure_ascii": False}
OTHERS = "这一条是别的帐号留下的，换回那个帐号登录后自动上传。"


def _of_another(request: PublicRequest) -> bool:
    """Whether a page of one account sends to the session of another: two people of one phone, two tabs."""
    said = request.headers.get("X-Account", "")
    return said != "" and said != str(request.actor.account_id)


def signed_in(view: View) -> View:
    """Send visitors to the sign-in page; people signed in without a role here get the 403 page (NotAllowed).

    What a phone kept for one account (`X-Account`, sent by the outbox) is not taken as another's: it waits for its own.
    """

    @wraps(view)
    def guarded(request: PublicRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.actor.signed_in:
            return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}")
        if _of_another(request):  # 401: the outbox keeps it and tries again
            return JsonResponse({"code": "other_account", "detail": OTHERS}, status=401, json_dumps_params=PLAIN)
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
