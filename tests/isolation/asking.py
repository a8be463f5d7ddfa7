"""Sending one request and reading everything that came back: head, body, and what lies packed inside."""

from __future__ import annotations

import io
import json
import re
import traceback
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from django.core.signals import got_request_exception
from django.db import DatabaseError, transaction

from tests.isolation.filling import Marks
from tests.isolation.world import Visitor

UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def texts_of(body: bytes, kind: str) -> Iterator[str]:
    """All text in an answer: JSON unescaped, office files and archives unpacked, PDF read."""
    text = body.decode("utf-8", "replace")
    yield text
    if "json" in kind:
        with suppress(ValueError):
            yield json.dumps(json.loads(text), ensure_ascii=False)
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                inner = archive.read(name)
                yield name
                yield from texts_of(inner, "")
    if body[:4] == b"%PDF":
        from pypdf import PdfReader

        yield "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)
    if "\\u" in text:
        yield re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found.group(1), 16)), text)


def marks_in(texts: Iterable[str], marks: Iterable[Marks]) -> set[str]:
    words = [word for mark in marks for word in mark.words]
    return {word for text in texts for word in words if word in text}


@dataclass
class Ledger:
    """What went wrong and what was seen, over many requests."""

    problems: list[str] = field(default_factory=list)
    own_words: set[str] = field(default_factory=set)  # where an answer held the asker's own marks: the control
    answered: dict[str, set[int]] = field(default_factory=dict)

    def complain(self, what: str) -> None:
        if what not in self.problems and len(self.problems) < 60:
            self.problems.append(what)

    def __str__(self) -> str:
        return "\n".join(self.problems)


@contextmanager
def noticing() -> Iterator[list[str]]:
    """Collect what views raise, for the message of a failure."""
    raised: list[str] = []

    def note(**_kwargs: Any) -> None:
        lines = traceback.format_exc().strip().splitlines()
        ours = [line.strip() for line in lines if line.lstrip().startswith("File") and "site-packages" not in line]
        raised.append(f"{lines[-1]} @ {ours[-1] if ours else ''}")

    got_request_exception.connect(note)
    try:
        yield raised
    finally:
        got_request_exception.disconnect(note)


def ask(
    visitor: Visitor,
    ledger: Ledger,
    label: str,
    method: str,
    path: str,
    *,
    data: Any = None,
    own: Iterable[Marks] = (),
    foreign_ids: frozenset[str] = frozenset(),
    **extra: Any,
) -> Any:
    """Send one request as `visitor`; note a server error and anything in the answer that is not theirs.

    Foreign ids may come back only where the request itself named them.
    """
    sent = f"{path} {data}"
    answer = None
    with noticing() as raised:
        try:
            with transaction.atomic():
                answer = getattr(visitor.client, method)(path, data, headers=visitor.headers, **extra)
                body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        except DatabaseError as broken:
            raised.append(f"the transaction was left broken: {broken}")
    told = f"{visitor.name} @ {visitor.host}: {method.upper()} {label}"
    if answer is None:
        ledger.complain(f"{told}: {'; '.join(raised)}")
        return None
    ledger.answered.setdefault(label, set()).add(answer.status_code)
    if answer.status_code >= 500 or raised:
        ledger.complain(f"{told}: {answer.status_code} {'; '.join(raised)}")
    head = unquote("\n".join(f"{k}: {v}" for k, v in answer.items())) + str(answer.cookies)
    texts = [head, *texts_of(body, answer.headers.get("Content-Type", ""))]
    for word in sorted(marks_in(texts, visitor.forbidden)):
        at = next(text.find(word) for text in texts if word in text)
        text = next(text for text in texts if word in text)
        ledger.complain(f"{told}: LEAK {word!r}: …{text[max(0, at - 80) : at + 40]!r}")
    for text in texts:
        for found in set(UUID_TEXT.findall(text)) & foreign_ids:
            if found not in sent:
                ledger.complain(f"{told}: foreign id {found}")
    if marks_in(texts, own):
        ledger.own_words.add(label)
    return answer
