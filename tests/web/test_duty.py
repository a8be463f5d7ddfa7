"""Duty through the browser's door: calling, the phone's steps, voice as evidence, the signed webhook, pages that tell no time."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from identity.choices import Role
from kernel import clock
from kernel.crypto import blind_index
from kernel.tenancy import Tenant
from tenants.duty import operations, webhooks
from tenants.duty.models import Absence, Anomaly, Call, CameraReport, LogEntry, Stint, Summons
from tests.factories.duty import make_coverage, make_duty_post, make_guard, make_sent, report, sign_on
from tests.factories.findings import make_member
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
    themselves = phone.post("/m/duty/away/", {"kind": "relief", "minutes": "20", "relief": str(guard.staff.pk)})
    assert themselves.status_code == 422 and not Absence.objects.exists()
    assert phone.post(
        "/m/duty/away/", {"kind": "relief", "minutes": "20", "relief": str(other.staff.pk)}
    ).status_code == 302  # fmt: skip
    assert Absence.objects.get().relief_id == other.staff.pk
    assert "王秀英顶岗" in phone.get("/m/duty/").content.decode()
    assert LogEntry.objects.filter(text__contains="顶岗替换 20 分钟，王秀英顶岗").exists()


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


def test_no_page_tells_when_a_random_call_comes(alpha: Tenant) -> None:
    """Every page of duty is read for the drawn time of every slot of today, as time of day and as ISO, and for the draw."""
    from functools import partial

    from tenants.duty.schedule import minutes_to_spans, slots

    duty = make_duty_post(calls_per_day=6)
    make_coverage(duty.post)
    guard = make_guard(alpha, party=duty.post.party)
    on = NOW.astimezone(alpha.tz).replace(second=0, microsecond=0)
    draw = partial(blind_index, schema=alpha.schema, context="duty.calls")
    day = on.date() + timedelta(days=1)
    drawn = slots(draw=draw, post_id=duty.pk, day=day, budget=6, allowed=minutes_to_spans(day, alpha.tz, [[0, 1440]]))
    sign_on(alpha, duty, guard, now=NOW)
    told = {slot.at.astimezone(alpha.tz).strftime("%Y-%m-%d %H:%M") for slot in drawn}
    told |= {slot.at.isoformat()[:16] for slot in drawn} | {draw(f"{duty.pk}|{day}|{n}")[:16] for n in range(6)}
    for client in (signed(make_member(alpha, Role.SCHOOL_ADMIN)), signed(guard.actor)):
        for path in ("/duty/", "/duty/board/", "/duty/calls/", f"/duty/posts/{duty.pk}/", f"/duty/posts/{duty.pk}/log/",
                     "/m/duty/", "/m/duty/ringing/", "/duty/calls/export.xlsx"):  # fmt: skip
            page = client.get(path).content.decode(errors="replace")
            assert not [word for word in told if word in page], path
    assert not Call.objects.exists()  # nothing is stored ahead


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
