"""Accounts on paper, last admins, and two people at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from identity import operations, queries, secrets
from identity.choices import Role
from identity.contracts import StaffLogin
from identity.models import Account, Membership
from identity.operations import TicketRefused
from kernel.errors import Conflict, NotAllowed
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.timeline.models import Event
from tests.at_once import at_once
from tests.factories.identity import PASSWORD, actor_of, make_account, make_member, school_actor

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def test_accounts_on_paper(alpha: Tenant, django_assert_max_num_queries: Any) -> None:
    staff = [StaffLogin(new_id(), f"员工{n}", f"{n:04d}") for n in range(30)]
    admin = school_actor(alpha)
    make_account(username="ALPHA.0003")  # somebody's name already
    with django_assert_max_num_queries(12):
        papers = operations.open_accounts(staff=staff, tenant=alpha, by=admin, now=NOW)
    assert [p.staff_id for p in papers] == [s.staff_id for s in staff]
    assert papers[0].username == "alpha.0000" and papers[3].username == "alpha.0003-2"
    assert len({p.password for p in papers}) == 30
    account = Account.objects.get(pk=papers[0].account_id)
    assert account.check_password(papers[0].password) and account.initial_password
    assert account.memberships.get().staff_id == staff[0].staff_id
    assert operations.open_accounts(staff=staff, tenant=alpha, by=admin, now=NOW) == []
    assert Event.objects.filter(verb="member.accounts_opened").count() == 1


def test_only_the_schools_admin_opens_accounts(alpha: Tenant, beta: Tenant) -> None:
    staff = [StaffLogin(new_id(), "员工", "1")]
    for by in (school_actor(alpha, Role.SCHOOL_SUPERVISOR), school_actor(beta)):
        with pytest.raises(NotAllowed):
            operations.open_accounts(staff=staff, tenant=alpha, by=by, now=NOW)
    assert not Account.objects.filter(username="alpha.1").exists()


def test_an_admin_whose_account_is_off_or_over_does_not_count(alpha: Tenant) -> None:
    mine = make_member(Role.SCHOOL_ADMIN, tenant=alpha)
    off = make_member(Role.SCHOOL_ADMIN, tenant=alpha, account=make_account(is_active=False))
    over = make_member(Role.SCHOOL_ADMIN, tenant=alpha, ends_on=NOW.date().replace(day=1))
    for _other in (off, over):
        with pytest.raises(operations.LastAdmin):
            operations.change_role(
                membership_id=mine.pk, role=Role.SCHOOL_LEADER, tenant=alpha, by=actor_of(mine), now=NOW
            )


def test_a_role_held_already_is_no_new_role(alpha: Tenant) -> None:
    person = make_account()
    first = make_member(Role.SCHOOL_LEADER, tenant=alpha, account=person)
    make_member(Role.SCHOOL_SUPERVISOR, tenant=alpha, account=person)
    with pytest.raises(Conflict):
        operations.change_role(
            membership_id=first.pk, role=Role.SCHOOL_SUPERVISOR, tenant=alpha, by=school_actor(alpha), now=NOW
        )


def test_the_same_role_in_two_companies_is_two_memberships(alpha: Tenant) -> None:
    person, one, two = make_account(), new_id(), new_id()
    make_member(Role.PROVIDER_MANAGER, tenant=alpha, account=person, provider_id=one)
    make_member(Role.PROVIDER_MANAGER, tenant=alpha, account=person, provider_id=two)
    assert person.memberships.count() == 2
    acting = queries.actor_for(person, school_id=alpha.school_id, today=NOW.date())
    assert acting.provider_ids == {one, two}


# --- Two at once, on two connections --------------------------------------------------------------


def test_an_invitation_opened_twice_at_once_lets_one_in(committed_alpha: Tenant) -> None:
    invited = operations.invite(
        email="zhao@example.org", name="赵", role=Role.SCHOOL_LEADER, tenant=committed_alpha, by=school_actor(committed_alpha), now=NOW
    )  # fmt: skip
    token = invited.url.rstrip("/").rsplit("/", 1)[1]

    def accept(username: str) -> Callable[[], Any]:
        return lambda: operations.accept_as_new(
            token=token,
            username=username,
            name="赵",
            password="a-long-walk-7",
            school_id=committed_alpha.school_id,
            now=NOW,
        )

    answers = at_once(None, accept("zhao1"), accept("zhao2"))
    assert sorted(type(a).__name__ for a in answers) == ["Account", "InvitationClosed"]
    assert Membership.objects.filter(role=Role.SCHOOL_LEADER, school_id=committed_alpha.school_id).count() == 1


def test_a_ticket_redeemed_twice_at_once_works_once(committed_alpha: Tenant) -> None:
    account = make_account()
    ticket = operations.issue_ticket(
        account_id=account.pk, target_host="alpha.localhost", browser_hash=secrets.digest("n"), next_path="/", methods=[], now=NOW
    )  # fmt: skip

    def redeem() -> Any:
        return operations.redeem_ticket(ticket=ticket, host="alpha.localhost", nonce="n", now=NOW)

    answers = at_once(None, redeem, redeem, redeem)
    assert sum(isinstance(a, TicketRefused) for a in answers) == 2


def test_two_admins_removing_each_other_leave_one(committed_alpha: Tenant) -> None:
    one, two = (make_member(Role.SCHOOL_ADMIN, tenant=committed_alpha) for _ in range(2))

    def remove(whom: Membership, by: Membership) -> Callable[[], Any]:
        return lambda: operations.deactivate_member(
            membership_id=whom.pk, tenant=committed_alpha, by=actor_of(by), now=NOW
        )

    answers = at_once(None, remove(two, one), remove(one, two))
    assert sorted(type(a).__name__ for a in answers) == ["LastAdmin", "Membership"]
    assert (
        Membership.objects.filter(role=Role.SCHOOL_ADMIN, active=True, school_id=committed_alpha.school_id).count() == 1
    )


def test_a_mail_is_sent_by_one_worker_of_two(committed_alpha: Tenant, mailoutbox: list[Any]) -> None:
    from identity import mail

    mail_id = mail.send_on_commit(to="a@example.org", subject="x", body="y")
    later = datetime(2036, 1, 1, tzinfo=UTC)
    answers = at_once(None, *[lambda: mail.deliver(mail_id=mail_id, now=later)] * 3)
    assert answers.count(True) == 1 and len(mailoutbox) == 1


def test_the_initial_password_works_for_signing_in_once_changed_flag_falls(alpha: Tenant) -> None:
    person = make_account(initial_password=True)
    operations.password_changed(account_id=person.pk)
    person.refresh_from_db()
    assert not person.initial_password and person.check_password(PASSWORD)
