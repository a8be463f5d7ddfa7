"""Sessions, tokens and hand-over tickets carried to where they do not belong, outlived, forged or cut off."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from config.middleware import HostMiddleware
from identity import operations, secrets
from identity.choices import Role
from identity.models import Account, ApiToken, Membership
from institute.schools.choices import SchoolStatus
from institute.schools.models import School
from kernel import clock
from tests.isolation.asking import marks_in, texts_of
from tests.isolation.filling import ALPHA, BETA, BETA_PUBLIC
from tests.isolation.world import Visitor, World, visitors

ME = "{ me { name roles } }"


@pytest.fixture
def admin(world: World, undone: None) -> Visitor:
    """Alpha's admin, who has already been on alpha's host."""
    visitor = next(v for v in visitors(world, "school") if v.name == "school_admin")
    assert me(visitor.client, world.alpha.host) is not None
    return visitor


@pytest.fixture
def both(world: World, undone: None) -> Visitor:
    visitor = next(v for v in visitors(world, "school") if v.name == "member of both")
    assert me(visitor.client, world.alpha.host) is not None
    return visitor


def me(client: Client, host: str, **headers: str) -> Any:
    """Who the API of `host` thinks is asking; None: nobody."""
    answer = client.post(
        "/graphql/", json.dumps({"query": ME}), content_type="application/json", headers={"host": host, **headers}
    )
    body = json.loads(answer.content)
    return (body.get("data") or {}).get("me")


def is_nobody(client: Client, host: str) -> bool:
    answer = client.get("/accounts/security/", headers={"host": host})
    return me(client, host) is None and answer.status_code == 302 and "login" in answer.headers["Location"]


def test_a_session_is_good_on_its_own_host_only(world: World, admin: Visitor) -> None:
    assert is_nobody(admin.client, world.beta.host)
    assert is_nobody(admin.client, "localhost")
    assert me(admin.client, world.alpha.host) is not None


def test_who_acts_in_both_schools_needs_a_session_in_each(world: World, both: Visitor) -> None:
    assert is_nobody(both.client, world.beta.host)


def test_a_forged_session_is_nobody(world: World, undone: None) -> None:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    assert is_nobody(client, world.alpha.host)


def test_an_expired_session_is_nobody(world: World, admin: Visitor) -> None:
    Session.objects.update(expire_date=clock.now() - timedelta(minutes=1))
    assert is_nobody(admin.client, world.alpha.host)


def test_a_closed_account_is_nobody_at_once(world: World, admin: Visitor) -> None:
    assert admin.account is not None
    Account.objects.filter(pk=admin.account.pk).update(is_active=False)
    assert is_nobody(admin.client, world.alpha.host)


def test_sessions_end_everywhere_at_once(world: World, admin: Visitor) -> None:
    assert admin.account is not None
    operations.end_sessions(account_id=admin.account.pk)
    assert is_nobody(admin.client, world.alpha.host)


def test_an_ended_membership_opens_no_page(world: World, admin: Visitor) -> None:
    Membership.objects.filter(account=admin.account).update(active=False)
    answer = admin.client.get("/", headers={"host": world.alpha.host})
    assert answer.status_code == 403
    assert not marks_in(texts_of(answer.content, ""), (ALPHA,))
    assert (me(admin.client, world.alpha.host) or {}).get("roles") == []


@pytest.mark.parametrize("status", [s for s in SchoolStatus if s != SchoolStatus.READY])
def test_a_school_closes_in_the_middle_of_a_session(
    world: World, undone: None, monkeypatch: pytest.MonkeyPatch, status: SchoolStatus
) -> None:
    """Suspended, archived or unfinished: pages and API say so and show nothing, sessions and tokens alike."""
    monkeypatch.setattr(HostMiddleware, "TTL", 0.0)
    inside = {v.name: v for v in visitors(world, "school")}
    assert me(inside["school_admin"].client, world.alpha.host) is not None
    School.objects.filter(pk=world.alpha.tenant.school_id).update(status=status)
    for name in ("school_admin", "token", "frontline"):
        visitor = inside[name]
        for path in ("/", "/graphql/?query={me{name}}", "/accounts/security/"):
            answer = visitor.client.get(path, headers=visitor.headers)
            assert answer.status_code == 403
            assert not marks_in(texts_of(answer.content, ""), (ALPHA,))  # the school's name and the reason are public


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_token_is_good_for_its_space_and_the_api_only(world: World, undone: None) -> None:
    client = Client()
    assert me(client, world.alpha.host, **bearer(world.token)) is not None
    for host in (world.beta.host, "localhost"):
        answer = client.get("/graphql/?query={me{name}}", headers={"host": host, **bearer(world.token)})
        assert answer.status_code == 401
    page = client.get("/", headers={"host": world.alpha.host, **bearer(world.token)})
    assert page.status_code == 401


@pytest.mark.parametrize("change", [{"expires_at": "past"}, {"revoked_at": "past"}, {"token_hash": "0" * 64}])
def test_a_token_past_its_life_is_refused(world: World, undone: None, change: dict[str, Any]) -> None:
    past = clock.now() - timedelta(seconds=1)
    ApiToken.objects.filter(token_hash=secrets.digest(world.token)).update(
        **{k: past if v == "past" else v for k, v in change.items()}
    )
    answer = Client().get("/graphql/?query={me{name}}", headers={"host": world.alpha.host, **bearer(world.token)})
    assert answer.status_code == 401


@pytest.mark.parametrize("token", ["", "cielm_", "cielm_" + "a" * 43, "x" * 5000, "é"])
def test_a_forged_token_is_refused(world: World, undone: None, token: str) -> None:
    answer = Client().get("/graphql/?query={me{name}}", headers={"host": world.alpha.host, **bearer(token)})
    assert answer.status_code == 401


def ticket_for(world: World, account: Account, *, host: str, nonce: str) -> str:
    return operations.issue_ticket(
        account_id=account.pk, target_host=host, browser_hash=secrets.digest(nonce), next_path="/", methods=[],
        now=clock.now(),
    )  # fmt: skip


def arrive(client: Client, host: str, ticket: str, nonce: str) -> int:
    client.cookies["handover"] = nonce
    return client.get("/accounts/arrive/", {"ticket": ticket}, headers={"host": host}).status_code


def test_a_ticket_works_once_where_and_for_whom_it_was_made(world: World, undone: None) -> None:
    account, home, away = world.people["both"], world.alpha.host, world.beta.host
    ticket = ticket_for(world, account, host=home, nonce="mine")
    assert arrive(Client(), away, ticket, "mine") == 422
    assert arrive(Client(), "localhost", ticket, "mine") == 422
    assert arrive(Client(), home, ticket, "another browser's") == 422
    assert arrive(Client(), home, ticket[:-1] + "x", "mine") == 422
    first = Client()
    assert arrive(first, home, ticket, "mine") == 302
    assert me(first, home)["roles"] == [Role.SCHOOL_ADMIN]
    assert is_nobody(first, away)
    assert arrive(Client(), home, ticket, "mine") == 422


def test_a_ticket_into_a_school_where_one_has_no_role_opens_nothing(world: World, undone: None) -> None:
    account = world.alpha.people[Role.SCHOOL_ADMIN]
    client = Client()
    ticket = ticket_for(world, account, host=world.beta.host, nonce="mine")
    assert arrive(client, world.beta.host, ticket, "mine") == 302
    answer = client.get("/", headers={"host": world.beta.host})
    assert answer.status_code == 403
    assert not marks_in(texts_of(answer.content, ""), (BETA, BETA_PUBLIC))


@pytest.mark.parametrize("target", ["evil.test", "alpha.localhost.evil.test", "nobody.localhost", ""])
def test_no_ticket_for_a_foreign_host(world: World, undone: None, target: str) -> None:
    visitor = next(v for v in visitors(world, "public") if v.name == "institute_admin")
    answer = visitor.client.get(
        "/accounts/handover/", {"to": target, "state": secrets.digest("x"), "next": "/"}, headers={"host": "localhost"}
    )
    assert answer.status_code == 422
