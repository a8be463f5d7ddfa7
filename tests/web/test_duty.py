"""Duty through the browser's door: calling, the phone's steps, voice as evidence, the signed webhook, pages that tell no time."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from identity.choices import Role
from kernel import clock
from kernel.crypto import blind_index
from kernel.tenancy import Tenant
from tenants.duty import operations, webhooks
from tenants.duty.models import Absence, Anomaly, Call, CameraReport, LogEntry, Stint, Summons
from tenants.duty.schedule import minutes_to_spans, slots
from tests.factories.duty import close, make_coverage, make_duty_post, make_guard, make_sent, report, sign_on
from tests.factories.findings import make_member
from tests.factories.rosters import make_instance, make_shift
from tests.web.test_findings import HOST, photo, signed

NOW = clock.now()
# An EBML header, a WebM doctype and an Opus track: what MediaRecorder begins a voice message with.
VOICE = (
    b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webmB\x87\x81\x04B\x85\x81\x02"
    + b"\x86\x86A_OPUS"
    + b"\x00" * 400
)


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_one_tap_calls_a_post_and_a_group(alpha: Tenant) -> None:
    posts = [make_duty_post() for _ in range(2)]
    for duty in posts:
        make_coverage(duty.post)
    chief = signed(make_member(alpha))
    answer = chief.post("/duty/call/", {"post": str(posts[0].pk)})
    assert re.fullmatch(r"/duty/calls/[0-9a-f-]{36}/", answer["Location"])
    chief.post("/duty/call/", {"ids": [str(p.pk) for p in posts]})
    assert Call.objects.count() == 2
    guard = signed(make_guard(alpha, party=posts[0].post.party).actor)
    guard.post("/duty/call/", {"post": str(posts[1].pk)})
    assert Call.objects.filter(post=posts[1].post).count() == 1


def test_the_phone_signs_on_answers_reports_and_signs_off(alpha: Tenant) -> None:
    duty = make_duty_post()
    guard = make_guard(alpha, party=duty.post.party)
    phone = signed(guard.actor)
    code = duty.post.place.code if duty.post.place else ""
    phone.post("/m/duty/on/", {"post": str(duty.pk), "code": f"https://x.example/q/{code}/"})
    assert Stint.objects.get().on_code
    call = make_sent(alpha, duty, now=clock.now())
    told = phone.get("/m/duty/ringing/").json()["calls"]
    assert [c["id"] for c in told] == [str(call.pk)] and 0 < told[0]["seconds"] <= 300
    phone.post(f"/m/duty/calls/{call.pk}/open/")
    page = phone.get(f"/m/duty/calls/{call.pk}/").content.decode()
    nonce = re.search(r'name="nonce" value="([^"]+)"', page)
    assert nonce and "伸出" in page
    answer = phone.post(
        f"/m/duty/calls/{call.pk}/", {"nonce": nonce[1], "code": code, "photos": photo(3), "elapsed": "2.5"},
        headers={"X-Outbox": "1", "Idempotency-Key": "a1"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    call.refresh_from_db()
    assert call.outcome == "on_post"
    voice = SimpleUploadedFile("录音.webm", VOICE, "audio/webm")
    for _ in range(2):
        phone.post(
            "/m/duty/report/", {"kind": "fault", "voice": voice}, headers={"Idempotency-Key": "r1", "X-Outbox": "1"}
        )
    row = Anomaly.objects.get()
    file = row.files.get()
    heard = phone.get(f"/files/{file.evidence_id}/")
    assert (heard["Content-Type"], heard["Content-Disposition"][:6]) == ("audio/webm", "inline")
    blocked = phone.post("/m/duty/off/")
    assert blocked.status_code == 422 and "未了事项" in blocked.content.decode()
    phone.post(f"/m/duty/close/{row.pk}/", {"result": "已修好"})
    assert phone.post("/m/duty/off/").status_code == 302
    assert Stint.objects.get().signed_off_at is not None


def test_a_call_is_answered_by_the_spoken_phrase_and_the_office_hears_it(alpha: Tenant) -> None:
    duty = make_duty_post()
    guard = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, guard, now=NOW - timedelta(hours=1))
    phone, call = signed(guard.actor), make_sent(alpha, duty, now=clock.now())
    base = f"/m/duty/calls/{call.pk}/"
    phone.post(f"{base}open/")
    row = Summons.objects.get()
    page = phone.get(base).content.decode()
    assert row.phrase and row.phrase in page and row.challenge in page
    sent = {"nonce": row.nonce, "code": duty.post.place.code if duty.post.place else "", "photos": photo(4)}
    film = SimpleUploadedFile("录音.webm", VOICE.replace(b"A_OPUS", b"V_VP80"), "audio/webm")
    assert phone.post(base, {**sent, "voice": film}).status_code == 422
    voice = SimpleUploadedFile("录音.webm", VOICE, "audio/webm")
    answer = phone.post(base, {**sent, "photos": photo(5), "voice": voice}, headers={"X-Outbox": "1"})
    assert answer.status_code == 200, answer.content
    row.refresh_from_db()
    assert row.voice_id is not None
    chief = signed(make_member(alpha))
    assert f"/files/{row.voice_id}/" in chief.get(f"/duty/calls/{call.pk}/").content.decode()
    assert chief.get(f"/files/{row.voice_id}/")["Content-Type"] == "audio/webm"
    stranger = signed(make_guard(alpha, party=make_duty_post().post.party).actor)
    assert stranger.get(f"/files/{row.voice_id}/").status_code == 403


def test_a_relief_says_who_stands_in(alpha: Tenant) -> None:
    duty = make_duty_post()
    guard, other = make_guard(alpha, party=duty.post.party), make_guard(alpha, party=duty.post.party, name="王秀英")
    stranger = make_guard(alpha, party=make_duty_post().post.party, name="外单位")
    sign_on(alpha, duty, guard, now=NOW - timedelta(hours=1))
    phone = signed(guard.actor)
    page = phone.get("/m/duty/").content.decode()
    assert str(other.staff.pk) in page and str(stranger.staff.pk) not in page
    missing = phone.post("/m/duty/away/", {"kind": "relief", "minutes": "20"})
    assert missing.status_code == 422 and "请选择谁来顶岗" in missing.content.decode()
    again = phone.post("/m/duty/away/", {"kind": "relief", "minutes": "25", "reason": "吃饭"}).content.decode()
    assert '<details class="mt-2" open><summary>申报离岗' in again and 'value="25"' in again and 'value="吃饭"' in again
    assert '<option value="relief" selected>' in again  # what was said stays, where it can be put right
    themselves = phone.post("/m/duty/away/", {"kind": "relief", "minutes": "20", "relief": str(guard.staff.pk)})
    assert themselves.status_code == 422 and not Absence.objects.exists()
    assert phone.post(
        "/m/duty/away/", {"kind": "relief", "minutes": "20", "relief": str(other.staff.pk)}
    ).status_code == 302  # fmt: skip
    assert Absence.objects.get().relief_id == other.staff.pk
    assert "王秀英顶岗" in phone.get("/m/duty/").content.decode()
    assert LogEntry.objects.filter(text__contains="顶岗替换 20 分钟，王秀英顶岗").exists()


def test_where_nobody_can_stand_in_the_page_says_so(alpha: Tenant) -> None:
    duty = make_duty_post()
    guard = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, guard, now=NOW - timedelta(hours=1))
    page = signed(guard.actor).get("/m/duty/").content.decode()
    assert (
        "现在没有可以顶岗的同事" in page
        and 'id="w-who"' not in page
        and '<details class="mt-2"><summary>申报离岗' in page
    )


def test_a_film_is_no_voice(alpha: Tenant) -> None:
    duty = make_duty_post()
    guard = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, guard, now=NOW - timedelta(hours=1))
    film = SimpleUploadedFile("录音.webm", VOICE.replace(b"A_OPUS", b"V_VP80"), "audio/webm")
    answer = signed(guard.actor).post("/m/duty/report/", {"kind": "fault", "voice": film}, headers={"X-Outbox": "1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "file_kind_refused")
    assert not Anomaly.objects.exists()


def test_every_page_opens_for_the_office_and_a_company_sees_its_own(alpha: Tenant) -> None:
    duty, other = make_duty_post(name="本公司岗"), make_duty_post(name="别家岗")
    guard = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, guard, now=NOW - timedelta(hours=1))
    row = report(alpha, guard, now=NOW)
    call = make_sent(alpha, duty, now=NOW)
    make_coverage(duty.post, persons=2)
    pages = [
        "/duty/", "/duty/board/", "/duty/calls/", f"/duty/calls/{call.pk}/", "/duty/calls/export.xlsx", "/duty/posts/",
        f"/duty/posts/{duty.pk}/log/?check=1", "/duty/anomalies/", f"/duty/anomalies/{row.pk}/", "/duty/handovers/",
    ]  # fmt: skip
    chief = signed(make_member(alpha))
    for path in [*pages, f"/duty/posts/{duty.pk}/", "/duty/cameras/"]:
        assert chief.get(path).status_code == 200, path
    company = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=duty.post.party.provider_id))
    for path in pages:
        answer = company.get(path)
        assert answer.status_code == 200, path
        if "xlsx" not in path:
            assert "别家岗" not in answer.content.decode(), path
    assert company.get(f"/duty/posts/{other.pk}/log/").status_code == 404
    assert company.get("/duty/cameras/").status_code == 403


def _told(moment: datetime, tz: Any) -> set[str]:
    """A moment as any page, sheet or interface of the platform may write it."""
    local = moment.astimezone(tz)
    return {
        f"{local:%m月%d日 %H:%M}", f"{local.month}月{local.day}日 {local:%H:%M}", f"{local:%Y-%m-%d %H:%M}",
        f"{local:%H:%M}", moment.astimezone(UTC).isoformat()[:16], local.isoformat()[:16],
    }  # fmt: skip


def _texts(answer: Any) -> str:
    """What a page says; of a sheet, every part of it unpacked."""
    if "spreadsheet" not in answer["Content-Type"]:
        return str(answer.content.decode())
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        return "".join(book.read(name).decode(errors="replace") for name in book.namelist())


PAGES = (
    "/duty/",
    "/duty/board/",
    "/duty/calls/",
    "/duty/posts/",
    "/m/duty/",
    "/m/duty/ringing/",
    "/duty/calls/export.xlsx",
)


def test_no_page_tells_when_a_random_call_comes(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page of duty is read for the moment of every slot still to come today, and for the draw behind it."""
    day = datetime(2026, 11, 25, tzinfo=alpha.tz)
    monkeypatch.setattr(clock, "now", lambda: day.replace(hour=0, minute=1).astimezone(UTC))
    duty = make_duty_post(pk=UUID(int=7), calls_per_day=6)  # the same post, the same draw, every time
    make_coverage(duty.post)
    guard = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, guard, now=clock.now())
    draw = partial(blind_index, schema=alpha.schema, context="duty.calls")
    hours = minutes_to_spans(day.date(), alpha.tz, [[0, 1440]])
    drawn = slots(draw=draw, post_id=duty.pk, day=day.date(), budget=6, allowed=hours)
    assert len(drawn) == 6 and drawn[0].at > clock.now()
    told = {word for slot in drawn for word in _told(slot.at, alpha.tz)}
    told |= {draw(f"{duty.pk}|{day.date()}|{n}")[:16] for n in range(6)}
    pages = [*PAGES, f"/duty/posts/{duty.pk}/", f"/duty/posts/{duty.pk}/log/"]
    opened = 0
    for client in (signed(make_member(alpha, Role.SCHOOL_ADMIN)), signed(guard.actor)):
        for path in pages:
            answer = client.get(path)
            opened += answer.status_code == 200
            found = [word for word in told if word in _texts(answer)]
            assert not found, (path, found)
    assert opened >= len(pages) + 3  # the pages were there to be read
    assert not Call.objects.exists()  # nothing is stored ahead


