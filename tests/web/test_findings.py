"""Findings, inspections, evidence, notices and timeline through the browser's door."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account
from kernel import clock
from kernel.tenancy import Tenant
from tenants.evidence.models import Evidence
from tenants.findings.models import Finding
from tenants.inspections.models import Inspection, Result
from tenants.notices.models import Notice
from tests.factories.findings import make_closed, make_finding, make_member, make_photo, make_submitted, picture
from tests.factories.inspections import make_done, make_inspection
from tests.factories.organisation import make_department, make_line, make_party, make_place, make_staff
from tests.factories.rubrics import make_rubric

HOST = {"host": "alpha.localhost"}
NOW = clock.now()


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def signed(actor: Actor) -> Client:
    client = Client(headers=HOST)
    client.force_login(Account.objects.get(pk=actor.account_id))
    return client


def photo(seed: int = 3) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.jpg", picture(seed), "image/jpeg")


class TestFiles:
    def test_upload_is_kept_once_per_key(self, alpha: Tenant) -> None:
        client = signed(make_member(alpha))
        one, two = (
            client.post("/files/", {"file": photo()}, headers={**HOST, "Idempotency-Key": "k1"}) for _ in range(2)
        )
        assert one.status_code == two.status_code == 201 and one.json()["id"] == two.json()["id"]
        assert Evidence.objects.count() == 1

    def test_headers_are_safe(self, alpha: Tenant) -> None:
        by = make_member(alpha)
        row = make_photo(alpha, by)
        answer = signed(by).get(f"/files/{row.pk}/")
        assert answer["Content-Type"] == "image/jpeg"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Disposition"].startswith("inline")
        assert "private" in answer["Cache-Control"] and answer["Content-Security-Policy"].startswith(
            "default-src 'none'"
        )
        assert b"".join(answer.streaming_content)[:3] == b"\xff\xd8\xff"
        again = signed(by).get(f"/files/{row.pk}/", headers={**HOST, "If-None-Match": answer["ETag"]})
        assert again.status_code == 304
        assert signed(by).get(f"/files/{row.pk}/thumb/").status_code == 200

    def test_a_document_is_downloaded(self, alpha: Tenant) -> None:
        client = signed(make_member(alpha))
        sent = {"file": SimpleUploadedFile("方案.html", b"%PDF-1.7 <script>", "text/html"), "kind": "file"}
        made = client.post("/files/", sent).json()
        answer = client.get(made["url"])
        assert answer["Content-Type"] == "application/pdf" and answer["Content-Disposition"].startswith("attachment")
        assert client.get(f"{made['url']}thumb/").status_code == 404

    def test_refusals(self, alpha: Tenant) -> None:
        client = signed(make_member(alpha))
        bad = client.post("/files/", {"file": SimpleUploadedFile("a.jpg", b"<html>", "image/jpeg")})
        assert (bad.status_code, bad.json()["code"]) == (422, "not_a_photo")
        assert client.post("/files/", {}).json()["code"] == "file_empty"
        assert client.post("/files/", {"file": photo(), "place": "x"}).json()["code"] == "invalid"
        assert Client(headers=HOST).post("/files/", {"file": photo()}).status_code == 401
        rival = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4()))
        row = make_photo(alpha, make_member(alpha))
        assert rival.get(f"/files/{row.pk}/").status_code == 403
        assert client.get(f"/files/{uuid4()}/").status_code == 404


PAGES = [
    "/findings/", "/findings/?bucket=all&text=x&severity=minor&found_from=2026-01-01", "/findings/create/", "/findings/rules/",
    "/m/", "/m/findings/", "/m/findings/new/", "/inspections/", "/inspections/?status=done", "/inspections/coverage/",
    "/inspections/checklists/", "/m/inspections/", "/m/inspections/start/", "/notices/", "/m/notices/", "/timeline/",
    "/timeline/?verb=finding&person=x&from_day=2026-01-01", "/timeline/?before=999999",
]  # fmt: skip


@pytest.mark.parametrize("url", PAGES)
def test_pages_open_empty_and_full(alpha: Tenant, url: str) -> None:
    client = signed(make_member(alpha, Role.SCHOOL_ADMIN))
    assert client.get(url).status_code == 200
    make_submitted(alpha)
    make_done(alpha)
    make_inspection(alpha)
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("url", PAGES)
def test_pages_are_for_members(alpha: Tenant, url: str) -> None:
    assert Client(headers=HOST).get(url).status_code == 302


def test_what_a_company_sees(alpha: Tenant) -> None:
    party = make_party("contract")
    client = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id))
    own, other = make_finding(alpha, party=party, title="自己的问题"), make_finding(alpha, title="别人的问题")
    for url in ("/findings/?bucket=all", "/m/findings/?bucket=unsolved", "/m/"):
        body = client.get(url).content.decode()
        assert "自己的问题" in body and "别人的问题" not in body
    assert client.get(f"/findings/{other.pk}/").status_code == 404
    for url in (
        "/findings/create/",
        "/findings/rules/",
        "/inspections/coverage/",
        "/m/inspections/start/",
    ):
        assert client.get(url).status_code == 403
    page = client.get(f"/m/findings/{own.pk}/").content.decode()
    assert "提交，请求复查" in page and "通过，销号" not in page and "作废" not in page


def test_the_phone_fixes_and_the_supervisor_verifies(alpha: Tenant) -> None:
    party = make_party("contract")
    fixer = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id))
    supervisor = make_member(alpha)
    found = make_finding(alpha, by=supervisor, party=party)
    refused = fixer.post(f"/findings/{found.pk}/submit/", {"text": "修好了", "next": f"/m/findings/{found.pk}/"})
    assert refused.status_code == 422 and "整改后的照片" in refused.content.decode()
    box = {**HOST, "X-Outbox": "1", "Idempotency-Key": "f1"}
    for _ in range(2):
        sent = fixer.post(f"/findings/{found.pk}/submit/", {"text": "修好了", "photos": photo(5)}, headers=box)
        assert sent.status_code == 200
    assert found.steps.filter(kind="submitted").count() == 1 and Evidence.objects.count() == 1
    again = fixer.post(f"/findings/{found.pk}/submit/", {"photos": photo(6)}, headers={**box, "Idempotency-Key": "f2"})
    assert (again.status_code, again.json()["code"]) == (422, "finding_wrong_move")
    page = signed(supervisor).get(f"/findings/{found.pk}/").content.decode()
    assert "通过，销号" in page
    back = signed(supervisor).post(f"/findings/{found.pk}/verify/", {"verdict": "reject", "text": ""})
    assert back.status_code == 422
    signed(supervisor).post(f"/findings/{found.pk}/verify/", {"verdict": "pass", "lesson": "每周检查"})
    found.refresh_from_db()
    assert (found.status, found.lesson) == ("closed", "每周检查")


def test_a_problem_is_opened_on_the_phone(alpha: Tenant) -> None:
    by, place = make_member(alpha), make_place()
    make_line("cleaning", party=make_department())
    client = signed(by)
    assert str(place.pk) in client.get(f"/m/findings/new/?place={place.pk}").content.decode()
    form = {"title": "垃圾没清", "place": str(place.pk), "line": "cleaning", "severity": "minor"}
    box = {**HOST, "X-Outbox": "1", "Idempotency-Key": "n1"}
    for _ in range(2):
        assert client.post("/m/findings/new/", {**form, "photos": [photo(1), photo(2)]}, headers=box).status_code == 201
    found = Finding.objects.get()
    assert found.steps.get().photos.count() == 2
    assert client.post("/findings/create/", {**form, "title": ""}).status_code == 422
    assert client.post("/findings/create/", {**form, "line": "canteen"}).status_code == 422  # no party for the line
    assert client.post("/findings/create/", {**form, "title": "第二个"}).status_code == 302


def test_other_steps(alpha: Tenant) -> None:
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    client, found, verifier = signed(admin), make_finding(alpha), make_member(alpha)
    url = f"/findings/{found.pk}/"
    client.post(f"{url}comment/", {"text": "请尽快"})
    client.post(f"{url}verifier/", {"verifier": str(verifier.account_id)})
    later = f"{clock.now() + timedelta(days=9):%Y-%m-%dT%H:%M}"
    client.post(f"{url}deadline/", {"deadline": later, "reason": "等备件"})
    assert client.post(f"{url}deadline/", {"deadline": "x"}).status_code == 422
    client.post(f"{url}start/", {"cause": "堵塞"})
    signed(make_member(alpha, Role.SCHOOL_ADMIN)).post(f"{url}void/", {"reason": "误开"})
    kinds = list(found.steps.values_list("kind", flat=True))
    assert kinds == ["opened", "commented", "assigned", "deadline", "started", "voided"]
    assert client.get(url).status_code == 200
    rule = {
        "which": "rule-minor", "minor-hours": "48", "minor-leader_after_hours": "12", "minor-verify_hours": "24",
        "minor-extensions": "1", "minor-extension_days": "7",
    }  # fmt: skip
    assert client.post("/findings/rules/", rule).status_code == 302
    assert client.post("/findings/rules/", {**rule, "minor-hours": "0"}).status_code == 422


def test_export_is_safe_and_filtered(alpha: Tenant) -> None:
    client = signed(make_member(alpha))
    make_finding(alpha, title="=HYPERLINK(1)")
    make_finding(alpha, title="另一条", severity="major")
    answer = client.get("/findings/export.xlsx?bucket=all&severity=minor")
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.content)).active.values)
    assert len(rows) == 2 and rows[1][1] == "'=HYPERLINK(1)"


class TestTheWalk:
    def test_from_start_to_summary(self, alpha: Tenant) -> None:
        by, place, rubric = make_member(alpha), make_place(), make_rubric()
        make_line("cleaning", party=make_department())
        old = make_finding(alpha, place=place, title="上次的积水")
        client = signed(by)
        assert client.get(f"/m/inspections/start/?place={place.pk}").status_code == 200
        started = client.post("/m/inspections/start/", {"place": str(place.pk), "sheet": f"rubric:{rubric.pk}"})
        walk = Inspection.objects.get()
        assert started.url == f"/m/inspections/{walk.pk}/"
        page = client.get(started.url).content.decode()
        assert "上次的积水" in page and "检查内容 1.1" in page and "现场查看" in page
        items = [r.item_id for r in walk.results.all()]
        url, box = f"/m/inspections/{walk.pk}", {**HOST, "X-Outbox": "1"}
        assert (
            client.post(
                f"{url}/answer/{items[0]}/", {"verdict": "pass"}, headers={**box, "Idempotency-Key": "a"}
            ).json()["verdict"]
            == "pass"
        )
        fail = {"verdict": "fail", "photos": photo(), "place": str(place.pk), "note": "地面有烟头", "occurrences": "2"}
        for _ in range(2):
            fail["photos"] = photo()
            sent = client.post(f"{url}/answer/{items[1]}/", fail, headers={**box, "Idempotency-Key": "b"})
            assert sent.json()["faults"] == 2
        assert client.post(f"{url}/answer/{items[2]}/", {"verdict": "x"}, headers=box).json()["code"] == "invalid"
        bad = client.post(f"{url}/answer/{items[2]}/", {"verdict": "fail", "occurrences": "many"}, headers=box)
        assert bad.json()["field"] == "occurrences"
        client.post(
            f"{url}/recheck/{old.pk}/", {"solved": "1", "photos": photo()}, headers={**box, "Idempotency-Key": "c"}
        )
        section = rubric.sections.order_by("position").last()
        client.post(f"{url}/pass-rest/{section.pk}/", headers=box)
        client.post(f"{url}/clear/{items[0]}/", headers=box)
        assert client.get("/m/").content.decode().count("还剩 1 项") == 1
        client.post(f"{url}/finish/", {"note": "完"}, headers={**box, "Idempotency-Key": "d"})
        walk.refresh_from_db()
        assert walk.status == "done"
        assert Result.objects.filter(verdict="pass").count() == 2 and Finding.objects.count() == 2
        assert "地面有烟头" in client.get(started.url).content.decode()
        found = Finding.objects.exclude(pk=old.pk).get()
        sheet = client.get(f"/inspections/{walk.pk}/").content.decode()
        assert "地面有烟头" in sheet and found.number in sheet
        problems = client.get(f"/inspections/{walk.pk}/problems/").content.decode()
        assert "地面有烟头" in problems and found.number in problems
        last = client.get(f"/inspections/last/?place={place.pk}")
        assert last.url == f"/inspections/{walk.pk}/problems/"

    def test_the_answer_page_says_yes_no_and_nothing(self, alpha: Tenant) -> None:
        client = signed(make_member(alpha))
        assert client.get("/inspections/last/").status_code == 404
        done = make_done(alpha)
        assert "没有开出问题" in client.get(f"/inspections/{done.pk}/problems/").content.decode()

    def test_a_checklist_is_made_and_dropped(self, alpha: Tenant) -> None:
        client, rubric = signed(make_member(alpha)), make_rubric()
        url = f"/inspections/checklists/new/{rubric.pk}/"
        assert client.get(url).status_code == 200
        item = rubric.sections.first().items.first()
        assert client.post(url, {"title": "日检", "line": "cleaning", "items": []}).status_code == 422
        assert client.post(url, {"title": "无类型", "line": "cleaning", "items": [str(item.pk)]}).status_code == 422
        whole = {"title": "日检", "line": "cleaning", "kind": "material", "items": [str(item.pk)]}
        assert client.post(url, whole).status_code == 302
        body = client.get("/inspections/checklists/").content.decode()
        assert "日检" in body and "无类型" not in body
        assert "日检" in client.get("/inspections/checklists/?kind=material").content.decode()
        none = client.get("/inspections/checklists/?kind=food").content.decode()
        assert "没有符合条件的检查表" in none and "日检" not in none
        assert "物料检查 · 日检（1 项）" in client.get("/m/inspections/start/").content.decode()
        from tenants.inspections.models import Checklist

        client.post(f"/inspections/checklists/{Checklist.objects.get().pk}/drop/")
        assert "日检（1 项）" not in client.get("/m/inspections/start/").content.decode()

    def test_cancelled(self, alpha: Tenant) -> None:
        by = make_member(alpha)
        walk = make_inspection(alpha, by=by)
        assert signed(by).post(f"/m/inspections/{walk.pk}/cancel/").status_code == 302
        assert signed(make_member(alpha)).post(f"/m/inspections/{walk.pk}/finish/").status_code == 422


class TestInbox:
    def test_mine_only(self, alpha: Tenant) -> None:
        supervisor = make_member(alpha)
        found = make_submitted(alpha, by=supervisor)
        notice = Notice.objects.get(account_id=supervisor.account_id)
        mine, other = signed(supervisor), signed(make_member(alpha))
        assert found.title in mine.get("/notices/").content.decode()
        assert found.title not in other.get("/notices/").content.decode()
        assert other.post(f"/notices/{notice.pk}/open/").status_code == 404
        assert mine.post(f"/notices/{notice.pk}/open/", {"phone": "1"}).url == f"/m/findings/{found.pk}/"
        notice.refresh_from_db()
        assert notice.read_at is not None
        assert found.title in mine.get("/notices/?all=1").content.decode()

    def test_read_all(self, alpha: Tenant) -> None:
        supervisor = make_member(alpha)
        make_submitted(alpha, by=supervisor)
        signed(supervisor).post("/notices/read-all/")
        assert not Notice.objects.filter(account_id=supervisor.account_id, read_at=None).exists()


def test_a_list_costs_the_same_whatever_its_length(alpha: Tenant, django_assert_max_num_queries: Any) -> None:
    by = make_member(alpha)
    client = signed(by)
    place, party = make_place(), make_party("contract")
    make_finding(alpha, by=by, place=place, party=party)
    make_done(alpha, by=by, place=place, party=party)
    client.get("/findings/")

    def cost(url: str) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        # The host's answer is kept for two seconds, so it is asked for now and then.
        return sum("schools_domain" not in q["sql"] and "search_path" not in q["sql"] for q in queries)

    urls = ["/findings/?bucket=all", "/m/findings/?bucket=unsolved", "/m/", "/inspections/", "/timeline/"]
    few = [cost(u) for u in urls]
    for _ in range(8):
        make_finding(alpha, by=by, place=place, party=party)
        make_done(alpha, by=by, place=place, party=party)
    assert [cost(u) for u in urls] == few


def test_another_schools_ids_do_not_exist_here(alpha: Tenant, beta: Tenant) -> None:
    from kernel.tenancy import school_context

    client = signed(make_member(alpha, Role.SCHOOL_ADMIN))
    with school_context(beta):
        by = make_member(beta)
        found, walk, picture_ = make_finding(beta, by=by), make_inspection(beta, by=by), make_photo(beta, by)
    for url in (
        f"/findings/{found.pk}/", f"/m/findings/{found.pk}/", f"/inspections/{walk.pk}/", f"/m/inspections/{walk.pk}/",
        f"/inspections/{walk.pk}/problems/", f"/files/{picture_.pk}/", f"/files/{picture_.pk}/thumb/",
    ):  # fmt: skip
        assert client.get(url).status_code == 404, url
    for url in (f"/findings/{found.pk}/start/", f"/findings/{found.pk}/comment/", f"/m/inspections/{walk.pk}/finish/"):
        assert client.post(url, {"text": "x"}).status_code in (404, 422), url
    with school_context(beta):
        assert Finding.objects.get().status == "open" and Finding.objects.get().steps.count() == 1


class TestTheWholeCycle:
    def test_a_repeat_asks_for_root_cause_and_conclusion(self, alpha: Tenant) -> None:
        place, party, item = make_place(), make_party("contract"), uuid4()
        first = make_closed(alpha, place=place, party=party, rubric_item_id=item)
        manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
        found = make_finding(alpha, place=place, party=party, rubric_item_id=item)
        client, url = signed(manager), f"/findings/{found.pk}/"
        page = client.get(f"/m{url}").content.decode()
        assert first.number in page and "根本原因" in page
        refused = client.post(f"{url}submit/", {"photos": photo(11)})
        assert refused.status_code == 422 and "根本原因" in refused.content.decode()
        cause = "下水管坡度不够，清扫后又回流。"
        assert client.post(f"{url}submit/", {"photos": photo(12), "root_cause": cause}).status_code == 302
        boss = signed(make_member(alpha))
        assert "data-compare" in boss.get(url).content.decode()
        assert boss.post(f"{url}verify/", {"verdict": "pass"}).status_code == 422
        answer = {"verdict": "pass", "consequence": "plan", "lesson": "改造坡度"}
        assert boss.post(f"{url}verify/", answer).status_code == 302
        found.refresh_from_db()
        assert (found.status, found.consequence, found.root_cause) == ("closed", "plan", cause)
        assert found.number in boss.get(f"/findings/{first.pk}/").content.decode()

    def test_extension_owner_and_conclusion_by_clicking(self, alpha: Tenant) -> None:
        party = make_party("contract")
        worker = make_staff(party=party)
        manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
        found = make_finding(alpha, party=party)
        client, boss, url = signed(manager), signed(make_member(alpha)), f"/findings/{found.pk}/"
        assert client.post(f"{url}owner/", {"owner": str(worker.pk)}).status_code == 302
        assert client.post(f"{url}extension/", {"wanted": "x"}).status_code == 422
        later = (found.deadline + timedelta(days=5)).astimezone(alpha.tz).replace(second=0, microsecond=0)
        wanted = {"wanted": f"{later:%Y-%m-%dT%H:%M}", "reason": "等备件"}
        assert client.post(f"{url}extension/", wanted).status_code == 302
        assert "等备件" in boss.get("/findings/extensions/").content.decode()
        assert "份延期申请等您答复" in boss.get("/findings/").content.decode()
        answer = f"{url}extension/{found.extensions.get().pk}/"
        assert boss.post(answer, {"verdict": "refuse"}).status_code == 422
        assert client.post(answer, {"verdict": "grant"}).status_code == 422
        assert boss.post(answer, {"verdict": "grant", "answer": "可以"}).status_code == 302
        found.refresh_from_db()
        assert (found.owner_name, found.extended, found.deadline) == (worker.name, 1, later)
        assert "最初期限" in client.get(url).content.decode()
        closed = make_closed(alpha)
        lesson = {"consequence": "nothing", "lesson": "偶发"}
        assert boss.post(f"/findings/{closed.pk}/conclude/", lesson).status_code == 302
        assert boss.get(f"/findings/{closed.pk}/").content.decode().count("偶发") >= 1

    def test_rules_by_clicking(self, alpha: Tenant) -> None:
        client = signed(make_member(alpha, Role.SCHOOL_ADMIN))
        steps = {"which": "ladder-major", "major0-after_hours": "0", "major0-whom": ["party"]}
        assert client.post("/findings/rules/", steps).status_code == 302
        assert client.post("/findings/rules/", {**steps, "major0-whom": []}).status_code == 422
        assert client.post("/findings/rules/", {**steps, "major0-whom": ["rector"]}).status_code == 422
        assert client.post("/findings/rules/", {"which": "repeat", "days": "60", "factor": "2"}).status_code == 302
        assert client.post("/findings/rules/", {"which": "repeat", "days": "0", "factor": "2"}).status_code == 422
        page = client.get("/findings/rules/").content.decode()
        assert 'value="60"' in page
        assert signed(make_member(alpha)).get("/findings/rules/").status_code == 403
