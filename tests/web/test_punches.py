"""Punches through the browser's, the phone's and the devices' doors."""

from __future__ import annotations

import gzip
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant, school_context
from tenants.evidence.models import Evidence
from tenants.punches import batches, operations
from tenants.punches.choices import ClockBasis, PunchStatus
from tenants.punches.models import Appeal, Device, Fence, PhotoCheck, Punch, Unmatched
from tests.factories.findings import make_member, make_photo
from tests.factories.organisation import make_contract, make_place, make_post, make_staff
from tests.factories.punches import HERE, TOKEN, make_device, make_fence, make_instance, make_punch
from tests.web.test_findings import HOST, photo, signed

NOW = clock.now()


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def outbox(key: str | None = None, **more: str) -> dict[str, str]:
    return {**HOST, "X-Outbox": "1", "Idempotency-Key": key or str(uuid4()), **more}


def at_the_gate(alpha: Tenant, *, grade: str = "C") -> tuple[Any, Client]:
    person = make_staff(post=make_post(place=make_place("东门", code="EAST")))
    make_instance(person, grade=grade)
    make_fence(person.post)
    return person, signed(make_member(alpha, Role.FRONTLINE, staff_id=person.pk))


POSITION = {"latitude": HERE[0], "longitude": HERE[1], "accuracy_m": 12, "fix_age_s": 3}


