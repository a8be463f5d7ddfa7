"""What integrators build on, as files, so that every change of it is seen in review: SDL of both hosts, codes of refusals."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from graphql import print_schema

from kernel.errors import DomainError

HERE = Path(__file__).parent
CODES = HERE.parents[1] / "docs" / "graphql-codes.md"
FEATURES = ("kernel", "identity", "institute", "standards_library", "tenants")
DETAIL = re.compile(r"%\(\w+\)[-+ 0#]*\d*(?:\.\d+)?[a-z]")
HEAD = """# Codes of refusals

Every `code` that `userErrors` of a mutation can carry; a query that is refused has the same code in capitals in
`errors[].extensions.code`. Codes stay; the sentence beside one may change. `…` stands for a detail of the case.
How to read them: [graphql.md](graphql.md). Written by `make sdl`, compared by a test.

| code | what people are told | raised in |
|---|---|---|
"""


def current() -> dict[Path, str]:
    """File → text as the code is now."""
    from graphql_api import public_schema, school_schema

    return {
        HERE / "public.graphql": print_schema(public_schema.schema.graphql_schema) + "\n",
        HERE / "school.graphql": print_schema(school_schema.schema.graphql_schema) + "\n",
        CODES: codes(),
    }


def codes() -> str:
    """The table of docs/graphql-codes.md: one row per code, sorted."""
    rows: dict[str, tuple[set[str], set[str]]] = {}
    for error in refusals():
        sentences, places = rows.setdefault(error.code, (set(), set()))
        sentences.add(_told(error))
        places.add(_feature(error.__module__))
    lines = [
        f"| `{code}` | {' / '.join(sorted(sentences))} | {', '.join(sorted(places))} |"
        for code, (sentences, places) in sorted(rows.items())
    ]
    return HEAD + "\n".join(lines) + "\n"


def refusals() -> set[type[DomainError]]:
    """Every kind of refusal of the domain."""
    for feature in FEATURES:
        for _module in _modules(feature):
            pass

    def below(error: type[DomainError]) -> Iterator[type[DomainError]]:
        for kind in error.__subclasses__():
            yield kind
            yield from below(kind)

    known: list[type[DomainError]] = [DomainError, *below(DomainError)]
    return {e for e in known if e.__module__.partition(".")[0] in FEATURES}


def _modules(package: str) -> Iterator[str]:
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, f"{package}."):
        if ".migrations" not in found.name and ".management" not in found.name:
            importlib.import_module(found.name)
            yield found.name


def _told(error: type[DomainError]) -> str:
    return DETAIL.sub("…", str(error.message)).replace("%%", "%").replace("|", "\\|").replace("\n", " ")


def _feature(module: str) -> str:
    """tenants.findings.operations → findings"""
    parts = module.split(".")
    return parts[1] if parts[0] in {"tenants", "institute"} else parts[0]
