"""Public pages, the applicant's pages and the institute's pages over HTTP."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from identity.contracts import Actor
from identity.models import Account, Mail
from institute.applications import files, links, operations
from institute.applications.models import Application, Enquiry
from institute.schools.models import School
from kernel import clock
from kernel.tenancy import Tenant
from tests.factories import applications as made
from tests.factories.applications import PDF, VISITOR, admin, analyst, assign, fill, png, reviewer

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _now_and_files(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(made, "NOW", clock.now())


def draft(**changes: Any) -> tuple[Application, str]:
    return made.make_draft(now=clock.now(), **changes)


def submitted(**changes: str) -> tuple[Application, str]:
    application, token = draft(**changes)
    operations.submit(token=token, by=VISITOR, now=clock.now())
    application.refresh_from_db()
    return application, token


def sign_in(actor: Actor) -> Client:
    client = Client()
    client.force_login(Account.objects.get(pk=actor.account_id))
    return client


def shown_form(client: Client, url: str) -> dict[str, str]:
    """The hidden moment a page was shown at, as a person's browser sends it back."""
    return {"shown": client.get(url).context["form"]["shown"].value()}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/programme/",
        "/honours/",
        "/privacy/",
        "/schools/",
        "/enquire/",
        "/enquire/sent/",
        "/apply/",
        "/apply/resume/",
    ],
)
def test_public_pages_stand(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200 and "text/html" in answer["Content-Type"]
    assert client.put(path).status_code == 405


def test_the_chooser_finds_by_name_and_initials_and_leads_to_the_school_s_host(client: Client, beta: Tenant) -> None:
    for q in ("乙", "yixueyuan", "yxy"):
        answer = client.get("/schools/", {"q": q})
        assert [s["name"] for s in answer.context["schools"]] == ["乙学院"]
        assert answer.context["schools"][0]["url"].startswith("http://beta.")
    School.objects.filter(pk=beta.school_id).update(status="suspended")
    assert "没有找到这所学校" in client.get("/schools/", {"q": "乙"}).content.decode()
    partial = client.get("/schools/", {"q": "甲"}, headers={**HTMX, "HX-Target": "div#rows"}).content.decode()
    assert "甲大学" in partial and "<html" not in partial


def test_starting_an_application_by_page(client: Client) -> None:
    hidden = shown_form(client, "/apply/")
    wrong = client.post("/apply/", {**hidden, "name": "", "contact_email": "x"}, headers=HTMX)
    assert wrong.status_code == 422 and "<html" not in wrong.content.decode()
    answer = client.post("/apply/", {**hidden, "name": "新示例学校", "contact_email": "new@example.org"})
    application = Application.objects.get(name="新示例学校")
    assert answer.status_code == 302 and answer["Location"].startswith("/apply/")
    page = client.get(answer["Location"]).content.decode()
    assert application.number in page and "以确认邮箱" in page
    assert Mail.objects.get().to == "new@example.org"


@pytest.mark.parametrize("trap", [{"website": "http://spam.example"}, {"shown": ""}, {"shown": "forged:x:y"}])
def test_programs_are_thanked_and_ignored(client: Client, trap: dict[str, str]) -> None:
    hidden = {**shown_form(client, "/enquire/"), **trap}
    said = {"topic": "other", "name": "机器人", "email": "bot@example.org", "message": "买链接买链接买链接"}
    assert client.post("/enquire/", {**hidden, **said})["Location"] == "/enquire/sent/"
    client.post("/apply/", {**hidden, "name": "垃圾学校", "contact_email": "bot@example.org"})
    assert not Enquiry.objects.exists() and not Application.objects.exists() and not Mail.objects.exists()


def test_a_person_s_enquiry_arrives_and_the_sixth_in_an_hour_is_refused(client: Client) -> None:
    hidden = shown_form(client, "/enquire/")
    said = {**hidden, "topic": "other", "name": "赵", "email": "z@example.org", "message": "请问怎样申报？"}
    for _ in range(5):
        assert client.post("/enquire/", said).status_code == 302
    refused = client.post("/enquire/", said)
    assert refused.status_code == 422 and "过于频繁" in refused.content.decode()
    assert Enquiry.objects.count() == 5


def test_answers_save_themselves(client: Client) -> None:
    application, token = draft(complete=False)
    url = reverse("public_application_save", args=[token, "students"])
    assert "已保存" in client.post(url, {"students": "12,000"}, headers=HTMX).content.decode()
    refused = client.post(url, {"students": "很多"}, headers=HTMX)
    assert refused.status_code == 422 and "未保存" in refused.content.decode()
    application.refresh_from_db()
    assert application.students == 12000
    code = reverse("public_application_save", args=[token, "credit_code"])
    assert "校验位" in client.post(code, {"credit_code": "121000004000006240"}, headers=HTMX).content.decode()
    assert (
        client.post(reverse("public_application_save", args=[token, "status"]), {"status": "approved"}).status_code
        == 422
    )
    assert client.get(url).status_code == 405


def test_without_script_one_button_keeps_everything(client: Client) -> None:
    application, token = draft(complete=False)
    url = reverse("public_application", args=[token])
    answer = client.post(url, {"city": "示例市", "students": "900", "line_cleaning": "mixed"})
    assert answer["Location"] == reverse("public_application_check", args=[token])
    application.refresh_from_db()
    assert (application.city, application.students, application.line_modes) == ("示例市", 900, {"cleaning": "mixed"})
    wrong = client.post(url, {"city": "新市", "campuses": "zero"})
    assert wrong.status_code == 422 and "校区数" in wrong.content.decode()


def test_hostile_files_by_page(client: Client) -> None:
    application, token = draft(complete=False)
    url = reverse("public_application_documents", args=[token])

    def send(name: str, data: bytes, **more: Any) -> Any:
        return client.post(url, {"kind": "letter", "file": SimpleUploadedFile(name, data, **more)}, headers=HTMX)

    for name, data, word in (
        ("letter.pdf", b"MZ\x90\0" * 99, "不是其中之一"),
        ("big.pdf", PDF + b"0" * (11 * 1024 * 1024), "超过 10 MB"),
        ("empty.pdf", b"", "空的"),
    ):
        answer = send(name, data)
        assert answer.status_code == 422 and word in answer.content.decode(), answer.content.decode()
    assert not application.documents.exists()
    assert send("../../扫描件.PNG", png()).status_code == 200
    document = application.documents.get()
    assert document.name == "扫描件.png"
    file = client.get(reverse("public_application_document", args=[token, document.pk]))
    assert file["Content-Disposition"].startswith("attachment") and file["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in file["Content-Security-Policy"] and "no-store" in file["Cache-Control"]
    assert (
        client.post(reverse("public_application_document_remove", args=[token, document.pk]), headers=HTMX).status_code
        == 200
    )
    assert not application.documents.exists()
    assert files.MAX_BYTES == 10 * 1024 * 1024


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b"filename*=GB18030''%B7%A8%C8%CB%D6%A4%CA%E9.pdf", "法人证书.pdf"),
        ('filename="法人证书.pdf"'.encode("gb18030"), None),  # bytes no header may hold: the part is not read
    ],
)
def test_file_names_in_gb18030(client: Client, disposition: bytes, name: str | None) -> None:
    application, token = draft(complete=False)
    body = b"".join(
        (
            b'--xxBOUNDxx\r\nContent-Disposition: form-data; name="kind"\r\n\r\nlegal\r\n',
            b'--xxBOUNDxx\r\nContent-Disposition: form-data; name="file"; ', disposition,
            b"\r\nContent-Type: application/pdf\r\n\r\n", PDF, b"\r\n--xxBOUNDxx--\r\n",
        )
    )  # fmt: skip
    url = reverse("public_application_documents", args=[token])
    answer = client.generic("POST", url, body, content_type="multipart/form-data; boundary=xxBOUNDxx", headers=HTMX)
    assert [d.name for d in application.documents.all()] == ([name] if name else [])
    assert answer.status_code == (200 if name else 422)
    assert name or "请选择要上传的文件" in answer.content.decode()