def test_the_search_for_told_moments_finds_one_that_is_told(alpha: Tenant) -> None:
    """The test above can fail: a call that has gone out is found on the pages that show it, the sheet included."""
    duty = make_duty_post()
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party), now=NOW - timedelta(hours=1))
    call = make_sent(alpha, duty, now=NOW)
    chief = signed(make_member(alpha, Role.SCHOOL_ADMIN))
    words = _told(call.due_at, alpha.tz)
    for path in ("/duty/calls/", f"/duty/calls/{call.pk}/"):
        assert [word for word in words if word in _texts(chief.get(path))], path
    assert duty.post.name in _texts(chief.get("/duty/calls/export.xlsx"))


def test_the_phone_says_that_a_call_arrived_and_the_office_sees_what_did_not(alpha: Tenant) -> None:
    duty = make_duty_post()
    guard = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, guard, now=NOW - timedelta(hours=1))
    phone, chief = signed(guard.actor), signed(make_member(alpha))
    call = make_sent(alpha, duty, now=clock.now(), reached=False)
    assert "未送达" in chief.get(f"/duty/calls/{call.pk}/").content.decode()
    told = phone.get("/m/duty/ringing/").json()["calls"][0]["seen"]
    assert f'data-seen="{told}"' in phone.get(f"/m/duty/calls/{call.pk}/").content.decode()
    assert phone.get(told).status_code == 405
    assert phone.post(told).status_code == 204
    page = chief.get(f"/duty/calls/{call.pk}/").content.decode()
    assert "已送达" in page and "未送达" not in page
    stranger = make_guard(alpha, party=make_duty_post().post.party)
    assert signed(stranger.actor).post(told).status_code == 404


