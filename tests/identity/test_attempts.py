"""Guessing one account's password from many addresses: slowed for strangers, never for the rightful owner."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.cache import cache, caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identity import attempts, mail, operations
from identity.choices import Role
from identity.contracts import StaffLogin
from identity.models import Account, Limit, Mail
from kernel import clock
from kernel.ids import new_id
from kernel.shared_cache import SharedCache
from kernel.tenancy import Tenant, school_context
from tests import databases
from tests.factories.identity import PASSWORD, make_account, make_member, school_actor

ALPHA, LOCAL = {"host": "alpha.localhost"}, {"host": "localhost"}
pytestmark = pytest.mark.django_db


def sign_in(client: Client, login: str, password: str, address: str = "10.1.1.1", **headers: str) -> Any:
    return client.post(
        "/accounts/login/", {"login": login, "password": password}, headers=headers or LOCAL, REMOTE_ADDR=address
    )


def attack(login: str, times: int, *, start: int = 0, **headers: str) -> list[int]:
    """One wrong password from each of many addresses; the status of each answer."""
    numbers = range(start, start + times)
    return [sign_in(Client(), login, f"guess{n}", f"10.9.{n // 250}.{n % 250}", **headers).status_code for n in numbers]


@pytest.fixture(autouse=True)
def _few(settings: Any) -> None:
    settings.LOCKOUT_ACCOUNT_FAILURES = 3


def owner() -> Account:
    return make_member(Role.INSTITUTE_ADMIN, account=make_account(username="zhou.li", email="zhou@example.org")).account


def test_an_attack_from_two_hundred_addresses_is_slowed_to_twenty_an_hour(settings: Any) -> None:
    settings.LOCKOUT_ACCOUNT_FAILURES = 20
    owner()
    assert attack("zhou.li", 200) == [200] * 20 + [429] * 180
    assert attack("zhou@example.org", 5, start=200) == [429] * 5  # the same person by another name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.contrib.auth.hashers.check_password", lambda *_a, **_k: pytest.fail("looked at"))
        assert attack("zhou.li", 1, start=300) == [429]


def test_the_owner_at_a_new_device_gets_a_sentence_and_a_way_out() -> None:
    owner()
    attack("zhou.li", 4)
    answer = sign_in(Client(), "zhou.li", PASSWORD, "10.2.2.2")
    page = answer.content.decode()
    assert answer.status_code == 429 and 0 < int(answer["Retry-After"]) <= 3600
    assert "可能有人在猜密码" in page and "如果是您本人，不用等" in page and "/accounts/password/reset/" in page


def test_the_owner_is_not_locked_out_where_they_signed_in_before() -> None:
    owner()
    known = Client()
    assert sign_in(known, "zhou.li", PASSWORD).status_code == 302
    cookie = known.cookies["device"]
    assert cookie["httponly"] and cookie["path"] == "/accounts/" and cookie["samesite"] == "Lax"
    known.post("/accounts/logout/", headers=LOCAL)
    attack("zhou.li", 8)
    assert sign_in(known, "zhou.li", PASSWORD).status_code == 302
    other = Client()
    other.cookies["device"] = cookie.value[:-3] + "xyz"  # forged
    assert sign_in(other, "zhou.li", PASSWORD).status_code == 429


def test_a_known_browser_is_known_to_its_own_people_only_and_has_a_budget_too() -> None:
    owner()
    make_member(Role.INSTITUTE_ADMIN, account=make_account(username="wu.ming"))
    attack("zhou.li", 4)
    browser = Client()
    sign_in(browser, "wu.ming", PASSWORD)
    stolen = browser.cookies["device"].value
    browser.post("/accounts/logout/", headers=LOCAL)
    assert sign_in(browser, "zhou.li", PASSWORD).status_code == 429

    def guess(n: int) -> int:
        thief = Client()
        thief.cookies["device"] = stolen
        return int(sign_in(thief, "wu.ming", "guess", f"10.7.0.{n}").status_code)

    assert [guess(n) for n in range(5)] == [200] * 3 + [429] * 2
    assert sign_in(Client(), "wu.ming", PASSWORD).status_code == 302  # the others' budget is untouched


def test_a_new_password_by_mail_opens_this_device_while_the_attack_goes_on(
    alpha: Tenant, mailoutbox: list[Any]
) -> None:
    make_member(tenant=alpha, account=make_account(username="zhou.li", email="zhou@example.org"))
    attack("zhou.li", 4, **ALPHA)
    fresh = Client()
    assert sign_in(fresh, "zhou.li", PASSWORD, **ALPHA).status_code == 429
    fresh.post("/accounts/password/reset/", {"email": "zhou@example.org"}, headers=ALPHA)
    mail.deliver(mail_id=Mail.objects.get().pk, now=clock.now())
    found = re.search(r"http://alpha\.localhost(\S+)", mailoutbox[0].body)
    assert found
    form = fresh.get(found.group(1), headers=ALPHA)["Location"]
    fresh.post(form, {"password1": "new-long-walk-9", "password2": "new-long-walk-9"}, headers=ALPHA)
    attack("zhou.li", 6, start=100, **ALPHA)
    assert sign_in(fresh, "zhou.li", "new-long-walk-9", **ALPHA).status_code == 302
    assert sign_in(Client(), "zhou.li", "new-long-walk-9", "10.3.3.3", **ALPHA).status_code == 429


def test_who_has_no_mail_is_let_in_by_the_admins_new_password(alpha: Tenant) -> None:
    admin, now = school_actor(alpha), clock.now()
    [paper] = operations.open_accounts(staff=[StaffLogin(new_id(), "小陈", "9")], tenant=alpha, by=admin, now=now)
    member = Account.objects.get(pk=paper.account_id).memberships.get()
    attack("9", 4, **ALPHA)
    assert sign_in(Client(), "9", paper.password, **ALPHA).status_code == 429
    fresh = operations.reset_password(membership_id=member.pk, tenant=alpha, by=admin, now=now)
    assert sign_in(Client(), "9", fresh.password, **ALPHA).status_code == 302


def test_the_hour_ends_and_attempts_that_were_refused_do_not_stretch_it(monkeypatch: pytest.MonkeyPatch) -> None:
    owner()
    start = clock.now()
    attack("zhou.li", 4)
    for minutes, answered in ((30, 429), (59, 429), (61, 302)):
        monkeypatch.setattr(clock, "now", lambda m=minutes: start + timedelta(minutes=m))
        assert sign_in(Client(), "zhou.li", PASSWORD, "10.4.4.4").status_code == answered


def test_right_passwords_use_nothing_up_and_others_are_not_slowed() -> None:
    owner()
    make_member(Role.INSTITUTE_ADMIN, account=make_account(username="wu.ming"))
    for n in range(5):
        assert sign_in(Client(), "zhou.li", PASSWORD, f"10.5.0.{n}").status_code == 302
    attack("zhou.li", 4)
    assert sign_in(Client(), "wu.ming", PASSWORD).status_code == 302


def test_a_name_that_nobody_has_is_answered_like_one_that_somebody_has() -> None:
    assert attack("nobody.here", 5) == [200] * 3 + [429] * 2


# --- The counters --------------------------------------------------------------------------------


def test_two_processes_count_together() -> None:
    """Each counts forty; a lost count would show. Their rows are committed, so they are taken away by hand."""
    key = f"test:{new_id()}"
    code = (
        "import django; django.setup()\n"
        "from django.core.cache import cache\n"
        f"print(max(cache.hit({key!r}, seconds=600)[0] for _ in range(40)))"
    )
    env = {
        **os.environ, "DATABASE_URL": databases.url_of(connection.settings_dict["NAME"]),
        "DJANGO_SETTINGS_MODULE": "config.settings", "POOL": "0",
    }  # fmt: skip
    running = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [int(process.communicate(timeout=120)[0].split()[-1]) for process in running]
    try:
        assert max(told) == 80 and cache.get(key) == 80
    finally:
        with psycopg.connect(env["DATABASE_URL"], autocommit=True) as committed:
            committed.execute("DELETE FROM public.identity_limit WHERE key LIKE %s", [f"%{key}"])


def test_two_caches_see_one_another_and_a_school_uses_the_same_table(alpha: Tenant) -> None:
    one, other = caches.create_connection("default"), caches.create_connection("default")  # type: ignore[attr-defined]
    assert isinstance(one, SharedCache) and one is not other
    one.set("a", [1.5, 2.5], 60)
    with school_context(alpha), connection.cursor() as cursor:
        assert other.get("a") == [1.5, 2.5] and not other.add("a", 1, 60) and other.add("b", True, 60)
        cursor.execute("SELECT table_schema FROM information_schema.tables WHERE table_name = 'identity_limit'")
        assert cursor.fetchall() == [("public",)]
    assert one.get("b") is True and one.delete("b") and other.get("b") is None


def test_what_has_expired_is_not_there_and_is_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    start = clock.now()
    cache.set("a", 1, 60)
    cache.set("b", 1, None)
    assert cache.incr("a") == 2 and cache.touch("a", 90)
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(seconds=100))
    assert cache.get("a") is None and not cache.delete("a") and not cache.touch("a", 60)
    with pytest.raises(ValueError, match="not found"):
        cache.incr("a")
    assert attempts.sweep(now=clock.now()) == 1 and Limit.objects.count() == 1
    assert cache.add("a", 5, 60) and cache.get("a") == 5


def test_each_call_is_one_statement() -> None:
    cache.get("warm")
    with CaptureQueriesContext(connection) as seen:
        cache.set("a", 1, 60)
        cache.add("a", 2, 60)
        cache.get("a")
        cache.incr("a")
        cache.hit("a", seconds=60)  # type: ignore[attr-defined]
        cache.delete("a")
    assert len(seen) == 6


def test_the_limits_are_not_written_ahead_and_live_in_the_table() -> None:
    assert django_settings.CACHES["default"]["BACKEND"] == "kernel.shared_cache.SharedCache"
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE oid = 'public.identity_limit'::regclass")
        assert cursor.fetchone() == ("u",)
    sign_in(Client(), "nobody", "wrong")
    assert Limit.objects.filter(key__contains="allauth").exists()
