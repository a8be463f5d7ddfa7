"""送达: a call that did not arrive is held against nobody, and a hook that is told of every call, against a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from identity.choices import Role
from kernel import clock, outbound
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.duty import operations, queries, webhooks
from tenants.duty.choices import Outcome
from tenants.duty.models import Call, DeliveryHook, DutyPost, Summons
from tenants.findings.models import Finding
from tenants.notices.models import Notice
from tests.factories.duty import Guard, close, make_duty_post, make_guard, make_sent, sign_on
from tests.factories.findings import make_member
from workers.tasks import duty as tasks

NOW = clock.now()


def at(minute: float) -> datetime:
    return NOW + timedelta(minutes=minute)


@pytest.fixture
def duty(alpha: Tenant) -> DutyPost:
    return make_duty_post(name="1号公寓值班室", off_post_after=1)


@pytest.fixture
def guard(alpha: Tenant, duty: DutyPost) -> Guard:
    found = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, found, now=at(-60))
    return found


class Gateway:
    """A school's own service, listening on this machine."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []  # in turn; then 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
                status = outer.answers.pop(0) if outer.answers else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_address[1]}/calls?school=alpha"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def gateway(settings: Any) -> Iterator[Gateway]:
    settings.OUTBOUND_PRIVATE_HOSTS = ["localhost"]
    found = Gateway()
    yield found
    found.server.shutdown()
    found.server.server_close()


def hooked(alpha: Tenant, url: str) -> str:
    return operations.set_hook(
        url=url, active=True, by=make_member(alpha, Role.SCHOOL_ADMIN), tenant=alpha, now=NOW
    ).secret


def deliver(alpha: Tenant) -> int:
    return int(tasks.deliver.run(tenant=alpha))


# --- what did not arrive ---


def test_a_call_that_did_not_arrive_is_no_off_post_until_a_human_says_so(
    alpha: Tenant, guard: Guard, duty: DutyPost
) -> None:
    supervisor = make_member(alpha)
    call = close(alpha, make_sent(alpha, duty, now=NOW, reached=False))
    assert (call.outcome, call.off_post, Finding.objects.exists()) == (Outcome.TIMEOUT, False, False)
    asked = Notice.objects.filter(account_id=supervisor.account_id, kind="todo", title__contains="没有送达")
    assert asked.count() == 1
    assert [row.pk for row in queries.calls(by=supervisor, tz=alpha.tz, unreached=True)] == [call.pk]
    operations.judge_call(
        call_id=call.pk, outcome=Outcome.TIMEOUT, note="到场查看，无人", by=supervisor, tenant=alpha, now=at(10)
    )
    call.refresh_from_db()
    assert (call.off_post, Finding.objects.count()) == (True, 1)
    assert not queries.calls(by=supervisor, tz=alpha.tz, unreached=True).exists()


def test_what_arrived_a_minute_before_the_end_did_not_arrive_in_time(
    alpha: Tenant, guard: Guard, duty: DutyPost
) -> None:
    call = make_sent(alpha, duty, now=NOW, reached=False)
    operations.acknowledge_call(call_id=call.pk, by=guard.actor, tenant=alpha, now=at(4))
    assert not close(alpha, call).off_post