def test_calls_that_did_not_arrive_are_listed_for_judgement(alpha: Tenant) -> None:
    duty = make_duty_post(name="没收到的岗")
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party), now=NOW - timedelta(hours=1))
    call = close(alpha, make_sent(alpha, duty, now=NOW, reached=False))
    chief = signed(make_member(alpha))
    assert "没收到的岗" in chief.get("/duty/calls/?unreached=1").content.decode()
    assert "不自动计入脱岗" in chief.get(f"/duty/calls/{call.pk}/").content.decode()
    assert "李保安" in _texts(chief.get("/duty/calls/export.xlsx?unreached=1"))
    company = signed(make_member(alpha, provider_id=duty.post.party.provider_id))
    assert "人工认定" not in company.get(f"/duty/calls/{call.pk}/").content.decode().split("被查人")[-1]


def test_the_delivery_page_shows_the_secret_once(alpha: Tenant) -> None:
    admin = signed(make_member(alpha, Role.SCHOOL_ADMIN))
    assert "还没有设置" in admin.get("/duty/delivery/").content.decode()
    refused = admin.post("/duty/delivery/", {"url": "http://example.com/", "active": "1"})
    assert refused.status_code == 422 and "https://" in refused.content.decode()
    made = admin.post("/duty/delivery/", {"url": "https://hook.example/calls", "active": "1"})
    assert "whsec_" in made.content.decode() and made["Cache-Control"] == "no-store"
    page = admin.get("/duty/delivery/").content.decode()
    assert "whsec_" not in page and "https://hook.example/calls" in page
    chief = signed(make_member(alpha))
    assert chief.get("/duty/delivery/").status_code == 200
    assert chief.post("/duty/delivery/", {"url": "https://evil.example/", "active": "1"}).status_code == 403


