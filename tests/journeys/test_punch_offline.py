"""A guard punches on a 360-pixel phone: with a network, without, from far away, without camera; the console sees all of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests import databases
from tests.factories.findings import picture
from tests.journeys.punch_seed import PASSWORD
from tests.running import ROOT, Site, Watched, violations

pytestmark = pytest.mark.journey
DAY_AHEAD = """(() => {
  const plain = Date, day = 86_400_000
  window.Date = class extends plain {
    constructor(...given) { given.length ? super(...given) : super(plain.now() + day) }
    static now() { return plain.now() + day }
  }
})()"""
SHOTS = os.environ.get("SHOTS", "")


def person(site: Site, browser: Browser, name: str, path: str, *, phone: bool, **more: object) -> Watched:
    size = {"width": 360, "height": 780} if phone else {"width": 1440, "height": 900}
    watched = Watched(
        browser.new_context(
            viewport=size, has_touch=phone, is_mobile=phone, locale="zh-CN", timezone_id="Asia/Shanghai", **more
        )
    )
    page = watched.page
    page.goto(site.school("alpha", path))
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit], form button:not([type])").first.click()
    page.wait_for_url(lambda url: "/login/" not in url)
    return watched


def looked_at(page: Page, name: str) -> None:
    """Axe finds nothing, nothing is wider than the screen; a picture is kept where SHOTS says."""
    page.wait_for_load_state("networkidle")
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
    assert violations(page) == [], name
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name} is {wide}px too wide"


def rows(site: Site) -> list[tuple[str, str, str, str]]:
    with psycopg.connect(databases.url_of(site.database)) as connection:
        connection.execute("SET search_path = s_alpha, public")
        found = connection.execute(
            "SELECT p.status, p.refusal, p.clock, p.grade FROM punches_punch p JOIN organisation_staff s"
            " ON s.id = p.staff_id WHERE s.number = 'G0101' ORDER BY p.id"
        ).fetchall()
    return [tuple(row) for row in found]  # type: ignore[misc]


def test_punching_with_and_without_a_network(site: Site, browser: Browser, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.journeys.punch_seed"],
        env=site.env, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    ids = json.loads(made.stdout.strip().splitlines()[-1])
    file = tmp_path / "post.jpg"
    file.write_bytes(picture(11, size=(640, 480)))

    here = {"latitude": ids["lat"], "longitude": ids["lon"], "accuracy": 14}
    guard = person(
        site, browser, "guard", "/m/punch/", phone=True, geolocation=here, permissions=["geolocation", "camera"]
    )
    page = guard.page
    page.wait_for_selector("body[data-sw]")
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("[data-proof=position]")).to_have_attribute("data-ok", "1")
    expect(page.locator(".next").first).to_contain_text("今天")
    looked_at(page, "punch-next-shift")

    page.get_by_role("button", name=re.compile("^打卡")).click()  # the second tap
    expect(page.locator("#recent")).to_contain_text("有效")
    expect(page.locator("#punch-said")).to_have_text("打卡成功")
    assert rows(site) == [("accepted", "", "anchored", "C")]
    looked_at(page, "punch-done")

    # Far away: the reason and the way on, in the form and in the list.
    guard.context.set_geolocation({**here, "latitude": ids["lat"] + 0.01})
    page.get_by_role("button", name="重新定位").click()
    page.wait_for_timeout(800)
    page.get_by_role("button", name=re.compile("^打卡")).click()
    expect(page.locator("[data-outbox-error]")).to_contain_text("定位在岗位范围外")
    expect(page.locator("[data-outbox-error]")).to_contain_text("主管见证")
    expect(page.locator("#recent")).to_contain_text("未通过")
    looked_at(page, "punch-refused")

    # Without a network, from the kept copy.
    guard.context.set_geolocation(here)
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("[data-proof=position]")).to_have_attribute("data-ok", "1")
    page.wait_for_timeout(500)  # the anchor
    heard = len(guard.complaints)
    guard.context.set_offline(True)
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.locator("input[name=photo]").set_input_files(file)
    expect(page.locator("[data-proof=photo]")).to_contain_text("已拍")
    page.get_by_role("button", name=re.compile("^打卡")).click()
    expect(page.locator("[data-outbox-count]")).to_contain_text("待上传 1 条", timeout=15_000)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/punch-waiting.png", full_page=True)
    assert violations(page) == []
    assert len(rows(site)) == 2
    guard.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("body")).to_have_attribute("data-outbox", "0", timeout=60_000)
    guard.complaints[heard:] = [c for c in guard.complaints[heard:] if "ERR_INTERNET_DISCONNECTED" not in c]
    assert rows(site)[2][0] == "accepted" and rows(site)[2][2] in ("wall", "anchored")

    page.goto(site.school("alpha", "/m/punch/mine/"))
    page.wait_for_selector("body[data-ready]")
    page.get_by_text("申诉", exact=True).first.click()
    page.locator("textarea").first.fill("在岗亭里值守，手机定位飘到了马路对面")
    looked_at(page, "punch-mine")
    page.get_by_role("button", name="提交申诉").click()
    expect(page.locator("main")).to_contain_text("待处理", timeout=15_000)

    # No camera, no position: what remains is said.
    blind = person(site, browser, "guard", "/m/punch/", phone=True)
    page = blind.page
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("[data-proof=position]")).to_have_attribute("data-ok", "0", timeout=30_000)
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('none')) }")
    page.get_by_role("button", name="扫码").first.click()
    expect(page.locator("#scanner [data-part=text]")).to_contain_text("打不开摄像头")
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/punch-no-camera-scan.png")
    page.get_by_role("button", name="取消").click()
    page.get_by_text("扫不了码？手工输入编号").click()
    page.locator("#id_code").fill("gate")
    page.locator("#id_code").dispatch_event("change")
    looked_at(page, "punch-no-camera")
    page.get_by_role("button", name=re.compile("^打卡")).click()
    expect(page.locator("#punch-said")).to_have_text("打卡成功")

    # A phone whose date is a day ahead, while positions carry the satellites' time: a fresh one is fresh.
    ahead = person(site, browser, "guard", "/m/punch/", phone=True, geolocation=here, permissions=["geolocation"])
    ahead.context.add_init_script(DAY_AHEAD)
    page = ahead.page
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("[data-unanchored]")).to_be_hidden()
    page.get_by_role("button", name="重新定位").click()
    expect(page.locator("[data-proof=position]")).to_have_attribute("data-ok", "1")
    page.get_by_role("button", name=re.compile("^打卡")).click()
    expect(page.locator("#punch-said")).to_have_text("打卡成功")
    assert rows(site)[-1] == ("accepted", "", "anchored", "C")

    boss = person(
        site, browser, "boss", "/m/punch/vouch/?q=G0101", phone=True, geolocation=here, permissions=["geolocation"]
    )
    boss.page.wait_for_selector("body[data-ready]")
    expect(boss.page.locator("[data-proof=position]")).to_have_attribute("data-ok", "1")
    looked_at(boss.page, "punch-vouch")
    boss.page.get_by_role("button", name="见证在岗").click()
    boss.page.wait_for_url(re.compile(r"/vouch/$"))
    expect(boss.page.locator("main")).to_contain_text("周志刚")

    desk = person(site, browser, "admin", "/punches/", phone=False, geolocation=here, permissions=["geolocation"])
    page = desk.page
    looked_at(page, "punches")
    page.get_by_role("link", name=re.compile("查看")).first.click()
    expect(page.locator("#drawer-body dl").first).to_be_visible()
    if SHOTS:
        page.wait_for_timeout(400)
        page.screenshot(path=f"{SHOTS}/punches-drawer.png")
    paths = {
        "punches-appeals": "/punches/?mark=appeal", "punches-empty": "/punches/?text=zzzz", "devices": "/punches/devices/",
        "device-new": "/punches/devices/new/", "device": f"/punches/devices/{ids['device']}/",
        "fences": "/punches/fences/", "fence-circle": f"/punches/fences/{ids['circle']}/",
        "fence-ring": f"/punches/fences/{ids['ring']}/", "fence-new": "/punches/fences/new/",
        "punches-import": "/punches/import/",
    }  # fmt: skip
    for name, path in paths.items():
        page.goto(site.school("alpha", path))
        page.wait_for_selector("body[data-ready]")
        looked_at(page, name)
    # Drawing: the edge of the circle is dragged, the number follows; the keyboard does the same.
    page.goto(site.school("alpha", f"/punches/fences/{ids['circle']}/"))
    page.wait_for_selector("#plane [data-knob='1']")
    knob = page.locator("#plane [data-knob='1']").bounding_box()
    assert knob is not None
    page.mouse.move(knob["x"] + 5, knob["y"] + 5)
    page.mouse.down()
    page.mouse.move(knob["x"] + 60, knob["y"] + 5, steps=4)
    page.mouse.up()
    wider = int(page.locator("[name=radius_m]").input_value())
    assert wider > 100
    page.locator("#plane").focus()
    page.keyboard.press("ArrowRight")
    assert int(page.locator("[name=radius_m]").input_value()) == wider + 5
    page.get_by_role("button", name="保存范围").click()
    page.wait_for_url(re.compile(r"/fences/$"))
    page.goto(site.school("alpha", "/punches/fences/new/"))
    page.get_by_role("button", name="用当前位置").click()
    expect(page.locator("[name=latitude]")).to_have_value(f"{ids['lat']:.6f}")
    page.get_by_role("button", name="加一个角").click()
    assert page.locator("[name=corners]").input_value().count("\n") == 3
    page.set_viewport_size({"width": 360, "height": 780})
    for name, path in {"narrow-punches": "/punches/", **{f"narrow-{k}": v for k, v in paths.items()}}.items():
        page.goto(site.school("alpha", path))
        page.wait_for_selector("body[data-ready]")
        looked_at(page, name)
    refused = "status of 422"  # the browser writes down each refusal; that they came is tested above
    for watched in (guard, boss, desk):
        assert [c for c in watched.complaints if refused not in c] == []