class TestPhone:
    def test_the_page_tells_the_shift_and_the_ways_without_a_face(self, alpha: Tenant) -> None:
        person, client = at_the_gate(alpha, grade="B")
        page = client.get("/m/punch/").content.decode()
        assert "正在上的班" in page and person.post.name in page and "东门" in page
        assert "“扫码 + 拍照 + 定位”与人脸效力相同" in page and 'name="face"' not in page
        assert "no-store" not in client.get("/m/punch/").get("Cache-Control", "")  # the service worker may keep it

    def test_a_punch_of_the_outbox_is_stored_once_with_its_photo(self, alpha: Tenant) -> None:
        person, client = at_the_gate(alpha, grade="A")
        key = str(uuid4())
        for _ in range(3):
            answer = client.post(
                "/m/punch/", {**POSITION, "code": "http://alpha.localhost/q/EAST", "photo": photo(), "phone_id": "p1"},
                headers=outbox(key),
            )  # fmt: skip
            assert answer.status_code == 201, answer.content.decode()
        row = Punch.objects.get()
        assert (row.staff_id, row.grade, row.status, str(row.client_id)) == (person.pk, "A", "accepted", key)
        assert Evidence.objects.get().pk == row.photo_id
        assert "打卡成功" in client.get("/m/punch/recent/").content.decode()

    def test_a_refusal_says_why_and_what_next_and_is_kept(self, alpha: Tenant) -> None:
        _person, client = at_the_gate(alpha)
        answer = client.post("/m/punch/", {**POSITION, "fix_age_s": 900}, headers=outbox())
        assert answer.status_code == 422
        told = answer.json()["detail"]
        assert "15 分钟前" in told and "重新取一次" in told
        assert Punch.objects.get().refusal == "stale_fix"
        assert "重新取一次" in client.get("/m/punch/mine/").content.decode()

    @pytest.mark.parametrize("wrong_by", [timedelta(days=1), timedelta(days=-1)])
    def test_a_phone_a_day_wrong_is_put_right_by_the_anchor(self, alpha: Tenant, wrong_by: timedelta) -> None:
        _person, client = at_the_gate(alpha)
        anchor = client.get("/m/clock").json()["anchor"]
        said = (clock.now() + wrong_by).isoformat()
        sent = {**POSITION, "anchor": anchor, "elapsed_ms": "40", "monotonic": "1"}
        client.post("/m/punch/", sent, headers=outbox(**{"X-Recorded-At": said}))
        row = Punch.objects.get()
        assert row.clock == ClockBasis.ANCHORED and abs(row.at - clock.now()) < timedelta(seconds=30)

    def test_what_one_person_left_on_a_shared_phone_is_not_taken_as_anothers(self, alpha: Tenant) -> None:
        """A tab still shows 甲, who punched without a network; 乙 has signed in beside it, and the tab sends."""
        person, client = at_the_gate(alpha)
        other = make_member(alpha, Role.FRONTLINE, staff_id=make_staff(post=person.post).pk)
        mine = re.search(r'data-account="([^"]+)"', client.get("/m/punch/").content.decode())
        assert mine is not None
        key = str(uuid4())
        refused = signed(other).post("/m/punch/", POSITION, headers=outbox(key, **{"X-Account": mine[1]}))
        assert refused.status_code == 401 and "别的帐号" in refused.json()["detail"]  # the outbox keeps it
        assert not Punch.objects.exists()
        assert client.post("/m/punch/", POSITION, headers=outbox(key, **{"X-Account": mine[1]})).status_code == 201
        assert Punch.objects.get().staff_id == person.pk

    def test_without_a_script_a_plain_form_works(self, alpha: Tenant) -> None:
        _person, client = at_the_gate(alpha, grade="C")
        answer = client.post("/m/punch/", {"client_key": str(uuid4()), "photo": photo()})
        assert (answer.status_code, answer["Location"]) == (302, "/m/punch/")
        assert Punch.objects.get().status == PunchStatus.ACCEPTED

    @pytest.mark.parametrize(
        "sent", [{"latitude": "x", "longitude": "1"}, {"latitude": "nan", "longitude": "1"}, {"direction": "up"}]
    )
    def test_nonsense_is_refused_and_nothing_stored(self, alpha: Tenant, sent: dict[str, str]) -> None:
        _person, client = at_the_gate(alpha)
        assert client.post("/m/punch/", sent, headers=outbox()).status_code == 422
        assert not Punch.objects.exists()

    @pytest.mark.parametrize(
        "said",
        ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T08:00:00+23:59", "1600-01-01T00:00Z"],
    )
    def test_a_clock_of_another_age_breaks_no_list(self, alpha: Tenant, said: str) -> None:
        """PostgreSQL stores the year 10000 and cannot hand it back: one such punch, which nobody deletes, would have
        been an error of every list that holds it."""
        _person, client = at_the_gate(alpha)
        for sent in ({**POSITION}, {**POSITION, "photo": photo()}):
            answer = client.post("/m/punch/", sent, headers=outbox(**{"X-Recorded-At": said}))
            assert answer.status_code in (201, 422)
        boss = signed(make_member(alpha))
        assert {abs(row.recorded_at - clock.now()) < timedelta(days=400) for row in Punch.objects.all()} == {True}
        assert Punch.objects.count() == 2 and all(
            e.taken_at is None or e.taken_at.year == 2026 for e in Evidence.objects.all()
        )
        pages = [
            (client, "/m/punch/"),
            (client, "/m/punch/mine/"),
            (boss, "/punches/"),
            (boss, f"/punches/{Punch.objects.latest('pk').pk}/"),
        ]
        assert [each.get(path).status_code for each, path in pages] == [200] * 4

    def test_who_is_not_of_the_staff_is_told_where_to_go(self, alpha: Tenant) -> None:
        answer = signed(make_member(alpha, Role.SCHOOL_SUPERVISOR)).get("/m/punch/")
        assert answer["Location"] == "/m/punch/vouch/"
        assert Client(headers=HOST).get("/m/punch/")["Location"].startswith("/accounts/login/")
        assert Client(headers=HOST).get("/m/clock").status_code == 302

    def test_a_supervisor_vouches(self, alpha: Tenant) -> None:
        person, client = at_the_gate(alpha, grade="A")
        boss = signed(make_member(alpha))
        assert person.name in boss.get(f"/m/punch/vouch/?q={person.number}").content.decode()
        answer = boss.post("/m/punch/vouch/", {"staff": str(person.pk), **POSITION}, headers=outbox())
        assert answer.status_code == 201 and Punch.objects.get().grade == "A"
        assert client.post("/m/punch/vouch/", {"staff": str(person.pk)}, headers=outbox()).status_code in (403, 422)
        assert boss.post("/m/punch/vouch/", {"staff": "x"}, headers=outbox()).status_code == 422
        assert Punch.objects.count() == 1

    def test_the_vouchers_page_says_what_holds_for_whom_without_a_server_time(self, alpha: Tenant) -> None:
        """The school's own word counts (and is marked), a company's may not."""
        person, _client = at_the_gate(alpha)
        school = signed(make_member(alpha)).get(f"/m/punch/vouch/?q={person.number}").content.decode()
        assert "照样计入" in school and "可能不计入" not in school
        company = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4()))
        page = company.get("/m/punch/vouch/?q=x").content.decode()
        assert "可能不计入" in page and "照样计入" not in page

    def test_appeal_and_decision(self, alpha: Tenant) -> None:
        person, client = at_the_gate(alpha)
        row = make_punch(person, status="refused", refusal="outside", outside_m=80.0, grade="C", post=person.post)
        url = f"/m/punch/mine/{row.pk}/appeal/"
        assert client.post(url, {"text": "短"}, headers=outbox()).status_code == 422
        key = str(uuid4())
        for _ in range(2):
            sent = {"text": "在地下室值守，定位飘了", "photo": photo(9)}
            assert client.post(url, sent, headers=outbox(key)).status_code == 201
        assert client.post(url, {"text": "再申诉一次试试"}, headers=outbox()).status_code == 422
        appeal = Appeal.objects.get()
        stranger = signed(make_member(alpha, Role.FRONTLINE, staff_id=make_staff().pk))
        assert stranger.post(url, {"text": "替别人申诉一下"}, headers=outbox()).status_code == 422
        decide = f"/punches/appeals/{appeal.pk}/"
        assert client.post(decide, {"granted": "1"}).status_code == 403
        boss = signed(make_member(alpha))
        assert "申诉成立" in boss.get(f"/punches/{row.pk}/").content.decode()
        assert boss.post(decide, {"granted": "0", "note": ""}, headers={"HX-Request": "true"}).status_code == 422
        assert boss.post(decide, {"granted": "1", "note": "查过监控"}).status_code == 302
        row.refresh_from_db()
        assert (row.status, row.refusal) == ("accepted", "") and "范围外 80 米" in row.note
        assert boss.post(decide, {"granted": "0", "note": "反悔"}).status_code == 422


