"""Guests under a grant read what was granted and nothing else; keys open one space only."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from identity import operations, policies, queries
from identity.choices import TOKEN_SCOPES, GrantScope, Role
from identity.contracts import Actor
from identity.models import AccessGrant, ApiToken
from kernel import clock
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.timeline.models import Event
from tests.factories.identity import institute_actor, make_account, make_member, school_actor
from tests.identity.test_sign_in import ALPHA, BETA, LOCAL

TODAY = clock.now().astimezone(clock.SHANGHAI).date()


def give(tenant: Tenant, *scopes: GrantScope, **changes: Any) -> AccessGrant:
    values = {
        "scopes": scopes or (GrantScope.FINDINGS,), "starts_on": TODAY, "ends_on": TODAY, "reason": "阶段评估",
        "by": school_actor(tenant), "tenant": tenant, "now": clock.now(),
    }  # fmt: skip
    return operations.grant_access(**{**values, **changes})


def guest(role: Role = Role.INSTITUTE_ANALYST) -> Client:
    client = Client()
    client.force_login(make_member(role, name="研究员").account)
    return client


def reads() -> list[Event]:
    return list(Event.objects.filter(verb="grant.read").order_by("pk"))


def test_without_a_grant_the_institute_is_nobody_in_a_school(alpha: Tenant) -> None:
    for role in (Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST, Role.INSTITUTE_REVIEWER):
        assert guest(role).get("/grants/", headers=ALPHA).status_code == 403
    assert reads() == []


def test_under_a_grant_each_read_is_on_the_timeline_once(alpha: Tenant) -> None:
    grant = give(alpha)
    client = guest()
    assert client.get("/grants/?page=1", headers=ALPHA).status_code == 200
    [event] = reads()
    assert (event.actor_name, event.subject_id) == ("研究员", str(grant.pk))
    assert event.payload["path"] == "/grants/?page=1"
    client.get("/grants/reads/", headers=ALPHA)
    assert len(reads()) == 2


def test_reviewers_from_outside_read_nothing_even_under_a_grant(alpha: Tenant) -> None:
    give(alpha)
    assert guest(Role.INSTITUTE_REVIEWER).get("/grants/", headers=ALPHA).status_code == 403


def test_a_grant_holds_for_its_days_its_school_and_until_revoked(alpha: Tenant, beta: Tenant) -> None:
    client = guest()
    give(alpha, starts_on=TODAY + timedelta(days=1), ends_on=TODAY + timedelta(days=2))
    assert client.get("/grants/", headers=ALPHA).status_code == 403
    old = give(alpha)
    AccessGrant.objects.filter(pk=old.pk).update(starts_on=TODAY - timedelta(days=9), ends_on=TODAY - timedelta(days=1))
    assert client.get("/grants/", headers=ALPHA).status_code == 403
    live = give(alpha)
    assert client.get("/grants/", headers=ALPHA).status_code == 200
    assert client.get("/grants/", headers=BETA).status_code in (302, 403)
    operations.revoke_grant(grant_id=live.pk, by=school_actor(alpha), tenant=alpha, now=clock.now())
    assert client.get("/grants/", headers=ALPHA).status_code == 403


def test_writes_under_a_grant_are_refused_everywhere(alpha: Tenant) -> None:
    grant = give(alpha)
    client = guest(Role.INSTITUTE_ADMIN)
    for path in (f"/grants/{grant.pk}/revoke/", "/grants/new/", "/members/invite/", "/tokens/new/", "/"):
        answer = client.post(path, {"name": "x"}, headers=ALPHA)
        assert answer.status_code == 403 and "只能查看" in answer.content.decode(), path
    grant.refresh_from_db()
    assert grant.revoked_at is None and not ApiToken.objects.exists()
    mutation = 'mutation { createToken(name: "x", scopes: ["findings:read"], days: 9) { secret userErrors { code } } }'
    answer = client.post(
        "/graphql/", json.dumps({"query": mutation}), content_type="application/json", headers=ALPHA
    ).json()
    assert answer["data"]["createToken"] == {"secret": None, "userErrors": [{"code": "read_only_under_grant"}]}
    # Signing out and one's own account are not the school's data.
    assert client.post("/accounts/logout/", headers=ALPHA).status_code == 302


def test_a_graphql_read_under_a_grant_names_what_was_asked(alpha: Tenant) -> None:
    give(alpha)
    answer = guest().post(
        "/graphql/",
        json.dumps({"query": "{ me { name } x: me { roles } }"}),
        content_type="application/json",
        headers=ALPHA,
    )
    assert answer.json()["data"]["me"]["name"] == "研究员"
    assert [e.payload["fields"] for e in reads()] == [["me"]]


def test_fields_behind_fragments_are_named_too(alpha: Tenant) -> None:
    give(alpha)
    query = (
        "{ ...a ... on Query { y: me { roles } } }"
        " fragment a on Query { me { name } ...b } fragment b on Query { findings { totalCount } }"
    )
    assert guest().get("/graphql/", {"query": query}, headers=ALPHA).status_code == 200
    assert [e.payload["fields"] for e in reads()] == [["findings", "me"]]


def test_a_page_outside_the_granted_scopes_says_so_and_is_not_noted_as_read(alpha: Tenant) -> None:
    give(alpha, GrantScope.PUNCHES)
    client = guest()
    for path in ("/organisation/staff/", "/organisation/contracts/", "/organisation/posts/", "/findings/"):
        answer = client.get(path, headers=ALPHA)
        assert answer.status_code == 403 and "授权不包括" in answer.content.decode(), path
    assert reads() == []
    assert client.get("/", headers=ALPHA).status_code == 200


@pytest.mark.parametrize(
    ("scope", "paths"),
    [
        (GrantScope.FINDINGS, ["/findings/", "/findings/export.xlsx"]),
        (GrantScope.INSPECTIONS, ["/inspections/", "/inspections/coverage/"]),
        (GrantScope.EVALUATIONS, ["/evaluations/", "/rubrics/"]),
        (GrantScope.ORGANISATION, ["/organisation/places/", "/organisation/staff/", "/organisation/contracts/"]),
        (GrantScope.DUTY, ["/duty/", "/duty/calls/", "/patrols/"]),
        (GrantScope.ROSTERS, ["/rosters/"]),
        (GrantScope.PUNCHES, ["/punches/"]),
        (GrantScope.ATTENDANCE, ["/attendance/", "/attendance/corrections/", "/attendance/suspects/"]),
    ],
)
def test_each_scope_alone_opens_its_pages(alpha: Tenant, scope: GrantScope, paths: list[str]) -> None:
    """A page needs no other scope than its own: the names of places it filters by are nobody's secret."""
    give(alpha, scope)
    client = guest()
    for path in paths:
        assert client.get(path, headers=ALPHA).status_code == 200, path
    assert len(reads()) == len(paths)
    assert all(e.payload["scopes"] == [scope] for e in reads())


