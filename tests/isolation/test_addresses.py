"""Every page of both kinds of host × everybody × ids of their own and of the other school."""

from __future__ import annotations

import os
from urllib.parse import urlencode

import pytest

from tests.isolation.addresses import Address, filled, paths_of, public_addresses, school_addresses
from tests.isolation.asking import Ledger, ask
from tests.isolation.filling import ALPHA, ALPHA_PUBLIC
from tests.isolation.world import CannotGuess, Visitor, World, everything_told_to, visitors

# Whose pages differ by what they may do get everything asked; the others get the other school's ids alone.
WHOLE = {"school_admin", "frontline", "provider_manager", "member of both", "institute_admin", "anonymous"}
EVERYBODY = [*sorted(WHOLE), "school_leader", "school_supervisor", "institute_reviewer", "institute_analyst", "outsider",
             "token"]  # fmt: skip
# `make test` asks as everybody (infra/check.py); at work the two who tell most are enough: it is minutes against seconds.
NAMES = EVERYBODY if os.environ.get("ISOLATION") == "everybody" else ["frontline", "institute_admin"]
# On the institute's host all people of a school are the same: signed in nowhere.
CASES = [
    *(("school", name) for name in NAMES),
    *(("public", name) for name in NAMES if name.startswith("institute") or name in {"school_admin", "outsider",
      "anonymous", "token"}),
]  # fmt: skip
# The page behind a QR code on a wall tells its place's name to whoever stands there; only in its own school.
SHOWN_TO_VISITORS = {"scan"}
HOSTS = {"school": school_addresses, "public": public_addresses}


def ids(world: World, visitor: Visitor) -> frozenset[str]:
    """Primary keys of the other school's rows, as they would appear in a page.

    The institute knows what it keeps about schools itself; everybody knows property companies.
    """
    beta = world.beta
    known = {"providers.Provider"} if not visitor.of_institute else {m._meta.label for m in beta.public.rows}
    shared = {row.pk for row in world.institute.rows.values()}
    theirs = {m: r for m, r in beta.rows().items() if r.pk not in shared}
    return frozenset(str(r.pk) for m, r in theirs.items() if m._meta.label not in known and len(str(r.pk)) == 36)


def garbage(world: World) -> dict[str, str]:
    """A form that carries the other school's ids under every name a form of ours has used so far."""
    sent = {
        "name": "试",
        "title": "试",
        "text": "试",
        "reason": "试",
        "confirm": "1",
        "on": "2026-11-01",
        "next": "//b",
    }
    for model, row in world.beta.rows().items():
        for name in (f"{model.__name__.lower()}", f"{model.__name__.lower()}_id"):
            sent[name] = str(row.pk)
    return sent


@pytest.mark.parametrize("host", HOSTS)
def test_every_address_can_be_filled(world: World, host: str) -> None:
    """A new address with an argument the matrix does not know fails here, by name."""
    unknown = []
    for address in HOSTS[host]():
        try:
            assert filled(address, world.beta)
        except CannotGuess as what:
            unknown.append(str(what))
    assert unknown == []


@pytest.mark.parametrize(("host", "name"), CASES)
def test_nobody_reads_or_changes_the_other_school(world: World, undone: None, host: str, name: str) -> None:
    visitor = next(v for v in visitors(world, host, name) if v.name == name)
    before, ledger, foreign = everything_told_to(world.beta), Ledger(), ids(world, visitor)
    form = garbage(world)
    whole = name in WHOLE
    for address in HOSTS[host]():
        if whole and address.arguments:
            for path in paths_of(address, world.alpha, most=1):
                if address.name not in SHOWN_TO_VISITORS:
                    ask(visitor, ledger, address.label, "get", path, foreign_ids=foreign)
            for path in paths_of(address, world.alpha.as_rival(), most=1):
                if address.name not in SHOWN_TO_VISITORS:
                    ask(visitor, ledger, address.label, "get", path)
        for path in paths_of(address, world.beta, most=4 if whole else 1):
            ask(visitor, ledger, address.label, "get", path, foreign_ids=foreign)
        if whole and not address.arguments:  # filters: every parameter a list might know
            ask(visitor, ledger, address.label, "get", f"/{address.route}", data=form, foreign_ids=foreign)
    for address in HOSTS[host]() if whole else ():
        for path in paths_of(address, world.beta, most=2):
            _post(visitor, ledger, address, path, form, foreign)
    assert not ledger.problems, str(ledger)
    after = everything_told_to(world.beta)
    assert [table for table in before if before[table] != after[table]] == []


def _post(
    visitor: Visitor, ledger: Ledger, address: Address, path: str, form: dict[str, str], foreign: frozenset[str]
) -> None:
    api = address.name == "graphql"
    kind = "application/json" if api else "application/x-www-form-urlencoded"
    data = '{"query": "{ __typename }"}' if api else urlencode(form)
    ask(visitor, ledger, address.label, "post", path, data=data, foreign_ids=foreign, content_type=kind)
    if visitor.account is not None and "sessionid" not in {k for k, c in visitor.client.cookies.items() if c.value}:
        visitor.sign_in()  # that was the way out


def test_the_matrix_sees_what_is_there(world: World, undone: None) -> None:
    """The control: pages do show the asker's own rows, so an empty answer would not pass for isolation."""
    visitor = next(v for v in visitors(world, "school") if v.name == "school_admin")
    ledger = Ledger()
    for address in school_addresses():
        for path in paths_of(address, world.alpha, most=3):
            ask(visitor, ledger, address.label, "get", path, own=(ALPHA, ALPHA_PUBLIC))
    told = [a for a in school_addresses() if a.label in ledger.own_words]
    assert len(told) * 5 >= len(school_addresses()) * 2, (
        "too few pages show a mark of their own school"
    )  # many only take posts


@pytest.mark.parametrize("name", ["provider_manager", "frontline"])
def test_nobody_changes_another_company(world: World, undone: None, name: str) -> None:
    """Inside one school: the rows of another property company stay as they are."""
    visitor = next(v for v in visitors(world, "school", name) if v.name == name)
    rival = world.alpha.as_rival()
    before, ledger = everything_told_to(rival), Ledger()
    form = garbage(world) | {k: str(r.pk) for m, r in rival.own.rows.items() for k in (f"{m.__name__.lower()}_id",)}
    for address in school_addresses():
        for path in paths_of(address, rival) if address.arguments else []:
            _post(visitor, ledger, address, path, form, frozenset())
    assert not ledger.problems, str(ledger)
    after = everything_told_to(rival)
    assert [table for table in before if before[table] != after[table]] == []