class TestConsole:
    def test_the_list_and_its_export(self, alpha: Tenant) -> None:
        person = make_staff("=赵一", post=make_post())
        make_punch(person, lacking=["health"], post=person.post, phone_id="a")
        make_punch(person, phone_id="b", status="refused", refusal="outside", outside_m=12.0)
        boss = signed(make_member(alpha))
        page = boss.get("/punches/").content.decode()
        assert "无证上岗" in page and "范围外 12 米" in page and "近 30 天用过 2 部手机" in page
        book = openpyxl.load_workbook(io.BytesIO(boss.get("/punches/export.xlsx?status=refused").content))
        rows = list(book.active.values)
        assert len(rows) == 2 and rows[1][1] == "'=赵一"

    def test_who_sees_the_list(self, alpha: Tenant) -> None:
        party = make_contract()
        mine, other = make_punch(make_staff("我司员工", party=party)), make_punch(make_staff("他司员工"))
        boss = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id))
        page = boss.get("/punches/").content.decode()
        assert "我司员工" in page and "他司员工" not in page
        assert boss.get(f"/punches/{mine.pk}/").status_code == 200
        assert boss.get(f"/punches/{other.pk}/").status_code == 404
        worker = signed(make_member(alpha, Role.FRONTLINE, staff_id=mine.staff_id))
        for path in ("/punches/", "/punches/export.xlsx", "/punches/devices/", "/punches/fences/", "/punches/import/"):
            assert worker.get(path).status_code == 403
        assert boss.get("/punches/devices/").status_code == 403

    def test_a_constant_number_of_queries(self, alpha: Tenant, django_assert_max_num_queries: Any) -> None:
        by = make_member(alpha)
        client = signed(by)
        client.get("/punches/")
        for n in range(15):
            make_punch(make_staff(post=make_post()), phone_id=f"p{n}")
        with django_assert_max_num_queries(32):
            client.get("/punches/")

    def test_a_device_its_token_and_its_switch(self, alpha: Tenant) -> None:
        admin = signed(make_member(alpha, Role.SCHOOL_ADMIN))
        answer = admin.post(
            "/punches/devices/new/", {"name": "东门考勤机", "kind": "terminal", "verifies_person": "on"}
        )
        row = Device.objects.get()
        assert "cieldev_" in answer.content.decode() and answer["Cache-Control"] == "no-store"
        page = admin.get(f"/punches/devices/{row.pk}/").content.decode()
        assert "cieldev_" not in page and row.token_hint in page
        assert admin.post(f"/punches/devices/{row.pk}/switch/", {"active": "0"}).status_code == 302
        row.refresh_from_db()
        assert not row.active
        boss = signed(make_member(alpha))
        assert boss.post(f"/punches/devices/{row.pk}/token/").status_code == 403
        assert boss.get("/punches/devices/new/").status_code == 403

    def test_numbers_nobody_has_are_given_to_a_person(self, alpha: Tenant) -> None:
        person, device = make_staff(), make_device()
        Unmatched.objects.create(device=device, seq=1, number="0042", at=NOW, recorded_at=NOW)
        admin = signed(make_member(alpha, Role.SCHOOL_ADMIN))
        assert "0042" in admin.get(f"/punches/devices/{device.pk}/").content.decode()
        url = f"/punches/devices/{device.pk}/number/"
        admin.post(url, {"number": "0042", "staff_number": "nobody"})
        assert Unmatched.objects.exists()
        admin.post(url, {"number": "0042", "staff_number": person.number})
        assert Punch.objects.get().staff == person

    def test_fences_are_drawn_by_numbers(self, alpha: Tenant) -> None:
        post = make_post()
        boss = signed(make_member(alpha))
        circle = {"post": str(post.pk), "name": "东门", "shape": "circle", "latitude": "23.1", "longitude": "113.2",
                  "radius_m": "80", "active": "on"}  # fmt: skip
        assert boss.post("/punches/fences/new/", circle).status_code == 302
        twice = boss.post("/punches/fences/new/", circle)
        assert twice.status_code == 422 and "同名" in twice.content.decode()
        ring = {**circle, "name": "操场", "shape": "polygon", "corners": "23.1,113.2\n23.1,113.201\n23.101,113.201"}
        assert boss.post("/punches/fences/new/", ring).status_code == 302
        for wrong in (
            {"corners": "23.1,113.2\n23.101,113.201\n23.1,113.201\n23.101,113.2"},  # crosses itself
            {"corners": "23.1,113.2\n23.1,113.201"},
            {"corners": "north"},
            {"shape": "circle", "radius_m": "9999999"},
            {"shape": "circle", "latitude": "nan"},
        ):
            assert boss.post("/punches/fences/new/", {**ring, "name": "错", **wrong}).status_code == 422
        row = Fence.objects.get(name="操场")
        make_punch(make_staff(), post=post, latitude=23.1, longitude=113.2)
        assert '"latitude": 23.1' in boss.get(f"/punches/fences/{row.pk}/").content.decode()
        assert boss.post(f"/punches/fences/{row.pk}/drop/").status_code == 302
        assert [f.name for f in Fence.objects.all()] == ["东门"]

    def test_a_fence_copied_from_a_map_that_is_off_is_doubted_when_it_is_saved(self, alpha: Tenant) -> None:
        """Positions of phones are WGS-84; the coordinates of Chinese maps lie some 500 m beside."""
        post, boss = make_post(), signed(make_member(alpha))
        circle = {"post": str(post.pk), "name": "东门", "shape": "circle", "latitude": str(HERE[0] - 0.0025),
                  "longitude": str(HERE[1] + 0.0053), "radius_m": "100", "active": "on"}  # fmt: skip
        assert "WGS-84" in boss.get(f"/punches/fences/new/?post={post.pk}").content.decode()
        for _ in range(4):
            make_punch(make_staff(), post=post, latitude=HERE[0], longitude=HERE[1], accuracy_m=15)
        assert "没有一次在范围内" not in boss.post("/punches/fences/new/", circle, follow=True).content.decode()
        make_punch(make_staff(), post=post, latitude=HERE[0], longitude=HERE[1], accuracy_m=15)
        row = Fence.objects.get()
        again = boss.post(f"/punches/fences/{row.pk}/", circle, follow=True)
        told = again.content.decode()
        assert (
            again.redirect_chain[-1][0] == f"/punches/fences/{row.pk}/"
            and "没有一次在范围内" in told
            and "最近的差 5" in told
        )
        right = {**circle, "latitude": str(HERE[0]), "longitude": str(HERE[1])}
        assert "没有一次在范围内" not in boss.post(f"/punches/fences/{row.pk}/", right, follow=True).content.decode()

    def test_a_file_is_checked_confirmed_and_stored_once(
        self, alpha: Tenant, django_capture_on_commit_callbacks: Any
    ) -> None:
        from tenants.jobs.models import Job
        from tenants.punches import importing

        person, device = make_staff(number="G900"), make_device()
        admin = signed(make_member(alpha, Role.SCHOOL_ADMIN))
        text = "考勤号,日期,时间\nG900,2026/3/2,8:01:00\nG900,2026/3/2,18:02\n0007,2026/3/2,8:00\nG900,,yesterday\n"
        for turn in range(2):
            upload = SimpleUploadedFile("导出.csv", text.encode("gb18030"), "text/csv")
            answer = admin.post("/punches/import/", {"device": str(device.pk), "file": upload})
            check = Job.objects.filter(kind=importing.CHECK).order_by("-created_at").first()
            assert answer["Location"] == f"/punches/import/{check.pk}/"
            importing.check_job(job_id=check.pk, tenant=alpha, clock=clock.now)
            check.refresh_from_db()
            page = admin.get(f"/punches/import/{check.pk}/").content.decode()
            if turn == 0:
                assert check.result["counts"] == {"new": 3, "unchanged": 0, "wrong": 1, "total": 4, "unknown": 1}
                assert "导入 3 行，跳过 1 行错误" in page and not Punch.objects.exists()
                admin.post(f"/punches/import/{check.pk}/confirm/")
                apply = Job.objects.get(kind=importing.APPLY)
                importing.apply_job(job_id=apply.pk, tenant=alpha, clock=clock.now)
                importing.apply_job(job_id=apply.pk, tenant=alpha, clock=clock.now)
                assert "认领 1 条" in admin.get(f"/punches/import/{apply.pk}/").content.decode()
            else:
                assert check.result["counts"]["new"] == 0 and "没有可以导入的行" in page
        rows = Punch.objects.order_by("at")
        assert [(r.staff, r.source, r.latitude, r.status) for r in rows] == [(person, "import", None, "accepted")] * 2
        assert rows[0].at == datetime(2026, 3, 2, 0, 1, tzinfo=UTC)
        assert Unmatched.objects.get().number == "0007"


