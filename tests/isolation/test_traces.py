"""What requests and tasks leave behind: keys of caches, paths of files, lines of log. All are shared by the schools
of one process, so each must say whose it is, and none may carry what is in anybody's rows."""

from __future__ import annotations

import importlib
import io
import json
import logging
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import transaction

from config import logs
from kernel.errors import DomainError
from tests.isolation.addresses import paths_of, public_addresses, school_addresses
from tests.isolation.asking import Ledger, ask, marks_in, texts_of
from tests.isolation.filling import ALPHA, ALPHA_PUBLIC, BETA, BETA_PUBLIC, INSTITUTE, RIVAL, Marks
from tests.isolation.test_tasks import OF_SCHOOLS, TASKS, parameters
from tests.isolation.world import Side, Visitor, World, visitors

EVERYBODY = (ALPHA, ALPHA_PUBLIC, BETA, BETA_PUBLIC, INSTITUTE, RIVAL)
NOT_ALPHAS = (BETA, BETA_PUBLIC, INSTITUTE)
HOSTS: dict[str, Callable[[], list[Any]]] = {"school": school_addresses, "public": public_addresses}
# Keys of a cache that name no school, and why that is right.
SHARED_KEYS = {
    "allauth:": "rate limits of sign-in: per address or account, which is one for all spaces",
}
# What a process remembers beyond a request (functools.cache), and why it is no school's.
REMEMBERED = {
    "config.middleware._heads": "migration files",
    "institute.schools.blueprint.digests": "migration files",
    "institute.schools.blueprint.head": "migration files",
    "kernel.crypto._derive": "keys: the school is part of the purpose they are derived for",
    "kernel.pdf._checked": "fonts",
    "standards_library.search.initials": "how a word is read aloud: a function of the text alone",
    "tenants.calendar.national.days": "statutory days, from a published table",
    "tenants.calendar.solar_terms.days_of": "astronomy",
    "tenants.evidence.looks._bits": "a drawn table: which bits of a word are compared",
    "tenants.face.pack._sha256": "files of a model",
    "tenants.face.texts.versions": "texts of consent, from files",
    "tenants.organisation.pinyin._syllables": "how a name is read aloud: a function of the text alone",
    "workers.demo.people._hashed": "the demo's own password, known to everybody",
}


def visits(world: World, host: str, name: str, *sides: Side, most: int = 1) -> Iterator[tuple[Visitor, Any, str]]:
    """Every address of a host once per side, filled with that side's ids."""
    visitor = next(v for v in visitors(world, host, name) if v.name == name)
    for address in HOSTS[host]():
        for side in sides:
            for path in paths_of(address, side, most=most):
                yield visitor, address, path


# --- Lines of log ---------------------------------------------------------------------------------------


class Lines(logging.Handler):
    """Everything logged, as the product writes it in production."""

    def __init__(self) -> None:
        super().__init__()
        shown = logs.logging_config(as_json=True, level="INFO")["formatters"]["one"]
        self.formatter = shown["()"](**{k: v for k, v in shown.items() if k != "()"})
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def logged() -> Iterator[list[str]]:
    """The product's logging at INFO, into a list; afterwards as quiet as this folder keeps it."""
    root, before, handler = logging.getLogger(), structlog.get_config(), Lines()
    level, off = root.level, root.manager.disable
    logging.disable(logging.NOTSET)
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    logs.configure_structlog()
    structlog.configure(cache_logger_on_first_use=False)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        logging.disable(off)
        structlog.configure(**before)
        structlog.contextvars.clear_contextvars()


def personal(marks: Marks) -> Marks:
    """Only what must stand in no line whoever asks: numbers of people and their addresses."""
    return Marks(marks.phone, marks.phone, marks.phone, marks.id_card, marks.email)


@pytest.mark.parametrize(
    ("host", "name"), [("school", "school_admin"), ("school", "frontline"), ("school", "anonymous"),
                       ("public", "institute_admin")],
)  # fmt: skip
def test_lines_say_whose_they_are_and_hold_nobodys_rows(world: World, undone: None, host: str, name: str) -> None:
    foreign = NOT_ALPHAS if host == "school" else (ALPHA, BETA, RIVAL)
    ledger, of_school, told = Ledger(), "alpha" if host == "school" else "public", 0
    with logged() as lines:
        for visitor, address, path in visits(world, host, name, world.alpha, world.beta):
            start = len(lines)
            ask(visitor, ledger, address.label, "get", path)
            for line in lines[start:]:
                record, told = json.loads(line), told + 1
                where = f"{address.label}: {line[:400]}"
                said = line.replace(path.rstrip("?"), "")  # what the visitor typed into the address bar is theirs
                assert not marks_in([said], [*foreign, *map(personal, EVERYBODY)]), where
                if "request_id" in record:
                    assert record.get("school", of_school) == of_school, where
                if record.get("event") == "request_finished":
                    assert record["school"] == of_school and record["request_id"], where
    assert told > 50, "the control: every request leaves lines"


