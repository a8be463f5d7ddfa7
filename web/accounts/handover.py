"""Moving between hosts: three short redirects, no second password (identity/operations/handover.py says why).

target /accounts/enter/ → source /accounts/handover/ → target /accounts/arrive/
"""

import re
from urllib.parse import urlencode

from allauth.account.internal.flows import login as flows
from allauth.account.models import Login
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from identity import operations, secrets
from identity.models import Account
from identity.operations import TicketRefused
from identity.operations.handover import safe_path
from kernel import clock
from web.accounts.spaces import address, host_of, is_our_host, public_host
from web.http import PublicRequest

COOKIE = "handover"
COOKIE_AGE = 120  # seconds
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_STATE = re.compile(r"[0-9a-f]{64}")


def _sign_in_page(request: HttpRequest, host: str, next_path: str) -> str:
    return address(request, host, f"{reverse('account_login')}?{urlencode({'next': next_path})}")


@require_GET
@never_cache
def enter(request: PublicRequest) -> HttpResponse:
    """On the host to be entered: mark this browser, and ask the host where the person is signed in."""
    next_path = safe_path(request.GET.get("next", "/"))
    if request.actor.signed_in:
        return HttpResponseRedirect(next_path)
    source = request.GET.get("from", "").lower() or public_host(request)
    if source == host_of(request) or not is_our_host(source):
        return HttpResponseRedirect(_sign_in_page(request, host_of(request), next_path))
    nonce = secrets.new_secret()
    query = urlencode({"to": host_of(request), "state": secrets.digest(nonce), "next": next_path})
    answer = HttpResponseRedirect(address(request, source, f"{reverse('account_handover')}?{query}"))
    answer.set_cookie(
        COOKIE,
        nonce,
        max_age=COOKIE_AGE,
        path="/accounts/",
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return answer


@require_GET
@never_cache
def handover(request: PublicRequest) -> HttpResponse:
    """On the host where the person is signed in: issue a ticket for one of our hosts and this browser."""
    target, state = request.GET.get("to", "").lower(), request.GET.get("state", "")
    next_path = safe_path(request.GET.get("next", "/"))
    if target == host_of(request) or not is_our_host(target) or not _STATE.fullmatch(state):
        raise TicketRefused
    if request.actor.account_id is None:
        return HttpResponseRedirect(_sign_in_page(request, target, next_path))
    ticket = operations.issue_ticket(
        account_id=request.actor.account_id,
        target_host=target,
        browser_hash=state,
        next_path=next_path,
        methods=[
            record
            for record in flows.get_authentication_records(request, request.user)
            if not record.get("reauthenticated")  # "just proved it again" counts where it was proved
        ],
        now=clock.now(),
    )
    answer = HttpResponseRedirect(
        address(request, target, f"{reverse('account_arrive')}?{urlencode({'ticket': ticket})}")
    )
    answer["Referrer-Policy"] = "same-origin"
    return answer


@require_GET
@never_cache
def arrive(request: PublicRequest) -> HttpResponse:
    """Back on the target: redeem the ticket and start a fresh session there; whoever was signed in is out."""
    try:
        arrival = operations.redeem_ticket(
            ticket=request.GET.get("ticket", ""),
            host=host_of(request),
            nonce=request.COOKIES.get(COOKIE, ""),
            now=clock.now(),
        )
    except TicketRefused as refused:
        answer = render(
            request,
            "accounts/refused.html",
            {"title": "没能进入", "refused": refused.sentence, "login": reverse("account_login")},
            status=422,
        )
        answer.delete_cookie(COOKIE, path="/accounts/")
        return answer
    account = Account.objects.get(pk=arrival.account_id)
    proved_twice = any(record.get("method") == "mfa" for record in arrival.methods)
    if is_mfa_enabled(account) and not proved_twice:
        # The second factor was switched on after the other session began: it is asked for here.
        answer = flows.perform_login(request, Login(user=account, redirect_url=arrival.next_path))
    else:
        login(request, account, backend=BACKEND)
        request.session[flows.AUTHENTICATION_METHODS_SESSION_KEY] = list(arrival.methods)
        request.session[flows._AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(account.pk)
        answer = HttpResponseRedirect(arrival.next_path)
    answer.delete_cookie(COOKIE, path="/accounts/")
    return answer
