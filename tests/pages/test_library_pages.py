"""Every page of the reader in every frame, and of the rubrics, answers; who may not, may not."""

from __future__ import annotations

import io
from collections.abc import Iterator

import openpyxl
import pytest
from django.test import Client

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant, school_context
from tenants.rubrics import operations, queries
from tenants.rubrics.models import Rubric
from tests.factories.identity import make_member, school_actor
from tests.factories.library import import_later_edition
from tests.tenants.rubrics.test_later_edition import later

pytestmark = pytest.mark.django_db
READER = (
    "", "?search=食品", "?line=canteen&veto=yes&origin=document", "?edition=2026.11", "requirements/cl-road-twice/",
    "documents/", "documents/?search=消防", "documents/MFS15/", "documents/GB5749/", "superseded/",
    "superseded/?search=GB", "templates/", "templates/rubric-cleaning/",
)  # fmt: skip
ALPHA = {"host": "alpha.localhost"}


@pytest.fixture
def admin(client: Client, alpha: Tenant) -> Client:
    client.force_login(make_member(Role.SCHOOL_ADMIN, tenant=alpha).account)
    return client


@pytest.fixture
def rubric(alpha: Tenant) -> Iterator[Rubric]:
    by = school_actor(alpha, Role.SCHOOL_ADMIN)
    with school_context(alpha):
        row = operations.adopt(template_key="rubric-cleaning", by=by, tenant=alpha, now=clock.now())
        yield operations.activate(rubric_id=row.pk, by=by, tenant=alpha, now=clock.now())


def text(client: Client, path: str, headers: dict[str, str] | None = None, status: int = 200) -> str:
    answer = client.get(path, headers=headers or {})
    assert answer.status_code == status, (path, answer.status_code)
    return answer.content.decode()


@pytest.mark.parametrize("path", READER)
def test_visitors_read_on_the_public_site(client: Client, path: str) -> None:
    assert "标准库" in text(client, f"/library/{path}")


@pytest.mark.parametrize("path", READER)
def test_the_institute_reads_in_its_console(client: Client, path: str) -> None:
    client.force_login(make_member(Role.INSTITUTE_ANALYST).account)
    page = text(client, f"/institute/library/{path}")
    assert "/institute/library/" in page and 'href="/library/' not in page


@pytest.mark.parametrize("path", READER)
def test_a_school_reads_in_its_console_and_on_the_phone(admin: Client, path: str) -> None:
    assert 'class="side"' in text(admin, f"/library/{path}", ALPHA)
    page = text(admin, f"/m/library/{path}", ALPHA)
    assert 'class="m-main"' in page and 'href="/library/' not in page.replace("/m/library/", "")


def test_strangers_are_sent_to_sign_in(client: Client, alpha: Tenant, beta: Tenant) -> None:
    assert client.get("/library/", headers=ALPHA).status_code == 302
    assert client.get("/institute/library/").status_code == 302
    client.force_login(make_member(Role.SCHOOL_ADMIN, tenant=beta).account)
    text(client, "/library/", ALPHA, 403)


def test_what_does_not_exist_is_404(client: Client) -> None:
    for path in ("requirements/x/", "documents/x/", "templates/x/", "?edition=1999.01", "unchecked/"):
        status = 200 if path.startswith("?") else 404
        text(client, f"/library/{path}", status=status)


def test_the_origin_of_a_number_and_the_state_of_a_document_are_said_in_words(client: Client) -> None:
    by_law = text(client, "/library/requirements/food-operator-license/")
    assert "文件规定" in by_law and "已核对原文" in by_law
    by_contract = text(client, "/library/requirements/cl-road-twice/")
    assert "合同约定" in by_contract and "不是法律或标准的规定" in by_contract
    assert "已被 <b>消防〔2025〕33号(指导性)</b> 替代，自 2025年7月18日 起" in text(client, "/library/documents/MFS15/")


def test_gaps_of_a_school(admin: Client, rubric: Rubric) -> None:
    page = text(admin, "/library/unchecked/?line=cleaning", ALPHA)
    assert "无检查" in page and "其中一票否决" in page
    answer = admin.get("/library/unchecked/export.xlsx?line=cleaning", headers=ALPHA)
    assert answer.status_code == 200 and answer.content[:2] == b"PK"