def test_lines_of_tasks_say_their_school(world: World, undone: None) -> None:
    log = structlog.get_logger("tests.traces")
    with logged() as lines:
        for name in OF_SCHOOLS:
            try:
                with transaction.atomic():
                    TASKS[name](schema="s_alpha", **parameters(TASKS[name], world))
            except DomainError:
                pass
            assert "school" not in structlog.contextvars.get_contextvars(), f"{name} leaves its school behind"
        log.info("outside")
    assert "school" not in json.loads(lines[-1])
    for line in lines:
        assert not marks_in([line], [*NOT_ALPHAS, *map(personal, EVERYBODY)]), line[:400]


def test_a_failure_tells_the_school_and_no_row(world: World, undone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An accident in a view: the line has stack, school and request, and what was personal in the message is masked."""

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"no such phone {ALPHA.phone}, card {ALPHA.id_card}, mail {ALPHA.email}")

    monkeypatch.setattr("tenants.organisation.queries.staff", broken)
    visitor = next(v for v in visitors(world, "school", "school_admin") if v.name == "school_admin")
    with logged() as lines:
        answer = visitor.client.get("/organisation/staff/", headers=visitor.headers)
    assert answer.status_code == 500
    assert not marks_in(texts_of(answer.content, ""), map(personal, EVERYBODY))
    failed = [json.loads(line) for line in lines if "no such phone" in line]
    assert failed and all(record.get("school") == "alpha" for record in failed if "request_id" in record)
    assert not marks_in(lines, map(personal, EVERYBODY))


# --- Files ----------------------------------------------------------------------------------------------


@contextmanager
def files_touched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """(what was done, path) of every call to the file store."""
    seen: list[tuple[str, str]] = []

    def watching(verb: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        def watched(self: Any, name: Any, *more: Any, **named: Any) -> Any:
            if str(self.location) == str(settings.MEDIA_ROOT):  # not the finders of static files
                seen.append((verb, str(name)))
            return plain(self, name, *more, **named)

        return watched

    with monkeypatch.context() as patch:
        for verb in ("_open", "_save", "delete", "exists", "size", "listdir"):
            patch.setattr(FileSystemStorage, verb, watching(verb, getattr(FileSystemStorage, verb)))
        yield seen


def outside(touched: list[tuple[str, str]], own: str) -> list[tuple[str, str]]:
    return [(verb, path) for verb, path in touched if not path.startswith(f"{own}/")]


@pytest.mark.parametrize(("host", "name", "own"), [("school", "school_admin", "s_alpha"),
                                                   ("school", "provider_manager", "s_alpha"),
                                                   ("public", "institute_admin", "public")])  # fmt: skip
def test_pages_touch_files_of_their_own_space_only(
    world: World, undone: None, monkeypatch: pytest.MonkeyPatch, host: str, name: str, own: str
) -> None:
    ledger = Ledger()
    with files_touched(monkeypatch) as touched:
        for visitor, address, path in visits(world, host, name, world.alpha, world.beta, most=2):
            ask(visitor, ledger, address.label, "get", path)
    assert outside(touched, own) == []
    if name == "school_admin":
        assert touched, "the control: photos and results were opened"


def test_tasks_touch_files_of_their_own_school_only(
    world: World, undone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with files_touched(monkeypatch) as touched:
        for name in OF_SCHOOLS:
            for side in (world.alpha, world.beta):
                try:
                    with transaction.atomic():
                        TASKS[name](schema="s_alpha", **parameters(TASKS[name], world, side))
                except DomainError:
                    pass
    assert outside(touched, "s_alpha") == []


def test_a_row_that_points_into_the_other_school_opens_nothing(world: World, undone: None) -> None:
    """Paths are written by us alone; should one ever be wrong, the file is not served all the same."""
    from kernel.tenancy import school_context
    from tenants.evidence.models import Evidence
    from tenants.jobs.models import Job

    visitor = next(v for v in visitors(world, "school", "school_admin") if v.name == "school_admin")
    secret = default_storage.save("s_beta/evidence/aa/stray.jpg", io.BytesIO(BETA.long.encode()))
    with school_context(world.alpha.tenant):
        photo = Evidence.objects.get(pk=world.alpha.own.of("evidence.Evidence").pk)
        Evidence.objects.filter(pk=photo.pk).update(path=secret, thumb_path=secret)
        Job.objects.filter(pk=world.alpha.own.of("jobs.Job").pk).update(output_path=secret, input_path=secret)
    try:
        for address in school_addresses():
            if address.feature in {"evidence", "jobs"}:
                for path in paths_of(address, world.alpha):
                    answer = visitor.client.get(path, headers=visitor.headers)
                    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
                    assert not marks_in(texts_of(body, ""), (BETA,)), path
        served = visitor.client.get(f"/files/{photo.pk}/", headers=visitor.headers)
        assert served.status_code == 404
    finally:
        default_storage.delete(secret)


def test_paths_in_rows_begin_with_their_school(world: World) -> None:
    wrong = []
    for side in (world.alpha, world.beta):
        for model, row in side.own.rows.items():
            for column in model._meta.concrete_fields:
                value = getattr(row, column.attname)
                if not column.attname.endswith("path") or not value or model._meta.label == "organisation.Place":
                    continue
                if not str(value).startswith((f"{side.tenant.schema}/", "/")):
                    wrong.append(f"{model._meta.label}.{column.attname}: {value}")
    assert wrong == []


# --- Caches ---------------------------------------------------------------------------------------------


@dataclass
class Cached:
    """Keys that were asked for or written, and what was written."""

    keys: set[str] = field(default_factory=set)
    values: list[Any] = field(default_factory=list)


@contextmanager
def caches_used(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cached]:
    seen = Cached()

    def watching(plain: Callable[..., Any], writes: bool) -> Callable[..., Any]:
        def watched(self: Any, key: Any, *more: Any, **named: Any) -> Any:
            seen.keys.add(str(key))
            if writes and more:
                seen.values.append(more[0])
            return plain(self, key, *more, **named)

        return watched

    with monkeypatch.context() as patch:
        for verb in ("get", "has_key", "touch", "delete", "incr", "set", "add"):
            patch.setattr(LocMemCache, verb, watching(getattr(LocMemCache, verb), verb in {"set", "add"}))
        yield seen


def test_keys_of_caches_say_whose_they_are(world: World, undone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both schools ask every page in one process: a key names its school, or is of a kind that is known to be shared."""
    ledger = Ledger()
    for name in ("school_admin", "anonymous"):
        with caches_used(monkeypatch) as seen:
            for visitor, address, path in visits(world, "school", name, world.alpha, world.beta):
                ask(visitor, ledger, address.label, "get", path)
                if not address.arguments and "accounts" in address.route:
                    ask(visitor, ledger, address.label, "post", path, data={"login": "x", "password": "y"})
        own = (world.alpha.tenant.schema, str(world.alpha.tenant.school_id))
        loose = [k for k in seen.keys if not any(o in k for o in own) and not k.startswith(tuple(SHARED_KEYS))]
        assert loose == [], "put the school into the key, or say in SHARED_KEYS why it is nobody's"
        assert not any(str(world.beta.tenant.school_id) in k or "s_beta" in k for k in seen.keys)
        told = [pickle.dumps(v).decode("latin1") + str(v) for v in seen.values]
        assert not marks_in(told, EVERYBODY)


def test_what_a_process_remembers_is_known() -> None:
    """`functools.cache` outlives the request and knows no school: each use stands in REMEMBERED with its reason."""
    found = set()
    for package in ("kernel", "identity", "institute", "config", "standards_library", "tenants", "web", "graphql_api",
                    "workers"):  # fmt: skip
        root = importlib.import_module(package)
        for info in pkgutil.walk_packages(root.__path__, f"{package}."):
            if ".migrations" in info.name or info.name in {"config.up", "config.asgi", "config.cli"}:
                continue
            module = importlib.import_module(info.name)
            found |= {
                f"{info.name}.{name}" for name, thing in vars(module).items()
                if hasattr(thing, "cache_info") and getattr(thing, "__module__", "") == info.name
            }  # fmt: skip
    assert found - set(REMEMBERED) == set(), "say in REMEMBERED what it keeps and why that is no school's"
