"""Signing in, out, and what a session is good for."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from identity import mail, operations
from identity.choices import Role
from identity.models import Account, Mail
from kernel import clock, crypto, jobs
from kernel.tenancy import Tenant
from tests.factories.identity import PASSWORD, make_account, make_member

ALPHA = {"host": "alpha.localhost"}
BETA = {"host": "beta.localhost"}
LOCAL = {"host": "localhost"}


@pytest.fixture(autouse=True)
def _fresh_limits(db: None) -> None:
    cache.clear()


@pytest.fixture
def jobs_sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the jobs told to the worker after commit."""
    sent: list[str] = []
    monkeypatch.setattr(jobs, "_sender", [lambda name, payload: sent.append(name)])
    return sent


def sign_in(client: Client, login: str, password: str = PASSWORD, *, headers: dict[str, str] = LOCAL) -> object:
    return client.post("/accounts/login/", {"login": login, "password": password}, headers=headers)


def code_of(secret: str) -> str:
    """What a phone would show now."""
    counter = next(iter(yield_hotp_counters_from_time()))
    return format_hotp_value(hotp_value(secret, counter))


def body_of(row: Mail) -> str:
    return crypto.unseal(row.body_sealed, schema="public", context="identity_mail.body")


@pytest.mark.parametrize("login", ["zhou.li", "ZHOU.LI", "zhou@example.org", "Zhou@Example.org"])
@pytest.mark.django_db
def test_login_name_or_mail_address(client: Client, login: str) -> None:
    make_member(Role.INSTITUTE_ADMIN, account=make_account(username="zhou.li", email="zhou@example.org"))
    answer = sign_in(client, login)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/arrived/")
    assert client.get("/accounts/arrived/", headers=LOCAL)["Location"] == "/institute/"


def test_a_wrong_password_says_so_in_chinese(alpha: Tenant, client: Client) -> None:
    make_account(username="zhou.li")
    answer = sign_in(client, "zhou.li", "nonsense")
    assert answer.status_code == 200
    assert "不正确" in answer.content.decode()
    assert client.get("/accounts/spaces/", headers=LOCAL).status_code == 302


def test_the_staff_number_is_enough_on_the_schools_host(alpha: Tenant, beta: Tenant, client: Client) -> None:
    make_member(Role.FRONTLINE, tenant=alpha, account=make_account(username="alpha.0042"))
    assert sign_in(client, "0042", headers=BETA).status_code == 200
    assert sign_in(client, "0042", headers=ALPHA).status_code == 302


def test_a_staff_number_cannot_be_taken_away_by_a_login_name(alpha: Tenant, client: Client) -> None:
    own = make_account(username="alpha.0042")
    make_account(username="0042")
    client.post("/accounts/login/", {"login": "0042", "password": PASSWORD}, headers=ALPHA)
    assert client.session["_auth_user_id"] == str(own.pk)


def test_a_wrong_next_never_leaves_the_host(alpha: Tenant, client: Client) -> None:
    make_account(username="zhou.li")
    answer = client.post(
        "/accounts/login/?next=http://beta.localhost/",
        {"login": "zhou.li", "password": PASSWORD, "next": "https://evil.example/"},
        headers=LOCAL,
    )
    assert answer["Location"] == "/accounts/arrived/"


def test_an_inactive_account_does_not_get_in(alpha: Tenant, client: Client) -> None:
    make_member(tenant=alpha, account=make_account(username="gone", is_active=False))
    answer = sign_in(client, "gone", headers=ALPHA)
    assert "_auth_user_id" not in client.session
    assert answer.status_code in (200, 302)


def test_an_account_switched_off_is_out_at_once(alpha: Tenant, client: Client) -> None:
    member = make_member(tenant=alpha)
    client.force_login(member.account)
    assert client.get("/accounts/security/", headers=ALPHA).status_code == 200
    Account.objects.update(is_active=False)
    assert client.get("/accounts/security/", headers=ALPHA).status_code == 302


def test_a_membership_that_ended_yesterday_opens_nothing(alpha: Tenant, client: Client) -> None:
    yesterday = clock.now().astimezone(clock.SHANGHAI).date() - timedelta(days=1)
    member = make_member(tenant=alpha, ends_on=yesterday)
    client.force_login(member.account)
    assert client.get("/", headers=ALPHA).status_code == 403
    member.ends_on = yesterday + timedelta(days=1)
    member.save()
    assert client.get("/", headers=ALPHA).status_code == 200


def test_signing_in_changes_the_session_key(alpha: Tenant, client: Client) -> None:
    """A key planted before sign-in is worth nothing after it (session fixation)."""
    make_account(username="zhou.li")
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    sign_in(client, "zhou.li")
    assert client.session.session_key != planted
    assert not Session.objects.filter(session_key=planted).exists()


