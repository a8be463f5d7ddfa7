"""Rules of the house that import contracts cannot say: doors, operations, tables, GraphQL types, menus, links."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.urls import NoReverseMatch, get_resolver, reverse

from tests.isolation.filling import public_models, tenant_models

ROOT = Path(__file__).resolve().parents[2]
FEATURES = ("tenants", "institute", "identity", "standards_library")


def test_a_table_lives_in_public_or_in_schools() -> None:
    shared = {
        m._meta.db_table for a in apps.get_app_configs() if a.name in settings.SHARED_APPS for m in a.get_models()
    }
    assert shared & {m._meta.db_table for m in tenant_models()} == set()


def _names_in(condition: Any) -> set[str]:
    text = str(condition)
    return set(re.findall(r"'(\w+?)(?:__in)?'", text))


def test_choices_are_known_to_the_database() -> None:
    """A column with choices has a check constraint that names it."""
    loose = []
    for model in [*tenant_models(), *public_models()]:
        checked = set()
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.CheckConstraint):
                checked |= _names_in(constraint.condition)
        loose += [
            f"{model._meta.label}.{f.name}" for f in model._meta.concrete_fields if f.choices and f.name not in checked
        ]
    assert loose == []


# --- GraphQL ---

# A notice's path is the address it leads to on the school's host, not one in the file store.
OPEN = {"NoticeType.path"}
SECRET = re.compile(r"(_sealed|_index|_hash|_path|password)$|^(path|hash|token|secret)$")


def _graphql_types() -> Iterator[Any]:
    from graphene_django import DjangoObjectType

    from graphql_api import public_schema, school_schema

    for schema in (public_schema.schema, school_schema.schema):
        for kind in schema.graphql_schema.type_map.values():
            graphene_type = getattr(kind, "graphene_type", None)
            if inspect.isclass(graphene_type) and issubclass(graphene_type, DjangoObjectType):
                yield graphene_type


def test_no_graphql_type_shows_sealed_columns_paths_or_hashes() -> None:
    shown = {
        f"{kind.__name__}.{name}"
        for kind in _graphql_types()
        for name in kind._meta.fields
        if SECRET.search(name) and name in {f.name for f in kind._meta.model._meta.concrete_fields}
    }
    assert shown - OPEN == set()


def test_no_type_takes_all_fields() -> None:
    files = [*(ROOT / "graphql").rglob("*.py"), *(ROOT / "web").rglob("*.py")]
    assert [
        str(p) for p in files if "__all__" in p.read_text() and "fields" in p.read_text().split("__all__")[0][-40:]
    ] == []


# --- Operations ---


def _modules(package: str) -> Iterator[ModuleType]:
    root = importlib.import_module(package)
    yield root
    for found in pkgutil.walk_packages(root.__path__, f"{package}."):
        if ".migrations" not in found.name and ".management" not in found.name:
            yield importlib.import_module(found.name)


OPERATIONS = sorted(
    {
        m.__name__
        for f in FEATURES
        for m in _modules(f)
        if ".operations" in m.__name__ and not m.__name__.endswith(".common")
    }
)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_called_by_name(name: str) -> None:
    """Operations take keyword arguments: a call says what each value is. One leading row or path may stand bare."""
    module = importlib.import_module(name)
    loose = []
    for function in vars(module).values():
        if not inspect.isfunction(function) or function.__module__ != name or function.__name__.startswith("_"):
            continue
        kinds = [p.kind for p in inspect.signature(function).parameters.values()]
        if kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) > 1 and _writes(function):
            loose.append(function.__name__)
    assert loose == []


def _writes(function: Any) -> bool:
    text = inspect.getsource(inspect.unwrap(function))
    return bool(re.search(r"\.(save|create|bulk_create|delete|update|get_or_create|update_or_create)\(", text))


# --- Doors ---


def _imports(path: Path) -> Iterator[str]:
    """Modules imported when the file runs; those for the type checker alone do not count."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_views_touch_no_rows() -> None:
    """Pages call queries and operations: no page builds a query from a model of a feature."""
    found = []
    for path in (ROOT / "web").rglob("*.py"):
        text = path.read_text()
        for module in _imports(path):
            if module.endswith(".models") and module.startswith(FEATURES) and re.search(r"\.objects\b", text):
                found.append(f"{path.relative_to(ROOT)}: {module}")
    assert sorted(set(found) - HOST_ONLY) == []


# The account pages are identity's own door: they hand Django's session an Account row.
HOST_ONLY = {"web/accounts/handover.py: identity.models", "web/accounts/views.py: identity.models"}


# --- Menus and links ---


def _every_name(urlconf: str) -> set[str]:
    from tests.isolation.addresses import addresses

    return {address.name for address in addresses(urlconf)}


def test_menu_entries_lead_somewhere() -> None:
    from web import navigation

    for sections, urlconf in (
        (navigation.SCHOOL, settings.SCHOOL_URLCONF),
        (navigation.INSTITUTE, settings.ROOT_URLCONF),
    ):
        for _title, entries in sections:
            for entry in entries:
                assert reverse(entry.url_name, urlconf=urlconf), entry
    for entry in navigation.PHONE:
        assert reverse(entry.url_name, urlconf=settings.SCHOOL_URLCONF)


URL_TAG = re.compile(r"{%\s*url\s+['\"]([\w:.-]+)['\"]")


def test_links_of_templates_lead_somewhere() -> None:
    known = _every_name(settings.SCHOOL_URLCONF) | _every_name(settings.ROOT_URLCONF)
    dead = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "web").rglob("*.html")
        for name in URL_TAG.findall(path.read_text())
        if name not in known
    ]
    assert dead == []


def test_both_hosts_have_their_error_pages() -> None:
    for urlconf in (settings.ROOT_URLCONF, settings.SCHOOL_URLCONF):
        for status in (400, 403, 404, 500):
            assert get_resolver(urlconf).resolve_error_handler(status).__module__.startswith("web.")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(NoReverseMatch):
        reverse("nothing:here")


def test_the_timeline_can_be_filtered_by_whatever_is_recorded() -> None:
    """Every verb that an operation of a school (or of its members) records begins with a noun of the filter."""
    from tenants.organisation.imports.flow import KINDS
    from tenants.timeline.nouns import NAMES

    said = re.compile(r'verb=f?"([a-z_]+)\.')
    folders = (ROOT / "tenants", ROOT / "platform" / "identity", ROOT / "platform" / "config")
    sources = [p for folder in folders for p in folder.rglob("*.py")]
    nouns = {noun for path in sources for noun in said.findall(path.read_text(encoding="utf-8"))}
    assert nouns | set(KINDS) == set(NAMES)