def test_a_page_that_shows_the_call_makes_it_count(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    call = make_sent(alpha, duty, now=NOW, reached=False)
    for minute in (1, 2):
        operations.acknowledge_call(call_id=call.pk, by=guard.actor, tenant=alpha, now=at(minute))
    one = Summons.objects.get()
    assert (one.delivered_at, one.delivered_by) == (at(1), "phone")
    assert close(alpha, call).off_post


def test_nobody_acknowledges_for_another(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    call = make_sent(alpha, duty, now=NOW, reached=False)
    colleague = make_guard(alpha, party=duty.post.party, name="周保安")
    with pytest.raises(NotFound):
        operations.acknowledge_call(call_id=call.pk, by=colleague.actor, tenant=alpha, now=at(1))
    with pytest.raises(NotAllowed):
        operations.acknowledge_call(call_id=call.pk, by=make_member(alpha), tenant=alpha, now=at(1))
    assert Summons.objects.get().delivered_at is None


# --- the hook ---


def test_the_hook_is_told_of_each_summons_signed_and_without_a_telephone_number(
    alpha: Tenant, guard: Guard, duty: DutyPost, gateway: Gateway
) -> None:
    secret = hooked(alpha, gateway.url)
    call = make_sent(alpha, duty, now=clock.now(), reached=False)
    assert deliver(alpha) == 1
    assert deliver(alpha) == 0  # told once
    [(heads, body)] = gateway.heard
    assert webhooks.verified(
        secret=secret, message_id=heads["webhook-id"], timestamp=heads["webhook-timestamp"],
        signatures=heads["webhook-signature"], body=body, now=clock.now(),
    )  # fmt: skip
    said = json.loads(body)
    assert said["data"]["person"] == {"number": guard.staff.number, "name": guard.staff.name}
    assert said["data"]["url"].endswith(f"/m/duty/calls/{call.pk}/")
    assert "phone" not in body.decode()
    one = Summons.objects.get()
    assert (one.delivered_by, one.hook_at, one.hook_note) == ("hook", None, "HTTP 200")
    assert close(alpha, call).off_post


def test_a_gateway_that_only_took_it_has_delivered_nothing(
    alpha: Tenant, guard: Guard, duty: DutyPost, gateway: Gateway
) -> None:
    hooked(alpha, gateway.url)
    gateway.answers = [202]
    call = make_sent(alpha, duty, now=clock.now(), reached=False)
    assert (deliver(alpha), deliver(alpha)) == (1, 0)
    one = Summons.objects.get()
    assert (one.delivered_at, one.hook_at) == (None, None)
    assert not close(alpha, call).off_post


def test_a_failed_try_is_made_again_with_the_same_id(
    alpha: Tenant, guard: Guard, duty: DutyPost, gateway: Gateway
) -> None:
    hooked(alpha, gateway.url)
    gateway.answers = [503, 302]
    make_sent(alpha, duty, now=clock.now(), reached=False)
    assert deliver(alpha) == 0
    one = Summons.objects.get()
    assert one.hook_at is not None and one.hook_at > clock.now()  # not at once
    for _ in range(2):
        Summons.objects.update(hook_at=clock.now())
        deliver(alpha)
    one.refresh_from_db()
    assert (one.delivered_by, one.hook_tries) == ("hook", 3)
    assert len({heads["webhook-id"] for heads, _body in gateway.heard}) == 1  # and the redirect was not followed
    hook = DeliveryHook.objects.get()
    assert hook.last_ok_at and hook.last_failed_at


def test_no_try_after_the_deadline_or_after_the_answer(
    alpha: Tenant, guard: Guard, duty: DutyPost, gateway: Gateway
) -> None:
    hooked(alpha, gateway.url)
    call = make_sent(alpha, duty, now=clock.now(), reached=False)
    Call.objects.filter(pk=call.pk).update(deadline=clock.now() - timedelta(seconds=1))
    assert deliver(alpha) == 0
    assert (gateway.heard, Summons.objects.get().hook_at) == ([], None)


def test_a_dead_gateway_holds_up_nothing(
    alpha: Tenant, guard: Guard, duty: DutyPost, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTBOUND_PRIVATE_HOSTS = ["localhost"]
    hooked(alpha, "http://localhost:1/")
    make_sent(alpha, duty, now=clock.now(), reached=False)
    for n in range(5):
        other = make_duty_post()
        sign_on(alpha, other, make_guard(alpha, party=other.post.party, name=f"保安{n}"), now=at(-60))
        make_sent(alpha, other, now=clock.now(), reached=False)
    tried: list[str] = []
    real = outbound.post

    def post(url: str, **given: Any) -> outbound.Reply:
        tried.append(url)
        return real(url, **given)

    monkeypatch.setattr(outbound, "post", post)
    assert deliver(alpha) == 0
    assert len(tried) == 3  # then the rest waits for the next round
    assert Summons.objects.filter(hook_note="连接失败", hook_at__isnull=False).count() == 3


def test_without_a_hook_nothing_is_sent(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    make_sent(alpha, duty, now=clock.now(), reached=False)
    assert operations.due_deliveries(tenant=alpha, now=at(60)) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "https://", "https://user:pass@example.com/", "nonsense",
        "https://example.com:99999/", "https://example.com/a b", "https://例子.公司/",
    ],
)  # fmt: skip
def test_only_https_addresses_are_kept(alpha: Tenant, url: str) -> None:
    by = make_member(alpha, Role.SCHOOL_ADMIN)
    with pytest.raises(Invalid):
        operations.set_hook(url=url, active=True, by=by, tenant=alpha, now=NOW)
    assert not DeliveryHook.objects.exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.8", "169.254.169.254", "[::1]", "0.0.0.0"])
def test_nothing_is_sent_into_the_platforms_own_network(host: str) -> None:
    with pytest.raises(outbound.AddressRefused):
        outbound.post(f"https://{host}/", body=b"{}", headers={})


def test_admins_alone_name_the_hook_and_see_the_secret_once(alpha: Tenant) -> None:
    for role in (Role.SCHOOL_SUPERVISOR, Role.SCHOOL_LEADER, Role.FRONTLINE):
        with pytest.raises(NotAllowed):
            operations.set_hook(
                url="https://hook.example/", active=True, by=make_member(alpha, role), tenant=alpha, now=NOW
            )
    assert hooked(alpha, "https://hook.example/").startswith("whsec_")
    assert hooked(alpha, "https://hook.example/2") == ""
    by = make_member(alpha, Role.SCHOOL_ADMIN)
    fresh = operations.set_hook(
        url="https://hook.example/2", active=False, new_secret=True, by=by, tenant=alpha, now=NOW
    )
    assert fresh.secret and not operations.delivery.hook_is_on()
    with pytest.raises(NotAllowed):
        queries.delivery_hook(by=make_member(alpha, Role.FRONTLINE))
