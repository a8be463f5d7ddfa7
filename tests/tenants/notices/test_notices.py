"""The inbox and its mail digest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from identity.contracts import Actor
from identity.models import Account, Mail
from kernel import clock
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.findings.operations import escalate_overdue
from tenants.notices import operations, queries
from tenants.notices.models import Notice
from tests.factories.findings import make_finding, make_member

NOW = clock.now()


def tell(alpha: Tenant, *people: Actor, occasion: str = "x", mail: bool = False, now=NOW) -> None:
    operations.notify(
        account_ids=[p.account_id for p in people], kind="info", title="标题", path="/findings/", occasion=occasion,
        subject=Account(pk=people[0].account_id), now=now, mail=mail,
    )  # fmt: skip


def test_the_same_occasion_is_told_once(alpha: Tenant) -> None:
    one, two = make_member(alpha), make_member(alpha)
    tell(alpha, one, two)
    tell(alpha, one)
    assert Notice.objects.count() == 2
    assert (queries.unread_count(one), queries.unread_count(Actor.anonymous())) == (1, 0)


def test_an_inbox_is_ones_own(alpha: Tenant, django_assert_num_queries) -> None:
    one, two = make_member(alpha), make_member(alpha)
    tell(alpha, one)
    notice = Notice.objects.get()
    with pytest.raises(NotFound):
        queries.one(notice_id=notice.pk, by=two)
    assert operations.mark_read(by=two, now=NOW, notice_id=notice.pk) == 0
    with pytest.raises(NotAllowed):
        queries.inbox(by=Actor.anonymous())
    assert operations.mark_read(by=one, now=NOW) == 1 and operations.mark_read(by=one, now=NOW) == 0
    with django_assert_num_queries(1):
        assert queries.unread_count(one) == 0


def test_what_came_before_is_read_and_what_came_since_is_not(alpha: Tenant) -> None:
    one = make_member(alpha)
    tell(alpha, one, occasion="old")
    tell(alpha, one, occasion="new")
    Notice.objects.filter(occasion__startswith="old").update(created_at=NOW - timedelta(days=3))
    Notice.objects.filter(occasion__startswith="new").update(created_at=NOW)
    assert operations.mark_read(by=one, now=NOW, until=NOW - timedelta(days=2)) == 1
    assert queries.unread_count(one) == 1


def test_a_digest_holds_all_and_is_sent_once(alpha: Tenant) -> None:
    one, silent = make_member(alpha), make_member(alpha)
    Account.objects.filter(pk=silent.account_id).update(email="")
    tell(alpha, one, silent, occasion="a", mail=True)
    tell(alpha, one, occasion="b", mail=True)
    tell(alpha, one, occasion="c")  # in the app only
    assert operations.mail_digests(tenant=alpha, now=NOW) == 1
    mail = Mail.objects.get()
    assert mail.subject == f"【{alpha.name}】标题 等 2 条提醒"
    assert operations.mail_digests(tenant=alpha, now=NOW + timedelta(hours=2)) == 0
    tell(alpha, one, occasion="d", mail=True)
    assert operations.mail_digests(tenant=alpha, now=NOW + timedelta(minutes=30)) == 0  # not twice within the hour
    assert operations.mail_digests(tenant=alpha, now=NOW + timedelta(minutes=61)) == 1


def test_what_was_read_meanwhile_is_not_mailed(alpha: Tenant) -> None:
    one = make_member(alpha)
    tell(alpha, one, mail=True)
    operations.mark_read(by=one, now=NOW)
    assert operations.mail_digests(tenant=alpha, now=NOW) == 0 and not Mail.objects.exists()


def test_an_escalation_reaches_the_mail(alpha: Tenant) -> None:
    supervisor = make_member(alpha)
    found = make_finding(alpha, by=supervisor, now=NOW)
    late = found.deadline + timedelta(hours=1)
    escalate_overdue(tenant=alpha, now=late)
    assert operations.mail_digests(tenant=alpha, now=late) == 1
    assert "整改超期 1 小时" in Mail.objects.get().subject


def test_the_sweeps_run_in_every_open_school(alpha: Tenant, django_capture_on_commit_callbacks) -> None:
    from workers.beat import SCHEDULE
    from workers.celery import app

    asked: list[tuple[str, str]] = []
    from kernel import jobs

    sender = jobs._sender[0]
    jobs.register_sender(lambda name, payload: asked.append((name, payload["schema"])))
    try:
        with django_capture_on_commit_callbacks(execute=True):
            for name in ("findings.sweep_overdue", "notices.sweep_mail", "timeline.sweep_keys"):
                assert SCHEDULE[name]["task"] in app.tasks
                app.tasks[name].run()
    finally:
        jobs.register_sender(sender)
    assert {("findings.escalate_overdue", "s_alpha"), ("notices.mail_digests", "s_beta")} <= set(asked)
    for name in ("findings.escalate_overdue", "notices.mail_digests", "timeline.forget_keys"):
        assert app.tasks[name].run(tenant=alpha) == 0