def test_can_read_knows_roles_scopes_and_notes_the_read(alpha: Tenant) -> None:
    give(alpha, GrantScope.FINDINGS)
    account = make_member(Role.INSTITUTE_ANALYST).account
    actor = queries.actor_for(account, school_id=alpha.school_id, today=TODAY)
    assert policies.can_read(actor, GrantScope.FINDINGS, Role.SCHOOL_ADMIN)
    assert not policies.can_read(actor, GrantScope.EVALUATIONS, Role.SCHOOL_ADMIN, Role.INSTITUTE_ANALYST)
    assert actor.grant_reads == {GrantScope.FINDINGS}
    member = school_actor(alpha, Role.SCHOOL_LEADER)
    assert policies.can_read(member, GrantScope.FINDINGS, Role.SCHOOL_LEADER)
    assert not policies.can_read(member, GrantScope.FINDINGS, Role.SCHOOL_ADMIN)
    assert not policies.can_read(Actor.anonymous(), GrantScope.FINDINGS, Role.SCHOOL_ADMIN)


def test_who_is_a_member_too_acts_as_a_member(alpha: Tenant) -> None:
    give(alpha)
    account = make_member(Role.INSTITUTE_ADMIN).account
    make_member(Role.SCHOOL_SUPERVISOR, tenant=alpha, account=account)
    actor = queries.actor_for(account, school_id=alpha.school_id, today=TODAY)
    assert actor.grant_id is None and actor.roles == {Role.SCHOOL_SUPERVISOR}


@pytest.mark.parametrize("role", [Role.SCHOOL_SUPERVISOR, Role.FRONTLINE])
def test_only_admin_and_leader_grant(alpha: Tenant, beta: Tenant, role: Role) -> None:
    for by in (school_actor(alpha, role), school_actor(beta), institute_actor()):
        with pytest.raises(NotAllowed):
            give(alpha, by=by)
    with pytest.raises(Invalid):
        give(alpha, reason=" ")


# --- Tokens --------------------------------------------------------------------------------------


def key(by: Actor, *scopes: str, days: int = 9) -> tuple[ApiToken, str]:
    return operations.create_token(name="大屏", scopes=scopes or ("identity:read",), days=days, by=by, now=clock.now())


def ask(
    secret: str, query: str = "{ me { name roles } }", headers: dict[str, str] = ALPHA, path: str = "/graphql/"
) -> Any:
    client = Client(enforce_csrf_checks=True)
    return client.post(
        path,
        json.dumps({"query": query}),
        content_type="application/json",
        headers={**headers, "Authorization": f"Bearer {secret}"},
    )


