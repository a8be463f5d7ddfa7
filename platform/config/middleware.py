"""The edge: host → school (session or token → actor: config/acting.py). Everything behind reads `request.school`."""

import time
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from psycopg_pool import PoolTimeout

from institute.schools import queries as schools
from institute.schools.choices import SchoolStatus
from institute.schools.queries import HostAnswer
from kernel.errors import NotAllowed, NotFound, refusal_of
from kernel.tenancy import public_context, school_context
from kernel.text import storable

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
        request.school = None  # type: ignore[attr-defined]
        try:
            host = request.get_host().rsplit(":", 1)[0].lower()
        except DisallowedHost:  # not even under our own suffix
            said, request.META["HTTP_HOST"] = request.headers.get("Host", ""), settings.PUBLIC_HOSTS[0]
            return _no_school(request, said)
        if host in settings.PUBLIC_HOSTS:
            with public_context():
                return self.get_response(request)
        answer = self._answer(host)
        if answer is None:
            return _no_school(request, host)
        if answer.status != SchoolStatus.READY:
            return _closed(request, answer)
        request.school = answer.tenant  # type: ignore[attr-defined]
        request.urlconf = settings.SCHOOL_URLCONF  # type: ignore[attr-defined]
        with school_context(answer.tenant):
            return self.get_response(request)


def _no_school(request: HttpRequest, host: str) -> HttpResponse:
    with public_context():
        context = {"host": host[:100], "public_url": settings.PUBLIC_URL}
        return render(request, "errors/404_host.html", context, status=404)


CLOSED = {
    SchoolStatus.FAILED: ("空间还没有建成", "建立学校空间时遇到问题，研究院正在处理，已提交的资料不会丢失。"),
    SchoolStatus.SUSPENDED: ("已暂停使用", "空间目前处于暂停状态，数据完整保留，暂时不能登录和提交。"),
    SchoolStatus.ARCHIVED: ("已归档", "学校已结束使用，空间不再开放，数据按约定保存。"),
}
OPENING = ("正在开通", "学校的空间正在建立，通常几分钟内完成，请稍后刷新本页；建好后首位管理员会收到邀请邮件。")


def _closed(request: HttpRequest, answer: HostAnswer) -> HttpResponse:
    """A page that says why the school's doors are shut, in the words of whoever shut them."""
    heading, sentence = CLOSED.get(answer.status, OPENING)
    context = {
        "school_name": answer.tenant.name, "heading": heading, "sentence": sentence,
        "reason": answer.note if answer.status == SchoolStatus.SUSPENDED else "", "public_url": settings.PUBLIC_URL,
        "opening": answer.status not in CLOSED,
    }  # fmt: skip
    with public_context():
        return render(request, "errors/suspended.html", context, status=403)


class ReadableMiddleware:
    """Refuse forms and addresses with characters that no text can hold (kernel.text.storable), before any view.

    Runs after the CSRF check, which has read the form already; views without that check read their own bodies.
    """

    SENTENCE = "提交的内容里有无法保存的控制字符，请删去（例如重新手工输入）后再提交。"

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Handler, args: object, kwargs: object) -> HttpResponse | None:
        said = [request.GET.lists()]
        if request.method == "POST" and not getattr(view, "csrf_exempt", False):
            said.append(request.POST.lists())
        if all(storable(key) and storable(values) for lists in said for key, values in lists):
            return None
        return render(request, "errors/422.html", {"sentence": self.SENTENCE}, status=422)


class RefusalMiddleware:
    """A refusal that a view did not turn into a form error becomes a page: 403, 404, or 422 with the sentence."""

    STATUS = {NotAllowed: (403, "errors/403.html"), NotFound: (404, "errors/404.html")}

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        refused = refusal_of(exception)
        if refused is None:
            return None
        status, template = self.STATUS.get(type(refused), (422, "errors/422.html"))
        return render(request, template, {"refused": refused, "sentence": refused.sentence}, status=status)