def test_a_cookie_carried_to_another_host_is_nobody(alpha: Tenant, beta: Tenant, client: Client) -> None:
    person = make_account(username="both")
    for tenant in (alpha, beta):
        make_member(tenant=tenant, account=person)
    make_member(Role.INSTITUTE_ADMIN, account=person)
    sign_in(client, "both", headers=ALPHA)
    assert client.get("/", headers=ALPHA).status_code == 200
    assert client.get("/", headers=BETA).status_code == 302
    assert client.get("/institute/", headers=LOCAL).status_code == 302
    assert client.get("/", headers=ALPHA).status_code == 200


def test_nobody_signs_up(alpha: Tenant, client: Client) -> None:
    for verb in (client.get, client.post):
        answer = verb("/accounts/signup/", headers=LOCAL)
        assert answer.status_code == 404 and "不开放自助注册" in answer.content.decode()
    assert client.get("/accounts/email/", headers=LOCAL).status_code == 404


def test_five_wrong_passwords_lock_the_account_for_that_address(alpha: Tenant, client: Client) -> None:
    make_account(username="zhou.li", email="zhou@example.org")
    logins = ["zhou.li", "zhou@example.org", "ZHOU.LI", "zhou.li", "zhou.li"]
    answers = [sign_in(client, login, "wrong") for login in logins]
    assert [a.status_code for a in answers] == [200, 200, 200, 200, 429]
    locked = sign_in(client, "zhou@example.org")
    assert locked.status_code == 429 and 0 < int(locked["Retry-After"]) <= 15 * 60
    page = locked.content.decode()
    assert "锁定 15 分钟" in page and "之后再试" in page
    assert "_auth_user_id" not in client.session


def test_the_lock_ends_and_others_are_not_locked(alpha: Tenant, client: Client) -> None:
    make_account(username="zhou.li")
    make_account(username="wu.ming")
    for _ in range(5):
        sign_in(client, "zhou.li", "wrong")
    elsewhere = client.post(
        "/accounts/login/", {"login": "zhou.li", "password": PASSWORD}, headers=LOCAL, REMOTE_ADDR="10.9.9.9"
    )
    assert elsewhere.status_code == 302
    client.logout()
    assert sign_in(client, "wu.ming").status_code == 302
    client.logout()
    assert sign_in(client, "zhou.li").status_code in (302, 429)
    AccessAttempt.objects.update(attempt_time=clock.now() - timedelta(minutes=16))
    assert sign_in(client, "zhou.li").status_code == 302


def test_a_flood_gets_a_chinese_page(alpha: Tenant, client: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
    answers = [sign_in(client, f"nobody{n}", "wrong") for n in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert "等五分钟" in answers[-1].content.decode()


def test_a_reset_mail_leads_to_a_new_password_once(alpha: Tenant, client: Client, mailoutbox: list) -> None:
    person = make_member(tenant=alpha, account=make_account(username="zhou.li", email="zhou@example.org")).account
    other = Client()
    other.force_login(person)
    assert other.get("/", headers=ALPHA).status_code == 200
    client.post("/accounts/password/reset/", {"email": "ZHOU@example.org"}, headers=ALPHA)
    row = Mail.objects.get()
    assert row.to == "zhou@example.org" and "重设" in row.subject
    assert mail.deliver(mail_id=row.pk, now=clock.now()) and len(mailoutbox) == 1
    url = re.search(r"http://alpha\.localhost\S+", mailoutbox[0].body).group()
    path = url.removeprefix("http://alpha.localhost")
    form = client.get(path, headers=ALPHA)["Location"]
    done = client.post(form, {"password1": "new-long-walk-9", "password2": "new-long-walk-9"}, headers=ALPHA)
    assert done.status_code == 302
    person.refresh_from_db()
    assert person.check_password("new-long-walk-9")
    assert other.get("/", headers=ALPHA).status_code == 302  # every other session has ended
    assert "已失效" in Client().get(path, headers=ALPHA).content.decode()


def test_a_reset_for_an_unknown_address_sends_nothing_and_looks_the_same(alpha: Tenant, client: Client) -> None:
    answer = client.post("/accounts/password/reset/", {"email": "nobody@example.org"}, headers=LOCAL)
    assert answer.status_code == 302 and not Mail.objects.exists()


def test_the_second_factor_from_start_to_recovery(
    alpha: Tenant, client: Client, django_capture_on_commit_callbacks: Any, jobs_sent: list[str]
) -> None:
    person = make_member(tenant=alpha, account=make_account(username="zhou.li", email="zhou@example.org")).account
    sign_in(client, "zhou.li", headers=ALPHA)
    asked = client.get("/accounts/2fa/totp/activate/", headers=ALPHA)["Location"]
    assert asked.startswith("/accounts/reauthenticate/")
    assert client.post(asked, {"password": "wrong"}, headers=ALPHA).status_code == 200
    assert client.post(asked, {"password": PASSWORD}, headers=ALPHA).status_code == 302
    page = client.get("/accounts/2fa/totp/activate/", headers=ALPHA)
    assert page.status_code == 200, page["Location"]
    secret = page.context["form"].secret
    wrong = client.post("/accounts/2fa/totp/activate/", {"code": "000000"}, headers=ALPHA)
    assert "验证码不正确" in wrong.content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        done = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)}, headers=ALPHA)
    assert done["Location"] == "/accounts/2fa/recovery-codes/"
    stored = Authenticator.objects.get(user=person, type="totp")
    assert secret not in str(stored.data)  # sealed at rest
    assert TOTP(stored).validate_code(code_of(secret))
    assert "两步验证已启用" in Mail.objects.get().subject and jobs_sent == ["identity.deliver_mail"]
    codes = RecoveryCodes(Authenticator.objects.get(user=person, type="recovery_codes")).get_unused_codes()
    assert codes[0] in client.get("/accounts/2fa/recovery-codes/", headers=ALPHA).content.decode()

    fresh = Client()
    assert sign_in(fresh, "zhou.li", headers=ALPHA)["Location"] == "/accounts/2fa/authenticate/"
    assert fresh.get("/", headers=ALPHA).status_code == 302  # the password alone opens nothing
    assert fresh.post("/accounts/2fa/authenticate/", {"code": "123456"}, headers=ALPHA).status_code == 200
    assert fresh.post("/accounts/2fa/authenticate/", {"code": codes[0]}, headers=ALPHA).status_code == 302
    assert fresh.get("/", headers=ALPHA).status_code == 200

    again = Client()
    sign_in(again, "zhou.li", headers=ALPHA)
    assert again.post("/accounts/2fa/authenticate/", {"code": codes[0]}, headers=ALPHA).status_code == 200  # used up


