"""The edge: host → school (session or token → actor: config/acting.py). Everything behind reads `request.school`."""

import time
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from psycopg_pool import PoolTimeout

from institute.schools import queries as schools
from institute.schools.choices import SchoolStatus
from institute.schools.queries import HostAnswer
from kernel.errors import DomainError, NotAllowed, NotFound
from kernel.tenancy import public_context, school_context

Handler = Callable[[HttpRequest], HttpResponse]


def health(get_response: Handler) -> Handler:
    """Answer the probes before any host or session work.

    `/healthz`: this process answers. `/readyz`: the database answers too, and holds every migration
    of the running release (a process that is ahead of its tables must not get requests).
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return HttpResponse("ok", content_type="text/plain")
        if request.path == "/readyz":
            sentence = not_ready()
            return HttpResponse(sentence or "ready", status=503 if sentence else 200, content_type="text/plain")
        return get_response(request)

    return middleware


def not_ready() -> str:
    """Why this process must not get requests, or "" when it may."""
    try:
        with public_context(), connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM public.django_migrations")
            applied = set(cursor.fetchall())
    except (DatabaseError, OSError, PoolTimeout):
        return "database unreachable"
    return "migrations pending" if _heads() - applied else ""


@cache
def _heads() -> frozenset[tuple[str, str]]:
    """The last migration of every app, read from the files once."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


class HostMiddleware:
    """Find the school of the host and work inside its schema for the length of the request.

    Unknown host: a 404 page that says so. A school that is not open: a page that says so.
    Answers are kept for a few seconds per process; suspending a school takes hold within that time.
    """

    TTL = 2.0  # seconds

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self._known: dict[str, tuple[float, HostAnswer | None]] = {}

    def _answer(self, host: str) -> HostAnswer | None:
        known = self._known.get(host)
        if known and known[0] > time.monotonic():
            return known[1]
        if len(self._known) > 5000:
            self._known.clear()
        with public_context():
            answer = schools.school_of_host(host)
        self._known[host] = (time.monotonic() + self.TTL, answer)
        return answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.get_host().rsplit(":", 1)[0].lower()
        request.school = None  # type: ignore[attr-defined]
        if host in settings.PUBLIC_HOSTS:
            with public_context():
                return self.get_response(request)
        answer = self._answer(host)
        if answer is None:
            with public_context():
                return render(request, "errors/404_host.html", {"host": host}, status=404)
        if answer.status != SchoolStatus.READY:
            with public_context():
                return render(
                    request, "errors/suspended.html", {"school": answer.tenant, "status": answer.status}, status=403
                )
        request.school = answer.tenant  # type: ignore[attr-defined]
        request.urlconf = settings.SCHOOL_URLCONF  # type: ignore[attr-defined]
        with school_context(answer.tenant):
            return self.get_response(request)


class RefusalMiddleware:
    """A refusal that a view did not turn into a form error becomes a page: 403, 404, or 422 with the sentence."""

    STATUS = {NotAllowed: (403, "errors/403.html"), NotFound: (404, "errors/404.html")}

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DomainError):
            return None
        status, template = self.STATUS.get(type(exception), (422, "errors/422.html"))
        return render(request, template, {"refused": exception, "sentence": exception.sentence}, status=status)