def test_check_submit_status_withdraw(client: Client) -> None:
    application, token = draft()
    check = reverse("public_application_check", args=[token])
    home = reverse("public_application", args=[token])
    assert "各项齐全" in client.get(check).content.decode()
    assert client.post(check)["Location"] == home
    assert client.post(check)["Location"] == home  # a second click leads to the status page
    page = client.get(home).content.decode()
    assert "完整性审查" in page and "申报已提交" in page and "核对并提交" not in page
    withdraw = reverse("public_application_withdraw", args=[token])
    assert client.post(withdraw, {"confirm": "no"}).status_code == 422
    client.post(withdraw, {"confirm": application.number})
    assert "申报已撤回" in client.get(home).content.decode()


def test_missing_things_are_named_before_submission(client: Client) -> None:
    _, token = draft(complete=False)
    answer = client.post(reverse("public_application_check", args=[token]))
    page = answer.content.decode()
    assert answer.status_code == 422 and "学校代码或统一社会信用代码" in page and "提交申报" not in page


def test_bad_and_old_links_lead_to_a_new_one(client: Client) -> None:
    application, token = draft(complete=False)
    old = links.make(application_id=application.pk, version=1, now=made.NOW - links.LIVES * 2)
    for bad, why in ((token[:-2] + "xx", "link_invalid"), (old, "link_expired")):
        for name in ("public_application", "public_application_check", "public_application_withdraw"):
            assert client.get(reverse(name, args=[bad]))["Location"] == f"/apply/resume/?why={why}"
        assert client.post(reverse("public_application_save", args=[bad, "city"]), {"city": "x"}).status_code == 422
    assert "已过期" in client.get("/apply/resume/?why=link_expired").content.decode()
    hidden = shown_form(client, "/apply/resume/")
    before = Mail.objects.count()
    client.post("/apply/resume/", {**hidden, "number": application.number, "email": application.contact_email})
    client.post("/apply/resume/", {**hidden, "number": application.number, "email": "stranger@example.org"})
    assert Mail.objects.count() == before + 1


