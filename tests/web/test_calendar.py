"""Pages of the calendar, through the door."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identity.choices import Role
from kernel.tenancy import Tenant, school_context
from tenants.calendar import queries
from tenants.calendar.models import CalendarYear, Period, SeasonRule, SpecialDay
from tests.factories.calendar import make_special_day, make_term, make_vacation
from tests.web.test_evaluations import Browser

FILE = "开始日期,结束日期,类型,名称\n2027-10-09,,调休上班,国庆节调休上班\n2026-09-01,2027-01-17,学期,第一学期\n坏,,调休上班,\n"


@pytest.fixture
def boss(alpha: Tenant) -> Browser:
    return Browser(alpha, Role.SCHOOL_ADMIN)


def text(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


def test_the_year_says_each_day_in_letters_and_words(boss: Browser) -> None:
    make_term()
    page = text(boss.get("/calendar/?year=2026"))
    assert ">日 10月10日 周六 调休上班 国庆节调休上班<" in page
    assert ">日 10月1日 周四 法定节假日 国庆节<" in page
    assert page.count('<i aria-hidden="true">班</i>') == 6 and "2026—2027学年第一学期" in page
    assert "还没有收录" not in page


def test_an_unknown_year_has_a_banner_until_it_is_settled(boss: Browser, alpha: Tenant) -> None:
    assert "2027 年的放假与调休安排还没有收录" in text(boss.get("/calendar/?year=2027"))
    assert "请联系学校管理员录入" in text(Browser(alpha, Role.SCHOOL_LEADER).get("/calendar/?year=2027"))
    boss.post("/calendar/settle/?year=2027")
    assert "还没有收录" not in text(boss.get("/calendar/?year=2027"))
    assert CalendarYear.objects.get().settled_at


@pytest.mark.parametrize("year", ["abc", "1", "99999", "-5", ""])
def test_a_year_that_is_none_shows_this_one(boss: Browser, year: str) -> None:
    assert boss.get(f"/calendar/?year={year}").status_code == 200


def test_a_day_is_edited_by_click(boss: Browser) -> None:
    fragment = text(boss.get("/calendar/days/2026-11-05/", headers={"hx-request": "true"}))
    assert "国务院办公厅放假通知与周末" in fragment and "<html" not in fragment
    answer = boss.post("/calendar/days/2026-11-05/", {"kind": "school_rest", "name": "运动会", "last": "2026-11-06"})
    assert answer.status_code == 302 and SpecialDay.objects.count() == 2
    assert "学校设置（国家安排为：工作日）" in text(boss.get("/calendar/days/2026-11-05/"))
    boss.post("/calendar/days/2026-11-05/clear/")
    assert SpecialDay.objects.count() == 1
    wrong = boss.post("/calendar/days/2026-11-05/", {"kind": "school_rest", "last": "2027-11-06"})
    assert wrong.status_code == 422 and "最多设置连续 31 天" in text(wrong)
    for bad in ("2026-02-30", "today", "2026-1-1"):
        assert boss.get(f"/calendar/days/{bad}/").status_code == 404


def test_terms_are_added_changed_and_removed(boss: Browser) -> None:
    fields = {"kind": "term", "name": "第一学期", "starts_on": "2026-09-01", "ends_on": "2027-01-17"}
    assert boss.post("/calendar/periods/new/", fields).status_code == 302
    wrong = boss.post("/calendar/periods/new/", {**fields, "name": "又一个"})
    assert wrong.status_code == 422 and "与「第一学期」" in text(wrong)
    row = Period.objects.get()
    boss.post(f"/calendar/periods/{row.pk}/", {**fields, "ends_on": "2027-01-10"})
    row.refresh_from_db()
    assert row.ends_on == date(2027, 1, 10)
    boss.post(f"/calendar/periods/{row.pk}/remove/")
    assert not Period.objects.exists()


def test_seasons_take_a_solar_term_by_its_name(boss: Browser) -> None:
    assert "2026-05-05" in text(boss.get("/calendar/seasons/?year=2026"))  # 立夏
    boss.post("/calendar/seasons/flood/", {"name": "汛期", "starts": "清明", "ends": "10-16", "active": "on"})
    row = SeasonRule.objects.get()
    assert (row.starts, row.ends) == ("qingming", "10-16")
    assert boss.post("/calendar/seasons/flood/", {"name": "汛期", "starts": "春天", "ends": "x"}).status_code == 422
    boss.post("/calendar/seasons/flood/reset/")
    assert not SeasonRule.objects.exists()
    assert boss.get("/calendar/seasons/nothing/").status_code == 404
    new = {"name": "毕业季", "code": "graduation", "starts": "06-01", "ends": "07-01", "active": "on"}
    assert boss.post("/calendar/seasons/new/", new).status_code == 302


def upload(client: Client, content: bytes) -> str:
    return text(client.post("/calendar/import/", {"file": SimpleUploadedFile("校历.csv", content)}))


def sealed(page: str) -> str:
    return page.split('name="rows" value="')[1].split('"')[0]


def test_a_file_is_shown_first_and_written_when_confirmed(boss: Browser) -> None:
    page = upload(boss, FILE.encode("gb18030"))
    assert "新增 2，更新 0，已有 0，错误 1" in page and "不是日期" in page
    assert not SpecialDay.objects.exists() and not Period.objects.exists()
    answer = boss.post("/calendar/confirm/", {"rows": sealed(page)})
    assert answer.status_code == 404
    answer = boss.post("/calendar/import/confirm/", {"rows": sealed(page)})
    assert answer.status_code == 302 and SpecialDay.objects.get().name == "国庆节调休上班"
    assert Period.objects.get().name == "第一学期"
    boss.post("/calendar/import/confirm/", {"rows": sealed(page)})  # a second click
    assert SpecialDay.objects.count() == 1


def test_rows_that_we_did_not_seal_are_refused(boss: Browser) -> None:
    page = upload(boss, FILE.encode())
    for rows in ("", "made-up", sealed(page)[:-2] + "xx"):
        boss.post("/calendar/import/confirm/", {"rows": rows})
    assert not SpecialDay.objects.exists()
    assert "无法读取" in upload(boss, b"%PDF-1.7") or "上传" in upload(boss, b"%PDF-1.7")


def test_the_template_and_the_export_are_workbooks(boss: Browser) -> None:
    make_vacation()
    for address in ("/calendar/import/template/", "/calendar/export/?year=2027"):
        assert boss.get(address).content.startswith(b"PK")
    exported = boss.get("/calendar/export/?year=2027").content
    page = text(boss.post("/calendar/import/", {"file": SimpleUploadedFile("x.xlsx", exported)}))
    assert "错误 0" in page and "新增 0，更新 0" in page  # what we wrote reads back as it is


@pytest.mark.parametrize("role", [Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR, Role.FRONTLINE, Role.PROVIDER_MANAGER])
def test_others_read_and_change_nothing(alpha: Tenant, role: Role) -> None:
    term = make_term()
    day = make_special_day(date(2026, 11, 5))
    them = Browser(alpha, role, **({"provider_id": uuid4()} if role == Role.PROVIDER_MANAGER else {}))
    assert them.get("/calendar/").status_code == 200
    page = text(them.get("/calendar/days/2026-11-05/"))
    assert "运动会" in page and "保存" not in page
    writes = [
        "/calendar/days/2026-11-05/", "/calendar/days/2026-11-05/clear/", "/calendar/periods/new/",
        f"/calendar/periods/{term.pk}/", f"/calendar/periods/{term.pk}/remove/", "/calendar/seasons/new/",
        "/calendar/seasons/flood/", "/calendar/import/", "/calendar/settle/?year=2027",
    ]  # fmt: skip
    for address in writes:
        assert them.post(address, {"kind": "weekend"}).status_code in (302, 403), address
    day.refresh_from_db()
    assert day.kind == "school_rest" and Period.objects.count() == 1
    assert not CalendarYear.objects.exists() and not SeasonRule.objects.exists()


def test_visitors_sign_in_first(alpha: Tenant) -> None:
    assert Client(headers={"host": "alpha.localhost"}).get("/calendar/").status_code == 302


def test_a_year_costs_few_queries(boss: Browser, beta: Tenant) -> None:
    with school_context(beta):
        make_special_day(date(2026, 5, 20), name="乙校活动")
    with CaptureQueriesContext(connection) as seen:
        page = text(boss.get("/calendar/?year=2026"))
    assert "乙校活动" not in page
    assert sum("calendar_" in q["sql"] for q in seen.captured_queries) == 3
    assert queries.day(date(2026, 5, 20)).works
