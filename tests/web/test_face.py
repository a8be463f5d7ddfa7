"""The face service through the browser's door: read, choose, enrol, take back; and the office's pages."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from identity.choices import Role
from identity.models import Account
from kernel import clock
from kernel.tenancy import Tenant, public_context
from tenants.face import operations, texts
from tenants.face.models import Check, Consent, Setting, Template
from tenants.jobs.models import Job
from tenants.organisation.models import Staff
from tenants.timeline.models import Event
from tests.factories import face_models
from tests.factories.face import agree, make_enrolled, switch_on
from tests.factories.identity import make_account, make_member, school_actor
from tests.factories.organisation import make_contract, make_staff

HOST = {"host": "alpha.localhost"}


@pytest.fixture(scope="module")
def pack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return face_models.make_pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture
def pack(pack_folder: Path, settings: Any, tmp_path: Path) -> Path:
    settings.FACE_MODEL_PACK = str(pack_folder)
    settings.MEDIA_ROOT = str(tmp_path)
    return pack_folder


def signed(account_id: UUID | None) -> Client:
    client = Client(headers=HOST)
    client.force_login(Account.objects.get(pk=account_id))
    return client


def worker(tenant: Tenant) -> tuple[Staff, Client]:
    account = make_account("周师傅")
    person = make_staff("周师傅", account_id=account.pk)
    make_member(Role.FRONTLINE, tenant=tenant, account=account, staff_id=person.pk)
    return person, signed(account.pk)


def office(tenant: Tenant, role: Role = Role.SCHOOL_ADMIN, **how: Any) -> Client:
    return signed(school_actor(tenant, role, **how).account_id)


def snap(*people: int, **how: Any) -> SimpleUploadedFile:
    return SimpleUploadedFile("face.jpg", face_models.photo(*people, **how), "image/jpeg")


class TestPhone:
    def test_reading_choosing_enrolling_trying_and_taking_back(self, alpha: Tenant, pack: Path) -> None:
        switch_on(alpha)
        _person, client = worker(alpha)
        page = client.get("/m/face/").content.decode()
        version = texts.current(clock.now().date()).version
        assert "人脸识别技术应用安全管理办法" in page and f'value="{version}"' in page
        assert page.count("btn btn-outline-primary") == 2  # both choices weigh the same
        answer = client.post(
            "/m/face/decide/", {"decision": "agreed", "text_version": version, "is_14": "1"}, follow=True
        )
        assert "录入一张照片" in answer.content.decode()
        answer = client.post("/m/face/enrol/", {"picture": snap(1)}, follow=True)
        assert "正在识别" in answer.content.decode() and 'hx-trigger="every 1s"' in answer.content.decode()
        operations.run_check(check_id=Check.objects.get().pk, tenant=alpha, clock=clock.now)
        path = answer.redirect_chain[-1][0]
        assert "录入好了" in client.get(path).content.decode()
        fragment = client.get(path, headers={"HX-Request": "true"}).content.decode()
        assert "录入好了" in fragment and "<html" not in fragment and "every 1s" not in fragment
        client.post("/m/face/trial/", {"picture": snap(2)})
        trial = Check.objects.get(purpose="trial")
        operations.run_check(check_id=trial.pk, tenant=alpha, clock=clock.now)
        assert "与本人特征不一致" in client.get(f"/m/face/checks/{trial.pk}/").content.decode()
        page = client.get("/m/face/").content.decode()
        assert "已录入" in page and "撤回同意并删除" in page
        page = client.post("/m/face/revoke/", follow=True).content.decode()
        assert "人脸特征：撤回同意" in page and not Template.objects.exists()

    def test_refusing_costs_nothing_and_says_so(self, alpha: Tenant, pack: Path) -> None:
        switch_on(alpha)
        _person, client = worker(alpha)
        version = texts.current(clock.now().date()).version
        page = client.post(
            "/m/face/decide/", {"decision": "refused", "text_version": version}, follow=True
        ).content.decode()
        assert "结果一样" in page and "没有保存您的任何人脸信息" in page
        assert Consent.objects.get().decision == "refused"

    def test_a_refusal_of_ours_is_a_sentence(self, alpha: Tenant, pack: Path) -> None:
        switch_on(alpha)
        _person, client = worker(alpha)
        version = texts.current(clock.now().date()).version
        answer = client.post("/m/face/decide/", {"decision": "agreed", "text_version": version})
        assert answer.status_code == 422 and "我已满十四周岁" in answer.content.decode()
        answer = client.post("/m/face/enrol/", {"picture": SimpleUploadedFile("x.jpg", b"x", "image/jpeg")})
        assert answer.status_code == 422
        assert not Consent.objects.exists() and not Check.objects.exists()

    def test_without_service_or_pack_the_page_says_what_works(self, alpha: Tenant) -> None:
        person, client = worker(alpha)
        assert "本校没有开启人脸服务" in client.get("/m/face/").content.decode()
        switch_on(alpha)
        agree(person, alpha)
        with override_settings(FACE_MODEL_PACK=""):
            assert "效力相同" in client.get("/m/face/").content.decode()

    def test_an_account_without_a_person_is_told(self, alpha: Tenant) -> None:
        client = office(alpha)
        assert "没有对应的员工" in client.get("/m/face/").content.decode()
        assert client.post("/m/face/revoke/").status_code == 404
        assert client.post("/m/face/trial/", {"picture": snap(1)}).status_code == 422

    def test_a_check_of_somebody_else_is_not_found(self, alpha: Tenant, pack: Path) -> None:
        switch_on(alpha)
        person, _template = make_enrolled(1, alpha)
        check_id = operations.request_check(
            staff_id=person.pk, picture=face_models.photo(1), purpose="punch",
            by=school_actor(alpha), tenant=alpha, now=clock.now(),
        )  # fmt: skip
        _other, client = worker(alpha)
        assert client.get(f"/m/face/checks/{check_id}/").status_code == 404

    def test_the_page_is_not_kept_by_the_phone(self, alpha: Tenant) -> None:
        _person, client = worker(alpha)
        assert client.get("/m/face/")["Cache-Control"] == "no-store"


class TestOffice:
    def test_the_state_is_told(self, alpha: Tenant, pack: Path) -> None:
        client = office(alpha)
        with override_settings(FACE_MODEL_PACK=""):
            page = client.get("/face/").content.decode()
        assert "没有配置人脸模型" in page and "效力相同" in page
        page = client.get("/face/").content.decode()
        assert "仅用于自动化测试" in page and "还没有开启" in page
        switch_on(alpha)
        make_enrolled(1, alpha)
        assert "批量录入" in client.get("/face/").content.decode()

    def test_a_broken_pack_is_named(self, alpha: Tenant, tmp_path: Path) -> None:
        folder = face_models.make_pack(tmp_path / "broken")
        (folder / "rec.onnx").unlink()
        with override_settings(FACE_MODEL_PACK=str(folder)):
            assert "缺少特征提取文件 rec.onnx" in office(alpha).get("/face/").content.decode()

    def test_settings_are_saved_and_refused(self, alpha: Tenant) -> None:
        client = office(alpha)
        answer = client.post("/face/settings/", {"enabled": "on", "photo_days": "0"})
        assert answer.status_code == 422 and "影响评估" in answer.content.decode()
        answer = client.post("/face/settings/", {"enabled": "on", "assessed_on": "2026-01-05", "photo_days": "30"})
        assert answer.status_code == 302
        row = Setting.objects.get()
        assert (row.enabled, row.photo_days) == (True, 30)

    def test_who_may_see_what(self, alpha: Tenant) -> None:
        for role, index, batch in (
            (Role.SCHOOL_LEADER, 200, 403), (Role.SCHOOL_SUPERVISOR, 200, 403), (Role.SCHOOL_ADMIN, 200, 200),
        ):  # fmt: skip
            client = office(alpha, role)
            assert (client.get("/face/").status_code, client.get("/face/batch/").status_code) == (index, batch)
        _person, client = worker(alpha)
        assert client.get("/face/").status_code == client.get("/face/people/").status_code == 403

    def test_a_company_sees_its_own_people(self, alpha: Tenant) -> None:
        ours, theirs = make_contract("甲物业"), make_contract("乙物业")
        mine, other = make_staff("钱一一", party=ours), make_staff("孙二二", party=theirs)
        client = office(alpha, Role.PROVIDER_MANAGER, provider_id=ours.provider_id)
        page = client.get("/face/people/").content.decode()
        assert "钱一一" in page and "孙二二" not in page
        assert client.get(f"/face/people/{mine.pk}/").status_code == 200
        assert client.get(f"/face/people/{other.pk}/").status_code == 404
        assert client.get("/face/").status_code == client.get("/face/deletions/").status_code == 403

    def test_the_list_filters_and_exports(self, alpha: Tenant, pack: Path) -> None:
        switch_on(alpha)
        person, _template = make_enrolled(1, alpha, person=make_staff("赵甲", number="Z1"))
        make_staff("钱乙", number="Z2")
        client = office(alpha)
        page = client.get("/face/people/?standing=enrolled").content.decode()
        assert "赵甲" in page and "钱乙" not in page
        assert "钱乙" in client.get("/face/people/?text=qianyi").content.decode()
        book = openpyxl.load_workbook(io.BytesIO(client.get("/face/people/export.xlsx").content))
        assert [row[4].value for row in book.active][:3] == ["状态", "未选择", "已录入"]  # type: ignore[union-attr]
        assert "相似度" not in client.get(f"/face/people/{person.pk}/").content.decode()

    def test_paper_revocation_and_deletion(self, alpha: Tenant, pack: Path) -> None:
        switch_on(alpha)
        person = make_staff("赵甲")
        client = office(alpha)
        path = f"/face/people/{person.pk}"
        answer = client.post(f"{path}/paper/", {"decision": "agreed", "guardian": "father", "guardian_name": ""})
        assert answer.status_code == 422
        assert client.post(f"{path}/paper/", {"decision": "agreed"}).status_code == 422
        assert client.post(f"{path}/paper/", {"decision": "agreed", "is_14": "on"}).status_code == 302
        make_enrolled(1, alpha, person=person)
        assert client.post(f"{path}/delete/").status_code == 302 and not Template.objects.exists()
        assert client.post(f"{path}/revoke/").status_code == 302
        assert "没有" in client.get(f"{path}/").content.decode()
        assert "要求删除" in client.get("/face/deletions/").content.decode()

    def test_a_kept_photo_is_an_act(self, alpha: Tenant, pack: Path) -> None:
        switch_on(alpha, photo_days=10)
        person, _template = make_enrolled(1, alpha)
        client = office(alpha)
        assert client.get(f"/face/people/{person.pk}/photo/").status_code == 405
        answer = client.post(f"/face/people/{person.pk}/photo/")
        assert answer["Content-Type"] == "image/jpeg" and answer["Cache-Control"] == "no-store"
        assert Event.objects.filter(verb="face.photo_read").count() == 1
        assert office(alpha, Role.SCHOOL_LEADER).post(f"/face/people/{person.pk}/photo/").status_code == 403

    def test_a_batch_from_upload_to_result(self, alpha: Tenant, pack: Path) -> None:
        switch_on(alpha)
        agree(make_staff(number="G001"), alpha)
        client = office(alpha)
        answer = client.post("/face/batch/", {"file": SimpleUploadedFile("a.zip", b"no zip")})
        assert answer.status_code == 422 and "压缩包无法读取" in answer.content.decode()
        assert client.post("/face/batch/", {}).status_code == 422
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as packed:
            packed.writestr("G001.jpg", face_models.photo(1))
            packed.writestr("G777.jpg", face_models.photo(2))
        answer = client.post("/face/batch/", {"file": SimpleUploadedFile("a.zip", out.getvalue())}, follow=True)
        assert "已排队" in answer.content.decode()
        job = Job.objects.get()
        operations.run_batch(job_id=job.pk, tenant=alpha, clock=clock.now)
        page = client.get(f"/face/batch/{job.pk}/").content.decode()
        assert "G777.jpg" in page and "没有这个工号的在岗员工" in page
        loose = [snap(1), snap(2)]
        assert client.post("/face/batch/", {"file": loose}).status_code == 302


class TestInstitute:
    def test_a_number_flows_up_and_warns(
        self, alpha: Tenant, pack: Path, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from institute.schools import operations as schools
        from workers.tasks.face import upkeep

        switch_on(alpha)
        make_enrolled(1, alpha)
        monkeypatch.setattr("workers.base.close_old_connections", lambda: None)  # it would end this transaction
        upkeep(schema="s_alpha")
        with public_context():
            client.force_login(make_member(Role.INSTITUTE_ANALYST).account)
            page = client.get("/institute/faces/").content.decode()
            assert "甲大学" in page and "1 人" in page and "备案。" not in page
            schools.record_face_count(school_id=alpha.school_id, templates=100_000, now=clock.now())
            page = client.get("/institute/faces/").content.decode()
            assert "省级以上网信部门备案" in page
            from institute.journal.models import JournalEvent

            schools.record_face_count(school_id=alpha.school_id, templates=100_001, now=clock.now())
            assert JournalEvent.objects.filter(verb="faces.must_be_filed").count() == 1

    def test_a_reviewer_sees_no_numbers(self, client: Client, db: None) -> None:
        client.force_login(make_member(Role.INSTITUTE_REVIEWER).account)
        assert client.get("/institute/faces/").status_code == 403
