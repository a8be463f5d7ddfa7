"""A guard walks a tour on a 360-pixel phone whose date is wrong and whose network goes away in the basement, misses a

point and says why; the supervisor sees on the console when everything was, and what speaks against it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.factories.findings import picture
from tests.journeys.patrol_seed import PASSWORD
from tests.journeys.test_walk_offline import SHOTS, _rows, looked_at
from tests.running import ROOT, Site, Watched

pytestmark = pytest.mark.journey
OFFLINE = re.compile("ERR_INTERNET_DISCONNECTED|ERR_FAILED")  # what Chromium notes while there is no network
WRONG_BY = timedelta(days=-400)  # the phone's calendar
WRONG_DATE = f"""(() => {{
  const Real = Date, by = {int(WRONG_BY.total_seconds() * 1000)}
  window.Date = class extends Real {{
    constructor(...given) {{ if (given.length) super(...given); else super(Real.now() + by) }}
    static now() {{ return Real.now() + by }}
  }}
}})()"""


def person(site: Site, browser: Browser, name: str, *, phone: bool) -> Watched:
    watched = Watched(
        browser.new_context(
            viewport={"width": 360, "height": 780} if phone else {"width": 1440, "height": 900},
            has_touch=phone, is_mobile=phone, locale="zh-CN", timezone_id="Asia/Shanghai", permissions=["camera"],
        )
    )  # fmt: skip
    page = watched.page
    if phone:
        page.add_init_script(WRONG_DATE)
    page.goto(site.school("alpha", "/m/patrols/" if phone else "/patrols/"))
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit], form button:not([type])").first.click()
    page.wait_for_url(re.compile(r"/patrols/$"))
    return watched


def scanned(page: Page, code: str) -> None:
    """What the camera's reader does when it has read a label."""
    field = page.locator("#patrol-code")
    field.evaluate("(el, code) => { el.value = `https://alpha.example/q/${code}`; }", code)
    field.dispatch_event("change")


