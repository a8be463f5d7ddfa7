"""Lists of duty: filtered by post, campus and day, and taken away as .xlsx; the gaps of any day."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from identity.choices import Role
from kernel import clock
from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant
from tenants.duty import operations
from tenants.duty.models import Anomaly, DutyPost
from tests.factories.duty import Guard, make_coverage, make_duty_post, make_guard, report, sign_on
from tests.factories.findings import make_member
from tests.factories.organisation import make_place
from tests.web.test_findings import photo, signed

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=SHANGHAI)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages are looked at on the 25th at noon."""
    monkeypatch.setattr(clock, "now", lambda: at(5 * 1440))


@pytest.fixture
def chief(alpha: Tenant) -> Client:
    return signed(make_member(alpha))


def on_duty(alpha: Tenant, duty: DutyPost, name: str, *, minute: float = 0) -> Guard:
    guard = make_guard(alpha, party=duty.post.party, name=name)
    sign_on(alpha, duty, guard, now=at(minute))
    return guard


def sheet(client: Client, address: str) -> list[list[Any]]:
    answer = client.get(address)
    assert answer.status_code == 200
    page = load_workbook(io.BytesIO(answer.content)).active
    assert page is not None
    return [list(row) for row in page.iter_rows(min_row=2, values_only=True)]


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_anomalies_by_post_campus_and_day_on_the_page_and_in_the_file(alpha: Tenant, chief: Client) -> None:
    campus = make_place("西校区")
    west, east = make_duty_post(name="西门岗", place=campus), make_duty_post(name="东门岗")
    first = report(alpha, on_duty(alpha, west, "甲"), text="西门烟感报警", now=at(5))
    second = report(alpha, on_duty(alpha, east, "乙"), text="东门道闸故障", now=at(2 * 1440))
    for query, seen in (
        ("", {first.number, second.number}),
        (f"?post={west.pk}", {first.number}),
        (f"?place={campus.pk}", {first.number}),
        ("?from_day=2026-11-21", {second.number}),
        ("?until_day=2026-11-20", {first.number}),
        (f"?post={west.pk}&from_day=2026-11-21", set()),
    ):
        assert {row[0] for row in sheet(chief, f"/duty/anomalies/export.xlsx{query}")} == seen
        text = page(chief, f"/duty/anomalies/{query}")
        assert {n for n in (first.number, second.number) if n in text} == seen


def test_handovers_by_post_day_and_state(alpha: Tenant, chief: Client) -> None:
    duty, other = make_duty_post(name="西门岗"), make_duty_post(name="东门岗")
    giver, receiver = on_duty(alpha, duty, "甲"), on_duty(alpha, duty, "乙")
    row = report(alpha, giver, text="烟感报警", now=at(5))
    handover = operations.offer_handover(receiver_id=receiver.staff.pk, by=giver.actor, tenant=alpha, now=at(10))
    for query, seen in (
        ("", 1), (f"?post={duty.pk}", 1), (f"?post={other.pk}", 0), ("?from_day=2026-11-21", 0), ("?open=1", 1),
        (f"?text={row.number}", 1), ("?text=丙", 0),
    ):  # fmt: skip
        assert len(sheet(chief, f"/duty/handovers/export.xlsx{query}")) == seen, query
        assert (row.number in page(chief, f"/duty/handovers/{query}")) == bool(seen), query
    operations.accept_handover(handover_id=handover.pk, by=receiver.actor, tenant=alpha, now=at(12))
    assert sheet(chief, "/duty/handovers/export.xlsx?open=1") == []
    [line] = sheet(chief, "/duty/handovers/export.xlsx")
    assert line[3:6] == ["甲", "乙", row.number]


def test_the_log_by_day_and_kind_says_what_is_sealed(alpha: Tenant, chief: Client) -> None:
    duty = make_duty_post(name="西门岗")
    guard = on_duty(alpha, duty, "甲")
    operations.sign_off(by=guard.actor, tenant=alpha, now=at(60))
    sign_on(alpha, duty, guard, now=at(1440))
    operations.add_note(post_id=duty.pk, text="=巡视正常", by=guard.actor, tenant=alpha, now=at(1450))
    base = f"/duty/posts/{duty.pk}/log/"
    assert [row[5] for row in sheet(chief, f"{base}export.xlsx")] == ["未封存", "未封存", "已封存", "已封存"]
    [note] = sheet(chief, f"{base}export.xlsx?kind=note")
    assert note[3] == "'=巡视正常"  # no formula
    assert len(sheet(chief, f"{base}export.xlsx?until_day=2026-11-20")) == 2
    text = page(chief, f"{base}?kind=note")
    assert "巡视正常" in text and "甲下岗" not in text
    checked = page(chief, f"{base}?check=1")
    assert "核验通过" in checked and "另有 2 条还没有封存" in checked


def test_calls_are_filtered_by_post(alpha: Tenant, chief: Client) -> None:
    west, east = make_duty_post(name="西门岗"), make_duty_post(name="东门岗")
    for duty in (west, east):
        make_coverage(duty.post)
    operations.issue_calls(post_ids=[west.pk, east.pk], by=make_member(alpha), tenant=alpha, now=at(0))
    assert [row[0] for row in sheet(chief, f"/duty/calls/export.xlsx?post={west.pk}")] == ["西门岗"]