class TestDevices:
    def send(self, body: Any, *, token: str = TOKEN, host: str = "alpha.localhost", **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = headers.pop("Content-Type", "application/json")
        given = {"host": host, **({"Authorization": f"Bearer {token}"} if token else {}), **headers}
        client = Client(enforce_csrf_checks=True)
        return client.generic("POST", "/api/punches/batch", data, content_type=kind, headers=given)

    def test_a_batch_is_taken_and_told(self, alpha: Tenant) -> None:
        person, device = make_staff(), make_device()
        now = clock.now()
        body = {"sent_at": (now + timedelta(minutes=5)).isoformat(), "reported_until": now.isoformat(), "punches": [
            {"seq": 1, "staff": person.number, "at": (now - timedelta(minutes=5)).isoformat(), "direction": "in"},
            {"seq": 2, "staff": "nobody", "at": now.isoformat()},
            {"seq": 3, "staff": person.number, "at": "never"},
        ]}  # fmt: skip
        answer = self.send(body)
        told = answer.json()
        assert answer.status_code == 200, told
        assert (told["acknowledged"], told["accepted"], told["unmatched"]) == (2, 1, 1)
        assert told["unknown_numbers"] == {"nobody": 1} and [r["index"] for r in told["rejected"]] == [2]
        assert abs(told["drift_seconds"] - 300) <= 2
        assert self.send(body).json()["duplicates"] == 2
        device.refresh_from_db()
        assert device.last_seen_at is not None and device.reported_until is not None
        assert device.reported_until < clock.now()

    def test_csv_gzip_and_gb18030(self, alpha: Tenant) -> None:
        person = make_staff()
        make_device()
        table = f"序号,工号,时间,方向\n1,{person.number},{NOW:%Y-%m-%dT%H:%M:%SZ},上班\n".encode("gb18030")
        answer = self.send(
            gzip.compress(table), **{"Content-Type": "text/csv; charset=gb18030", "Content-Encoding": "gzip"}
        )
        assert answer.json()["accepted"] == 1 and Punch.objects.get().direction == "in"

    @pytest.mark.parametrize("token", ["", "cieldev_forged", "cielm_" + "x" * 40, TOKEN + "x", "\x00", "x" * 5000])
    def test_a_wrong_token_gets_nothing(self, alpha: Tenant, token: str) -> None:
        make_device()
        answer = self.send({"punches": []}, token=token)
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
        assert answer.json()["code"] == "device_token_refused"

    def test_another_schools_token_is_nobody_here(self, alpha: Tenant, beta: Tenant) -> None:
        with school_context(beta):
            make_device(token="cieldev_of-beta")
        assert self.send({"punches": []}, token="cieldev_of-beta").status_code == 401

    def test_a_device_switched_off_is_told_so(self, alpha: Tenant) -> None:
        device, person = make_device(), make_staff()
        Device.objects.filter(pk=device.pk).update(active=False)
        body = {"punches": [{"seq": 1, "staff": person.number, "at": NOW.isoformat()}]}
        answer = self.send(body)
        assert (answer.status_code, answer.json()["code"]) == (403, "device_off")
        assert not Punch.objects.exists()

    def test_hostile_bodies(self, alpha: Tenant) -> None:
        make_device()
        huge = b" " * (batches.MOST_BYTES + 1)
        bomb = gzip.compress(b" " * (batches.MOST_UNPACKED + 1))
        many = {"punches": [{"staff": "x", "at": 1772409600}] * 20_001}
        for body, headers, status in (
            (huge, {}, 413),
            (bomb, {"Content-Encoding": "gzip"}, 413),
            (many, {}, 413),
            (b"{", {}, 400),
            (b"\xff\xfe\xff", {"Content-Type": "application/json; charset=utf-8"}, 400),
            (b"<x/>", {"Content-Type": "application/xml"}, 400),
            (b"[" * 200_000, {}, 400),
            (b"", {}, 400),
            (b'{"sent_at": "0001-01-01T00:00:00Z"}', {}, 400),
        ):
            answer = self.send(body, **headers)
            assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
        assert Client(headers=HOST).get("/api/punches/batch").status_code == 405
        assert not Punch.objects.exists()

    @pytest.mark.parametrize("dead", ["2000-01-03T00:00:07Z", "2100-12-31T00:00:00Z"])
    def test_a_device_whose_clock_is_dead_is_put_right_and_not_lost(self, alpha: Tenant, dead: str) -> None:
        person, device = make_staff(), make_device()
        said = datetime.fromisoformat(dead)
        body = {"sent_at": dead, "punches": [
            {"seq": 1, "staff": person.number, "at": (said - timedelta(minutes=5)).isoformat()},
            {"seq": 2, "staff": "\ud800", "at": dead},
        ]}  # fmt: skip
        told = self.send(body).json()
        assert (told["accepted"], [r["index"] for r in told["rejected"]]) == (1, [1])
        assert abs(Punch.objects.get().at - (clock.now() - timedelta(minutes=5))) < timedelta(minutes=1)
        device.refresh_from_db()
        assert device.drift_seconds == told["drift_seconds"] and abs(device.drift_seconds) > 10**8
        assert signed(make_member(alpha, Role.SCHOOL_ADMIN)).get("/punches/devices/").status_code == 200

    def test_a_persons_session_or_token_is_no_device(self, alpha: Tenant) -> None:
        client = signed(make_member(alpha, Role.SCHOOL_ADMIN))
        assert client.post("/api/punches/batch", b"{}", content_type="application/json").status_code == 401

    def test_a_devices_token_opens_nothing_else(self, alpha: Tenant) -> None:
        make_device()
        for path in ("/punches/", "/graphql/", "/files/", "/m/punch/"):
            answer = Client().get(path, headers={**HOST, "Authorization": f"Bearer {TOKEN}"})
            assert answer.status_code == 401


def test_decided_by_face(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A face that cannot be judged (nobody agreed, no pack) leaves the punch to its other evidence, at once."""
    person, client = at_the_gate(alpha, grade="C")
    answer = client.post("/m/punch/", {**POSITION, "face": photo(4)}, headers=outbox())
    assert answer.status_code == 201
    row = Punch.objects.get()
    assert (row.status, Evidence.objects.count()) == (PunchStatus.PENDING, 0)
    done = operations.face_checked(check_id=row.face_check_id, tenant=alpha, now=clock.now())
    assert done is not None and (done.status, done.grade, done.staff_id) == ("accepted", "C", person.pk)
    assert "人脸未用上" in done.note
    assert operations.face_checked(check_id=row.face_check_id, tenant=alpha, now=clock.now()) is None


def test_my_punches_begin_with_the_newest_and_more_are_asked_for(alpha: Tenant) -> None:
    person, now = make_staff(post=make_post()), clock.now()
    client = signed(make_member(alpha, Role.FRONTLINE, staff_id=person.pk))
    for n in range(21):
        make_punch(person, at=now - timedelta(hours=n))
    few = client.get("/m/punch/mine/").content.decode()
    assert few.count('<section class="card">') == 20 and "再看更早的" in few
    all_ = client.get("/m/punch/mine/?all").content.decode()
    assert all_.count('<section class="card">') == 21 and "再看更早的" not in all_


def test_a_photo_that_looks_used_before_is_shown_beside_the_earlier_one(alpha: Tenant) -> None:
    person = make_staff(post=make_post())
    photos = [make_photo(alpha, make_member(alpha)) for _ in range(2)]
    first, again = (make_punch(person, photo_id=photo.pk) for photo in photos)
    PhotoCheck.objects.create(
        punch=again, photo_id=photos[1].pk, earlier_id=first.pk, state="alike", asked_at=clock.now()
    )
    boss = signed(make_member(alpha))
    page = boss.get("/punches/").content.decode()
    assert "1 张照片请您核对" in page
    page = boss.get("/punches/?mark=photo").content.decode()
    assert f"/punches/{again.pk}/" in page and f'href="/punches/{first.pk}/"' not in page
    page = boss.get(f"/punches/{again.pk}/").content.decode()
    assert all(str(photo.pk) in page for photo in photos) and "这只是提示" in page
    said = boss.post(f"/punches/{again.pk}/photo/", {"same": "0", "note": "钟点不同"})
    assert said.status_code == 302 and PhotoCheck.objects.get().state == "cleared"
    company = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4())
    assert signed(company).post(f"/punches/{again.pk}/photo/", {"same": "1"}).status_code in (403, 404)