def test_a_tour_without_a_network_and_what_the_console_says_of_it(site: Site, browser: Browser, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.journeys.patrol_seed"],
        env=site.env, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    ids = json.loads(made.stdout.strip().splitlines()[-1])
    gauge = tmp_path / "gauge.jpg"
    gauge.write_bytes(picture(77, size=(800, 600)))

    guard = person(site, browser, "guard", phone=True)
    page = guard.page
    page.wait_for_selector("body[data-sw]")
    looked_at(page, "patrol-list")
    with page.expect_response(re.compile("/m/clock$")):  # the server's time, signed
        page.get_by_role("link", name=re.compile("东校区夜巡")).click()
        page.wait_for_url(re.compile(r"/m/patrols/[0-9a-f-]{36}/"))
    page.wait_for_selector("body[data-ready]")
    page.get_by_role("button", name=re.compile("^开始巡更")).click()
    expect(page.locator("body")).to_have_attribute("data-outbox", "0")
    expect(page.get_by_role("button", name=re.compile("^扫点位码"))).to_be_visible()

    heard = len(guard.complaints)
    guard.context.set_offline(True)  # down into the basement
    page.get_by_text("码扫不出来？手输编码").click()
    page.get_by_label("点位编码").fill(ids["codes"][0].lower())
    page.get_by_role("button", name="确定", exact=True).click()
    page.get_by_text("正常", exact=True).click()
    page.get_by_role("button", name="到点确认").click()
    points = page.locator(".patrol-points li")
    expect(points.nth(0)).to_have_attribute("data-state", "seen")

    scanned(page, "ELSEWHERE")
    expect(page.locator("#toasts")).to_contain_text("不在本次路线上")
    scanned(page, ids["codes"][1])
    expect(page.get_by_role("heading", name=re.compile("消防控制室"))).to_be_visible()
    page.get_by_label("消火栓压力").fill("0.05")
    page.get_by_role("button", name="到点确认").click()
    expect(page.get_by_role("alert")).to_have_text("这个点要拍一张照片。")
    page.locator("#stop-photos").set_input_files(gauge)
    page.locator("#stop-note").fill("表针接近零")
    looked_at(page, "patrol-point")
    page.get_by_role("button", name="到点确认").click()
    expect(points.nth(1)).to_have_attribute("data-state", "seen")
    scanned(page, ids["codes"][3])  # the third is left out
    expect(page.locator("#toasts")).to_contain_text("跳过的点要说明原因")
    page.get_by_role("button", name="到点确认").click()
    expect(page.locator("[data-part=progress]")).to_have_text("已到 3 / 4")
    expect(page.locator("[data-outbox-count]")).to_contain_text("待上传 3 条")
    page.reload()  # the copy the service worker keeps, with what was done
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("[data-part=progress]")).to_have_text("已到 3 / 4")
    looked_at(page, "patrol-offline")

    guard.context.set_offline(False)
    expect(page.locator("body")).to_have_attribute("data-outbox", "0", timeout=15_000)
    guard.complaints[heard:] = [c for c in guard.complaints[heard:] if not OFFLINE.search(c)]
    page.get_by_role("button", name="结束巡更").click()
    expect(page.locator("#confirm")).to_contain_text("还有 1 个点没有到")
    expect(page.locator("#confirm")).to_contain_text("东侧楼梯")
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/patrol-ending.png")
    page.locator("#confirm [value=ok]").click()
    page.get_by_label("为什么没有到").fill("楼梯间在刷漆，封闭到明天")
    looked_at(page, "patrol-missed")
    page.get_by_role("button", name="提交说明").click()
    expect(page.get_by_label("为什么没有到")).to_have_count(0)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/patrol-ended.png", full_page=True)

    with _rows(site) as rows:
        seen = rows.execute(
            "SELECT status, anchored, scanned_at, received_at FROM patrols_stop WHERE tour_id = %s ORDER BY position",
            [ids["tour"]],
        ).fetchall()
        titles = rows.execute("SELECT title FROM findings_finding WHERE source_id = %s", [ids["tour"]]).fetchall()
    assert [row[0] for row in seen] == ["seen", "seen", "explained", "seen"]
    for status, anchored, at, received in seen:
        if status == "seen":  # when it was by the server's clock, whatever the phone's calendar says
            assert anchored and isinstance(at, datetime) and timedelta(0) <= received - at < timedelta(minutes=1)
    assert [row[0] for row in titles] == ["消火栓压力：读数 0.05MPa，超出正常范围"]

    chief = person(site, browser, "chief", phone=False)
    desk = chief.page
    looked_at(desk, "patrols")
    row = desk.locator("tbody tr", has_text="李建国")
    expect(row).to_contain_text("有漏点")
    desk.goto(site.school("alpha", f"/patrols/tours/{ids['tour']}/"))
    for _again in range(20):  # the judgement comes from a worker
        if desk.locator(".credibility").count():
            break
        desk.wait_for_timeout(500)
        desk.reload()
    score = desk.locator(".credibility b")
    expect(score).to_have_text(re.compile(r"^\d{1,2}$"))
    reasons = desk.locator("main")
    for words in ("二维码可以被翻拍", "说明：楼梯间在刷漆，封闭到明天", "表针接近零", "消火栓压力：读数 0.05MPa"):
        expect(reasons).to_contain_text(words)
    expect(desk.locator(".tour-stops img").first).not_to_have_js_property("naturalWidth", 0)
    looked_at(desk, "patrol-tour")
    desk.goto(site.school("alpha", f"/patrols/routes/{ids['route']}/"))
    looked_at(desk, "patrol-route")
    desk.set_viewport_size({"width": 360, "height": 780})
    for name, path in {
        "patrols-360": "/patrols/", "patrol-tour-360": f"/patrols/tours/{ids['tour']}/",
    }.items():  # fmt: skip
        desk.goto(site.school("alpha", path))
        looked_at(desk, name)
    for watched in (guard, chief):
        assert watched.complaints == []
