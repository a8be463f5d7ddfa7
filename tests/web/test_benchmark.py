"""The benchmark's pages: the institute's table, a school's own place."""

from __future__ import annotations

import io

import openpyxl
import pytest
from django.test import Client

from identity.choices import Role
from identity.models import Account, Membership
from institute.benchmarking import operations
from institute.benchmarking.models import Publication
from institute.schools.models import School
from kernel import clock
from kernel.tenancy import Tenant
from tests.factories.benchmarking import analyst, make_fact, make_metric, make_peer
from tests.factories.findings import make_member


def institute(role: Role) -> Client:
    account = Account.objects.create_user(f"i{role}", name="研究院")
    Membership.objects.create(account=account, role=role)
    browser = Client(headers={"host": "localhost"})
    browser.force_login(account)
    return browser


def fill(count: int = 8) -> None:
    make_metric()
    month = operations.back(clock.now().date().replace(day=1), 1)
    for n in range(count):
        make_fact(make_peer(n), 70 + n, period=month)
    make_fact(School.objects.get(slug="alpha"), 99, period=month)


@pytest.mark.django_db
def test_without_facts_the_table_says_so() -> None:
    page = institute(Role.INSTITUTE_ANALYST).get("/institute/benchmark/")
    assert page.status_code == 200 and "还没有学校上报数据" in page.content.decode()


@pytest.mark.django_db
def test_the_table_filters_exports_and_publishes() -> None:
    fill()
    browser = institute(Role.INSTITUTE_ANALYST)
    page = browser.get("/institute/benchmark/").content.decode()
    assert "甲大学" in page and "对标007大学" in page and "数据完整" in page
    narrow = browser.get("/institute/benchmark/?mode=outsourced").content.decode()
    assert "这个分组本月没有数据" in narrow
    book = openpyxl.load_workbook(io.BytesIO(browser.get("/institute/benchmark/export.xlsx").content))
    assert book.worksheets[0]["B2"].value == "甲大学" and book.worksheets[0].max_row == 10
    month = operations.back(clock.now().date().replace(day=1), 1)
    assert browser.post("/institute/benchmark/publish/", {"month": month.isoformat()}).status_code == 302
    again = browser.post("/institute/benchmark/publish/", {"month": month.isoformat()})
    assert again.status_code == 422 and "已经发布" in again.content.decode()
    assert Publication.objects.count() == 1


@pytest.mark.django_db
def test_reviewers_and_visitors_stay_out() -> None:
    fill(2)
    assert institute(Role.INSTITUTE_REVIEWER).get("/institute/benchmark/").status_code == 403
    assert Client(headers={"host": "localhost"}).get("/institute/benchmark/").status_code == 302


def school(tenant: Tenant, role: Role, **member: object) -> Client:
    browser = Client(headers={"host": f"{tenant.slug}.localhost"})
    browser.force_login(Account.objects.get(pk=make_member(tenant, role, **member).account_id))
    return browser


def test_a_school_sees_its_own_place_and_nobody_else(alpha: Tenant) -> None:
    fill()
    month = operations.back(clock.now().date().replace(day=1), 1)
    leader = school(alpha, Role.SCHOOL_LEADER)
    before = leader.get("/benchmark/").content.decode()
    assert "还没有发布过" in before and "99.00" in before
    operations.publish(month=month, by=analyst(), now=clock.now())
    page = leader.get("/benchmark/").content.decode()
    assert "处于前 25%" in page and "与 8 所学校相比" in page
    assert "对标00" not in page and "77.00" not in page
    for trick in ("?kind=primary", "?region=44&mode=mixed", f"?school={School.objects.get(slug='peer1').pk}"):
        assert leader.get(f"/benchmark/{trick}").content.decode().count("data-here") == page.count("data-here")
    assert school(alpha, Role.FRONTLINE).get("/benchmark/").status_code == 403


def test_few_peers_say_why(alpha: Tenant) -> None:
    fill(3)
    month = operations.back(clock.now().date().replace(day=1), 1)
    operations.publish(month=month, by=analyst(), now=clock.now())
    page = school(alpha, Role.SCHOOL_ADMIN).get("/benchmark/").content.decode()
    assert "可比学校不足 5 所" in page and "data-here" not in page