def test_a_key_opens_its_own_space_without_csrf(alpha: Tenant) -> None:
    token, secret = key(school_actor(alpha))
    answer = ask(secret)
    assert answer.status_code == 200 and answer.json()["data"]["me"]["roles"] == ["school_admin"]
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_a_session_without_csrf_is_refused_still(alpha: Tenant) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_member(tenant=alpha).account)
    answer = client.post("/members/invite/", {}, headers=ALPHA)
    assert answer.status_code == 403


def test_keys_of_elsewhere_expired_revoked_or_made_up_are_401_with_a_stable_code(alpha: Tenant, beta: Tenant) -> None:
    admin = school_actor(alpha)
    token, secret = key(admin)
    _of_institute, institute_secret = key(institute_actor())
    for refused in (
        ask(secret, headers=BETA),
        ask(secret, headers=LOCAL),
        ask(institute_secret),
        ask("cielm_made-up"),
        ask(""),
        ask(secret, path="/members/"),
    ):
        assert refused.status_code == 401
        assert refused.json()["errors"][0]["extensions"]["code"] == "TOKEN_INVALID"
    assert ask(institute_secret, headers=LOCAL).status_code == 200
    ApiToken.objects.filter(pk=token.pk).update(expires_at=clock.now())
    assert ask(secret).status_code == 401
    token, secret = key(admin)
    operations.revoke_token(token_id=token.pk, by=admin, now=clock.now())
    assert ask(secret).status_code == 401


def test_a_key_dies_with_the_membership_and_the_account(alpha: Tenant) -> None:
    admin = school_actor(alpha)
    member = make_member(Role.SCHOOL_LEADER, tenant=alpha)
    by = queries.actor_for(member.account, school_id=alpha.school_id, today=TODAY)
    _token, secret = key(by)
    assert ask(secret).status_code == 200
    operations.deactivate_member(membership_id=member.pk, tenant=alpha, by=admin, now=clock.now())
    assert ask(secret).status_code == 401
    operations.reactivate_member(membership_id=member.pk, tenant=alpha, by=admin, now=clock.now())
    assert ask(secret).status_code == 401  # revoked for good


def test_a_key_does_what_its_scopes_say_and_makes_no_keys(alpha: Tenant) -> None:
    _token, secret = key(school_actor(alpha), "findings:read", "identity:write")
    members = ask(secret, "{ members { totalCount } }").json()
    assert members["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    mutation = 'mutation { createToken(name: "x", scopes: ["findings:read"], days: 9) { secret userErrors { code } } }'
    made = ask(secret, mutation).json()["data"]["createToken"]
    assert made == {"secret": None, "userErrors": [{"code": "not_allowed"}]}
    _token, reader = key(school_actor(alpha), "identity:read")
    revoke = 'mutation { revokeToken(id: "%s") { userErrors { code } } }' % _token.pk
    assert ask(reader, revoke).json()["data"]["revokeToken"]["userErrors"] == [{"code": "not_allowed"}]


@pytest.mark.parametrize(
    "changes", [{"scopes": ()}, {"scopes": ("everything",)}, {"days": 0}, {"days": 367}, {"name": " "}]
)
def test_a_wrong_key_is_not_made(alpha: Tenant, changes: dict[str, Any]) -> None:
    values = {"name": "x", "scopes": ("findings:read",), "days": 9, "by": school_actor(alpha), "now": clock.now()}
    with pytest.raises(operations.ScopeUnknown if "scopes" in changes else Invalid):
        operations.create_token(**{**values, **changes})
    assert not ApiToken.objects.exists()


def test_one_does_not_revoke_anothers_key_but_the_admin_does(alpha: Tenant) -> None:
    leader, admin = school_actor(alpha, Role.SCHOOL_LEADER), school_actor(alpha)
    token, _secret = key(admin)
    with pytest.raises(NotAllowed):
        operations.revoke_token(token_id=token.pk, by=leader, now=clock.now())
    mine, _secret = key(leader)
    operations.revoke_token(token_id=mine.pk, by=admin, now=clock.now())


def test_every_mutations_scope_can_be_given_to_a_key() -> None:
    from graphql_api import public_schema, school_schema
    from graphql_api.mutations import DomainMutation

    assert public_schema and school_schema

    def below(cls: type) -> list[type]:
        return [each for child in cls.__subclasses__() for each in [child, *below(child)]]

    found = {cls.scope for cls in below(DomainMutation)}  # type: ignore[attr-defined]
    assert found - {""} <= set(TOKEN_SCOPES)
    assert "" not in found


def test_an_inactive_accounts_key_is_nobody(alpha: Tenant) -> None:
    account = make_account()
    make_member(tenant=alpha, account=account)
    _token, secret = key(queries.actor_for(account, school_id=alpha.school_id, today=TODAY))
    account.is_active = False
    account.save()
    assert ask(secret).status_code == 401
