"""A school's start page: what it counts leads to the rows it counted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account
from kernel import clock
from kernel.tenancy import Tenant
from tenants.attendance import operations as attendance
from tests.factories.findings import make_finding, make_member
from tests.factories.organisation import make_department, make_line, make_party, make_post, make_staff
from tests.factories.punches import make_punch
from tests.factories.rosters import make_assignment, make_coverage, make_rule, make_shift
from web.tenant.home.figures import figures


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


def test_the_office_sees_figures_that_open_and_shares_of_nothing_are_not_known(alpha: Tenant) -> None:
    boss = make_member(alpha, Role.SCHOOL_LEADER)
    assert "此刻在岗" not in signed(boss).get("/").content.decode()  # nothing to count yet
    found = make_finding(alpha, by=boss)
    page = signed(boss).get("/").content.decode()
    assert "未销号问题" in page and "近 8 周发现与销号" in page
    presence = page.partition("本月到岗率")[2].partition("</a>")[0]
    assert "不知道" in presence and "本月还没有" in presence  # no shift was judged
    assert found.title in signed(boss).get("/findings/?bucket=unsolved").content.decode()


def test_a_company_sees_its_own_figures_and_frontline_none(alpha: Tenant) -> None:
    boss, company = make_member(alpha, Role.SCHOOL_LEADER), make_party("contract")
    make_finding(alpha, by=boss, party=company)
    make_finding(alpha, by=boss)
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=company.provider_id)

    def unsolved(who: Actor) -> str:
        page = signed(who).get("/", follow=True).content.decode()
        return page.partition("未销号问题")[2].partition("</a>")[0]

    assert '"value">2<' in unsolved(boss) and '"value">1<' in unsolved(manager)
    found, _closed = signed(manager).get("/").context["figures"]["weeks"]["series"]
    assert sum(found["data"]) == 1
    assert unsolved(make_member(alpha, Role.FRONTLINE)) == ""


@pytest.mark.urls("config.urls_school")
def test_the_figures_cost_the_same_queries_however_many_people_and_results(alpha: Tenant) -> None:
    boss = make_member(alpha, Role.SCHOOL_LEADER)
    now = clock.now()
    today = now.astimezone(alpha.tz).date()
    make_rule()

    def more(people: int) -> None:
        for n in range(people):
            post = make_post(party=make_party("contract"))
            make_coverage(post)
            staff = make_staff(f"员工{n}", post=post)
            for day in (today - timedelta(days=1), today):
                make_assignment(alpha, day=day, staff=staff, shift=make_shift(spans=((0, 1440),)))
                make_punch(staff, at=now - timedelta(hours=30), direction="in")
            make_finding(alpha, by=boss, party=post.party)
        attendance.derive_range(tenant=alpha, now=now, first=today - timedelta(days=2), last=today)

    def cost() -> tuple[int, int]:
        request = RequestFactory().get("/")
        request.actor, request.school = boss, alpha  # type: ignore[attr-defined]
        with CaptureQueriesContext(connection) as seen:
            shown = figures(request, now)  # type: ignore[arg-type]
        return len(seen), shown["stats"][1]["value"]

    more(1)
    few, found = cost()
    more(7)
    assert cost() == (few, found + 7)
    assert few <= 14