def test_pages_of_rubrics(admin: Client, rubric: Rubric) -> None:
    import_later_edition(later)
    item = next(queries.frozen(rubric.pk).items())
    for path in (
        "", "?status=active", "new/", "pick/?search=食品", f"{rubric.pk}/", f"{rubric.pk}/edit/",
        f"{rubric.pk}/changes/", f"{rubric.pk}/revisions/1/", f"{rubric.pk}/items/{item.id}/photos/",
    ):  # fmt: skip
        text(admin, f"/rubrics/{path}", ALPHA)
    assert "有 2027.03 版" in text(admin, "/rubrics/", ALPHA)
    assert "共享单车停放区清洁" in text(admin, f"/rubrics/{rubric.pk}/changes/", ALPHA)


def test_others_read_and_do_not_edit(client: Client, alpha: Tenant, rubric: Rubric) -> None:
    client.force_login(make_member(Role.FRONTLINE, tenant=alpha).account)
    page = text(client, f"/rubrics/{rubric.pk}/", ALPHA)
    assert "编辑</a>" not in page and "停用</button>" not in page
    text(client, f"/rubrics/{rubric.pk}/edit/", ALPHA, 403)
    text(client, "/rubrics/new/", ALPHA, 403)
    for path in ("adopt/rubric-dorm/", f"{rubric.pk}/retire/"):
        assert client.post(f"/rubrics/{path}", headers=ALPHA).status_code == 403


def fields_of(page: str) -> dict[str, list[str]]:
    """What a browser would post from the editor's form."""
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.fields: dict[str, list[str]] = {}
            self.inside = self.skip = False
            self.select = self.area = ""

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            a = dict(attrs)
            if tag == "form" and "data-sheet" in a:
                self.inside = True
            if tag == "template":
                self.skip = True
            if not self.inside or self.skip:
                return
            if tag == "input" and a.get("name") and (a.get("type") != "checkbox" or "checked" in a):
                self.fields.setdefault(str(a["name"]), []).append(
                    a.get("value") or ("on" if a.get("type") == "checkbox" else "")
                )
            if tag == "select":
                self.select = str(a["name"])
            if tag == "option" and "selected" in a:
                self.fields[self.select] = [str(a["value"])]
            if tag == "textarea":
                self.area = str(a["name"])

        def handle_endtag(self, tag: str) -> None:
            if tag == "form":
                self.inside = False
            if tag == "template":
                self.skip = False
            if tag == "textarea":
                self.area = ""

        def handle_data(self, data: str) -> None:
            if self.area and self.inside:
                self.fields[self.area] = [self.fields.get(self.area, [""])[0] + data.lstrip("\n")]

    reader = Reader()
    reader.feed(page)
    return reader.fields


def test_the_editor_saves_what_it_shows_and_tells_what_does_not_add_up(admin: Client, rubric: Rubric) -> None:
    path = f"/rubrics/{rubric.pk}/edit/"
    fields = fields_of(text(admin, path, ALPHA))
    assert len(fields["section"]) == 5
    answer = admin.post(path, fields, headers=ALPHA)
    assert answer.status_code == 302
    rubric.refresh_from_db()
    assert rubric.revision == 1  # nothing changed
    wrong = {**fields, "s0i0-points": ["7"]}
    answer = admin.post(path, wrong, headers=ALPHA)
    assert answer.status_code == 422
    assert "各项分值合计 23 分，应等于本维度的 22 分，请减去 1 分" in answer.content.decode()
    answer = admin.post(path, {**fields, "s0i0-text": [""]}, headers=ALPHA)
    assert answer.status_code == 422 and "is-invalid" in answer.content.decode()
    answer = admin.post(path, {**fields, "s0i0-per_fault": ["9"]}, headers=ALPHA)
    assert answer.status_code == 422 and "每次扣分应大于 0、不超过本项分值" in answer.content.decode()
    answer = admin.post(
        path, {**fields, "s0i0-text": ["道路每日普扫两次"], "s0i0-requirement_keys": ["cl-road-twice"]}, headers=ALPHA
    )
    assert answer.status_code == 302
    rubric.refresh_from_db()
    first = next(queries.frozen(rubric.pk).items())
    assert rubric.revision == 2 and first.text == "道路每日普扫两次" and first.requirement_keys == ("cl-road-twice",)


