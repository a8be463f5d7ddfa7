"""Between hosts without a second password: tickets are bound, short-lived and work once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from identity import operations, secrets
from identity.choices import Role
from identity.models import Ticket
from identity.operations import TicketRefused
from institute.schools.choices import SchoolStatus
from institute.schools.models import School
from kernel.tenancy import Tenant
from tests.factories.identity import make_account, make_member
from tests.identity.test_sign_in import ALPHA, BETA, LOCAL, sign_in

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def issue(account_id: object, **changes: object) -> str:
    values = {
        "account_id": account_id, "target_host": "beta.localhost", "browser_hash": secrets.digest("nonce"),
        "next_path": "/x/", "methods": [{"method": "password"}], "now": NOW,
    }  # fmt: skip
    return operations.issue_ticket(**{**values, **changes})  # type: ignore[arg-type]


def redeem(ticket: str, **changes: object) -> object:
    values = {"ticket": ticket, "host": "beta.localhost", "nonce": "nonce", "now": NOW}
    return operations.redeem_ticket(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.django_db
def test_a_ticket_works_once_and_only_its_hash_is_kept() -> None:
    account = make_account()
    ticket = issue(account.pk)
    assert ticket.split(":")[0] not in str(Ticket.objects.values().get())
    arrival = redeem(ticket)
    assert (arrival.account_id, arrival.next_path) == (account.pk, "/x/")
    with pytest.raises(TicketRefused):
        redeem(ticket)


@pytest.mark.parametrize(
    "changes",
    [
        {"now": NOW + timedelta(seconds=30)},
        {"host": "alpha.localhost"},
        {"host": "localhost"},
        {"nonce": ""},
        {"nonce": "another browser"},
    ],
)
@pytest.mark.django_db
def test_late_elsewhere_or_in_another_browser_it_is_refused(changes: dict[str, object]) -> None:
    ticket = issue(make_account().pk)
    with pytest.raises(TicketRefused):
        redeem(ticket, **changes)


@pytest.mark.django_db
def test_a_forged_ticket_or_a_switched_off_account_is_refused() -> None:
    account = make_account()
    ticket = issue(account.pk)
    for forged in ("", "x", ticket[:-1] + ("A" if ticket[-1] != "A" else "B"), "x" + ticket, secrets.new_secret()):
        with pytest.raises(TicketRefused):
            redeem(forged)
    account.is_active = False
    account.save()
    with pytest.raises(TicketRefused):
        redeem(ticket)


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil", "javascript:x", "/a\r\nb", ""])
@pytest.mark.django_db
def test_next_stays_on_the_host(path: str) -> None:
    assert redeem(issue(make_account().pk, next_path=path)).next_path == "/"


def _follow(client: Client, url: str) -> object:
    """One step: the address on whichever host it names, with the cookies a browser would send there."""
    parts = urlsplit(url)
    return client.get(f"{parts.path}?{parts.query}", headers={"host": parts.netloc})


class Browser:
    """Keeps cookies per host, as browsers do."""

    def __init__(self) -> None:
        self.jars: dict[str, Client] = {}

    def on(self, host: str) -> Client:
        return self.jars.setdefault(host, Client())

    def go(self, url: str) -> object:
        return _follow(self.on(urlsplit(url).netloc), url)


def test_from_the_public_host_to_a_school_and_back(alpha: Tenant, beta: Tenant) -> None:
    person = make_account(username="both")
    make_member(Role.INSTITUTE_ANALYST, account=person)
    make_member(Role.SCHOOL_LEADER, tenant=beta, account=person)
    browser = Browser()
    assert sign_in(browser.on("localhost"), "both").status_code == 302
    page = browser.on("localhost").get("/accounts/spaces/", headers=LOCAL).content.decode()
    assert "乙学院" in page and "甲大学" not in page
    first = browser.go("http://beta.localhost/accounts/enter/?from=localhost&next=/%3Fa%3D1")
    second = browser.go(first["Location"])
    third = browser.go(second["Location"])
    assert (first.status_code, second.status_code, third.status_code) == (302, 302, 302)
    assert urlsplit(second["Location"]).netloc == "beta.localhost"
    assert third["Location"] == "/?a=1"
    assert browser.on("beta.localhost").get("/", headers=BETA).status_code == 200
    public, school = (browser.on(h).cookies["sessionid"].value for h in ("localhost", "beta.localhost"))
    assert public != school and browser.on("beta.localhost").cookies["sessionid"]["domain"] == ""
    # The ticket in the address is spent, also in the same browser.
    assert browser.go(second["Location"]).status_code == 422


def test_a_ticket_made_for_my_browser_signs_nobody_else_in(alpha: Tenant, beta: Tenant) -> None:
    """Login CSRF: a link with the attacker's own ticket does nothing in the victim's browser."""
    make_member(tenant=beta, account=make_account(username="attacker"))
    attacker, victim = Browser(), Browser()
    sign_in(attacker.on("localhost"), "attacker")
    link = attacker.go(attacker.go("http://beta.localhost/accounts/enter/?from=localhost")["Location"])["Location"]
    assert victim.go(link).status_code == 422
    assert victim.on("beta.localhost").get("/", headers=BETA).status_code == 302


@pytest.mark.django_db
def test_who_is_not_signed_in_is_sent_to_sign_in() -> None:
    browser = Browser()
    answer = browser.go(browser.go("http://beta.localhost/accounts/enter/?from=localhost&next=/x/")["Location"])
    assert answer["Location"] == "http://beta.localhost/accounts/login/?next=%2Fx%2F"
    assert not Ticket.objects.exists()


@pytest.mark.parametrize("source", ["evil.example", "evil.localhost", "beta.localhost", "localhost.evil.example"])
@pytest.mark.django_db
def test_only_our_own_hosts_are_asked(source: str) -> None:
    answer = Client().get(f"/accounts/enter/?from={source}", headers=BETA)
    assert urlsplit(answer["Location"]).netloc in ("beta.localhost", "")


@pytest.mark.parametrize("target", ["evil.example", "nobody.localhost", "localhost", ""])
def test_no_ticket_is_made_for_other_hosts(alpha: Tenant, client: Client, target: str) -> None:
    client.force_login(make_member(Role.INSTITUTE_ADMIN).account)
    answer = client.get(f"/accounts/handover/?to={target}&state={'a' * 64}", headers=LOCAL)
    assert answer.status_code == 422 and not Ticket.objects.exists()


def test_the_second_factor_is_carried_or_asked_for(alpha: Tenant, beta: Tenant) -> None:
    person = make_account(username="both")
    make_member(tenant=beta, account=person)
    browser = Browser()
    sign_in(browser.on("localhost"), "both")
    from allauth.mfa.totp.internal.auth import TOTP

    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    assert Authenticator.objects.filter(user=person).exists()
    start = "http://beta.localhost/accounts/enter/?from=localhost"
    arrived = browser.go(browser.go(browser.go(start)["Location"])["Location"])
    assert arrived["Location"] == "/accounts/2fa/authenticate/"
    assert browser.on("beta.localhost").get("/", headers=BETA).status_code == 302

    session = browser.on("localhost").session
    session["account_authentication_methods"] += [{"method": "mfa", "at": 1.0, "type": "totp"}]
    session.save()
    fresh = Browser()
    fresh.jars["localhost"] = browser.on("localhost")
    arrived = fresh.go(fresh.go(fresh.go(start)["Location"])["Location"])
    assert arrived["Location"] == "/"
    assert "mfa" in str(fresh.on("beta.localhost").session["account_authentication_methods"])


def test_a_suspended_school_is_shown_as_such_and_cannot_be_entered(alpha: Tenant, client: Client) -> None:
    person = make_account()
    make_member(tenant=alpha, account=person)
    make_member(Role.INSTITUTE_ADMIN, account=person)
    School.objects.filter(pk=alpha.school_id).update(status=SchoolStatus.SUSPENDED)
    client.force_login(person)
    page = client.get("/accounts/spaces/", headers=LOCAL).content.decode()
    assert "已停用，暂时不能进入" in page and "alpha.localhost" not in page


def test_spaces_cost_one_query_however_many(alpha: Tenant, beta: Tenant, django_assert_num_queries: object) -> None:
    from institute.schools.spaces import spaces_of

    person = make_account()
    for role in (Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER):
        make_member(role, tenant=alpha, account=person)
    make_member(Role.SCHOOL_LEADER, tenant=beta, account=person)
    make_member(Role.INSTITUTE_ADMIN, account=person)
    with django_assert_num_queries(1):
        spaces = spaces_of(person.pk, today=NOW.date())
    assert {s.name: len(s.roles) for s in spaces} == {"甲大学": 2, "乙学院": 1, "": 1}


def test_the_enter_link_of_a_signed_in_person_just_goes_on(alpha: Tenant, client: Client) -> None:
    client.force_login(make_member(tenant=alpha).account)
    answer = client.get("/accounts/enter/?next=/members/", headers=ALPHA)
    assert answer["Location"] == "/members/"
    assert parse_qs(urlsplit(answer["Location"]).query) == {}
