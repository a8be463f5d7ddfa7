"""A school's start page: what it counts leads to the rows it counted."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account
from kernel import clock
from kernel.tenancy import Tenant
from tests.factories.findings import make_finding, make_member
from tests.factories.organisation import make_department, make_line


def signed(actor: Actor) -> Client:
    client = Client(headers={"host": "alpha.localhost"})
    client.force_login(Account.objects.get(pk=actor.account_id))
    return client


def test_the_overdue_findings_stand_behind_the_line_that_counts_them(alpha: Tenant) -> None:
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    late = make_finding(alpha, by=admin, now=clock.now() - timedelta(days=90), title="早就该修好的")
    fresh = make_finding(alpha, by=admin, title="刚刚发现的")
    client = signed(admin)
    home = client.get("/").content.decode()
    assert "1 个问题已超期" in home and "?bucket=overdue" in home
    shown = client.get("/findings/?bucket=overdue").content.decode()
    assert late.title in shown and fresh.title not in shown


def test_lines_count_as_assigned_when_each_has_somebody(alpha: Tenant) -> None:
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    party = make_department()
    make_line("cleaning", party=party)
    page = signed(admin).get("/").content.decode()
    assert "已有 1/8 条" in page
