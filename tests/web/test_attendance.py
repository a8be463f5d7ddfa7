"""Attendance through the browser's door and GraphQL's."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
from django.test import Client

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account
from kernel import clock
from kernel.tenancy import Tenant
from tenants.attendance import board, coverage, operations, queries
from tenants.attendance.models import Confirmation, Correction, Suspect
from tenants.timeline.models import Event
from tests.factories.attendance import at, derive, make_day, make_worker, result_of
from tests.factories.findings import make_member
from tests.factories.organisation import make_party, make_post, make_staff
from tests.factories.punches import make_instance, make_punch
from tests.factories.rosters import make_assignment, make_coverage, make_rule, make_shift, make_terms

pytestmark = pytest.mark.django_db
HOST = {"host": "alpha.localhost"}
PAGES = [
    "/attendance/", "/attendance/board/rows/", "/attendance/sheet/", "/attendance/results/?mark=all", "/attendance/coverage/",
    "/attendance/corrections/?status=all", "/attendance/suspects/?status=all",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def signed(actor: Actor) -> Client:
    client = Client(headers=HOST)
    client.force_login(Account.objects.get(pk=actor.account_id))
    return client


def ask(client: Client, query: str) -> Any:
    answer = client.post("/graphql/", json.dumps({"query": query}), content_type="application/json")
    return answer.json()


def yesterday(tenant: Tenant) -> Any:
    return (clock.now() - timedelta(days=2)).astimezone(tenant.tz).date()


def lived(tenant: Tenant, n: int = 1) -> Any:
    """A worker with a late day the day before yesterday."""
    day = yesterday(tenant)
    staff, worker = make_worker(tenant)
    for k in range(n):
        instance = make_day(tenant, staff, "08:20", "18:00", day=day - timedelta(days=k), derive_at=clock.now())
    return staff, worker, instance


@pytest.mark.parametrize("url", PAGES)
def test_pages_open_empty_and_full(alpha: Tenant, url: str) -> None:
    client = signed(make_member(alpha))
    assert client.get(url).status_code == 200
    staff, _worker, _instance = lived(alpha)
    make_coverage(staff.post, span=(480, 1080))
    page = client.get(url)
    assert page.status_code == 200
    assert signed(make_worker(alpha, name="李四")[1]).get(url).status_code == 403
    assert Client(headers=HOST).get(url).status_code == 302


def test_the_list_says_why_and_exports_safely(alpha: Tenant) -> None:
    staff, _worker, instance = lived(alpha)
    client = signed(make_member(alpha))
    said = "班次 08:00–18:00，首卡 08:20，超出宽限 10 分，迟到 20 分"
    assert said in client.get("/attendance/results/").content.decode()
    assert said in client.get(f"/attendance/shifts/{instance.pk}/").content.decode()
    staff.name = "=cmd()"
    staff.save()
    book = openpyxl.load_workbook(io.BytesIO(client.get("/attendance/results/export.xlsx").content))
    rows = list(book.active.values)
    assert rows[1][1] == "'=cmd()" and rows[1][11].startswith(said)


def test_a_company_sees_its_own_people_only(alpha: Tenant) -> None:
    staff, _worker, instance = lived(alpha)
    own = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=staff.party.provider_id))
    rival = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=make_party("contract").provider_id))
    for url in ("/attendance/results/", f"/attendance/sheet/?month={instance.day:%Y-%m}"):
        assert staff.name in own.get(url).content.decode()
        assert staff.name not in rival.get(url).content.decode()
    assert rival.get(f"/attendance/shifts/{instance.pk}/").status_code == 404
    assert own.get("/attendance/suspects/").status_code == 403


def test_month_sheet_as_excel_and_pdf(alpha: Tenant) -> None:
    _staff, _worker, instance = lived(alpha)
    client = signed(make_member(alpha))
    sent = {"month": f"{instance.day:%Y-%m}"}
    book = openpyxl.load_workbook(
        io.BytesIO(client.post("/attendance/sheet/export/", {**sent, "form": "xlsx"}).content)
    )
    cells = [c for row in book.active.values for c in row]
    assert "迟" in cells and "王小明" in cells
    assert client.post("/attendance/sheet/export/", {**sent, "form": "pdf"}).content[:5] == b"%PDF-"


def test_the_sheet_says_what_was_put_right_after_it_was_confirmed(alpha: Tenant) -> None:
    (staff, worker), day = make_worker(alpha), date(2026, 6, 10)
    make_day(alpha, staff, day=day)
    now = at(alpha, "09:00", date(2026, 7, 20))
    operations.confirm_month(staff_id=staff.pk, month=day, by=worker, tenant=alpha, now=now)
    client = signed(make_member(alpha))
    url = "/attendance/sheet/?month=2026-06"
    assert "确认后的更正" not in client.get(url).content.decode()
    for text in ("08:00", "18:00"):
        make_punch(staff, at=at(alpha, text, day), source="correction")
    derive(alpha, day, now=now)
    page = client.get(url).content.decode()
    assert "确认后的更正" in page and "1 处更正" in page and "确认后更正为：" in page and "mk-later" in page


class TestClosing:
    """关账 closes what the sheet shows, and says so: the company chosen, or the whole school."""

    def two_companies(self, alpha: Tenant) -> list[Any]:
        people = []
        for name in ("甲", "乙"):
            staff, _worker = make_worker(alpha, name=name)
            make_day(alpha, staff, "08:00", "18:00", day=date(2026, 6, 10))
            people.append(staff)
        return people

    def test_the_chosen_company_alone(self, alpha: Tenant) -> None:
        one, _two = self.two_companies(alpha)
        client = signed(make_member(alpha))
        chosen = f"/attendance/sheet/?month=2026-06&party={one.party_id}"
        page = client.get(chosen).content.decode()
        assert f'data-confirm="关账 2026年6月（{one.party.name}）？' in page
        answer = client.post("/attendance/sheet/close/", {"month": "2026-06", "party": str(one.party_id)})
        assert answer.url == chosen
        assert [c.staff_id for c in Confirmation.objects.all()] == [one.pk]
        event = Event.objects.get(verb="month.closed")
        assert event.sentence == f"关账 2026 年 6 月考勤（{one.party.name}），1 人" and event.party_id == one.party_id

    def test_without_a_choice_the_whole_school(self, alpha: Tenant) -> None:
        self.two_companies(alpha)
        client = signed(make_member(alpha))
        assert "关账 2026年6月（全校）？" in client.get("/attendance/sheet/?month=2026-06").content.decode()
        client.post("/attendance/sheet/close/", {"month": "2026-06", "party": ""})
        assert Confirmation.objects.count() == 2
        assert Event.objects.get(verb="month.closed").sentence == "关账 2026 年 6 月考勤（全校），2 人"

    @pytest.mark.parametrize("party", ["nonsense", "01a21701-8f1a-73f4-bc1e-a1414646bd6a"])
    def test_a_company_nobody_knows_closes_nothing(self, alpha: Tenant, party: str) -> None:
        self.two_companies(alpha)
        client = signed(make_member(alpha))
        assert client.post("/attendance/sheet/close/", {"month": "2026-06", "party": party}).status_code == 404
        assert not Confirmation.objects.exists()

    def test_the_buttons_follow_a_filter_that_changed_the_rows_alone(self, alpha: Tenant) -> None:
        one, _two = self.two_companies(alpha)
        client = signed(make_member(alpha))
        rows = client.get(
            f"/attendance/sheet/?month=2026-06&party={one.party_id}",
            headers={**HOST, "HX-Request": "true", "HX-Target": "div#rows"},
        ).content.decode()
        assert "<!doctype" not in rows.lower()
        assert 'id="sheet-actions"' in rows and 'hx-swap-oob="true"' in rows
        assert f'name="party" value="{one.party_id}"' in rows and f"（{one.party.name}）？" in rows


def test_a_large_export_is_a_job(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenants.attendance import exports
    from tenants.jobs.models import Job
    from workers.tasks.attendance import export_month

    staff, _worker, instance = lived(alpha)
    monkeypatch.setattr(exports, "AT_ONCE", 0)
    client = signed(make_member(alpha))
    make_day(alpha, make_worker(alpha, name="李四")[0], "08:00", "18:00", day=instance.day, derive_at=clock.now())
    sent = {"month": f"{instance.day:%Y-%m}", "search": "王小明"}
    assert client.post("/attendance/sheet/export/", sent).url == "/jobs/"
    job = Job.objects.get()
    assert job.result["staff"] == [str(staff.pk)]  # the search goes along
    for _twice in range(2):
        export_month.run(tenant=alpha, job_id=str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.percent) == ("done", 100)
    assert client.get(f"/jobs/{job.pk}/download/").status_code == 200


def test_the_phone_asks_and_the_supervisor_approves(alpha: Tenant) -> None:
    _staff, worker, instance = lived(alpha)
    phone, office = signed(worker), signed(make_member(alpha))
    assert "申诉 / 补卡" in phone.get(f"/m/attendance/?month={instance.day:%Y-%m}").content.decode()
    url = f"/m/attendance/shifts/{instance.pk}/"
    assert phone.get(url).status_code == 200
    sent = {"side": "in", "at": f"{instance.day}T07:55", "reason": "手机没电"}
    headers = {**HOST, "Idempotency-Key": "k", "X-Outbox": "1"}
    assert [phone.post(url, sent, headers=headers).status_code for _ in range(2)] == [204, 204]
    late = phone.post(url, {**sent, "at": f"{instance.day}T17:00"}, headers={**headers, "Idempotency-Key": "k2"})
    assert late.status_code == 422 and "上班卡" in late.json()["detail"]
    row = Correction.objects.get()
    assert "手机没电" in office.get("/attendance/corrections/").content.decode()
    office.post(f"/attendance/corrections/{row.pk}/decide/", {"decision": "approve"})
    assert result_of(instance).mark == "normal"
    stranger = signed(make_worker(alpha, name="李四")[1])
    assert stranger.get(url).status_code == 404


def test_a_company_sees_that_the_school_decides_corrections(alpha: Tenant) -> None:
    staff, worker, instance = lived(alpha)
    operations.ask_correction(
        instance_id=instance.pk, side="in", at=at(alpha, "07:55", instance.day), reason="手机没电", by=worker, tenant=alpha,
        now=clock.now(),
    )  # fmt: skip
    company = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=staff.party.provider_id))
    seen = company.get("/attendance/corrections/").content.decode()
    assert "由学校监管人员审批" in seen and 'value="approve"' not in seen
    seen = signed(make_member(alpha)).get("/attendance/corrections/").content.decode()
    assert 'value="approve"' in seen and "由学校监管人员审批" not in seen


def test_the_phone_confirms_a_month_once_it_is_over(alpha: Tenant) -> None:
    staff, worker = make_worker(alpha)
    month = queries.last_month(alpha, clock.now())
    make_day(alpha, staff, "08:00", "18:00", day=month, derive_at=clock.now())
    phone = signed(worker)
    assert "确认本月考勤" in phone.get(f"/m/attendance/?month={month:%Y-%m}").content.decode()
    for _twice in range(2):
        phone.post("/m/attendance/confirm/", {"month": f"{month:%Y-%m}"})
    assert Confirmation.objects.get().staff_id == staff.pk
    page = phone.get(f"/m/attendance/?month={month:%Y-%m}").content.decode()
    assert "已确认" in page and "确认本月考勤" not in page


class TestBoard:
    def test_states(self, alpha: Tenant) -> None:
        now = clock.now()
        by = make_member(alpha)
        hours = timedelta(hours=1)
        posts = {
            n: make_post(n, party=make_party("contract"))
            for n in ("there", "awaited", "left", "short", "change", "gone")
        }
        people = {}
        for name, post in posts.items():
            for k in range(2 if name in ("short", "change") else 1):
                starts = now - hours * 3
                if name == "change":
                    starts = now - hours * 8 + timedelta(minutes=5) if k == 0 else now + timedelta(minutes=5)
                if name == "gone":
                    starts = now - hours * 20
                people[name, k] = make_instance(
                    make_staff(f"{name}{k}", post=post), starts_at=starts, ends_at=starts + hours * 8
                )
        for key in (("there", 0), ("left", 0), ("short", 0), ("change", 0)):
            make_punch(people[key].staff, at=people[key].starts_at - timedelta(minutes=5), grade="A")
        make_punch(people["left", 0].staff, at=now - hours, direction="out")
        make_punch(people["change", 1].staff, at=now - timedelta(minutes=3))
        make_punch(people["awaited", 0].staff, at=now - hours, grade="D")  # too weak for the post
        found = {p.post_name: p for p in board.board(by=by, tenant=alpha, now=now)}
        assert {n: p.state for n, p in found.items()} == {
            "there": "present", "awaited": "awaited", "left": "left", "short": "short", "change": "handover",
        }  # fmt: skip
        assert (found["short"].present, found["short"].needed) == (1, 2)
        assert (found["there"].people[0].grade, found["left"].since) == ("A", now - hours)

    def test_asked_for_and_not_on_the_roster(self, alpha: Tenant) -> None:
        post = make_post("大门", party=make_party("contract"))
        make_coverage(post, persons=2)
        (only,) = board.board(by=make_member(alpha), tenant=alpha, now=clock.now())
        assert (only.state, only.needed, only.present) == ("nobody", 2, 0)

    def test_costs_the_same_whatever_its_length(self, alpha: Tenant, django_assert_num_queries: Any) -> None:
        by = make_member(alpha)
        for n in (2, 5):
            for _k in range(n):
                make_instance()
            with django_assert_num_queries(5):
                board.board(by=by, tenant=alpha, now=clock.now())


def test_fill_rate_by_hour_and_in_yuan(alpha: Tenant) -> None:
    make_rule()
    day = yesterday(alpha)
    post = make_post("大门", party=make_party("contract"))
    make_terms(post, hourly_rate="30.00")
    make_coverage(post, persons=2, span=(480, 720))  # two persons, 08:00–12:00
    for n, times in enumerate((("07:55", "12:00"), ("07:50", "12:00"), ("09:30", "12:00"))):
        staff = make_staff(f"员工{n}", post=post)
        make_assignment(alpha, day=day, staff=staff, shift=make_shift(spans=((480, 720),)))
        if n:  # the first does not come
            for text in times:
                make_punch(staff, at=at(alpha, text, day))
    derive(alpha, day, now=clock.now())
    asked: dict[str, Any] = {"tenant": alpha, "now": clock.now(), "first": day, "last": day}
    hours = {f.key[0]: (f.contracted, f.present) for f in coverage.filled(by=["hour"], **asked)}
    assert hours == {8: (120, 60), 9: (120, 90), 10: (120, 120), 11: (120, 120)}
    (total,) = coverage.filled(**asked)
    assert (total.contracted, total.present, total.short_minutes, str(total.short_yuan)) == (480, 390, 90, "45.00")


class TestGraphql:
    QUERY = """{ attendanceResults(first: 50, fromDay: "%s", untilDay: "%s") { edges { node { staffName sentence trace markLabel
        adjustment { mark } corrections { id statusLabel } } } } }"""

    def test_results_with_sentences_and_constant_queries(
        self, alpha: Tenant, django_assert_max_num_queries: Any
    ) -> None:
        staff, worker, instance = lived(alpha, 2)
        client = signed(make_member(alpha))
        query = self.QUERY % (instance.day - timedelta(days=9), instance.day + timedelta(days=9))
        with django_assert_max_num_queries(14):
            nodes = [e["node"] for e in ask(client, query)["data"]["attendanceResults"]["edges"]]
        assert len(nodes) == 2 and nodes[0]["sentence"].startswith("班次 08:00–18:00，首卡 08:20")
        assert json.loads(nodes[0]["trace"])["rule"]["grace"] == 10
        for k in range(2, 9):
            make_day(alpha, staff, "08:00", "18:00", day=yesterday(alpha) - timedelta(days=k), derive_at=clock.now())
        with django_assert_max_num_queries(14):
            ask(client, query)
        own = ask(signed(worker), query)["data"]["attendanceResults"]["edges"]
        other = ask(signed(make_worker(alpha, name="李四")[1]), query)["data"]["attendanceResults"]["edges"]
        assert len(own) == 9 and other == []

    def test_writes_come_back_as_data(self, alpha: Tenant) -> None:
        _staff, worker, instance = lived(alpha)
        when = f"{instance.day}T07:55:00+08:00"
        mutation = f'mutation {{ askCorrection(instanceId: "{instance.pk}", side: "in", at: "{when}", reason: "忘了") {{ correction {{ id }} userErrors {{ code }} }} }}'
        asked = ask(signed(worker), mutation)["data"]["askCorrection"]
        assert asked["userErrors"] == []
        decide = (
            'mutation { decideCorrection(correctionId: "%s", approved: true) { userErrors { code } } }'
            % asked["correction"]["id"]
        )
        assert ask(signed(worker), decide)["data"]["decideCorrection"]["userErrors"] == [{"code": "not_allowed"}]
        assert ask(signed(make_member(alpha)), decide)["data"]["decideCorrection"]["userErrors"] == []
        again = ask(signed(worker), mutation)["data"]["askCorrection"]["userErrors"]
        assert again[0]["code"] == "correction_not_needed"

    def test_board_fill_and_measures(self, alpha: Tenant) -> None:
        staff, _worker, instance = lived(alpha)
        make_coverage(staff.post, span=(480, 1080))
        day = instance.day
        said = ask(
            signed(make_member(alpha)),
            f'{{ presenceBoard {{ state }} attendanceFill(fromDay: "{day}", untilDay: "{day}") {{ contracted present }}'
            f' attendanceMeasures(fromDay: "{day}", untilDay: "{day}") {{ code numerator n coverage }} attendanceSuspects(first: 5) {{ edges {{ node {{ id held }} }} }} }}',
        )["data"]  # fmt: skip
        assert said["attendanceFill"] == [{"contracted": 600, "present": 580}]
        measures = {m["code"]: m["numerator"] for m in said["attendanceMeasures"]}
        assert measures == {
            "attendance_present": 1,
            "attendance_late": 1,
            "attendance_early": 0,
            "attendance_absent": 0,
        }

    def test_the_fill_rate_says_hours_yuan_and_names_by_group(self, alpha: Tenant) -> None:
        staff, _worker, instance = lived(alpha)
        make_coverage(staff.post, span=(480, 1080))
        make_terms(staff.post, hourly_rate="30.00")
        day = instance.day
        query = f'{{ attendanceFill(fromDay: "{day}", untilDay: "{day}", groupBy: %s) {{ key names rate shortHours shortYuan }} }}'
        boss = signed(make_member(alpha))
        (row,) = ask(boss, query % '["post", "party"]')["data"]["attendanceFill"]
        assert row["names"] == [staff.post.name, staff.party.name]
        assert (row["rate"], row["shortHours"], row["shortYuan"]) == (pytest.approx(580 / 600), "0.3", "10.00")
        hours = ask(boss, query % '["hour"]')["data"]["attendanceFill"]
        assert [h["key"] for h in hours] == [[str(n)] for n in range(8, 18)]
        assert sum(h["rate"] < 1 for h in hours) == 1
        refused = ask(boss, query % '["moon"]')
        assert refused["errors"][0]["extensions"]["code"] == "INVALID"


def test_suspects_page_decides(alpha: Tenant) -> None:
    now = clock.now()
    row = Suspect.objects.create(
        kind="phone", phone_id="p1", label="王小明的手机", key="phone:p1", since=now - timedelta(days=3), until=now, refused=9,
        tried=10, others_refused=1, others_tried=100, low=0.6, people=1, reason="face_mismatch",
    )  # fmt: skip
    client = signed(make_member(alpha))
    assert "王小明的手机" in client.get("/attendance/suspects/").content.decode()
    client.post(f"/attendance/suspects/{row.pk}/decide/", {"decision": "reject", "note": "手机镜头已擦干净"})
    row.refresh_from_db()
    assert row.status == "rejected"
    assert operations.look_for_suspects(tenant=alpha, now=now) == []