def test_the_webhook_takes_what_is_signed_and_nothing_else(alpha: Tenant) -> None:
    duty = make_duty_post()
    made = operations.add_camera(
        name="公寓视频平台", by=make_member(alpha, Role.SCHOOL_ADMIN), tenant=alpha, now=clock.now()
    )
    body = json.dumps(
        {"type": "duty.camera", "data": {"post": str(duty.pk), "kind": "off_post", "text": "无人"}}
    ).encode()
    stamp = int(clock.now().timestamp())

    def send(**other: str) -> int:
        heads = {
            "webhook-id": "msg_1", "webhook-timestamp": str(stamp),
            "webhook-signature": webhooks.sign(secret=made.secret, message_id="msg_1", timestamp=stamp, body=body), **other,
        }  # fmt: skip
        client = Client(headers=HOST, enforce_csrf_checks=True)
        path = f"/hooks/cameras/{made.system.pk}/"
        return int(client.post(path, body, content_type="application/json", headers=heads).status_code)

    assert send(**{"webhook-signature": "v1,AAAA"}) == 401
    assert send(**{"webhook-timestamp": str(stamp - 600)}) == 401
    assert not CameraReport.objects.exists()
    assert [send(), send()] == [201, 200]
    assert CameraReport.objects.get().status == "new"


def test_board_and_cockpit_say_what_of_the_two_is_missing(alpha: Tenant) -> None:
    """Signed on without the code is no punch: the phone says so, the board names the stint, the cockpit the missing code."""
    duty = make_duty_post(name="值班室")
    guard = make_guard(alpha, party=duty.post.party, name="甲")
    today = clock.now().astimezone(alpha.tz).date()
    for day in (today - timedelta(days=1), today):  # whatever the hour, one of them runs
        make_instance(alpha, day=day, staff=guard.staff, post=duty.post, shift=make_shift(spans=((0, 1440),)))
    phone, chief = signed(guard.actor), signed(make_member(alpha))
    assert "不扫只算上岗，不算打卡" in phone.get("/m/duty/").content.decode()
    said = phone.post("/m/duty/on/", {"post": str(duty.pk), "code": ""}, follow=True).content.decode()
    assert "没有打卡" in said and "上岗不等于打卡" in said
    assert "未扫码" in chief.get("/duty/").content.decode()
    board = chief.get("/attendance/").content.decode()
    assert "值班看板：" in board and "（未扫码），没有打卡" in board