def test_the_gaps_of_a_past_day(alpha: Tenant, chief: Client) -> None:
    duty = make_duty_post(name="西门岗")
    make_coverage(duty.post, persons=1, start_minute=720, end_minute=780)
    on_duty(alpha, duty, "甲", minute=20)
    text = page(chief, "/duty/gaps/?day=2026-11-20")
    assert "西门岗" in text and "12:00–12:20" in text and "day=2026-11-19" in text and "day=2026-11-21" in text
    [row] = sheet(chief, "/duty/gaps/export.xlsx?day=2026-11-20")
    assert (row[0], row[5:]) == ("西门岗", [20, 1, 0, "缺人"])
    assert "这一天没有缺岗" in page(chief, "/duty/gaps/?day=2026-11-21")
    assert "day=2026-11-26" not in page(chief, "/duty/gaps/")  # no day after today


def test_minutes_below_the_minimum_by_post(alpha: Tenant, chief: Client) -> None:
    west, east = make_duty_post(name="西门岗"), make_duty_post(name="东门岗")
    for duty in (west, east):
        make_coverage(duty.post, persons=1, start_minute=720, end_minute=780)
    guard = on_duty(alpha, west, "甲")
    operations.sign_off(by=guard.actor, tenant=alpha, now=at(45))
    on_duty(alpha, west, "乙", minute=1440)  # the newest line of a log: up to here minutes are counted
    there = "/duty/gaps/posts/"
    text = page(chief, f"{there}?from_day=2026-11-20&until_day=2026-11-20")
    assert text.index("西门岗</b>") < text.index("东门岗</b>") and "25.0%" in text and "不知道" in text
    rows = sheet(chief, f"{there}export.xlsx?from_day=2026-11-20&until_day=2026-11-20")
    assert [(row[0], *row[4:]) for row in rows] == [("西门岗", 60, 60, 15, 25, 0), ("东门岗", 60, 0, 0, "不知道", 60)]
    assert "没有可统计的岗位" in page(chief, f"{there}?from_day=2026-11-23&until_day=2026-11-23")
    long = chief.get(f"{there}?from_day=2026-01-01&until_day=2026-11-20")
    assert long.status_code == 422 and "一次最多统计 93 天" in long.content.decode()
    assert [row[0] for row in sheet(signed(guard.actor), f"{there}export.xlsx")] == ["西门岗"]


def test_a_frontline_worker_sees_only_gaps_of_the_own_party(alpha: Tenant) -> None:
    own, other = make_duty_post(name="西门岗"), make_duty_post(name="东门岗")
    for duty in (own, other):
        make_coverage(duty.post, persons=1, start_minute=720, end_minute=780)
    guard = signed(make_guard(alpha, party=own.post.party).actor)
    assert {row[0] for row in sheet(guard, "/duty/gaps/export.xlsx?day=2026-11-20")} == {"西门岗"}


def test_the_office_reports_an_anomaly_with_an_owner_and_a_photo(alpha: Tenant, chief: Client) -> None:
    here, elsewhere = make_duty_post(name="西门岗"), make_duty_post(name="东门岗")
    minute = 5 * 1440 - 60.0
    west, east = on_duty(alpha, here, "甲", minute=minute), on_duty(alpha, elsewhere, "乙", minute=minute)
    assert "/duty/anomalies/new/" in page(chief, "/duty/anomalies/")
    text = page(chief, f"/duty/anomalies/new/?post={here.pk}")
    assert "甲（西门岗）" in text and "乙（东门岗）" in text and f'value="{here.pk}" selected' in text
    given = {
        "post": str(here.pk), "kind": "fault", "severity": "major", "text": "道闸抬不起来", "owner": str(west.staff.pk),
    }  # fmt: skip
    wrong = chief.post("/duty/anomalies/new/", {**given, "owner": str(east.staff.pk)})
    assert wrong.status_code == 422 and "负责人必须正在这个岗位上岗" in wrong.content.decode()
    assert chief.post("/duty/anomalies/new/", {**given, "text": "", "kind": "absence"}).status_code == 422
    assert not Anomaly.objects.exists()
    done = {**given, "photos": photo(3), "client_key": "k1"}
    first = chief.post("/duty/anomalies/new/", done)
    again = chief.post("/duty/anomalies/new/", {**done, "photos": photo(3)})
    row = Anomaly.objects.get()
    assert first.status_code == again.status_code == 302 and first.url == again.url == f"/duty/anomalies/{row.pk}/"
    assert (row.holder_id, row.post_id, row.kind, row.severity) == (west.staff.pk, here.pk, "fault", "major")
    assert row.files.count() == 1
    chief.post("/duty/anomalies/new/", {**given, "owner": ""})
    assert Anomaly.objects.filter(holder=None, raised_at__isnull=False).count() == 1  # nobody named: the superiors'


def test_only_the_office_reports_in_the_office(alpha: Tenant) -> None:
    duty = make_duty_post(name="西门岗")
    guard = on_duty(alpha, duty, "甲", minute=5 * 1440 - 60.0)
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=duty.post.party.provider_id)
    for actor in (guard.actor, manager):
        assert signed(actor).get("/duty/anomalies/new/").status_code == 403
    assert "/duty/anomalies/new/" not in page(signed(manager), "/duty/anomalies/")