# --- The institute ------------------------------------------------------------------------------------------------

PAGES = ["/institute/", "/institute/applications/", "/institute/applications/export.xlsx", "/institute/enquiries/",
         "/institute/enquiries/export.xlsx", "/institute/applications/criteria/", "/institute/applications/reviewers/"]  # fmt: skip


def test_who_may_open_which_page(client: Client) -> None:
    application, _ = submitted()
    detail = reverse("institute:application", args=[application.pk])
    boss, eyes, expert = sign_in(admin()), sign_in(analyst()), sign_in(reviewer())
    for path in [*PAGES, detail]:
        assert client.get(path)["Location"].startswith("/accounts/login/")
        assert boss.get(path).status_code == 200
    assert [eyes.get(p).status_code for p in PAGES] == [200, 200, 200, 200, 200, 403, 403]
    assert [expert.get(p).status_code for p in PAGES] == [200, 200, 200, 403, 403, 403, 302]
    assert (eyes.get(detail).status_code, expert.get(detail).status_code) == (200, 404)
    document = application.documents.first()
    file = reverse("institute:application_document", args=[application.pk, document.pk])
    assert [c.get(file).status_code for c in (boss, eyes, expert)] == [200, 403, 404]


def test_the_procedure_by_pages(client: Client) -> None:
    by = admin()
    boss = sign_in(by)
    application, _ = submitted(name="页面示例大学")

    def post(step: str, data: dict[str, Any] | None = None, *more: Any) -> Any:
        return boss.post(reverse(f"institute:application_{step}", args=[application.pk, *more]), data or {})

    assert "待我办理的申报" in boss.get("/institute/").content.decode()
    assert post("return", {"items": " ", "fix_due_on": "2030-01-01"}).status_code == 422
    assert post("accept").status_code == 302
    assert post("accept").status_code == 422
    people, barred = [reviewer(), reviewer()], reviewer("页面示例大学")
    assert "应当回避" in boss.get(reverse("institute:application", args=[application.pk])).content.decode()
    assert "应当回避" in post("assign", {"account_id": [str(barred.account_id)]}).content.decode()
    assert post("assign", {"account_id": ["not-a-uuid"]}).status_code == 422
    assert post("assign").status_code == 422
    assert post("assign", {"account_id": [str(p.account_id) for p in people]}).status_code == 302
    for n, who in enumerate(people):
        own = sign_in(who)
        sheet = reverse("institute:application_sheet", args=[application.pk])
        assert own.get(sheet).status_code == 200 and boss.get(sheet).status_code == 404
        points = {f"points_{c}": f"{80 + n}.5" for c in ("need", "basis", "data", "people", "value")}
        kept = own.post(reverse("institute:application_sheet_save", args=[application.pk]), points)
        assert "已保存" in kept.content.decode()
        assert "建议" in own.post(sheet, {**points, "comment": "好"}).content.decode()
        page = boss.get(reverse("institute:application", args=[application.pk])).content.decode()
        assert "评分封存中" in page and "80.5" not in page
        assert own.post(sheet, {**points, "comment": "好", "recommendation": "approved"}).status_code == 302
    page = boss.get(reverse("institute:application", args=[application.pk])).content.decode()
    assert "81.00" in page and "专家意见" in page
    wrong = post("decide", {"verdict": "approved", "reason": "好", "slug": "www"})
    assert wrong.status_code == 422 and "系统保留" in wrong.content.decode()
    assert post("decide", {"verdict": "approved", "reason": "好", "slug": "yemian"}).status_code == 302
    again = post("decide", {"verdict": "rejected", "reason": "不好"})
    assert again.status_code == 422 and "刚刚有人办理过" in again.content.decode()
    assert School.objects.get(slug="yemian").application_id == application.pk


