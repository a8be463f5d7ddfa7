"""Session or token → actor; what a guest of the school may not do, and what is noted of what they read."""

import json
from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    RawPostDataException,
)
from django.shortcuts import render
from django.urls import reverse

from config.middleware import Handler
from identity import operations
from identity import queries as identity
from identity.choices import GrantScope
from identity.contracts import Actor
from identity.models import AccessGrant, Account
from identity.operations import ReadOnlyUnderGrant, TokenRefused
from kernel import clock
from kernel.tenancy import Tenant
from tenants.timeline import operations as timeline
from web.accounts.session import SPACE, space_of
from web.shared.pages import is_htmx

API = ("/graphql/", "/files/")  # where a token is good: the API, and the bytes its ids stand for
DEVICES = "/api/punches/"  # where a device shows its own token, judged by the view; nobody is signed in there
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# What a person may do whatever their role here: sign out, look after their own account.
OWN_PAGES = "/accounts/"
# Pages that stay open while an initial password waits to be changed.
BEFORE_PASSWORD = frozenset({"account_change_password", "account_logout", "account_reauthenticate", "graphql"})


SHOWN_EMPTY = ("/", "/graphql/")  # the start page has something for everybody; GraphQL answers field by field


def _outside_the_grant(request: HttpRequest, actor: Actor) -> bool:
    return bool(actor.grant_missed) and not actor.grant_reads and request.path not in SHOWN_EMPTY


def _not_granted(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A page that would look as if the school had nothing says instead that it was not opened to the institute."""
    labels = "、".join(str(GrantScope(scope).label) for scope in sorted(actor.grant_missed))
    sentence = f"学校的授权不包括“{labels}”，因此这里不显示内容。需要查看时，请联系学校管理员在“授权”中增加这一项。"
    return render(request, "errors/403.html", {"sentence": sentence}, status=HTTPStatus.FORBIDDEN)


class ActorMiddleware:
    """Say who acts in this space, and hold guests under a grant to reading.

    - A session is good for the space it was made in: a cookie carried to another host is nobody there.
    - `Authorization: Bearer cielm_…` is good for the API only, in the token's own space; CSRF does not
      apply, for a browser never sends it by itself.
    - Institute staff under a grant: unsafe methods are refused, every answered read goes on the
      school's timeline, once per request, before the answer leaves.
    - An initial password must be changed before anything else.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        school: Tenant | None = request.school  # type: ignore[attr-defined]
        school_id = school.school_id if school else None
        request.actor = Actor.anonymous()  # type: ignore[attr-defined]
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if request.path.startswith(DEVICES):
            pass
        elif scheme.lower() == "bearer":
            refused = self._by_token(request, secret.strip())
            if refused is not None:
                return refused
        elif request.user.is_authenticated:
            bound = request.session.setdefault(SPACE, space_of(request))
            if bound != space_of(request):
                request.user = AnonymousUser()
            else:
                today = clock.now().astimezone(clock.SHANGHAI).date()
                request.actor = identity.actor_for(request.user, school_id=school_id, today=today)  # type: ignore[attr-defined]
        response = self.get_response(request)
        actor: Actor = request.actor  # type: ignore[attr-defined]
        if school is not None and actor.grant_id is not None:
            answered = response.status_code < HTTPStatus.BAD_REQUEST
            if (answered or response.status_code == HTTPStatus.FORBIDDEN) and _outside_the_grant(request, actor):
                return _not_granted(request, actor)
            if answered:
                self._note_read(request, school, actor)
        return response

    def _by_token(self, request: HttpRequest, secret: str) -> HttpResponse | None:
        school: Tenant | None = request.school  # type: ignore[attr-defined]
        found = (
            identity.actor_of_token(secret, school_id=school.school_id if school else None, now=clock.now())
            if request.path.startswith(API)
            else None
        )
        if found is None:
            refused = TokenRefused()
            answer = JsonResponse(
                {"errors": [{"message": refused.sentence, "extensions": {"code": refused.code.upper()}}]},
                status=401,
                json_dumps_params={"ensure_ascii": False},
            )
            answer["WWW-Authenticate"] = 'Bearer error="invalid_token"'
            return answer
        account, token, actor = found
        operations.mark_used(token_id=token.pk, now=clock.now())
        request.user = cast("Any", account)
        request.actor = actor  # type: ignore[attr-defined]
        return None

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        if not actor.signed_in:
            return None
        matched = request.resolver_match.url_name if request.resolver_match else ""
        if (
            isinstance(request.user, Account)
            and request.user.initial_password
            and matched not in BEFORE_PASSWORD
            and not request.path.startswith(settings.STATIC_URL)
        ):
            where = reverse("account_change_password")
            return HttpResponse(headers={"HX-Redirect": where}) if is_htmx(request) else HttpResponseRedirect(where)
        if (
            actor.grant_id is not None
            and request.method not in SAFE
            and not request.path.startswith((OWN_PAGES, "/graphql/"))
        ):
            refused = ReadOnlyUnderGrant()
            return render(request, "errors/403.html", {"refused": refused, "sentence": refused.sentence}, status=403)
        return None

    def _note_read(self, request: HttpRequest, school: Tenant, actor: Actor) -> None:
        matched = request.resolver_match
        if matched is None or request.path.startswith((OWN_PAGES, settings.STATIC_URL)):
            return
        asked = _fields_asked(request) if request.path.startswith("/graphql/") else []
        labels = "、".join(str(GrantScope(scope).label) for scope in sorted(actor.grant_reads))
        what = f"：{labels}" if labels else "页面"
        with transaction.atomic():
            timeline.record(
                verb="grant.read",
                sentence=f"研究院 {actor.name} 依据授权查看了本校{what}",
                subject=AccessGrant(pk=actor.grant_id),
                by=actor,
                path=request.get_full_path()[:500],
                view=matched.view_name,
                scopes=sorted(actor.grant_reads),
                fields=asked,
            )


def _fields_asked(request: HttpRequest) -> list[str]:
    """The top fields of a GraphQL query, for the record; an unreadable query asked for nothing."""
    from graphql import (
        FieldNode,
        FragmentDefinitionNode,
        FragmentSpreadNode,
        GraphQLError,
        InlineFragmentNode,
        OperationDefinitionNode,
        parse,
    )

    try:
        text = request.GET.get("query") or json.loads(request.body)["query"]
        document = parse(text)
    except (GraphQLError, RawPostDataException, ValueError, KeyError, TypeError):
        return []
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    waiting = [d.selection_set for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    found: set[str] = set()
    while waiting:  # fragments are taken out of the mapping, so a circle ends
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                found.add(node.name.value)
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
                waiting.append(fragments.pop(node.name.value).selection_set)
    return sorted(found)[:50]
