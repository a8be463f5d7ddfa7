"""Inviting people: the link works once, for a week, in its own space."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from identity import operations
from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account, Invitation, Mail, Membership
from institute.journal.models import JournalEvent
from kernel import crypto
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant, school_context
from tenants.timeline.models import Event
from tests.factories.identity import actor_of, make_account, make_member, school_actor

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def _token(url: str) -> str:
    return url.rstrip("/").rsplit("/", 1)[1]


def _invite(tenant: Tenant, by: Actor, **changes: object) -> operations.Invited:  # type: ignore[name-defined]
    values = {
        "email": "Zhao@Example.org", "name": "赵  一", "role": Role.SCHOOL_SUPERVISOR, "tenant": tenant, "by": by, "now": NOW,
    }  # fmt: skip
    return operations.invite(**{**values, **changes})  # type: ignore[arg-type]


def test_an_invitation_is_mailed_kept_as_hash_and_told_on_the_timeline(alpha: Tenant) -> None:
    invited = _invite(alpha, school_actor(alpha))
    row = Invitation.objects.get(pk=invited.invitation_id)
    mail = Mail.objects.get()
    body = crypto.unseal(mail.body_sealed, schema="public", context="identity_mail.body")
    assert (row.email, row.name, mail.to) == ("zhao@example.org", "赵 一", "zhao@example.org")
    assert invited.url.startswith("http://alpha.localhost:8000/accounts/invitation/")
    assert invited.url in body and _token(invited.url) not in row.token_hash
    assert _token(invited.url).encode() not in bytes(mail.body_sealed)
    assert Event.objects.get().verb == "member.invited"


def test_a_new_person_joins_once(alpha: Tenant) -> None:
    token = _token(_invite(alpha, school_actor(alpha)).url)
    who = {"token": token, "name": "赵一", "password": "a-long-walk-7", "school_id": alpha.school_id, "now": NOW}
    account = operations.accept_as_new(username="zhaoyi", **who)
    assert account.check_password("a-long-walk-7") and account.email == "zhao@example.org"
    assert Membership.objects.get(account=account).role == Role.SCHOOL_SUPERVISOR
    with pytest.raises(operations.InvitationClosed):
        operations.accept_as_new(username="zhaoer", **who)
    assert not Account.objects.filter(username="zhaoer").exists()


def test_an_existing_account_joins_and_keeps_its_other_school(alpha: Tenant, beta: Tenant) -> None:
    person = make_account(email="zhao@example.org")
    make_member(Role.SCHOOL_LEADER, tenant=beta, account=person)
    token = _token(_invite(alpha, school_actor(alpha)).url)
    with pytest.raises(operations.LoginTaken):
        operations.accept_as_new(
            token=token, username="zz9", name="赵", password="a-long-walk-7", school_id=alpha.school_id, now=NOW
        )
    operations.accept_with_account(token=token, account_id=person.pk, school_id=alpha.school_id, now=NOW)
    assert set(person.memberships.values_list("school_id", flat=True)) == {alpha.school_id, beta.school_id}


@pytest.mark.parametrize("later", [timedelta(days=7), timedelta(days=30)])
def test_an_old_link_is_closed(alpha: Tenant, later: timedelta) -> None:
    token = _token(_invite(alpha, school_actor(alpha)).url)
    with pytest.raises(operations.InvitationClosed):
        operations.accept_with_account(
            token=token, account_id=make_account().pk, school_id=alpha.school_id, now=NOW + later
        )


def test_a_link_of_one_school_opens_no_other(alpha: Tenant, beta: Tenant) -> None:
    token = _token(_invite(alpha, school_actor(alpha)).url)
    for school_id in (beta.school_id, None):
        with pytest.raises(operations.InvitationClosed):
            operations.accept_with_account(token=token, account_id=make_account().pk, school_id=school_id, now=NOW)


def test_resending_closes_the_old_link_and_revoking_the_new_one(alpha: Tenant) -> None:
    admin = school_actor(alpha)
    first = _invite(alpha, admin)
    later = NOW + timedelta(days=9)
    second = operations.resend_invitation(invitation_id=first.invitation_id, tenant=alpha, by=admin, now=later)
    person = make_account()
    with pytest.raises(operations.InvitationClosed):
        operations.accept_with_account(
            token=_token(first.url), account_id=person.pk, school_id=alpha.school_id, now=later
        )
    operations.revoke_invitation(invitation_id=first.invitation_id, tenant=alpha, by=admin, now=later)
    with pytest.raises(operations.InvitationClosed):
        operations.accept_with_account(
            token=_token(second.url), account_id=person.pk, school_id=alpha.school_id, now=later
        )
    assert not person.memberships.exists()


@pytest.mark.parametrize("role", [Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR, Role.FRONTLINE])
def test_only_the_admin_of_this_school_invites(alpha: Tenant, beta: Tenant, role: Role) -> None:
    for by in (school_actor(alpha, role), school_actor(beta), Actor.anonymous()):
        with pytest.raises(NotAllowed):
            _invite(alpha, by)
    assert not Invitation.objects.exists() and not Mail.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "not mail"}, "email"),
        ({"name": " "}, "name"),
        ({"role": Role.INSTITUTE_ADMIN}, "role"),
        ({"role": Role.PROVIDER_MANAGER}, "provider"),
    ],
)
def test_a_wrong_invitation_names_the_field(alpha: Tenant, changes: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        _invite(alpha, school_actor(alpha), **changes)
    assert refused.value.field == field


@pytest.mark.parametrize("username", ["ab", "123456", "a b c", "me@x", "a/b", "x" * 61])
def test_a_bad_login_name_is_refused(alpha: Tenant, username: str) -> None:
    token = _token(_invite(alpha, school_actor(alpha)).url)
    with pytest.raises(Invalid) as refused:
        operations.accept_as_new(
            token=token, username=username, name="赵一", password="a-long-walk-7", school_id=alpha.school_id, now=NOW
        )
    assert refused.value.field == "username"


@pytest.mark.parametrize("password", ["short1", "12345678901", "password123"])
def test_a_weak_password_is_refused(alpha: Tenant, password: str) -> None:
    token = _token(_invite(alpha, school_actor(alpha)).url)
    with pytest.raises(Invalid):
        operations.accept_as_new(
            token=token, username="zhaoyi", name="赵一", password=password, school_id=alpha.school_id, now=NOW
        )


def test_the_platform_invites_a_first_admin_from_the_public_side(beta: Tenant) -> None:
    invited = _invite(beta, Actor.system(beta.school_id), role=Role.SCHOOL_ADMIN)
    assert invited.url.startswith("http://beta.localhost:8000/")
    with school_context(beta):
        assert Event.objects.get().actor_name == "系统"
    assert not JournalEvent.objects.exists()


def test_who_is_a_member_is_not_invited_twice(alpha: Tenant) -> None:
    admin = make_member(Role.SCHOOL_ADMIN, tenant=alpha, email="boss@example.org")
    with pytest.raises(operations.AlreadyMember):
        _invite(alpha, actor_of(admin), email="BOSS@example.org", role=Role.SCHOOL_ADMIN)


def test_a_second_invitation_replaces_the_first(alpha: Tenant) -> None:
    admin = school_actor(alpha)
    first, _second = _invite(alpha, admin), _invite(alpha, admin)
    with pytest.raises(operations.InvitationClosed):
        operations.accept_with_account(
            token=_token(first.url), account_id=make_account().pk, school_id=alpha.school_id, now=NOW
        )