def test_an_initial_password_must_be_changed_first(alpha: Tenant, client: Client) -> None:
    person = make_account(username="alpha.7", initial_password=True)
    make_member(Role.FRONTLINE, tenant=alpha, account=person)
    sign_in(client, "7", headers=ALPHA)
    assert client.get("/", headers=ALPHA)["Location"] == "/accounts/password/change/"
    asked = client.get("/", headers={**ALPHA, "HX-Request": "true"})
    assert asked["HX-Redirect"] == "/accounts/password/change/"
    client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "my-own-walk-3", "password2": "my-own-walk-3"},
        headers=ALPHA,
    )
    assert client.get("/", headers=ALPHA).headers.get("Location", "") in ("", "/m/")


def test_signing_out_everywhere_ends_every_session(alpha: Tenant) -> None:
    member = make_member(tenant=alpha)
    one, two = Client(), Client()
    one.force_login(member.account)
    two.force_login(member.account)
    assert two.get("/", headers=ALPHA).status_code == 200
    one.post("/accounts/security/sign-out/", headers=ALPHA)
    assert (one.get("/", headers=ALPHA).status_code, two.get("/", headers=ALPHA).status_code) == (302, 302)


def test_admins_are_urged_to_use_a_second_factor(alpha: Tenant, client: Client) -> None:
    client.force_login(make_member(Role.SCHOOL_ADMIN, tenant=alpha).account)
    client.get("/accounts/arrived/", headers=ALPHA)
    assert "两步验证" in client.get("/accounts/spaces/", headers=ALPHA).content.decode()
    assert "您是管理员" in client.get("/accounts/security/", headers=ALPHA).content.decode()
    other = Client()
    other.force_login(make_member(Role.FRONTLINE, tenant=alpha).account)
    assert "您是管理员" not in other.get("/accounts/security/", headers=ALPHA).content.decode()


def test_reset_by_admin_only_for_the_schools_own_frontline(alpha: Tenant, beta: Tenant) -> None:
    from identity.contracts import StaffLogin
    from kernel.errors import NotAllowed
    from kernel.ids import new_id
    from tests.factories.identity import school_actor

    admin = school_actor(alpha)
    now = clock.now()
    [paper] = operations.open_accounts(staff=[StaffLogin(new_id(), "小陈", "9")], tenant=alpha, by=admin, now=now)
    member = Account.objects.get(pk=paper.account_id).memberships.get()
    fresh = operations.reset_password(membership_id=member.pk, tenant=alpha, by=admin, now=now)
    assert fresh.password != paper.password
    make_member(Role.FRONTLINE, tenant=beta, account=Account.objects.get(pk=paper.account_id))
    with pytest.raises(NotAllowed):
        operations.reset_password(membership_id=member.pk, tenant=alpha, by=admin, now=now)
