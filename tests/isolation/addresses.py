"""Every address of a host, from its URLconf: Django's, allauth's and ours alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from tests.isolation.world import CannotGuess, Side, ids_of

ARGUMENT = re.compile(r"<(?:(?P<conv>[^>:]+):)?(?P<name>[^>]+)>")
GROUP = re.compile(r"\(\?P<(?P<name>\w+)>(?:[^()]|\([^()]*\))*\)")


@dataclass(frozen=True)
class Address:
    """One pattern: its name, its route with `<conv:name>` arguments, and the feature that answers."""

    name: str
    route: str
    module: str
    shows: bool = True  # whether it answers GET; the others only take what is posted

    @property
    def label(self) -> str:
        return f"/{self.route} [{self.name or self.module}]"

    @property
    def feature(self) -> str:
        """web.tenant.findings.views → findings; allauth.account.views → account."""
        parts = self.module.split(".")
        known = [p for p in parts if p not in {"web", "tenant", "public", "institute", "views", "allauth"}]
        return known[0] if known else ""

    @property
    def arguments(self) -> list[tuple[str, str]]:
        return [(m["conv"] or "str", m["name"]) for m in ARGUMENT.finditer(self.route)]


def addresses(urlconf: str) -> list[Address]:
    return list(_walk(get_resolver(urlconf), "", ""))


def _walk(resolver: URLResolver, before: str, space: str) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        route = before + _route(entry)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, route, ":".join(filter(None, [space, entry.namespace])))
        elif isinstance(entry, URLPattern):
            view = getattr(entry.callback, "view_class", entry.callback)
            yield Address(":".join(filter(None, [space, entry.name])), route, view.__module__, _shows(entry.callback))


def _shows(view: Any) -> bool:
    """Whether no `require_…` of Django's around the view keeps GET away."""
    while view is not None:
        inside = (
            dict(zip(view.__code__.co_freevars, view.__closure__ or (), strict=True))
            if hasattr(view, "__code__")
            else {}
        )
        if "request_method_list" in inside and "GET" not in inside["request_method_list"].cell_contents:
            return False
        view = getattr(view, "__wrapped__", None)
    return True


def _route(entry: URLPattern | URLResolver) -> str:
    if isinstance(entry.pattern, RoutePattern):
        return str(entry.pattern)
    plain = GROUP.sub(lambda found: f"<{found['name']}>", str(entry.pattern)).removeprefix("^").removesuffix("$")
    return plain.replace("\\-", "-").replace("\\.", ".")


# Arguments that are no key of a table, by their name: what a stranger would try, given the other school.
WORDS: dict[str, tuple[str, ...]] = {
    "uidb36": ("1", "zzzz"),  # allauth: the account in a password mail
    "key": ("wrong-key", "x-y"),  # allauth: the secret of such a mail
    "url": ("//evil.test/",),
    "action": ("close", "activate"),  # a step of a round or rubric
    "what": ("staff", "phone"),  # a kind of import; a sealed number
    "field": ("name",),  # of the application form
}
BY_KIND: dict[str, tuple[Any, ...]] = {"int": (1, 2, 999999), "path": ("../../s_beta/isolation/x",)}


def values_for(address: Address, conv: str, name: str, side: Side) -> list[Any]:
    """What to put for one argument. Raises CannotGuess, naming the address."""
    if conv == "uuid":
        return ids_of(side, name, address.feature, address.label)
    if name in side.secrets:
        return [*side.secrets[name], "made-up"]
    if name in WORDS:
        return list(WORDS[name])
    if conv in BY_KIND:
        return list(BY_KIND[conv])
    return [_word(side, name, address)]


def _word(side: Side, name: str, address: Address) -> str:
    """A word that stands in the other school's row: the code of a place, the number of a finding, …"""
    for row in side.rows().values():
        meta = row._meta
        if meta.app_label == address.feature and name in {f.name for f in meta.concrete_fields}:
            return str(getattr(row, name))
    raise CannotGuess(f"{address.label}: argument {name!r}")


def paths_of(address: Address, side: Side, most: int = 12) -> list[str]:
    """The address with every argument filled with values of `side`; none where the matrix has no value for one."""
    try:
        return filled(address, side, most)
    except CannotGuess:
        return []  # test_every_address_can_be_filled names it


def filled(address: Address, side: Side, most: int = 12) -> list[str]:
    """As `paths_of`. Raises CannotGuess, naming the address."""
    choices = [values_for(address, conv, name, side) for conv, name in address.arguments]
    paths = []
    for chosen in islice(product(*choices), most):
        values = iter(chosen)
        paths.append("/" + ARGUMENT.sub(lambda _m, values=values: str(next(values)), address.route))
    return paths


def school_addresses() -> list[Address]:
    return addresses(settings.SCHOOL_URLCONF)


def public_addresses() -> list[Address]:
    return addresses(settings.ROOT_URLCONF)
