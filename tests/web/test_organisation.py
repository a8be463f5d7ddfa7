"""Pages of the organisation, through the door: host, sign-in, form, refusal, file."""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from identity.choices import Role
from institute.providers.models import Provider
from kernel import clock
from kernel.tenancy import Tenant, school_context
from tenants.organisation.imports import flow
from tenants.organisation.models import Certificate, Contract, LineSetting, Party, Place, Post, Staff
from tenants.timeline.models import Event
from tests.factories.organisation import (
    make_certificate,
    make_contract,
    make_department,
    make_place,
    make_post,
    make_staff,
)
from tests.kernel.test_spreadsheets import xlsx
from tests.web.test_evaluations import Browser

PHONE, ID_CARD = "13800138000", "11010519491231002X"
URLS = "config.urls_school"


def at(name: str, *args: object) -> str:
    return reverse(f"organisation:{name}", args=args, urlconf=URLS)


@pytest.fixture
def boss(alpha: Tenant) -> Browser:
    return Browser(alpha, Role.SCHOOL_ADMIN)


def text(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


def test_a_new_school_is_told_its_first_steps(boss: Browser) -> None:
    page = text(boss.get("/"))
    for step in (
        "建好场所",
        "登记部门",
        "登记外包合同",
        "服务条线",
        "登记岗位",
        "导入员工",
        "采用评分标准",
        "邀请同事",
    ):
        assert step in page
    assert at("places") in page and "还有 8 步" in page
    for name in ("places", "contracts", "departments", "posts", "staff"):
        empty = text(boss.get(at(name)))
        assert "还没有" in empty and "btn-primary" in empty


def test_then_what_needs_me(boss: Browser) -> None:
    post = make_post(
        party=make_contract(ends_on=clock.now().astimezone(clock.SHANGHAI).date()), headcount=3, certificates=["health"]
    )
    late = make_staff("甲", post=post)
    make_certificate(late, expires_on=date(2020, 1, 1))
    page = text(boss.get("/"))
    for words in ("1 名员工缺少岗位所需证书", "1 名员工有证书过期", "1 个岗位缺员", "1 份合同 60 天内到期"):
        assert words in page
    assert "没有等您处理的事" in text(Browser(boss_tenant(boss), Role.PROVIDER_MANAGER, provider_id=uuid4()).get("/"))


def boss_tenant(browser: Browser) -> Tenant:
    from institute.schools.queries import tenant_for

    return tenant_for("s_alpha")


def test_places_by_form_with_refusals_at_their_field(boss: Browser) -> None:
    boss.post(at("new_campus"), {"kind": "campus", "name": "东校区"})
    campus = Place.objects.get()
    boss.post(at("new_place", campus.pk), {"kind": "building", "name": "1号楼", "code": "e-01"})
    building = Place.objects.get(code="E-01")
    again = boss.post(at("new_place", campus.pk), {"kind": "building", "name": "1号楼"})
    assert again.status_code == 422 and "已有名为「1号楼」" in text(again) and "is-invalid" in text(again)
    boss.post(at("floors", building.pk), {"first": 1, "last": 6})
    assert Place.objects.filter(kind="floor").count() == 6
    boss.post(at("change_place", building.pk), {"name": "一号楼", "code": "E-1"})
    page = text(boss.get(at("place", building.pk)))
    assert "东校区 / 一号楼" in page and "/q/E-1" in page and "6层" in page
    other = make_place("西校区")
    boss.post(at("move_place", building.pk), {"parent_id": str(other.pk)})
    assert Place.objects.get(pk=building.pk).parent == other
    assert "一号楼" in text(boss.get(at("branch", other.pk)))
    assert "西校区 / 一号楼 / 6层" in text(boss.get(at("places") + "?search=6c"))
    boss.post(at("switch_place", building.pk), {"active": "0"})
    assert Place.objects.filter(active=True).count() == 2
    assert "一号楼" not in text(boss.get(at("branch", other.pk)))


def test_a_scanned_label_leads_on(boss: Browser, alpha: Tenant) -> None:
    place = make_place("东校区", code="QX7K2P")
    inside = text(boss.get("/q/qx7k2p"))
    assert "东校区" in inside and "报告问题" in inside and f"place={place.pk}" in inside
    outside = Client(headers={"host": "alpha.localhost"}).get("/q/QX7K2P")
    assert outside.status_code == 200 and "东校区" in text(outside) and "登录" in text(outside)
    assert "报告问题" not in text(outside)
    assert boss.get("/q/NOTHERE").status_code == 404
    place.active = False
    place.save()
    assert boss.get("/q/QX7K2P").status_code == 404


def test_labels_are_an_a4_pdf(boss: Browser, alpha: Tenant, settings: object) -> None:
    from pypdf import PdfReader

    from infra import fonts

    if not (fonts.target_dir() / "NotoSansSC-Regular.ttf").exists():
        settings.FONT_DIR = str(fonts.ROOT / "var" / "fonts")  # type: ignore[attr-defined]
    campus = make_place("东校区")
    for n in range(13):
        make_place(f"{n}号楼", parent=campus)
    answer = boss.get(at("labels") + f"?size=medium&kind=building&within={campus.pk}")
    assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
    pdf = PdfReader(io.BytesIO(answer.content))
    assert len(pdf.pages) == 2 and [round(float(x)) for x in pdf.pages[0].mediabox[2:]] == [595, 842]
    words = pdf.pages[0].extract_text() + pdf.pages[1].extract_text()
    assert "12号楼" in words.replace(" ", "") and "东校区" in words and "甲大学" in words
    empty = boss.get(at("labels") + "?size=medium&kind=point")
    assert empty.status_code == 422 and "没有启用的场所" in text(empty)
    assert boss.get(at("qr", campus.pk))["Content-Type"] == "image/svg+xml"


def test_a_contract_by_credit_code(boss: Browser) -> None:
    fields = {
        "credit_code": "91350100M000100Y44", "provider_name": "福建某物业", "name": "某物业", "number": "HT-1",
        "lines": ["cleaning"], "starts_on": "2026-01-01", "ends_on": "2026-12-31", "monthly_fee": "8800.5",
    }  # fmt: skip
    wrong = boss.post(at("new_contract"), fields)
    assert wrong.status_code == 422 and "校验位不符" in text(wrong) and not Provider.objects.exists()
    fields["credit_code"] = "91350100M000100Y43"
    backwards = boss.post(at("new_contract"), {**fields, "ends_on": "2025-01-01"})
    assert (
        "结束日期早于开始日期" in text(backwards) and not Provider.objects.exists()
    )  # company and contract, or neither
    boss.post(at("new_contract"), fields)
    party = Party.objects.get()
    assert party.provider_id == Provider.objects.get().pk
    boss.post(at("new_contract"), {**fields, "provider_name": "写错的名字", "name": "二期", "number": "HT-2"})
    assert Provider.objects.count() == 1 and Contract.objects.count() == 2
    page = text(boss.get(at("party", party.pk)))
    assert "福建某物业" in page and "8,800.50" in page.replace("8800.50", "8,800.50")
    listed = text(boss.get(at("contracts") + "?search=HT-2"))
    assert "二期" in listed and "HT-1" not in listed
    boss.post(at("change_party", party.pk), {**fields, "name": "改名"})
    assert Party.objects.get(pk=party.pk).name == "改名"
    boss.post(at("switch_party", party.pk), {"active": "0"})
    assert not Party.objects.get(pk=party.pk).active


def test_lines_departments_and_posts(boss: Browser) -> None:
    boss.post(at("new_department"), {"name": "后勤保障部"})
    office = Party.objects.get()
    wrong = boss.post(at("set_line", "cleaning"), {"cleaning-mode": "outsourced", "cleaning-party_id": str(office.pk)})
    assert wrong.status_code == 422 and "责任单位应是外包合同" in text(wrong)
    boss.post(at("set_line", "cleaning"), {"cleaning-mode": "self_run", "cleaning-party_id": str(office.pk)})
    assert LineSetting.objects.get().party == office
    assert "后勤保障部" in text(boss.get(at("lines")))
    fields = {
        "party_id": str(office.pk),
        "name": "保洁员",
        "line": "cleaning",
        "headcount": 2,
        "certificates": ["health"],
    }
    boss.post(at("new_post"), fields)
    post = Post.objects.get()
    boss.post(at("change_post", post.pk), {**fields, "headcount": 5})
    assert Post.objects.get().headcount == 5 and "缺员" in text(boss.get(at("posts")))
    boss.post(at("close_post", post.pk))
    assert not Post.objects.get().active


def test_people_are_masked_and_seen_on_the_record(boss: Browser) -> None:
    party = make_department()
    fields = {"number": "G1", "name": "张三", "party_id": str(party.pk), "phone": PHONE, "id_card": ID_CARD}
    wrong = boss.post(at("new_staff"), {**fields, "id_card": "110105194912310021"})
    assert wrong.status_code == 422 and "校验位不符" in text(wrong)
    boss.post(at("new_staff"), fields)
    person = Staff.objects.get()
    page = (
        text(boss.get(at("person", person.pk)))
        + text(boss.get(at("staff")))
        + text(boss.get(at("change_staff", person.pk)))
    )
    assert "138****8000" in page and PHONE not in page and ID_CARD not in page
    answer = boss.post(at("reveal", person.pk, "id_card"))
    assert ID_CARD in text(answer) and answer["Cache-Control"] == "no-store"
    assert Event.objects.filter(verb="staff.revealed").count() == 1
    boss.post(at("change_staff", person.pk), {**fields, "name": "张三丰", "phone": "", "id_card": ""})
    person.refresh_from_db()
    assert person.name == "张三丰" and person.phone_masked == "138****8000"
    boss.post(at("new_certificate", person.pk), {"kind": "health", "number": "J1", "issued_on": "2026-01-01"})
    certificate = Certificate.objects.get()
    boss.post(
        at("change_certificate", person.pk, certificate.pk),
        {"kind": "health", "number": "J2", "issued_on": "2026-01-01", "expires_on": "2027-01-01"},
    )
    assert Certificate.objects.get().number == "J2"
    boss.post(at("remove_certificate", person.pk, certificate.pk))
    assert not Certificate.objects.exists()
    told = boss.post(at("open_logins"), {"ids": [str(person.pk)]})
    assert "alpha.g1" in text(told) and told["Cache-Control"] == "no-store"
    boss.post(at("leave", person.pk), {"left_on": "2026-11-01"})
    assert "个人信息将于" in text(boss.get(at("person", person.pk)))
    boss.post(at("forget", person.pk))
    assert Staff.objects.get().name == "已删除"


def test_a_last_day_told_ahead_is_shown_and_taken_back(boss: Browser) -> None:
    person = make_staff("张三", post=make_post())
    last = (clock.now() + timedelta(days=20)).date()
    boss.post(at("leave", person.pk), {"left_on": last.isoformat()})
    page = text(boss.get(at("person", person.pk)))
    assert "是最后一个工作日，此前照常排班和打卡" in page and "不再离职" in page and "改离职日期" in page
    boss.post(at("bring_back", person.pk), {"party_id": str(person.party_id), "post_id": str(person.post_id)})
    person.refresh_from_db()
    assert (person.status, person.left_on) == ("active", None)
    assert "改离职日期" not in text(boss.get(at("person", person.pk)))


def test_a_long_list_costs_what_a_short_one_costs(boss: Browser) -> None:
    post = make_post(certificates=["health"])
    for n in range(3):
        make_certificate(make_staff(f"员工{n}", post=post))

    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert boss.get(at("staff") + "?per=100").status_code == 200
        return sum("organisation_" in q["sql"] for q in seen.captured_queries)

    few = statements()
    for n in range(60):
        make_certificate(make_staff(f"员工{n}", post=post))
    assert statements() == few


def test_exports_are_masked_workbooks(boss: Browser) -> None:
    make_staff("=cmd", phone=PHONE, id_card=ID_CARD, number="G1")
    make_contract()
    make_post()
    make_place()
    for name in ("export_staff", "export_contracts", "export_posts", "export_places"):
        answer = boss.get(at(name))
        assert answer.status_code == 200 and "spreadsheetml" in answer["Content-Type"]
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        cells = [str(c.value) for row in sheet.iter_rows() for c in row]
        assert ID_CARD not in cells and PHONE not in cells
        if name == "export_staff":
            assert "'=cmd" in cells and "138****8000" in cells


def test_import_from_upload_to_rows(boss: Browser, alpha: Tenant, settings: object, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    make_department("后勤保障部")
    assert boss.get(at("import_template", "staff"))["Content-Type"].endswith("sheet")
    assert "下载模板" in text(boss.get(at("import_upload", "staff")))
    no = boss.post(at("import_upload", "staff"), {"file": SimpleUploadedFile("a.xlsx", b"%PDF-1.7")})
    assert no.status_code == 422 and "不是表格" in text(no)
    rows = [["工号", "姓名", "所属单位"], ["G1", "甲", "后勤保障部"], ["G2", "乙", "没有"]]
    sent = boss.post(at("import_upload", "staff"), {"file": SimpleUploadedFile("名单.xlsx", xlsx(rows))})
    url = sent["Location"]
    job_id = url.rstrip("/").rsplit("/", 1)[1]
    waiting = text(boss.get(url))
    assert "progress" in waiting and "还没有写入" in waiting
    flow.check_job(job_id=job_id, tenant=alpha, clock=clock.now)  # type: ignore[arg-type]
    done = boss.get(f"/jobs/{job_id}/progress/?then=1", headers={"HX-Request": "true"})
    assert done["HX-Redirect"] == url
    preview = text(boss.get(url))
    assert "没有" in preview and "导入正确的 1 行，跳过 1 行错误" in preview and not Staff.objects.exists()
    assert boss.get(f"/jobs/{job_id}/download/")["Content-Type"].endswith("sheet")
    applying = boss.post(at("import_confirm", job_id))["Location"]
    assert boss.post(at("import_confirm", job_id))["Location"] == applying
    flow.apply_job(job_id=applying.rstrip("/").rsplit("/", 1)[1], tenant=alpha, clock=clock.now)  # type: ignore[arg-type]
    assert "新增 1" in text(boss.get(applying)) and Staff.objects.count() == 1
    assert "检查员工文件" in text(boss.get("/jobs/"))
    colleague = Browser(alpha, Role.SCHOOL_SUPERVISOR)
    for path in (url, f"/jobs/{job_id}/download/", f"/jobs/{job_id}/progress/"):
        assert colleague.get(path).status_code == 404


@pytest.mark.parametrize("role", [Role.SCHOOL_SUPERVISOR, Role.SCHOOL_LEADER])
def test_the_office_reads_and_does_not_write(alpha: Tenant, role: Role) -> None:
    place, party, person = make_place(), make_department(), make_staff()
    reader = Browser(alpha, role)
    for url in (
        at("places"),
        at("place", place.pk),
        at("party", party.pk),
        at("person", person.pk),
        at("staff"),
        at("posts"),
    ):
        page = reader.get(url)
        assert page.status_code == 200 and "新增" not in text(page).split("<main", 1)[1]
    for url in (
        at("new_campus"),
        at("new_staff"),
        at("leave", person.pk),
        at("import_upload", "staff"),
        at("new_contract"),
    ):
        assert reader.get(url).status_code == 403
    assert reader.post(at("switch_place", place.pk), {"active": "0"}).status_code in (302, 403)
    assert Place.objects.get(pk=place.pk).active
    assert reader.post(at("reveal", person.pk, "phone")).status_code == 422


def test_companies_workers_and_strangers(alpha: Tenant, beta: Tenant) -> None:
    provider_id = uuid4()
    mine, theirs = make_staff("甲甲", party=make_contract(provider_id=provider_id)), make_staff("乙乙")
    manager = Browser(alpha, Role.PROVIDER_MANAGER, provider_id=provider_id)
    listed = text(manager.get(at("staff")))
    assert "甲甲" in listed and "乙乙" not in listed
    assert manager.get(at("person", theirs.pk)).status_code == 404
    assert manager.get(at("party", theirs.party_id)).status_code == 404
    worker = Browser(alpha, Role.FRONTLINE, staff_id=mine.pk)
    assert worker.get(at("person", mine.pk)).status_code == 200
    assert worker.get(at("person", theirs.pk)).status_code == 404
    assert Client(headers={"host": "alpha.localhost"}).get(at("staff")).status_code == 302
    with school_context(beta):
        other = make_staff()
    boss = Browser(alpha, Role.SCHOOL_ADMIN)
    for url in (at("person", other.pk), at("party", other.party_id), at("change_staff", other.pk)):
        assert boss.get(url).status_code == 404


def test_the_certificate_ledger_answers_filters_and_exports(boss: Browser) -> None:
    works = make_department("工程部")
    post = make_post("电工", party=works, certificates=["electrician"])
    make_certificate(make_staff("甲一", post=post), kind="electrician", expires_on=date(2020, 1, 1))
    make_staff("乙二", post=post)
    make_certificate(make_staff("丙三"), kind="health")
    page = text(boss.get(at("certificates") + f"?party_id={works.pk}&kind=special_work"))
    assert "工程部的特种作业操作证共 2 份，有 1 份已过期或复审逾期，缺 1 份。" in page
    assert "甲一" in page and "乙二" in page and "丙三" not in page
    assert "甲一" not in text(boss.get(at("certificates") + "?state=missing"))
    book = openpyxl.load_workbook(io.BytesIO(boss.get(at("export_certificates") + "?kind=special_work").content))
    assert [row[0] for row in book.active.values] == ["状态", "已过期", "缺证"]
    assert "没有符合条件的证书" in text(boss.get(at("certificates") + "?search=没有这人"))


def test_a_scan_is_kept_with_the_certificate(boss: Browser, settings: object, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    person = make_staff()
    fields = {"kind": "electrician", "number": "T1", "issued_on": "2024-05-01"}
    scan = SimpleUploadedFile("电工证.pdf", b"%PDF-1.7\n%%EOF\n")
    assert boss.post(at("new_certificate", person.pk), {**fields, "scan": scan}).status_code == 302
    row = Certificate.objects.get()
    assert row.scan_id and row.review_on == date(2027, 5, 1)
    assert f"/files/{row.scan_id}/" in text(boss.get(at("person", person.pk)))
    boss.post(at("change_certificate", person.pk, row.pk), {**fields, "review_on": "2030-04-01"})
    row.refresh_from_db()
    assert row.scan_id  # not choosing a new one keeps the old
    bad = SimpleUploadedFile("x.exe", b"MZ\x90\x00")
    wrong = boss.post(at("change_certificate", person.pk, row.pk), {**fields, "scan": bad})
    assert wrong.status_code == 422 and "不支持这种文件" in text(wrong)


def test_an_emptied_review_date_stays_until_it_is_dropped_with_a_reason(boss: Browser) -> None:
    person = make_staff()
    fields = {"kind": "electrician", "number": "T1", "issued_on": "2024-05-01"}
    boss.post(at("new_certificate", person.pk), fields)
    row = Certificate.objects.get()
    page = at("change_certificate", person.pk, row.pk)
    assert "留空则保持原来的日期" in text(boss.get(page))
    assert boss.post(page, {**fields, "number": "T2", "review_on": ""}).status_code == 302
    row.refresh_from_db()
    assert (row.number, row.review_on) == ("T2", date(2027, 5, 1))
    refused = boss.post(page, {**fields, "without_review": "on"})
    assert refused.status_code == 422 and "请写明原因" in text(refused)
    assert boss.post(page, {**fields, "without_review": "on", "reason": "新规取消复审"}).status_code == 302
    row.refresh_from_db()
    assert row.review_on is None and row.expires_on is not None


def test_the_ledger_says_what_the_forecast_says_and_offers_to_upload_a_missing_scan(
    alpha: Tenant, boss: Browser
) -> None:
    today = clock.now().astimezone(alpha.tz).date()
    post = make_post("配电值班", certificates=["electrician"])
    holder = make_staff("钱工", post=post)
    make_certificate(holder, kind="electrician", expires_on=today + timedelta(days=20))
    page = text(boss.get(at("certificates")))
    assert "配电值班将无持证人" in page and "还有 21 天" in page and "钱工的证书到" in page
    assert "上传" in page and "#id_scan" in page
    assert "将无持证人" not in text(boss.get(at("certificates") + "?kind=health"))