def test_adopting_from_the_page_twice_asks_for_another_name(admin: Client, alpha: Tenant) -> None:
    assert admin.post("/rubrics/adopt/rubric-dorm/", headers=ALPHA).status_code == 302
    answer = admin.post("/rubrics/adopt/rubric-dorm/", headers=ALPHA)
    assert answer.status_code == 422 and "另起一个名称" in answer.content.decode()
    answer = admin.post("/rubrics/adopt/rubric-dorm/", {"title": "二期公寓考核表"}, headers=ALPHA)
    assert answer.status_code == 302


def test_changes_are_answered_on_the_page(admin: Client, rubric: Rubric) -> None:
    import_later_edition(later)
    path = f"/rubrics/{rubric.pk}/changes/"
    answer = admin.post(path, {"c-item:rubric-cleaning-1-1": "take"}, headers=ALPHA)
    assert answer.status_code == 422 and "一起采用，或一起保留" in answer.content.decode()
    answer = admin.post(
        path,
        {"c-item:rubric-cleaning-1-1": "take", "c-item:rubric-cleaning-1-2": "take", "c-sheet": "keep"},
        headers=ALPHA,
    )
    assert answer.status_code == 302
    rubric.refresh_from_db()
    assert rubric.revision == 2 and rubric.decided["sheet"] == "2027.03"


def test_pictures_are_kept_with_the_item(admin: Client, rubric: Rubric) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from tests.factories.findings import picture

    item = next(queries.frozen(rubric.pk).items())
    path = f"/rubrics/{rubric.pk}/items/{item.id}/photos/"
    good = SimpleUploadedFile("good.jpg", picture(3), content_type="image/jpeg")
    assert admin.post(path, {"good": good}, headers=ALPHA).status_code == 302
    assert queries.item(item.id).good_photo_id is not None
    bad = SimpleUploadedFile("bad.jpg", b"no picture", content_type="image/jpeg")
    assert admin.post(path, {"bad": bad}, headers=ALPHA).status_code == 422
    assert admin.post(path, {"drop_good": "on"}, headers=ALPHA).status_code == 302
    assert queries.item(item.id).good_photo_id is None


def test_the_list_of_rubrics_is_exported_as_filtered(client: Client, alpha: Tenant, rubric: Rubric) -> None:
    with school_context(alpha):
        blank = operations.adopt(
            template_key="rubric-cleaning", title="=食堂标准", by=school_actor(alpha, Role.SCHOOL_ADMIN), tenant=alpha,
            now=clock.now(),
        )  # fmt: skip
    client.force_login(make_member(Role.SCHOOL_SUPERVISOR, tenant=alpha).account)
    assert "/rubrics/export/?status=draft" in text(client, "/rubrics/?status=draft", ALPHA)

    def rows(query: str = "") -> list[tuple[object, ...]]:
        answer = client.get(f"/rubrics/export/{query}", headers=ALPHA)
        return list(openpyxl.load_workbook(io.BytesIO(answer.content)).active.values)[1:]

    assert {(r[0], r[1]) for r in rows()} == {(rubric.title, "启用"), ("'=食堂标准", "编辑中")}
    ((title, state, _line, _period, items, vetoes, source, *_more),) = rows("?status=draft")
    assert (title, state, source) == ("'=食堂标准", "编辑中", f"范本 {blank.edition} 版")
    assert isinstance(items, int) and items > 0 and isinstance(vetoes, int)
    client.force_login(make_member(Role.FRONTLINE, tenant=alpha).account)
    assert (
        client.get("/rubrics/export/", headers=ALPHA).status_code == client.get("/rubrics/", headers=ALPHA).status_code
    )
