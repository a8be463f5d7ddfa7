"""A supervisor calls a post, the guard answers on a 360-pixel phone with the (fake) camera and the place code, the

cockpit shows it without being touched; the guard logs an anomaly, hands it over, and the next one accepts it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.duty_seed import PASSWORD
from tests.journeys.test_walk_offline import looked_at
from tests.running import ROOT, Site, Watched

pytestmark = pytest.mark.journey


def person(site: Site, browser: Browser, name: str, *, phone: bool) -> Watched:
    watched = Watched(
        browser.new_context(
            viewport={"width": 360, "height": 780} if phone else {"width": 1440, "height": 900},
            has_touch=phone, is_mobile=phone, locale="zh-CN", timezone_id="Asia/Shanghai",
            permissions=["camera", "microphone"],
        )
    )  # fmt: skip
    page = watched.page
    page.goto(site.school("alpha", "/m/duty/" if phone else "/duty/"))
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit], form button:not([type])").first.click()
    page.wait_for_url(re.compile(r"/duty/$"))
    return watched


def test_call_answer_anomaly_handover(site: Site, browser: Browser) -> None:
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.journeys.duty_seed"],
        env=site.env, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    ids = json.loads(made.stdout.strip().splitlines()[-1])

    guard = person(site, browser, "guard", phone=True)
    phone = guard.page
    looked_at(phone, "duty-phone-off")
    phone.get_by_label("岗位", exact=True).select_option(ids["post"])
    phone.get_by_label("岗位码").fill(ids["code"])
    phone.get_by_role("button", name="上岗", exact=True).click()
    expect(phone.get_by_text("1号公寓值班室")).to_be_visible()
    expect(phone.locator("#toasts .note")).to_contain_text("已上岗")
    looked_at(phone, "duty-phone-on")

    chief = person(site, browser, "chief", phone=False)
    board = chief.page
    row = board.locator("tbody tr", has_text="1号公寓值班室")
    expect(row).to_contain_text("李建国")
    expect(board.locator("tbody tr", has_text="南门岗")).to_contain_text("缺人")
    looked_at(board, "duty-cockpit")
    watcher = chief.context.new_page()  # a second screen on the wall that nobody touches
    watcher.goto(site.school("alpha", "/duty/"))
    row.get_by_role("button", name=re.compile("^查岗")).click()
    board.wait_for_url(re.compile(r"/duty/calls/[0-9a-f-]{36}/"))
    expect(board.locator("#call-part")).to_contain_text("李建国", timeout=30_000)  # it went out
    wall = watcher.locator("tbody tr", has_text="1号公寓值班室")
    expect(wall).to_contain_text("等待应答", timeout=30_000)

    ringing = phone.get_by_role("link", name=re.compile("正在查岗"))
    expect(ringing).to_be_visible(timeout=30_000)
    looked_at(phone, "duty-phone-ringing")
    ringing.click()
    phone.wait_for_url(re.compile(r"/m/duty/calls/"))
    looked_at(phone, "duty-phone-call")
    phone.get_by_role("button", name=re.compile("开始应答")).click()
    gesture = phone.locator(".duty-gesture")
    expect(gesture).to_contain_text("伸出")
    shown = gesture.inner_text()
    video = phone.locator(".duty-camera video")
    expect(video).not_to_have_js_property("videoWidth", 0)
    looked_at(phone, "duty-phone-challenge")
    phone.get_by_role("button", name="拍照", exact=True).click()
    expect(phone.get_by_role("button", name="重拍")).to_be_visible()
    phone.get_by_label("岗位码").fill(ids["code"])
    phone.get_by_role("button", name="提交应答").click()
    expect(phone.get_by_text("已应答", exact=False).first).to_be_visible(timeout=30_000)
    phone.goto(board.url.replace("/duty/calls/", "/m/duty/calls/"))
    expect(phone.locator("main")).to_contain_text("在岗", timeout=15_000)
    looked_at(phone, "duty-phone-answered")

    expect(board.locator("#call-part")).to_contain_text("按时应答", timeout=30_000)  # live, untouched
    expect(board.locator("#call-part")).to_contain_text(shown)
    expect(board.locator("#call-part figure img")).to_have_js_property("complete", True)
    looked_at(board, "duty-call")
    expect(wall).not_to_contain_text("等待应答", timeout=30_000)
    expect(wall).to_contain_text("在岗")

    phone.goto(site.school("alpha", "/m/duty/"))
    phone.locator(".duty-kinds label", has_text="报警").click()
    phone.locator("#r-text").fill("烟感误报，已复位")
    phone.get_by_role("button", name="登记", exact=True).click()
    expect(phone.get_by_text("我手上的未了事项（1）")).to_be_visible(timeout=30_000)
    phone.get_by_role("button", name="下岗").click()
    phone.locator("#confirm [value=ok]").click()
    expect(phone.get_by_role("alert")).to_contain_text("还有 1 件未了事项")
    looked_at(phone, "duty-phone-blocked")

    relief = person(site, browser, "next", phone=True)
    second = relief.page
    second.get_by_label("岗位", exact=True).select_option(ids["post"])
    second.get_by_role("button", name="上岗", exact=True).click()
    expect(second.locator("#toasts .note")).to_contain_text("已上岗")

    phone.goto(site.school("alpha", "/m/duty/"))
    phone.get_by_label("全部交给").select_option(ids["next"])
    phone.get_by_label("交代的话").fill("复位后请再观察一小时")
    phone.get_by_role("button", name="交接给下一班").click()
    expect(phone.get_by_text("等待接收")).to_be_visible()
    expect(wall).to_contain_text("1 件未接收", timeout=30_000)

    second.goto(site.school("alpha", "/m/duty/"))
    expect(second.get_by_text("复位后请再观察一小时")).to_be_visible()
    looked_at(second, "duty-phone-offered")
    second.get_by_role("button", name=re.compile("^接收")).click()
    expect(second.get_by_text("我手上的未了事项（1）")).to_be_visible()

    phone.goto(site.school("alpha", "/m/duty/"))
    phone.get_by_role("button", name="下岗").click()
    phone.locator("#confirm [value=ok]").click()
    expect(phone.locator("#toasts .note")).to_contain_text("日志已封存")

    for name, path in {
        "duty-calls": "/duty/calls/", "duty-anomalies": "/duty/anomalies/", "duty-handovers": "/duty/handovers/",
        "duty-posts": "/duty/posts/", "duty-post": f"/duty/posts/{ids['post']}/", "duty-cameras": "/duty/cameras/",
        "duty-log": f"/duty/posts/{ids['post']}/log/?check=1",
    }.items():  # fmt: skip
        board.goto(site.school("alpha", path))
        looked_at(board, name)
        board.set_viewport_size({"width": 360, "height": 780})
        looked_at(board, f"{name}-360")
        board.set_viewport_size({"width": 1440, "height": 900})
    expect(board.get_by_text("核验通过")).to_be_visible()
    board.goto(site.school("alpha", "/duty/"))
    board.set_viewport_size({"width": 360, "height": 780})
    looked_at(board, "duty-cockpit-360")
    # The refused sign-off is a page with status 422, which Chromium notes in the console; nothing else may be there.
    for someone in (guard, chief, relief):
        assert [c for c in someone.complaints if "422" not in c] == []