def test_contact_is_masked_until_asked_for() -> None:
    application, _ = submitted()
    boss = sign_in(admin())
    page = boss.get(reverse("institute:application", args=[application.pk])).content.decode()
    assert "139****0000" in page and "13900000000" not in page and application.contact_email not in page
    shown = boss.post(reverse("institute:application_contact", args=[application.pk]), headers=HTMX).content.decode()
    assert "13900000000" in shown and application.contact_email in shown
    expert = sign_in(analyst())
    assert expert.post(reverse("institute:application_contact", args=[application.pk])).status_code == 403


def test_declaring_a_conflict_closes_the_page() -> None:
    by, who = admin(), reviewer()
    application, _ = submitted()
    operations.accept(application_id=application.pk, by=by, now=clock.now())
    assign(application, who, by)
    own, detail = sign_in(who), reverse("institute:application", args=[application.pk])
    assert own.get(detail).status_code == 200
    assert (
        own.post(reverse("institute:application_conflict", args=[application.pk]), {"reason": " "}).status_code == 422
    )
    own.post(reverse("institute:application_conflict", args=[application.pk]), {"reason": "亲属"})
    assert own.get(detail).status_code == 404
    assert application.name not in own.get("/institute/applications/").content.decode()
    sheet = openpyxl.load_workbook(io.BytesIO(own.get("/institute/applications/export.xlsx").content)).active
    assert sheet.max_row == 1


def test_the_export_holds_no_sealed_score_and_no_formula() -> None:
    by, one, two = admin(), reviewer(), reviewer()
    application, _ = submitted(name="=HYPERLINK(1)示例大学")
    operations.accept(application_id=application.pk, by=by, now=clock.now())
    task = assign(application, one, by)
    assign(application, two, by)
    fill(task, one, "66.66")
    book = openpyxl.load_workbook(io.BytesIO(sign_in(by).get("/institute/applications/export.xlsx").content))
    row = [cell.value for cell in book.active[2]]
    assert row[1] == "'=HYPERLINK(1)示例大学" and row[13:15] == [2, 1] and not row[15]
    assert "66.66" not in str(row) and "13900000000" not in str(row)


