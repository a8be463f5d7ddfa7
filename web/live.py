"""Live pages: the server says *that* something changed, the page asks again for its fragment.

One LISTEN connection per process, one small queue per viewer; a viewer costs no database connection and no
query until something changes. What a page shows comes from its ordinary view, so every look is checked
like any other, and a page that cannot stream (WSGI, a proxy that buffers, too many viewers) polls the same
address. In a template:

    <div data-live="{% url 'live' %}?topic=presence" data-live-url="{% url 'attendance:presence_rows' %}" data-live-every="20">

with `{% vite_asset 'frontend/src/live.ts' %}` in `page_assets`; the domain calls `kernel.live.announce`. A feature
names its topics once, in `web/<…>/urls.py` or an AppConfig: `register_topic("presence", policies.can_watch)`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import psycopg
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connection, connections
from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from identity.contracts import Actor
from kernel import clock
from kernel.errors import NotAllowed
from kernel.live import CHANNEL
from web.http import SchoolRequest, signed_in

MOST_VIEWERS = 500  # per process; further ones poll
PING_EVERY = 15.0  # seconds; a page that hears nothing for long says that it is stale
LASTS = 900.0  # seconds, then the browser comes again and is checked again

_topics: dict[str, Callable[[Actor], bool]] = {}


def register_topic(name: str, may_watch: Callable[[Actor], bool]) -> None:
    """Name a topic and who may hear that it changed."""
    _topics[name] = may_watch


class Hub:
    """The process's one LISTEN connection and its viewers, by school."""

    def __init__(self) -> None:
        self.viewers: dict[str, set[asyncio.Queue[str]]] = {}
        self.count = 0
        self._task: asyncio.Task[None] | None = None

    async def _listen(self) -> None:
        parameters = {**connection.get_connection_params(), "autocommit": True}
        for ours in ("cursor_factory", "context", "pool", "prepare_threshold", "server_side_binding", "row_factory"):
            parameters.pop(ours, None)
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**parameters) as listening:
                    await listening.execute(f"LISTEN {CHANNEL}")
                    self._tell_all()  # whatever happened while nobody listened
                    async for note in listening.notifies():
                        said = json.loads(note.payload)
                        self.tell(said["schema"], said["topic"])
            except (psycopg.OperationalError, OSError):
                await asyncio.sleep(2)

    def tell(self, schema: str, topic: str) -> None:
        for queue in self.viewers.get(schema, ()):
            if not queue.full():  # a slow viewer looks again anyway
                queue.put_nowait(topic)

    def _tell_all(self) -> None:
        for schema in self.viewers:
            self.tell(schema, "")

    @asynccontextmanager
    async def join(self, schema: str) -> AsyncIterator[asyncio.Queue[str]]:
        """A queue of topics that changed in a school; "" means: anything may have."""
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self._listen())
        queue: asyncio.Queue[str] = asyncio.Queue(20)
        self.viewers.setdefault(schema, set()).add(queue)
        self.count += 1
        try:
            yield queue
        finally:
            self.count -= 1
            self.viewers[schema].discard(queue)
            if not self.viewers[schema]:
                del self.viewers[schema]


hub = Hub()


def _give_back() -> None:
    """The request's database connection goes back before the stream begins (in a test's transaction it stays)."""
    if not connection.in_atomic_block:
        connections.close_all()


def _event(name: str) -> bytes:
    return f"event: {name}\ndata: {clock.now().isoformat()}\n\n".encode()


async def events(
    schema: str, topics: frozenset[str], *, ping: float = PING_EVERY, lasts: float = LASTS
) -> AsyncIterator[bytes]:
    """The stream of one viewer: `event: <topic>` when it changed, `event: tick` as a sign of life."""
    await sync_to_async(_give_back)()
    yield b"retry: 3000\n\n" + _event("tick")
    ends = asyncio.get_running_loop().time() + lasts
    async with hub.join(schema) as queue:
        while asyncio.get_running_loop().time() < ends:
            try:
                changed = await asyncio.wait_for(queue.get(), ping)
            except TimeoutError:
                yield _event("tick")
                continue
            for topic in topics if changed == "" else topics & {changed}:
                yield _event(topic)


@require_safe
@signed_in
def live(request: SchoolRequest) -> HttpResponse:
    """The stream of `?topic=a&topic=b`. 204 (which an EventSource takes as "do not come again") where it cannot be."""
    topics = frozenset(request.GET.getlist("topic")) & _topics.keys()
    if not topics or not all(_topics[t](request.actor) for t in topics):
        raise NotAllowed
    if not isinstance(request, ASGIRequest) or hub.count >= MOST_VIEWERS:
        return HttpResponse(status=204)
    answer = StreamingHttpResponse(events(request.school.schema, topics), content_type="text/event-stream")
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"
    return cast("HttpResponse", answer)
