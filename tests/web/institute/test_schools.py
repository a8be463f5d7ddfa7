"""The institute's pages about schools."""

from __future__ import annotations

import io

import openpyxl
import pytest
from django.test import Client

from identity.choices import Role
from institute.schools import operations
from institute.schools.choices import SchoolStatus
from institute.schools.models import SchemaRecord, School
from kernel import clock
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tests.factories.identity import make_member

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_member(Role.INSTITUTE_ADMIN).account)
    return client


@pytest.fixture
def reviewer(client: Client) -> Client:
    client.force_login(make_member(Role.INSTITUTE_REVIEWER).account)
    return client


def test_the_list_searches_and_says_what_to_do_when_empty(admin: Client) -> None:
    page = admin.get("/institute/schools/").content.decode()
    assert "甲大学" in page and "乙学院" in page and "导出 Excel" in page
    page = admin.get("/institute/schools/?search=jiadaxue").content.decode()
    assert "甲大学" in page and "乙学院" not in page
    assert "清空筛选" in admin.get("/institute/schools/?search=无此校").content.decode()


def test_the_export_holds_what_was_filtered_and_no_formula(admin: Client) -> None:
    School.objects.filter(slug="beta").update(city="=1+1")
    book = openpyxl.load_workbook(io.BytesIO(admin.get("/institute/schools/export.xlsx?mode=outsourced").content))
    rows = list(book.active.values)
    assert [r[0] for r in rows[1:]] == ["乙学院"]
    assert "'=1+1" in rows[1]
    text = admin.get("/institute/schools/export.csv?mode=outsourced").content.decode("utf-8-sig")
    assert "乙学院" in text and "甲大学" not in text and ",'=1+1," in text
    assert admin.get("/institute/schools/export.pdf").status_code == 404


def test_progress_is_polled_until_ready_and_a_failure_can_be_retried(admin: Client) -> None:
    school = School.objects.create(
        slug="gamma", schema_name="s_gamma", name="丙学院", kind="university", region="44", mode="mixed"
    )
    here = f"/institute/schools/{school.pk}/"
    assert "every 1s" in admin.get(here).content.decode()
    School.objects.filter(pk=school.pk).update(status=SchoolStatus.FAILED, status_note="磁盘空间不足")
    page = admin.get(f"{here}opening/", headers=HTMX).content.decode()
    assert "磁盘空间不足" in page and "重新开通" in page and "every 1s" not in page and "<html" not in page
    answer = admin.post(f"{here}retry/", headers=HTMX)
    assert answer.headers["HX-Redirect"] == here
    again = admin.post(f"{here}retry/", headers=HTMX)
    assert again.status_code == 422 and "不能进行此操作" in again.content.decode()
    operations.provision(school_id=school.pk, now=clock.now())
    page = admin.get(f"{here}opening/", headers=HTMX).content.decode()
    assert "gamma.localhost" in page and "every 1s" not in page


def test_suspending_asks_for_the_name_and_a_reason(admin: Client, beta: Tenant) -> None:
    here = f"/institute/schools/{beta.school_id}/suspend/"
    assert "请输入访问名 beta 以确认" in admin.get(here).content.decode()
    for wrong in ({"typed": "alpha", "reason": "合同到期"}, {"typed": "beta", "reason": ""}):
        assert admin.post(here, wrong).status_code == 422
        assert School.objects.get(pk=beta.school_id).status == "ready"
    assert admin.post(here, {"typed": "beta", "reason": "合同到期"}).status_code == 302
    assert "合同到期" in admin.get(f"/institute/schools/{beta.school_id}/").content.decode()
    admin.post(f"/institute/schools/{beta.school_id}/resume/", {"typed": "beta"})
    assert School.objects.get(pk=beta.school_id).status == "ready"
    admin.post(f"/institute/schools/{beta.school_id}/trial/", {"trial": "1"})
    assert School.objects.get(pk=beta.school_id).trial is True


def test_a_reviewer_sees_but_does_not_act(reviewer: Client, beta: Tenant) -> None:
    page = reviewer.get(f"/institute/schools/{beta.school_id}/").content.decode()
    assert "停用学校" not in page and "乙学院" in page
    assert reviewer.get(f"/institute/schools/{beta.school_id}/suspend/").status_code == 403
    assert reviewer.post("/institute/schools/ledger/run/").status_code == 403
    assert reviewer.post(f"/institute/schools/{beta.school_id}/trial/", {"trial": "1"}).status_code == 422


def test_visitors_and_school_people_see_nothing(client: Client, beta: Tenant) -> None:
    assert client.get("/institute/schools/").status_code == 302
    client.force_login(make_member(Role.SCHOOL_ADMIN, tenant=beta).account)
    for path in ("", "ledger/", "export.csv", f"{beta.school_id}/", f"{beta.school_id}/opening/"):
        assert client.get(f"/institute/schools/{path}").status_code in {403, 404}, path


def test_the_ledger_shows_what_is_behind_and_why(admin: Client) -> None:
    SchemaRecord.objects.filter(schema_name="s_alpha").update(
        state="failed", error="升级语句执行失败（SQLSTATE 42701）"
    )
    SchemaRecord.objects.filter(schema_name="s_beta").update(head="older")
    page = admin.get("/institute/schools/ledger/").content.decode()
    assert "42701" in page and "待升级" in page
    assert "乙学院" not in admin.get("/institute/schools/ledger/?state=failed").content.decode()
    assert admin.post("/institute/schools/ledger/run/").status_code == 302


def test_an_unknown_school_is_404(admin: Client) -> None:
    assert admin.get(f"/institute/schools/{new_id()}/").status_code == 404