def test_filters_and_paging_keep_the_queue_small(django_assert_max_num_queries: Any) -> None:
    boss = sign_in(admin())
    for n in range(3):
        submitted(region="33" if n else "44")
    boss.get("/institute/applications/")
    with django_assert_max_num_queries(12):
        page = boss.get("/institute/applications/", {"region": "33", "per": "20"})
    assert page.context["page_obj"].paginator.count == 2
    assert boss.get("/institute/applications/", {"q": "没有这所"}).context["page_obj"].paginator.count == 0
    assert boss.get("/institute/applications/", {"page": "999"}).status_code == 200


def test_criteria_and_profiles_by_page() -> None:
    boss = sign_in(admin())
    form = {"form-TOTAL_FORMS": "2", "form-INITIAL_FORMS": "0", "form-0-label": "甲", "form-0-weight": "60",
            "form-1-label": "乙", "form-1-weight": "30"}  # fmt: skip
    refused = boss.post("/institute/applications/criteria/", form)
    assert refused.status_code == 422 and "应为 100，现为 90" in refused.content.decode()
    assert boss.post("/institute/applications/criteria/", {**form, "form-1-weight": "40"}).status_code == 302
    who, other = reviewer(profile=False), reviewer()
    own = sign_in(who)
    assert "还没有填写工作单位" in own.get("/institute/").content.decode()
    url = reverse("institute:reviewer", args=[who.account_id])
    assert own.post(url, {"employer": ""}).status_code == 422
    assert own.post(url, {"employer": "研究中心", "past_schools": "甲校\n\n乙校"}).status_code == 302
    assert own.get(reverse("institute:reviewer", args=[other.account_id])).status_code == 403


def test_the_inbox_by_page() -> None:
    by = admin()
    boss = sign_in(by)
    found = operations.ask(
        topic="trial", name="赵", organisation="", email="z@example.org", phone="", message="想看演示可以吗",
        source="1.1.1.1", by=VISITOR, now=clock.now(),
    )  # fmt: skip
    at = lambda step="": reverse(f"institute:enquiry{step}", args=[found.pk])  # noqa: E731
    assert boss.get(at()).status_code == 200 and "1 条待回复" in boss.get("/institute/enquiries/").content.decode()
    assert boss.post(at("_give"), {"owner_id": ""}).status_code == 422
    assert boss.post(at("_give"), {"owner_id": str(by.account_id), "due_at": "2030-01-02T09:30"}).status_code == 302
    found.refresh_from_db()
    assert found.due_at.astimezone(clock.SHANGHAI).hour == 9
    assert boss.post(at("_reply"), {"reply": ""}).status_code == 422
    assert boss.post(at("_reply"), {"reply": "可以"}).status_code == 302
    assert boss.post(at("_close"), {"why": ""}).status_code == 422
    assert boss.post(at("_close"), {"why": "办结"}).status_code == 302
    closed = boss.post(at("_reply"), {"reply": "再说"})
    assert closed.status_code == 422 and "已经办结" in closed.content.decode()


def test_selected_is_not_yet_opened(client: Client) -> None:
    by = admin()
    application, _ = made.make_scored(by)
    operations.decide(application_id=application.pk, verdict="approved", reason="好", by=by, now=clock.now())
    url = reverse("public_application", args=[links.make(application_id=application.pk, version=1, now=clock.now())])
    page = client.get(url)
    assert page.context["steps"][-1]["state"] == "current" and "空间正在开通" in page.content.decode()
    School.objects.filter(application_id=application.pk).update(status="ready", opened_at=clock.now())
    page = client.get(url)
    assert page.context["steps"][-1]["state"] == "done" and "空间已开通" in page.content.decode()
